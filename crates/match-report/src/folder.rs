//! A folder of reports, read back: what `reconcile` and `match --out` wrote becomes typed rows again.
//!
//! Columns are found by name, so further ones and another order do no harm, and a column that somebody deleted is read as
//! unknown unless a row means nothing without it. A cell that cannot be what its column says is an error that names the
//! file, the line and the column: a report is the ground of later steps (write-back, deletion), so nothing is guessed.
//!
//! The guard against spreadsheets is undone: a leading `'` before `= + - @`, TAB, CR or NUL is dropped from cells that
//! hold somebody's words. A report written with `--no-csv-guard` reads the same, except for words that begin so by
//! themselves.

mod records;
mod rows;

pub use records::{MatchRecord, SequenceRecord, ShiftRecord};
pub use rows::Records;

use crate::Table;
use rows::Record;
use std::path::{Path, PathBuf};

const MATCHES: &str = "matches.csv";
const SEQUENCES: &str = "sequences.csv";
const SHIFTS: &str = "shifts.csv";

/// Why a report cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// There is no such folder, or it holds no report.
    #[error(
        "{} holds no matches.csv: name a folder that `tiepoint reconcile PATH --out DIR` or `tiepoint match … --out DIR` \
         wrote", folder.display()
    )]
    NoReport {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of the report is not there.
    #[error("{} is not there; `tiepoint reconcile PATH --out DIR` writes it", file.display())]
    NoFile {
        /// The file.
        file: PathBuf,
    },
    /// A file cannot be opened or read on.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A column is missing without which no row means anything.
    #[error("{}: no column `{column}` in its header; is it a report of Tiepoint?", file.display())]
    NoColumn {
        /// The file.
        file: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// A row that cannot be split into cells.
    #[error("{} line {line}: {detail}; run the command that wrote it again", file.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        detail: String,
    },
    /// A cell that is not what its column says.
    #[error("{} line {line}, column `{column}`: {text:?} is not {wanted}", file.display())]
    Cell {
        /// The file.
        file: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// The column.
        column: &'static str,
        /// The cell, cut to 40 characters.
        text: String,
        /// What it should be.
        wanted: &'static str,
    },
}

impl FolderError {
    /// Whether something is there that makes no sense (rather than nothing to read).
    pub fn is_broken_input(&self) -> bool {
        matches!(self, Self::NoColumn { .. } | Self::Broken { .. } | Self::Cell { .. })
    }
}

/// A folder that `reconcile` or `match --out` wrote.
///
/// ```no_run
/// use match_report::ReportFolder;
/// let folder = ReportFolder::open("tiepoint-out".as_ref())?;
/// for row in folder.matches()? {
///     let row = row?;
///     println!("{} is {} ({})", row.path, row.status, row.reason);
/// }
/// # Ok::<(), match_report::FolderError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReportFolder {
    folder: PathBuf,
}

impl ReportFolder {
    /// Finds the report of a folder; its files are read when they are asked for.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        if folder.join(MATCHES).is_file() {
            return Ok(Self { folder: folder.to_owned() });
        }
        Err(FolderError::NoReport { folder: folder.to_owned() })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// A row per local file, in the order of the report, one at a time.
    pub fn matches(&self) -> Result<Records<MatchRecord>, FolderError> {
        self.records(MATCHES, Table::Matches)
    }

    /// A row per local sequence.
    pub fn sequences(&self) -> Result<Records<SequenceRecord>, FolderError> {
        self.records(SEQUENCES, Table::Sequences)
    }

    /// A row per published image of the sequences that hold a match. `match --out` writes none: see
    /// [`Self::has_shifts`].
    pub fn shifts(&self) -> Result<Records<ShiftRecord>, FolderError> {
        self.records(SHIFTS, Table::Shifts)
    }

    /// Whether the folder holds `shifts.csv`.
    pub fn has_shifts(&self) -> bool {
        self.folder.join(SHIFTS).is_file()
    }

    fn records<R: Record>(&self, name: &str, table: Table) -> Result<Records<R>, FolderError> {
        Records::open(self.folder.join(name), table)
    }
}

/// Reads a table of moves that stands by itself: what `verify -o` wrote, or the `shifts.csv` of a report.
pub fn read_shifts(file: &Path) -> Result<Records<ShiftRecord>, FolderError> {
    Records::open(file.to_owned(), Table::Shifts)
}

#[cfg(test)]
mod tests;
