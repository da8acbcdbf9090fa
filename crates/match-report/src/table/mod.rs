//! What a table is: columns declared once, each with its name, the kind of its values, its meaning, and how a row fills it.
//!
//! A table is a list of [`Column`]s over some type of row; a [`TableSink`] takes the cells and knows nothing of their
//! meaning. CSV and JSON lines are sinks here; other formats are sinks elsewhere, from the same declarations.

mod cell;
mod csv_sink;
mod digits;
mod json_lines;

pub use cell::{Cell, Kind};
pub use csv_sink::CsvStyle;
pub(crate) use csv_sink::{CsvSink, GUARDED};
pub(crate) use json_lines::{JsonLinesSink, Keys, write_members};

use crate::{ReportError, Table};
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

/// What takes a table: its columns, then row after row, then the end.
pub trait TableSink {
    /// The columns, before any row.
    fn begin(&mut self, columns: &[ColumnInfo]) -> Result<(), ReportError>;
    /// One row: a cell for each column, in their order.
    fn row(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) -> Result<(), ReportError>;
    /// No row follows.
    fn finish(&mut self) -> Result<(), ReportError>;
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

/// Hands a sink of the kind to whoever sends the table; a table has no GeoJSON form.
pub fn write_table(
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
    send: impl FnOnce(&mut dyn TableSink) -> Result<(), ReportError>,
) -> Result<(), ReportError> {
    match kind {
        OutputKind::Csv => send(&mut CsvSink::new(style, out)),
        OutputKind::JsonLines => send(&mut JsonLinesSink::new(out)),
        OutputKind::GeoJson => Err(ReportError::NotADrawing),
    }
}

#[cfg(test)]
mod tests;
