//! Verdicts become CSV, JSON lines, GeoJSON, an HTML map and a summary: the one crate that knows the columns.
//!
//! A table is declared once, as its columns and how a row fills each; the writers know nothing of its meaning, and any
//! [`TableSink`] can take it. Start at [`write_matches`]; what was written is read back by [`ReportFolder`]. Reports are pure functions of their input: no clock, no order of
//! a hash map; durations stand in the [`Summary`] alone.

mod contract;
mod coverage_table;
mod decisions;
mod error;
mod evidence_file;
mod figures;
mod folder;
mod geojson;
mod gpx;
mod html;
mod lists;
mod matches_table;
mod output_file;
mod redaction;
mod report;
mod review_table;
mod scan_table;
mod sequences_table;
mod shift_figures;
mod shifts_table;
mod summary;
mod table;
#[cfg(test)]
mod test_world;
mod uploads_table;
mod video_points_table;
mod words;
mod write_behind;

pub use contract::Table;
pub use coverage_table::{CoverageRow, send_coverage, write_coverage};
pub use decisions::{BY_A_PERSON, Choice, Decision, DecisionError, apply_decisions, read_decisions, write_decisions};
pub use error::ReportError;
pub use evidence_file::{BlockLine, CandidateLine, EvidenceLine, FileLine, WeightsLine, write_evidence};
pub use folder::{FolderError, MatchRecord, Records, ReportFolder, SequenceRecord, ShiftRecord, read_shifts};
pub use geojson::write_matches_geojson;
pub use gpx::write_matches_gpx;
pub use html::{Basemap, write_report_html};
pub use lists::FileList;
pub use matches_table::{send_matches, write_matches};
pub use output_file::{OutputFile, sweep};
pub use redaction::Redaction;
pub use report::{Report, TrackUpload};
pub use review_table::{ReviewRow, for_each_evidence, review_rows, write_review};
pub use scan_table::{send_scan, write_scan};
pub use sequences_table::{send_sequences, write_sequences};
pub use shift_figures::{DeviceFigures, ShiftFigures, SpreadFigures};
pub use shifts_table::{
    send_report_shifts, send_shifts, send_shifts_by_sequence, write_shifts, write_shifts_by_sequence,
};
pub use summary::{Counts, Summary, write_summary};
pub use table::{Cell, ColumnInfo, CsvRows, CsvStyle, Kind, OtherTables, OutputKind, TableSink, write_table};
pub use uploads_table::{UploadRow, send_uploads, write_uploads};
pub use video_points_table::send_video_points;
pub use words::{meaning, next_step};
