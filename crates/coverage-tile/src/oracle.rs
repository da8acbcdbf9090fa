//! The same columns from the crate mvt-reader: a second opinion for tests and for `coverage --reader mvt-reader`.
//!
//! That reader builds a hash map a feature and believes lengths: 180 kB can make it ask for 41 GB. So the tile is walked
//! once beforehand and refused where its memory would grow beyond reason.

use crate::decode::{
    Grid, IMAGE_PROPERTIES, Layer, SEQUENCE_PROPERTIES, check_limit, layers, plain, refuse_old_scheme,
};
use crate::values::Value;
use crate::wire::Packed;
use crate::{CoverageTile, DecodeError};
use capture_model::SequenceId;
use geo_types::{Coord, Geometry, LineString};
use mvt_reader::Reader;
use mvt_reader::feature::{Feature, Value as OtherValue};
use tile_cover::Tile;

const MOST_FEATURES: u64 = 200_000;
const LARGEST_GEOMETRY_BYTES: u64 = 1 << 20;
const MOST_PARTS_TIMES_NUMBERS: u64 = 16_000_000;
const MOST_TEXT_BYTES: u64 = 64 << 20;

/// Decodes one coverage tile with mvt-reader, after a check that this stays small. Unlike [`crate::decode()`], one bad
/// feature fails the tile.
pub fn decode_with_mvt_reader(bytes: &[u8], tile: Tile) -> Result<CoverageTile, DecodeError> {
    let bytes = plain(bytes)?;
    let scanned = layers(&bytes)?;
    refuse_old_scheme(&scanned)?;
    for layer in &scanned {
        refuse_bombs(layer)?;
    }
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

/// Walks one layer and adds up what the other reader would allocate.
fn refuse_bombs(layer: &Layer<'_>) -> Result<(), DecodeError> {
    let text_bytes = |index: u64| {
        let value = usize::try_from(index).ok().and_then(|index| layer.values.get(index));
        value.and_then(|value| value.text()).map_or(0, |text| text.len() as u64)
    };
    let (mut n_features, mut n_bytes) = (0, 0);
    layer.each_feature(&mut |feature| {
        n_features += 1;
        check_limit("features for mvt-reader", n_features, MOST_FEATURES)?;
        let size = feature.commands.len() as u64;
        check_limit("bytes of one geometry for mvt-reader", size, LARGEST_GEOMETRY_BYTES)?;
        let (mut parts, mut numbers) = (0_u64, 0_u64);
        let mut commands = Packed(feature.commands);
        while let Some(command) = commands.next() {
            numbers += 1;
            parts += u64::from(command & 7 == 1);
            let operands = if matches!(command & 7, 1 | 2) { (command >> 3).saturating_mul(2) } else { 0 };
            for _ in 0..operands {
                if commands.next().is_none() {
                    break;
                }
                numbers += 1;
            }
        }
        check_limit("parts of one geometry for mvt-reader", parts.saturating_mul(numbers), MOST_PARTS_TIMES_NUMBERS)?;
        for (place, number) in Packed(feature.tags).enumerate() {
            n_bytes += if place % 2 == 0 { 64 } else { text_bytes(number) };
        }
        check_limit("bytes of properties for mvt-reader", n_bytes, MOST_TEXT_BYTES)
    })
}

fn value<'a>(feature: &'a Feature<i32>, name: &str) -> Value<'a> {
    match feature.properties.as_ref().and_then(|properties| properties.get(name)) {
        Some(OtherValue::String(text)) => Value::Text(text),
        Some(OtherValue::Float(number)) => Value::Float(f64::from(*number)),
        Some(OtherValue::Double(number)) => Value::Float(*number),
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
        _ => None,
    };
    let Some((longitude, latitude)) = point.and_then(|Coord { x, y }| grid.place(x, y)) else {
        decoded.skipped.without_geometry += 1;
        return;
    };
    let values = IMAGE_PROPERTIES.map(|name| value(feature, name));
    let sequence = sequence_number(values[1], decoded);
    decoded.images.push([0, 2, 3, 4, 5, 6].map(|slot: usize| values[slot]), sequence, longitude, latitude);
}

fn push_sequence(feature: &Feature<i32>, grid: &mut Grid, decoded: &mut CoverageTile) {
    let lines: &[LineString<i32>] = match &feature.geometry {
        Geometry::LineString(line) => std::slice::from_ref(line),
        Geometry::MultiLineString(lines) => &lines.0,
        _ => &[],
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
    decoded.sequences.push([1, 2, 3, 4, 5].map(|slot: usize| values[slot]), sequence);
}
