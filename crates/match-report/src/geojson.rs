//! `matches.geojson`: what QGIS and JOSM open. A point per local photo, its published and adjusted places, and the lines
//! between them, all with the columns of the matches (RFC 7946).

use crate::matches_table::{COLUMNS, cells};
use crate::table::json_object;
use crate::{Report, ReportError};
use capture_model::Position;
use serde_json::{Map, Value, json};
use std::io::Write;

/// Writes every file that has a place; `kind` tells the features of one file apart: `local`, `published`, `computed`,
/// `match` (local to published) and `shift` (published to adjusted).
pub fn write_matches_geojson(report: &Report<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    out.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
    let mut is_first = true;
    for file in 0..report.archive.files.len() {
        let Some(local) = report.archive.files[file].observation.position else { continue };
        let columns = json_object(COLUMNS, &cells(report, file));
        let image = report.verdict_of(file).and_then(|verdict| verdict.image).map(|image| image as usize);
        let original = image.and_then(|image| report.published.original(image));
        let computed = image.and_then(|image| report.published.computed(image));
        let features = [
            Some(feature("local", point(local), &columns)),
            original.map(|place| feature("published", point(place), &columns)),
            computed.map(|place| feature("computed", point(place), &columns)),
            original.filter(|place| *place != local).map(|place| feature("match", line(local, place), &columns)),
            original.zip(computed).filter(|(a, b)| a != b).map(|(a, b)| feature("shift", line(a, b), &columns)),
        ];
        for feature in features.into_iter().flatten() {
            out.write_all(if is_first { b"\n" } else { b",\n" })?;
            is_first = false;
            serde_json::to_writer(&mut *out, &feature)?;
        }
    }
    out.write_all(b"\n]}\n")?;
    Ok(())
}

fn feature(kind: &str, geometry: Value, columns: &Map<String, Value>) -> Value {
    let mut properties = columns.clone();
    properties.insert("kind".to_owned(), Value::from(kind));
    json!({"type": "Feature", "geometry": geometry, "properties": properties})
}

fn coordinates(position: Position) -> Value {
    let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
    json!([seven(position.lon()), seven(position.lat())])
}

fn point(position: Position) -> Value {
    json!({"type": "Point", "coordinates": coordinates(position)})
}

/// A line; over the antimeridian it is cut in two, as RFC 7946 (section 3.1.9) asks.
fn line(from: Position, to: Position) -> Value {
    if (from.lon() - to.lon()).abs() <= 180.0 {
        return json!({"type": "LineString", "coordinates": [coordinates(from), coordinates(to)]});
    }
    let edge = if from.lon() > 0.0 { 180.0 } else { -180.0 };
    let middle = f64::midpoint(from.lat(), to.lat());
    json!({"type": "MultiLineString", "coordinates": [
        [coordinates(from), [edge, middle]],
        [[-edge, middle], coordinates(to)],
    ]})
}
