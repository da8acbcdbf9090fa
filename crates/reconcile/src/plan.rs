//! Which tiles an archive needs, and what each photo may conclude from them.
//!
//! In: the usable photos. Out: the z14 tiles, in (x, y) order, and for every photo and track its tiles.

use capture_model::{LocalImages, Position};
use image_matcher::Lookup;
use std::collections::BTreeMap;
use tile_cover::{MAX_MERCATOR_LATITUDE, Tile, Zoom, mid_tile, tile_at};

/// Tiles of the whole track, or only that of its middle image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TileRule {
    /// Every tile that holds a photo.
    #[default]
    Track,
    /// Per track the tile of image number floor(n/2).
    Mid,
}

/// What became of one tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileState {
    /// It was read and holds coverage.
    Read,
    /// It was read, twice, and holds none.
    Empty,
    /// No usable answer, or one that lacks a part.
    Failed,
}

/// Tiles of an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TilePlan {
    /// Distinct tiles to read, by (x, y).
    pub tiles: Vec<Tile>,
    /// Of each photo, the number of its tile in [`Self::tiles`]; `None` where its tile is not read or does not exist.
    pub tile_of_photo: Vec<Option<u32>>,
    /// Of each track, the numbers of its tiles.
    pub tiles_of_track: Vec<Vec<u32>>,
    /// Photos beyond ±85.0511°, where there are no tiles.
    pub beyond_mercator: usize,
}

impl TilePlan {
    /// The tiles that the rule asks for.
    pub fn new(images: &LocalImages, rule: TileRule) -> Self {
        let tile = |row: usize| has_tile(images, row).then(|| tile_at(images.position(row), Zoom::COVERAGE));
        let tile_of_photo: Vec<Option<Tile>> = (0..images.len()).map(tile).collect();
        let mut wanted: BTreeMap<Tile, u32> = BTreeMap::new();
        for track in 0..images.n_tracks() {
            let placed = images.rows_of(track).filter(|&row| tile_of_photo[row].is_some());
            match rule {
                TileRule::Track => {
                    let mut tiles: Vec<Tile> = placed.filter_map(|row| tile_of_photo[row]).collect();
                    tiles.dedup();
                    wanted.extend(tiles.into_iter().map(|tile| (tile, 0)));
                }
                TileRule::Mid => {
                    let places: Vec<Position> = placed.map(|row| images.position(row)).collect();
                    wanted.extend(mid_tile(&places, Zoom::COVERAGE).map(|tile| (tile, 0)));
                }
            }
        }
        for (number, place) in wanted.values_mut().enumerate() {
            *place = number as u32;
        }
        let mut last = None; // neighbours share it
        let mut number = |tile: Tile| match last {
            Some((known, number)) if known == tile => number,
            _ => {
                let number = wanted.get(&tile).copied();
                last = Some((tile, number));
                number
            }
        };
        let tile_of_photo: Vec<Option<u32>> =
            tile_of_photo.into_iter().map(|tile| tile.and_then(&mut number)).collect();
        let tiles_of_track = (0..images.n_tracks())
            .map(|track| {
                let mut tiles: Vec<u32> = images.rows_of(track).filter_map(|row| tile_of_photo[row]).collect();
                tiles.sort_unstable();
                tiles.dedup();
                tiles
            })
            .collect();
        let beyond_mercator = (0..images.len()).filter(|&row| !has_tile(images, row)).count();
        Self { tiles: wanted.into_keys().collect(), tile_of_photo, tiles_of_track, beyond_mercator }
    }

    /// The `tiles` cell of each track: `14/x/y` joined by `|`.
    pub fn names_of_tracks(&self) -> Vec<String> {
        let name = |&number: &u32| self.tiles[number as usize].to_string();
        self.tiles_of_track.iter().map(|tiles| tiles.iter().map(name).collect::<Vec<_>>().join("|")).collect()
    }

    /// The part of the plan that some tracks need.
    pub fn only_tracks(&self, wanted: &[bool]) -> Self {
        let mut needed: Vec<u32> = Vec::new();
        for (tiles, _) in self.tiles_of_track.iter().zip(wanted).filter(|(_, wanted)| **wanted) {
            needed.extend(tiles);
        }
        needed.sort_unstable();
        needed.dedup();
        let renumbered = |old: &u32| needed.binary_search(old).ok().map(|new| new as u32);
        Self {
            tiles: needed.iter().map(|&old| self.tiles[old as usize]).collect(),
            tile_of_photo: self.tile_of_photo.iter().map(|tile| tile.as_ref().and_then(renumbered)).collect(),
            tiles_of_track: self
                .tiles_of_track
                .iter()
                .zip(wanted)
                .map(|(tiles, wanted)| tiles.iter().filter(|_| *wanted).filter_map(renumbered).collect())
                .collect(),
            beyond_mercator: self.beyond_mercator,
        }
    }

    /// What each photo may conclude, given what became of each tile of [`Self::tiles`].
    pub fn lookups(&self, states: &[TileState]) -> Vec<Lookup> {
        let lookup = |tile: &Option<u32>| match tile.map(|number| states[number as usize]) {
            None => Lookup::OutsideTiles,
            Some(TileState::Read) => Lookup::Complete,
            Some(TileState::Empty) => Lookup::NoCoverage,
            Some(TileState::Failed) => Lookup::Failed,
        };
        self.tile_of_photo.iter().map(lookup).collect()
    }
}

fn has_tile(images: &LocalImages, row: usize) -> bool {
    images.latitude[row].abs() <= MAX_MERCATOR_LATITUDE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(tracks: &[&[(f64, f64)]]) -> LocalImages {
        let mut images = LocalImages::default();
        for track in tracks {
            images.tracks.push(images.longitude.len() as u32);
            for &(longitude, latitude) in *track {
                images.file.push(images.file.len() as u32);
                images.longitude.push(longitude);
                images.latitude.push(latitude);
            }
        }
        images.tracks.push(images.longitude.len() as u32);
        images
    }

    #[test]
    fn tracks_share_tiles_and_the_far_north_has_none() {
        let images = images(&[&[(0.01, 0.01), (0.05, 0.01), (0.03, 0.01)], &[(0.01, 0.01), (10.0, 86.0)], &[]]);
        let plan = TilePlan::new(&images, TileRule::Track);
        let names: Vec<_> = plan.tiles.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["14/8192/8191", "14/8193/8191", "14/8194/8191"]);
        assert_eq!(plan.names_of_tracks(), ["14/8192/8191|14/8193/8191|14/8194/8191", "14/8192/8191", ""]);
        assert_eq!(plan.beyond_mercator, 1);
        let states = [TileState::Read, TileState::Empty, TileState::Failed];
        let lookups = plan.lookups(&states);
        let expected = [Lookup::Complete, Lookup::Failed, Lookup::NoCoverage, Lookup::Complete, Lookup::OutsideTiles];
        assert_eq!(lookups, expected);
    }

    #[test]
    fn the_middle_rule_reads_one_tile_a_track_and_leaves_the_rest_outside() {
        let images = images(&[&[(0.01, 0.01), (0.03, 0.01), (0.05, 0.01)]]);
        let plan = TilePlan::new(&images, TileRule::Mid);
        assert_eq!(plan.tiles.len(), 1);
        assert_eq!(plan.tile_of_photo, [None, Some(0), None]);
    }
}
