//! One local track on one clock: the photos in capture order, with the times that the uploader would have sent.

use crate::plane::{Anchor, Chart, Plane, Point, distance_m2};
use capture_model::{Device, LocalImages, TimeKind};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

/// A receiver that repeats itself: places closer than this to the one before, metres.
const FROZEN_M: f64 = 0.02;

/// Photos of one track that share a clock. What the columns of the local side hold is read in place; what must be computed is
/// computed when it is asked for, and may be forgotten.
#[derive(Debug, Clone)]
pub(crate) struct Ride<'a> {
    /// Number of the track.
    pub(crate) track: usize,
    /// Number of the clock group.
    pub(crate) clock_group: u32,
    /// Which clock it is; `None` for rides without any time.
    pub(crate) kind: TimeKind,
    /// Rows of the photos, in capture order.
    rows: Rows,
    /// Sent times, ms on the local clock; interpolated where [`Self::width_s`] is above 0.
    pub(crate) time_ms: Cow<'a, [i64]>,
    /// Times as written, ms.
    pub(crate) raw_ms: Cow<'a, [i64]>,
    /// Half width of each interpolated time, seconds; empty where all photos have times of their own.
    widths_s: Vec<f64>,
    /// Whether times were written in whole seconds.
    pub(crate) whole_seconds: bool,
    /// Whether all photos have a time, or none could be placed between its neighbours.
    is_told: bool,
    longitude: Cow<'a, [f64]>,
    latitude: Cow<'a, [f64]>,
    altitude_m: Cow<'a, [f32]>,
    heading_deg: Cow<'a, [f32]>,
    /// The first place.
    pub(crate) anchor: Anchor,
    /// Folded device; `None` when unknown.
    pub(crate) device: Option<Device>,
    /// Directions at the middle.
    pub(crate) plane: Plane,
    /// The same for ways that are given in degrees.
    pub(crate) chart: Chart,
    looks: Looks,
}

/// What is asked only while blocks are weighed.
#[derive(Debug, Clone, Default)]
struct Looks {
    place: OnceLock<Vec<Point>>,
    frozen: OnceLock<Vec<bool>>,
    shutter_ms: OnceLock<Option<Vec<f64>>>,
    interval_s: OnceLock<f64>,
}

/// Rows of `LocalImages`.
#[derive(Debug, Clone)]
enum Rows {
    /// They follow each other.
    From(usize, usize),
    /// Each, and the photos in order of their rows once they were asked for.
    Listed(Vec<u32>, OnceLock<Vec<u32>>),
}

impl Rows {
    fn listed(rows: Vec<u32>) -> Self {
        Self::Listed(rows, OnceLock::new())
    }
}

impl<'a> Ride<'a> {
    /// How many photos.
    pub(crate) fn len(&self) -> usize {
        self.time_ms.len()
    }

    /// Whether its photos have times.
    pub(crate) fn is_timed(&self) -> bool {
        self.kind != TimeKind::None
    }

    /// Row of `LocalImages` of a photo.
    pub(crate) fn row(&self, photo: usize) -> usize {
        match &self.rows {
            Rows::From(first, _) => first + photo,
            Rows::Listed(rows, _) => rows[photo] as usize,
        }
    }

    /// The photo of one of its rows.
    pub(crate) fn photo_of(&self, row: usize) -> usize {
        match &self.rows {
            Rows::From(first, _) => row - first,
            Rows::Listed(rows, photos) => {
                let row_of = |&photo: &u32| rows[photo as usize];
                let photos = photos.get_or_init(|| {
                    let mut photos: Vec<u32> = (0..rows.len() as u32).collect();
                    photos.sort_unstable_by_key(row_of);
                    photos
                });
                photos[photos.partition_point(|photo| (row_of(photo) as usize) < row)] as usize
            }
        }
    }

    /// Longitudes and latitudes, degrees.
    pub(crate) fn degrees(&self) -> (&[f64], &[f64]) {
        (&self.longitude, &self.latitude)
    }

    /// Places.
    pub(crate) fn place(&self) -> &[Point] {
        self.looks.place.get_or_init(|| {
            self.longitude.iter().zip(&*self.latitude).map(|(&lon, &lat)| self.anchor.point(lon, lat)).collect()
        })
    }

    /// Whether the receiver repeats the place before.
    pub(crate) fn frozen(&self) -> &[bool] {
        self.looks.frozen.get_or_init(|| frozen(self.place()))
    }

    /// Altitude of a photo, NaN when unknown.
    pub(crate) fn altitude_m(&self, photo: usize) -> f64 {
        f64::from(self.altitude_m[photo])
    }

