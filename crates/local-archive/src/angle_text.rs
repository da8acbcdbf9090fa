//! Coordinates as text: `50.8966`, `39,3.08067N`, `45 deg 31' 0.85" N`, `52,0,50`.
//!
//! Up to three numbers are degrees, minutes and seconds. A letter (or word) N, S, E, W gives the sign and wins over a minus.

use crate::decimal::number;

/// Whether a reference means south or west: `S`, `w`, `South`; everything else is north or east.
pub(crate) fn is_negative(reference: &str) -> bool {
    reference.trim_start().starts_with(['S', 's', 'W', 'w'])
}

/// Signed degrees; `None` when the text is none. NaN is `Some`: it says that nothing is known.
pub(crate) fn degrees(text: &str) -> Option<f64> {
    if let Some(plain) = number(text) {
        return Some(plain);
    }
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if let Some(plain) = number(text) {
        return Some(plain);
    }
    let last = text.chars().next_back()?;
    let (body, reference) =
        if "NSEWnsew".contains(last) { (&text[..text.len() - 1], Some(last)) } else { (text, None) };
    let is_separator = |c: char| c.is_whitespace() || ",;:°'\"′″".contains(c);
    let mut parts = body.split(is_separator).filter(|part| !part.is_empty() && *part != "deg");
    let is_below_zero = body.trim_start().starts_with('-');
    let mut sum = None;
    for unit in [1.0, 60.0, 3600.0] {
        let Some(part) = parts.next() else { break };
        let number = part.parse::<f64>().ok().filter(|number| number.is_finite())?;
        sum = Some(sum.unwrap_or(0.0) + number.abs() / unit);
    }
    let degrees: f64 = sum.filter(|_| parts.next().is_none())?;
    let is_negative = reference.map_or(is_below_zero, |letter| "SsWw".contains(letter));
    Some(if is_negative { -degrees } else { degrees })
}

/// A length with or without its unit: `70.3`, `70.3 m`, `12 m Below Sea Level`.
pub(crate) fn metres(text: &str) -> Option<f64> {
    if let Some(plain) = number(text) {
        return Some(plain);
    }
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if let Some(plain) = number(text) {
        return Some(plain);
    }
    let lower = text.to_ascii_lowercase();
    let (body, sign) = match lower.strip_suffix(" below sea level") {
        Some(body) => (body, -1.0),
        None => (lower.strip_suffix(" above sea level").unwrap_or(&lower), 1.0),
    };
    body.strip_suffix('m')?.trim_end().parse::<f64>().ok().map(|number| number * sign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<f64>) {
        let found = degrees(text);
        let is_same = match (found, expected) {
            (Some(a), Some(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        };
        assert!(is_same, "{text:?}: {found:?}");
    }

    #[test]
    fn coordinates_are_read_as_they_are_written() {
        check("50.8966219", Some(50.896_621_9));
        check("-0.5591297", Some(-0.559_129_7));
        check("39,3.08067N", Some(39.051_344_5));
        check("94,17.32633W", Some(-94.288_772_166_666_67));
        check("0,4,12.96S", Some(-0.070_266_666_666_67));
        check("45 deg 31' 0.85\" N", Some(45.516_902_777_777_78));
        check("52,0,50", Some(52.013_888_888_888_89));
        check("45° 30' S", Some(-45.5));
        check("-12 30", Some(-12.5));
        check("1 2 3 4", None);
        check("north", None);
        check("", None);
        check("N", None);
        check("12x", None);
        assert!(degrees("NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn lengths_may_carry_their_unit() {
        for (text, expected) in [
            ("70.3", Some(70.3)),
            ("70.3 m", Some(70.3)),
            ("70.3m", Some(70.3)),
            ("70.3 m Above Sea Level", Some(70.3)),
            ("12 m Below Sea Level", Some(-12.0)),
            ("12 ft", None),
            ("high", None),
        ] {
            assert_eq!(metres(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}") {
            let _ = (degrees(&text), metres(&text));
        }
    }
}
