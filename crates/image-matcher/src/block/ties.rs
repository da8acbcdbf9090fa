//! Images of one time: the published order among them is a guess, and chains must rise on both sides.
//!
//! In: the pairs of a block. Out: ranks in which images of one time stand as the ride passed them, as far as what was copied
//! to the letter tells.

use super::Work;
use super::judge::{EXACT_HEADING_DEG, is_copied};
use super::place::climb_of;
use crate::plane::{Point, distance_m2, length_m};
use crate::published_side::PublishedSide;
use crate::twins::{self, are_equal as are_at_one_place, are_twins};
use crate::votes::EXACT_M;
use std::ops::Range;

/// More images of one time than these are a clock that stands, not a burst: no way orders them.
const MOST_TIED: usize = 256;

/// The places that have the time of one of them, of images in order of time.
fn ties(times_ms: &[i64], place: usize) -> Range<usize> {
    const NEAR: usize = 8;
    let time_ms = times_ms[place];
    if !is_tied(times_ms, place) {
        return place..place + 1;
    }
    let is_other = |&other: &i64| other != time_ms;
    let before = times_ms[..place].iter().rev().take(NEAR).position(is_other);
    let behind = times_ms[place..].iter().take(NEAR).position(is_other);
    let first = before.map(|back| place - back);
    let end = behind.map(|on| place + on);
    first.unwrap_or_else(|| times_ms.partition_point(|&other| other < time_ms))
        ..end.unwrap_or_else(|| times_ms.partition_point(|&other| other <= time_ms))
}

/// Whether the image before or after it in the published order has the same time.
pub(super) fn is_tied(times_ms: &[i64], place: usize) -> bool {
    let time_ms = times_ms[place];
    time_ms != PublishedSide::NO_TIME
        && (place > 0 && times_ms[place - 1] == time_ms || times_ms.get(place + 1) == Some(&time_ms))
}

/// How many images are tied.
pub(super) fn n_tied(times_ms: &[i64]) -> usize {
    (0..times_ms.len()).filter(|&place| is_tied(times_ms, place)).count()
}

/// Whether the image before or after it lies at its place and has its time, or neither has one: nothing but ids orders them.
pub(super) fn is_told_by_ids(work: &Work<'_>, image: usize) -> bool {
    let (side, range) = (work.side, work.first..work.first + work.times_ms.len());
    let is_alike = |other: usize| {
        side.time_ms(other) == side.time_ms(image)
            && distance_m2(side.place(other), side.place(image)) < EXACT_M * EXACT_M
    };
    image > range.start && is_alike(image - 1) || image + 1 < range.end && is_alike(image + 1)
}

/// Images of crowds that a chain leaves alone: of so many images of one time no photo can tell which is its own, and a folder may
/// hold a part of them.
pub(super) fn left_of_crowds(work: &Work<'_>, chain: &[usize]) -> usize {
    let crowds = chain.chunk_by(|&a, &b| work.time_ms(a) == work.time_ms(b));
    let left = |given: &[usize]| {
        let n_images = ties(&work.times_ms, work.place(given[0])).len();
        if n_images > MOST_TIED { n_images - given.len() } else { 0 }
    };
    crowds.map(left).sum()
}

/// Of each rank, the middle one of the photos at exactly the place of its image, if that shares its time with others; by rank.
fn passed_exactly(work: &Work<'_>) -> Vec<(u32, u32)> {
    let is_placed = |&pair: &usize| work.is_exact_place[pair] && is_tied(&work.times_ms, work.place(pair));
    let placed = (0..work.len()).filter(is_placed);
    let mut passed: Vec<(u32, u32)> = placed.map(|pair| (work.rank[pair], work.photo[pair])).collect();
    passed.sort_unstable();
    passed.chunk_by(|a, b| a.0 == b.0).map(|photos| photos[photos.len() / 2]).collect()
}

