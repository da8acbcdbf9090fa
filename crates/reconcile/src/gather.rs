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
//! Answers are used in a fixed order, whatever order they arrive in. An answer that is missing leaves open the tracks for
//! which its sequence is in question, never the run, unless it says that every further request would fail as well (token,
//! block, quota). Where not one of the images that the tiles show is handed out, one request asks for images of other
//! sequences there; if it brings none either, all of these answers count as missing: a token that sees nothing is answered
//! with empty lists, not with a refusal.

use crate::batches::{SEQUENCES_PER_BATCH, batches};
use crate::near::NearPhotos;
use crate::queue::{Bounds, in_order};
use crate::stored::Stored;
use crate::tiles_seen::SeenInTiles;
use crate::{Event, TilePlan, TileState, Watcher, pool::Pool};
use capture_model::{ImageId, LocalImages, PublishedImage, PublishedImages, Route, SequenceId};
use image_matcher::{Lookup, tracks_in_question};
use mapillary_api::{Api, ApiError, IMAGES_PER_PAGE, IMAGES_PER_REQUEST};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// An answer that lacks this share of what the tiles show of its sequence may have been cut.
const LACKING_SHARE: f64 = 0.25;

/// So many images that the tiles show and of which none is handed out are no coincidence.
const HANDFUL: usize = 5;

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
    /// Images that the tiles show and that the service does not hand out, although it was asked.
    pub(crate) withheld: PublishedImages,
    /// Of each track, whether a sequence is in question for it of which the answer is missing; empty where none is.
    open: Vec<bool>,
    /// Rows of the images that the tiles show of what is missing.
    missing: BTreeSet<usize>,
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

impl Batch {
    /// The only sequence, where the tiles show more of it than one answer holds: it is asked for by its ids at once.
    pub(crate) fn long(&self, seen: &SeenInTiles) -> Option<&SequenceId> {
        let [key] = &self.keys[..] else { return None };
        (seen.n_images_of(key) >= IMAGES_PER_PAGE).then_some(key)
    }
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
        let (api, keys, long) = (api.clone(), batch.keys.clone(), batch.long(&seen).cloned());
        async move {
            match long {
                Some(key) => api.images_of_long_sequence(&key).await,
                None => api.images_of_sequences(&keys).await,
            }
        }
    });
    let mut answered: Vec<usize> = Vec::new();
    in_order(&Bounds::IMAGES, questions, |answer| {
        let batch = asked.next().expect("an answer a batch");
        done += 1;
        watch(Event::Entities { done, total });
        match answer {
            Ok(mut found) => {
                if let Some(wanted) = &batch.wanted {
                    found.images.retain(|image| image.sequence.as_ref().is_none_or(|key| wanted.contains(key)));
                    found.failed.retain(|(key, _)| wanted.contains(key));
                }
                // Tile evidence still stands for sequences that failed; what stays without partner there is no proof of
                // absence.
                let rows = gathered.keep_failed(&seen, &batch.rows, found.failed, watch);
                lacking.extend(lacking_of(batch, &rows, &seen, &found.images));
                answered.extend(rows);
                found.images.into_iter().for_each(|image| gathered.pool.add(image, Route::Tiles));
            }
            Err(error) => gathered.keep_tile_evidence(&seen, &batch.rows, error),
        }
    })
    .await?;
    let some = probes(&lacking);
    ask_by_id(api, &seen, &some, watch, &mut gathered).await?;
    if gathered.is_nothing_handed_out(&seen, &answered) && !hands_out_others(api, &seen, &batches).await? {
        gathered.distrust(&seen, &answered, watch);
    }
    let rest = rest_of_cut_answers(lacking, &some, &gathered.pool).chain(lone).collect();
    ask_by_id(api, &seen, &in_requests(rest, &gathered.pool), watch, &mut gathered).await?;
    let is_withheld = |row: &&usize| seen.images.id_exact[**row] && !gathered.pool.holds(seen.images.id[**row]);
    let withheld: Vec<PublishedImage> =
        answered.iter().filter(is_withheld).map(|&row| seen.images.image(row)).collect();
    withheld.iter().for_each(|image| gathered.withheld.push(image));
    if !gathered.missing.is_empty() {
        gathered.open = tracks_in_question(images, &seen.images, |row| gathered.missing.contains(&row));
    }
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
fn lacking_of(batch: &Batch, rows: &[usize], seen: &SeenInTiles, entities: &[PublishedImage]) -> Vec<Lacking> {
    let answered: BTreeSet<u64> = entities.iter().map(|image| image.id.0).collect();
    let mut shown: BTreeMap<u32, (usize, Lacking)> = BTreeMap::new();
    for &row in rows.iter().filter(|&&row| seen.images.id_exact[row]) {
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
            Ok(found) => {
                found.images.into_iter().for_each(|image| gathered.pool.add(image, Route::Tiles));
                let Some((_, error)) = found.failed.first() else { return };
                let failed: HashSet<u64> = found.failed.iter().map(|(id, _)| id.0).collect();
                // Of a sequence of which one image failed nothing is known by the others.
                let sequences: BTreeSet<u32> = batch
                    .rows
                    .iter()
                    .filter(|&&row| failed.contains(&seen.images.id[row]))
                    .map(|&row| seen.images.sequence[row])
                    .collect();
                let is_open = |row: &usize| {
                    failed.contains(&seen.images.id[*row])
                        || (seen.images.sequence[*row] != PublishedImages::NO_SEQUENCE
                            && sequences.contains(&seen.images.sequence[*row])
                            && !gathered.pool.holds(seen.images.id[*row]))
                };
                let rows: Vec<usize> = batch.rows.iter().copied().filter(is_open).collect();
                watch(Event::Problem(&format!("{error}; {} images keep the evidence of their tiles", rows.len())));
                gathered.keep_tile_evidence(seen, &rows, error.clone());
            }
            Err(error) => gathered.keep_tile_evidence(seen, &batch.rows, error),
        }
    })
    .await
}

