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
use match_report::{Counts, Report};

/// The exit code that `--fail-on` asks for: the lowest that applies, else 0.
pub(crate) fn fail_on_code(matching: &Matching, report: &Report<'_>) -> u8 {
    let wanted = &matching.fail_on;
    let counts = Counts::of(report);
    let has = |status: &str| counts.status.get(status).copied().unwrap_or(0) > 0;
    let has_sequence = |verdict: &str| counts.sequences.get(verdict).copied().unwrap_or(0) > 0;
    let applies = |cause: FailOn| match cause {
        FailOn::Unmatched => has("unmatched"),
        FailOn::Ambiguous => has("ambiguous"),
        FailOn::Unpublished => {
            has_sequence("not_found") || has_sequence("partly_published") || has_sequence("processing")
        }
        FailOn::Failed => has_sequence("failed"),
        FailOn::Moved => report.moved_images(matching.limit.0) > 0,
    };
    let mut codes: Vec<u8> = wanted.iter().filter(|cause| applies(**cause)).map(|cause| cause.exit_code()).collect();
    codes.sort_unstable();
    codes.first().copied().unwrap_or(0)
}
