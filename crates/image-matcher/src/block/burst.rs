//! The clock of a burst: several frames in one written second.
//!
//! In: the pairs of a block whose photos share whole seconds. Out: the reading of those seconds that explains most.
//!
//! # Method
//! Which frame is nearest in time depends on how the seconds are read, so nearest pairs cannot judge the readings: each
//! reading draws its own best chain, and the heaviest one wins. There are three: the uploader spread the frames over their
//! second; a regular shutter ticked somewhere within; or nothing is known but that a second was cut off. In all of them a
//! true time lies within its written second. That is physics, and it is what tells one frame from the next where a shutter
//! ticks just beside the full second. Free readings (other rounding, no window) stand beside them, at a price.
//!
//! # Why not a tolerance about the spread times
//! A shutter of 3 Hz that ticks at .999 instead of .001 leaves the same spread times, and each photo takes the image of
//! the frame before, to the millisecond, all along.

use super::Work;
use super::place::{climb, of_copied_altitudes};
use super::time::{TimeFit, Variant, is_published_cut};
use crate::chain::{Link, best_chain};
use crate::errors::{SCALES_S, TimeClass, fit_second};
use crate::medians::median;
use crate::plane::length_m;
use crate::ride::Ride;
use crate::votes::EXACT_M;

/// Half a millisecond where the written clock is known, and more where its edge is itself estimated, seconds.
const ROUNDED_S: f64 = 0.0005;
const ESTIMATED_S: f64 = 0.004;
/// Photos of one stretch that judges the readings, and how many stretches are looked at.
const STRETCH: usize = 96;
const STRETCHES: usize = 3;
const OUTSIDE: f64 = 0.015;
/// What an exactly equal place is worth: more than any reading of written seconds.
const PLACED: f64 = 12.0;
const OUTLIER_SPAN_S: f64 = 5.0;
/// What it costs to believe that a timer changes sides with its ticks.
const TWO_VALUES_PRICE: f64 = 2.0;
/// What it costs to believe that altitudes were copied.
const COPIED_PRICE: f64 = 6.0;

/// One way to read the written seconds.
#[derive(Debug, Clone, Copy)]
struct Reading {
    /// Where a written second begins; `None` where nothing holds the true time in it.
    edge_s: Option<f64>,
    /// How long it is: nothing where both sides are cut and agree at one value.
    span_s: f64,
    rounding_s: f64,
    /// Which local time is compared, and how closely about which centre; `None` for the window alone.
    about: Option<(Variant, f64, f64)>,
    /// Whether equal altitudes tell frames apart, as where they were copied.
    is_copied: bool,
    /// What it costs to believe in it.
    price: f64,
}

/// Residuals of each pair against the times in question, seconds.
struct Lags {
    sent: Vec<f64>,
    raw: Vec<f64>,
    shutter: Option<Vec<f64>>,
}

impl Lags {
    fn of(&self, variant: Variant) -> &[f64] {
        match variant {
            Variant::Sent => &self.sent,
            Variant::Raw => &self.raw,
            Variant::Shutter => self.shutter.as_deref().unwrap_or(&self.sent),
        }
    }
}

/// Whether a ride is a burst: whole seconds that several photos share.
pub(super) fn is_burst(ride: &Ride) -> bool {
    if !ride.whole_seconds {
        return false;
    }
    let mut distinct = ride.raw_ms.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() as f64) < 0.8 * ride.len() as f64
}

/// Fits the reading of a burst.
pub(super) fn fit_burst(work: &mut Work<'_>, offset_ms: i64, is_free: bool) -> TimeFit {
    let lags = lags(work);
    let apart = Apart::of(work);
    let reading = best_reading(work, &lags, &apart, is_free);
    let agreed = TimeClass::Laplace { scale_s: SCALES_S[0], centre_s: reading.edge_s.unwrap_or(0.0) };
    let density = Density::of(&reading);
    let all: Vec<usize> = (0..work.len()).collect();
    let (mut log_density, mut weight) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
    for &pair in &all {
        let read = density.log(&lags, pair);
        let log = match work.ride.width_s(work.photo[pair] as usize) {
            width if width > 0.0 => TimeClass::Laplace { scale_s: 1.0, centre_s: 0.0 }.log_density(0.0, width),
            _ if reading.is_single() => agreed.log_density(lags.raw[pair], 0.0),
            _ => read,
        };
        log_density.push(log);
        weight.push(apart.weight(read, reading.is_copied, pair) - read + log);
    }
    let nearest = chain_of(work, &all, &weight); // of all pairs, places are pairs
    let (class, centre_s, measured, is_raw) = match (reading.edge_s, reading.about) {
        (_, Some((variant, scale_s, centre_s))) if scale_s <= SCALES_S[0] || reading.edge_s.is_none() => {
            let is_raw = matches!(variant, Variant::Raw);
            (TimeClass::Laplace { scale_s, centre_s }, centre_s, lags.of(variant), is_raw)
        }
        (Some(edge_s), None) if reading.is_single() => (agreed, edge_s, lags.raw.as_slice(), false),
        (edge, _) => {
            let edge_s = edge.unwrap_or(0.0);
            (TimeClass::Second { edge_s, phase_s: 0.0, width_s: 9.0 }, edge_s, lags.raw.as_slice(), false)
        }
    };
    work.lag_s = measured.to_vec();
    TimeFit {
        class,
        offset_ms: offset_ms as f64 + centre_s * 1000.0,
        slope: 0.0,
        pivot_ms: work.ride.time_ms[work.ride.len() / 2] as f64,
        log_density,
        nearest,
        is_raw,
        is_crowded: true,
    }
}

