//! `coverage`: one row per feature of a coverage tile.

use crate::matches_table::sequence_cell;
use crate::table::{Cell, TableWriter};
use crate::{CsvStyle, OutputKind, ReportError};
use capture_model::{CapturedAt, Position};
use std::io::Write;

const COLUMNS: &[&str] = &[
    "layer",
    "tile",
    "image_id",
    "sequence_id",
    "captured_at",
    "longitude",
    "latitude",
    "compass_angle",
    "is_pano",
    "organization_id",
    "creator_id",
    "id_exact",
];

/// One feature of the layers `image` and `sequence`; what the tile lacks is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct CoverageRow<'a> {
    /// `image` or `sequence`.
    pub layer: &'static str,
    /// `z/x/y`.
    pub tile: String,
    /// The image, or the representative image of a sequence.
    pub image_id: Option<u64>,
    /// Sequence key.
    pub sequence_id: Option<&'a str>,
    /// Capture time.
    pub captured_at: Option<CapturedAt>,
    /// Place of an image.
    pub position: Option<Position>,
    /// Degrees.
    pub compass_angle_deg: Option<f64>,
    /// Whether it is a panorama.
    pub is_pano: Option<bool>,
    /// Organization.
    pub organization_id: Option<u64>,
    /// Contributor.
    pub creator_id: Option<u64>,
    /// False when the id may be off by some units.
    pub id_exact: bool,
}

/// Writes features in the order given.
pub fn write_coverage<'a>(
    rows: impl Iterator<Item = CoverageRow<'a>>,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    let mut table = TableWriter::new(COLUMNS, kind, style, out)?;
    for row in rows {
        table.row(&[
            Cell::word(row.layer),
            Cell::word(row.tile.as_str()),
            Cell::of(row.image_id, Cell::Id),
            Cell::of(row.sequence_id, sequence_cell),
            Cell::of(row.captured_at, |time| Cell::word(time.to_string())),
            Cell::of(row.position, |place| Cell::Coordinate(place.lon())),
            Cell::of(row.position, |place| Cell::Coordinate(place.lat())),
            Cell::of(row.compass_angle_deg, Cell::Angle),
            Cell::of(row.is_pano, Cell::Truth),
            Cell::of(row.organization_id, Cell::Id),
            Cell::of(row.creator_id, Cell::Id),
            Cell::of(row.image_id, |_| Cell::Truth(row.id_exact)),
        ])?;
    }
    table.finish()
}
