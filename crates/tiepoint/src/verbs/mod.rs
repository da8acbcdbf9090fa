//! One file a verb.

pub(crate) mod annotate;
pub(crate) mod cache;
pub(crate) mod coverage;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod match_tables;
pub(crate) mod plan;
pub(crate) mod reconcile;
pub(crate) mod review;
pub(crate) mod scan;
pub(crate) mod shell;
pub(crate) mod simulate;
pub(crate) mod tiles;
pub(crate) mod track;
pub(crate) mod verify;

use crate::arguments::{FailOn, Matching};
use image_matcher::{TrackOutcome, TrackVerdict};
use match_report::{Counts, Report};

/// The exit code that `--fail-on` asks for: the lowest that applies, else 0.
pub(crate) fn fail_on_code(matching: &Matching, report: &Report<'_>) -> u8 {
    let wanted = &matching.fail_on;
    let counts = Counts::of(report);
    let has = |status: &str| counts.status.get(status).copied().unwrap_or(0) > 0;
    // Of photos that cannot be published nothing is missing.
    let with_photos = |&(track, _): &(usize, &TrackOutcome)| !report.images.rows_of(track).is_empty();
    let sequences = report.outcome.tracks.iter().enumerate().filter(with_photos);
    let verdicts: Vec<TrackVerdict> = sequences.map(|(_, told)| told.verdict).collect();
    let applies = |cause: FailOn| match cause {
        FailOn::Unmatched => has("unmatched"),
        FailOn::Ambiguous => has("ambiguous"),
        FailOn::Unpublished => {
            let is_missing = [TrackVerdict::NotFound, TrackVerdict::PartlyPublished, TrackVerdict::Processing];
            verdicts.iter().any(|verdict| is_missing.contains(verdict))
        }
        FailOn::Failed => verdicts.contains(&TrackVerdict::Failed),
        FailOn::Moved => report.moved_images(matching.limit.0) > 0,
    };
    let mut codes: Vec<u8> = wanted.iter().filter(|cause| applies(**cause)).map(|cause| cause.exit_code()).collect();
    codes.sort_unstable();
    codes.first().copied().unwrap_or(0)
}