/// Puts images of one time into the order in which most of them have a photo with their altitude and heading, among the
/// photos that a chain gives to them and those beside; where these were copied. Says whether any of them moved.
pub(super) fn order_by_copies(work: &mut Work<'_>, chain: &[usize]) -> bool {
    const MOST: usize = 5; // 120 orders
    if chain.is_empty() {
        return false;
    }
    let is_copied = is_copied(work, chain);
    let mut order: Vec<u32> = (0..work.times_ms.len() as u32).collect();
    for given in chain.chunk_by(|&a, &b| work.time_ms(a) == work.time_ms(b)) {
        let tie = ties(&work.times_ms, work.place(given[0])).len();
        if !(2..=MOST).contains(&tie) {
            continue;
        }
        let photos = || given.iter().map(|&pair| work.photo[pair] as usize);
        let (first, last) = (photos().min().unwrap_or(0), photos().max().unwrap_or(0));
        let near = (first + 1).saturating_sub(tie)..(last + tie).min(work.ride.len());
        let ranks = first_of_tie(work, given[0])..;
        let mut images: Vec<u32> = ranks.take(tie).collect();
        let slots = images[0] as usize..images[0] as usize + tie;
        sort_along(work, near.clone(), &mut images);
        if !is_copied {
            order[slots].copy_from_slice(&images);
            continue;
        }
        let mut best = (equal_in_order(work, near.clone(), &images), images.clone());
        let mut tried = images.clone();
        permute(&mut tried, 0, &mut |tried| {
            let equal = equal_in_order(work, near.clone(), tried);
            if equal > best.0 {
                best = (equal, tried.to_vec());
            }
        });
        order[slots].copy_from_slice(&best.1);
    }
    put_in_order(work, order)
}

/// Sorts images of one time along the way of the photos, where these moved on; what wanders, wanders more slowly.
fn sort_along(work: &Work<'_>, photos: Range<usize>, ranks: &mut [u32]) {
    const LEAST_STEP_M: f64 = 1.0;
    let (from, to) = (work.ride.place()[photos.start], work.ride.place()[photos.end - 1]);
    let way = work.ride.plane.offset_m(from, to);
    let length_m = length_m(way);
    if length_m < LEAST_STEP_M * (photos.len() - 1) as f64 {
        return;
    }
    let along = |rank: u32| {
        let [original, computed] = work.points(work.place_of(rank));
        let place = if original[0].is_nan() { computed } else { original };
        let offset = work.ride.plane.offset_m(from, place);
        (offset[0] * way[0] + offset[1] * way[1]) / length_m
    };
    let mut keyed: Vec<(f64, u32)> = ranks.iter().map(|&rank| (along(rank), rank)).collect();
    if keyed.iter().all(|(along_m, _)| along_m.is_finite()) {
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        ranks.iter_mut().zip(keyed).for_each(|(rank, (_, sorted))| *rank = sorted);
    }
}

/// The least rank of those that share the time of a pair's image.
fn first_of_tie(work: &Work<'_>, pair: usize) -> u32 {
    ties(&work.times_ms, work.place(pair)).start as u32
}

/// Tries every order of the entries from one on.
fn permute(entries: &mut [u32], from: usize, tell: &mut impl FnMut(&[u32])) {
    if from + 1 >= entries.len() {
        return tell(entries);
    }
    for other in from..entries.len() {
        entries.swap(from, other);
        permute(entries, from + 1, tell);
        entries.swap(from, other);
    }
}

/// How many images, by rank and in this order, have an equal photo each, in the order of the photos.
fn equal_in_order(work: &Work<'_>, photos: Range<usize>, ranks: &[u32]) -> usize {
    let mut most = vec![0; ranks.len() + 1];
    for photo in photos {
        for at in (0..ranks.len()).rev() {
            if are_equal(work, photo, work.first + work.place_of(ranks[at])) == Some(true) {
                most[at + 1] = most[at + 1].max(most[at] + 1);
            }
        }
        for at in 1..most.len() {
            most[at] = most[at].max(most[at - 1]);
        }
    }
    most[ranks.len()]
}

/// Whether a photo and an image are equal in altitude and heading, as far as both have them; `None` where neither does.
pub(super) fn are_equal(work: &Work<'_>, photo: usize, image: usize) -> Option<bool> {
    let turn = (work.side.heading_deg(image) - work.ride.heading_deg(photo)).abs();
    let apart =
        [climb_of(work, photo, image).abs() / work.equal_altitude_m, turn.min(360.0 - turn) / EXACT_HEADING_DEG];
    apart.into_iter().filter(|d| d.is_finite()).map(|d| d < 1.0).reduce(|a, b| a && b)
}

