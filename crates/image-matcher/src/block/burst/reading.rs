//! The ways to read the written seconds of a burst.

use super::super::Work;
use super::super::time::{Variant, is_published_cut};
use super::{Lags, is_burst};
use crate::errors::{SCALES_S, edge_of_second};
use crate::medians::median;
use crate::ride::Ride;

/// Half a millisecond where the written clock is known, and more where its edge is itself estimated, seconds.
const ROUNDED_S: f64 = 0.0005;
const ESTIMATED_S: f64 = 0.004;
/// The share of true times that lie outside all that is told of them, and within what.
const OUTSIDE: f64 = 0.015;
const OUTLIER_SPAN_S: f64 = 5.0;
/// What it costs to believe that a timer changes sides with its ticks.
const TWO_VALUES_PRICE: f64 = 2.0;

/// One way to read the written seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// Where a written second begins; `None` where nothing holds the true time in it.
    pub(super) edge_s: Option<f64>,
    /// How long it is: nothing where both sides are cut and agree at one value.
    pub(super) span_s: f64,
    pub(super) rounding_s: f64,
    /// Which local time is compared, and how closely about which centre; `None` for the window alone.
    pub(super) about: Option<(Variant, f64, f64)>,
    /// Whether equal altitudes tell frames apart, as where they were copied.
    pub(super) is_copied: bool,
    /// What it costs to believe in it.
    pub(super) price: f64,
}

/// Whether differences lie whole seconds apart: both sides keep whole seconds, whatever fraction lies between them.
pub(in crate::block) fn are_of_one_fraction(lags_s: &[f64]) -> bool {
    let first = lags_s[0]; // of all pairs
    lags_s.iter().map(|lag| (lag - first).abs()).all(|apart_s| {
        let whole_s = (apart_s + 0.5) as i64 as f64; // `round` is a call where the processor may be old
        (whole_s - apart_s).abs() < SCALES_S[0]
    })
}

/// Readings where both sides were cut to whole seconds: the difference of a true pair takes two values that follow each
/// other, and which of the two tells nothing.
fn cut_twice(ride: &Ride, lags: &Lags, about_s: f64) -> Vec<Reading> {
    let fraction_s = lags.raw[0].rem_euclid(1.0); // of all pairs, since both sides are whole seconds
    let first = (about_s - fraction_s).round() + fraction_s;
    let windowed = |k: i32| Reading {
        edge_s: Some(first + f64::from(k)),
        span_s: 1.0,
        rounding_s: ESTIMATED_S,
        about: None,
        is_copied: false,
        price: 0.0,
    };
    if is_burst(ride) {
        return (-2..=2).map(windowed).collect();
    }
    // where no second holds two frames, one value that explains as much is the simpler
    let single = |k: i32| Reading { span_s: 0.0, ..windowed(k) };
    let double = |k: i32| Reading { price: TWO_VALUES_PRICE, ..windowed(k) };
    (-2..=2).flat_map(|k| [single(k), double(k)]).collect()
}

/// Readings where the published side alone was cut, on a clock that may be off by any fraction: a shutter that ticks beside
/// the full second of the published clock leaves either of two seconds, and how near that is nobody knows.
fn cut_there(about_s: f64) -> Vec<Reading> {
    const STEPS: i32 = 10;
    const STEP_S: f64 = 1.0 / STEPS as f64;
    let windowed = |k: i32| Reading {
        edge_s: Some(about_s + STEP_S * f64::from(k)),
        span_s: 1.0,
        rounding_s: STEP_S / 2.0,
        about: None,
        is_copied: false,
        price: 0.0,
    };
    (-STEPS..=0).map(windowed).collect()
}

