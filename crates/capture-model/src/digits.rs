//! Whole numbers from decimal digits, sixteen at a time.
//!
//! # Method
//! Sixteen bytes are one vector: that all are digits is one comparison of it, and three products add neighbours up, first to
//! pairs, then to fours, then to eights (Muła, 2014). Where fewer count, those before them are blanked. Eight or fewer are
//! taken as a word in the same way (Lemire, 2021, after Muła).

use wide::bytemuck::cast;
use wide::{i16x8, i32x4, i32x8, u8x16, u16x8};

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The number that the last `n` bytes of a text are; `None` where one of them is no digit, where there are none, or where
/// the number has more than 19 digits, so that it might not fit.
///
/// ```
/// assert_eq!(capture_model::tail_digits(b"50.8966219", 7), Some(8_966_219));
/// assert_eq!(capture_model::tail_digits(b"50.8966219", 8), None);
/// ```
#[inline]
pub fn tail_digits(text: &[u8], n: usize) -> Option<u64> {
    match text.last_chunk::<8>() {
        Some(&last) if (1..=8).contains(&n) => last_digits(last, n),
        _ => many_digits(text, n),
    }
}

/// The number that the last `n` of sixteen bytes are, 1 to 16, which come as two words of which the first byte is the lowest;
/// `None` where one of them is no digit.
///
/// ```
/// let words = [*b"at 12345", *b"67890123"].map(u64::from_le_bytes);
/// assert_eq!(capture_model::sixteen_digits(words, 13), Some(1_234_567_890_123));
/// assert_eq!(capture_model::sixteen_digits(words, 3), Some(123));
/// assert_eq!(capture_model::sixteen_digits(words, 14), None);
/// ```
#[inline]
pub fn sixteen_digits(words: [u64; 2], n: usize) -> Option<u64> {
    let bytes: [u8; 16] = cast(words.map(u64::to_le_bytes));
    if cfg!(target_endian = "big") {
        return any_digits(&bytes, n);
    }
    let digits = (u8x16::new(bytes) ^ u8x16::splat(b'0')) & u8x16::new(*LAST.get(n)?);
    let above_nine = digits.saturating_sub(u8x16::splat(9));
    if above_nine.simd_eq(u8x16::ZERO).to_bitmask() != 0xffff {
        return None;
    }
    // the first of two bytes is the lower half of their word
    let (first, second) = (cast::<_, i16x8>(digits) & i16x8::splat(0xff), cast::<_, u16x8>(digits) >> 8);
    let pairs = first * i16x8::splat(10) + cast::<_, i16x8>(second);
    let fours: i32x4 = pairs.dot(i16x8::new([100, 1, 100, 1, 100, 1, 100, 1]));
    let fours = i16x8::from_i32x8_saturate(cast::<_, i32x8>([fours, fours]));
    let [first, last, ..] = fours.dot(i16x8::new([10_000, 1, 10_000, 1, 10_000, 1, 10_000, 1])).to_array();
    Some(u64::from(first.cast_unsigned()) * 100_000_000 + u64::from(last.cast_unsigned()))
}

/// The last so many of sixteen bytes.
const LAST: [[u8; 16]; 17] = {
    let mut kept = [[0; 16]; 17];
    let mut n = 1;
    while n < kept.len() {
        kept[n] = kept[n - 1];
        kept[n][16 - n] = u8::MAX;
        n += 1;
    }
    kept
};

/// The same for more than eight digits, or texts shorter than that; apart, so that the usual way is short enough to be put
/// where it is used.
#[inline(never)]
fn many_digits(text: &[u8], n: usize) -> Option<u64> {
    match text.last_chunk::<16>() {
        Some(&last) if (1..=16).contains(&n) => {
            sixteen_digits(cast::<_, [[u8; 8]; 2]>(last).map(u64::from_le_bytes), n)
        }
        _ => few_digits(text, n),
    }
}

/// The same for texts of fewer than sixteen bytes, or more than sixteen digits.
fn few_digits(text: &[u8], n: usize) -> Option<u64> {
    match text.last_chunk::<8>() {
        Some(&last) if (9..=16).contains(&n) && n <= text.len() => {
            let first = *text[text.len() - n..].first_chunk::<8>()?;
            Some(last_digits(first, 8)? * POWERS[n - 8] + last_digits(last, n - 8)?)
        }
        _ => any_digits(text, n),
    }
}

/// One digit after the other.
fn any_digits(text: &[u8], n: usize) -> Option<u64> {
    if n == 0 || n > 19 || n > text.len() {
        return None;
    }
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    text[text.len() - n..].iter().try_fold(0, |number, &byte| Some(number * 10 + digit(byte)?))
}

const POWERS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// The number of the last 1 to 8 bytes of eight.
#[inline]
fn last_digits(eight: [u8; 8], n: usize) -> Option<u64> {
    let blank = (1_u64 << (8 * (8 - n))) - 1;
    eight_digits((u64::from_le_bytes(eight) & !blank) | (ZEROS & blank))
}

/// The first byte is the lowest of the word and the highest digit.
#[inline]
fn eight_digits(word: u64) -> Option<u64> {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    // digits are 0x30 to 0x39: six more leaves the upper half as it is
    let is_all = (word & HIGH) == ZEROS && (word.wrapping_add(0x0606_0606_0606_0606) & HIGH) == ZEROS;
    if !is_all {
        return None;
    }
    Some(added_up(word - ZEROS))
}

/// The number of eight digits, the highest in the lowest byte.
#[inline]
fn added_up(ones: u64) -> u64 {
    let pairs = (ones.wrapping_mul(10) + (ones >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8]) {
        for n in 0..=text.len() + 1 {
            let tail = text.len().checked_sub(n).map(|begin| &text[begin..]);
            let is_number = |tail: &&[u8]| (1..=19).contains(&tail.len()) && tail.iter().all(u8::is_ascii_digit);
            let expected =
                tail.filter(is_number).map(|tail| std::str::from_utf8(tail).unwrap().parse::<u64>().unwrap());
            assert_eq!(tail_digits(text, n), expected, "{text:?} {n}");
        }
        for sixteen in text.windows(16) {
            let words = [0, 8].map(|at| u64::from_le_bytes(sixteen[at..at + 8].try_into().unwrap()));
            for n in 1..=16 {
                assert_eq!(sixteen_digits(words, n), tail_digits(sixteen, n), "{sixteen:?} {n}");
            }
        }
    }

    #[test]
    fn digits_are_read_as_the_standard_library_reads_them() {
        for text in ["", "0", "9", "x7", "12345678", "99999999", "0000000000000000001", "9999999999999999999", "-1"] {
            check(text.as_bytes());
        }
        check(b"-154.2709525352569");
        check(b"184467440737095516150");
        for byte in 0..=u8::MAX {
            for at in 0..17 {
                let mut text = *b"12345678901234567";
                text[at] = byte;
                check(&text);
            }
        }
    }
}
