//! A block: one ride against one published sequence at one clock offset. It is the unit of evidence.
//!
//! In: the ride, the sequence, the offset. Out: the posterior of every pair, the best chain, and how strongly the block as
//! a whole speaks for itself, for its identity, and at metre level.
//!
//! # Method
//! Pairs within a time window (or, without times, within the gate) get a weight: log density of their residuals under the
//! fitted error classes over that of somebody else's image. Adjusted places wander slowly along a ride, so the place field
//! is a running median of neighbouring offset vectors. Exactly equal places need no field. Then all monotone chains are
//! summed ([`crate::chain`]).

mod burst;
mod clock;
mod doubt;
mod judge;
mod kind;
mod pairs;
mod place;
mod settled;
mod ties;
mod time;
mod work;

use crate::Weights;
use crate::at_most::collect_at_most;
use crate::chain::{best_chain, posteriors};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::shared::Shared;
use crate::votes::{GATE_M, nearest_quarter_ms};
use burst::is_burst;
use capture_model::TimeKind;
pub(crate) use clock::surprise_of_beat;
use clock::{LEAST_BEAT, beyond_timers};
pub(crate) use judge::EXACT_HEADING_DEG;
use judge::{is_copied, judge};
pub(crate) use pairs::WINDOW_MS;
use pairs::pair_by_time;
pub(crate) use place::{EXACT_ALTITUDE_M, roughness};
use place::{
    copied_headings, equal_altitude_m, first_chain, fit_place, is_exact_place, log_altitude, log_heading,
    only_at_their_places,
};
use settled::{only, open_pairs, places_in};
use std::f64::consts::PI;
use ties::{TieOrder, is_tied, is_told_by_ids, n_tied, order_by_copies, order_equal_times};
use time::fit_time;
use work::Work;

/// What a place says for a pair, where the field was fitted to a chain that had no times, or times of a burst.
const UNTIMED: f64 = 0.3;
const CROWDED: f64 = 0.5;
/// The same where copied altitudes or headings tell frames apart: what wanders is told once in ten frames.
const CROWDED_COPIED: f64 = 0.1;
/// What is told apart by a guess stays below the threshold of a match.
const MOST_BY_GUESS: f64 = 0.85;
/// Where the times of a chain are this improbable on the mean, its clock was not understood, as a log density per second.
const TIMES_OFF: f64 = -1.0;
/// Log odds from which a block is sure, those of nine in ten.
const LEAST_SURE: f64 = 2.197;
/// Log odds that a fellow traveller's camera is not one of the own rig.
const RIG: f64 = 2.3;

/// Which place carried the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    Original,
    Computed,
}

/// What a block's offset is worth beside that of a clock that is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    Fitted,
    /// Its times are those of the photos to the millisecond: by UTC, in a zone, or by a beat that no timer has.
    Right,
    /// Its places may be those of other frames, and its offset with them.
    SomeFramesOff,
}

/// One pair of a block.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    /// Photo in the ride.
    pub(crate) photo: u32,
    /// Place in the published order.
    pub(crate) image: u32,
    /// Share of all chains that hold it.
    pub(crate) posterior: f64,
}

/// A photo, an image, and what the weight of the pair is made of: time, place, heading, altitude.
pub(crate) type Terms = (u32, u32, [f32; 4]);

/// A weighed block.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) sequence: u32,
    /// Whether times paired the photos, not their order alone.
    pub(crate) is_timed: bool,
    /// Remote − local at the middle of the ride, ms; 0 where times did not.
    pub(crate) offset_ms: f64,
    /// Seconds gained per second of local time.
    pub(crate) slope: f64,
    /// Local time about which the slope turns, ms.
    pub(crate) pivot_ms: f64,
    /// Pairs worth keeping, by photo and image.
    pub(crate) pairs: Shared<Pair>,
    /// What the weights of pairs are made of, by photo and image; kept for whoever asks why.
    pub(crate) terms: Vec<Terms>,
    /// The best chain: (photo, image).
    pub(crate) chain: Shared<(u32, u32)>,
    /// Evidence against chance, the offset's prior included.
    pub(crate) evidence: f64,
    /// The same without that prior.
    pub(crate) evidence_alone: f64,
    /// Only the part at metre and second level.
    pub(crate) metre_level: f64,
    /// Evidence against a fellow traveller.
    pub(crate) identity: f64,
    /// Log odds against a fellow traveller, before that.
    pub(crate) companion: f64,
    /// Evidence against another camera of the same rig: all that two cameras on one trigger and one receiver do not share.
    pub(crate) mate: f64,
    /// What the size of its moves says for one's own images against a fellow traveller's, where that is in doubt.
    pub(crate) by_moves: Option<f64>,
    pub(crate) clock: Clock,
    /// Whether nothing but two timers agrees.
    pub(crate) shows_nothing: bool,
    /// What headings say of identity: above 0 they were copied, at −2 and below they are known and were not.
    pub(crate) by_heading: f64,
    pub(crate) places: Places,
    /// Whether the times as written, not those that were spread, agree.
    pub(crate) is_raw: bool,
    /// Pairs of the chain that agree to the letter in a place, an altitude or a heading.
    pub(crate) copies: usize,
}

