//! The published images in the order that the matcher works in: by sequence, then time, then id.

use crate::plane::{NOWHERE, Point, distance_m2, point};
use capture_model::{Device, Evidence, PublishedImages};
use std::collections::BTreeMap;
use std::ops::Range;

/// Without a sequence, images of one creator form one as long as they follow within this, ms.
const PSEUDO_GAP_MS: i64 = 60_000;

/// Columns by place in the working order.
#[derive(Debug)]
pub(crate) struct PublishedSide {
    /// Row of `PublishedImages` at each place.
    row: Vec<u32>,
    /// Working number of the sequence at each place.
    sequence: Vec<u32>,
    /// Published time, ms; `NO_TIME` when missing.
    time_ms: Vec<i64>,
    /// Uploaded place.
    original: Vec<Point>,
    /// Adjusted place.
    computed: Vec<Point>,
    /// Uploaded altitude, NaN when missing.
    altitude_m: Vec<f64>,
    /// Uploaded heading, NaN when missing.
    heading_deg: Vec<f64>,
    /// Whether only a tile told of it.
    by_tile: Vec<bool>,
    starts: Vec<u32>,
    /// Folded device of each working sequence; `None` when unknown.
    pub(crate) device: Vec<Option<Device>>,
    /// Typical time between images of each working sequence, seconds.
    pub(crate) interval_s: Vec<f64>,
    /// How many working sequences each device has.
    share: BTreeMap<String, usize>,
}

impl PublishedSide {
    pub(crate) const NO_TIME: i64 = PublishedImages::NO_TIME;

    /// Sorts the images and gathers what is needed of each sequence.
    pub(crate) fn new(images: &PublishedImages) -> Self {
        let n = images.len();
        let mut row: Vec<u32> = (0..n as u32).collect();
        let key = |&r: &u32| {
            let r = r as usize;
            let creator = if images.sequence[r] == PublishedImages::NO_SEQUENCE { images.creator_id[r] } else { 0 };
            (images.sequence[r], creator, images.captured_at_ms[r], images.id[r], r)
        };
        row.sort_unstable_by_key(key);
        order_equal_times(&mut row, images);
        let mut sequence = Vec::with_capacity(n);
        let mut starts: Vec<u32> = Vec::new();
        for (at, &r) in row.iter().enumerate() {
            let is_new = at == 0 || {
                let (a, b) = (key(&row[at - 1]), key(&r));
                let no_key = a.0 == PublishedImages::NO_SEQUENCE && b.0 == PublishedImages::NO_SEQUENCE;
                (a.0, a.1) != (b.0, b.1) || (no_key && b.2.saturating_sub(a.2) > PSEUDO_GAP_MS)
            };
            if is_new {
                starts.push(at as u32);
            }
            sequence.push(starts.len() as u32 - 1);
        }
        starts.push(n as u32);
        let place = |lon: f64, lat: f64| if lon.is_finite() && lat.is_finite() { point(lon, lat) } else { NOWHERE };
        let at = |f: &dyn Fn(usize) -> Point| row.iter().map(|&r| f(r as usize)).collect::<Vec<_>>();
        let mut side = Self {
            time_ms: row.iter().map(|&r| images.captured_at_ms[r as usize]).collect(),
            original: at(&|r| place(images.longitude[r], images.latitude[r])),
            computed: at(&|r| place(images.computed_longitude[r], images.computed_latitude[r])),
            altitude_m: row.iter().map(|&r| f64::from(images.altitude_m[r as usize])).collect(),
            heading_deg: row.iter().map(|&r| f64::from(images.compass_deg[r as usize])).collect(),
            by_tile: row.iter().map(|&r| images.evidence[r as usize] == Evidence::Tile).collect(),
            row,
            sequence,
            starts,
            device: Vec::new(),
            interval_s: Vec::new(),
            share: BTreeMap::new(),
        };
        for number in 0..side.n_sequences() {
            let range = side.images_of(number);
            let device = images.devices.value(images.device[side.row[range.start] as usize]);
            let key = (!device.is_unknown()).then(|| device.key());
            if let Some(key) = &key {
                *side.share.entry(name_of(key)).or_default() += 1;
            }
            side.device.push(key);
            let mut gaps: Vec<i64> = side.time_ms[range]
                .windows(2)
                .map(|two| two[1].saturating_sub(two[0]))
                .filter(|&gap| gap < 600_000)
                .collect();
            gaps.sort_unstable();
            side.interval_s.push(gaps.get(gaps.len() / 2).map_or(1.0, |&gap| gap as f64 / 1000.0));
        }
        side
    }

