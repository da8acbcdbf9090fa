//! What one ride may be: its offset hypotheses, and for the best of them its blocks.

use crate::block::{Block, Clock, WINDOW_MS, weigh};
use crate::crowd::NEAREST;
use crate::frames::{self, FrameShift, Reach};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::rivals::are_one_upload;
use crate::runs::Index;
use crate::shared::Shared;
use crate::votes::adaptive::{WEIGHED, hypotheses_by_need};
use crate::votes::afar::by_pattern;
use crate::votes::{Hypothesis, given, least_apart_ms, near_images};
use crate::{ClockOffset, MatchSettings, Weights};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Blocks of a ride at its best offset, and how sure that offset is against the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Explored {
    pub(crate) blocks: Vec<Block>,
    pub(crate) offset_probability: f64,
    /// The same blocks some frames earlier or later where nothing tells, each with its probability in place of the offset's.
    pub(crate) alternatives: Vec<(Block, f64)>,
}

/// Leaves of what was found for some rides only what is kept, side by side in memory.
pub(crate) fn pack(found: &mut [Explored], keeps_terms: bool) {
    for found in found.iter_mut() {
        let mut blocks = Vec::with_capacity(found.blocks.len());
        blocks.append(&mut found.blocks);
        found.blocks = blocks;
    }
    let mut blocks: Vec<&mut Block> = found.iter_mut().flat_map(|found| &mut found.blocks).collect();
    if !keeps_terms {
        blocks.iter_mut().for_each(|block| block.terms = Vec::new());
    }
    Shared::move_together(&mut blocks.iter_mut().map(|block| &mut block.pairs).collect::<Vec<_>>());
    Shared::move_together(&mut blocks.iter_mut().map(|block| &mut block.chain).collect::<Vec<_>>());
}

/// An offset as probable as this is sure: what it leaves over may be looked at by itself.
pub(crate) const SURE: f64 = 0.9;
/// Log odds of the blocks whose sequences are taken to be the ride's own.
pub(crate) const OWNED: f64 = 5.0;
/// Blocks that claim more than this share of each other's photos (or images) are rivals.
pub(crate) const SHARED: f64 = 0.3;
/// Share of the probability that is left where not all sequences of a crowd were weighed.
const OF_A_PART: f64 = 0.5;
/// Log odds above which a ride needs no look beyond the gate.
const FOUND: f64 = 2.0;
/// Pairs that are weighed at one offset, about, and more of them for each photo: more sequences than that are a crowd.
const MOST_PAIRS: f64 = 2_000_000.0;
const MOST_PAIRS_PER_PHOTO: f64 = 64.0;
const MOST_SEQUENCES: usize = 512;
/// Pairs of one untimed photo with one sequence: by order alone nothing further away is told.
const UNTIMED_PAIRS: usize = 1_000_000;
const UNTIMED_OF_PHOTO: (usize, usize) = (32, 256);

/// Looks at a ride; `agreed` are offsets that its camera showed in other folders.
pub(crate) fn explore(
    ride: &Ride,
    side: &PublishedSide,
    index: &Index,
    settings: &MatchSettings,
    agreed: &[i64],
) -> Explored {
    if !ride.is_timed() {
        return by_order(ride, side, index, settings.weights, |_| true);
    }
    let candidates = match settings.clock_offset {
        ClockOffset::Auto => hypotheses_by_need(ride, side, index, agreed),
        ClockOffset::Fixed { offset_ms } => given(ride, side, index, offset_ms),
    };
    let found = weigh_offsets(ride, side, settings, agreed, &candidates);
    if is_found(&found) || settings.clock_offset != ClockOffset::Auto {
        return found;
    }
    let afar = by_pattern(ride, side, index).map(|offset| weigh_offsets(ride, side, settings, agreed, &[offset]));
    afar.filter(is_found).unwrap_or(found)
}

