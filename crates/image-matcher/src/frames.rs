//! A chain moved by whole frames: what tells a ride from itself one photo later.
//!
//! In: a ride and its blocks at one offset. Out: by how many frames the chain may be moved, and the share of each.
//!
//! # Method
//! Published places that were moved lie as far from the next photo as from their own, and a field that follows the ride fits
//! either. The images stay, the photos move on by a few frames, and each such chain is weighed as a whole: how evenly its
//! times differ, how smooth its field is, how far it lies away (a service moves a sequence by some metres: log-normal, median
//! 1.4 m), what was copied beside the place, whether a clock that is not wrong would give its offset, and whether a photo or an
//! image is left over where the other side ends. A shutter that is not regular answers at the first of these.
//!
//! # Equal alternatives
//! Chains that are less than a hundred times less probable than the best are told apart by nothing but how services usually move places.
//! They share their probability evenly and are all told.

use crate::block::{Block, Places, roughness};
use crate::errors::{SCALES_S, TimeClass, fit_second, fit_sigma, median, median_vector, running_median};
use crate::explore::{SHARED, shared_photos};
use crate::plane::{Point, distance_m2};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::votes::{EXACT_M, GATE_M, nearest_quarter_ms};
use crate::{ClockOffset, Weights};
use capture_model::TimeKind;

/// Fewer pairs have no frames that could be told apart.
const FEWEST: usize = 3;
/// Pairs of a ride that are looked at, from its middle.
const MOST: usize = 512;
/// Chains further away are not looked at, frames.
const FURTHEST: i32 = 64;
/// What is this much less likely than the best is out of question, and so is what lies behind three of them, nats.
const HOPELESS: f64 = 15.0;
/// Alternatives that are less than a hundred times less likely are equal, nats.
const EQUAL: f64 = 4.6;
/// Less probable alternatives are not told.
const LEAST_SHARE: f64 = 0.003;
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

/// The chain moved by some frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FrameShift {
    /// Photos are taken that many frames earlier.
    pub(crate) frames: i32,
    /// By how much the offset grows, ms.
    pub(crate) later_ms: f64,
    /// Its probability among the others.
    pub(crate) share: f64,
}

/// Offsets that the chains that were looked at have, against the one that is not moved, ms, and how far places lie away at the
/// first and the last of them, metres.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reach {
    ms: [f64; 2],
    shift_m: [f64; 2],
}

impl Reach {
    /// Whether an offset is one of them, or lies behind them and further away: out of question with them.
    pub(crate) fn covers(&self, away_ms: f64, shift_m: impl FnOnce() -> f64) -> bool {
        match away_ms {
            away_ms if away_ms < self.ms[0] => shift_m() > self.shift_m[0],
            away_ms if away_ms > self.ms[1] => shift_m() > self.shift_m[1],
            _ => true,
        }
    }
}

/// A pair of the moved chain: photo and image.
type Link = (u32, u32);

/// The blocks that make up the ride at this offset: the strongest first, and those that claim other photos.
pub(crate) fn parts(blocks: &[Block]) -> Vec<usize> {
    let mut taken: Vec<usize> = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        if block.evidence_alone > 0.0 && taken.iter().all(|&known| shared_photos(&blocks[known], block) <= SHARED) {
            taken.push(number);
        }
    }
    taken
}

