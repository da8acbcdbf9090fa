//! Several processes over one store keep one pace: each finds the others' requests in the ledger of minutes.

use crate::Store;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const MINUTE_MS: i64 = 60_000;

/// Requests of one quota in the ledger of minutes, of which those are known that this process sent or has seen.
#[derive(Debug)]
pub(crate) struct SharedPace {
    /// The name under which the ledger counts the quota by the minute.
    name: String,
    known: Mutex<BTreeMap<i64, u64>>,
}

impl SharedPace {
    /// What the ledger holds of this minute and the last: how long ago each was sent at least, and how many; from now on
    /// all of it is known.
    pub(crate) fn join(quota: &str, ledger: &dyn Store, now_ms: i64) -> (Self, [(Duration, u64); 2]) {
        let minute = now_ms.div_euclid(MINUTE_MS);
        let into_minute = Duration::from_millis(now_ms.rem_euclid(MINUTE_MS).unsigned_abs());
        let name = format!("{quota}/minute");
        let spent = |minute| ledger.spent(&name, minute).unwrap_or(0);
        let (last, this) = (spent(minute - 1), spent(minute));
        let known = Mutex::new(BTreeMap::from([(minute - 1, last), (minute, this)]));
        (Self { name, known }, [(into_minute, last), (Duration::ZERO, this)])
    }

    /// Requests that others have sent since the last time.
    pub(crate) fn elsewhere(&self, ledger: &dyn Store, now_ms: i64) -> u64 {
        let minute = now_ms.div_euclid(MINUTE_MS);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|&kept, _| kept >= minute - 1);
        let mut news = 0;
        for minute in [minute - 1, minute] {
            let spent = ledger.spent(&self.name, minute).unwrap_or(0);
            let before = known.insert(minute, spent).unwrap_or(0);
            news += spent.saturating_sub(before);
        }
        news
    }

    /// Counts a request of this process, unless another process has sent one that is not known here yet: then the pace must
    /// be asked again with it.
    pub(crate) fn claim(&self, ledger: &dyn Store, now_ms: i64) -> Result<bool, crate::StoreError> {
        let minute = now_ms.div_euclid(MINUTE_MS);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = [minute - 1, minute].map(|minute| known.get(&minute).copied().unwrap_or(0));
        let is_claimed = ledger.spend_if(&self.name, minute, counted)?;
        if is_claimed {
            *known.entry(minute).or_default() += 1;
        }
        Ok(is_claimed)
    }
}
