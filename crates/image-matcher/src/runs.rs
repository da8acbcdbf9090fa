//! Runs, not points, in the R-tree.
//!
//! Consecutive images of a sequence are continuous in space and time; up to [`LONGEST_RUN`] of them become one object of
//! an rstar tree with the box of all their places and times. Candidate images are found by box, then by exact distance.
//!
//! # Method
//! Boxes lie in earth-centred metres, so that neither the antimeridian nor the poles are special; the fourth axis is
//! time. The least and greatest coordinates of a run need no sine; its box in space is that of the four corners, grown by
//! what the earth bulges between them. A run ends where its sequence jumps. Boxes are kept in whole metres and seconds,
//! rounded outwards: a gate of 80 m does not ask for more, and a run is 40 bytes instead of 72.

use crate::plane::{Anchor, Point};
use crate::published_side::PublishedSide;
use rayon::prelude::*;
use rstar::{AABB, RStarInsertionStrategy, RTree, RTreeObject, RTreeParams};
use std::ops::Range;

/// Images in one run, at most.
pub(crate) const LONGEST_RUN: usize = 64;
/// A jump that ends a run, so that boxes stay small, degrees (some 400 m to the north).
const LARGEST_JUMP_DEG: f64 = 0.0036;

/// One run: a box in earth-centred metres and seconds, and its places in the published order.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    envelope: AABB<[i32; 4]>,
    /// Places in the published order.
    images: Range<u32>,
}

impl RTreeObject for Run {
    type Envelope = AABB<[i32; 4]>;
    fn envelope(&self) -> Self::Envelope {
        self.envelope
    }
}

/// Wide nodes: boxes are small, and a child costs a few comparisons.
#[derive(Debug, Clone, Copy)]
struct Wide;

impl RTreeParams for Wide {
    const MIN_SIZE: usize = 12;
    const MAX_SIZE: usize = 32;
    const REINSERTION_COUNT: usize = 4;
    type DefaultInsertionStrategy = RStarInsertionStrategy;
}

/// All runs in a tree.
#[derive(Debug)]
pub(crate) struct Index {
    tree: RTree<Run, Wide>,
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
        Self { tree: RTree::bulk_load_with_params(runs) }
    }

    /// How many runs there are.
    pub(crate) fn len(&self) -> usize {
        self.tree.size()
    }

    /// Runs that come within a distance of a box, in the published order.
    pub(crate) fn near(&self, low: Point, high: Point, distance_m: f64) -> Vec<Range<u32>> {
        let mut found = Vec::new();
        self.near_in_time(low, high, distance_m, (i64::MIN, i64::MAX), &mut found);
        found
    }

    /// Runs that come within a distance of a box between two times in ms, in the published order, in place of what was
    /// found before.
    pub(crate) fn near_in_time(
        &self,
        low: Point,
        high: Point,
        distance_m: f64,
        times_ms: (i64, i64),
        found: &mut Vec<Range<u32>>,
    ) {
        found.clear();
        let wanted = whole_box(low.map(|x| x - distance_m), high.map(|x| x + distance_m), times_ms);
        found.extend(self.tree.locate_in_envelope_intersecting(wanted).map(|run| run.images.clone()));
        found.sort_unstable_by_key(|images| (images.start, images.end));
    }
}

/// A box in whole metres and seconds that holds a box of metres and milliseconds.
fn whole_box(low: Point, high: Point, (first_ms, last_ms): (i64, i64)) -> AABB<[i32; 4]> {
    let [low, high] = [low.map(|x| x.floor() as i32), high.map(|x| x.ceil() as i32)];
    let second = |ms: i64| ms.div_euclid(1000).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32;
    AABB::from_corners(
        [low[0], low[1], low[2], second(first_ms)],
        [high[0], high[1], high[2], second(last_ms.saturating_add(999))],
    )
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

/// The least and greatest of some values; missing ones change nothing.
fn bounds(values: &[f64]) -> (f64, f64) {
    const LANES: usize = 8;
    let (mut low, mut high) = ([f64::MAX; LANES], [f64::MIN; LANES]);
    let widen = |low: &mut f64, high: &mut f64, value: f64| {
        *low = if value < *low { value } else { *low };
        *high = if value > *high { value } else { *high };
    };
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        for lane in 0..LANES {
            widen(&mut low[lane], &mut high[lane], values[lane]);
        }
    }
    for (lane, &value) in rest.iter().enumerate() {
        widen(&mut low[lane], &mut high[lane], value);
    }
    (low.into_iter().fold(f64::MAX, f64::min), high.into_iter().fold(f64::MIN, f64::max))
}

