//! How far a true pair may lie apart, in time and in space: a few classes, fitted to each block by likelihood.

use crate::medians::larger;
use std::f64::consts::{PI, TAU};

/// How the time residuals of a block are spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TimeClass {
    /// Laplace about a centre, both in seconds.
    Laplace {
        /// Scale.
        scale_s: f64,
        /// Centre.
        centre_s: f64,
    },
    /// Whole seconds cut from true times: a half-open second from an edge, denser at a phase.
    Second {
        /// Where the second begins.
        edge_s: f64,
        /// Where the shutter ticks within it.
        phase_s: f64,
        /// Width about the phase; above 1 there is no phase.
        width_s: f64,
    },
}

/// Laplace scales to choose from: exact, another rounding, loose, wide.
pub(crate) const SCALES_S: [f64; 4] = [0.002, 0.03, 0.25, 0.7];
const OUTLIERS: f64 = 0.02;
const OUTLIER_SPAN_S: f64 = 5.0;
/// Beyond so many scales the density is that of outliers, to its last bit.
const FAR: f64 = 60.0;
/// Its logarithm.
const LOG_OUTLIER: f64 = -5.521_460_917_862_246;

impl TimeClass {
    /// Log density per second at a residual; a photo with an interpolated time has a box of its own width.
    pub(crate) fn log_density(&self, residual_s: f64, width_s: f64) -> f64 {
        if width_s > 0.0 {
            return (1.0 / (2.0 * width_s.max(0.5))).ln();
        }
        if self.is_far(residual_s) { LOG_OUTLIER } else { self.density(residual_s).ln() }
    }

    /// The same of residuals and widths one after another: times that were copied have few residuals, and one that comes again costs
    /// no logarithm.
    pub(crate) fn log_densities(self, residuals_s: impl Iterator<Item = (f64, f64)>) -> impl Iterator<Item = f64> {
        let mut known: Option<(u64, f64)> = None;
        residuals_s.map(move |(residual_s, width_s)| match known {
            _ if width_s > 0.0 || self.is_far(residual_s) => self.log_density(residual_s, width_s),
            Some((bits, log_density)) if bits == residual_s.to_bits() => log_density,
            _ => known.insert((residual_s.to_bits(), self.log_density(residual_s, width_s))).1,
        })
    }

    /// Whether nothing but outliers is as far away as a residual.
    fn is_far(&self, residual_s: f64) -> bool {
        matches!(*self, Self::Laplace { scale_s, centre_s } if (residual_s - centre_s).abs() > FAR * scale_s)
    }

    /// Sum of the log densities of residuals of times of their own.
    pub(crate) fn log_likelihood(&self, residuals_s: &[f64]) -> f64 {
        log_of_product(residuals_s.iter().map(|&residual_s| self.density(residual_s)))
    }

    fn density(&self, residual_s: f64) -> f64 {
        match *self {
            _ if self.is_far(residual_s) => OUTLIERS / OUTLIER_SPAN_S, // to the last bit
            Self::Laplace { scale_s, centre_s } => {
                let away_s = (residual_s - centre_s).abs();
                let share = if away_s == 0.0 { 1.0 } else { (-away_s / scale_s).exp() }; // the centre is mostly one of them
                let near = share / (2.0 * scale_s);
                (1.0 - OUTLIERS) * near + OUTLIERS / OUTLIER_SPAN_S
            }
            Self::Second { edge_s, phase_s, width_s } => {
                let inside = residual_s >= edge_s - 0.004 && residual_s < edge_s + 1.004;
                let shape = if width_s > 1.0 {
                    1.0
                } else {
                    let from_phase = ((residual_s - phase_s + 0.5).rem_euclid(1.0) - 0.5).abs();
                    0.9 * (-from_phase / width_s).exp() / (2.0 * width_s * (1.0 - (-0.5 / width_s).exp())) + 0.1
                };
                (if inside { 0.985 * shape } else { 0.0 }) + 0.015 / OUTLIER_SPAN_S
            }
        }
    }

    /// Whether residuals are of the order of a rounding.
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self, Self::Laplace { scale_s, .. } if *scale_s <= SCALES_S[0])
    }
}

