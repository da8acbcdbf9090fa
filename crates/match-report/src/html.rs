//! `report.html`: the map and the list of sequences in one file that needs no network.
//!
//! The data stands in the page as JSON in a script of type `application/json`, with `<` escaped, and the viewer puts it on
//! the page as text only: a hostile file name stays a name.

use crate::{Counts, Report, ReportError};
use capture_model::Position;
use serde_json::{Value, json};
use std::io::Write;

/// More points than this are thinned evenly, and the page says so.
const MOST_POINTS: usize = 100_000;
const VIEWER: &str = include_str!("viewer.html");

/// Writes the page.
pub fn write_report_html(report: &Report<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let counts = Counts::of(report);
    let placed: Vec<usize> = (0..report.archive.files.len())
        .filter(|&file| report.archive.files[file].observation.position.is_some())
        .collect();
    let step = placed.len().div_ceil(MOST_POINTS).max(1);
    let photos: Vec<Value> = placed.iter().step_by(step).map(|&file| photo(report, file)).collect();
    let sequences: Vec<Value> = (0..report.archive.tracks.len()).map(|track| sequence(report, track)).collect();
    let data = json!({
        "counts": counts,
        "photos": photos,
        "thinned_to_every": step,
        "sequences": sequences,
    });
    let (before, after) = VIEWER.split_once("@DATA@").expect("the viewer has a place for the data");
    out.write_all(before.as_bytes())?;
    out.write_all(data.to_string().replace('<', "\\u003c").as_bytes())?;
    out.write_all(after.as_bytes())?;
    Ok(())
}

fn place(position: Option<Position>) -> Value {
    position.map_or(Value::Null, |position| {
        let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
        json!([seven(position.lon()), seven(position.lat())])
    })
}

/// One photo as [path, sequence, status, reason, probability, local, published, computed, image id, shift].
fn photo(report: &Report<'_>, file: usize) -> Value {
    let local = &report.archive.files[file];
    let reason = report.reason_of(file);
    let verdict = report.verdict_of(file);
    let image = verdict.and_then(|verdict| verdict.image).map(|image| image as usize);
    let probability = verdict.and_then(|verdict| verdict.probability).map(|p| (p * 1e4).round() / 1e4);
    let shift = image.and_then(|image| report.shift_m(image)).map(|m| (m * 100.0).round() / 100.0);
    json!([
        &*local.path,
        report.track_name(file),
        reason.status().as_str(),
        reason.as_str(),
        probability,
        place(local.observation.position),
        place(image.and_then(|image| report.published.original(image))),
        place(image.and_then(|image| report.published.computed(image))),
        image.map(|image| report.published.id[image].to_string()),
        shift,
    ])
}

fn sequence(report: &Report<'_>, track: usize) -> Value {
    let outcome = &report.outcome.tracks[track];
    let keys: Vec<&str> =
        outcome.sequences.iter().map(|&number| report.published.sequences.value(number).as_str()).collect();
    json!({
        "name": &*report.archive.tracks[track].name,
        "files": report.archive.tracks[track].files.len(),
        "verdict": outcome.verdict.as_str(),
        "clock": outcome.clock_kind.as_str(),
        "offset_ms": outcome.clock_offset_ms,
        "keys": keys,
    })
}
