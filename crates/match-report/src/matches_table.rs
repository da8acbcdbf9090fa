//! `matches.csv`: one row per local file, each exactly once.
//!
//! What a status allows in a row is decided in one place, [`MatchRow::of`]: only a matched file shows an image, and only
//! matched and ambiguous ones show candidates.

use crate::report::{Candidates, MOST_CANDIDATES, joined_ids};
use crate::table::{Cell, Column, CsvRows, Kind, TableSink, TakesColumns, send_numbered, write_table};
use crate::{CsvStyle, OutputKind, Report, ReportError, figures};
use capture_model::{FileRow, LocalTime, Metres, Position, Reason, Status};
use image_matcher::Verdict;
use std::io::Write;

/// Writes the matches as CSV or JSON lines.
pub fn write_matches(
    report: &Report<'_>,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    write_table(kind, style, out, |sink| send_matches(report, sink))
}

/// Sends the matches to any sink.
pub fn send_matches(report: &Report<'_>, sink: &mut dyn TableSink) -> Result<(), ReportError> {
    let row_of = |file| MatchRow::of(report, file);
    let add = |file, rows: &mut CsvRows| {
        let row = MatchRow::of(report, file);
        let mut line = rows.line();
        each_column(&mut line.of(&row));
        line.end();
    };
    let n_rows = report.archive.files.len();
    match report.redaction() {
        Some(redaction) => send_numbered(&columns(), n_rows, row_of, add, &mut redaction.before(sink)),
        None => send_numbered(&columns(), n_rows, row_of, add, sink),
    }
}

/// What is known of one file and of the image that it became.
pub(crate) struct MatchRow<'a> {
    report: &'a Report<'a>,
    file: usize,
    local: FileRow<'a>,
    pub(crate) reason: Reason,
    verdict: Option<Verdict>,
    /// Row of the published image; only of a matched file.
    pub(crate) image: Option<usize>,
    pub(crate) candidates: Candidates<'a>,
    also: &'a [u32],
    used_time: Option<LocalTime>,
    pub(crate) original: Option<Position>,
    pub(crate) computed: Option<Position>,
    /// How far and which way the service moved it.
    shift: Option<(f64, Option<f64>)>,
}

impl<'a> MatchRow<'a> {
    #[expect(clippy::inline_always, reason = "what is made of a row stays in registers where it is written")]
    #[inline(always)]
    pub(crate) fn of(report: &'a Report<'a>, file: usize) -> Self {
        let row = report.row_of(file);
        let verdict = row.map(|row| report.outcome.verdicts.get(row));
        let reason = report.reason_by(file, verdict);
        let image = Report::image_by(reason, verdict);
        let original = image.and_then(|image| report.published.original(image));
        let computed = image.and_then(|image| report.published.computed(image));
        Self {
            report,
            file,
            local: report.archive.files.get(file),
            reason,
            verdict,
            image,
            candidates: report.candidates_by(row, reason, image),
            also: report.also_published_by(row, image),
            used_time: report.used_time_by(file, verdict),
            original,
            computed,
            shift: original.zip(computed).map(|(from, to)| figures::way(from, to)),
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.reason.status()
    }

    /// That of the match, or of the best candidate.
    pub(crate) fn probability(&self) -> Option<f64> {
        match self.status() {
            Status::Matched => self.verdict?.probability.or_else(|| Some(self.candidates.first()?.probability)),
            _ => Some(self.candidates.first()?.probability),
        }
    }

    fn clock_offset_ms(&self) -> Option<i64> {
        self.image.and(self.verdict?.clock_offset_ms)
    }

    /// Remote − (local + offset).
    fn time_delta_ms(&self) -> Option<i64> {
        let remote_ms = self.report.published.captured_at(self.image?)?.epoch_ms();
        remote_ms.checked_sub(self.used_time?.ms().checked_add(self.clock_offset_ms()?)?)
    }

    /// To the published original; for a match by adjusted places to the computed one.
    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    pub(crate) fn distance_m(&self) -> Option<f64> {
        let by_computed = self.verdict.is_some_and(|verdict| verdict.by_computed) || self.reason == Reason::Adjusted;
        let there = if by_computed { self.computed.or(self.original) } else { self.original.or(self.computed) };
        Some(figures::distance_m(self.local.position()?, there?))
    }

    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn altitude_delta_m(&self) -> Option<f64> {
        let Metres(local_m) = self.local.altitude()?;
        Some(f64::from(self.report.published.altitude_m[self.image?]) - local_m)
    }

    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn heading_delta_deg(&self) -> Option<f64> {
        let remote_deg = f64::from(self.report.published.compass_deg[self.image?]);
        figures::turn_deg(self.local.heading_deg()?, remote_deg)
    }

    pub(crate) fn shift_m(&self) -> Option<f64> {
        self.shift.map(|shift| shift.0)
    }

    fn shift_bearing_deg(&self) -> Option<f64> {
        self.shift?.1
    }

    fn sequence_id(&self) -> &str {
        let key = self.image.and_then(|image| self.report.published.sequence_id(image));
        key.map_or("", |key| key.as_str())
    }

    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn candidate_ids(&self) -> Cell<'static> {
        let images = self.candidates.iter().map(|candidate| candidate.image);
        ids(self.report, self.candidates.len(), images)
    }

    #[expect(clippy::inline_always, reason = "the same")]
    #[inline(always)]
    fn candidate_probabilities(&self) -> Cell<'static> {
        if self.candidates.len() == 1 {
            return number(self.candidates.first().map(|only| only.probability));
        }
        let mut text = String::new();
        for candidate in self.candidates.iter() {
            if !text.is_empty() {
                text.push('|');
            }
            Cell::Number(candidate.probability).write_to(Kind::Probability, &mut text);
        }
        Cell::text(text)
    }
}

