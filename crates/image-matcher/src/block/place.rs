//! The places of a block: exact, or a field that wanders slowly along the ride; heading and altitude beside them.

use super::judge::EXACT_HEADING_DEG;
use super::kind::{Candidate, better_kind, residuals, vectors_of};
use super::{Places, Work};
use crate::chain::best_chain;
use crate::errors::{log_other_place, log_place, log_places};
use crate::medians::{median, median_vector};
use crate::plane::length_m;
use crate::votes::GATE_M;
use std::f64::consts::{PI, TAU};

/// Neighbours on each side of the field where times are known, and stage by stage where they are not.
const HALF_TIMED: usize = 6;
const HALVES_UNTIMED: [usize; 5] = [1000, 150, 60, 20, 8];
/// Where a ride begins and ends, the field knows the neighbours of one side only: it is no better than this there, metres.
const LOPSIDED_M: f64 = 0.3;
/// An image that has no place of the kind that was fitted is known by its other place to this, metres.
const OTHER_KIND_M: f64 = 7.0;
/// Altitudes of one upload agree to this, metres: EXIF keeps tenths.
pub(crate) const EXACT_ALTITUDE_M: f64 = 0.06;
/// The same of few photos, where all agree so closely.
const FINEST_ALTITUDE_M: f64 = 0.001;
/// Fewer photos have no neighbours enough to show how often altitudes are equal.
const FEWEST_ALTITUDES: usize = 8;

/// Pairs of a lower weight are not drawn while the field is fitted.
const LEAST_DRAWN: f64 = -4.0;

/// Log odds against an image at another place where one stands at exactly the photo's.
const ELSEWHERE: f64 = 8.0;

/// What was fitted to the places.
pub(super) struct PlaceFit {
    pub(super) places: Places,
    /// Most nearest pairs agree within 5 cm; there is no field.
    pub(super) is_exact: bool,
    /// Standard deviation about the field, metres.
    pub(super) sigma_m: f64,
    /// Log density of each pair's residual.
    pub(super) density: Vec<f64>,
    /// The same over that of somebody else's image.
    pub(super) ratio: Vec<f64>,
    /// Offset vectors of the field along the ride.
    pub(super) field: Vec<[f64; 2]>,
    /// The pairs that it was fitted to.
    pub(super) chosen: Vec<usize>,
}

/// A first chain by place alone, for rides without time.
pub(super) fn first_chain(work: &Work<'_>) -> Option<Vec<usize>> {
    let weight: Vec<f64> = (0..work.len())
        .map(|pair| {
            let nearest = length_m(work.to_original[pair]).min(length_m(work.to_computed[pair]));
            4.0 - nearest * nearest / 128.0
        })
        .collect();
    chain_of(work, &weight, -6.0)
}

fn chain_of(work: &Work<'_>, weight: &[f64], least: f64) -> Option<Vec<usize>> {
    let (kept, links) = work.links(weight, least);
    let chain: Vec<usize> = best_chain(&links).into_iter().map(|link| kept[link]).collect();
    (!chain.is_empty()).then_some(chain)
}

/// Fits the field; without times it is stiff at first and bends more in each round, the chain being drawn anew.
pub(super) fn fit_place(
    work: &Work<'_>,
    mut chosen: Vec<usize>,
    is_crowded: bool,
    is_timed: bool,
    log_time: &[f64],
) -> Option<PlaceFit> {
    let rounds = match (is_timed, is_crowded) {
        (false, _) => HALVES_UNTIMED.len(),
        (true, true) => 4,
        (true, false) => 1,
    };
    for (round, &stage) in HALVES_UNTIMED.iter().enumerate().take(rounds) {
        let half = if rounds > 1 { stage } else { HALF_TIMED };
        let stiffness = rounds - 1 - round;
        let best = better_kind(work, &chosen, half, stiffness)?;
        let residual = residuals(work, &best);
        let outliers = outlier_share(work, &chosen, &best, &residual);
        let mut density: Vec<f64> = log_places(&residual, best.sigma_m, outliers);
        if !best.is_exact && best.sigma_m < LOPSIDED_M {
            let n = best.photos.len();
            let ends = best.photos[half.min(n - 1)]..best.photos[n.saturating_sub(half + 1)];
            for pair in (0..work.len()).filter(|&pair| !ends.contains(&work.photo[pair])) {
                density[pair] = log_place(residual[pair], LOPSIDED_M, outliers);
            }
        }
        let chosen_kind = vectors_of(work, best.places);
        for pair in (0..work.len()).filter(|&pair| chosen_kind[pair][0].is_nan()) {
            density[pair] = log_place(residual[pair], best.sigma_m.max(OTHER_KIND_M), outliers);
        }
        if stiffness > 0 {
            let of_anywhere = (PI * GATE_M * GATE_M).ln();
            // what somebody else's image is worth at least, rounding included
            let least_other = (0.5 / (PI * GATE_M * GATE_M)).ln() - 1e-6;
            let weight: Vec<f64> = (0..work.len())
                .map(|pair| match density[pair] {
                    density if !is_timed => work.weights.pair + (density + of_anywhere),
                    density if work.weights.pair + log_time[pair] + density - least_other <= LEAST_DRAWN => {
                        f64::NEG_INFINITY
                    }
                    density => {
                        work.weights.pair + (log_time[pair] + (density - log_other_place(residual[pair], GATE_M)))
                    }
                })
                .collect();
            chosen = chain_of(work, &weight, LEAST_DRAWN)?;
            continue;
        }
        let ratio: Vec<f64> = residual.iter().zip(&density).map(|(&r, d)| d - log_other_place(r, GATE_M)).collect();
        let mut fit = PlaceFit {
            places: best.places,
            is_exact: best.is_exact,
            sigma_m: best.sigma_m,
            density,
            ratio,
            field: best.field,
            chosen,
        };
        soften(work, &mut fit);
        return Some(fit);
    }
    None
}

