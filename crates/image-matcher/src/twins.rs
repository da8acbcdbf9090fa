//! Twins: images that nothing tells apart, within one sequence or in two.
//!
//! Equal photos of one sequence (same time, place, altitude and heading) can be given out in any order. Which file became
//! which id is then not known, however well the whole set fits: each of k twins is as probable as the others.

use crate::claims::WholeClaim;
use crate::plane::{are_within, distance_m2};
use crate::published_side::PublishedSide;
use crate::votes::EXACT_M;
use std::ops::Range;

/// Whether two images were sent with the same time and place.
pub(crate) fn are_equal(side: &PublishedSide, a: usize, b: usize) -> bool {
    let is_timed = side.time_ms(a) != PublishedSide::NO_TIME;
    is_timed
        && side.time_ms(a) == side.time_ms(b)
        && are_within(side.degrees(a)[0], side.degrees(b)[0], EXACT_M)
            .unwrap_or_else(|| distance_m2(side.original(a), side.original(b)) < EXACT_M * EXACT_M)
}

/// Whether nothing tells two images of one sequence apart.
pub(crate) fn are_twins(side: &PublishedSide, image: usize, other: usize) -> bool {
    let alike = |a: f64, b: f64| a.total_cmp(&b).is_eq() || (a.is_nan() && b.is_nan());
    side.sequence(other) == side.sequence(image)
        && are_equal(side, image, other)
        && alike(side.altitude_m(image), side.altitude_m(other))
        && alike(side.heading_deg(image), side.heading_deg(other))
}

/// A set so large has no candidate left either way.
pub(crate) const MOST: usize = 64;

/// The images of its sequence that nothing tells from this one, itself among them; of a larger set than can be shared not all.
fn twins_of(side: &PublishedSide, image: usize) -> Range<usize> {
    let time_ms = side.time_ms(image);
    let may_be_twin = |other: usize| side.time_ms(other) == time_ms;
    if !(image > 0 && may_be_twin(image - 1) || image + 1 < side.len() && may_be_twin(image + 1)) {
        return image..image + 1;
    }
    let is_twin = |other: usize| are_twins(side, image, other);
    let sequence = side.images_of(side.sequence(image) as usize);
    let first = (sequence.start..image).rev().take(MOST).take_while(|&other| is_twin(other)).last().unwrap_or(image);
    let last = (image + 1..sequence.end).take(MOST).take_while(|&other| is_twin(other)).last().unwrap_or(image);
    first..last + 1
}

/// Shares what a photo claims of a set of twins evenly among them; says whether its best claim is one of a set.
pub(crate) fn share_among_twins(side: &PublishedSide, claims: &mut Vec<WholeClaim>) -> bool {
    let is_set = |twins: &Range<usize>| (2..=MOST).contains(&twins.len());
    let mut known = 0..0; // a set that is too large is so for each of its images
    let is_of_set = |claim: &WholeClaim| {
        let image = claim.image as usize;
        if !known.contains(&image) || known.len() <= MOST {
            known = twins_of(side, image);
        }
        is_set(&known)
    };
    if !claims.iter().any(is_of_set) {
        return false;
    }
    let mut is_shared = false;
    let mut done: Vec<(u32, Range<usize>)> = Vec::new();
    let best = claims.iter().copied().reduce(|a, b| if b.probability > a.probability { b } else { a });
    for claim in claims.clone() {
        let image = claim.image as usize;
        if done.iter().any(|(standing, twins)| *standing == claim.standing && twins.contains(&image)) {
            continue;
        }
        let twins = twins_of(side, image);
        if !is_set(&twins) {
            continue;
        }
        let is_of_set =
            |other: &WholeClaim| other.standing == claim.standing && twins.contains(&(other.image as usize));
        let of_set = |value: fn(&WholeClaim) -> f64| {
            claims.iter().filter(|other| is_of_set(other)).map(value).sum::<f64>() / twins.len() as f64
        };
        let (probability, posterior) = (of_set(|claim| claim.probability), of_set(|claim| claim.posterior));
        is_shared |= best.is_some_and(|best| is_of_set(&best));
        claims.retain(|other| !is_of_set(other));
        claims.extend(twins.clone().map(|image| WholeClaim { image: image as u32, probability, posterior, ..claim }));
        done.push((claim.standing, twins));
    }
    is_shared
}
