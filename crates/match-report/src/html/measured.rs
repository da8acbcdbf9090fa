//! What stated probabilities were worth where the truth is known: the points of `docs/reliability.svg`, which
//! `cargo xtask score` draws. A run of real photos has no truth, so its page shows this beside what it states itself.

use serde_json::{Value, json};

const DIAGRAM: &str = include_str!("../../../../docs/reliability.svg");

/// Of each bin of the diagram: rows, the mean probability that was given, the share that was true.
pub(super) fn measured() -> Vec<Value> {
    DIAGRAM.split("<title>").filter_map(point).map(|(rows, said, was_true)| json!([rows, said, was_true])).collect()
}

/// `900 rows, said 0.5000, true 0.5000</title>…`
fn point(text: &str) -> Option<(u64, f64, f64)> {
    let (text, _) = text.split_once("</title>")?;
    let (rows, rest) = text.split_once(" rows, said ")?;
    let (said, was_true) = rest.split_once(", true ")?;
    Some((rows.parse().ok()?, said.parse().ok()?, was_true.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_what_was_measured() {
        assert_eq!(point("900 rows, said 0.5000, true 0.4900</title><rect/>"), Some((900, 0.5, 0.49)));
        assert_eq!(point("Reliability of the matcher's probabilities</title>"), None);
        let points = measured();
        let rows: u64 = points.iter().filter_map(|point| point[0].as_u64()).sum();
        assert!(points.len() >= 3 && rows > 10_000, "{points:?}");
        let title = format!("{rows} rows with a probability");
        assert!(DIAGRAM.contains(&title), "all points of the diagram are read: {title}");
    }
}
