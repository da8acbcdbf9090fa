//! Bytes become columns: a pull reader for the two layers that matter.
//!
//! # Method
//! Each layer is walked twice: first its tables of keys and values, then its features. Keys and values are borrowed; a
//! sequence key is interned once per value, not once per feature. Nothing is allocated by what a length promises, only by
//! what is there, and features, values and vertices are capped.
//!
//! Specification: Mapbox Vector Tile 2.1. Layers and properties: the service's documentation of its coverage tiles.

use crate::values::Value;
use crate::wire::{Field, Fields, Packed};
use crate::{CoverageTile, DecodeError, geometry};
use capture_model::SequenceId;
use flate2::read::GzDecoder;
use std::borrow::Cow;
use std::io::Read;
use tile_cover::Tile;

/// The busiest recorded tile holds 31,261 images in 954 kB.
const MOST_FEATURES: u64 = 1_000_000;
const MOST_VALUES: u64 = 4_000_000;
const MOST_VERTICES: u64 = 8_000_000;
const MOST_INFLATED_BYTES: u64 = 64 << 20;
const DEFAULT_EXTENT: u32 = 4096;

/// Properties of the layer `image`; the second is the sequence key.
pub(crate) const IMAGE_PROPERTIES: [&str; 7] =
    ["id", "sequence_id", "captured_at", "compass_angle", "is_pano", "organization_id", "creator_id"];
/// Properties of the layer `sequence`; the first is the sequence key.
pub(crate) const SEQUENCE_PROPERTIES: [&str; 6] =
    ["id", "image_id", "captured_at", "is_pano", "organization_id", "creator_id"];

/// Decodes one coverage tile. An empty body is an empty tile; a body compressed with gzip is inflated first.
pub fn decode(bytes: &[u8], tile: Tile) -> Result<CoverageTile, DecodeError> {
    let bytes = plain(bytes)?;
    let layers = layers(&bytes)?;
    refuse_old_scheme(&layers)?;
    let mut decoded = CoverageTile::empty(tile);
    let mut budget = Budget::default();
    for layer in &layers {
        match layer.name {
            "image" => read_images(layer, &mut decoded, &mut budget)?,
            "sequence" => read_sequences(layer, &mut decoded, &mut budget)?,
            _ => {}
        }
    }
    Ok(decoded)
}

/// The body without its compression; text is refused by name.
pub(crate) fn plain(bytes: &[u8]) -> Result<Cow<'_, [u8]>, DecodeError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        let head = &bytes[..bytes.len().min(64)];
        if !head.is_empty() && head.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
            let head = String::from_utf8_lossy(&head[..head.len().min(24)]).into_owned();
            return Err(DecodeError::Text { bytes: bytes.len(), head });
        }
        return Ok(Cow::Borrowed(bytes));
    }
    let mut inflated = Vec::new();
    GzDecoder::new(bytes)
        .take(MOST_INFLATED_BYTES + 1)
        .read_to_end(&mut inflated)
        .map_err(|error| DecodeError::Compressed { reason: error.to_string() })?;
    check_limit("inflated bytes", inflated.len() as u64, MOST_INFLATED_BYTES)?;
    Ok(Cow::Owned(inflated))
}

/// One layer, its features still to be walked.
pub(crate) struct Layer<'a> {
    pub(crate) name: &'a str,
    extent: u32,
    keys: Vec<&'a str>,
    pub(crate) values: Vec<Value<'a>>,
    message: &'a [u8],
}

/// All layers with their tables.
pub(crate) fn layers(bytes: &[u8]) -> Result<Vec<Layer<'_>>, DecodeError> {
    let mut layers = Vec::new();
    let mut fields = Fields::new(bytes);
    while let Some((number, field)) = fields.next()? {
        if let (3, Field::Bytes(message)) = (number, field) {
            layers.push(Layer::read(message)?);
            check_limit("layers", layers.len() as u64, 1_000)?;
        }
    }
    Ok(layers)
}

