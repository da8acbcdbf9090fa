//! `report.html`: the map, the list of sequences and the evidence of every photo in one file that needs no network.
//!
//! The data stands in the page as JSON in a script of type `application/json`, columns of whole numbers ([`columns`]), with
//! `<`, `>`, `&` and the line separators escaped. The viewer is plain JavaScript on a canvas, put together from the files
//! beside this one; it puts foreign words on the page as text only, and the page's policy runs no script but this very one
//! (by its hash): a hostile file name stays a name.

mod basemap;
mod columns;
mod measured;

pub use basemap::Basemap;

use crate::table::Kind;
use crate::{Counts, Report, ReportError, meaning, next_step};
use base64::Engine;
use capture_model::{Reason, Status};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("style.css");
const SCRIPT: [&str; 5] = [
    include_str!("data.js"),
    include_str!("map.js"),
    include_str!("evidence.js"),
    include_str!("panels.js"),
    include_str!("main.js"),
];

/// The data of a page stays below this, so that the page does below 15 MB.
const MOST_BYTES: usize = 14_400_000;

/// Writes the page; with a basemap it loads map tiles from the network, and says so.
pub fn write_report_html(
    report: &Report<'_>,
    basemap: Option<&Basemap>,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let sequences = sequences(report);
    let (photos, step) = thinned(report, MOST_BYTES.saturating_sub(sequences.len()));
    let head = json!({
        "counts": Counts::of(report),
        "statuses": Status::ALL.map(Status::as_str),
        "reasons": Reason::ALL.iter().map(|&reason| reason_told(reason)).collect::<Vec<_>>(),
        "thinned_to_every": step,
        "redacted": report.redaction().is_some(),
        "basemap": basemap.map(Basemap::told),
        "measured": measured::measured(),
    });
    let script = SCRIPT.concat();
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:{}; base-uri 'none'; form-action 'none'",
        hash_of(STYLE),
        hash_of(&script),
        basemap.map_or_else(String::new, |basemap| format!(" {}", basemap.origin())),
    );
    let data = format!("{{\"head\":{head},\n\"sequences\":{sequences},\n\"photos\":{photos}}}");
    let mut rest = PAGE;
    for (place, text) in
        [("@POLICY@", policy.as_str()), ("@STYLE@", STYLE), ("@DATA@", &escaped(&data)), ("@SCRIPT@", &script)]
    {
        let (before, after) = rest.split_once(place).expect("the page has a place for each part, in this order");
        out.write_all(before.as_bytes())?;
        out.write_all(text.as_bytes())?;
        rest = after;
    }
    out.write_all(rest.as_bytes())?;
    Ok(())
}

fn hash_of(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// JSON that may stand in a page: nothing in it can end the script or begin a tag.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len() + 1024);
    let mut rest = json;
    while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        text.push_str(&rest[..at]);
        let unsafe_char = rest[at..].chars().next().expect("one was found there");
        text.push_str(match unsafe_char {
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            _ => "\\u2029",
        });
        rest = &rest[at + unsafe_char.len_utf8()..];
    }
    text.push_str(rest);
    text
}

/// The photos, every n-th of them where all would not fit; n = 1 for all.
fn thinned(report: &Report<'_>, most_bytes: usize) -> (String, usize) {
    const BYTES_OF_FIGURES: usize = 60;
    let rough: usize = report.archive.files.iter().map(|file| file.path().len() / 2 + BYTES_OF_FIGURES).sum();
    let mut step = (rough / (2 * most_bytes.max(1))).max(1);
    loop {
        let photos = columns::photos(report, step);
        if photos.len() <= most_bytes || step > report.archive.files.len() {
            return (photos, step);
        }
        step = (step * photos.len()).div_ceil(most_bytes.max(1)).max(step + 1);
    }
}

fn reason_told(reason: Reason) -> Value {
    json!([reason.as_str(), reason.status().as_str(), meaning(reason), next_step(reason)])
}

/// The rows of `sequences.csv` as an array of columns' texts.
fn sequences(report: &Report<'_>) -> String {
    let columns = crate::sequences_table::columns();
    let wanted = [
        "local_sequence",
        "images",
        "verdict",
        "clock_offset_ms",
        "clock_kind",
        "drift_ppm",
        "sequence_ids",
        "median_shift_m",
        "max_shift_m",
        "note",
    ];
    let columns: Vec<_> = wanted
        .iter()
        .map(|name| columns.iter().find(|column| column.info.name == *name).expect("a column of the table"))
        .collect();
    let rows: Vec<Value> = (0..report.archive.tracks.len())
        .map(|track| {
            let row = crate::sequences_table::SequenceRow::of(report, track);
            let cells = columns.iter().map(|column| {
                let mut text = String::new();
                let cell = report.shown(&column.info, (column.cell)(&row));
                cell.write_to(column.info.kind, &mut text);
                match column.info.kind {
                    Kind::Whole => text.parse::<i64>().map_or(Value::Null, Value::from),
                    _ => Value::from(text),
                }
            });
            Value::from(cells.collect::<Vec<_>>())
        })
        .collect();
    Value::from(rows).to_string()
}

#[cfg(test)]
mod tests;
