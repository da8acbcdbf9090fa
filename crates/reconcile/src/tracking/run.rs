//! The main job with the tracker: what the tiles and the user's images leave open is asked for by its uploads.
//!
//! # Method
//! 1. The main job up to its verdicts, as without the tracker.
//! 2. Of tracks that are not wholly published, the uploads that their files name are tracked. The sequences that this
//!    brings, and new ones that lie in the tiles of the photos, are known sequences now: they are fetched and all is
//!    matched again, so that a photo is tied by evidence and not by the feed's word.
//! 3. What is still without partner gets the reason that its upload gives it.
//!
//! A watch repeats 2 and 3, and of 1 what belongs to the tracks that are not settled: what is settled is not asked for
//! again. Every further round asks with answers of its own ([`mapillary_api::Api::newer_than`]).

use super::rows::upload_rows;
use super::tracker::{Question, Round, TrackSettings, Tracked, Tracker, Wanted};
use super::watching::{Outcome, WatchSettings};
use crate::fetch::Published;
use crate::outputs::{self, RunFacts};
use crate::pool::Pool;
use crate::run::{Judged, Local, Stages, gather_published, judge, prepare};
use crate::{Event, ReconcileError, Reconciled, Settings, TilePlan, Watcher};
use capture_model::{CapturedAt, ClusterId, FileRow, FileState, LocalArchive, LocalImages, Reason, SequenceId};
use cluster_tracker::{FeedError, NewSequences, Upload};
use image_matcher::{Lookup, TrackVerdict};
use local_archive::{ClusterRow, join_clusters};
use mapillary_api::Api;
use match_report::{TrackUpload, UploadRow};
use polite_http::Clock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tile_cover::{Zoom, tile_at};
use tokio::runtime::Runtime;

/// How uploads are tracked within the main job.
#[derive(Clone)]
pub struct Tracking {
    /// User, feed and service; what is wanted is found from the photos.
    pub track: TrackSettings,
    /// Uploads of files or sequences, from a table.
    pub clusters: Vec<ClusterRow>,
    /// Whether to go on until all is settled.
    pub watch: Option<WatchSettings>,
}

/// A main job with its uploads.
#[derive(Debug)]
pub struct TrackedRun {
    /// The main job.
    pub done: Reconciled,
    /// Uploads of the tracks that were open, as `uploads.csv` has them.
    pub uploads: Vec<UploadRow>,
    /// How the watch ended, if there was one.
    pub outcome: Option<Outcome>,
    /// Why the feed said nothing, where it was asked.
    pub feed_failure: Option<FeedError>,
}

/// What is known so far, and what is still followed.
pub(super) struct Run<'a> {
    pub(super) settings: Settings,
    pub(super) tracking: &'a Tracking,
    pub(super) tracker: Tracker,
    pub(super) runtime: Runtime,
    pub(super) local: Local,
    clock: Stages,
    pub(super) published: Published,
    pub(super) judged: Judged,
    /// Tracks that were open at first.
    pub(super) followed: BTreeSet<usize>,
    pub(super) tracked: BTreeMap<ClusterId, Tracked>,
    pub(super) feed_failure: Option<FeedError>,
}

/// The main job, then its uploads. Blocks; must not be called from inside an async runtime.
pub fn reconcile_tracked(
    settings: &Settings,
    tracking: &Tracking,
    clock: &Arc<dyn Clock>,
    watch: Watcher<'_>,
) -> Result<TrackedRun, ReconcileError> {
    let mut stages = Stages::default();
    let tracker = Tracker::open(tracking.track.clone(), Arc::clone(clock))?;
    let mut local = prepare(settings, watch)?;
    let idle = join_clusters(&mut local.archive, &tracking.clusters);
    if let Some(first) = idle.first() {
        let name = first.path.as_deref().or(first.sequence.as_deref()).unwrap_or("");
        let (n_idle, n_rows, cluster) = (idle.len(), tracking.clusters.len(), first.cluster_id);
        watch(Event::Problem(&format!(
            "the table of uploads: {n_idle} of {n_rows} rows name no local file or sequence, the first {name:?} (cluster {cluster}); a path may be shortened at its front only"
        )));
    }
    stages.end("scan");
    let published = gather_published(settings, &tracker.api, &local.images, &local.plan, watch)?;
    stages.end("fetch");
    let judged = judge(settings, &local, &published, watch);
    stages.end("match");
    // What holds no photo that could be published has nothing to wait for.
    let is_open = |(track, outcome): (usize, &image_matcher::TrackOutcome)| {
        (outcome.verdict != TrackVerdict::Published && !local.images.rows_of(track).is_empty()).then_some(track)
    };
    let followed = judged.outcome.tracks.iter().enumerate().filter_map(is_open).collect();
    // Of its own threads, so that connections of a round live on while the rest of the job works and uses them.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(ReconcileError::NoRuntime)?;
    let run = Run {
        settings: settings.clone(),
        tracking,
        tracker,
        runtime,
        local,
        clock: stages,
        published,
        judged,
        followed,
        tracked: BTreeMap::new(),
        feed_failure: None,
    };
    match &tracking.watch {
        None => run.once(clock.epoch_ms(), watch),
        Some(watching) => run.watched(watching, clock, watch),
    }
}

