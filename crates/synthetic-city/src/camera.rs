//! Cameras and what they write: wall clocks of a zone, wrong by a constant or a drift, whole seconds or fractions.

use capture_model::Position;

/// What kind of file a photo is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoKind {
    /// A JPEG with EXIF.
    Sound,
    /// A JPEG whose bytes end early.
    Damaged,
    /// Text under the name of a photo.
    NotAPhoto,
}

/// One file as a camera left it.
#[derive(Debug, Clone, PartialEq)]
pub struct SyntheticPhoto {
    /// Path below the folder of photos, `/`-separated.
    pub path: String,
    /// What it is.
    pub kind: PhotoKind,
    /// Place as the receiver wrote it, to 7 decimals; (0, 0) for a receiver without a fix.
    pub position: Option<Position>,
    /// Altitude in metres to 3 decimals.
    pub altitude_m: Option<f64>,
    /// Heading in degrees.
    pub heading_deg: Option<f64>,
    /// The wall clock in ms, as if its zone were UTC.
    pub wall_ms: Option<i64>,
    /// Digits of the sub-second tag: 0, 2 or 3.
    pub sub_second_digits: usize,
    /// The offset tag in minutes east of UTC, where the camera writes one.
    pub offset_min: Option<i32>,
    /// GPS date and time, ms since the epoch, where the receiver writes it.
    pub gps_time_ms: Option<i64>,
    /// EXIF make.
    pub make: String,
    /// EXIF model.
    pub model: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A camera with its habits.
#[derive(Debug, Clone)]
pub(crate) struct Camera {
    pub(crate) make: &'static str,
    pub(crate) model: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) sub_second_digits: usize,
    pub(crate) writes_heading: bool,
    pub(crate) writes_altitude: bool,
    /// Whether a time is rounded to its last digit rather than cut.
    pub(crate) rounds_time: bool,
}

/// The clock of a camera: local wall time = true time + zone + error + drift.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub(crate) zone_min: i32,
    /// Wrong by this, and put right at upload: the published time is the true one.
    pub(crate) error_ms: i64,
    pub(crate) drift_ppm: f64,
    /// From this share of the ride on it shows so much more: summer time begins, a battery is changed.
    pub(crate) jump: Option<(f64, i64)>,
    /// Whether the zone is written beside the time.
    pub(crate) writes_offset: bool,
    /// Whether there is a GPS time.
    pub(crate) writes_gps_time: bool,
}

impl Clock {
    pub(crate) const UTC: Self =
        Self { zone_min: 0, error_ms: 0, drift_ppm: 0.0, jump: None, writes_offset: true, writes_gps_time: false };

    /// A wall clock of a zone, right but without saying so.
    pub(crate) fn zone(zone_min: i32) -> Self {
        Self { zone_min, writes_offset: false, ..Self::UTC }
    }

    /// A wall clock that is wrong by a constant.
    pub(crate) fn wrong(error_ms: i64) -> Self {
        Self { error_ms, writes_offset: false, ..Self::UTC }
    }

    /// What the wall shows at a true moment of a ride that lasts from `ride_ms.0` to `ride_ms.1`; the drift begins there.
    pub(crate) fn wall_ms(&self, time_ms: i64, ride_ms: (i64, i64)) -> i64 {
        let since_start = (time_ms - ride_ms.0) as f64;
        let drift = (since_start * self.drift_ppm * 1e-6) as i64;
        let has_jumped = |share: f64| since_start >= share * (ride_ms.1 - ride_ms.0) as f64;
        let jump = self.jump.filter(|&(share, _)| has_jumped(share)).map_or(0, |(_, by_ms)| by_ms);
        time_ms + i64::from(self.zone_min) * 60_000 + self.error_ms + drift + jump
    }
}

pub(crate) const ACTION: Camera = Camera {
    make: "GoPro",
    model: "HERO9 Black",
    width: 5184,
    height: 3888,
    sub_second_digits: 3,
    writes_heading: false,
    writes_altitude: true,
    rounds_time: false,
};
pub(crate) const PHONE: Camera = Camera {
    make: "Google",
    model: "Pixel 7",
    width: 4080,
    height: 3072,
    sub_second_digits: 3,
    writes_heading: true,
    writes_altitude: true,
    rounds_time: false,
};
pub(crate) const DASH: Camera = Camera {
    make: "BLACKVUE",
    model: "DR900X-2CH",
    width: 3840,
    height: 2160,
    sub_second_digits: 0,
    writes_heading: false,
    writes_altitude: true,
    rounds_time: false,
};
pub(crate) const PANO: Camera = Camera {
    make: "GoPro",
    model: "GoPro Max",
    width: 5760,
    height: 2880,
    sub_second_digits: 3,
    writes_heading: true,
    writes_altitude: true,
    rounds_time: false,
};
