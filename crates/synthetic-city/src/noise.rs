//! How the service moves images: a common shift, a slow wander, white noise, bad stretches, single outliers.
//!
//! Measured on 12,350 real pairs of uploaded and adjusted places: median 2.5 m, p90 9 m; the wander is an
//! Ornstein-Uhlenbeck process of 6.5 s on each axis.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal};

const WANDER_S: f64 = 6.5;

/// What the moves of one sequence are made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moves {
    pub(crate) shift_m: f64,
    pub(crate) wander_m: f64,
    pub(crate) white_m: f64,
    pub(crate) bad_stretch: bool,
    pub(crate) outliers: f64,
}

impl Moves {
    /// Moves as the service makes them.
    pub(crate) fn realistic(random: &mut ChaCha8Rng) -> Self {
        let shift = LogNormal::new(1.4_f64.ln(), 1.0).expect("a sound distribution");
        let wander = LogNormal::new(1.3_f64.ln(), 0.9).expect("a sound distribution");
        Self {
            shift_m: shift.sample(random),
            wander_m: wander.sample(random).min(12.0),
            white_m: random.random_range(0.1..0.3),
            bad_stretch: random.random_bool(0.05),
            outliers: 0.0005,
        }
    }

    /// East and north metres for each of the moments.
    pub(crate) fn along(&self, random: &mut ChaCha8Rng, times_ms: &[i64]) -> Vec<[f64; 2]> {
        let unit = Normal::new(0.0, 1.0).expect("a sound distribution");
        let angle = random.random_range(0.0..std::f64::consts::TAU);
        let shift = [self.shift_m * angle.sin(), self.shift_m * angle.cos()];
        let mut wander = [0, 1].map(|_: usize| unit.sample(random) * self.wander_m);
        let stretch = if self.bad_stretch && times_ms.len() > 40 {
            let start = random.random_range(0..times_ms.len() - 35);
            start..start + random.random_range(5..30)
        } else {
            0..0
        };
        let far = [random.random_range(-90.0..90.0), random.random_range(25.0..90.0)];
        let mut last = times_ms.first().copied().unwrap_or(0);
        times_ms
            .iter()
            .enumerate()
            .map(|(k, &time)| {
                let keep = (-((time - last) as f64 / 1000.0).max(0.0) / WANDER_S).exp();
                last = time;
                let mut place = [0.0; 2];
                for axis in 0..2 {
                    let fresh = unit.sample(random) * self.wander_m * (1.0 - keep * keep).sqrt();
                    wander[axis] = wander[axis] * keep + fresh;
                    place[axis] = shift[axis] + wander[axis] + unit.sample(random) * self.white_m;
                    if stretch.contains(&k) {
                        place[axis] += far[axis];
                    }
                }
                if self.outliers > 0.0 && random.random_bool(self.outliers) {
                    place[0] += random.random_range(30.0..270.0);
                }
                place
            })
            .collect()
    }
}
