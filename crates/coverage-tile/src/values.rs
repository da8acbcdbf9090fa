//! Property values in every form that a service may choose: five numeric variants, text, booleans.

use crate::wire::{Fault, Fields, key, unzigzag};

/// One value of a layer's table, borrowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// Not yet known to be UTF-8.
    Text(&'a [u8]),
    Single(f32),
    Double(f64),
    Int(i64),
    Uint(u64),
    Bool(bool),
    /// Missing, or of no known kind.
    Nothing,
}

// Fields of a value.
const TEXT: u64 = key(1, 2);
const SINGLE: u64 = key(2, 5);
const DOUBLE: u64 = key(3, 1);
const INT: u64 = key(4, 0);
const UINT: u64 = key(5, 0);
const ZIGZAG: u64 = key(6, 0);
const BOOL: u64 = key(7, 0);

/// Whole numbers below this are told apart by a double; 2^53 itself may have been 2^53 + 1.
const EXACT_IN_DOUBLE: f64 = (1_u64 << 53) as f64;
/// The same for single precision.
const EXACT_IN_SINGLE: f32 = (1_u32 << 24) as f32;
// Values are read anew for each feature that has them, so reading one must be short work whatever it holds.
/// No number needs more characters.
const LONGEST_NUMBER: usize = 40;
/// A value is one field; a writer may repeat itself.
const MOST_FIELDS: usize = 4;

impl<'a> Value<'a> {
    /// Reads a value message (vector tile specification 2.1, section 4.1); a broken one says nothing, and of several
    /// fields the last counts.
    #[inline]
    pub(crate) fn read(message: &'a [u8]) -> Self {
        let mut fields = Fields::new(message);
        let mut value = Self::Nothing;
        for _ in 0..MOST_FIELDS {
            let Ok(Some(key)) = fields.next_key() else { break };
            let Ok(read) = Self::read_field(key, &mut fields) else { break };
            value = read.unwrap_or(value);
            if fields.is_at_end() {
                break;
            }
        }
        value
    }

    #[inline]
    fn read_field(key: u64, fields: &mut Fields<'a>) -> Result<Option<Self>, Fault> {
        Ok(Some(match key {
            TEXT => Self::Text(fields.bytes()?),
            SINGLE => Self::Single(f32::from_le_bytes(fields.array()?)),
            DOUBLE => Self::Double(f64::from_le_bytes(fields.array()?)),
            INT => Self::Int(fields.varint()? as i64),
            UINT => Self::Uint(fields.varint()?),
            ZIGZAG => Self::Int(unzigzag(fields.varint()?)),
            BOOL => Self::Bool(fields.varint()? != 0),
            _ => return fields.skip(key).map(|()| None),
        }))
    }

    /// A text that is not blank.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) if !text.trim_ascii_start().is_empty() => std::str::from_utf8(text).ok(),
            _ => None,
        }
    }

    /// A text short enough to be a number.
    fn short_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) if (1..=LONGEST_NUMBER).contains(&text.len()) => {
                std::str::from_utf8(text).ok().map(str::trim)
            }
            _ => None,
        }
    }

    /// An id above 0 and whether it is exact: a float above its whole numbers may be off by some units.
    #[inline]
    pub(crate) fn id(self) -> Option<(u64, bool)> {
        let (id, is_exact) = match self {
            Self::Uint(id) => (id, true),
            Self::Int(id) => (u64::try_from(id).ok()?, true),
            Self::Double(id) => (whole(id)?, id < EXACT_IN_DOUBLE),
            Self::Single(id) => (whole(f64::from(id))?, id < EXACT_IN_SINGLE),
            _ => {
                let text = self.short_text()?;
                let is_decimal = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
                (if is_decimal { text.parse().ok()? } else { return None }, true)
            }
        };
        (id > 0).then_some((id, is_exact))
    }

    /// A time in milliseconds since the epoch. Single precision tells times of today 131 seconds apart: that is no time.
    #[inline]
    pub(crate) fn time_ms(self) -> Option<i64> {
        match self {
            Self::Int(ms) => Some(ms),
            Self::Uint(ms) => i64::try_from(ms).ok(),
            Self::Double(ms) if ms.abs() < EXACT_IN_DOUBLE => Some(ms as i64),
            Self::Single(ms) if ms.abs() < EXACT_IN_SINGLE => Some(ms as i64),
            _ => self.short_text()?.parse().ok(),
        }
    }

    /// A finite number.
    #[inline]
    pub(crate) fn number(self) -> Option<f64> {
        let number = match self {
            Self::Double(number) => number,
            Self::Single(number) => f64::from(number),
            Self::Int(number) => number as f64,
            Self::Uint(number) => number as f64,
            _ => self.short_text()?.parse().ok()?,
        };
        number.is_finite().then_some(number)
    }

    /// A truth value: a boolean, a number (0 is false), or the words.
    #[inline]
    pub(crate) fn truth(self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(truth),
            Self::Text(_) => match self.short_text()? {
                word if word.eq_ignore_ascii_case("true") || word == "1" => Some(true),
                word if word.eq_ignore_ascii_case("false") || word == "0" => Some(false),
                _ => None,
            },
            _ => self.number().map(|number| number != 0.0),
        }
    }
}

