//! What the coverage tiles show: the images near the photos, how long each sequence is, and what became of each tile.

use crate::near::NearPhotos;
use crate::queue::{Bounds, in_order};
use crate::{Event, TilePlan, TileState, Watcher};
use capture_model::{ImageId, PublishedImages, SequenceId};
use coverage_tile::{CoverageTile, decode};
use mapillary_api::{Api, ApiError, IMAGES_PER_REQUEST, TileAnswer, Tileset};
use std::collections::{BTreeMap, HashMap, HashSet};
use tile_cover::Tile;

/// Sequences of which an image is kept: more than are in question, and nothing beside the tiles they come from.
const WITNESSES: usize = 2_000;

/// The tiles, read.
#[derive(Debug, Default)]
pub(crate) struct SeenInTiles {
    /// Images near the photos, in the order of the tiles, each id once.
    pub(crate) images: PublishedImages,
    /// When the tile of each was fetched: milliseconds since the Unix epoch.
    pub(crate) fetched_at_ms: Vec<i64>,
    /// Sequences whose line passes near the photos while no tile shows an image of them.
    pub(crate) without_images: Vec<SequenceId>,
    /// What became of each tile of the plan.
    pub(crate) states: Vec<TileState>,
    /// The first failure that left a tile open.
    pub(crate) failure: Option<ApiError>,
    n_images: HashMap<SequenceId, usize>,
    /// An image of each of the first sequences, near the photos or not.
    witnesses: Vec<(SequenceId, ImageId)>,
    /// Of each of [`Self::without_images`], the numbers of the tiles in which its line passes near the photos.
    tiles_of_lines: BTreeMap<SequenceId, Vec<usize>>,
}

impl SeenInTiles {
    /// Reads the tiles of a plan; `Err` only for failures that end the run.
    pub(crate) async fn read(
        api: &Api,
        plan: &TilePlan,
        near: &NearPhotos,
        watch: Watcher<'_>,
    ) -> Result<Self, ApiError> {
        let mut seen = Self::default();
        let mut known_ids = HashSet::new();
        let (mut tiles, total) = (plan.tiles.iter(), plan.tiles.len());
        let questions = plan.tiles.iter().map(|&tile| {
            let api = api.clone();
            async move { ask(&api, tile).await }
        });
        in_order(&Bounds::TILES, questions, |answer| {
            let &tile = tiles.next().expect("an answer a tile");
            let state = match answer.and_then(|answer| Ok((decoded(&answer, tile)?, answer.fetched_at_ms))) {
                Ok((coverage, fetched_at_ms)) => {
                    seen.take_in(&coverage, near, &mut known_ids);
                    seen.fetched_at_ms.resize(seen.images.len(), fetched_at_ms);
                    state_of(&coverage, watch)
                }
                Err(error) => {
                    watch(Event::Problem(&error.to_string()));
                    seen.failure.get_or_insert(error);
                    TileState::Failed
                }
            };
            seen.states.push(state);
            watch(Event::Tiles { done: seen.states.len(), total });
        })
        .await?;
        let n_images = &seen.n_images;
        seen.tiles_of_lines.retain(|key, _| !n_images.contains_key(key));
        seen.without_images = seen.tiles_of_lines.keys().cloned().collect();
        Ok(seen)
    }

    /// Images of a sequence that the tiles show, near the photos or not.
    pub(crate) fn n_images_of(&self, sequence: &SequenceId) -> usize {
        self.n_images.get(sequence).copied().unwrap_or(0)
    }

    /// Whether the tiles show a sequence.
    pub(crate) fn shows(&self, sequence: &SequenceId) -> bool {
        self.n_images.contains_key(sequence) || self.without_images.binary_search(sequence).is_ok()
    }

    /// Images of sequences that have not been asked for, a few of them: whoever may see anything is handed out one of these.
    pub(crate) fn witnesses_beside(&self, asked: &HashSet<&SequenceId>) -> Vec<ImageId> {
        let others = self.witnesses.iter().filter(|(key, _)| !asked.contains(key));
        others.map(|(_, image)| *image).take(IMAGES_PER_REQUEST).collect()
    }

    /// Numbers of the tiles in which the line of a sequence without images passes near the photos.
    pub(crate) fn tiles_of_line(&self, sequence: &SequenceId) -> &[usize] {
        self.tiles_of_lines.get(sequence).map_or(&[], Vec::as_slice)
    }

    fn take_in(&mut self, coverage: &CoverageTile, near: &NearPhotos, known_ids: &mut HashSet<u64>) {
        let tile = self.states.len();
        for (row, number) in coverage.images.sequence.iter().enumerate() {
            let Some(number) = number else { continue };
            let key = coverage.sequence_names.value(*number);
            if let Some(n_images) = self.n_images.get_mut(key) {
                *n_images += 1;
                continue;
            }
            self.n_images.insert(key.clone(), 1);
            if coverage.images.id_exact[row] && self.witnesses.len() < WITNESSES {
                self.witnesses.push((key.clone(), ImageId(coverage.images.id[row])));
            }
        }
        for image in coverage.published_images(coverage_tile::Tileset::Original) {
            let is_near = image.original.is_none_or(|place| near.holds(place));
            if is_near && known_ids.insert(image.id.0) {
                self.images.push(&image);
            }
        }
        for row in 0..coverage.sequences.len() {
            let Some(number) = coverage.sequences.sequence[row] else { continue };
            let key = coverage.sequence_names.value(number);
            if !self.n_images.contains_key(key) && coverage.sequences.parts(row).any(|part| near.meets(part)) {
                self.tiles_of_lines.entry(key.clone()).or_default().push(tile);
            }
        }
    }
}

/// A tile that comes back empty is asked for once more before anything is called absent.
pub(crate) async fn ask(api: &Api, tile: Tile) -> Result<TileAnswer, ApiError> {
    let answer = api.coverage_tile(tile, Tileset::Original).await?;
    if answer.is_empty() { api.confirm_empty_tile(tile, Tileset::Original).await } else { Ok(answer) }
}

fn decoded(answer: &TileAnswer, tile: Tile) -> Result<CoverageTile, ApiError> {
    decode(&answer.bytes, tile).map_err(|error| {
        ApiError::nonsense(format!("tile {tile}: {error}; run again with --refresh to ask for it anew"))
    })
}

/// A feature that cannot be read may be somebody's partner: then nothing may be called absent in its tile.
fn state_of(coverage: &CoverageTile, watch: Watcher<'_>) -> TileState {
    let n_unread = coverage.skipped.broken + coverage.skipped.without_geometry;
    if n_unread > 0 {
        let tile = coverage.tile;
        watch(Event::Problem(&format!(
            "tile {tile}: {n_unread} features cannot be read, so nothing is called absent there"
        )));
        return TileState::Failed;
    }
    if coverage.is_empty() { TileState::Empty } else { TileState::Read }
}
