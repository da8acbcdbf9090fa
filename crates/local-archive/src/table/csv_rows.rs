//! Rows of a CSV table: RFC 4180, UTF-8, header first; pieces of it are read by all cores.
//!
//! # Method
//! The stream is cut into pieces of whole rows ([`super::pieces`]); each is read into columns of its own, and these are put
//! together in the order of the table, while the next batch is read. A piece without quotes is cut at line feeds and
//! commas; one with quotes, or with carriage returns that end lines alone, goes through the csv crate, whose rules both
//! ways follow: empty lines are skipped, short rows lack their last cells, cells beyond the header are ignored. A line is
//! counted at each line feed.

use super::pieces::{Batch, Piece, Pieces};
use super::{BadCells, PartReader, Row, RowReader, RowsError};
use memchr::{memchr, memchr_iter};
use rayon::prelude::*;
use std::io::Read;

/// Reads all rows.
pub(super) fn read_csv<P: PartReader>(
    source: impl Read + Send,
    reader: &mut P,
    bad: &mut BadCells,
) -> Result<(), RowsError> {
    read_pieces(Pieces::new(source), reader, bad)
}

fn read_pieces<P: PartReader>(
    mut pieces: Pieces<impl Read + Send>,
    reader: &mut P,
    bad: &mut BadCells,
) -> Result<(), RowsError> {
    let mut names: Option<Vec<String>> = None;
    let mut emptied: Vec<P> = Vec::new(); // their memory is used again
    let mut batch = pieces.next(Batch::default())?;
    let mut recycled = Batch::default();
    while let Some(mut now) = batch {
        if names.is_none() {
            names = read_header(&mut now, reader)?;
        }
        let header: &[String] = names.as_deref().unwrap_or_default();
        emptied.resize_with(emptied.len().max(now.pieces.len()), || reader.part());
        let (next, read) = rayon::join(
            || pieces.next(std::mem::take(&mut recycled)),
            || {
                let read = |(piece, part): (&Piece, &mut P)| {
                    let mut bad = BadCells::default();
                    read_piece(&now.bytes[piece.bytes.clone()], piece.line, header, part, &mut bad)?;
                    Ok(bad)
                };
                now.pieces.par_iter().zip(&mut emptied).map(read).collect::<Vec<Result<_, RowsError>>>()
            },
        );
        for (part_bad, part) in read.into_iter().zip(&mut emptied) {
            bad.append(part_bad?);
            reader.append(part);
        }
        recycled = now;
        batch = next?;
    }
    if names.is_none() {
        let missing = |column| RowsError::Missing { column, found: "none: the file is empty".to_owned() };
        return reader.header(&[]).map_err(missing);
    }
    Ok(())
}

/// Takes the header off the first piece that holds more than empty lines; `None` when there is none.
fn read_header(batch: &mut Batch, reader: &mut dyn RowReader) -> Result<Option<Vec<String>>, RowsError> {
    while let Some(first) = batch.pieces.first_mut() {
        let bytes = &batch.bytes[first.bytes.clone()];
        let mut table = csv_reader(bytes);
        let mut record = csv::ByteRecord::new();
        if !table.read_byte_record(&mut record).map_err(|error| broken(first.line, error))? {
            batch.pieces.remove(0);
            continue;
        }
        let begin = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let line = first.line + memchr_iter(b'\n', &bytes[..begin]).count() as u64;
        let end = table.position().byte() as usize;
        let mut cells = Vec::new();
        for (place, bytes) in record.iter().enumerate() {
            cells.push(text_of(bytes, line, place, &[])?);
        }
        let found = || cells.join(", ");
        reader.header(&cells).map_err(|column| RowsError::Missing { column, found: found() })?;
        first.line += memchr_iter(b'\n', &bytes[..end]).count() as u64;
        first.bytes.start += end;
        return Ok(Some(cells.into_iter().map(str::to_owned).collect()));
    }
    Ok(None)
}

/// Reads whole rows that begin on a line.
fn read_piece(
    bytes: &[u8],
    line: u64,
    names: &[String],
    reader: &mut dyn PieceRows,
    bad: &mut BadCells,
) -> Result<(), RowsError> {
    let ends_lines_alone = |at: usize| bytes.get(at + 1).is_some_and(|&next| next != b'\n');
    let is_plain = memchr(b'"', bytes).is_none() && !memchr_iter(b'\r', bytes).any(ends_lines_alone);
    match std::str::from_utf8(bytes) {
        Ok(text) if is_plain => {
            reader.plain(text, line, bad);
            Ok(())
        }
        _ => read_any(bytes, line, names, reader, bad),
    }
}

