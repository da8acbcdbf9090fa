//! Rows of CSV without quotes, to be read column by column.
//!
//! All cells of a column are read before any of the next, so that what reads them stays in the registers, and no row is put
//! together in between.

use super::plain::{moment, number, other_number, whole_or};

/// Rows that have a cell for each column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MarkedRows<'t> {
    rows: &'t [u8],
    /// Where the cells end, row after row: at commas, the last of each row at a line feed. Before them the mark that ends
    /// what comes before the rows, so that every cell lies between two.
    marks: &'t [u32],
    n_columns: usize,
}

impl<'t> MarkedRows<'t> {
    /// The rows behind the first mark that have a mark for each column, up to the first that has not, and all marks from the
    /// last of them on; `None` where there are none. `n_line_feeds` of all marks behind the first are line feeds. As in
    /// [`super::MarkedCells`], in the first bytes of `rows` no cell is plain.
    pub(crate) fn first(
        rows: &'t [u8],
        marks: &'t [u32],
        n_columns: usize,
        n_line_feeds: usize,
    ) -> Option<(Self, &'t [u32])> {
        let is_at = |mark: u32, byte: u8| rows.get(mark as usize) == Some(&byte);
        let is_ended = |row: &&[u32]| row.last().is_some_and(|&mark| is_at(mark, b'\n'));
        let is_whole = |row: &&[u32]| is_ended(row) && row[..row.len() - 1].iter().all(|&mark| is_at(mark, b','));
        let some = || marks.get(1..).unwrap_or_default().chunks_exact(n_columns.max(1));
        // where all line feeds end a row, there is none within any
        let n_ended = some().take(n_line_feeds).take_while(is_ended).count();
        let n_rows = if n_ended == n_line_feeds { n_ended } else { some().take_while(is_whole).count() };
        let last = n_rows * n_columns;
        (last > 0).then(|| (Self { rows, marks: &marks[..=last], n_columns }, &marks[last..]))
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        (self.marks.len() - 1) / self.n_columns
    }

    /// Where the first begins.
    fn begin(&self) -> usize {
        behind(self.marks[0])
    }

    /// Where the row behind them begins.
    pub(crate) fn end(&self) -> usize {
        behind(self.marks[self.marks.len() - 1])
    }

    /// The cell between two marks: all bytes before its end, and where it begins.
    #[inline]
    fn cell(self, before: u32, end: u32, is_last: bool) -> Option<(&'t [u8], usize)> {
        let begin = behind(before);
        let mut bytes = self.rows.get(..end as usize)?;
        if is_last && bytes.len() > begin {
            bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        }
        (begin <= bytes.len()).then_some((bytes, begin))
    }

    /// The cells of a column.
    #[inline]
    fn cells(self, column: usize) -> impl Iterator<Item = Option<(&'t [u8], usize)>> {
        let is_last = column + 1 == self.n_columns;
        let marks = self.marks.get(column..).unwrap_or_default();
        marks.windows(2).step_by(self.n_columns).map(move |marks| match marks {
            &[before, end] => self.cell(before, end, is_last),
            _ => None,
        })
    }

    /// Text as it is.
    #[inline]
    pub(crate) fn texts(self, column: usize) -> impl Iterator<Item = Option<&'t [u8]>> {
        self.cells(column).map(|cell| cell.and_then(|(before, begin)| before.get(begin..)))
    }

    /// The same of rows that are text: they are looked through once, not cell by cell.
    pub(crate) fn strs(self, column: usize) -> Option<impl Iterator<Item = Option<&'t str>>> {
        let first = self.begin();
        let text = std::str::from_utf8(self.rows.get(first..self.end())?).ok()?;
        Some(
            self.cells(column)
                .map(move |cell| cell.and_then(|(before, begin)| text.get(begin - first..before.len() - first))),
        )
    }

    /// Numbers; NaN where a cell is empty. `None` where one is not plain, as in all that follow; then there are as many as
    /// rows all the same.
    #[inline(never)]
    pub(crate) fn numbers(self, column: usize, to: &mut Vec<f64>) -> Option<()> {
        self.put(column, to, number)
    }

    /// The same, changed.
    #[inline]
    pub(crate) fn changed_numbers<T: Copy + Default>(
        self,
        column: usize,
        to: &mut Vec<T>,
        change: impl Fn(f64) -> T,
    ) -> Option<()> {
        self.put(column, to, |before, begin| Some(change(other_number(before, begin)?)))
    }

    /// Whole numbers; `unknown` where a cell is empty.
    #[inline]
    pub(crate) fn wholes(self, column: usize, to: &mut Vec<u64>, unknown: u64) -> Option<()> {
        self.put(column, to, |before, begin| whole_or(before, begin, unknown))
    }

    /// Moments; `unknown` where a cell is empty or 0.
    #[inline]
    pub(crate) fn moments(self, column: usize, to: &mut Vec<i64>, unknown: i64) -> Option<()> {
        self.put(column, to, |before, begin| moment(before, begin, unknown))
    }

    /// Reads a column into places that are there already: nothing is to be said of its growth cell by cell.
    #[inline]
    fn put<T: Copy + Default>(
        self,
        column: usize,
        to: &mut Vec<T>,
        read: impl Fn(&[u8], usize) -> Option<T>,
    ) -> Option<()> {
        let n_before = to.len();
        to.resize(n_before + self.len(), T::default());
        let is_last = column + 1 == self.n_columns;
        let mut marks = self.marks.get(column..)?;
        for place in &mut to[n_before..] {
            let &[before, end, ..] = marks else { return None };
            let (before, begin) = self.cell(before, end, is_last)?;
            *place = read(before, begin)?;
            marks = marks.get(self.n_columns..).unwrap_or_default();
        }
        Some(())
    }
}

/// Where what follows a mark begins.
fn behind(mark: u32) -> usize {
    mark.wrapping_add(1) as usize // before the first byte there is none
}
