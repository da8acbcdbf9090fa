//! Rows of a CSV table: RFC 4180, UTF-8, header first; pieces of it are read by all cores.
//!
//! # Method
//! The stream is cut into pieces of whole rows ([`super::pieces`]); each is read into columns of its own, and these are put
//! together in the order of the table, while the next batch is read. A piece without quotes is cut at line feeds and
//! commas; one with quotes, or with carriage returns that end lines alone, goes through the csv crate, whose rules both
//! ways follow: empty lines are skipped, short rows lack their last cells, cells beyond the header are ignored. A line is
//! counted at each line feed.

use super::marks::Marks;
use super::pieces::{Batch, Piece, Pieces};
use super::{BadCells, MarkedCells, MarkedRows, PartReader, Row, RowReader, RowsError};
use memchr::{memchr, memchr_iter};
use rayon::prelude::*;
use std::io::Read;

/// Reads all rows of a stream of so many bytes, as far as is known.
pub(super) fn read_csv<P: PartReader>(
    source: impl Read + Send,
    n_bytes: u64,
    reader: &mut P,
    bad: &mut BadCells,
) -> Result<(), RowsError> {
    read_pieces(Pieces::new(source), n_bytes, reader, bad)
}

fn read_pieces<P: PartReader>(
    mut pieces: Pieces<impl Read + Send>,
    n_bytes: u64,
    reader: &mut P,
    bad: &mut BadCells,
) -> Result<(), RowsError> {
    let mut names: Option<Vec<String>> = None;
    let mut emptied: Vec<(P, Marks)> = Vec::new(); // their memory is used again
    let mut is_first = true;
    let mut batch = pieces.next(Batch::default())?;
    let mut recycled = Batch::default();
    while let Some(mut now) = batch {
        if names.is_none() {
            names = read_header(&mut now, reader)?;
        }
        let header: &[String] = names.as_deref().unwrap_or_default();
        emptied.resize_with(emptied.len().max(now.pieces.len()), || (reader.part(), Marks::default()));
        let (next, read) = rayon::join(
            || pieces.next(std::mem::take(&mut recycled)),
            || {
                let read = |(piece, (part, marks)): (&Piece, &mut (P, Marks))| {
                    let mut bad = BadCells::default();
                    read_piece(&now.bytes[piece.bytes.clone()], piece, header, part, marks, &mut bad)?;
                    Ok(bad)
                };
                now.pieces.par_iter().zip(&mut emptied).map(read).collect::<Vec<Result<_, RowsError>>>()
            },
        );
        for (part_bad, (part, _)) in read.into_iter().zip(&mut emptied) {
            bad.append(part_bad?);
            reader.append(part);
        }
        if let Some(n_left) = n_bytes.checked_sub(now.bytes.len() as u64)
            && std::mem::take(&mut is_first)
        {
            // the rows to come are as long as those so far, and a little shorter
            let n_rows = (reader.n_rows() as u64).saturating_mul(n_left) / now.bytes.len().max(1) as u64;
            reader.expect_rows(usize::try_from(n_rows + n_rows / 32).unwrap_or(0));
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
    &Piece { line, has_quotes, has_returns, .. }: &Piece,
    names: &[String],
    reader: &mut dyn PieceRows,
    marks: &mut Marks,
    bad: &mut BadCells,
) -> Result<(), RowsError> {
    let ends_lines_alone = |at: usize| bytes.get(at + 1).is_some_and(|&next| next != b'\n');
    let is_bare = !has_quotes || memchr(b'"', bytes).is_none();
    let is_plain = is_bare && !(has_returns && memchr_iter(b'\r', bytes).any(ends_lines_alone));
    let rest = if is_plain { reader.plain(bytes, line, names.len(), marks, bad) } else { Some((0, line)) };
    rest.map_or(Ok(()), |(begin, line)| read_any(&bytes[begin..], line, names, reader, bad))
}

/// What reads the rows of one piece; an object, so that the paths that are rarely taken are compiled once.
trait PieceRows {
    /// Where the row begins that is left, with all behind it, and on which line.
    fn plain(
        &mut self,
        rows: &[u8],
        line: u64,
        n_columns: usize,
        marks: &mut Marks,
        bad: &mut BadCells,
    ) -> Option<(usize, u64)>;
    fn any(&mut self, row: &Row<'_>, bad: &mut BadCells);
}

impl<P: PartReader> PieceRows for P {
    fn plain(
        &mut self,
        rows: &[u8],
        line: u64,
        n_columns: usize,
        marks: &mut Marks,
        bad: &mut BadCells,
    ) -> Option<(usize, u64)> {
        read_plain(rows, line, n_columns, self, marks, bad)
    }
    fn any(&mut self, row: &Row<'_>, bad: &mut BadCells) {
        self.row(row, bad);
    }
}

/// Bytes whose marks are found at once: they and their marks stay in the nearest cache.
const MARKED: usize = 16 << 10;

/// Bytes at the beginning in which no cell is plain.
const NOT_PLAIN: usize = 16;

/// Rows without quotes, each ended by a line feed or the end. Where they are not UTF-8, they are left from a row on: where
/// that begins, and on which line.
fn read_plain<P: PartReader>(
    rows: &[u8],
    mut line: u64,
    n_columns: usize,
    reader: &mut P,
    marks: &mut Marks,
    bad: &mut BadCells,
) -> Option<(usize, u64)> {
    let mut cuts = Vec::new();
    let mut is_text = false; // whether all that is left is known to be UTF-8
    let mut begin = 0;
    // up to where rows are taken one by one, since they could not be taken column by column, as those cannot at the beginning
    let mut one_by_one = if reader.takes_plain_rows() { NOT_PLAIN } else { rows.len() };
    let mut pause = 0; // bytes behind them for which it is not tried again: where some cells are not plain, more will be
    while begin < rows.len() {
        let (first, end) = (begin, rows.len().min(begin + MARKED));
        marks.find(rows, begin..end);
        if !marks.is_ascii() && !is_text {
            if std::str::from_utf8(&rows[begin..]).is_err() {
                return Some((begin, line));
            }
            is_text = true;
        }
        let (mut places, mut n_line_feeds) = (marks.places(), marks.n_line_feeds());
        loop {
            if begin >= one_by_one
                && let Some((some, rest)) = MarkedRows::first(rows, places, n_columns, n_line_feeds)
            {
                if reader.plain_rows(&some).is_some() {
                    (begin, places, line) = (some.end(), rest, line + some.len() as u64);
                    n_line_feeds -= some.len();
                    pause = 0;
                } else {
                    one_by_one = some.end() + pause;
                    pause = 2 * pause + MARKED;
                }
            }
            let ends = &places[1..];
            if let Some(row @ [.., last]) = ends.get(..n_columns)
                && let Some(()) = reader.plain_row(MarkedCells::new(rows, begin, row))
            {
                (begin, places) = (*last as usize + 1, &places[n_columns..]);
            } else if let Some(n) = ends.iter().position(|&mark| rows[mark as usize] == b'\n') {
                let end = ends[n] as usize;
                take_row(&rows[begin..end], &mut cuts, line, reader, bad);
                (begin, places) = (end + 1, &ends[n..]);
            } else {
                break;
            }
            line += 1;
            n_line_feeds -= 1;
        }
        if begin == first || end == rows.len() {
            // a row that is longer, or the last one without a line feed
            let end = memchr(b'\n', &rows[begin..]).map_or(rows.len(), |n| begin + n);
            if !is_text && std::str::from_utf8(&rows[begin..end]).is_err() {
                return Some((begin, line));
            }
            take_row(&rows[begin..end], &mut cuts, line, reader, bad);
            (begin, line) = (end + 1, line + 1);
        }
    }
    None
}

/// Takes a row by its cells; a line without anything is none.
fn take_row<P: PartReader>(row: &[u8], begins: &mut Vec<usize>, line: u64, reader: &mut P, bad: &mut BadCells) {
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    if row.is_empty() {
        return;
    }
    begins.clear();
    begins.push(0);
    begins.extend(memchr_iter(b',', row).map(|at| at + 1));
    begins.push(row.len() + 1);
    let row =
        std::str::from_utf8(row).expect("rows that are taken are UTF-8, and line feeds cut it between characters");
    reader.row(&Row::within(line, row, begins), bad);
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
