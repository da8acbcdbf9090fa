//! Rides whose images lie beyond the gate: their beat alone finds them.
//!
//! In: a ride of which nothing was found near by. Out: the one offset at which half of its photos have an image of one
//! sequence to the millisecond, however far the service moved it (266 m were seen). Timers tell nothing here, and neither do
//! whole seconds; an irregular shutter's pattern does not come twice.

use super::{Hypothesis, unique};
use crate::block::surprise_of_beat;
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::{Index, LONGEST_RUN};

/// The largest move that is looked for, metres.
const AFAR_M: f64 = 300.0;
/// Photos that are asked.
const SAMPLE: usize = 32;
/// Pairs that are looked at, at most.
const MOST_PAIRS: usize = 400_000;
/// Fewer photos show no pattern.
const FEWEST: usize = 6;
/// What the pattern must be worth, nats.
const LEAST_SURPRISE: f64 = 12.0;
/// Differences of one offset, ms.
const ALIKE_MS: i64 = 4;

/// The offset of the ride's own pattern, if a sequence within reach has it.
pub(crate) fn by_pattern(ride: &Ride, side: &PublishedSide, index: &Index) -> Option<Hypothesis> {
    if !ride.is_timed()
        || ride.whole_seconds
        || ride.len() < FEWEST
        || surprise_of_beat(&ride.time_ms, 2) < LEAST_SURPRISE
    {
        return None;
    }
    let votes = differences(ride, side, index);
    let of_one = |from: usize| &votes[from..][..votes[from..].partition_point(|vote| is_alike(vote, &votes[from]))];
    let best = (0..votes.len()).max_by_key(|&from| (n_photos(of_one(from)), std::cmp::Reverse(from)))?;
    let alike = of_one(best);
    let n_asked = (0..ride.len()).step_by(ride.len().div_ceil(SAMPLE)).len();
    if n_photos(alike) * 2 < n_asked || n_photos(alike) < FEWEST {
        return None;
    }
    let offset_ms = alike[alike.len() / 2].1;
    let sequences =
        unique(votes.iter().filter(|vote| (vote.1 - offset_ms).abs() <= ALIKE_MS).map(|vote| vote.0).collect());
    let n_pairs = n_photos(alike) as u32;
    Some(Hypothesis { offset_ms, score: f64::from(n_pairs), n_pairs, n_exact: 0, sequences })
}

/// (sequence, remote − local in ms, photo) of the pairs that are looked at, in order.
fn differences(ride: &Ride, side: &PublishedSide, index: &Index) -> Vec<(u32, i64, u32)> {
    let step = ride.len().div_ceil(SAMPLE);
    let chosen: Vec<usize> = (0..ride.len()).step_by(step).collect();
    let mut votes = Vec::new();
    for photos in chosen.chunks((LONGEST_RUN / step).clamp(1, LONGEST_RUN)) {
        let fold = |f: fn(f64, f64) -> f64| {
            let places = photos.iter().map(|&photo| ride.place()[photo]);
            places.reduce(|a, b| [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2])]).unwrap_or_default()
        };
        for image in index.near(fold(f64::min), fold(f64::max), AFAR_M).into_iter().flatten() {
            let time_ms = side.time_ms(image as usize);
            if time_ms == PublishedSide::NO_TIME || votes.len() + photos.len() > MOST_PAIRS {
                continue;
            }
            let sequence = side.sequence(image as usize);
            votes.extend(
                photos.iter().map(|&photo| (sequence, time_ms.saturating_sub(ride.time_ms[photo]), photo as u32)),
            );
        }
    }
    votes.sort_unstable();
    votes
}

fn is_alike(vote: &(u32, i64, u32), first: &(u32, i64, u32)) -> bool {
    vote.0 == first.0 && vote.1 <= first.1.saturating_add(ALIKE_MS)
}

/// How many photos some votes are of.
fn n_photos(votes: &[(u32, i64, u32)]) -> usize {
    let mut photos: Vec<u32> = votes.iter().map(|vote| vote.2).collect();
    photos.sort_unstable();
    photos.dedup();
    photos.len()
}
