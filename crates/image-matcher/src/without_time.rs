//! Images that are published without a time.
//!
//! In: a ride whose sequences are decided. Out: pairs of a photo that is left over and an image without time of such a
//! sequence, where the image stands at exactly the place of that photo and of no other. No clock finds these images; said to
//! be missing they would be uploaded once more. A ride for which nothing was found is looked at by its order, as if it had no
//! times itself.

use crate::MatchSettings;
use crate::block::{Block, EXACT_ALTITUDE_M, Pair};
use crate::explore::{Explored, OWNED, SURE, by_order, is_found};
use crate::plane::{Point, distance_m2};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::Index;
use crate::votes::EXACT_M;
use std::ops::Range;

/// A photo with a pair above this is not left over.
const HELD: f64 = 0.05;
/// How sure a place of its own in the own sequence is.
const POSTERIOR: f64 = 0.99;

/// Whether any image has no time.
pub(crate) fn are_some_untimed(side: &PublishedSide) -> bool {
    (0..side.n_sequences()).any(|sequence| !untimed_images(side, sequence as u32).is_empty())
}

/// What a timed ride may be among images without time, where nothing was found for it.
pub(crate) fn explore_without_time(
    ride: &Ride,
    side: &PublishedSide,
    index: &Index,
    settings: &MatchSettings,
    found: &mut Explored,
) {
    if ride.is_timed() && !is_found(found) {
        let is_untimed = |image: usize| side.time_ms(image) == PublishedSide::NO_TIME;
        let told = by_order(ride, side, index, settings.weights, is_untimed);
        if is_found(&told) {
            *found = told;
        }
    }
}

/// Adds the pairs to the blocks of the ride.
pub(crate) fn pair_without_time(ride: &Ride, side: &PublishedSide, found: &mut Explored) {
    if !ride.is_timed() || found.offset_probability < SURE {
        return;
    }
    let is_asked = |block: &Block| block.log_odds() > OWNED && !untimed_images(side, block.sequence).is_empty();
    if !found.blocks.iter().any(is_asked) {
        return;
    }
    let by_place = ByPlace::of(ride);
    let placed = photos_that_are_held(ride, &found.blocks, |pair| {
        is_there(side.points(pair.image as usize, &ride.anchor)[0], ride.place()[pair.photo as usize])
    });
    for block in found.blocks.iter_mut().filter(|block| is_asked(block)) {
        if !is_copied(block, ride, side) {
            continue;
        }
        let own = photos_that_are_held(ride, std::slice::from_ref(block), |_| true);
        let mut pairs: Vec<(u32, u32)> = untimed_images(side, block.sequence)
            .filter_map(|image| {
                let photo = by_place.only_photo(ride, side.points(image, &ride.anchor)[0])?;
                let climb_m = (side.altitude_m(image) - ride.altitude_m(photo as usize)).abs();
                let is_held = own[photo as usize] || placed[photo as usize];
                let is_free = !is_held && (climb_m.is_nan() || climb_m < EXACT_ALTITUDE_M);
                is_free.then_some((photo, image as u32))
            })
            .collect();
        pairs.sort_unstable();
        let mut all = block.pairs.to_vec();
        for one in pairs.chunk_by(|a, b| a.0 == b.0) {
            if let &[(photo, image)] = one {
                all.push(Pair { photo, image, posterior: POSTERIOR });
            }
        }
        all.sort_unstable_by_key(|pair| (pair.photo, pair.image));
        block.pairs = all.into();
    }
}

/// Photos that blocks have an image for, as far as such a pair counts: the image of a camera beside, at a place of its own, does
/// not hold a photo.
fn photos_that_are_held(ride: &Ride, blocks: &[Block], counts: impl Fn(&Pair) -> bool) -> Vec<bool> {
    let mut is_held = vec![false; ride.len()];
    for pair in blocks.iter().flat_map(|block| &block.pairs).filter(|pair| pair.posterior > HELD && counts(pair)) {
        is_held[pair.photo as usize] = true;
    }
    is_held
}

/// Images of a sequence that have no time: they stand before the others.
fn untimed_images(side: &PublishedSide, sequence: u32) -> Range<usize> {
    let images = side.images_of(sequence as usize);
    let n_untimed = images.clone().take_while(|&image| side.time_ms(image) == PublishedSide::NO_TIME).count();
    images.start..images.start + n_untimed
}

/// Whether most pairs of a block agree in their uploaded places.
fn is_copied(block: &Block, ride: &Ride, side: &PublishedSide) -> bool {
    let is_exact = |&&(photo, image): &&(u32, u32)| {
        is_there(side.points(image as usize, &ride.anchor)[0], ride.place()[photo as usize])
    };
    block.chain.iter().filter(is_exact).count() * 2 >= block.chain.len()
}

fn is_there(a: Point, b: Point) -> bool {
    distance_m2(a, b) < EXACT_M * EXACT_M
}

/// Photos of a ride by their first coordinate.
struct ByPlace(Vec<(f64, u32)>);

impl ByPlace {
    fn of(ride: &Ride) -> Self {
        let mut photos: Vec<(f64, u32)> = ride.place().iter().map(|place| place[0]).zip(0..).collect();
        photos.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        Self(photos)
    }

    /// The photo at a place; `None` where there is none, or more than one.
    fn only_photo(&self, ride: &Ride, place: Point) -> Option<u32> {
        let from = self.0.partition_point(|photo| photo.0 < place[0] - EXACT_M);
        let near = self.0[from..].iter().take_while(|photo| photo.0 <= place[0] + EXACT_M);
        let mut there = near.map(|photo| photo.1).filter(|&photo| is_there(ride.place()[photo as usize], place));
        let only = there.next()?;
        there.next().is_none().then_some(only)
    }
}
