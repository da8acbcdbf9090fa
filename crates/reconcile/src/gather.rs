//! Asking little: tiles, then only the sequences that the tiles cannot rule out.
//!
//! In: the local photos and their tile plan. Out: published images, and what became of each tile.
//!
//! # Method
//! 1. Every tile is read once; an empty answer is asked for once more before anything is called absent.
//! 2. The shortlist keeps the sequences that lie near the photos at times which one clock offset explains.
//! 3. Those are fetched whole, in batches of at most 20 sequences and 1,500 images.
//! 4. Images that a tile shows and its sequence's answer lacks are asked for by id.
//!
//! Answers are used in a fixed order, whatever order they arrive in. A failed answer fails its tile, never the run, unless
//! it says that every further request would fail as well (token, block, quota).

use crate::{Event, TilePlan, TileState, Watcher, pool::Pool};
use capture_model::{ImageId, LocalImages, PublishedImage, PublishedImages, Route, SequenceId};
use coverage_tile::decode;
use mapillary_api::{Api, ApiError, Tileset};
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;

const REQUESTS_IN_FLIGHT: usize = 8;
const SEQUENCES_PER_BATCH: usize = 20;
const IMAGES_PER_BATCH: usize = 1_500;

/// What the tiles route brought.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) pool: Pool,
    pub(crate) tiles: Vec<TileState>,
    /// The first failure that left a lookup open, if any.
    pub(crate) failure: Option<ApiError>,
}

/// Runs jobs with a bound on how many are under way; results in the order of the jobs. Stops at the first error that
/// `is_fatal` names.
async fn in_order<T, F>(
    jobs: impl IntoIterator<Item = F>,
    mut progress: impl FnMut(usize),
    is_fatal: impl Fn(&ApiError) -> bool,
) -> Result<Vec<Result<T, ApiError>>, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    let mut waiting = jobs.into_iter().enumerate();
    let mut running = JoinSet::new();
    let mut results: Vec<Option<Result<T, ApiError>>> = Vec::new();
    let mut done = 0;
    loop {
        while running.len() < REQUESTS_IN_FLIGHT
            && let Some((number, job)) = waiting.next()
        {
            results.push(None);
            running.spawn(async move { (number, job.await) });
        }
        let Some(joined) = running.join_next().await else { break };
        let (number, result) = joined.expect("a request does not panic");
        match result {
            Err(error) if is_fatal(&error) => return Err(error), // dropping the set stops the rest
            result => results[number] = Some(result),
        }
        done += 1;
        progress(done);
    }
    Ok(results.into_iter().map(|result| result.expect("every job ended")).collect())
}

/// The tiles route. `Err` only for failures that end the run.
pub(crate) async fn by_tiles(
    api: &Api,
    images: &LocalImages,
    plan: &TilePlan,
    watch: Watcher<'_>,
) -> Result<Gathered, ApiError> {
    let mut gathered = Gathered { pool: Pool::default(), tiles: Vec::new(), failure: None };
    let seen = read_tiles(api, plan, watch, &mut gathered).await?;
    let in_question = image_matcher::shortlist(images, &seen);
    watch(Event::Shortlisted { in_question: in_question.len(), seen: seen.sequences.len() });

    let mut images_of: BTreeMap<u32, Vec<usize>> = in_question.iter().map(|&sequence| (sequence, Vec::new())).collect();
    for row in 0..seen.len() {
        if let Some(rows) = images_of.get_mut(&seen.sequence[row]) {
            rows.push(row);
        }
    }
    let batches = batches(&in_question, |sequence| images_of[&sequence].len());
    let jobs = batches.iter().map(|batch| {
        let api = api.clone();
        let keys: Vec<SequenceId> = batch.iter().map(|&number| seen.sequences.value(number).clone()).collect();
        async move { api.images_of_sequences(&keys).await }
    });
    let total = batches.len();
    let answers = in_order(jobs, |done| watch(Event::Entities { done, total }), ApiError::ends_the_run).await?;

    let mut lacking: Vec<ImageId> = Vec::new();
    let tile_rows =
        |batch: &[u32]| batch.iter().flat_map(|number| images_of[number].iter().copied()).collect::<Vec<_>>();
    for (batch, answer) in batches.iter().zip(answers) {
        match answer {
            Ok(entities) => {
                let answered: BTreeSet<u64> = entities.iter().map(|image| image.id.0).collect();
                entities.into_iter().for_each(|image| gathered.pool.add(image, Route::Tiles));
                let exact = tile_rows(batch).into_iter().filter(|&row| seen.id_exact[row]);
                lacking.extend(exact.map(|row| seen.id[row]).filter(|id| !answered.contains(id)).map(ImageId));
            }
            Err(error) => {
                // Tile evidence still stands for these sequences; what stays without partner there is no proof of absence.
                watch(Event::Problem(&format!("{error}; {} sequences keep the evidence of their tiles", batch.len())));
                for row in tile_rows(batch) {
                    gathered.pool.add(seen.image(row), Route::Tiles);
                    fail_tile_of(plan, &seen, row, &mut gathered.tiles);
                }
                gathered.failure.get_or_insert(error);
            }
        }
    }
    repair(api, lacking, watch, &mut gathered).await?;
    Ok(gathered)
}

