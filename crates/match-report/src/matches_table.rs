//! `matches.csv`: one row per local file, each exactly once.

use crate::table::{Cell, TableWriter};
use crate::{CsvStyle, OutputKind, Report, ReportError, figures};
use capture_model::{Metres, PublishedImage, Status};
use std::io::Write;

pub(crate) const COLUMNS: &[&str] = &[
    "path",
    "local_sequence",
    "status",
    "reason",
    "image_id",
    "sequence_id",
    "probability",
    "candidates",
    "candidate_probabilities",
    "also_published_as",
    "route",
    "captured_at",
    "longitude",
    "latitude",
    "altitude_m",
    "remote_captured_at",
    "remote_longitude",
    "remote_latitude",
    "time_delta_ms",
    "clock_offset_ms",
    "distance_m",
    "altitude_delta_m",
    "heading_delta_deg",
    "computed_longitude",
    "computed_latitude",
    "shift_m",
    "shift_bearing_deg",
    "cluster_id",
    "url",
    "note",
];

/// Writes the matches.
pub fn write_matches(
    report: &Report<'_>,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut table = TableWriter::new(COLUMNS, kind, style, out)?;
    for file in 0..report.archive.files.len() {
        table.row(&cells(report, file))?;
    }
    table.finish()
}

/// The page of an image on the web.
pub(crate) fn url_of(image_id: u64) -> String {
    format!("https://www.mapillary.com/app/?pKey={image_id}")
}

/// The cells of one file.
pub(crate) fn cells<'a>(report: &'a Report<'_>, file: usize) -> Vec<Cell<'a>> {
    let local = &report.archive.files[file];
    let seen = &local.observation;
    let reason = report.reason_of(file);
    let status = reason.status();
    let row = report.row_of(file);
    let verdict = report.verdict_of(file);
    let image_row = verdict.and_then(|verdict| verdict.image).map(|image| image as usize);
    let image: Option<PublishedImage> = image_row.map(|image| report.published.image(image));
    let ids = |images: &mut dyn Iterator<Item = u32>| {
        images.map(|image| report.published.id[image as usize].to_string()).collect::<Vec<_>>().join("|")
    };
    let candidates = row.map_or(&[][..], |row| report.outcome.candidates.of(row));
    let candidates = if matches!(status, Status::Matched | Status::Ambiguous) { candidates } else { &[] };
    let shares: Vec<String> = candidates.iter().map(|candidate| format!("{:.4}", candidate.probability)).collect();
    let also = row.map_or(&[][..], |row| report.outcome.also_published.of(row));
    let used_time = report.used_time(file);
    let offset_ms = verdict.and_then(|verdict| verdict.clock_offset_ms).filter(|_| image.is_some());
    let time_delta_ms =
        image.as_ref().and_then(|image| Some(image.captured_at?.epoch_ms() - (used_time?.ms() + offset_ms?)));
    let is_adjusted = verdict.is_some_and(|verdict| verdict.by_computed);
    let distance_m = image.as_ref().and_then(|image| {
        let there = if is_adjusted { image.computed.or(image.original) } else { image.original.or(image.computed) };
        Some(figures::distance_m(seen.position?, there?))
    });
    let altitude_delta_m = image.as_ref().and_then(|image| Some(image.altitude_m? - seen.altitude.map(|Metres(m)| m)?));
    let heading_delta_deg =
        image.as_ref().and_then(|image| Some(figures::turn_deg(seen.heading_deg?, image.compass_deg?)));
    let original = image.as_ref().and_then(|image| image.original);
    let computed = image.as_ref().and_then(|image| image.computed);
    vec![
        Cell::text(&*local.path),
        Cell::text(report.track_name(file)),
        Cell::word(status.as_str()),
        Cell::word(reason.as_str()),
        Cell::of(image.as_ref(), |image| Cell::Id(image.id.0)),
        Cell::of(image.as_ref().and_then(|image| image.sequence.as_ref()), |key| {
            sequence_cell(key.as_str()).into_owned()
        }),
        Cell::of(verdict.and_then(|verdict| verdict.probability), Cell::Probability),
        Cell::word(ids(&mut candidates.iter().map(|candidate| candidate.image))),
        Cell::word(shares.join("|")),
        Cell::word(ids(&mut also.iter().copied())),
        Cell::of(image_row, |image| Cell::word(report.routes[image].as_str())),
        Cell::of(used_time, |time| Cell::word(time.to_string())),
        Cell::of(seen.position, |place| Cell::Coordinate(place.lon())),
        Cell::of(seen.position, |place| Cell::Coordinate(place.lat())),
        Cell::of(seen.altitude, |Metres(m)| Cell::Altitude(m)),
        Cell::of(image.as_ref().and_then(|image| image.captured_at), |time| Cell::word(time.to_string())),
        Cell::of(original, |place| Cell::Coordinate(place.lon())),
        Cell::of(original, |place| Cell::Coordinate(place.lat())),
        Cell::of(time_delta_ms, Cell::Whole),
        Cell::of(offset_ms, Cell::Whole),
        Cell::of(distance_m, Cell::Metres),
        Cell::of(altitude_delta_m, Cell::Metres),
        Cell::of(heading_delta_deg, Cell::Angle),
        Cell::of(computed, |place| Cell::Coordinate(place.lon())),
        Cell::of(computed, |place| Cell::Coordinate(place.lat())),
        Cell::of(image_row.and_then(|image| report.shift_m(image)), Cell::Metres),
        Cell::of(original.zip(computed).and_then(|(from, to)| figures::bearing_deg(from, to)), Cell::Angle),
        Cell::of(local.cluster_id, |cluster| Cell::Id(cluster.0)),
        Cell::of(image.as_ref(), |image| Cell::word(url_of(image.id.0))),
        Cell::text(report.note_of(file)),
    ]
}

/// A sequence key: ours to print as it is when it has the service's alphabet, somebody's text otherwise.
pub(crate) fn sequence_cell(key: &str) -> Cell<'_> {
    let is_key = capture_model::SequenceId::new(key).is_url_safe();
    if is_key { Cell::word(key) } else { Cell::text(key) }
}

impl Cell<'_> {
    /// The same cell with texts of its own.
    pub(crate) fn into_owned<'b>(self) -> Cell<'b> {
        match self {
            Cell::Text(text) => Cell::Text(text.into_owned().into()),
            Cell::Word(text) => Cell::Word(text.into_owned().into()),
            Cell::Empty => Cell::Empty,
            Cell::Id(id) => Cell::Id(id),
            Cell::Whole(number) => Cell::Whole(number),
            Cell::Truth(truth) => Cell::Truth(truth),
            Cell::Coordinate(number) => Cell::Coordinate(number),
            Cell::Metres(number) => Cell::Metres(number),
            Cell::Altitude(number) => Cell::Altitude(number),
            Cell::Angle(number) => Cell::Angle(number),
            Cell::Probability(number) => Cell::Probability(number),
        }
    }
}

#[cfg(test)]
mod tests;