fn outlier_share(work: &Work<'_>, chosen: &[usize], fit: &Candidate, residual: &[f64]) -> f64 {
    let frozen = work.ride.frozen();
    let live = || chosen.iter().copied().filter(|&pair| fit.is_exact || !frozen[work.photo[pair] as usize]);
    let is_far = |pair: &usize| residual[*pair] > 4.0 * fit.sigma_m.max(0.5);
    let (n_far, n) = match live().count() {
        0 => (chosen.iter().filter(|pair| is_far(pair)).count(), chosen.len()),
        n => (live().filter(is_far).count(), n),
    };
    (n_far as f64 / n.max(1) as f64).clamp(0.01, 0.6)
}

/// A place that a receiver repeats says nothing unless it agrees exactly; a missing place says nothing; an exact upload may
/// still hold some places that were changed.
fn soften(work: &Work<'_>, fit: &mut PlaceFit) {
    let nothing = -(PI * GATE_M * GATE_M).ln();
    let placed = fit.chosen.iter().filter(|&&pair| is_exact_place(work, pair)).count();
    let is_told = fit.is_exact || placed * 5 >= fit.chosen.len();
    let is_elsewhere = if is_told { are_elsewhere(work) } else { vec![false; work.len()] };
    for (pair, is_elsewhere) in is_elsewhere.into_iter().enumerate() {
        let is_frozen = !fit.is_exact && work.ride.frozen()[work.photo[pair] as usize];
        if is_frozen || fit.ratio[pair].is_nan() {
            fit.ratio[pair] = 0.0;
            fit.density[pair] = nothing;
        } else if fit.is_exact {
            fit.ratio[pair] = fit.ratio[pair].max(-4.0);
        }
        if is_elsewhere {
            fit.ratio[pair] -= ELSEWHERE;
        }
    }
}

/// Whether the photo or the image of each pair has its partner at exactly its place, and this is not it. A place that more
/// photos have than images leaves open which of them has none.
fn are_elsewhere(work: &Work<'_>) -> Vec<bool> {
    let exact = &work.is_exact_place;
    if exact.iter().all(|is_exact| *is_exact) {
        return vec![false; work.len()];
    }
    let (of_photo, of_image) = (counts(&work.photo, exact), counts(&work.rank, exact));
    let mut has_partner = vec![false; of_photo.len()];
    let mut is_partner = vec![false; of_image.len()];
    for pair in (0..work.len()).filter(|&pair| exact[pair]) {
        let (photo, rank) = (work.photo[pair] as usize, work.rank[pair] as usize);
        has_partner[photo] |= of_photo[photo] >= of_image[rank];
        is_partner[rank] |= of_image[rank] >= of_photo[photo];
    }
    (0..work.len())
        .map(|pair| !exact[pair] && (has_partner[work.photo[pair] as usize] || is_partner[work.rank[pair] as usize]))
        .collect()
}

/// Whether the places of each pair are equal to the letter, and those of no other pair of its photo or image.
pub(super) fn only_at_their_places(work: &Work<'_>) -> Vec<bool> {
    let exact = &work.is_exact_place;
    let (of_photo, of_image) = (counts(&work.photo, exact), counts(&work.rank, exact));
    let is_only = |pair: usize| {
        exact[pair] && of_photo[work.photo[pair] as usize] == 1 && of_image[work.rank[pair] as usize] == 1
    };
    (0..work.len()).map(is_only).collect()
}

