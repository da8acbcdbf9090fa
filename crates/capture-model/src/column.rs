//! A column of which a table may know nothing, so that all rows hold one value.

use crate::RowOrder;
use std::ops::{Index, IndexMut};

/// A value a row. One value in all rows takes no memory, so that ten million images without a heading carry none.
#[derive(Debug, Clone, PartialEq)]
pub struct Column<T>(Rows<T>);

#[derive(Debug, Clone, PartialEq)]
enum Rows<T> {
    /// The same value, so many times.
    Same(T, usize),
    Each(Vec<T>),
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self(Rows::Each(Vec::new()))
    }
}

impl<T> From<Vec<T>> for Column<T> {
    fn from(rows: Vec<T>) -> Self {
        Self(Rows::Each(rows))
    }
}

impl<T: Copy + PartialEq> Column<T> {
    /// One value in so many rows; rows that are added and hold it as well take no memory either.
    pub fn same(value: T, n_rows: usize) -> Self {
        Self(Rows::Same(value, n_rows))
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        match &self.0 {
            Rows::Same(_, n_rows) => *n_rows,
            Rows::Each(rows) => rows.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory of its values, bytes.
    pub fn n_bytes(&self) -> usize {
        match &self.0 {
            Rows::Same(..) => 0,
            Rows::Each(rows) => size_of_val(rows.as_slice()),
        }
    }

    /// All rows, with memory for each.
    pub fn each(&mut self) -> &mut Vec<T> {
        if let Rows::Same(value, n_rows) = self.0 {
            self.0 = Rows::Each(vec![value; n_rows]);
        }
        match &mut self.0 {
            Rows::Each(rows) => rows,
            Rows::Same(..) => unreachable!("made rows just now"),
        }
    }

    /// Adds a row.
    #[inline]
    pub fn push(&mut self, value: T) {
        match &mut self.0 {
            Rows::Each(rows) => rows.push(value),
            Rows::Same(same, n_rows) if are_same(same, &value) => *n_rows += 1,
            Rows::Same(..) => self.each().push(value),
        }
    }

    /// Adds all rows of another column, which is empty then.
    pub fn append(&mut self, other: &mut Self) {
        match (&mut self.0, &mut other.0) {
            (Rows::Each(rows), Rows::Each(others)) => rows.append(others),
            (Rows::Same(same, n_rows), Rows::Same(value, n_others)) if are_same(same, value) => {
                *n_rows += std::mem::take(n_others);
            }
            (Rows::Each(rows), Rows::Same(value, n_others)) if rows.is_empty() => {
                *self = Self::same(*value, std::mem::take(n_others));
            }
            (_, Rows::Each(others)) => self.each().append(others),
            (_, Rows::Same(value, n_others)) => {
                let (value, n_others) = (*value, std::mem::take(n_others));
                self.extend_with(value, n_others);
            }
        }
    }

    /// Adds one value so many times.
    pub fn extend_with(&mut self, value: T, n_rows: usize) {
        match &mut self.0 {
            Rows::Same(same, n) if are_same(same, &value) => *n += n_rows,
            _ => {
                let rows = self.each();
                rows.resize(rows.len() + n_rows, value);
            }
        }
    }

    /// Adds values, or where there are none, one so many times.
    pub fn extend_or(&mut self, values: &[T], value: T, n_rows: usize) {
        match &mut self.0 {
            Rows::Each(rows) if !values.is_empty() => rows.extend_from_slice(values),
            _ if values.is_empty() => self.extend_with(value, n_rows),
            _ => values.iter().for_each(|&value| self.push(value)), // until one is another
        }
    }

    /// Puts a value into a row.
    pub fn set(&mut self, row: usize, value: T) {
        if !are_same(&self[row], &value) {
            self[row] = value;
        }
    }

    /// Changes all values.
    pub fn change(&mut self, change: impl Fn(T) -> T) {
        match &mut self.0 {
            Rows::Same(value, _) => *value = change(*value),
            Rows::Each(rows) => rows.iter_mut().for_each(|value| *value = change(*value)),
        }
    }

    /// The rows that `order` names, in its order.
    #[must_use]
    pub fn gather(&self, order: &[u32]) -> Self {
        match &self.0 {
            Rows::Same(value, _) => Self::same(*value, order.len()),
            Rows::Each(rows) => order.iter().map(|&row| rows[row as usize]).collect::<Vec<T>>().into(),
        }
    }

    /// Brings all rows into another order.
    pub fn permute(&mut self, order: &RowOrder<'_>) {
        match &mut self.0 {
            Rows::Same(_, n_rows) => *n_rows = order.len(),
            Rows::Each(rows) => order.apply(rows),
        }
    }

    /// The value of all rows, where it takes memory only once.
    pub fn only(&self) -> Option<T> {
        match self.0 {
            Rows::Same(value, _) => Some(value),
            Rows::Each(_) => None,
        }
    }

    /// Makes room for so many rows more, if there is any.
    pub fn expect(&mut self, n_rows: usize) {
        if let Rows::Each(rows) = &mut self.0 {
            let _ = rows.try_reserve(n_rows); // without it the rows grow as they must
        }
    }

    /// Cuts it to so many rows.
    pub fn truncate(&mut self, n_rows: usize) {
        match &mut self.0 {
            Rows::Same(_, n) => *n = n_rows.min(*n),
            Rows::Each(rows) => rows.truncate(n_rows),
        }
    }

    /// Puts one value into all rows.
    pub fn fill(&mut self, value: T) {
        *self = Self::same(value, self.len());
    }

    /// Leaves out the rows for which it is said.
    pub fn leave_out(&mut self, is_out: &[bool]) {
        match &mut self.0 {
            Rows::Same(_, n_rows) => *n_rows -= is_out.iter().filter(|is_out| **is_out).count(),
            Rows::Each(rows) => leave_out(rows, is_out),
        }
    }
}

/// Whether two values are one: what is not a number stands for what is missing, and is the same as itself.
#[expect(clippy::eq_op, reason = "only what is not a number differs from itself")]
fn are_same<T: PartialEq>(a: &T, b: &T) -> bool {
    a == b || (a != a && b != b)
}

/// Leaves out the rows for which it is said.
pub(crate) fn leave_out<T>(rows: &mut Vec<T>, is_out: &[bool]) {
    let mut row = 0;
    rows.retain(|_| {
        row += 1;
        !is_out[row - 1]
    });
}

impl<T> Index<usize> for Column<T> {
    type Output = T;

    #[inline]
    fn index(&self, row: usize) -> &T {
        match &self.0 {
            Rows::Each(rows) => &rows[row],
            Rows::Same(value, n_rows) => {
                assert!(row < *n_rows, "row {row} of {n_rows}");
                value
            }
        }
    }
}

impl<T: Copy + PartialEq> IndexMut<usize> for Column<T> {
    fn index_mut(&mut self, row: usize) -> &mut T {
        &mut self.each()[row]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(column: &Column<u8>) -> Vec<u8> {
        (0..column.len()).map(|row| column[row]).collect()
    }

    #[test]
    fn a_column_of_one_value_is_as_good_as_any() {
        let both = |n: usize| [Column::same(7, n), Column::from(vec![7_u8; n])];
        for mut column in both(3) {
            column.push(7);
            column.push(8);
            column.append(&mut Column::same(8, 2));
            column.append(&mut Column::from(vec![1, 2]));
            assert_eq!(rows(&column), [7, 7, 7, 7, 8, 8, 8, 1, 2]);
            column.leave_out(&[true, false, false, false, false, true, false, false, true]);
            assert_eq!(rows(&column), [7, 7, 7, 8, 8, 1]);
            column[1] = 9;
            column.truncate(2);
            assert_eq!(rows(&column), [7, 9]);
            column.fill(5);
            assert_eq!((rows(&column), column.n_bytes()), (vec![5, 5], 0));
        }
        for mut column in both(3) {
            column.leave_out(&[true, false, true]);
            column.truncate(4);
            assert_eq!(rows(&column), [7]);
        }
        let (mut all, mut part) = (Column::default(), Column::same(4_u8, 2));
        all.append(&mut part);
        part.push(4);
        all.append(&mut part);
        assert_eq!((rows(&all), all.n_bytes(), part.len()), (vec![4; 3], 0, 0), "parts of one value stay one");
    }
}
