//! The order of paths.
//!
//! # Method
//! Files come by track and time, and mostly in the order of their names: their paths rise over long stretches. A few of these
//! are merged from their first paths on, which needs no memory but the ranks; many are sorted. The eight bytes behind what
//! all paths begin with decide most comparisons without touching a path.

use crate::Paths;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// So many rising stretches are merged.
const MOST_STRETCHES: usize = 64;

/// Of each path, its rank in the order of bytes; of equal ones the first comes first.
pub(crate) fn path_ranks(paths: &Paths) -> Vec<u32> {
    let keys = Keys::of(paths);
    let mut rank = vec![0_u32; paths.len()];
    if let Some(stretches) = keys.few_stretches() {
        merge(stretches, &keys, &mut rank);
    } else {
        let mut by_path: Vec<(u64, u32)> = (0..keys.n).map(|row| (keys.head(row), row)).collect();
        by_path.sort_by(|a, b| {
            // shorter stretches that rise are merged here as well
            a.0.cmp(&b.0).then_with(|| keys.path(a.1).cmp(keys.path(b.1))).then(a.1.cmp(&b.1))
        });
        for (&(_, row), place) in by_path.iter().zip(0..) {
            rank[row as usize] = place;
        }
    }
    rank
}

/// Paths as they are compared.
struct Keys<'a> {
    paths: &'a Paths,
    n: u32,
    /// Bytes that all begin with.
    n_common: usize,
}

impl<'a> Keys<'a> {
    fn of(paths: &'a Paths) -> Self {
        let n = paths.len() as u32;
        let mut keys = Self { paths, n, n_common: 0 };
        let first = if n == 0 { &[] } else { keys.path(0) };
        keys.n_common = first.len();
        for row in 0..n {
            if keys.n_common == 0 {
                break;
            }
            keys.n_common = common_bytes(&first[..keys.n_common], keys.path(row));
        }
        keys
    }

    fn path(&self, row: u32) -> &'a [u8] {
        self.paths.get(row as usize).as_bytes()
    }

    /// The eight bytes behind what all begin with.
    #[inline]
    fn head(&self, row: u32) -> u64 {
        self.paths.head(row as usize, self.n_common)
    }

    /// The stretches of rows whose paths rise; `None` where there are many.
    fn few_stretches(&self) -> Option<Vec<Stretch<'_>>> {
        let mut stretches: Vec<Stretch<'_>> = Vec::new();
        let mut last = 0;
        for row in 0..self.n {
            let head = self.head(row);
            let rises = last < head || (last == head && row > 0 && self.path(row - 1) <= self.path(row));
            if let Some(stretch) = stretches.last_mut().filter(|_| rises) {
                stretch.end = row + 1;
            } else if stretches.len() < MOST_STRETCHES {
                stretches.push(Stretch { head, row, end: row + 1, keys: self });
            } else {
                return None;
            }
            last = head;
        }
        Some(stretches)
    }
}

/// How many bytes two texts have in common at their beginnings.
fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Rows from `row` to `end`, whose paths rise.
struct Stretch<'a> {
    head: u64,
    row: u32,
    end: u32,
    keys: &'a Keys<'a>,
}

/// The greatest is that whose first path comes first.
impl Ord for Stretch<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let path = |stretch: &Self| self.keys.path(stretch.row);
        let own = self.head.cmp(&other.head).then_with(|| path(self).cmp(path(other))).then(self.row.cmp(&other.row));
        own.reverse()
    }
}

impl PartialOrd for Stretch<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Stretch<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Stretch<'_> {}

/// Gives out ranks in the order of paths.
fn merge(stretches: Vec<Stretch<'_>>, keys: &Keys<'_>, rank: &mut [u32]) {
    let mut others = BinaryHeap::from(stretches);
    let mut next = others.pop();
    let mut place = 0;
    while let Some(mut first) = next {
        // as far as its paths come before all others for sure
        let bound = others.peek().map_or(u64::MAX, |other| other.head);
        loop {
            rank[first.row as usize] = place;
            (place, first.row) = (place + 1, first.row + 1);
            if first.row == first.end {
                next = others.pop();
                break;
            }
            first.head = keys.head(first.row);
            if first.head >= bound {
                next = Some(first_of(first, &mut others));
                break;
            }
        }
    }
}

/// That which comes first; the others stay.
fn first_of<'a>(mut one: Stretch<'a>, others: &mut BinaryHeap<Stretch<'a>>) -> Stretch<'a> {
    if let Some(mut other) = others.peek_mut()
        && *other > one
    {
        std::mem::swap(&mut *other, &mut one);
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranks(paths: &[&str]) -> Vec<u32> {
        let mut all = Paths::default();
        paths.iter().for_each(|path| all.push(path));
        path_ranks(&all)
    }

    #[test]
    fn paths_are_ranked_by_their_bytes() {
        assert_eq!(ranks(&[]), []);
        assert_eq!(ranks(&["a/b/0002", "a/b/0001", "a/b/000", "a/b/0001\0", "a/b/0001"]), [4, 1, 0, 3, 2]);
        assert_eq!(ranks(&["a/one of a long name 2", "a/one of a long name 1", "a"]), [2, 1, 0]);
        assert_eq!(ranks(&["b", "a", "\u{e9}", "", "a"]), [3, 1, 4, 0, 2]);
    }

    #[test]
    fn a_path_of_any_length_has_a_rank() {
        let long = "x".repeat((1 << 24) + 9);
        assert_eq!(ranks(&[&long]), [0], "all of it is what all begin with");
        assert_eq!(ranks(&[&format!("{long}b"), &format!("{long}a"), &long]), [2, 1, 0]);
    }

    #[test]
    fn numbers_without_zeros_are_few_stretches() {
        let mut paths = Paths::default();
        (0..2_000).for_each(|number: u32| paths.push(&number.to_string()));
        let stretches = Keys::of(&paths).few_stretches().map(|stretches| stretches.len());
        assert_eq!(stretches, Some(4), "a stretch for each number of digits");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn ranks_are_those_of_a_sort(
            mut paths in prop::collection::vec("(one/folder/)?[0-9]{0,3}(some long name )?[a-c\0\u{e9}]{0,3}", 0..300),
            n_sorted in 0_usize..300,
        ) {
            let n_sorted = n_sorted.min(paths.len());
            paths[..n_sorted].sort_unstable();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            let mut order: Vec<usize> = (0..paths.len()).collect();
            order.sort_by_key(|&row| paths[row].as_bytes());
            let mut expected = vec![0; paths.len()];
            order.iter().zip(0..).for_each(|(&row, place)| expected[row] = place);
            prop_assert_eq!(ranks(&paths), expected);
        }
    }
}
