//! What a run will ask for, before it asks for anything.
//!
//! Tiles are counted exactly: those that the cache holds fresh are not asked for. Once it holds all of them, the sequences
//! in question are known too, and their requests are counted exactly. Before that they are a forecast: a ride is usually
//! one published sequence, so its photos are packed as the images of one.

use crate::batches::batches;
use crate::gather::in_question;
use crate::near::NearPhotos;
use crate::run::open_api;
use crate::stored::Stored;
use crate::tiles_seen::{SeenInTiles, ask};
use crate::{ReconcileError, RouteRule, Settings, TilePlan, user_route};
use capture_model::{LocalImages, SequenceId};
use mapillary_api::{Api, IMAGES_PER_PAGE, IMAGES_PER_REQUEST, QuotaToday, SEQUENCES_PER_REQUEST};
use polite_http::RequestLimit;
use std::collections::BTreeSet;

const TILE_BYTES: u64 = 400_000;
const IMAGE_BYTES: u64 = 600;

/// Requests that a run will send.
#[derive(Debug, Clone, Default)]
pub struct Forecast {
    /// Local files.
    pub files: usize,
    /// Photos that can take part.
    pub photos: usize,
    /// Local sequences.
    pub tracks: usize,
    /// The routes in the order in which they are taken, such as "sequence, user, then tiles for what they leave open".
    pub route: String,
    /// z14 tiles that the photos need, if the route reads tiles at once.
    pub tiles: usize,
    /// Of those, tiles that the cache holds.
    pub tiles_in_cache: usize,
    /// Tiles that are read only for tracks which known sequences and the user's images leave open.
    pub tiles_if_open: usize,
    /// Photos beyond ±85.0511°, where there are no tiles.
    pub beyond_mercator: usize,
    /// By endpoint.
    pub requests: Vec<RequestsAhead>,
    /// Bytes that will come, about.
    pub bytes: u64,
    /// What is left of the day's quotas.
    pub quotas: Vec<QuotaToday>,
}

/// Requests to one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestsAhead {
    /// As the summary names it.
    pub endpoint: &'static str,
    /// Name of the quota that they draw on.
    pub quota: &'static str,
    /// How many.
    pub count: usize,
    /// Whether nothing about the number is guessed.
    pub is_exact: bool,
}

impl Forecast {
    /// All requests.
    pub fn requests(&self) -> usize {
        self.requests.iter().map(|ahead| ahead.count).sum()
    }

    /// Requests that draw on a quota.
    pub fn requests_of_quota(&self, quota: &str) -> usize {
        self.requests.iter().filter(|ahead| ahead.quota == quota).map(|ahead| ahead.count).sum()
    }
}

/// Forecasts a run; sends nothing.
pub fn forecast(settings: &Settings, files: usize, images: &LocalImages) -> Result<Forecast, ReconcileError> {
    let mut silent = settings.clone();
    silent.api.max_requests = RequestLimit::of(0); // what the store does not answer fresh is not answered
    let api = open_api(&silent)?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ReconcileError::NoRuntime)?;
    runtime.block_on(ahead(settings, &api, files, images))
}

async fn ahead(settings: &Settings, api: &Api, files: usize, images: &LocalImages) -> Result<Forecast, ReconcileError> {
    let user = settings.user.as_deref().filter(|_| matches!(settings.route, RouteRule::Auto | RouteRule::User));
    let plan = TilePlan::new(images, settings.tiles);
    let mut forecast = Forecast {
        files,
        photos: images.len(),
        tracks: images.n_tracks_with_rows(),
        route: route(settings, user.is_some()),
        beyond_mercator: plan.beyond_mercator,
        quotas: api.quotas_today()?,
        ..Forecast::default()
    };
    let mut add = |endpoint, quota, count, is_exact| {
        forecast.requests.push(RequestsAhead { endpoint, quota, count, is_exact });
    };
    if !settings.sequences.is_empty() {
        add("images_by_sequence", "searches", unanswered_sequences(api, &settings.sequences).await, true);
    }
    if let Some(user) = user {
        let (mut pages, mut is_exact) = (0, true);
        for (window, n_photos) in user_route::windows(images) {
            if api.images_of_user(user, window).await.is_err() {
                (pages, is_exact) = (pages + n_photos.div_ceil(IMAGES_PER_PAGE).max(1), false);
            }
        }
        add("images_by_user", "searches", pages, is_exact);
    }
    let mut new_images = forecast.requests.iter().any(|ahead| ahead.count > 0);
    match settings.route {
        RouteRule::Auto if user.is_some() || !settings.sequences.is_empty() => {
            forecast.tiles_if_open = plan.tiles.len();
        }
        RouteRule::Auto | RouteRule::Tiles => {
            forecast.tiles = plan.tiles.len();
            for &tile in &plan.tiles {
                forecast.tiles_in_cache += usize::from(ask(api, tile).await.is_ok());
            }
            let count = forecast.tiles - forecast.tiles_in_cache;
            forecast.requests.push(RequestsAhead { endpoint: "tiles", quota: "tiles", count, is_exact: true });
            let batches = batches_ahead(settings, api, images, &plan).await;
            new_images |= batches.iter().any(|ahead| ahead.count > 0);
            forecast.requests.extend(batches);
        }
        RouteRule::User | RouteRule::Sequence => {}
    }
    let tile_bytes = (forecast.tiles - forecast.tiles_in_cache) as u64 * TILE_BYTES;
    forecast.bytes = tile_bytes + if new_images { images.len() as u64 * IMAGE_BYTES } else { 0 };
    Ok(forecast)
}

