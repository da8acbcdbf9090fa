//! A stream of CSV cut into batches of whole rows, and each batch into pieces that can be read at once.
//!
//! A row ends at a line feed or carriage return outside quotes; only up to the last quote of a batch is every byte looked at
//! ([`super::quotes`]). What is left behind the last row of a batch begins the next one, so memory holds two batches and
//! at most one unfinished row.

use super::RowsError;
use super::quotes::{BrokenQuote, row_ends};
use memchr::{memchr, memchr_iter, memchr2, memrchr, memrchr2};
use std::io::Read;
use std::ops::Range;

/// Bytes that are read at once.
const BATCH: usize = 4 << 20;
/// Bytes that one thread reads at once, more or less: they stay in its cache from the first look at them to the last.
const PIECE: usize = 256 << 10;
/// The longest row that is held in memory.
const LONGEST_ROW: usize = 64 << 20;

/// Whole rows.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) pieces: Vec<Piece>,
}

/// Some rows of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) bytes: Range<usize>,
    /// Whether a quote may be in it.
    pub(super) has_quotes: bool,
    /// Whether a carriage return may be in it.
    pub(super) has_returns: bool,
}

/// The stream.
pub(super) struct Pieces<R> {
    source: R,
    /// Read, but behind the last whole row.
    left: Vec<u8>,
    is_begun: bool,
    batch: usize,
    piece: usize,
}

impl<R: Read> Pieces<R> {
    pub(super) fn new(source: R) -> Self {
        Self::of_size(source, BATCH, PIECE)
    }

    /// With batches and pieces of a given size; the first batch must hold a byte order mark whole.
    pub(super) fn of_size(source: R, batch: usize, piece: usize) -> Self {
        Self { source, left: Vec::new(), is_begun: false, batch: batch.max(3), piece }
    }

    /// The next rows, in the memory of a batch that is done with; `None` at the end. Lines of errors are counted from the first
    /// row, which is 0: lines are counted by whoever reads the rows.
    pub(super) fn next(&mut self, recycled: Batch) -> Result<Option<Batch>, RowsError> {
        let Batch { mut bytes, mut pieces } = recycled;
        bytes.clear();
        bytes.append(&mut self.left);
        let mut size = self.batch;
        loop {
            let wanted = size.saturating_sub(bytes.len());
            let read = (&mut self.source).take(wanted as u64).read_to_end(&mut bytes).map_err(RowsError::Io)?;
            let is_last = read < wanted;
            if !self.is_begun && bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            self.is_begun = true;
            self.cut(&bytes, is_last, &mut pieces)?;
            if let Some(last) = pieces.last() {
                self.left.extend_from_slice(&bytes[last.bytes.end..]);
                bytes.truncate(last.bytes.end);
                return Ok(Some(Batch { bytes, pieces }));
            }
            if is_last {
                return Ok(None);
            }
            if bytes.len() > LONGEST_ROW {
                let detail = format!("a row is longer than {} MiB; is a quote never closed?", LONGEST_ROW >> 20);
                return Err(RowsError::Broken { line: 0, column: "1".to_owned(), detail });
            }
            size = size.max(bytes.len()) * 2;
        }
    }

    /// Cuts whole rows into pieces.
    fn cut(&self, bytes: &[u8], is_last: bool, pieces: &mut Vec<Piece>) -> Result<(), RowsError> {
        pieces.clear();
        let mut begin = 0;
        let size = self.piece;
        let odd = memchr2(b'"', b'\r', bytes);
        let has_returns = odd.is_some();
        let last_quote = odd.and_then(|at| memrchr(b'"', &bytes[at..]).map(|behind| at + behind));
        let mut add = |end: usize, has_quotes: bool| {
            pieces.push(Piece { bytes: begin..end, has_quotes, has_returns });
            begin = end;
        };
        let mut from = 0;
        if let Some(quote) = last_quote {
            // up to the line feed behind the last quote; often that is the header
            let quoted = memchr(b'\n', &bytes[quote..]).map_or(bytes.len(), |at| quote + at + 1);
            let mut last = 0;
            let ended = row_ends(&bytes[..quoted], is_last && quoted == bytes.len(), |end| {
                if end - from >= size {
                    add(end, true);
                    from = end;
                }
                last = end;
            });
            ended.map_err(|broken| told(bytes, broken))?;
            if last > from {
                add(last, true);
                from = last;
            }
            if last < quoted || quoted == bytes.len() {
                // the last quote opens a cell that ends nowhere in these bytes
                let open = if is_last { row_ends(&bytes[last..], true, |_| ()) } else { Ok(()) };
                return open.map_err(|BrokenQuote { at, is_open }| told(bytes, BrokenQuote { at: last + at, is_open }));
            }
        }
        // the line feed behind a carriage return may not have come yet; in front of a row it is an empty line
        let last = memrchr(b'\n', &bytes[from..]).or_else(|| memrchr2(b'\n', b'\r', &bytes[from..]));
        let end = if is_last { bytes.len() } else { last.map_or(from, |at| from + at + 1) };
        while from < end {
            let far = from + size;
            let to = if far >= end { None } else { memchr(b'\n', &bytes[far..end]) };
            from = to.map_or(end, |at| far + at + 1);
            add(from, false);
        }
        Ok(())
    }
}

/// A broken quote with its line, from 0, and column.
fn told(bytes: &[u8], broken: BrokenQuote) -> RowsError {
    let before = &bytes[..broken.at];
    let line = memchr_iter(b'\n', before).count() as u64;
    let column = broken.at - memrchr(b'\n', before).map_or(0, |at| at + 1) + 1;
    let detail = if broken.is_open { "a quote is opened and never closed" } else { "text follows a closing quote" };
    RowsError::Broken { line, column: column.to_string(), detail: detail.to_owned() }
}
