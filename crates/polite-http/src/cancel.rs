//! Asking a run to stop: nothing new is sent, what is in flight is finished and kept.

use std::sync::Arc;
use tokio::sync::watch;

/// A switch that is turned once; clones are the same switch.
#[derive(Debug, Clone)]
pub struct Cancel(Arc<watch::Sender<bool>>);

impl Default for Cancel {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Cancel {
    /// Asks for the stop.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether the stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once the stop is asked for.
    pub async fn cancelled(&self) {
        // An error means that the sender is gone, but this very value holds it.
        let _ = self.0.subscribe().wait_for(|&stop| stop).await;
    }
}
