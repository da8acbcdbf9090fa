//! Rows of a table with types, column by column: numbers go from the decoder to the columns.
//!
//! Whatever needs a row as a whole (rows of coverage, rows without id, cells that cannot be understood) is left to the
//! reader of rows; both give the same columns.

use super::{PublishedRows, unwrapped};
use crate::decimal::simple;
use crate::time_text::{cell, plain_ms, time_of};
use capture_model::{Column, Evidence, Position, PublishedImages, TableNumber, TypedColumn, TypedRows, tail_digits};
use std::iter::repeat_n;

impl PublishedRows {
    /// Takes all rows, or leaves all of them and says so by `false`.
    pub(super) fn take_typed(&mut self, rows: &TypedRows<'_>) -> bool {
        let n_before = self.images.len();
        let is_taken = !self.is_coverage && self.columns_of(rows).is_some();
        if !is_taken {
            self.images.truncate(n_before);
        }
        is_taken
    }

    fn columns_of(&mut self, rows: &TypedRows<'_>) -> Option<()> {
        let n_rows = rows.n_rows;
        let column = |place: Option<usize>| {
            place.and_then(|place| rows.columns.get(place)).copied().unwrap_or(TypedColumn::Empty)
        };
        let (at, lacks) = (self.at.clone(), self.plan.lacks);
        let images = &mut self.images;
        let begin = images.id.len();
        ids(column(at.id), &mut images.id)?;
        let n_of = |is_lacking| if is_lacking { 0 } else { n_rows }; // what the table lacks is filled up at the end
        moments(column(at.time), n_of(lacks.time), &mut images.captured_at_ms)?;
        reals(column(at.longitude), n_of(lacks.original), &mut images.longitude)?;
        reals(column(at.latitude), n_of(lacks.original), &mut images.latitude)?;
        reals(column(at.computed_longitude), n_of(lacks.computed), &mut images.computed_longitude)?;
        reals(column(at.computed_latitude), n_of(lacks.computed), &mut images.computed_latitude)?;
        if !lacks.original {
            keep_places(&mut images.longitude[begin..], &mut images.latitude[begin..]);
        }
        if !lacks.computed {
            keep_places(&mut images.computed_longitude[begin..], &mut images.computed_latitude[begin..]);
        }
        small(column(at.altitude), n_of(lacks.altitude), &mut images.altitude_m, unwrapped)?;
        small(
            column(at.computed_altitude),
            n_of(lacks.computed_altitude),
            images.computed_altitude_m.each(),
            |metres| metres,
        )?;
        small(column(at.compass), n_of(lacks.compass), images.compass_deg.each(), |degrees| degrees)?;
        small(
            column(at.computed_compass),
            n_of(lacks.computed_compass),
            images.computed_compass_deg.each(),
            |degrees| degrees,
        )?;
        creators(column(at.creator), n_of(lacks.creator), images.creator_id.each());
        images.evidence.append(&mut Column::same(Evidence::Entity, n_rows));
        match column(at.id_exact) {
            TypedColumn::Texts(texts) => {
                let is_exact = |text: &str| !text.trim().eq_ignore_ascii_case("false");
                images.id_exact.each().extend(texts.iter().map(is_exact));
            }
            _ => {
                images.id_exact.each().extend(repeat_n(true, n_of(lacks.id_exact)));
            }
        }
        match column(at.is_pano) {
            TypedColumn::Texts(texts) => {
                images.is_pano.each().extend(texts.iter().map(|text| super::truth(text.trim())));
            }
            _ => {
                images.is_pano.each().extend(repeat_n(None, n_of(lacks.is_pano)));
            }
        }
        self.sequences_of(column(at.sequence), n_of(lacks.sequence));
        let devices = [at.make, at.model, at.width, at.height].map(column);
        self.devices_of(devices, if lacks.device { 0 } else { n_rows })
    }

