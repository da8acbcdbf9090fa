//! The order of things: scan, plan, gather, match, audit, report.

use crate::gather::{self, Gathered};
use crate::outputs::{self, RunFacts};
use crate::{Event, ReconcileError, TilePlan, TileRule, Watcher, user_route};
use capture_model::{LocalArchive, LocalImages, PublishedImages, Route};
use image_matcher::{Lookup, MatchOutcome, MatchSettings, match_images};
use local_archive::{ScanOptions, ScanSettings};
use mapillary_api::{Api, ApiError, ApiSettings, Usage};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How the published side is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RouteRule {
    /// The user's images when a user is named, tiles for what they leave open.
    #[default]
    Auto,
    /// Coverage tiles only.
    Tiles,
    /// The user's images only.
    User,
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
    /// Which tiles are read.
    pub tiles: TileRule,
    /// Thresholds and clocks.
    pub matching: MatchSettings,
    /// The service.
    pub api: ApiSettings,
    /// Folder of the response cache; `None` keeps nothing.
    pub cache_dir: Option<PathBuf>,
    /// Whether text cells are guarded against spreadsheets.
    pub csv_guard: bool,
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
    pub routes: Vec<Route>,
    /// The verdicts.
    pub outcome: MatchOutcome,
    /// Of each track, its tiles as `14/x/y` joined by `|`.
    pub track_tiles: Vec<String>,
    /// Requests, bytes, cache hits.
    pub usage: Usage,
    /// The first failure that left a lookup open; the reports are written all the same.
    pub failure: Option<ApiError>,
}

impl Reconciled {
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
    }
}

/// The published side of an archive.
struct Published {
    images: PublishedImages,
    routes: Vec<Route>,
    lookups: Vec<Lookup>,
    failure: Option<ApiError>,
}

/// The main job. Blocks; must not be called from inside an async runtime.
///
/// Reports are written to temporary names and renamed at the end, so that a run which fails leaves none.
pub fn reconcile(settings: &Settings, watch: Watcher<'_>) -> Result<Reconciled, ReconcileError> {
    outputs::prepare(&settings.out)?; // an unwritable folder is found before a request is spent
    let mut clock = Stages::default();

    let told = |progress: local_archive::ScanProgress| {
        watch(Event::Scanning { found: progress.files_found, read: progress.files_read });
    };
    let warn = |words: &str| watch(Event::Problem(words));
    let scanning = ScanSettings { options: settings.scan.clone(), progress: &told, warn: &warn };
    let archive = local_archive::scan(&settings.paths, &scanning)?;
    let images = archive.usable_images();
    watch(Event::Scanned { files: archive.files.len(), usable: images.len(), tracks: archive.tracks.len() });
    clock.end("scan");

    let plan = TilePlan::new(&images, settings.tiles);
    let api = open_api(settings)?;
    let published = gather_published(settings, &api, &images, &plan, watch)?;
    clock.end("fetch");

    watch(Event::Matching { photos: images.len(), images: published.images.len() });
    let outcome = match_images(&images, &published.images, &published.lookups, &settings.matching);
    clock.end("match");

    watch(Event::Writing);
    let facts = RunFacts { usage: api.usage(), timings_s: clock.timings_s };
    outputs::write(settings, (&archive, &images, &published.images, &published.routes, &outcome), &plan, &facts)?;
    Ok(Reconciled {
        archive,
        images,
        published: published.images,
        routes: published.routes,
        outcome,
        usage: facts.usage,
        track_tiles: plan.names_of_tracks(),
        failure: published.failure,
    })
}

pub(crate) fn open_api(settings: &Settings) -> Result<Api, ReconcileError> {
    let store = match &settings.cache_dir {
        Some(folder) => Some(Arc::new(response_store::ResponseStore::open(folder)?) as Arc<dyn polite_http::Store>),
        None => None,
    };
    Ok(Api::new(settings.api.clone(), store)?)
}

/// The one place where the async world meets the rest: fetching is driven to its end.
fn gather_published(
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

async fn fetch(
    settings: &Settings,
    api: &Api,
    images: &LocalImages,
    plan: &TilePlan,
    watch: Watcher<'_>,
) -> Result<Published, ReconcileError> {
    let by_user = match (&settings.user, settings.route) {
        (Some(user), RouteRule::Auto | RouteRule::User) => Some(user_route::fetch(api, user, images, watch).await?),
        (None, RouteRule::User) => return Err(ReconcileError::NoUser),
        _ => None,
    };
    let Some(mut pool) = by_user else {
        let gathered = gather::by_tiles(api, images, plan, watch).await?;
        return Ok(columns(gathered, plan));
    };
    if settings.route == RouteRule::User {
        let lookups = vec![Lookup::Complete; images.len()];
        let (published, routes) = pool.into_columns();
        return Ok(Published { images: published, routes, lookups, failure: None });
    }
    // What the user's images leave open is looked for in the tiles: a clock may be years off, or the name another's.
    let (published, _) = pool.clone().into_columns();
    let first = match_images(images, &published, &vec![Lookup::Complete; images.len()], &settings.matching);
    let open = user_route::open_tracks(&first);
    if open.iter().all(|&is_open| !is_open) {
        let (published, routes) = pool.into_columns();
        return Ok(Published {
            images: published,
            routes,
            lookups: vec![Lookup::Complete; images.len()],
            failure: None,
        });
    }
    let plan = plan.only_tracks(&open);
    let gathered = gather::by_tiles(api, images, &plan, watch).await?;
    pool.absorb(gathered.pool);
    let mut lookups = plan.lookups(&gathered.tiles);
    for (track, _) in open.iter().enumerate().filter(|(_, is_open)| !**is_open) {
        lookups[images.rows_of(track)].fill(Lookup::Complete); // the user's images alone settled it
    }
    let (published, routes) = pool.into_columns();
    Ok(Published { images: published, routes, lookups, failure: gathered.failure })
}

fn columns(gathered: Gathered, plan: &TilePlan) -> Published {
    let lookups = plan.lookups(&gathered.tiles);
    let (images, routes) = gathered.pool.into_columns();
    Published { images, routes, lookups, failure: gathered.failure }
}

/// Seconds spent in each stage, in order.
#[derive(Debug)]
struct Stages {
    since: Instant,
    timings_s: Vec<(&'static str, f64)>,
}

impl Default for Stages {
    fn default() -> Self {
        Self { since: Instant::now(), timings_s: Vec::new() }
    }
}

impl Stages {
    fn end(&mut self, stage: &'static str) {
        self.timings_s.push((stage, self.since.elapsed().as_secs_f64()));
        self.since = Instant::now();
    }
}
