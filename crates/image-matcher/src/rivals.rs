//! Blocks against each other: who else claims these photos, who else claims these images, and which are one upload twice.

use crate::Weights;
use crate::assignment::posteriors;
use crate::block::{Block, Clock, EXACT_HEADING_DEG};
use crate::explore::{Explored, SHARED, shared_images, shared_photos};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::votes::nearest_quarter_ms;
use std::collections::{BTreeMap, BTreeSet};

/// A block with its place among the others.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) ride: usize,
    pub(crate) block: Block,
    /// Photos of its best chain.
    pub(crate) photos: u32,
    pub(crate) offset_probability: f64,
    /// Probability that the block is true, its offset included.
    pub(crate) probability: f64,
    /// The same upload again, better placed: this one is only listed.
    pub(crate) twin_of: Option<usize>,
    /// What speaks against it most.
    pub(crate) doubt: Doubt,
}

/// The strongest reason to doubt a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// Chance, or too little.
    Weak,
    /// Somebody who rode along.
    Companion,
    /// Another sequence claims the photos.
    OtherSequence,
    /// Another folder claims the images.
    OtherRide,
    /// Another clock offset.
    Offset,
}

/// What remains of an offset that leads to places which may be those of other frames.
const SOME_FRAMES_OFF: f64 = 0.5;
const LEAST_LOG_ODDS: f64 = -4.0;

/// Weighs every block against its rivals.
pub(crate) fn standings(
    rides: &[Ride],
    explored: Vec<Explored>,
    side: &PublishedSide,
    weights: &Weights,
) -> Vec<Standing> {
    let mut all: Vec<Standing> = Vec::new();
    let mut alternatives: Vec<Vec<(Block, f64)>> = Vec::with_capacity(explored.len());
    for (ride, found) in explored.into_iter().enumerate() {
        alternatives.push(found.alternatives);
        let doubted: Vec<bool> = found.blocks.iter().map(|block| is_some_frames_off(block, &found.blocks)).collect();
        let blocks = found.blocks.into_iter().zip(doubted);
        for (block, is_doubted) in blocks.filter(|(block, _)| block.log_odds() > LEAST_LOG_ODDS) {
            all.push(Standing {
                ride,
                photos: block.chain.len() as u32,
                offset_probability: found.offset_probability * if is_doubted { SOME_FRAMES_OFF } else { 1.0 },
                block,
                probability: 0.0,
                twin_of: None,
                doubt: Doubt::Weak,
            });
        }
    }
    let mut of_ride: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut of_sequence: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (number, standing) in all.iter().enumerate() {
        of_ride.entry(standing.ride).or_default().push(number);
        of_sequence.entry(standing.block.sequence).or_default().push(number);
    }
    let row_rivals: Vec<Vec<usize>> = (0..all.len())
        .map(|number| {
            let others = of_ride[&all[number].ride].iter().copied();
            others
                .filter(|&other| other != number && shared_photos(&all[number].block, &all[other].block) > SHARED)
                .collect()
        })
        .collect();
    let column_rivals: Vec<Vec<usize>> = (0..all.len())
        .map(|number| {
            let others = of_sequence[&all[number].block.sequence].iter().copied();
            let is_rival = |other: usize| {
                all[other].ride != all[number].ride && shared_images(&all[number].block, &all[other].block) > SHARED
            };
            others.filter(|&other| is_rival(other)).collect()
        })
        .collect();
    let is_contested: Vec<bool> = (0..all.len())
        .map(|number| {
            let is_claimed_elsewhere = |&claim: &usize| !column_rivals[claim].is_empty();
            is_claimed_elsewhere(&number) || row_rivals[number].iter().any(is_claimed_elsewhere)
        })
        .collect();
    let is_again = |own: usize, other: usize| {
        let blocks = (&all[own].block, &all[other].block);
        !is_contested[own] && are_one_upload(blocks.0, blocks.1, side, &rides[all[own].ride])
    };
    let mut twin_of = vec![None; all.len()];
    let mut rivals = column_rivals;
    for own in 0..all.len() {
        for &other in &row_rivals[own] {
            if !is_again(own, other) {
                rivals[own].push(other);
                continue;
            }
            let rank = |number: usize| (all[number].block.chain.len(), std::cmp::Reverse(all[number].block.sequence));
            if rank(other) > rank(own) {
                twin_of[own] = Some(other);
            }
        }
    }
    let mut granted = granted(&all, &rivals, side, weights);
    share_as_taken(&all, &row_rivals, &is_contested, side, rides, &mut granted);
    for (number, standing) in all.iter_mut().enumerate() {
        let own = &standing.block;
        let chance = (-own.evidence).min(60.0).exp();
        let alone = (-own.log_odds_told(weights)).clamp(-60.0, 60.0).exp();
        let others = 1.0 / granted[number].max(1e-26) - 1.0;
        standing.twin_of = twin_of[number];
        standing.probability = standing.offset_probability / (1.0 + alone + others);
        let doubts = [
            (chance, Doubt::Weak),
            (alone - chance, Doubt::Companion),
            // Sequences that another folder claims too are a rig's, not a fellow traveller's.
            (others, if is_contested[number] { Doubt::OtherRide } else { Doubt::OtherSequence }),
            (1.0 / standing.offset_probability.max(1e-9) - 1.0, Doubt::Offset),
        ];
        standing.doubt = doubts.iter().fold(doubts[0], |worst, &next| if next.0 > worst.0 { next } else { worst }).1;
    }
    add_alternatives(&mut all, &alternatives);
    all
}

