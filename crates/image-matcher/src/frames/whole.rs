//! A chain weighed as a whole: its times, its field, its clock, what was copied beside the place, and what its ends leave over.

use super::{FEWEST, Link, moved_links, moved_photo};
use crate::block::{Block, Places, roughness};
use crate::errors::{SCALES_S, TimeClass, edge_of_second, fit_sigma, most_by_scale};
use crate::medians::{median, median_vector, running_median};
use crate::plane::{Point, are_within, distance_m2, length_m};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::votes::{EXACT_M, GATE_M, nearest_quarter_ms};
use crate::{ClockOffset, Weights};
use capture_model::TimeKind;

/// Pairs of a ride that are looked at, from its middle.
pub(super) const MOST: usize = 512;
/// Places of a few frames are enough to tell, where so many are copied.
const COPIED: f64 = 0.2;
/// How services move a whole sequence: log-normal, metres.
const MEDIAN_SHIFT_M: f64 = 1.4;
/// A clock that is set differs from the right time by about this, seconds.
const SET_S: f64 = 0.3;
/// A clock that agrees to this was told twice, seconds; one that does not is another, or was set anew, in log odds.
const TO_THE_MS_S: f64 = 0.004;
const ANOTHER_CLOCK: f64 = 4.0;
/// A clock that differs by more than this is wrong, and may differ by anything.
const RIGHT_S: f64 = 1.2;
const MOST_BY_CLOCK: f64 = 11.0;
/// Frames closer than this share written seconds, seconds.
const LEAST_IN_SECONDS: f64 = 0.8;
/// Half of the field's window, pairs.
const HALF_FIELD: usize = 6;
const FEWEST_FOR_FIELD: usize = 15;
/// Log odds against a photo that has no image where the ride begins or ends, and against an image that has no photo there.
const LONE_PHOTOS: f64 = 3.0;
const LONE_IMAGES: f64 = 3.9;
/// Factor on what times say: clocks jitter alike for a while.
const TIME_TEMPER: f64 = 0.5;

/// A chain as a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed {
    pub(super) log_likelihood: f64,
    /// Where its times agree, seconds.
    pub(super) lag_s: f64,
    /// How far away its places lie, metres; infinite where too few tell.
    pub(super) shift_m: f64,
    pub(super) n_pairs: usize,
    pub(super) equal_altitudes: usize,
    pub(super) equal_headings: usize,
}

/// All pairs of a ride at one offset.
pub(super) struct Whole<'a> {
    ride: &'a Ride<'a>,
    side: &'a PublishedSide<'a>,
    weights: &'a Weights,
    clock: ClockOffset,
    /// Chains of the parts, in order of photos.
    chains: Vec<&'a [Link]>,
    /// Offset at each photo, ms, from the first part.
    strongest: &'a Block,
    /// The pairs of the middle, and the places of their images.
    middle: Vec<(Link, Point)>,
}

