//! Rows of CSV without quotes, to be read column by column.
//!
//! All cells of a column are read before any of the next, so that what reads them stays in the registers, and no row is put
//! together in between.

use super::plain::{moment, number, whole_or};

/// Rows that have a cell for each column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarkedRows<'t> {
    rows: &'t [u8],
    /// Where the first begins.
    begin: usize,
    /// Where the cells end, row after row: at commas, the last of each row at a line feed.
    marks: &'t [u32],
    n_columns: usize,
}

impl<'t> MarkedRows<'t> {
    /// The rows from `begin` on that have a mark for each column, up to the first that has not, and the marks behind them;
    /// `None` where there are none. As in [`super::MarkedCells`], in the first bytes of `rows` no cell is plain.
    pub(crate) fn first(rows: &'t [u8], begin: usize, marks: &'t [u32], n_columns: usize) -> Option<(Self, &'t [u32])> {
        let is_at = |mark: u32, byte: u8| rows.get(mark as usize) == Some(&byte);
        let is_whole = |row: &&[u32]| {
            let (last, others) = row.split_last().expect("chunks are not empty");
            is_at(*last, b'\n') && others.iter().all(|&mark| is_at(mark, b','))
        };
        let n_rows = marks.chunks_exact(n_columns.max(1)).take_while(is_whole).count();
        let (marks, behind) = marks.split_at(n_rows * n_columns);
        (!marks.is_empty()).then_some((Self { rows, begin, marks, n_columns }, behind))
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.marks.len() / self.n_columns
    }

    /// Where the row behind them begins.
    pub(crate) fn end(&self) -> usize {
        self.marks.last().map_or(self.begin, |&mark| mark as usize + 1)
    }

    /// The cells of a column: all bytes before the end of each, and where it begins.
    #[inline]
    fn cells(self, column: usize) -> impl Iterator<Item = Option<(&'t [u8], usize)>> {
        let is_last = column + 1 == self.n_columns;
        (column..self.marks.len()).step_by(self.n_columns).map(move |at| {
            let end = *self.marks.get(at)?;
            // behind the cell before it, which for the first column is the last one of the row before
            let begin =
                at.checked_sub(1).and_then(|at| self.marks.get(at)).map_or(self.begin, |&mark| mark as usize + 1);
            let mut bytes = self.rows.get(..end as usize)?;
            if is_last && bytes.len() > begin {
                bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
            }
            (begin <= bytes.len()).then_some((bytes, begin))
        })
    }

    /// Text as it is.
    #[inline]
    pub(crate) fn texts(self, column: usize) -> impl Iterator<Item = Option<&'t [u8]>> {
        self.cells(column).map(|cell| cell.and_then(|(before, begin)| before.get(begin..)))
    }

    /// The same of rows that are text: they are looked through once, not cell by cell.
    pub(crate) fn strs(self, column: usize) -> Option<impl Iterator<Item = Option<&'t str>>> {
        let text = std::str::from_utf8(self.rows.get(self.begin..self.end())?).ok()?;
        Some(
            self.cells(column).map(move |cell| {
                cell.and_then(|(before, begin)| text.get(begin - self.begin..before.len() - self.begin))
            }),
        )
    }

    /// Numbers, changed; NaN where a cell is empty. `None` where one is not plain, as in all that follow.
    #[inline]
    pub(crate) fn numbers<T>(self, column: usize, to: &mut Vec<T>, change: impl Fn(f64) -> T) -> Option<()> {
        to.reserve(self.len());
        for cell in self.cells(column) {
            let (before, begin) = cell?;
            to.push(change(number(before, begin)?));
        }
        Some(())
    }

    /// Whole numbers; `unknown` where a cell is empty.
    #[inline]
    pub(crate) fn wholes(self, column: usize, to: &mut Vec<u64>, unknown: u64) -> Option<()> {
        to.reserve(self.len());
        for cell in self.cells(column) {
            let (before, begin) = cell?;
            to.push(whole_or(before, begin, unknown)?);
        }
        Some(())
    }

    /// Moments; `unknown` where a cell is empty or 0.
    #[inline]
    pub(crate) fn moments(self, column: usize, to: &mut Vec<i64>, unknown: i64) -> Option<()> {
        to.reserve(self.len());
        for cell in self.cells(column) {
            let (before, begin) = cell?;
            to.push(moment(before, begin, unknown)?);
        }
        Some(())
    }
}
