//! Cells of tables whose format has types.

use std::fmt;

/// A number as a typed table (Parquet) holds it. Whoever reads tables takes it as it is; its text, where somebody wants one,
/// is that which a table of text would have.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum TableNumber {
    /// No number: missing, or text that stands in the text cell.
    #[default]
    None,
    /// A whole number, or a moment in milliseconds since the epoch.
    Whole(i64),
    /// A whole number above those.
    Large(u64),
    /// Any number; never infinite and never NaN.
    Real(f64),
}

/// How a reader of rows takes the cells of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Not at all.
    Not,
    /// As text.
    Text,
    /// As a number where it is one, else as text.
    Any,
}

/// What is told each row of a typed table: its number, from 1, and for each column its text and its number, of which at most
/// one is there.
pub type TypedRow<'r> = dyn FnMut(u64, &[&str], &[TableNumber]) + 'r;

/// Some rows of a typed table, column by column.
#[derive(Debug, Clone, Copy)]
pub struct TypedRows<'r> {
    /// Number of the first of them, from 1.
    pub first: u64,
    /// How many there are.
    pub n_rows: usize,
    /// All columns of the table.
    pub columns: &'r [TypedColumn<'r>],
}

/// The cells of one column, one a row.
#[derive(Debug, Clone, Copy)]
pub enum TypedColumn<'r> {
    /// Not wanted.
    Empty,
    /// Texts, empty where there is none.
    Texts(TableTexts<'r>),
    /// Numbers of any kind.
    Numbers(&'r [TableNumber]),
    /// Whole numbers or moments, none of which is missing.
    Wholes(&'r [i64]),
    /// Numbers of which none is infinite; NaN where one is missing.
    Reals(&'r [f64]),
}

impl TypedColumn<'_> {
    /// The number of a row; none where there is none, or a text.
    #[inline]
    pub fn number(&self, row: usize) -> TableNumber {
        match self {
            Self::Empty | Self::Texts(_) => TableNumber::None,
            Self::Numbers(numbers) => numbers.get(row).copied().unwrap_or_default(),
            Self::Wholes(numbers) => numbers.get(row).map_or(TableNumber::None, |&number| TableNumber::Whole(number)),
            Self::Reals(numbers) => match numbers.get(row) {
                Some(&number) if !number.is_nan() => TableNumber::Real(number),
                _ => TableNumber::None,
            },
        }
    }
}

/// Texts of some rows, one behind the other.
#[derive(Debug, Clone, Copy)]
pub struct TableTexts<'r> {
    text: &'r str,
    ends: &'r [usize],
}

impl<'r> TableTexts<'r> {
    /// Texts that lie in one, each where the one before ends.
    pub fn new(text: &'r str, ends: &'r [usize]) -> Self {
        Self { text, ends }
    }

    /// The text of a row; empty beyond the last.
    pub fn get(self, row: usize) -> &'r str {
        let end = |row: usize| self.ends.get(row).copied().unwrap_or(self.text.len());
        &self.text[row.checked_sub(1).map_or(0, end)..end(row)]
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = &'r str> {
        (0..self.ends.len()).map(move |row| self.get(row))
    }
}

impl TypedRows<'_> {
    /// Tells them row by row.
    pub fn each(&self, row: &mut TypedRow<'_>) {
        let mut texts = vec![""; self.columns.len()];
        let mut numbers = vec![TableNumber::None; self.columns.len()];
        for at in 0..self.n_rows {
            for (place, column) in self.columns.iter().enumerate() {
                match column {
                    TypedColumn::Empty => {}
                    TypedColumn::Texts(cells) => texts[place] = cells.get(at),
                    numbered => numbers[place] = numbered.number(at),
                }
            }
            row(self.first + at as u64, &texts, &numbers);
        }
    }
}

/// Whole numbers above this may have changed on their way through a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl TableNumber {
    /// As a float, the nearest where there is no equal one; `None` where there is no number.
    pub fn real(self) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Whole(number) => Some(number as f64),
            Self::Large(number) => Some(number as f64),
            Self::Real(number) => Some(number),
        }
    }
}

/// A float beyond 2^53 that stands for a whole number is written with an exponent, so that nobody takes it for an id.
impl fmt::Display for TableNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Whole(number) => number.fmt(f),
            Self::Large(number) => number.fmt(f),
            Self::Real(number) if number.abs() > EXACT => fmt::LowerExp::fmt(number, f),
            Self::Real(number) => number.fmt(f),
        }
    }
}
