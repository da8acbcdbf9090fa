//! The parallel R-tree matcher: which published image is my photo, one to one, with doubt stated.
//!
//! Start at [`match_images()`]. First it decides which published sequence, at which clock offset, a local track is (`votes`,
//! `block`), then which photo is which image (`chain`), then it weighs the rivals (`rivals`) and gives every photo
//! one verdict and one reason (`settle`). [`shortlist()`] says which sequences are worth asking for; [`match_naive`] is the
//! plan that all this replaces.

mod agreement;
mod assignment;
mod at_most;
mod block;
mod chain;
mod claims;
mod crowd;
mod errors;
mod evidence;
mod explore;
mod frames;
mod huge;
mod left_over;
mod match_images;
mod medians;
mod naive;
mod outcome;
mod plane;
mod published_side;
mod reasons;
mod ride;
mod rivals;
mod runs;
mod second_clock;
mod settle;
mod shared;
mod shortlist;
mod tracks;
mod turned;
mod twins;
mod votes;
mod weights;
mod without_time;
mod work;
mod working_order;

#[cfg(test)]
extern crate self as image_matcher;
#[cfg(test)]
#[path = "../tests/worlds/mod.rs"]
mod worlds;

pub use evidence::{BlockEvidence, Evidence, PairWeights};
pub use match_images::{match_images, match_with_evidence};
pub use naive::match_naive;
pub use outcome::{
    Candidate, ClockKind, ClockOffset, Lists, Lookup, MatchOutcome, MatchSettings, TrackOutcome, TrackVerdict, Verdict,
    Verdicts,
};
pub use shortlist::{shortlist, tracks_in_question};
pub use tracks::verdict_of as track_verdict;
pub use weights::Weights;
pub use work::{CandidatePairs, candidate_pairs};
