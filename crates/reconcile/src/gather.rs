//! Asking little: tiles, then only the sequences that the tiles cannot rule out.
//!
//! In: the local photos and their tile plan. Out: published images, and what became of each tile.
//!
//! # Method
//! 1. Every tile is read once; an empty answer is asked for once more before anything is called absent.
//! 2. The shortlist keeps the sequences that lie near the photos at times which one clock offset explains.
//! 3. Those are fetched whole, in batches of at most 20 sequences and 1,500 images.
//! 4. Repair. Sequences whose line passes by while no tile shows an image of them are fetched as well, 20 a request. Where
//!    answer for a sequence lacks a good part of what the tiles show of it, it may have been cut: one request per 20 such
//!    sequences asks for some of the missing images by id. Where none of them is there they are deleted since the tile was
//!    made, as single ones are taken to be; where one is there the answer was at fault, and all of the rest is asked for.
//!    A stored answer that is older than a tile may lack what has come since then: of it a single missing image counts.
//!
//! Answers are used in a fixed order, whatever order they arrive in. A failed answer fails its tiles, never the run, unless
//! it says that every further request would fail as well (token, block, quota).

use crate::batches::{SEQUENCES_PER_BATCH, batches};
use crate::near::NearPhotos;
use crate::queue::{Bounds, in_order};
use crate::stored::Stored;
use crate::tiles_seen::SeenInTiles;
use crate::{Event, TilePlan, TileState, Watcher, pool::Pool};
use capture_model::{ImageId, LocalImages, PublishedImage, PublishedImages, Route, SequenceId};
use mapillary_api::{Api, ApiError, IMAGES_PER_REQUEST};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// An answer that lacks this share of what the tiles show of its sequence may have been cut.
const LACKING_SHARE: f64 = 0.25;

/// What the tiles route brought.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) pool: Pool,
    /// What became of each tile of the plan.
    pub(crate) tiles: Vec<TileState>,
    /// The first failure that left a lookup open, if any.
    pub(crate) failure: Option<ApiError>,
    /// Sequences in the pool, or known before, that the tiles show.
    pub(crate) in_tiles: BTreeSet<SequenceId>,
}

/// One question for whole sequences.
pub(crate) struct Batch {
    pub(crate) keys: Vec<SequenceId>,
    /// Of a stored answer the sequences that are wanted now; `None` is all of them.
    wanted: Option<BTreeSet<SequenceId>>,
    /// When a stored answer was fetched: milliseconds since the Unix epoch; `None` where it is to be fetched.
    fetched_at_ms: Option<i64>,
    /// Rows of the images that the tiles show of them.
    rows: Vec<usize>,
}

/// The tiles route. Sequences that are known whole are not asked for again. `Err` only for failures that end the run.
pub(crate) async fn by_tiles(
    api: &Api,
    images: &LocalImages,
    plan: &TilePlan,
    known: &BTreeSet<SequenceId>,
    watch: Watcher<'_>,
) -> Result<Gathered, ApiError> {
    let near = NearPhotos::new(images);
    let mut seen = SeenInTiles::read(api, plan, &near, watch).await?;
    let mut gathered =
        Gathered { tiles: std::mem::take(&mut seen.states), failure: seen.failure.take(), ..Gathered::default() };
    let batches = in_question(images, &seen, known, &Stored::of(api)?, watch);
    // Of an image without a sequence only the id is known.
    let is_lone =
        |row: &usize| seen.images.sequence[*row] == PublishedImages::NO_SEQUENCE && seen.images.id_exact[*row];
    let lone: Lacking = (0..seen.images.len()).filter(is_lone).map(|row| (ImageId(seen.images.id[row]), row)).collect();
    let mut lacking: Vec<Lacking> = Vec::new();
    let mut asked = batches.iter();
    let mut done = 0;
    let total = batches.len();
    let questions = batches.iter().map(|batch| {
        let (api, keys) = (api.clone(), batch.keys.clone());
        async move { api.images_of_sequences(&keys).await }
    });
    in_order(&Bounds::IMAGES, questions, |answer| {
        let batch = asked.next().expect("an answer a batch");
        done += 1;
        watch(Event::Entities { done, total });
        match answer {
            Ok(mut entities) => {
                if let Some(wanted) = &batch.wanted {
                    entities.retain(|image| image.sequence.as_ref().is_none_or(|key| wanted.contains(key)));
                }
                lacking.extend(lacking_of(batch, &seen, &entities));
                entities.into_iter().for_each(|image| gathered.pool.add(image, Route::Tiles));
            }
            Err(error) => {
                // Tile evidence still stands for these sequences; what stays without partner there is no proof of absence.
                let n_sequences = batch.keys.len();
                watch(Event::Problem(&format!("{error}; {n_sequences} sequences keep the evidence of their tiles")));
                gathered.keep_tile_evidence(plan, &seen, &batch.rows, error);
            }
        }
    })
    .await?;
    let some = probes(&lacking);
    ask_by_id(api, plan, &seen, &some, watch, &mut gathered).await?;
    let rest = rest_of_cut_answers(lacking, &some, &gathered.pool).chain(lone).collect();
    ask_by_id(api, plan, &seen, &in_requests(rest, &gathered.pool), watch, &mut gathered).await?;
    let all = gathered.pool.sequences().chain(known.iter().cloned());
    gathered.in_tiles = all.filter(|key| seen.shows(key)).collect();
    Ok(gathered)
}

