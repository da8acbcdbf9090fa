//! Rows of a CSV table: RFC 4180, UTF-8, header first.

use super::quotes::Quotes;
use super::{BadCells, Row, RowReader, RowsError};
use std::io::Read;

/// Reads all rows. Short rows lack their last cells; cells beyond the header are ignored.
pub(crate) fn read_csv(source: impl Read, reader: &mut dyn RowReader, bad: &mut BadCells) -> Result<(), RowsError> {
    let mut table = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .buffer_capacity(256 * 1024)
        .from_reader(Quotes::new(source));
    let mut record = csv::ByteRecord::new();
    let mut names: Vec<String> = Vec::new();
    loop {
        match table.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(reason(&table, error)),
        }
        let line = record.position().map_or(0, csv::Position::line);
        let mut cells: Vec<&str> = Vec::with_capacity(record.len());
        for (place, bytes) in record.iter().enumerate() {
            let bytes = if names.is_empty() && place == 0 {
                bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
            } else {
                bytes
            };
            let text = std::str::from_utf8(bytes).map_err(|_| RowsError::Broken {
                line,
                column: names.get(place).cloned().unwrap_or_else(|| (place + 1).to_string()),
                detail: format!("{:?} is not UTF-8", String::from_utf8_lossy(&bytes[..bytes.len().min(60)])),
            })?;
            cells.push(text);
        }
        if names.is_empty() {
            names = cells.iter().map(|&name| name.to_owned()).collect();
            let found = || cells.join(", ");
            reader.header(&cells).map_err(|column| RowsError::Missing { column, found: found() })?;
        } else {
            reader.row(&Row { line, cells: &cells }, bad);
        }
    }
    if names.is_empty() {
        let missing = |column| RowsError::Missing { column, found: "none: the file is empty".to_owned() };
        return reader.header(&[]).map_err(missing);
    }
    Ok(())
}

fn reason<R: Read>(table: &csv::Reader<Quotes<R>>, error: csv::Error) -> RowsError {
    if let Some(broken) = table.get_ref().broken {
        let detail = if broken.is_open { "a quote is opened and never closed" } else { "text follows a closing quote" };
        return RowsError::Broken { line: broken.line, column: broken.column.to_string(), detail: detail.to_owned() };
    }
    match error.into_kind() {
        csv::ErrorKind::Io(error) => RowsError::Io(error),
        other => {
            RowsError::Broken { line: table.position().line(), column: "1".to_owned(), detail: format!("{other:?}") }
        }
    }
}
