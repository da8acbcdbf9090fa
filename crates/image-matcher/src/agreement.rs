//! Whether clocks that were said to agree do so once every ride was looked at again.
//!
//! In: what each ride was on its own, and what it became at an offset that others of its camera had shown. Out: the rides that
//! hold what they said. Two folders that each take up what the other says and drop what they said themselves agree on nothing.

use crate::explore::Explored;
use std::collections::BTreeMap;

/// Offsets of one clock agree to this, ms: less than the spacing that would hide a shift by one image.
pub(crate) const AGREED_MS: f64 = 700.0;

/// A ride that was looked at again keeps the offset that it took over only where another ride of its clock ends there too; else
/// it is what it was before. `before` holds that of the rides that were looked at again.
pub(crate) fn confirm<C: Ord>(explored: &mut [Explored], mut before: Vec<Option<Explored>>, clocks: &[C]) {
    let offset_ms = |found: &Explored| found.blocks.first().map(|block| block.offset_ms.round() as i64);
    let agree = |a: i64, b: i64| a.abs_diff(b) < AGREED_MS as u64;
    let has_moved = |number: usize, before: &[Option<Explored>], explored: &[Explored]| {
        let (was, is) = (before[number].as_ref()?, offset_ms(&explored[number])?);
        offset_ms(was).is_none_or(|was| !agree(was, is)).then_some(is)
    };
    loop {
        let mut held: BTreeMap<(&C, i64), usize> = BTreeMap::new();
        for (found, clock) in explored.iter().zip(clocks) {
            if let Some(offset_ms) = offset_ms(found) {
                *held.entry((clock, offset_ms)).or_default() += 1;
            }
        }
        let reach_ms = AGREED_MS as i64 - 1;
        let holders = |number: usize, ms: i64| {
            let near = held.range((&clocks[number], ms - reach_ms)..=(&clocks[number], ms + reach_ms));
            near.map(|(_, count)| count).sum::<usize>()
        };
        let is_alone = |&number: &usize| has_moved(number, &before, explored).is_some_and(|ms| holders(number, ms) < 2);
        let alone: Vec<usize> = (0..explored.len()).filter(is_alone).collect();
        if alone.is_empty() {
            return;
        }
        for number in alone {
            explored[number] = before[number].take().unwrap_or_default();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::block::{Block, Clock, Places};

    /// A ride with one block at an offset.
    pub(crate) fn at(offset_ms: f64) -> Explored {
        let block = Block {
            sequence: 0,
            is_timed: true,
            offset_ms,
            slope: 0.0,
            pivot_ms: 0.0,
            pairs: Vec::new().into(),
            terms: Vec::new(),
            chain: Vec::new().into(),
            evidence: 0.0,
            evidence_alone: 0.0,
            metre_level: 0.0,
            identity: 0.0,
            companion: 0.0,
            mate: 0.0,
            by_moves: None,
            clock: Clock::Fitted,
            shows_nothing: false,
            by_heading: 0.0,
            places: Places::Original,
            is_raw: false,
            copies: 0,
        };
        Explored { blocks: vec![block], ..Explored::default() }
    }

    fn offsets(explored: &[Explored]) -> Vec<f64> {
        explored.iter().map(|found| found.blocks[0].offset_ms).collect()
    }

    #[test]
    fn two_folders_that_take_over_what_the_other_drops_agree_on_nothing() {
        let mut explored = vec![at(5_000.0), at(9_000.0), at(70_100.0)];
        confirm(&mut explored, vec![Some(at(9_000.0)), Some(at(5_000.0)), None], &[1, 1, 1]);
        assert_eq!(offsets(&explored), [9_000.0, 5_000.0, 70_100.0]);
        let mut explored = vec![at(70_000.0), at(70_300.0), at(70_100.0)];
        confirm(&mut explored, vec![Some(at(9_000.0)), Some(at(5_000.0)), None], &[1, 2, 1]);
        assert_eq!(offsets(&explored), [70_000.0, 5_000.0, 70_100.0], "another clock confirms nothing");
    }

    #[test]
    fn who_relied_on_a_ride_that_goes_back_goes_back_too() {
        let mut explored = vec![at(9_000.0), at(9_000.0)];
        confirm(&mut explored, vec![None, Some(at(5_000.0))], &[1, 1]);
        assert_eq!(offsets(&explored), [9_000.0, 9_000.0]);
        let mut explored = vec![at(5_000.0), at(9_000.0), at(9_300.0)];
        confirm(&mut explored, vec![Some(at(6_000.0)), Some(at(5_000.0)), None], &[1, 1, 2]);
        assert_eq!(offsets(&explored), [6_000.0, 5_000.0, 9_300.0]);
    }
}
