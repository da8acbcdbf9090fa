//! Numbers and times as text, without the machinery of formatting; digit for digit what `write!` gives.

use capture_model::LocalTime;

/// Whole powers of ten up to the decimals of any column.
const SCALES: [f64; 8] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];

/// Where the text of cells goes.
pub(crate) trait CellText {
    /// Appends any text.
    fn text(&mut self, text: &str);
    /// Appends the first bytes, which are ASCII, of a word, the lowest first. A copy of a whole word is one instruction, one
    /// of any length is a call: whoever can, appends all of it and cuts off what is too much.
    fn ascii(&mut self, word: u64, length: usize);
    /// The same of two words, one behind the other.
    #[inline]
    fn two(&mut self, words: [u64; 2], lengths: [usize; 2]) {
        self.ascii(words[0], lengths[0]);
        self.ascii(words[1], lengths[1]);
    }
    /// The same of three words.
    fn three(&mut self, words: [u64; 3], lengths: [u8; 3]) {
        for (word, length) in words.into_iter().zip(lengths) {
            self.ascii(word, usize::from(length));
        }
    }
}

impl CellText for Vec<u8> {
    fn text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
    fn ascii(&mut self, word: u64, length: usize) {
        let end = self.len() + length;
        self.extend_from_slice(&word.to_le_bytes());
        self.truncate(end);
    }
}