impl Block {
    /// Log odds of the block against chance and against a fellow traveller.
    pub(crate) fn log_odds(&self) -> f64 {
        use crate::chain::log_add;
        -log_add(-self.evidence, log_add(-self.companion - self.identity, -self.companion - RIG - self.mate))
    }

    /// The same without the own rig: whichever of its cameras took the images, they were taken at this offset.
    pub(crate) fn log_odds_of_offset(&self) -> f64 {
        -crate::chain::log_add(-self.evidence, -self.companion - self.identity)
    }

    /// What the weight of a pair is made of; nothing where it was not weighed.
    pub(crate) fn terms_of(&self, pair: &Pair) -> [f32; 4] {
        let at = self.terms.binary_search_by_key(&(pair.photo, pair.image), |&(photo, image, _)| (photo, image));
        at.map_or([0.0; 4], |at| self.terms[at].2)
    }

    /// Remote − local at one photo, ms.
    pub(crate) fn offset_at(&self, time_ms: i64) -> i64 {
        (self.offset_ms + self.slope * (time_ms as f64 - self.pivot_ms)).round() as i64
    }
}

/// Weighs one block; `None` when nothing of it holds together. `near` are the pairs within the gate, for untimed rides.
pub(crate) fn weigh(
    ride: &Ride,
    side: &PublishedSide,
    weights: Weights,
    sequence: u32,
    offset_ms: Option<i64>,
    agreed: &[i64],
    near: &[(u32, u32)],
) -> Option<Block> {
    let mut work = Work::new(ride, side, weights, sequence);
    let snapped = offset_ms.map(|offset| snap(ride, offset));
    match snapped {
        Some(offset) => pair_by_time(&mut work, offset_ms.unwrap_or(offset), offset),
        None => work.pair(near),
    }
    if work.photo.is_empty() {
        return None;
    }
    work.compare();
    work.equal_altitude_m = equal_altitude_m(&work);
    let n_tied = n_tied(&work.times_ms);
    let is_ordered = n_tied > 0 && order_equal_times(&mut work);
    let as_paired = work.lag_s.clone();
    let mut time = snapped.map(|offset| fit_time(&mut work, offset, offset_ms.unwrap_or(offset)));
    let share_a_time = time.is_some() && n_tied * 5 >= work.times_ms.len();
    if let (Some(offset), Some(first), false) = (snapped, time.as_ref().filter(|_| share_a_time), is_ordered)
        && order_by_copies(&mut work, &first.nearest)
    {
        work.lag_s = as_paired;
        time = Some(fit_time(&mut work, offset, offset_ms.unwrap_or(offset)));
    }
    let mut by_heading = copied_headings(&work);
    if let Some(time) = &mut time
        && let Some(open) = open_pairs(&work, time)
    {
        work.keep(&open);
        time.log_density = only(&time.log_density, &open);
        time.nearest = places_in(&time.nearest, &open);
        by_heading = by_heading.map(|told| places_in(&told, &open));
    }
    let are_turns_copied = by_heading.is_some();
    let start = match (by_heading, &time) {
        (Some(told), _) => told,
        (None, Some(time)) => time.nearest.clone(),
        (None, None) => first_chain(&work)?,
    };
    let log_other_time = (1.0 / work.interval_s().max(0.05)).ln();
    let log_time: Vec<f64> = match &time {
        Some(time) => time.log_density.iter().map(|density| density - log_other_time).collect(),
        None => vec![0.0; work.len()],
    };
    let is_crowded = time.as_ref().is_some_and(|time| time.is_crowded);
    let is_told = time.is_some() || are_turns_copied; // which pairs are true: there is nothing to be drawn anew
    let is_open = || work.has_alternatives() || !is_copied(&work, &start);
    let is_drawn_anew = is_crowded && !are_turns_copied && is_open();
    let place = fit_place(&work, start, is_drawn_anew, is_told, &log_time)?;
    let heading = log_heading(&work, &place.chosen, are_turns_copied);
    let altitude = log_altitude(&work, &place.chosen);
    // A field that bends to its own chain makes neighbours agree: where little else tells frames apart, they count less.
    let temper = match &time {
        _ if place.is_exact => 1.0,
        None => UNTIMED,
        Some(time) if time.is_crowded && is_burst(ride) && is_copied(&work, &place.chosen) => CROWDED_COPIED,
        Some(time) if time.is_crowded => CROWDED,
        Some(_) => 1.0,
    };
    let weight: Vec<f64> = (0..work.len())
        .map(|pair| {
            let of_place = match &time {
                Some(_) => temper * place.ratio[pair],
                None => temper * (place.density[pair] + (PI * GATE_M * GATE_M).ln()) - 1.0,
            };
            log_time[pair] + of_place + heading[pair] + altitude[pair] + weights.pair
        })
        .collect();
    let terms = |pair: usize| {
        let (in_time, in_place) = match time {
            Some(_) => (log_time[pair], place.ratio[pair]),
            None => (0.0, place.density[pair] + (PI * GATE_M * GATE_M).ln() - 1.0),
        };
        [in_time, in_place, heading[pair], altitude[pair]].map(|term| term as f32)
    };
    let (kept, links) = work.links(&weight, -6.0);
    let posterior = posteriors(&links);
    let chain: Vec<usize> = best_chain(&links).into_iter().map(|link| kept[link]).collect();
    if chain.is_empty() {
        return None;
    }
    // Frames that share a second on both sides stand in an order that only what was copied to the letter can tell, or the way if a
    // beat that no timer has tells the seconds; those that share one on the published side alone, in one that the way can tell.
    let is_copied = share_a_time && is_crowded && is_copied(&work, &chain);
    let is_told = !is_crowded || is_copied || (share_a_time && beyond_timers(&work, &chain) > LEAST_BEAT);
    let order = (time.is_some() && n_tied > 0).then(|| TieOrder::new(&work, &chain, place.sigma_m));
    let are_times_off = time.as_ref().is_some_and(|time| {
        let density = chain.iter().map(|&pair| time.log_density[pair].clamp(-3.0, 3.0));
        density.sum::<f64>() < TIMES_OFF * chain.len() as f64
    }) && !judge::is_copied(&work, &chain);
    let only_at_its_place = if are_times_off { only_at_their_places(&work) } else { Vec::new() };
    let most = |pair: usize| match &order {
        _ if are_times_off && !only_at_its_place[pair] => MOST_BY_GUESS,
        Some(order) if is_exact_place(&work, pair) => order.among_equal_places(pair),
        Some(_) if share_a_time && !is_told => MOST_BY_GUESS,
        Some(order) if share_a_time || is_tied(&work.times_ms, work.place(pair)) => order.probability(pair, is_copied),
        None if time.is_none() && is_told_by_ids(&work, work.image(pair)) => MOST_BY_GUESS,
        _ => 1.0,
    };
    let kept_pairs = kept.iter().zip(&posterior).filter(|(_, posterior)| **posterior > 1e-4);
    let pairs = kept_pairs.map(|(&pair, &posterior)| Pair {
        photo: work.photo[pair],
        image: work.image(pair) as u32,
        posterior: posterior.min(most(pair)),
    });
    let pairs = collect_at_most(kept.len(), pairs);
    let mut block = Block {
        sequence,
        is_timed: time.is_some(),
        offset_ms: time.as_ref().map_or(0.0, |time| time.offset_ms),
        slope: time.as_ref().map_or(0.0, |time| time.slope),
        pivot_ms: time.as_ref().map_or(0.0, |time| time.pivot_ms),
        pairs: pairs.into(),
        terms: Vec::new(),
        chain: chain.iter().map(|&pair| (work.photo[pair], work.image(pair) as u32)).collect(),
        evidence: 0.0,
        evidence_alone: 0.0,
        metre_level: 0.0,
        identity: 0.0,
        companion: weights.companion,
        mate: 0.0,
        by_moves: None,
        clock: Clock::Fitted,
        shows_nothing: false,
        by_heading: 0.0,
        places: place.places,
        is_raw: time.as_ref().is_some_and(|time| time.is_raw),
        copies: 0,
    };
    block.terms = kept.iter().map(|&pair| (work.photo[pair], work.image(pair) as u32, terms(pair))).collect();
    judge(&mut block, &work, &chain, &place, time.as_ref(), [&log_time, &heading, &altitude], agreed);
    Some(block)
}

/// An offset within rounding of a whole quarter hour (or of 0 for an absolute clock) is taken to be it.
fn snap(ride: &Ride, offset_ms: i64) -> i64 {
    let whole = if ride.kind == TimeKind::Absolute { 0 } else { nearest_quarter_ms(offset_ms) };
    if (offset_ms - whole).abs() < 1_600 && whole.abs() <= 50_400_000 { whole } else { offset_ms }
}
