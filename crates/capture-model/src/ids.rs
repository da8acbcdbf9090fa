//! Identifiers as the service gives them: numbers that pass 2^53, and opaque case-sensitive text.

use crate::tail_digits;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Text that is not a decimal id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an id: 1 to 20 decimal digits, at most 2^64 - 1")]
pub struct InvalidId {
    /// What was given, cut to 40 characters.
    pub text: String,
}

fn parse_decimal(text: &str) -> Result<u64, InvalidId> {
    if let Some(id) = tail_digits(text.as_bytes(), text.len()) {
        return Ok(id); // up to 19 digits
    }
    let digits = (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().ok_or_else(|| InvalidId { text: text.chars().take(40).collect() })
}

/// The id of a published image: decimal digits, past 2^53 in use, so never a float.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImageId(pub u64);

impl FromStr for ImageId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        parse_decimal(text).map(Self)
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of one upload (`finish_upload` answers it); not a sequence, not an SfM cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub u64);

impl FromStr for ClusterId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        parse_decimal(text).map(Self)
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A sequence key: opaque, case-sensitive text. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SequenceId(Arc<str>);

impl SequenceId {
    /// Any text; tables of users hold keys of their own making.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The key as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the key has the service's alphabet and length, so that it may stand in a URL.
    pub fn is_url_safe(&self) -> bool {
        (1..=64).contains(&self.0.len()) && self.0.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    }
}

impl fmt::Display for SequenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_pass_two_to_the_fifty_three_and_refuse_nonsense() {
        assert_eq!("26858300993768842".parse::<ImageId>().unwrap().0, 26_858_300_993_768_842);
        assert_eq!(u64::MAX.to_string().parse::<ImageId>().unwrap().0, u64::MAX);
        for text in ["", "-1", "+1", "1.0", "1e5", " 1", "18446744073709551616", "../../etc/passwd", "٣"] {
            assert!(text.parse::<ImageId>().is_err(), "{text}");
        }
    }

    #[test]
    fn sequence_keys_are_checked_before_they_enter_a_url() {
        assert!(SequenceId::new("QztYSJSr-EanBuImZ1ClSw").is_url_safe());
        for text in ["", "a b", "a/b", "a,b", "ключ", &"x".repeat(65)] {
            assert!(!SequenceId::new(text).is_url_safe(), "{text}");
        }
    }
}
