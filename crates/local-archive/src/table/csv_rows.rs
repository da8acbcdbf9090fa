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
use std::sync::OnceLock;

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
    let mut line = 1;
    let mut batch = pieces.next(Batch::default()).map_err(|error| error.behind(line))?;
    let mut recycled = Batch::default();
    while let Some(mut now) = batch {
        let mut n_lines = 0;
        if names.is_none() {
            names = read_header(&mut now, &mut n_lines, reader).map_err(|error| error.behind(line))?;
        }
        let header: &[String] = names.as_deref().unwrap_or_default();
        emptied.resize_with(emptied.len().max(now.pieces.len()), || (reader.part(), Marks::default()));
        let (next, read) = rayon::join(
            || pieces.next(std::mem::take(&mut recycled)),
            || {
                let of_batch = FirstLines { batch: &now, first: line + n_lines, known: OnceLock::new() };
                let read = |(piece, (part, marks)): (usize, &mut (P, Marks))| {
                    let mut bad = BadCells::default();
                    let lines = Lines { of_batch: &of_batch, piece };
                    Ok((read_piece(lines, header, part, marks, &mut bad)?, bad))
                };
                let parts = emptied[..now.pieces.len()].par_iter_mut().enumerate();
                parts.map(read).collect::<Vec<Result<_, RowsError>>>()
            },
        );
        for (read, (part, _)) in read.into_iter().zip(&mut emptied) {
            let (n_of_piece, part_bad) = read?;
            n_lines += n_of_piece;
            bad.append(part_bad);
            reader.append(part);
        }
        line += n_lines;
        if let Some(n_left) = n_bytes.checked_sub(now.bytes.len() as u64)
            && std::mem::take(&mut is_first)
        {
            // the rows to come are as long as those so far, and a little shorter
            let n_rows = (reader.n_rows() as u64).saturating_mul(n_left) / now.bytes.len().max(1) as u64;
            reader.expect_rows(usize::try_from(n_rows + n_rows / 32).unwrap_or(0));
        }
        recycled = now;
        batch = next.map_err(|error| error.behind(line))?;
    }
    if names.is_none() {
        let missing = |column| RowsError::Missing { column, found: "none: the file is empty".to_owned() };
        return reader.header(&[]).map_err(missing);
    }
    Ok(())
}

/// Takes the header off the first piece that holds more than empty lines, and counts the lines up to its end; `None` when there
/// is none. Lines of errors are counted from the first one, which is 0.
fn read_header(
    batch: &mut Batch,
    n_lines: &mut u64,
    reader: &mut dyn RowReader,
) -> Result<Option<Vec<String>>, RowsError> {
    while let Some(first) = batch.pieces.first_mut() {
        let bytes = &batch.bytes[first.bytes.clone()];
        let mut table = csv_reader(bytes);
        let mut record = csv::ByteRecord::new();
        if !table.read_byte_record(&mut record).map_err(|error| broken(*n_lines, error))? {
            *n_lines += n_line_feeds(bytes);
            batch.pieces.remove(0);
            continue;
        }
        let begin = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let line = *n_lines + n_line_feeds(&bytes[..begin]);
        let end = table.position().byte() as usize;
        let mut cells = Vec::new();
        for (place, bytes) in record.iter().enumerate() {
            cells.push(text_of(bytes, line, place, &[])?);
        }
        let found = || cells.join(", ");
        reader.header(&cells).map_err(|column| RowsError::Missing { column, found: found() })?;
        *n_lines += n_line_feeds(&bytes[..end]);
        first.bytes.start += end;
        return Ok(Some(cells.into_iter().map(str::to_owned).collect()));
    }
    Ok(None)
}

fn n_line_feeds(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

/// The lines on which the pieces of a batch begin: counted once a row of any but the first asks for its own, which few do.
struct FirstLines<'b> {
    batch: &'b Batch,
    /// Line of the table on which the first of them begins, from 1.
    first: u64,
    known: OnceLock<Vec<u64>>,
}

impl FirstLines<'_> {
    fn of(&self, piece: usize) -> u64 {
        if piece == 0 { self.first } else { self.known.get_or_init(|| self.count())[piece] }
    }

    fn count(&self) -> Vec<u64> {
        let (mut line, mut counted) = (self.first, self.batch.pieces[0].bytes.start);
        let begin_of = |piece: &Piece| {
            line += n_line_feeds(&self.batch.bytes[counted..piece.bytes.start]);
            counted = piece.bytes.start;
            line
        };
        self.batch.pieces.iter().map(begin_of).collect()
    }
}

/// The lines of a piece.
#[derive(Clone, Copy)]
struct Lines<'b> {
    of_batch: &'b FirstLines<'b>,
    piece: usize,
}

impl Lines<'_> {
    /// The line of the table that is so many behind the first one of the piece.
    fn line(self, n_before: u64) -> u64 {
        self.of_batch.of(self.piece) + n_before
    }
}