    /// Heading of a photo, NaN when unknown.
    pub(crate) fn heading_deg(&self, photo: usize) -> f64 {
        f64::from(self.heading_deg[photo])
    }

    /// Half width of the time of a photo that was placed between its neighbours, seconds; 0 for a time of its own.
    pub(crate) fn width_s(&self, photo: usize) -> f64 {
        self.widths_s.get(photo).copied().unwrap_or(0.0)
    }

    /// Times of a regular shutter that whole seconds were cut from, ms.
    pub(crate) fn shutter_ms(&self) -> Option<&[f64]> {
        let is_asked = self.whole_seconds && self.is_timed() && self.is_told && self.widths_s.is_empty();
        let shutter_ms =
            self.looks.shutter_ms.get_or_init(|| if is_asked { regular_shutter(&self.raw_ms) } else { None });
        shutter_ms.as_deref()
    }

    /// Typical time from one photo to the next, seconds; 0 without times.
    pub(crate) fn interval_s(&self) -> f64 {
        let typical_s = || if self.is_timed() { typical_interval_s(&self.time_ms) } else { 0.0 };
        *self.looks.interval_s.get_or_init(typical_s)
    }

    /// Frees what is asked only while blocks are weighed; it is computed anew for whoever asks again.
    pub(crate) fn forget_looks(&mut self) {
        self.looks = Looks::default();
    }

    /// The time of a photo as written, ms; that which was placed between its neighbours where it has none.
    pub(crate) fn written_ms(&self, photo: usize) -> i64 {
        self.raw_ms[photo]
    }

    /// Whether the time of a photo was placed between its neighbours.
    pub(crate) fn is_interpolated(&self, photo: usize) -> bool {
        self.width_s(photo) > 0.0
    }

