//! Rows of local photos in CSV as programs write them, column by column.
//!
//! A table of paths, sequences, places, altitudes, headings and times needs no row as a whole: what its cells say goes from
//! the bytes into the columns. Where any cell of some rows is not plain, all of them are left to the reader of rows
//! ([`super::quick`]); both give the same.

use super::LocalRows;
use super::quick::{Field, is_plain, plain_text};
use crate::loose::{GivenSequence, NOT_GIVEN, Texts, folder_of};
use crate::table::{MarkedRows, is_same};
use capture_model::{Observations, Position, TableObservations};
use std::iter::repeat_n;
use std::sync::Arc;

/// The numbers of some rows; their memory is used again.
pub(super) type Numbers = TableObservations;

impl LocalRows {
    /// Takes rows, or leaves all of them and says so by `None`.
    pub(super) fn take_rows(&mut self, rows: MarkedRows<'_>) -> Option<()> {
        let taken = self.numbers_of_rows(rows).and_then(|()| self.texts_of_rows(rows));
        self.settle(taken, rows.len())
    }

    /// Adds rows whose numbers, paths and sequences are read, or takes back what was read of them.
    pub(super) fn settle(&mut self, taken: Option<()>, n_rows: usize) -> Option<()> {
        if taken.is_some() {
            self.n_rows += n_rows as u64;
            self.loose.push_rows(&self.read, n_rows);
        } else {
            self.loose.take_back(self.loose.state.len());
        }
        taken
    }

    /// Reads what needs no text.
    fn numbers_of_rows(&mut self, rows: MarkedRows<'_>) -> Option<()> {
        let read = &mut self.read;
        read.clear();
        for (column, field) in self.plan.fields.iter().enumerate() {
            match field {
                Field::Longitude => rows.numbers(column, &mut read.longitude)?,
                Field::Latitude => rows.numbers(column, &mut read.latitude)?,
                Field::Altitude => rows.numbers(column, &mut read.altitude_m)?,
                Field::Heading => {
                    rows.changed_numbers(column, &mut read.heading_deg, |degrees| degrees.rem_euclid(360.0))?;
                }
                Field::Time => rows.moments(column, &mut read.time_ms, Observations::NO_TIME)?,
                Field::Empty => rows.texts(column).all(|cell| cell.is_some_and(<[u8]>::is_empty)).then_some(())?,
                _ => {}
            }
        }
        self.are_placed(rows.len()).then_some(())
    }

    /// Whether all rows that were read have a place which is not (0, 0).
    pub(super) fn are_placed(&self, n_rows: usize) -> bool {
        let (longitude, latitude) = (&self.read.longitude, &self.read.latitude);
        let is_placed = |(&lon, &lat)| Position::from_lon_lat(lon, lat).is_ok_and(|place| !place.is_null_island());
        longitude.len() == n_rows && latitude.len() == n_rows && longitude.iter().zip(latitude).all(is_placed)
    }

    fn texts_of_rows(&mut self, rows: MarkedRows<'_>) -> Option<()> {
        let place = |wanted: Field| self.plan.fields.iter().position(|&field| field == wanted);
        let (path, sequence) = (place(Field::Path)?, place(Field::Sequence));
        self.push_paths(rows.strs(path)?)?;
        match sequence {
            Some(sequence) => self.push_sequences(rows.texts(sequence)),
            None => self.push_sequences(repeat_n(Some(b"".as_slice()), rows.len())),
        }
    }

