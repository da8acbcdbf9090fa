//! The parallel R-tree matcher: which published image is my photo, one to one, with doubt stated.

mod outcome;

pub use outcome::{
    Candidate, ClockKind, ClockOffset, Lists, Lookup, MatchOutcome, MatchSettings, TrackOutcome, TrackVerdict, Verdict,
};
