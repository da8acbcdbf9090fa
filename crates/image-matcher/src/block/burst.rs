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

mod reading;

use super::Work;
use super::place::of_copied_altitudes;
use super::time::{TimeFit, Variant, is_published_cut};
use crate::chain::{Link, best_chain};
use crate::errors::{SCALES_S, TimeClass};
use crate::medians::larger;
use crate::plane::length_m;
use crate::ride::Ride;
use crate::votes::EXACT_M;
pub(super) use reading::are_of_one_fraction;
use reading::{Density, Reading, readings};

/// Photos of one stretch that judges the readings, and how many stretches are looked at.
const STRETCH: usize = 96;
const STRETCHES: usize = 3;
/// What an exactly equal place is worth: more than any reading of written seconds.
const PLACED: f64 = 12.0;
/// What it costs to believe that altitudes were copied.
const COPIED_PRICE: f64 = 6.0;

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
    let (reading, chain) = best_reading(work, &lags, &apart, is_free);
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
    let is_known = !reading.is_single() && (0..work.ride.len()).all(|photo| work.ride.width_s(photo) == 0.0);
    let nearest = match chain {
        Some(chain) if is_known => chain,
        _ => chain_of(work, &all, &weight), // of all pairs, places are pairs
    };
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
            log_other: (1.0 / work.interval_s().max(0.05)).ln(),
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

/// The reading whose best chain through a sample of the pairs is the heaviest; of equal ones the first. With that chain where the
/// sample is all pairs.
fn best_reading(work: &Work<'_>, lags: &Lags, apart: &Apart, is_free: bool) -> (Reading, Option<Vec<usize>>) {
    const SLACK: f64 = 1e-6; // of sums in another order
    let sample = sample(work);
    let plain = readings(work, lags, is_free);
    let in_window = InWindow::of(work, lags, apart, &sample);
    let bounds = plain.iter().map(|reading| match reading.about {
        None => in_window.most_of_a_chain(reading),
        Some(_) => most_of_a_chain(work, lags, apart, &sample, reading),
    });
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
        if reading.about.is_none() {
            for ((weight, &pair), of_pair) in weight.iter_mut().zip(&sample).zip(&in_window.of_pairs) {
                *weight = of_pair[usize::from(reading.holds(lags, pair))][usize::from(reading.is_copied)];
            }
        } else {
            let density = Density::of(reading);
            for (weight, &pair) in weight.iter_mut().zip(&sample) {
                *weight = apart.weight(density.log(lags, pair), reading.is_copied, pair);
            }
        }
        let chain = chain_of(work, &sample, &weight);
        (chain.iter().map(|&at| weight[at]).sum::<f64>() - reading.price, chain)
    };
    // the likeliest first: no chain of the others can mostly be as heavy
    let likeliest = (0..all.len()).fold(0, |best, at| if all[at].1 > all[best].1 { at } else { best });
    let mut of_likeliest = heaviest(&all[likeliest].0);
    let mut best: Option<(f64, Reading, Vec<usize>)> = None;
    for (at, (reading, bound)) in all.iter().enumerate() {
        let known = best.as_ref().map_or(f64::NEG_INFINITY, |best| best.0);
        if bound + SLACK < known.max(of_likeliest.0) {
            continue;
        }
        let (sum, chain) =
            if at == likeliest { (of_likeliest.0, std::mem::take(&mut of_likeliest.1)) } else { heaviest(reading) };
        if sum > known + 1e-9 {
            best = Some((sum, *reading, chain));
        }
    }
    let (_, reading, chain) = best.expect("there is always a reading");
    (reading, (sample.len() == work.len()).then_some(chain))
}

