//! The published images in the order that the matcher works in: by sequence, then time, then id.

use crate::plane::{NOWHERE, Point, distance_m2, point};
use capture_model::{Device, Evidence, PublishedImages};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// Without a sequence, images of one creator form one as long as they follow within this, ms.
const PSEUDO_GAP_MS: i64 = 60_000;

/// The columns of the published images in the working order: beside them there are 8 bytes an image.
#[derive(Debug)]
pub(crate) struct PublishedSide<'a> {
    images: &'a PublishedImages,
    /// Row of `PublishedImages` at each place.
    row: Vec<u32>,
    /// Working number of the sequence at each place.
    sequence: Vec<u32>,
    starts: Vec<u32>,
    /// Folded device of each working sequence; `None` when unknown.
    pub(crate) device: Vec<Option<Device>>,
    /// Typical time between images of each working sequence, seconds.
    pub(crate) interval_s: Vec<f64>,
    /// How many working sequences each device has.
    share: BTreeMap<String, usize>,
}

impl<'a> PublishedSide<'a> {
    pub(crate) const NO_TIME: i64 = PublishedImages::NO_TIME;

    /// Sorts the images and gathers what is needed of each sequence.
    pub(crate) fn new(images: &'a PublishedImages) -> Self {
        let n = images.len();
        let row = in_order(images);
        let key = |r: u32| {
            let r = r as usize;
            let creator = if images.sequence[r] == PublishedImages::NO_SEQUENCE { images.creator_id[r] } else { 0 };
            (images.sequence[r], creator, images.captured_at_ms[r])
        };
        let mut sequence = Vec::with_capacity(n);
        let mut starts: Vec<u32> = Vec::new();
        let mut before = None;
        for (at, &r) in row.iter().enumerate() {
            let own = key(r);
            let is_new = before.is_none_or(|before: (u32, u64, i64)| {
                let has_no_key = own.0 == PublishedImages::NO_SEQUENCE;
                (before.0, before.1) != (own.0, own.1) || (has_no_key && own.2.saturating_sub(before.2) > PSEUDO_GAP_MS)
            });
            if is_new {
                starts.push(at as u32);
            }
            before = Some(own);
            sequence.push(starts.len() as u32 - 1);
        }
        starts.push(n as u32);
        let mut side =
            Self { images, row, sequence, starts, device: Vec::new(), interval_s: Vec::new(), share: BTreeMap::new() };
        let mut gaps: Vec<i64> = Vec::new();
        for number in 0..side.n_sequences() {
            let range = side.images_of(number);
            let device = images.devices.value(images.device[side.row[range.start] as usize]);
            let key = (!device.is_unknown()).then(|| device.key());
            if let Some(key) = &key {
                *side.share.entry(name_of(key)).or_default() += 1;
            }
            side.device.push(key);
            gaps.clear();
            gaps.extend(
                (range.start + 1..range.end)
                    .map(|at| side.time_ms(at).saturating_sub(side.time_ms(at - 1)))
                    .filter(|&gap| gap < 600_000),
            );
            let middle = gaps.len() / 2;
            let typical_ms = (!gaps.is_empty()).then(|| *gaps.select_nth_unstable(middle).1);
            side.interval_s.push(typical_ms.map_or(1.0, |gap| gap as f64 / 1000.0));
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
        self.images.captured_at_ms[self.row[at] as usize]
    }

    /// Longitude and latitude as uploaded, then as adjusted, degrees; NaN when missing.
    pub(crate) fn degrees(&self, at: usize) -> [(f64, f64); 2] {
        let (images, r) = (self.images, self.row[at] as usize);
        [(images.longitude[r], images.latitude[r]), (images.computed_longitude[r], images.computed_latitude[r])]
    }

    /// Uploaded place, NaN when missing.
    pub(crate) fn original(&self, at: usize) -> Point {
        let [(lon, lat), _] = self.degrees(at);
        place(lon, lat)
    }

    /// Adjusted place, NaN when missing.
    pub(crate) fn computed(&self, at: usize) -> Point {
        let [_, (lon, lat)] = self.degrees(at);
        place(lon, lat)
    }

    /// Uploaded altitude, NaN when missing.
    pub(crate) fn altitude_m(&self, at: usize) -> f64 {
        f64::from(self.images.altitude_m[self.row[at] as usize])
    }

    /// Uploaded heading, NaN when missing.
    pub(crate) fn heading_deg(&self, at: usize) -> f64 {
        f64::from(self.images.compass_deg[self.row[at] as usize])
    }

    /// Whether only a tile told of it.
    pub(crate) fn by_tile(&self, at: usize) -> bool {
        self.images.evidence[self.row[at] as usize] == Evidence::Tile
    }

    /// Places of a range of one sequence whose times lie within `first_ms..=last_ms`.
    pub(crate) fn between(&self, range: Range<usize>, first_ms: i64, last_ms: i64) -> Range<usize> {
        let rows = &self.row[range.clone()];
        let time = |row: &u32| self.images.captured_at_ms[*row as usize];
        let first = rows.partition_point(|row| time(row) < first_ms);
        let end = first + rows[first..].partition_point(|row| time(row) <= last_ms);
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
        let original = self.original(at);
        if original[0].is_nan() { self.computed(at) } else { original }
    }
}

/// Rows by sequence (those without one last), then creator where there is none, time and id: sequence by sequence, because
/// they mostly come in order.
fn in_order(images: &PublishedImages) -> Vec<u32> {
    let n_sequences = images.sequences.len();
    let numbers = by_least_id(images);
    let bucket = |r: usize| numbers.get(images.sequence[r] as usize).map_or(n_sequences, |&number| number as usize);
    let mut ends = vec![0_u32; n_sequences + 2];
    for r in 0..images.len() {
        ends[bucket(r) + 1] += 1;
    }
    for number in 1..ends.len() {
        ends[number] += ends[number - 1];
    }
    let mut next = ends.clone();
    let mut row = vec![0_u32; images.len()];
    for r in 0..images.len() {
        let place = &mut next[bucket(r)];
        row[*place as usize] = r as u32;
        *place += 1;
    }
    let mut rest = row.as_mut_slice();
    let mut sequences = Vec::with_capacity(n_sequences + 1);
    for two in ends.windows(2) {
        let (sequence, behind) = rest.split_at_mut((two[1] - two[0]) as usize);
        sequences.push(sequence);
        rest = behind;
    }
    sequences.into_par_iter().with_min_len(64).for_each(|sequence| {
        let key = |r: u32| {
            let r = r as usize;
            let creator = if images.sequence[r] == PublishedImages::NO_SEQUENCE { images.creator_id[r] } else { 0 };
            (creator, images.captured_at_ms[r], images.id[r], r)
        };
        if !sequence.is_sorted_by_key(|&r| key(r)) {
            sequence.sort_unstable_by_key(|&r| key(r));
        }
        order_equal_times(sequence, images);
    });
    row
}

/// The place of each sequence among all by its least image id: in which order sequences came in must not be seen.
fn by_least_id(images: &PublishedImages) -> Vec<u32> {
    let mut least: Vec<(u64, u32)> = (0..images.sequences.len() as u32).map(|sequence| (u64::MAX, sequence)).collect();
    for (&id, &sequence) in images.id.iter().zip(&images.sequence) {
        if let Some(known) = least.get_mut(sequence as usize) {
            known.0 = known.0.min(id);
        }
    }
    least.sort_unstable();
    let mut numbers = vec![0; least.len()];
    least.iter().zip(0..).for_each(|(&(_, sequence), number)| numbers[sequence as usize] = number);
    numbers
}

/// Images of one sequence at one time follow each other by their way from the image before (or back from the one after):
/// ids say nothing about capture order, and chains must rise on both sides.
fn order_equal_times(row: &mut [u32], images: &PublishedImages) {
    if row.first().is_none_or(|&r| images.sequence[r as usize] == PublishedImages::NO_SEQUENCE) {
        return;
    }
    let place = |r: u32| point(images.longitude[r as usize], images.latitude[r as usize]);
    let time = |r: u32| images.captured_at_ms[r as usize];
    let mut start = 0;
    while start < row.len() {
        let own = time(row[start]);
        let end = start + row[start..].iter().take_while(|&&r| time(r) == own).count();
        if end - start > 1 && own != PublishedImages::NO_TIME {
            let before = start.checked_sub(1).map(|k| row[k]);
            if let Some(anchor) = before.or(row.get(end).copied()) {
                let anchor = place(anchor);
                let mut tie: Vec<(f64, u64, u32)> = row[start..end]
                    .iter()
                    .map(|&r| (distance_m2(anchor, place(r)), images.id[r as usize], r))
                    .collect();
                tie.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                if before.is_none() {
                    tie.reverse();
                }
                row[start..end].iter_mut().zip(tie).for_each(|(slot, (_, _, r))| *slot = r);
            }
        }
        start = end;
    }
}

/// A place in space; nowhere when a coordinate is missing.
fn place(longitude: f64, latitude: f64) -> Point {
    if longitude.is_finite() && latitude.is_finite() { point(longitude, latitude) } else { NOWHERE }
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
