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
pub(crate) mod afar;
mod coarse;
mod near;
mod score;

use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::Index;
use coarse::coarse_offsets;
pub(crate) use near::near_images;
use near::{Near, vote, votes};
use score::Ballot;

/// Published images further from a photo than this take no part, metres.
pub(crate) const GATE_M: f64 = 80.0;
/// Places of one upload agree to this, metres.
pub(crate) const EXACT_M: f64 = 0.03;
const SAMPLE: usize = 256;
/// Half of the window around an offset, ms.
const HALF_MS: i64 = 620;
const QUARTER_MS: i64 = 900_000;
const KEPT: usize = 8;
/// Of the offsets that shift a ride by a few images against itself, not all are worth a closer look.
const NEIGHBOURHOOD_MS: i64 = 20_000;
const MOST_NEIGHBOURS: usize = 4;

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
    let mut ballot = Ballot::new(&near, ride, side);
    let mut scored: Vec<Hypothesis> = coarse.iter().map(|&offset| ballot.score(offset)).collect();
    sort(&mut scored);
    let best: Vec<i64> = scored.iter().take(KEPT).map(|hypothesis| hypothesis.offset_ms).collect();
    for (place, offset) in best.into_iter().enumerate() {
        let reach = if place < 3 { 10 } else { 2 }; // the leaders are searched on the whole grid
        scored.extend((-reach..=reach).filter(|&k| k != 0).map(|k| ballot.score(offset + k * 500)));
    }
    sort(&mut scored);
    let leaders: Vec<Hypothesis> = scored.iter().take(3).cloned().collect();
    for leader in leaders {
        scored.push(climb(&mut ballot, leader));
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
    let apart_ms = if ride.interval_s() > 0.0 { 600.0 * ride.interval_s() } else { MOST_MS };
    apart_ms.clamp(LEAST_MS, MOST_MS) as i64
}

/// Halves the step around an offset as long as that raises the score: a fast shutter needs more than half seconds.
fn climb(ballot: &mut Ballot<'_>, mut best: Hypothesis) -> Hypothesis {
    for step in [250, 125, 60, 30] {
        for offset in [best.offset_ms - step, best.offset_ms + step] {
            let next = ballot.score(offset);
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
    let mut ballot = Ballot::new(&near, ride, side);
    let mut best = [0, -500, 500].map(|k| ballot.score(offset_ms + k));
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

/// The nearest whole quarter hour.
pub(crate) fn nearest_quarter_ms(offset_ms: i64) -> i64 {
    (offset_ms + QUARTER_MS / 2).div_euclid(QUARTER_MS) * QUARTER_MS
}