/// What the pairs of a sample weigh where a window alone tells, within it and outside, as they are and with copied altitudes.
struct InWindow {
    /// Of each pair, outside and inside.
    of_pairs: Vec<[[f64; 2]; 2]>,
    /// Where the lags of each photo end.
    ends: Vec<usize>,
    raw_s: Vec<f64>,
    /// Of each lag, the most that a pair weighs within a window.
    inside: Vec<[f64; 2]>,
    /// Of each photo, the most that a pair outside weighs, or nothing.
    outside: Vec<[f64; 2]>,
}

impl InWindow {
    fn of(work: &Work<'_>, lags: &Lags, apart: &Apart, sample: &[usize]) -> Self {
        let [outside, inside] = Density::OF_WINDOW.map(f64::ln);
        let both = |log_density: f64, pair: usize| {
            let plain = apart.weight(log_density, false, pair);
            [plain, apart.altitude.as_ref().map_or(plain, |altitude| plain + altitude[pair])]
        };
        let n = sample.len();
        let mut all = Self {
            of_pairs: Vec::with_capacity(n),
            ends: Vec::new(),
            raw_s: Vec::with_capacity(n),
            inside: Vec::with_capacity(n),
            outside: Vec::new(),
        };
        for of_photo in sample.chunk_by(|&a, &b| work.photo[a] == work.photo[b]) {
            let mut most = [0.0; 2];
            for &pair in of_photo {
                let (raw_s, [without, weight]) = (lags.raw[pair], [outside, inside].map(|log| both(log, pair)));
                all.of_pairs.push([without, weight]);
                most = larger_of_both(most, without);
                let is_first = all.raw_s.len() == all.ends.last().copied().unwrap_or(0);
                match (all.raw_s.last(), all.inside.last_mut()) {
                    // frames of one second stand within the same windows
                    (Some(&known_s), Some(known)) if !is_first && known_s == raw_s => {
                        *known = larger_of_both(*known, weight);
                    }
                    _ => {
                        all.raw_s.push(raw_s);
                        all.inside.push(weight);
                    }
                }
            }
            all.ends.push(all.raw_s.len());
            all.outside.push(most);
        }
        all
    }

    /// See [`most_of_a_chain`].
    fn most_of_a_chain(&self, reading: &Reading) -> [f64; 2] {
        let (mut sums, mut at) = ([0.0; 2], 0);
        for (&end, &outside) in self.ends.iter().zip(&self.outside) {
            let mut most = outside;
            for (&raw_s, &inside) in self.raw_s[at..end].iter().zip(&self.inside[at..end]) {
                if reading.is_within(raw_s) {
                    most = larger_of_both(most, inside); // it weighs more than it would outside
                }
            }
            sums = [sums[0] + most[0], sums[1] + most[1]];
            at = end;
        }
        sums
    }
}

fn larger_of_both(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [larger(a[0], b[0]), larger(a[1], b[1])]
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
        most = larger_of_both(most, [plain, copied]);
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
        // no reading of seconds that are cut there asks for it
        shutter: if is_published_cut(work) { None } else { ride.shutter_ms() }
            .map(|shutter| against(&|photo| shutter[photo])),
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
    let climb_m = &work.climb_m;
    let (equal, unequal) = of_copied_altitudes(work);
    let say = |d: &f64| match d.abs() {
        d if d.is_nan() => 0.0,
        d if d < work.equal_altitude_m => equal,
        _ => unequal,
    };
    let is_known = climb_m.iter().filter(|d| d.abs() < work.equal_altitude_m).count() >= FEWEST;
    is_known.then(|| climb_m.iter().map(say).collect())
}

/// The heaviest chain through some pairs, as places in their list.
fn chain_of(work: &Work<'_>, pairs: &[usize], weight: &[f64]) -> Vec<usize> {
    let kept: Vec<usize> = (0..pairs.len()).filter(|&at| weight[at] > 0.0).collect();
    let link = |&at: &usize| Link { local: work.photo[pairs[at]], remote: work.rank[pairs[at]], weight: weight[at] };
    best_chain(&kept.iter().map(link).collect::<Vec<_>>()).into_iter().map(|link| kept[link]).collect()
}