    /// The rides of one track: one per kind of clock; photos without time go with the larger.
    pub(crate) fn of_track(local: &'a LocalImages, track: usize) -> Vec<Self> {
        let all = local.rows_of(track);
        if all.is_empty() {
            return Vec::new();
        }
        let kind = local.time_kind[all.start];
        if kind != TimeKind::None && local.time_kind[all.clone()].iter().all(|&other| other == kind) {
            if is_in_order(local, all.clone()) {
                return vec![Self::in_place(local, track, kind, all)];
            }
            let mut rides = Vec::with_capacity(1);
            Self::timed(local, track, kind, all.map(|row| row as u32).collect(), Vec::new(), &mut rides);
            return rides;
        }
        let of_kind = |kind: TimeKind| {
            all.clone().filter(|&row| local.time_kind[row] == kind).map(|row| row as u32).collect::<Vec<_>>()
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

    /// A ride on one clock whose rows are in capture order.
    fn in_place(local: &'a LocalImages, track: usize, kind: TimeKind, rows: Range<usize>) -> Self {
        let (time_ms, raw_ms) = (&local.sent_time_ms[rows.clone()], &local.time_ms[rows.clone()]);
        Self {
            kind,
            time_ms: Cow::Borrowed(time_ms),
            raw_ms: Cow::Borrowed(raw_ms),
            whole_seconds: is_in_seconds(&local.time_resolution_ms[rows.clone()], raw_ms),
            longitude: Cow::Borrowed(&local.longitude[rows.clone()]),
            latitude: Cow::Borrowed(&local.latitude[rows.clone()]),
            altitude_m: Cow::Borrowed(&local.altitude_m[rows.clone()]),
            heading_deg: Cow::Borrowed(&local.heading_deg[rows.clone()]),
            ..Self::bare(local, track, Rows::From(rows.start, rows.end))
        }
    }

    /// A ride on one clock. Photos without time are placed between their neighbours by name where names follow time; what
    /// cannot be placed is given back.
    fn timed(
        local: &'a LocalImages,
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
        let raw_ms =
            |&(time, width, row): &(i64, f64, u32)| if width > 0.0 { time } else { local.time_ms[row as usize] };
        let raw_ms: Vec<i64> = photos.iter().map(raw_ms).collect();
        let whole_seconds = timed.iter().all(|&row| local.time_resolution_ms[row as usize] >= 1000)
            || raw_ms.iter().all(|ms| ms % 1000 == 0);
        let has_widths = photos.iter().any(|photo| photo.1 > 0.0);
        let ride = Self {
            kind,
            time_ms: photos.iter().map(|photo| photo.0).collect(),
            raw_ms: Cow::Owned(raw_ms),
            widths_s: if has_widths { photos.iter().map(|photo| photo.1).collect() } else { Vec::new() },
            whole_seconds,
            is_told: left.is_empty(),
            ..Self::of_rows(local, track, photos.iter().map(|photo| photo.2).collect())
        };
        rides.push(ride);
        left
    }

    /// A ride whose only order is that of the names.
    fn untimed(local: &'a LocalImages, track: usize, mut rows: Vec<u32>) -> Self {
        rows.sort_unstable_by_key(|&row| local.path_rank[row as usize]);
        let time_ms = vec![0; rows.len()];
        Self { time_ms: Cow::Owned(time_ms.clone()), raw_ms: Cow::Owned(time_ms), ..Self::of_rows(local, track, rows) }
    }

    /// Some of its photos as a ride of their own, with the times as written.
    pub(crate) fn part(&self, photos: &[usize]) -> Self {
        let raw_ms: Vec<i64> = photos.iter().map(|&k| self.raw_ms[k]).collect();
        let time_ms =
            if self.whole_seconds { raw_ms.clone() } else { photos.iter().map(|&k| self.time_ms[k]).collect() };
        let of_degrees = |values: &[f64]| photos.iter().map(|&k| values[k]).collect::<Vec<f64>>();
        let of_small = |values: &[f32]| photos.iter().map(|&k| values[k]).collect::<Vec<f32>>();
        Self {
            rows: Rows::listed(photos.iter().map(|&k| self.row(k) as u32).collect()),
            time_ms: Cow::Owned(time_ms),
            raw_ms: Cow::Owned(raw_ms),
            widths_s: if self.widths_s.is_empty() { Vec::new() } else { of_degrees(&self.widths_s) },
            is_told: self.shutter_ms().is_some(),
            longitude: of_degrees(&self.longitude).into(),
            latitude: of_degrees(&self.latitude).into(),
            altitude_m: of_small(&self.altitude_m).into(),
            heading_deg: of_small(&self.heading_deg).into(),
            device: self.device.clone(),
            looks: Looks::default(),
            ..*self
        }
    }

    /// The columns of some rows, without times.
    fn of_rows(local: &'a LocalImages, track: usize, rows: Vec<u32>) -> Self {
        Self {
            longitude: rows.iter().map(|&row| local.longitude[row as usize]).collect(),
            latitude: rows.iter().map(|&row| local.latitude[row as usize]).collect(),
            altitude_m: rows.iter().map(|&row| local.altitude_m[row as usize]).collect(),
            heading_deg: rows.iter().map(|&row| local.heading_deg[row as usize]).collect(),
            ..Self::bare(local, track, Rows::listed(rows))
        }
    }

    /// What is known of rows without their columns.
    fn bare(local: &'a LocalImages, track: usize, rows: Rows) -> Self {
        let (first, middle) = match &rows {
            Rows::From(first, end) => (*first, first + (end - first) / 2),
            Rows::Listed(rows, _) => (rows[0] as usize, rows[rows.len() / 2] as usize),
        };
        let anchor = Anchor::at(local.longitude[first], local.latitude[first]);
        let plane = Plane::at(anchor.point(local.longitude[middle], local.latitude[middle]));
        let device = local.devices.value(local.device[first]);
        Self {
            track,
            clock_group: local.clock_group.get(track).copied().unwrap_or(track as u32),
            kind: TimeKind::None,
            rows,
            time_ms: Cow::default(),
            raw_ms: Cow::default(),
            widths_s: Vec::new(),
            whole_seconds: false,
            is_told: true,
            longitude: Cow::default(),
            latitude: Cow::default(),
            altitude_m: Cow::default(),
            heading_deg: Cow::default(),
            anchor,
            device: (!device.is_unknown()).then(|| device.key()),
            plane,
            chart: Chart::at(local.longitude[middle], local.latitude[middle]),
            looks: Looks::default(),
        }
    }
}

/// Whether rows are in order of time, those of one time by their paths.
fn is_in_order(local: &LocalImages, rows: Range<usize>) -> bool {
    let (time_ms, path_rank) = (&local.sent_time_ms[rows.clone()], &local.path_rank[rows]);
    (1..time_ms.len())
        .all(|k| time_ms[k - 1] < time_ms[k] || (time_ms[k - 1] == time_ms[k] && path_rank[k - 1] <= path_rank[k]))
}

/// Whether times are written in whole seconds.
fn is_in_seconds(resolution_ms: &[u16], raw_ms: &[i64]) -> bool {
    resolution_ms.iter().all(|&step_ms| step_ms >= 1000) || raw_ms.iter().all(|ms| ms % 1000 == 0)
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
