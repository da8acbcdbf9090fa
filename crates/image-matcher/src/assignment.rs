//! Which claims hold together: groups of photos against sequences, over everything that contests something.
//!
//! In: the weight of each claim and which claims exclude each other (they want the same photos, or the same images). Out: the
//! posterior of each claim, its share of all ways to grant claims until no more can be granted.
//!
//! # Method
//! Two cameras and two sequences are the permanent of a matrix of two rows; but a folder may hold several sequences, and a
//! sequence several folders, so that the general case is the sum over maximal independent sets. Claims are asked in order of
//! time. What decides about later ones is the granted claims that some of them contest, and the refused ones that still wait for
//! a granted rival: a state. Forward and backward sums over states give every posterior in one pass, as in a hidden Markov
//! model; cameras on one trigger make as many states as they have partial permutations. Where there are more than
//! [`MOST_STATES`], the heaviest stay.

use crate::chain::log_add;
use std::collections::BTreeMap;

const MOST_STATES: usize = 1_024;

/// Claims that bear on those to come: (number, whether it was granted), in order.
type State = Vec<(u32, bool)>;

/// The posterior of each claim. `rivals` lists, for each claim, those that exclude it; claims should come in an order in which
/// rivals are near each other.
pub(crate) fn posteriors(weights: &[f64], rivals: &[Vec<usize>]) -> Vec<f64> {
    let last_rival: Vec<usize> =
        rivals.iter().enumerate().map(|(own, all)| all.iter().copied().fold(own, usize::max)).collect();
    let step = |state: &State, claim: usize, is_granted: bool| -> Option<State> {
        let contests = |other: u32| rivals[claim].contains(&(other as usize));
        let is_excluded = state.iter().any(|&(other, granted)| granted && contests(other));
        if is_granted && is_excluded {
            return None;
        }
        let mut next: State =
            state.iter().copied().filter(|&(other, granted)| granted || !(is_granted && contests(other))).collect();
        if is_granted || !is_excluded {
            next.push((claim as u32, is_granted));
        }
        // who is refused needs a rival that was granted, and from now on has none to come
        let is_over = |other: u32| last_rival[other as usize] <= claim;
        if next.iter().any(|&(other, granted)| !granted && is_over(other)) {
            return None;
        }
        next.retain(|&(other, _)| !is_over(other));
        Some(next)
    };
    let gain = |claim: usize, is_granted: bool| if is_granted { weights[claim] } else { 0.0 };
    let mut forward: Vec<BTreeMap<State, f64>> = vec![BTreeMap::from([(State::new(), 0.0)])];
    for claim in 0..weights.len() {
        let mut next: BTreeMap<State, f64> = BTreeMap::new();
        for (state, sum) in &forward[claim] {
            for is_granted in [false, true] {
                let Some(there) = step(state, claim, is_granted) else { continue };
                let known = next.entry(there).or_insert(f64::NEG_INFINITY);
                *known = log_add(*known, sum + gain(claim, is_granted));
            }
        }
        keep_heaviest(&mut next);
        forward.push(next);
    }
    let mut behind: BTreeMap<State, f64> = BTreeMap::from([(State::new(), 0.0)]);
    let total = forward[weights.len()].values().copied().fold(f64::NEG_INFINITY, log_add);
    let mut granted = vec![0.0; weights.len()];
    if total == f64::NEG_INFINITY {
        return granted; // no state that was kept leads to an end
    }
    for claim in (0..weights.len()).rev() {
        let mut before: BTreeMap<State, f64> = BTreeMap::new();
        let mut sum_granted = f64::NEG_INFINITY;
        for (state, sum) in &forward[claim] {
            let mut rest = f64::NEG_INFINITY;
            for is_granted in [false, true] {
                let there = step(state, claim, is_granted);
                let Some(after) = there.and_then(|there| behind.get(&there)) else { continue };
                let way = gain(claim, is_granted) + after;
                rest = log_add(rest, way);
                if is_granted {
                    sum_granted = log_add(sum_granted, sum + way);
                }
            }
            if rest > f64::NEG_INFINITY {
                before.insert(state.clone(), rest);
            }
        }
        granted[claim] = (sum_granted - total).exp().min(1.0);
        behind = before;
    }
    granted
}

/// Leaves the heaviest states; ties go by the state itself.
fn keep_heaviest(states: &mut BTreeMap<State, f64>) {
    if states.len() <= MOST_STATES {
        return;
    }
    let mut ranked: Vec<(State, f64)> = std::mem::take(states).into_iter().collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    ranked.truncate(MOST_STATES);
    states.extend(ranked);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worlds::Numbers;

    /// Every set of claims that exclude each other nowhere and to which none can be added.
    fn enumerated(weights: &[f64], rivals: &[Vec<usize>]) -> Vec<f64> {
        let n = weights.len();
        let mut sums = vec![0.0; n];
        let mut total = 0.0;
        for set in 0..1_u32 << n {
            let has = |claim: usize| set >> claim & 1 == 1;
            let is_contested = |claim: usize| rivals[claim].iter().any(|&rival| has(rival));
            if (0..n).any(|claim| has(claim) == is_contested(claim)) {
                continue;
            }
            let weight = (0..n).filter(|&claim| has(claim)).map(|claim| weights[claim]).sum::<f64>().exp();
            total += weight;
            (0..n).filter(|&claim| has(claim)).for_each(|claim| sums[claim] += weight);
        }
        sums.into_iter().map(|sum| sum / total).collect()
    }

    #[test]
    fn posteriors_are_those_of_all_sets() {
        let mut numbers = Numbers(7);
        for world in 0..200 {
            let n = 1 + world % 9;
            let weights: Vec<f64> = (0..n).map(|_| numbers.next() * 6.0).collect();
            let mut rivals = vec![Vec::new(); n];
            for a in 0..n {
                for b in 0..a {
                    if numbers.next() < 0.4 {
                        rivals[a].push(b);
                        rivals[b].push(a);
                    }
                }
            }
            let wanted = enumerated(&weights, &rivals);
            for (found, wanted) in posteriors(&weights, &rivals).iter().zip(&wanted) {
                assert!((found - wanted).abs() < 1e-9, "{world}: {found} for {wanted}");
            }
        }
    }

    #[test]
    fn four_equal_cameras_on_a_long_ride_have_a_quarter_each() {
        // tracks of one time want the same four sequences, those of the next time the next four
        let (cameras, times) = (4, 12);
        let number = |time: usize, camera: usize, sequence: usize| (time * cameras + camera) * cameras + sequence;
        let n = times * cameras * cameras;
        let mut rivals = vec![Vec::new(); n];
        for time in 0..times {
            for (a, b) in (0..cameras * cameras).flat_map(|a| (0..a).map(move |b| (a, b))) {
                if a / cameras == b / cameras || a % cameras == b % cameras {
                    let (a, b) = (number(time, a / cameras, a % cameras), number(time, b / cameras, b % cameras));
                    rivals[a].push(b);
                    rivals[b].push(a);
                }
            }
        }
        let found = posteriors(&vec![90.0; n], &rivals);
        assert!(found.iter().all(|p| (p - 0.25).abs() < 1e-9), "{found:?}");
    }
}