impl<'a> Whole<'a> {
    pub(super) fn new(
        ride: &'a Ride<'a>,
        side: &'a PublishedSide<'a>,
        blocks: &[&'a Block],
        weights: &'a Weights,
        clock: ClockOffset,
        most: usize,
    ) -> Option<Self> {
        let mut chains: Vec<&[Link]> = blocks.iter().map(|block| &*block.chain).collect();
        chains.sort_unstable_by_key(|chain| chain.first().copied());
        let n_pairs: usize = chains.iter().map(|chain| chain.len()).sum();
        let links = || chains.iter().flat_map(|chain| chain.iter());
        let (longitudes, latitudes) = ride.degrees();
        let is_exact = |&&(photo, image): &&Link| {
            let (photo, image) = (photo as usize, image as usize);
            let told = are_within(side.degrees(image)[0], (longitudes[photo], latitudes[photo]), EXACT_M);
            told.unwrap_or_else(|| {
                distance_m2(side.points(image, &ride.anchor)[0], ride.place()[photo]) < EXACT_M * EXACT_M
            })
        };
        let strongest = blocks.first()?;
        if !ride.is_timed() || ride.interval_s() <= 0.0 || n_pairs < FEWEST {
            return None;
        }
        let enough = (COPIED * n_pairs as f64).ceil() as usize;
        if links().filter(is_exact).take(enough).count() >= enough {
            return None;
        }
        let kind = usize::from(strongest.places == Places::Computed);
        let with_place = |&link: &Link| (link, side.points(link.1 as usize, &ride.anchor)[kind]);
        let middle = links().skip(n_pairs.saturating_sub(most) / 2).take(most).map(with_place).collect();
        Some(Self { ride, side, weights, clock, chains, strongest, middle })
    }

    /// The first and the last pair of the chain, moved.
    fn ends(&self, frames: i32) -> Option<[Link; 2]> {
        let last = self.chains.len() - 1;
        let mut moved = self.chains.iter().enumerate().flat_map(|(number, chain)| {
            moved_links(self.ride, self.side, chain, frames, [number == 0, number == last])
        });
        let first = moved.next()?;
        Some([first, moved.next_back().unwrap_or(first)])
    }

    /// The middle of the chain, moved: the same images whatever the frames, and their places.
    fn sample(&self, frames: i32) -> Vec<(Link, Point)> {
        let mut sample = Vec::with_capacity(self.middle.len());
        sample.extend(self.middle.iter().filter_map(|&((photo, image), place)| {
            Some(((moved_photo(self.ride, photo, -i64::from(frames))?, image), place))
        }));
        sample
    }

    /// Weighs the chain moved by some frames; `None` where too little of it is left.
    pub(super) fn weigh(&self, frames: i32) -> Option<Weighed> {
        let (links, n) = (self.sample(frames), self.middle.len());
        if links.len() < FEWEST || links.len() * 2 < n {
            return None;
        }
        let (n, ends) = (n as f64, self.ends(frames)?);
        let (times, lag_s, edge_s) = self.times(&links);
        let (places, shift_m) = self.places(&links, n)?;
        let log_likelihood = TIME_TEMPER * n * times + places + self.clock(lag_s + edge_s) - self.far_ends(ends);
        let (mut equal_altitudes, mut equal_headings) = (0, 0);
        for &((photo, image), _) in &links {
            let (photo, image) = (photo as usize, image as usize);
            let climb_m = self.side.altitude_m(image) - self.ride.altitude_m(photo);
            let turn_deg = self.side.heading_deg(image) - self.ride.heading_deg(photo);
            equal_altitudes += usize::from(climb_m.abs() <= 0.06);
            equal_headings += usize::from(turn_deg.abs() <= 0.02);
        }
        Some(Weighed { log_likelihood, lag_s, shift_m, n_pairs: links.len(), equal_altitudes, equal_headings })
    }

    /// Mean log density of the times, their middle, and where a written second begins about it.
    fn times(&self, links: &[(Link, Point)]) -> (f64, f64, f64) {
        let everywhere = (self.strongest.slope == 0.0).then(|| self.strongest.offset_at(0));
        let lag = |photo: u32, image: u32, time_ms: i64| {
            let offset_ms = everywhere.unwrap_or_else(|| self.strongest.offset_at(self.ride.time_ms[photo as usize]));
            (self.side.time_ms(image as usize) - time_ms - offset_ms) as f64 / 1000.0
        };
        let against = |times_ms: &[i64]| -> Vec<f64> {
            links.iter().map(|&((photo, image), _)| lag(photo, image, times_ms[photo as usize])).collect()
        };
        let sent = against(&self.ride.time_ms);
        let middle = median(&sent);
        let is_cut = |&((_, image), _): &(Link, Point)| self.side.time_ms(image as usize) % 1000 == 0;
        let are_cut = links.iter().all(is_cut);
        // seconds cut on both sides agree at some whole offset, of a timer at all of them
        let scales_s = if self.ride.whole_seconds && are_cut { &SCALES_S[2..] } else { &SCALES_S[..] };
        let mut best = (most_by_scale(&sent, middle, scales_s) / sent.len() as f64, 0.0);
        if self.ride.whole_seconds || are_cut {
            let raw = against(&self.ride.raw_ms);
            let edge_s = edge_of_second(&raw, true);
            let begins_s = if self.ride.whole_seconds { edge_s } else { edge_s + 1.0 };
            let class = TimeClass::Second { edge_s, phase_s: edge_s, width_s: 9.0 };
            let mean = class.log_likelihood(&raw) / raw.len() as f64;
            if mean > best.0 {
                best = (mean, begins_s - middle);
            }
        }
        (best.0, middle, best.1)
    }

    /// What places say of a chain of so many pairs: how smooth the field is, and how far it lies away, with that distance where it is
    /// known well; `None` beyond the gate.
    fn places(&self, links: &[(Link, Point)], n: f64) -> Option<(f64, f64)> {
        let (place, frozen) = (self.ride.place(), self.ride.frozen());
        let mut vectors: Vec<[f64; 2]> = Vec::with_capacity(links.len());
        vectors.extend(
            links
                .iter()
                .map(|&((photo, _), image_place)| (photo as usize, image_place))
                .filter(|&(photo, _)| !frozen[photo])
                .map(|(photo, image_place)| self.ride.plane.offset_m(place[photo], image_place))
                .filter(|vector| !vector[0].is_nan()),
        );
        if vectors.len() < FEWEST {
            return Some((0.0, f64::INFINITY)); // anywhere
        }
        let is_field = vectors.len() >= FEWEST_FOR_FIELD;
        let field =
            if is_field { running_median(&vectors, HALF_FIELD) } else { vec![median_vector(&vectors); vectors.len()] };
        let residual: Vec<f64> =
            vectors.iter().zip(&field).map(|(v, f)| length_m([v[0] - f[0], v[1] - f[1]])).collect();
        let time = |link: Option<&(Link, Point)>| link.map_or(0, |&((photo, _), _)| self.ride.time_ms[photo as usize]);
        let seconds = time(links.last()).saturating_sub(time(links.first())) as f64 / 1000.0;
        let density = (seconds / links.len() as f64).clamp(0.2, 1.0);
        let (rough_m, shift_m) = roughness(&field);
        let free = (seconds / 13.0).max(1.0).min(n);
        let rough = if is_field { 0.7 * free * rough_m.max(0.5).ln() } else { 0.0 };
        let n_live = n * vectors.len() as f64 / links.len() as f64;
        let smooth = self.weights.place_temper * density * n_live * fit_sigma(&residual).1 - rough;
        // frames that share a written second are told apart by too little for what lies behind them
        let is_known = is_field && !(self.ride.whole_seconds && self.ride.interval_s() < LEAST_IN_SECONDS);
        let away_m = if is_known { shift_m } else { f64::INFINITY };
        (shift_m < GATE_M).then(|| (smooth + log_shift(shift_m), away_m))
    }

    /// What the offset says: a clock that nobody gave is seldom wrong by a frame.
    fn clock(&self, lag_s: f64) -> f64 {
        let offset_ms = self.strongest.offset_ms + lag_s * 1000.0;
        let gap_ms = match (self.clock, self.ride.kind) {
            (ClockOffset::Fixed { offset_ms: given }, _) => offset_ms - given as f64,
            (_, TimeKind::Absolute) => offset_ms,
            _ => offset_ms - nearest_quarter_ms(offset_ms.round() as i64) as f64,
        };
        let gap_s = gap_ms.abs() / 1000.0;
        match gap_s {
            gap_s if gap_s <= TO_THE_MS_S => 0.0,
            gap_s if gap_s < RIGHT_S => -ANOTHER_CLOCK - gap_s / SET_S,
            _ => -MOST_BY_CLOCK,
        }
    }

    /// The cost of photos and images that are left over at the ends.
    fn far_ends(&self, [first, last]: [Link; 2]) -> f64 {
        let images = |image: u32| self.side.images_of(self.side.sequence(image as usize) as usize);
        let one = |is_lone: bool, cost: f64| if is_lone { cost } else { 0.0 };
        one(first.0 > 0, LONE_PHOTOS)
            + one((last.0 as usize) + 1 < self.ride.len(), LONE_PHOTOS)
            + one(first.1 as usize > images(first.1).start, LONE_IMAGES)
            + one((last.1 as usize) + 1 < images(last.1).end, LONE_IMAGES)
    }
}

/// Log density of a shift of a whole sequence on the plane; no shift is likelier than the usual one.
fn log_shift(shift_m: f64) -> f64 {
    let shift_m = shift_m.max(MEDIAN_SHIFT_M);
    -(shift_m / MEDIAN_SHIFT_M).ln().powi(2) / 2.0 - 2.0 * shift_m.ln()
}
