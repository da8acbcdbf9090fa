//! `shifts.csv`: how far the service moved each published image; and the same by published sequence.

use crate::table::{Cell, Column, Kind, TableSink, column, send, write_table};
use crate::{CsvStyle, OutputKind, Report, ReportError};
use adjustment_audit::{Audit, Flag, Flags, ImageShift, SequenceShift, Spread};
use capture_model::{LocalTime, Position, PublishedImages};
use std::io::Write;

/// Writes the moves of published images as CSV or JSON lines.
pub fn write_shifts(
    published: &PublishedImages,
    audit: &Audit,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    write_table(kind, style, out, |sink| send_shifts(published, audit, sink))
}

/// Sends the moves of a report's images to any sink, hidden as the report asks.
pub fn send_report_shifts(report: &Report<'_>, audit: &Audit, sink: &mut dyn TableSink) -> Result<(), ReportError> {
    match report.redaction() {
        Some(redaction) => send_shifts(report.published, audit, &mut redaction.before(sink)),
        None => send_shifts(report.published, audit, sink),
    }
}

/// Sends the moves of published images to any sink.
pub fn send_shifts(published: &PublishedImages, audit: &Audit, sink: &mut dyn TableSink) -> Result<(), ReportError> {
    send(&columns(), audit.images.iter().map(|shift| ShiftRow { published, shift }), sink)
}

/// Writes the moves by published sequence as CSV or JSON lines.
pub fn write_shifts_by_sequence(
    published: &PublishedImages,
    audit: &Audit,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    write_table(kind, style, out, |sink| send_shifts_by_sequence(published, audit, sink))
}

/// Sends the moves by published sequence to any sink.
pub fn send_shifts_by_sequence(
    published: &PublishedImages,
    audit: &Audit,
    sink: &mut dyn TableSink,
) -> Result<(), ReportError> {
    send(&columns_by_sequence(), audit.sequences.iter().map(|sum| SumRow { published, sum }), sink)
}

/// One published image and its move.
pub(crate) struct ShiftRow<'a> {
    published: &'a PublishedImages,
    shift: &'a ImageShift,
}

impl ShiftRow<'_> {
    fn image(&self) -> usize {
        self.shift.row as usize
    }

    fn original(&self) -> Option<Position> {
        self.published.original(self.image())
    }

    fn computed(&self) -> Option<Position> {
        self.published.computed(self.image())
    }

    /// A value of a column that holds NaN where it is unknown.
    fn number(&self, value: fn(&PublishedImages, usize) -> f32) -> Cell<'static> {
        Cell::Number(f64::from(value(self.published, self.image())))
    }
}

fn words(flags: Flags) -> Cell<'static> {
    let mut flags = flags.iter().map(Flag::as_str);
    let Some(first) = flags.next() else { return Cell::Empty };
    let rest = flags.fold(String::new(), |rest, flag| rest + "|" + flag);
    if rest.is_empty() { Cell::text(first) } else { Cell::text(first.to_owned() + &rest) }
}

fn number(value: Option<f64>) -> Cell<'static> {
    Cell::of(value, Cell::Number)
}

fn axis(vector: Option<[f64; 2]>, axis: usize) -> Cell<'static> {
    number(vector.map(|vector| vector[axis]))
}

