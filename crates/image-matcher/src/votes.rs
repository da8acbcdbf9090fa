//! Clock offsets worth a closer look, by votes of near pairs.
//!
//! In: a ride and the index of published runs. Out: a few hypotheses "remote − local = d", each with the sequences that
//! take part, best first.
//!
//! # Method
//! A sample of the photos collects the published images within the gate. The true offset gets a vote of nearly every
//! photo, a false one what chance gives. Votes are counted in 1 s bins as distinct photos, weighed by nearness; peaks,
//! modes of exactly equal places, whole quarter hours and the offsets that the camera showed elsewhere are then scored on
//! a grid of half seconds by a robust sum over mutually nearest pairs. Votes are integers: no order of sums can leak.

pub(crate) mod adaptive;

use crate::plane::{Point, Spot, distance_m2};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::{Index, LONGEST_RUN};
use capture_model::TimeKind;
use std::collections::BTreeMap;

/// Published images further from a photo than this take no part, metres.
pub(crate) const GATE_M: f64 = 80.0;
/// Places of one upload agree to this, metres.
pub(crate) const EXACT_M: f64 = 0.03;
const SAMPLE: usize = 256;
const MOST_NEAR: usize = 2_048;
/// Half of the window around an offset, ms.
const HALF_MS: i64 = 620;
const QUARTER_MS: i64 = 900_000;
const PEAKS: usize = 14;
const KEPT: usize = 8;
/// Of the offsets that shift a ride by a few images against itself, not all are worth a closer look.
const NEIGHBOURHOOD_MS: i64 = 20_000;
const MOST_NEIGHBOURS: usize = 4;

/// A photo of the sample and a published image near it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near {
    /// Remote − local, ms.
    difference_ms: i64,
    photo: u32,
    image: u32,
    /// Working number of the image's sequence.
    sequence: u32,
    distance_m: f32,
    offset_m: [f32; 2],
}

/// An offset with its score and the sequences that speak for it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hypothesis {
    /// Remote − local, ms.
    pub(crate) offset_ms: i64,
    /// Robust score; only for comparing offsets of one ride.
    pub(crate) score: f64,
    /// Mutual pairs, and those at exactly equal places.
    pub(crate) n_pairs: u32,
    pub(crate) n_exact: u32,
    /// Working numbers of the sequences.
    pub(crate) sequences: Vec<u32>,
}

/// Every image near a photo, for a ride or a sample of it: (photo, place in the published order, squared distance).
pub(crate) fn near_images(ride: &Ride, side: &PublishedSide, index: &Index, sample: usize) -> Vec<(u32, u32, f64)> {
    let step = ride.len().div_ceil(sample.max(1)).max(1);
    let chosen: Vec<usize> = (0..ride.len()).step_by(step).collect();
    let mut near = Vec::new();
    for photos in chosen.chunks((LONGEST_RUN / step).clamp(1, LONGEST_RUN)) {
        let fold = |f: fn(f64, f64) -> f64| {
            photos
                .iter()
                .map(|&k| ride.place[k])
                .reduce(|a, b| [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2])])
                .unwrap_or_default()
        };
        let runs = index.near(fold(f64::min), fold(f64::max), GATE_M);
        for &photo in photos {
            let before = near.len();
            let spot = Spot::of(ride.place[photo]);
            for run in &runs {
                for image in run.clone() {
                    if side.degrees(image as usize).into_iter().any(|place| spot.may_be_within(place, GATE_M)) {
                        let nearest = nearest_m2(side.points(image as usize, &ride.anchor), ride.place[photo]);
                        if nearest < GATE_M * GATE_M {
                            near.push((photo as u32, image, nearest));
                        }
                    }
                }
            }
            thin(&mut near, before);
        }
    }
    near
}

/// Squared distance to the nearer of both places, m².
fn nearest_m2([original, computed]: [Point; 2], place: Point) -> f64 {
    distance_m2(original, place).min(distance_m2(computed, place)) // the other where one is missing
}