/// The edge of the remainders of whole seconds: 0 for a camera that cuts off, −0.5 for one that rounds, any for a clock that is off
/// by no whole second.
pub(crate) fn edge_of_second(residuals_s: &[f64], is_free: bool) -> f64 {
    let mut in_order = residuals_s.to_vec();
    in_order.sort_unstable_by(f64::total_cmp);
    let mut edges = vec![0.0, -0.5];
    if is_free {
        let rounded = |less: f64| {
            let mut edges: Vec<f64> = in_order.iter().map(|e| ((e - less) * 1000.0).round() / 1000.0).collect();
            edges.dedup();
            edges
        };
        edges = [rounded(0.0), rounded(1.0)].concat();
        edges.sort_by(f64::total_cmp); // two that are sorted
        edges.dedup();
        let step = (edges.len() / 200).max(1);
        edges = edges.into_iter().step_by(step).collect();
    }
    let below = |limit: f64| in_order.partition_point(|&e| e < limit);
    let counts: Vec<usize> = edges.iter().map(|&edge| below(edge + 1.004) - below(edge - 0.004)).collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    let best: Vec<f64> =
        edges.iter().zip(&counts).filter(|(_, count)| **count == most).map(|(edge, _)| *edge).collect();
    let edge = if is_free { best.get(best.len() / 2) } else { best.first() };
    edge.copied().unwrap_or(0.0)
}

/// Where within the second most of some remainders lie.
pub(crate) fn phase_of_second(residuals_s: &[f64]) -> f64 {
    let (sin, cos) = residuals_s.iter().fold((0.0, 0.0), |(s, c), e| (s + (TAU * e).sin(), c + (TAU * e).cos()));
    (sin.atan2(cos) / TAU).rem_euclid(1.0)
}

/// Standard deviations of places to choose from, metres.
const SIGMAS_M: [f64; 8] = [0.02, 0.3, 0.6, 1.0, 2.0, 4.0, 7.0, 12.0];
const DISC_M: f64 = 250.0;

/// Log densities of residual distances; those that are outliers to the last bit share one logarithm.
pub(crate) fn log_places(residuals_m: &[f64], sigma_m: f64, outliers: f64) -> Vec<f64> {
    let far_m2 = 2.0 * FAR * 1.2 * sigma_m * sigma_m;
    let of_outlier = log_place(f64::INFINITY, sigma_m, outliers);
    let log = |&residual_m: &f64| {
        if residual_m * residual_m > far_m2 { of_outlier } else { log_place(residual_m, sigma_m, outliers) }
    };
    residuals_m.iter().map(log).collect()
}

/// Log density per square metre of a residual distance, with a share of outliers on a wide disc.
pub(crate) fn log_place(residual_m: f64, sigma_m: f64, outliers: f64) -> f64 {
    place_density(residual_m, sigma_m, outliers).ln()
}

fn place_density(residual_m: f64, sigma_m: f64, outliers: f64) -> f64 {
    let variance = sigma_m * sigma_m;
    let near = (-residual_m * residual_m / (2.0 * variance)).exp() / (TAU * variance);
    (1.0 - outliers) * near + outliers / (PI * DISC_M * DISC_M)
}

/// The standard deviation that explains the residuals best, and the log-likelihood per residual.
pub(crate) fn fit_sigma(residuals_m: &[f64]) -> (f64, f64) {
    const SLACK: f64 = 1e-6;
    let mean = |sigma: f64| {
        log_of_product(residuals_m.iter().map(|&r| place_density(r, sigma, FAR_SHARE)))
            / residuals_m.len().max(1) as f64
    };
    // Within the smallest deviation it is the best: its density is 0.6 / (2 pi 0.02^2) there at least, and that of the
    // next one 1 / (2 pi 0.3^2) at most, 136 times less.
    if residuals_m.iter().all(|&r| r <= SIGMAS_M[0]) && !residuals_m.is_empty() {
        return (SIGMAS_M[0], mean(SIGMAS_M[0]));
    }
    // a likely one first; the others mostly cannot reach it, the wide ones not even at their centre
    let squares_m2: Vec<f64> = residuals_m.iter().map(|residual_m| residual_m * residual_m).collect();
    let usual_m = residuals_m.iter().sum::<f64>() / residuals_m.len().max(1) as f64 * 0.8;
    let at = SIGMAS_M.iter().take_while(|&&sigma_m| sigma_m * 1.4 < usual_m).count();
    let known = SIGMAS_M[at.min(SIGMAS_M.len() - 1)];
    let of_known = mean(known);
    let mut best: Option<(f64, f64)> = None;
    for sigma in SIGMAS_M {
        let is_lost = |bound: f64| bound < of_known - SLACK;
        if sigma != known
            && (is_lost(place_density(0.0, sigma, FAR_SHARE).ln()) || is_lost(most_likely(&squares_m2, sigma)))
        {
            continue;
        }
        let of_sigma = if sigma == known { of_known } else { mean(sigma) };
        if best.is_none_or(|(_, most)| of_sigma > most + 1e-9) {
            best = Some((sigma, of_sigma));
        }
    }
    best.expect("the one that is known is not skipped")
}

