//! The one motion that carries the uploaded places of a sequence onto most of the adjusted ones.
//!
//! # Method
//! A motion is a shift, a turn and a scale in the plane: a similarity. Its least-squares form is closed (Umeyama, 1991; with
//! places as complex numbers it is one division). Bad stretches would pull it, so it is found by trial, as in RANSAC
//! (Fischler and Bolles, 1981): motions through two images each are tried, and the one with the least *median* residual
//! wins (least median of squares; Rousseeuw, 1984), which needs no tolerance to be guessed and stands up to nearly half
//! of the images being wrong. The tolerance then follows from that median, and the motion is fitted to all images within
//! it, a few times over.
//!
//! The images tried follow a fixed sequence that fills the square evenly (Roberts' R2), so equal input gives equal bits.
//!
//! # What it cannot say
//! Images that stand close together, or few, fix a shift but no turn. Turn and scale are `None` unless the turn is known
//! to two degrees, by the scatter of the residuals and the extent of the images.

const MOTIONS_TRIED: usize = 64;
const IMAGES_JUDGED: usize = 128;
const ROUNDS_OF_FITTING: usize = 5;
/// Scatters of one axis beyond which a residual counts as wrong: 1 % of good ones, if they are normal.
const TOLERANCE_SCATTERS: f64 = 3.0;
/// Places are written to a centimetre; nothing below this is wrong.
const LEAST_TOLERANCE_M: f64 = 0.05;
/// Median length of a normal residual in the plane, in scatters of one axis.
const MEDIAN_IN_SCATTERS: f64 = 1.177_41;
const TURN_KNOWN_TO_DEG: f64 = 2.0;

/// An uploaded place and where it was put, metres east and north about one middle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pair {
    pub(crate) from: [f64; 2],
    pub(crate) to: [f64; 2],
}

/// The common motion of a sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Motion {
    /// Metres east and north at the mean of all uploaded places.
    pub(crate) shift_m: [f64; 2],
    /// Turn (degrees, clockwise as bearings) and scale about that mean.
    pub(crate) turn_and_scale: Option<(f64, f64)>,
    /// Share of the squared moves that the motion explains, 0…1; `None` when nothing moved.
    pub(crate) explained: Option<f64>,
}

/// `to = turn · (from − about) + about + shift`, complex numbers all.
#[derive(Debug, Clone, Copy)]
struct Similarity {
    about: [f64; 2],
    turn: [f64; 2],
    shift: [f64; 2],
}

