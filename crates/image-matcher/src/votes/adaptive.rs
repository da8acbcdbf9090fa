//! A look at few photos where that decides, at many where it does not.
//!
//! # Method
//! A clock that knows UTC is taken at its word first, where places, times or altitudes were copied to the letter. Then a sample is asked
//! for images at exactly its places; if nearly all of them give one offset, that is it. Otherwise 1 photo in 16 votes (24 at least). If its best offset has
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

use super::{Ballot, EXACT_M, GATE_M, HALF_MS, Hypothesis, Near, SAMPLE, from_sample, sort, vote};
use crate::block::EXACT_ALTITUDE_M;
use crate::plane::{Spot, box_of, distance_m2};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::{Index, LONGEST_RUN, bounds};
use capture_model::TimeKind;
use std::collections::BTreeSet;
use std::ops::Range;

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
    if let Some(known) = on_its_own_clock(ride, side, index).or_else(|| by_copied_places(ride, side, index)) {
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
        Ballot::new(&near, ride, side).score(hypothesis.offset_ms)
    };
    let mut whole: Vec<Hypothesis> = found.iter().map(ask_all).collect();
    sort(&mut whole);
    Some(whole)
}

/// Offset 0 of a clock that knows UTC, where half of the photos have an image at exactly their place or exactly their time,
/// and no photo of a few has an image at exactly its place at any other time: then there is nothing that a vote could find.
fn on_its_own_clock(ride: &Ride, side: &PublishedSide, index: &Index) -> Option<Hypothesis> {
    if ride.kind != TimeKind::Absolute {
        return None;
    }
    let near = at_offset(ride, side, index, 0, &mut Tested::default());
    let own = Ballot::new(&near, ride, side).score(0);
    let is_known = is_copied(&own, ride) || is_timed_alike(&near, ride, side) || has_its_altitudes(&near, ride, side);
    (is_known && !is_told_at_other_times(ride, side, index)).then_some(own)
}

/// Whether half of the photos, and nearly all that have an image, have one at exactly their place.
fn is_copied(own: &Hypothesis, ride: &Ride) -> bool {
    own.n_exact >= PAIRS && own.n_exact * 5 >= own.n_pairs * 4 && own.n_exact as usize * 2 >= ride.len()
}

/// Whether half of the photos, and nearly all that have an image of one sequence, have one at exactly their time, on a beat
/// that no timer gives.
fn is_timed_alike(near: &[Near], ride: &Ride, side: &PublishedSide) -> bool {
    const EXACT_MS: i64 = 2;
    const FRACTIONS: usize = 12;
    let (Some(first), false) = (near.first(), ride.whole_seconds) else { return false };
    let sequence = side.sequence(first.image as usize);
    let (mut exact, mut fractions) = (vec![false; ride.len()], BTreeSet::new());
    let mut has_image = exact.clone();
    for vote in near {
        has_image[vote.photo as usize] = true;
        if vote.difference_ms.abs() <= EXACT_MS {
            if side.sequence(vote.image as usize) != sequence {
                return false; // two uploads, or two cameras on one trigger
            }
            exact[vote.photo as usize] = true;
            if fractions.len() < FRACTIONS {
                fractions.insert(side.time_ms(vote.image as usize).rem_euclid(1_000));
            }
        }
    }
    let count = |flags: &[bool]| flags.iter().filter(|flag| **flag).count();
    let n_exact = count(&exact);
    n_exact * 2 >= ride.len() && n_exact * 5 >= count(&has_image) * 4 && fractions.len() >= FRACTIONS
}

/// Whether half of the photos, and nearly all that have an image at their time, have one of one sequence at exactly their time and
/// altitude, and altitudes differ along the way: a clock that knows UTC was told twice, by one receiver.
fn has_its_altitudes(near: &[Near], ride: &Ride, side: &PublishedSide) -> bool {
    const EXACT_MS: i64 = 2;
    const DISTINCT: usize = 8;
    let (mut equal, mut is_asked, mut tenths) = (vec![false; ride.len()], vec![false; ride.len()], BTreeSet::new());
    let mut sequence = None;
    for vote in near.iter().filter(|vote| vote.difference_ms.abs() <= EXACT_MS) {
        let altitude_m = ride.altitude_m(vote.photo as usize);
        let climb_m = (side.altitude_m(vote.image as usize) - altitude_m).abs();
        is_asked[vote.photo as usize] |= climb_m.is_finite();
        if climb_m < EXACT_ALTITUDE_M {
            if *sequence.get_or_insert(vote.sequence) != vote.sequence {
                return false; // two uploads, or two cameras on one receiver
            }
            equal[vote.photo as usize] = true;
            if tenths.len() < DISTINCT {
                tenths.insert((altitude_m * 10.0).round() as i64);
            }
        }
    }
    let count = |flags: &[bool]| flags.iter().filter(|flag| **flag).count();
    let n_equal = count(&equal);
    n_equal * 2 >= ride.len() && n_equal * 5 >= count(&is_asked) * 4 && tenths.len() >= DISTINCT
}

