//! Numbers of a Parquet column as they are, without a text between the file and whoever reads the table.
//!
//! What a reader would make of the text of a cell ([`crate::cells`]) and of its number is the same: a float of 32 bits
//! becomes the number that its shortest decimal says, moments become epoch milliseconds, what is not finite is missing.

use crate::cells::{Meaning, Step};
use crate::geo;
use capture_model::{TableNumber, TypedColumn};
use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, Int96};
use parquet::errors::ParquetError;

/// Whether the cells of a column are numbers for [`Numbers`]; all others are text.
pub(crate) fn is_number(physical: Type, meaning: Meaning) -> bool {
    match physical {
        Type::INT32 | Type::INT64 => matches!(meaning, Meaning::Plain | Meaning::Unsigned | Meaning::Utc(_)),
        Type::INT96 | Type::FLOAT | Type::DOUBLE => true,
        Type::BOOLEAN | Type::BYTE_ARRAY | Type::FIXED_LEN_BYTE_ARRAY => false,
    }
}

/// Numbers of one column, one a row.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    held: Held,
    /// What [`Held`] says, in memory that is used again; the decoder fills it without anything in between.
    mixed: Vec<TableNumber>,
    wholes: Vec<i64>,
    reals: Vec<f64>,
    /// Numbers of 32 bits as the decoder gives them.
    small_wholes: Vec<i32>,
    small_reals: Vec<f32>,
    levels: Vec<i16>,
    /// The decimals of the last float of 32 bits: its neighbours have as many.
    decimals: usize,
}

/// Which of the lists holds the present rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Held {
    #[default]
    Mixed,
    Wholes,
    Reals,
}

impl Numbers {
    /// One a row.
    pub(crate) fn column(&self) -> TypedColumn<'_> {
        match self.held {
            Held::Mixed => TypedColumn::Numbers(&self.mixed),
            Held::Wholes => TypedColumn::Wholes(&self.wholes),
            Held::Reals => TypedColumn::Reals(&self.reals),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self.held {
            Held::Mixed => self.mixed.len(),
            Held::Wholes => self.wholes.len(),
            Held::Reals => self.reals.len(),
        }
    }

    /// Reads the next rows of a column in the place of the present ones.
    pub(crate) fn read(
        &mut self,
        source: &mut ColumnReader,
        meaning: Meaning,
        most: usize,
    ) -> Result<(), ParquetError> {
        let Self { mixed, wholes, reals, small_wholes, small_reals, levels, decimals, .. } = self;
        self.held = match source {
            ColumnReader::Int32ColumnReader(column) => {
                let n_rows = decode(column, most, small_wholes, levels)?;
                wholes.clear();
                wholes.extend(small_wholes.iter().map(|&value| match meaning {
                    Meaning::Unsigned => i64::from(value.cast_unsigned()),
                    _ => i64::from(value),
                }));
                let meaning = if meaning == Meaning::Unsigned { Meaning::Plain } else { meaning };
                whole_rows(wholes, n_rows, levels, meaning, mixed)
            }
            ColumnReader::Int64ColumnReader(column) => {
                let n_rows = decode(column, most, wholes, levels)?;
                whole_rows(wholes, n_rows, levels, meaning, mixed)
            }
            ColumnReader::Int96ColumnReader(column) => {
                let mut values = Vec::new();
                let n_rows = decode(column, most, &mut values, levels)?;
                wholes.clear();
                wholes.extend(values.iter().map(Int96::to_millis));
                whole_rows(wholes, n_rows, levels, Meaning::Plain, mixed)
            }
            ColumnReader::FloatColumnReader(column) => {
                let n_rows = decode(column, most, small_reals, levels)?;
                reals.clear();
                reals.extend(small_reals.iter().map(|&value| decimal_of(value, decimals)));
                real_rows(reals, n_rows, levels)
            }
            ColumnReader::DoubleColumnReader(column) => {
                let n_rows = decode(column, most, reals, levels)?;
                real_rows(reals, n_rows, levels)
            }
            ColumnReader::ByteArrayColumnReader(column) => {
                let mut values = Vec::new();
                let n_rows = decode(column, most, &mut values, levels)?;
                reals.clear();
                reals.extend(values.iter().map(|wkb| match geo::read_point(wkb.data()) {
                    Some((longitude, _)) if meaning == Meaning::Longitude => longitude,
                    Some((_, latitude)) => latitude,
                    None => f64::NAN,
                }));
                real_rows(reals, n_rows, levels)
            }
            ColumnReader::BoolColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                return Err(ParquetError::General("a column of numbers has none".to_owned()));
            }
        };
        Ok(())
    }
}

/// Reads the values of the next rows, and says how many rows these are; `levels` has 1 for each row that has a value, and is
/// empty where all have one.
fn decode<T: DataType>(
    column: &mut ColumnReaderImpl<T>,
    most: usize,
    values: &mut Vec<T::T>,
    levels: &mut Vec<i16>,
) -> Result<usize, ParquetError> {
    values.clear();
    levels.clear();
    let (n_rows, n_values, n_levels) = column.read_records(most, Some(levels), None, values)?;
    values.truncate(n_values);
    if n_values == n_rows {
        levels.clear();
    } else {
        levels.truncate(n_levels);
        levels.resize(n_rows, 0); // a row without a level has no value
    }
    Ok(n_rows)
}

