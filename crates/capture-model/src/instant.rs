//! Moments: of the world ([`CapturedAt`]) and of an owner's wall ([`WallClock`]).

use chrono::{DateTime, Utc};
use std::fmt;

/// The moment of exposure: milliseconds since the Unix epoch, UTC.
///
/// A camera without GPS time writes the time on its owner's wall. That is a [`WallClock`] until the
/// matcher has found its offset; there is deliberately no `From` between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapturedAt(i64);

/// A time of unknown zone, in milliseconds "as if it were UTC".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallClock(i64);

impl CapturedAt {
    /// Milliseconds since the Unix epoch, UTC.
    pub fn from_epoch_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch, UTC.
    pub fn epoch_ms(self) -> i64 {
        self.0
    }
}

impl WallClock {
    /// Milliseconds of the wall clock, counted as if its zone were UTC.
    pub fn from_ms_as_if_utc(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds of the wall clock, counted as if its zone were UTC.
    pub fn ms_as_if_utc(self) -> i64 {
        self.0
    }
}

fn write_iso(ms: i64, zone: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match DateTime::<Utc>::from_timestamp_millis(ms) {
        Some(time) => write!(f, "{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.3f")),
        None => Ok(()), // a time beyond the calendar has no text; the column stays empty
    }
}

/// ISO 8601 with milliseconds and `Z`: `2021-08-28T10:06:42.000Z`.
impl fmt::Display for CapturedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_iso(self.0, "Z", f)
    }
}

/// ISO 8601 with milliseconds, without a zone: `2021-08-28T12:06:42.000`.
impl fmt::Display for WallClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_iso(self.0, "", f)
    }
}

/// A local capture time: of the world, or of an unknown zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LocalTime {
    /// UTC is known (GPS time, offset tag, `Z`).
    Absolute(CapturedAt),
    /// The zone is unknown.
    Wall(WallClock),
}

impl LocalTime {
    /// Milliseconds on whichever clock it is; only for ordering within one clock and for adding a voted offset.
    pub fn ms(self) -> i64 {
        match self {
            Self::Absolute(t) => t.0,
            Self::Wall(t) => t.0,
        }
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absolute(t) => t.fmt(f),
            Self::Wall(t) => t.fmt(f),
        }
    }
}

/// Where the time that the uploader would choose was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeSource {
    /// `GPSDateStamp` and `GPSTimeStamp`.
    Gps,
    /// `DateTimeOriginal`.
    Original,
    /// `DateTimeDigitized`.
    Digitized,
    /// `DateTime`.
    Modified,
    /// XMP.
    Xmp,
    /// `mapillary_image_description.json`.
    Description,
    /// The uploader's history.
    History,
    /// Interpolated from a GPX track.
    Gpx,
    /// A table.
    Table,
    /// No time at all.
    #[default]
    None,
}

impl TimeSource {
    /// The word of the `time_source` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gps => "gps",
            Self::Original => "original",
            Self::Digitized => "digitized",
            Self::Modified => "modified",
            Self::Xmp => "xmp",
            Self::Description => "description",
            Self::History => "history",
            Self::Gpx => "gpx",
            Self::Table => "table",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_contract_says() {
        assert_eq!(CapturedAt::from_epoch_ms(1_630_145_202_000).to_string(), "2021-08-28T10:06:42.000Z");
        assert_eq!(WallClock::from_ms_as_if_utc(1_630_145_202_250).to_string(), "2021-08-28T10:06:42.250");
        assert_eq!(CapturedAt::from_epoch_ms(-1).to_string(), "1969-12-31T23:59:59.999Z");
        assert_eq!(CapturedAt::from_epoch_ms(i64::MAX).to_string(), "");
    }
}
