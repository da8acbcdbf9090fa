//! Decimal numbers as tables write them, read exactly as `str::parse` reads them and several times faster.

use capture_model::tail_digits;

/// Powers of ten that a float holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

const WHOLE_POWERS: [u64; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// A number in text without blanks; `None` where `str::parse::<f64>` fails.
///
/// # Method
/// The digits as a whole number and the power of ten that divides it are both exact floats as long as the number is at
/// most 2^53 and the power at most 22, so that one division rounds once and correctly (Clinger, 1990). Everything else
/// (more digits, exponents, `inf`) is left to the standard library.
pub(crate) fn number(text: &str) -> Option<f64> {
    simple(text.as_bytes()).or_else(|| text.parse().ok())
}

/// The number of a text of up to 18 digits, at most one minus before them and one point between them; `None` for any other
/// text, whether it is a number or not.
#[inline]
pub(crate) fn simple(text: &[u8]) -> Option<f64> {
    let is_negative = text.first() == Some(&b'-');
    let digits = &text[usize::from(is_negative)..];
    let (mut whole, mut point) = (0_u64, 0);
    while let Some(&byte) = digits.get(point) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        if point == 18 {
            return None; // 18 digits stay below 2^64
        }
        whole = whole * 10 + u64::from(digit);
        point += 1;
    }
    let decimals = match digits.get(point) {
        None => 0,
        Some(b'.') => digits.len() - point - 1,
        Some(_) => return None,
    };
    if point == 0 || point + decimals > 18 {
        return None;
    }
    if decimals > 0 {
        whole = whole * WHOLE_POWERS[decimals] + tail_digits(digits, decimals)?;
    }
    if whole > 1 << 53 {
        return None;
    }
    let value = whole.cast_signed() as f64 / POWERS[decimals]; // a signed number is one instruction away from a float
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str) {
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        assert_eq!(bits(number(text)), bits(text.parse().ok()), "{text:?}");
    }

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        for text in [
            "0",
            "-0",
            "-0.0",
            "1.",
            ".5",
            "-",
            "",
            ".",
            "+1",
            "1e5",
            "-1E-5",
            "inf",
            "nan",
            "1_0",
            "1..2",
            "1.2.3",
            " 1",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551616",
            "123456789012345678",
            "99999999999999999.9",
            "0.1",
            "0.30000000000000004",
            "50.8966219",
            "-0.5591297",
            "0000000000000000001",
            "0.0000000000000000001",
            "٣",
        ] {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_alike(text in "-?[0-9]{0,20}\\.?[0-9]{0,20}|\\PC{0,12}|[-+.0-9eE]{0,12}") {
            check(&text);
        }
        #[test]
        fn any_number_is_read_alike(number: f64, decimals in 0_usize..12) {
            check(&number.to_string());
            check(&format!("{:.decimals$}", number % 1000.0));
        }
    }
}
