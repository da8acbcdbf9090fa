//! Rows of local photos in a table with types, column by column.
//!
//! As in [`super::by_column`]: what its columns hold goes to those of the files, and where any cell of some rows is not plain,
//! all of them are left to the reader of rows.

use super::LocalRows;
use super::quick::Field;
use crate::decimal::simple;
use crate::time_text::{plain_ms, time_of};
use capture_model::{Observations, TableNumber, TypedColumn, TypedRows};
use std::iter::repeat_n;

impl LocalRows {
    /// Takes all rows, or leaves all of them and says so by `None`.
    pub(super) fn take_typed(&mut self, rows: &TypedRows<'_>) -> Option<()> {
        let taken = self.numbers_of_typed(rows).and_then(|()| self.texts_of_typed(rows));
        self.settle(taken, rows.n_rows)
    }

    fn numbers_of_typed(&mut self, rows: &TypedRows<'_>) -> Option<()> {
        let (read, n) = (&mut self.read, rows.n_rows);
        read.clear();
        for (field, &column) in self.plan.fields.iter().zip(rows.columns) {
            match field {
                Field::Longitude => reals(column, n, &mut read.longitude, |degrees| degrees)?,
                Field::Latitude => reals(column, n, &mut read.latitude, |degrees| degrees)?,
                Field::Altitude => reals(column, n, &mut read.altitude_m, |metres| metres)?,
                Field::Heading => reals(column, n, &mut read.heading_deg, |degrees| degrees.rem_euclid(360.0))?,
                Field::Time => moments(column, n, &mut read.time_ms)?,
                Field::Empty => is_empty(column).then_some(())?,
                _ => {}
            }
        }
        self.are_placed(n).then_some(())
    }

    fn texts_of_typed(&mut self, rows: &TypedRows<'_>) -> Option<()> {
        let column = |wanted: Field| {
            let mut fields = self.plan.fields.iter().zip(rows.columns);
            fields.find(|(field, _)| **field == wanted).map_or(TypedColumn::Empty, |(_, column)| *column)
        };
        let (TypedColumn::Texts(paths), sequence) = (column(Field::Path), column(Field::Sequence)) else { return None };
        self.push_paths(paths.iter().map(Some))?;
        match sequence {
            TypedColumn::Texts(keys) => self.push_sequences(keys.iter().map(|key| Some(key.as_bytes()))),
            TypedColumn::Empty => self.push_sequences(repeat_n(Some(b"".as_slice()), rows.n_rows)),
            TypedColumn::Numbers(_) | TypedColumn::Wholes(_) | TypedColumn::Reals(_) => None,
        }
    }
}

/// Numbers, changed; NaN where there is none. `None` where a text is no plain number, or a number has no end.
fn reals(column: TypedColumn<'_>, n_rows: usize, to: &mut Vec<f64>, change: impl Fn(f64) -> f64) -> Option<()> {
    match column {
        TypedColumn::Empty => to.extend(repeat_n(f64::NAN, n_rows)),
        TypedColumn::Texts(texts) => {
            for text in texts.iter() {
                to.push(if text.is_empty() { f64::NAN } else { change(simple(text.as_bytes())?) });
            }
        }
        TypedColumn::Numbers(numbers) => {
            for number in numbers {
                let real = number.real().map_or(f64::NAN, &change);
                to.push(Some(real).filter(|real| !real.is_infinite())?);
            }
        }
        TypedColumn::Wholes(numbers) => to.extend(numbers.iter().map(|&number| change(number as f64))),
        TypedColumn::Reals(numbers) => to.extend(numbers.iter().map(|&number| change(number))),
    }
    Some(())
}

