//! Votes: photos, the published images near them, and the clock offset at which each pair would be one.

use super::{GATE_M, SAMPLE};
use crate::crowd::Crowd;
use crate::plane::{Point, Spot, distance_m2};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::{Index, LONGEST_RUN};
use std::ops::Range;

/// Images of one photo that vote at most.
const MOST_NEAR: usize = 2_048;
/// Pairs of a ride without times, about; and images of one photo that are looked at in any case.
const UNTIMED_PAIRS: usize = 4_000_000;
const LEAST_NEAR: usize = 64;
/// More images around a few photos are a crowd, where a sample of a ride asks for them, and where all its photos do.
const MOST_AROUND: [usize; 2] = [16_384, 4_096];

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
    let mut near = Vec::new();
    each_near(ride, side, index, sample, |photo, found| {
        near.extend(found.iter().map(|found| (photo, found.image, found.nearest_m2)));
    });
    near
}

/// An image near a photo.
struct Found {
    /// Place in the published order.
    image: u32,
    /// Squared distance to the nearer of both places, m².
    nearest_m2: f64,
    /// As uploaded and as adjusted.
    places: [Point; 2],
}

/// Tells of each photo of a sample the images near it, in order.
fn each_near(ride: &Ride, side: &PublishedSide, index: &Index, sample: usize, mut tell: impl FnMut(u32, &[Found])) {
    let step = ride.len().div_ceil(sample.max(1)).max(1);
    let chosen: Vec<usize> = (0..ride.len()).step_by(step).collect();
    let (mut found, mut flags): (Vec<Found>, Vec<bool>) = (Vec::new(), Vec::new());
    let most =
        if chosen.len() > SAMPLE { (UNTIMED_PAIRS / chosen.len()).clamp(LEAST_NEAR, MOST_NEAR) } else { MOST_NEAR };
    let mut crowd: Option<(Vec<Range<u32>>, Crowd)> = None;
    let mut nearest: Vec<u32> = Vec::new();
    for photos in chosen.chunks((LONGEST_RUN / step).clamp(1, LONGEST_RUN)) {
        let fold = |f: fn(f64, f64) -> f64| {
            photos
                .iter()
                .map(|&k| ride.place()[k])
                .reduce(|a, b| [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2])])
                .unwrap_or_default()
        };
        let near_all = index.near(fold(f64::min), fold(f64::max), GATE_M);
        let points = |image: u32| side.points(image as usize, &ride.anchor);
        let n_around: usize = near_all.iter().map(Range::len).sum();
        if n_around > MOST_AROUND[usize::from(chosen.len() > SAMPLE)] {
            if crowd.as_ref().is_none_or(|known| known.0 != near_all) {
                let images = near_all.iter().cloned().flatten();
                let places = images.flat_map(|image| points(image).map(|place| (image, place)));
                crowd = Some((near_all.clone(), Crowd::new(places)));
            }
            for &photo in photos {
                let (_, crowd) = crowd.as_ref().expect("it was just made");
                let share = photo as f64 / ride.len() as f64;
                crowd.nearest(ride.place()[photo], &(0..u32::MAX), most, share, &mut nearest);
                let all = nearest.iter().map(|&image| Found::of(image, points(image), ride.place()[photo]));
                found.clear();
                found.extend(all.filter(|found| found.nearest_m2 < GATE_M * GATE_M));
                tell(photo as u32, &found);
            }
            continue;
        }
        let runs: Vec<Degrees> = near_all.into_iter().map(|run| Degrees::of(side, run)).collect();
        for &photo in photos {
            found.clear();
            let spot = Spot::of(ride.place()[photo]);
            for run in &runs {
                for image in run.that_may_be_near(&spot, &mut flags) {
                    let near = Found::of(image, points(image), ride.place()[photo]);
                    if near.nearest_m2 < GATE_M * GATE_M {
                        found.push(near);
                    }
                }
            }
            thin(&mut found, most);
            tell(photo as u32, &found);
        }
    }
}

