//! Numbers and times as text, without the machinery of formatting; digit for digit what `write!` gives.

use capture_model::LocalTime;

/// Whole powers of ten up to the decimals of any column.
const SCALES: [f64; 8] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];

/// Where the text of cells goes.
pub(crate) trait CellText {
    /// Appends any text.
    fn text(&mut self, text: &str);
    /// Appends the first bytes, which are ASCII, of a text. A copy of a fixed length is two instructions, one of any length
    /// is a call: whoever can, copies all and cuts off what is too much.
    fn ascii(&mut self, text: &[u8; ROOM], length: usize);
}

/// Longer than any number or time.
pub(crate) const ROOM: usize = 32;

impl CellText for Vec<u8> {
    fn text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
    fn ascii(&mut self, text: &[u8; ROOM], length: usize) {
        self.extend_from_slice(text);
        self.truncate(self.len() - (ROOM - length));
    }
}

impl CellText for String {
    fn text(&mut self, text: &str) {
        self.push_str(text);
    }
    fn ascii(&mut self, text: &[u8; ROOM], length: usize) {
        self.push_str(std::str::from_utf8(&text[..length]).expect("digits are ASCII"));
    }
}

/// Both digits of the numbers below 100.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    pairs
};

/// Appends a whole number.
pub(super) fn write_whole(number: u64, out: &mut impl CellText) {
    put_digits(false, number, 0, out);
}

/// Appends the digits of a number with a point before the last `decimals`, at least one before it.
fn put_digits(is_negative: bool, number: u64, decimals: usize, out: &mut impl CellText) {
    let n_digits = number.checked_ilog10().map_or(1, |log| log as usize + 1).max(decimals + 1);
    let length = usize::from(is_negative) + n_digits + usize::from(decimals > 0);
    let mut text = [b'-'; ROOM];
    let begin = usize::from(is_negative);
    let mut rest = number;
    let mut fill = |mut at: usize, least: usize| {
        while at - least >= 2 {
            at -= 2;
            text[at..at + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
            rest /= 100;
        }
        if at > least {
            text[at - 1] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
    };
    if decimals > 0 {
        fill(length, length - decimals);
        fill(length - decimals - 1, begin);
        text[length - decimals - 1] = b'.';
    } else {
        fill(length, begin);
    }
    out.ascii(&text, length);
}

/// Appends a number with fixed decimals; never `-0.00`, nothing when it is no number.
///
/// # Method
/// The number times 10^decimals is off by half a unit in the last place at most. Where it lies further than that from the
/// middle between two whole numbers, it is rounded to the same side as the exact value, which is what `write!` rounds;
/// ties, near ties and large numbers are left to `write!`.
pub(super) fn write_decimal(number: f64, decimals: usize, out: &mut impl CellText) {
    if !number.is_finite() {
        return;
    }
    match SCALES.get(decimals).and_then(|scale| rounded(number.abs() * scale)) {
        Some(units) => put_digits(number < 0.0 && units > 0, units, decimals, out),
        None => out.text(&any_decimal(number, decimals)),
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

fn any_decimal(number: f64, decimals: usize) -> String {
    let mut text = format!("{number:.decimals$}");
    if text.starts_with('-') && text[1..].bytes().all(|byte| byte == b'0' || byte == b'.') {
        text.remove(0);
    }
    text
}

/// Appends a time as its `Display` does: ISO 8601 with milliseconds, `Z` where it is UTC.
pub(super) fn write_time(time: LocalTime, out: &mut impl CellText) {
    const DAY_MS: i64 = 86_400_000;
    const YEARS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000; // 0001 to 9999: four digits, no sign
    let ms = time.ms();
    if !YEARS.contains(&ms) {
        return out.text(&time.to_string());
    }
    let (year, month, day) = civil(ms.div_euclid(DAY_MS));
    let of_day = ms.rem_euclid(DAY_MS) as u64;
    let (seconds, minutes) = (of_day / 1000, of_day / 60_000);
    let mut text = [0; ROOM];
    text[..24].copy_from_slice(b"0000-00-00T00:00:00.000Z");
    let mut put = |at: usize, number: u64| text[at..at + 2].copy_from_slice(&PAIRS[number as usize]);
    put(0, year / 100);
    put(2, year % 100);
    put(5, month);
    put(8, day);
    put(11, minutes / 60);
    put(14, minutes % 60);
    put(17, seconds % 60);
    put(21, of_day % 100);
    text[20] = b'0' + (of_day / 100 % 10) as u8;
    out.ascii(&text, if matches!(time, LocalTime::Absolute(_)) { 24 } else { 23 });
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
            let (mut fast, mut bytes) = (String::new(), Vec::new());
            write_decimal(number, decimals, &mut fast);
            write_decimal(number, decimals, &mut bytes);
            let slow = if number.is_finite() { any_decimal(number, decimals) } else { String::new() };
            assert_eq!(fast, slow, "{number:?} with {decimals} decimals");
            assert_eq!(bytes, slow.as_bytes(), "{number:?} with {decimals} decimals");
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