fn minus(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

fn plus(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

fn times(a: [f64; 2], b: [f64; 2]) -> [f64; 2] {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

fn square(a: [f64; 2]) -> f64 {
    a[0] * a[0] + a[1] * a[1]
}

fn mean(of: impl Iterator<Item = [f64; 2]>) -> [f64; 2] {
    let (sum, n) = of.fold(([0.0; 2], 0.0), |(sum, n), value| (plus(sum, value), n + 1.0));
    sum.map(|axis| axis / f64::max(n, 1.0))
}

impl Similarity {
    fn shift(shift: [f64; 2]) -> Self {
        Self { about: [0.0; 2], turn: [1.0, 0.0], shift }
    }

    fn apply(&self, place: [f64; 2]) -> [f64; 2] {
        plus(times(self.turn, minus(place, self.about)), plus(self.about, self.shift))
    }

    fn residual_m2(&self, pair: &Pair) -> f64 {
        square(minus(self.apply(pair.from), pair.to))
    }

    /// Least squares. `None` where all places are one and a turn is wanted.
    fn fitted(pairs: &[Pair], may_turn: bool) -> Option<Self> {
        let about = mean(pairs.iter().map(|pair| pair.from));
        let goal = mean(pairs.iter().map(|pair| pair.to));
        let shift = minus(goal, about);
        if !may_turn {
            return Some(Self { about, turn: [1.0, 0.0], shift });
        }
        let conjugate = |z: [f64; 2]| [z[0], -z[1]];
        let mut crossed = [0.0; 2];
        let mut extent_m2 = 0.0;
        for pair in pairs {
            let from = minus(pair.from, about);
            crossed = plus(crossed, times(conjugate(from), minus(pair.to, goal)));
            extent_m2 += square(from);
        }
        (extent_m2 > 0.0).then(|| Self { about, turn: crossed.map(|axis| axis / extent_m2), shift })
    }
}

/// The motion that most pairs share; `None` without a pair.
pub(crate) fn common_motion(pairs: &[Pair]) -> Option<Motion> {
    if pairs.is_empty() {
        return None;
    }
    let judged: Vec<Pair> = evenly(pairs, IMAGES_JUDGED);
    let shifted = settle(Similarity::shift(median_move(&judged)), pairs, false);
    let turned = best_trial(&judged).map(|trial| settle(trial, pairs, true)).filter(is_turn_known);
    let motion = turned.as_ref().unwrap_or(&shifted).motion;
    let middle = mean(pairs.iter().map(|pair| pair.from));
    let moved_m2: f64 = pairs.iter().map(|pair| square(minus(pair.to, pair.from))).sum();
    let left_m2: f64 = pairs.iter().map(|pair| motion.residual_m2(pair)).sum();
    Some(Motion {
        shift_m: minus(motion.apply(middle), middle),
        turn_and_scale: turned.map(|settled| {
            let [cos, sin] = settled.motion.turn;
            (-sin.atan2(cos).to_degrees(), cos.hypot(sin))
        }),
        explained: (moved_m2 > 0.0).then(|| (1.0 - left_m2 / moved_m2).clamp(0.0, 1.0)),
    })
}

fn evenly(pairs: &[Pair], most: usize) -> Vec<Pair> {
    let n = pairs.len().min(most);
    (0..n).map(|k| pairs[k * pairs.len() / n]).collect()
}

/// Componentwise median of the moves.
fn median_move(pairs: &[Pair]) -> [f64; 2] {
    [0, 1].map(|axis| {
        let mut moves: Vec<f64> = pairs.iter().map(|pair| pair.to[axis] - pair.from[axis]).collect();
        *moves.select_nth_unstable_by(pairs.len() / 2, f64::total_cmp).1
    })
}

/// Of the motions through two images, the one with the least median residual.
fn best_trial(pairs: &[Pair]) -> Option<Similarity> {
    const R2: [f64; 2] = [0.754_877_666_246_692_7, 0.569_840_290_998_053_2];
    if pairs.len() < 3 {
        return None; // two images always fit
    }
    let mut best: Option<(f64, Similarity)> = None;
    let mut residuals = vec![0.0; pairs.len()];
    for trial in 0..MOTIONS_TRIED {
        let [a, b] = R2.map(|step| pairs[((0.5 + step * trial as f64).fract() * pairs.len() as f64) as usize]);
        let Some(motion) = Similarity::fitted(&[a, b], true) else { continue };
        for (residual, pair) in residuals.iter_mut().zip(pairs) {
            *residual = motion.residual_m2(pair);
        }
        let median = *residuals.select_nth_unstable_by(pairs.len() / 2, f64::total_cmp).1;
        if best.is_none_or(|(least, _)| median < least) {
            best = Some((median, motion));
        }
    }
    best.map(|(_, motion)| motion)
}

/// A motion fitted to the images that agree with it.
#[derive(Debug, Clone, Copy)]
struct Settled {
    motion: Similarity,
    scatter_m: f64,
    extent_m: f64,
}

fn settle(mut motion: Similarity, pairs: &[Pair], may_turn: bool) -> Settled {
    let mut settled = Settled { motion, scatter_m: 0.0, extent_m: 0.0 };
    for _ in 0..ROUNDS_OF_FITTING {
        let mut residuals: Vec<f64> = pairs.iter().map(|pair| motion.residual_m2(pair)).collect();
        let median_m = residuals.select_nth_unstable_by(pairs.len() / 2, f64::total_cmp).1.sqrt();
        let scatter_m = median_m / MEDIAN_IN_SCATTERS;
        let tolerance_m = (TOLERANCE_SCATTERS * scatter_m).max(LEAST_TOLERANCE_M);
        let good: Vec<Pair> =
            pairs.iter().copied().filter(|pair| motion.residual_m2(pair) <= tolerance_m * tolerance_m).collect();
        let Some(next) = Similarity::fitted(&good, may_turn) else { break };
        motion = next;
        let extent_m = good.iter().map(|pair| square(minus(pair.from, motion.about))).sum::<f64>().sqrt();
        settled = Settled { motion, scatter_m, extent_m };
    }
    settled
}

/// Whether the scatter of the residuals leaves the turn known.
fn is_turn_known(settled: &Settled) -> bool {
    settled.scatter_m.atan2(settled.extent_m).to_degrees() <= TURN_KNOWN_TO_DEG && settled.extent_m > 1.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A winding ride of places, moved by a motion about their mean.
    fn moved(n: usize, shift: [f64; 2], turn_deg: f64, scale: f64) -> Vec<Pair> {
        let places: Vec<[f64; 2]> = (0..n).map(|k| [k as f64 * 4.0, (k as f64 / 9.0).sin() * 40.0]).collect();
        let about = mean(places.iter().copied());
        let (sin, cos) = (-turn_deg).to_radians().sin_cos();
        let motion = Similarity { about, turn: [cos * scale, sin * scale], shift };
        places.into_iter().map(|from| Pair { from, to: motion.apply(from) }).collect()
    }

    proptest! {
        #[test]
        fn a_motion_comes_back_and_a_third_of_wrong_images_does_not_move_it(
            n in 9..200_usize, shift in [-40.0..40.0, -40.0..40.0], turn_deg in -170.0..170.0, scale in 0.5..2.0,
            wrong in proptest::collection::vec((0..200_usize, [-300.0..300.0, -300.0..300.0]), 0..60),
        ) {
            let mut pairs = moved(n, shift, turn_deg, scale);
            for (k, stray) in wrong.into_iter().take(n / 3) {
                pairs[k % n].to = plus(pairs[k % n].to, stray);
            }
            let found = common_motion(&pairs).unwrap();
            let (found_turn, found_scale) = found.turn_and_scale.unwrap();
            prop_assert!((found.shift_m[0] - shift[0]).hypot(found.shift_m[1] - shift[1]) < 0.05, "{found:?}");
            prop_assert!((found_turn - turn_deg).abs() < 0.05 && (found_scale - scale).abs() < 1e-3, "{found:?}");
        }

        #[test]
        fn nothing_breaks_it(values in proptest::collection::vec([-1e7..1e7, -1e7..1e7, -1e7..1e7, -1e7..1e7], 0..12)) {
            let pairs: Vec<Pair> = values.iter().map(|v| Pair { from: [v[0], v[1]], to: [v[2], v[3]] }).collect();
            let found = common_motion(&pairs);
            prop_assert_eq!(found.is_some(), !pairs.is_empty());
            if let Some(found) = found {
                prop_assert!(found.shift_m.iter().all(|axis| axis.is_finite()));
                prop_assert!(found.explained.is_none_or(|share| (0.0..=1.0).contains(&share)));
            }
        }
    }

    #[test]
    fn a_shift_explains_all_of_itself() {
        let found = common_motion(&moved(30, [3.0, -4.0], 0.0, 1.0)).unwrap();
        assert!((found.explained.unwrap() - 1.0).abs() < 1e-12);
        let (turn, scale) = found.turn_and_scale.unwrap();
        assert!(turn.abs() < 1e-9 && (scale - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_known_is_not_said() {
        let still = Pair { from: [5.0, 5.0], to: [8.0, 1.0] };
        for n in 1..5 {
            let found = common_motion(&vec![still; n]).unwrap();
            assert_eq!((found.shift_m, found.turn_and_scale), ([3.0, -4.0], None), "{n} images in one place");
        }
        assert_eq!(common_motion(&moved(2, [1.0, 0.0], 5.0, 1.0)).unwrap().turn_and_scale, None, "two always fit");
        let mut noisy = moved(6, [1.0, 0.0], 0.0, 1.0);
        for (k, pair) in noisy.iter_mut().enumerate() {
            pair.to = plus(pair.to, if k % 2 == 0 { [2.0, -3.0] } else { [-3.0, 2.0] });
        }
        assert_eq!(common_motion(&noisy).unwrap().turn_and_scale, None, "scatter as large as the ride");
        assert_eq!(common_motion(&moved(9, [0.0; 2], 0.0, 1.0)).unwrap().explained, None, "nothing moved");
    }
}
