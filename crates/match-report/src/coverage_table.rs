//! `coverage`: one row per feature of a coverage tile.

use crate::table::{Cell, Column, Kind, TableSink, column, send, write_table};
use crate::{CsvStyle, OutputKind, ReportError};
use capture_model::{CapturedAt, LocalTime, Position};
use std::io::Write;

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

/// Writes features in the order given, as CSV or JSON lines.
pub fn write_coverage<'a>(
    rows: impl Iterator<Item = CoverageRow<'a>>,
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    write_table(kind, style, out, |sink| send_coverage(rows, sink))
}

/// Sends features to any sink.
pub fn send_coverage<'a>(
    rows: impl Iterator<Item = CoverageRow<'a>>,
    sink: &mut dyn TableSink,
) -> Result<(), ReportError> {
    send(&columns(), rows, sink)
}

/// The contract: these columns, in this order.
pub(crate) fn columns<'a>() -> [Column<CoverageRow<'a>>; 12] {
    [
        column("layer", Kind::Word, "image or sequence", |row| Cell::text(row.layer)),
        column("tile", Kind::Word, "z/x/y", |row| Cell::text(row.tile.as_str())),
        column("image_id", Kind::Id, "The image, or one that stands for a sequence", |row| {
            Cell::of(row.image_id, Cell::Id)
        }),
        column("sequence_id", Kind::Keys, "Its sequence", |row| Cell::of(row.sequence_id, Cell::text)),
        column("captured_at", Kind::Time, "Its time", |row| {
            Cell::of(row.captured_at, |time| Cell::Time(LocalTime::Absolute(time)))
        }),
        column("longitude", Kind::Coordinate, "Place of an image", |row| {
            Cell::of(row.position.map(Position::lon), Cell::Number)
        }),
        column("latitude", Kind::Coordinate, "Place of an image", |row| {
            Cell::of(row.position.map(Position::lat), Cell::Number)
        }),
        column("compass_angle", Kind::Angle, "Heading, 0…360 from north", |row| {
            Cell::of(row.compass_angle_deg, Cell::Number)
        }),
        column("is_pano", Kind::Truth, "Whether it is a panorama", |row| Cell::of(row.is_pano, Cell::Truth)),
        column("organization_id", Kind::Id, "Organization", |row| Cell::of(row.organization_id, Cell::Id)),
        column("creator_id", Kind::Id, "Contributor", |row| Cell::of(row.creator_id, Cell::Id)),
        column("id_exact", Kind::Truth, "False where the id may be off by some units", |row| {
            Cell::of(row.image_id, |_| Cell::Truth(row.id_exact))
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_as_the_contract_says() {
        let image = CoverageRow {
            layer: "image",
            tile: "14/8188/5448".to_owned(),
            image_id: Some(26_858_300_993_768_842),
            sequence_id: Some("-E5o7bTMH0UtscOYxhVwID"),
            captured_at: Some(CapturedAt::from_epoch_ms(1_716_028_867_250)),
            position: Position::from_lon_lat(-0.0754, 51.5055).ok(),
            compass_angle_deg: Some(f64::NAN),
            is_pano: Some(false),
            organization_id: None,
            creator_id: Some(102_609_045_317_136),
            id_exact: false,
        };
        let sequence = CoverageRow {
            layer: "sequence",
            image_id: None,
            sequence_id: Some("=cmd"),
            captured_at: None,
            position: None,
            compass_angle_deg: None,
            is_pano: None,
            creator_id: None,
            ..image.clone()
        };
        let mut out = Vec::new();
        let rows = [image, sequence].into_iter();
        write_coverage(rows, OutputKind::Csv, CsvStyle::default(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r"
        layer,tile,image_id,sequence_id,captured_at,longitude,latitude,compass_angle,is_pano,organization_id,creator_id,id_exact
        image,14/8188/5448,26858300993768842,-E5o7bTMH0UtscOYxhVwID,2024-05-18T10:41:07.250Z,-0.0754000,51.5055000,,false,,102609045317136,false
        sequence,14/8188/5448,,'=cmd,,,,,,,,
        ");
    }
}
