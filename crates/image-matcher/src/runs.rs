//! Runs, not points, in the R-tree.
//!
//! Consecutive images of a sequence are continuous in space and time; up to [`LONGEST_RUN`] of them become one object of
//! an rstar tree with the box of all their places and times. Candidate images are found by box, then by exact distance.
//!
//! # Method
//! Boxes lie in earth-centred metres, so that neither the antimeridian nor the poles are special; the fourth axis is
//! time. The least and greatest coordinates of a run need no sine, and its box in space follows from them. A run ends where
//! its sequence jumps; one whose coordinates lie near each other holds no jump, so its images are not looked at one by one.
//! Boxes are kept in whole metres and seconds, rounded outwards: a gate of 80 m does not ask for more, and a run is 48 bytes
//! instead of 80.

use crate::plane::{Anchor, Point, box_of};
use crate::published_side::PublishedSide;
use rayon::prelude::*;
use rstar::{AABB, RStarInsertionStrategy, RTree, RTreeObject, RTreeParams};
use std::num::NonZeroU32;
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
    /// Row of the first image and one, where their rows follow each other.
    first_row: Option<NonZeroU32>,
    /// Whether some have an adjusted place.
    has_computed: bool,
}

impl Run {
    /// Places in the published order.
    pub(crate) fn images(&self) -> Range<usize> {
        self.images.start as usize..self.images.end as usize
    }

    /// Rows of the images, where they follow each other.
    pub(crate) fn rows(&self) -> Option<Range<usize>> {
        let first = self.first_row?.get() as usize - 1;
        Some(first..first + self.images.len())
    }

    /// Whether some of the images have an adjusted place.
    pub(crate) fn has_computed(&self) -> bool {
        self.has_computed
    }
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
        found.into_iter().map(|run| run.images.clone()).collect()
    }

    /// Runs that come within a distance of a box between two times in ms, in the published order, in place of what was
    /// found before.
    pub(crate) fn near_in_time<'a>(
        &'a self,
        low: Point,
        high: Point,
        distance_m: f64,
        times_ms: (i64, i64),
        found: &mut Vec<&'a Run>,
    ) {
        found.clear();
        let wanted = whole_box(low.map(|x| x - distance_m), high.map(|x| x + distance_m), times_ms);
        found.extend(self.tree.locate_in_envelope_intersecting(wanted));
        found.sort_unstable_by_key(|run| (run.images.start, run.images.end));
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

    /// Of all places of two columns; missing coordinates change nothing.
    fn of(longitude: &[f64], latitude: &[f64]) -> Self {
        let (lon, lat) = (bounds(longitude), bounds(latitude));
        Self { low: (lon.0, lat.0), high: (lon.1, lat.1) }
    }

    /// Whether there was a place.
    fn is_somewhere(&self) -> bool {
        self.low.0 <= self.high.0 && self.low.1 <= self.high.1
    }

    fn and(self, other: Self) -> Self {
        Self {
            low: (self.low.0.min(other.low.0), self.low.1.min(other.low.1)),
            high: (self.high.0.max(other.high.0), self.high.1.max(other.high.1)),
        }
    }

    fn with(self, (lon, lat): (f64, f64)) -> Self {
        Self {
            low: (self.low.0.min(lon), self.low.1.min(lat)), // a missing coordinate changes nothing
            high: (self.high.0.max(lon), self.high.1.max(lat)),
        }
    }
}

/// The least and greatest of some values; missing ones change nothing.
pub(crate) fn bounds(values: &[f64]) -> (f64, f64) {
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
    let Some(rows) = side.rows(images.clone()) else { return cut_any(side, images, runs) };
    let columns = side.columns();
    let (lon, lat) = (&columns.longitude[rows.clone()], &columns.latitude[rows.clone()]);
    let computed = [&columns.computed_longitude[rows.clone()], &columns.computed_latitude[rows.clone()]];
    let mut anchor = None;
    for from in (0..lon.len()).step_by(LONGEST_RUN) {
        let of_run = from..(from + LONGEST_RUN).min(lon.len());
        let own = Degrees::of(&lon[of_run.clone()], &lat[of_run.clone()]);
        let other = Degrees::of(&computed[0][of_run.clone()], &computed[1][of_run.clone()]);
        let images = images.start + of_run.start..images.start + of_run.end;
        if own.is_somewhere() && !is_jump(own.low, own.high) {
            let anchor = anchor.get_or_insert_with(|| Anchor::at(own.low.0, own.low.1));
            let first_row = Some(rows.start + of_run.start);
            runs.extend(run(side, anchor, own.and(other), images, first_row, other.is_somewhere()));
        } else {
            cut_any(side, images, runs);
        }
    }
}

/// The runs of images of one sequence, each looked at by itself.
fn cut_any(side: &PublishedSide, images: Range<usize>, runs: &mut Vec<Run>) {
    let mut first = images.start;
    let (mut all, mut has_computed) = (Degrees::NOWHERE, false);
    let mut last: Option<(f64, f64)> = None;
    let mut anchor = Anchor::at(0.0, 0.0);
    let first_row = |images: Range<usize>| side.rows(images).map(|rows| rows.start);
    for at in images.clone() {
        let [original, computed] = side.degrees(at);
        let Some(own) = [original, computed].into_iter().find(|place| !(place.0.is_nan() || place.1.is_nan())) else {
            continue;
        };
        if last.is_none() {
            anchor = Anchor::at(own.0, own.1);
        }
        if last.is_some_and(|last| is_jump(last, own) || at - first >= LONGEST_RUN) {
            runs.extend(run(side, &anchor, all, first..at, first_row(first..at), has_computed));
            (first, all, has_computed) = (at, Degrees::NOWHERE, false);
        }
        last = Some(own);
        all = all.with(own);
        if !(computed.0.is_nan() || computed.1.is_nan()) {
            (all, has_computed) = (all.with(computed), true);
        }
    }
    runs.extend(run(side, &anchor, all, first..images.end, first_row(first..images.end), has_computed));
}

/// A run with its box; `None` without a place.
fn run(
    side: &PublishedSide,
    anchor: &Anchor,
    all: Degrees,
    images: Range<usize>,
    first_row: Option<usize>,
    has_computed: bool,
) -> Option<Run> {
    if !all.is_somewhere() {
        return None;
    }
    let [low, high] = box_of(all.low, all.high, anchor);
    let times_ms = (side.time_ms(images.start), side.time_ms(images.end - 1));
    Some(Run {
        envelope: whole_box(low, high, times_ms),
        first_row: first_row.and_then(|row| NonZeroU32::new(row as u32 + 1)),
        images: images.start as u32..images.end as u32,
        has_computed,
    })
}
