//! What a run will ask for, before it asks for anything.
//!
//! Tiles are counted exactly: those that the cache holds fresh are not asked for. Batches of images are a forecast: a ride
//! is usually one published sequence, so there are as many batches as its photos (1,500) and rides (20) fill.

use crate::{ReconcileError, RouteRule, Settings, TilePlan, run::open_api};
use capture_model::LocalImages;
use mapillary_api::{Api, QuotaToday, Tileset};

const TILE_BYTES: u64 = 400_000;
const IMAGE_BYTES: u64 = 600;
const IMAGES_PER_BATCH: usize = 1_500;
const SEQUENCES_PER_BATCH: usize = 20;
const IMAGES_PER_PAGE: usize = 2_000;

/// Requests that a run will send.
#[derive(Debug, Clone, Default)]
pub struct Forecast {
    /// Local files.
    pub files: usize,
    /// Photos that can take part.
    pub photos: usize,
    /// Local sequences.
    pub tracks: usize,
    /// Whether the user's images are asked for first.
    pub by_user: bool,
    /// z14 tiles of the photos.
    pub tiles: usize,
    /// Of those, tiles that the cache holds.
    pub tiles_in_cache: usize,
    /// Photos beyond ±85.0511°, where there are no tiles.
    pub beyond_mercator: usize,
    /// Requests for images of whole sequences, or pages of a user.
    pub image_requests: usize,
    /// Bytes that will come.
    pub bytes: u64,
    /// What is left of the day's quotas.
    pub quotas: Vec<QuotaToday>,
}

impl Forecast {
    /// All requests.
    pub fn requests(&self) -> usize {
        self.tiles - self.tiles_in_cache + self.image_requests
    }
}

/// Forecasts a run; sends nothing.
pub fn forecast(settings: &Settings, files: usize, images: &LocalImages) -> Result<Forecast, ReconcileError> {
    let mut offline = settings.clone();
    offline.api.offline = true;
    offline.api.refresh = false;
    let api = open_api(&offline)?;
    let by_user = settings.user.is_some() && settings.route != RouteRule::Tiles;
    let plan = if by_user { TilePlan::default() } else { TilePlan::new(images, settings.tiles) };
    let tiles_in_cache = if settings.api.refresh { 0 } else { cached_tiles(&api, &plan)? };
    let image_requests = if by_user {
        images.len().div_ceil(IMAGES_PER_PAGE).max(1)
    } else {
        images.len().div_ceil(IMAGES_PER_BATCH).max(images.n_tracks().div_ceil(SEQUENCES_PER_BATCH))
    };
    Ok(Forecast {
        files,
        photos: images.len(),
        tracks: images.n_tracks(),
        by_user,
        tiles: plan.tiles.len(),
        tiles_in_cache,
        beyond_mercator: TilePlan::new(images, settings.tiles).beyond_mercator,
        image_requests: if images.is_empty() { 0 } else { image_requests },
        bytes: (plan.tiles.len() - tiles_in_cache) as u64 * TILE_BYTES + images.len() as u64 * IMAGE_BYTES,
        quotas: api.quotas_today()?,
    })
}

/// Tiles that an offline client can answer.
fn cached_tiles(api: &Api, plan: &TilePlan) -> Result<usize, ReconcileError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(ReconcileError::NoRuntime)?;
    Ok(runtime.block_on(async {
        let mut found = 0;
        for &tile in &plan.tiles {
            found += usize::from(api.coverage_tile(tile, Tileset::Original).await.is_ok());
        }
        found
    }))
}