/// Weighs the blocks of some offsets.
pub(crate) fn weigh_offsets(
    ride: &Ride,
    side: &PublishedSide,
    settings: &MatchSettings,
    agreed: &[i64],
    candidates: &[Hypothesis],
) -> Explored {
    let best_score = candidates.first().map_or(0.0, |hypothesis| hypothesis.score);
    let mut weighed: Vec<Weighed<'_>> = candidates
        .iter()
        .filter(|hypothesis| hypothesis.score >= WEIGHED * best_score)
        .filter_map(|hypothesis| {
            let sequences = worth_weighing(ride, side, hypothesis);
            let mut blocks: Vec<Block> = sequences
                .iter()
                .filter_map(|&sequence| {
                    weigh(ride, side, settings.weights, sequence, Some(hypothesis.offset_ms), agreed, &[])
                })
                .collect();
            blocks.sort_by(|a, b| b.evidence.total_cmp(&a.evidence).then(a.sequence.cmp(&b.sequence)));
            let strongest = blocks.iter().map(Block::log_odds_of_offset).reduce(f64::max)?;
            let total = total(&blocks);
            let strength = strongest.clamp(-60.0, 100.0) + settings.weights.rival_temper * total;
            let is_whole = sequences.len() == hypothesis.sequences.len();
            Some(Weighed { strength, total, blocks, hypothesis, is_whole })
        })
        .collect();
    weighed.sort_by(|a, b| {
        let offset = |of: &Weighed<'_>| (of.hypothesis.offset_ms.abs(), of.hypothesis.offset_ms);
        b.strength.total_cmp(&a.strength).then(offset(a).cmp(&offset(b)))
    });
    prefer_identity(&mut weighed);
    prefer_copies(&mut weighed);
    let mut rest = weighed.into_iter();
    let Some(mut best) = rest.next() else { return Explored::default() };
    let temper = settings.weights.offset_temper;
    let apart_ms = least_apart_ms(ride);
    let (mut against, mut copies) = (0.0, Vec::new());
    let told_ms = best.blocks.first().map_or(0.0, |block| block.offset_ms);
    let is_alone = rest.len() == 0;
    let frames = by_frames(ride, side, settings, agreed, &mut best, is_alone);
    let is_a_frame_away = |other: &Weighed<'_>| {
        let (Some(own), Some(there), Some(frames)) = (best.blocks.first(), other.blocks.first(), &frames) else {
            return false;
        };
        let shift_m = || frames::shift_of(ride, side, there);
        own.sequence == there.sequence && frames.reach.covers(there.offset_ms - told_ms, shift_m)
    };
    for other in rest {
        if is_told_by_a_right_clock(&best, &other) {
            against = f64::max(against, 1.0);
        }
        let is_apart = (other.hypothesis.offset_ms - best.hypothesis.offset_ms).abs() >= apart_ms;
        if !is_apart || shares_a_pair(&best.blocks, &other.blocks) {
            continue;
        }
        if is_a_frame_away(&other) {
            continue;
        }
        if let (Some(own), Some(twin)) = (best.blocks.first(), other.blocks.first())
            && own.sequence != twin.sequence
            && shared_photos(own, twin) > SHARED
            && are_one_upload(own, twin, side, ride)
        {
            copies.extend(other.blocks); // one upload, read in two zones
            continue;
        }
        let shown = identity_beside(&other.blocks, &best.blocks) - strongest_identity(&best.blocks);
        // What a fellow traveller's images agree in at metre level does not speak against an offset that shows identity.
        let seen = temper * (other.total - best.total) + temper * shown.min(0.0);
        let by_identity = if shown > 0.0 { temper * shown } else { f64::NEG_INFINITY };
        against += seen.max(by_identity).clamp(-60.0, 60.0).exp();
    }
    let mut offset_probability = 1.0 / (1.0 + against);
    let mut alternatives = Vec::new();
    if let Some(frames) = frames {
        alternatives = frames.others.into_iter().map(|(block, share)| (block, share * offset_probability)).collect();
        offset_probability *= frames.share;
    }
    best.blocks.extend(copies);
    if !best.is_whole {
        offset_probability *= OF_A_PART; // what was not weighed may be as good
    }
    Explored {
        blocks: best.blocks.into_iter().filter(|block| block.evidence_alone > -2.0).collect(),
        offset_probability,
        alternatives,
    }
}

/// A ride's best offset once its frames were told apart, or were not.
struct ByFrames {
    /// What remains of the probability of the best.
    share: f64,
    others: Vec<(Block, f64)>,
    /// Offsets that were looked at.
    reach: Reach,
}

