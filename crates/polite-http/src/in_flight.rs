//! Equal questions at the same time are asked once.

use crate::{Answer, FetchError, StoreKey, StoreUse};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::OnceCell;

type Outcome = Result<Answer, FetchError>;
/// Two questions are equal when they ask the same and are content with the same.
pub(crate) type Question = (StoreKey, StoreUse);

/// The questions that are being asked.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashMap<Question, Arc<OnceCell<Outcome>>>>);

/// A place at the one request that serves all equal questions. Whoever holds one may be the one who asks; if he goes
/// away, the next does.
pub(crate) struct Place<'p> {
    places: &'p InFlight,
    key: &'p Question,
    /// There until the drop, which gives it up while it holds the table.
    cell: Option<Arc<OnceCell<Outcome>>>,
    /// Whether somebody else was here first.
    pub(crate) is_shared: bool,
}

impl InFlight {
    pub(crate) fn join<'p>(&'p self, key: &'p Question) -> Place<'p> {
        let mut places = self.places();
        let known = places.get(key).cloned();
        let is_shared = known.is_some();
        let cell = known.unwrap_or_else(|| places.entry(key.clone()).or_default().clone());
        Place { places: self, key, cell: Some(cell), is_shared }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<Question, Arc<OnceCell<Outcome>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Where the outcome appears.
    pub(crate) fn cell(&self) -> &OnceCell<Outcome> {
        self.cell.as_ref().expect("only the drop takes it")
    }
}

impl Drop for Place<'_> {
    /// The last to leave closes the place.
    fn drop(&mut self) {
        let mut places = self.places.places();
        self.cell = None; // inside the lock, so that of two who leave at once the second sees that he is the last
        if places.get(self.key).is_some_and(|cell| Arc::strong_count(cell) == 1) {
            places.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_there_as_long_as_somebody_waits() {
        let question = |name: &str, store_use| (StoreKey(name.into()), store_use);
        let in_flight = InFlight::default();
        let (a, b) = (question("a", StoreUse::Normal), question("a", StoreUse::UnlessKind("empty")));
        let first = in_flight.join(&a);
        let second = in_flight.join(&a);
        assert_eq!((first.is_shared, second.is_shared, in_flight.join(&b).is_shared), (false, true, false));
        drop(first);
        let third = in_flight.join(&a);
        assert!(third.is_shared && std::ptr::eq(second.cell(), third.cell()));
        assert_eq!(in_flight.places().len(), 1);
        drop((second, third));
        assert!(in_flight.places().is_empty());
    }

    #[test]
    fn places_are_closed_however_many_leave_at_once() {
        let (in_flight, key) = (InFlight::default(), (StoreKey("a".into()), StoreUse::Normal));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..5_000).for_each(|_| drop(in_flight.join(&key))));
            }
        });
        assert!(in_flight.places().is_empty());
    }
}
