//! Tables in formats that this crate does not know, such as Parquet: whoever knows one hands it in.

use super::{BadCells, PartReader, Row, RowsError};
use crate::errors::TableError;
use capture_model::{TypedRows, Wanted};
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

/// A table whose cells can be read: text, and numbers where they are wanted so.
pub trait OpenTable: Send + Sync {
    /// Names of the columns.
    fn names(&self) -> &[String];
    /// How many parts it has, in the order of the rows.
    fn n_parts(&self) -> usize;
    /// Reads one part, some rows at a time; cells of columns that are not `wanted` may be empty.
    fn read_part(
        &self,
        part: usize,
        wanted: &dyn Fn(usize) -> Wanted,
        rows: &mut dyn FnMut(&TypedRows<'_>),
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
    let model = reader.part(); // knows the header and nothing else
    let read = |part: usize, reader: &mut P| {
        let mut bad = BadCells::default();
        table.read_part(part, &|column| model.wants(column), &mut |rows| {
            if !reader.take_columns(rows) {
                rows.each(&mut |line, cells, numbers| reader.row(&Row::of_types(line, cells, numbers), &mut bad));
            }
        })?;
        Ok(bad)
    };
    let parts: Vec<usize> = (0..table.n_parts()).collect();
    let mut emptied: Vec<P> = Vec::new(); // their memory is used again: touching new memory costs as much as filling it
    for batch in parts.chunks(rayon::current_num_threads()) {
        let (&first, others) = batch.split_first().expect("chunks are not empty");
        emptied.resize_with(others.len(), || reader.part());
        // the first part goes where all will be
        let (first, others): (Result<BadCells, TableError>, Vec<Result<BadCells, TableError>>) = rayon::join(
            || read(first, reader),
            || others.par_iter().zip(&mut emptied).map(|(&part, rows)| read(part, rows)).collect(),
        );
        bad.append(first?);
        for (part_bad, rows) in others.into_iter().zip(&mut emptied) {
            bad.append(part_bad?);
            reader.append(rows);
        }
    }
    Ok(())
}