/// The offset at which a sample finds images at exactly its places, where there is one such offset and all photos bear it
/// out.
fn by_copied_places(ride: &Ride, side: &PublishedSide, index: &Index) -> Option<Hypothesis> {
    const ALIKE_MS: i64 = 4;
    const MOST_AT_PLACE: usize = 256; // on average
    let step = (ride.len() / FEWEST).clamp(1, STEP);
    let sample: Vec<usize> = (0..ride.len()).step_by(step).collect();
    let mut differences: Vec<i64> = Vec::new();
    for &photo in &sample {
        at_its_place(ride, side, index, photo, |time_ms| differences.push(time_ms.saturating_sub(ride.time_ms[photo])));
        if differences.len() > MOST_AT_PLACE * sample.len() {
            return None; // a camera stands there: its place tells no time
        }
    }
    differences.sort_unstable();
    let from = |difference: i64| &differences[differences.partition_point(|&known| known < difference)..];
    let alike =
        |difference: i64| &from(difference)[..from(difference).partition_point(|&d| d <= difference + ALIKE_MS)];
    let best = differences.iter().copied().max_by_key(|&d| (alike(d).len(), std::cmp::Reverse(d)))?;
    let n_best = alike(best).len();
    // a camera that stands has one place at many times
    let is_rival =
        |&other: &i64| other.abs_diff(best) > 2 * ALIKE_MS.unsigned_abs() && alike(other).len() * 5 >= n_best;
    if n_best * 2 < sample.len() || n_best < PAIRS as usize || differences.iter().any(is_rival) {
        return None;
    }
    let offset_ms = alike(best)[n_best / 2];
    let near = at_offset(ride, side, index, offset_ms, &mut Tested::default());
    let own = Ballot::new(&near, ride, side).score(offset_ms);
    is_copied(&own, ride).then_some(own)
}

/// Tells the times of the images at exactly the place of a photo.
fn at_its_place(ride: &Ride, side: &PublishedSide, index: &Index, photo: usize, mut tell: impl FnMut(i64)) {
    let place = ride.place()[photo];
    let spot = Spot::of(place);
    for image in index.near(place, place, EXACT_M).into_iter().flatten().map(|image| image as usize) {
        let is_there = spot.may_be_within(side.degrees(image)[0], 1.0)
            && distance_m2(side.points(image, &ride.anchor)[0], place) < EXACT_M * EXACT_M;
        if is_there && side.time_ms(image) != PublishedSide::NO_TIME {
            tell(side.time_ms(image));
        }
    }
}

/// Whether some of a few photos have an image at exactly their place that was taken at another time.
fn is_told_at_other_times(ride: &Ride, side: &PublishedSide, index: &Index) -> bool {
    const PHOTOS: usize = 6;
    let mut is_told = false;
    for photo in (0..ride.len()).step_by(ride.len().div_ceil(PHOTOS)) {
        at_its_place(ride, side, index, photo, |time_ms| {
            is_told |= time_ms.abs_diff(ride.time_ms[photo]) > HALF_MS.unsigned_abs();
        });
    }
    is_told
}

/// What a search has looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tested {
    pub(crate) stretches: usize,
    pub(crate) pairs: usize,
}

/// Pairs of a stretch of photos that are tested with one sequence, and in all: a clock that stands pairs everything.
const MOST_OF_SEQUENCE: usize = LONGEST_RUN * LONGEST_RUN;
const MOST_OF_STRETCH: usize = 2 * MOST_OF_SEQUENCE;