/// The whole number that a float stands for; `None` for fractions, NaN and what does not fit.
fn whole(number: f64) -> Option<u64> {
    ((1.0..1.8e19).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BIG: u64 = 26_858_300_993_768_842;

    #[test]
    fn ids() {
        #[track_caller]
        fn check(case: &str, value: Value<'_>, id: Option<(u64, bool)>) {
            assert_eq!(value.id(), id, "{case}");
        }
        check("unsigned", Value::Uint(BIG), Some((BIG, true)));
        check("signed", Value::Int(BIG as i64), Some((BIG, true)));
        check("negative", Value::Int(-1), None);
        check("zero", Value::Uint(0), None);
        check("text", Value::Text(b"26858300993768842"), Some((BIG, true)));
        check("text beyond u64", Value::Text(b"18446744073709551616"), None);
        check("blank", Value::Text(b""), None);
        check("spaces", Value::Text(b"  "), None);
        check("a word", Value::Text(b"image"), None);
        check("a sign", Value::Text(b"+5"), None);
        check("double", Value::Double(498_763_468_214_164.0), Some((498_763_468_214_164, true)));
        check("the last exact double", Value::Double(9_007_199_254_740_991.0), Some((9_007_199_254_740_991, true)));
        check("2^53 may have been 2^53 + 1", Value::Double(9_007_199_254_740_992.0), Some((1 << 53, false)));
        check("a double above", Value::Double(BIG as f64), Some((BIG as f64 as u64, false)));
        check("single precision", Value::Single(16_777_215.0), Some((16_777_215, true)));
        check("single precision above 2^24", Value::Single(16_777_216.0), Some((16_777_216, false)));
        check("a fraction", Value::Double(5.5), None);
        check("no number", Value::Double(f64::NAN), None);
        check("infinity", Value::Double(f64::INFINITY), None);
        check("a truth", Value::Bool(true), None);
    }

    #[test]
    fn times_numbers_and_truths() {
        let time = 1_716_026_400_000;
        let forms =
            [Value::Int(time), Value::Uint(time as u64), Value::Double(time as f64), Value::Text(b"1716026400000")];
        assert_eq!(forms.map(Value::time_ms), [Some(time); 4]);
        let no_times = [Value::Text(b""), Value::Uint(u64::MAX), Value::Double(1e300), Value::Single(1.716e12)];
        assert_eq!(no_times.map(Value::time_ms), [None; 4]);
        let headings = [Value::Text(b"29.5"), Value::Single(29.5), Value::Double(29.5)];
        assert_eq!(headings.map(Value::number), [Some(29.5); 3]);
        assert_eq!([Value::Int(-3).number(), Value::Uint(3).number()], [Some(-3.0), Some(3.0)]);
        let no_numbers = [Value::Double(f64::INFINITY), Value::Text(b"nan"), Value::Text(b"1e999"), Value::Bool(true)];
        assert_eq!(no_numbers.map(Value::number), [None; 4]);
        let truths = [Value::Bool(true), Value::Int(1), Value::Double(1.0), Value::Text(b"True"), Value::Text(b"1")];
        assert_eq!(truths.map(Value::truth), [Some(true); 5]);
        let lies = [Value::Bool(false), Value::Uint(0), Value::Single(0.0), Value::Text(b"false"), Value::Text(b"0")];
        assert_eq!(lies.map(Value::truth), [Some(false); 5]);
        assert_eq!([Value::Text(b"").truth(), Value::Nothing.truth(), Value::Text(b"maybe").truth()], [None; 3]);
        assert_eq!([&b" "[..], b"a b", b"\xff"].map(|text| Value::Text(text).text()), [None, Some("a b"), None]);
    }

    #[test]
    fn a_long_text_is_no_number() {
        let zeros = "0".repeat(LONGEST_NUMBER) + "7";
        let value = Value::Text(zeros.as_bytes());
        assert_eq!((value.id(), value.time_ms(), value.number(), value.truth()), (None, None, None, None));
        assert_eq!(value.text(), Some(zeros.as_str()), "as a key it stays");
    }

    #[test]
    fn messages() {
        #[track_caller]
        fn check(case: &str, message: &[u8], value: Value<'_>) {
            assert_eq!(Value::read(message), value, "{case}");
        }
        check("text", &[0x0a, 2, b'a', b'b'], Value::Text(b"ab"));
        check("single", &[0x15, 0, 0, 0x80, 0x3f], Value::Single(1.0));
        check("double", &[0x19, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f], Value::Double(1.0));
        check("signed", &[0x20, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], Value::Int(-1));
        check("unsigned", &[0x28, 0xac, 0x02], Value::Uint(300));
        check("zigzag", &[0x30, 0x03], Value::Int(-2));
        check("truth", &[0x38, 0x01], Value::Bool(true));
        check("nothing at all", &[], Value::Nothing);
        check("an unknown kind", &[0x40, 0x01], Value::Nothing);
        check("of two the last", &[0x28, 1, 0x0a, 1, b'a'], Value::Text(b"a"));
        check("not too many", &[0x28, 1, 0x28, 2, 0x28, 3, 0x28, 4, 0x28, 5], Value::Uint(4));
        check("cut short", &[0x0a, 0x05, b'a'], Value::Nothing);
    }
}