/// What reads the rows of one piece; an object, so that the paths that are rarely taken are compiled once.
trait PieceRows {
    fn plain(&mut self, text: &str, line: u64, bad: &mut BadCells);
    fn any(&mut self, row: &Row<'_>, bad: &mut BadCells);
}

impl<P: PartReader> PieceRows for P {
    fn plain(&mut self, text: &str, line: u64, bad: &mut BadCells) {
        read_plain(text, line, self, bad);
    }
    fn any(&mut self, row: &Row<'_>, bad: &mut BadCells) {
        self.row(row, bad);
    }
}

/// Rows without quotes, each ended by a line feed or the end.
fn read_plain<P: PartReader>(text: &str, mut line: u64, reader: &mut P, bad: &mut BadCells) {
    let bytes = text.as_bytes();
    let mut begins = vec![0];
    each_mark(bytes, |at| match bytes[at] {
        b',' => begins.push(at + 1),
        b'\n' => {
            take_row(text, &mut begins, at, line, reader, bad);
            begins.clear();
            begins.push(at + 1);
            line += 1;
        }
        _ => {}
    });
    take_row(text, &mut begins, bytes.len(), line, reader, bad);
}

/// Calls `each` with the places of all commas and line feeds, in order, and of other bytes below `-`, of which tables of
/// numbers have few.
///
/// Eight bytes are looked at by one subtraction: cells are so short that a search for the next mark, begun anew behind each,
/// costs more than the number in the cell.
#[inline]
fn each_mark(bytes: &[u8], mut each: impl FnMut(usize)) {
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut last = [b'-'; 8]; // no mark
    last[..rest.len()].copy_from_slice(rest);
    for (at, &eight) in eights.iter().chain([&last]).enumerate() {
        let mut marks = bytes_below_minus(u64::from_le_bytes(eight));
        while marks != 0 {
            each(8 * at + marks.trailing_zeros() as usize / 8);
            marks &= marks - 1;
        }
    }
}

/// The high bit of each byte of a word that comes before `-`.
fn bytes_below_minus(word: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // with its high bit set, no byte borrows from its neighbour; the bit stays where the other seven are no less than `-`
    !((word | HIGH) - u64::from_le_bytes([b'-'; 8])) & !word & HIGH
}

/// Ends a row whose cells begin at `begins`; a line without anything is none.
fn take_row<P: PartReader>(
    text: &str,
    begins: &mut Vec<usize>,
    end: usize,
    line: u64,
    reader: &mut P,
    bad: &mut BadCells,
) {
    let last = begins.last().copied().unwrap_or_default();
    let ends_with_return = end > last && text.as_bytes()[end - 1] == b'\r';
    let end = end - usize::from(ends_with_return);
    if begins.len() > 1 || last < end {
        begins.push(end + 1);
        reader.row(&Row::within(line, text, begins), bad);
    }
}

/// Any rows, by the csv crate.
fn read_any(
    bytes: &[u8],
    line: u64,
    names: &[String],
    reader: &mut dyn PieceRows,
    bad: &mut BadCells,
) -> Result<(), RowsError> {
    let mut table = csv_reader(bytes);
    let mut record = csv::ByteRecord::new();
    let (mut line, mut counted) = (line, 0);
    loop {
        let mut begin = table.position().byte() as usize;
        if !table.read_byte_record(&mut record).map_err(|error| broken(line, error))? {
            return Ok(());
        }
        begin += bytes[begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += memchr_iter(b'\n', &bytes[counted..begin]).count() as u64;
        counted = begin;
        let mut cells: Vec<&str> = Vec::with_capacity(record.len());
        for (place, bytes) in record.iter().enumerate() {
            cells.push(text_of(bytes, line, place, names)?);
        }
        reader.any(&Row::of_text(line, &cells), bad);
    }
}

fn csv_reader(bytes: &[u8]) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes)
}

fn text_of<'t>(bytes: &'t [u8], line: u64, place: usize, names: &[String]) -> Result<&'t str, RowsError> {
    std::str::from_utf8(bytes).map_err(|_| RowsError::Broken {
        line,
        column: names.get(place).cloned().unwrap_or_else(|| (place + 1).to_string()),
        detail: format!("{:?} is not UTF-8", String::from_utf8_lossy(&bytes[..bytes.len().min(60)])),
    })
}

fn broken(line: u64, error: csv::Error) -> RowsError {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => RowsError::Io(error),
        other => RowsError::Broken { line, column: "1".to_owned(), detail: format!("{other:?}") },
    }
}

#[cfg(test)]
mod tests;