/// The votes of all photos for one offset. Of a crowd not all are asked: it votes for its own time in any case.
pub(crate) fn at_offset(
    ride: &Ride,
    side: &PublishedSide,
    index: &Index,
    offset_ms: i64,
    tested: &mut Tested,
) -> Vec<Near> {
    let mut near = Vec::with_capacity(ride.len());
    let (mut runs, mut scattered) = (Vec::new(), Scattered::default());
    let (longitude, latitude) = ride.degrees();
    let window = |photo: usize| {
        let time_ms = ride.time_ms[photo].saturating_add(offset_ms);
        (time_ms.saturating_sub(HALF_MS), time_ms.saturating_add(HALF_MS))
    };
    for from in (0..ride.len()).step_by(LONGEST_RUN) {
        let photos = from..(from + LONGEST_RUN).min(ride.len());
        let (lon, lat) = (bounds(&longitude[photos.clone()]), bounds(&latitude[photos.clone()]));
        let [low, high] = box_of((lon.0, lat.0), (lon.1, lat.1), &ride.anchor);
        index.near_in_time(low, high, GATE_M, (window(from).0, window(photos.end - 1).1), &mut runs);
        let is_charted = ride.chart.holds(lon.0, lat.0) && ride.chart.holds(lon.1, lat.1);
        let (mut told, mut crowded) = (tested.pairs, None);
        let most = told + MOST_OF_STRETCH;
        for run in &runs {
            let sequence = || side.sequence(run.images().start);
            if tested.pairs >= most || crowded.is_some_and(|crowded| crowded == sequence()) {
                continue;
            }
            tested.stretches += 1;
            if is_charted && !run.has_computed() {
                let images = run.images();
                let columns = side.columns();
                let (time_ms, places) = if let Some(rows) = run.rows() {
                    let places = (&columns.longitude[rows.clone()], &columns.latitude[rows.clone()]);
                    (&columns.captured_at_ms[rows], places)
                } else {
                    scattered.gather(side, images.clone());
                    (&*scattered.time_ms, (&*scattered.longitude, &*scattered.latitude))
                };
                let sequence = side.sequence(images.start);
                each_in_window(
                    photos.clone(),
                    0..time_ms.len(),
                    window,
                    |image| time_ms[image],
                    |photo, image| {
                        tested.pairs += 1;
                        let place = (longitude[photo], latitude[photo]);
                        let offset_m = ride.chart.offset_m(place, (places.0[image], places.1[image]));
                        let distance_m2 = offset_m[0] * offset_m[0] + offset_m[1] * offset_m[1];
                        if distance_m2 < GATE_M * GATE_M {
                            near.push(Near {
                                difference_ms: time_ms[image].saturating_sub(ride.time_ms[photo]),
                                photo: photo as u32,
                                image: (images.start + image) as u32,
                                sequence,
                                distance_m: distance_m2.sqrt() as f32,
                                offset_m: offset_m.map(|metres| metres as f32),
                            });
                        }
                    },
                );
            } else {
                each_in_window(
                    photos.clone(),
                    run.images(),
                    window,
                    |image| side.time_ms(image),
                    |photo, image| {
                        tested.pairs += 1;
                        near.extend(vote(ride, side, photo as u32, image as u32));
                    },
                );
            }
            if tested.pairs >= told + MOST_OF_SEQUENCE {
                (told, crowded) = (tested.pairs, Some(sequence()));
            }
        }
    }
    near.sort_unstable_by_key(|vote| (vote.difference_ms, vote.photo, vote.image));
    near
}

/// Images of a run whose rows do not follow each other, side by side.
#[derive(Default)]
struct Scattered {
    time_ms: Vec<i64>,
    longitude: Vec<f64>,
    latitude: Vec<f64>,
}

impl Scattered {
    fn gather(&mut self, side: &PublishedSide, images: Range<usize>) {
        let (columns, rows) = (side.columns(), || images.clone().map(|image| side.row(image) as usize));
        self.time_ms.clear();
        self.time_ms.extend(rows().map(|row| columns.captured_at_ms[row]));
        self.longitude.clear();
        self.longitude.extend(rows().map(|row| columns.longitude[row]));
        self.latitude.clear();
        self.latitude.extend(rows().map(|row| columns.latitude[row]));
    }
}

/// Tells each pair of a photo and an image within the photo's window; both are in order of time, so that one walk meets all.
/// Images without a time are in no window.
#[inline]
fn each_in_window(
    photos: Range<usize>,
    images: Range<usize>,
    window: impl Fn(usize) -> (i64, i64),
    time_ms: impl Fn(usize) -> i64,
    mut tell: impl FnMut(usize, usize),
) {
    let (mut first, end) = (images.start, images.end);
    for photo in photos {
        let (first_ms, last_ms) = window(photo);
        while first < end && time_ms(first) < first_ms.max(PublishedSide::NO_TIME + 1) {
            first += 1;
        }
        for image in first..end {
            if time_ms(image) > last_ms {
                break;
            }
            tell(photo, image);
        }
        if first == end {
            break;
        }
    }
}

#[cfg(test)]
mod tests;