/// Moves the best offset by whole frames, where that is likelier; the alternatives that are as likely stand beside it.
fn by_frames(
    ride: &Ride,
    side: &PublishedSide,
    settings: &MatchSettings,
    agreed: &[i64],
    best: &mut Weighed<'_>,
    is_alone: bool,
) -> Option<ByFrames> {
    let parts = frames::parts(&best.blocks);
    let own: Vec<&Block> = parts.iter().map(|&part| &best.blocks[part]).collect();
    if is_alone && frames::is_told_by_few(ride, side, &own, &settings.weights, settings.clock_offset) {
        return None;
    }
    let (shifts, reach) = frames::frame_shifts(ride, side, &own, &settings.weights, settings.clock_offset)?;
    let (&first, rest) = shifts.split_first()?;
    let move_all = |&shift: &FrameShift| {
        own.iter().map(|block| (frames::moved_block(ride, side, block, shift), shift.share)).collect::<Vec<_>>()
    };
    let others = rest.iter().flat_map(move_all).collect();
    if first.frames != 0 {
        let offset_ms = own[0].offset_ms + first.later_ms;
        let is_kept = |anew: &Block, moved: &Block| {
            let kept = anew.chain.iter().filter(|pair| moved.chain.binary_search(pair).is_ok()).count();
            kept * 2 > moved.chain.len()
        };
        let weigh = |block: &Block| {
            let anew = weigh(ride, side, settings.weights, block.sequence, Some(offset_ms.round() as i64), agreed, &[]);
            // a chain that goes back to the frames that are not meant is moved as it is
            let moved = frames::moved_block(ride, side, block, first);
            anew.filter(|anew| is_kept(anew, &moved)).unwrap_or(moved)
        };
        best.blocks = best.blocks.iter().map(weigh).collect();
        best.total = total(&best.blocks);
    }
    Some(ByFrames { share: first.share, others, reach })
}

/// An offset with its blocks, the one with most evidence first.
struct Weighed<'a> {
    /// The log odds of its strongest block, and a share of all its evidence: a rider beside covers more of a ride than a
    /// part of it that was published, but shows no identity.
    strength: f64,
    total: f64,
    blocks: Vec<Block>,
    hypothesis: &'a Hypothesis,
    /// Whether all its sequences were weighed.
    is_whole: bool,
}

/// The sequences of an offset that are weighed: all of them but for a crowd, of which those with most photos and images at one
/// time are.
fn worth_weighing<'h>(ride: &Ride, side: &PublishedSide, hypothesis: &'h Hypothesis) -> Cow<'h, [u32]> {
    let pairs = |&sequence: &u32| {
        let images = side.images_of(sequence as usize);
        let times_ms = [images.start, images.end - 1].map(|image| side.time_ms(image));
        let from = |ms: i64| ride.time_ms.partition_point(|time| time.saturating_add(hypothesis.offset_ms) < ms);
        let n_photos = from(times_ms[1].saturating_add(WINDOW_MS)) - from(times_ms[0].saturating_sub(WINDOW_MS));
        let windows = 1.0 + times_ms[1].saturating_sub(times_ms[0]) as f64 / (2 * WINDOW_MS) as f64;
        n_photos as f64 * (images.len() as f64 / windows).clamp(1.0, NEAREST as f64)
    };
    let most = MOST_PAIRS + MOST_PAIRS_PER_PHOTO * ride.len() as f64;
    let sequences = hypothesis.sequences.as_slice();
    if sequences.len() <= MOST_SEQUENCES && sequences.iter().map(pairs).sum::<f64>() <= most {
        return Cow::Borrowed(sequences);
    }
    let mut ranked: Vec<(f64, u32)> = sequences.iter().map(|sequence| (pairs(sequence), *sequence)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut sum = 0.0;
    let mut fits = |&(pairs, _): &(f64, u32)| {
        sum += pairs;
        sum <= most
    };
    let n_kept = ranked.iter().take_while(|ranked| fits(ranked)).take(MOST_SEQUENCES).count().max(1);
    let mut kept: Vec<u32> = ranked[..n_kept].iter().map(|ranked| ranked.1).collect();
    kept.sort_unstable();
    Cow::Owned(kept)
}

