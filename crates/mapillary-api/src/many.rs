//! Whole sequences by their keys, and images by their ids: many in one question.

use crate::api::{Api, below};
use crate::entity::FIELDS;
use crate::halving::{Found, Halving};
use crate::pages::without_repetition;
use crate::reading::{About, GraphList, IMAGE_IDS, IMAGES};
use crate::settings::{ENTITIES, SEARCHES};
use crate::{ApiError, StoredBatch};
use capture_model::{ImageId, PublishedImage, SequenceId};
use polite_http::{FetchError, Request, StoreKey};
use std::collections::{BTreeSet, HashSet};
use url::Url;

/// Sequences asked for in one request.
pub const SEQUENCES_PER_REQUEST: usize = 20;
/// Images asked for by id in one request: what the service's own viewer asks for.
pub const IMAGES_PER_REQUEST: usize = 200;
/// Images on a full page; a page as long as this without a next one is only a part.
pub const IMAGES_PER_PAGE: usize = 2_000;

/// The endpoint, as it is counted and as keys of the store begin.
const BY_SEQUENCE: &str = "images_by_sequence";

impl Api {
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
    /// passed over. `Err` only where every further question would fail as well.
    pub async fn images_of_sequences(&self, sequences: &[SequenceId]) -> Result<Found<SequenceId>, ApiError> {
        let mut seen = BTreeSet::new();
        let keys: Vec<_> = sequences.iter().filter(|key| key.is_url_safe() && seen.insert(*key)).cloned().collect();
        let (mut found, mut halving) = (Found::default(), Halving::new(&keys, SEQUENCES_PER_REQUEST));
        while let Some(part) = halving.next() {
            match (self.batch_of_sequences(&part.members, part.most_tries()).await, part.members.as_slice()) {
                (Ok(Some(images)), _) => {
                    halving.answered();
                    found.images.extend(images);
                }
                (Ok(None) | Err(ApiError::Fetch(FetchError::TooMuch { .. })), [single]) => {
                    Box::pin(self.add_long_sequence(single, &mut found)).await?;
                }
                (Ok(None) | Err(ApiError::Fetch(FetchError::TooMuch { .. })), _) => halving.too_much(part),
                (Err(error), _) => halving.failed(part, error, &mut found.failed)?,
            }
        }
        found.images = without_repetition(found.images);
        Ok(found)
    }

    /// All images of a sequence that is known to be too long for one answer.
    pub async fn images_of_long_sequence(&self, sequence: &SequenceId) -> Result<Found<SequenceId>, ApiError> {
        let mut found = Found::default();
        self.add_long_sequence(sequence, &mut found).await?;
        Ok(found)
    }

    /// Too long for one answer: its ids are complete, and images can be had by id.
    async fn add_long_sequence(&self, key: &SequenceId, found: &mut Found<SequenceId>) -> Result<(), ApiError> {
        let ids = match self.image_ids(key).await {
            Ok(ids) => ids,
            Err(error) if error.ends_the_run() => return Err(error),
            Err(error) => {
                found.failed.push((key.clone(), error));
                return Ok(());
            }
        };
        let by_id = self.images_by_ids(&ids).await?;
        let is_of_it = |image: &PublishedImage| image.sequence.as_ref().is_none_or(|known| known == key);
        found.images.extend(by_id.images.into_iter().filter(is_of_it));
        found.failed.extend(by_id.failed.into_iter().next().map(|(_, error)| (key.clone(), error)));
        Ok(())
    }

    /// `None` when the answer may be only a part.
    async fn batch_of_sequences(
        &self,
        batch: &[SequenceId],
        most_tries: u32,
    ) -> Result<Option<Vec<PublishedImage>>, ApiError> {
        let mut url = below(&self.0.settings.graph_url, ["images"]);
        let keys: Vec<_> = batch.iter().map(SequenceId::as_str).collect();
        url.query_pairs_mut().append_pair("sequence_ids", &keys.join(",")).append_pair("fields", FIELDS);
        let request = Request { most_tries, ..self.graph(BY_SEQUENCE, SEARCHES, url, true) };
        let about = About::Sequences(keys.into_iter().map(str::to_owned).collect());
        let mut pages = self.pages(request, &GraphList { kind: IMAGES, about }).await?;
        if let [single] = batch {
            for image in &mut pages.images {
                image.sequence.get_or_insert_with(|| single.clone());
            }
        }
        Ok((pages.last_page < IMAGES_PER_PAGE).then_some(pages.images))
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
        let with_time = |(key, fetched_at_ms): (StoreKey, i64)| {
            Some(StoredBatch { sequences: batch_of(key.as_str())?, fetched_at_ms })
        };
        Ok(keys.into_iter().filter_map(with_time).collect())
    }

    /// The images with these ids, in any order; ids that do not exist, or that the token cannot see, are absent.
    /// 200 ids are one request. `Err` only where every further question would fail as well.
    pub async fn images_by_ids(&self, ids: &[ImageId]) -> Result<Found<ImageId>, ApiError> {
        let mut seen = HashSet::new();
        let ids: Vec<_> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        let (mut found, mut halving) = (Found::default(), Halving::new(&ids, IMAGES_PER_REQUEST));
        while let Some(part) = halving.next() {
            let mut url = below(&self.0.settings.graph_url, ["images"]);
            let list = part.members.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            url.query_pairs_mut().append_pair("image_ids", &list).append_pair("fields", FIELDS);
            let is_divisible = part.members.len() > 1;
            let most_tries = part.most_tries();
            let request = Request { most_tries, ..self.graph("images_by_id", ENTITIES, url, is_divisible) };
            let about = About::Images(part.members.iter().map(|id| id.0).collect());
            match self.pages(request, &GraphList { kind: IMAGES, about }).await {
                Ok(pages) => {
                    halving.answered();
                    found.images.extend(pages.images);
                }
                Err(ApiError::Fetch(FetchError::TooMuch { .. })) if is_divisible => halving.too_much(part),
                Err(error) => halving.failed(part, error, &mut found.failed)?,
            }
        }
        found.images = without_repetition(found.images);
        Ok(found)
    }
}
