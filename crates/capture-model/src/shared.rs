//! A column that two owners read without a copy.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Rows that others may hold as well. Whoever changes them while others do gets a copy of its own first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared<T>(Arc<Vec<T>>);

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Deref for Shared<T> {
    type Target = Vec<T>;

    #[inline]
    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

/// Asks each time whether the rows are shared: a loop takes them once.
impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(rows: Vec<T>) -> Self {
        Self(Arc::new(rows))
    }
}

impl<T> FromIterator<T> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        Vec::from_iter(rows).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_shared_until_one_owner_changes_them() {
        let mut one: Shared<u8> = [1, 2].into_iter().collect();
        let other = one.clone();
        assert!(std::ptr::eq(one.as_ptr(), other.as_ptr()));
        one.push(3);
        assert_eq!((one.as_slice(), other.as_slice()), ([1, 2, 3].as_slice(), [1, 2].as_slice()));
    }
}
