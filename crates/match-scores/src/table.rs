//! The table of the documents.

use crate::Tally;

/// Its head.
pub const HEADER: &str = "| scenario | photos | decidable | precision | recall | ambiguous | held back | wrong | worst wrong p | reused ids | ECE | requests |\n|---|---|---|---|---|---|---|---|---|---|---|---|";

/// One line of it; `by_route` is the same scenario over the loopback service.
pub fn row(name: &str, tally: &Tally, by_route: Option<&Tally>) -> String {
    let figures = tally.figures();
    let requests = by_route.and_then(|route| route.figures().requests).map_or(String::new(), |n| format!("{n:.2}"));
    format!(
        "| {name} | {} | {} | {:.4} | {:.4} | {:.4} | {:.4} | {} | {:.4} | {} | {:.4} | {requests} |",
        tally.photos,
        tally.decidable,
        figures.precision,
        figures.recall,
        figures.ambiguous,
        figures.held_back,
        tally.matched - tally.right,
        tally.worst_wrong,
        tally.reused,
        figures.calibration_error,
    )
}
