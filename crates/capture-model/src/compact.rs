//! An observation in half of its size: a million files are kept at once.

use crate::{CapturedAt, DeviceIndex, LocalTime, Metres, Observation, Position, TimeSource, WallClock};

/// Stands for a missing time; no calendar reaches it.
const NO_TIME: i64 = i64::MIN;
const IS_ABSOLUTE: u8 = 1;
const CAMERA_IS_ABSOLUTE: u8 = 2;

/// An [`Observation`] as it is kept: 64 bytes instead of 120. What is missing is a number that none can be (not a number,
/// the first of all times), and never leaves this type.
#[derive(Debug, Clone, Copy)]
pub struct CompactObservation {
    longitude: f64,
    latitude: f64,
    altitude_m: f64,
    heading_deg: f64,
    time_ms: i64,
    gps_time_ms: i64,
    camera_time_ms: i64,
    device: DeviceIndex,
    time_resolution_ms: u16,
    time_source: TimeSource,
    /// Orientation (0 is none), shifted by the two flags.
    orientation_and_flags: u8,
}

impl CompactObservation {
    /// All of it.
    #[inline]
    pub fn get(&self) -> Observation {
        Observation {
            position: self.position(),
            altitude: self.altitude(),
            heading_deg: self.heading_deg(),
            time: self.time(),
            time_source: self.time_source,
            time_resolution_ms: self.time_resolution_ms,
            gps_time: self.gps_time(),
            camera_time: self.camera_time(),
            device: self.device,
            orientation: self.orientation(),
        }
    }

    /// Changes some of it.
    pub fn change(&mut self, change: impl FnOnce(&mut Observation)) {
        let mut all = self.get();
        change(&mut all);
        *self = all.into();
    }

    /// See [`Observation::position`].
    #[inline]
    pub fn position(&self) -> Option<Position> {
        Position::from_lon_lat(self.longitude, self.latitude).ok()
    }

    /// See [`Observation::altitude`].
    #[inline]
    pub fn altitude(&self) -> Option<Metres> {
        (!self.altitude_m.is_nan()).then_some(Metres(self.altitude_m))
    }

    /// See [`Observation::heading_deg`].
    #[inline]
    pub fn heading_deg(&self) -> Option<f64> {
        (!self.heading_deg.is_nan()).then_some(self.heading_deg)
    }

    /// See [`Observation::time`].
    #[inline]
    pub fn time(&self) -> Option<LocalTime> {
        local_time(self.time_ms, self.orientation_and_flags & IS_ABSOLUTE != 0)
    }

    /// See [`Observation::time_source`].
    pub fn time_source(&self) -> TimeSource {
        self.time_source
    }

    /// See [`Observation::time_resolution_ms`].
    pub fn time_resolution_ms(&self) -> u16 {
        self.time_resolution_ms
    }

    /// See [`Observation::gps_time`].
    #[inline]
    pub fn gps_time(&self) -> Option<CapturedAt> {
        (self.gps_time_ms != NO_TIME).then(|| CapturedAt::from_epoch_ms(self.gps_time_ms))
    }

    /// See [`Observation::camera_time`].
    #[inline]
    pub fn camera_time(&self) -> Option<LocalTime> {
        local_time(self.camera_time_ms, self.orientation_and_flags & CAMERA_IS_ABSOLUTE != 0)
    }

    /// See [`Observation::device`].
    #[inline]
    pub fn device(&self) -> DeviceIndex {
        self.device
    }

    /// Gives the device another number.
    #[inline]
    pub fn set_device(&mut self, device: DeviceIndex) {
        self.device = device;
    }

    /// See [`Observation::orientation`].
    pub fn orientation(&self) -> Option<u8> {
        Some(self.orientation_and_flags >> 2).filter(|&orientation| orientation > 0)
    }
}

#[inline]
fn local_time(ms: i64, is_absolute: bool) -> Option<LocalTime> {
    let time = || {
        if is_absolute {
            LocalTime::Absolute(CapturedAt::from_epoch_ms(ms))
        } else {
            LocalTime::Wall(WallClock::from_ms_as_if_utc(ms))
        }
    };
    (ms != NO_TIME).then(time)
}

impl From<Observation> for CompactObservation {
    #[inline]
    fn from(all: Observation) -> Self {
        let (longitude, latitude) = all.position.map_or((f64::NAN, f64::NAN), |place| (place.lon(), place.lat()));
        let flag = |time: Option<LocalTime>, flag| if matches!(time, Some(LocalTime::Absolute(_))) { flag } else { 0 };
        let flags = flag(all.time, IS_ABSOLUTE) | flag(all.camera_time, CAMERA_IS_ABSOLUTE);
        Self {
            longitude,
            latitude,
            altitude_m: all.altitude.map_or(f64::NAN, |altitude| altitude.0),
            heading_deg: all.heading_deg.unwrap_or(f64::NAN),
            time_ms: all.time.map_or(NO_TIME, LocalTime::ms),
            gps_time_ms: all.gps_time.map_or(NO_TIME, CapturedAt::epoch_ms),
            camera_time_ms: all.camera_time.map_or(NO_TIME, LocalTime::ms),
            device: all.device,
            time_resolution_ms: all.time_resolution_ms,
            time_source: all.time_source,
            orientation_and_flags: all.orientation.filter(|orientation| *orientation <= 8).unwrap_or(0) << 2 | flags,
        }
    }
}

impl Default for CompactObservation {
    fn default() -> Self {
        Observation::default().into()
    }
}

impl PartialEq for CompactObservation {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_kept_as_it_is() {
        assert_eq!(size_of::<CompactObservation>(), 64);
        let utc = |ms| LocalTime::Absolute(CapturedAt::from_epoch_ms(ms));
        let wall = |ms| LocalTime::Wall(WallClock::from_ms_as_if_utc(ms));
        let full = Observation {
            position: Position::from_lon_lat(-0.0, 90.0).ok(),
            altitude: Some(Metres(-3.983)),
            heading_deg: Some(0.0),
            time: Some(utc(-1)),
            time_source: TimeSource::Gps,
            time_resolution_ms: 1000,
            gps_time: Some(CapturedAt::from_epoch_ms(0)),
            camera_time: Some(wall(1_630_145_202_250)),
            device: u32::MAX,
            orientation: Some(8),
        };
        let other_way = Observation { time: Some(wall(0)), camera_time: Some(utc(5)), ..full.clone() };
        for observation in [Observation::default(), full.clone(), other_way] {
            let kept = CompactObservation::from(observation.clone());
            assert_eq!(kept.get(), observation);
            assert_eq!(kept, kept.get().into());
        }
        let mut kept = CompactObservation::from(full.clone());
        kept.change(|seen| (seen.time, seen.position) = (None, None));
        assert_eq!(kept.get(), Observation { time: None, position: None, ..full });
    }
}
