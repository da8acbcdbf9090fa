//! JSON lines: an object a row, its keys those of the columns; numbers as numbers, ids as text, empty cells absent.

use crate::ReportError;
use crate::table::{Cell, ColumnInfo, Kind, TableSink};
use std::io::Write;

/// The columns of an object, each name as JSON text with its colon.
#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<(String, Kind)>);

impl Keys {
    pub(crate) fn new(columns: &[ColumnInfo]) -> Self {
        let key = |column: &ColumnInfo| (format!("{}:", serde_json::Value::from(column.name)), column.kind);
        Self(columns.iter().map(key).collect())
    }
}

/// Appends the members of an object, joined by commas, without its braces; `scratch` is overwritten.
pub(crate) fn write_members(
    keys: &Keys,
    cells: &mut dyn Iterator<Item = Cell<'_>>,
    scratch: &mut String,
    out: &mut Vec<u8>,
) -> Result<(), ReportError> {
    let start = out.len();
    for ((key, kind), cell) in keys.0.iter().zip(cells) {
        scratch.clear();
        cell.write_to(*kind, scratch);
        if scratch.is_empty() {
            continue;
        }
        if out.len() > start {
            out.push(b',');
        }
        out.extend_from_slice(key.as_bytes());
        if kind.is_bare() {
            out.extend_from_slice(scratch.as_bytes());
        } else {
            serde_json::to_writer(&mut *out, scratch)?;
        }
    }
    Ok(())
}

pub(crate) struct JsonLinesSink<'w> {
    out: &'w mut dyn Write,
    keys: Keys,
    scratch: String,
    line: Vec<u8>,
}

impl<'w> JsonLinesSink<'w> {
    pub(crate) fn new(out: &'w mut dyn Write) -> Self {
        Self { out, keys: Keys::default(), scratch: String::new(), line: Vec::new() }
    }
}

impl TableSink for JsonLinesSink<'_> {
    fn begin(&mut self, columns: &[ColumnInfo]) -> Result<(), ReportError> {
        self.keys = Keys::new(columns);
        Ok(())
    }

    fn row(&mut self, cells: &mut dyn Iterator<Item = Cell<'_>>) -> Result<(), ReportError> {
        self.line.clear();
        self.line.push(b'{');
        write_members(&self.keys, cells, &mut self.scratch, &mut self.line)?;
        self.line.extend_from_slice(b"}\n");
        Ok(self.out.write_all(&self.line)?)
    }

    fn finish(&mut self) -> Result<(), ReportError> {
        Ok(self.out.flush()?)
    }
}
