//! Pairs that the times have settled: nothing that is told later could choose them.
//!
//! In: the pairs of a block whose clock agrees to the millisecond. Out: the same without those whose photo or image has a pair at
//! its very time.
//!
//! # Why nothing is lost
//! A pair at another time than its photo's own is eleven nats behind, and the field is fitted to the pairs that agree. It could be
//! chosen only for what it has copied: pairs at exactly one place stay, and so do those that have copied more than the pair at
//! the very time.

use super::Work;
use super::burst::is_burst;
use super::pairs::{pair, sights};
use super::place::{FINEST_ALTITUDE_M, equal_altitude_m};
use super::time::{FEWEST_PLACED, TimeFit, fit_time, is_shifted};
use crate::errors::TimeClass;
use crate::plane::length_m;
use crate::ride::Ride;
use crate::votes::EXACT_M;

/// Fewer photos with a pair at their very time show no clock.
const FEWEST: usize = 8;
/// The share of all photos with a pair that have one at their very time.
const AGREED: f64 = 0.8;
/// Times further apart than this are not one time, seconds: beyond, the density is that of outliers.
const EXACT_S: f64 = 0.004;
const FAR_S: f64 = 0.12;

/// Which pairs are still open; `None` where the times settle nothing.
pub(super) fn open_pairs(work: &Work<'_>, time: &TimeFit) -> Option<Vec<usize>> {
    let TimeClass::Laplace { centre_s, .. } = time.class else { return None };
    if !time.class.is_exact() || work.len() < FEWEST {
        return None;
    }
    let lag_s = |pair: usize| (work.lag_s[pair] - centre_s).abs();
    let n_copied = |pair: usize| {
        u8::from(work.climb_m[pair].abs() < work.equal_altitude_m)
            + u8::from(work.turn_deg[pair].abs() < super::EXACT_HEADING_DEG)
    };
    // of each photo and image, what its pair at the very time has copied, and 1
    let n_photos = work.photo[work.len() - 1] as usize + 1; // they come by photo
    let n_ranks = work.rank.iter().max().map_or(0, |&last| last as usize + 1);
    let (mut of_photo, mut of_image) = (vec![0; n_photos], vec![0; n_ranks]);
    let mut n_agreed = 0;
    for pair in (0..work.len()).filter(|&pair| lag_s(pair) <= EXACT_S) {
        let (photo, image) = (&mut of_photo[work.photo[pair] as usize], &mut of_image[work.rank[pair] as usize]);
        let told = 1 + n_copied(pair);
        n_agreed += usize::from(*photo == 0);
        (*photo, *image) = (told.max(*photo), told.max(*image));
    }
    let n_paired = work.photo.chunk_by(|a, b| a == b).count();
    if n_agreed < FEWEST || (n_agreed as f64) < AGREED * n_paired as f64 {
        return None;
    }
    let is_settled = |pair: usize| {
        let told = of_photo[work.photo[pair] as usize].max(of_image[work.rank[pair] as usize]);
        told > 0 && lag_s(pair) > FAR_S && n_copied(pair) < told && !work.is_exact_place[pair]
    };
    let open: Vec<usize> = (0..work.len()).filter(|&pair| !is_settled(pair)).collect();
    (open.len() < work.len()).then_some(open)
}

/// Photo and image of one very time are this close, and those beside them further away than that, ms.
const SAME_MS: i64 = 1;
const BESIDE_MS: u64 = 20;
/// Of a photo and an image that have other partners, a pair further apart in time and in space is settled, ms and metres: no
/// place of theirs counts as equal, rounded to the grid of a tile or not.
const SETTLED_MS: u64 = 200;
const SETTLED_M: f64 = 2.0;
/// Images further from their photos than this have no chart, metres.
const FURTHEST_M: f64 = 500.0;

/// Fits the clock of a block most of whose pairs are settled before they are made; of these none is made. `None`, and no pair, where it
/// takes all pairs.
///
/// # Why nothing changes
/// What is left out is a pair of a photo and an image that both have a partner at their very time. It is nearest to neither, about any
/// centre within some milliseconds; its places are not equal, nor nearly; and its photo has an equal altitude already, or none.
/// So whatever a fit asks until it knows that times agree to the millisecond is answered alike with it and without, and
/// [`open_pairs`] would leave it out then. A fit that asks more is thrown away.
pub(super) fn fit_settled(work: &mut Work<'_>, voted_ms: i64, offset_ms: i64) -> Option<TimeFit> {
    let sights = sights(work, voted_ms);
    let partners = Partners::of(work, voted_ms, offset_ms, sights.len())?;
    let ride = work.ride;
    pair(work, sights, offset_ms, |photo, rank, lag_ms| !partners.settle(ride, photo, rank, lag_ms));
    work.compare();
    work.equal_altitude_m = equal_altitude_m(work);
    let time = fit_time(work, offset_ms, voted_ms);
    let is_centred = matches!(time.class, TimeClass::Laplace { centre_s, .. } if centre_s.abs() <= 0.002);
    if time.is_settled && time.slope == 0.0 && is_centred {
        return Some(time);
    }
    work.forget_pairs();
    None
}

