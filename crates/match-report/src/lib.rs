//! Verdicts become CSV, JSON lines, GeoJSON, an HTML map and a summary: the one crate that knows the columns.
//!
//! A table is declared once, as its columns and a function from a row to cells; the writers know nothing of its meaning.
//! Start at [`write_matches`]. Reports are pure functions of their input: no clock, no order of a hash map.

mod coverage_table;
mod error;
mod figures;
mod geojson;
mod html;
mod matches_table;
mod output_file;
mod report;
mod scan_table;
mod sequences_table;
mod shifts_table;
mod summary;
mod table;

pub use coverage_table::{CoverageRow, write_coverage};
pub use error::ReportError;
pub use geojson::write_matches_geojson;
pub use html::write_report_html;
pub use matches_table::write_matches;
pub use output_file::OutputFile;
pub use report::Report;
pub use scan_table::write_scan;
pub use sequences_table::write_sequences;
pub use shifts_table::write_shifts;
pub use summary::{Counts, Summary, write_summary};
pub use table::{CsvStyle, OutputKind};
