//! Version numbers of mapillary_tools, as its history files write them.

use std::fmt;
use std::str::FromStr;

/// A version of mapillary_tools; later is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number.
    pub patch: u16,
}

/// Text that begins with no version number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no version of mapillary_tools; write it like 0.14.6")]
pub struct InvalidVersion {
    /// What was given, cut to 40 characters.
    pub text: String,
}

impl Version {
    /// From its three numbers.
    pub const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }
}

/// Reads `0.14.6`, `v0.14`, `0.14.0b1`, `0.14.0.dev3`: what follows the three numbers is ignored, a missing number is 0.
impl FromStr for Version {
    type Err = InvalidVersion;
    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        let invalid = || InvalidVersion { text: text.chars().take(40).collect() };
        let mut numbers = [0_u16; 3];
        let mut rest = text.trim().trim_start_matches(['v', 'V']);
        for (at, number) in numbers.iter_mut().enumerate() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                if at == 0 {
                    return Err(invalid());
                }
                break;
            }
            *number = rest[..digits].parse().map_err(|_| invalid())?;
            match rest[digits..].strip_prefix('.') {
                Some(more) => rest = more,
                None => break,
            }
        }
        Ok(Self { major: numbers[0], minor: numbers[1], patch: numbers[2] })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_tool_writes_them() {
        for (text, expected) in [
            ("0.14.6", "0.14.6"),
            ("v0.9", "0.9.0"),
            (" 0.10.1b2 ", "0.10.1"),
            ("0.14.0.dev3", "0.14.0"),
            ("1", "1.0.0"),
            ("0.13.1a1.post2", "0.13.1"),
        ] {
            assert_eq!(text.parse::<Version>().unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "x", ".1", "99999.1", "-1.0"] {
            assert!(text.parse::<Version>().is_err(), "{text}");
        }
        assert!(Version::new(0, 9, 5) < Version::new(0, 10, 0), "numbers, not text, are compared");
    }
}
