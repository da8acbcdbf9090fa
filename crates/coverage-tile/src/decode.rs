//! Bytes become columns: a pull reader for the two layers that matter.
//!
//! # Method
//! The layers `sequence` and `image` are read in the order in which they come, others only by name. Names and values of
//! properties are borrowed; a sequence key is interned once per value, not once per feature. Nothing is allocated by what a
//! length promises, only by what is there, and everything that a tile may have many of is limited ([`crate::limits`]).
//! A feature that cannot be used is counted and passed over.
//!
//! Specification: Mapbox Vector Tile 2.1. Layers and properties: the service's documentation of its coverage tiles.

use crate::body::plain;
use crate::columns::{CoverageTile, IMAGE_PROPERTIES, SEQUENCE_PROPERTIES};
use crate::grid::Grid;
use crate::layer::{Feature, Kind, Layer, NamedLayer, layers};
use crate::limits::Budget;
use crate::{DecodeError, geometry};
use capture_model::SequenceId;
use tile_cover::Tile;

/// Decodes one coverage tile. An empty body is an empty tile, and so is a tile without our layers; a body compressed with
/// gzip is inflated first. An image whose id is missing or blank still has its row.
///
/// ```
/// use coverage_tile::{Dialect, ImageFeature, Tileset, decode, encode};
/// use tile_cover::Tile;
/// let tile: Tile = "14/8188/5448".parse()?;
/// let image = ImageFeature {
///     id: 498_763_468_214_164,
///     sequence_id: "aE5o7bTMH0UtscOYxhVwID".to_owned(),
///     captured_at_ms: Some(1_716_026_467_250),
///     position: tile.position_at(0.25, 0.5),
///     compass_angle_deg: Some(29.9),
///     is_pano: Some(false),
///     creator_id: None,
///     organization_id: None,
/// };
/// let bytes = encode(tile, &[image], &[], &Dialect::default());
/// let coverage = decode(&bytes, tile)?;
/// let published: Vec<_> = coverage.published_images(Tileset::Original).collect();
/// assert_eq!(published[0].id.0, 498_763_468_214_164);
/// assert_eq!(published[0].original, Some(tile.position_at(0.25, 0.5)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn decode(bytes: &[u8], tile: Tile) -> Result<CoverageTile, DecodeError> {
    let bytes = plain(bytes)?;
    let mut budget = Budget::default();
    let layers = layers(&bytes, &mut budget)?;
    refuse_old_scheme(&layers)?;
    let mut decoded = CoverageTile::empty(tile);
    let mut grid = Grid::new(tile, Grid::USUAL_EXTENT);
    for named in layers.iter().filter(|layer| matches!(layer.name, "image" | "sequence")) {
        let layer = Layer::read(named.message, &mut budget)?;
        grid.set_extent(layer.extent);
        if named.name == "image" {
            read_images(&layer, &mut decoded, &mut grid)?;
        } else {
            read_sequences(&layer, &mut decoded, &mut grid, &mut budget)?;
        }
    }
    Ok(decoded)
}

/// A tile with layers of the third version and none of the fourth is refused by their names.
pub(crate) fn refuse_old_scheme(layers: &[NamedLayer<'_>]) -> Result<(), DecodeError> {
    let is_known = |layer: &NamedLayer<'_>| matches!(layer.name, "image" | "sequence" | "overview");
    let is_old = |layer: &NamedLayer<'_>| layer.name.starts_with("mapillary-");
    if layers.iter().any(is_old) && !layers.iter().any(is_known) {
        let shorten = |name: &str| name.chars().take(40).collect::<String>();
        let names: Vec<_> = layers.iter().take(8).map(|layer| format!("`{}`", shorten(layer.name))).collect();
        return Err(DecodeError::OldScheme { layers: names.join(", ") });
    }
    Ok(())
}

fn read_images(layer: &Layer<'_>, decoded: &mut CoverageTile, grid: &mut Grid) -> Result<(), DecodeError> {
    let slots = layer.slots(IMAGE_PROPERTIES);
    let mut sequences = SequenceNumbers::new(layer);
    decoded.images.reserve(layer.most_rows());
    let n_broken = layer.each_feature(|feature| {
        if !matches!(feature.kind, Kind::Point | Kind::Unknown) {
            decoded.skipped.of_other_kind += 1;
            return Ok(());
        }
        let Some(place) = feature.point().and_then(|(x, y)| grid.place(x, y)) else {
            decoded.skipped.without_geometry += 1;
            return Ok(());
        };
        let found = slots.find(feature.tags);
        let sequence = sequences.of(found[1], layer, decoded);
        decoded.images.push(|property| layer.value(found[property]), sequence, place);
        Ok(())
    })?;
    decoded.skipped.broken += n_broken;
    Ok(())
}

fn read_sequences(
    layer: &Layer<'_>,
    decoded: &mut CoverageTile,
    grid: &mut Grid,
    budget: &mut Budget,
) -> Result<(), DecodeError> {
    let slots = layer.slots(SEQUENCE_PROPERTIES);
    let mut numbers = SequenceNumbers::new(layer);
    let n_broken = layer.each_feature(|feature| {
        if !matches!(feature.kind, Kind::Line | Kind::Unknown) {
            decoded.skipped.of_other_kind += 1;
            return Ok(());
        }
        if !push_line(feature, grid, decoded, budget)? {
            decoded.skipped.without_geometry += 1;
            return Ok(());
        }
        let found = slots.find(feature.tags);
        let sequence = numbers.of(found[0], layer, decoded);
        decoded.sequences.push(|property| layer.value(found[property]), sequence);
        Ok(())
    })?;
    decoded.skipped.broken += n_broken;
    Ok(())
}

/// Appends the vertices of a line; takes them back and answers false when the geometry breaks.
fn push_line(
    feature: &Feature<'_>,
    grid: &mut Grid,
    decoded: &mut CoverageTile,
    budget: &mut Budget,
) -> Result<bool, DecodeError> {
    budget.spend_vertices(feature.commands.len() / 2)?; // a vertex takes two bytes at least
    let lines = &mut decoded.sequences;
    let (n_vertices, n_parts) = (lines.vertices.len(), lines.part_ends.len());
    let walked = geometry::lines(feature.commands, |begins, x, y| {
        if begins && lines.vertices.len() > n_vertices {
            lines.part_ends.push(lines.vertices.len() as u32);
        }
        lines.vertices.push(grid.place(x, y)?);
        Some(())
    });
    if walked.is_none() || lines.vertices.len() == n_vertices {
        lines.vertices.truncate(n_vertices);
        lines.part_ends.truncate(n_parts);
        return Ok(false);
    }
    lines.part_ends.push(lines.vertices.len() as u32);
    Ok(true)
}

/// Sequence keys of a layer's values, interned when first met.
struct SequenceNumbers(Vec<u32>);

const UNREAD: u32 = u32::MAX;
const BLANK: u32 = u32::MAX - 1;

impl SequenceNumbers {
    fn new(layer: &Layer<'_>) -> Self {
        Self(vec![UNREAD; layer.n_values()])
    }

    /// `None` for a feature without key, and for a key that is blank.
    #[inline]
    fn of(&mut self, value: u32, layer: &Layer<'_>, decoded: &mut CoverageTile) -> Option<u32> {
        let number = self.0.get_mut(value as usize)?;
        if *number == UNREAD {
            let key = layer.value(value);
            *number = key.text().map_or(BLANK, |key| decoded.sequence_names.number_of(&SequenceId::new(key)));
        }
        Some(*number).filter(|&number| number != BLANK)
    }
}

#[cfg(test)]
mod tests;
