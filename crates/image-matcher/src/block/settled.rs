//! Pairs that the times have settled: nothing that is told later could choose them.
//!
//! In: the pairs of a block whose clock agrees to the millisecond. Out: the same without those whose photo or image has a pair at
//! its very time.
//!
//! # Why nothing is lost
//! A pair at another time than its photo's own is eleven nats behind, and the field is fitted to the pairs that agree. It could be
//! chosen only for what it has copied: pairs at exactly one place stay, and so do those that have copied more than the pair at
//! the very time.

use super::Work;
use super::time::TimeFit;
use crate::at_most::collect_at_most;
use crate::errors::TimeClass;

/// Fewer photos with a pair at their very time show no clock.
const FEWEST: usize = 8;
/// The share of all photos with a pair that have one at their very time.
const AGREED: f64 = 0.8;
/// Times further apart than this are not one time, seconds: beyond, the density is that of outliers.
const EXACT_S: f64 = 0.004;
const FAR_S: f64 = 0.12;

/// Which pairs are still open; `None` where the times settle nothing.
pub(super) fn open_pairs(work: &Work<'_>, time: &TimeFit) -> Option<Vec<usize>> {
    let TimeClass::Laplace { centre_s, .. } = time.class else { return None };
    if !time.class.is_exact() || work.len() < FEWEST {
        return None;
    }
    let lag_s = |pair: usize| (work.lag_s[pair] - centre_s).abs();
    let n_copied = |pair: usize| {
        u8::from(work.climb_m[pair].abs() < work.equal_altitude_m)
            + u8::from(work.turn_deg[pair].abs() < super::EXACT_HEADING_DEG)
    };
    // of each photo and image, what its pair at the very time has copied, and 1
    let n_photos = work.photo[work.len() - 1] as usize + 1; // they come by photo
    let n_ranks = work.rank.iter().max().map_or(0, |&last| last as usize + 1);
    let (mut of_photo, mut of_image) = (vec![0; n_photos], vec![0; n_ranks]);
    let mut n_agreed = 0;
    for pair in (0..work.len()).filter(|&pair| lag_s(pair) <= EXACT_S) {
        let (photo, image) = (&mut of_photo[work.photo[pair] as usize], &mut of_image[work.rank[pair] as usize]);
        let told = 1 + n_copied(pair);
        n_agreed += usize::from(*photo == 0);
        (*photo, *image) = (told.max(*photo), told.max(*image));
    }
    let n_paired = work.photo.chunk_by(|a, b| a == b).count();
    if n_agreed < FEWEST || (n_agreed as f64) < AGREED * n_paired as f64 {
        return None;
    }
    let is_settled = |pair: usize| {
        let told = of_photo[work.photo[pair] as usize].max(of_image[work.rank[pair] as usize]);
        told > 0 && lag_s(pair) > FAR_S && n_copied(pair) < told && !work.is_exact_place[pair]
    };
    let open = collect_at_most(work.len(), (0..work.len()).filter(|&pair| !is_settled(pair)));
    (open.len() < work.len()).then_some(open)
}

/// Some of the values.
pub(super) fn only<T: Copy>(values: &[T], open: &[usize]) -> Vec<T> {
    open.iter().map(|&pair| values[pair]).collect()
}

/// Places of pairs in the list of open ones; those that are not open are left out.
pub(super) fn places_in(pairs: &[usize], open: &[usize]) -> Vec<usize> {
    collect_at_most(pairs.len(), pairs.iter().filter_map(|pair| open.binary_search(pair).ok()))
}
