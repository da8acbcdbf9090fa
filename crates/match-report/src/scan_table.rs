//! `scan`: what each local file says. Its output is valid input again.

use crate::table::{Cell, TableWriter};
use crate::{CsvStyle, OutputKind, ReportError};
use capture_model::{FileState, LocalArchive, Metres};
use std::io::Write;

const COLUMNS: &[&str] = &[
    "path",
    "local_sequence",
    "sequence_index",
    "status",
    "reason",
    "captured_at",
    "time_source",
    "camera_time",
    "gps_time",
    "longitude",
    "latitude",
    "altitude_m",
    "heading_deg",
    "make",
    "model",
    "width",
    "height",
    "orientation",
    "cluster_id",
    "note",
];

/// Writes the inventory of an archive.
pub fn write_scan(
    archive: &LocalArchive,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut table = TableWriter::new(COLUMNS, kind, style, out)?;
    for file in 0..archive.files.len() {
        table.row(&cells(archive, file))?;
    }
    table.finish()
}

fn cells(archive: &LocalArchive, file: usize) -> Vec<Cell<'_>> {
    let local = &archive.files[file];
    let seen = &local.observation;
    let device = (seen.device as usize) < archive.devices.len();
    let device = device.then(|| archive.devices.value(seen.device));
    let track = local.track.map(|track| &archive.tracks[track as usize]);
    let (status, reason) = match local.state {
        FileState::Usable => ("usable", ""),
        FileState::Out(reason) => (reason.status().as_str(), reason.as_str()),
    };
    let drop = local.predicted_drop.map_or("", capture_model::Reason::as_str);
    let note = match (local.note.as_deref().unwrap_or(""), drop) {
        (note, "") => note.to_owned(),
        ("", drop) => format!("predicted: {drop}"),
        (note, drop) => format!("predicted: {drop}; {note}"),
    };
    vec![
        Cell::text(&*local.path),
        Cell::of(track, |track| Cell::text(&*track.name)),
        Cell::of(track, |track| Cell::Whole((file - track.files.start) as i64)),
        Cell::word(status),
        Cell::word(reason),
        Cell::of(seen.time, |time| Cell::word(time.to_string())),
        Cell::word(seen.time_source.as_str()),
        Cell::of(seen.camera_time, |time| Cell::word(time.to_string())),
        Cell::of(seen.gps_time, |time| Cell::word(time.to_string())),
        Cell::of(seen.position, |place| Cell::Coordinate(place.lon())),
        Cell::of(seen.position, |place| Cell::Coordinate(place.lat())),
        Cell::of(seen.altitude, |Metres(m)| Cell::Altitude(m)),
        Cell::of(seen.heading_deg, Cell::Angle),
        Cell::of(device.and_then(|device| device.make.as_deref()), Cell::text),
        Cell::of(device.and_then(|device| device.model.as_deref()), Cell::text),
        Cell::of(device.and_then(|device| device.width), |w| Cell::Whole(i64::from(w))),
        Cell::of(device.and_then(|device| device.height), |h| Cell::Whole(i64::from(h))),
        Cell::of(seen.orientation, |o| Cell::Whole(i64::from(o))),
        Cell::of(local.cluster_id, |cluster| Cell::Id(cluster.0)),
        Cell::text(note),
    ]
}
