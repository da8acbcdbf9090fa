//! The rows of a filled-in review: CSV as a spreadsheet leaves it, JSON lines, or the features of a GeoJSON drawing.

use crate::table::GUARDED;
use serde_json::{Deserializer, Map, Value};

/// What one row says, as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Line, or number of the feature, from 1.
    pub(super) at: u64,
    pub(super) path: String,
    pub(super) decision: String,
    pub(super) url: String,
    pub(super) image_id: String,
}

/// What is counted, the place in it from 1, and what is wrong there.
pub(super) type Wrong = (&'static str, u64, String);

const KEEP: &str = "keep what `tiepoint review export` writes";

/// The rows, and what their numbers count.
pub(super) fn rows_of(bytes: &[u8]) -> Result<(&'static str, Vec<Row>), Wrong> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => of_json(bytes),
        _ => of_csv(bytes).map(|rows| ("line", rows)).map_err(|(at, detail)| ("line", at, detail)),
    }
}

fn of_csv(bytes: &[u8]) -> Result<Vec<Row>, (u64, String)> {
    let head = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let delimiter = if head.contains(&b';') && !head.contains(&b',') { b';' } else { b',' }; // spreadsheets of some countries
    let mut reader = csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(bytes);
    let broken = |error: csv::Error| (error.position().map_or(1, csv::Position::line), error.to_string());
    let headers = reader.headers().map_err(broken)?.clone();
    let column = |name: &str| headers.iter().position(|header| header.trim().eq_ignore_ascii_case(name));
    let needed = |name: &str| column(name).ok_or_else(|| (1, format!("no column `{name}`; {KEEP}")));
    let (path, decision) = (needed("path")?, needed("decision")?);
    let (url, image_id) = (column("url"), column("image_id"));
    let (mut rows, mut counted_to, mut line) = (Vec::new(), 0, 1);
    for record in reader.records() {
        let record = record.map_err(broken)?;
        // The reader counts lines before it has passed the second half of CR LF.
        let start = record.position().map_or(0, |position| position.byte() as usize).min(bytes.len());
        let start = start + bytes[start..].iter().take_while(|&&byte| byte == b'\r' || byte == b'\n').count();
        line += memchr::memchr_iter(b'\n', &bytes[counted_to..start]).count() as u64;
        counted_to = start;
        let cell =
            |place: Option<usize>| place.and_then(|place| record.get(place)).unwrap_or_default().trim().to_owned();
        let path = record.get(path).unwrap_or_default();
        rows.push(Row {
            at: line,
            path: path.strip_prefix('\'').filter(|rest| rest.starts_with(GUARDED)).unwrap_or(path).to_owned(),
            decision: cell(Some(decision)),
            url: cell(url),
            image_id: cell(image_id),
        });
    }
    Ok(rows)
}

/// JSON lines, or a `FeatureCollection`: of its features those of candidates are rows, of the others those that are filled in.
fn of_json(bytes: &[u8]) -> Result<(&'static str, Vec<Row>), Wrong> {
    let mut rows = Vec::new();
    for (number, value) in (1..).zip(Deserializer::from_slice(bytes).into_iter::<Value>()) {
        let value = value.map_err(|error| ("line", error.line() as u64, format!("broken JSON ({error}); {KEEP}")))?;
        match value.get("features") {
            Some(Value::Array(features)) => {
                for (number, feature) in (1..).zip(features) {
                    let properties = feature.get("properties").and_then(Value::as_object);
                    let mut row = properties.map(|members| of_members(members, number)).unwrap_or_default();
                    let kind = properties.and_then(|members| members.get("kind")).and_then(Value::as_str);
                    if kind == Some("photo") {
                        (row.url, row.image_id) = (String::new(), String::new()); // `yes` there does not say which
                    }
                    if matches!(kind, None | Some("candidate")) || !row.decision.is_empty() {
                        rows.push(row);
                    }
                }
                return has_paths(rows, "feature");
            }
            _ => rows.push(value.as_object().map(|members| of_members(members, number)).unwrap_or_default()),
        }
    }
    has_paths(rows, "line")
}

fn has_paths(rows: Vec<Row>, unit: &'static str) -> Result<(&'static str, Vec<Row>), Wrong> {
    if !rows.is_empty() && rows.iter().all(|row| row.path.is_empty()) {
        return Err((unit, 1, format!("no member `path`; {KEEP}")));
    }
    Ok((unit, rows))
}

fn of_members(members: &Map<String, Value>, at: u64) -> Row {
    let text = |name: &str| match members.get(name) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let path = members.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
    Row { at, path, decision: text("decision"), url: text("url"), image_id: text("image_id") }
}
