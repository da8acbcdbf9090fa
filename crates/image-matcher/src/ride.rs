//! One local track on one clock: the photos in capture order, with the times that the uploader would have sent.

use crate::plane::{Anchor, Plane, Point, distance_m2};
use capture_model::{Device, LocalImages, TimeKind};

/// A receiver that repeats itself: places closer than this to the one before, metres.
const FROZEN_M: f64 = 0.02;

/// Photos of one track that share a clock.
#[derive(Debug, Clone)]
pub(crate) struct Ride {
    /// Number of the track.
    pub(crate) track: usize,
    /// Number of the clock group.
    pub(crate) clock_group: u32,
    /// Which clock it is; `None` for rides without any time.
    pub(crate) kind: TimeKind,
    /// Row of `LocalImages` of each photo, in capture order.
    pub(crate) rows: Vec<u32>,
    /// Sent times, ms on the local clock; interpolated where `width_s` is above 0.
    pub(crate) time_ms: Vec<i64>,
    /// Times as written, ms.
    pub(crate) raw_ms: Vec<i64>,
    /// Half width of an interpolated time, seconds; 0 for a time of its own.
    pub(crate) width_s: Vec<f64>,
    /// Whether times were written in whole seconds.
    pub(crate) whole_seconds: bool,
    /// Times of a regular shutter that whole seconds were cut from, ms.
    pub(crate) shutter_ms: Option<Vec<f64>>,
    /// Typical time from one photo to the next, seconds; 0 without times.
    pub(crate) interval_s: f64,
    /// The first place.
    pub(crate) anchor: Anchor,
    /// Places.
    pub(crate) place: Vec<Point>,
    /// Whether the receiver repeats the place before.
    pub(crate) frozen: Vec<bool>,
    /// Altitude, NaN when unknown.
    pub(crate) altitude_m: Vec<f64>,
    /// Heading, NaN when unknown.
    pub(crate) heading_deg: Vec<f64>,
    /// Folded device; `None` when unknown.
    pub(crate) device: Option<Device>,
    /// Directions at the middle.
    pub(crate) plane: Plane,
}

impl Ride {
    /// How many photos.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether its photos have times.
    pub(crate) fn is_timed(&self) -> bool {
        self.kind != TimeKind::None
    }

    /// Frees what is asked only while blocks are weighed.
    pub(crate) fn forget_looks(&mut self) {
        self.shutter_ms = None;
        self.place = Vec::new();
        self.frozen = Vec::new();
        self.altitude_m = Vec::new();
        self.heading_deg = Vec::new();
        if self.raw_ms == self.time_ms {
            self.raw_ms = Vec::new();
        }
        if self.width_s.iter().all(|&width_s| width_s == 0.0) {
            self.width_s = Vec::new();
        }
    }

    /// The time of a photo as written, ms; that which was placed between its neighbours where it has none.
    pub(crate) fn written_ms(&self, photo: usize) -> i64 {
        self.raw_ms.get(photo).copied().unwrap_or(self.time_ms[photo])
    }

    /// Whether the time of a photo was placed between its neighbours.
    pub(crate) fn is_interpolated(&self, photo: usize) -> bool {
        self.width_s.get(photo).is_some_and(|&width_s| width_s > 0.0)
    }

    /// The rides of one track: one per kind of clock; photos without time go with the larger.
    pub(crate) fn of_track(local: &LocalImages, track: usize) -> Vec<Self> {
        let rows: Vec<u32> = local.rows_of(track).map(|row| row as u32).collect();
        if rows.is_empty() {
            return Vec::new();
        }
        let kind = local.time_kind[rows[0] as usize];
        if kind != TimeKind::None && local.time_kind[local.rows_of(track)].iter().all(|&other| other == kind) {
            let mut rides = Vec::with_capacity(1);
            Self::timed(local, track, kind, rows, Vec::new(), &mut rides);
            return rides;
        }
        let of_kind = |kind: TimeKind| {
            rows.iter().copied().filter(|&row| local.time_kind[row as usize] == kind).collect::<Vec<_>>()
        };
        let (absolute, wall, none) = (of_kind(TimeKind::Absolute), of_kind(TimeKind::Wall), of_kind(TimeKind::None));
        let mut rides = Vec::new();
        let (mut first, mut second) = ((TimeKind::Absolute, absolute), (TimeKind::Wall, wall));
        if second.1.len() > first.1.len() {
            std::mem::swap(&mut first, &mut second);
        }
        if first.1.is_empty() {
            return vec![Self::untimed(local, track, none)];
        }
        let untold = Self::timed(local, track, first.0, first.1, none, &mut rides);
        if !second.1.is_empty() {
            let left = Self::timed(local, track, second.0, second.1, Vec::new(), &mut rides);
            debug_assert!(left.is_empty());
        }
        if !untold.is_empty() {
            rides.push(Self::untimed(local, track, untold));
        }
        rides
    }