/// Two sequences that tell the same moments and altitudes to the letter are one upload twice, or two cameras of a rig of which one is at
/// hand. The former is the more frequent: then either is right, and the longer one leads.
fn share_as_taken(
    all: &[Standing],
    row_rivals: &[Vec<usize>],
    is_contested: &[bool],
    side: &PublishedSide,
    rides: &[Ride],
    granted: &mut [f64],
) {
    const OF_LEADER: f64 = 0.87;
    let rank = |number: usize| (all[number].block.chain.len(), std::cmp::Reverse(all[number].block.sequence));
    for own in (0..all.len()).filter(|&own| !is_contested[own]) {
        let block = &all[own].block;
        let again = row_rivals[own].iter().copied().filter(|&other| {
            let shown = &all[other].block;
            !are_one_upload(block, shown, side, &rides[all[own].ride]) && are_one_take(block, shown, side)
        });
        let again: Vec<usize> = again.collect();
        if again.iter().any(|&other| rank(other) > rank(own)) || again.is_empty() {
            continue;
        }
        let total = granted[own] + again.iter().map(|&other| granted[other]).sum::<f64>();
        if again.iter().chain([&own]).any(|&number| granted[number] > OF_LEADER * total) {
            continue;
        }
        granted[own] = OF_LEADER * total;
        let rest = (1.0 - OF_LEADER) * total / again.len() as f64;
        again.into_iter().for_each(|other| granted[other] = rest);
    }
}

/// Whether the images of two blocks tell one moment for each photo, and the same altitude and way to look as far as these are known.
fn are_one_take(a: &Block, b: &Block, side: &PublishedSide) -> bool {
    const DISTINCT: usize = 8;
    let of_b: BTreeMap<u32, u32> = b.chain.iter().copied().collect();
    let both = a.chain.iter().filter_map(|(photo, image)| Some((*image as usize, *of_b.get(photo)? as usize)));
    let (mut n, mut n_alike, mut is_fine, mut heights) = (0, 0, false, BTreeSet::new());
    for (image, other) in both {
        n += 1;
        let time_ms = side.time_ms(image);
        let turn_deg = (side.heading_deg(image) - side.heading_deg(other)).abs();
        let climb_m = (side.altitude_m(image) - side.altitude_m(other)).abs();
        let is_apart = turn_deg > EXACT_HEADING_DEG || climb_m > 0.0;
        n_alike += usize::from(time_ms != PublishedSide::NO_TIME && time_ms == side.time_ms(other) && !is_apart);
        is_fine |= time_ms % 1000 != 0;
        heights.insert((side.altitude_m(image).to_bits(), climb_m.to_bits()));
    }
    is_one_device(a, b, side) && n >= DISTINCT && n_alike * 10 >= n * 9 && (is_fine || heights.len() >= DISTINCT)
}

/// Whether the offset of a block leads to places that may be those of other frames, in this block or in another one.
fn is_some_frames_off(block: &Block, all: &[Block]) -> bool {
    const SAME_MS: f64 = 300.0;
    let is_told = |other: &&Block| other.clock == Clock::SomeFramesOff && other.log_odds() > 0.0;
    all.iter().filter(is_told).any(|other| (other.offset_ms - block.offset_ms).abs() < SAME_MS)
}

