//! Round after round, until all uploads are where they should be, one has failed for good, or the time is up.
//!
//! What a watch knows is kept after each round, and from which moment the answers of the present round count. A watch that
//! is killed goes on there: the answers of its round come out of the store, the next round begins when it was due.

use super::TrackError;
use super::tracker::{Question, Round, Tracked, Tracker, Wanted, counts_differ, is_open};
use capture_model::{CapturedAt, ClusterId, SequenceId};
use cluster_tracker::{FeedError, Goal, NewSequences, Schedule, Standing, State, Upload, WatchMemory, Watched};
use polite_http::{Cancel, FetchError};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What a watch waits for, and how long.
#[derive(Debug, Clone)]
pub struct WatchSettings {
    /// How far uploads must have come.
    pub until: Goal,
    /// The whole of the watch, over restarts.
    pub timeout: Duration,
    /// How the waits grow.
    pub schedule: Schedule,
    /// The switch that stops the run.
    pub cancel: Cancel,
}

/// How a watch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All uploads have come as far as they should.
    Reached,
    /// No upload is under way any more, and some have failed.
    Failed,
    /// The time is up.
    TimedOut,
}

/// Told after each round: its uploads, how many are settled, and how long until the next.
pub type Tell<'a> = &'a dyn Fn(&Round, usize, Option<Duration>);

/// Watches the uploads of a tracker. The round that is given back holds all of them.
pub async fn watch_uploads(
    tracker: &Tracker,
    settings: &WatchSettings,
    tell: Tell<'_>,
) -> Result<(Round, Outcome), TrackError> {
    let name = tracker.name_of_watch(settings.until).await;
    let now = || tracker.clock.epoch_ms();
    let timeout_ms = i64::try_from(settings.timeout.as_millis()).unwrap_or(i64::MAX);
    let is_alive = |kept: &WatchMemory| now() < kept.started_ms.saturating_add(timeout_ms);
    let mut kept = tracker.memory.watch(&name).filter(is_alive).unwrap_or_else(|| {
        let now = now();
        WatchMemory { started_ms: now, round_ms: now, ..WatchMemory::default() }
    });
    let deadline_ms = kept.started_ms.saturating_add(timeout_ms);
    let mut settled: BTreeMap<ClusterId, Tracked> = BTreeMap::new();
    let mut wanted = restore(tracker, &kept, settings, &mut settled);
    loop {
        tracker.memory.keep_watch(&name, &kept)?;
        let is_first = kept.uploads.is_empty();
        let mut round = if wanted.is_empty() && !settled.is_empty() {
            Round {
                tracked: Vec::new(),
                new_sequences: NewSequences::default(),
                feed_failure: None,
                problems: Vec::new(),
            }
        } else {
            let remembered = remembered(&kept);
            let lists_newest = tracker.settings.lists_newest && !kept.is_listed;
            let question = Question { wanted: &wanted, lists_newest, remembered: &remembered, is_patient: true };
            tracker.round(question, kept.round_ms).await?
        };
        if is_first && let Some(FeedError::TokenRefused { .. } | FeedError::TokenMalformed) = &round.feed_failure {
            return Err(round.feed_failure.take().map_or(TrackError::NotAUserToken, TrackError::Feed)); // no waiting mends it
        }
        let is_news = note(&mut kept, &mut round, now());
        kept.is_listed |= round.feed_failure.is_none();
        for tracked in &round.tracked {
            if is_settled(tracked, settings.until) {
                settled.insert(tracked.wanted.cluster_id, tracked.clone());
            }
        }
        wanted = round.tracked.iter().map(|tracked| tracked.wanted.clone()).collect();
        wanted.retain(|wanted| !settled.contains_key(&wanted.cluster_id));
        // All uploads, the settled ones as they were last.
        let present: Vec<ClusterId> = round.tracked.iter().map(|tracked| tracked.wanted.cluster_id).collect();
        round.tracked.extend(settled.values().filter(|known| !present.contains(&known.wanted.cluster_id)).cloned());

        let feed_is_silent = round.tracked.is_empty() && round.feed_failure.is_some();
        let outcome = if wanted.is_empty() && !feed_is_silent {
            let has_failed = round.tracked.iter().any(|tracked| tracked.standing.state == State::Failed);
            Some(if has_failed { Outcome::Failed } else { Outcome::Reached })
        } else {
            (now() >= deadline_ms).then_some(Outcome::TimedOut)
        };
        if let Some(outcome) = outcome {
            tracker.memory.end_watch(&name);
            tell(&round, settled.len(), None);
            return Ok((round, outcome));
        }
        if kept.next_round_ms == 0 {
            kept.quiet_rounds = if is_news { 0 } else { kept.quiet_rounds + 1 };
            let wait = settings.schedule.wait(kept.quiet_rounds, tracker.clock.jitter());
            kept.next_round_ms =
                now().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)).min(deadline_ms);
            tracker.memory.keep_watch(&name, &kept)?;
        }
        let wait = Duration::from_millis(u64::try_from(kept.next_round_ms - now()).unwrap_or(0));
        tell(&round, settled.len(), Some(wait));
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = settings.cancel.cancelled() => return Err(FeedError::Fetch(FetchError::Stopped).into()),
        }
        (kept.round_ms, kept.next_round_ms) = (now(), 0);
    }
}

