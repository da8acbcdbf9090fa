//! `sequences.csv`: one row per local sequence.

use crate::matches_table::sequence_cell;
use crate::table::{Cell, TableWriter};
use crate::{CsvStyle, OutputKind, Report, ReportError, figures};
use capture_model::Status;
use std::io::Write;

pub(crate) const COLUMNS: &[&str] = &[
    "local_sequence",
    "images",
    "matched",
    "ambiguous",
    "unmatched",
    "rejected",
    "verdict",
    "sequence_ids",
    "clock_offset_ms",
    "clock_kind",
    "drift_ppm",
    "first_captured_at",
    "last_captured_at",
    "tiles",
    "median_shift_m",
    "max_shift_m",
    "cluster_id",
    "stage",
    "error_code",
    "note",
];

/// Writes the local sequences.
pub fn write_sequences(
    report: &Report<'_>,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut table = TableWriter::new(COLUMNS, kind, style, out)?;
    for track in 0..report.archive.tracks.len() {
        table.row(&cells(report, track))?;
    }
    table.finish()
}

/// The cells of one local sequence.
pub(crate) fn cells<'a>(report: &'a Report<'_>, track: usize) -> Vec<Cell<'a>> {
    let known = &report.archive.tracks[track];
    let outcome = &report.outcome.tracks[track];
    let files = known.files.clone();
    let count = |status: Status| files.clone().filter(|&file| report.reason_of(file).status() == status).count() as i64;
    let times: Vec<_> = files.clone().filter_map(|file| report.used_time(file)).collect();
    let first = times.iter().min_by_key(|time| time.ms());
    let last = times.iter().max_by_key(|time| time.ms());
    let images = files.clone().filter_map(|file| report.verdict_of(file)?.image);
    let shifts: Vec<f64> = images.filter_map(|image| report.shift_m(image as usize)).collect();
    let largest = shifts.iter().copied().reduce(f64::max);
    let keys: Vec<&str> =
        outcome.sequences.iter().map(|&number| report.published.sequences.value(number).as_str()).collect();
    let mut clusters: Vec<u64> =
        files.clone().filter_map(|file| report.archive.files[file].cluster_id.map(|id| id.0)).collect();
    clusters.dedup();
    let all_keys_known = keys.iter().all(|key| matches!(sequence_cell(key), Cell::Word(_)));
    let joined = keys.join("|");
    vec![
        Cell::text(&*known.name),
        Cell::Whole(files.len() as i64),
        Cell::Whole(count(Status::Matched)),
        Cell::Whole(count(Status::Ambiguous)),
        Cell::Whole(count(Status::Unmatched)),
        Cell::Whole(count(Status::Rejected)),
        Cell::word(outcome.verdict.as_str()),
        if all_keys_known { Cell::word(joined) } else { Cell::text(joined) },
        Cell::of(outcome.clock_offset_ms, Cell::Whole),
        Cell::word(outcome.clock_kind.as_str()),
        Cell::of(outcome.drift_ppm, Cell::Metres),
        Cell::of(first, |time| Cell::word(time.to_string())),
        Cell::of(last, |time| Cell::word(time.to_string())),
        Cell::word(report.track_tiles.get(track).map_or("", String::as_str)),
        Cell::of(figures::median(shifts), Cell::Metres),
        Cell::of(largest, Cell::Metres),
        Cell::word(clusters.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")),
        Cell::Empty,
        Cell::Empty,
        Cell::of((outcome.clock_support > 0).then_some(outcome.clock_support), |n| {
            Cell::word(format!("{n} photos agree on the clock"))
        }),
    ]
}