/// The same of a pair, whose altitudes and headings are compared.
pub(super) fn is_equal_pair(work: &Work<'_>, pair: usize) -> Option<bool> {
    if work.turn_deg[pair].is_finite() {
        return are_equal(work, work.photo[pair] as usize, work.image(pair));
    }
    let climb_m = work.climb_m[pair].abs();
    climb_m.is_finite().then(|| climb_m / work.equal_altitude_m < 1.0)
}

/// How sure the order of images of one time is along a chain.
pub(super) struct TieOrder<'a> {
    work: &'a Work<'a>,
    /// By rank, the photo that the chain gives to it.
    photo_of: Vec<Option<u32>>,
    /// By how much places move from one photo to the next beside what the ride moves, per axis, m².
    variance_m2: f64,
    sigma_m: f64,
    /// Of each photo, how many of its images are at exactly its place.
    n_placed: Vec<u32>,
}

/// What an image of a crowd is worth that only its order tells from others.
const OF_A_CROWD: f64 = 0.5;

impl<'a> TieOrder<'a> {
    pub(super) fn new(work: &'a Work<'a>, chain: &[usize], sigma_m: f64) -> Self {
        const OF_MEDIAN: f64 = 2.2; // of a squared length that is normal along the way, and nothing across
        const LEAST_M2: f64 = 0.09;
        let mut steps_m2: Vec<f64> = chain
            .windows(2)
            .map(|two| [moved_m(work, two[0]), moved_m(work, two[1])])
            .map(|[a, b]| (b[0] - a[0]).powi(2) + (b[1] - a[1]).powi(2))
            .filter(|step| step.is_finite())
            .collect();
        let middle = steps_m2.len() / 2;
        let median_m2 = if steps_m2.is_empty() {
            f64::INFINITY
        } else {
            *steps_m2.select_nth_unstable_by(middle, f64::total_cmp).1
        };
        let mut photo_of = vec![None; work.times_ms.len()];
        chain.iter().for_each(|&pair| photo_of[work.rank[pair] as usize] = Some(work.photo[pair]));
        let mut n_placed = vec![0; work.ride.len()];
        let placed = (0..work.len()).filter(|&pair| work.is_exact_place[pair]);
        placed.for_each(|pair| n_placed[work.photo[pair] as usize] += 1);
        Self { work, photo_of, variance_m2: (OF_MEDIAN * median_m2).max(LEAST_M2), sigma_m, n_placed }
    }

    /// The probability that the image of a pair is the photo's, and none of those that share its time. `by_copies` asks for copied
    /// altitudes or headings that agree, and believes those that do not.
    pub(super) fn probability(&self, pair: usize, by_copies: bool) -> f64 {
        let (work, image) = (self.work, self.work.image(pair));
        let photo = work.photo[pair] as usize;
        let tied = ties(&work.times_ms, work.place(pair));
        let is_crowd = tied.len() > MOST_TIED;
        if is_crowd || by_copies && are_equal(work, photo, image) != Some(true) {
            return 0.5;
        }
        let ranks = tied.start as u32..tied.end as u32;
        let others = ranks.filter(|&other| other != work.rank[pair]).map(|other| {
            let is_other = by_copies && are_equal(work, photo, work.first + work.place_of(other)) == Some(false);
            if is_other { 0.0 } else { (-self.order(pair, other)).exp() }
        });
        1.0 / (1.0 + others.sum::<f64>())
    }