/// Whether another offset, at which the clock was right to the millisecond, tells as much of the same sequence: places that were set
/// from a late track are a timer's places some frames on.
fn is_told_by_a_right_clock(best: &Weighed<'_>, other: &Weighed<'_>) -> bool {
    let (Some(own), false) = (best.blocks.first(), best.blocks.iter().any(|block| block.clock == Clock::Right)) else {
        return false;
    };
    let is_as_long = |block: &&Block| block.sequence == own.sequence && block.chain.len() * 5 >= own.chain.len() * 4;
    other.blocks.iter().filter(|block| block.clock == Clock::Right).any(|block| is_as_long(&block))
}

/// Evidence of an offset: of its blocks that claim different photos, the prior counted once.
fn total(blocks: &[Block]) -> f64 {
    let mut taken: Vec<&Block> = Vec::new();
    for block in blocks {
        if block.evidence_alone > 0.0 && taken.iter().all(|known| shared_photos(known, block) <= SHARED) {
            taken.push(block);
        }
    }
    let prior = taken.first().map_or(0.0, |first| first.evidence - first.evidence_alone);
    taken.iter().map(|block| block.evidence_alone).sum::<f64>() + prior
}

/// Of offsets that tell nearly the same chain, the one that copies most of it leads: what is copied to the letter knows which
/// frame is meant, where places that wander may lean either way.
fn prefer_copies(weighed: &mut [Weighed<'_>]) {
    let first = |weighed: &Weighed<'_>| weighed.blocks.first().map_or(0, |block| block.copies);
    let Some(best) = weighed.first() else { return };
    let is_same = |other: &Weighed<'_>| match (best.blocks.first(), other.blocks.first()) {
        (Some(a), Some(b)) if a.sequence == b.sequence => {
            let both = a.chain.iter().filter(|pair| b.chain.binary_search(pair).is_ok()).count();
            both * 2 > a.chain.len()
        }
        _ => false,
    };
    let alike = (1..weighed.len()).filter(|&at| is_same(&weighed[at]));
    let most = alike.max_by_key(|&at| (first(&weighed[at]), std::cmp::Reverse(at)));
    if let Some(most) = most.filter(|&at| first(&weighed[at]) > first(best)) {
        weighed[..=most].rotate_right(1);
    }
}

