//! The service as functions: tiles, ids of a sequence, images by sequence, by id, by user.
//!
//! A question that is too much for the service ("reduce the amount of data", a page that is full and has no next, two
//! timeouts) is halved instead of repeated. Pages are followed by taking the cursor out of `paging.next` and putting it
//! on our own URL, so that neither another host nor the token inside the link is ever used. An answer that holds
//! another question's data is distrusted as a whole and asked for again.

use crate::entity::FIELDS;
use crate::page::{Collector, read_document};
use crate::pages::without_repetition;
use crate::reading::{About, EMPTY_TILE, EMPTY_TILE_CONFIRMED, GraphList, IMAGE_IDS, IMAGES, TileReply, USER_PAGE};
use crate::settings::{ENTITIES, SEARCHES, TILES, freshness};
use crate::{ApiError, ApiSettings, QuotaToday, StoredBatch, TileAnswer, Tileset, TimeWindow, Usage};
use capture_model::{CapturedAt, ImageId, PublishedImage, SequenceId};
use polite_http::{
    Auth, Client, ClientSettings, Clock, FetchError, QuotaSettings, RedactedUrl, Request, ReqwestTransport, Source,
    Store, StoreUse, SystemClock, Transport,
};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tile_cover::Tile;
use url::Url;

/// Sequences asked for in one request.
pub const SEQUENCES_PER_REQUEST: usize = 20;
/// Images asked for by id in one request: what the service's own viewer asks for.
pub const IMAGES_PER_REQUEST: usize = 200;
/// Images on a full page; a page as long as this without a next one is only a part.
pub const IMAGES_PER_PAGE: usize = 2_000;

const LARGEST_TILE: usize = 32 << 20;
const LARGEST_JSON: usize = 64 << 20;
/// The endpoint, as it is counted and as keys of the store begin.
const BY_SEQUENCE: &str = "images_by_sequence";
/// Pages of a user are not made smaller than this; then the window of time is halved.
const SMALLEST_PAGE: usize = 125;

