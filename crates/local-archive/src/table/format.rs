//! Tables in formats that this crate does not know, such as Parquet: whoever knows one hands it in.

use super::{BadCells, PartReader, Row, RowsError};
use crate::errors::TableError;
use rayon::prelude::*;
use std::fmt::Debug;
use std::path::Path;

/// A format of tables that is known elsewhere.
pub trait TableFormat: Debug + Send + Sync {
    /// Whether a file is of this format, by its name.
    fn is_of(&self, path: &Path) -> bool;
    /// Opens a file and learns its columns.
    fn open(&self, path: &Path) -> Result<Box<dyn OpenTable>, TableError>;
}

/// A table whose rows can be read as text cells.
pub trait OpenTable: Send + Sync {
    /// Names of the columns.
    fn names(&self) -> &[String];
    /// How many parts it has, in the order of the rows.
    fn n_parts(&self) -> usize;
    /// Reads one part: `row` is told the number of each row, from 1, and a cell for each column. Cells of columns that are
    /// not `wanted` may be empty.
    fn read_part(
        &self,
        part: usize,
        wanted: &dyn Fn(usize) -> bool,
        row: &mut dyn FnMut(u64, &[&str]),
    ) -> Result<(), TableError>;
}

/// Hands all rows to a reader of rows; parts are read by all cores and put together in their order.
pub(super) fn read_rows<P: PartReader>(
    path: &Path,
    table: &dyn OpenTable,
    reader: &mut P,
    bad: &mut BadCells,
) -> Result<(), TableError> {
    let names: Vec<&str> = table.names().iter().map(String::as_str).collect();
    if let Err(column) = reader.header(&names) {
        return super::finish(path, Err(RowsError::Missing { column, found: names.join(", ") }), BadCells::default());
    }
    let model = reader.part();
    let read = |part: usize| {
        let (mut rows, mut bad) = (model.part(), BadCells::default());
        table.read_part(part, &|column| model.wants(column), &mut |line, cells| {
            rows.row(&Row { line, cells }, &mut bad);
        })?;
        Ok((rows, bad))
    };
    let parts: Vec<usize> = (0..table.n_parts()).collect();
    for batch in parts.chunks(2 * rayon::current_num_threads()) {
        let done: Vec<Result<(P, BadCells), TableError>> = batch.par_iter().map(|&part| read(part)).collect();
        for part in done {
            let (mut rows, part_bad) = part?;
            reader.append(&mut rows);
            bad.append(part_bad);
        }
    }
    Ok(())
}
