//! The cells of a row one after the other, as programs write them: numbers without blanks, units or exponents, moments as
//! whole milliseconds or as this program writes them, text.
//!
//! # Method
//! In rows of CSV without quotes a cell lies between two marks, found beforehand ([`super::marks`]), so that no cell waits
//! for the end of the one before. A number is the last sixteen bytes before its mark, with what lies before the cell blanked
//! out and the point taken out: sixteen digits at once. Whatever is not plain is left to the readers that know all forms, so
//! that a plain reader may give up at any byte.

use super::Row;
use crate::decimal::{WHOLE_POWERS, quotient, simple};
use crate::time_text::{iso_ms, plain_ms, time_of, whole_ms};
use capture_model::{TableNumber, sixteen_digits, tail_digits};

/// The cells of a row from the first on; each call takes one. `None` is said of a cell that is not plain, after which the
/// rest is not to be asked for.
pub(crate) trait PlainCells<'t> {
    /// Goes past a cell.
    fn skip(&mut self) -> Option<()>;
    /// Text as it is.
    fn text(&mut self) -> Option<&'t [u8]>;
    /// A number; NaN where the cell is empty.
    fn number(&mut self) -> Option<f64>;
    /// A whole number of up to 19 digits without a sign; `unknown` where the cell is empty.
    fn whole(&mut self, unknown: u64) -> Option<u64>;
    /// A moment in milliseconds since the epoch; `unknown` where the cell is empty or 0.
    fn moment(&mut self, unknown: i64) -> Option<i64>;
    /// Says that no cell is left; `None` where one is.
    fn end(&self) -> Option<()> {
        Some(())
    }
}

/// Cells of one row of CSV without quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarkedCells<'t> {
    rows: &'t [u8],
    /// Where the next cell begins.
    begin: usize,
    /// Where it and those behind it end: at commas and, at last, a line feed.
    marks: &'t [u32],
}

impl<'t> MarkedCells<'t> {
    /// The row that begins at `begin`, and has a mark for each of its columns. In the first bytes of `rows` no cell is plain:
    /// what is looked at is sixteen bytes long.
    #[inline]
    pub(crate) fn new(rows: &'t [u8], begin: usize, marks: &'t [u32]) -> Self {
        Self { rows, begin, marks }
    }

    /// Takes a cell: all bytes before its end, and where it begins.
    #[inline]
    fn next(&mut self) -> Option<(&'t [u8], usize)> {
        let (&mark, marks) = self.marks.split_first()?;
        let (before, behind) = self.rows.split_at_checked(mark as usize)?;
        let begin = std::mem::replace(&mut self.begin, mark as usize + 1);
        self.marks = marks;
        if marks.is_empty() {
            return last_cell(before, behind, begin);
        }
        (behind.first() == Some(&b',') && begin <= before.len()).then_some((before, begin))
    }
}

/// The last cell of a row, without the carriage return behind it.
fn last_cell<'t>(before: &'t [u8], behind: &[u8], begin: usize) -> Option<(&'t [u8], usize)> {
    let before = before.strip_suffix(b"\r").filter(|before| before.len() >= begin).unwrap_or(before);
    (behind.first() == Some(&b'\n') && begin <= before.len()).then_some((before, begin))
}

/// The last sixteen bytes as two words.
#[inline]
fn last_words(bytes: &[u8]) -> Option<[u64; 2]> {
    let [first, second] = bytes.last_chunk::<16>()?.as_chunks::<8>().0 else { return None };
    Some([first, second].map(|word| u64::from_le_bytes(*word)))
}

impl<'t> PlainCells<'t> for MarkedCells<'t> {
    #[inline]
    fn skip(&mut self) -> Option<()> {
        self.next().map(|_| ())
    }

    #[inline]
    fn text(&mut self) -> Option<&'t [u8]> {
        let (before, begin) = self.next()?;
        before.get(begin..)
    }

    #[inline]
    fn number(&mut self) -> Option<f64> {
        let (before, begin) = self.next()?;
        number(before, begin)
    }

    #[inline]
    fn whole(&mut self, unknown: u64) -> Option<u64> {
        let (before, begin) = self.next()?;
        whole_or(before, begin, unknown)
    }

    #[inline]
    fn moment(&mut self, unknown: i64) -> Option<i64> {
        let (before, begin) = self.next()?;
        moment(before, begin, unknown)
    }

    #[inline]
    fn end(&self) -> Option<()> {
        self.marks.is_empty().then_some(())
    }
}