/// The chains that may be meant, the most probable first; `None` where something tells the frames apart.
pub(crate) fn frame_shifts(
    ride: &Ride,
    side: &PublishedSide,
    blocks: &[&Block],
    weights: &Weights,
    clock: ClockOffset,
) -> Option<(Vec<FrameShift>, Reach)> {
    let whole = Whole::new(ride, side, blocks, weights, clock)?;
    let here = whole.weigh(0)?;
    let mut all: Vec<(i32, Weighed)> = vec![(0, here)];
    let mut most = here.log_likelihood;
    for way in [1, -1] {
        let mut n_hopeless = 0;
        for frames in (1..=FURTHEST).map(|k| k * way) {
            let Some(there) = whole.weigh(frames) else { break };
            most = most.max(there.log_likelihood);
            n_hopeless = if there.log_likelihood < most - HOPELESS { n_hopeless + 1 } else { 0 };
            all.push((frames, there));
            if n_hopeless == 3 || (frames.abs() == 1 && there.log_likelihood < most - 3.0 * HOPELESS) {
                break;
            }
        }
    }
    // copies speak where half of the pairs of any chain agree
    let is_copied = |count: fn(&Weighed) -> usize| all.iter().any(|(_, chain)| count(chain) * 2 >= chain.n_pairs);
    let (by_altitude, by_heading) = (is_copied(|chain| chain.equal_altitudes), is_copied(|chain| chain.equal_headings));
    for (_, chain) in &mut all {
        let of = |is_told: bool, count: usize| if is_told { count as f64 } else { 0.0 };
        chain.log_likelihood += of(by_altitude, chain.equal_altitudes).max(of(by_heading, chain.equal_headings));
    }
    let half_s = ride.interval_s / 2.0;
    let (mut first, mut last) = (here, here);
    for (_, chain) in &all {
        first = if chain.lag_s < first.lag_s { *chain } else { first };
        last = if chain.lag_s > last.lag_s { *chain } else { last };
    }
    let ms = [first.lag_s - half_s, last.lag_s + half_s].map(|lag_s| (lag_s - here.lag_s) * 1000.0);
    Some((shares(&all, here.lag_s), Reach { ms, shift_m: [first.shift_m, last.shift_m] }))
}

/// Probabilities from likelihoods; those that are nearly the greatest share alike.
fn shares(all: &[(i32, Weighed)], lag_s: f64) -> Vec<FrameShift> {
    let most = all.iter().map(|(_, chain)| chain.log_likelihood).fold(f64::NEG_INFINITY, f64::max);
    let odds = |chain: &Weighed| (chain.log_likelihood - most).exp();
    let sum: f64 = all.iter().map(|(_, chain)| odds(chain)).sum();
    let is_equal = |chain: &Weighed| chain.log_likelihood >= most - EQUAL;
    let equal: Vec<f64> = all.iter().filter(|(_, chain)| is_equal(chain)).map(|(_, chain)| odds(chain)).collect();
    let each = equal.iter().sum::<f64>() / equal.len() as f64;
    let mut shifts: Vec<(FrameShift, f64)> = all
        .iter()
        .map(|(frames, chain)| {
            let share = if is_equal(chain) { each } else { odds(chain) } / sum;
            let shift = FrameShift { frames: *frames, later_ms: (chain.lag_s - lag_s) * 1000.0, share };
            (shift, chain.log_likelihood)
        })
        .filter(|(shift, _)| shift.share >= LEAST_SHARE)
        .collect();
    shifts.sort_by(|(a, of_a), (b, of_b)| {
        b.share
            .total_cmp(&a.share)
            .then(of_b.total_cmp(of_a))
            .then(a.frames.abs().cmp(&b.frames.abs()))
            .then(a.frames.cmp(&b.frames))
    });
    shifts.into_iter().map(|(shift, _)| shift).collect()
}

/// A block whose photos were moved by some frames; nothing of it is judged anew.
pub(crate) fn moved_block(ride: &Ride, side: &PublishedSide, block: &Block, shift: FrameShift) -> Block {
    const OF_AN_END: f64 = 0.9;
    let posterior_of = |image: u32| {
        block.pairs.iter().filter(|pair| pair.image == image).map(|pair| pair.posterior).fold(0.0, f64::max)
    };
    let chain = moved_chain(ride, side, &block.chain, shift.frames, [true, true]);
    let pairs = chain
        .iter()
        .map(|&(photo, image)| {
            let known = posterior_of(image);
            let posterior = if known > 0.0 { known } else { OF_AN_END };
            crate::block::Pair { photo, image, posterior, terms: [0.0; 4] }
        })
        .collect();
    Block { pairs, chain, offset_ms: block.offset_ms + shift.later_ms, ..block.clone() }
}