/// The contract: these columns, in this order.
pub(crate) fn columns<'a>() -> [Column<ShiftRow<'a>>; 18] {
    [
        column("image_id", Kind::Id, "The published image", |row| Cell::Id(row.published.id[row.image()])),
        column("sequence_id", Kind::Keys, "Its sequence", |row| {
            Cell::of(row.published.sequence_id(row.image()), |key| Cell::text(key.as_str()))
        }),
        column("captured_at", Kind::Time, "Its time", |row| {
            Cell::of(row.published.captured_at(row.image()), |time| Cell::Time(LocalTime::Absolute(time)))
        }),
        column("longitude", Kind::Coordinate, "Original place", |row| number(row.original().map(Position::lon))),
        column("latitude", Kind::Coordinate, "Original place", |row| number(row.original().map(Position::lat))),
        column("computed_longitude", Kind::Coordinate, "Adjusted place", |row| {
            number(row.computed().map(Position::lon))
        }),
        column("computed_latitude", Kind::Coordinate, "Adjusted place", |row| {
            number(row.computed().map(Position::lat))
        }),
        column("shift_m", Kind::Metres, "How far it was moved", |row| number(row.shift.shift_m)),
        column("shift_east_m", Kind::Metres, "How far east", |row| axis(row.shift.vector_m, 0)),
        column("shift_north_m", Kind::Metres, "How far north", |row| axis(row.shift.vector_m, 1)),
        column("shift_bearing_deg", Kind::Angle, "Which way, 0…360 from north", |row| number(row.shift.bearing_deg)),
        column("along_m", Kind::Metres, "How far ahead along the track", |row| axis(row.shift.along_across_m, 0)),
        column("across_m", Kind::Metres, "How far to the right of the track", |row| axis(row.shift.along_across_m, 1)),
        column("residual_m", Kind::Metres, "How far off the move of its neighbours", |row| {
            number(row.shift.residual_m)
        }),
        column("altitude_m", Kind::Altitude, "Original altitude", |row| {
            row.number(|images, row| images.altitude_m[row])
        }),
        column("computed_altitude_m", Kind::Altitude, "Computed altitude, which is another quantity", |row| {
            row.number(|images, row| images.computed_altitude_m[row])
        }),
        column("compass_turn_deg", Kind::Angle, "Original to computed compass, −180…180", |row| {
            number(row.shift.compass_turn_deg)
        }),
        column("flags", Kind::Word, "What is odd about the move", |row| words(row.shift.flags)),
    ]
}

/// One published sequence and its moves.
pub(crate) struct SumRow<'a> {
    published: &'a PublishedImages,
    sum: &'a SequenceShift,
}

impl SumRow<'_> {
    fn spread(&self, figure: fn(Spread) -> f64) -> Cell<'static> {
        number(self.sum.spread.map(figure))
    }
}

/// The contract: these columns, in this order.
pub(crate) fn columns_by_sequence<'a>() -> [Column<SumRow<'a>>; 16] {
    [
        column("sequence_id", Kind::Keys, "The published sequence", |row| {
            Cell::of(row.sum.sequence, |key| Cell::text(row.published.sequences.value(key).as_str()))
        }),
        column("images", Kind::Whole, "Its images", |row| Cell::Whole(row.sum.images.len() as i64)),
        column("with_computed", Kind::Whole, "Those with an adjusted place", |row| {
            Cell::Whole(row.sum.with_computed as i64)
        }),
        column("median_m", Kind::Metres, "How far half of them were moved", |row| row.spread(|spread| spread.median_m)),
        column("p90_m", Kind::Metres, "How far nine in ten were moved at most", |row| {
            row.spread(|spread| spread.p90_m)
        }),
        column("p99_m", Kind::Metres, "How far 99 in 100 were moved at most", |row| row.spread(|spread| spread.p99_m)),
        column("max_m", Kind::Metres, "The farthest move", |row| row.spread(|spread| spread.max_m)),
        column("worst_image_id", Kind::Id, "The image that was moved farthest", |row| {
            Cell::of(row.sum.worst_row, |image| Cell::Id(row.published.id[image as usize]))
        }),
        column("shift_east_m", Kind::Metres, "The common motion at its middle, east", |row| axis(row.sum.shift_m, 0)),
        column("shift_north_m", Kind::Metres, "The common motion at its middle, north", |row| axis(row.sum.shift_m, 1)),
        column("rotation_deg", Kind::Angle, "Turn of the common motion, clockwise", |row| number(row.sum.rotation_deg)),
        column("scale", Kind::Factor, "Scale of the common motion", |row| number(row.sum.scale)),
        column("explained_by_shift", Kind::Probability, "Share of the squared moves that one shift explains", |row| {
            number(row.sum.explained_by_shift)
        }),
        column("explained_by_line", Kind::Probability, "Share that an evenly changing shift explains", |row| {
            number(row.sum.explained_by_line)
        }),
        column("explained_by_field", Kind::Probability, "Share that the neighbours' moves explain", |row| {
            number(row.sum.explained_by_field)
        }),
        column("verdict", Kind::Word, "What the moves amount to", |row| Cell::text(row.sum.verdict.as_str())),
    ]
}

#[cfg(test)]
mod tests;
