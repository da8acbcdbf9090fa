//! Tables of local photos: CSV, JSON lines, JSON arrays; columns by their many names.
//!
//! # Method
//! Every format is turned into rows of text cells under a header (`rows`); one reader of rows (`local`) knows what the
//! columns mean. A cell that cannot be understood is an error with line, column and value, and up to ten are named at once;
//! a cell that is empty, NaN or off the globe is a fact about that photo, whose row becomes `rejected/no_place`.

mod clusters;
mod columns;
mod csv_rows;
mod format;
mod json_rows;
mod local;
mod marked_rows;
mod marks;
mod pieces;
mod plain;
mod quotes;
mod row;

pub use clusters::{ClusterRow, join_clusters, read_cluster_table};
pub(crate) use columns::{Columns, Known};
pub use format::{OpenTable, TableFormat};
pub(crate) use json_rows::text_of;
pub(crate) use local::read_local_table;
pub(crate) use marked_rows::MarkedRows;
pub(crate) use plain::{CutCells, MarkedCells, PlainCells, TypedCells, is_same};
pub(crate) use row::Row;

use crate::errors::{BadCell, MOST_BAD_CELLS, TableError};
use capture_model::{TypedRows, Wanted};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Whether a file is a table by its ending.
pub(crate) fn is_table(path: &Path, format: Option<&dyn TableFormat>) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    format.is_some_and(|format| format.is_of(path))
        || ending.is_some_and(|ending| {
            ["csv", "jsonl", "ndjson", "json"].iter().any(|known| ending.eq_ignore_ascii_case(known))
        })
}

/// What reads a table: told the header once, then each row.
pub(crate) trait RowReader {
    /// The header. In JSON it grows with new keys and is told again; a column is missing only if it is so at the end.
    fn header(&mut self, names: &[&str]) -> Result<(), MissingColumn>;
    /// Whether and how it reads a column of the header; those that it does not want may come empty.
    fn wants(&self, _column: usize) -> Wanted {
        Wanted::Text
    }
    /// One row; cells that cannot be understood go to `bad`.
    fn row(&mut self, row: &Row<'_>, bad: &mut BadCells);
    /// Whether it may take rows of CSV column by column.
    fn takes_plain_rows(&self) -> bool {
        false
    }
    /// Takes rows of CSV column by column, or leaves all of them to [`RowReader::plain_row`] and says so by `None`.
    fn plain_rows(&mut self, _rows: &MarkedRows<'_>) -> Option<()> {
        None
    }
    /// Takes a row of CSV without quotes that has a cell for each column, or leaves it to [`RowReader::row`] and says so by
    /// `None`.
    fn plain_row(&mut self, _cells: MarkedCells<'_>) -> Option<()> {
        None
    }
    /// Takes rows of a table with types column by column, or leaves all of them to [`RowReader::row`] and says so by `false`.
    fn take_columns(&mut self, _rows: &TypedRows<'_>) -> bool {
        false
    }
}

/// A reader of rows of which many work at once, each on a part of the table.
pub(crate) trait PartReader: RowReader + Send + Sync + Sized {
    /// A reader under the same header that has read nothing.
    fn part(&self) -> Self;
    /// Takes over what the reader of the following rows has read, and leaves it as one that has read nothing.
    fn append(&mut self, part: &mut Self);
    /// How many rows it has read.
    fn n_rows(&self) -> usize {
        0
    }
    /// Makes room for so many rows more, if there is any: columns that grow bit by bit are moved again and again.
    fn expect_rows(&mut self, _n_rows: usize) {}
}

/// No column of the accepted names.
#[derive(Debug)]
pub(crate) struct MissingColumn {
    pub(crate) missing: String,
}

/// Cells that cannot be understood: the first ten, and how many.
#[derive(Debug, Default)]
pub(crate) struct BadCells {
    first: Vec<BadCell>,
    n_bad: u64,
}

impl BadCells {
    pub(crate) fn add(&mut self, line: u64, column: &str, value: &str) {
        if self.first.len() < MOST_BAD_CELLS {
            self.first.push(BadCell::new(line, column, value));
        }
        self.n_bad += 1;
    }

    /// Takes over those of the following rows.
    fn append(&mut self, following: Self) {
        let room = MOST_BAD_CELLS - self.first.len();
        self.first.extend(following.first.into_iter().take(room));
        self.n_bad += following.n_bad;
    }
}

/// Why the rows end early.
#[derive(Debug)]
pub(crate) enum RowsError {
    Io(std::io::Error),
    Missing { column: MissingColumn, found: String },
    Broken { line: u64, column: String, detail: String },
}

impl RowsError {
    /// The same where lines were counted from one, which stands on a line of the table.
    fn behind(self, first: u64) -> Self {
        match self {
            Self::Broken { line, column, detail } => Self::Broken { line: first + line, column, detail },
            other => other,
        }
    }
}

/// Reads a table by its ending and first bytes into a reader of rows.
pub(crate) fn read_table<P: PartReader>(
    path: &Path,
    format: Option<&dyn TableFormat>,
    reader: &mut P,
) -> Result<(), TableError> {
    if let Some(format) = format.filter(|format| format.is_of(path)) {
        let mut bad = BadCells::default();
        format::read_rows(path, &*format.open(path)?, reader, &mut bad)?;
        return finish(path, Ok(()), bad);
    }
    let read = |source| TableError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read)?;
    let mut bad = BadCells::default();
    let is_csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    let result = if is_csv {
        let n_bytes = file.metadata().map_or(0, |known| known.len()); // 0 for what is no file
        csv_rows::read_csv(file, n_bytes, reader, &mut bad)
    } else {
        json_rows::read_json(BufReader::with_capacity(256 * 1024, file), reader, &mut bad)
    };
    finish(path, result, bad)
}

/// What comes of a streamed list of JSON.
pub(crate) fn finish_json(
    path: &Path,
    streamed: Result<(), serde_json::Error>,
    bad: BadCells,
) -> Result<(), TableError> {
    finish(path, streamed.map_err(|error| json_rows::broken(&error)), bad)
}

fn finish(path: &Path, result: Result<(), RowsError>, bad: BadCells) -> Result<(), TableError> {
    let path: PathBuf = path.to_owned();
    match result {
        Ok(()) if bad.n_bad == 0 => Ok(()),
        Ok(()) => Err(TableError::BadCells { path, bad: bad.first, n_bad: bad.n_bad }),
        Err(RowsError::Io(source)) => Err(TableError::Read { path, source }),
        Err(RowsError::Missing { column, mut found }) => {
            // one column whose name holds the marks of several
            let mark = [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")]
                .into_iter()
                .find(|(mark, _)| found.contains(*mark));
            if let (Some((_, marks)), false) = (mark, found.contains(',')) {
                found = format!("{found} (they are separated by {marks}: save the table with commas)");
            }
            Err(TableError::MissingColumn { path, missing: column.missing, found })
        }
        Err(RowsError::Broken { line, column, detail }) => Err(TableError::Broken { path, line, column, detail }),
    }
}

#[cfg(test)]
mod tests;
