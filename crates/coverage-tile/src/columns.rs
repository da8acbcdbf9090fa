//! What a tile holds, as columns.

use crate::values::Value;
use capture_model::{CapturedAt, Evidence, ImageId, Names, Position, PublishedImage, SequenceId};
use std::collections::BTreeSet;
use tile_cover::Tile;

/// Properties of the layer `image`; the second is the sequence key.
pub(crate) const IMAGE_PROPERTIES: [&str; 7] =
    ["id", "sequence_id", "captured_at", "compass_angle", "is_pano", "organization_id", "creator_id"];
/// Properties of the layer `sequence`; the first is the sequence key.
pub(crate) const SEQUENCE_PROPERTIES: [&str; 6] =
    ["id", "image_id", "captured_at", "is_pano", "organization_id", "creator_id"];

/// Which places the tile was drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tileset {
    /// `mly1_public`: as uploaded.
    Original,
    /// `mly1_computed_public`: after structure from motion.
    Computed,
}

/// Features of the layer `image`, one row each. A missing id is 0, a missing number NaN, a missing time `None`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Images {
    /// Image ids; 0 where the tile has no usable id.
    pub id: Vec<u64>,
    /// False where the id came as a double above 2^53 and may be off by some units.
    pub id_exact: Vec<bool>,
    /// Number of the sequence in [`CoverageTile::sequence_names`].
    pub sequence: Vec<Option<u32>>,
    /// Milliseconds since the epoch.
    pub captured_at_ms: Vec<Option<i64>>,
    /// Degrees; the grid point of the tile, so rounded to one unit.
    pub longitude: Vec<f64>,
    /// Degrees, likewise.
    pub latitude: Vec<f64>,
    /// Degrees; NaN when missing.
    pub compass_deg: Vec<f32>,
    /// Whether it is a panorama.
    pub is_pano: Vec<Option<bool>>,
    /// Organization; 0 when missing.
    pub organization_id: Vec<u64>,
    /// Contributor; 0 when missing.
    pub creator_id: Vec<u64>,
}

/// Features of the layer `sequence`, one row each.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sequences {
    /// Number of the sequence in [`CoverageTile::sequence_names`].
    pub sequence: Vec<Option<u32>>,
    /// Representative image; 0 when missing.
    pub image_id: Vec<u64>,
    /// False where the image id may be off by some units.
    pub image_id_exact: Vec<bool>,
    /// Milliseconds since the epoch.
    pub captured_at_ms: Vec<Option<i64>>,
    /// Whether it is made of panoramas.
    pub is_pano: Vec<Option<bool>>,
    /// Organization; 0 when missing.
    pub organization_id: Vec<u64>,
    /// Contributor; 0 when missing.
    pub creator_id: Vec<u64>,
    /// Vertices of all lines as (longitude, latitude) in degrees.
    pub(crate) vertices: Vec<(f64, f64)>,
    /// End of each part in `vertices`.
    pub(crate) part_ends: Vec<u32>,
    /// End of each row's parts in `part_ends`.
    pub(crate) row_ends: Vec<u32>,
}

impl Images {
    /// Room for further rows, so that no column grows step by step.
    pub(crate) fn reserve(&mut self, rows: usize) {
        self.id.reserve(rows);
        self.id_exact.reserve(rows);
        self.sequence.reserve(rows);
        self.captured_at_ms.reserve(rows);
        self.longitude.reserve(rows);
        self.latitude.reserve(rows);
        self.compass_deg.reserve(rows);
        self.is_pano.reserve(rows);
        self.organization_id.reserve(rows);
        self.creator_id.reserve(rows);
    }

    /// Adds a row; `property` answers for each of [`IMAGE_PROPERTIES`] by its place.
    #[inline]
    pub(crate) fn push<'a>(
        &mut self,
        property: impl Fn(usize) -> Value<'a>,
        sequence: Option<u32>,
        (longitude, latitude): (f64, f64),
    ) {
        let (id, id_exact) = property(0).id().unwrap_or((0, true));
        self.id.push(id);
        self.id_exact.push(id_exact);
        self.sequence.push(sequence);
        self.captured_at_ms.push(property(2).time_ms());
        self.longitude.push(longitude);
        self.latitude.push(latitude);
        self.compass_deg.push(property(3).number().map_or(f32::NAN, |degrees| degrees as f32));
        self.is_pano.push(property(4).truth());
        self.organization_id.push(property(5).id().map_or(0, |(id, _)| id));
        self.creator_id.push(property(6).id().map_or(0, |(id, _)| id));
    }
}