/// An offset that shows far less identity than another is in doubt however much it explains: a fellow traveller may cover more of a ride
/// than what was published of it. The one that shows it leads.
fn prefer_identity(weighed: &mut [Weighed<'_>]) {
    const FAR_MORE: f64 = 30.0; // more than altitudes, headings or a beat show: places
    const STRONG: f64 = 25.0;
    let Some(of_best) = weighed.first().map(|best| strongest_identity(&best.blocks)) else { return };
    let shown = |at: usize| {
        let strong = weighed[at].blocks.iter().filter(|block| block.evidence > STRONG);
        strong.map(|block| block.identity).fold(f64::NEG_INFINITY, f64::max)
    };
    let most = (1..weighed.len()).max_by(|&a, &b| shown(a).total_cmp(&shown(b)).then(b.cmp(&a)));
    if let Some(most) = most.filter(|&at| shown(at) > of_best + FAR_MORE) {
        weighed[..=most].rotate_right(1);
    }
}

/// What an upload copies does not agree by chance: an offset that shows less of it than another is in doubt.
fn strongest_identity(blocks: &[Block]) -> f64 {
    blocks.iter().map(|block| block.identity).fold(f64::NEG_INFINITY, f64::max)
}

/// The same of blocks that are not told at the other offset too: what both tell alike speaks for neither.
fn identity_beside(blocks: &[Block], others: &[Block]) -> f64 {
    let is_told = |block: &Block| {
        let mut same = others.iter().filter(|other| other.sequence == block.sequence);
        same.any(|other| block.chain.iter().any(|pair| other.chain.binary_search(pair).is_ok()))
    };
    blocks.iter().filter(|block| !is_told(block)).map(|block| block.identity).fold(f64::NEG_INFINITY, f64::max)
}

fn shares_a_pair(a: &[Block], b: &[Block]) -> bool {
    match (a.first(), b.first()) {
        (Some(a), Some(b)) => a.chain.iter().any(|pair| b.chain.binary_search(pair).is_ok()),
        _ => false,
    }
}

/// The share of photos that two blocks both claim, of the smaller one.
pub(crate) fn shared_photos(a: &Block, b: &Block) -> f64 {
    shared(a.chain.iter().map(|pair| pair.0), b.chain.iter().map(|pair| pair.0), a.chain.len().min(b.chain.len()))
}

/// The share of images that two blocks both claim, of the smaller one.
pub(crate) fn shared_images(a: &Block, b: &Block) -> f64 {
    shared(a.chain.iter().map(|pair| pair.1), b.chain.iter().map(|pair| pair.1), a.chain.len().min(b.chain.len()))
}

/// Both sides rise, so one walk counts what they share.
fn shared(a: impl Iterator<Item = u32>, b: impl Iterator<Item = u32>, smaller: usize) -> f64 {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    let mut both = 0_usize;
    while let (Some(&x), Some(&y)) = (a.peek(), b.peek()) {
        both += usize::from(x == y);
        if x <= y {
            a.next();
        }
        if y <= x {
            b.next();
        }
    }
    both as f64 / smaller.max(1) as f64
}

/// Whether some block of a ride speaks for itself.
pub(crate) fn is_found(found: &Explored) -> bool {
    found.blocks.iter().any(|block| block.log_odds() > FOUND)
}

/// Without times only the order along the sequence can speak.
pub(crate) fn by_order(
    ride: &Ride,
    side: &PublishedSide,
    index: &Index,
    weights: Weights,
    is_asked: impl Fn(usize) -> bool,
) -> Explored {
    let mut near = near_images(ride, side, index, ride.len());
    near.retain(|&(_, image, _)| is_asked(image as usize));
    let most = (UNTIMED_PAIRS / ride.len()).clamp(UNTIMED_OF_PHOTO.0, UNTIMED_OF_PHOTO.1);
    let sequence = |image: u32| side.sequence(image as usize);
    let mut of_sequence: BTreeMap<u32, Vec<(u32, u32)>> = BTreeMap::new();
    let mut ranked: Vec<(f64, usize, u32)> = Vec::new();
    for alike in near.chunk_by(|a, b| a.0 == b.0 && sequence(a.1) == sequence(b.1)) {
        let photo = alike[0].0;
        let pairs = of_sequence.entry(sequence(alike[0].1)).or_default();
        if alike.len() <= most {
            pairs.extend(alike.iter().map(|&(photo, image, _)| (photo, image)));
            continue;
        }
        // the nearest; of one place those that stand where the photo stands
        let middle = alike.len() * photo as usize / ride.len();
        ranked.clear();
        ranked.extend(alike.iter().enumerate().map(|(at, near)| (near.2, at.abs_diff(middle), near.1)));
        ranked.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        ranked.truncate(most);
        ranked.sort_unstable_by_key(|ranked| ranked.2);
        pairs.extend(ranked.iter().map(|ranked| (photo, ranked.2)));
    }
    drop(near);
    let blocks = of_sequence
        .into_iter()
        .filter_map(|(sequence, pairs)| weigh(ride, side, weights, sequence, None, &[], &pairs))
        .filter(|block| block.log_odds() > -2.0)
        .collect();
    Explored { blocks, offset_probability: 1.0, alternatives: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::{columns, local_of, ride, upload};

    #[test]
    fn of_a_crowd_of_sequences_those_with_most_pairs_are_weighed() {
        let photos = ride(3, 40);
        let local = local_of(std::slice::from_ref(&photos));
        let own = Ride::of_track(&local, 0).remove(0);
        let of_length = |n: usize, k: usize| upload(&photos[..n], &format!("{k}"), 1 + 100 * k as u64);
        let few: Vec<_> = (0..MOST_SEQUENCES).flat_map(|k| of_length(if k % 2 == 0 { 3 } else { 30 }, k)).collect();
        let many: Vec<_> = few.iter().cloned().chain((MOST_SEQUENCES..600).flat_map(|k| of_length(2, k))).collect();
        for (images, n) in [(few, MOST_SEQUENCES), (many, 600)] {
            let published = columns(&images);
            let side = PublishedSide::new(&published);
            let sequences = (0..n as u32).collect();
            let all = Hypothesis { offset_ms: 0, score: 1.0, n_pairs: 1, n_exact: 0, sequences };
            let kept = worth_weighing(&own, &side, &all);
            assert_eq!(kept.len(), MOST_SEQUENCES);
            assert!(kept.is_sorted() && kept.iter().all(|&kept| (kept as usize) < MOST_SEQUENCES), "the shortest go");
        }
    }
}
