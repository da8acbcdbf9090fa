//! Property values in every form that a service may choose: five numeric variants, text, booleans.

use crate::wire::{Field, Fields, unzigzag};

/// One value of a layer's table, borrowed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Float(f64),
    Int(i64),
    Uint(u64),
    Bool(bool),
    /// Missing, blank, or of no known kind.
    Nothing,
}

/// Doubles count exactly up to here.
const EXACT_TO: u64 = 1 << 53;

impl<'a> Value<'a> {
    /// Reads a value message (vector tile specification 2.1, section 4.1); a broken one says nothing.
    pub(crate) fn read(message: &'a [u8]) -> Self {
        let mut fields = Fields::new(message);
        let mut value = Self::Nothing;
        while let Ok(Some((number, field))) = fields.next() {
            value = match (number, field) {
                (1, Field::Bytes(text)) => std::str::from_utf8(text).map_or(Self::Nothing, Self::Text),
                (2, Field::Fixed32(bits)) => Self::Float(f64::from(f32::from_bits(bits))),
                (3, Field::Fixed64(bits)) => Self::Float(f64::from_bits(bits)),
                (4, Field::Varint(number)) => Self::Int(number as i64),
                (5, Field::Varint(number)) => Self::Uint(number),
                (6, Field::Varint(number)) => Self::Int(unzigzag(number)),
                (7, Field::Varint(number)) => Self::Bool(number != 0),
                _ => value,
            };
        }
        value
    }

    /// A text that is not blank.
    pub(crate) fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// An id above 0 and whether it is exact: a double above 2^53 may be off by some units.
    pub(crate) fn id(self) -> Option<(u64, bool)> {
        let (id, is_exact) = match self {
            Self::Uint(id) => (id, true),
            Self::Int(id) => (u64::try_from(id).ok()?, true),
            Self::Float(id) if id.fract() == 0.0 && (1.0..1.8e19).contains(&id) => (id as u64, id <= EXACT_TO as f64),
            Self::Text(text) if (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) => {
                (text.parse().ok()?, true)
            }
            _ => return None,
        };
        (id > 0).then_some((id, is_exact))
    }

    /// A time in milliseconds since the epoch.
    pub(crate) fn time_ms(self) -> Option<i64> {
        match self {
            Self::Int(ms) => Some(ms),
            Self::Uint(ms) => i64::try_from(ms).ok(),
            Self::Float(ms) if ms.abs() < 9e15 => Some(ms as i64),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A finite number.
    pub(crate) fn number(self) -> Option<f64> {
        let number = match self {
            Self::Float(number) => number,
            Self::Int(number) => number as f64,
            Self::Uint(number) => number as f64,
            Self::Text(text) => text.parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// A truth value: a boolean, a number (0 is false), or the words.
    pub(crate) fn truth(self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(truth),
            Self::Int(number) => Some(number != 0),
            Self::Uint(number) => Some(number != 0),
            Self::Text("true" | "1") => Some(true),
            Self::Text("false" | "0") => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_is_understood() {
        let big = 26_858_300_993_768_842_u64;
        assert_eq!(Value::Uint(big).id(), Some((big, true)));
        assert_eq!(Value::Int(-1).id(), None);
        assert_eq!(Value::Text("26858300993768842").id(), Some((big, true)));
        assert_eq!(Value::Float(498_763_468_214_164.0).id(), Some((498_763_468_214_164, true)));
        assert_eq!(Value::Float(big as f64).id().map(|(_, is_exact)| is_exact), Some(false));
        assert_eq!(Value::Text("").id(), None);
        assert_eq!(Value::Float(f64::NAN).id(), None);
        assert_eq!(Value::Text("").time_ms(), None);
        assert_eq!(Value::Float(1_716_026_400_000.0).time_ms(), Some(1_716_026_400_000));
        assert_eq!(Value::Text("29.5").number(), Some(29.5));
        assert_eq!(Value::Float(f64::INFINITY).number(), None);
        assert_eq!(
            [Value::Int(1).truth(), Value::Text("false").truth(), Value::Text("").truth()],
            [Some(true), Some(false), None]
        );
        assert_eq!(Value::read(&[0x30, 0x03]), Value::Int(-2), "a zigzag number");
        assert_eq!(Value::read(&[0x0a, 0x01, 0xff]), Value::Nothing, "text that is not UTF-8");
    }
}
