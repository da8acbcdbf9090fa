//! The clock of a block: centre, drift, and how exactly the times agree.

use super::Work;
use super::burst::{are_of_one_fraction, fit_burst, is_burst};
use crate::errors::{SCALES_S, TimeClass, edge_of_second, phase_of_second};
use crate::medians::median;
use crate::plane::length_m;
use crate::votes::{EXACT_M, nearest_quarter_ms};
use capture_model::TimeKind;
use std::collections::BTreeSet;

/// Published times are cut to the millisecond, seconds.
const ROUNDED_S: f64 = 0.004;

/// A drift moves the ends of a ride apart by more than this, seconds.
const LEAST_DRIFT_S: f64 = 0.25;

/// Of photos that are further apart than this no two are neighbours in whole seconds, seconds.
const CLOSE_S: f64 = 1.9;
/// Fewer photos draw no chain that tells one reading of their seconds from another, and one window from those beside it.
const FEWEST_FRAMES: usize = 6;
const FEWEST_FOR_WINDOWS: usize = 20;

/// So many times that agree to the millisecond are no chance.
const FEWEST_AGREED: usize = 8;

/// How closely a shutter may keep to its place within the second; the first is not at all.
const SECOND_WIDTHS_S: [f64; 3] = [9.0, 0.2, 0.05];

/// Pairs at one place of their own that tell which times belong together.
const FEWEST_PLACED: usize = 3;

/// The most that a time outside its written second can be worth, as a log density.
fn ceiling(is_inside: bool) -> f64 {
    if is_inside {
        f64::INFINITY
    } else {
        TimeClass::Laplace { scale_s: 0.03, centre_s: 0.0 }.log_density(f64::MAX, 0.0)
    }
}

/// How the clock of a block runs and how exactly.
pub(super) struct TimeFit {
    pub(super) class: TimeClass,
    pub(super) offset_ms: f64,
    pub(super) slope: f64,
    pub(super) pivot_ms: f64,
    pub(super) log_density: Vec<f64>,
    /// Pairs nearest in time, in order.
    pub(super) nearest: Vec<usize>,
    /// The times as written agree, not those that were spread.
    pub(super) is_raw: bool,
    /// Many photos share a written second.
    pub(super) is_crowded: bool,
}

