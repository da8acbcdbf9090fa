//! The photos of a page as columns of whole numbers: small, quick to read, and equal to the tables.
//!
//! Every figure is the text of the table's own cell with its point taken out (`0.9998` is 9998), so the page cannot differ
//! from the CSV. Neighbours in a ride lie close together, so places, times and clock offsets stand as differences to the
//! row before; a published place as the difference to the local one. What repeats in long runs stands as pairs of
//! (value, count). Columns of the published side have an entry per matched photo only.

use crate::matches_table::{MatchRow, columns};
use crate::table::{Cell, Column, Kind};
use crate::{Report, figures};
use capture_model::{LocalTime, Reason, Status};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A letter or digit for each reason.
const SIGNS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const MICRO: f64 = 1e7;

/// Figures of the published side: their names here and their columns in the table.
const FIGURES: [(&str, &str); 6] = [
    ("dt", "time_delta_ms"),
    ("distance", "distance_m"),
    ("climb", "altitude_delta_m"),
    ("turn", "heading_delta_deg"),
    ("shift", "shift_m"),
    ("bearing", "shift_bearing_deg"),
];

/// Values in runs: (value, count), flat.
#[derive(Default)]
struct Runs(Vec<i64>);

impl Runs {
    fn push(&mut self, value: i64) {
        match self.0.as_mut_slice() {
            [.., last, count] if *last == value => *count += 1,
            _ => self.0.extend([value, 1]),
        }
    }
}

/// Values as differences to the last known one; `null` where there is none.
#[derive(Default)]
struct Steps {
    last: i64,
    steps: Vec<Option<i64>>,
}

impl Steps {
    fn push(&mut self, value: Option<i64>) {
        self.steps.push(value.map(|value| value - self.last));
        self.last = value.unwrap_or(self.last);
    }
}

/// Texts by number, in the order in which they came.
#[derive(Default)]
struct Numbered {
    number: BTreeMap<String, i64>,
    texts: Vec<String>,
}

impl Numbered {
    fn of(&mut self, text: &str) -> i64 {
        if let Some(&number) = self.number.get(text) {
            return number;
        }
        let number = self.texts.len() as i64;
        self.number.insert(text.to_owned(), number);
        self.texts.push(text.to_owned());
        number
    }
}

/// The cells of one row, by the name of their column.
struct Cells<'r> {
    report: &'r Report<'r>,
    columns: Vec<Column<MatchRow<'r>>>,
    place: BTreeMap<&'static str, usize>,
    text: String,
}

impl<'r> Cells<'r> {
    fn new(report: &'r Report<'r>) -> Self {
        let columns = columns();
        let place = columns.iter().enumerate().map(|(place, column)| (column.info.name, place)).collect();
        Self { report, columns, place, text: String::new() }
    }

    /// The text of the table's cell.
    fn text(&mut self, name: &str, row: &MatchRow<'r>) -> &str {
        let column = &self.columns[self.place[name]];
        self.text.clear();
        let cell = self.report.shown(&column.info, (column.cell)(row));
        cell.write_to(column.info.kind, &mut self.text);
        &self.text
    }

    /// The number of the table's cell, its point taken out.
    fn number(&mut self, name: &str, row: &MatchRow<'r>) -> Option<i64> {
        self.text(name, row);
        let digits: String = self.text.chars().filter(|sign| *sign != '.').collect();
        digits.parse().ok()
    }
}

