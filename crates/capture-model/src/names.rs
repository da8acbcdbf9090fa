//! Texts kept once and spoken of by number.

use std::collections::HashMap;
use std::hash::Hash;

/// Values kept once, numbered from 0 in the order in which they were first seen.
#[derive(Debug, Clone)]
pub struct Names<T> {
    numbers: HashMap<T, u32>,
    values: Vec<T>,
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), values: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Names<T> {
    /// The number of a value, which is kept if it is new.
    ///
    /// # Panics
    /// When more than 2^32 − 1 distinct values are kept.
    pub fn number_of(&mut self, value: &T) -> u32 {
        if let Some(&number) = self.numbers.get(value) {
            return number;
        }
        let number = u32::try_from(self.values.len()).expect("fewer than 2^32 distinct names");
        self.numbers.insert(value.clone(), number);
        self.values.push(value.clone());
        number
    }

    /// Forgets all values, in the memory of which others may be kept.
    pub fn clear(&mut self) {
        self.numbers.clear();
        self.values.clear();
    }

    /// The number of a value that is already kept.
    pub fn find(&self, value: &T) -> Option<u32> {
        self.numbers.get(value).copied()
    }

    /// The value of a number given out by this table.
    ///
    /// # Panics
    /// When the number was not given out by this table.
    pub fn value(&self, number: u32) -> &T {
        &self.values[number as usize]
    }

    /// All values, by number.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// How many distinct values are kept.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}