/// The sequences worth asking for: those of stored answers, the rest packed into requests.
pub(crate) fn in_question(
    images: &LocalImages,
    seen: &SeenInTiles,
    known: &BTreeSet<SequenceId>,
    stored: &Stored,
    watch: Watcher<'_>,
) -> Vec<Batch> {
    let shortlisted = image_matcher::shortlist(images, &seen.images);
    watch(Event::Shortlisted { in_question: shortlisted.len(), seen: seen.images.sequences.len() });
    let wanted: Vec<(u32, &SequenceId)> = shortlisted
        .into_iter()
        .map(|number| (number, seen.images.sequences.value(number)))
        .filter(|(_, key)| !known.contains(*key))
        .collect();
    let mut rows_of: HashMap<u32, Vec<usize>> = wanted.iter().map(|&(number, _)| (number, Vec::new())).collect();
    for (row, number) in seen.images.sequence.iter().enumerate() {
        if let Some(rows) = rows_of.get_mut(number) {
            rows.push(row);
        }
    }
    let rows = |numbers: &[(u32, &SequenceId)]| -> Vec<usize> {
        numbers.iter().flat_map(|(number, _)| rows_of[number].iter().copied()).collect()
    };
    let unseen = seen.without_images.iter().filter(|key| !known.contains(*key));
    let ((parts, wanted), (parts_unseen, unseen)) =
        (stored.part(wanted, |(_, key)| key), stored.part(unseen, |key| key));
    let of_parts = parts.into_iter().map(|part| Batch {
        rows: rows(&part.wanted),
        wanted: part.less_than_asked(|(_, key)| (*key).clone()),
        fetched_at_ms: Some(part.fetched_at_ms),
        keys: part.asked,
    });
    let of_parts_unseen = parts_unseen.into_iter().map(|part| Batch {
        rows: Vec::new(),
        wanted: part.less_than_asked(|key| (*key).clone()),
        fetched_at_ms: Some(part.fetched_at_ms),
        keys: part.asked,
    });
    let sizes: Vec<usize> = wanted.iter().map(|(_, key)| seen.n_images_of(key)).collect();
    let packed = batches(&sizes).into_iter().map(|members| {
        let members: Vec<(u32, &SequenceId)> = members.into_iter().map(|member| wanted[member]).collect();
        let keys = members.iter().map(|(_, key)| (*key).clone()).collect();
        Batch { keys, wanted: None, fetched_at_ms: None, rows: rows(&members) }
    });
    let of_unseen = unseen.chunks(SEQUENCES_PER_BATCH).map(|keys| Batch {
        keys: keys.iter().map(|key| (*key).clone()).collect(),
        wanted: None,
        fetched_at_ms: None,
        rows: Vec::new(),
    });
    of_parts.chain(of_parts_unseen).chain(packed).chain(of_unseen).collect()
}

/// Images that the tiles show and the answer lacks, with their rows, of each sequence that lacks a good part, or any that
/// a tile shows which is newer than the answer.
fn lacking_of(batch: &Batch, seen: &SeenInTiles, entities: &[PublishedImage]) -> Vec<Lacking> {
    let answered: BTreeSet<u64> = entities.iter().map(|image| image.id.0).collect();
    let mut shown: BTreeMap<u32, (usize, Lacking)> = BTreeMap::new();
    for &row in batch.rows.iter().filter(|&&row| seen.images.id_exact[row]) {
        let (n_shown, lacking) = shown.entry(seen.images.sequence[row]).or_default();
        *n_shown += 1;
        if !answered.contains(&seen.images.id[row]) {
            lacking.push((ImageId(seen.images.id[row]), row));
        }
    }
    let is_cut = |(n_shown, lacking): &(usize, Lacking)| {
        let is_newer =
            |&(_, row): &(ImageId, usize)| batch.fetched_at_ms.is_some_and(|at| at < seen.fetched_at_ms[row]);
        let is_good_part = lacking.len() as f64 >= LACKING_SHARE * *n_shown as f64;
        !lacking.is_empty() && (is_good_part || lacking.iter().any(is_newer))
    };
    shown.into_values().filter(is_cut).map(|(_, lacking)| lacking).collect()
}