/// What speaks for each pair beside its times.
struct Apart {
    log_other: f64,
    of_pair: f64,
    place: Vec<f64>,
    /// `None` where too few altitudes are known.
    altitude: Option<Vec<f64>>,
}

impl Apart {
    fn of(work: &Work<'_>) -> Self {
        Self {
            log_other: (1.0 / work.side.interval_s(work.side.sequence(work.first)).max(0.05)).ln(),
            of_pair: work.weights.pair,
            place: (0..work.len()).map(|pair| rough_place(work, pair)).collect(),
            altitude: copied_altitude(work),
        }
    }

    /// The weight of a pair whose times have a log density.
    fn weight(&self, log_density: f64, is_copied: bool, pair: usize) -> f64 {
        let of_altitude = self.altitude.as_ref().filter(|_| is_copied).map_or(0.0, |altitude| altitude[pair]);
        log_density - self.log_other + self.of_pair + self.place[pair] + of_altitude
    }
}

/// The reading whose best chain through a sample of the pairs is the heaviest; of equal ones the first.
fn best_reading(work: &Work<'_>, lags: &Lags, apart: &Apart, is_free: bool) -> Reading {
    const SLACK: f64 = 1e-6; // of sums in another order
    let sample = sample(work);
    let plain = readings(work, lags, is_free);
    let bounds = plain.iter().map(|reading| most_of_a_chain(work, lags, apart, &sample, reading));
    let (mut all, mut copied) = (Vec::with_capacity(2 * plain.len()), Vec::new());
    for (reading, [as_it_is, of_copied]) in plain.iter().zip(bounds) {
        all.push((*reading, as_it_is - reading.price));
        if apart.altitude.is_some() {
            let reading = Reading { is_copied: true, price: reading.price + COPIED_PRICE, ..*reading };
            copied.push((reading, of_copied - reading.price));
        }
    }
    all.append(&mut copied);
    let mut weight = vec![0.0; sample.len()];
    let mut heaviest = |reading: &Reading| {
        let density = Density::of(reading);
        for (weight, &pair) in weight.iter_mut().zip(&sample) {
            *weight = apart.weight(density.log(lags, pair), reading.is_copied, pair);
        }
        chain_of(work, &sample, &weight).iter().map(|&at| weight[at]).sum::<f64>() - reading.price
    };
    // the likeliest first: no chain of the others can mostly be as heavy
    let likeliest = (0..all.len()).fold(0, |best, at| if all[at].1 > all[best].1 { at } else { best });
    let of_likeliest = heaviest(&all[likeliest].0);
    let mut best: Option<(f64, Reading)> = None;
    for (at, (reading, bound)) in all.iter().enumerate() {
        let known = best.map_or(f64::NEG_INFINITY, |(known, _)| known);
        if bound + SLACK < known.max(of_likeliest) {
            continue;
        }
        let sum = if at == likeliest { of_likeliest } else { heaviest(reading) };
        if sum > known + 1e-9 {
            best = Some((sum, *reading));
        }
    }
    best.expect("there is always a reading").1
}

/// No chain through some pairs, given by photo, weighs more by a reading, and by the same with copied altitudes: a photo has one
/// image at most.
fn most_of_a_chain(work: &Work<'_>, lags: &Lags, apart: &Apart, pairs: &[usize], reading: &Reading) -> [f64; 2] {
    let density = Density::of(reading);
    let (mut sums, mut photo, mut most) = ([0.0; 2], u32::MAX, [0.0_f64; 2]);
    for &pair in pairs {
        if work.photo[pair] != photo {
            sums = [sums[0] + most[0], sums[1] + most[1]];
            (photo, most) = (work.photo[pair], [0.0; 2]);
        }
        let plain = apart.weight(density.log(lags, pair), false, pair);
        let copied = apart.altitude.as_ref().map_or(plain, |altitude| plain + altitude[pair]);
        most = [most[0].max(plain), most[1].max(copied)];
    }
    [sums[0] + most[0], sums[1] + most[1]]
}

