//! Decimal numbers as tables write them, read exactly as `str::parse` reads them and several times faster.

use capture_model::tail_digits;

/// Powers of ten that a float holds exactly.
const POWERS: [f64; 19] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18];

pub(crate) const WHOLE_POWERS: [u64; 19] = {
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
/// most 2^53 and the power at most 22, so that one division rounds once and correctly (Clinger, 1990); up to 18 digits the
/// rest of the division corrects it. Everything else (more digits, exponents, `inf`) is left to the standard library.
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
    let value = quotient(whole, decimals)?;
    Some(if is_negative { -value } else { value })
}

/// The float nearest to a whole number of up to 18 digits by 10^decimals, at most 18; `None` where it is not that easily told.
#[inline]
pub(crate) fn quotient(whole: u64, decimals: usize) -> Option<f64> {
    if whole > 1 << 53 {
        return large_quotient(whole, decimals);
    }
    Some(whole.cast_signed() as f64 / POWERS[decimals]) // a signed number is one instruction away from a float
}

/// The same above 2^53, where the whole number is no float: the quotient of floats is off by a unit in the last place at
/// most, and the rest that it leaves, in whole numbers, says which way.
fn large_quotient(whole: u64, decimals: usize) -> Option<f64> {
    let near = whole as f64 / POWERS[decimals];
    if decimals == 0 {
        return Some(near);
    }
    let bits = near.to_bits();
    let (exponent, mantissa) = ((bits >> 52) as i64 - 1075, (bits & ((1 << 52) - 1)) | 1 << 52);
    let shift = u32::try_from(-exponent).ok().filter(|shift| *shift <= 64)?;
    let power = i128::from(WHOLE_POWERS[decimals]);
    let left = (i128::from(whole) << shift) - i128::from(mantissa) * power;
    if left < 0 && mantissa == 1 << 52 {
        return None; // floats below are twice as dense
    }
    match 2 * left {
        twice if twice.abs() < power => Some(near),
        twice if twice > power && twice < 3 * power => Some(f64::from_bits(bits + 1)),
        twice if twice < -power && twice > -3 * power => Some(f64::from_bits(bits - 1)),
        _ => None, // a tie
    }
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
        #[test]
        fn numbers_between_floats_are_read_alike(bits in 0x3c00_0000_0000_0000_u64..0x43d0_0000_0000_0000, step in -2_i64..3) {
            // the middle between two floats, nearly: what two roundings would get wrong
            let number = f64::from_bits(bits);
            let text = format!("{number:.17e}");
            let digits = text[..1].to_owned() + &text[2..19];
            let near = digits.parse::<u64>().unwrap().wrapping_add_signed(step).to_string();
            for point in 1..near.len() {
                check(&format!("{}.{}", &near[..point], &near[point..]));
                check(&format!("{}.{}5", &near[..point], &near[point..near.len() - 1]));
            }
        }
    }
}
