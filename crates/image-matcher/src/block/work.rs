//! What is worked on while a block is weighed: its pairs, and a column of each thing that is asked of them again and again.

use super::settled::only;
use crate::Weights;
use crate::chain::Link;
use crate::plane::{Point, length_m};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::votes::EXACT_M;
use std::borrow::Cow;
use std::cell::OnceCell;

/// All candidate pairs of the block with their raw residuals.
pub(super) struct Work<'a> {
    pub(super) ride: &'a Ride<'a>,
    pub(super) side: &'a PublishedSide<'a>,
    pub(super) weights: Weights,
    sequence: u32,
    /// The first image of the sequence.
    pub(super) first: usize,
    /// Times of its images in the published order, ms.
    pub(super) times_ms: Cow<'a, [i64]>,
    interval_s: OnceCell<f64>,
    pub(super) photo: Vec<u32>,
    /// Rank of the image in its sequence, images of one time as the ride passed them.
    pub(super) rank: Vec<u32>,
    /// Where that is not the published order: the place in it of each rank.
    pub(super) reordered: Vec<u32>,
    /// Seconds, remote − (local + offset); empty for untimed rides.
    pub(super) lag_s: Vec<f64>,
    pub(super) to_original: Vec<[f64; 2]>,
    pub(super) to_computed: Vec<[f64; 2]>,
    /// Places of the images that stand in a pair and of those between, and the place of the first of them in the sequence.
    places: Vec<[Point; 2]>,
    first_place: usize,
    /// Whether a pair agrees in its uploaded place.
    pub(super) is_exact_place: Vec<bool>,
    /// Altitude of the image less that of the photo, metres; NaN where either is unknown.
    pub(super) climb_m: Vec<f64>,
    /// Heading of the image less that of the photo, −180…180 degrees; NaN where either is unknown.
    pub(super) turn_deg: Vec<f64>,
    /// Altitudes that differ by less are equal.
    pub(super) equal_altitude_m: f64,
}

impl<'a> Work<'a> {
    /// A ride and a working sequence without any pair.
    pub(super) fn new(ride: &'a Ride<'a>, side: &'a PublishedSide<'a>, weights: Weights, sequence: u32) -> Self {
        let range = side.images_of(sequence as usize);
        Self {
            ride,
            side,
            weights,
            sequence,
            first: range.start,
            times_ms: side.times_ms(range),
            interval_s: OnceCell::new(),
            photo: Vec::new(),
            rank: Vec::new(),
            reordered: Vec::new(),
            lag_s: Vec::new(),
            to_original: Vec::new(),
            to_computed: Vec::new(),
            places: Vec::new(),
            first_place: 0,
            is_exact_place: Vec::new(),
            climb_m: Vec::new(),
            turn_deg: Vec::new(),
            equal_altitude_m: 0.0,
        }
    }

    /// Takes pairs of photos and images, by photo.
    pub(super) fn pair(&mut self, pairs: &[(u32, u32)]) {
        self.photo = pairs.iter().map(|pair| pair.0).collect();
        self.rank = pairs.iter().map(|pair| pair.1 - self.first as u32).collect();
    }

    /// Compares photos and images in everything but their times; the pairs are in the published order.
    pub(super) fn compare(&mut self) {
        let (ride, side, n) = (self.ride, self.side, self.len());
        let ranks = self.rank.iter().copied();
        let (low, high) = (ranks.clone().min().unwrap_or(0), ranks.max().unwrap_or(0));
        // an image stands in several pairs
        let images = self.first + low as usize..self.first + high as usize + 1;
        let places: Vec<[Point; 2]> = images.clone().map(|image| side.points(image, &ride.anchor)).collect();
        let altitudes_m: Vec<f64> = images.clone().map(|image| side.altitude_m(image)).collect();
        let headings_deg: Vec<f64> = images.map(|image| side.heading_deg(image)).collect();
        let (has_computed, has_heading) =
            (places.iter().any(|places| !places[1][0].is_nan()), headings_deg.iter().any(|heading| !heading.is_nan()));
        self.to_original.reserve_exact(n);
        self.is_exact_place.reserve_exact(n);
        self.climb_m.reserve_exact(n);
        let own_place = ride.place();
        let image_of = |rank: u32| (rank - low) as usize;
        for (&photo, &rank) in self.photo.iter().zip(&self.rank) {
            let (photo, image) = (photo as usize, image_of(rank));
            let to_original = ride.plane.offset_m(own_place[photo], places[image][0]);
            self.to_original.push(to_original);
            self.is_exact_place.push(length_m(to_original) < EXACT_M);
            self.climb_m.push(altitudes_m[image] - ride.altitude_m(photo));
        }
        (self.places, self.first_place) = (places, low as usize);
        let places = &self.places;
        let pairs = || self.photo.iter().zip(&self.rank).map(|(&photo, &rank)| (photo as usize, image_of(rank)));
        self.to_computed = if has_computed {
            pairs().map(|(photo, image)| ride.plane.offset_m(own_place[photo], places[image][1])).collect()
        } else {
            vec![[f64::NAN; 2]; n]
        };
        self.turn_deg = if has_heading {
            let turn = |own: f64, other: f64| (other - own + 180.0).rem_euclid(360.0) - 180.0;
            pairs().map(|(photo, image)| turn(ride.heading_deg(photo), headings_deg[image])).collect()
        } else {
            vec![f64::NAN; n]
        };
    }

