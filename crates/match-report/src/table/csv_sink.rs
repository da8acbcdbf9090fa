//! CSV: UTF-8, RFC 4180, LF, a header always.
//!
//! Quoting does not keep a spreadsheet from running a cell that begins with `=` (CWE-1236), so cells that hold somebody's
//! words get a leading `'` where they begin with `= + - @`, TAB, CR or NUL. Numbers and validated ids never do: longitudes
//! west of Greenwich begin with `-`.

use crate::ReportError;
use crate::table::csv_line::{Line, Memo};
use crate::table::line_text::Near;
use crate::table::{Cell, ColumnInfo, TableSink};
use std::borrow::Cow;
use std::io::Write;

/// With what a formula may begin.
pub(crate) const GUARDED: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\0'];

/// Whether a first byte is one of them.
pub(crate) fn may_begin_formula(first: u8) -> bool {
    matches!(first, b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | 0)
}

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
    rows: CsvRows,
}

impl<'w> CsvSink<'w> {
    pub(crate) fn new(style: CsvStyle, out: &'w mut dyn Write) -> Self {
        Self { out, rows: CsvRows::new(style, &[]) }
    }

    fn write(&mut self, least: usize) -> Result<(), ReportError> {
        if self.rows.text.len() >= least {
            self.out.write_all(&self.rows.text)?;
            self.rows.text.clear();
        }
        Ok(())
    }
}

impl TableSink for CsvSink<'_> {
    fn begin(&mut self, columns: &[ColumnInfo]) -> Result<(), ReportError> {
        self.rows = CsvRows::new(self.rows.style, columns);
        self.rows.add_header();
        self.write(HELD)
    }

    fn row(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) -> Result<(), ReportError> {
        self.rows.add(cells);
        self.write(HELD)
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        self.write(0)?;
        Ok(self.out.flush()?)
    }

    fn apart(&self) -> Option<CsvRows> {
        Some(CsvRows::new(self.rows.style, &self.rows.columns))
    }

    fn append(&mut self, rows: &CsvRows) -> Result<(), ReportError> {
        self.write(0)?;
        Ok(self.out.write_all(&rows.text)?)
    }
}

/// Rows of a table as CSV: text that can be made in many places at once and put together.
#[derive(Debug)]
pub struct CsvRows {
    style: CsvStyle,
    columns: Vec<ColumnInfo>,
    text: Vec<u8>,
    near: Near,
    memo: Memo,
}

impl CsvRows {
    pub(crate) fn new(style: CsvStyle, columns: &[ColumnInfo]) -> Self {
        Self { style, columns: columns.to_vec(), text: Vec::new(), near: Near::default(), memo: Memo::default() }
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Forgets all rows.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
    }

    /// Adds the names of the columns.
    fn add_header(&mut self) {
        let names: Vec<_> = self.columns.iter().map(|column| field(column.name, "")).collect();
        self.text.extend_from_slice(names.join(",").as_bytes());
        self.text.push(b'\n');
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) {
        let start = self.text.len();
        let mut line = Line::behind(&mut self.text, &mut self.near, &mut self.memo, self.style.guard);
        for (column, cell) in self.columns.iter().zip(cells) {
            line.put(&cell, column.kind);
        }
        line.end();
        if self.text.len() == start + 1 && self.columns.len() == 1 {
            self.text.splice(start..start, *b"\"\""); // an empty line would be none
        }
    }

    /// Begins a row of more than one column: whoever hands it all of them ends it.
    #[inline]
    pub(crate) fn line(&mut self) -> Line<'_> {
        Line::behind(&mut self.text, &mut self.near, &mut self.memo, self.style.guard)
    }
}

/// A text behind its guard, in quotes where it needs them.
pub(super) fn field<'a>(text: &'a str, guard: &str) -> Cow<'a, str> {
    // all marks come before `-`, which most texts have none of
    let needs_quotes =
        may_be_below_minus(text.as_bytes()) && text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n'));
    match (needs_quotes, guard) {
        (true, _) => format!("\"{guard}{}\"", text.replace('"', "\"\"")).into(),
        (false, "") => text.into(),
        (false, _) => format!("{guard}{text}").into(),
    }
}

/// Whether a byte of a text comes before `-`; sometimes also where none does.
fn may_be_below_minus(text: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // with its high bit set, no byte borrows from its neighbour; the bit stays where the other seven are no less than `-`
    let is_below =
        |eight: &[u8; 8]| ((u64::from_le_bytes(*eight) | HIGH) - u64::from_le_bytes([b'-'; 8])) & HIGH != HIGH;
    match text.last_chunk::<8>() {
        Some(last) => is_below(last) || text.as_chunks::<8>().0.iter().any(is_below),
        None => text.iter().any(|&byte| byte < b'-'),
    }
}