/// No mean log density that [`fit_sigma`] gives is greater: all residuals at the centre of the smallest deviation.
pub(crate) fn most_of_fit() -> f64 {
    place_density(0.0, SIGMAS_M[0], FAR_SHARE).ln()
}

/// Share of outliers where deviations are compared.
const FAR_SHARE: f64 = 0.03;

/// What the mean log density of residuals is at most, near enough to rule deviations out.
fn most_likely(squares_m2: &[f64], sigma_m: f64) -> f64 {
    let of_outlier = (FAR_SHARE / (PI * DISC_M * DISC_M)).ln();
    let (at_centre, per_m2) = (((1.0 - FAR_SHARE) / (TAU * sigma_m * sigma_m)).ln(), 0.5 / (sigma_m * sigma_m));
    most_of_sum(squares_m2, at_centre, per_m2, of_outlier) / squares_m2.len().max(1) as f64
}

/// What the sum of log(e^(at − per x) + e^floor) is at most: the smaller one of two densities adds ln 2 where they are equal, and
/// less than a line to a twentieth three nats apart, and than that beyond.
fn most_of_sum(values: &[f64], at: f64, per: f64, floor: f64) -> f64 {
    const AT_ONCE: usize = 4; // sums side by side: a bound has no order to keep
    const EQUAL: f64 = 0.693_2;
    const APART: f64 = 0.05;
    const PER_NAT: f64 = (EQUAL - APART) / 3.0;
    let more = |apart: f64| larger(EQUAL - PER_NAT * apart, APART);
    let most = |x: f64| {
        let near = at - per * x;
        larger(near, floor) + more((near - floor).abs())
    };
    let (fours, rest) = values.as_chunks::<AT_ONCE>();
    let mut sums = [0.0; AT_ONCE];
    for four in fours {
        for (sum, &x) in sums.iter_mut().zip(four) {
            *sum += most(x);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| most(x)).sum::<f64>()
}

/// The greatest log-likelihood that a Laplace class of one of some scales gives to residuals about a centre.
pub(crate) fn most_by_scale(residuals_s: &[f64], centre_s: f64, scales_s: &[f64]) -> f64 {
    const SLACK: f64 = 1e-6;
    let away_s: Vec<f64> = residuals_s.iter().map(|residual_s| (residual_s - centre_s).abs()).collect();
    let bound = |scale_s: f64| {
        let at_centre = ((1.0 - OUTLIERS) / (2.0 * scale_s)).ln();
        most_of_sum(&away_s, at_centre, 1.0 / scale_s, (OUTLIERS / OUTLIER_SPAN_S).ln()) + SLACK
    };
    let mut bounds: Vec<(f64, f64)> = scales_s.iter().map(|&scale_s| (bound(scale_s), scale_s)).collect();
    bounds.sort_by(|a, b| b.0.total_cmp(&a.0));
    bounds.iter().fold(f64::NEG_INFINITY, |most, &(bound, scale_s)| {
        if bound < most {
            return most;
        }
        most.max(TimeClass::Laplace { scale_s, centre_s }.log_likelihood(residuals_s))
    })
}

/// The sum of logarithms of densities, as few logarithms of products: densities here lie within 1e-8 and 1e3.
fn log_of_product(densities: impl Iterator<Item = f64>) -> f64 {
    const AT_ONCE: u32 = 32; // 1e-8^32 is a normal float
    let (mut sum, mut product, mut n) = (0.0, 1.0_f64, 0);
    for density in densities {
        product *= density;
        n += 1;
        if n == AT_ONCE {
            sum += product.ln();
            (product, n) = (1.0, 0);
        }
    }
    sum + product.ln()
}

/// The density of somebody else's image: half a fellow traveller (6 m), half anywhere within the gate.
pub(crate) fn log_other_place(residual_m: f64, gate_m: f64) -> f64 {
    (0.5 * (-residual_m * residual_m / 72.0).exp() / (TAU * 36.0) + 0.5 / (PI * gate_m * gate_m)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_integrate_to_one() {
        let classes = [
            TimeClass::Laplace { scale_s: 0.25, centre_s: 0.1 },
            TimeClass::Second { edge_s: 0.0, phase_s: 0.3, width_s: 0.2 },
            TimeClass::Second { edge_s: -0.5, phase_s: 0.0, width_s: 9.0 },
        ];
        for class in classes {
            let sum: f64 = (-2500..2500).map(|k| class.log_density(f64::from(k) / 1000.0, 0.0).exp() / 1000.0).sum();
            assert!((sum - 1.0).abs() < 0.03, "{class:?}: {sum}");
        }
        let sum: f64 = (0..25_000)
            .map(|k| {
                let r = f64::from(k) / 100.0;
                log_place(r, 2.0, 0.05).exp() * TAU * r / 100.0
            })
            .sum();
        assert!((sum - 1.0).abs() < 0.01, "{sum}");
    }

    #[test]
    fn what_is_far_has_the_density_of_outliers() {
        for scale_s in SCALES_S {
            for centre_s in [0.0, 0.4] {
                let class = TimeClass::Laplace { scale_s, centre_s };
                for scales in [40.0, 59.0, 60.5, 61.0, 70.0, 1e4, f64::MAX] {
                    let residual_s = centre_s + scales * scale_s;
                    assert_eq!(
                        class.log_density(residual_s, 0.0),
                        class.density(residual_s).ln(),
                        "{scale_s} {scales}"
                    );
                }
            }
        }
        let residuals: Vec<f64> = (0..4_000).map(|k| f64::from(k) * 0.05).chain([f64::NAN]).collect();
        for sigma_m in SIGMAS_M {
            for outliers in [0.01, 0.6] {
                let one_by_one = residuals.iter().map(|&residual_m| log_place(residual_m, sigma_m, outliers).to_bits());
                assert!(
                    log_places(&residuals, sigma_m, outliers).into_iter().map(f64::to_bits).eq(one_by_one),
                    "{sigma_m}"
                );
            }
        }
    }

    #[test]
    fn classes_are_found_again() {
        let cut: Vec<f64> = (0..200).map(|k| f64::from(k) * 0.618 % 1.0).collect();
        assert_eq!(edge_of_second(&cut, false), 0.0);
        let rounded: Vec<f64> = cut.iter().map(|e| e - 0.5).collect();
        assert_eq!(edge_of_second(&rounded, false), -0.5);
        let edge = edge_of_second(&cut.iter().map(|e| e + 0.3).collect::<Vec<_>>(), true);
        assert!((edge - 0.3).abs() < 0.02, "{edge}");
        let spread: Vec<f64> = (1..200).map(|k| 2.0 * (-2.0 * (f64::from(k) / 200.0).ln()).sqrt()).collect();
        assert_eq!(fit_sigma(&spread).0, 2.0);
    }

    #[test]
    fn deviations_that_are_skipped_are_not_the_best() {
        let mut numbers = crate::worlds::Numbers(3);
        for scale_m in [0.01, 0.05, 0.2, 0.45, 0.8, 1.4, 3.0, 5.5, 9.0, 30.0, 400.0] {
            for n in [1, 2, 7, 60] {
                let residuals: Vec<f64> = (0..n).map(|_| scale_m * (-2.0 * numbers.next().ln()).sqrt()).collect();
                let mean = |sigma: f64| {
                    let densities = residuals.iter().map(|&r| place_density(r, sigma, FAR_SHARE));
                    log_of_product(densities) / residuals.len() as f64
                };
                let all = SIGMAS_M.map(|sigma| (sigma, mean(sigma)));
                let best = all.into_iter().reduce(|best, next| if next.1 > best.1 + 1e-9 { next } else { best });
                assert_eq!(Some(fit_sigma(&residuals)), best, "{scale_m} m, {n}");
                let squares_m2: Vec<f64> = residuals.iter().map(|r| r * r).collect();
                assert!(all.iter().all(|&(sigma, mean)| mean <= most_likely(&squares_m2, sigma)), "{scale_m} m, {n}");
            }
        }
    }

    #[test]
    fn scales_that_are_skipped_are_not_the_best() {
        let mut numbers = crate::worlds::Numbers(4);
        for scale_s in [0.0, 0.001, 0.004, 0.02, 0.05, 0.2, 0.4, 0.9, 3.0] {
            for n in [1, 3, 4, 50] {
                let residuals: Vec<f64> = (0..n).map(|_| 0.3 + scale_s * (numbers.next() * 4.0 - 2.0)).collect();
                let of = |scale_s| TimeClass::Laplace { scale_s, centre_s: 0.3 }.log_likelihood(&residuals);
                let most = SCALES_S.map(of).into_iter().fold(f64::NEG_INFINITY, f64::max);
                assert_eq!(most_by_scale(&residuals, 0.3, &SCALES_S), most, "{scale_s} s, {n}");
            }
        }
    }

    #[test]
    fn exact_residuals_need_one_deviation_only() {
        for residuals in [vec![0.0, 0.005, 0.02], vec![0.02; 5], vec![0.019_999; 40]] {
            let best = SIGMAS_M.map(|sigma| residuals.iter().map(|&r| log_place(r, sigma, 0.03)).sum::<f64>());
            let (sigma, mean) = fit_sigma(&residuals);
            assert!(best.iter().all(|&sum| sum <= best[0]) && sigma == SIGMAS_M[0]);
            assert!((mean - best[0] / residuals.len() as f64).abs() < 1e-9);
        }
    }
}