    fn sequences_of(&mut self, column: TypedColumn<'_>, n_rows: usize) {
        match column {
            TypedColumn::Empty => self.images.sequence.extend(repeat_n(PublishedImages::NO_SEQUENCE, n_rows)),
            TypedColumn::Texts(texts) => {
                for text in texts.iter() {
                    let number = self.sequence(Some(text.trim()).filter(|key| !key.is_empty()));
                    self.images.sequence.push(number);
                }
            }
            TypedColumn::Numbers(numbers) => {
                for equal in numbers.chunk_by(|a, b| a == b) {
                    let number = match equal[0] {
                        TableNumber::None => PublishedImages::NO_SEQUENCE,
                        key => self.numbered_sequence(key),
                    };
                    self.images.sequence.extend(repeat_n(number, equal.len()));
                }
            }
            TypedColumn::Wholes(keys) => {
                for equal in keys.chunk_by(|a, b| a == b) {
                    let number = self.numbered_sequence(TableNumber::Whole(equal[0]));
                    self.images.sequence.extend(repeat_n(number, equal.len()));
                }
            }
            TypedColumn::Reals(_) => {
                for row in 0..n_rows {
                    let number = match column.number(row) {
                        TableNumber::None => PublishedImages::NO_SEQUENCE,
                        key => self.numbered_sequence(key),
                    };
                    self.images.sequence.push(number);
                }
            }
        }
    }

