//! A table as GeoJSON: a point for each row that has a place, with the row's columns (RFC 7946).

use crate::ReportError;
use crate::geojson::{Drawing, line, point};
use crate::table::{Cell, ColumnInfo, Keys, TableSink, write_members};
use capture_model::Position;
use std::io::Write;

/// Draws a table that has the columns `longitude` and `latitude`. Where it has computed places as well, they and the way
/// from one to the other are drawn too. `kind` tells the features of one row apart, as in `matches.geojson`. A row without
/// a place cannot be drawn and is left out.
pub(crate) struct DrawingSink<'w> {
    drawing: Drawing<'w>,
    keys: Keys,
    scratch: String,
    place: [usize; 2],
    computed: Option<[usize; 2]>,
}

impl<'w> DrawingSink<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Result<Self, ReportError> {
        let drawing = Drawing::begin(out)?;
        Ok(Self { drawing, keys: Keys::default(), scratch: String::new(), place: [0, 0], computed: None })
    }
}

impl TableSink for DrawingSink<'_> {
    fn begin(&mut self, columns: &[ColumnInfo]) -> Result<(), ReportError> {
        let find = |names: [&str; 2]| -> Option<[usize; 2]> {
            let [lon, lat] = names.map(|name| columns.iter().position(|column| column.name == name));
            Some([lon?, lat?])
        };
        self.keys = Keys::new(columns);
        self.place = find(["longitude", "latitude"]).ok_or(ReportError::NotADrawing)?;
        self.computed = find(["computed_longitude", "computed_latitude"]);
        Ok(())
    }

    fn row(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) -> Result<(), ReportError> {
        let [mut place, mut computed] = [[f64::NAN; 2]; 2];
        let mut noted = cells.enumerate().map(|(column, cell)| {
            if let Cell::Number(degrees) = cell {
                let axes = [(&mut place, Some(self.place)), (&mut computed, self.computed)];
                for (degrees_of, columns) in axes {
                    if let Some(axis) = columns.and_then(|columns| columns.iter().position(|&other| other == column)) {
                        degrees_of[axis] = degrees;
                    }
                }
            }
            cell
        });
        self.drawing.members.clear();
        write_members(&self.keys, &mut noted, &mut self.scratch, &mut self.drawing.members)?;
        let [place, moved] = [place, computed].map(|[lon, lat]| Position::from_lon_lat(lon, lat).ok());
        let kind = if self.computed.is_some() { "published" } else { "local" };
        self.drawing.maybe(kind, place.map(point))?;
        self.drawing.maybe("computed", moved.map(point))?;
        let is_moved = |(from, to): &(Position, Position)| from != to;
        self.drawing.maybe("shift", place.zip(moved).filter(is_moved).map(|(from, to)| line(from, to)))
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.drawing.close()
    }
}
