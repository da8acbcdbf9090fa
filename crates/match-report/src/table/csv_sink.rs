//! CSV: UTF-8, RFC 4180, LF, a header always.
//!
//! Quoting does not keep a spreadsheet from running a cell that begins with `=` (CWE-1236), so cells that hold somebody's
//! words get a leading `'` where they begin with `= + - @`, TAB, CR or NUL. Numbers and validated ids never do: longitudes
//! west of Greenwich begin with `-`.

use crate::ReportError;
use crate::table::digits::CellText;
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

/// Text that is held before it goes out.
const HELD: usize = 64 << 10;

pub(crate) struct CsvSink<'w> {
    out: &'w mut dyn Write,
    style: CsvStyle,
    columns: Vec<ColumnInfo>,
    text: Vec<u8>,
}

impl<'w> CsvSink<'w> {
    pub(crate) fn new(style: CsvStyle, out: &'w mut dyn Write) -> Self {
        Self { out, style, columns: Vec::new(), text: Vec::new() }
    }

    /// Ends a row that begins at a byte of the text.
    fn end_row(&mut self, start: usize) -> Result<(), ReportError> {
        if self.text.len() == start && self.columns.len() == 1 {
            self.text.extend_from_slice(b"\"\""); // an empty line would be none
        }
        self.text.push(b'\n');
        if self.text.len() >= HELD {
            self.out.write_all(&self.text)?;
            self.text.clear();
        }
        Ok(())
    }
}

impl TableSink for CsvSink<'_> {
    fn begin(&mut self, columns: &[ColumnInfo]) -> Result<(), ReportError> {
        self.columns = columns.to_vec();
        let start = self.text.len();
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                self.text.push(b',');
            }
            push_field(column.name, "", &mut self.text);
        }
        self.end_row(start)
    }

    fn row(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) -> Result<(), ReportError> {
        let start = self.text.len();
        for (at, (column, cell)) in self.columns.iter().zip(cells).enumerate() {
            if at > 0 {
                self.text.push(b',');
            }
            match &cell {
                Cell::Text(text) => {
                    let is_guarded = self.style.guard && cell.needs_guard(column.kind, &GUARDED);
                    push_field(text, if is_guarded { "'" } else { "" }, &mut self.text);
                }
                _ => cell.put(column.kind, &mut self.text), // nothing in a number needs quotes
            }
        }
        self.end_row(start)
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.out.write_all(&self.text)?;
        self.text.clear();
        Ok(self.out.flush()?)
    }
}

/// Appends a text behind its guard, in quotes where it needs them.
fn push_field(text: &str, guard: &str, out: &mut Vec<u8>) {
    // all marks come before `-`, which most texts have none of; one test without a branch looks at many bytes at once
    let may_need_quotes = text.bytes().fold(0, |any, byte| any | u8::from(byte < b'-')) > 0;
    let needs_quotes = may_need_quotes && text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n'));
    if !needs_quotes {
        out.text(guard);
        return out.text(text);
    }
    out.push(b'"');
    out.text(guard);
    for (at, part) in text.split('"').enumerate() {
        if at > 0 {
            out.text("\"\"");
        }
        out.text(part);
    }
    out.push(b'"');
}