/// Moments; `None` where a cell is none, or a number that is not whole.
fn moments(column: TypedColumn<'_>, n_rows: usize, to: &mut Vec<i64>) -> Option<()> {
    const NO_TIME: i64 = Observations::NO_TIME;
    match column {
        TypedColumn::Empty => to.extend(repeat_n(NO_TIME, n_rows)),
        TypedColumn::Texts(texts) => {
            for text in texts.iter() {
                to.push(if text.is_empty() { NO_TIME } else { plain_ms(text.as_bytes(), NO_TIME)? });
            }
        }
        TypedColumn::Numbers(numbers) => {
            for &number in numbers {
                to.push(match number {
                    TableNumber::None => NO_TIME,
                    TableNumber::Whole(_) => time_of(number).ok()?.map_or(NO_TIME, |told| told.time.ms()),
                    TableNumber::Large(_) | TableNumber::Real(_) => return None,
                });
            }
        }
        TypedColumn::Wholes(moments) => {
            for &moment in moments {
                to.push(time_of(TableNumber::Whole(moment)).ok()?.map_or(NO_TIME, |told| told.time.ms()));
            }
        }
        TypedColumn::Reals(moments) => {
            moments.iter().all(|moment| moment.is_nan()).then_some(())?;
            to.extend(repeat_n(NO_TIME, n_rows));
        }
    }
    Some(())
}