/// Photos and images at one very time.
struct Partners {
    /// Of each photo the rank of its image; [`NONE`] also where its altitude would ask for other images.
    image_of: Vec<u32>,
    /// Of each rank its photo, and how far from it the image is, metres.
    photo_of: Vec<(u32, f64)>,
}

const NONE: u32 = u32::MAX;

impl Partners {
    /// `None` where few photos that see an image have one, or a fit may ask for more than times to the millisecond.
    fn of(work: &Work<'_>, voted_ms: i64, offset_ms: i64, n_paired: usize) -> Option<Self> {
        let (ride, side, times_ms) = (work.ride, work.side, &*work.times_ms);
        let is_plain = voted_ms.abs_diff(offset_ms) <= SAME_MS as u64
            && ride.time_ms == ride.raw_ms
            && !ride.is_some_interpolated()
            && !is_burst(ride);
        if !is_plain || n_paired < FEWEST || are_headings_known(work) {
            return None;
        }
        let is_alone = |times_ms: &[i64], at: usize| {
            let is_beside = |other: usize| times_ms.get(other).is_some_and(|&t| t.abs_diff(times_ms[at]) <= BESIDE_MS);
            !is_beside(at + 1) && !is_beside(at.wrapping_sub(1))
        };
        let (longitude, latitude) = ride.degrees();
        let mut all = Self { image_of: vec![NONE; ride.len()], photo_of: vec![(NONE, 0.0); times_ms.len()] };
        let (mut n_told, mut n_placed, mut is_fine, mut rank) = (0, 0, false, 0);
        for (photo, &time_ms) in ride.time_ms.iter().enumerate() {
            let due_ms = time_ms.saturating_add(offset_ms);
            while times_ms.get(rank).is_some_and(|&image_ms| image_ms < due_ms - SAME_MS) {
                rank += 1;
            }
            let is_there = times_ms.get(rank).is_some_and(|&image_ms| image_ms <= due_ms + SAME_MS);
            let place = (longitude[photo], latitude[photo]);
            if !is_there
                || !ride.chart.holds(place.0, place.1)
                || !is_alone(&ride.time_ms, photo)
                || !is_alone(times_ms, rank)
            {
                continue;
            }
            let image = work.first + rank;
            let away_m = length_m(ride.chart.offset_m(place, side.degrees(image)[0]));
            let away_m = if away_m.is_nan() { 0.0 } else { away_m }; // an image without a place is nowhere near
            if away_m > FURTHEST_M {
                continue;
            }
            n_told += 1;
            n_placed += usize::from(away_m < EXACT_M / 2.0);
            is_fine |= times_ms[rank] % 1000 != 0;
            all.photo_of[rank] = (photo as u32, away_m);
            let altitude_m = ride.altitude_m(photo);
            if altitude_m.is_nan() || (side.altitude_m(image) - altitude_m).abs() < FINEST_ALTITUDE_M {
                all.image_of[photo] = rank as u32;
            }
        }
        let is_told = n_told >= FEWEST && n_told as f64 >= AGREED * n_paired as f64;
        let is_read =
            if ride.whole_seconds { n_placed >= FEWEST_PLACED && !is_shifted(ride, offset_ms) } else { is_fine };
        (is_told && is_read).then_some(all)
    }

    /// Whether a pair is settled.
    fn settle(&self, ride: &Ride, photo: u32, rank: u32, lag_ms: i64) -> bool {
        let (own, (other, away_m)) = (self.image_of[photo as usize], self.photo_of[rank as usize]);
        if own == NONE || other == NONE || own == rank {
            return false;
        }
        let (longitude, latitude) = ride.degrees();
        let place = |photo: u32| (longitude[photo as usize], latitude[photo as usize]);
        lag_ms.unsigned_abs() > SETTLED_MS
            && length_m(ride.chart.offset_m(place(photo), place(other))) > SETTLED_M + away_m
    }
}

/// Whether any pair may have a heading on both sides.
fn are_headings_known(work: &Work<'_>) -> bool {
    let is_known = |heading_deg: f64| !heading_deg.is_nan();
    let images = work.first..work.first + work.times_ms.len();
    (0..work.ride.len()).any(|photo| is_known(work.ride.heading_deg(photo)))
        && images.into_iter().any(|image| is_known(work.side.heading_deg(image)))
}

/// Some of the values.
pub(super) fn only<T: Copy>(values: &[T], open: &[usize]) -> Vec<T> {
    open.iter().map(|&pair| values[pair]).collect()
}

/// Places of pairs in the list of open ones; those that are not open are left out.
pub(super) fn places_in(pairs: &[usize], open: &[usize]) -> Vec<usize> {
    pairs.iter().filter_map(|pair| open.binary_search(pair).ok()).collect()
}
