//! Which kind of place a block goes by: as uploaded, or as adjusted.
//!
//! In: the pairs of a chain. Out: the fit to the places of one kind: exact, or a field that wanders slowly along the ride. A kind that
//! cannot be the better one is not fitted: beside exact copies no field is.

use super::{Places, Work};
use crate::errors::{fit_sigma, most_of_fit};
use crate::medians::{median_vector, running_median};
use crate::plane::length_m;

/// Places that agree to centimetres for live photos were copied: whatever the others are, this is the kind to judge by.
const COPIED: f64 = 10.0;

/// A fit to one of the two kinds of place.
pub(super) struct Candidate {
    pub(super) places: Places,
    pub(super) is_exact: bool,
    /// Live photos whose places agree to centimetres.
    is_copied: bool,
    /// Mean log density of the residuals.
    fit: f64,
    pub(super) sigma_m: f64,
    /// The photos that a field was fitted to, and the field there: exact places have none.
    pub(super) photos: Vec<u32>,
    pub(super) field: Vec<[f64; 2]>,
}

impl Candidate {
    /// How well places of this kind fit, against those of the other.
    fn merit(&self) -> f64 {
        let told = self.fit + f64::from(u8::from(self.is_exact)) + if self.is_copied { COPIED } else { 0.0 };
        if self.is_exact {
            return told; // no shift costs nothing
        }
        let shift = length_m(median_vector(&self.field)) / 12.0;
        told - 0.5 * shift * shift / (self.photos.len() as f64).sqrt()
    }
}

/// The fit to the kind of place that has more merit; of equal ones as uploaded.
pub(super) fn better_kind(work: &Work<'_>, chosen: &[usize], half: usize, stiffness: usize) -> Option<Candidate> {
    let [original, computed] = [Places::Original, Places::Computed].map(|places| Known::of(work, chosen, places));
    let Some(original) = original else { return Some(computed?.fit(work, half, stiffness)) };
    let original = original.fit(work, half, stiffness);
    let merit = original.merit();
    match computed.filter(|computed| computed.most_merit() > merit).map(|computed| computed.fit(work, half, stiffness))
    {
        Some(computed) if computed.merit() > merit => Some(computed),
        _ => Some(original),
    }
}

/// Chosen pairs that have a place of one kind.
struct Known<'a> {
    places: Places,
    /// From photo to image, of each pair.
    vectors: &'a [[f64; 2]],
    pairs: Vec<usize>,
    /// Those whose receiver did not repeat itself; `None` where all are.
    live: Option<Vec<usize>>,
    /// Whether two in five agree to 5 cm, of all and of the live ones.
    is_exact: bool,
    is_exact_live: bool,
}

impl<'a> Known<'a> {
    /// `None` where few have one.
    fn of(work: &'a Work<'_>, chosen: &[usize], places: Places) -> Option<Self> {
        let (vectors, frozen) = (vectors_of(work, places), work.ride.frozen());
        let is_live = |pair: usize| !frozen[work.photo[pair] as usize];
        let mut pairs: Vec<usize> = Vec::with_capacity(chosen.len());
        let (mut n_close, mut n_live, mut n_close_live) = (0, 0, 0);
        for &pair in chosen.iter().filter(|&&pair| !vectors[pair][0].is_nan()) {
            let (is_close, is_live) = (length_m(vectors[pair]) < 0.05, is_live(pair));
            n_close += usize::from(is_close);
            n_live += usize::from(is_live);
            n_close_live += usize::from(is_close && is_live);
            pairs.push(pair);
        }
        if pairs.is_empty() || pairs.len() * 2 < chosen.len() {
            return None;
        }
        let live = (n_live < pairs.len()).then(|| pairs.iter().copied().filter(|&pair| is_live(pair)).collect());
        let (is_exact, is_exact_live) = (n_close * 5 >= pairs.len() * 2, n_close_live * 5 >= n_live * 2);
        Some(Self { places, vectors, pairs, live, is_exact, is_exact_live })
    }

    fn live(&self) -> &[usize] {
        self.live.as_ref().unwrap_or(&self.pairs)
    }

