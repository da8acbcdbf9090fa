//! Places on WGS 84, in degrees, longitude before latitude.

use std::fmt;

/// A length in metres; never squared, never degrees.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Metres(pub f64);

/// Longitude on WGS 84 in degrees: finite and within ±180.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Longitude(f64);

/// Latitude on WGS 84 in degrees: finite and within ±90.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Latitude(f64);

/// A coordinate that is not on the globe.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum InvalidPosition {
    /// Outside ±180 or not a number.
    #[error("longitude {degrees} is not within -180 to 180 degrees")]
    Longitude {
        /// What was given.
        degrees: f64,
    },
    /// Outside ±90 or not a number.
    #[error("latitude {degrees} is not within -90 to 90 degrees")]
    Latitude {
        /// What was given.
        degrees: f64,
    },
}

impl Longitude {
    /// Checks the range; NaN and infinities are refused.
    #[inline]
    pub fn from_degrees(degrees: f64) -> Result<Self, InvalidPosition> {
        match degrees {
            -180.0..=180.0 => Ok(Self(degrees)),
            _ => Err(InvalidPosition::Longitude { degrees }), // NaN lands here too
        }
    }

    /// Degrees east of Greenwich, −180…180.
    pub fn degrees(self) -> f64 {
        self.0
    }
}

impl Latitude {
    /// The one place where the range is checked; nothing behind this line checks it again.
    #[inline]
    pub fn from_degrees(degrees: f64) -> Result<Self, InvalidPosition> {
        match degrees {
            -90.0..=90.0 => Ok(Self(degrees)),
            _ => Err(InvalidPosition::Latitude { degrees }), // NaN lands here too
        }
    }

    /// Degrees north of the equator, −90…90.
    pub fn degrees(self) -> f64 {
        self.0
    }
}

/// A place on WGS 84: longitude first, as everywhere in Tiepoint.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Position {
    /// Longitude.
    pub longitude: Longitude,
    /// Latitude.
    pub latitude: Latitude,
}

impl Position {
    /// Both in degrees, longitude first.
    ///
    /// ```
    /// use capture_model::Position;
    /// assert!(Position::from_lon_lat(-0.0754, 51.5055).is_ok());
    /// assert!(Position::from_lon_lat(f64::NAN, 0.0).is_err());
    /// ```
    #[inline]
    pub fn from_lon_lat(longitude: f64, latitude: f64) -> Result<Self, InvalidPosition> {
        Ok(Self { longitude: Longitude::from_degrees(longitude)?, latitude: Latitude::from_degrees(latitude)? })
    }

    /// Longitude in degrees.
    pub fn lon(self) -> f64 {
        self.longitude.0
    }

    /// Latitude in degrees.
    pub fn lat(self) -> f64 {
        self.latitude.0
    }

    /// Exactly (0, 0): what a receiver without a fix writes.
    pub fn is_null_island(self) -> bool {
        self.longitude.0 == 0.0 && self.latitude.0 == 0.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.7},{:.7}", self.longitude.0, self.latitude.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused() {
        for (lon, lat) in [(180.1, 0.0), (0.0, 90.1), (f64::NAN, 0.0), (0.0, f64::NAN), (f64::INFINITY, 0.0)] {
            assert!(Position::from_lon_lat(lon, lat).is_err(), "{lon} {lat}");
        }
        assert!(Position::from_lon_lat(-180.0, 90.0).is_ok());
        assert!(Position::from_lon_lat(0.0, 0.0).unwrap().is_null_island());
    }
}
