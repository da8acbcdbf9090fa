//! Rows of CSV as programs write them, column by column.
//!
//! A table without devices and flags needs no row as a whole: what its cells say goes from the bytes into the columns. Where
//! any cell of some rows is not plain, all of them are left to the reader of rows ([`super::quick`]); both give the same.

use super::quick::{Field, plain_text};
use super::{PublishedRows, unwrapped};
use crate::table::{MarkedRows, is_same};
use capture_model::{Column, Evidence, Position, PublishedImages};

impl PublishedRows {
    /// Takes rows, or leaves all of them and says so by `None`.
    pub(super) fn take_rows(&mut self, rows: &MarkedRows<'_>) -> Option<()> {
        let n_before = self.images.len();
        let taken = self.columns_of_rows(*rows, n_before);
        if taken.is_none() {
            self.images.truncate(n_before);
        }
        taken
    }

    fn columns_of_rows(&mut self, rows: MarkedRows<'_>, n_before: usize) -> Option<()> {
        const NO_ID: u64 = u64::MAX; // has 20 digits
        let images = &mut self.images;
        let mut sequence = None;
        for (column, field) in self.plan.fields.iter().enumerate() {
            match field {
                Field::None => {}
                Field::Id => rows.wholes(column, &mut images.id, NO_ID)?,
                Field::Sequence => sequence = Some(column),
                Field::Time => rows.moments(column, &mut images.captured_at_ms, PublishedImages::NO_TIME)?,
                Field::Longitude => rows.numbers(column, &mut images.longitude)?,
                Field::Latitude => rows.numbers(column, &mut images.latitude)?,
                Field::ComputedLongitude => rows.numbers(column, &mut images.computed_longitude)?,
                Field::ComputedLatitude => rows.numbers(column, &mut images.computed_latitude)?,
                Field::Altitude => {
                    rows.changed_numbers(column, &mut images.altitude_m, |metres| unwrapped(metres) as f32)?;
                }
                Field::ComputedAltitude => {
                    rows.changed_numbers(column, images.computed_altitude_m.each(), |metres| metres as f32)?;
                }
                Field::Compass => rows.changed_numbers(column, images.compass_deg.each(), |degrees| degrees as f32)?,
                Field::ComputedCompass => {
                    rows.changed_numbers(column, images.computed_compass_deg.each(), |degrees| degrees as f32)?;
                }
                Field::Creator => rows.wholes(column, images.creator_id.each(), 0)?,
                Field::IdExact
                | Field::Make
                | Field::Model
                | Field::Width
                | Field::Height
                | Field::IsPano
                | Field::Layer
                | Field::Tile => return None,
            }
        }
        let is_placed =
            |(&lon, &lat): (&f64, &f64)| (lon.is_nan() && lat.is_nan()) || Position::from_lon_lat(lon, lat).is_ok();
        // columns that the table lacks are filled at the end, and hold as many rows as happens until then
        let places = |is_lacking: bool, longitude: &[f64], latitude: &[f64]| {
            is_lacking || longitude[n_before..].iter().zip(&latitude[n_before..]).all(is_placed)
        };
        let lacks = self.plan.lacks;
        let is_plain = !images.id[n_before..].contains(&NO_ID)
            && places(lacks.original, &images.longitude, &images.latitude)
            && places(lacks.computed, &images.computed_longitude, &images.computed_latitude);
        if !is_plain {
            return None;
        }
        // at last, so that no key is kept of rows that are left
        if let Some(column) = sequence {
            self.sequences_of_rows(rows, column)?;
        }
        self.images.evidence.append(&mut Column::same(Evidence::Entity, rows.len()));
        Some(())
    }