    /// Without a live photo there is nothing that a field could follow.
    fn is_without_field(&self) -> bool {
        self.is_exact || self.live().is_empty()
    }

    fn is_copied(&self) -> bool {
        self.live().len() >= 3 && self.is_exact_live
    }

    /// No fit has more merit.
    fn most_merit(&self) -> f64 {
        const SLACK: f64 = 1e-6; // of sums in another order
        let told = f64::from(u8::from(self.is_without_field())) + if self.is_copied() { COPIED } else { 0.0 };
        most_of_fit() + told + SLACK
    }

    fn fit(self, work: &Work<'_>, half: usize, stiffness: usize) -> Candidate {
        let (places, is_exact, is_copied) = (self.places, self.is_without_field(), self.is_copied());
        let least_m = if is_exact { 0.0 } else { 2.0 * stiffness as f64 };
        let (residual, photos, field): (Vec<f64>, Vec<u32>, Vec<[f64; 2]>) = if is_exact {
            let residual = self.pairs.iter().map(|&pair| length_m(self.vectors[pair]).max(least_m));
            (residual.collect(), Vec::new(), Vec::new())
        } else {
            let live = self.live();
            let of_live: Vec<[f64; 2]> = live.iter().map(|&pair| self.vectors[pair]).collect();
            let field = if live.len() >= 15 {
                running_median(&of_live, half)
            } else {
                let shrink = live.len() as f64 / (live.len() as f64 + 2.0); // few photos: half a common shift, half none
                vec![median_vector(&of_live).map(|x| x * shrink); live.len()]
            };
            let stray_m = |(v, f): (&[f64; 2], &[f64; 2])| length_m([v[0] - f[0], v[1] - f[1]]).max(least_m);
            let residual = of_live.iter().zip(&field).map(stray_m).collect();
            (residual, live.iter().map(|&pair| work.photo[pair]).collect(), field)
        };
        let (sigma_m, fit) = fit_sigma(&residual);
        Candidate { places, is_exact, is_copied, fit, sigma_m, photos, field }
    }
}

pub(super) fn vectors_of<'a>(work: &'a Work<'_>, places: Places) -> &'a [[f64; 2]] {
    match places {
        Places::Original => &work.to_original,
        Places::Computed => &work.to_computed,
    }
}

/// Residual of every pair to the field at its photo, metres; an image without the chosen place is judged by the other.
pub(super) fn residuals(work: &Work<'_>, fit: &Candidate) -> Vec<f64> {
    let vectors = vectors_of(work, fit.places);
    let other = vectors_of(work, if fit.places == Places::Original { Places::Computed } else { Places::Original });
    let vector = |pair: usize| if vectors[pair][0].is_nan() { other[pair] } else { vectors[pair] };
    if fit.is_exact {
        return (0..work.len()).map(|pair| length_m(vector(pair))).collect();
    }
    let mut after = 0; // pairs come by photo, as those do that the field was fitted to
    let mut known = (u32::MAX, [0.0; 2]);
    (0..work.len())
        .map(|pair| {
            let photo = work.photo[pair];
            if photo != known.0 {
                while after < fit.photos.len() && fit.photos[after] < photo {
                    after += 1;
                }
                known = (photo, field_at(fit, photo, after));
            }
            let (v, f) = (vector(pair), known.1);
            length_m([v[0] - f[0], v[1] - f[1]])
        })
        .collect()
}

/// The field at a photo, linear between the photos that it was fitted to; `after` is the first of them that is no earlier.
fn field_at(fit: &Candidate, photo: u32, after: usize) -> [f64; 2] {
    if after == 0 {
        return fit.field[0];
    }
    if after == fit.photos.len() {
        return fit.field[after - 1];
    }
    let (a, b) = (fit.photos[after - 1], fit.photos[after]);
    let share = f64::from(photo - a) / f64::from(b - a).max(1.0);
    [0, 1].map(|axis: usize| fit.field[after - 1][axis] * (1.0 - share) + fit.field[after][axis] * share)
}
