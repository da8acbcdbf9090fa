//! A closer look at one offset: which pairs it makes, and how well they go together.

use super::near::Near;
use super::{EXACT_M, HALF_MS, Hypothesis};
use crate::at_most::collect_at_most;
use crate::medians::median_vector_by;
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use std::collections::BTreeMap;
use std::ops::Range;

/// Of fewer pairs than these not most must agree, but all, and of fewer than those none says anything.
const FEWEST: usize = 8;
const FEWEST_OF_ALL: usize = 3;

/// Votes made ready for many looks: which of them are of one photo and sequence, and which of one image.
pub(super) struct Ballot<'a> {
    /// By difference.
    near: &'a [Near],
    ride: &'a Ride<'a>,
    side: &'a PublishedSide<'a>,
    /// Of each vote, the number of its photo and sequence, and that of its image.
    keys: Vec<(u32, u32)>,
    /// Of each photo and sequence, and of each image, its nearest vote in the present look.
    of_photo: Vec<Best>,
    of_image: Vec<Best>,
    /// The number of the present look.
    look: u32,
    /// What was looked at already.
    known: BTreeMap<i64, Hypothesis>,
}

/// The nearest vote so far.
#[derive(Debug, Clone, Copy, Default)]
struct Best {
    look: u32,
    vote: u32,
}

impl<'a> Ballot<'a> {
    /// Of votes by difference.
    pub(super) fn new(near: &'a [Near], ride: &'a Ride<'a>, side: &'a PublishedSide<'a>) -> Self {
        let mut keys = vec![(0, 0); near.len()];
        let by_photo = |vote: &Near| u64::from(vote.sequence) << 32 | u64::from(vote.photo);
        let n_photos = number(near, by_photo, |vote, number| keys[vote].0 = number);
        let n_images = number(near, |vote| u64::from(vote.image), |vote, number| keys[vote].1 = number);
        let nothing = Best::default();
        Self {
            near,
            ride,
            side,
            keys,
            of_photo: vec![nothing; n_photos],
            of_image: vec![nothing; n_images],
            look: 0,
            known: BTreeMap::new(),
        }
    }

    /// A robust sum over mutually nearest pairs within 0.62 s of an offset, per sequence; sequences that speak against it are
    /// left out.
    pub(super) fn score(&mut self, offset_ms: i64) -> Hypothesis {
        if let Some(known) = self.known.get(&offset_ms) {
            return known.clone();
        }
        let first = self.near.partition_point(|vote| vote.difference_ms < offset_ms - HALF_MS);
        let end = first + self.near[first..].partition_point(|vote| vote.difference_ms <= offset_ms + HALF_MS);
        let mutual = self.mutual(first..end, offset_ms);
        let hypothesis = score(&self.near[first..end], &mutual, self.ride, self.side, offset_ms);
        self.known.insert(offset_ms, hypothesis.clone());
        hypothesis
    }

    /// Votes of a window, counted from its first, whose photo and image are each other's nearest within a sequence: in order
    /// of the sequence and then the photo.
    fn mutual(&mut self, window: Range<usize>, offset_ms: i64) -> Vec<u32> {
        self.look += 1;
        let (look, first) = (self.look, window.start);
        // An equal place outweighs a nearer moment: written seconds are up to a second off.
        let nearest = |vote: &Near| {
            (f64::from(vote.distance_m) >= EXACT_M, vote.difference_ms.abs_diff(offset_ms), vote.image, vote.photo)
        };
        for at in window.clone() {
            let (of_photo, of_image) = self.keys[at];
            for best in [&mut self.of_photo[of_photo as usize], &mut self.of_image[of_image as usize]] {
                // of one photo the least image, of one image the least photo
                if best.look != look || nearest(&self.near[at]) < nearest(&self.near[best.vote as usize]) {
                    *best = Best { look, vote: at as u32 };
                }
            }
        }
        let is_mutual = |at: &usize| {
            let (of_photo, of_image) = self.keys[*at];
            [self.of_photo[of_photo as usize], self.of_image[of_image as usize]]
                .iter()
                .all(|best| best.vote as usize == *at)
        };
        let mut mutual = collect_at_most(window.len(), window.filter(is_mutual).map(|at| (at - first) as u32));
        mutual.sort_unstable_by_key(|&k| (self.near[first + k as usize].sequence, self.near[first + k as usize].photo));
        mutual
    }
}