/// How many chosen pairs each key has.
fn counts(keys: &[u32], is_chosen: &[bool]) -> Vec<u32> {
    let mut counts = vec![0_u32; keys.iter().max().map_or(0, |&last| last as usize + 1)];
    keys.iter().zip(is_chosen).filter(|(_, is_chosen)| **is_chosen).for_each(|(&key, _)| counts[key as usize] += 1);
    counts
}

/// The pairs with equal headings that share neither photo nor image with another, where most photos have one and most pairs are
/// none: headings were copied, and tell frames apart however far places were moved.
pub(super) fn copied_headings(work: &Work<'_>) -> Option<Vec<usize>> {
    const COPIED: f64 = 0.6;
    const FEWEST: usize = 8;
    let turn_deg = &work.turn_deg;
    let is_equal = |pair: &usize| turn_deg[*pair].abs() < EXACT_HEADING_DEG;
    let n_equal = turn_deg.iter().filter(|turn| turn.abs() < EXACT_HEADING_DEG).count();
    if n_equal < FEWEST {
        return None;
    }
    let mut n_photos = 0;
    let mut equal: Vec<usize> = Vec::new();
    let mut first = 0;
    for of_photo in work.photo.chunk_by(|a, b| a == b) {
        let pairs = first..first + of_photo.len();
        first = pairs.end;
        n_photos += usize::from(turn_deg[pairs.clone()].iter().any(|turn| turn.is_finite()));
        let mut alike = pairs.filter(is_equal);
        equal.extend(alike.next().filter(|_| alike.next().is_none()));
    }
    let n_known = turn_deg.iter().filter(|turn| turn.is_finite()).count();
    if equal.len() < FEWEST || (equal.len() as f64) < COPIED * n_photos as f64 || n_equal * 2 >= n_known {
        return None;
    }
    let mut ranks: Vec<u32> = equal.iter().map(|&pair| work.rank[pair]).collect();
    ranks.sort_unstable();
    let is_once = |rank: u32| ranks.partition_point(|&r| r <= rank) - ranks.partition_point(|&r| r < rank) == 1;
    equal.retain(|&pair| is_once(work.rank[pair]));
    (equal.len() >= FEWEST).then_some(equal)
}

/// Log ratio of each pair's headings against chance; 0 where either is missing.
pub(super) fn log_heading(work: &Work<'_>, chosen: &[usize], are_copied: bool) -> Vec<f64> {
    const SIGMAS_DEG: [f64; 5] = [EXACT_HEADING_DEG / 2.0, 1.0, 4.0, 10.0, 25.0];
    let turn_deg = &work.turn_deg;
    let known: Vec<f64> = chosen.iter().map(|&pair| turn_deg[pair]).filter(|t| t.is_finite()).collect();
    if known.is_empty() {
        return vec![0.0; turn_deg.len()];
    }
    let density =
        |t: f64, sigma: f64| (0.95 * (-t * t / (2.0 * sigma * sigma)).exp() / (sigma * TAU.sqrt()) + 0.05 / 360.0).ln();
    let merit = |sigma: f64| known.iter().map(|&t| density(t, sigma)).sum::<f64>();
    let likeliest = || SIGMAS_DEG.into_iter().reduce(|a, b| if merit(b) > merit(a) { b } else { a });
    let sigma = if are_copied { SIGMAS_DEG[0] } else { likeliest().unwrap_or(10.0) };
    turn_deg.iter().map(|&t| if t.is_finite() { density(t, sigma) + 360.0_f64.ln() } else { 0.0 }).collect()
}

/// Log weight of each pair's altitudes: where they were copied, equal ones speak for a pair by as much as the ride's own
/// neighbours seldom are equal, and unequal ones against it.
pub(super) fn log_altitude(work: &Work<'_>, chosen: &[usize]) -> Vec<f64> {
    let n_chosen = |is: &dyn Fn(f64) -> bool| chosen.iter().filter(|&&pair| is(work.climb_m[pair])).count();
    let n_known = n_chosen(&|d| d.is_finite());
    if n_known == 0 {
        return vec![0.0; work.len()];
    }
    let n_equal = n_chosen(&|d| d.is_finite() && d.abs() < work.equal_altitude_m);
    let (equal, unequal) = if n_equal as f64 > 0.6 * n_known as f64 { of_copied_altitudes(work) } else { (1.5, 0.0) };
    let of = |&d: &f64| match d.abs() {
        d if d.is_nan() => 0.0,
        d if d < work.equal_altitude_m => equal,
        _ => unequal,
    };
    work.climb_m.iter().map(of).collect()
}