    /// How many working sequences.
    pub(crate) fn n_sequences(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many images.
    pub(crate) fn len(&self) -> usize {
        self.row.len()
    }

    /// Row of `PublishedImages` at a place.
    pub(crate) fn row(&self, at: usize) -> u32 {
        self.row[at]
    }

    /// Working number of the sequence at a place.
    pub(crate) fn sequence(&self, at: usize) -> u32 {
        self.sequence[at]
    }

    /// Published time, ms; `NO_TIME` when missing.
    pub(crate) fn time_ms(&self, at: usize) -> i64 {
        self.time_ms[at]
    }

    /// Uploaded place, NaN when missing.
    pub(crate) fn original(&self, at: usize) -> Point {
        self.original[at]
    }

    /// Adjusted place, NaN when missing.
    pub(crate) fn computed(&self, at: usize) -> Point {
        self.computed[at]
    }

    /// Uploaded altitude, NaN when missing.
    pub(crate) fn altitude_m(&self, at: usize) -> f64 {
        self.altitude_m[at]
    }

    /// Uploaded heading, NaN when missing.
    pub(crate) fn heading_deg(&self, at: usize) -> f64 {
        self.heading_deg[at]
    }

    /// Whether only a tile told of it.
    pub(crate) fn by_tile(&self, at: usize) -> bool {
        self.by_tile[at]
    }

    /// Places of a range of one sequence whose times lie within `first_ms..=last_ms`.
    pub(crate) fn between(&self, range: Range<usize>, first_ms: i64, last_ms: i64) -> Range<usize> {
        let times = &self.time_ms[range.clone()];
        let first = times.partition_point(|&time| time < first_ms);
        let end = first + times[first..].partition_point(|&time| time <= last_ms);
        range.start + first..range.start + end
    }

    /// Places of one working sequence, in order of time.
    pub(crate) fn images_of(&self, sequence: usize) -> Range<usize> {
        self.starts[sequence] as usize..self.starts[sequence + 1] as usize
    }

    /// Share of the sequences that were taken with a device.
    pub(crate) fn share_of(&self, device: &Device) -> f64 {
        let known: usize = self.share.values().sum();
        self.share.get(&name_of(device)).copied().unwrap_or(0) as f64 / known.max(1) as f64
    }

    /// The place that is known best: as uploaded, else adjusted.
    pub(crate) fn place(&self, at: usize) -> Point {
        if self.original[at][0].is_nan() { self.computed[at] } else { self.original[at] }
    }
}

/// Images of one sequence at one time follow each other by their way from the image before (or back from the one after):
/// ids say nothing about capture order, and chains must rise on both sides.
fn order_equal_times(row: &mut [u32], images: &PublishedImages) {
    let place = |r: u32| point(images.longitude[r as usize], images.latitude[r as usize]);
    let group = |r: u32| (images.sequence[r as usize], images.captured_at_ms[r as usize]);
    let mut start = 0;
    while start < row.len() {
        let own = group(row[start]);
        let end = start + row[start..].iter().take_while(|&&r| group(r) == own).count();
        let is_tie = end - start > 1 && own.0 != PublishedImages::NO_SEQUENCE && own.1 != PublishedSide::NO_TIME;
        if is_tie {
            let before = start.checked_sub(1).map(|k| row[k]).filter(|&r| group(r).0 == own.0);
            let after = row.get(end).copied().filter(|&r| group(r).0 == own.0);
            if let Some(anchor) = before.or(after) {
                let anchor = place(anchor);
                let way = |r: u32| distance_m2(anchor, place(r));
                let tie = &mut row[start..end];
                tie.sort_by(|&a, &b| way(a).total_cmp(&way(b)).then(images.id[a as usize].cmp(&images.id[b as usize])));
                if before.is_none() {
                    tie.reverse();
                }
            }
        }
        start = end;
    }
}

/// A device folded into one text, for counting.
fn name_of(device: &Device) -> String {
    let text = |part: &Option<Box<str>>| part.as_deref().unwrap_or("").to_owned();
    format!(
        "{}|{}|{}|{}",
        text(&device.make),
        text(&device.model),
        device.width.unwrap_or(0),
        device.height.unwrap_or(0)
    )
}
