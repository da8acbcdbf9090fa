//! The order of things: scan, plan, gather, match, audit, report.

use crate::fetch::{Published, fetch};
use crate::outputs::{self, RunFacts};
use crate::{Event, ReconcileError, TilePlan, TileRule, Watcher, withheld};
use capture_model::{Column, LocalArchive, LocalImages, PublishedImages, Route, SequenceId};
use image_matcher::{Evidence, MatchOutcome, MatchSettings, match_with_evidence};
use local_archive::{ScanOptions, ScanSettings};
use mapillary_api::{Api, ApiError, ApiSettings, Usage};
use match_report::{Basemap, Decision, OtherTables, Redaction, TrackUpload, apply_decisions};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How the published side is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RouteRule {
    /// Known sequences and the user's images where they are named, tiles for what they leave open.
    #[default]
    Auto,
    /// Coverage tiles, beside known sequences.
    Tiles,
    /// The user's images, beside known sequences; no tile.
    User,
    /// Known sequences alone.
    Sequence,
}

/// What a run is asked to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folders, tables, description files.
    pub paths: Vec<PathBuf>,
    /// How the local side is read.
    pub scan: ScanOptions,
    /// Folder of the reports.
    pub out: PathBuf,
    /// How the published side is reached.
    pub route: RouteRule,
    /// The uploader's user name.
    pub user: Option<String>,
    /// Sequences that are known beforehand: fetched whole, whatever the route.
    pub sequences: Vec<SequenceId>,
    /// Which tiles are read.
    pub tiles: TileRule,
    /// Thresholds and clocks.
    pub matching: MatchSettings,
    /// The service.
    pub api: ApiSettings,
    /// Folder of the response cache; `None` keeps nothing.
    pub cache_dir: Option<PathBuf>,
    /// What writes the tables in a further format.
    pub other_tables: Option<OtherTables>,
    /// Whether text cells are guarded against spreadsheets.
    pub csv_guard: bool,
    /// How the reports hide names, ids, places and times; `None` hides nothing.
    pub redaction: Option<Redaction>,
    /// Map tiles behind the photos of `report.html`; `None` keeps the page off the network.
    pub basemap: Option<Basemap>,
    /// What a person decided about photos that were left open.
    pub decisions: Vec<Decision>,
}

/// A run that came to its end.
#[derive(Debug)]
pub struct Reconciled {
    /// The local side.
    pub archive: LocalArchive,
    /// The usable photos.
    pub images: LocalImages,
    /// The published side.
    pub published: PublishedImages,
    /// How each published image was reached.
    pub routes: Column<Route>,
    /// The verdicts.
    pub outcome: MatchOutcome,
    /// Of each track, its tiles as `14/x/y` joined by `|`.
    pub track_tiles: Vec<String>,
    /// Of each track, what its upload says of it; empty without the tracker.
    pub uploads: Vec<TrackUpload>,
    /// Photos that a person decided.
    pub decided: usize,
    /// What spoke for and against each verdict.
    pub evidence: Evidence,
    /// Requests, bytes, cache hits.
    pub usage: Usage,
    /// The first failure that left a lookup open; the reports are written all the same.
    pub failure: Option<ApiError>,
}

impl Reconciled {
    /// The published images of every sequence that holds a match: those of `shifts.csv`.
    pub fn rows_of_matched_sequences(&self) -> Vec<u32> {
        outputs::rows_of_matched_sequences(&self.published, &self.outcome)
    }

    /// The parts as reports read them.
    pub fn report(&self) -> match_report::Report<'_> {
        match_report::Report::new(
            &self.archive,
            &self.images,
            &self.published,
            &self.outcome,
            &self.routes,
            &self.track_tiles,
        )
        .with_uploads(&self.uploads)
    }
}

/// The main job. Blocks; must not be called from inside an async runtime.
///
/// Reports are written to temporary names and renamed at the end, so that a run which fails leaves none.
pub fn reconcile(settings: &Settings, watch: Watcher<'_>) -> Result<Reconciled, ReconcileError> {
    let mut clock = Stages::default();
    let api = open_api(settings)?; // a cache that cannot be used is found before photos are read
    let local = prepare(settings, watch)?;
    clock.end("scan");
    let published = gather_published(settings, &api, &local.images, &local.plan, watch)?;
    clock.end("fetch");
    let judged = judge(settings, &local, &published, watch);
    clock.end("match");
    watch(Event::Writing);
    let facts = RunFacts { usage: api.usage(), timings_s: clock.timings_s, shifts: None };
    let done = local.into_reconciled(published, judged, facts.usage.clone());
    outputs::write(settings, &done, None, &facts)?;
    Ok(done)
}

