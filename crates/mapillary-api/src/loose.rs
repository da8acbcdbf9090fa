//! JSON values read for what they mean, not for how they are typed.
//!
//! The service and the dumps made from it write one field as `315`, `314.7` or `"315"`, an id as text or as a number.
//! Every value of interest is therefore read as a [`Scalar`], which never fails: a list or object in its place is
//! skipped and counts as missing. So one odd field costs that field, never the image or the page.
//!
//! Ids keep their digits: a JSON number beyond `u64`, or one with a fraction or exponent, reaches serde as a float and
//! is no id (floats change digits above 2^53).

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Longer texts than this are no make, key or id; they count as missing.
const LONGEST_TEXT: usize = 1_000;

/// One JSON value, flat.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Scalar {
    /// `null`, or a list or object where a scalar was due, or a text beyond [`LONGEST_TEXT`].
    #[default]
    Missing,
    Flag(bool),
    Whole(u64),
    Negative(i64),
    Float(f64),
    Text(String),
}

impl Scalar {
    /// A decimal id with all its digits, or `None`.
    pub(crate) fn id(&self) -> Option<u64> {
        match self {
            Self::Whole(id) => Some(*id),
            Self::Text(text) => text.parse::<capture_model::ImageId>().ok().map(|id| id.0),
            _ => None,
        }
    }

    /// A finite number, also out of a text.
    pub(crate) fn number(&self) -> Option<f64> {
        let number = match self {
            Self::Whole(n) => *n as f64,
            Self::Negative(n) => *n as f64,
            Self::Float(n) => *n,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Missing | Self::Flag(_) => return None,
        };
        number.is_finite().then_some(number)
    }

    /// A whole number from 0 on (`4032.0` counts), at most 2^32 - 1.
    pub(crate) fn small_count(&self) -> Option<u32> {
        let number = self.number()?;
        (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
    }

    /// `true`, `false`, or 0 and 1 in their place.
    pub(crate) fn flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Whole(0) => Some(false),
            Self::Whole(1) => Some(true),
            Self::Text(text) => text.to_ascii_lowercase().parse().ok(),
            _ => None,
        }
    }

    /// A text that is not empty; a whole number counts as its digits.
    pub(crate) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            Self::Whole(n) => Some(n.to_string()),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Missing)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Flag(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar::Whole(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(u64::try_from(value).map_or(Scalar::Negative(value), Scalar::Whole))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(if value.len() > LONGEST_TEXT { Scalar::Missing } else { Scalar::Text(value.to_owned()) })
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Missing)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Missing)
    }
}

/// Writes the `visit_*` methods for the kinds of value that a visitor does not want: they count as missing.
macro_rules! everything_else_is_missing {
    ($visitor:ident => $missing:expr) => {
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("any JSON value")
        }
        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            let $visitor = self;
            Ok($missing)
        }
        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            self.visit_unit()
        }
        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            self.visit_unit()
        }
        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            self.visit_unit()
        }
        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            self.visit_unit()
        }
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            self.visit_unit()
        }
    };
}
pub(crate) use everything_else_is_missing;

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(json: &str) -> Scalar {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn ids_keep_their_digits_or_are_none() {
        for (json, expected) in [
            ("\"26858300993768842\"", Some(26_858_300_993_768_842)),
            ("26858300993768842", Some(26_858_300_993_768_842)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("4.98e14", None),
            ("498763468214164.0", None),
            ("-5", None),
            ("\"../../etc/passwd\"", None),
            ("\"\"", None),
            ("null", None),
            ("true", None),
            ("[1]", None),
            ("{\"id\":1}", None),
        ] {
            assert_eq!(scalar(json).id(), expected, "{json}");
        }
    }

    #[test]
    fn numbers_flags_and_texts_are_read_for_what_they_mean() {
        assert_eq!(scalar("315").number(), Some(315.0));
        assert_eq!(scalar("-15.5").number(), Some(-15.5));
        assert_eq!(scalar("\" 314.7 \"").number(), Some(314.7));
        assert_eq!(scalar("\"NaN\"").number(), None);
        assert_eq!(scalar("\"inf\"").number(), None);
        assert_eq!(scalar("4032.0").small_count(), Some(4032));
        assert_eq!(scalar("40.5").small_count(), None);
        assert_eq!(scalar("-1").small_count(), None);
        assert_eq!(scalar("1").flag(), Some(true));
        assert_eq!(scalar("\"False\"").flag(), Some(false));
        assert_eq!(scalar("2").flag(), None);
        assert_eq!(scalar("\"\"").text(), None);
        assert_eq!(scalar("17").text(), Some("17".to_owned()));
        assert_eq!(scalar(&format!("\"{}\"", "x".repeat(1_001))), Scalar::Missing);
    }
}