impl Sequences {
    /// Adds a row for the parts pushed last; `property` answers for each of [`SEQUENCE_PROPERTIES`] by its place.
    pub(crate) fn push<'a>(&mut self, property: impl Fn(usize) -> Value<'a>, sequence: Option<u32>) {
        let (image_id, image_id_exact) = property(1).id().unwrap_or((0, true));
        self.sequence.push(sequence);
        self.image_id.push(image_id);
        self.image_id_exact.push(image_id_exact);
        self.captured_at_ms.push(property(2).time_ms());
        self.is_pano.push(property(3).truth());
        self.organization_id.push(property(4).id().map_or(0, |(id, _)| id));
        self.creator_id.push(property(5).id().map_or(0, |(id, _)| id));
        self.row_ends.push(self.part_ends.len() as u32);
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.sequence.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sequence.is_empty()
    }

    /// The parts of one row's line: a sequence that leaves the tile and comes back has several.
    pub fn parts(&self, row: usize) -> impl ExactSizeIterator<Item = &[(f64, f64)]> {
        let first = if row == 0 { 0 } else { self.row_ends[row - 1] as usize };
        (first..self.row_ends[row] as usize).map(|part| {
            let start = if part == 0 { 0 } else { self.part_ends[part - 1] as usize };
            &self.vertices[start..self.part_ends[part] as usize]
        })
    }
}

/// Features that could not be used, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Skipped {
    /// The feature's message breaks.
    pub broken: u32,
    /// No usable geometry, or far outside the tile.
    pub without_geometry: u32,
    /// A polygon, or a line where a point was due.
    pub of_other_kind: u32,
}

/// One decoded coverage tile.
#[derive(Debug, Clone)]
pub struct CoverageTile {
    /// Where it lies.
    pub tile: Tile,
    /// Layer `image`.
    pub images: Images,
    /// Layer `sequence`.
    pub sequences: Sequences,
    /// Sequence keys by number, of both layers.
    pub sequence_names: Names<SequenceId>,
    /// What could not be used.
    pub skipped: Skipped,
}

impl CoverageTile {
    pub(crate) fn empty(tile: Tile) -> Self {
        Self {
            tile,
            images: Images::default(),
            sequences: Sequences::default(),
            sequence_names: Names::default(),
            skipped: Skipped::default(),
        }
    }

    /// Rows of the layer `image`.
    pub fn n_images(&self) -> usize {
        self.images.id.len()
    }

    /// Whether neither layer has a feature.
    pub fn is_empty(&self) -> bool {
        self.n_images() == 0 && self.sequences.is_empty()
    }

    /// Sequence keys of both layers, sorted: either layer may lack what the other has.
    pub fn sequence_ids(&self) -> BTreeSet<&SequenceId> {
        self.sequence_names.values().iter().collect()
    }

    /// Sequence keys of the layer `image` alone.
    pub fn sequence_ids_of_images(&self) -> BTreeSet<&SequenceId> {
        self.images.sequence.iter().flatten().map(|&number| self.sequence_names.value(number)).collect()
    }

    /// Images with a usable id, as the matcher reads them; the tileset says which place it is.
    pub fn published_images(&self, tileset: Tileset) -> impl Iterator<Item = PublishedImage> {
        let images = &self.images;
        (0..self.n_images()).filter(|&row| images.id[row] != 0).map(move |row| {
            let place = Position::from_lon_lat(images.longitude[row], images.latitude[row]).ok();
            let (original, computed) = match tileset {
                Tileset::Original => (place, None),
                Tileset::Computed => (None, place),
            };
            let compass = Some(f64::from(images.compass_deg[row])).filter(|degrees| degrees.is_finite());
            PublishedImage {
                id_exact: images.id_exact[row],
                sequence: images.sequence[row].map(|number| self.sequence_names.value(number).clone()),
                captured_at: images.captured_at_ms[row].map(CapturedAt::from_epoch_ms),
                original,
                computed,
                compass_deg: compass.filter(|_| tileset == Tileset::Original),
                computed_compass_deg: compass.filter(|_| tileset == Tileset::Computed),
                is_pano: images.is_pano[row],
                creator_id: Some(images.creator_id[row]).filter(|&id| id != 0),
                ..PublishedImage::bare(ImageId(images.id[row]), Evidence::Tile)
            }
        })
    }
}