/// The share of all assignments of photos to sequences in which each block is granted: over each connected component of blocks
/// that contest each other's photos or images.
fn granted(all: &[Standing], rivals: &[Vec<usize>], side: &PublishedSide, weights: &Weights) -> Vec<f64> {
    let time_ms = |number: usize| all[number].block.chain.first().map_or(0, |pair| side.time_ms(pair.1 as usize));
    let mut granted = vec![1.0; all.len()];
    let mut is_seen = vec![false; all.len()];
    for start in 0..all.len() {
        if is_seen[start] || rivals[start].is_empty() {
            continue;
        }
        let mut members = vec![start];
        is_seen[start] = true;
        let mut at = 0;
        while at < members.len() {
            for &rival in &rivals[members[at]] {
                if !std::mem::replace(&mut is_seen[rival], true) {
                    members.push(rival);
                }
            }
            at += 1;
        }
        members.sort_unstable_by_key(|&number| (time_ms(number), number));
        let place: BTreeMap<usize, usize> = members.iter().copied().zip(0..).collect();
        let weight = |&number: &usize| {
            let block = &all[number].block;
            block.identity + weights.rival_temper * block.metre_level
        };
        // an assignment that can be larger is larger: the weakest costs nothing, and differences stay what they are
        let weakest = members.iter().map(weight).fold(0.0, f64::min);
        let own_weights: Vec<f64> = members.iter().map(|number| weight(number) - weakest).collect();
        let own_rivals: Vec<Vec<usize>> =
            members.iter().map(|number| rivals[*number].iter().map(|rival| place[rival]).collect()).collect();
        for (&number, posterior) in members.iter().zip(posteriors(&own_weights, &own_rivals)) {
            granted[number] = posterior;
        }
    }
    granted
}

/// The same blocks some frames away share what their block has; they are nobody's rivals.
fn add_alternatives(all: &mut Vec<Standing>, alternatives: &[Vec<(Block, f64)>]) {
    for number in 0..all.len() {
        let (ride, sequence) = (all[number].ride, all[number].block.sequence);
        let against_others = all[number].probability / all[number].offset_probability.max(1e-9);
        for (block, share) in alternatives[ride].iter().filter(|(block, _)| block.sequence == sequence) {
            all.push(Standing {
                ride,
                photos: block.chain.len() as u32,
                block: block.clone(),
                offset_probability: *share,
                probability: against_others * share,
                twin_of: all[number].twin_of,
                doubt: Doubt::Offset,
            });
        }
    }
}

/// Whether two blocks hold the same fingerprints (time to the millisecond or in another zone, uploaded place, device) where
/// they meet. Where places were moved or are unknown, headings must be equal: equal times and altitudes are also what two cameras on one trigger and one receiver have.
pub(crate) fn are_one_upload(a: &Block, b: &Block, side: &PublishedSide, ride: &Ride) -> bool {
    const DISTINCT: usize = 8;
    let of_b: BTreeMap<u32, u32> = b.chain.iter().copied().collect();
    let (mut both, mut same) = (0, 0);
    let (mut n_copied, mut n_turned, mut copied) = (0, 0, BTreeSet::new());
    let zone_ms = nearest_quarter_ms((b.offset_ms - a.offset_ms).round() as i64);
    let is_equal =
        |a_ms: i64, b_ms: i64| (b_ms.saturating_sub(a_ms) - zone_ms).abs() <= if zone_ms == 0 { 0 } else { 2 };
    for &(photo, image) in &a.chain {
        let Some(&other) = of_b.get(&photo) else { continue };
        both += 1;
        let (image, other) = (image as usize, other as usize);
        let is_timed = ride.is_timed() || side.time_ms(image) != PublishedSide::NO_TIME;
        if !is_timed || !is_equal(side.time_ms(image), side.time_ms(other)) {
            continue;
        }
        let (heading, climb) = (side.heading_deg(image), (side.altitude_m(image) - side.altitude_m(other)).abs());
        if heading == side.heading_deg(other) && (climb.is_nan() || climb == 0.0) {
            n_copied += 1;
            copied.insert(heading.to_bits());
        }
        n_turned += usize::from((heading - side.heading_deg(other)).abs() > EXACT_HEADING_DEG);
        same += usize::from(crate::plane::distance_m2(side.original(image), side.original(other)) < 1e-3);
    }
    let nearly_all = |count: usize| both > 0 && count * 10 >= both * 9;
    let is_one_file = || nearly_all(n_copied) && copied.len() >= DISTINCT;
    let is_moved = same * 10 < both; // places changed here and there are somebody's doing: neither has more right
    let is_one_place = nearly_all(same) && n_turned * 2 < both;
    is_one_device(a, b, side) && (is_one_place || (is_moved && is_one_file()))
}

/// Whether two sequences may be of one camera, as far as their devices are known.
fn is_one_device(a: &Block, b: &Block, side: &PublishedSide) -> bool {
    match (side.device(a.sequence), side.device(b.sequence)) {
        (Some(a), Some(b)) => a.agrees_with(b) || a.is_scaled(b),
        _ => true,
    }
}
