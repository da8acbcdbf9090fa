//! Lists of many rides in one piece of memory.
//!
//! What a ride is found to be is kept until all rides are settled, while the next ones are looked at in the memory between. Lists
//! of some hundred pairs each leave holes of all sizes there, scattered over all of it, which every later allocation passes: a
//! sixth of a match of ten million photos. So the lists of some rides are moved into one piece.

use std::ops::{Deref, Range};
use std::sync::Arc;

/// A list that may share its memory with others.
#[derive(Debug, Clone)]
pub(crate) struct Shared<T> {
    all: Arc<[T]>,
    own: Range<u32>,
}

impl<T: Copy> Shared<T> {
    /// Moves some lists into one piece of memory.
    ///
    /// # Panics
    /// With 2^32 or more items.
    pub(crate) fn move_together(lists: &mut [&mut Self]) {
        let all: Arc<[T]> = lists.iter().flat_map(|list| list.iter().copied()).collect::<Vec<T>>().into();
        u32::try_from(all.len()).expect("fewer than 2^32 items");
        let mut start = 0;
        for list in lists {
            let end = start + list.len() as u32;
            **list = Self { all: all.clone(), own: start..end };
            start = end;
        }
    }

    /// Leaves out what does not pass a test.
    pub(crate) fn retain(&mut self, test: impl FnMut(&T) -> bool) {
        let mut own = self.to_vec();
        own.retain(test);
        if own.len() < self.len() {
            *self = own.into();
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.all[self.own.start as usize..self.own.end as usize]
    }
}

impl<T> From<Vec<T>> for Shared<T> {
    fn from(list: Vec<T>) -> Self {
        Self { own: 0..u32::try_from(list.len()).expect("fewer than 2^32 items"), all: list.into() }
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl<T> FromIterator<T> for Shared<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        items.into_iter().collect::<Vec<T>>().into()
    }
}

impl<'a, T> IntoIterator for &'a Shared<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_stay_what_they_are_wherever_they_lie() {
        let expected = [vec![1, 2, 3], vec![], vec![4], vec![5, 6]];
        let mut lists: Vec<Shared<i32>> = expected.iter().cloned().map(Shared::from).collect();
        Shared::move_together(&mut lists.iter_mut().collect::<Vec<_>>());
        assert!(lists.iter().zip(&expected).all(|(list, expected)| **list == **expected));
        assert_eq!(lists[0].as_ptr_range().end, lists[2].as_ptr());
        lists[3].retain(|&item| item != 5);
        assert_eq!((&*lists[3], &*lists[0]), (&[6][..], &[1, 2, 3][..]));
        assert!(Shared::<i32>::default().is_empty());
    }
}
