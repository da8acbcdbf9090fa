//! Offsets that votes point at: peaks of whole seconds, modes of equal places and of an equal beat, zones, what is known.

use super::near::Near;
use super::{EXACT_M, KEPT, nearest_quarter_ms};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use capture_model::TimeKind;
use std::collections::BTreeMap;

/// Peaks of votes that are looked at.
const PEAKS: usize = 14;

/// Offsets by votes, before any of them is looked at closely.
pub(super) fn coarse_offsets(near: &[Near], ride: &Ride, side: &PublishedSide, agreed: &[i64]) -> Vec<i64> {
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