    /// The probability of an image at the photo's very place among those that share its time and lie there too, unless what was
    /// copied tells it apart. Those that are equal in everything are twins and share later.
    pub(super) fn among_equal_places(&self, pair: usize) -> f64 {
        let (work, image) = (self.work, self.work.image(pair));
        let photo = work.photo[pair] as usize;
        let is_equal = |other: usize| are_equal(work, photo, other) == Some(true);
        let is_there = |&other: &usize| {
            let is_alike = are_twins(work.side, image, other);
            other != image
                && !is_alike
                && are_at_one_place(work.side, image, other)
                && is_equal(other) == is_equal(image)
        };
        let tied = ties(&work.times_ms, work.place(pair));
        let tied = work.first + tied.start..work.first + tied.end;
        if tied.len() > twins::MOST {
            return if self.n_placed[photo] > 1 { OF_A_CROWD } else { 1.0 };
        }
        1.0 / (1.0 + tied.filter(is_there).count() as f64)
    }

    /// Log odds that two images of one time are in this order and not in the other.
    fn order(&self, pair: usize, other: u32) -> f64 {
        const MOST: f64 = 20.0;
        let work = self.work;
        let other_image = work.first + work.place_of(other);
        let Some(photo) = self.photo_of[other as usize] else {
            return if are_apart(work.side, work.image(pair), other_image, self.sigma_m) { MOST } else { 0.0 };
        };
        let between = |places: [[Point; 2]; 2]| {
            let kind = usize::from(places.iter().any(|place| place[0][0].is_nan()));
            work.ride.plane.offset_m(places[0][kind], places[1][kind])
        };
        let images = between([work.place(pair), work.place_of(other)].map(|place| work.points(place)));
        let [from, to] = [work.photo[pair], photo].map(|photo| work.ride.place()[photo as usize]);
        let photos = work.ride.plane.offset_m(from, to);
        let along_m2 = images[0] * photos[0] + images[1] * photos[1];
        if along_m2.is_finite() { (2.0 * along_m2 / self.variance_m2).clamp(-MOST, MOST) } else { 0.0 }
    }
}

/// From a photo to the image of a pair, metres.
fn moved_m(work: &Work<'_>, pair: usize) -> [f64; 2] {
    let original = work.to_original[pair];
    if original[0].is_nan() { work.to_computed[pair] } else { original }
}

/// Whether two images lie so far apart, for places that scatter by so much, that the way tells which of them came first.
fn are_apart(side: &PublishedSide, image: usize, other: usize, sigma_m: f64) -> bool {
    const LEAST_APART_M: f64 = 1.5;
    let apart_m = LEAST_APART_M.max(2.5 * sigma_m);
    distance_m2(side.place(image), side.place(other)) > apart_m * apart_m
}

/// Puts images of one time into the order in which the ride passed them; those that it never passed stay behind the one
/// that they follow. Says whether any of them moved.
pub(super) fn order_equal_times(work: &mut Work<'_>) -> bool {
    let passed = passed_exactly(work);
    if passed.is_empty() {
        return false;
    }
    let times_ms = &work.times_ms;
    let photo_of = |rank: u32| passed.binary_search_by_key(&rank, |passed| passed.0).ok().map(|at| passed[at].1);
    let mut order: Vec<u32> = (0..times_ms.len() as u32).collect();
    // the same for all of a tie, whatever their order
    for tie in order.chunk_by_mut(|&a, &b| times_ms[a as usize] == times_ms[b as usize]) {
        let first = if tie.len() > 1 { tie.iter().find_map(|&rank| photo_of(rank)) } else { None };
        let Some(mut last) = first else { continue };
        let mut keyed: Vec<(u32, u32)> = Vec::with_capacity(tie.len());
        for &rank in tie.iter() {
            last = photo_of(rank).unwrap_or(last);
            keyed.push((last, rank));
        }
        keyed.sort_unstable();
        tie.iter_mut().zip(keyed).for_each(|(slot, (_, rank))| *slot = rank);
    }
    put_in_order(work, order)
}

/// Numbers the ranks anew: `order` holds the present ranks in their new order. Says whether any of them moved.
fn put_in_order(work: &mut Work<'_>, order: Vec<u32>) -> bool {
    if order.is_sorted() {
        return false;
    }
    let mut new_rank = vec![0; order.len()];
    order.iter().zip(0..).for_each(|(&old, new)| new_rank[old as usize] = new);
    work.rank.iter_mut().for_each(|rank| *rank = new_rank[*rank as usize]);
    work.reordered = order.iter().map(|&rank| work.place_of(rank) as u32).collect();
    true
}
