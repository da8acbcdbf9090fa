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

mod whole;

use crate::block::{Block, Places};
use crate::explore::{SHARED, shared_photos};
use crate::medians::median_vector;
use crate::plane::length_m;
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::{ClockOffset, Weights};
use whole::{Weighed, Whole};

/// Fewer pairs have no frames that could be told apart.
const FEWEST: usize = 3;
/// Chains further away are not looked at, frames.
const FURTHEST: i32 = 64;
/// What is this much less likely than the best is out of question, and so is what lies behind three of them, nats.
const HOPELESS: f64 = 15.0;
/// Alternatives that are less than a hundred times less likely are equal, nats.
const EQUAL: f64 = 4.6;
/// Less probable alternatives are not told.
const LEAST_SHARE: f64 = 0.003;

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

/// Whether a look at the middle of the chain, one frame to each side, rules out all others: they cannot be less hopeless than both.
/// So it does where something tells the frames apart.
pub(crate) fn is_told_by_few(
    ride: &Ride,
    side: &PublishedSide,
    blocks: &[&Block],
    weights: &Weights,
    clock: ClockOffset,
) -> bool {
    const FEW: usize = 48;
    let Some(few) = Whole::new(ride, side, blocks, weights, clock, FEW) else { return true };
    let Some(here) = few.weigh(0) else { return false };
    let copied = copied(&here);
    [1, -1].iter().all(|&frames| {
        let is_lost = |there: &Weighed| lost(copied, there) + here.log_likelihood - there.log_likelihood;
        few.weigh(frames).is_none_or(|there| is_lost(&there) > 4.0 * HOPELESS)
    })
}

/// How many pairs of a chain have copied an altitude or a heading, where half of them have.
fn copied(chain: &Weighed) -> usize {
    let equal = chain.equal_altitudes.max(chain.equal_headings);
    if equal * 2 >= chain.n_pairs { equal } else { 0 }
}

/// What a chain lacks of so many copies, in nats: what the chain as it is has copied, another must have copied too.
fn lost(copied: usize, there: &Weighed) -> f64 {
    copied.saturating_sub(there.equal_altitudes.max(there.equal_headings)) as f64
}

/// The chains that may be meant, the most probable first; `None` where something tells the frames apart.
pub(crate) fn frame_shifts(
    ride: &Ride,
    side: &PublishedSide,
    blocks: &[&Block],
    weights: &Weights,
    clock: ClockOffset,
) -> Option<(Vec<FrameShift>, Reach)> {
    let whole = Whole::new(ride, side, blocks, weights, clock, whole::MOST)?;
    let here = whole.weigh(0)?;
    let mut all: Vec<(i32, Weighed)> = vec![(0, here)];
    let mut most = here.log_likelihood;
    let copied = copied(&here);
    for way in [1, -1] {
        let mut n_hopeless = 0;
        for frames in (1..=FURTHEST).map(|k| k * way) {
            let Some(there) = whole.weigh(frames) else { break };
            most = most.max(there.log_likelihood);
            n_hopeless = if there.log_likelihood < most - HOPELESS { n_hopeless + 1 } else { 0 };
            all.push((frames, there));
            let is_lost = there.log_likelihood - lost(copied, &there) < most - 3.0 * HOPELESS;
            if n_hopeless == 3 || (frames.abs() == 1 && is_lost) {
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
    let half_s = ride.interval_s() / 2.0;
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
    let mut posteriors: Vec<(u32, f64)> = block.pairs.iter().map(|pair| (pair.image, pair.posterior)).collect();
    posteriors.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    posteriors.dedup_by_key(|known| known.0); // the surest of each image
    let posterior_of = |image: u32| {
        let known = posteriors.binary_search_by_key(&image, |known| known.0);
        known.map_or(0.0, |at| posteriors[at].1)
    };
    let chain: Vec<Link> = moved_links(ride, side, &block.chain, shift.frames, [true, true]).collect();
    let pairs = chain
        .iter()
        .map(|&(photo, image)| {
            let known = posterior_of(image);
            let posterior = if known > 0.0 { known } else { OF_AN_END };
            crate::block::Pair { photo, image, posterior }
        })
        .collect();
    Block {
        pairs,
        chain: chain.into(),
        terms: Vec::new(),
        offset_ms: block.offset_ms + shift.later_ms,
        ..block.clone()
    }
}

/// The same images with photos so many frames earlier. Where the chain ends, images that were left over are given to the photos
/// that follow, if this end is one of the ride's.
fn moved_links<'a>(
    ride: &'a Ride<'_>,
    side: &PublishedSide,
    chain: &'a [Link],
    frames: i32,
    is_end: [bool; 2],
) -> impl DoubleEndedIterator<Item = Link> + use<'a> {
    let images = chain.first().map_or(0..0, |first| side.images_of(side.sequence(first.1 as usize) as usize));
    let (first, last) = (chain.first().copied().unwrap_or_default(), chain.last().copied().unwrap_or_default());
    let back = -i64::from(frames);
    let reach = is_end.map(|is_end| if is_end && !chain.is_empty() { i64::from(frames.abs()) } else { 0 });
    let beyond = move |link: Link, k: i64| {
        let image = usize::try_from(i64::from(link.1) + k).ok().filter(|at| images.contains(at))?;
        Some((moved_photo(ride, link.0, back + k)?, image as u32))
    };
    let before = (-reach[0]..0).filter_map({
        let beyond = beyond.clone();
        move |k| beyond(first, k)
    });
    let after = (1..=reach[1]).filter_map(move |k| beyond(last, k));
    before
        .chain(chain.iter().filter_map(move |&(own, image)| Some((moved_photo(ride, own, back)?, image))))
        .chain(after)
}

/// The photo so many later in a ride.
fn moved_photo(ride: &Ride, photo: u32, later: i64) -> Option<u32> {
    u32::try_from(i64::from(photo) + later).ok().filter(|&photo| (photo as usize) < ride.len())
}

/// How far away the images of a block lie all together, metres.
pub(crate) fn shift_of(ride: &Ride, side: &PublishedSide, block: &Block) -> f64 {
    let kind = usize::from(block.places == Places::Computed);
    let vector = |&(photo, image): &Link| {
        ride.plane.offset_m(ride.place()[photo as usize], side.points(image as usize, &ride.anchor)[kind])
    };
    let live = block.chain.iter().filter(|link| !ride.frozen()[link.0 as usize]);
    let vectors: Vec<[f64; 2]> = live.map(vector).filter(|vector| !vector[0].is_nan()).collect();
    length_m(median_vector(&vectors))
}
