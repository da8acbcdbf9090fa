//! `scan`: what each local file says. Its output is valid input again.

use crate::table::{Cell, Column, Kind, TableSink, column, send, write_table};
use crate::{CsvStyle, OutputKind, ReportError};
use capture_model::{Device, FileRow, FileState, LocalArchive, LocalTime, Metres, Position, Reason, Track};
use std::borrow::Cow;
use std::io::Write;

/// Writes the inventory of an archive as CSV or JSON lines.
pub fn write_scan(
    archive: &LocalArchive,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    write_table(kind, style, out, |sink| send_scan(archive, sink))
}

/// Sends the inventory of an archive to any sink.
pub fn send_scan(archive: &LocalArchive, sink: &mut dyn TableSink) -> Result<(), ReportError> {
    send(&columns(), (0..archive.files.len()).map(|file| ScanRow::of(archive, file)), sink)
}

/// One file and what it says.
pub(crate) struct ScanRow<'a> {
    file: usize,
    local: FileRow<'a>,
    track: Option<&'a Track>,
    device: Option<&'a Device>,
}

impl<'a> ScanRow<'a> {
    fn of(archive: &'a LocalArchive, file: usize) -> Self {
        let local = archive.files.get(file);
        let device = local.device();
        Self {
            file,
            local,
            track: local.track().map(|track| &archive.tracks[track as usize]),
            device: ((device as usize) < archive.devices.len()).then(|| archive.devices.value(device)),
        }
    }

    fn status(&self) -> (&'static str, &'static str) {
        match self.local.state() {
            FileState::Usable => ("usable", ""),
            FileState::Out(reason) => (reason.status().as_str(), reason.as_str()),
        }
    }

    fn note(&self) -> Cow<'_, str> {
        let note = self.local.note().unwrap_or("");
        match (self.local.predicted_drop().map(Reason::as_str), note) {
            (None, note) => note.into(),
            (Some(drop), "") => format!("predicted: {drop}").into(),
            (Some(drop), note) => format!("predicted: {drop}; {note}").into(),
        }
    }
}

/// The contract: these columns, in this order.
pub(crate) fn columns<'a>() -> [Column<ScanRow<'a>>; 20] {
    [
        column("path", Kind::Text, "The local file, as typed", |row| Cell::text(row.local.path())),
        column("local_sequence", Kind::Text, "The local sequence it belongs to", |row| {
            Cell::of(row.track, |track| Cell::text(&*track.name))
        }),
        column("sequence_index", Kind::Whole, "Its place there, from 0", |row| {
            Cell::of(row.track, |track| Cell::Whole(row.file as i64 - track.files.start as i64))
        }),
        column("status", Kind::Word, "usable, rejected or unreadable", |row| Cell::text(row.status().0)),
        column("reason", Kind::Word, "Why it is not usable", |row| Cell::text(row.status().1)),
        column(
            "captured_at",
            Kind::Time,
            "The time that the uploader would choose; without Z its zone is unknown",
            |row| Cell::of(row.local.time(), Cell::Time),
        ),
        column("time_source", Kind::Word, "Where that time was read", |row| {
            Cell::text(row.local.time_source().as_str())
        }),
        column("camera_time", Kind::Time, "The camera's own clock", |row| {
            Cell::of(row.local.camera_time(), Cell::Time)
        }),
        column("gps_time", Kind::Time, "GPS date and time", |row| {
            Cell::of(row.local.gps_time(), |time| Cell::Time(LocalTime::Absolute(time)))
        }),
        column("longitude", Kind::Coordinate, "Place", |row| {
            Cell::of(row.local.position().map(Position::lon), Cell::Number)
        }),
        column("latitude", Kind::Coordinate, "Place", |row| {
            Cell::of(row.local.position().map(Position::lat), Cell::Number)
        }),
        column("altitude_m", Kind::Altitude, "Altitude", |row| {
            Cell::of(row.local.altitude(), |Metres(altitude_m)| Cell::Number(altitude_m))
        }),
        column("heading_deg", Kind::Angle, "Heading, 0…360 from north", |row| {
            Cell::of(row.local.heading_deg(), Cell::Number)
        }),
        column("make", Kind::Text, "Who made the camera", |row| {
            Cell::of(row.device.and_then(|device| device.make.as_deref()), Cell::text)
        }),
        column("model", Kind::Text, "Which camera", |row| {
            Cell::of(row.device.and_then(|device| device.model.as_deref()), Cell::text)
        }),
        column("width", Kind::Whole, "Pixels", |row| {
            Cell::of(row.device.and_then(|device| device.width), |pixels| Cell::Whole(i64::from(pixels)))
        }),
        column("height", Kind::Whole, "Pixels", |row| {
            Cell::of(row.device.and_then(|device| device.height), |pixels| Cell::Whole(i64::from(pixels)))
        }),
        column("orientation", Kind::Whole, "EXIF orientation, 1 to 8", |row| {
            Cell::of(row.local.orientation(), |orientation| Cell::Whole(i64::from(orientation)))
        }),
        column("cluster_id", Kind::Id, "The upload it went with", |row| {
            Cell::of(row.local.cluster_id(), |cluster| Cell::Id(cluster.0))
        }),
        column("note", Kind::Text, "Predicted drops, and what went wrong", |row| Cell::text(row.note())),
    ]
}

#[cfg(test)]
mod tests;
