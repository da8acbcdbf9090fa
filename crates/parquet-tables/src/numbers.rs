//! Numbers of a Parquet column as they are, without a text between the file and whoever reads the table.
//!
//! What a reader would make of the text of a cell ([`crate::cells`]) and of its number is the same: a float of 32 bits
//! becomes the number that its shortest decimal says, moments become epoch milliseconds, what is not finite is missing.

use crate::cells::Meaning;
use crate::geo;
use capture_model::TableNumber;
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
    of_rows: Vec<TableNumber>,
    /// The decimals of the last float of 32 bits: its neighbours have as many.
    decimals: usize,
}

impl Numbers {
    /// One a row.
    pub(crate) fn of_rows(&self) -> &[TableNumber] {
        &self.of_rows
    }

    /// Reads the next rows of a column in the place of the present ones.
    pub(crate) fn read(
        &mut self,
        source: &mut ColumnReader,
        meaning: Meaning,
        most: usize,
    ) -> Result<(), ParquetError> {
        let Self { of_rows, decimals } = self;
        of_rows.clear();
        match source {
            ColumnReader::Int32ColumnReader(column) => each(column, most, of_rows, |&number| match meaning {
                Meaning::Unsigned => TableNumber::Whole(i64::from(number.cast_unsigned())),
                _ => whole(i64::from(number), meaning),
            }),
            ColumnReader::Int64ColumnReader(column) => each(column, most, of_rows, |&number| whole(number, meaning)),
            ColumnReader::Int96ColumnReader(column) => {
                each(column, most, of_rows, |number: &Int96| TableNumber::Whole(number.to_millis()))
            }
            ColumnReader::FloatColumnReader(column) => {
                each(column, most, of_rows, |&number| real(decimal_of(number, decimals)))
            }
            ColumnReader::DoubleColumnReader(column) => each(column, most, of_rows, |&number| real(number)),
            ColumnReader::ByteArrayColumnReader(column) => each(column, most, of_rows, |wkb| {
                let point = geo::read_point(wkb.data());
                point.map_or(TableNumber::None, |(longitude, latitude)| {
                    real(if meaning == Meaning::Longitude { longitude } else { latitude })
                })
            }),
            ColumnReader::BoolColumnReader(_) | ColumnReader::FixedLenByteArrayColumnReader(_) => {
                Err(ParquetError::General("a column of numbers has none".to_owned()))
            }
        }
    }
}

fn whole(number: i64, meaning: Meaning) -> TableNumber {
    match meaning {
        Meaning::Utc(step) => TableNumber::Whole(step.ms(number)),
        Meaning::Unsigned if number < 0 => TableNumber::Large(number.cast_unsigned()),
        _ => TableNumber::Whole(number),
    }
}

fn real(number: f64) -> TableNumber {
    if number.is_finite() { TableNumber::Real(number) } else { TableNumber::None }
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

/// Reads rows of one type; rows without a value have no number.
fn each<T: DataType>(
    column: &mut ColumnReaderImpl<T>,
    most: usize,
    of_rows: &mut Vec<TableNumber>,
    mut number: impl FnMut(&T::T) -> TableNumber,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::with_capacity(most), Vec::with_capacity(most));
    let (n_rows, n_values, n_levels) = column.read_records(most, Some(&mut levels), None, &mut values)?;
    let values = &values[..n_values];
    if n_values == n_rows {
        of_rows.extend(values.iter().map(number));
        return Ok(());
    }
    let mut values = values.iter();
    of_rows.extend((0..n_rows).map(|row| {
        // an optional column of depth 1 has 1 where there is a value
        let is_there = row < n_levels && levels[row] > 0;
        is_there.then(|| values.next()).flatten().map_or(TableNumber::None, &mut number)
    }));
    Ok(())
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
