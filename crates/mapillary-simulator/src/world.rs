//! Entities with the indexes that the routes need: by id, sequence, contributor and place.
//!
//! # Method
//! Places are hashed by their tile at zoom 14, for each of the two tilesets; a tile, or a box of at most 0.01 degrees,
//! then looks at the images of one to four cells, however large the world is. A sequence is filed under every tile
//! that its line touches, also between two images.
//!
//! # Invariants
//! Answers depend on the entities alone: lists of a sequence are in capture order, of a contributor newest first, of a
//! tile by number. Of several entities with one id the last stays.

use crate::entities::{EntitiesFileError, each_entity};
use crate::habits::Habits;
use crate::stored::{Filing, Places, Stored};
use capture_model::Position;
use coverage_tile::{ImageFeature, SequenceFeature, encode};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use tile_cover::{Tile, Zoom, tile_at};

/// Zooms below this hold the layer `overview` alone, which is not simulated: their tiles are empty.
const FIRST_ZOOM_OF_LINES: u8 = 6;

/// Everything that is published.
#[derive(Debug, Default)]
pub struct World {
    images: Vec<Stored>,
    by_id: HashMap<u64, u32>,
    sequences: Vec<Sequence>,
    by_key: HashMap<String, u32>,
    users: HashMap<String, Vec<u32>>,
    names: HashMap<u64, String>,
    cells: [HashMap<Tile, Cell>; 2],
}

#[derive(Debug)]
struct Sequence {
    key: String,
    /// In capture order.
    images: Vec<u32>,
}

/// What lies in one tile at zoom 14.
#[derive(Debug, Default)]
struct Cell {
    images: Vec<u32>,
    lines: BTreeSet<u32>,
}

impl World {
    /// Indexes entities. Values that are no objects with an id are left out.
    pub fn new(entities: Vec<Value>) -> Self {
        let mut world = Self::default();
        for entity in entities {
            if let Ok((image, filing)) = Stored::read(&entity.to_string()) {
                world.take_in(image, filing);
            }
        }
        world.file();
        world
    }

    /// Reads a file of entities without ever holding more than their text: JSON lines, `{"data": […]}` or an array.
    pub fn read_file(path: &Path) -> Result<Self, EntitiesFileError> {
        let mut world = Self::default();
        each_entity(path, |text| {
            let (image, filing) = Stored::read(text)?;
            world.take_in(image, filing);
            Ok(())
        })?;
        world.file();
        Ok(world)
    }

    fn take_in(&mut self, mut image: Stored, filing: Filing) {
        if let Some(key) = filing.sequence {
            let next = self.sequences.len() as u32;
            let number = *self.by_key.entry(key).or_insert_with_key(|key| {
                self.sequences.push(Sequence { key: key.clone(), images: Vec::new() });
                next
            });
            image.sequence = Some(number);
        }
        let at = self.images.len() as u32;
        if let Some(name) = filing.username {
            if let Some(id) = image.creator_id {
                self.names.insert(id, name.clone());
            }
            self.users.entry(name).or_default().push(at);
        }
        self.by_id.insert(image.id, at);
        self.images.push(image);
    }

    /// Builds what can only be built when everything is there.
    fn file(&mut self) {
        let is_alive = |images: &[Stored], by_id: &HashMap<u64, u32>, at: u32| by_id[&images[at as usize].id] == at;
        let rank = |at: u32| (self.images[at as usize].captured_at_ms, self.images[at as usize].id);
        for list in self.users.values_mut() {
            list.retain(|&at| is_alive(&self.images, &self.by_id, at));
            list.sort_unstable_by_key(|&at| std::cmp::Reverse(rank(at)));
        }
        for at in 0..self.images.len() as u32 {
            let image = &self.images[at as usize];
            if !is_alive(&self.images, &self.by_id, at) {
                continue;
            }
            if let Some(sequence) = image.sequence {
                self.sequences[sequence as usize].images.push(at);
            }
            for places in Places::BOTH {
                if let Some(position) = image.position(places) {
                    let cell = self.cells[places as usize].entry(tile_at(position, Zoom::COVERAGE)).or_default();
                    cell.images.push(at);
                }
            }
        }
        for (number, sequence) in self.sequences.iter_mut().enumerate() {
            sequence.images.sort_unstable_by_key(|&at| rank(at));
            for places in Places::BOTH {
                let line: Vec<Position> =
                    sequence.images.iter().filter_map(|&at| self.images[at as usize].position(places)).collect();
                for tile in line.windows(2).flat_map(|ends| tiles_between(ends[0], ends[1])) {
                    self.cells[places as usize].entry(tile).or_default().lines.insert(number as u32);
                }
            }
        }
    }