/// Whether nothing more is to be asked of an upload.
fn is_settled(tracked: &Tracked, until: Goal) -> bool {
    tracked.standing.state == State::Failed || until.is_reached(tracked.standing.state, tracked.seen)
}

/// What the feed said of each upload when it was heard last.
fn remembered(kept: &WatchMemory) -> BTreeMap<ClusterId, Upload> {
    kept.uploads.values().filter_map(Watched::upload).map(|upload| (upload.cluster_id, upload)).collect()
}

/// Puts what the round says into the memory, and what only the memory knows into the round. Whether there is news.
fn note(kept: &mut WatchMemory, round: &mut Round, now_ms: i64) -> bool {
    let mut is_news = false;
    for tracked in &mut round.tracked {
        let cluster = tracked.wanted.cluster_id;
        let has_vanished = tracked.upload.is_none() && kept.of(cluster).and_then(Watched::upload).is_some();
        if has_vanished && round.feed_failure.is_none() {
            tracked
                .standing
                .notes
                .push("it was in the feed before and is gone; its words are those of the last time".to_owned());
        }
        is_news |= kept.note(cluster, tracked.upload.as_ref(), tracked.standing.state.as_str(), now_ms);
        keep_seen(kept, tracked);
        let known = kept.uploads.entry(cluster.to_string()).or_default();
        if tracked.upload.is_none() {
            tracked.upload = known.upload();
        }
        if is_open(tracked.standing.state) {
            let since = CapturedAt::from_epoch_ms(known.since_ms);
            if !tracked.standing.notes.iter().any(|note| note.starts_with("no progress")) {
                tracked.standing.observe_age(Some(since), CapturedAt::from_epoch_ms(now_ms));
            }
        }
    }
    is_news
}

/// What a watch that was killed had settled; the uploads that it has still to ask for.
fn restore(
    tracker: &Tracker,
    kept: &WatchMemory,
    settings: &WatchSettings,
    settled: &mut BTreeMap<ClusterId, Tracked>,
) -> Vec<Wanted> {
    let mut wanted = tracker.settings.wanted.clone();
    let named: BTreeSet<ClusterId> = wanted.iter().map(|wanted| wanted.cluster_id).collect();
    let listed = kept.uploads.keys().filter_map(|cluster| cluster.parse().ok()).filter(|id| !named.contains(id));
    let local = |id| tracker.settings.known.get(&id).cloned().unwrap_or_else(|| Wanted::bare(id));
    wanted.extend(listed.map(local));
    for known in &wanted {
        let Some(watched) = kept.of(known.cluster_id) else { continue };
        let tracked = recalled(known, watched);
        if is_settled(&tracked, settings.until) {
            settled.insert(known.cluster_id, tracked);
        }
    }
    wanted.retain(|wanted| !settled.contains_key(&wanted.cluster_id));
    wanted
}

/// An upload as a watch saw it last.
pub(super) fn recalled(wanted: &Wanted, watched: &Watched) -> Tracked {
    let upload = watched.upload();
    let mut standing = match &upload {
        Some(upload) => Standing::of(upload, watched.seen),
        None => Standing::without_feed(watched.seen, "seen by documented calls before the watch was begun again"),
    };
    let n_said = upload.as_ref().and_then(|upload| upload.item_count);
    standing.notes.extend(counts_differ(n_said, watched.n_found, wanted.n_images));
    Tracked {
        wanted: wanted.clone(),
        upload,
        seen: watched.seen,
        sequences: watched.sequence_ids.iter().map(|key| SequenceId::new(key)).collect(),
        n_found: watched.n_found,
        standing,
    }
}

/// Remembers of an upload what its words do not say.
pub(super) fn keep_seen(kept: &mut WatchMemory, tracked: &Tracked) {
    let known = kept.uploads.entry(tracked.wanted.cluster_id.to_string()).or_default();
    known.seen = tracked.seen;
    known.n_found = tracked.n_found.or(known.n_found);
    known.sequence_ids = tracked.sequences.iter().map(|key| key.as_str().to_owned()).collect();
}
