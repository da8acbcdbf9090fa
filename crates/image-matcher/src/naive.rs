//! The naive plan, for comparison: each photo by itself takes the nearest image within 10 m, 1 s and 10 m of altitude,
//! wall clocks read as UTC. It may give one image to two photos, and knows no doubt.

use crate::plane::{distance_m2, point};
use crate::published_side::PublishedSide;
use crate::runs::Index;
use crate::{Candidate, ClockKind, Lists, MatchOutcome, TrackOutcome, TrackVerdict, Verdict};
use capture_model::{LocalImages, PublishedImages, Reason, TimeKind};
use rayon::prelude::*;

const NEAR_M: f64 = 10.0;
const NEAR_MS: u64 = 1_000;
const NEAR_ALTITUDE_M: f64 = 10.0;

/// Matches every photo by itself, as a first script would.
pub fn match_naive(local: &LocalImages, published: &PublishedImages) -> MatchOutcome {
    let side = PublishedSide::new(published);
    let index = Index::new(&side);
    let found: Vec<Option<u32>> =
        (0..local.len()).into_par_iter().map(|row| nearest(local, row, &side, &index)).collect();
    let mut outcome = MatchOutcome { also_published: Lists::default(), ..MatchOutcome::default() };
    for (row, image) in found.iter().enumerate() {
        outcome.verdicts.push(Verdict {
            reason: if image.is_some() { Reason::Aligned } else { Reason::NotPublishedYet },
            image: *image,
            probability: image.map(|_| 1.0),
            by_computed: false,
            used_time_ms: (local.time_kind[row] != TimeKind::None).then_some(local.time_ms[row]),
            clock_offset_ms: image.map(|_| 0),
        });
        outcome.candidates.push(image.map(|image| Candidate { image, probability: 1.0 }));
        outcome.also_published.push([]);
    }
    for track in 0..local.n_tracks() {
        let rows = local.rows_of(track);
        let mut sequences = Vec::new();
        for image in found[rows.clone()].iter().flatten() {
            let sequence = published.sequence[*image as usize];
            if sequence != PublishedImages::NO_SEQUENCE && !sequences.contains(&sequence) {
                sequences.push(sequence);
            }
        }
        let matched = found[rows.clone()].iter().flatten().count();
        outcome.tracks.push(TrackOutcome {
            verdict: match matched {
                0 => TrackVerdict::NotFound,
                n if n == rows.len() => TrackVerdict::Published,
                _ => TrackVerdict::PartlyPublished,
            },
            sequences,
            clock_offset_ms: (matched > 0).then_some(0),
            clock_kind: if matched > 0 { ClockKind::NoneNeeded } else { ClockKind::Unknown },
            drift_ppm: None,
            clock_support: matched as u32,
        });
    }
    outcome
}

fn nearest(local: &LocalImages, row: usize, side: &PublishedSide, index: &Index) -> Option<u32> {
    if local.time_kind[row] == TimeKind::None {
        return None;
    }
    let place = point(local.longitude[row], local.latitude[row]);
    let altitude_m = f64::from(local.altitude_m[row]);
    let mut best: Option<(f64, u32)> = None;
    for at in index.near(place, place, NEAR_M).into_iter().flatten() {
        let image = at as usize;
        let is_in_time = side.time_ms(image) != PublishedSide::NO_TIME
            && side.time_ms(image).abs_diff(local.time_ms[row]) <= NEAR_MS;
        let rise_m = (side.altitude_m(image) - altitude_m).abs();
        let distance = distance_m2(side.place(image), place);
        if is_in_time && distance <= NEAR_M * NEAR_M && (rise_m.is_nan() || rise_m <= NEAR_ALTITUDE_M) {
            let next = (distance, side.row(image));
            if best.is_none_or(|known| next.0.total_cmp(&known.0).then(next.1.cmp(&known.1)).is_lt()) {
                best = Some(next);
            }
        }
    }
    best.map(|(_, row)| row)
}