/// Fits centre, drift and class by likelihood.
pub(super) fn fit_time(work: &mut Work<'_>, offset_ms: i64, voted_ms: i64) -> TimeFit {
    let ride = work.ride;
    let is_odd = ride.kind != TimeKind::Absolute && (offset_ms - nearest_quarter_ms(offset_ms)).abs() > 1_600;
    let is_shifted = is_odd || (ride.kind == TimeKind::Absolute && offset_ms != 0);
    // Seconds that were cut leave open which of two neighbours is meant, as those of a burst do: here, where a timer ticks beside
    // the full second, and there, where the clock may be off by any fraction. Exact places would tell.
    let placed = placed(work, EXACT_M);
    let placed = if placed.len() < FEWEST_PLACED { placed_nearly(work) } else { placed };
    let is_close = ride.interval_s() > 0.0 && ride.interval_s() < CLOSE_S && ride.len() >= FEWEST_FRAMES;
    let is_cut_here = ride.whole_seconds && placed.len() < FEWEST_PLACED;
    let is_cut_there = is_shifted && ride.len() >= FEWEST_FOR_WINDOWS && is_published_cut(work);
    if is_burst(ride) || is_close && (is_cut_here || is_cut_there) {
        return fit_burst(work, offset_ms, is_shifted);
    }
    let plain = work.lag_s.clone();
    let around = |lag: &[f64], centre: f64| work.nearest(lag, centre);
    // A fast shutter has frames nearer to the full hour than that which was voted for; whole seconds cannot vote so finely.
    let voted_s = (voted_ms - offset_ms) as f64 / 1000.0;
    let is_fine = ride.len() >= FEWEST_FRAMES && !ride.whole_seconds && !is_published_cut(work);
    let about_s = if is_fine { voted_s } else { 0.0 };
    let about = around(&plain, about_s);
    let mut centre = median(&about.iter().map(|&pair| plain[pair]).collect::<Vec<_>>());
    let hard = |nearest: &[usize]| {
        let own: Vec<usize> =
            nearest.iter().copied().filter(|&pair| ride.width_s(work.photo[pair] as usize) == 0.0).collect();
        if own.is_empty() { nearest.to_vec() } else { own }
    };
    let mut lag = plain.clone();
    let mut nearest = if centre == about_s { about } else { around(&lag, centre) };
    let mut own = hard(&nearest);
    // Equal places tell which times belong together, however far a clock has drifted.
    let is_placed = placed.len() >= FEWEST_PLACED && placed.len() * 5 >= nearest.len() * 2;
    if is_placed {
        own.clone_from(&placed);
    }
    let (mut slope, mut pivot_ms) = (0.0, ride.time_ms[ride.len() / 2] as f64);
    if own.len() >= 30 {
        let time = |pair: usize| ride.time_ms[work.photo[pair] as usize] as f64 / 1000.0;
        let third = own.len() / 3;
        let middle =
            |pairs: &[usize], f: &dyn Fn(usize) -> f64| median(&pairs.iter().map(|&pair| f(pair)).collect::<Vec<_>>());
        let (head, tail) = (&own[..third], &own[own.len() - third..]);
        let rise = middle(tail, &|pair| lag[pair]) - middle(head, &|pair| lag[pair]);
        let run = (middle(tail, &time) - middle(head, &time)).max(1.0);
        let span = time(own[own.len() - 1]) - time(own[0]);
        // Times cut to the second wander by as much on their own.
        let least_s = if ride.whole_seconds && !is_placed { 1.0 } else { LEAST_DRIFT_S };
        if (rise / run).abs() * span > least_s {
            slope = rise / run;
            let pivot_s = middle(&own, &time);
            pivot_ms = pivot_s * 1000.0;
            for (pair, lag) in lag.iter_mut().enumerate() {
                *lag -= slope * (time(pair) - pivot_s);
            }
            centre = median(&own.iter().map(|&pair| lag[pair]).collect::<Vec<_>>());
            nearest = around(&lag, centre);
            own = if is_placed { placed.clone() } else { hard(&nearest) };
        }
    }
    let is_free = is_shifted || slope != 0.0;
    let residuals = |lag: &[f64], pairs: &[usize]| pairs.iter().map(|&pair| lag[pair]).collect::<Vec<_>>();
    let likelihood = |class: &TimeClass, values: &[f64]| class.log_likelihood(values);
    let values = residuals(&lag, &own);
    let mut best: Option<(f64, TimeClass, Variant)> = None;
    let mut offer = |sum: f64, class: TimeClass, variant: Variant| {
        if best.as_ref().is_none_or(|(known, ..)| sum > known + 1e-9) {
            best = Some((sum, class, variant));
        }
    };
    let middle = median(&values);
    // A published second that was cut is a window, however steadily a shutter ticks somewhere in it.
    let is_window = !ride.whole_seconds && is_published_cut(work) && !are_of_one_fraction(&plain);
    // Times that agree to the millisecond have a density that no other class reaches.
    let is_spread = ride.time_ms != ride.raw_ms;
    let is_agreed = |value: &f64| (value - middle).abs() <= 2.0 * SCALES_S[0];
    let is_settled = !is_window && !is_spread && values.len() >= FEWEST_AGREED && values.iter().all(is_agreed);
    let scales = match () {
        () if is_window => &SCALES_S[2..],
        () if is_settled => &SCALES_S[..1],
        () => &SCALES_S[..],
    };
    for &scale_s in scales {
        let class = TimeClass::Laplace { scale_s, centre_s: middle };
        offer(likelihood(&class, &values) - f64::from(u8::from(middle != 0.0)), class, Variant::Sent);
    }
    let shutter_ms = if is_settled { None } else { ride.shutter_ms() };
    let shutter_lag: Option<Vec<f64>> = shutter_ms.map(|shutter| {
        let shift = |pair: usize| {
            let photo = work.photo[pair] as usize;
            (ride.time_ms[photo] as f64 - shutter[photo]) / 1000.0
        };
        plain.iter().enumerate().map(|(pair, e)| e + shift(pair)).collect()
    });
    let of_written = |lag: &[f64]| {
        let shift = |pair: usize| {
            let photo = work.photo[pair] as usize;
            (ride.time_ms[photo] - ride.raw_ms[photo]) as f64 / 1000.0
        };
        lag.iter().enumerate().map(|(pair, e)| e + shift(pair)).collect::<Vec<f64>>()
    };
    // Whatever a shutter did, a true time lies within its written second.
    let mut is_inside: Vec<bool> = Vec::new();
    if let Some(shutter_lag) = &shutter_lag {
        let written = of_written(&plain);
        let mut most = f64::MIN;
        // Where in its second a shutter ticks is not known, and a camera that rounds is half a second early.
        let guesses = if is_odd { vec![median(&residuals(shutter_lag, &own))] } else { vec![0.0, -0.5] };
        for guess in guesses {
            let pairs = around(shutter_lag, guess);
            let centre_s = median(&residuals(shutter_lag, &pairs));
            let edge_s = edge_of_second(&residuals(&written, &pairs), is_free);
            let inside: Vec<bool> =
                written.iter().map(|&e| e >= edge_s - ROUNDED_S && e < edge_s + 1.0 + ROUNDED_S).collect();
            let scale = own.len() as f64 / pairs.len().max(1) as f64;
            for scale_s in &SCALES_S[1..] {
                let class = TimeClass::Laplace { scale_s: *scale_s, centre_s };
                let held = |pair: usize| class.log_density(shutter_lag[pair], 0.0).min(ceiling(inside[pair]));
                let likelihood: f64 = pairs.iter().map(|&pair| held(pair)).sum();
                let sum = likelihood * scale - 2.0 + if slope == 0.0 { 0.0 } else { 5.0 };
                if sum > most {
                    (most, is_inside) = (sum, inside.clone());
                }
                offer(sum, class, Variant::Shutter);
            }
        }
    }
    let raw_lag: Option<Vec<f64>> = (!is_settled && (ride.whole_seconds || is_spread)).then(|| of_written(&lag));
    if let Some(raw_lag) = raw_lag.as_ref().filter(|_| is_spread) {
        // Not every way to upload spreads equal times.
        let pairs = around(raw_lag, median(&residuals(raw_lag, &own)));
        let values = residuals(raw_lag, &pairs);
        let centre_s = median(&values);
        for scale_s in SCALES_S {
            let class = TimeClass::Laplace { scale_s, centre_s };
            // as written, more pairs may be mutual than once spread: no more count than spread times have
            let explained = explained(work, raw_lag, centre_s, 4.0 * scale_s).max(pairs.len()).min(own.len()) as f64;
            let mean = likelihood(&class, &values) / pairs.len().max(1) as f64;
            let left = class.log_density(f64::MAX, 0.0) * (own.len() as f64 - explained);
            offer(mean * explained + left - 2.0, class, Variant::Raw);
        }
    }
    if let Some(raw_lag) = raw_lag.as_ref().filter(|_| ride.whole_seconds) {
        let values = residuals(raw_lag, &own);
        let (edge_s, phase_s) = (edge_of_second(&values, is_free), phase_of_second(&values));
        for width_s in SECOND_WIDTHS_S {
            let class = TimeClass::Second { edge_s, phase_s, width_s };
            let cost = f64::from(u8::from(edge_s != 0.0)) + if width_s < 1.0 { 2.0 } else { 0.0 };
            offer(likelihood(&class, &values) - cost, class, Variant::Raw);
        }
    }
    if !is_settled && !ride.whole_seconds && is_published_cut(work) {
        // The same the other way round: the published time is up to a second before the true one.
        let (estimated, phase_s) = (edge_of_second(&values, is_free), phase_of_second(&values));
        for edge_s in if is_free { vec![estimated] } else { vec![-1.0, -0.5] } {
            for width_s in SECOND_WIDTHS_S {
                let ticks_s = if width_s > 1.0 { 0.5 } else { (phase_s - edge_s).rem_euclid(1.0) };
                let class = TimeClass::Second { edge_s, phase_s: edge_s + ticks_s, width_s };
                let cost = 1.0 + if width_s < 1.0 { 2.0 } else { 0.0 };
                offer(likelihood(&class, &values) - cost, class, Variant::Sent);
            }
        }
    }
    let (_, class, variant) = best.expect("at least the Laplace classes were offered");
    let is_cut = matches!(class, TimeClass::Second { .. });
    let (used, reference): (&[f64], f64) = match (variant, class) {
        (Variant::Shutter, TimeClass::Laplace { centre_s, .. }) => (shutter_lag.as_deref().unwrap_or(&lag), centre_s),
        (Variant::Raw, TimeClass::Second { edge_s, phase_s, .. }) => {
            (raw_lag.as_deref().unwrap_or(&lag), edge_s + (phase_s - edge_s).rem_euclid(1.0))
        }
        (Variant::Raw, TimeClass::Laplace { centre_s, .. }) => (raw_lag.as_deref().unwrap_or(&lag), centre_s),
        (_, TimeClass::Laplace { centre_s, .. }) => (&lag, centre_s),
        (_, TimeClass::Second { phase_s, .. }) => (&lag, phase_s),
    };
    if !matches!(variant, Variant::Sent) || reference != centre {
        nearest = around(used, reference);
    }
    if is_placed {
        nearest = placed_first(work, &placed, &nearest);
    }
    let measured: &[f64] = match variant {
        Variant::Sent => &lag,
        Variant::Shutter => shutter_lag.as_deref().unwrap_or(&lag),
        Variant::Raw => raw_lag.as_deref().unwrap_or(&lag),
    };
    let is_held = |pair: usize| !matches!(variant, Variant::Shutter) || is_inside[pair];
    let widths_s = work.photo.iter().map(|&photo| ride.width_s(photo as usize));
    let log_densities = class.log_densities(measured.iter().copied().zip(widths_s));
    let log_density = log_densities.enumerate().map(|(pair, log)| log.min(ceiling(is_held(pair)))).collect();
    let centre_s = match class {
        TimeClass::Laplace { centre_s, .. } => centre_s,
        TimeClass::Second { edge_s, .. } => edge_s,
    };
    if matches!(variant, Variant::Shutter) {
        slope = 0.0;
    }
    work.lag_s = measured.to_vec();
    TimeFit {
        class,
        offset_ms: offset_ms as f64 + centre_s * 1000.0,
        slope,
        pivot_ms,
        log_density,
        nearest,
        is_crowded: false,
        is_raw: matches!(variant, Variant::Raw) && !is_cut,
    }
}