/// The same images with photos so many frames earlier. Where the chain ends, images that were left over are given to the photos
/// that follow, if this end is one of the ride's.
fn moved_chain(ride: &Ride, side: &PublishedSide, chain: &[Link], frames: i32, is_end: [bool; 2]) -> Vec<Link> {
    let (Some(&first), Some(&last)) = (chain.first(), chain.last()) else { return Vec::new() };
    let images = side.images_of(side.sequence(first.1 as usize) as usize);
    let photo =
        |photo: u32, later: i64| u32::try_from(i64::from(photo) + later).ok().filter(|&k| (k as usize) < ride.len());
    let image = |at: i64| usize::try_from(at).ok().filter(|at| images.contains(at)).map(|at| at as u32);
    let back = -i64::from(frames);
    let reach = i64::from(frames.abs());
    let mut moved: Vec<Link> = Vec::with_capacity(chain.len() + 2 * reach as usize);
    if is_end[0] {
        let before = (1..=reach).rev();
        moved.extend(before.filter_map(|k| Some((photo(first.0, back - k)?, image(i64::from(first.1) - k)?))));
    }
    moved.extend(chain.iter().filter_map(|&(own, image)| Some((photo(own, back)?, image))));
    if is_end[1] {
        let after = 1..=reach;
        moved.extend(after.filter_map(|k| Some((photo(last.0, back + k)?, image(i64::from(last.1) + k)?))));
    }
    moved
}

/// The photo so many later in a ride.
fn moved_photo(ride: &Ride, photo: u32, later: i64) -> Option<u32> {
    u32::try_from(i64::from(photo) + later).ok().filter(|&photo| (photo as usize) < ride.len())
}

/// A chain as a whole.
#[derive(Debug, Clone, Copy)]
struct Weighed {
    log_likelihood: f64,
    /// Where its times agree, seconds.
    lag_s: f64,
    /// How far away its places lie, metres; infinite where too few tell.
    shift_m: f64,
    n_pairs: usize,
    equal_altitudes: usize,
    equal_headings: usize,
}

/// All pairs of a ride at one offset.
struct Whole<'a> {
    ride: &'a Ride,
    side: &'a PublishedSide<'a>,
    weights: &'a Weights,
    clock: ClockOffset,
    /// Chains of the parts, in order of photos.
    chains: Vec<&'a [Link]>,
    /// Offset at each photo, ms, from the first part.
    strongest: &'a Block,
    n_pairs: usize,
    /// The pairs of the middle, and the places of their images.
    middle: Vec<(Link, Point)>,
}

