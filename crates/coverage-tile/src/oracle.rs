//! The same columns from the crate mvt-reader: a second opinion for tests and for `coverage --reader mvt-reader`.

use crate::body::plain;
use crate::columns::{IMAGE_PROPERTIES, SEQUENCE_PROPERTIES};
use crate::decode::refuse_old_scheme;
use crate::grid::Grid;
use crate::guard::refuse_bombs;
use crate::layer::layers;
use crate::limits::Budget;
use crate::values::Value;
use crate::{CoverageTile, DecodeError};
use capture_model::SequenceId;
use geo_types::{Coord, Geometry, LineString};
use mvt_reader::Reader;
use mvt_reader::feature::{Feature, Value as OtherValue};
use tile_cover::Tile;

/// Decodes one coverage tile with mvt-reader, after a check that this takes at most 64 MiB and 40 times the tile's size.
/// The same columns as [`crate::decode()`] on a sound tile; unlike there, one bad feature fails the whole tile.
pub fn decode_with_mvt_reader(bytes: &[u8], tile: Tile) -> Result<CoverageTile, DecodeError> {
    let bytes = plain(bytes)?;
    let named = layers(&bytes, &mut Budget::default())?;
    refuse_old_scheme(&named)?;
    refuse_bombs(&named, bytes.len())?;
    let refused = |error: mvt_reader::error::ParserError| DecodeError::OtherReader { reason: error.to_string() };
    let reader = Reader::new(bytes.into_owned()).map_err(refused)?;
    let mut decoded = CoverageTile::empty(tile);
    for layer in reader.get_layer_metadata().map_err(refused)? {
        let mut grid = Grid::new(tile, layer.extent);
        let take: fn(&Feature<i32>, &mut Grid, &mut CoverageTile) = match layer.name.as_str() {
            "image" => push_image,
            "sequence" => push_sequence,
            _ => continue,
        };
        for feature in reader.get_features_as::<i32>(layer.layer_index).map_err(refused)? {
            take(&feature, &mut grid, &mut decoded);
        }
    }
    Ok(decoded)
}

fn value<'a>(feature: &'a Feature<i32>, name: &str) -> Value<'a> {
    match feature.properties.as_ref().and_then(|properties| properties.get(name)) {
        Some(OtherValue::String(text)) => Value::Text(text.as_bytes()),
        Some(OtherValue::Float(number)) => Value::Single(*number),
        Some(OtherValue::Double(number)) => Value::Double(*number),
        Some(OtherValue::Int(number) | OtherValue::SInt(number)) => Value::Int(*number),
        Some(OtherValue::UInt(number)) => Value::Uint(*number),
        Some(OtherValue::Bool(truth)) => Value::Bool(*truth),
        Some(OtherValue::Null) | None => Value::Nothing,
    }
}

fn sequence_number(value: Value<'_>, decoded: &mut CoverageTile) -> Option<u32> {
    value.text().map(|text| decoded.sequence_names.number_of(&SequenceId::new(text)))
}

fn push_image(feature: &Feature<i32>, grid: &mut Grid, decoded: &mut CoverageTile) {
    let point = match &feature.geometry {
        Geometry::Point(point) => Some(point.0),
        Geometry::MultiPoint(points) => points.0.first().map(|point| point.0),
        _ => {
            decoded.skipped.of_other_kind += 1;
            return;
        }
    };
    let Some(place) = point.and_then(|Coord { x, y }| grid.place(x, y)) else {
        decoded.skipped.without_geometry += 1;
        return;
    };
    let values = IMAGE_PROPERTIES.map(|name| value(feature, name));
    let sequence = sequence_number(values[1], decoded);
    decoded.images.push(|property| values[property], sequence, place);
}

fn push_sequence(feature: &Feature<i32>, grid: &mut Grid, decoded: &mut CoverageTile) {
    let lines: &[LineString<i32>] = match &feature.geometry {
        Geometry::LineString(line) => std::slice::from_ref(line),
        Geometry::MultiLineString(lines) => &lines.0,
        _ => {
            decoded.skipped.of_other_kind += 1;
            return;
        }
    };
    let parts: Option<Vec<Vec<(f64, f64)>>> =
        lines.iter().map(|line| line.0.iter().map(|Coord { x, y }| grid.place(*x, *y)).collect()).collect();
    let Some(parts) = parts.filter(|parts| parts.iter().any(|part| !part.is_empty())) else {
        decoded.skipped.without_geometry += 1;
        return;
    };
    for part in parts {
        decoded.sequences.vertices.extend(part);
        decoded.sequences.part_ends.push(decoded.sequences.vertices.len() as u32);
    }
    let values = SEQUENCE_PROPERTIES.map(|name| value(feature, name));
    let sequence = sequence_number(values[0], decoded);
    decoded.sequences.push(|property| values[property], sequence);
}