/// Whether the published times are whole seconds all along.
pub(super) fn is_published_cut(work: &Work<'_>) -> bool {
    (0..work.len()).all(|pair| work.time_ms(pair) % 1000 == 0)
}

/// The placed pairs, and those of the others that leave them their photos and images; by photo.
fn placed_first(work: &Work<'_>, placed: &[usize], others: &[usize]) -> Vec<usize> {
    let are_placed = |keys: &[u32]| {
        let mut are_placed = vec![false; keys.iter().max().map_or(0, |&last| last as usize + 1)];
        placed.iter().for_each(|&pair| are_placed[keys[pair] as usize] = true);
        are_placed
    };
    let (photos, images) = (are_placed(&work.photo), are_placed(&work.rank));
    let is_free = |pair: &usize| !photos[work.photo[*pair] as usize] && !images[work.rank[*pair] as usize];
    let mut all: Vec<usize> = placed.iter().copied().chain(others.iter().copied().filter(is_free)).collect();
    all.sort_unstable_by_key(|&pair| (work.photo[pair], work.rank[pair]));
    all
}

/// The same by places that were rounded, to the grid of a tile or otherwise: where frames lie further apart than that.
fn placed_nearly(work: &Work<'_>) -> Vec<usize> {
    const ROUNDED_M: f64 = 0.45; // half the diagonal of a tile's grid cell at the equator
    const APART: f64 = 4.0;
    let n_near = |within_m: f64| (0..work.len()).filter(|&pair| to_original_m(work, pair) < within_m).count();
    // a camera that stands, or crawls, has frames within the rounding
    if n_near(APART * ROUNDED_M) * 10 > n_near(ROUNDED_M) * 11 { Vec::new() } else { placed(work, ROUNDED_M) }
}