/// A parked camera has no end of neighbours: the nearest stay, in their order.
fn thin(near: &mut Vec<(u32, u32, f64)>, from: usize) {
    if near.len() - from > MOST_NEAR {
        near[from..].sort_unstable_by(|a, b| a.2.total_cmp(&b.2).then(a.1.cmp(&b.1)));
        near.truncate(from + MOST_NEAR);
        near[from..].sort_unstable_by_key(|entry| entry.1);
    }
}

/// Hypotheses for a timed ride, best first; `agreed` are offsets that the camera showed in other folders.
pub(crate) fn hypotheses(ride: &Ride, side: &PublishedSide, index: &Index, agreed: &[i64]) -> Vec<Hypothesis> {
    from_sample(ride, side, index, agreed, SAMPLE)
}

/// The same from so many photos.
fn from_sample(ride: &Ride, side: &PublishedSide, index: &Index, agreed: &[i64], n_photos: usize) -> Vec<Hypothesis> {
    let near = votes(ride, side, index, n_photos);
    if near.is_empty() {
        return Vec::new();
    }
    let coarse = coarse_offsets(&near, ride, side, agreed);
    let mut scored: Vec<Hypothesis> = coarse.iter().map(|&offset| score(&near, ride, side, offset)).collect();
    sort(&mut scored);
    let best: Vec<i64> = scored.iter().take(KEPT).map(|hypothesis| hypothesis.offset_ms).collect();
    for (place, offset) in best.into_iter().enumerate() {
        let reach = if place < 3 { 10 } else { 2 }; // the leaders are searched on the whole grid
        scored.extend((-reach..=reach).filter(|&k| k != 0).map(|k| score(&near, ride, side, offset + k * 500)));
    }
    sort(&mut scored);
    let leaders: Vec<Hypothesis> = scored.iter().take(3).cloned().collect();
    for leader in leaders {
        scored.push(climb(&near, ride, side, leader));
    }
    sort(&mut scored);
    let apart_ms = least_apart_ms(ride);
    let is_agreed = |offset_ms: i64| agreed.iter().any(|known| (known - offset_ms).abs() < apart_ms);
    scored.sort_by_key(|hypothesis| !is_agreed(hypothesis.offset_ms)); // the others' offset is always looked at
    if let Some(most) = most_exact(&scored) {
        scored[..=most].rotate_right(1);
    }
    let mut kept: Vec<Hypothesis> = Vec::new();
    for hypothesis in scored {
        let away = |known: &Hypothesis| (known.offset_ms - hypothesis.offset_ms).abs();
        let is_new = kept.iter().all(|known| away(known) >= apart_ms);
        let n_neighbours = kept.iter().filter(|known| away(known) < NEIGHBOURHOOD_MS).count();
        let is_crowded = n_neighbours >= MOST_NEIGHBOURS;
        if is_new && !is_crowded && !hypothesis.sequences.is_empty() && kept.len() < KEPT {
            kept.push(hypothesis);
        }
    }
    sort(&mut kept);
    kept
}

/// The hypothesis with most exactly equal places, where a few are: however many strangers rode the same streets for longer.
fn most_exact(scored: &[Hypothesis]) -> Option<usize> {
    const FEWEST: u32 = 3;
    let most = (0..scored.len()).max_by_key(|&k| (scored[k].n_exact, std::cmp::Reverse(k)))?;
    (scored[most].n_exact >= FEWEST).then_some(most)
}

/// Offsets that lie closer than this pair the same photos with the same images, ms: a fast shutter's next frame is another.
pub(crate) fn least_apart_ms(ride: &Ride) -> i64 {
    const MOST_MS: f64 = 800.0;
    const LEAST_MS: f64 = 60.0;
    let apart_ms = if ride.interval_s > 0.0 { 600.0 * ride.interval_s } else { MOST_MS };
    apart_ms.clamp(LEAST_MS, MOST_MS) as i64
}

/// Halves the step around an offset as long as that raises the score: a fast shutter needs more than half seconds.
fn climb(near: &[Near], ride: &Ride, side: &PublishedSide, mut best: Hypothesis) -> Hypothesis {
    for step in [250, 125, 60, 30] {
        for offset in [best.offset_ms - step, best.offset_ms + step] {
            let next = score(near, ride, side, offset);
            if next.score > best.score {
                best = next;
            }
        }
    }
    best
}

