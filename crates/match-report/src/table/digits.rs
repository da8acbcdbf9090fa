//! Numbers and times as text, without the machinery of formatting; digit for digit what `write!` gives.
//!
//! Each is made in the room of a cell: whole words are stored, of which only the first bytes count, and a comma stands behind
//! the last digit, where whoever wants none cuts it off.

use capture_model::LocalTime;

/// Room for a short cell and the comma behind it.
pub(super) type Room = [u8; 32];

/// Whole powers of ten up to the decimals of any column.
const SCALES: [f64; 8] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];

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

/// The numbers below 1000 as words: the digits, without zeros in front, a point, and in the highest byte how many bytes
/// that is.
static BELOW_1000: [u64; 1000] = {
    let mut all = [0; 1000];
    let mut number = 0;
    while number < all.len() {
        let [a, b, c] = [b'0' + (number / 100) as u8, b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
        all[number] = u64::from_le_bytes(match number {
            0..10 => [c, b'.', 0, 0, 0, 0, 0, 2],
            10..100 => [b, c, b'.', 0, 0, 0, 0, 3],
            _ => [a, b, c, b'.', 0, 0, 0, 4],
        });
        number += 1;
    }
    all
};

/// How many bytes of one of them count.
#[inline]
fn n_bytes(word: u64) -> usize {
    (word >> 56) as usize & 7
}

const EIGHT: u64 = 100_000_000;

/// The digits of a number below 10^8 as the bytes of a word, the first in the lowest: halves, then pairs, then digits, each
/// step for all parts at once. The products by 2^-20 and 2^-10 are quotients by 100 and 10, exact for numbers so small.
#[inline]
fn eight_digits(number: u64) -> u64 {
    let halves = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let pairs = hundreds | ((halves - 100 * hundreds) << 16);
    let tens = ((pairs * 103) >> 10) & 0x000f_000f_000f_000f;
    (tens | ((pairs - 10 * tens) << 8)) | 0x3030_3030_3030_3030
}

/// Stores a word; no cell has more bytes before its last word than the room has.
#[inline]
fn store(word: u64, at: usize, room: &mut Room) {
    let at = at.min(room.len() - 8);
    room[at..at + 8].copy_from_slice(&word.to_le_bytes());
}

/// Makes a whole number, and tells how long it is.
#[inline]
pub(super) fn whole(number: i64, room: &mut Room) -> usize {
    room[0] = b'-';
    natural(number.unsigned_abs(), usize::from(number < 0), room)
}

/// Makes a whole number behind the first `begin` bytes, and tells where it ends.
#[inline]
pub(super) fn natural(number: u64, begin: usize, room: &mut Room) -> usize {
    let end = match usize::try_from(number).ok().and_then(|number| BELOW_1000.get(number)) {
        Some(&word) => {
            store(word, begin, room);
            begin + n_bytes(word) - 1
        }
        None => large(number, begin, room),
    };
    if let Some(behind) = room.get_mut(end) {
        *behind = b',';
    }
    end
}

/// The same of a number of any size, without the comma.
fn large(number: u64, begin: usize, room: &mut Room) -> usize {
    let (above, below) = (number / EIGHT, number % EIGHT);
    let (first, n_words) = match above {
        0 => (below, 0),
        1..EIGHT => (above, 1),
        _ => (above / EIGHT, 2),
    };
    let digits = eight_digits(first);
    let n_zeros = ((digits & 0x0f0f_0f0f_0f0f_0f0f).trailing_zeros() / 8).min(7);
    store(digits >> (8 * n_zeros), begin, room);
    let end = begin + 8 - n_zeros as usize;
    match n_words {
        0 => return end,
        1 => store(eight_digits(below), end, room),
        _ => {
            store(eight_digits(above % EIGHT), end, room);
            store(eight_digits(below), end + 8, room);
        }
    }
    end + 8 * n_words
}

/// Makes a number with fixed decimals, and tells how long it is: never `-0.00`, nothing when it is no number; `None` where
/// that is [`any_decimal`]'s.
///
/// # Method
/// The number times 10^decimals is off by half a unit in the last place at most. Where it lies further than that from the
/// middle between two whole numbers, it is rounded to the same side as the exact value, which is what `write!` rounds;
/// ties, near ties and large numbers are left to `write!`.
#[expect(clippy::inline_always, reason = "how many decimals is known where it is called")]
#[inline(always)]
pub(super) fn decimal(number: f64, decimals: usize, room: &mut Room) -> Option<usize> {
    match decimals {
        2 => fixed::<2>(number, room),
        3 => fixed::<3>(number, room),
        4 => fixed::<4>(number, room),
        6 => fixed::<6>(number, room),
        7 => fixed::<7>(number, room),
        _ => None,
    }
}

#[expect(clippy::inline_always, reason = "the same")]
#[inline(always)]
fn fixed<const DECIMALS: usize>(number: f64, room: &mut Room) -> Option<usize> {
    let Some(units) = rounded(number.abs() * SCALES[DECIMALS]) else { return no_number(number, room) };
    let scale = const { SCALES[DECIMALS] as u64 }; // a division by what the compiler knows is a product
    let (whole, parts) = (units / scale, units % scale);
    let behind = match DECIMALS {
        2 => u64::from(u16::from_le_bytes(PAIRS[parts as usize])),
        _ => eight_digits(parts) >> (8 * (8 - DECIMALS)),
    };
    let begin = usize::from(number.is_sign_negative() && units > 0);
    room[0] = b'-'; // which a number that is none overwrites
    let behind = behind | u64::from(b',') << (8 * DECIMALS);
    let Some(&word) = BELOW_1000.get(whole as usize) else { return Some(far(whole, begin, behind, room) + DECIMALS) };
    store(word, begin, room);
    let point = begin + n_bytes(word);
    store(behind, point, room);
    Some(point + DECIMALS)
}

/// Makes a number of at least 1000 with what is behind its point, and tells where that begins.
#[inline(never)]
fn far(whole: u64, begin: usize, behind: u64, room: &mut Room) -> usize {
    let point = large(whole, begin, room);
    store(u64::from(b'.'), point, room);
    store(behind, point + 1, room);
    point + 1
}

/// What is no number is an empty cell.
#[cold]
fn no_number(number: f64, room: &mut Room) -> Option<usize> {
    room[0] = b',';
    (!number.is_finite()).then_some(0)
}

/// The nearest whole number of a product that is right to half a unit in its last place; `None` near a tie, and for what is
/// no number.
#[inline]
fn rounded(scaled: f64) -> Option<u64> {
    const LARGEST: f64 = 4_503_599_627_370_496.0; // 2^52: above it there is nothing behind the point
    // a float of this size has a last bit worth 1, so that the sum is rounded to a whole number, which its bits hold
    let sum = scaled + LARGEST;
    let from_nearest = scaled - (sum - LARGEST); // exact: both are multiples of one unit
    let is_sure = 0.5 - from_nearest.abs() > scaled * f64::EPSILON; // never where that is half a unit or more
    is_sure.then_some(sum.to_bits() - LARGEST.to_bits())
}

/// A number with so many decimals as `write!` makes it, but never `-0.00`.
pub(super) fn any_decimal(number: f64, decimals: usize) -> String {
    let mut text = format!("{number:.decimals$}");
    if text.starts_with('-') && text[1..].bytes().all(|byte| byte == b'0' || byte == b'.') {
        text.remove(0);
    }
    text
}

fn two(number: u64, at: u32) -> u64 {
    u64::from(u16::from_le_bytes(PAIRS[number as usize])) << (8 * at)
}

fn mark(byte: u8, at: u32) -> u64 {
    u64::from(byte) << (8 * at)
}

/// Makes a time as its `Display` does, ISO 8601 with milliseconds and `Z` where it is UTC, and tells how long it is; `date`
/// tells the words of its day. `None` for years without four digits.
#[inline]
pub(super) fn moment(time: LocalTime, date: impl FnOnce(i64) -> [u64; 2], room: &mut Room) -> Option<usize> {
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
    let is_utc = matches!(time, LocalTime::Absolute(_));
    let last = mark(b':', 0) | two(seconds % 60, 1) | mark(b'.', 3) | ms | mark(if is_utc { b'Z' } else { b',' }, 7);
    [year, day | hours, last].into_iter().enumerate().for_each(|(at, word)| store(word, 8 * at, room));
    room[24] = b',';
    Some(23 + usize::from(is_utc))
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
    use crate::CsvStyle;
    use crate::table::{Cell, ColumnInfo, CsvRows, Kind};
    use capture_model::{CapturedAt, WallClock};
    use proptest::prelude::*;

    #[track_caller]
    fn check(cell: &Cell<'_>, kind: Kind, expected: &str) {
        let mut text = String::from("before ");
        cell.write_to(kind, &mut text);
        assert_eq!(text, format!("before {expected}"), "{cell:?} of {kind:?}");
        let mut rows = CsvRows::new(CsvStyle::default(), &[ColumnInfo { name: "", kind, doc: "" }; 3]);
        rows.add(&mut [cell.clone(), Cell::Empty, cell.clone()].into_iter());
        assert_eq!(rows.text(), format!("{expected},,{expected}\n").as_bytes(), "{cell:?} of {kind:?}");
    }

    #[track_caller]
    fn check_decimal(number: f64) {
        for kind in [Kind::Coordinate, Kind::Metres, Kind::Altitude, Kind::Probability, Kind::Factor] {
            let decimals = kind.decimals().unwrap();
            let slow = if number.is_finite() { any_decimal(number, decimals) } else { String::new() };
            check(&Cell::Number(number), kind, &slow);
        }
    }

    #[track_caller]
    fn check_time(ms: i64) {
        for time in
            [LocalTime::Absolute(CapturedAt::from_epoch_ms(ms)), LocalTime::Wall(WallClock::from_ms_as_if_utc(ms))]
        {
            check(&Cell::Time(time), Kind::Time, &time.to_string());
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
            for power in 0..20 {
                for near in [number, 10_u64.pow(power) - 1, 10_u64.pow(power), number % 10_u64.pow(power)] {
                    check(&Cell::Id(near), Kind::Id, &near.to_string());
                    check(&Cell::Whole(near as i64), Kind::Whole, &(near as i64).to_string());
                    check(&Cell::Whole((near as i64).wrapping_neg()), Kind::Whole, &(near as i64).wrapping_neg().to_string());
                }
            }
        }
    }
}