/// Numbers votes by a key, equal ones alike; gives back how many numbers there are.
fn number(near: &[Near], key: impl Fn(&Near) -> u64, mut tell: impl FnMut(usize, u32)) -> usize {
    const FREE: u32 = u32::MAX;
    const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15; // 2^64 over the golden ratio
    let n_slots = (2 * near.len()).next_power_of_two().max(2);
    let mut slots: Vec<(u64, u32)> = vec![(0, FREE); n_slots];
    let mut n_numbers = 0;
    for (vote, key) in near.iter().map(key).enumerate() {
        let mut at = (key.wrapping_mul(SPREAD) >> (64 - n_slots.trailing_zeros())) as usize;
        while slots[at].1 != FREE && slots[at].0 != key {
            at = (at + 1) % n_slots;
        }
        if slots[at].1 == FREE {
            slots[at] = (key, n_numbers);
            n_numbers += 1;
        }
        tell(vote, slots[at].1);
    }
    n_numbers as usize
}

/// Adds up the mutual pairs of a window.
fn score(window: &[Near], mutual: &[u32], ride: &Ride, side: &PublishedSide, offset_ms: i64) -> Hypothesis {
    const OFF_CENTRE: f64 = 0.3; // a window between two offsets holds the pairs of both
    let sequence = |k: u32| window[k as usize].sequence;
    let lag = |k: u32| (window[k as usize].difference_ms - offset_ms).abs();
    let mut hypothesis = Hypothesis { offset_ms, score: 0.0, n_pairs: 0, n_exact: 0, sequences: Vec::new() };
    let (mut offsets, mut values, mut differences): (Vec<[f64; 2]>, Vec<f64>, Vec<i64>) = Default::default();
    for pairs in mutual.chunk_by(|a, b| sequence(*a) == sequence(*b)) {
        let number = sequence(pairs[0]);
        offsets.clear();
        offsets.extend(pairs.iter().map(|&k| window[k as usize].offset_m.map(f64::from)));
        let middle = median_vector_by(&offsets, &mut values);
        let fit: f64 = offsets
            .iter()
            .map(|v| {
                let r2 = (v[0] - middle[0]).powi(2) + (v[1] - middle[1]).powi(2);
                (3.0 - r2 / 32.0).max(-2.0)
            })
            .sum();
        let exact = pairs.iter().filter(|&&k| f64::from(window[k as usize].distance_m) < EXACT_M).count();
        let beat = if ride.whole_seconds { 0.0 } else { by_beat(window, pairs, &mut differences) };
        let copies = if exact == 0 { by_copies(ride, side, window, pairs) } else { 0.0 };
        let off_centre: f64 = pairs.iter().map(|&k| lag(k) as f64 / HALF_MS as f64).sum();
        let device = match (&ride.device, side.device(number)) {
            (Some(own), Some(other)) if own.agrees_with(other) => 2.0,
            (Some(own), Some(other)) if own.is_scaled(other) => 0.0,
            (Some(_), Some(_)) => -8.0,
            _ => 0.0,
        };
        // places from a track that is late turn with the road: where the beat agrees, they do not speak against it
        let fit = if beat > 0.0 { fit.max(0.0) } else { fit };
        let sum = fit + 3.0 * exact as f64 + 2.0 * (beat + copies) + device - OFF_CENTRE * off_centre;
        if sum > 0.0 {
            hypothesis.score += sum;
            hypothesis.n_pairs += pairs.len() as u32;
            hypothesis.n_exact += exact as u32;
            hypothesis.sequences.push(number);
        }
    }
    hypothesis
}

