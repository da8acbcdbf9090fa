//! Crowds: more images at one time, or around one place, than a photo can be compared with.
//!
//! In: images with their places. Out: for a photo the few of them that are nearest.
//!
//! # Why nothing is lost
//! A photo of a crowd is known by its place alone, and whatever lies behind the nearest says less than each of them. Where more
//! images lie at one place than are asked for, nothing but their order could tell them apart: those are given that stand among
//! the images of the place where the photo stands among the photos. Such a photo stays in doubt with any of them.
//!
//! # Why it is needed
//! Ten thousand photos of one second against ten thousand images of that second are a hundred million pairs: files whose clock
//! stands would take all memory.

use crate::plane::Point;
use rstar::RTree;
use rstar::primitives::GeomWithData;
use std::ops::Range;

/// Images that a photo of a crowd is compared with.
pub(crate) const NEAREST: usize = 32;
/// Places that are looked at for them: images of another time may stand there.
const MOST_PLACES: usize = 8 * NEAREST;

/// Images by place.
pub(crate) struct Crowd {
    /// Distinct places, to the centimetre, with the part of `members` that stands there.
    places: RTree<GeomWithData<Point, (u32, u32)>>,
    /// Images of one place in order, place by place.
    members: Vec<u32>,
}

impl Crowd {
    /// Of images with their places; those that are nowhere are left out. An image may have several places.
    pub(crate) fn new(images: impl Iterator<Item = (u32, Point)>) -> Self {
        let cell = |place: Point| place.map(|metres| (metres * 100.0).round() as i64);
        let known = images.filter(|(_, place)| place.iter().all(|metres| metres.is_finite()));
        let mut placed: Vec<([i64; 3], u32, Point)> = known.map(|(image, place)| (cell(place), image, place)).collect();
        placed.sort_unstable_by_key(|&(cell, image, _)| (cell, image));
        placed.dedup_by_key(|&mut (cell, image, _)| (cell, image));
        let members = placed.iter().map(|&(_, image, _)| image).collect();
        let mut start = 0;
        let place = |those: &[([i64; 3], u32, Point)]| {
            let first = start;
            start += those.len() as u32;
            GeomWithData::new(those[0].2, (first, start))
        };
        let places = placed.chunk_by(|a, b| a.0 == b.0).map(place).collect();
        Self { places: RTree::bulk_load(places), members }
    }

    /// At most so many images of a range that are nearest to a place, in order, in place of what was found before; `share` says
    /// where the photo stands among those that see the same images, 0 to 1.
    pub(crate) fn nearest(&self, place: Point, images: &Range<u32>, most: usize, share: f64, found: &mut Vec<u32>) {
        found.clear();
        if !place.iter().all(|metres| metres.is_finite()) {
            return;
        }
        for near in self.places.nearest_neighbor_iter(place).take(MOST_PLACES.max(most)) {
            let members = &self.members[near.data.0 as usize..near.data.1 as usize];
            let from = |image: u32| members.partition_point(|&member| member < image);
            let members = &members[from(images.start)..from(images.end)];
            let wanted = (most - found.len()).min(members.len());
            let middle = (share * members.len() as f64) as usize;
            let first = middle.saturating_sub(wanted / 2).min(members.len() - wanted);
            found.extend_from_slice(&members[first..first + wanted]);
            if found.len() == most {
                break;
            }
        }
        found.sort_unstable();
        found.dedup();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_are_found_and_those_of_one_place_by_their_order() {
        let line = |k: u32| (k, [f64::from(k), 0.0, 0.0]);
        let crowd = Crowd::new((0..1_000).map(line).chain([(1_000, [f64::NAN; 3])]));
        let mut found = vec![7];
        crowd.nearest([500.2, 0.0, 0.0], &(0..2_000), 5, 0.0, &mut found);
        assert_eq!(found, [498, 499, 500, 501, 502]);
        crowd.nearest([500.2, 0.0, 0.0], &(501..2_000), 3, 0.0, &mut found);
        assert_eq!(found, [501, 502, 503]);
        let heap = Crowd::new((0..1_000).map(|k| (k, [1.0, 2.0, 3.0])));
        for (share, first) in [(0.0, 0), (0.5, 498), (0.999, 996)] {
            heap.nearest([9.0, 2.0, 3.0], &(0..1_000), 4, share, &mut found);
            assert_eq!(found, (first..first + 4).collect::<Vec<u32>>(), "{share}");
        }
        heap.nearest([1.0, 2.0, 3.0], &(0..2), 4, 0.5, &mut found);
        assert_eq!(found, [0, 1]);
    }
}
