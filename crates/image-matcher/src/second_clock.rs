//! Photos of a ride that ran on another clock than the rest: a clock that was set back lays two stretches over each other.
//!
//! In: a ride, what was found for it, and the offsets that its camera is known to have had. Out: the photos that no image of
//! the ride's own offset is for, and which stand exactly at the place and time of images at another of these offsets, as
//! rides of their own. The layout by time mixes such stretches into tracks of one or two photos each, of either clock.

use crate::explore::{Explored, OWNED, SURE, weigh_offsets};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::Index;
use crate::votes::{given, near_images};
use crate::{MatchSettings, votes::EXACT_M};

/// A photo with a pair above this is held.
const HELD: f64 = 0.5;
/// Where so many photos are left over, a part of a ride is another ride.
const MOST_LEFT: usize = 256;
/// Times of one upload agree to this, ms; one whole second more where seconds were cut.
const SAME_MS: i64 = 300;

/// Takes the photos that ran on another of the clock's offsets out of what was found, and gives them back as rides of their own.
pub(crate) fn on_other_clocks<'a>(
    ride: &Ride<'a>,
    found: &mut Explored,
    offsets_ms: &[i64],
    side: &PublishedSide,
    index: &Index,
    settings: &MatchSettings,
) -> Vec<(Ride<'a>, Explored)> {
    let left = left_over(ride, found);
    if !ride.is_timed() || offsets_ms.len() < 2 || left.is_empty() || left.len() > MOST_LEFT {
        return Vec::new();
    }
    let told = told_by_one(&ride.part(&left), offsets_ms, side, index);
    let is_sure = found.offset_probability > SURE;
    let own_ms = found.blocks.first().filter(|_| is_sure).map(|block| block.offset_ms.round() as i64);
    let n_told = offsets_ms.iter().filter(|&&offset_ms| told.contains(&Some(offset_ms))).count();
    if own_ms.is_none() && n_told < 2 {
        return Vec::new(); // one offset for all: that was weighed
    }
    let mut is_taken = vec![false; ride.len()];
    let mut rides = Vec::new();
    for &offset_ms in offsets_ms.iter().filter(|&&offset_ms| !own_ms.is_some_and(|own_ms| is_near(own_ms, offset_ms))) {
        let photos: Vec<usize> =
            left.iter().zip(&told).filter(|(_, told)| **told == Some(offset_ms)).map(|(&photo, _)| photo).collect();
        if photos.is_empty() {
            continue;
        }
        let part = ride.part(&photos);
        let hypotheses = given(&part, side, index, offset_ms);
        let explored = weigh_offsets(&part, side, settings, &[offset_ms], &hypotheses);
        if explored.blocks.iter().any(|block| block.log_odds() > 0.0) {
            photos.iter().for_each(|&photo| is_taken[photo] = true);
            rides.push((part, explored));
        }
    }
    if !rides.is_empty() {
        let taken = |photo: u32| is_taken[photo as usize];
        for block in found.blocks.iter_mut().chain(found.alternatives.iter_mut().map(|(block, _)| block)) {
            block.pairs.retain(|pair| !taken(pair.photo));
            block.chain.retain(|&(photo, _)| !taken(photo));
        }
        found.blocks.retain(|block| !block.chain.is_empty());
        found.alternatives.retain(|(block, _)| !block.chain.is_empty());
    }
    rides
}

/// Photos that nothing holds; all where the offset is in doubt.
fn left_over(ride: &Ride, found: &Explored) -> Vec<usize> {
    let mut is_held = vec![false; ride.len()];
    if found.offset_probability > SURE {
        let owned = found.blocks.iter().filter(|block| block.log_odds() > OWNED);
        let held = owned.flat_map(|block| block.pairs.iter()).filter(|pair| pair.posterior > HELD);
        held.for_each(|pair| is_held[pair.photo as usize] = true);
    }
    (0..ride.len()).filter(|&photo| !is_held[photo]).collect()
}

/// The only offset at which an image stands at exactly the place and time of each photo.
fn told_by_one(part: &Ride, offsets_ms: &[i64], side: &PublishedSide, index: &Index) -> Vec<Option<i64>> {
    let same_ms = SAME_MS + if part.whole_seconds { 1_000 } else { 0 };
    let mut told: Vec<Vec<i64>> = vec![Vec::new(); part.len()];
    for (photo, image, nearest_m2) in near_images(part, side, index, part.len()) {
        let time_ms = side.time_ms(image as usize);
        if nearest_m2 > EXACT_M * EXACT_M || time_ms == PublishedSide::NO_TIME {
            continue;
        }
        let difference_ms = time_ms.saturating_sub(part.time_ms[photo as usize]);
        let at = offsets_ms.iter().copied().filter(|offset_ms| difference_ms.abs_diff(*offset_ms) <= same_ms as u64);
        told[photo as usize].extend(at);
    }
    let only = |offsets: &Vec<i64>| {
        let &first = offsets.first()?;
        offsets.iter().all(|&offset_ms| offset_ms == first).then_some(first)
    };
    told.iter().map(only).collect()
}

fn is_near(a_ms: i64, b_ms: i64) -> bool {
    a_ms.abs_diff(b_ms) <= 1_000
}