/// One given offset as the only hypothesis.
pub(crate) fn given(ride: &Ride, side: &PublishedSide, index: &Index, offset_ms: i64) -> Vec<Hypothesis> {
    let near = votes(ride, side, index, SAMPLE);
    let mut best: Vec<Hypothesis> = [0, -500, 500].iter().map(|k| score(&near, ride, side, offset_ms + k)).collect();
    sort(&mut best);
    let sequences: Vec<u32> = best.iter().flat_map(|hypothesis| hypothesis.sequences.iter().copied()).collect();
    if sequences.is_empty() {
        return Vec::new();
    }
    vec![Hypothesis { offset_ms, sequences: unique(sequences), ..best[0].clone() }]
}

fn unique(mut numbers: Vec<u32>) -> Vec<u32> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn sort(hypotheses: &mut [Hypothesis]) {
    hypotheses.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then(a.offset_ms.abs().cmp(&b.offset_ms.abs())).then(a.offset_ms.cmp(&b.offset_ms))
    });
}

/// All votes of the sample, by difference, photo, image.
fn votes(ride: &Ride, side: &PublishedSide, index: &Index, n_photos: usize) -> Vec<Near> {
    let mut near: Vec<Near> = near_images(ride, side, index, n_photos)
        .into_iter()
        .filter(|&(_, image, _)| side.time_ms(image as usize) != PublishedSide::NO_TIME)
        .filter_map(|(photo, image, _)| vote(ride, side, photo, image))
        .collect();
    near.sort_unstable_by_key(|vote| (vote.difference_ms, vote.photo, vote.image));
    near
}

/// The vote of a pair; `None` beyond the gate.
fn vote(ride: &Ride, side: &PublishedSide, photo: u32, image: u32) -> Option<Near> {
    let places = side.points(image as usize, &ride.anchor);
    let distance_m2 = nearest_m2(places, ride.place[photo as usize]);
    let known = if places[0][0].is_nan() { places[1] } else { places[0] };
    let offset = ride.plane.offset_m(ride.place[photo as usize], known);
    (distance_m2 < GATE_M * GATE_M).then(|| Near {
        difference_ms: side.time_ms(image as usize).saturating_sub(ride.time_ms[photo as usize]),
        photo,
        image,
        sequence: side.sequence(image as usize),
        distance_m: distance_m2.sqrt() as f32,
        offset_m: [offset[0] as f32, offset[1] as f32],
    })
}

/// Offsets by votes, before any of them is looked at closely.
fn coarse_offsets(near: &[Near], ride: &Ride, side: &PublishedSide, agreed: &[i64]) -> Vec<i64> {
    let of_device = |vote: &&Near| match (&ride.device, side.device(vote.sequence)) {
        (Some(own), Some(other)) => own.agrees_with(other) || own.is_scaled(other),
        _ => true,
    };
    let fitting: Vec<Near> = near.iter().filter(of_device).copied().collect();
    let near = if fitting.is_empty() { near } else { &fitting };
    let bins = second_bins(near);
    let of_bin = |bin: i64| bins.binary_search_by_key(&bin, |known| known.0).map_or(0, |at| bins[at].1);
    let around = |bin: i64| (-1..=1).map(|k| of_bin(bin + k)).sum::<u32>();
    let mut peaks: Vec<(u32, i64)> = bins.iter().map(|&(bin, _)| (around(bin), bin)).collect();
    peaks.sort_unstable_by_key(|&(count, bin)| (std::cmp::Reverse(count), bin.abs(), bin));
    let mut taken: Vec<i64> = Vec::new();
    let mut offsets: Vec<i64> = exact_modes(near); // to the millisecond, so they come before the bins that hold them
    offsets.extend(beat_modes(near));
    for &(_, bin) in &peaks {
        if taken.iter().all(|known| (known - bin).abs() > 5) {
            taken.push(bin);
            offsets.push(bin * 1000 + 500);
            if taken.len() == PEAKS {
                break;
            }
        }
    }
    let mut zones: Vec<(u32, i64)> = peaks
        .iter()
        .copied()
        .filter(|&(_, bin)| bin.abs() < 51_000 && (bin.rem_euclid(900) <= 1 || bin.rem_euclid(900) >= 899))
        .collect();
    zones.truncate(KEPT);
    offsets.extend(zones.iter().map(|&(_, bin)| nearest_quarter_ms(bin * 1000)));
    offsets.extend(agreed);
    if ride.kind == TimeKind::Absolute {
        offsets.push(0);
    }
    let mut distinct: Vec<i64> = Vec::new();
    for offset in offsets {
        if distinct.iter().all(|known| (known - offset).abs() >= 400) {
            distinct.push(offset);
        }
    }
    distinct
}