impl CellText for String {
    fn text(&mut self, text: &str) {
        self.push_str(text);
    }
    fn ascii(&mut self, word: u64, length: usize) {
        self.push_str(std::str::from_utf8(&word.to_le_bytes()[..length]).expect("digits are ASCII"));
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

/// A short text as words, of each of which the lowest bytes count: written by a store a word.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Words {
    words: [u64; 3],
    lengths: [u8; 3],
}

impl Words {
    #[inline]
    pub(super) fn put(&self, out: &mut impl CellText) {
        out.three(self.words, self.lengths);
    }
}

/// A whole number.
pub(super) fn whole_words(number: u64) -> Words {
    let (above, below) = (number / EIGHT, number % EIGHT);
    let without_zeros = |number: u64| {
        let digits = eight_digits(number);
        let n_zeros = ((digits & 0x0f0f_0f0f_0f0f_0f0f).trailing_zeros() / 8).min(7);
        (digits >> (8 * n_zeros), 8 - n_zeros as u8)
    };
    if above == 0 {
        let (word, length) = without_zeros(below);
        return Words { words: [word, 0, 0], lengths: [length, 0, 0] };
    }
    if above < EIGHT {
        let (word, length) = without_zeros(above);
        return Words { words: [word, eight_digits(below), 0], lengths: [length, 8, 0] };
    }
    let (word, length) = without_zeros(above / EIGHT);
    Words { words: [word, eight_digits(above % EIGHT), eight_digits(below)], lengths: [length, 8, 8] }
}

/// Appends a whole number.
#[inline]
pub(super) fn write_whole(number: u64, out: &mut impl CellText) {
    match usize::try_from(number).ok().and_then(|number| BELOW_1000.get(number)) {
        Some(&[a, b, c, length]) => out.ascii(u64::from(u32::from_le_bytes([a, b, c, 0])), usize::from(length)),
        None => whole_words(number).put(out),
    }
}

const EIGHT: u64 = 100_000_000;

/// The digits of a number below 10^8 as the bytes of a word, the first in the lowest: halves, then pairs, then digits, each
/// step for all parts at once. The products by 2^-20 and 2^-10 are quotients by 100 and 10, exact for numbers so small.
fn eight_digits(number: u64) -> u64 {
    let halves = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((halves - 100 * hundreds) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    (tens | ((pairs - 10 * tens) << 8)) | 0x3030_3030_3030_3030
}

/// Appends a number of so many parts of 10^decimals, at most 7, with a point in it.
#[expect(clippy::inline_always, reason = "most of it depends on the decimals, which are known where it is called")]
#[inline(always)]
fn write_parts(is_negative: bool, number: u64, decimals: usize, out: &mut impl CellText) {
    // a division by a number that the compiler knows is a product
    let (whole, parts) = match decimals {
        0 => (number, 0),
        1 => (number / 10, number % 10),
        2 => (number / 100, number % 100),
        3 => (number / 1_000, number % 1_000),
        4 => (number / 10_000, number % 10_000),
        5 => (number / 100_000, number % 100_000),
        6 => (number / 1_000_000, number % 1_000_000),
        _ => (number / 10_000_000, number % 10_000_000),
    };
    let digits = match decimals {
        2 => (u64::from(u16::from_le_bytes(PAIRS[parts as usize])) << 8) | u64::from(b'.'),
        _ => (eight_digits(parts) >> (8 * (7 - decimals.min(7)))) & !0xff | u64::from(b'.'),
    };
    let n_behind = if decimals > 0 { decimals + 1 } else { 0 };
    if whole >= 1000 {
        if is_negative {
            out.ascii(u64::from(b'-'), 1);
        }
        write_whole(whole, out);
        return out.ascii(digits, n_behind);
    }
    let [a, b, c, n_before] = BELOW_1000[whole as usize];
    let (mut before, mut n_before) = (u64::from(u32::from_le_bytes([a, b, c, 0])), usize::from(n_before));
    if is_negative {
        before = (before << 8) | u64::from(b'-');
        n_before += 1;
    }
    if n_before + n_behind <= 8 {
        out.ascii(before | (digits << (8 * n_before)), n_before + n_behind);
    } else {
        out.two([before, digits], [n_before, n_behind]);
    }
}

/// The digits of the numbers below 1000, without zeros in front, and how many they are.
static BELOW_1000: [[u8; 4]; 1000] = {
    let mut all = [[0; 4]; 1000];
    let mut number = 0;
    while number < all.len() {
        let [a, b, c] = [b'0' + (number / 100) as u8, b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
        all[number] = match number {
            0..10 => [c, 0, 0, 1],
            10..100 => [b, c, 0, 2],
            _ => [a, b, c, 3],
        };
        number += 1;
    }
    all
};

/// Appends a number with fixed decimals; never `-0.00`, nothing when it is no number.
///
/// # Method
/// The number times 10^decimals is off by half a unit in the last place at most. Where it lies further than that from the
/// middle between two whole numbers, it is rounded to the same side as the exact value, which is what `write!` rounds;
/// ties, near ties and large numbers are left to `write!`.
#[expect(clippy::inline_always, reason = "how many decimals is known where it is called")]
#[inline(always)]
pub(super) fn write_decimal(number: f64, decimals: usize, out: &mut impl CellText) {
    match decimals {
        2 => fixed::<2>(number, out),
        3 => fixed::<3>(number, out),
        4 => fixed::<4>(number, out),
        7 => fixed::<7>(number, out),
        _ => write_rare(number, decimals, out),
    }
}

/// Decimals that few columns have.
fn write_rare(number: f64, decimals: usize, out: &mut impl CellText) {
    match decimals {
        0 => fixed::<0>(number, out),
        1 => fixed::<1>(number, out),
        5 => fixed::<5>(number, out),
        6 => fixed::<6>(number, out),
        _ if number.is_finite() => out.text(&any_decimal(number, decimals)),
        _ => {}
    }
}

#[inline(never)]
fn fixed<const DECIMALS: usize>(number: f64, out: &mut impl CellText) {
    match rounded(number.abs() * SCALES[DECIMALS]) {
        Some(units) => write_parts(number < 0.0 && units > 0, units, DECIMALS, out),
        None if number.is_finite() => out.text(&any_decimal(number, DECIMALS)),
        None => {}
    }
}

/// The nearest whole number of a product that is right to half a unit in its last place; `None` near a tie, and for what is
/// no number.
#[inline]
fn rounded(scaled: f64) -> Option<u64> {
    const LARGEST: f64 = 4_503_599_627_370_496.0; // 2^52: above it there is nothing behind the point
    if scaled >= LARGEST / 2.0 {
        return None;
    }
    // a float of this size has a last bit worth 1, so that the sum is rounded to a whole number, which its bits hold
    let sum = scaled + LARGEST;
    let from_nearest = scaled - (sum - LARGEST); // exact: both are multiples of one unit
    let is_sure = 0.5 - from_nearest.abs() > scaled * f64::EPSILON;
    is_sure.then_some(sum.to_bits() - LARGEST.to_bits())
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
    match moment_words(time, date_words) {
        Some(words) => words.put(out),
        None => out.text(&time.to_string()),
    }
}

fn two(number: u64, at: u32) -> u64 {
    u64::from(u16::from_le_bytes(PAIRS[number as usize])) << (8 * at)
}

fn mark(byte: u8, at: u32) -> u64 {
    u64::from(byte) << (8 * at)
}

/// The words of a time, of which `date` tells those of its day; `None` for years without four digits.
#[inline]
pub(super) fn moment_words(time: LocalTime, date: impl FnOnce(i64) -> [u64; 2]) -> Option<Words> {
    const DAY_MS: i64 = 86_400_000;
    const YEARS: std::ops::Range<i64> = -62_135_596_800_000..253_402_300_800_000; // 0001 to 9999: four digits, no sign
    let ms = time.ms();
    if !YEARS.contains(&ms) {
        return None;
    }
    let [year, day] = date(ms.div_euclid(DAY_MS));
    let of_day = ms.rem_euclid(DAY_MS) as u64;
    let (seconds, minutes) = (of_day / 1000, of_day / 60_000);
    let hours = two(minutes / 60, 3) | mark(b':', 5) | two(minutes % 60, 6);
    let ms = mark(b'0' + (of_day / 100 % 10) as u8, 4) | two(of_day % 100, 5);
    let last = mark(b':', 0) | two(seconds % 60, 1) | mark(b'.', 3) | ms | mark(b'Z', 7);
    let length = if matches!(time, LocalTime::Absolute(_)) { 8 } else { 7 };
    Some(Words { words: [year, day | hours, last], lengths: [8, 8, length] })
}

/// `2021-08-` and `28T` of a day since 1970-01-01.
pub(super) fn date_words(day: i64) -> [u64; 2] {
    let (year, month, day) = civil(day);
    [
        two(year / 100, 0) | two(year % 100, 2) | mark(b'-', 4) | two(month, 5) | mark(b'-', 7),
        two(day, 0) | mark(b'T', 2),
    ]
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
            for power in 0..20 {
                for near in [10_u64.pow(power) - 1, 10_u64.pow(power), number % 10_u64.pow(power)] {
                    let mut text = Vec::new();
                    write_whole(near, &mut text);
                    prop_assert_eq!(text, near.to_string().into_bytes());
                }
            }
        }
    }
}