/// Whole numbers as they are, where no row lacks one and all have a sign; else into `mixed`.
fn whole_rows(
    wholes: &mut [i64],
    n_rows: usize,
    levels: &[i16],
    meaning: Meaning,
    mixed: &mut Vec<TableNumber>,
) -> Held {
    if let Meaning::Utc(step @ (Step::Micro | Step::Nano)) = meaning {
        wholes.iter_mut().for_each(|number| *number = step.ms(*number));
    }
    let number = |&number: &i64| match meaning {
        Meaning::Unsigned if number < 0 => TableNumber::Large(number.cast_unsigned()),
        _ => TableNumber::Whole(number),
    };
    let is_large = meaning == Meaning::Unsigned && wholes.iter().any(|&number| number < 0);
    if levels.is_empty() && !is_large {
        return Held::Wholes;
    }
    mixed.clear();
    let mut values = wholes.iter().map(number);
    let is_there = |row: usize| levels.get(row).is_none_or(|&level| level > 0);
    mixed.extend((0..n_rows).map(|row| if is_there(row) { values.next() } else { None }.unwrap_or_default()));
    Held::Mixed
}

/// Numbers with NaN where a row lacks one, or has one that is not finite.
fn real_rows(reals: &mut Vec<f64>, n_rows: usize, levels: &[i16]) -> Held {
    for number in reals.iter_mut() {
        *number = if number.is_finite() { *number } else { f64::NAN };
    }
    if !levels.is_empty() {
        // from the last on, so that no value is overwritten before it has moved
        let mut n_left = reals.len();
        reals.resize(n_rows, f64::NAN);
        for row in (0..n_rows).rev() {
            let from = n_left.checked_sub(1).filter(|_| levels[row] > 0);
            reals[row] = from.map_or(f64::NAN, |from| reals[from]);
            n_left = from.unwrap_or(n_left);
        }
    }
    Held::Reals
}

/// The number that the shortest decimal of a float says: 0.1 for the float that is nearest to it.
///
/// # Method
/// A number below a million with at most nine decimals is a quotient of two whole floats, so that one division rounds it
/// right. The fewest decimals whose nearest number is this float again are those of the shortest text; `decimals` is where
/// the search begins. Powers of two, whose neighbours lie at unequal distances, and all others go through their text.
fn decimal_of(number: f32, decimals: &mut usize) -> f64 {
    const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
    let size = f64::from(number.abs());
    if !number.is_finite() || number == 0.0 {
        return f64::from(number);
    }
    let cut = |decimals: usize| {
        let near = (size * POWERS[decimals] + 0.5).trunc() / POWERS[decimals];
        (near as f32 == number.abs()).then_some(near)
    };
    let is_power_of_two = number.to_bits().trailing_zeros() >= 23; // its fraction is empty
    if size < 1e6 && !is_power_of_two {
        while *decimals > 0 && cut(*decimals - 1).is_some() {
            *decimals -= 1;
        }
        while *decimals < POWERS.len() {
            if let Some(near) = cut(*decimals) {
                return near.copysign(f64::from(number));
            }
            *decimals += 1;
        }
        *decimals = 0;
    }
    number.to_string().parse().unwrap_or(f64::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(number: f32, decimals: &mut usize) {
        let (found, expected) = (decimal_of(number, decimals), number.to_string().parse::<f64>().unwrap());
        assert!(found.to_bits() == expected.to_bits() || found.is_nan(), "{number:?}: {found:?} {expected:?}");
    }

    #[test]
    fn rows_without_a_value_lie_between_the_others() {
        let mut reals = vec![1.0, f64::INFINITY, 3.0];
        assert_eq!(real_rows(&mut reals, 6, &[0, 1, 1, 0, 1, 0]), Held::Reals);
        let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<u64>>();
        assert_eq!(bits(&reals), bits(&[f64::NAN, 1.0, f64::NAN, f64::NAN, 3.0, f64::NAN]));
        let mut mixed = Vec::new();
        let (mut wholes, unsigned) = ([7, -1], Meaning::Unsigned);
        assert_eq!(whole_rows(&mut wholes, 2, &[], unsigned, &mut mixed), Held::Mixed);
        assert_eq!(mixed, [TableNumber::Whole(7), TableNumber::Large(u64::MAX)]);
        assert_eq!(whole_rows(&mut wholes, 3, &[1, 0, 1], Meaning::Utc(Step::Micro), &mut mixed), Held::Mixed);
        assert_eq!(mixed, [TableNumber::Whole(0), TableNumber::None, TableNumber::Whole(-1)]);
        assert_eq!(whole_rows(&mut wholes, 2, &[], Meaning::Plain, &mut mixed), Held::Wholes);
    }

    #[test]
    fn odd_floats_are_what_their_text_says() {
        let mut decimals = 0;
        for number in [0.0, -0.0, 0.1, 0.5, 1e-9, 1e-10, 1e-45, 999_999.94, 1e6, 3e38, f32::INFINITY, f32::NAN, 16.0] {
            check(number, &mut decimals);
            check(-number, &mut decimals);
        }
    }

    proptest! {
        #[test]
        fn any_float_is_what_its_text_says(any in any::<f32>(), near in -1000.0_f32..1000.0, k in -9_000_000..9_000_000, start in 0_usize..10) {
            let mut decimals = start;
            check(any, &mut decimals);
            check(near, &mut decimals);
            for power in [1.0, 1e1, 1e3, 1e5, 1e7, 1e9] {
                check((f64::from(k) / power) as f32, &mut decimals);
            }
        }
    }
}