type Lacking = Vec<(ImageId, usize)>;

/// One question for images by id.
struct ById {
    ids: Vec<ImageId>,
    /// Rows of the images of which nothing is known if the answer is missing.
    rows: Vec<usize>,
}

/// Some missing images of each sequence, evenly spread, those of 20 sequences in one request.
fn probes(lacking: &[Lacking]) -> Vec<ById> {
    let of_request = |sequences: &[Lacking]| {
        let most = IMAGES_PER_REQUEST / sequences.len();
        let spread = |images: &Lacking| -> Vec<ImageId> {
            let n = images.len().min(most);
            (0..n).map(|k| images[k * images.len() / n].0).collect()
        };
        let rows = sequences.iter().flatten().map(|(_, row)| *row).collect();
        ById { ids: sequences.iter().flat_map(spread).collect(), rows }
    };
    lacking.chunks(SEQUENCES_PER_BATCH).map(of_request).collect()
}

/// Of sequences of which a missing image was there after all, what has not been asked for.
fn rest_of_cut_answers(lacking: Vec<Lacking>, asked: &[ById], pool: &Pool) -> impl Iterator<Item = (ImageId, usize)> {
    let asked: HashSet<ImageId> = asked.iter().flat_map(|question| &question.ids).copied().collect();
    let cut: Vec<Lacking> =
        lacking.into_iter().filter(|images| images.iter().any(|(id, _)| pool.holds(id.0))).collect();
    cut.into_iter().flatten().filter(move |(id, _)| !asked.contains(id))
}

/// Images packed into requests, those that are known left out.
fn in_requests(mut images: Lacking, pool: &Pool) -> Vec<ById> {
    images.retain(|(id, _)| !pool.holds(id.0));
    images.sort_unstable();
    images.dedup();
    let of_request = |images: &[(ImageId, usize)]| {
        let (ids, rows) = images.iter().copied().unzip();
        ById { ids, rows }
    };
    images.chunks(IMAGES_PER_REQUEST).map(of_request).collect()
}

/// Asks for images by id.
async fn ask_by_id(
    api: &Api,
    plan: &TilePlan,
    seen: &SeenInTiles,
    batches: &[ById],
    watch: Watcher<'_>,
    gathered: &mut Gathered,
) -> Result<(), ApiError> {
    let questions = batches.iter().map(|batch| {
        let (api, ids) = (api.clone(), batch.ids.clone());
        async move { api.images_by_ids(&ids).await }
    });
    let mut asked = batches.iter();
    in_order(&Bounds::IMAGES, questions, |answer| {
        let batch = asked.next().expect("an answer a batch");
        match answer {
            Ok(entities) => entities.into_iter().for_each(|image| gathered.pool.add(image, Route::Tiles)),
            Err(error) => {
                watch(Event::Problem(&format!(
                    "{error}; {} images keep the evidence of their tiles",
                    batch.rows.len()
                )));
                gathered.keep_tile_evidence(plan, seen, &batch.rows, error);
            }
        }
    })
    .await
}

impl Gathered {
    /// The answer about these images is missing: what the tiles say of them is all there is, and nothing may be called
    /// absent where they lie.
    fn keep_tile_evidence(&mut self, plan: &TilePlan, seen: &SeenInTiles, rows: &[usize], error: ApiError) {
        for &row in rows {
            self.pool.add(seen.images.image(row), Route::Tiles);
            let Some(position) = seen.images.original(row).or_else(|| seen.images.computed(row)) else { continue };
            let tile = tile_cover::tile_at(position, tile_cover::Zoom::COVERAGE);
            if let Ok(number) = plan.tiles.binary_search(&tile) {
                self.tiles[number] = TileState::Failed;
            }
        }
        if rows.is_empty() {
            // Sequences of which no tile shows an image may lie in any of them.
            self.tiles
                .iter_mut()
                .filter(|state| **state == TileState::Read)
                .for_each(|state| *state = TileState::Failed);
        }
        self.failure.get_or_insert(error);
    }
}

#[cfg(test)]
mod tests;
