//! Runs, not points, in the R-tree.
//!
//! Consecutive images of a sequence are continuous in space and time; up to [`LONGEST_RUN`] of them become one object of
//! an rstar tree with the box of all their places and times. Candidate images are found by box, then by exact distance.
//!
//! # Method
//! Boxes lie in earth-centred metres, so that neither the antimeridian nor the poles are special; the fourth axis is
//! time. The least and greatest coordinates of a run need no sine; its box in space is that of the four corners, grown by
//! what the earth bulges between them. A run ends where its sequence jumps.

use crate::plane::{Point, point};
use crate::published_side::PublishedSide;
use rayon::prelude::*;
use rstar::{AABB, RTree, RTreeObject};
use std::ops::Range;

/// Images in one run, at most.
pub(crate) const LONGEST_RUN: usize = 64;
/// A jump that ends a run, so that boxes stay small, degrees (some 400 m to the north).
const LARGEST_JUMP_DEG: f64 = 0.0036;

/// One run: a box in earth-centred metres and seconds, and its places in the published order.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    envelope: AABB<[f64; 4]>,
    /// Places in the published order.
    images: Range<u32>,
}

impl RTreeObject for Run {
    type Envelope = AABB<[f64; 4]>;
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
        let runs = (0..side.n_sequences())
            .into_par_iter()
            .with_min_len(64)
            .fold(Vec::new, |mut runs, sequence| {
                cut(side, sequence, &mut runs);
                runs
            })
            .reduce(Vec::new, |mut all, mut more| {
                all.append(&mut more);
                all
            });
        Self { tree: RTree::bulk_load(runs) }
    }

    /// How many runs there are.
    pub(crate) fn len(&self) -> usize {
        self.tree.size()
    }

    /// Runs that come within a distance of a box, in the published order.
    pub(crate) fn near(&self, low: Point, high: Point, distance_m: f64) -> Vec<Range<u32>> {
        self.near_in_time(low, high, distance_m, f64::MIN, f64::MAX)
    }

    /// Runs that come within a distance of a box between two times in seconds, in the published order.
    pub(crate) fn near_in_time(
        &self,
        low: Point,
        high: Point,
        distance_m: f64,
        first_s: f64,
        last_s: f64,
    ) -> Vec<Range<u32>> {
        let (low, high) = (low.map(|x| x - distance_m), high.map(|x| x + distance_m));
        let wanted = AABB::from_corners([low[0], low[1], low[2], first_s], [high[0], high[1], high[2], last_s]);
        let mut found: Vec<Range<u32>> =
            self.tree.locate_in_envelope_intersecting(wanted).map(|run| run.images.clone()).collect();
        found.sort_unstable_by_key(|images| (images.start, images.end));
        found
    }
}

/// Least and greatest coordinates in degrees.
#[derive(Debug, Clone, Copy)]
struct Degrees {
    low: (f64, f64),
    high: (f64, f64),
}

impl Degrees {
    const NOWHERE: Self = Self { low: (f64::MAX, f64::MAX), high: (f64::MIN, f64::MIN) };

    fn with(self, (lon, lat): (f64, f64)) -> Self {
        Self {
            low: (self.low.0.min(lon), self.low.1.min(lat)), // a missing coordinate changes nothing
            high: (self.high.0.max(lon), self.high.1.max(lat)),
        }
    }
}

/// The runs of one sequence.
fn cut(side: &PublishedSide, sequence: usize, runs: &mut Vec<Run>) {
    let images = side.images_of(sequence);
    let mut first = images.start;
    let mut all = Degrees::NOWHERE;
    let mut last: Option<(f64, f64)> = None;
    for at in images.clone() {
        let [original, computed] = side.degrees(at);
        let Some(own) = [original, computed].into_iter().find(|place| !(place.0.is_nan() || place.1.is_nan())) else {
            continue;
        };
        let is_jump = last.is_some_and(|last| {
            (last.0 - own.0).abs() > LARGEST_JUMP_DEG * 4.0 || (last.1 - own.1).abs() > LARGEST_JUMP_DEG
        });
        if last.is_some() && (is_jump || at - first >= LONGEST_RUN) {
            runs.extend(run(side, all, first..at));
            (first, all) = (at, Degrees::NOWHERE);
        }
        last = Some(own);
        all = all.with(own);
        if !(computed.0.is_nan() || computed.1.is_nan()) {
            all = all.with(computed);
        }
    }
    runs.extend(run(side, all, first..images.end));
}

/// A run with its box; `None` without a place.
fn run(side: &PublishedSide, all: Degrees, images: Range<usize>) -> Option<Run> {
    const SEMI_MAJOR_M: f64 = 6_378_137.0;
    if all.low.0 > all.high.0 {
        return None;
    }
    let corners = [
        point(all.low.0, all.low.1),
        point(all.high.0, all.low.1),
        point(all.low.0, all.high.1),
        point(all.high.0, all.high.1),
    ];
    let (mut low, mut high) = (corners[0], corners[0]);
    for corner in &corners[1..] {
        for axis in 0..3 {
            low[axis] = low[axis].min(corner[axis]);
            high[axis] = high[axis].max(corner[axis]);
        }
    }
    // second derivatives of a coordinate over the angles are the radius at most, so it strays from its corners by an eighth
    // of that times the squares of both spans
    let span = ((all.high.0 - all.low.0).to_radians(), (all.high.1 - all.low.1).to_radians());
    let bulge_m = SEMI_MAJOR_M * (span.0 * span.0 + span.1 * span.1) / 8.0 + 0.01;
    (low, high) = (low.map(|x| x - bulge_m), high.map(|x| x + bulge_m));
    let (first_ms, last_ms) = (side.time_ms(images.start), side.time_ms(images.end - 1));
    Some(Run {
        envelope: AABB::from_corners(
            [low[0], low[1], low[2], first_ms as f64 / 1000.0],
            [high[0], high[1], high[2], last_ms as f64 / 1000.0],
        ),
        images: images.start as u32..images.end as u32,
    })
}
