//! Where rows of CSV end, and where quoting is broken.
//!
//! The csv crate forgives a quote that is never closed and text behind a closing quote; it then swallows rows. Here both
//! are errors, as RFC 4180 has it. A quote inside an unquoted cell is left alone: nothing is lost by it.

use memchr::{memchr, memchr3};

/// Where the quoting breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BrokenQuote {
    /// Byte of the quote that is never closed, or of the text behind a closing one.
    pub(super) at: usize,
    /// Whether a quote is never closed, rather than followed by text.
    pub(super) is_open: bool,
}

/// Calls `each` with the byte behind every row. `bytes` begin with a row; if they are the last, their end closes it, else
/// an unfinished row waits for more.
pub(super) fn row_ends(bytes: &[u8], is_last: bool, mut each: impl FnMut(usize)) -> Result<(), BrokenQuote> {
    let mut at = 0;
    let mut end = 0;
    while at < bytes.len() {
        // at the beginning of a cell
        if bytes[at] == b'"' {
            let open = at;
            at += 1;
            loop {
                let Some(quote) = memchr(b'"', &bytes[at..]) else {
                    return if is_last { Err(BrokenQuote { at: open, is_open: true }) } else { Ok(()) };
                };
                at += quote + 1;
                if bytes.get(at) != Some(&b'"') {
                    break;
                }
                at += 1;
            }
            match bytes.get(at) {
                Some(b',' | b'\n' | b'\r') => {}
                Some(_) => return Err(BrokenQuote { at, is_open: false }),
                None => break,
            }
        } else {
            let Some(plain) = memchr3(b',', b'\n', b'\r', &bytes[at..]) else { break };
            at += plain;
        }
        at += 1;
        if bytes[at - 1] != b',' {
            end = at;
            each(end);
        }
    }
    if is_last && end < bytes.len() {
        each(bytes.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, rows: &[&str], broken: Option<(usize, bool)>) {
        let mut ends = vec![0];
        let result = row_ends(text.as_bytes(), true, |end| ends.push(end));
        assert_eq!(result.err().map(|broken| (broken.at, broken.is_open)), broken, "{text:?}");
        let found: Vec<&str> = ends.windows(2).map(|two| &text[two[0]..two[1]]).collect();
        assert_eq!(found, rows, "{text:?}");
    }

    #[test]
    fn rows_end_outside_quotes_and_broken_quotes_are_found_where_they_break() {
        check("a,b\n1,2\n", &["a,b\n", "1,2\n"], None);
        check("a,\"b\"\"c\",\"\"\r\n\"x\ny\",2", &["a,\"b\"\"c\",\"\"\r", "\n", "\"x\ny\",2"], None);
        check("a,5\" pipe,b\n", &["a,5\" pipe,b\n"], None);
        check("a,b\n1,\"2\n3,4\n", &["a,b\n"], Some((6, true)));
        check("a,b\n1,\"2\"x,3\n", &["a,b\n"], Some((9, false)));
        check("\"", &[], Some((0, true)));
        check("\"\"", &["\"\""], None);
    }

    #[test]
    fn what_is_unfinished_waits() {
        for text in ["a,\"b", "a,\"b\"", "a,b", "\"a\"\"", ""] {
            let result = row_ends(text.as_bytes(), false, |end| panic!("{text:?} ends at {end}"));
            assert!(result.is_ok(), "{text:?}");
        }
    }
}