/// A tile with layers of the third version and none of the fourth is refused by their names.
pub(crate) fn refuse_old_scheme(layers: &[Layer<'_>]) -> Result<(), DecodeError> {
    let is_known = |layer: &Layer<'_>| matches!(layer.name, "image" | "sequence" | "overview");
    let is_old = |layer: &Layer<'_>| layer.name.starts_with("mapillary-");
    if layers.iter().any(is_old) && !layers.iter().any(is_known) {
        let names: Vec<_> = layers.iter().take(8).map(|layer| format!("`{}`", layer.name)).collect();
        return Err(DecodeError::OldScheme { layers: names.join(", ") });
    }
    Ok(())
}

pub(crate) fn check_limit(what: &'static str, found: u64, limit: u64) -> Result<(), DecodeError> {
    if found > limit { Err(DecodeError::TooLarge { what, found, limit }) } else { Ok(()) }
}

#[derive(Default)]
struct Budget {
    features: u64,
    vertices: u64,
}

impl<'a> Layer<'a> {
    fn read(message: &'a [u8]) -> Result<Self, DecodeError> {
        let mut layer = Self { name: "", extent: DEFAULT_EXTENT, keys: Vec::new(), values: Vec::new(), message };
        let mut fields = Fields::new(message);
        while let Some((number, field)) = fields.next()? {
            match (number, field) {
                (1, Field::Bytes(name)) => layer.name = std::str::from_utf8(name).unwrap_or_default(),
                (3, Field::Bytes(key)) => {
                    layer.keys.push(std::str::from_utf8(key).unwrap_or_default());
                    check_limit("property names", layer.keys.len() as u64, 10_000)?;
                }
                (4, Field::Bytes(value)) => {
                    layer.values.push(Value::read(value));
                    check_limit("property values", layer.values.len() as u64, MOST_VALUES)?;
                }
                (5, Field::Varint(extent)) => {
                    layer.extent = u32::try_from(extent)
                        .ok()
                        .filter(|extent| (1..=1 << 20).contains(extent))
                        .unwrap_or(DEFAULT_EXTENT);
                }
                _ => {}
            }
        }
        Ok(layer)
    }

    /// Calls `each` for every feature message.
    fn features(
        &self,
        budget: &mut Budget,
        mut each: impl FnMut(&Feature<'a>, &mut Budget) -> Result<(), DecodeError>,
    ) -> Result<u32, DecodeError> {
        let mut broken = 0;
        let mut fields = Fields::new(self.message);
        while let Some((number, field)) = fields.next()? {
            let (2, Field::Bytes(message)) = (number, field) else { continue };
            budget.features += 1;
            check_limit("features", budget.features, MOST_FEATURES)?;
            match Feature::read(message) {
                Some(feature) => each(&feature, budget)?,
                None => broken += 1,
            }
        }
        Ok(broken)
    }

    /// Calls `each` for every feature whose message is sound.
    pub(crate) fn each_feature(
        &self,
        each: &mut dyn FnMut(&Feature<'a>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.features(&mut Budget::default(), |feature, _| each(feature)).map(|_| ())
    }

    /// Which property each key is, so that a feature compares numbers, not texts.
    fn columns<const N: usize>(&self, names: [&str; N]) -> [Option<u32>; N] {
        names.map(|name| self.keys.iter().position(|key| *key == name).map(|at| at as u32))
    }
}

pub(crate) struct Feature<'a> {
    kind: u64,
    pub(crate) tags: &'a [u8],
    pub(crate) commands: &'a [u8],
}

impl<'a> Feature<'a> {
    fn read(message: &'a [u8]) -> Option<Self> {
        let mut feature = Self { kind: 0, tags: &[], commands: &[] };
        let mut fields = Fields::new(message);
        while let Some((number, field)) = fields.next().ok()? {
            match (number, field) {
                (2, Field::Bytes(tags)) => feature.tags = tags,
                (3, Field::Varint(kind)) => feature.kind = kind,
                (4, Field::Bytes(commands)) => feature.commands = commands,
                _ => {}
            }
        }
        Some(feature)
    }

    /// Index of each wanted property's value; the last of several wins, an index without value is none.
    fn values<const N: usize>(&self, columns: &[Option<u32>; N], n_values: usize) -> [Option<usize>; N] {
        let mut found = [None; N];
        let mut numbers = Packed(self.tags);
        while let (Some(key), Some(value)) = (numbers.next(), numbers.next()) {
            for (slot, column) in found.iter_mut().zip(columns) {
                if column.is_some_and(|column| u64::from(column) == key) {
                    *slot = usize::try_from(value).ok().filter(|&value| value < n_values);
                }
            }
        }
        found
    }
}

/// Tile units to degrees; latitudes are computed once per row of the grid.
pub(crate) struct Grid {
    tile: Tile,
    extent: f64,
    latitudes: Vec<f64>,
}

impl Grid {
    pub(crate) fn new(tile: Tile, extent: u32) -> Self {
        let rows = if extent <= 8192 { extent as usize + 1 } else { 0 };
        Self { tile, extent: f64::from(extent), latitudes: vec![f64::NAN; rows] }
    }

    /// `None` more than one tile away from the tile itself.
    pub(crate) fn place(&mut self, x: i32, y: i32) -> Option<(f64, f64)> {
        let (fx, fy) = (f64::from(x) / self.extent, f64::from(y) / self.extent);
        if !(-1.0..=2.0).contains(&fx) || !(-1.0..=2.0).contains(&fy) {
            return None;
        }
        let lon = self.tile.position_at(fx, 0.0).lon();
        let lat = match usize::try_from(y).ok().and_then(|y| self.latitudes.get_mut(y)) {
            Some(lat) => {
                if lat.is_nan() {
                    *lat = self.tile.position_at(0.0, fy).lat();
                }
                *lat
            }
            None => self.tile.position_at(0.0, fy).lat(),
        };
        Some((lon, lat))
    }
}

/// Sequence keys of a layer's values, interned when first met.
struct SequenceNumbers(Vec<Key>);

#[derive(Clone, Copy)]
enum Key {
    Unread,
    Blank,
    Number(u32),
}

impl SequenceNumbers {
    fn new(layer: &Layer<'_>) -> Self {
        Self(vec![Key::Unread; layer.values.len()])
    }

    fn of(&mut self, value: Option<usize>, layer: &Layer<'_>, decoded: &mut CoverageTile) -> Option<u32> {
        let index = value?;
        if let Key::Unread = self.0[index] {
            self.0[index] = layer.values[index]
                .text()
                .map_or(Key::Blank, |text| Key::Number(decoded.sequence_names.number_of(&SequenceId::new(text))));
        }
        match self.0[index] {
            Key::Number(number) => Some(number),
            Key::Unread | Key::Blank => None,
        }
    }
}

fn read_images(layer: &Layer<'_>, decoded: &mut CoverageTile, budget: &mut Budget) -> Result<(), DecodeError> {
    let columns = layer.columns(IMAGE_PROPERTIES);
    let mut grid = Grid::new(decoded.tile, layer.extent);
    let mut sequences = SequenceNumbers::new(layer);
    let broken = layer.features(budget, |feature, _| {
        if feature.kind > 1 {
            decoded.skipped.of_other_kind += 1;
            return Ok(());
        }
        let place = geometry::point(feature.commands).and_then(|(x, y)| grid.place(x, y));
        let Some((longitude, latitude)) = place else {
            decoded.skipped.without_geometry += 1;
            return Ok(());
        };
        let found = feature.values(&columns, layer.values.len());
        let value = |slot: usize| found[slot].map_or(Value::Nothing, |index| layer.values[index]);
        let sequence = sequences.of(found[1], layer, decoded);
        decoded.images.push([0, 2, 3, 4, 5, 6].map(value), sequence, longitude, latitude);
        Ok(())
    })?;
    decoded.skipped.broken += broken;
    Ok(())
}

fn read_sequences(layer: &Layer<'_>, decoded: &mut CoverageTile, budget: &mut Budget) -> Result<(), DecodeError> {
    let columns = layer.columns(SEQUENCE_PROPERTIES);
    let mut grid = Grid::new(decoded.tile, layer.extent);
    let mut numbers = SequenceNumbers::new(layer);
    let broken = layer.features(budget, |feature, budget| {
        if !matches!(feature.kind, 0 | 2) {
            decoded.skipped.of_other_kind += 1;
            return Ok(());
        }
        if !push_line(feature.commands, &mut grid, decoded, budget)? {
            decoded.skipped.without_geometry += 1;
            return Ok(());
        }
        let found = feature.values(&columns, layer.values.len());
        let value = |slot: usize| found[slot].map_or(Value::Nothing, |index| layer.values[index]);
        let sequence = numbers.of(found[0], layer, decoded);
        decoded.sequences.push([1, 2, 3, 4, 5].map(value), sequence);
        Ok(())
    })?;
    decoded.skipped.broken += broken;
    Ok(())
}

/// Appends the vertices of a line; takes them back and answers false when the geometry breaks.
fn push_line(
    commands: &[u8],
    grid: &mut Grid,
    decoded: &mut CoverageTile,
    budget: &mut Budget,
) -> Result<bool, DecodeError> {
    let sequences = &mut decoded.sequences;
    let (n_vertices, n_parts) = (sequences.vertices.len(), sequences.part_ends.len());
    let mut is_sound = true;
    let walked = geometry::lines(commands, |begins, x, y| {
        if begins && sequences.vertices.len() > n_vertices {
            sequences.part_ends.push(sequences.vertices.len() as u32);
        }
        match grid.place(x, y) {
            Some(place) if (sequences.vertices.len() as u64) < MOST_VERTICES => sequences.vertices.push(place),
            Some(_) => budget.vertices = MOST_VERTICES + 1,
            None => is_sound = false,
        }
    });
    check_limit("line vertices", budget.vertices, MOST_VERTICES)?;
    if walked.is_none() || !is_sound || sequences.vertices.len() == n_vertices {
        sequences.vertices.truncate(n_vertices);
        sequences.part_ends.truncate(n_parts);
        return Ok(false);
    }
    sequences.part_ends.push(sequences.vertices.len() as u32);
    Ok(true)
}

#[cfg(test)]
mod tests;