    /// How many entities.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether nothing is published.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(crate) fn image(&self, id: u64) -> Option<&Stored> {
        self.by_id.get(&id).map(|&at| &self.images[at as usize])
    }

    /// Images of a sequence in capture order; none for a key that is nobody's.
    pub(crate) fn sequence(&self, key: &str) -> impl Iterator<Item = &Stored> {
        let images = self.by_key.get(key).map(|&number| &self.sequences[number as usize].images);
        images.into_iter().flatten().map(|&at| &self.images[at as usize])
    }

    /// Images of a user, newest first; `None` for a user who has none.
    pub(crate) fn user(&self, name: &str) -> Option<impl Iterator<Item = &Stored>> {
        self.users.get(name).map(|images| images.iter().map(|&at| &self.images[at as usize]))
    }

    /// Contributors with a name: id, name, and their sequences, newest first, with their images in capture order.
    pub(crate) fn users(&self) -> impl Iterator<Item = (u64, &str, Vec<(&str, Vec<&Stored>)>)> {
        let mut names: Vec<(&u64, &String)> = self.names.iter().collect();
        names.sort_unstable();
        names.into_iter().map(|(&id, name)| {
            let mut known = HashSet::new();
            let images = self.user(name).into_iter().flatten();
            let keys: Vec<u32> = images.filter_map(|image| image.sequence).filter(|&key| known.insert(key)).collect();
            let sequences =
                keys.into_iter().map(|number| (self.key(number), self.sequence(self.key(number)).collect()));
            (id, name.as_str(), sequences.collect())
        })
    }

    /// The name of a contributor.
    pub(crate) fn name_of(&self, user_id: u64) -> Option<&str> {
        self.names.get(&user_id).map(String::as_str)
    }

    /// Images within a box of (west, south, east, north) degrees, by number.
    pub(crate) fn within(&self, [west, south, east, north]: [f64; 4]) -> Vec<&Stored> {
        let corner = |lon: f64, lat: f64| Position::from_lon_lat(lon.clamp(-180.0, 180.0), lat.clamp(-90.0, 90.0)).ok();
        let (Some(low), Some(high)) = (corner(west, south), corner(east, north)) else { return Vec::new() };
        let mut found: Vec<u32> = tiles_between(low, high)
            .into_iter()
            .filter_map(|tile| self.cells[Places::Original as usize].get(&tile))
            .flat_map(|cell| cell.images.iter().copied())
            .filter(|&at| {
                let place = self.images[at as usize].position(Places::Original);
                place.is_some_and(|p| (west..=east).contains(&p.lon()) && (south..=north).contains(&p.lat()))
            })
            .collect();
        found.sort_unstable();
        found.into_iter().map(|at| &self.images[at as usize]).collect()
    }

    /// A coverage tile as its habits show it; no bytes where there is nothing.
    pub(crate) fn tile(&self, tile: Tile, places: Places, habits: &Habits) -> Vec<u8> {
        let level = tile.zoom.level();
        let cells = &self.cells[places as usize];
        if level == Zoom::COVERAGE.level() {
            let Some(cell) = cells.get(&tile) else { return Vec::new() };
            let images: Vec<ImageFeature> = cell
                .images
                .iter()
                .map(|&at| &self.images[at as usize])
                .filter(|image| !image.sequence.is_some_and(|number| habits.lags(self.key(number))))
                .filter_map(|image| self.image_feature(image, places))
                .collect();
            return encode(tile, &images, &self.lines(&cell.lines, places, habits), &habits.dialect);
        }
        if !(FIRST_ZOOM_OF_LINES..Zoom::COVERAGE.level()).contains(&level) {
            return Vec::new();
        }
        let steps = Zoom::COVERAGE.level() - level;
        let is_under = |cell: &Tile| (cell.x >> steps, cell.y >> steps) == (tile.x, tile.y);
        let numbers: BTreeSet<u32> =
            cells.iter().filter(|(cell, _)| is_under(cell)).flat_map(|(_, cell)| cell.lines.iter().copied()).collect();
        encode(tile, &[], &self.lines(&numbers, places, habits), &habits.dialect)
    }

    fn key(&self, sequence: u32) -> &str {
        &self.sequences[sequence as usize].key
    }

    fn lines(&self, numbers: &BTreeSet<u32>, places: Places, habits: &Habits) -> Vec<SequenceFeature> {
        let seen = numbers.iter().filter(|&&number| !habits.lags(self.key(number)));
        seen.map(|&number| self.sequence_feature(number, places)).collect()
    }

    fn sequence_feature(&self, number: u32, places: Places) -> SequenceFeature {
        let sequence = &self.sequences[number as usize];
        let images = || sequence.images.iter().map(|&at| &self.images[at as usize]);
        let first = images().next();
        SequenceFeature {
            id: sequence.key.clone(),
            image_id: first.map(|image| image.id),
            captured_at_ms: first.and_then(|image| image.captured_at_ms),
            is_pano: first.and_then(|image| image.is_pano),
            creator_id: first.and_then(|image| image.creator_id),
            organization_id: first.and_then(|image| image.organization_id),
            line: images().filter_map(|image| image.position(places)).collect(),
        }
    }

    fn image_feature(&self, image: &Stored, places: Places) -> Option<ImageFeature> {
        Some(ImageFeature {
            id: image.id,
            sequence_id: image.sequence.map(|number| self.key(number).to_owned()).unwrap_or_default(),
            captured_at_ms: image.captured_at_ms,
            position: image.position(places)?,
            compass_angle_deg: image.compass_deg[places as usize],
            is_pano: image.is_pano,
            creator_id: image.creator_id,
            organization_id: image.organization_id,
        })
    }
}

/// The tiles of the box that two places span, the short way around the world: one to four for neighbours. Of places that
/// lie further apart than a tile, their own.
fn tiles_between(a: Position, b: Position) -> Vec<Tile> {
    let (from, to) = (tile_at(a, Zoom::COVERAGE), tile_at(b, Zoom::COVERAGE));
    let mut tiles = vec![from];
    if from == to {
        return tiles;
    }
    let n = Zoom::COVERAGE.tiles_per_side();
    let across = (from.x + n - to.x) % n;
    if (across <= 1 || across == n - 1) && from.y.abs_diff(to.y) <= 1 {
        tiles.extend([Tile { x: to.x, ..from }, Tile { y: to.y, ..from }]);
    }
    tiles.push(to);
    tiles.sort_unstable();
    tiles.dedup();
    tiles
}

#[cfg(test)]
mod tests;