fn to_original_m(work: &Work<'_>, pair: usize) -> f64 {
    length_m(work.to_original[pair])
}

/// Pairs of photos and images that agree in a place which no other photo near in time has.
fn placed(work: &Work<'_>, within_m: f64) -> Vec<usize> {
    let is_exact = |&pair: &usize| to_original_m(work, pair) < within_m;
    let mut exact: Vec<usize> = (0..work.len()).filter(is_exact).collect();
    let count = |keys: &[u32]| {
        let mut counts = vec![0_u32; keys.iter().max().map_or(0, |&last| last as usize + 1)];
        exact.iter().for_each(|&pair| counts[keys[pair] as usize] += 1);
        counts
    };
    let (of_photo, of_image) = (count(&work.photo), count(&work.rank));
    exact.retain(|&pair| of_photo[work.photo[pair] as usize] == 1 && of_image[work.rank[pair] as usize] == 1);
    exact
}

/// How many photos and images a lag explains at most: photos of one written second that all lean on one image are one.
fn explained(work: &Work<'_>, lag_s: &[f64], centre_s: f64, within_s: f64) -> usize {
    let near = || (0..work.len()).filter(|&pair| (lag_s[pair] - centre_s).abs() <= within_s);
    let photos: BTreeSet<u32> = near().map(|pair| work.photo[pair]).collect();
    let images: BTreeSet<u32> = near().map(|pair| work.rank[pair]).collect();
    photos.len().min(images.len())
}

/// Which local time a class speaks of.
#[derive(Debug, Clone, Copy)]
pub(super) enum Variant {
    Sent,
    Shutter,
    Raw,
}