/// The number of a cell from `begin` to the end; NaN where it is empty.
#[expect(clippy::inline_always, reason = "a call for each cell would load all constants anew")]
#[inline(always)]
pub(super) fn number(before: &[u8], begin: usize) -> Option<f64> {
    let Some(&first) = before.get(begin) else { return other_number(before, begin) };
    let is_negative = first == b'-';
    let n = before.len() - begin - usize::from(is_negative);
    let [first, last] = last_words(before)?;
    // degrees mostly have seven decimals
    if last & 0xff != u64::from(b'.') || !(9..=16).contains(&n) {
        return other_number(before, begin);
    }
    let whole = sixteen_digits([first << 8, (last & !0xff) | (first >> 56)], n - 1)?;
    let value = whole.cast_signed() as f64 / 1e7; // of fifteen digits
    Some(if is_negative { -value } else { value })
}

/// The same where another number of decimals is as likely.
#[inline(never)]
pub(super) fn other_number(before: &[u8], begin: usize) -> Option<f64> {
    const POINTS: u64 = u64::from_le_bytes([b'.'; 8]);
    let cell = before.get(begin..)?;
    let Some(&first) = cell.first() else { return Some(f64::NAN) };
    let is_negative = first == b'-';
    let n = cell.len() - usize::from(is_negative);
    let [first, last] = last_words(before)?;
    let other = last ^ POINTS;
    let points = other.wrapping_sub(0x0101_0101_0101_0101) & !other & 0x8080_8080_8080_8080;
    let decimals = points.leading_zeros() as usize / 8; // behind the last point of eight bytes; 8 where there is none
    let value = match decimals {
        1..8 if decimals + 1 < n && n <= 16 => {
            // what lies before the point moves into its place
            let behind = u64::MAX << (64 - 8 * decimals);
            let last = (last & behind) | (((last << 8) | (first >> 56)) & !behind);
            quotient(sixteen_digits([first << 8, last], n - 1)?, decimals)?
        }
        _ if decimals >= n && n > 0 => sixteen_digits([first, last], n)? as f64,
        8 if n <= 19 => return many_decimals(cell, n, [first, last]),
        _ => return simple(cell),
    };
    Some(if is_negative { -value } else { value })
}

/// A number of `n` characters, its sign not counted, with eight decimals or more: all that a float holds, as programs write
/// that round nothing.
#[inline]
fn many_decimals(cell: &[u8], n: usize, words: [u64; 2]) -> Option<f64> {
    let digits = &cell[cell.len() - n..];
    let Some(before @ 1..) = digits.iter().take(4).position(|&byte| byte == b'.') else { return simple(cell) };
    let decimals = n - 1 - before;
    if decimals > 16 || before + decimals > 18 {
        return simple(cell);
    }
    let mut whole = 0;
    for &byte in &digits[..before] {
        whole = whole * 10 + u64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
    }
    let value = quotient(whole * WHOLE_POWERS[decimals] + sixteen_digits(words, decimals)?, decimals)?;
    Some(if cell.len() > n { -value } else { value })
}

/// The whole number of a cell, or `unknown` where it is empty.
#[inline]
pub(super) fn whole_or(before: &[u8], begin: usize, unknown: u64) -> Option<u64> {
    if before.len() == begin { Some(unknown) } else { whole(before, begin) }
}

/// The moment of a cell, or `unknown` where it is empty or 0.
#[inline]
pub(super) fn moment(before: &[u8], begin: usize, unknown: i64) -> Option<i64> {
    match before.len() - begin {
        0 => Some(unknown),
        24 => iso_ms(before.last_chunk()?),
        _ => whole_ms(whole(before, begin)?, unknown),
    }
}

/// The whole number from `begin` to the end.
#[inline]
fn whole(before: &[u8], begin: usize) -> Option<u64> {
    match before.len() - begin {
        n @ 1..=16 => sixteen_digits(last_words(before)?, n),
        n => tail_digits(before, n),
    }
}

/// Whether two texts are equal. Most are short or empty: a comparison of any length is a call, and the bytes of an empty text
/// have no address that a vector instruction could load without a fault that it must hide, which costs as much as reading
/// the rest of a row.
#[inline]
pub(crate) fn is_same(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        _ if a.len() != b.len() => false,
        0 => true,
        1..8 => a.iter().zip(b).all(|(a, b)| a == b),
        8..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        _ => a == b,
    }
}

/// Cells that are cut out.
#[derive(Debug)]
pub(crate) struct CutCells<'r, 't> {
    row: &'r Row<'t>,
    next: usize,
}

impl<'r, 't> CutCells<'r, 't> {
    /// Before the first cell of a row.
    pub(crate) fn new(row: &'r Row<'t>) -> Self {
        Self { row, next: 0 }
    }
}

impl<'t> PlainCells<'t> for CutCells<'_, 't> {
    fn skip(&mut self) -> Option<()> {
        self.next += 1;
        Some(())
    }

    fn text(&mut self) -> Option<&'t [u8]> {
        self.next += 1;
        Some(self.row.bytes(self.next - 1))
    }

    fn number(&mut self) -> Option<f64> {
        let text = self.text()?;
        if text.is_empty() { Some(f64::NAN) } else { simple(text) }
    }

    fn whole(&mut self, unknown: u64) -> Option<u64> {
        let text = self.text()?;
        if text.is_empty() { Some(unknown) } else { tail_digits(text, text.len()) }
    }

    fn moment(&mut self, unknown: i64) -> Option<i64> {
        let text = self.text()?;
        if text.is_empty() { Some(unknown) } else { plain_ms(text, unknown) }
    }
}

