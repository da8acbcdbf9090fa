//! Columns brought into another order.

/// More than one row in so many that moves is moved by a copy of all.
const FEW: usize = 8;

/// An order of rows: row `order[k]` comes to place k.
///
/// Tables mostly come as they are reported but for some rows, such as photos of one moment. Where few rows move, they change
/// places in the memory of their column, along the cycles of the permutation; else a column is copied, which reads it in no
/// order, but never waits for a place to know the next.
#[derive(Debug)]
pub struct RowOrder<'a> {
    order: &'a [u32],
    /// Where few rows move: one of each cycle.
    cycles: Option<Vec<u32>>,
}

impl<'a> RowOrder<'a> {
    /// Looks at an order of so many rows. One that leaves rows out, or repeats them, is taken as it is.
    pub fn new(order: &'a [u32], n_rows: usize) -> Self {
        Self { order, cycles: if order.len() == n_rows { few_cycles(order) } else { None } }
    }

    /// Brings a column into the order.
    pub fn apply<T: Copy>(&self, rows: &mut Vec<T>) {
        let Some(cycles) = &self.cycles else {
            *rows = self.order.iter().map(|&row| rows[row as usize]).collect();
            return;
        };
        for &first in cycles {
            let kept = rows[first as usize];
            let mut to = first as usize;
            loop {
                let from = self.order[to];
                if from == first {
                    break;
                }
                rows[to] = rows[from as usize];
                to = from as usize;
            }
            rows[to] = kept;
        }
    }

    /// How many rows there are then.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
}

/// A row of each cycle of a permutation that moves few rows; `None` where it moves many, or is none.
fn few_cycles(order: &[u32]) -> Option<Vec<u32>> {
    let moves = |&(row, &from): &(u32, &u32)| row != from;
    let n_moved = (0..).zip(order).filter(moves).count();
    if n_moved > order.len() / FEW {
        return None;
    }
    let mut is_seen = vec![false; if n_moved == 0 { 0 } else { order.len() }];
    let mut cycles = Vec::new();
    for (first, _) in (0..).zip(order).filter(moves) {
        if is_seen[first as usize] {
            continue;
        }
        cycles.push(first);
        let mut row = first;
        while !std::mem::replace(is_seen.get_mut(row as usize)?, true) {
            row = order[row as usize];
        }
        if row != first {
            return None;
        }
    }
    Some(cycles)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(order: &[u32], n_rows: usize) -> RowOrder<'_> {
        let mut rows: Vec<u32> = (100..).take(n_rows).collect();
        let row_order = RowOrder::new(order, n_rows);
        row_order.apply(&mut rows);
        assert!(rows.iter().copied().eq(order.iter().map(|&row| row + 100)), "{order:?}");
        row_order
    }

    #[test]
    fn rows_are_chosen_and_repeated() {
        for order in [[].as_slice(), &[2], &[0, 1], &[0, 0, 1, 2], &[2, 2, 2], &[1, 2, 2]] {
            check(order, 3);
        }
        let mut order: Vec<u32> = (0..100).collect();
        assert_eq!(check(&order, 100).cycles.as_deref(), Some([].as_slice()), "nothing moves");
        order[7] = 8;
        assert!(check(&order, 100).cycles.is_none(), "a row that comes twice");
        order[8] = 7;
        order.swap(90, 95);
        order.swap(95, 99);
        assert_eq!(check(&order, 100).cycles.as_deref(), Some([7, 90].as_slice()));
    }

    proptest! {
        #[test]
        fn any_permutation_is_followed(
            n_rows in 1_usize..80,
            swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..12),
        ) {
            let mut order: Vec<u32> = (0..n_rows as u32).collect();
            swaps.iter().for_each(|(a, b)| order.swap(a.index(n_rows), b.index(n_rows)));
            check(&order, n_rows);
        }
    }
}
