//! Verdicts become CSV, GeoJSON, an HTML map and a summary; the one crate that knows the columns.