/// Cells of a row with types: numbers, or text where there is none.
#[derive(Debug)]
pub(crate) struct TypedCells<'r, 't>(CutCells<'r, 't>);

impl<'r, 't> TypedCells<'r, 't> {
    /// Before the first cell of a row.
    pub(crate) fn new(row: &'r Row<'t>) -> Self {
        Self(CutCells::new(row))
    }

    /// The number of the cell that comes next.
    fn typed(&self) -> TableNumber {
        self.0.row.number(self.0.next)
    }
}

impl<'t> PlainCells<'t> for TypedCells<'_, 't> {
    fn skip(&mut self) -> Option<()> {
        self.0.skip()
    }

    fn text(&mut self) -> Option<&'t [u8]> {
        if self.typed() == TableNumber::None { self.0.text() } else { None }
    }

    fn number(&mut self) -> Option<f64> {
        match self.typed().real() {
            None => self.0.number(),
            number => self.0.skip().and(number),
        }
    }

    fn whole(&mut self, unknown: u64) -> Option<u64> {
        if self.typed() == TableNumber::None { self.0.whole(unknown) } else { None }
    }

    fn moment(&mut self, unknown: i64) -> Option<i64> {
        match self.typed() {
            TableNumber::None => self.0.moment(unknown),
            number @ TableNumber::Whole(_) => {
                self.0.skip()?;
                Some(time_of(number).ok()?.map_or(unknown, |told| told.time.ms()))
            }
            TableNumber::Large(_) | TableNumber::Real(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A cell of every kind, in each way of asking for it.
    fn told<'t>(cells: &mut impl PlainCells<'t>, ways: &[u8]) -> Option<String> {
        let mut told = String::new();
        for way in ways {
            told += &match way {
                0 => cells.skip().map(|()| String::new()),
                1 => cells.text().map(|text| format!("{text:?} ")),
                2 => cells.number().map(|number| format!("{:?} ", number.to_bits())),
                3 => cells.whole(u64::MAX).map(|whole| format!("{whole:?} ")),
                _ => cells.moment(-1).map(|ms| format!("{ms} ")),
            }?;
        }
        Some(told)
    }

    #[track_caller]
    fn check(cells: &[&str], ways: &[u8], ending: &str) -> bool {
        let rows = format!("some,rows,before,it\n{}{ending}", cells.join(","));
        let marks: Vec<u32> =
            (0..).zip(rows.bytes()).filter(|(_, byte)| b",\n".contains(byte)).map(|(at, _)| at).collect();
        let mut marked = MarkedCells::new(rows.as_bytes(), 20, &marks[4..]);
        let Some(found) = told(&mut marked, ways) else { return false };
        if marked.end().is_none() {
            return false;
        }
        let expected = told(&mut CutCells::new(&Row::of_text(1, cells)), ways);
        assert_eq!(Some(found), expected, "{cells:?} {ways:?}");
        true
    }

    #[test]
    fn usual_cells_are_plain() {
        let cells = [
            "",
            "7",
            "-0.5",
            "26858300993768842",
            "1630145202250",
            "2021-08-28T10:06:42.000Z",
            "a b",
            "43.40243063519981",
        ];
        for ending in ["\n", "\r\n"] {
            assert!(check(&cells, &[2, 2, 2, 3, 4, 4, 1, 2], ending));
            assert!(!check(&cells[..3], &[2, 2, 2, 2], ending), "no cell is there");
            assert!(!check(&cells, &[2, 2, 2], ending), "cells beyond the last that is asked for");
        }
        for (cell, way) in [(".5", 2), ("-", 2), ("1e3", 2), ("+1", 2), (" 1", 2), ("1 ", 2), ("-1", 3), ("7x", 3)] {
            assert!(!check(&[cell, "1"], &[way, 2], "\n"), "{cell}");
        }
        assert!(told(&mut MarkedCells::new(b"1\n", 0, &[1]), &[2]).is_none(), "too near to the beginning");
    }

    proptest! {
        #[test]
        fn what_is_plain_is_read_as_cut_cells_are(
            cells in prop::collection::vec(
                ("-?-?[0-9]{0,20}(\\.[0-9]{0,20})?|[0-9]{13}|20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:00:0[0-9].[0-9]{3}Z|[a-z \"é.-]{0,12}", 0_u8..5),
                1..6,
            ),
            ending in prop::sample::select(vec!["\n", "\r\n"]),
        ) {
            let (texts, ways): (Vec<&str>, Vec<u8>) = cells.iter().map(|(text, way)| (text.as_str(), *way)).unzip();
            check(&texts, &ways, ending);
        }
    }
}
