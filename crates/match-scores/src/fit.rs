//! Weights fitted by logistic loss, on cities of other seeds than those that are scored.
//!
//! In: scanned cities and weights to start from. Out: the weights at which the mean of −ln(probability that the truth was
//! given) is least, and the loss before and after.
//!
//! # Method
//! Coordinate descent: each weight is scaled up and down by a step, kept where the loss falls by more than noise, and the
//! steps are narrowed when no weight moves. The loss is the sum of exact posteriors, so it is smooth but for rows that pass
//! a threshold; no gradient is needed for sixteen weights. The truth of a photo without image is that it has none.

use crate::Trial;
use image_matcher::{MatchSettings, Weights};
use rayon::prelude::*;

/// One weight that can be moved: its name and its place.
type Handle = (&'static str, fn(&mut Weights) -> &mut f64);

const HANDLES: [Handle; 16] = [
    ("pair", |weights| &mut weights.pair),
    ("place_temper", |weights| &mut weights.place_temper),
    ("time_temper", |weights| &mut weights.time_temper),
    ("heading_temper", |weights| &mut weights.heading_temper),
    ("altitude_temper", |weights| &mut weights.altitude_temper),
    ("lone_image", |weights| &mut weights.lone_image),
    ("lone_photo", |weights| &mut weights.lone_photo),
    ("companion", |weights| &mut weights.companion),
    ("offset_temper", |weights| &mut weights.offset_temper),
    ("rival_temper", |weights| &mut weights.rival_temper),
    ("doubt", |weights| &mut weights.doubt),
    ("doubt_spread", |weights| &mut weights.doubt_spread),
    ("doubt_shift", |weights| &mut weights.doubt_shift),
    ("doubt_apart", |weights| &mut weights.doubt_apart),
    ("doubt_rig", |weights| &mut weights.doubt_rig),
    ("doubt_temper", |weights| &mut weights.doubt_temper),
];

/// Less than this is noise: a row in ten thousand that passes a threshold.
const LEAST_GAIN: f64 = 1e-5;
/// What it costs to stray: a weight that is e times its start costs a row in a thousand.
const STIFFNESS: f64 = 1e-4;
/// Factors that are tried on a weight, round by round.
const STEPS: [f64; 2] = [1.5, 1.2];

/// A weight that was moved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Which weight.
    pub weight: &'static str,
    /// Where it was moved to.
    pub value: f64,
    /// Mean loss there, with the cost of straying.
    pub loss: f64,
}

/// What a fit came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Mean loss at the start.
    pub loss_before: f64,
    /// Mean loss at the end.
    pub loss_after: f64,
    /// The weights at the end.
    pub weights: Weights,
    /// (name, at the start, at the end).
    pub values: Vec<(&'static str, f64, f64)>,
}

/// Mean loss of all rows of the trials; every probability is asked for, however small.
pub fn mean_loss(trials: &[Trial], weights: Weights) -> f64 {
    let settings = MatchSettings { review: 0.0, weights, ..MatchSettings::default() };
    let losses: Vec<(f64, usize)> = trials.par_iter().map(|trial| trial.loss(&settings)).collect();
    let (sum, rows) = losses.iter().fold((0.0, 0), |all, own| (all.0 + own.0, all.1 + own.1));
    sum / rows.max(1) as f64
}

/// Moves the weights to where the loss is least; `told` hears of every move.
pub fn fit(trials: &[Trial], start: Weights, told: &mut dyn FnMut(Step)) -> Fitted {
    let weights = descend(start, &|weights| mean_loss(trials, weights), told);
    let (mut before, mut after) = (start, weights);
    let values = HANDLES.iter().map(|(name, handle)| (*name, *handle(&mut before), *handle(&mut after))).collect();
    Fitted { loss_before: mean_loss(trials, start), loss_after: mean_loss(trials, weights), weights, values }
}

/// How far the weights strayed from where they began: a weight of which the cities say nothing stays where it was.
fn stray(mut weights: Weights, mut start: Weights) -> f64 {
    HANDLES.iter().map(|(_, handle)| (*handle(&mut weights) / *handle(&mut start)).ln().powi(2)).sum()
}

fn descend(start: Weights, loss_of: &dyn Fn(Weights) -> f64, told: &mut dyn FnMut(Step)) -> Weights {
    let cost = |weights: Weights| loss_of(weights) + STIFFNESS * stray(weights, start);
    let (mut weights, mut least) = (start, cost(start));
    for factor in STEPS {
        let mut has_moved = true;
        while has_moved {
            has_moved = false;
            for (name, handle) in HANDLES {
                for scale in [factor, 1.0 / factor] {
                    let mut moved = weights;
                    *handle(&mut moved) *= scale;
                    let there = cost(moved);
                    if there < least - LEAST_GAIN {
                        (weights, least, has_moved) = (moved, there, true);
                        told(Step { weight: name, value: *handle(&mut moved), loss: there });
                        break;
                    }
                }
            }
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use synthetic_city::{CitySpec, Scenario};

    #[test]
    fn the_descent_ends_where_the_loss_is_least() {
        let wanted = |weights: Weights| {
            (weights.companion / 14.0).ln().powi(2) + (weights.rival_temper / 0.05).ln().powi(2) + 0.1
        };
        let mut n_steps = 0;
        let found = descend(Weights::default(), &wanted, &mut |_| n_steps += 1);
        assert!((found.companion / 14.0).ln().abs() < 0.2 && (found.rival_temper / 0.05).ln().abs() < 0.2, "{found:?}");
        assert!(n_steps >= 4);
        let untouched = Weights { companion: 9.2, rival_temper: 0.15, ..found };
        assert_eq!(untouched, Weights::default(), "what the loss does not know stays");
    }

    #[test]
    fn a_fellow_traveller_taken_for_impossible_costs() {
        let spec = CitySpec { scenario: Scenario::CompanionOnly, photos: 40, seed: 101 };
        let trials = [Trial::of(&spec).unwrap()];
        let spoilt = Weights { companion: 40.0, ..Weights::default() };
        let (sound, bad) = (mean_loss(&trials, Weights::default()), mean_loss(&trials, spoilt));
        assert!(bad > sound + 0.5, "{bad} against {sound}");
    }
}