/// Votes by whole seconds of difference, in order: each photo once in a second, by the nearest of its images there.
fn second_bins(near: &[Near]) -> Vec<(i64, u32)> {
    let weight = |vote: &Near| match vote.distance_m {
        d if d < EXACT_M as f32 => 8,
        d if d < 1.0 => 4,
        d if d < 3.0 => 3,
        d if d < 8.0 => 2,
        _ => 1,
    };
    let second = |vote: &Near| vote.difference_ms.div_euclid(1000);
    let mut votes: Vec<(u32, u32)> = Vec::new();
    let bin = |near: &[Near]| {
        votes.clear();
        votes.extend(near.iter().map(|vote| (vote.photo, weight(vote))));
        votes.sort_unstable_by_key(|&(photo, weight)| (photo, std::cmp::Reverse(weight)));
        votes.dedup_by_key(|vote| vote.0);
        (second(&near[0]), votes.iter().map(|vote| vote.1).sum())
    };
    near.chunk_by(|a, b| second(a) == second(b)).map(bin).collect()
}

/// The most frequent differences among pairs at exactly equal places, to the millisecond.
fn exact_modes(near: &[Near]) -> Vec<i64> {
    let mut counts: BTreeMap<i64, u32> = BTreeMap::new();
    for vote in near.iter().filter(|vote| f64::from(vote.distance_m) < EXACT_M) {
        *counts.entry(vote.difference_ms).or_default() += 1;
    }
    let mut modes: Vec<(u32, i64)> = counts.into_iter().map(|(offset, count)| (count, offset)).collect();
    modes.sort_unstable_by_key(|&(count, offset)| (std::cmp::Reverse(count), offset.abs(), offset));
    modes.into_iter().take(KEPT).map(|(_, offset)| offset).collect()
}

/// The differences that most pairs share to the millisecond, wherever their places went: an irregular beat that is told
/// twice agrees at one offset only. None of them where no more pairs agree than chance gives.
fn beat_modes(near: &[Near]) -> Vec<i64> {
    const WIDTH_MS: i64 = 3;
    const FEWEST: usize = 5;
    let mut modes: Vec<(usize, i64)> = Vec::new();
    let mut end = 0;
    for (first, vote) in near.iter().enumerate() {
        while end < near.len() && near[end].difference_ms - vote.difference_ms <= WIDTH_MS {
            end += 1;
        }
        if end - first >= FEWEST {
            let middle = near[first + (end - first) / 2].difference_ms;
            match modes.last_mut() {
                Some(last) if middle - last.1 < 20 => *last = (*last).max((end - first, middle)),
                _ => modes.push((end - first, middle)),
            }
        }
    }
    modes.sort_unstable_by_key(|&(count, offset)| (std::cmp::Reverse(count), offset.abs(), offset));
    modes.into_iter().take(KEPT).map(|(_, offset)| offset).collect()
}

/// The nearest whole quarter hour.
pub(crate) fn nearest_quarter_ms(offset_ms: i64) -> i64 {
    (offset_ms + QUARTER_MS / 2).div_euclid(QUARTER_MS) * QUARTER_MS
}

