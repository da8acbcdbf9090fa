//! The published images in the order that the matcher works in: by sequence, then time, then id.

use crate::plane::{Anchor, Chart, NOWHERE, Point, distance_m2, point};
use capture_model::{Device, Evidence, PublishedImages};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// Without a sequence, images of one creator form one as long as they follow within this, ms.
const PSEUDO_GAP_MS: i64 = 60_000;

/// Places whose sequence is looked up by one number, see [`PublishedSide::sequence`].
const HINTED: usize = 64;

/// The columns of the published images in the working order: beside them there are 4 bytes an image.
#[derive(Debug)]
pub(crate) struct PublishedSide<'a> {
    images: &'a PublishedImages,
    /// Row of `PublishedImages` at each place.
    row: Vec<u32>,
    /// First place of each working sequence, with the number of places at the end.
    starts: Vec<u32>,
    /// Working sequence at the first of every [`HINTED`] places.
    hints: Vec<u32>,
    /// By device number: the folded device (`None` when unknown), and the share of the working sequences that have it.
    devices: Vec<(Option<Device>, f64)>,
}

impl<'a> PublishedSide<'a> {
    pub(crate) const NO_TIME: i64 = PublishedImages::NO_TIME;

    /// Sorts the images and gathers what is needed of each sequence.
    pub(crate) fn new(images: &'a PublishedImages) -> Self {
        let (row, starts) = in_order(images);
        let mut sequence = 0;
        let hints = (0..row.len())
            .step_by(HINTED)
            .map(|at| {
                while starts[sequence as usize + 1] as usize <= at {
                    sequence += 1;
                }
                sequence
            })
            .collect();
        let mut side = Self { images, row, starts, hints, devices: Vec::new() };
        side.devices = side.count_devices();
        side
    }

    /// Folds each device once and counts the sequences that were taken with it, however it is written.
    fn count_devices(&self) -> Vec<(Option<Device>, f64)> {
        let mut n_sequences = vec![0_usize; self.images.devices.len()];
        (0..self.n_sequences()).for_each(|sequence| n_sequences[self.device_number(sequence)] += 1);
        let fold = |device: &Device| (!device.is_unknown()).then(|| device.key());
        let keys: Vec<Option<Device>> = self.images.devices.values().iter().map(fold).collect();
        let names: Vec<Option<String>> = keys.iter().map(|key| key.as_ref().map(name_of)).collect();
        let mut share: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, n) in names.iter().zip(&n_sequences) {
            if let Some(name) = name {
                *share.entry(name).or_default() += n;
            }
        }
        let n_known = share.values().sum::<usize>().max(1) as f64;
        let of = |name: &Option<String>| name.as_ref().map_or(0.0, |name| share[name.as_str()] as f64 / n_known);
        let shares: Vec<f64> = names.iter().map(of).collect();
        keys.into_iter().zip(shares).collect()
    }

    fn device_number(&self, sequence: usize) -> usize {
        self.images.device[self.row[self.starts[sequence] as usize] as usize] as usize
    }

    /// Folded device of a working sequence; `None` when unknown.
    pub(crate) fn device(&self, sequence: u32) -> Option<&Device> {
        self.devices[self.device_number(sequence as usize)].0.as_ref()
    }

    /// Share of the sequences that were taken with the device of this one.
    pub(crate) fn share_of_device(&self, sequence: u32) -> f64 {
        self.devices[self.device_number(sequence as usize)].1
    }

    /// Typical time between images of a working sequence, seconds: the middle one, or without pauses the mean of times that were
    /// cut to seconds, whose middle one is 0 or a second.
    pub(crate) fn interval_s(&self, sequence: u32) -> f64 {
        const LONGEST_MS: i64 = 600_000;
        const PAUSE_MS: i64 = 4_000;
        let range = self.images_of(sequence as usize);
        let gaps = (range.start + 1..range.end).map(|at| self.time_ms(at).saturating_sub(self.time_ms(at - 1)));
        let mut gaps: Vec<i64> = gaps.filter(|&gap| gap < LONGEST_MS).collect();
        let middle = gaps.len() / 2;
        let Some(typical_ms) = (!gaps.is_empty()).then(|| *gaps.select_nth_unstable(middle).1) else { return 1.0 };
        let is_cut = gaps.iter().all(|gap| gap % 1_000 == 0);
        let usual = || gaps.iter().filter(|&&gap| gap <= PAUSE_MS);
        if is_cut && typical_ms <= 1_000 && usual().any(|&gap| gap > 0) {
            return usual().sum::<i64>() as f64 / usual().count() as f64 / 1000.0;
        }
        typical_ms as f64 / 1000.0
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

    /// Rows of a range of places, where they follow each other.
    pub(crate) fn rows(&self, places: Range<usize>) -> Option<Range<usize>> {
        let (first, last) = (self.row[places.start] as usize, self.row[places.end - 1] as usize);
        // within a sequence no row comes twice
        let rows = &self.row[places];
        let follows = last.checked_sub(first).is_some_and(|apart| apart + 1 == rows.len()) && rows.is_sorted();
        follows.then_some(first..last + 1)
    }

    /// The columns that the matcher works on.
    pub(crate) fn columns(&self) -> &'a PublishedImages {
        self.images
    }

    /// Working number of the sequence at a place.
    pub(crate) fn sequence(&self, at: usize) -> u32 {
        let mut sequence = self.hints[at / HINTED];
        while self.starts[sequence as usize + 1] as usize <= at {
            sequence += 1;
        }
        sequence
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

    /// Places of one working sequence, in order of time.
    pub(crate) fn images_of(&self, sequence: usize) -> Range<usize> {
        self.starts[sequence] as usize..self.starts[sequence + 1] as usize
    }

    /// Uploaded and adjusted place, NaN when missing, by an anchor that is near.
    pub(crate) fn points(&self, at: usize, anchor: &Anchor) -> [Point; 2] {
        self.degrees(at).map(|(lon, lat)| if lon.is_nan() || lat.is_nan() { NOWHERE } else { anchor.point(lon, lat) })
    }

    /// The place that is known best: as uploaded, else adjusted.
    pub(crate) fn place(&self, at: usize) -> Point {
        let original = self.original(at);
        if original[0].is_nan() { self.computed(at) } else { original }
    }
}

