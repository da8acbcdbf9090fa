//! Numbers and times as text, without the machinery of formatting; digit for digit what `write!` gives.

use capture_model::LocalTime;
use std::fmt::Write as _;

/// Whole powers of ten as floats and as numbers, up to the decimals of any column.
const SCALES: [(f64, u64); 8] =
    [(1e0, 1), (1e1, 10), (1e2, 100), (1e3, 1_000), (1e4, 10_000), (1e5, 100_000), (1e6, 1_000_000), (1e7, 10_000_000)];

/// Appends a whole number.
pub(super) fn write_whole(number: u64, out: &mut String) {
    out.push_str(itoa::Buffer::new().format(number));
}

/// Appends a number with fixed decimals; never `-0.00`, nothing when it is no number.
///
/// # Method
/// The number times 10^decimals is off by half a unit in the last place at most. Where it lies further than that from the
/// middle between two whole numbers, it is rounded to the same side as the exact value, which is what `write!` rounds;
/// ties, near ties and large numbers are left to `write!`.
pub(super) fn write_decimal(number: f64, decimals: usize, out: &mut String) {
    if !number.is_finite() {
        return;
    }
    let Some(units) = SCALES.get(decimals).and_then(|&(scale, _)| rounded(number.abs() * scale)) else {
        return write_any_decimal(number, decimals, out);
    };
    if number < 0.0 && units > 0 {
        out.push('-');
    }
    let scale = SCALES[decimals].1;
    write_whole(units / scale, out);
    if decimals > 0 {
        // a one in front keeps the zeros behind the point
        let mut buffer = itoa::Buffer::new();
        out.push('.');
        out.push_str(&buffer.format(scale + units % scale)[1..]);
    }
}

/// The nearest whole number of a product that is right to half a unit in its last place; `None` near a tie.
fn rounded(scaled: f64) -> Option<u64> {
    const LARGEST: f64 = 4_503_599_627_370_496.0; // 2^52: above it there is nothing behind the point
    if scaled >= LARGEST {
        return None;
    }
    let below = scaled as u64; // `floor` is a call where the processor may be old
    let from_tie = scaled - below as f64 - 0.5; // exact: both are multiples of one unit
    let is_sure = from_tie.abs() > scaled * f64::EPSILON;
    is_sure.then_some(below + u64::from(from_tie > 0.0))
}

fn write_any_decimal(number: f64, decimals: usize, out: &mut String) {
    let start = out.len();
    let _ = write!(out, "{number:.decimals$}"); // a String takes all
    if out[start..].starts_with('-') && out[start + 1..].bytes().all(|byte| byte == b'0' || byte == b'.') {
        out.remove(start);
    }
}

/// Appends a time as its `Display` does: ISO 8601 with milliseconds, `Z` where it is UTC.
pub(super) fn write_time(time: LocalTime, out: &mut String) {
    const DAY_MS: i64 = 86_400_000;
    const YEARS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000; // 0001 to 9999: four digits, no sign
    let ms = time.ms();
    if !YEARS.contains(&ms) {
        let _ = write!(out, "{time}");
        return;
    }
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let of_day = ms.rem_euclid(DAY_MS) as u64;
    let (seconds, minutes) = (of_day / 1000, of_day / 60_000);
    let mut text = *b"0000-00-00T00:00:00.000";
    let mut put = |at: usize, digits: usize, mut number: u64| {
        for place in (at..at + digits).rev() {
            text[place] = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 2, month);
    put(8, 2, day);
    put(11, 2, minutes / 60);
    put(14, 2, minutes % 60);
    put(17, 2, seconds % 60);
    put(20, 3, of_day % 1000);
    out.push_str(std::str::from_utf8(&text).expect("digits are ASCII"));
    if matches!(time, LocalTime::Absolute(_)) {
        out.push('Z');
    }
}

/// Year, month and day of a day since 1970-01-01, from the year 1 on: years begin in March, so that the leap day is their
/// last (Hinnant, 2013).
fn civil(day: i64) -> (u64, u64, u64) {
    let day = (day + 719_468) as u64; // from 0000-03-01
    let era = day / 146_097;
    let of_era = day % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153; // from March
    let day = of_year - (153 * month + 2) / 5 + 1;
    let is_next = month >= 10;
    (era * 400 + year + u64::from(is_next), if is_next { month - 9 } else { month + 3 }, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture_model::{CapturedAt, WallClock};
    use proptest::prelude::*;

    #[track_caller]
    fn check_decimal(number: f64) {
        for decimals in 0..9 {
            let (mut fast, mut slow) = (String::new(), String::new());
            write_decimal(number, decimals, &mut fast);
            if number.is_finite() {
                write_any_decimal(number, decimals, &mut slow);
            }
            assert_eq!(fast, slow, "{number:?} with {decimals} decimals");
        }
    }

    #[track_caller]
    fn check_time(ms: i64) {
        for time in
            [LocalTime::Absolute(CapturedAt::from_epoch_ms(ms)), LocalTime::Wall(WallClock::from_ms_as_if_utc(ms))]
        {
            let mut fast = String::new();
            write_time(time, &mut fast);
            assert_eq!(fast, time.to_string(), "{ms}");
        }
    }

    #[test]
    fn awkward_numbers_are_written_as_ever() {
        for number in
            [0.0, -0.0, 0.5, 1.5, 2.5, 0.125, 0.375, -0.005, 0.004_999, 1e15, 4.5e15, 1e300, 1e-300, 0.045, 1.005]
        {
            check_decimal(number);
            check_decimal(-number);
        }
        check_decimal(f64::NAN);
        check_decimal(f64::INFINITY);
        for ms in [
            0,
            -1,
            i64::MIN,
            i64::MAX,
            -62_135_596_800_000,
            -62_135_596_800_001,
            253_402_300_799_999,
            253_402_300_800_000,
        ] {
            check_time(ms);
        }
    }

    proptest! {
        #[test]
        fn any_number_is_written_as_ever(number: f64, small in -200.0..200.0_f64, k in -4_000_000_i64..4_000_000) {
            check_decimal(number);
            check_decimal(small);
            check_decimal(k as f64 / 1000.0); // ties of two decimals, as nearly as floats have them
            check_decimal(k as f64 / 1024.0); // true ties
        }
        #[test]
        fn any_time_is_written_as_ever(ms in -62_200_000_000_000_i64..253_500_000_000_000, any: i64) {
            check_time(ms);
            check_time(any);
        }
        #[test]
        fn any_whole_number_is_written_as_ever(number: u64) {
            let mut text = String::new();
            write_whole(number, &mut text);
            prop_assert_eq!(text, number.to_string());
        }
    }
}
