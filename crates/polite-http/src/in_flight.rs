//! Equal questions at the same time are asked once.

use crate::{Answer, FetchError, StoreKey};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

type Outcome = Result<Answer, FetchError>;

/// The questions that are being asked.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashMap<StoreKey, Arc<OnceCell<Outcome>>>>);

/// A place at the one request that serves all equal questions. Whoever holds one may be the one who asks; if he goes
/// away, the next does.
pub(crate) struct Place<'p> {
    places: &'p InFlight,
    key: &'p StoreKey,
    pub(crate) cell: Arc<OnceCell<Outcome>>,
    /// Whether somebody else was here first.
    pub(crate) is_shared: bool,
}

impl InFlight {
    pub(crate) fn join<'p>(&'p self, key: &'p StoreKey) -> Place<'p> {
        let mut places = self.places();
        let known = places.get(key).cloned();
        let is_shared = known.is_some();
        let cell = known.unwrap_or_else(|| places.entry(key.clone()).or_default().clone());
        Place { places: self, key, cell, is_shared }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<StoreKey, Arc<OnceCell<Outcome>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    /// The first to leave with an outcome closes the place; so does the last to leave without one.
    fn drop(&mut self) {
        let mut places = self.places.places();
        let is_mine = places.get(self.key).is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        if is_mine && (self.cell.initialized() || Arc::strong_count(&self.cell) == 2) {
            places.remove(self.key);
        }
    }
}