fn is_empty(column: TypedColumn<'_>) -> bool {
    match column {
        TypedColumn::Empty => true,
        TypedColumn::Texts(texts) => texts.iter().all(str::is_empty),
        TypedColumn::Numbers(numbers) => numbers.iter().all(|&number| number == TableNumber::None),
        TypedColumn::Wholes(numbers) => numbers.is_empty(),
        TypedColumn::Reals(numbers) => numbers.iter().all(|number| number.is_nan()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::by_column::tests::{OF_ROWS, both_ways, usual};
    use super::super::quick::tests::{NAMES, cell, number};
    use super::*;
    use crate::table::{BadCells, Row, RowReader};
    use capture_model::{TableTexts, Wanted};
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};
    use std::cell::Cell;

    /// The cells of a column.
    enum Cells {
        Texts(String, Vec<usize>),
        Numbers(Vec<TableNumber>),
        Wholes(Vec<i64>),
        Reals(Vec<f64>),
    }

    impl Cells {
        fn of(texts: &[String]) -> Self {
            let mut all = String::new();
            let ends = texts.iter().map(|text| {
                all += text;
                all.len()
            });
            let ends = ends.collect();
            Self::Texts(all, ends)
        }

        /// The same numbers in the narrowest form that holds them.
        fn narrow(self) -> Self {
            let Self::Numbers(numbers) = self else { return self };
            let whole = |number: &TableNumber| match number {
                TableNumber::Whole(whole) => Some(*whole),
                _ => None,
            };
            let real = |number: &TableNumber| match number {
                TableNumber::Real(real) => Some(*real).filter(|real| real.is_finite()),
                TableNumber::None => Some(f64::NAN),
                _ => None,
            };
            let wholes = numbers.iter().map(whole).collect::<Option<_>>().map(Self::Wholes);
            let reals = || numbers.iter().map(real).collect::<Option<_>>().map(Self::Reals);
            wholes.or_else(reals).unwrap_or(Self::Numbers(numbers))
        }

        fn column(&self) -> TypedColumn<'_> {
            match self {
                Self::Texts(all, ends) => TypedColumn::Texts(TableTexts::new(all, ends)),
                Self::Numbers(numbers) => TypedColumn::Numbers(numbers),
                Self::Wholes(numbers) => TypedColumn::Wholes(numbers),
                Self::Reals(numbers) => TypedColumn::Reals(numbers),
            }
        }
    }

    /// The same columns as such and row by row; whether all rows were taken at once.
    fn check(names: &[&str], columns: &[Cells], n_rows: usize) -> bool {
        let columns: Vec<TypedColumn<'_>> = columns.iter().map(Cells::column).collect();
        let rows = TypedRows { first: 1, n_rows, columns: &columns };
        let mut bad = BadCells::default();
        let one_by_one = |reader: &mut LocalRows| {
            rows.each(&mut |line, cells, numbers| reader.any_row(&Row::of_types(line, cells, numbers), &mut bad));
        };
        both_ways(names, n_rows, |reader| reader.take_columns(&rows), one_by_one)
    }

    #[test]
    fn columns_are_those_of_the_rows() {
        let a_cell = || {
            let odd = prop::option::weighted(0.003, (cell(), number()));
            (any::<prop::sample::Index>(), -80.0..80.0_f64, any::<bool>(), odd)
        };
        let n_columns = NAMES.len();
        let strategy = (
            prop::collection::vec(prop::bool::weighted(0.5), n_columns),
            prop::collection::vec(prop::bool::weighted(0.7), n_columns),
            prop::bool::weighted(0.1),
            any::<bool>(),
            prop::collection::vec(prop::collection::vec(a_cell(), n_columns), 1..8),
        );
        let (n_taken, n_left) = (Cell::new(0), Cell::new(0));
        let mut runner = TestRunner::new(Config { cases: 512, ..Config::default() });
        let result = runner.run(&strategy, |(is_here, is_number, is_rare, is_narrow, rows)| {
            let is_named = |(name, here): &(&str, bool)| {
                ["path", "lon", "lat"].contains(name) || (*here && (is_rare || !OF_ROWS.contains(name)))
            };
            let names: Vec<&str> = NAMES.into_iter().zip(is_here).filter(is_named).map(|(name, _)| name).collect();
            let mut reader = LocalRows::new("table".into());
            prop_assert!(reader.header(&names).is_ok());
            let cells = |(at, name): (usize, &&str)| {
                let column = rows.iter().map(|cells| &cells[at]);
                if !is_number[at] || reader.wants(at) != Wanted::Any {
                    let text = |(plain, _, _, odd): &(prop::sample::Index, f64, bool, Option<(String, _)>)| {
                        odd.clone().map_or_else(|| plain.get(usual(name)).to_string(), |(text, _)| text)
                    };
                    return Cells::of(&column.map(text).collect::<Vec<_>>());
                }
                let is_place = ["lon", "lat"].contains(name);
                let plain = |real, is_some| match *name {
                    "captured_at" if is_some => TableNumber::Whole(1_630_145_202_250),
                    "captured_at" | "timestamp" | "reason" => TableNumber::None,
                    _ if is_some || is_place => TableNumber::Real(real),
                    _ => TableNumber::None,
                };
                let numbers = column.map(|(_, real, is_some, odd)| match odd {
                    Some((_, number)) => *number,
                    None => plain(*real, *is_some),
                });
                let numbers = Cells::Numbers(numbers.collect());
                if is_narrow { numbers.narrow() } else { numbers }
            };
            let columns: Vec<Cells> = names.iter().enumerate().map(cells).collect();
            let counter = if check(&names, &columns, rows.len()) { &n_taken } else { &n_left };
            counter.set(counter.get() + 1);
            Ok(())
        });
        assert!(result.is_ok(), "{result:?}");
        let (n_taken, n_left) = (n_taken.get(), n_left.get());
        assert!(n_taken > 2 * n_left && n_left > 20, "both ways are looked at: {n_taken} and {n_left}");
    }

    #[test]
    fn usual_columns_are_taken_at_once() {
        let names = ["path", "lat", "lon", "altitude"];
        let columns = |paths: [&str; 2], altitude| {
            let reals = |numbers: [f64; 2]| Cells::Numbers(numbers.map(TableNumber::Real).to_vec());
            let paths = Cells::of(&paths.map(String::from));
            [paths, reals([1.5, 2.5]), reals([3.5, 4.5]), Cells::Numbers(vec![altitude, TableNumber::None])]
        };
        let usual = TableNumber::Real(7.5);
        assert!(check(&names, &columns(["a", "b/c"], usual), 2));
        assert!(check(&names, &columns(["a", "b/c"], usual).map(Cells::narrow), 2));
        assert!(!check(&names, &columns(["a", ""], usual), 2));
        assert!(!check(&names, &columns(["a", " b"], usual), 2));
        assert!(!check(&names, &columns(["a", "b"], TableNumber::Real(f64::INFINITY)), 2), "no altitude has no end");
    }
}
