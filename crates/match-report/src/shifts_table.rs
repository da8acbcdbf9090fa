//! `shifts.csv`: one row per published image of the sequences that were matched.

use crate::matches_table::sequence_cell;
use crate::table::{Cell, TableWriter};
use crate::{CsvStyle, OutputKind, ReportError};
use adjustment_audit::{Audit, Flag};
use capture_model::PublishedImages;
use std::io::Write;

const COLUMNS: &[&str] = &[
    "image_id",
    "sequence_id",
    "captured_at",
    "longitude",
    "latitude",
    "computed_longitude",
    "computed_latitude",
    "shift_m",
    "shift_east_m",
    "shift_north_m",
    "shift_bearing_deg",
    "along_m",
    "across_m",
    "residual_m",
    "altitude_m",
    "computed_altitude_m",
    "compass_turn_deg",
    "flags",
];

/// Writes the moves of published images.
pub fn write_shifts(
    published: &PublishedImages,
    audit: &Audit,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut table = TableWriter::new(COLUMNS, kind, style, out)?;
    for shift in &audit.images {
        let image = published.image(shift.row as usize);
        let key = image.sequence.as_ref().map_or("", |key| key.as_str());
        let flags: Vec<_> = shift.flags.iter().map(Flag::as_str).collect();
        table.row(&[
            Cell::Id(image.id.0),
            if key.is_empty() { Cell::Empty } else { sequence_cell(key) },
            Cell::of(image.captured_at, |time| Cell::word(time.to_string())),
            Cell::of(image.original, |place| Cell::Coordinate(place.lon())),
            Cell::of(image.original, |place| Cell::Coordinate(place.lat())),
            Cell::of(image.computed, |place| Cell::Coordinate(place.lon())),
            Cell::of(image.computed, |place| Cell::Coordinate(place.lat())),
            Cell::of(shift.shift_m, Cell::Metres),
            Cell::of(shift.vector_m, |v| Cell::Metres(v[0])),
            Cell::of(shift.vector_m, |v| Cell::Metres(v[1])),
            Cell::of(shift.bearing_deg, Cell::Angle),
            Cell::of(shift.along_across_m, |v| Cell::Metres(v[0])),
            Cell::of(shift.along_across_m, |v| Cell::Metres(v[1])),
            Cell::of(shift.residual_m, Cell::Metres),
            Cell::of(image.altitude_m, Cell::Altitude),
            Cell::of(image.computed_altitude_m, Cell::Altitude),
            Cell::of(shift.compass_turn_deg, Cell::Angle),
            Cell::word(flags.join("|")),
        ])?;
    }
    table.finish()
}
