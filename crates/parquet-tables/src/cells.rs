//! Values of a Parquet column as text cells.
//!
//! Text keeps what floats would lose: whole numbers have all their digits, moments are epoch milliseconds, wall clocks
//! ISO 8601 without a zone. A float beyond 2^53 that stands for a whole number is
//! written with an exponent, so that nobody takes it for an id.

use crate::geo;
use capture_model::{TableNumber, TableTexts, WallClock};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, Int96};
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescriptor;
use std::fmt::Write;

/// What the values of a column mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// As they are.
    Plain,
    /// Without sign.
    Unsigned,
    /// Moments, so many a millisecond or so many milliseconds.
    Utc(Step),
    /// Wall clocks.
    Wall(Step),
    /// Whole days.
    Date,
    /// Whole numbers over a power of ten.
    Decimal(u32),
    /// WKB points: their longitude.
    Longitude,
    /// WKB points: their latitude.
    Latitude,
}

/// The unit of a timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Milli,
    Micro,
    Nano,
}

impl Step {
    pub(crate) fn ms(self, value: i64) -> i64 {
        match self {
            Self::Milli => value,
            Self::Micro => value.div_euclid(1000),
            Self::Nano => value.div_euclid(1_000_000),
        }
    }
}

/// What a column's type says.
pub(crate) fn meaning_of(column: &ColumnDescriptor) -> Meaning {
    let step = |unit: &TimeUnit| match unit {
        TimeUnit::MICROS => Step::Micro,
        TimeUnit::NANOS => Step::Nano,
        TimeUnit::MILLIS => Step::Milli,
    };
    let stamp = |is_utc: bool, step| if is_utc { Meaning::Utc(step) } else { Meaning::Wall(step) };
    match column.logical_type_ref() {
        Some(LogicalType::Timestamp(time)) => return stamp(time.is_adjusted_to_u_t_c, step(&time.unit)),
        Some(LogicalType::Integer(whole)) if !whole.is_signed => return Meaning::Unsigned,
        Some(LogicalType::Date) => return Meaning::Date,
        Some(LogicalType::Decimal(decimal)) => return Meaning::Decimal(decimal.scale.unsigned_abs()),
        _ => {}
    }
    match column.converted_type() {
        ConvertedType::TIMESTAMP_MILLIS => stamp(true, Step::Milli),
        ConvertedType::TIMESTAMP_MICROS => stamp(true, Step::Micro),
        ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64 => {
            Meaning::Unsigned
        }
        ConvertedType::DATE => Meaning::Date,
        ConvertedType::DECIMAL => Meaning::Decimal(column.type_scale().unsigned_abs()),
        _ => Meaning::Plain,
    }
}

/// Cells of one column, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Cells {
    text: String,
    ends: Vec<usize>,
}

impl Cells {
    /// One a row.
    pub(crate) fn texts(&self) -> TableTexts<'_> {
        TableTexts::new(&self.text, &self.ends)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Reads the next rows of a column in the place of the present ones.
    pub(crate) fn read(
        &mut self,
        source: &mut ColumnReader,
        meaning: Meaning,
        most: usize,
    ) -> Result<(), ParquetError> {
        self.text.clear();
        self.ends.clear();
        let text = &mut self.text;
        let ends = &mut self.ends;
        match source {
            ColumnReader::BoolColumnReader(column) => each(column, most, text, ends, |&truth, text| {
                text.push_str(if truth { "true" } else { "false" });
                Ok(())
            }),
            ColumnReader::Int32ColumnReader(column) => each(column, most, text, ends, |&number, text| {
                let number =
                    if meaning == Meaning::Unsigned { i64::from(number.cast_unsigned()) } else { i64::from(number) };
                whole(number, if meaning == Meaning::Unsigned { Meaning::Plain } else { meaning }, text);
                Ok(())
            }),
            ColumnReader::Int64ColumnReader(column) => each(column, most, text, ends, |&number, text| {
                whole(number, meaning, text);
                Ok(())
            }),
            ColumnReader::Int96ColumnReader(column) => each(column, most, text, ends, |number: &Int96, text| {
                whole(number.to_millis(), Meaning::Plain, text); // the old timestamps of Spark and Impala: UTC
                Ok(())
            }),
            ColumnReader::FloatColumnReader(column) => each(column, most, text, ends, |number, text| {
                if number.is_finite() {
                    let _ = write!(text, "{number}");
                }
                Ok(())
            }),
            ColumnReader::DoubleColumnReader(column) => each(column, most, text, ends, |number, text| {
                float(*number, text);
                Ok(())
            }),
            ColumnReader::ByteArrayColumnReader(column) => {
                each(column, most, text, ends, |bytes, text| self::bytes(bytes.data(), meaning, text))
            }
            ColumnReader::FixedLenByteArrayColumnReader(column) => {
                each(column, most, text, ends, |bytes, text| self::bytes(bytes.data(), meaning, text))
            }
        }
    }
}