/// Every `step`-th photo, as a JSON object.
pub(super) fn photos(report: &Report<'_>, step: usize) -> String {
    let mut cells = Cells::new(report);
    let mut folders = Numbered::default();
    let mut keys = Numbered::default();
    let (mut folder, mut track, mut is_wall, mut sequence) =
        (Runs::default(), Runs::default(), Runs::default(), Runs::default());
    let mut names: Vec<String> = Vec::new();
    let mut reasons = String::new();
    let (mut longitude, mut latitude, mut time, mut offset) =
        (Steps::default(), Steps::default(), Steps::default(), Steps::default());
    let mut p: Vec<Option<i64>> = Vec::new();
    let mut altitude: Vec<Option<i64>> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut published: [Vec<Option<i64>>; 4] = Default::default();
    let mut figures: [Vec<Option<i64>>; FIGURES.len()] = Default::default();
    let (mut also, mut candidates, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for (k, file) in (0..report.archive.files.len()).step_by(step).enumerate() {
        let row = MatchRow::of(report, file);
        let path = cells.text("path", &row);
        let (above, name) = path.rsplit_once('/').map_or(("", path), |(above, name)| (above, name));
        folder.push(folders.of(above));
        names.push(name.to_owned());
        track.push(report.archive.files.get(file).track().map_or(-1, i64::from));
        reasons.push(sign_of(row.reason));
        let place = ["longitude", "latitude"].map(|name| cells.number(name, &row));
        longitude.push(place[0]);
        latitude.push(place[1]);
        let moment = report.used_time(file).map(|time| report.redaction().map_or(time, |r| r.time(time)));
        time.push(moment.map(LocalTime::ms));
        is_wall.push(i64::from(matches!(moment, Some(LocalTime::Wall(_)))));
        p.push(cells.number("probability", &row));
        altitude.push(cells.number("altitude_m", &row));
        let note = cells.text("note", &row);
        if !note.is_empty() {
            notes.push(json!([k, note]));
        }
        if row.status() == Status::Matched {
            ids.push(cells.text("image_id", &row).to_owned());
            sequence.push(keys.of(cells.text("sequence_id", &row)));
            offset.push(cells.number("clock_offset_ms", &row));
            let mut origin = place;
            for (part, pair) in ["remote", "computed"].into_iter().enumerate() {
                let there = ["longitude", "latitude"].map(|axis| cells.number(&format!("{pair}_{axis}"), &row));
                for axis in 0..2 {
                    published[2 * part + axis].push(there[axis].zip(origin[axis]).map(|(there, from)| there - from));
                }
                origin = [0, 1].map(|axis: usize| there[axis].or(origin[axis]));
            }
            for (values, (_, name)) in figures.iter_mut().zip(FIGURES) {
                values.push(cells.number(name, &row));
            }
            let others = cells.text("also_published_as", &row);
            if !others.is_empty() {
                also.push(json!([k, others]));
            }
        }
        let is_open = row.status() == Status::Ambiguous || row.candidates.len() > 1;
        if is_open && !row.candidates.is_empty() {
            candidates.push(candidates_of(report, k, file, &row));
        }
    }
    let mut data = json!({
        "folders": folders.texts, "folder": folder.0, "name": names, "track": track.0, "reason": reasons,
        "lon": longitude.steps, "lat": latitude.steps, "time": time.steps, "wall": is_wall.0, "p": p, "altitude": altitude,
        "id": ids, "keys": keys.texts, "key": sequence.0, "offset": offset.steps,
        "rlon": published[0], "rlat": published[1], "clon": published[2], "clat": published[3],
        "also": also, "candidates": candidates, "note": notes,
    });
    for (values, (name, _)) in figures.iter().zip(FIGURES) {
        data[name] = json!(values);
    }
    data.to_string()
}

fn sign_of(reason: Reason) -> char {
    let place = Reason::ALL.iter().position(|other| *other == reason).expect("ALL holds every reason");
    char::from(SIGNS[place])
}

/// [row, [id, probability, metres away, longitude, latitude], …].
fn candidates_of(report: &Report<'_>, k: usize, file: usize, row: &MatchRow<'_>) -> Value {
    let local = report.archive.files.get(file).position();
    let redaction = report.redaction();
    let told = row.candidates.iter().map(|candidate| {
        let image = candidate.image as usize;
        let id = report.published.id[image];
        let place = report.published.original(image).or_else(|| report.published.computed(image));
        let away_m = local.zip(place).map(|(here, there)| (figures::distance_m(here, there) * 100.0).round() / 100.0);
        let degrees = |degrees: f64| redaction.map_or(degrees, |r| r.degrees(degrees));
        let scaled = |degrees_of: f64| (degrees(degrees_of) * MICRO).round() as i64;
        let mut p = String::new();
        Cell::Number(candidate.probability).write_to(Kind::Probability, &mut p);
        json!([
            redaction.map_or(id, |r| r.id(id)).to_string(),
            p,
            away_m,
            place.map(|place| scaled(place.lon())),
            place.map(|place| scaled(place.lat())),
        ])
    });
    Value::from(std::iter::once(json!(k)).chain(told).collect::<Vec<_>>())
}