impl<'a> Whole<'a> {
    fn new(
        ride: &'a Ride,
        side: &'a PublishedSide<'a>,
        blocks: &[&'a Block],
        weights: &'a Weights,
        clock: ClockOffset,
    ) -> Option<Self> {
        let mut chains: Vec<&[Link]> = blocks.iter().map(|block| block.chain.as_slice()).collect();
        chains.sort_unstable_by_key(|chain| chain.first().copied());
        let n_pairs: usize = chains.iter().map(|chain| chain.len()).sum();
        let links = || chains.iter().flat_map(|chain| chain.iter());
        let is_exact = |&&(photo, image): &&Link| {
            distance_m2(side.points(image as usize, &ride.anchor)[0], ride.place[photo as usize]) < EXACT_M * EXACT_M
        };
        let n_exact = links().filter(is_exact).count();
        let is_told = n_exact as f64 >= COPIED * n_pairs as f64;
        let strongest = blocks.first()?;
        if !ride.is_timed() || ride.interval_s <= 0.0 || n_pairs < FEWEST || is_told {
            return None;
        }
        let kind = usize::from(strongest.places == Places::Computed);
        let with_place = |&link: &Link| (link, side.points(link.1 as usize, &ride.anchor)[kind]);
        let middle = links().skip(n_pairs.saturating_sub(MOST) / 2).take(MOST).map(with_place).collect();
        Some(Self { ride, side, weights, clock, chains, strongest, n_pairs, middle })
    }

    fn links(&self, frames: i32) -> Vec<Link> {
        let last = self.chains.len() - 1;
        let moved = self.chains.iter().enumerate().flat_map(|(number, chain)| {
            moved_chain(self.ride, self.side, chain, frames, [number == 0, number == last])
        });
        moved.collect()
    }

    /// The middle of the chain, moved: the same images whatever the frames, and their places.
    fn sample(&self, frames: i32) -> (Vec<Link>, Vec<Point>) {
        let moved = self.middle.iter().filter_map(|&((photo, image), place)| {
            Some(((moved_photo(self.ride, photo, -i64::from(frames))?, image), place))
        });
        moved.unzip()
    }

    /// Weighs the chain moved by some frames; `None` where too little of it is left.
    fn weigh(&self, frames: i32) -> Option<Weighed> {
        let all = self.links(frames);
        let (links, image_places) = self.sample(frames);
        let (links, n) = (links.as_slice(), self.n_pairs.min(MOST));
        if links.len() < FEWEST || links.len() * 2 < n {
            return None;
        }
        let n = n as f64;
        let (times, lag_s, edge_s) = self.times(links);
        let (places, shift_m) = self.places(links, &image_places, n)?;
        let far = self.far_ends(&all);
        let equal = |difference: &dyn Fn(usize, usize) -> f64, within: f64| {
            links.iter().filter(|link| difference(link.0 as usize, link.1 as usize).abs() <= within).count()
        };
        let equal_altitudes = equal(&|photo, image| self.side.altitude_m(image) - self.ride.altitude_m[photo], 0.06);
        let equal_headings = equal(&|photo, image| self.side.heading_deg(image) - self.ride.heading_deg[photo], 0.02);
        let log_likelihood = TIME_TEMPER * n * times + places + self.clock(lag_s + edge_s) - far;
        Some(Weighed { log_likelihood, lag_s, shift_m, n_pairs: links.len(), equal_altitudes, equal_headings })
    }

    /// Mean log density of the times, their middle, and where a written second begins about it.
    fn times(&self, links: &[Link]) -> (f64, f64, f64) {
        let lag = |photo: usize, image: u32, time_ms: i64| {
            let offset_ms = self.strongest.offset_at(self.ride.time_ms[photo]);
            (self.side.time_ms(image as usize) - time_ms - offset_ms) as f64 / 1000.0
        };
        let sent: Vec<f64> =
            links.iter().map(|&(photo, image)| lag(photo as usize, image, self.ride.time_ms[photo as usize])).collect();
        let middle = median(&sent);
        let mut best = (f64::NEG_INFINITY, 0.0);
        let mut offer = |class: TimeClass, values: &[f64], edge_s: f64| {
            let mean = class.log_likelihood(values) / values.len() as f64;
            if mean > best.0 {
                best = (mean, edge_s);
            }
        };
        for scale_s in SCALES_S {
            offer(TimeClass::Laplace { scale_s, centre_s: middle }, &sent, 0.0);
        }
        let is_cut = |&(_, image): &Link| self.side.time_ms(image as usize) % 1000 == 0;
        if self.ride.whole_seconds || links.iter().all(is_cut) {
            let raw: Vec<f64> = links
                .iter()
                .map(|&(photo, image)| lag(photo as usize, image, self.ride.raw_ms[photo as usize]))
                .collect();
            let (edge_s, _) = fit_second(&raw, true);
            let begins_s = if self.ride.whole_seconds { edge_s } else { edge_s + 1.0 };
            offer(TimeClass::Second { edge_s, phase_s: edge_s, width_s: 9.0 }, &raw, begins_s - middle);
        }
        (best.0, middle, best.1)
    }

    /// What places say of a chain of so many pairs: how smooth the field is, and how far it lies away, with that distance where it is
    /// known well; `None` beyond the gate.
    fn places(&self, links: &[Link], image_places: &[Point], n: f64) -> Option<(f64, f64)> {
        let vectors: Vec<[f64; 2]> = links
            .iter()
            .zip(image_places)
            .filter(|(link, _)| !self.ride.frozen[link.0 as usize])
            .map(|(link, &place)| self.ride.plane.offset_m(self.ride.place[link.0 as usize], place))
            .filter(|vector| !vector[0].is_nan())
            .collect();
        if vectors.len() < FEWEST {
            return Some((0.0, f64::INFINITY)); // anywhere
        }
        let is_field = vectors.len() >= FEWEST_FOR_FIELD;
        let field =
            if is_field { running_median(&vectors, HALF_FIELD) } else { vec![median_vector(&vectors); vectors.len()] };
        let residual: Vec<f64> = vectors.iter().zip(&field).map(|(v, f)| (v[0] - f[0]).hypot(v[1] - f[1])).collect();
        let time = |link: Option<&Link>| link.map_or(0, |link| self.ride.time_ms[link.0 as usize]);
        let seconds = time(links.last()).saturating_sub(time(links.first())) as f64 / 1000.0;
        let density = (seconds / links.len() as f64).clamp(0.2, 1.0);
        let (rough_m, shift_m) = roughness(&field);
        let free = (seconds / 13.0).max(1.0).min(n);
        let rough = if is_field { 0.7 * free * rough_m.max(0.5).ln() } else { 0.0 };
        let n_live = n * vectors.len() as f64 / links.len() as f64;
        let smooth = self.weights.place_temper * density * n_live * fit_sigma(&residual).1 - rough;
        // frames that share a written second are told apart by too little for what lies behind them
        let is_known = is_field && !(self.ride.whole_seconds && self.ride.interval_s < LEAST_IN_SECONDS);
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
    fn far_ends(&self, links: &[Link]) -> f64 {
        let (first, last) = (links[0], links[links.len() - 1]);
        let images = |image: u32| self.side.images_of(self.side.sequence(image as usize) as usize);
        let one = |is_lone: bool, cost: f64| if is_lone { cost } else { 0.0 };
        one(first.0 > 0, LONE_PHOTOS)
            + one((last.0 as usize) + 1 < self.ride.len(), LONE_PHOTOS)
            + one(first.1 as usize > images(first.1).start, LONE_IMAGES)
            + one((last.1 as usize) + 1 < images(last.1).end, LONE_IMAGES)
    }
}

/// How far away the images of a block lie all together, metres.
pub(crate) fn shift_of(ride: &Ride, side: &PublishedSide, block: &Block) -> f64 {
    let kind = usize::from(block.places == Places::Computed);
    let vector = |&(photo, image): &Link| {
        ride.plane.offset_m(ride.place[photo as usize], side.points(image as usize, &ride.anchor)[kind])
    };
    let live = block.chain.iter().filter(|link| !ride.frozen[link.0 as usize]);
    let vectors: Vec<[f64; 2]> = live.map(vector).filter(|vector| !vector[0].is_nan()).collect();
    let shift = median_vector(&vectors);
    shift[0].hypot(shift[1])
}

/// Log density of a shift of a whole sequence on the plane; no shift is likelier than the usual one.
fn log_shift(shift_m: f64) -> f64 {
    let shift_m = shift_m.max(MEDIAN_SHIFT_M);
    -(shift_m / MEDIAN_SHIFT_M).ln().powi(2) / 2.0 - 2.0 * shift_m.ln()
}