/// The documented API. Cheap to clone; clones share pace, budgets, store and counts.
#[derive(Clone)]
pub struct Api(pub(crate) Arc<Inner>, Option<i64>);

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

    /// All image ids of a sequence in capture order; none for an unknown sequence, or for a key that no sequence of
    /// the service can have.
    pub async fn image_ids(&self, sequence: &SequenceId) -> Result<Vec<ImageId>, ApiError> {
        if !sequence.is_url_safe() {
            return Ok(Vec::new());
        }
        let mut url = below(&self.0.settings.graph_url, ["image_ids"]);
        url.query_pairs_mut().append_pair("sequence_id", sequence.as_str());
        let request = self.graph("image_ids", ENTITIES, url, false);
        let pages = self.pages(request, &GraphList { kind: IMAGE_IDS, about: About::Anything }).await?;
        Ok(pages.images.into_iter().map(|image| image.id).collect())
    }

    /// All images of the sequences, in the order in which the service gives them. Up to 20 sequences are one request,
    /// as long as they have fewer than 2,000 images together. Keys that no sequence of the service can have are
    /// passed over.
    pub async fn images_of_sequences(&self, sequences: &[SequenceId]) -> Result<Vec<PublishedImage>, ApiError> {
        let mut seen = BTreeSet::new();
        let keys: Vec<_> = sequences.iter().filter(|key| key.is_url_safe() && seen.insert(*key)).cloned().collect();
        let mut images = Vec::new();
        let mut batches: Vec<Vec<SequenceId>> = keys.chunks(SEQUENCES_PER_REQUEST).rev().map(<[_]>::to_vec).collect();
        while let Some(batch) = batches.pop() {
            match (self.batch_of_sequences(&batch).await, batch.as_slice()) {
                (Ok(Some(found)), _) => images.extend(found),
                // Too long for one answer: its ids are complete, and images can be had by id.
                (Ok(None) | Err(ApiError::Fetch(FetchError::TooMuch { .. })), [single]) => {
                    let ids = self.image_ids(single).await?;
                    let found = self.images_by_ids(&ids).await?;
                    images.extend(
                        found.into_iter().filter(|image| image.sequence.as_ref().is_none_or(|key| key == single)),
                    );
                }
                (Ok(None) | Err(ApiError::Fetch(FetchError::TooMuch { .. })), several) => {
                    let (first, second) = several.split_at(several.len() / 2);
                    batches.extend([second.to_vec(), first.to_vec()]);
                }
                (Err(error), _) => return Err(error),
            }
        }
        Ok(without_repetition(images))
    }

    /// The sequences of each stored answer that still serves: [`Self::images_of_sequences`] with exactly these, in this order,
    /// costs no request. The newest answer comes first.
    pub fn stored_batches(&self) -> Result<Vec<StoredBatch>, ApiError> {
        let base = below(&self.0.settings.graph_url, ["images"]);
        let batch_of = |key: &str| -> Option<Vec<SequenceId>> {
            let url = Url::parse(key.strip_prefix(BY_SEQUENCE)?.strip_prefix(' ')?).ok()?;
            let mut pairs = url.query_pairs();
            let (fields, ids) = (pairs.next()?, pairs.next()?); // keys have their parameters in order
            let is_ours =
                pairs.next().is_none() && fields.0 == "fields" && fields.1 == FIELDS && ids.0 == "sequence_ids";
            let is_here = url.path() == base.path() && url.authority() == base.authority();
            (is_ours && is_here).then(|| ids.1.split(',').map(SequenceId::new).collect())
        };
        let keys = self.0.client.fresh_keys(IMAGES, self.1)?;
        let with_time = |(key, fetched_at_ms): (polite_http::StoreKey, i64)| {
            Some(StoredBatch { sequences: batch_of(key.as_str())?, fetched_at_ms })
        };
        Ok(keys.into_iter().filter_map(with_time).collect())
    }

    /// `None` when the answer may be only a part.
    async fn batch_of_sequences(&self, batch: &[SequenceId]) -> Result<Option<Vec<PublishedImage>>, ApiError> {
        let mut url = below(&self.0.settings.graph_url, ["images"]);
        let keys: Vec<_> = batch.iter().map(SequenceId::as_str).collect();
        url.query_pairs_mut().append_pair("sequence_ids", &keys.join(",")).append_pair("fields", FIELDS);
        let request = self.graph(BY_SEQUENCE, SEARCHES, url, true);
        let about = About::Sequences(keys.into_iter().map(str::to_owned).collect());
        let mut pages = self.pages(request, &GraphList { kind: IMAGES, about }).await?;
        if let [single] = batch {
            for image in &mut pages.images {
                image.sequence.get_or_insert_with(|| single.clone());
            }
        }
        Ok((pages.last_page < IMAGES_PER_PAGE).then_some(pages.images))
    }

    /// The images with these ids, in any order; ids that do not exist, or that the token cannot see, are absent.
    /// 200 ids are one request.
    pub async fn images_by_ids(&self, ids: &[ImageId]) -> Result<Vec<PublishedImage>, ApiError> {
        let mut seen = HashSet::new();
        let ids: Vec<_> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        let mut images = Vec::with_capacity(ids.len());
        let mut batches: Vec<Vec<ImageId>> = ids.chunks(IMAGES_PER_REQUEST).rev().map(<[_]>::to_vec).collect();
        while let Some(batch) = batches.pop() {
            let mut url = below(&self.0.settings.graph_url, ["images"]);
            let list = batch.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            url.query_pairs_mut().append_pair("image_ids", &list).append_pair("fields", FIELDS);
            let request = self.graph("images_by_id", ENTITIES, url, batch.len() > 1);
            let about = About::Images(batch.iter().map(|id| id.0).collect());
            match self.pages(request, &GraphList { kind: IMAGES, about }).await {
                Ok(pages) => images.extend(pages.images),
                Err(ApiError::Fetch(FetchError::TooMuch { .. })) if batch.len() > 1 => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    batches.extend([second.to_vec(), first.to_vec()]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(without_repetition(images))
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