    /// Adds the paths of rows. What is kept of rows that are left after all, here and of sequences, is what their reader
    /// keeps again, in the same order.
    #[inline]
    pub(super) fn push_paths<'t>(&mut self, paths: impl Iterator<Item = Option<&'t str>>) -> Option<()> {
        let is_scan = self.at.is_scan;
        for path in paths {
            let path = path.filter(|path| !path.is_empty() && is_plain(path, is_scan))?;
            let folder = match folder_of(path) {
                "" => Texts::EMPTY,
                folder => self.loose.texts.keep(folder),
            };
            self.loose.paths.push(path);
            self.loose.folder.push(folder);
        }
        Some(())
    }

    /// Adds the sequences of rows whose paths are all plain.
    #[inline]
    pub(super) fn push_sequences<'t>(&mut self, keys: impl Iterator<Item = Option<&'t [u8]>>) -> Option<()> {
        let is_scan = self.at.is_scan;
        let mut last: Option<(Arc<GivenSequence>, u32)> = None;
        for key in keys {
            let key = key?;
            let number = match &last {
                _ if key.is_empty() => NOT_GIVEN,
                Some((last, number)) if is_same(last.name.as_bytes(), key) => *number,
                _ => {
                    let given = self.named_sequence(plain_text(key, is_scan)?);
                    let number = self.loose.sequences.number_of(&given);
                    last = Some((given, number));
                    number
                }
            };
            self.loose.sequence.push(number);
        }
        Some(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::quick::tests::{NAMES, cell, told};
    use super::*;
    use crate::table::{BadCells, MarkedCells, Row, RowReader};
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};
    use std::cell::Cell;

    /// Columns whose tables are read row by row.
    pub(in super::super) const OF_ROWS: [&str; 9] =
        ["make", "model", "width", "height", "orientation", "time_source", "gps_time", "camera_time", "cluster_id"];

    /// The marks from the one before the rows on, and how many of those behind it are line feeds.
    fn marks_of(bytes: &str) -> (Vec<u32>, usize) {
        let marks = (17..).zip(bytes.bytes().skip(17)).filter(|(_, byte)| b",\n".contains(byte));
        (marks.map(|(at, _)| at).collect(), bytes.matches('\n').count() - 1)
    }

    /// What programs write into a column.
    pub(in super::super) fn usual(name: &str) -> &'static [&'static str] {
        match name {
            "path" => &["a/b.jpg", "a/c.jpg", "7", "é/ü.jpg", "b c/(1).jpg"],
            "sequence" | "note" => &["", "key", "7", "ü", "other key", "key"],
            "captured_at" => &["", "0", "1630145202250", "2021-08-28T10:06:42.000Z", "1630145203000"],
            "lon" | "lat" => &["-0.5", "50.8966219", "7", "43.40243063519981"],
            "GPSLatitudeRef" | "reason" | "timestamp" => &[""],
            _ => &["", "0", "-154.2709525352569", "180.5", "-1"],
        }
    }

    /// The same rows under a header, by column and by row; whether all were taken at once.
    fn check(names: &[&str], lines: &[String], ending: &str) -> bool {
        let bytes =
            format!("some bytes before\n{}", lines.iter().map(|line| line.clone() + ending).collect::<String>());
        let (marks, n_line_feeds) = marks_of(&bytes);
        let (rows, _) =
            MarkedRows::first(bytes.as_bytes(), &marks, names.len(), n_line_feeds).expect("all rows are whole");
        let mut bad = BadCells::default();
        let one_by_one = |reader: &mut LocalRows| {
            let mut begin = 18;
            for (line, row) in lines.iter().zip(marks[1..].chunks(names.len())) {
                if reader.plain_row(MarkedCells::new(bytes.as_bytes(), begin, row)).is_none() {
                    let cells: Vec<&str> = line.split(',').collect();
                    reader.row(&Row::of_text(2, &cells), &mut bad);
                }
                begin = row[row.len() - 1] as usize + 1;
            }
        };
        let take = |reader: &mut LocalRows| reader.takes_plain_rows() && reader.plain_rows(&rows).is_some();
        both_ways(names, lines.len(), take, one_by_one)
    }

    /// The same rows twice under a header, by column where they can be and one by one; whether all were taken at once.
    pub(in super::super) fn both_ways(
        names: &[&str],
        n_rows: usize,
        take: impl Fn(&mut LocalRows) -> bool,
        mut one_by_one: impl FnMut(&mut LocalRows),
    ) -> bool {
        let [mut by_column, mut by_row] = [(); 2].map(|()| LocalRows::new("table".into()));
        for rows in [&mut by_column, &mut by_row] {
            assert!(rows.header(names).is_ok());
        }
        let mut is_taken = false;
        for n_before in [0, n_rows] {
            is_taken = take(&mut by_column);
            if !is_taken {
                assert_eq!((by_column.loose.len(), by_column.n_rows), (n_before, n_before as u64));
                one_by_one(&mut by_column);
            }
            one_by_one(&mut by_row);
            assert_eq!(told(&by_column), told(&by_row), "behind {n_before} rows");
        }
        is_taken
    }

    #[test]
    fn columns_are_those_of_the_rows() {
        let n_columns = NAMES.len();
        let a_cell = || (any::<prop::sample::Index>(), prop::option::weighted(0.003, cell()));
        let strategy = (
            prop::collection::vec(prop::bool::weighted(0.5), n_columns),
            prop::bool::weighted(0.1),
            prop::collection::vec(prop::collection::vec(a_cell(), n_columns), 1..8),
            prop::sample::select(vec!["\n", "\r\n"]),
        );
        let (n_taken, n_left) = (Cell::new(0), Cell::new(0));
        let mut runner = TestRunner::new(Config { cases: 512, ..Config::default() });
        let result = runner.run(&strategy, |(is_here, is_rare, rows, ending)| {
            let is_named = |(name, here): &(&str, bool)| {
                ["path", "lon", "lat"].contains(name) || (*here && (is_rare || !OF_ROWS.contains(name)))
            };
            let names: Vec<&str> = NAMES.into_iter().zip(is_here).filter(is_named).map(|(name, _)| name).collect();
            let of_column = |(name, (plain, odd)): (_, &(prop::sample::Index, Option<String>))| {
                odd.clone().unwrap_or_else(|| plain.get(usual(name)).to_string())
            };
            let line = |cells: &Vec<_>| names.iter().copied().zip(cells).map(of_column).collect::<Vec<_>>().join(",");
            let lines: Vec<String> = rows.iter().map(line).collect();
            let counter = if check(&names, &lines, ending) { &n_taken } else { &n_left };
            counter.set(counter.get() + 1);
            Ok(())
        });
        assert!(result.is_ok(), "{result:?}");
        let (n_taken, n_left) = (n_taken.get(), n_left.get());
        assert!(n_taken > 2 * n_left && n_left > 20, "both ways are looked at: {n_taken} and {n_left}");
    }

    #[test]
    fn usual_rows_are_taken_at_once() {
        let names = ["path", "sequence", "lat", "lon", "altitude", "captured_at", "clock"];
        let row = |text: &str| format!("{text},51.3994817,-34.3370978,260.98,1515054074510,x");
        let plain = [row("a/1.jpg,ride"), row("a/2.jpg,ride"), row("a/2.jpg,"), row("b/1.jpg,other")];
        assert!(check(&names, &plain, "\n") && check(&names, &plain, "\r\n"));
        assert!(check(&["path", "lat", "lon"], &["a,1.5,2.5".into()], "\n"), "no time, no sequence");
        for odd in [
            &row(",a"),
            &row(" a,a"),
            &row("a, a"),
            "a/1.jpg,a,0.0,0.0,,,",
            "a/1.jpg,a,91.0,1.0,,,",
            "a/1.jpg,a,1e1,1.0,,,",
            "a/1.jpg,a,1.0,,,,",
            "a/1.jpg,a,1.0,1.0,,8:30,",
            "a/1.jpg,a,1.0,1.0,5 m,,",
        ] {
            assert!(!check(&names, &[plain[0].clone(), odd.to_owned()], "\n"), "{odd}");
            assert!(!check(&names, &[odd.to_owned(), plain[1].clone()], "\n"), "{odd}");
        }
    }
}
