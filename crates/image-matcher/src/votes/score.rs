//! A closer look at one offset: which pairs it makes, and how well they go together.

use super::near::Near;
use super::{EXACT_M, HALF_MS, Hypothesis};
use crate::published_side::PublishedSide;
use crate::ride::Ride;

/// A robust sum over mutually nearest pairs within 0.62 s of an offset, per sequence; sequences that speak against it are
/// left out.
pub(super) fn score(near: &[Near], ride: &Ride, side: &PublishedSide, offset_ms: i64) -> Hypothesis {
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