    fn sequences_of_rows(&mut self, rows: MarkedRows<'_>, column: usize) -> Option<()> {
        for key in rows.texts(column) {
            let key = key?;
            let number = match &self.last_sequence {
                _ if key.is_empty() => PublishedImages::NO_SEQUENCE,
                Some((last, number)) if is_same(last.as_bytes(), key) => *number,
                _ => self.sequence(Some(plain_text(key)?).filter(|key| !key.is_empty())),
            };
            self.images.sequence.push(number);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::quick::tests::{NAMES, cell, told};
    use super::*;
    use crate::table::{MarkedCells, RowReader};
    use capture_model::Device;
    use proptest::prelude::*;

    /// The marks from the one before the rows on, and how many of those behind it are line feeds.
    fn marks_of(bytes: &str) -> (Vec<u32>, usize) {
        let marks = (17..).zip(bytes.bytes().skip(17)).filter(|(_, byte)| b",\n".contains(byte));
        (marks.map(|(at, _)| at).collect(), bytes.matches('\n').count() - 1)
    }

    /// What programs write into a column.
    fn usual(name: &str) -> &'static [&'static str] {
        match name {
            "id" | "creator_id" => &["7", "26858300993768842", "18446744073709551614"],
            "captured_at" => &["", "0", "1630145202250", "2021-08-28T10:06:42.000Z"],
            "sequence" | "make" | "model" => &["", "key", "GoPro", "7"],
            "is_pano" | "id_exact" => &["", "true", "false"],
            "longitude" | "latitude" | "computed_longitude" | "computed_latitude" => &["-0.5", "50.8966219", "0", "-0"],
            _ => &["", "0", "-154.2709525352569", "180.5"],
        }
    }

    fn a_cell() -> impl Strategy<Value = (prop::sample::Index, Option<String>)> {
        (any::<prop::sample::Index>(), prop::option::weighted(0.005, cell()))
    }

    proptest! {
        #[test]
        fn columns_are_those_of_the_rows(
            is_here in prop::collection::vec(prop::bool::weighted(0.5), NAMES.len()),
            is_rare in prop::bool::weighted(0.1),
            rows in prop::collection::vec(prop::collection::vec(a_cell(), NAMES.len()), 1..6),
            times in 1_usize..4,
            ending in prop::sample::select(vec!["\n", "\r\n"]),
        ) {
            let is_needed = |name: &str| ["id", "longitude", "latitude"].contains(&name);
            let is_of_rows = |name: &str| ["id_exact", "make", "model", "width", "height", "is_pano"].contains(&name);
            let is_named = |(name, here): &(&str, bool)| is_needed(name) || (*here && (is_rare || !is_of_rows(name)));
            let names: Vec<&str> = NAMES.into_iter().zip(is_here).filter(is_named).map(|(name, _)| name).collect();
            let is_cut = |cell: &&str| !cell.contains([',', '"', '\r', '\n']);
            let lines = rows.iter().map(|cells| {
                let of_column = |(name, (plain, odd)): (_, &(prop::sample::Index, Option<String>))| {
                    odd.clone().unwrap_or_else(|| plain.get(usual(name)).to_string())
                };
                let cells: Vec<String> = names.iter().copied().zip(cells).map(of_column).collect();
                cells.iter().map(String::as_str).filter(is_cut).collect::<Vec<_>>().join(",") + ending
            });
            let bytes = format!("some bytes before\n{}", lines.collect::<String>().repeat(times));
            let (marks, n_line_feeds) = marks_of(&bytes);
            let (mut by_column, mut by_row) = (PublishedRows::default(), PublishedRows::default());
            for rows in [&mut by_column, &mut by_row] {
                prop_assert!(rows.header(&names).is_ok());
            }
            if let Some((rows, _)) = MarkedRows::first(bytes.as_bytes(), &marks, names.len(), n_line_feeds) {
                let is_taken = by_column.takes_plain_rows() && by_column.plain_rows(&rows).is_some();
                let (mut begin, mut n_taken) = (18, 0);
                for row in marks[1..=rows.len() * names.len()].chunks(names.len()) {
                    n_taken += usize::from(by_row.plain_row(MarkedCells::new(bytes.as_bytes(), begin, row)).is_some());
                    begin = row[row.len() - 1] as usize + 1;
                }
                prop_assert_eq!(begin, rows.end());
                by_column.fill_up();
                if is_taken {
                    by_row.fill_up();
                    prop_assert_eq!(n_taken, rows.len());
                    prop_assert_eq!(told(&by_column), told(&by_row));
                } else {
                    prop_assert_eq!(by_column.images.len(), 0);
                    prop_assert!(by_column.images.sequences.len() <= by_row.images.sequences.len());
                }
            }
        }
    }

    #[test]
    fn usual_rows_are_taken_at_once() {
        let names = ["id", "sequence", "latitude", "longitude", "altitude", "captured_at", "clock"];
        let mut rows = PublishedRows::default();
        assert!(rows.header(&names).is_ok());
        let row = "100002285051207,a,51.3994817,-34.3370978,260.98,1515054074510,x\n";
        let mut take = |text: &str| {
            let bytes = format!("some bytes before\n{text}");
            let (marks, n_line_feeds) = marks_of(&bytes);
            let (some, behind) = MarkedRows::first(bytes.as_bytes(), &marks, names.len(), n_line_feeds)?;
            rows.plain_rows(&some).map(|()| (some.len(), behind.len() - 1))
        };
        assert_eq!(take(&row.repeat(3)), Some((3, 0)));
        assert_eq!(take(&format!("{row}{row}7,a\n{row}")), Some((2, 9)), "up to a row that is short");
        for odd in
            [",a,1,1,,,\n", "7,a,91,1,,,\n", "7,a,1e1,1,,,\n", "7, a,1,1,,,\n", "7,a,1,,,,\n", "7,a,1,1,,8:30,\n"]
        {
            assert_eq!(take(&format!("{row}{odd}")), None, "{odd}");
        }
        assert_eq!(take("\n7,a\n"), None);
        assert_eq!((rows.images.id.len(), rows.images.sequence.len(), rows.images.sequences.len()), (5, 5, 1));
        rows.fill_up();
        assert_eq!(rows.images.longitude, [-34.337_097_8; 5]);
        assert_eq!(rows.images.image(4).device, Device::default(), "no row was read by itself, yet all have a device");
    }
}