/// The places of a run's images in degrees, side by side: several photos ask for them.
struct Degrees {
    images: Range<u32>,
    /// All longitudes as uploaded, then all latitudes, and both as adjusted.
    values: Vec<f64>,
}

impl Degrees {
    fn of(side: &PublishedSide, images: Range<u32>) -> Self {
        let n = images.len();
        let mut values = vec![f64::NAN; 4 * n];
        for (at, image) in images.clone().enumerate() {
            let [original, computed] = side.degrees(image as usize);
            (values[at], values[n + at]) = original;
            (values[2 * n + at], values[3 * n + at]) = computed;
        }
        Self { images, values }
    }

    /// Images that may be within the gate of a spot: none is left out that is.
    fn that_may_be_near<'f>(&self, spot: &Spot, flags: &'f mut Vec<bool>) -> impl Iterator<Item = u32> + use<'f> {
        let n = self.images.len();
        let (original, computed) = self.values.split_at(2 * n);
        flags.clear();
        flags.resize(n, false);
        spot.flag_those_within(original.split_at(n), GATE_M, flags);
        spot.flag_those_within(computed.split_at(n), GATE_M, flags);
        self.images.clone().zip(flags.iter()).filter(|(_, is_near)| **is_near).map(|(image, _)| image)
    }
}

/// Squared distance to the nearer of both places, m².
fn nearest_m2([original, computed]: [Point; 2], place: Point) -> f64 {
    distance_m2(original, place).min(distance_m2(computed, place)) // the other where one is missing
}

/// A parked camera has no end of neighbours: the nearest stay, in their order.
fn thin(found: &mut Vec<Found>, most: usize) {
    if found.len() > most {
        found.sort_unstable_by(|a, b| a.nearest_m2.total_cmp(&b.nearest_m2).then(a.image.cmp(&b.image)));
        found.truncate(most);
        found.sort_unstable_by_key(|found| found.image);
    }
}

/// All votes of the sample, by difference, photo, image.
pub(super) fn votes(ride: &Ride, side: &PublishedSide, index: &Index, n_photos: usize) -> Vec<Near> {
    let mut near: Vec<Near> = Vec::new();
    each_near(ride, side, index, n_photos, |photo, found| {
        let timed = found.iter().filter(|found| side.time_ms(found.image as usize) != PublishedSide::NO_TIME);
        near.extend(timed.map(|found| found.vote(ride, side, photo)));
    });
    // they come by photo and image
    let mut order: Vec<(i64, u32)> = near.iter().map(|vote| vote.difference_ms).zip(0..).collect();
    order.sort_unstable();
    order.into_iter().map(|(_, vote)| near[vote as usize]).collect()
}

/// The vote of a pair; `None` beyond the gate.
pub(super) fn vote(ride: &Ride, side: &PublishedSide, photo: u32, image: u32) -> Option<Near> {
    let places = side.points(image as usize, &ride.anchor);
    let nearest_m2 = nearest_m2(places, ride.place()[photo as usize]);
    (nearest_m2 < GATE_M * GATE_M).then(|| Found { image, nearest_m2, places }.vote(ride, side, photo))
}

impl Found {
    fn of(image: u32, places: [Point; 2], photo: Point) -> Self {
        Self { image, nearest_m2: nearest_m2(places, photo), places }
    }

    fn vote(&self, ride: &Ride, side: &PublishedSide, photo: u32) -> Near {
        let known = if self.places[0][0].is_nan() { self.places[1] } else { self.places[0] };
        let offset = ride.plane.offset_m(ride.place()[photo as usize], known);
        Near {
            difference_ms: side.time_ms(self.image as usize).saturating_sub(ride.time_ms[photo as usize]),
            photo,
            image: self.image,
            sequence: side.sequence(self.image as usize),
            distance_m: self.nearest_m2.sqrt() as f32,
            offset_m: [offset[0] as f32, offset[1] as f32],
        }
    }
}
