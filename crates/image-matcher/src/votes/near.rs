//! Votes: photos, the published images near them, and the clock offset at which each pair would be one.

use super::GATE_M;
use crate::plane::{Point, Spot, distance_m2};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::{Index, LONGEST_RUN};

/// Images of one photo that vote at most.
const MOST_NEAR: usize = 2_048;

/// A photo of the sample and a published image near it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near {
    /// Remote − local, ms.
    pub(super) difference_ms: i64,
    pub(super) photo: u32,
    pub(super) image: u32,
    /// Working number of the image's sequence.
    pub(super) sequence: u32,
    pub(super) distance_m: f32,
    pub(super) offset_m: [f32; 2],
}

/// Every image near a photo, for a ride or a sample of it: (photo, place in the published order, squared distance).
pub(crate) fn near_images(ride: &Ride, side: &PublishedSide, index: &Index, sample: usize) -> Vec<(u32, u32, f64)> {
    let step = ride.len().div_ceil(sample.max(1)).max(1);
    let chosen: Vec<usize> = (0..ride.len()).step_by(step).collect();
    let mut near = Vec::new();
    for photos in chosen.chunks((LONGEST_RUN / step).clamp(1, LONGEST_RUN)) {
        let fold = |f: fn(f64, f64) -> f64| {
            photos
                .iter()
                .map(|&k| ride.place[k])
                .reduce(|a, b| [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2])])
                .unwrap_or_default()
        };
        let runs = index.near(fold(f64::min), fold(f64::max), GATE_M);
        for &photo in photos {
            let before = near.len();
            let spot = Spot::of(ride.place[photo]);
            for run in &runs {
                for image in run.clone() {
                    if side.degrees(image as usize).into_iter().any(|place| spot.may_be_within(place, GATE_M)) {
                        let nearest = nearest_m2(side.points(image as usize, &ride.anchor), ride.place[photo]);
                        if nearest < GATE_M * GATE_M {
                            near.push((photo as u32, image, nearest));
                        }
                    }
                }
            }
            thin(&mut near, before);
        }
    }
    near
}

/// Squared distance to the nearer of both places, m².
fn nearest_m2([original, computed]: [Point; 2], place: Point) -> f64 {
    distance_m2(original, place).min(distance_m2(computed, place)) // the other where one is missing
}

/// A parked camera has no end of neighbours: the nearest stay, in their order.
fn thin(near: &mut Vec<(u32, u32, f64)>, from: usize) {
    if near.len() - from > MOST_NEAR {
        near[from..].sort_unstable_by(|a, b| a.2.total_cmp(&b.2).then(a.1.cmp(&b.1)));
        near.truncate(from + MOST_NEAR);
        near[from..].sort_unstable_by_key(|entry| entry.1);
    }
}

/// All votes of the sample, by difference, photo, image.
pub(super) fn votes(ride: &Ride, side: &PublishedSide, index: &Index, n_photos: usize) -> Vec<Near> {
    let mut near: Vec<Near> = near_images(ride, side, index, n_photos)
        .into_iter()
        .filter(|&(_, image, _)| side.time_ms(image as usize) != PublishedSide::NO_TIME)
        .filter_map(|(photo, image, _)| vote(ride, side, photo, image))
        .collect();
    near.sort_unstable_by_key(|vote| (vote.difference_ms, vote.photo, vote.image));
    near
}

/// The vote of a pair; `None` beyond the gate.
pub(super) fn vote(ride: &Ride, side: &PublishedSide, photo: u32, image: u32) -> Option<Near> {
    let places = side.points(image as usize, &ride.anchor);
    let distance_m2 = nearest_m2(places, ride.place[photo as usize]);
    let known = if places[0][0].is_nan() { places[1] } else { places[0] };
    let offset = ride.plane.offset_m(ride.place[photo as usize], known);
    (distance_m2 < GATE_M * GATE_M).then(|| Near {
        difference_ms: side.time_ms(image as usize).saturating_sub(ride.time_ms[photo as usize]),
        photo,
        image,
        sequence: side.sequence(image as usize),
        distance_m: distance_m2.sqrt() as f32,
        offset_m: [offset[0] as f32, offset[1] as f32],
    })
}