    /// A ride on one clock. Photos without time are placed between their neighbours by name where names follow time; what
    /// cannot be placed is given back.
    fn timed(
        local: &LocalImages,
        track: usize,
        kind: TimeKind,
        timed: Vec<u32>,
        untimed: Vec<u32>,
        rides: &mut Vec<Self>,
    ) -> Vec<u32> {
        let mut photos: Vec<(i64, f64, u32)> =
            timed.iter().map(|&row| (local.sent_time_ms[row as usize], 0.0, row)).collect();
        let mut left = Vec::new();
        if !untimed.is_empty() {
            let mut by_name: Vec<(u32, i64)> =
                timed.iter().map(|&row| (local.path_rank[row as usize], local.sent_time_ms[row as usize])).collect();
            by_name.sort_unstable();
            let names_follow = by_name.windows(2).all(|two| two[0].1 <= two[1].1);
            for row in untimed {
                let at = by_name.partition_point(|&(rank, _)| rank < local.path_rank[row as usize]);
                match (
                    names_follow,
                    at.checked_sub(1).map(|before| by_name[before].1),
                    by_name.get(at).map(|after| after.1),
                ) {
                    (true, Some(before), Some(after)) => {
                        photos.push((before + (after - before) / 2, (after - before) as f64 / 2000.0 + 1.0, row));
                    }
                    _ => left.push(row),
                }
            }
        }
        photos.sort_unstable_by_key(|&(time, _, row)| (time, local.path_rank[row as usize]));
        let mut ride = Self::bare(local, track, kind, photos.iter().map(|&(_, _, row)| row).collect());
        ride.time_ms = photos.iter().map(|photo| photo.0).collect();
        ride.width_s = photos.iter().map(|photo| photo.1).collect();
        ride.raw_ms = photos
            .iter()
            .map(|&(time, width, row)| if width > 0.0 { time } else { local.time_ms[row as usize] })
            .collect();
        ride.whole_seconds = timed.iter().all(|&row| local.time_resolution_ms[row as usize] >= 1000)
            || ride.raw_ms.iter().all(|ms| ms % 1000 == 0);
        if ride.whole_seconds && left.is_empty() && ride.width_s.iter().all(|&width| width == 0.0) {
            ride.shutter_ms = regular_shutter(&ride.raw_ms);
        }
        ride.interval_s = typical_interval_s(&ride.time_ms);
        rides.push(ride);
        left
    }

    /// A ride whose only order is that of the names.
    fn untimed(local: &LocalImages, track: usize, mut rows: Vec<u32>) -> Self {
        rows.sort_unstable_by_key(|&row| local.path_rank[row as usize]);
        let mut ride = Self::bare(local, track, TimeKind::None, rows);
        ride.time_ms = vec![0; ride.len()];
        ride.raw_ms = vec![0; ride.len()];
        ride.width_s = vec![0.0; ride.len()];
        ride
    }

    /// Some of its photos as a ride of their own, with the times as written.
    pub(crate) fn part(&self, photos: &[usize]) -> Self {
        let of = |values: &[f64]| photos.iter().map(|&k| values[k]).collect::<Vec<f64>>();
        let raw_ms: Vec<i64> = photos.iter().map(|&k| self.raw_ms[k]).collect();
        let time_ms =
            if self.whole_seconds { raw_ms.clone() } else { photos.iter().map(|&k| self.time_ms[k]).collect() };
        let place: Vec<Point> = photos.iter().map(|&k| self.place[k]).collect();
        Self {
            rows: photos.iter().map(|&k| self.rows[k]).collect(),
            interval_s: typical_interval_s(&time_ms),
            shutter_ms: if self.shutter_ms.is_some() { regular_shutter(&raw_ms) } else { None },
            time_ms,
            raw_ms,
            width_s: of(&self.width_s),
            frozen: frozen(&place),
            altitude_m: of(&self.altitude_m),
            heading_deg: of(&self.heading_deg),
            place,
            device: self.device.clone(),
            ..*self
        }
    }

    fn bare(local: &LocalImages, track: usize, kind: TimeKind, rows: Vec<u32>) -> Self {
        let column = |f: &dyn Fn(usize) -> f64| rows.iter().map(|&row| f(row as usize)).collect::<Vec<f64>>();
        let degrees = |row: u32| (local.longitude[row as usize], local.latitude[row as usize]);
        let (longitude, latitude) = degrees(rows[0]);
        let anchor = Anchor::at(longitude, latitude);
        let place: Vec<Point> = rows.iter().map(|&row| degrees(row)).map(|(lon, lat)| anchor.point(lon, lat)).collect();
        let frozen = frozen(&place);
        let device = local.devices.value(local.device[rows[0] as usize]);
        Self {
            track,
            clock_group: local.clock_group.get(track).copied().unwrap_or(track as u32),
            kind,
            time_ms: Vec::new(),
            raw_ms: Vec::new(),
            width_s: Vec::new(),
            whole_seconds: false,
            shutter_ms: None,
            interval_s: 0.0,
            plane: Plane::at(place[place.len() / 2]),
            anchor,
            frozen,
            altitude_m: column(&|row| f64::from(local.altitude_m[row])),
            heading_deg: column(&|row| f64::from(local.heading_deg[row])),
            device: (!device.is_unknown()).then(|| device.key()),
            place,
            rows,
        }
    }
}

