//! What a table is: columns declared once, each with its name, the kind of its values, its meaning, and how a row fills it.
//!
//! A table is a list of [`Column`]s over some type of row; a [`TableSink`] takes the cells and knows nothing of their
//! meaning. CSV and JSON lines are sinks here; other formats are sinks elsewhere, from the same declarations.

mod cell;
mod csv_line;
mod csv_sink;
mod digits;
mod drawn;
mod json_lines;
mod line_text;

pub use cell::{Cell, Kind};
pub use csv_sink::{CsvRows, CsvStyle};
pub(crate) use csv_sink::{CsvSink, GUARDED};
pub(crate) use json_lines::{JsonLinesSink, Keys, write_members};

use crate::{ReportError, Table};
use rayon::prelude::*;
use std::io::Write;
use std::path::Path;

/// What a file's ending says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// `.csv`
    Csv,
    /// `.jsonl`
    JsonLines,
    /// `.geojson`
    GeoJson,
}

impl OutputKind {
    /// The kind of a file by its ending; `None` for an ending that says nothing.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?.to_ascii_lowercase();
        match ending.as_str() {
            "csv" => Some(Self::Csv),
            "jsonl" => Some(Self::JsonLines),
            "geojson" => Some(Self::GeoJson),
            _ => None,
        }
    }
}

/// One column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name in the header.
    pub name: &'static str,
    /// What its values are, which decides how they are written.
    pub kind: Kind,
    /// What it means, in a line.
    pub doc: &'static str,
}

/// A column and how a row fills it.
pub(crate) struct Column<R> {
    pub(crate) info: ColumnInfo,
    pub(crate) cell: for<'r> fn(&'r R) -> Cell<'r>,
}

/// Declares a column.
pub(crate) const fn column<R>(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    cell: for<'r> fn(&'r R) -> Cell<'r>,
) -> Column<R> {
    Column { info: ColumnInfo { name, kind, doc }, cell }
}

/// What takes the columns of a table one after the other, each with how a row fills it: a list of them, or a row that is
/// written while the compiler knows each column ([`CsvRows::line`]).
pub(crate) trait TakesColumns<R> {
    /// Takes the next column.
    fn column(&mut self, name: &'static str, kind: Kind, doc: &'static str, cell: for<'r> fn(&'r R) -> Cell<'r>);
}

impl<R> TakesColumns<R> for Vec<Column<R>> {
    fn column(&mut self, name: &'static str, kind: Kind, doc: &'static str, cell: for<'r> fn(&'r R) -> Cell<'r>) {
        self.push(column(name, kind, doc, cell));
    }
}

/// What takes a table: its columns, then row after row, then the end.
pub trait TableSink {
    /// The columns, before any row.
    fn begin(&mut self, columns: &[ColumnInfo]) -> Result<(), ReportError>;
    /// One row: a cell for each column, in their order.
    fn row(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) -> Result<(), ReportError>;
    /// No row follows.
    fn finish(&mut self) -> Result<(), ReportError>;
    /// What rows can be made with elsewhere, to be handed to [`TableSink::append`]; `None` where rows must come one by one.
    fn apart(&self) -> Option<CsvRows> {
        None
    }
    /// Rows that were made by what [`TableSink::apart`] gave.
    fn append(&mut self, _rows: &CsvRows) -> Result<(), ReportError> {
        Ok(())
    }
}

/// Writes a table of a report into a folder in a further format; the sender may be asked once.
pub type OtherTables =
    fn(&Path, Table, &mut dyn FnMut(&mut dyn TableSink) -> Result<(), ReportError>) -> Result<(), ReportError>;

/// Names, kinds and meanings of some columns.
pub(crate) fn infos<R>(columns: &[Column<R>]) -> Vec<ColumnInfo> {
    columns.iter().map(|column| column.info).collect()
}

/// Sends a whole table.
pub(crate) fn send<R>(
    columns: &[Column<R>],
    rows: impl Iterator<Item = R>,
    sink: &mut dyn TableSink,
) -> Result<(), ReportError> {
    sink.begin(&infos(columns))?;
    for row in rows {
        sink.row(&mut columns.iter().map(|column| (column.cell)(&row)))?;
    }
    sink.finish()
}

/// Rows that are made at once by one core.
const ROWS_AT_ONCE: usize = 2048;

/// Sends a whole table whose rows are known by number: where the sink allows it, all cores make rows while those made before
/// go out. `add` adds a row with all its cells to them.
pub(crate) fn send_numbered<R>(
    columns: &[Column<R>],
    n_rows: usize,
    row_of: impl Fn(usize) -> R,
    add: impl Fn(usize, &mut CsvRows) + Sync,
    sink: &mut dyn TableSink,
) -> Result<(), ReportError> {
    sink.begin(&infos(columns))?;
    if sink.apart().is_none() {
        for row in (0..n_rows).map(row_of) {
            sink.row(&mut columns.iter().map(|column| (column.cell)(&row)))?;
        }
        return sink.finish();
    }
    let starts: Vec<usize> = (0..n_rows).step_by(ROWS_AT_ONCE).collect();
    let (mut made, mut next): (Vec<CsvRows>, Vec<CsvRows>) = (Vec::new(), Vec::new());
    let make = |start: usize, rows: &mut CsvRows| {
        rows.clear();
        (start..n_rows.min(start + ROWS_AT_ONCE)).for_each(|row| add(row, rows));
    };
    let mut batches = starts.chunks(2 * rayon::current_num_threads());
    loop {
        let batch = batches.next().unwrap_or_default();
        next.truncate(batch.len());
        while next.len() < batch.len() {
            next.extend(sink.apart());
        }
        let written = rayon::in_place_scope(|scope| {
            let (next, make) = (&mut next, &make);
            scope.spawn(move |_| next.par_iter_mut().zip(batch).for_each(|(rows, &start)| make(start, rows)));
            made.iter().try_for_each(|rows| sink.append(rows))
        });
        written?;
        if batch.is_empty() {
            return sink.finish();
        }
        std::mem::swap(&mut made, &mut next);
    }
}

/// Hands a sink of the kind to whoever sends the table; only a table with places has a GeoJSON form.
pub fn write_table(
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
    send: impl FnOnce(&mut dyn TableSink) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    match kind {
        OutputKind::Csv => send(&mut CsvSink::new(style, out)),
        OutputKind::JsonLines => send(&mut JsonLinesSink::new(out)),
        OutputKind::GeoJson => send(&mut drawn::DrawingSink::new(out)?),
    }
}

#[cfg(test)]
mod tests;
