//! The service as functions: tiles, ids of a sequence, images by sequence, by id, by user.
//!
//! A question that is too much for the service ("reduce the amount of data", a page that is full and has no next, two
//! timeouts) is halved instead of repeated. Pages are followed by taking the cursor out of `paging.next` and putting it
//! on our own URL, so that neither another host nor the token inside the link is ever used. An answer that holds
//! another question's data is distrusted as a whole and asked for again.

use crate::entity::FIELDS;
use crate::page::{Collector, read_document};
use crate::pages::without_repetition;
use crate::reading::{About, EMPTY_TILE, EMPTY_TILE_CONFIRMED, GraphList, IMAGE_IDS, TileReply, USER_PAGE};
use crate::settings::{ENTITIES, SEARCHES, TILES, freshness};
use crate::{ApiError, ApiSettings, IMAGES_PER_PAGE, QuotaToday, TileAnswer, Tileset, TimeWindow, Usage};
use capture_model::{CapturedAt, PublishedImage};
use polite_http::{
    Auth, Client, ClientSettings, Clock, FetchError, QuotaSettings, RedactedUrl, Request, ReqwestTransport, Source,
    Store, StoreUse, SystemClock, Transport,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tile_cover::Tile;
use url::Url;

const LARGEST_TILE: usize = 32 << 20;
const LARGEST_JSON: usize = 64 << 20;
/// Pages of a user are not made smaller than this; then the window of time is halved.
const SMALLEST_PAGE: usize = 125;

/// The documented API. Cheap to clone; clones share pace, budgets, store and counts.
#[derive(Clone)]
pub struct Api(pub(crate) Arc<Inner>, pub(crate) Option<i64>);

pub(crate) struct Inner {
    pub(crate) settings: ApiSettings,
    pub(crate) client: Client,
    pub(crate) bad_entities: AtomicU64,
}

impl Api {
    /// An API over HTTP. Without a store every answer is forgotten with the process.
    pub fn new(settings: ApiSettings, store: Option<Arc<dyn Store>>) -> Result<Self, ApiError> {
        let agent = concat!("tiepoint/", env!("CARGO_PKG_VERSION"));
        let transport = Arc::new(ReqwestTransport::new(agent, settings.wire_limits())?);
        Self::over(settings, store, transport, Arc::new(SystemClock::default()))
    }

    /// An API over any transport and clock.
    pub fn over(
        settings: ApiSettings,
        store: Option<Arc<dyn Store>>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ApiError> {
        settings.check()?;
        let behaviour = ClientSettings {
            quotas: settings.quotas(),
            retry: settings.retry(),
            freshness,
            offline: settings.offline,
            refresh: settings.refresh,
            max_requests: settings.max_requests.clone(),
            cancel: settings.cancel.clone(),
        };
        let client = Client::new(behaviour, transport, store, clock);
        Ok(Self(Arc::new(Inner { settings, client, bad_entities: AtomicU64::new(0) }), None))
    }

    /// The same, but answers fetched before this moment (ms since the Unix epoch) do not serve: what a watch asks with,
    /// each round anew.
    pub fn newer_than(&self, epoch_ms: i64) -> Self {
        Self(Arc::clone(&self.0), Some(epoch_ms))
    }

    /// A coverage tile. An empty answer means "empty for now"; see [`Self::confirm_empty_tile`].
    pub async fn coverage_tile(&self, tile: Tile, tileset: Tileset) -> Result<TileAnswer, ApiError> {
        Box::pin(self.tile(tile, tileset, StoreUse::Normal, EMPTY_TILE)).await
    }

    /// Asks once more for a tile that came back empty: the tile host is known to answer 404 for tiles that it shows on
    /// the next day. The second answer is kept as such, so that a later run within the freshness asks nothing.
    pub async fn confirm_empty_tile(&self, tile: Tile, tileset: Tileset) -> Result<TileAnswer, ApiError> {
        Box::pin(self.tile(tile, tileset, StoreUse::UnlessKind(EMPTY_TILE), EMPTY_TILE_CONFIRMED)).await
    }

    async fn tile(
        &self,
        tile: Tile,
        tileset: Tileset,
        store_use: StoreUse,
        empty_kind: &'static str,
    ) -> Result<TileAnswer, ApiError> {
        let place = [tile.zoom.level().to_string(), tile.x.to_string(), tile.y.to_string()];
        let fixed = ["maps", "vtp", tileset.as_str(), "2"];
        let url = below(&self.0.settings.tiles_url, fixed.into_iter().chain(place.iter().map(String::as_str)));
        let auth = |token| Auth::Query { name: "access_token", token };
        let request = Request {
            url,
            auth: self.0.settings.token.clone().map_or(Auth::Missing, auth),
            endpoint: "tiles",
            quota: TILES,
            largest_body: LARGEST_TILE,
            divisible: false,
            confirm_open_end: true,
            most_tries: u32::MAX,
            // Whoever polls looks again anyway, so one empty answer a round is enough.
            store_use: self.1.map_or(store_use, StoreUse::Since),
        };
        let answer = self.0.client.fetch(&request, &TileReply { empty_kind }).await?;
        let is_empty = [EMPTY_TILE, EMPTY_TILE_CONFIRMED].contains(&&*answer.kind);
        Ok(TileAnswer {
            bytes: if is_empty { Arc::default() } else { answer.body },
            is_stored: answer.source == Source::Store,
            fetched_at_ms: answer.fetched_at_ms,
        })
    }

    /// Everything that a user published with a capture time within the window (or without one), in any order. Pages
    /// are followed to the end; a page that is too much is made smaller, then the window is halved.
    pub async fn images_of_user(&self, user: &str, window: TimeWindow) -> Result<Vec<PublishedImage>, ApiError> {
        let (from_s, to_s) = (window.start.epoch_ms().div_euclid(1_000), window.end.epoch_ms().div_euclid(1_000) + 1);
        let mut images = Vec::new();
        let mut parts = vec![(from_s, to_s, IMAGES_PER_PAGE)];
        while let Some((from_s, to_s, limit)) = parts.pop() {
            let iso = |seconds: i64| CapturedAt::from_epoch_ms(seconds * 1_000).to_string().replace(".000Z", "Z");
            let mut url = below(&self.0.settings.graph_url, ["images"]);
            url.query_pairs_mut()
                .append_pair("creator_username", user)
                .append_pair("start_captured_at", &iso(from_s))
                .append_pair("end_captured_at", &iso(to_s))
                .append_pair("limit", &limit.to_string())
                .append_pair("fields", FIELDS);
            let shown = RedactedUrl::new(&url);
            let request = self.graph("images_by_user", SEARCHES, url, true);
            let too_much = match self.pages(request, &GraphList { kind: USER_PAGE, about: About::Anything }).await {
                Ok(pages) if pages.last_page < limit || pages.were_linked => {
                    images.extend(pages.images);
                    continue;
                }
                Ok(_) => ApiError::OnlyAPart { url: shown },
                Err(ApiError::Fetch(FetchError::TooMuch { .. })) if limit > SMALLEST_PAGE => {
                    parts.push((from_s, to_s, limit / 4));
                    continue;
                }
                Err(error @ ApiError::Fetch(FetchError::TooMuch { .. })) => error,
                Err(error) => return Err(error),
            };
            let middle_s = from_s.midpoint(to_s);
            if middle_s == from_s || middle_s == to_s {
                return Err(too_much);
            }
            // Whether the service counts the ends in is not known, so both halves hold the middle.
            parts.extend([(middle_s, to_s, limit), (from_s, middle_s, limit)]);
        }
        let within = |image: &PublishedImage| image.captured_at.is_none_or(|t| window.start <= t && t <= window.end);
        images.retain(within);
        Ok(without_repetition(images))
    }

    /// One cheap question that shows whether the token works: how many images a sequence that is known to be public
    /// has. 0 on the real service means that the token is accepted but sees nothing, as the client *secret* does.
    /// Nothing is taken from the store and nothing is kept.
    pub async fn try_token(&self) -> Result<usize, ApiError> {
        let mut url = below(&self.0.settings.graph_url, ["image_ids"]);
        url.query_pairs_mut().append_pair("sequence_id", "1YXrVbZ2jh8FvpHzldW6wS");
        let mut request = self.graph("image_ids", ENTITIES, url, false);
        request.store_use = StoreUse::Bypass;
        let answer = self.0.client.fetch(&request, &GraphList { kind: IMAGE_IDS, about: About::Anything }).await?;
        let mut collector = Collector::of_answer();
        let _ = read_document(&answer.body, &mut collector); // it was read once already, to be accepted
        Ok(collector.images.len())
    }

    /// What the run has cost so far.
    pub fn usage(&self) -> Usage {
        let usage = self.0.client.usage();
        Usage {
            requests: usage.requests,
            bytes_received: usage.bytes_received,
            from_store: usage.from_store,
            shared: usage.shared,
            bad_entities: self.0.bad_entities.load(Ordering::Relaxed),
        }
    }

    /// What each quota has left today, over all runs with this store.
    pub fn quotas_today(&self) -> Result<Vec<QuotaToday>, ApiError> {
        let today = |quota: QuotaSettings| {
            let spent = self.0.client.spent_today(quota.name)?;
            Ok(QuotaToday { name: quota.name, spent, per_day: quota.per_day, per_minute: quota.per_minute })
        };
        self.0.settings.quotas().into_iter().map(today).collect()
    }

    pub(crate) fn graph(&self, endpoint: &'static str, quota: &'static str, url: Url, divisible: bool) -> Request {
        let auth = |token| Auth::Header { scheme: "OAuth", token };
        Request {
            url,
            auth: self.0.settings.token.clone().map_or(Auth::Missing, auth),
            endpoint,
            quota,
            largest_body: LARGEST_JSON,
            divisible,
            confirm_open_end: false, // a cut document does not parse
            most_tries: u32::MAX,
            store_use: self.1.map_or(StoreUse::Normal, StoreUse::Since),
        }
    }
}

/// The base with path segments added.
pub(crate) fn below<'s>(base: &Url, segments: impl IntoIterator<Item = &'s str>) -> Url {
    let mut url = base.clone();
    url.path_segments_mut().expect("a checked base URL has a path").pop_if_empty().extend(segments);
    url
}

#[cfg(test)]
mod tests;