/// Whether two places that follow each other are too far apart for one run.
fn is_jump(a: (f64, f64), b: (f64, f64)) -> bool {
    (a.0 - b.0).abs() > LARGEST_JUMP_DEG * 4.0 || (a.1 - b.1).abs() > LARGEST_JUMP_DEG
}

/// The runs of one sequence.
fn cut(side: &PublishedSide, sequence: usize, runs: &mut Vec<Run>) {
    let images = side.images_of(sequence);
    if cut_plain(side, images.clone(), runs).is_none() {
        cut_any(side, images, runs);
    }
}

/// The runs of a sequence whose rows follow each other, without a missing place and without a jump: no image is looked at
/// by itself. `None` for any other.
fn cut_plain(side: &PublishedSide, images: Range<usize>, runs: &mut Vec<Run>) -> Option<()> {
    let (rows, columns) = (side.rows(images.clone())?, side.columns());
    let (lon, lat) = (&columns.longitude[rows.clone()], &columns.latitude[rows.clone()]);
    let steps = |values: &[f64], largest: f64| {
        // a comparison with a missing value fails
        values.iter().zip(&values[1..]).fold(true, |all, (a, b)| all & ((a - b).abs() <= largest))
    };
    let is_plain = steps(lon, LARGEST_JUMP_DEG * 4.0) && steps(lat, LARGEST_JUMP_DEG);
    if !is_plain || lon[0].is_nan() || lat[0].is_nan() {
        return None;
    }
    let computed = [&columns.computed_longitude[rows.clone()], &columns.computed_latitude[rows]];
    let anchor = Anchor::at(lon[0], lat[0]);
    for from in (0..lon.len()).step_by(LONGEST_RUN) {
        let run_of = from..(from + LONGEST_RUN).min(lon.len());
        let both = |own: &[f64], other: &[f64]| {
            let (own, other) = (bounds(&own[run_of.clone()]), bounds(&other[run_of.clone()]));
            (own.0.min(other.0), own.1.max(other.1))
        };
        let (lon, lat) = (both(lon, computed[0]), both(lat, computed[1]));
        let all = Degrees { low: (lon.0, lat.0), high: (lon.1, lat.1) };
        runs.extend(run(side, &anchor, all, images.start + run_of.start..images.start + run_of.end));
    }
    Some(())
}

fn cut_any(side: &PublishedSide, images: Range<usize>, runs: &mut Vec<Run>) {
    let mut first = images.start;
    let mut all = Degrees::NOWHERE;
    let mut last: Option<(f64, f64)> = None;
    let mut anchor = Anchor::at(0.0, 0.0);
    for at in images.clone() {
        let [original, computed] = side.degrees(at);
        let Some(own) = [original, computed].into_iter().find(|place| !(place.0.is_nan() || place.1.is_nan())) else {
            continue;
        };
        if last.is_none() {
            anchor = Anchor::at(own.0, own.1);
        }
        if last.is_some_and(|last| is_jump(last, own) || at - first >= LONGEST_RUN) {
            runs.extend(run(side, &anchor, all, first..at));
            (first, all) = (at, Degrees::NOWHERE);
        }
        last = Some(own);
        all = all.with(own);
        if !(computed.0.is_nan() || computed.1.is_nan()) {
            all = all.with(computed);
        }
    }
    runs.extend(run(side, &anchor, all, first..images.end));
}

/// A run with its box; `None` without a place.
fn run(side: &PublishedSide, anchor: &Anchor, all: Degrees, images: Range<usize>) -> Option<Run> {
    const SEMI_MAJOR_M: f64 = 6_378_137.0;
    if all.low.0 > all.high.0 || all.low.1 > all.high.1 {
        return None;
    }
    let corners = [
        anchor.point(all.low.0, all.low.1),
        anchor.point(all.high.0, all.low.1),
        anchor.point(all.low.0, all.high.1),
        anchor.point(all.high.0, all.high.1),
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
    let times_ms = (side.time_ms(images.start), side.time_ms(images.end - 1));
    Some(Run { envelope: whole_box(low, high, times_ms), images: images.start as u32..images.end as u32 })
}