/// Rows that follow each other and are of one sequence.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    /// Number of the sequence, then its rank.
    sequence: u32,
    start: u32,
    end: u32,
    least_id: u64,
}

/// Rows by sequence (those without one last), then creator where there is none, time and id; and where each working
/// sequence begins, with the number of rows at the end.
///
/// Sequences mostly come whole and in order, so stretches of rows are sorted instead of rows. Sequences go by their least
/// image id: in which order they came in must not be seen.
fn in_order(images: &PublishedImages) -> (Vec<u32>, Vec<u32>) {
    let (mut stretches, n_keyed) = stretches(images);
    stretches.sort_unstable_by_key(|stretch| (stretch.sequence, stretch.start));
    let mut row: Vec<u32> = Vec::with_capacity(images.len());
    let mut starts: Vec<u32> = Vec::with_capacity(n_keyed + 1);
    let mut before = None;
    for stretch in &stretches {
        if before != Some(stretch.sequence) {
            starts.push(row.len() as u32);
            before = Some(stretch.sequence);
        }
        row.extend(stretch.start..stretch.end);
    }
    let is_keyed = |rank: usize| rank < n_keyed;
    let mut rest = row.as_mut_slice();
    let mut sequences = Vec::with_capacity(starts.len());
    for (rank, &start) in starts.iter().enumerate() {
        let end = starts.get(rank + 1).map_or(images.len(), |&end| end as usize);
        let (sequence, behind) = rest.split_at_mut(end - start as usize);
        sequences.push((sequence, is_keyed(rank)));
        rest = behind;
    }
    sequences.into_par_iter().with_min_len(64).for_each(|(rows, is_keyed)| {
        if is_keyed && are_in_order(rows, images) {
            order_equal_times(rows, images);
        } else {
            let key = |r: u32| {
                let r = r as usize;
                let creator = if is_keyed { 0 } else { images.creator_id[r] };
                (creator, images.captured_at_ms[r], images.id[r], r)
            };
            rows.sort_unstable_by_key(|&r| key(r));
            if is_keyed {
                order_equal_times(rows, images);
            }
        }
    });
    if starts.len() > n_keyed {
        // without a key, what one creator took without a pause is one sequence
        let first = starts[n_keyed] as usize;
        let is_new = |a: usize, b: usize| {
            let time = |r: usize| images.captured_at_ms[r];
            images.creator_id[a] != images.creator_id[b] || time(b).saturating_sub(time(a)) > PSEUDO_GAP_MS
        };
        let breaks = (first + 1..row.len()).filter(|&at| is_new(row[at - 1] as usize, row[at] as usize));
        starts.extend(breaks.map(|at| at as u32));
    }
    starts.push(images.len() as u32);
    (row, starts)
}

