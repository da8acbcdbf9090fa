//! Photos that a ride's clock leaves over, while images of its own sequences are left over too: the clock was set on the way.
//!
//! In: a ride whose sequences are decided. Out: a ride of the photos without image, explored on a clock of its own. A part of a
//! ride that was not published leaves no images over, and images of others leave no photos: only both at once are looked at.

use crate::block::Block;
use crate::explore::{Explored, OWNED, SURE, explore};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::Index;
use crate::{ClockOffset, MatchSettings};

/// Fewer photos or images than these show no clock.
const FEWEST: usize = 4;
/// Images that the rest of the ride has already are not left over; a few may be.
const MOST_TAKEN: f64 = 0.1;
/// Log odds for a block of a sequence that is known to be the ride's own.
const OWN: f64 = 12.0;

/// The photos that are left over as a ride of their own, with what it may be.
pub(crate) fn left_over<'a>(
    ride: &Ride<'a>,
    found: &Explored,
    side: &PublishedSide,
    index: &Index,
    settings: &MatchSettings,
) -> Option<(Ride<'a>, Explored)> {
    let is_one_clock = !ride.is_timed() || settings.clock_offset != ClockOffset::Auto;
    if is_one_clock || found.offset_probability < SURE {
        return None;
    }
    let own: Vec<&Block> = found.blocks.iter().filter(|block| block.log_odds() > OWNED).collect();
    let mut is_left = vec![true; ride.len()];
    let mut taken: Vec<u32> = Vec::with_capacity(own.iter().map(|block| block.chain.len()).sum());
    for &(photo, image) in own.iter().flat_map(|block| &block.chain) {
        is_left[photo as usize] = false;
        taken.push(image);
    }
    taken.sort_unstable();
    taken.dedup();
    let mut sequences: Vec<u32> = own.iter().map(|block| block.sequence).collect();
    sequences.sort_unstable();
    sequences.dedup();
    let is_timed = |&image: &usize| side.time_ms(image) != PublishedSide::NO_TIME;
    let n_timed = |&sequence: &u32| side.images_of(sequence as usize).filter(is_timed).count();
    let n_images: usize = sequences.iter().map(n_timed).sum();
    let left: Vec<usize> = (0..ride.len()).filter(|&photo| is_left[photo]).collect();
    if left.len() < FEWEST || n_images < taken.len() + FEWEST {
        return None;
    }
    let part = ride.part(&left);
    let mut explored = explore(&part, side, index, settings, &[]);
    explored.blocks.retain_mut(|block| {
        let n_taken = block.chain.iter().filter(|pair| taken.binary_search(&pair.1).is_ok()).count();
        let is_own = sequences.binary_search(&block.sequence).is_ok();
        if is_own {
            block.identity += OWN;
            block.mate += OWN;
        }
        is_own && block.chain.len() >= FEWEST && n_taken as f64 <= MOST_TAKEN * block.chain.len() as f64
    });
    (!explored.blocks.is_empty()).then_some((part, explored))
}
