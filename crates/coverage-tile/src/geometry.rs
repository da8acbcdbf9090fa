//! Geometry commands of a feature: a point, or parts of a line (vector tile specification 2.1, section 4.3).

use crate::wire::{Packed, unzigzag};

const MOVE_TO: u64 = 1;
const LINE_TO: u64 = 2;
const CLOSE_PATH: u64 = 7;

/// The first point of a point feature, in tile units; `None` when the commands make no point.
pub(crate) fn point(commands: &[u8]) -> Option<(i32, i32)> {
    let mut numbers = Packed(commands);
    let command = numbers.next()?;
    if command & 7 != MOVE_TO || command >> 3 == 0 {
        return None;
    }
    let (x, y) = (unzigzag(numbers.next()?), unzigzag(numbers.next()?));
    Some((i32::try_from(x).ok()?, i32::try_from(y).ok()?))
}

/// Walks a line feature: calls `vertex` for each point in tile units and says whether it begins a new part.
/// `None` when the commands break or `vertex` refuses a point; counts that promise more numbers than there are end the
/// walk, they are never trusted.
pub(crate) fn lines(commands: &[u8], mut vertex: impl FnMut(bool, i32, i32) -> Option<()>) -> Option<()> {
    let mut numbers = Packed(commands);
    let (mut x, mut y) = (0_i32, 0_i32);
    let mut has_begun = false;
    while let Some(command) = numbers.next() {
        let count = command >> 3;
        match command & 7 {
            MOVE_TO | LINE_TO if command & 7 == LINE_TO && !has_begun => return None,
            MOVE_TO | LINE_TO => {
                for _ in 0..count {
                    let (dx, dy) = (numbers.next()?, numbers.next()?);
                    x = x.checked_add(i32::try_from(unzigzag(dx)).ok()?)?;
                    y = y.checked_add(i32::try_from(unzigzag(dy)).ok()?)?;
                    vertex(command & 7 == MOVE_TO, x, y)?;
                    has_begun = true;
                }
            }
            CLOSE_PATH => {}
            _ => return None,
        }
    }
    numbers.0.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(commands: &[u8]) -> Option<Vec<Vec<(i32, i32)>>> {
        let mut parts: Vec<Vec<(i32, i32)>> = Vec::new();
        lines(commands, |begins, x, y| {
            if begins || parts.is_empty() {
                parts.push(Vec::new());
            }
            parts.last_mut().unwrap().push((x, y));
            Some(())
        })?;
        Some(parts)
    }

    #[test]
    fn the_examples_of_the_specification() {
        assert_eq!(point(&[9, 50, 34]), Some((25, 17)));
        assert_eq!(parts(&[9, 4, 4, 18, 0, 16, 16, 0]), Some(vec![vec![(2, 2), (2, 10), (10, 10)]]));
        let multi = [9, 4, 4, 18, 0, 16, 16, 0, 9, 17, 17, 10, 4, 8];
        assert_eq!(parts(&multi), Some(vec![vec![(2, 2), (2, 10), (10, 10)], vec![(1, 1), (3, 5)]]));
    }

    #[test]
    fn broken_commands_are_no_geometry() {
        assert_eq!(point(&[]), None);
        assert_eq!(point(&[18, 2, 2]), None, "a line where a point was due");
        assert_eq!(parts(&[18, 2, 2, 2, 2]), None, "a line before any start");
        assert_eq!(parts(&[9, 4, 4, 0xfa, 0xff, 0xff, 0xff, 0x0f, 0, 16]), None, "a gigantic count");
        assert_eq!(parts(&[11, 4, 4]), None, "an unknown command");
    }
}
