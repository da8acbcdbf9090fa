//! `sequences.csv`: one row per local sequence.

use crate::table::{Cell, Column, Kind, TableSink, column, send, write_table};
use crate::{CsvStyle, OutputKind, Report, ReportError, TrackUpload, figures};
use capture_model::{LocalTime, Status, Track};
use image_matcher::TrackOutcome;
use std::io::Write;

/// Writes the local sequences as CSV or JSON lines.
pub fn write_sequences(
    report: &Report<'_>,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    write_table(kind, style, out, |sink| send_sequences(report, sink))
}

/// Sends the local sequences to any sink.
pub fn send_sequences(report: &Report<'_>, sink: &mut dyn TableSink) -> Result<(), ReportError> {
    let rows = (0..report.archive.tracks.len()).map(|track| SequenceRow::of(report, track));
    match report.redaction() {
        Some(redaction) => send(&columns(), rows, &mut redaction.before(sink)),
        None => send(&columns(), rows, sink),
    }
}

/// One local sequence, summed up over all of its files.
pub(crate) struct SequenceRow<'a> {
    report: &'a Report<'a>,
    track: usize,
    known: &'a Track,
    outcome: Option<&'a TrackOutcome>,
    by_status: [usize; Status::ALL.len()],
    first_time: Option<LocalTime>,
    last_time: Option<LocalTime>,
    median_shift_m: Option<f64>,
    max_shift_m: Option<f64>,
}

impl<'a> SequenceRow<'a> {
    pub(crate) fn of(report: &'a Report<'a>, track: usize) -> Self {
        let known = &report.archive.tracks[track];
        let mut by_status = [0; Status::ALL.len()];
        let (mut first_time, mut last_time) = (None::<LocalTime>, None::<LocalTime>);
        let mut shifts = Vec::new();
        for file in known.files.clone() {
            let status = report.reason_of(file).status();
            let place = Status::ALL.iter().position(|other| *other == status).expect("ALL holds every status");
            by_status[place] += 1;
            if let Some(time) = report.used_time(file) {
                first_time = first_time.filter(|first| first.ms() <= time.ms()).or(Some(time));
                last_time = last_time.filter(|last| last.ms() >= time.ms()).or(Some(time));
            }
            shifts.extend(report.image_of(file).and_then(|image| report.shift_m(image)));
        }
        let max_shift_m = shifts.iter().copied().reduce(f64::max);
        Self {
            report,
            track,
            known,
            outcome: report.outcome.tracks.get(track),
            by_status,
            first_time,
            last_time,
            median_shift_m: figures::median(shifts),
            max_shift_m,
        }
    }

    fn count(&self, status: Status) -> Cell<'static> {
        let place = Status::ALL.iter().position(|other| *other == status).expect("ALL holds every status");
        Cell::Whole(self.by_status[place] as i64)
    }

    fn sequence_ids(&self) -> String {
        let keys = self.outcome.map_or(&[][..], |outcome| &outcome.sequences);
        let keys: Vec<&str> = keys.iter().map(|&key| self.report.published.sequences.value(key).as_str()).collect();
        keys.join("|")
    }

    /// Uploads of its files, each once, in the order of the files.
    fn cluster_ids(&self) -> String {
        let mut clusters: Vec<u64> = Vec::new();
        for file in self.report.archive.files.of_rows(self.known.files.clone()) {
            clusters.extend(file.cluster_id().map(|id| id.0).filter(|id| !clusters.contains(id)));
        }
        clusters.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
    }

    fn upload(&self) -> Option<&TrackUpload> {
        self.report.uploads_of_tracks.get(self.track)
    }

    fn note(&self) -> String {
        let clock = match self.outcome.map_or(0, |outcome| outcome.clock_support) {
            0 => String::new(),
            1 => "1 photo tells the clock".to_owned(),
            n => format!("{n} photos agree on the clock"),
        };
        let said = self.upload().map_or("", |upload| upload.note.as_str());
        [clock.as_str(), said].into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; ")
    }
}

/// The contract: these columns, in this order.
pub(crate) fn columns<'a>() -> [Column<SequenceRow<'a>>; 20] {
    [
        column("local_sequence", Kind::Text, "Its name: 1, 2, … or a table's own", |row| {
            Cell::text(&*row.known.name)
        }),
        column("images", Kind::Whole, "All of its files", |row| Cell::Whole(row.known.files.len() as i64)),
        column("matched", Kind::Whole, "Files tied to one image", |row| row.count(Status::Matched)),
        column("ambiguous", Kind::Whole, "Files with candidates, none sure", |row| row.count(Status::Ambiguous)),
        column("unmatched", Kind::Whole, "Files without a candidate", |row| row.count(Status::Unmatched)),
        column("rejected", Kind::Whole, "Files that cannot have been uploaded", |row| row.count(Status::Rejected)),
        column(
            "verdict",
            Kind::Word,
            "published, partly_published, not_found, undecided; with the tracker processing, failed",
            |row| Cell::of(row.outcome, |outcome| Cell::text(outcome.verdict.as_str())),
        ),
        column("sequence_ids", Kind::Keys, "Published sequences that hold its images", |row| {
            Cell::text(row.sequence_ids())
        }),
        column("clock_offset_ms", Kind::Whole, "What must be added to its clock", |row| {
            Cell::of(row.outcome.and_then(|outcome| outcome.clock_offset_ms), Cell::Whole)
        }),
        column("clock_kind", Kind::Word, "none_needed, zone, offset, drift or unknown", |row| {
            Cell::of(row.outcome, |outcome| Cell::text(outcome.clock_kind.as_str()))
        }),
        column("drift_ppm", Kind::PartsPerMillion, "By how much its clock runs slow", |row| {
            Cell::of(row.outcome.and_then(|outcome| outcome.drift_ppm), Cell::Number)
        }),
        column("first_captured_at", Kind::Time, "Its first local time", |row| Cell::of(row.first_time, Cell::Time)),
        column("last_captured_at", Kind::Time, "Its last local time", |row| Cell::of(row.last_time, Cell::Time)),
        column("tiles", Kind::Word, "The zoom-14 tiles it touches", |row| {
            Cell::text(row.report.track_tiles.get(row.track).map_or("", String::as_str))
        }),
        column("median_shift_m", Kind::Metres, "How far the service moved half of its images", |row| {
            Cell::of(row.median_shift_m, Cell::Number)
        }),
        column("max_shift_m", Kind::Metres, "How far it moved one at most", |row| {
            Cell::of(row.max_shift_m, Cell::Number)
        }),
        column("cluster_id", Kind::Ids, "The uploads it went with", |row| Cell::text(row.cluster_ids())),
        column("stage", Kind::Word, "Where its upload stands, with the tracker", |row| {
            Cell::of(row.upload(), |upload| Cell::text(upload.stage))
        }),
        column("error_code", Kind::Text, "What the service says of its upload, with the tracker", |row| {
            Cell::of(row.upload(), |upload| Cell::text(&*upload.error_code))
        }),
        column("note", Kind::Text, "How sure the clock is, and what the tracker says", |row| Cell::text(row.note())),
    ]
}
