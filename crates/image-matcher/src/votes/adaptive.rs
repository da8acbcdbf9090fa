//! A look at few photos where that decides, at many where it does not.
//!
//! # Method
//! A clock that knows UTC is taken at its word first. Otherwise 1 photo in 16 votes (24 at least). If its best offset has
//! pairs enough, and no offset further away comes near it, all photos are asked at the offsets that are left, and nowhere
//! else: pairs of one offset are found by boxes in space *and* time, so that this costs what known clocks cost. What is
//! not clear then is looked at by every photo, or one in a few of a long ride.
//!
//! # Why nothing is lost
//! Offsets with less than a fifth of the best score are never weighed, whatever the sample; a sample of 24 that is twelve
//! pairs strong does not turn into one that is not. Where exactly equal places carry the best offset, one that has less
//! than a fifth of them cannot win either: an upload copies places, each of the first eight is worth 8 in log odds, and
//! everything else of that offset is bounded by what the best one has too. `the_short_look_finds_what_the_long_one_finds`
//! in the tests compares both on rides of every kind.

use super::{EXACT_M, GATE_M, HALF_MS, Hypothesis, Near, SAMPLE, from_sample, score, sort, vote};
use crate::plane::{Spot, distance_m2};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::{Index, LONGEST_RUN};
use capture_model::TimeKind;

/// One photo in so many votes at first.
const STEP: usize = 16;
/// Photos that vote at least, and rides that are worth a short look.
const FEWEST: usize = 24;
const SHORTEST: usize = 2 * FEWEST;
/// Pairs that an offset needs to be clear.
const PAIRS: u32 = 12;
/// Offsets below this share of the best are not weighed.
pub(crate) const WEIGHED: f64 = 0.2;
/// Offsets within this are read off the same passage, ms.
const ONE_PASSAGE_MS: i64 = 10_000;

/// Hypotheses for a timed ride, best first; `agreed` are offsets that the camera showed in other folders.
pub(crate) fn hypotheses_by_need(ride: &Ride, side: &PublishedSide, index: &Index, agreed: &[i64]) -> Vec<Hypothesis> {
    clear(ride, side, index, agreed).unwrap_or_else(|| from_sample(ride, side, index, agreed, SAMPLE))
}

/// What a short look decides; `None` where it does not.
pub(super) fn clear(ride: &Ride, side: &PublishedSide, index: &Index, agreed: &[i64]) -> Option<Vec<Hypothesis>> {
    if ride.len() < SHORTEST || !agreed.is_empty() {
        return None;
    }
    if let Some(known) = on_its_own_clock(ride, side, index) {
        return Some(vec![known]);
    }
    let mut found = from_sample(ride, side, index, agreed, (ride.len() / STEP).max(FEWEST));
    let best = found.first()?.clone();
    found.retain(|other| other.score >= WEIGHED * best.score);
    let is_one = found.iter().all(|other| (other.offset_ms - best.offset_ms).abs() <= ONE_PASSAGE_MS);
    if best.n_pairs < PAIRS || !is_one {
        return None;
    }
    if best.n_exact >= 8 && best.n_exact * 5 >= best.n_pairs * 4 {
        found.retain(|other| other.n_exact * 5 >= best.n_exact);
    }
    let ask_all = |hypothesis: &Hypothesis| {
        let near = at_offset(ride, side, index, hypothesis.offset_ms, &mut Tested::default());
        score(&near, ride, side, hypothesis.offset_ms)
    };
    let mut whole: Vec<Hypothesis> = found.iter().map(ask_all).collect();
    sort(&mut whole);
    Some(whole)
}

/// Offset 0 of a clock that knows UTC, where half of the photos have an image at exactly their place, and no photo of a few
/// has another one at any other time: then there is nothing that a vote could find.
fn on_its_own_clock(ride: &Ride, side: &PublishedSide, index: &Index) -> Option<Hypothesis> {
    if ride.kind != TimeKind::Absolute {
        return None;
    }
    let near = at_offset(ride, side, index, 0, &mut Tested::default());
    let own = score(&near, ride, side, 0);
    let is_exact = own.n_exact >= PAIRS && own.n_exact * 5 >= own.n_pairs * 4 && own.n_exact as usize * 2 >= ride.len();
    (is_exact && !is_told_at_other_times(ride, side, index)).then_some(own)
}

/// Whether some of a few photos have an image at exactly their place that was taken at another time.
fn is_told_at_other_times(ride: &Ride, side: &PublishedSide, index: &Index) -> bool {
    const PHOTOS: usize = 6;
    (0..ride.len()).step_by(ride.len().div_ceil(PHOTOS)).any(|photo| {
        let place = ride.place[photo];
        let spot = Spot::of(place);
        index.near(place, place, EXACT_M).into_iter().flatten().any(|image| {
            let image = image as usize;
            spot.may_be_within(side.degrees(image)[0], 1.0)
                && distance_m2(side.points(image, &ride.anchor)[0], place) < EXACT_M * EXACT_M
                && side.time_ms(image).abs_diff(ride.time_ms[photo]) > HALF_MS.unsigned_abs()
        })
    })
}

/// What a search has looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tested {
    pub(crate) stretches: usize,
    pub(crate) pairs: usize,
}

/// The votes of all photos for one offset.
pub(crate) fn at_offset(
    ride: &Ride,
    side: &PublishedSide,
    index: &Index,
    offset_ms: i64,
    tested: &mut Tested,
) -> Vec<Near> {
    let mut near = Vec::with_capacity(ride.len());
    let mut runs = Vec::new();
    let time = |photo: usize| ride.time_ms[photo].saturating_add(offset_ms);
    let window = |photo: usize| (time(photo).saturating_sub(HALF_MS), time(photo).saturating_add(HALF_MS));
    let mut from = 0;
    while from < ride.len() {
        let to = (from + LONGEST_RUN).min(ride.len());
        let (mut low, mut high) = (ride.place[from], ride.place[from]);
        for place in &ride.place[from..to] {
            for axis in 0..3 {
                low[axis] = low[axis].min(place[axis]);
                high[axis] = high[axis].max(place[axis]);
            }
        }
        index.near_in_time(low, high, GATE_M, (window(from).0, window(to - 1).1), &mut runs);
        for run in &runs {
            tested.stretches += 1;
            // both are in order of time, so that one walk meets all pairs within the window
            let (mut first, end) = (run.start as usize, run.end as usize);
            for photo in from..to {
                let (first_ms, last_ms) = window(photo);
                while first < end && side.time_ms(first) < first_ms {
                    first += 1;
                }
                for image in first..end {
                    let time_ms = side.time_ms(image);
                    if time_ms > last_ms {
                        break;
                    }
                    tested.pairs += 1;
                    if time_ms != PublishedSide::NO_TIME {
                        near.extend(vote(ride, side, photo as u32, image as u32));
                    }
                }
                if first == end {
                    break;
                }
            }
        }
        from = to;
    }
    near.sort_unstable_by_key(|vote| (vote.difference_ms, vote.photo, vote.image));
    near
}

#[cfg(test)]
mod tests;