/// What headings or altitudes speak that were copied, wherever the places went: where nearly all pairs are equal, a frame
/// that is one off is not. Of few pairs altitudes speak that agree to millimetres.
fn by_copies(ride: &Ride, side: &PublishedSide, window: &[Near], pairs: &[u32]) -> f64 {
    const EXACT_HEADING_DEG: f64 = 0.02;
    const EXACT_ALTITUDE_M: f64 = 0.06;
    const FINE_ALTITUDE_M: f64 = 0.005;
    let equal = |difference: &dyn Fn(usize, usize) -> f64, within: f64| {
        let is_equal = |&&k: &&u32| {
            let vote = window[k as usize];
            difference(vote.photo as usize, vote.image as usize).abs() <= within
        };
        let count = pairs.iter().filter(is_equal).count();
        if count * 2 >= pairs.len() { count as f64 } else { 0.0 }
    };
    let heading = |photo: usize, image: usize| side.heading_deg(image) - ride.heading_deg(photo);
    let altitude = |photo: usize, image: usize| side.altitude_m(image) - ride.altitude_m(photo);
    if pairs.len() < FEWEST {
        return equal(&altitude, FINE_ALTITUDE_M);
    }
    equal(&heading, EXACT_HEADING_DEG).max(equal(&altitude, EXACT_ALTITUDE_M))
}

/// What differences speak that agree to the millisecond, wherever the places went: no chance gives them to most pairs, nor to
/// all of a few.
fn by_beat(window: &[Near], pairs: &[u32], differences: &mut Vec<i64>) -> f64 {
    const EXACT_MS: i64 = 4;
    if pairs.len() < FEWEST_OF_ALL {
        return 0.0;
    }
    differences.clear();
    differences.extend(pairs.iter().map(|&k| window[k as usize].difference_ms));
    differences.sort_unstable();
    let equal = (0..differences.len())
        .map(|first| differences[first..].partition_point(|&d| d <= differences[first] + EXACT_MS))
        .max()
        .unwrap_or(0);
    let is_told = if pairs.len() < FEWEST { equal == pairs.len() } else { equal * 2 >= pairs.len() };
    if is_told { equal as f64 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::{Numbers, columns, local_of, ride, upload};
    use capture_model::PublishedImages;

    /// Pairs of a window that are each other's nearest, by definition.
    fn by_definition(near: &[Near], window: Range<usize>, offset_ms: i64) -> Vec<u32> {
        let rank = |vote: &Near| {
            (f64::from(vote.distance_m) >= EXACT_M, vote.difference_ms.abs_diff(offset_ms), vote.image, vote.photo)
        };
        let is_mutual = |at: &usize| {
            let own = &near[*at];
            let is_rival = |other: &&Near| {
                (other.photo == own.photo && other.sequence == own.sequence) || other.image == own.image
            };
            near[window.clone()].iter().filter(is_rival).all(|other| rank(own) <= rank(other))
        };
        let mut mutual: Vec<usize> = window.clone().filter(is_mutual).collect();
        mutual.sort_by_key(|&at| (near[at].sequence, near[at].photo));
        mutual.into_iter().map(|at| (at - window.start) as u32).collect()
    }

    #[test]
    fn mutual_votes_are_each_others_nearest_in_every_look() {
        let photos = ride(1, 12);
        let published: PublishedImages = columns(&upload(&photos, "own", 1));
        let (local, side) = (local_of(std::slice::from_ref(&photos)), PublishedSide::new(&published));
        let own = Ride::of_track(&local, 0).remove(0);
        let mut numbers = Numbers(11);
        let mut any = |n: u32| (numbers.next() * f64::from(n)) as u32;
        let mut near: Vec<Near> = Vec::new();
        for _ in 0..400 {
            let image = any(40);
            let near_m = if any(4) == 0 { 0.0 } else { 5.0 };
            let (difference_ms, photo) = (i64::from(any(40)) * 100 - 2_000, any(12));
            let vote =
                Near { difference_ms, photo, image, sequence: image / 8, distance_m: near_m, offset_m: [0.0; 2] };
            if near.iter().all(|known| (known.photo, known.image) != (photo, image)) {
                near.push(vote);
            }
        }
        near.sort_by_key(|vote| (vote.difference_ms, vote.photo, vote.image));
        let mut ballot = Ballot::new(&near, &own, &side);
        for offset_ms in (-2_500..2_500).step_by(70) {
            let at = |ms: i64| near.partition_point(|vote| vote.difference_ms < ms);
            let window = at(offset_ms - HALF_MS)..at(offset_ms + HALF_MS + 1);
            let expected = by_definition(&near, window.clone(), offset_ms);
            assert_eq!(ballot.mutual(window, offset_ms), expected, "{offset_ms}");
        }
    }
}