/// Ids of some images, joined; one alone, as nearly all are, without a text of its own.
#[expect(clippy::inline_always, reason = "the same")]
#[inline(always)]
fn ids(report: &Report<'_>, n_images: usize, mut images: impl Iterator<Item = u32>) -> Cell<'static> {
    match n_images {
        0 => Cell::Empty,
        1 => Cell::of(images.next(), |image| Cell::Id(report.published.id[image as usize])),
        _ => Cell::text(joined_ids(report.published, images)),
    }
}

fn longitude(place: Option<Position>) -> Cell<'static> {
    Cell::of(place, |place| Cell::Number(place.lon()))
}

fn latitude(place: Option<Position>) -> Cell<'static> {
    Cell::of(place, |place| Cell::Number(place.lat()))
}

fn number(value: Option<f64>) -> Cell<'static> {
    Cell::of(value, Cell::Number)
}

/// The contract: these columns, in this order.
#[expect(clippy::inline_always, reason = "where a row is written, each column is known")]
#[inline(always)]
fn each_column<'a>(to: &mut impl TakesColumns<MatchRow<'a>>) {
    const { assert!(MOST_CANDIDATES == 5, "the docs below say five") };
    to.column("path", Kind::Text, "The local file, as typed", |row| Cell::text(row.local.path()));
    to.column("local_sequence", Kind::Text, "The local sequence it belongs to", |row| {
        Cell::text(row.report.track_name(row.file))
    });
    to.column("status", Kind::Word, "matched, ambiguous, unmatched, rejected or unreadable", |row| {
        Cell::text(row.status().as_str())
    });
    to.column("reason", Kind::Word, "Why, from a closed list", |row| Cell::text(row.reason.as_str()));
    to.column("image_id", Kind::Id, "The published image; only where the match is sure", |row| {
        Cell::of(row.image, |image| Cell::Id(row.report.published.id[image]))
    });
    to.column("sequence_id", Kind::Keys, "Its sequence", |row| Cell::text(row.sequence_id()));
    to.column("probability", Kind::Probability, "That the match, or the best candidate, is true", |row| {
        number(row.probability())
    });
    to.column("candidates", Kind::Ids, "At most five images it may be, best first", MatchRow::candidate_ids);
    to.column(
        "candidate_probabilities",
        Kind::Probabilities,
        "How sure each of them is",
        MatchRow::candidate_probabilities,
    );
    to.column("also_published_as", Kind::Ids, "Further images of the same photo", |row| {
        ids(row.report, row.also.len(), row.also.iter().copied())
    });
    to.column("route", Kind::Word, "How the image was found: tiles, user, sequence, table", |row| {
        Cell::of(row.image, |image| Cell::text(row.report.routes[image].as_str()))
    });
    to.column("captured_at", Kind::Time, "Local time that was used; without Z its zone is unknown", |row| {
        Cell::of(row.used_time, Cell::Time)
    });
    to.column("longitude", Kind::Coordinate, "Local place", |row| longitude(row.local.position()));
    to.column("latitude", Kind::Coordinate, "Local place", |row| latitude(row.local.position()));
    to.column("altitude_m", Kind::Altitude, "Local altitude", |row| {
        Cell::of(row.local.altitude(), |Metres(altitude_m)| Cell::Number(altitude_m))
    });
    to.column("remote_captured_at", Kind::Time, "Published time", |row| {
        let time = row.image.and_then(|image| row.report.published.captured_at(image));
        Cell::of(time, |time| Cell::Time(LocalTime::Absolute(time)))
    });
    to.column("remote_longitude", Kind::Coordinate, "Published original place", |row| longitude(row.original));
    to.column("remote_latitude", Kind::Coordinate, "Published original place", |row| latitude(row.original));
    to.column("time_delta_ms", Kind::Whole, "Published − (local + clock offset)", |row| {
        Cell::of(row.time_delta_ms(), Cell::Whole)
    });
    to.column("clock_offset_ms", Kind::Whole, "What must be added to the local clock", |row| {
        Cell::of(row.clock_offset_ms(), Cell::Whole)
    });
    to.column("distance_m", Kind::Metres, "Local to published original; if adjusted, to the computed place", |row| {
        number(row.distance_m())
    });
    to.column("altitude_delta_m", Kind::Metres, "Published − local", |row| number(row.altitude_delta_m()));
    to.column("heading_delta_deg", Kind::Angle, "Local to published heading, −180…180", |row| {
        number(row.heading_delta_deg())
    });
    to.column("computed_longitude", Kind::Coordinate, "Adjusted place", |row| longitude(row.computed));
    to.column("computed_latitude", Kind::Coordinate, "Adjusted place", |row| latitude(row.computed));
    to.column("shift_m", Kind::Metres, "How far the service moved it", |row| number(row.shift_m()));
    to.column("shift_bearing_deg", Kind::Angle, "Which way, 0…360 from north", |row| number(row.shift_bearing_deg()));
    to.column("cluster_id", Kind::Id, "The upload it went with", |row| {
        Cell::of(row.local.cluster_id(), |cluster| Cell::Id(cluster.0))
    });
    to.column("url", Kind::Word, "The image on the web", |row| {
        Cell::of(row.image, |image| Cell::Page(row.report.published.id[image]))
    });
    to.column("note", Kind::Text, "Names and numbers behind the reason", |row| {
        Cell::text(row.report.note_of(row.file))
    });
}

/// The same as a list.
pub(crate) fn columns<'a>() -> Vec<Column<MatchRow<'a>>> {
    let mut columns = Vec::new();
    each_column(&mut columns);
    columns
}

#[cfg(test)]
pub(crate) mod tests;