impl Run<'_> {
    fn once(mut self, since_ms: i64, watch: Watcher<'_>) -> Result<TrackedRun, ReconcileError> {
        self.round(since_ms, watch)?;
        self.ended(since_ms, None, watch)
    }

    /// Writes the reports with what the uploads add to them.
    pub(super) fn written(
        &self,
        now_ms: i64,
        watch: Watcher<'_>,
    ) -> Result<(Reconciled, Vec<UploadRow>), ReconcileError> {
        watch(Event::Writing);
        let mut judged = self.judged.clone();
        let of_tracks: Vec<TrackUpload> =
            (0..judged.outcome.tracks.len()).map(|track| self.tell(track, &mut judged.outcome)).collect();
        judged.outcome.notes.sort();
        let mut usage = self.tracker.api.usage();
        if let Some(feed) = self.tracker.feed.as_ref().map(cluster_tracker::Feed::usage) {
            usage.requests.extend(feed.requests);
            usage.from_store.extend(feed.from_store);
            usage.bytes_received += feed.bytes_received;
        }
        let facts = RunFacts { usage: usage.clone(), timings_s: self.clock.timings_s.clone(), shifts: None };
        let uploads = self.rows(now_ms);
        let mut done = self.local.clone().into_reconciled(self.published.clone(), judged, usage);
        done.uploads = of_tracks;
        outputs::write(&self.settings, &done, Some(&uploads), &facts)?;
        Ok((done, uploads))
    }

    pub(super) fn ended(
        mut self,
        now_ms: i64,
        outcome: Option<Outcome>,
        watch: Watcher<'_>,
    ) -> Result<TrackedRun, ReconcileError> {
        self.clock.end("track");
        let (done, uploads) = self.written(now_ms, watch)?;
        Ok(TrackedRun { done, uploads, outcome, feed_failure: self.feed_failure })
    }

    /// Asks for the uploads of the followed tracks that can still move, then looks at what is tied.
    pub(super) fn round(&mut self, since_ms: i64, watch: Watcher<'_>) -> Result<(), ReconcileError> {
        self.ask_for_uploads(since_ms, watch)?;
        self.look_at_ties(since_ms, watch)
    }

    /// Asks for uploads, and matches again if that names new sequences.
    fn ask_for_uploads(&mut self, since_ms: i64, watch: Watcher<'_>) -> Result<(), ReconcileError> {
        let wanted: Vec<Wanted> = self.uploads_of_followed().into_values().collect();
        let round = if wanted.is_empty() {
            self.runtime.block_on(self.tracker.new_sequences(since_ms))
        } else {
            let remembered: BTreeMap<ClusterId, Upload> =
                self.tracked.iter().filter_map(|(id, known)| Some((*id, known.upload.clone()?))).collect();
            let question = Question { remembered: &remembered, is_patient: true, ..Question::of(&wanted) };
            self.runtime.block_on(self.tracker.round(question, since_ms))
        }?;
        let Round { tracked, new_sequences, feed_failure, problems } = round;
        problems.iter().for_each(|problem| watch(Event::Problem(problem)));
        if let Some(error) = &feed_failure
            && self.feed_failure.as_ref() != Some(error)
        {
            watch(Event::Problem(&format!("status unknown: {error}")));
        }
        self.feed_failure = feed_failure;
        let mut keys: BTreeSet<SequenceId> =
            tracked.iter().flat_map(|tracked| tracked.sequences.iter().cloned()).collect();
        keys.extend(self.near(&new_sequences));
        for mut tracked in tracked {
            let cluster = tracked.wanted.cluster_id;
            let before = self.tracked.get(&cluster).and_then(|known| known.upload.clone());
            if self.feed_failure.is_some() && tracked.upload.is_none() {
                tracked.upload = before; // the words of the last time, beside what is seen now
            }
            self.tracked.insert(cluster, tracked);
        }
        let api = self.tracker.api.newer_than(since_ms);
        self.fetch_sequences(keys, &api, watch)
    }

    /// Fetches sequences that are not there yet, and matches again.
    pub(super) fn fetch_sequences(
        &mut self,
        mut keys: BTreeSet<SequenceId>,
        api: &Api,
        watch: Watcher<'_>,
    ) -> Result<(), ReconcileError> {
        keys.retain(|key| key.is_url_safe() && self.published.images.sequences.find(key).is_none());
        if keys.is_empty() {
            return Ok(());
        }
        let asked = Settings {
            sequences: keys.iter().cloned().collect(),
            route: crate::RouteRule::Sequence,
            ..self.settings.clone()
        };
        let found = gather_published(&asked, api, &self.local.images, &self.local.plan, watch)?;
        self.absorb(found, None);
        Ok(())
    }

    /// New sequences with an image in a tile of the photos, or of which no place is known.
    fn near(&self, new: &NewSequences) -> Vec<SequenceId> {
        let tiles: BTreeSet<_> = self.local.plan.tiles.iter().copied().collect();
        let mut places: BTreeMap<&SequenceId, Vec<_>> = new.keys.iter().map(|key| (key, Vec::new())).collect();
        for image in &new.images {
            places.entry(&image.sequence).or_default().extend(image.position);
        }
        let is_near = |places: &Vec<capture_model::Position>| {
            places.is_empty() || places.iter().any(|&place| tiles.contains(&tile_at(place, Zoom::COVERAGE)))
        };
        places.into_iter().filter(|(_, places)| is_near(places)).map(|(key, _)| key.clone()).collect()
    }

    /// Reads again what the open tracks need, and nothing else.
    pub(super) fn look_again(
        &mut self,
        open: &BTreeSet<usize>,
        since_ms: i64,
        watch: Watcher<'_>,
    ) -> Result<(), ReconcileError> {
        let images = images_of_tracks(&self.local.archive, open);
        if images.is_empty() {
            return Ok(());
        }
        let plan = TilePlan::new(&images, self.settings.tiles);
        let api: Api = self.tracker.api.newer_than(since_ms);
        let found = gather_published(&self.settings, &api, &images, &plan, watch)?;
        self.absorb(found, Some(&images));
        Ok(())
    }

    /// Adds what was found to what is known and matches all of it. `images`: the photos that it was looked for, whose
    /// lookups it replaces.
    fn absorb(&mut self, found: Published, images: Option<&LocalImages>) {
        self.published.in_tiles.extend(found.in_tiles.iter().cloned());
        let mut pool = Pool::default();
        for part in [&found, &self.published] {
            for row in 0..part.images.len() {
                pool.add(part.images.image(row), part.routes[row]);
            }
        }
        if let Some(images) = images {
            let lookups: BTreeMap<u32, Lookup> = images.file.iter().copied().zip(found.lookups).collect();
            for (row, file) in self.local.images.file.iter().enumerate() {
                if let Some(&lookup) = lookups.get(file) {
                    self.published.lookups[row] = lookup;
                }
            }
            self.published.failure = found.failure;
            self.published.withheld = found.withheld;
        }
        (self.published.images, self.published.routes) = pool.into_columns();
        self.judged = judge(&self.settings, &self.local, &self.published, &|_| ());
    }

    /// Uploads that the files of a track name.
    pub(super) fn clusters_of(&self, track: usize) -> BTreeSet<ClusterId> {
        let archive = &self.local.archive;
        archive.files.of_rows(archive.tracks[track].files.clone()).filter_map(FileRow::cluster_id).collect()
    }

    /// Uploads of followed tracks that can still move.
    pub(super) fn uploads_of_followed(&self) -> BTreeMap<ClusterId, Wanted> {
        let mut wanted: BTreeMap<ClusterId, Wanted> = BTreeMap::new();
        for &track in &self.followed {
            let known = &self.local.archive.tracks[track];
            for file in self.local.archive.files.of_rows(known.files.clone()) {
                let Some(cluster) = file.cluster_id().filter(|id| id.0 != 0) else { continue }; // 0: a dry run
                if self.tracked.get(&cluster).is_some_and(|tracked| tracked.standing.state.is_settled()) {
                    continue;
                }
                let entry = wanted.entry(cluster).or_insert_with(|| Wanted {
                    local_sequence: known.name.to_string(),
                    n_images: Some(0),
                    ..Wanted::bare(cluster)
                });
                entry.n_images = entry.n_images.map(|count| count + 1);
            }
        }
        wanted
    }

    fn rows(&self, now_ms: i64) -> Vec<UploadRow> {
        let tracked: Vec<Tracked> = self.tracked.values().cloned().collect();
        upload_rows(&tracked, CapturedAt::from_epoch_ms(now_ms))
    }
}

/// The photos of some tracks; rows of other tracks are left out, numbers of files and tracks stay.
fn images_of_tracks(archive: &LocalArchive, tracks: &BTreeSet<usize>) -> LocalImages {
    let mut part = archive.clone();
    for (number, track) in archive.tracks.iter().enumerate() {
        if !tracks.contains(&number) {
            for row in track.files.clone() {
                part.files.set_state(row, FileState::Out(Reason::NoPlace));
            }
        }
    }
    part.usable_images()
}