/// Within what altitudes count as equal, metres: where nearly all copies among the pairs agree to millimetres, centimetres are
/// another altitude, and fewer neighbours are taken for copies; of few photos, where all do to the millimetre.
pub(super) fn equal_altitude_m(work: &Work<'_>) -> f64 {
    const FINE_M: f64 = 0.005;
    const SLACK: f64 = 2.0;
    let (mut n_equal, mut n_fine, mut n_finest) = (0, 0, 0);
    let mut count = |least_m: f64| {
        n_equal += usize::from(least_m < EXACT_ALTITUDE_M);
        n_fine += usize::from(least_m < FINE_M);
        n_finest += usize::from(least_m < FINEST_ALTITUDE_M);
    };
    let (mut photo, mut least_m) = (u32::MAX, f64::INFINITY);
    for pair in 0..work.len() {
        if work.photo[pair] != photo {
            count(least_m);
            (photo, least_m) = (work.photo[pair], f64::INFINITY);
        }
        least_m = least_m.min(work.climb_m[pair].abs()); // what is unknown changes nothing
    }
    count(least_m);
    match () {
        () if n_fine >= FEWEST_ALTITUDES && n_fine * 5 >= n_equal * 4 => SLACK * FINE_M,
        () if n_equal < FEWEST_ALTITUDES && n_finest == n_equal => FINEST_ALTITUDE_M,
        () => EXACT_ALTITUDE_M,
    }
}

/// Altitude of any image less that of any photo, metres; NaN where either is unknown.
pub(super) fn climb_of(work: &Work<'_>, photo: usize, image: usize) -> f64 {
    work.side.altitude_m(image) - work.ride.altitude_m(photo)
}

/// What an equal and what an unequal altitude say of a pair, if altitudes were copied: neighbours on the ride are what it
/// could be mistaken for.
pub(super) fn of_copied_altitudes(work: &Work<'_>) -> (f64, f64) {
    const COPIED: f64 = 0.96;
    let altitude = |photo: usize| work.ride.altitude_m(photo);
    let climbs = || (1..work.ride.len()).map(|photo| (altitude(photo) - altitude(photo - 1)).abs());
    let steps = || climbs().filter(|step| step.is_finite());
    let equal = steps().filter(|&step| step < work.equal_altitude_m).count();
    let by_chance = if equal == 0 && work.ride.len() < FEWEST_ALTITUDES {
        by_density(work, &steps().collect::<Vec<_>>())
    } else {
        ((equal as f64 + 0.5) / (steps().count() as f64 + 2.5)).max(0.02)
    };
    let by_chance = by_chance.min(COPIED);
    ((COPIED / by_chance).ln(), ((1.0 - COPIED) / (1.0 - by_chance)).ln().min(0.0))
}

/// The chance that a neighbour has the altitude of one of a few photos, none of which have equal ones: how far apart they lie
/// says how densely altitudes lie, and their decimals say how many there are.
fn by_density(work: &Work<'_>, steps_m: &[f64]) -> f64 {
    const USUAL_STEP_M: f64 = 2.0; // one photo has no neighbours
    let step_m = if steps_m.is_empty() { USUAL_STEP_M } else { median(steps_m) };
    let of_ride = || (0..work.ride.len()).map(|photo| work.ride.altitude_m(photo));
    let altitudes = || of_ride().filter(|metres| metres.is_finite());
    let is_on =
        |metres: f64, grid_m: f64| ((metres / grid_m).round() * grid_m - metres).abs() < FINEST_ALTITUDE_M / 4.0;
    let grid_m = [1.0, 0.1, 0.01].into_iter().find(|&grid_m| altitudes().all(|metres| is_on(metres, grid_m)));
    grid_m.unwrap_or(0.0).max(2.0 * work.equal_altitude_m) / (2.0 * step_m)
}

/// How far a field strays from its middle (the root mean square of a wander whose upper quartile is the field's, so that a
/// bad stretch does not speak for the whole ride), and the length of its middle, metres.
pub(crate) fn roughness(field: &[[f64; 2]]) -> (f64, f64) {
    const OF_UPPER_QUARTILE: f64 = 0.849; // of a wander that is normal on both axes
    let middle = median_vector(field);
    let mut strays: Vec<f64> = field.iter().map(|f| length_m([f[0] - middle[0], f[1] - middle[1]])).collect();
    let at = strays.len() * 3 / 4;
    let quartile = if strays.is_empty() { 0.0 } else { *strays.select_nth_unstable_by(at, f64::total_cmp).1 };
    (quartile * OF_UPPER_QUARTILE, length_m(middle))
}

/// Whether a pair agrees in its uploaded place.
pub(super) fn is_exact_place(work: &Work<'_>, pair: usize) -> bool {
    work.is_exact_place[pair]
}

/// The share of pairs that pass a test.
pub(super) fn share_of(pairs: &[usize], test: impl Fn(usize) -> bool) -> f64 {
    pairs.iter().filter(|&&pair| test(pair)).count() as f64 / pairs.len().max(1) as f64
}
