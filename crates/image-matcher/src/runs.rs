//! Runs, not points, in the R-tree.
//!
//! Consecutive images of a sequence are continuous in space and time; up to [`LONGEST_RUN`] of them become one object of
//! an rstar tree with the box of all their places. Candidate images are found by box, then by exact distance.

use crate::plane::{Point, distance_m2};
use crate::published_side::PublishedSide;
use rstar::{AABB, RTree, RTreeObject};
use std::ops::Range;

/// Images in one run, at most.
pub(crate) const LONGEST_RUN: usize = 64;
/// A jump that ends a run, so that boxes stay small, metres.
const LARGEST_JUMP_M: f64 = 400.0;

/// One run: a box in earth-centred metres and its places in the published order.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    envelope: AABB<Point>,
    /// Places in the published order.
    pub(crate) images: Range<u32>,
}

impl RTreeObject for Run {
    type Envelope = AABB<Point>;
    fn envelope(&self) -> Self::Envelope {
        self.envelope
    }
}

/// All runs in a tree.
#[derive(Debug)]
pub(crate) struct Index {
    tree: RTree<Run>,
}

impl Index {
    /// Cuts every sequence into runs and loads the tree in bulk.
    pub(crate) fn new(side: &PublishedSide) -> Self {
        let mut runs = Vec::new();
        for sequence in 0..side.n_sequences() {
            let images = side.images_of(sequence);
            let mut open: Option<(Point, Point, usize, Point)> = None;
            for at in images.clone() {
                let places = [side.original(at), side.computed(at)].into_iter().filter(|place| !place[0].is_nan());
                let Some((low, high)) = places.fold(None, |known: Option<(Point, Point)>, place| match known {
                    None => Some((place, place)),
                    Some((low, high)) => Some((lower(low, place), upper(high, place))),
                }) else {
                    continue;
                };
                let is_full = |&(_, _, first, last): &(Point, Point, usize, Point)| {
                    at - first >= LONGEST_RUN || distance_m2(last, low) > LARGEST_JUMP_M * LARGEST_JUMP_M
                };
                if let Some((low, high, first, _)) = open.take_if(|open| is_full(open)) {
                    runs.push(run(low, high, first, at));
                }
                open = Some(match open {
                    None => (low, high, at, low),
                    Some((all_low, all_high, first, _)) => (lower(all_low, low), upper(all_high, high), first, low),
                });
            }
            if let Some((low, high, first, _)) = open {
                runs.push(run(low, high, first, images.end));
            }
        }
        Self { tree: RTree::bulk_load(runs) }
    }

    /// Runs that come within a distance of a box, in the published order.
    pub(crate) fn near(&self, low: Point, high: Point, distance_m: f64) -> Vec<Range<u32>> {
        let grown = AABB::from_corners(low.map(|x| x - distance_m), high.map(|x| x + distance_m));
        let mut found: Vec<Range<u32>> =
            self.tree.locate_in_envelope_intersecting(grown).map(|run| run.images.clone()).collect();
        found.sort_unstable_by_key(|images| (images.start, images.end));
        found
    }
}

fn run(low: Point, high: Point, first: usize, end: usize) -> Run {
    Run { envelope: AABB::from_corners(low, high), images: first as u32..end as u32 }
}

fn lower(a: Point, b: Point) -> Point {
    [a[0].min(b[0]), a[1].min(b[1]), a[2].min(b[2])]
}

fn upper(a: Point, b: Point) -> Point {
    [a[0].max(b[0]), a[1].max(b[1]), a[2].max(b[2])]
}