    fn devices_of(&mut self, [make, model, width, height]: [TypedColumn<'_>; 4], n_rows: usize) -> Option<()> {
        if [make, model, width, height].iter().all(|column| matches!(column, TypedColumn::Empty)) {
            let unknown = self.device(None, None, [None; 2]);
            self.images.device.each().extend(repeat_n(unknown, n_rows));
            return Some(());
        }
        for row in 0..n_rows {
            let pixels = |column| real_of(column, row).map(|pixels| (!pixels.is_nan()).then(|| super::pixels(pixels)));
            let device = self.device(text_of(make, row), text_of(model, row), [pixels(width)?, pixels(height)?]);
            self.images.device.push(device);
        }
        Some(())
    }
}

/// The text of one row, trimmed, if it has one.
fn text_of(column: TypedColumn<'_>, row: usize) -> Option<&str> {
    match column {
        TypedColumn::Texts(texts) => Some(texts.get(row).trim()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// Ids; `None` where a row has none.
fn ids(column: TypedColumn<'_>, to: &mut Vec<u64>) -> Option<()> {
    match column {
        TypedColumn::Empty | TypedColumn::Reals(_) => return None,
        TypedColumn::Texts(texts) => {
            for text in texts.iter() {
                to.push(tail_digits(text.as_bytes(), text.len())?);
            }
        }
        TypedColumn::Numbers(numbers) => {
            for &number in numbers {
                to.push(match number {
                    TableNumber::Whole(id) => u64::try_from(id).ok()?,
                    TableNumber::Large(id) => id,
                    TableNumber::Real(_) | TableNumber::None => return None,
                });
            }
        }
        TypedColumn::Wholes(ids) => {
            ids.iter().all(|&id| id >= 0).then_some(())?;
            to.extend(ids.iter().map(|id| id.cast_unsigned()));
        }
    }
    Some(())
}

/// Moments; `None` where a cell is none.
fn moments(column: TypedColumn<'_>, n_rows: usize, to: &mut Vec<i64>) -> Option<()> {
    let ms_of = |told: Option<crate::time_text::Told>| told.map_or(PublishedImages::NO_TIME, |told| told.time.ms());
    match column {
        TypedColumn::Empty => to.extend(repeat_n(PublishedImages::NO_TIME, n_rows)),
        TypedColumn::Texts(texts) => {
            for text in texts.iter() {
                to.push(match plain_ms(text.as_bytes(), PublishedImages::NO_TIME) {
                    Some(ms) => ms,
                    None => ms_of(cell(text).ok()?),
                });
            }
        }
        TypedColumn::Numbers(numbers) => {
            for &number in numbers {
                to.push(match number {
                    TableNumber::None => PublishedImages::NO_TIME,
                    number => ms_of(time_of(number).ok()?),
                });
            }
        }
        TypedColumn::Wholes(moments) => {
            for &moment in moments {
                to.push(ms_of(time_of(TableNumber::Whole(moment)).ok()?));
            }
        }
        TypedColumn::Reals(_) => {
            for row in 0..n_rows {
                to.push(match column.number(row) {
                    TableNumber::None => PublishedImages::NO_TIME,
                    number => ms_of(time_of(number).ok()?),
                });
            }
        }
    }
    Some(())
}

/// Numbers, NaN where there is none; `None` where a text is no plain number.
fn reals(column: TypedColumn<'_>, n_rows: usize, to: &mut Vec<f64>) -> Option<()> {
    match column {
        TypedColumn::Empty => to.extend(repeat_n(f64::NAN, n_rows)),
        TypedColumn::Texts(texts) => {
            for text in texts.iter() {
                to.push(if text.is_empty() { f64::NAN } else { simple(text.as_bytes())? });
            }
        }
        TypedColumn::Numbers(numbers) => to.extend(numbers.iter().map(|number| number.real().unwrap_or(f64::NAN))),
        TypedColumn::Wholes(numbers) => to.extend(numbers.iter().map(|&number| number as f64)),
        TypedColumn::Reals(numbers) => to.extend_from_slice(numbers),
    }
    Some(())
}

/// The same for narrow columns.
fn small(column: TypedColumn<'_>, n_rows: usize, to: &mut Vec<f32>, change: impl Fn(f64) -> f64) -> Option<()> {
    match column {
        TypedColumn::Empty => to.extend(repeat_n(f32::NAN, n_rows)),
        TypedColumn::Texts(texts) => {
            for text in texts.iter() {
                to.push(if text.is_empty() { f32::NAN } else { change(simple(text.as_bytes())?) as f32 });
            }
        }
        TypedColumn::Numbers(numbers) => {
            to.extend(numbers.iter().map(|number| number.real().map_or(f32::NAN, |real| change(real) as f32)));
        }
        TypedColumn::Wholes(numbers) => to.extend(numbers.iter().map(|&number| change(number as f64) as f32)),
        TypedColumn::Reals(numbers) => to.extend(numbers.iter().map(|&number| change(number) as f32)),
    }
    Some(())
}

/// The number of one row, NaN where it has none; `None` where its text is no plain number.
fn real_of(column: TypedColumn<'_>, row: usize) -> Option<f64> {
    match column {
        TypedColumn::Texts(texts) => match texts.get(row) {
            "" => Some(f64::NAN),
            text => simple(text.as_bytes()),
        },
        column => Some(column.number(row).real().unwrap_or(f64::NAN)),
    }
}

fn creators(column: TypedColumn<'_>, n_rows: usize, to: &mut Vec<u64>) {
    match column {
        TypedColumn::Empty => to.extend(repeat_n(0, n_rows)),
        TypedColumn::Texts(texts) => to.extend(texts.iter().map(|text| text.trim().parse().unwrap_or(0))),
        column => to.extend((0..n_rows).map(|row| super::creator(column.number(row)).unwrap_or(0))),
    }
}

/// A place that is not on the globe, or of which a half is missing, is none.
fn keep_places(longitudes: &mut [f64], latitudes: &mut [f64]) {
    for (longitude, latitude) in longitudes.iter_mut().zip(latitudes) {
        if Position::from_lon_lat(*longitude, *latitude).is_err() {
            (*longitude, *latitude) = (f64::NAN, f64::NAN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::quick::tests::{NAMES, cell, told};
    use super::*;
    use crate::table::{BadCells, Row, RowReader};
    use capture_model::TableTexts;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = TableNumber> {
        prop_oneof![
            Just(TableNumber::None),
            Just(TableNumber::Whole(1_630_145_202_250)),
            (0_i64..3).prop_map(TableNumber::Whole),
            (-200.0..200.0_f64).prop_map(TableNumber::Real),
            any::<i64>().prop_map(TableNumber::Whole),
            Just(TableNumber::Large(u64::MAX)),
            Just(TableNumber::Real(1e17)),
        ]
    }

    /// The same numbers in a narrower form, if they have one.
    struct OfOneKind {
        wholes: Option<Vec<i64>>,
        reals: Option<Vec<f64>>,
    }

    impl OfOneKind {
        fn of(numbers: &[TableNumber]) -> Self {
            let whole = |number: &TableNumber| match number {
                TableNumber::Whole(whole) => Some(*whole),
                _ => None,
            };
            let real = |number: &TableNumber| match number {
                TableNumber::Real(real) => Some(*real),
                TableNumber::None => Some(f64::NAN),
                _ => None,
            };
            Self { wholes: numbers.iter().map(whole).collect(), reals: numbers.iter().map(real).collect() }
        }
    }

    /// A column of four rows: numbers, of which some are missing, or texts.
    fn column() -> impl Strategy<Value = (bool, Vec<TableNumber>, Vec<String>)> {
        let numbers = prop_oneof![
            prop::collection::vec(number(), 4),
            prop::collection::vec((1_i64..4).prop_map(TableNumber::Whole), 4),
            prop::collection::vec(any::<i64>().prop_map(TableNumber::Whole), 4),
            prop::collection::vec(
                prop_oneof![Just(TableNumber::None), (-200.0..200.0_f64).prop_map(TableNumber::Real)],
                4,
            ),
        ];
        (prop::bool::ANY, numbers, prop::collection::vec(cell(), 4))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn columns_give_what_rows_give(
            is_here in prop::collection::vec(prop::bool::weighted(0.4), NAMES.len()),
            batches in prop::collection::vec(prop::collection::vec(column(), NAMES.len()), 1..4),
        ) {
            let is_needed = |name: &str| ["id", "longitude", "latitude"].contains(&name);
            let chosen: Vec<usize> = (0..NAMES.len()).filter(|&at| is_here[at] || is_needed(NAMES[at])).collect();
            let names: Vec<&str> = chosen.iter().map(|&at| NAMES[at]).collect();
            let (mut by_column, mut by_row) = (PublishedRows::default(), PublishedRows::default());
            for rows in [&mut by_column, &mut by_row] {
                prop_assert!(rows.header(&names).is_ok());
            }
            let (mut bad, mut expected_bad) = (BadCells::default(), BadCells::default());
            for (batch, first) in batches.iter().zip((1..).step_by(4)) {
                let texts: Vec<(String, Vec<usize>)> = batch
                    .iter()
                    .map(|(_, _, texts)| {
                        let ends = texts.iter().scan(0, |end, text| { *end += text.len(); Some(*end) });
                        (texts.concat(), ends.collect())
                    })
                    .collect();
                let of_one_kind: Vec<OfOneKind> = batch.iter().map(|(_, numbers, _)| OfOneKind::of(numbers)).collect();
                let columns = |are_narrow: bool| -> Vec<TypedColumn<'_>> {
                    let column = |&at: &usize| match (&batch[at], &of_one_kind[at]) {
                        ((true, ..), OfOneKind { wholes: Some(wholes), .. }) if are_narrow => TypedColumn::Wholes(wholes),
                        ((true, ..), OfOneKind { reals: Some(reals), .. }) if are_narrow => TypedColumn::Reals(reals),
                        ((true, numbers, _), _) => TypedColumn::Numbers(numbers),
                        _ => TypedColumn::Texts(TableTexts::new(&texts[at].0, &texts[at].1)),
                    };
                    chosen.iter().map(column).collect()
                };
                let (narrow, columns) = (columns(true), columns(false));
                let rows = TypedRows { first, n_rows: 4, columns: &narrow };
                if !by_column.take_columns(&rows) {
                    rows.each(&mut |line, texts, numbers| by_column.row(&Row::of_types(line, texts, numbers), &mut bad));
                }
                let rows = TypedRows { first, n_rows: 4, columns: &columns };
                rows.each(&mut |line, texts, numbers| by_row.row(&Row::of_types(line, texts, numbers), &mut expected_bad));
            }
            by_column.fill_up();
            by_row.fill_up();
            prop_assert_eq!(told(&by_column), told(&by_row));
            prop_assert_eq!(format!("{bad:?}"), format!("{expected_bad:?}"));
        }
    }

    #[test]
    fn plain_columns_are_taken_whole() {
        let mut rows = PublishedRows::default();
        assert!(rows.header(&["id", "longitude", "latitude", "sequence"]).is_ok());
        let ids = [TableNumber::Whole(7), TableNumber::Large(u64::MAX)];
        let degrees = [TableNumber::Real(1.5), TableNumber::None];
        let keys = TableTexts::new("aab", &[2, 3]);
        let [ids, degrees] = [&ids, &degrees].map(|numbers| TypedColumn::Numbers(numbers));
        let columns = [ids, degrees, degrees, TypedColumn::Texts(keys)];
        assert!(rows.take_columns(&TypedRows { first: 1, n_rows: 2, columns: &columns }));
        assert_eq!(rows.images.id, [7, u64::MAX]);
        assert_eq!(rows.images.sequences.len(), 2);
        let columns = [degrees, degrees, degrees, TypedColumn::Empty];
        assert!(!rows.take_columns(&TypedRows { first: 3, n_rows: 2, columns: &columns }));
        assert_eq!((rows.images.len(), rows.images.longitude.len()), (2, 2));
    }
}