pub(super) fn readings(work: &Work<'_>, lags: &Lags, is_free: bool) -> Vec<Reading> {
    let step_s = work.ride.interval_s().max(0.02);
    let middle =
        |lag: &[f64], about: f64| median(&work.nearest(lag, about).iter().map(|&pair| lag[pair]).collect::<Vec<_>>());
    let sent = middle(&lags.sent, 0.0);
    let mut edges: Vec<(f64, f64, f64)> = Vec::new(); // edge, rounding, price
    let own: Vec<f64> = work.nearest(&lags.sent, sent).iter().map(|&pair| lags.raw[pair]).collect();
    let estimated = edge_of_second(&own, true);
    if is_published_cut(work) {
        return if are_of_one_fraction(&lags.raw) { cut_twice(work.ride, lags, estimated) } else { cut_there(sent) };
    }
    if is_free {
        edges.extend((-1..=1).map(|k| (estimated + f64::from(k) * step_s, ESTIMATED_S, 1.0)));
    } else {
        edges.extend([(0.0, ROUNDED_S, 0.0), (-0.5, ROUNDED_S, 1.0), (estimated, ESTIMATED_S, 4.0)]);
    }
    let mut all = Vec::new();
    for &(edge, rounding_s, price) in &edges {
        let windowed = |about: Option<(Variant, f64, f64)>, more: f64| Reading {
            edge_s: Some(edge),
            span_s: 1.0,
            rounding_s,
            about,
            is_copied: false,
            price: price + more,
        };
        all.push(windowed(None, 0.0));
        // What was spread begins at the edge itself: an edge that is but estimated was not replayed.
        if is_free || rounding_s < ESTIMATED_S {
            let centre = if is_free { sent } else { edge };
            all.extend(SCALES_S[..2].iter().map(|&scale_s| windowed(Some((Variant::Sent, scale_s, centre)), 1.0)));
        }
        if let Some(shutter) = &lags.shutter {
            let about = middle(shutter, edge);
            let centres = (-1..=1).map(|k| about + f64::from(k) * step_s);
            all.extend(centres.map(|centre| windowed(Some((Variant::Shutter, SCALES_S[1], centre)), 2.0)));
        }
    }
    let open = |about| Reading {
        edge_s: None,
        span_s: 0.0,
        rounding_s: 0.0,
        about: Some(about),
        is_copied: false,
        price: 3.0,
    };
    let raw = middle(&lags.raw, sent);
    all.extend(SCALES_S[2..].iter().map(|&scale_s| open((Variant::Sent, scale_s, sent))));
    all.extend(SCALES_S[..2].iter().map(|&scale_s| open((Variant::Raw, scale_s, raw))));
    all
}

impl Reading {
    /// Whether both sides are cut and agree at one value.
    pub(super) fn is_single(&self) -> bool {
        self.edge_s.is_some() && self.span_s == 0.0
    }

    /// Whether the true time of a pair may lie within its written second.
    pub(super) fn holds(&self, lags: &Lags, pair: usize) -> bool {
        self.is_within(lags.raw[pair])
    }

    pub(super) fn is_within(&self, raw_s: f64) -> bool {
        self.edge_s.is_none_or(|edge| raw_s >= edge - self.rounding_s && raw_s < edge + self.span_s + self.rounding_s)
    }

    fn log_density(&self, lags: &Lags, pair: usize) -> f64 {
        let inside = self.holds(lags, pair);
        let shape = match self.about {
            Some((variant, scale_s, centre_s)) => {
                let near = (-(lags.of(variant)[pair] - centre_s).abs() / scale_s).exp() / (2.0 * scale_s);
                if self.edge_s.is_some() { 0.95 * near + 0.05 } else { near }
            }
            None => 1.0,
        };
        ((if inside { (1.0 - OUTSIDE) * shape } else { 0.0 }) + OUTSIDE / OUTLIER_SPAN_S).ln()
    }
}

/// The log density of a reading; a window alone has but two.
pub(super) struct Density<'r> {
    reading: &'r Reading,
    outside: f64,
    inside: f64,
}

impl<'r> Density<'r> {
    /// Of a window alone, outside and inside.
    pub(super) const OF_WINDOW: [f64; 2] = [OUTSIDE / OUTLIER_SPAN_S, 1.0 - OUTSIDE + OUTSIDE / OUTLIER_SPAN_S];

    pub(super) fn of(reading: &'r Reading) -> Self {
        let [outside, inside] = Self::OF_WINDOW.map(f64::ln);
        Self { reading, outside, inside }
    }

    pub(super) fn log(&self, lags: &Lags, pair: usize) -> f64 {
        match self.reading.about {
            _ if !self.reading.holds(lags, pair) => self.outside,
            None => self.inside,
            Some(_) => self.reading.log_density(lags, pair),
        }
    }
}