/// A robust sum over mutually nearest pairs within 0.62 s of an offset, per sequence; sequences that speak against it are
/// left out.
fn score(near: &[Near], ride: &Ride, side: &PublishedSide, offset_ms: i64) -> Hypothesis {
    const OFF_CENTRE: f64 = 0.3; // a window between two offsets holds the pairs of both
    let first = near.partition_point(|vote| vote.difference_ms < offset_ms - HALF_MS);
    let end = first + near[first..].partition_point(|vote| vote.difference_ms <= offset_ms + HALF_MS);
    let window = &near[first..end];
    let mut by_photo: Vec<u32> = (0..window.len() as u32).collect();
    let sequence = |k: u32| window[k as usize].sequence;
    let lag = |k: u32| (window[k as usize].difference_ms - offset_ms).abs();
    // An equal place outweighs a nearer moment: written seconds are up to a second off.
    let is_elsewhere = |k: u32| f64::from(window[k as usize].distance_m) >= EXACT_M;
    let nearest = |k: u32| (is_elsewhere(k), lag(k));
    by_photo.sort_unstable_by_key(|&k| (sequence(k), window[k as usize].photo, nearest(k), window[k as usize].image));
    let mut by_image = by_photo.clone();
    by_photo.dedup_by_key(|k| (sequence(*k), window[*k as usize].photo));
    by_image.sort_unstable_by_key(|&k| (window[k as usize].image, nearest(k), window[k as usize].photo));
    by_image.dedup_by_key(|k| window[*k as usize].image);
    by_image.sort_unstable();
    let mutual: Vec<u32> = by_photo.into_iter().filter(|k| by_image.binary_search(k).is_ok()).collect();
    let mut hypothesis = Hypothesis { offset_ms, score: 0.0, n_pairs: 0, n_exact: 0, sequences: Vec::new() };
    for pairs in mutual.chunk_by(|a, b| sequence(*a) == sequence(*b)) {
        let number = sequence(pairs[0]);
        let offsets: Vec<[f64; 2]> = pairs.iter().map(|&k| window[k as usize].offset_m.map(f64::from)).collect();
        let middle = crate::errors::median_vector(&offsets);
        let fit: f64 = offsets
            .iter()
            .map(|v| {
                let r2 = (v[0] - middle[0]).powi(2) + (v[1] - middle[1]).powi(2);
                (3.0 - r2 / 32.0).max(-2.0)
            })
            .sum();
        let exact = pairs.iter().filter(|&&k| f64::from(window[k as usize].distance_m) < EXACT_M).count();
        let beat = if ride.whole_seconds { 0.0 } else { by_beat(window, pairs) };
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
/// that is one off is not.
fn by_copies(ride: &Ride, side: &PublishedSide, window: &[Near], pairs: &[u32]) -> f64 {
    const EXACT_HEADING_DEG: f64 = 0.02;
    const EXACT_ALTITUDE_M: f64 = 0.06;
    const FEWEST: usize = 8;
    if pairs.len() < FEWEST {
        return 0.0;
    }
    let equal = |difference: &dyn Fn(usize, usize) -> f64, within: f64| {
        let is_equal = |&&k: &&u32| {
            let vote = window[k as usize];
            difference(vote.photo as usize, vote.image as usize).abs() <= within
        };
        let count = pairs.iter().filter(is_equal).count();
        if count * 2 >= pairs.len() { count as f64 } else { 0.0 }
    };
    let heading = |photo: usize, image: usize| side.heading_deg(image) - ride.heading_deg[photo];
    let altitude = |photo: usize, image: usize| side.altitude_m(image) - ride.altitude_m[photo];
    equal(&heading, EXACT_HEADING_DEG).max(equal(&altitude, EXACT_ALTITUDE_M))
}

/// What differences speak that agree to the millisecond, wherever the places went: no chance gives them to most pairs.
fn by_beat(window: &[Near], pairs: &[u32]) -> f64 {
    const EXACT_MS: i64 = 4;
    const FEWEST: usize = 8;
    if pairs.len() < FEWEST {
        return 0.0;
    }
    let mut differences: Vec<i64> = pairs.iter().map(|&k| window[k as usize].difference_ms).collect();
    differences.sort_unstable();
    let equal = (0..differences.len())
        .map(|first| differences[first..].partition_point(|&d| d <= differences[first] + EXACT_MS))
        .max()
        .unwrap_or(0);
    if equal * 2 >= pairs.len() { equal as f64 } else { 0.0 }
}
