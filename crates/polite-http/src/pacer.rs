//! The pace of one quota, kept: waits for a slot, in the order in which it was asked.

use crate::{Cancel, FetchError, PaceState, QuotaSettings, Slot, StoreError};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// Shared by all requests of a quota.
#[derive(Debug)]
pub(crate) struct Pacer {
    pub(crate) settings: QuotaSettings,
    started: Instant,
    state: Mutex<PaceState>,
    in_flight: Semaphore,
    /// Only the head of the queue watches the clock; all others sleep.
    turn: tokio::sync::Mutex<()>,
    /// Set once the service refuses everything: nothing more is sent.
    pub(crate) ended: OnceLock<FetchError>,
}

/// The right to have one request in flight.
#[derive(Debug)]
pub(crate) struct Permit<'p> {
    _in_flight: SemaphorePermit<'p>,
    pub(crate) sent_at: Duration,
}

impl Pacer {
    /// The state counts its time from now on.
    pub(crate) fn new(settings: QuotaSettings, state: PaceState) -> Self {
        Self {
            started: Instant::now(),
            state: Mutex::new(state),
            in_flight: Semaphore::new(settings.at_once.max(1)),
            turn: tokio::sync::Mutex::new(()),
            ended: OnceLock::new(),
            settings,
        }
    }

    /// Waits for a slot. `elsewhere` says how many requests other processes have sent since it was last called; `claim`
    /// counts this one for them, or says that there is one more of theirs.
    pub(crate) async fn permit(
        &self,
        cancel: &Cancel,
        elsewhere: impl Fn() -> u64 + Send,
        claim: impl Fn() -> Result<bool, StoreError> + Send,
    ) -> Result<Permit<'_>, FetchError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(FetchError::Stopped),
            permit = self.slot(elsewhere, claim) => permit,
        }
    }

    async fn slot(
        &self,
        elsewhere: impl Fn() -> u64 + Send,
        claim: impl Fn() -> Result<bool, StoreError> + Send,
    ) -> Result<Permit<'_>, FetchError> {
        let in_flight = self.in_flight.acquire().await.expect("the semaphore is never closed");
        let _turn = self.turn.lock().await;
        loop {
            let times = elsewhere();
            let now = self.now(); // the ledger may have kept us waiting
            let slot = {
                let mut state = self.state();
                state.sent_elsewhere(now, times);
                state.next_slot(now)
            };
            match slot {
                Slot::Go if claim()? => {
                    let sent_at = self.now(); // so may the claim
                    self.state().used(sent_at);
                    return Ok(Permit { _in_flight: in_flight, sent_at });
                }
                Slot::Go => self.state().give_back(),
                Slot::NotBefore(moment) => tokio::time::sleep_until(self.started + moment).await,
            }
        }
    }

    pub(crate) fn answered(&self, permit: &Permit<'_>) {
        self.state().answered(permit.sent_at);
    }

    /// How long the quota is held from now on.
    pub(crate) fn throttled(&self, permit: &Permit<'_>, wait: Option<Duration>) -> Duration {
        let now = self.now();
        self.state().throttled(permit.sent_at, now, wait).saturating_sub(now)
    }

    pub(crate) fn usage(&self, percent: f64) {
        let now = self.now();
        self.state().usage(now, percent);
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, PaceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As SQLite does while another process writes.
    const BLOCKS: Duration = Duration::from_millis(40);

    #[tokio::test]
    async fn a_ledger_that_keeps_one_waiting_does_not_free_slots_early() {
        let settings = QuotaSettings {
            name: "tiles",
            per_minute: Some(1),
            per_day: None,
            at_once: 1,
            first_hold: Duration::from_mins(1),
            longest_hold: Duration::from_mins(10),
        };
        let pacer = Pacer::new(settings.clone(), PaceState::new(&settings));
        let elsewhere = || {
            std::thread::sleep(BLOCKS);
            0
        };
        let claim = || {
            std::thread::sleep(BLOCKS);
            Ok(true)
        };
        let permit = pacer.permit(&Cancel::default(), elsewhere, claim).await.unwrap();
        assert!(permit.sent_at >= 2 * BLOCKS, "{permit:?} is sent after the ledger has answered");
        let Slot::NotBefore(next) = pacer.state().next_slot(pacer.now()) else { panic!("the budget is used up") };
        assert!(next >= permit.sent_at + Duration::from_mins(1), "{next:?} after {permit:?}");
    }
}
