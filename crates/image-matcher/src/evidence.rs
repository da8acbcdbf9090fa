//! What spoke for and against each verdict, kept for whoever asks why: the same run as [`crate::match_images()`], told aloud.

use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::rivals::{Doubt, Standing};
use capture_model::LocalImages;

/// Blocks of a track that are worth telling.
const MOST_BLOCKS: usize = 5;

/// The weights of one pair, by feature: natural logarithms of how much likelier the feature is of one photo than of
/// somebody else's image. 0 says nothing, 3 speaks for it 20 to 1, −3 against it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairWeights {
    /// Row of the published image.
    pub image: u32,
    /// Share of all ways to pair the ride with the sequence that hold this pair.
    pub posterior: f32,
    /// Probability of the pair; before one image was given to one photo.
    pub probability: f32,
    /// Of the times.
    pub time: f32,
    /// Of the places.
    pub place: f32,
    /// Of the headings.
    pub heading: f32,
    /// Of the altitudes.
    pub altitude: f32,
}

/// A published sequence that a track may be, at one clock offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlockEvidence {
    /// Row of the first image of its best chain.
    pub first_image: u32,
    /// Remote − local, ms, in the middle; `None` for photos without times.
    pub offset_ms: Option<i64>,
    /// Photos of its best chain.
    pub photos: u32,
    /// Evidence against chance, natural logarithm.
    pub evidence: f64,
    /// Evidence of identity, against somebody who rode along, natural logarithm.
    pub identity: f64,
    /// Probability that this block is true, against all its rivals.
    pub probability: f64,
    /// What speaks against it most: `chance`, `companion`, `other_sequence`, `other_folder`, `other_offset`.
    pub doubt: &'static str,
    /// The same upload again: only listed beside the first.
    pub is_twin: bool,
}

/// What spoke for and against.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// Of each local row its best pair, and the next one of another image.
    pub pairs: Vec<[Option<PairWeights>; 2]>,
    /// Of each track its blocks, best first, at most five.
    pub blocks: Vec<Vec<BlockEvidence>>,
}

/// Collects the evidence of a settled run.
pub(crate) fn evidence_of(
    local: &LocalImages,
    side: &PublishedSide,
    rides: &[Ride],
    standings: &[Standing],
) -> Evidence {
    let mut evidence = Evidence { pairs: vec![[None; 2]; local.len()], blocks: vec![Vec::new(); local.n_tracks()] };
    for standing in standings {
        let (ride, block) = (&rides[standing.ride], &standing.block);
        if let Some(&(_, image)) = block.chain.first() {
            evidence.blocks[ride.track].push(BlockEvidence {
                first_image: side.row(image as usize),
                offset_ms: (ride.is_timed() && block.is_timed).then(|| block.offset_ms.round() as i64),
                photos: standing.photos,
                evidence: block.evidence,
                identity: block.identity,
                probability: standing.probability,
                doubt: word_of(standing.doubt),
                is_twin: standing.twin_of.is_some(),
            });
        }
        for pair in block.pairs.iter().filter(|_| standing.twin_of.is_none()) {
            let [time, place, heading, altitude] = block.terms_of(pair);
            let weights = PairWeights {
                image: side.row(pair.image as usize),
                posterior: pair.posterior as f32,
                probability: (pair.posterior * standing.probability) as f32,
                time,
                place,
                heading,
                altitude,
            };
            enter(&mut evidence.pairs[ride.row(pair.photo as usize)], weights);
        }
    }
    for blocks in &mut evidence.blocks {
        blocks.sort_by(|a, b| {
            let rank = |block: &BlockEvidence| (block.is_twin, std::cmp::Reverse(block.photos), block.first_image);
            b.probability.total_cmp(&a.probability).then_with(|| rank(a).cmp(&rank(b)))
        });
        blocks.truncate(MOST_BLOCKS);
    }
    evidence
}

/// Keeps the best two pairs of different images; ties go to the lower row.
fn enter(kept: &mut [Option<PairWeights>; 2], new: PairWeights) {
    let beats = |old: Option<PairWeights>| {
        old.is_none_or(|old| {
            new.probability.total_cmp(&old.probability).then(old.image.cmp(&new.image)) == std::cmp::Ordering::Greater
        })
    };
    let is_same = |old: Option<PairWeights>| old.is_some_and(|old| old.image == new.image);
    if is_same(kept[0]) || beats(kept[0]) {
        if beats(kept[0]) {
            if !is_same(kept[0]) {
                kept[1] = kept[0];
            }
            kept[0] = Some(new);
        }
    } else if beats(kept[1]) {
        kept[1] = Some(new);
    }
}

fn word_of(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::Weak => "chance",
        Doubt::Companion => "companion",
        Doubt::OtherSequence => "other_sequence",
        Doubt::OtherRide => "other_folder",
        Doubt::Offset => "other_offset",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_two_images_are_kept_in_any_order() {
        let pair = |image, probability| PairWeights {
            image,
            posterior: probability,
            probability,
            time: 0.0,
            place: 0.0,
            heading: 0.0,
            altitude: 0.0,
        };
        let all = [pair(3, 0.2), pair(7, 0.5), pair(7, 0.4), pair(2, 0.2), pair(9, 0.1)];
        for turn in 0..all.len() {
            let mut kept = [None; 2];
            all.iter().cycle().skip(turn).take(all.len()).for_each(|&pair| enter(&mut kept, pair));
            let images = kept.map(|pair| pair.map(|pair| (pair.image, pair.probability)));
            assert_eq!(images, [Some((7, 0.5)), Some((2, 0.2))], "from {turn}");
        }
    }
}