    pub(super) fn len(&self) -> usize {
        self.photo.len()
    }

    /// Whether a photo or an image stands in more than one pair.
    pub(super) fn has_alternatives(&self) -> bool {
        let mut is_seen = vec![false; self.rank.iter().max().map_or(0, |&last| last as usize + 1)];
        let mut is_twice = |&rank: &u32| std::mem::replace(&mut is_seen[rank as usize], true);
        self.photo.windows(2).any(|two| two[0] == two[1]) || self.rank.iter().any(&mut is_twice)
    }

    /// Forgets all pairs but some.
    pub(super) fn keep(&mut self, open: &[usize]) {
        self.photo = only(&self.photo, open);
        self.rank = only(&self.rank, open);
        self.lag_s = only(&self.lag_s, open);
        self.to_original = only(&self.to_original, open);
        self.to_computed = only(&self.to_computed, open);
        self.is_exact_place = only(&self.is_exact_place, open);
        self.climb_m = only(&self.climb_m, open);
        self.turn_deg = only(&self.turn_deg, open);
    }

    /// Place of the image of a pair in the published order of all.
    pub(super) fn image(&self, pair: usize) -> usize {
        self.first + self.place(pair)
    }

    /// The same in that of its sequence.
    pub(super) fn place(&self, pair: usize) -> usize {
        self.place_of(self.rank[pair])
    }

    /// The place in its sequence of the image of a rank.
    pub(super) fn place_of(&self, rank: u32) -> usize {
        self.reordered.get(rank as usize).copied().unwrap_or(rank) as usize
    }

    /// Uploaded and adjusted place of the image at a place of its sequence.
    pub(super) fn points(&self, place: usize) -> [Point; 2] {
        let known = place.checked_sub(self.first_place).and_then(|at| self.places.get(at));
        known.copied().unwrap_or_else(|| self.side.points(self.first + place, &self.ride.anchor))
    }

    /// Published time of the image of a pair, ms.
    pub(super) fn time_ms(&self, pair: usize) -> i64 {
        self.times_ms[self.place(pair)]
    }

    /// Typical time between images of the sequence, seconds.
    pub(super) fn interval_s(&self) -> f64 {
        *self.interval_s.get_or_init(|| self.side.interval_s(self.sequence))
    }

    /// Mutually nearest pairs by a lag about a centre, in order of photo and image; of equal lags the first pair.
    pub(super) fn nearest(&self, lag_s: &[f64], centre_s: f64) -> Vec<usize> {
        const NONE: (u64, usize) = (u64::MAX, usize::MAX);
        let away = |pair: usize| (lag_s[pair] - centre_s).abs().to_bits(); // ordered as what is no less than nothing
        let n_ranks = self.rank.iter().max().map_or(0, |&last| last as usize + 1);
        let mut of_image = vec![NONE; n_ranks];
        let mut of_photo: Vec<usize> = Vec::with_capacity(self.ride.len().min(self.len()));
        let mut first = 0;
        while first < self.len() {
            let (photo, mut nearest) = (self.photo[first], NONE);
            while first < self.len() && self.photo[first] == photo {
                let own = (away(first), first);
                let known = &mut of_image[self.rank[first] as usize];
                if own.0 < known.0 || known.1 == NONE.1 {
                    *known = own;
                }
                if own.0 < nearest.0 || nearest.1 == NONE.1 {
                    nearest = own;
                }
                first += 1;
            }
            of_photo.push(nearest.1);
        }
        of_photo.retain(|&pair| of_image[self.rank[pair] as usize].1 == pair);
        of_photo
    }

    pub(super) fn links(&self, weight: &[f64], least: f64) -> (Vec<usize>, Vec<Link>) {
        let mut kept = Vec::with_capacity(self.len());
        kept.extend((0..self.len()).filter(|&pair| weight[pair] > least));
        let links = kept
            .iter()
            .map(|&pair| Link { local: self.photo[pair], remote: self.rank[pair], weight: weight[pair] })
            .collect();
        (kept, links)
    }
}
