//! What finding candidates costs, counted: for tests that must fail without a clock, and for benches.

use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::runs::Index;
use crate::votes::adaptive::{Tested, at_offset};
use capture_model::{LocalImages, PublishedImages};
use rayon::prelude::*;

/// Counts of one search.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CandidatePairs {
    /// Objects in the R-tree.
    pub n_runs: usize,
    /// Pairs of a stretch of photos and a run of images whose boxes meet in space and time.
    pub n_stretches: usize,
    /// Pairs of a photo and an image that are near in time, so that their distance was computed.
    pub n_tested: usize,
    /// Those that are near in space too.
    pub n_kept: usize,
}

/// Builds the index of the published side and finds every near pair on clocks that are taken to agree: the part of a match
/// that depends on the size of both sides alone.
pub fn candidate_pairs(local: &LocalImages, published: &PublishedImages) -> CandidatePairs {
    let side = PublishedSide::new(published);
    let index = Index::new(&side);
    let of_track = |track: usize| {
        let mut tested = Tested::default();
        let rides = Ride::of_track(local, track);
        let near = rides
            .iter()
            .filter(|ride| ride.is_timed())
            .map(|ride| at_offset(ride, &side, &index, 0, &mut tested).len());
        let n_kept = near.sum();
        CandidatePairs { n_runs: 0, n_stretches: tested.stretches, n_tested: tested.pairs, n_kept }
    };
    let all =
        (0..local.n_tracks()).into_par_iter().map(of_track).reduce(CandidatePairs::default, |a, b| CandidatePairs {
            n_runs: 0,
            n_stretches: a.n_stretches + b.n_stretches,
            n_tested: a.n_tested + b.n_tested,
            n_kept: a.n_kept + b.n_kept,
        });
    CandidatePairs { n_runs: index.len(), ..all }
}