fn lags(work: &Work<'_>) -> Lags {
    let ride = work.ride;
    let against = |time_ms: &dyn Fn(usize) -> f64| {
        let shift = |pair: usize| {
            let photo = work.photo[pair] as usize;
            (ride.time_ms[photo] as f64 - time_ms(photo)) / 1000.0
        };
        work.lag_s.iter().enumerate().map(|(pair, e)| e + shift(pair)).collect::<Vec<f64>>()
    };
    Lags {
        sent: work.lag_s.clone(),
        raw: against(&|photo| ride.raw_ms[photo] as f64),
        shutter: ride.shutter_ms().map(|shutter| against(&|photo| shutter[photo])),
    }
}

/// Pairs of a few stretches of photos, spread over the ride.
fn sample(work: &Work<'_>) -> Vec<usize> {
    let n = work.ride.len();
    let is_chosen = |photo: usize| {
        n <= STRETCH * STRETCHES
            || (0..STRETCHES).any(|k| {
                let first = (n - STRETCH) * k / (STRETCHES - 1);
                (first..first + STRETCH).contains(&photo)
            })
    };
    (0..work.len()).filter(|&pair| is_chosen(work.photo[pair] as usize)).collect()
}

/// Exactly equal places tell frames apart; far ones are no pair; between the two, places are left to the field.
fn rough_place(work: &Work<'_>, pair: usize) -> f64 {
    let nearest_m = length_m(work.to_original[pair]).min(length_m(work.to_computed[pair]));
    match nearest_m {
        m if m < EXACT_M => PLACED, // whatever the seconds say
        m if m < 0.05 => 3.0,
        m if m.is_nan() => 0.0,
        m => -(m * m / 128.0).min(3.0),
    }
}

/// What altitudes say of each pair, if they were copied; `None` where too few are known.
fn copied_altitude(work: &Work<'_>) -> Option<Vec<f64>> {
    const FEWEST: usize = 8;
    let climb: Vec<f64> = (0..work.len()).map(|pair| climb(work, pair)).collect();
    let (equal, unequal) = of_copied_altitudes(work);
    let say = |d: &f64| match d.abs() {
        d if d.is_nan() => 0.0,
        d if d < work.equal_altitude_m => equal,
        _ => unequal,
    };
    let is_known = climb.iter().filter(|d| d.abs() < work.equal_altitude_m).count() >= FEWEST;
    is_known.then(|| climb.iter().map(say).collect())
}

/// Whether differences lie whole seconds apart: both sides keep whole seconds, whatever fraction lies between them.
pub(super) fn are_of_one_fraction(lags_s: &[f64]) -> bool {
    let first = lags_s[0]; // of all pairs
    lags_s.iter().all(|lag| ((lag - first).round() - (lag - first)).abs() < SCALES_S[0])
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

fn readings(work: &Work<'_>, lags: &Lags, is_free: bool) -> Vec<Reading> {
    let step_s = work.ride.interval_s().max(0.02);
    let middle = |lag: &[f64], about: f64| {
        let shifted: Vec<f64> = lag.iter().map(|e| e - about).collect();
        median(&work.nearest(&shifted).iter().map(|&pair| lag[pair]).collect::<Vec<_>>())
    };
    let sent = middle(&lags.sent, 0.0);
    let mut edges: Vec<(f64, f64, f64)> = Vec::new(); // edge, rounding, price
    let own: Vec<f64> = {
        let shifted: Vec<f64> = lags.sent.iter().map(|e| e - sent).collect();
        work.nearest(&shifted).iter().map(|&pair| lags.raw[pair]).collect()
    };
    let (estimated, _) = fit_second(&own, true);
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
    fn is_single(&self) -> bool {
        self.edge_s.is_some() && self.span_s == 0.0
    }

    /// Whether the true time of a pair may lie within its written second.
    fn holds(&self, lags: &Lags, pair: usize) -> bool {
        self.edge_s.is_none_or(|edge| {
            let e = lags.raw[pair];
            e >= edge - self.rounding_s && e < edge + self.span_s + self.rounding_s
        })
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
struct Density<'r> {
    reading: &'r Reading,
    outside: f64,
    inside: f64,
}

impl<'r> Density<'r> {
    fn of(reading: &'r Reading) -> Self {
        let [outside, inside] = [0.0, 1.0 - OUTSIDE].map(|share| (share + OUTSIDE / OUTLIER_SPAN_S).ln());
        Self { reading, outside, inside }
    }

    fn log(&self, lags: &Lags, pair: usize) -> f64 {
        match self.reading.about {
            _ if !self.reading.holds(lags, pair) => self.outside,
            None => self.inside,
            Some(_) => self.reading.log_density(lags, pair),
        }
    }
}

/// The heaviest chain through some pairs, as places in their list.
fn chain_of(work: &Work<'_>, pairs: &[usize], weight: &[f64]) -> Vec<usize> {
    let kept: Vec<usize> = (0..pairs.len()).filter(|&at| weight[at] > 0.0).collect();
    let link = |&at: &usize| Link { local: work.photo[pairs[at]], remote: work.rank[pairs[at]], weight: weight[at] };
    best_chain(&kept.iter().map(link).collect::<Vec<_>>()).into_iter().map(|link| kept[link]).collect()
}
