//! The calendar and the dice, both handed in, so that a test can own them. Waiting is tokio's, which tests can pause.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// The calendar clock and the dice; tests bring their own.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch, UTC.
    fn epoch_ms(&self) -> i64;
    /// A number in 0…1 for the jitter of waits.
    fn jitter(&self) -> f64;
}

/// The clock of the system.
#[derive(Debug, Default)]
pub struct SystemClock(RandomState, AtomicU64);

impl Clock for SystemClock {
    fn epoch_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn jitter(&self) -> f64 {
        let drawn = self.0.hash_one(self.1.fetch_add(1, Ordering::Relaxed));
        (drawn >> 11) as f64 / (1_u64 << 53) as f64
    }
}
