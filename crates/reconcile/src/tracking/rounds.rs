//! The watch of the main job: further rounds, each only for what is not settled, until all of it is or time is up.

use super::TrackError;
use super::run::{Run, TrackedRun};
use super::tracker::Tracked;
use super::watching::{Outcome, WatchSettings, keep_seen, recalled};
use crate::{Event, ReconcileError, Watcher};
use cluster_tracker::{FeedError, State, WatchMemory};
use image_matcher::TrackVerdict;
use polite_http::{Clock, FetchError};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

impl Run<'_> {
    pub(super) fn watched(
        mut self,
        watching: &WatchSettings,
        clock: &Arc<dyn Clock>,
        watch: Watcher<'_>,
    ) -> Result<TrackedRun, ReconcileError> {
        let name = self.name_of_watch(watching.until);
        let timeout_ms = i64::try_from(watching.timeout.as_millis()).unwrap_or(i64::MAX);
        let is_alive = |kept: &WatchMemory| clock.epoch_ms() < kept.started_ms.saturating_add(timeout_ms);
        let mut kept = self.tracker.memory.watch(&name).filter(is_alive).unwrap_or_else(|| {
            let now = clock.epoch_ms();
            WatchMemory { started_ms: now, round_ms: now, ..WatchMemory::default() }
        });
        let deadline_ms = kept.started_ms.saturating_add(timeout_ms);
        self.recall_settled(&kept, watch)?;
        loop {
            self.keep(&name, &kept)?;
            let before = self.judged.outcome.clone();
            self.round(kept.round_ms, watch)?;
            let mut is_news = before != self.judged.outcome;
            for (cluster, tracked) in &self.tracked {
                is_news |=
                    kept.note(*cluster, tracked.upload.as_ref(), tracked.standing.state.as_str(), clock.epoch_ms());
                keep_seen(&mut kept, tracked);
            }
            let open = self.unsettled(watching);
            let now = clock.epoch_ms();
            let outcome = match () {
                () if open.is_empty() && self.has_failed() => Some(Outcome::Failed),
                () if open.is_empty() => Some(Outcome::Reached),
                () => (now >= deadline_ms).then_some(Outcome::TimedOut),
            };
            if let Some(outcome) = outcome {
                self.tracker.memory.end_watch(&name);
                return self.ended(now, Some(outcome), watch);
            }
            if is_news {
                self.written(now, watch)?; // whoever looks meanwhile, or kills the watch, has what is known
            }
            if kept.next_round_ms == 0 {
                kept.quiet_rounds = if is_news { 0 } else { kept.quiet_rounds + 1 };
                let wait = watching.schedule.wait(kept.quiet_rounds, clock.jitter());
                kept.next_round_ms =
                    now.saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)).min(deadline_ms);
                self.keep(&name, &kept)?;
            }
            let wait = Duration::from_millis(u64::try_from(kept.next_round_ms - clock.epoch_ms()).unwrap_or(0));
            watch(Event::Waiting { open: open.len(), followed: self.followed.len(), seconds: wait.as_secs() });
            let cancel = &watching.cancel;
            let is_stopped = self.runtime.block_on(async {
                tokio::select! {
                    () = tokio::time::sleep(wait) => false,
                    () = cancel.cancelled() => true,
                }
            });
            if is_stopped {
                return Err(TrackError::Feed(FeedError::Fetch(FetchError::Stopped)).into());
            }
            (kept.round_ms, kept.next_round_ms) = (clock.epoch_ms(), 0);
            self.look_again(&open, kept.round_ms, watch)?;
        }
    }

    /// What a watch that was killed had settled is not asked for again.
    fn recall_settled(&mut self, kept: &WatchMemory, watch: Watcher<'_>) -> Result<(), ReconcileError> {
        let mut keys = BTreeSet::new();
        for (cluster, wanted) in self.uploads_of_followed() {
            let recalled = kept.of(cluster).map(|watched| recalled(&wanted, watched));
            if let Some(tracked) = recalled.filter(|tracked| tracked.standing.state.is_settled()) {
                keys.extend(tracked.sequences.iter().cloned());
                self.tracked.insert(cluster, tracked);
            }
        }
        let api = self.tracker.api.clone(); // the answers of that time serve
        self.fetch_sequences(keys, &api, watch)
    }

    fn keep(&self, name: &str, kept: &WatchMemory) -> Result<(), ReconcileError> {
        Ok(self.tracker.memory.keep_watch(name, kept).map_err(TrackError::from)?)
    }

    /// Followed tracks that are not where they should be.
    fn unsettled(&self, watching: &WatchSettings) -> BTreeSet<usize> {
        let is_settled = |track: &usize| {
            let known: Vec<&Tracked> = self.clusters_of(*track).iter().filter_map(|id| self.tracked.get(id)).collect();
            let is_there = |tracked: &&Tracked| {
                tracked.standing.state == State::Failed
                    || watching.until.is_reached(tracked.standing.state, tracked.seen)
            };
            if known.iter().all(|tracked| matches!(tracked.standing.state, State::NotFound | State::Unknown)) {
                return self.judged.outcome.tracks[*track].verdict != TrackVerdict::NotFound; // only what is seen can tell
            }
            known.iter().all(is_there)
        };
        self.followed.iter().copied().filter(|track| !is_settled(track)).collect()
    }

    fn has_failed(&self) -> bool {
        self.tracked.values().any(|tracked| tracked.standing.state == State::Failed)
    }
}