fn route(settings: &Settings, by_user: bool) -> String {
    let known = [("sequence", !settings.sequences.is_empty()), ("user", by_user)];
    let known: Vec<_> = known.iter().filter(|(_, is_taken)| *is_taken).map(|(name, _)| *name).collect();
    match (settings.route, known.is_empty()) {
        (RouteRule::Tiles, false) => format!("{}, tiles", known.join(", ")),
        (RouteRule::Tiles | RouteRule::Auto, true) => "tiles".to_owned(),
        (RouteRule::Auto, false) => format!("{}, then tiles for what is still open", known.join(", ")),
        (RouteRule::User, _) if known.is_empty() => "user".to_owned(),
        (RouteRule::User | RouteRule::Sequence, _) => known.join(", "),
    }
}

async fn unanswered_sequences(api: &Api, sequences: &[SequenceId]) -> usize {
    let keys: BTreeSet<SequenceId> = sequences.iter().cloned().collect();
    let keys: Vec<SequenceId> = keys.into_iter().collect();
    let mut unanswered = 0;
    let (_, keys) = Stored::of(api).unwrap_or_default().part(keys, |key| key);
    for batch in keys.chunks(SEQUENCES_PER_REQUEST) {
        unanswered += usize::from(!is_answered(api, batch).await);
    }
    unanswered
}

/// Whether everything of a batch is stored.
async fn is_answered(api: &Api, keys: &[SequenceId]) -> bool {
    api.images_of_sequences(keys).await.is_ok_and(|found| found.failed.is_empty())
}

/// Requests for whole sequences: counted when the tiles are known, forecast when they are not.
async fn batches_ahead(settings: &Settings, api: &Api, images: &LocalImages, plan: &TilePlan) -> Vec<RequestsAhead> {
    let known: BTreeSet<SequenceId> = settings.sequences.iter().cloned().collect();
    let seen = SeenInTiles::read(api, plan, &NearPhotos::new(images), &|_| {}).await;
    let ahead = |endpoint, quota, count, is_exact| RequestsAhead { endpoint, quota, count, is_exact };
    let mut long = Vec::new();
    let (count, is_exact) = if let Ok(seen) = seen {
        let mut unanswered = 0;
        let mut of_long = [0, 0];
        let stored = Stored::of(api).unwrap_or_default();
        for batch in in_question(images, &seen, &known, &stored, &|_| {}) {
            match batch.long(&seen) {
                Some(key) if api.images_of_long_sequence(key).await.is_ok_and(|found| found.failed.is_empty()) => {}
                Some(key) => {
                    of_long[0] += usize::from(api.image_ids(key).await.is_err());
                    of_long[1] += seen.n_images_of(key).div_ceil(IMAGES_PER_REQUEST);
                }
                None => unanswered += usize::from(!is_answered(api, &batch.keys).await),
            }
        }
        if of_long != [0, 0] {
            long.push(ahead("image_ids", "entities", of_long[0], true));
            long.push(ahead("images_by_id", "entities", of_long[1], false)); // tiles may show only a part of it
        }
        (unanswered, true)
    } else {
        let sizes = (0..images.n_tracks()).map(|track| images.rows_of(track).len());
        (batches(&sizes.filter(|&n_photos| n_photos > 0).collect::<Vec<_>>()).len(), false)
    };
    long.insert(0, ahead("images_by_sequence", "searches", count, is_exact));
    long
}
