//! One row of a table, whatever the table is written in.

use capture_model::TableNumber;

/// One row: its line and its cells by column, in the order of [`super::Columns`].
#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) line: u64,
    cells: Cells<'a>,
    /// Of a table with types, the cells that are numbers; empty for a table of text.
    numbers: &'a [TableNumber],
}

/// Where the cells are.
#[derive(Debug)]
enum Cells<'a> {
    /// Cut out.
    Cut(&'a [&'a str]),
    /// In one text: where each begins, and at last where one more would. One byte lies between neighbours.
    Within { text: &'a str, begins: &'a [usize] },
}

impl<'a> Row<'a> {
    /// A row of a table of text.
    pub(crate) fn of_text(line: u64, cells: &'a [&'a str]) -> Self {
        Self { line, cells: Cells::Cut(cells), numbers: &[] }
    }

    /// A row of cells inside of a text, each followed by one byte of ASCII: where they begin, and where one more would.
    pub(crate) fn within(line: u64, text: &'a str, begins: &'a [usize]) -> Self {
        Self { line, cells: Cells::Within { text, begins }, numbers: &[] }
    }

    /// A row of a table with types.
    pub(crate) fn of_types(line: u64, cells: &'a [&'a str], numbers: &'a [TableNumber]) -> Self {
        Self { line, cells: Cells::Cut(cells), numbers }
    }

    /// Whether all cells are text.
    pub(crate) fn is_text(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The number of a column that was [`capture_model::Wanted::Any`]; [`TableNumber::None`] where the cell is text.
    pub(crate) fn number(&self, column: usize) -> TableNumber {
        self.numbers.get(column).copied().unwrap_or_default()
    }

    /// The cell of a column, trimmed; empty when the row ends before it.
    pub(crate) fn cell(&self, column: usize) -> &'a str {
        let cell = self.raw(column);
        if is_bare(cell.as_bytes()) { cell } else { cell.trim() }
    }

    /// The cell as it is.
    pub(crate) fn raw(&self, column: usize) -> &'a str {
        match self.cells {
            Cells::Cut(cells) => cells.get(column).copied().unwrap_or(""),
            Cells::Within { text, begins } => match begins.get(column..) {
                Some(&[begin, next, ..]) => &text[begin..next - 1],
                _ => "",
            },
        }
    }

    /// The bytes of the cell as it is.
    pub(crate) fn bytes(&self, column: usize) -> &'a [u8] {
        match self.cells {
            Cells::Within { text, begins } => match begins.get(column..) {
                Some(&[begin, next, ..]) => &text.as_bytes()[begin..next - 1],
                _ => b"",
            },
            Cells::Cut(_) => self.raw(column).as_bytes(),
        }
    }

    /// How many cells it has.
    #[cfg(test)]
    pub(crate) fn n_cells(&self) -> usize {
        match self.cells {
            Cells::Cut(cells) => cells.len(),
            Cells::Within { begins, .. } => begins.len().saturating_sub(1),
        }
    }
}

/// Whether there is nothing to trim off a text, since it lies between printable ASCII.
fn is_bare(text: &[u8]) -> bool {
    let is_printable = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    is_printable(text.first()) && is_printable(text.last())
}