/// Whether each place is that of the photo before.
fn frozen(place: &[Point]) -> Vec<bool> {
    (0..place.len()).map(|k| k > 0 && distance_m2(place[k - 1], place[k]) < FROZEN_M * FROZEN_M).collect()
}

/// The mean of the intervals without pauses, in seconds (the middle one of whole seconds would be a whole second); 0 for
/// fewer than two photos.
fn typical_interval_s(time_ms: &[i64]) -> f64 {
    const PAUSE: i64 = 4;
    let mut intervals: Vec<i64> = time_ms.windows(2).map(|two| two[1].saturating_sub(two[0])).collect();
    let middle = intervals.len() / 2;
    if intervals.is_empty() {
        return 0.0;
    }
    let longest = intervals.select_nth_unstable(middle).1.saturating_mul(PAUSE);
    let usual = intervals.iter().filter(|&&interval| interval <= longest);
    let (sum, n) = usual.fold((0_i64, 0_i64), |(sum, n), &interval| (sum.saturating_add(interval), n + 1));
    sum as f64 / n.max(1) as f64 / 1000.0
}

/// Sub-second times of a regular shutter from whole seconds: frames a + b k, each inside its own second. The slack of the
/// slope b is concave, so a search over one dimension finds it; only the corners of the frames' hull can bound it. `None`
/// where the frames are not that regular.
fn regular_shutter(raw_ms: &[i64]) -> Option<Vec<f64>> {
    let n = raw_ms.len();
    if n < 20 {
        return None;
    }
    let first = raw_ms[0];
    let frames: Vec<(f64, f64)> =
        raw_ms.iter().zip(0_u32..).map(|(ms, k)| (f64::from(k), (ms - first) as f64 / 1000.0)).collect();
    let (latest, earliest) = (hull(&frames, 1.0), hull(&frames, -1.0));
    let bounds = |b: f64| {
        let low = latest.iter().map(|&(k, t)| t - b * k).fold(f64::MIN, f64::max);
        let high = earliest.iter().map(|&(k, t)| t + 1.0 - b * k).fold(f64::MAX, f64::min);
        (low, high)
    };
    let slack = |b: f64| {
        let (low, high) = bounds(b);
        high - low
    };
    let slope = (frames[n - 1].1 - frames[0].1) / (n - 1) as f64;
    let (mut low, mut high) = (slope - 2.0 / n as f64, slope + 2.0 / n as f64);
    for _ in 0..60 {
        let (p, q) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if slack(p) < slack(q) { low = p } else { high = q }
    }
    let b = f64::midpoint(low, high);
    let (low, high) = bounds(b);
    if low - high >= 0.12 {
        return None;
    }
    let a = f64::midpoint(low, high);
    let time = |&(k, t): &(f64, f64)| first as f64 + 1000.0 * (a + b * k).clamp(t, t + 0.999);
    Some(frames.iter().map(time).collect())
}

/// The corners of the hull of points that rise in x, above them (side 1) or below (side −1).
fn hull(points: &[(f64, f64)], side: f64) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = Vec::new();
    for &point in points {
        while let [.., a, b] = corners[..] {
            let turn = (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0);
            if turn * side < 0.0 {
                break;
            }
            corners.pop();
        }
        corners.push(point);
    }
    corners
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_shutter_is_seen_through_whole_seconds() {
        let truth: Vec<f64> = (0..100).map(|k| 370.0 + 430.0 * f64::from(k)).collect();
        let cut: Vec<i64> = truth.iter().map(|ms| (*ms as i64) / 1000 * 1000).collect();
        let found = regular_shutter(&cut).unwrap();
        let worst = found.iter().zip(&truth).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst < 60.0, "{worst} ms");
        let uneven: Vec<i64> = (0..100).map(|k| (k + (k % 7) * (k % 3)) * 1000).collect();
        assert!(regular_shutter(&uneven).is_none());
        let points: Vec<(f64, f64)> = (0..300).map(|k| (f64::from(k), f64::from(k * 37 % 101 - k / 3))).collect();
        for slope in [-2.5, -1.0 / 3.0, 0.0, 0.7, 40.0] {
            let most = |points: &[(f64, f64)], side: f64| {
                points.iter().map(|p| (p.1 - slope * p.0) * side).fold(f64::MIN, f64::max)
            };
            for side in [1.0, -1.0] {
                assert_eq!(most(&hull(&points, side), side), most(&points, side), "{slope} {side}");
            }
        }
    }
}