impl Gathered {
    /// What each photo may conclude.
    pub(crate) fn lookups(&self, plan: &TilePlan, images: &LocalImages) -> Vec<Lookup> {
        let mut lookups = plan.lookups(&self.tiles);
        for (track, _) in self.open.iter().enumerate().filter(|(_, is_open)| **is_open) {
            let of_track = lookups[images.rows_of(track)].iter_mut();
            of_track.filter(|lookup| **lookup == Lookup::Complete).for_each(|lookup| *lookup = Lookup::Failed);
        }
        lookups
    }

    /// Whether something is in question for a track of which the answer is missing.
    pub(crate) fn leaves_open(&self, track: usize) -> bool {
        self.open.get(track).copied().unwrap_or(false)
    }

    /// Keeps what the tiles say of the sequences that failed; gives back the rows of the others.
    fn keep_failed(
        &mut self,
        seen: &SeenInTiles,
        rows: &[usize],
        failed: Vec<(SequenceId, ApiError)>,
        watch: Watcher<'_>,
    ) -> Vec<usize> {
        let Some((_, error)) = failed.first() else { return rows.to_vec() };
        let n_failed = failed.len();
        watch(Event::Problem(&format!("{error}; {n_failed} sequences keep the evidence of their tiles")));
        let error = error.clone();
        let failed: BTreeSet<SequenceId> = failed.into_iter().map(|(key, _)| key).collect();
        let numbers: BTreeSet<u32> = failed.iter().filter_map(|key| seen.images.sequences.find(key)).collect();
        let (of_failed, others): (Vec<usize>, Vec<usize>) =
            rows.iter().partition(|&&row| numbers.contains(&seen.images.sequence[row]));
        self.keep_tile_evidence(seen, &of_failed, error);
        // A sequence of which no tile shows an image may lie wherever its line was seen.
        for &tile in failed.iter().flat_map(|key| seen.tiles_of_line(key)) {
            if self.tiles[tile] == TileState::Read {
                self.tiles[tile] = TileState::Failed;
            }
        }
        others
    }

    /// The answer about these images is missing: what the tiles say of them is all there is, and nothing may be called
    /// absent of the tracks for which they are in question.
    fn keep_tile_evidence(&mut self, seen: &SeenInTiles, rows: &[usize], error: ApiError) {
        rows.iter().for_each(|&row| self.pool.add(seen.images.image(row), Route::Tiles));
        self.missing.extend(rows);
        self.failure.get_or_insert(error);
    }

    /// Whether a good number of images is shown by the tiles, and not one of them handed out.
    fn is_nothing_handed_out(&self, seen: &SeenInTiles, answered: &[usize]) -> bool {
        let shown = || answered.iter().filter(|&&row| seen.images.id_exact[row]);
        shown().count() >= HANDFUL && !shown().any(|&row| self.pool.holds(seen.images.id[row]))
    }

    /// A token that may see nothing (a client secret in its place) is answered with empty lists.
    fn distrust(&mut self, seen: &SeenInTiles, answered: &[usize], watch: Watcher<'_>) {
        let images = answered.iter().filter(|&&row| seen.images.id_exact[row]).count();
        let error = ApiError::NothingHandedOut { images };
        watch(Event::Problem(&error.to_string()));
        self.keep_tile_evidence(seen, answered, error);
    }
}

/// Whether the service hands out anything of what the tiles show beside the sequences in question: then those that it
/// does not hand out have been deleted. One request; none where the tiles show nothing else.
async fn hands_out_others(api: &Api, seen: &SeenInTiles, batches: &[Batch]) -> Result<bool, ApiError> {
    let asked = batches.iter().flat_map(|batch| &batch.keys).collect();
    let others = seen.witnesses_beside(&asked);
    if others.is_empty() {
        return Ok(false);
    }
    match api.images_by_ids(&others).await {
        Ok(found) => Ok(!found.images.is_empty()),
        Err(error) if error.ends_the_run() => Err(error),
        Err(_) => Ok(false),
    }
}

#[cfg(test)]
mod tests;
