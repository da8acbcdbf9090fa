//! CSV: UTF-8, RFC 4180, LF, a header always.
//!
//! Quoting does not keep a spreadsheet from running a cell that begins with `=` (CWE-1236), so cells that hold somebody's
//! words get a leading `'` where they begin with `= + - @`, TAB, CR or NUL. Numbers and validated ids never do: longitudes
//! west of Greenwich begin with `-`.

use crate::ReportError;
use crate::table::{Cell, ColumnInfo, TableSink};
use std::io::Write;

/// With what a formula may begin.
pub(crate) const GUARDED: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\0'];

/// How CSV is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvStyle {
    /// Whether text cells are guarded against spreadsheets.
    pub guard: bool,
}

impl Default for CsvStyle {
    fn default() -> Self {
        Self { guard: true }
    }
}

pub(crate) struct CsvSink<'w> {
    writer: csv::Writer<&'w mut dyn Write>,
    style: CsvStyle,
    columns: Vec<ColumnInfo>,
    text: String,
}

impl<'w> CsvSink<'w> {
    pub(crate) fn new(style: CsvStyle, out: &'w mut dyn Write) -> Self {
        let writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(out);
        Self { writer, style, columns: Vec::new(), text: String::new() }
    }
}

impl TableSink for CsvSink<'_> {
    fn begin(&mut self, columns: &[ColumnInfo]) -> Result<(), ReportError> {
        self.columns = columns.to_vec();
        self.writer.write_record(columns.iter().map(|column| column.name)).map_err(stream)
    }

    fn row(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) -> Result<(), ReportError> {
        for (column, cell) in self.columns.iter().zip(cells) {
            self.text.clear();
            if self.style.guard && cell.needs_guard(column.kind, &GUARDED) {
                self.text.push('\'');
            }
            cell.write_to(column.kind, &mut self.text);
            self.writer.write_field(&self.text).map_err(stream)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(stream)
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        Ok(self.writer.flush()?)
    }
}

fn stream(error: csv::Error) -> ReportError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => ReportError::Stream(error),
        other => ReportError::Stream(std::io::Error::other(format!("{other:?}"))),
    }
}