/// Reads the whole rows of a piece, and tells how many lines they are.
fn read_piece(
    lines: Lines<'_>,
    names: &[String],
    reader: &mut dyn PieceRows,
    marks: &mut Marks,
    bad: &mut BadCells,
) -> Result<u64, RowsError> {
    let Batch { bytes, pieces } = lines.of_batch.batch;
    let Piece { bytes: range, has_quotes, has_returns } = &pieces[lines.piece];
    let rows = &bytes[range.clone()];
    let ends_lines_alone = |at: usize| rows.get(at + 1).is_some_and(|&next| next != b'\n');
    let is_bare = !has_quotes || memchr(b'"', rows).is_none();
    let is_plain = is_bare && !(*has_returns && memchr_iter(b'\r', rows).any(ends_lines_alone));
    let (mut n_lines, mut rest) = (0, Some(range.start));
    if is_plain {
        let (rows, n_lines) = (&bytes[..range.end], &mut n_lines);
        rest = reader.plain(Plain { rows, begin: range.start, n_columns: names.len(), lines, n_lines }, marks, bad);
    }
    if let Some(begin) = rest {
        let rows = &bytes[begin..range.end];
        read_any(rows, lines.line(n_lines), names, reader, bad)?;
        n_lines += n_line_feeds(rows);
    }
    Ok(n_lines)
}

/// What reads the rows of one piece; an object, so that the paths that are rarely taken are compiled once.
trait PieceRows {
    /// Where the row begins that is left, with all behind it.
    fn plain(&mut self, rows: Plain<'_, '_>, marks: &mut Marks, bad: &mut BadCells) -> Option<usize>;
    fn any(&mut self, row: &Row<'_>, bad: &mut BadCells);
}

impl<P: PartReader> PieceRows for P {
    fn plain(&mut self, rows: Plain<'_, '_>, marks: &mut Marks, bad: &mut BadCells) -> Option<usize> {
        read_plain(rows, self, marks, bad)
    }
    fn any(&mut self, row: &Row<'_>, bad: &mut BadCells) {
        self.row(row, bad);
    }
}

/// Bytes whose marks are found at once: they and their marks stay in the nearest cache.
const MARKED: usize = 16 << 10;

/// Bytes at the beginning of a batch in which no cell is plain.
const NOT_PLAIN: usize = 16;

/// Rows without quotes, each ended by a line feed or the end.
struct Plain<'p, 'b> {
    rows: &'p [u8],
    /// Where the first begins.
    begin: usize,
    n_columns: usize,
    lines: Lines<'b>,
    /// How many lines were read.
    n_lines: &'p mut u64,
}

/// Reads them. Where they are not UTF-8, they are left from a row on: where that begins.
fn read_plain<P: PartReader>(
    Plain { rows, mut begin, n_columns, lines, n_lines }: Plain<'_, '_>,
    reader: &mut P,
    marks: &mut Marks,
    bad: &mut BadCells,
) -> Option<usize> {
    let mut cuts = Vec::new();
    let mut is_text = false; // whether all that is left is known to be UTF-8
    // up to where rows are taken one by one, since they could not be taken column by column, as those cannot at the beginning
    let mut one_by_one = if reader.takes_plain_rows() { NOT_PLAIN } else { rows.len() };
    let mut pause = 0; // bytes behind them for which it is not tried again: where some cells are not plain, more will be
    while begin < rows.len() {
        let (first, end) = (begin, rows.len().min(begin + MARKED));
        marks.find(rows, begin..end);
        if !marks.is_ascii() && !is_text {
            if std::str::from_utf8(&rows[begin..]).is_err() {
                return Some(begin);
            }
            is_text = true;
        }
        let (mut places, mut n_line_feeds) = (marks.places(), marks.n_line_feeds());
        loop {
            if begin >= one_by_one
                && let Some((some, rest)) = MarkedRows::first(rows, places, n_columns, n_line_feeds)
            {
                if reader.plain_rows(&some).is_some() {
                    (begin, places) = (some.end(), rest);
                    *n_lines += some.len() as u64;
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
                take_row(&rows[begin..end], &mut cuts, lines.line(*n_lines), reader, bad);
                (begin, places) = (end + 1, &ends[n..]);
            } else {
                break;
            }
            *n_lines += 1;
            n_line_feeds -= 1;
        }
        if begin < rows.len() && (begin == first || end == rows.len()) {
            // a row that is longer, or the last one without a line feed
            let end = memchr(b'\n', &rows[begin..]).map_or(rows.len(), |n| begin + n);
            if !is_text && std::str::from_utf8(&rows[begin..end]).is_err() {
                return Some(begin);
            }
            take_row(&rows[begin..end], &mut cuts, lines.line(*n_lines), reader, bad);
            begin = end + 1;
            *n_lines += u64::from(end < rows.len());
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
        line += n_line_feeds(&bytes[counted..begin]);
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