/// Reads rows of one type; rows without a value are empty cells.
fn each<T: DataType>(
    column: &mut ColumnReaderImpl<T>,
    most: usize,
    text: &mut String,
    ends: &mut Vec<usize>,
    mut put: impl FnMut(&T::T, &mut String) -> Result<(), ParquetError>,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    let (n_rows, n_values, n_levels) = column.read_records(most, Some(&mut levels), None, &mut values)?;
    let mut values = values.iter().take(n_values);
    for row in 0..n_rows {
        // a required column has no levels; an optional one of depth 1 has 1 where there is a value
        let is_there = n_values == n_rows || (row < n_levels && levels.get(row).is_some_and(|&level| level > 0));
        if let Some(value) = is_there.then(|| values.next()).flatten() {
            put(value, text)?;
        }
        ends.push(text.len());
    }
    Ok(())
}

fn whole(number: i64, meaning: Meaning, text: &mut String) {
    let mut plain = |number: i64| {
        text.push_str(itoa::Buffer::new().format(number));
        Ok(())
    };
    let _ = match meaning {
        Meaning::Utc(step) => plain(step.ms(number)),
        Meaning::Plain | Meaning::Longitude | Meaning::Latitude => plain(number),
        Meaning::Unsigned => write!(text, "{}", number.cast_unsigned()),
        Meaning::Wall(step) => write!(text, "{}", WallClock::from_ms_as_if_utc(step.ms(number))),
        Meaning::Date => write!(text, "{}", WallClock::from_ms_as_if_utc(number.saturating_mul(86_400_000))),
        Meaning::Decimal(scale) => {
            let power = 10_u128.pow(scale.min(38));
            let size = u128::from(number.unsigned_abs());
            let sign = if number < 0 { "-" } else { "" };
            write!(text, "{sign}{}.{:0width$}", size / power, size % power, width = scale.min(38) as usize)
        }
    };
}

fn float(number: f64, text: &mut String) {
    if !number.is_finite() {
        return;
    }
    if has_few_decimals(number, text) {
        return;
    }
    let _ = write!(text, "{}", TableNumber::Real(number));
}

/// Appends a number below a million that has at most seven decimals, as nearly all coordinates do, and says whether it did.
///
/// Decimals of up to 15 digits are told apart by a float, so this one, its zeros cut, is the shortest that reads back as the
/// number: what `write!` finds too, ten times as slowly.
fn has_few_decimals(number: f64, text: &mut String) -> bool {
    const SCALE: u64 = 10_000_000;
    let size = number.abs();
    if size >= 1e6 {
        return false;
    }
    let units = (size * SCALE as f64 + 0.5) as u64;
    if units as f64 / SCALE as f64 != size {
        return false;
    }
    if number.is_sign_negative() {
        text.push('-');
    }
    let mut buffer = itoa::Buffer::new();
    text.push_str(buffer.format(units / SCALE));
    if !units.is_multiple_of(SCALE) {
        text.push('.');
        text.push_str(buffer.format(SCALE + units % SCALE)[1..].trim_end_matches('0')); // a one in front keeps the zeros
    }
    true
}

fn bytes(bytes: &[u8], meaning: Meaning, text: &mut String) -> Result<(), ParquetError> {
    match meaning {
        Meaning::Longitude | Meaning::Latitude => {
            if let Some((longitude, latitude)) = geo::read_point(bytes) {
                float(if meaning == Meaning::Longitude { longitude } else { latitude }, text);
            }
        }
        _ => {
            let cell = std::str::from_utf8(bytes)
                .map_err(|_| ParquetError::General("a cell of text is not UTF-8".to_owned()))?;
            text.push_str(cell);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_by_write() {
        let places =
            (-2_000_i32..2_000).map(|k| f64::from(k) * 0.090_807_06).flat_map(|x| [x, (x * 1e7).round() / 1e7]);
        let odd = [
            0.0,
            -0.0,
            1.0,
            0.1,
            1e-7,
            1.5e-7,
            1e-8,
            -180.0,
            999_999.999_999_9,
            999_999.999_999_95,
            1e6,
            1e15,
            43.402_430_635_199_81,
        ];
        for number in places.chain(odd) {
            let mut text = String::new();
            float(number, &mut text);
            assert_eq!(text, number.to_string());
        }
        let mut text = String::new();
        whole(i64::MIN, Meaning::Plain, &mut text);
        whole(-1, Meaning::Unsigned, &mut text);
        assert_eq!(text, format!("{}{}", i64::MIN, u64::MAX));
    }
}
