//! Why a scan ends without an archive: nothing to read, or an input that is broken beyond a row.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Bad cells that one error names; the rest are counted.
pub(crate) const MOST_BAD_CELLS: usize = 10;

/// Why a scan has no result. One bad photo never is.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// A PATH does not exist.
    #[error("there is no {}; give a folder of photos, a photo, a description file, or a table", path.display())]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// The upload history that was named does not exist.
    #[error("there is no upload history {}; give the folder in which mapillary_tools keeps it, or `none`", path.display())]
    NoHistory {
        /// The path as given.
        path: PathBuf,
    },
    /// A PATH may not be read.
    #[error("cannot read {}; check its permissions", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A PATH is neither folder, photo nor table.
    #[error(
        "{} is no input: give a folder, a photo (jpg, jpeg, heic, heif, avif, png, webp, tif, tiff) or a table \
         (.csv, .jsonl, .json)", path.display()
    )]
    NotAnInput {
        /// The path as given.
        path: PathBuf,
    },
    /// There is no photo, no row and no entry in any PATH.
    #[error("nothing to read in {}: no photo and no row of a table", list(paths))]
    Nothing {
        /// The paths as given.
        paths: Vec<PathBuf>,
    },
    /// A table, a description file or a GPX track is broken.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl ScanError {
    /// Whether an input is broken (exit code 4), rather than absent, empty or forbidden (3).
    pub fn is_broken_input(&self) -> bool {
        matches!(self, Self::Table(error) if error.is_broken_input())
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// A cell of a known column that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCell {
    /// Line of the file, from 1.
    pub line: u64,
    /// Name of the column as the file writes it.
    pub column: String,
    /// The offending value, cut to 60 characters.
    pub value: String,
}

impl BadCell {
    pub(crate) fn new(line: u64, column: &str, value: &str) -> Self {
        Self { line, column: column.to_owned(), value: value.chars().take(60).collect() }
    }
}

impl fmt::Display for BadCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {:?}", self.line, self.column, self.value)
    }
}

/// Why a table has no result.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The file cannot be opened or read to its end.
    #[error("cannot read {}; check that it exists and may be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Columns without which a row means nothing.
    #[error("{} has no column {missing}; its columns are {found}", path.display())]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The accepted names.
        missing: String,
        /// The names that are there.
        found: String,
    },
    /// Cells that cannot be understood.
    #[error("{}: {}{}; correct them, or leave them empty where the value is unknown", path.display(), cells(bad), more(bad, *n_bad))]
    BadCells {
        /// The file.
        path: PathBuf,
        /// The first ten.
        bad: Vec<BadCell>,
        /// How many there are.
        n_bad: u64,
    },
    /// A table of a further format that makes no sense to it.
    #[error("{}: {detail}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// Broken quoting, broken JSON, text that is not UTF-8.
    #[error("{}, line {line}, column {column}: {detail}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column: its name, or the place in the line from 1.
        column: String,
        /// What is wrong, with the value.
        detail: String,
    },
}

impl TableError {
    /// Whether the file is broken (exit code 4), rather than absent or forbidden (3).
    pub fn is_broken_input(&self) -> bool {
        !matches!(self, Self::Read { .. })
    }
}

fn cells(bad: &[BadCell]) -> String {
    let told: Vec<String> = bad.iter().map(BadCell::to_string).collect();
    format!("{} cannot be read", told.join("; "))
}

fn more(bad: &[BadCell], n_bad: u64) -> String {
    match n_bad - bad.len() as u64 {
        0 => String::new(),
        more => format!(", and {more} more"),
    }
}
