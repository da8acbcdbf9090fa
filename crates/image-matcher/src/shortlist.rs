//! Which sequences of the tiles are still in question once time and nearness have spoken.

use crate::explore::explore;
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::Index;
use crate::votes::{hypotheses, near_images};
use crate::{ClockOffset, MatchSettings};
use capture_model::{LocalImages, PublishedImages};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Sequences of a weaker offset stay in question when they reach this share of the best one's score.
const WEAKEST: f64 = 0.5;
const MOST_PER_RIDE: usize = 6;
/// Rides of so few photos cannot vote: an image at the very place keeps its sequence in question at any offset.
const TOO_SHORT_TO_VOTE: usize = 8;
/// The same place, as far as a tile can tell: at the equator its grid moves a place by up to 0.42 m, and the photo's by little.
const SAME_PLACE_M: f64 = 0.6;

/// Numbers (in `tiles.sequences`) of the sequences worth asking for, those that concern most photos first.
///
/// A sequence is in question when it lies within 80 m of a ride's photos at times which one clock offset explains, or when
/// it lies there and there is no time to judge by. It need not be right, but the right one must not be missing.
pub fn shortlist(local: &LocalImages, tiles: &PublishedImages) -> Vec<u32> {
    let side = PublishedSide::new(tiles);
    let index = Index::new(&side);
    let rides: Vec<Ride> =
        (0..local.n_tracks()).into_par_iter().flat_map_iter(|track| Ride::of_track(local, track)).collect();
    let wanted: Vec<Vec<(u32, usize)>> = rides.par_iter().map(|ride| of_ride(ride, &side, &index)).collect();
    let mut photos: BTreeMap<u32, usize> = BTreeMap::new();
    for (working, n_photos) in wanted.into_iter().flatten() {
        let row = side.row(side.images_of(working as usize).start) as usize;
        let sequence = tiles.sequence[row];
        if sequence != PublishedImages::NO_SEQUENCE {
            *photos.entry(sequence).or_default() += n_photos;
        }
    }
    let mut ranked: Vec<(u32, usize)> = photos.into_iter().collect();
    ranked.sort_unstable_by_key(|&(sequence, n_photos)| (std::cmp::Reverse(n_photos), sequence));
    ranked.into_iter().map(|(sequence, _)| sequence).collect()
}

/// Of each track, whether a sequence is in question for it that holds a published row for which `is_missing` says so:
/// the tracks of which nothing may be called absent while these rows are missing.
pub fn tracks_in_question(
    local: &LocalImages,
    tiles: &PublishedImages,
    is_missing: impl Fn(usize) -> bool + Sync,
) -> Vec<bool> {
    let side = PublishedSide::new(tiles);
    let index = Index::new(&side);
    let concerns = |track: usize| {
        let in_question = Ride::of_track(local, track).into_iter().flat_map(|ride| of_ride(&ride, &side, &index));
        in_question
            .into_iter()
            .any(|(working, _)| side.images_of(working as usize).any(|image| is_missing(side.row(image) as usize)))
    };
    (0..local.n_tracks()).into_par_iter().map(concerns).collect()
}

/// Working numbers of the sequences in question for one ride, each with the photos that it may concern.
fn of_ride(ride: &Ride, side: &PublishedSide, index: &Index) -> Vec<(u32, usize)> {
    let settings = MatchSettings { clock_offset: ClockOffset::Auto, ..MatchSettings::default() };
    let mut wanted: BTreeMap<u32, usize> = BTreeMap::new();
    let explored = explore(ride, side, index, &settings, &[]);
    for block in explored.blocks.iter().filter(|block| block.log_odds() > -8.0) {
        wanted.insert(block.sequence, block.chain.len());
    }
    if ride.is_timed() {
        let hypotheses = hypotheses(ride, side, index, &[]);
        let best = hypotheses.first().map_or(0.0, |hypothesis| hypothesis.score);
        let strong = hypotheses.iter().filter(|hypothesis| hypothesis.score >= WEAKEST * best);
        let mut more: Vec<u32> = strong.flat_map(|hypothesis| hypothesis.sequences.iter().copied()).collect();
        more.retain(|sequence| !wanted.contains_key(sequence));
        let mut seen = Vec::new();
        more.retain(|sequence| {
            !seen.contains(sequence) && {
                seen.push(*sequence);
                true
            }
        });
        for sequence in more.into_iter().take(MOST_PER_RIDE) {
            wanted.insert(sequence, 1);
        }
    }
    let near = near_images(ride, side, index, 64);
    if ride.len() <= TOO_SHORT_TO_VOTE {
        let mut at_place: Vec<_> = near.iter().filter(|pair| pair.2 < SAME_PLACE_M * SAME_PLACE_M).collect();
        at_place.sort_unstable_by(|a, b| a.2.total_cmp(&b.2).then(a.1.cmp(&b.1)));
        let mut sequences: Vec<u32> = Vec::new();
        for (_, image, _) in at_place {
            let sequence = side.sequence(*image as usize);
            if sequences.len() < MOST_PER_RIDE && !sequences.contains(&sequence) {
                sequences.push(sequence);
            }
        }
        for sequence in sequences {
            wanted.entry(sequence).or_insert(1);
        }
    }
    // Images without a time can neither be explained nor ruled out by a clock.
    for (_, image, _) in near {
        if side.time_ms(image as usize) == PublishedSide::NO_TIME || !ride.is_timed() {
            *wanted.entry(side.sequence(image as usize)).or_default() += 1;
        }
    }
    wanted.into_iter().collect()
}