/// The local side, and the tiles that it needs.
#[derive(Clone)]
pub(crate) struct Local {
    pub(crate) archive: LocalArchive,
    pub(crate) images: LocalImages,
    pub(crate) plan: TilePlan,
}

impl Local {
    pub(crate) fn into_reconciled(self, published: Published, judged: Judged, usage: Usage) -> Reconciled {
        Reconciled {
            archive: self.archive,
            images: self.images,
            published: published.images,
            routes: published.routes,
            outcome: judged.outcome,
            evidence: judged.evidence,
            decided: judged.decided,
            usage,
            track_tiles: self.plan.names_of_tracks(),
            uploads: Vec::new(),
            failure: published.failure,
        }
    }
}

/// Reads the local side.
pub(crate) fn prepare(settings: &Settings, watch: Watcher<'_>) -> Result<Local, ReconcileError> {
    outputs::prepare(&settings.out)?; // an unwritable folder is found before a request is spent
    let told = |progress: local_archive::ScanProgress| {
        watch(Event::Scanning { found: progress.files_found, read: progress.files_read });
    };
    let warn = |words: &str| watch(Event::Problem(words));
    let scanning = ScanSettings { options: settings.scan.clone(), progress: &told, warn: &warn };
    let mut archive = local_archive::scan(&settings.paths, &scanning)?;
    local_archive::set_copies_aside(&mut archive, &warn);
    let images = archive.usable_images();
    watch(Event::Scanned { files: archive.files.len(), usable: images.len(), tracks: images.n_tracks_with_rows() });
    let plan = TilePlan::new(&images, settings.tiles);
    Ok(Local { archive, images, plan })
}

/// What the matcher and, after it, a person said.
#[derive(Clone)]
pub(crate) struct Judged {
    pub(crate) outcome: MatchOutcome,
    evidence: Evidence,
    decided: usize,
}

/// Matches photos with what was gathered; decisions of a person come after.
pub(crate) fn judge(settings: &Settings, local: &Local, published: &Published, watch: Watcher<'_>) -> Judged {
    watch(Event::Matching { photos: local.images.len(), images: published.images.len() });
    let (mut outcome, evidence) =
        match_with_evidence(&local.images, &published.images, &published.lookups, &settings.matching);
    withheld::note(&mut outcome, &local.images, &published.withheld);
    let (decided, refused) =
        apply_decisions(&local.archive, &local.images, &published.images, &mut outcome, &settings.decisions);
    refused.iter().for_each(|words| watch(Event::Problem(words)));
    Judged { outcome, evidence, decided }
}

pub(crate) fn open_api(settings: &Settings) -> Result<Api, ReconcileError> {
    let store = match &settings.cache_dir {
        Some(folder) => Some(Arc::new(response_store::ResponseStore::open(folder)?) as Arc<dyn polite_http::Store>),
        None => None,
    };
    Ok(Api::new(settings.api.clone(), store)?)
}

/// The one place where the async world meets the rest: fetching is driven to its end.
pub(crate) fn gather_published(
    settings: &Settings,
    api: &Api,
    images: &LocalImages,
    plan: &TilePlan,
    watch: Watcher<'_>,
) -> Result<Published, ReconcileError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(ReconcileError::NoRuntime)?;
    let fetched = runtime.block_on(fetch(settings, api, images, plan, watch));
    runtime.shutdown_timeout(Duration::from_secs(5));
    fetched
}

/// Seconds spent in each stage, in order.
#[derive(Debug)]
pub(crate) struct Stages {
    since: Instant,
    pub(crate) timings_s: Vec<(&'static str, f64)>,
}

impl Default for Stages {
    fn default() -> Self {
        Self { since: Instant::now(), timings_s: Vec::new() }
    }
}

impl Stages {
    pub(crate) fn end(&mut self, stage: &'static str) {
        self.timings_s.push((stage, self.since.elapsed().as_secs_f64()));
        self.since = Instant::now();
    }
}
