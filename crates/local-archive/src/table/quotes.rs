//! Broken quoting found while CSV streams by.
//!
//! The csv crate forgives a quote that is never closed and text behind a closing quote; it then swallows rows. This reader
//! passes bytes on unchanged and stops with line and column where RFC 4180 is broken. A quote inside an unquoted cell is
//! left alone: nothing is lost by it.

use std::io::{self, Read};

/// Where the quoting breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrokenQuote {
    pub(crate) line: u64,
    pub(crate) column: u64,
    /// Whether a quote is never closed, rather than followed by text.
    pub(crate) is_open: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    CellBegin,
    Plain,
    Quoted,
    /// Behind a quote inside a quoted cell: its end, or half of a doubled quote.
    Closed,
}

/// Passes bytes on and watches the quotes.
#[derive(Debug)]
pub(crate) struct Quotes<R> {
    source: R,
    at: At,
    line: u64,
    column: u64,
    opened: (u64, u64),
    pub(crate) broken: Option<BrokenQuote>,
}

impl<R> Quotes<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, at: At::CellBegin, line: 1, column: 0, opened: (1, 1), broken: None }
    }

    fn step(&mut self, byte: u8) {
        self.column += 1;
        self.at = match (self.at, byte) {
            (At::CellBegin, b'"') => {
                self.opened = (self.line, self.column);
                At::Quoted
            }
            (At::Quoted, b'"') => At::Closed,
            (At::Closed, b'"') | (At::Quoted, _) => At::Quoted,
            (_, b',' | b'\n' | b'\r') => At::CellBegin,
            (At::Closed, _) => {
                self.broken.get_or_insert(BrokenQuote { line: self.line, column: self.column, is_open: false });
                At::Plain
            }
            (At::CellBegin | At::Plain, _) => At::Plain,
        };
        if byte == b'\n' {
            (self.line, self.column) = (self.line + 1, 0);
        }
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        for &byte in &buffer[..read] {
            self.step(byte);
        }
        if read == 0 && !buffer.is_empty() && self.at == At::Quoted {
            let (line, column) = self.opened;
            self.broken.get_or_insert(BrokenQuote { line, column, is_open: true });
        }
        match self.broken {
            Some(_) => Err(io::Error::other("broken quoting")),
            None => Ok(read),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(u64, u64, bool)>) {
        let mut quotes = Quotes::new(text.as_bytes());
        let result = quotes.read_to_end(&mut Vec::new());
        assert_eq!(quotes.broken.map(|broken| (broken.line, broken.column, broken.is_open)), expected, "{text:?}");
        assert_eq!(result.is_err(), expected.is_some(), "{text:?}");
    }

    #[test]
    fn broken_quotes_are_found_where_they_break() {
        check("a,b\n1,2\n", None);
        check("a,\"b\"\"c\",\"\"\r\n\"x\ny\",2", None);
        check("a,5\" pipe,b\n", None);
        check("a,b\n1,\"2\n3,4\n", Some((2, 3, true)));
        check("a,b\n1,\"2\"x,3\n", Some((2, 6, false)));
        check("\"", Some((1, 1, true)));
        check("\"\"", None);
    }
}
