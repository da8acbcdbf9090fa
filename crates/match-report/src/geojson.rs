//! `matches.geojson`: what QGIS and JOSM open. A point per local photo, its published and adjusted places, and the lines
//! between them, all with the columns of the matches (RFC 7946).

use crate::matches_table::{MatchRow, columns};
use crate::table::{Keys, infos, write_members};
use crate::{Report, ReportError};
use capture_model::{Position, Status};
use std::io::Write;

/// Colours of the simplestyle convention, which geojson.io, GitHub, uMap and others draw; the same ones as on the page, and
/// told apart without seeing red and green.
fn colour(kind: &str, status: Status) -> &'static str {
    match (kind, status) {
        ("published", _) => "#56b4e9",
        ("computed" | "shift", _) => "#00805f",
        (_, Status::Matched) => "#0072b2",
        (_, Status::Ambiguous) => "#e08a00",
        (_, Status::Unmatched) => "#c8500a",
        (_, Status::Rejected) => "#a3508a",
        (_, Status::Unreadable) => "#6b6b6b",
    }
}

/// The style of one feature, as members of its properties.
fn style(kind: &str, status: Status) -> String {
    let colour = colour(kind, status);
    match kind {
        "match" => format!("\"stroke\":\"{colour}\",\"stroke-width\":2"),
        "shift" => format!("\"stroke\":\"{colour}\",\"stroke-width\":3"),
        _ => format!("\"marker-color\":\"{colour}\",\"marker-size\":\"small\""),
    }
}

/// Writes every file that has a place; `kind` tells the features of one file apart: `local`, `published`, `computed`,
/// `match` (local to published) and `shift` (published to adjusted).
pub fn write_matches_geojson(report: &Report<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let columns = columns();
    let mut drawing = Drawing::begin(out)?;
    let keys = Keys::new(&infos(&columns));
    let mut scratch = String::new();
    for file in 0..report.archive.files.len() {
        let shown = |place: Position| report.redaction().map_or(place, |redaction| redaction.position(place));
        let Some(local) = report.archive.files.get(file).position().map(shown) else { continue };
        let row = MatchRow::of(report, file);
        drawing.status = row.status();
        drawing.members.clear();
        let mut cells = columns.iter().map(|column| report.shown(&column.info, (column.cell)(&row)));
        write_members(&keys, &mut cells, &mut scratch, &mut drawing.members)?;
        let (original, computed) = (row.original.map(shown), row.computed.map(shown));
        drawing.feature("local", &point(local))?;
        drawing.maybe("published", original.map(point))?;
        drawing.maybe("computed", computed.map(point))?;
        drawing.maybe("match", original.filter(|place| *place != local).map(|place| line(local, place)))?;
        drawing.maybe("shift", original.zip(computed).filter(|(a, b)| a != b).map(|(a, b)| line(a, b)))?;
    }
    drawing.end()
}

/// A collection of features on its way out.
pub(crate) struct Drawing<'w> {
    out: &'w mut dyn Write,
    is_first: bool,
    /// Of the present file.
    pub(crate) status: Status,
    /// The columns of the present file, as members of an object.
    pub(crate) members: Vec<u8>,
    line: Vec<u8>,
}

impl<'w> Drawing<'w> {
    pub(crate) fn begin(out: &'w mut dyn Write) -> Result<Self, ReportError> {
        out.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
        Ok(Self { out, is_first: true, status: Status::Matched, members: Vec::new(), line: Vec::new() })
    }

    pub(crate) fn end(mut self) -> Result<(), ReportError> {
        self.close()
    }

    /// Ends the collection; nothing is drawn after it.
    pub(crate) fn close(&mut self) -> Result<(), ReportError> {
        Ok(self.out.write_all(b"\n]}\n")?)
    }

    pub(crate) fn maybe(&mut self, kind: &str, geometry: Option<String>) -> Result<(), ReportError> {
        geometry.map_or(Ok(()), |geometry| self.feature(kind, &geometry))
    }

    fn feature(&mut self, kind: &str, geometry: &str) -> Result<(), ReportError> {
        self.line.clear();
        self.line.extend_from_slice(if self.is_first { b"\n" } else { b",\n" });
        self.is_first = false;
        let style = style(kind, self.status);
        let head =
            format!("{{\"type\":\"Feature\",\"geometry\":{geometry},\"properties\":{{\"kind\":\"{kind}\",{style}");
        self.line.extend_from_slice(head.as_bytes());
        if !self.members.is_empty() {
            self.line.push(b',');
            self.line.extend_from_slice(&self.members);
        }
        self.line.extend_from_slice(b"}}");
        Ok(self.out.write_all(&self.line)?)
    }
}

/// `[longitude,latitude]`, 7 decimals, without needless zeros.
fn coordinates(longitude: f64, latitude: f64) -> String {
    let seven = |degrees: f64| (degrees * 1e7).round() / 1e7 + 0.0; // adding 0 turns -0 into 0
    format!("[{},{}]", seven(longitude), seven(latitude))
}

fn at(position: Position) -> String {
    coordinates(position.lon(), position.lat())
}

pub(crate) fn point(position: Position) -> String {
    format!("{{\"type\":\"Point\",\"coordinates\":{}}}", at(position))
}

/// A line; over the antimeridian it is cut in two where it crosses, as RFC 7946 (section 3.1.9) asks.
pub(crate) fn line(from: Position, to: Position) -> String {
    if (from.lon() - to.lon()).abs() <= 180.0 {
        return format!("{{\"type\":\"LineString\",\"coordinates\":[{},{}]}}", at(from), at(to));
    }
    let edge = if from.lon() > 0.0 { 180.0 } else { -180.0 };
    let to_edge = (edge - from.lon()).abs();
    let all = to_edge + (to.lon() + edge).abs();
    let share = if all > 0.0 { to_edge / all } else { 0.0 };
    let crossing = from.lat() + (to.lat() - from.lat()) * share;
    format!(
        "{{\"type\":\"MultiLineString\",\"coordinates\":[[{},{}],[{},{}]]}}",
        at(from),
        coordinates(edge, crossing),
        coordinates(-edge, crossing),
        at(to)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_over_the_antimeridian_are_cut_where_they_cross() {
        let place = |lon, lat| Position::from_lon_lat(lon, lat).unwrap();
        assert_eq!(
            line(place(8.4, -0.000_000_01), place(8.5, 49.0)),
            r#"{"type":"LineString","coordinates":[[8.4,0],[8.5,49]]}"#
        );
        assert_eq!(
            line(place(179.999, -17.0), place(-179.997, -17.004)),
            r#"{"type":"MultiLineString","coordinates":[[[179.999,-17],[180,-17.001]],[[-180,-17.001],[-179.997,-17.004]]]}"#
        );
        assert_eq!(
            line(place(-180.0, 1.0), place(180.0, 2.0)),
            r#"{"type":"MultiLineString","coordinates":[[[-180,1],[-180,1]],[[180,1],[180,2]]]}"#
        );
    }
}