/// All stretches with the ranks of their sequences by least id, and how many sequences have images; images without a
/// sequence come behind them.
fn stretches(images: &PublishedImages) -> (Vec<Stretch>, usize) {
    const AT_ONCE: usize = 1 << 16;
    let part = |(part, numbers): (usize, &[u32])| {
        let mut start = part * AT_ONCE;
        let stretch = |rows: &[u32]| {
            let end = start + rows.len();
            let least_id = images.id[start..end].iter().copied().min().unwrap_or(u64::MAX);
            let stretch = Stretch { sequence: rows[0], start: start as u32, end: end as u32, least_id };
            start = end;
            stretch
        };
        numbers.chunk_by(|a, b| a == b).map(stretch).collect::<Vec<_>>()
    };
    let parts: Vec<Vec<Stretch>> = images.sequence.par_chunks(AT_ONCE).enumerate().map(part).collect();
    let mut stretches = parts.concat();
    let mut least: Vec<(u64, u32)> = (0..images.sequences.len() as u32).map(|number| (u64::MAX, number)).collect();
    let mut has_images = vec![false; least.len()];
    for stretch in &stretches {
        if let Some(known) = least.get_mut(stretch.sequence as usize) {
            known.0 = known.0.min(stretch.least_id);
            has_images[stretch.sequence as usize] = true;
        }
    }
    least.retain(|&(_, number)| has_images[number as usize]);
    least.sort_unstable();
    let mut ranks = vec![0; has_images.len()];
    least.iter().zip(0..).for_each(|(&(_, number), rank)| ranks[number as usize] = rank);
    let rank = |number: u32| ranks.get(number as usize).copied().unwrap_or(least.len() as u32);
    stretches.iter_mut().for_each(|stretch| stretch.sequence = rank(stretch.sequence));
    (stretches, least.len())
}

/// Whether rows come in order of time, and those of one time in order of their ids.
fn are_in_order(rows: &[u32], images: &PublishedImages) -> bool {
    let (time_ms, id) = (&images.captured_at_ms, &images.id);
    let (first, last) = (rows[0] as usize, rows[rows.len() - 1] as usize);
    let is_before = |a: usize, b: usize| time_ms[a] < time_ms[b] || (time_ms[a] == time_ms[b] && id[a] < id[b]);
    if rows.len() - 1 == last.wrapping_sub(first) && rows.is_sorted() {
        return (first..last).all(|row| is_before(row, row + 1));
    }
    rows.windows(2).all(|two| is_before(two[0] as usize, two[1] as usize))
}

/// Images of one sequence at one time follow each other by their way from the image before (or back from the one after):
/// ids say nothing about capture order, and chains must rise on both sides.
fn order_equal_times(row: &mut [u32], images: &PublishedImages) {
    let time = |r: u32| images.captured_at_ms[r as usize];
    let (mut end, mut chart) = (0, None);
    while let Some(equal) = row[end..].windows(2).position(|two| time(two[0]) == time(two[1])) {
        let start = end + equal;
        let own = time(row[start]);
        end = start + row[start..].iter().take_while(|&&r| time(r) == own).count();
        if own == PublishedImages::NO_TIME {
            continue;
        }
        let before = start.checked_sub(1).map(|k| row[k]);
        let Some(from) = before.or(row.get(end).copied()) else { continue };
        let chart =
            *chart.get_or_insert_with(|| Chart::at(images.longitude[from as usize], images.latitude[from as usize]));
        let mut tie: Vec<(f64, u64, u32)> =
            row[start..end].iter().map(|&r| (way_m2(&chart, images, from, r), images.id[r as usize], r)).collect();
        tie.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        if before.is_none() {
            tie.reverse();
        }
        row[start..end].iter_mut().zip(tie).for_each(|(slot, (_, _, r))| *slot = r);
    }
}

/// The squared way between the uploaded places of two rows, m²; NaN where one is missing.
fn way_m2(chart: &Chart, images: &PublishedImages, from: u32, to: u32) -> f64 {
    let [from, to] = [from, to].map(|r| (images.longitude[r as usize], images.latitude[r as usize]));
    if chart.holds(from.0, from.1) && chart.holds(to.0, to.1) {
        let [east_m, north_m] = chart.offset_m(from, to);
        east_m * east_m + north_m * north_m
    } else {
        distance_m2(point(from.0, from.1), point(to.0, to.1))
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