async fn read_tiles(
    api: &Api,
    plan: &TilePlan,
    watch: Watcher<'_>,
    gathered: &mut Gathered,
) -> Result<PublishedImages, ApiError> {
    let jobs = plan.tiles.iter().map(|&tile| {
        let api = api.clone();
        async move {
            let answer = api.coverage_tile(tile, Tileset::Original).await?;
            if answer.is_empty() { api.confirm_empty_tile(tile, Tileset::Original).await } else { Ok(answer) }
        }
    });
    let total = plan.tiles.len();
    let answers = in_order(jobs, |done| watch(Event::Tiles { done, total }), ApiError::ends_the_run).await?;
    let mut seen: BTreeMap<u64, PublishedImage> = BTreeMap::new();
    for (&tile, answer) in plan.tiles.iter().zip(answers) {
        let state = match answer {
            Ok(answer) => match decode(&answer.bytes, tile) {
                Ok(coverage) => {
                    for image in coverage.published_images(coverage_tile::Tileset::Original) {
                        seen.entry(image.id.0).or_insert(image);
                    }
                    if coverage.is_empty() { TileState::Empty } else { TileState::Read }
                }
                Err(error) => {
                    watch(Event::Problem(&format!("tile {tile}: {error}")));
                    gathered.failure.get_or_insert(ApiError::nonsense(format!("tile {tile}: {error}")));
                    TileState::Failed
                }
            },
            Err(error) => {
                watch(Event::Problem(&error.to_string()));
                gathered.failure.get_or_insert(error);
                TileState::Failed
            }
        };
        gathered.tiles.push(state);
    }
    let mut columns = PublishedImages::default();
    seen.values().for_each(|image| columns.push(image));
    Ok(columns)
}

/// Images that a tile shows but the answer for their sequence lacks.
async fn repair(
    api: &Api,
    mut lacking: Vec<ImageId>,
    watch: Watcher<'_>,
    gathered: &mut Gathered,
) -> Result<(), ApiError> {
    lacking.retain(|id| !gathered.pool.holds(id.0));
    if lacking.is_empty() {
        return Ok(());
    }
    lacking.sort_unstable();
    lacking.dedup();
    match api.images_by_ids(&lacking).await {
        Ok(entities) => entities.into_iter().for_each(|image| gathered.pool.add(image, Route::Tiles)),
        Err(error) if error.ends_the_run() => return Err(error),
        Err(error) => {
            watch(Event::Problem(&error.to_string()));
            gathered.failure.get_or_insert(error);
        }
    }
    Ok(())
}

/// Sequences in order of need, packed into requests.
fn batches(in_question: &[u32], n_images: impl Fn(u32) -> usize) -> Vec<Vec<u32>> {
    let mut batches: Vec<Vec<u32>> = Vec::new();
    let mut filled = 0;
    for &sequence in in_question {
        let images = n_images(sequence);
        match batches.last_mut() {
            Some(last) if last.len() < SEQUENCES_PER_BATCH && filled + images <= IMAGES_PER_BATCH => {
                last.push(sequence);
                filled += images;
            }
            _ => {
                batches.push(vec![sequence]);
                filled = images;
            }
        }
    }
    batches
}

fn fail_tile_of(plan: &TilePlan, seen: &PublishedImages, row: usize, states: &mut [TileState]) {
    let Some(position) = seen.original(row).or_else(|| seen.computed(row)) else { return };
    let tile = tile_cover::tile_at(position, tile_cover::Zoom::COVERAGE);
    if let Ok(number) = plan.tiles.binary_search(&tile) {
        states[number] = TileState::Failed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_twenty_sequences_or_fifteen_hundred_images() {
        let many: Vec<u32> = (0..45).collect();
        let sizes = |batches: Vec<Vec<u32>>| batches.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(batches(&many, |_| 10)), [20, 20, 5]);
        assert_eq!(sizes(batches(&many[..4], |_| 700)), [2, 2]);
        assert_eq!(sizes(batches(&many[..3], |sequence| if sequence == 1 { 5_000 } else { 10 })), [1, 1, 1]);
        assert!(batches(&[], |_| 1).is_empty());
    }
}
