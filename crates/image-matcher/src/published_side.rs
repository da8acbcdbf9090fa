//! The published images in the order that the matcher works in: by sequence, then time, then id.

use crate::plane::{Anchor, NOWHERE, Point, point};
use crate::working_order::WorkingOrder;
use capture_model::{Device, Evidence, PublishedImages};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

/// Places whose sequence is looked up by one number, see [`PublishedSide::sequence`].
const HINTED: usize = 64;

/// The columns of the published images in the working order: beside them there is less than a byte or two an image.
#[derive(Debug)]
pub(crate) struct PublishedSide<'a> {
    images: &'a PublishedImages,
    /// Rows of `PublishedImages` by place.
    order: WorkingOrder,
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
        let (order, starts) = WorkingOrder::of(images);
        let mut sequence = 0;
        let hints = (0..order.len())
            .step_by(HINTED)
            .map(|at| {
                while starts[sequence as usize + 1] as usize <= at {
                    sequence += 1;
                }
                sequence
            })
            .collect();
        let mut side = Self { images, order, starts, hints, devices: Vec::new() };
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
        self.images.device[self.row(self.starts[sequence] as usize) as usize] as usize
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
        let times_ms = self.times_ms(self.images_of(sequence as usize));
        let mut gaps: Vec<i64> = Vec::with_capacity(times_ms.len());
        gaps.extend(times_ms.windows(2).map(|two| two[1].saturating_sub(two[0])).filter(|&gap| gap < LONGEST_MS));
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
        self.order.len()
    }

    /// Row of `PublishedImages` at a place.
    pub(crate) fn row(&self, at: usize) -> u32 {
        self.order.row(at)
    }

    /// Rows of a range of places, where they follow each other.
    pub(crate) fn rows(&self, places: Range<usize>) -> Option<Range<usize>> {
        self.order.rows(places)
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
        self.images.captured_at_ms[self.row(at) as usize]
    }

    /// Published times of a range of places, ms: read in place where its rows follow each other.
    pub(crate) fn times_ms(&self, places: Range<usize>) -> Cow<'a, [i64]> {
        match self.rows(places.clone()) {
            Some(rows) => Cow::Borrowed(&self.images.captured_at_ms[rows]),
            None => places.map(|at| self.time_ms(at)).collect(),
        }
    }

    /// Longitude and latitude as uploaded, then as adjusted, degrees; NaN when missing.
    pub(crate) fn degrees(&self, at: usize) -> [(f64, f64); 2] {
        let (images, r) = (self.images, self.row(at) as usize);
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
        f64::from(self.images.altitude_m[self.row(at) as usize])
    }

    /// Uploaded heading, NaN when missing.
    pub(crate) fn heading_deg(&self, at: usize) -> f64 {
        f64::from(self.images.compass_deg[self.row(at) as usize])
    }

    /// Whether only a tile told of it.
    pub(crate) fn by_tile(&self, at: usize) -> bool {
        self.images.evidence[self.row(at) as usize] == Evidence::Tile
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
