//! What a camera's uploads do with headings, held against images beside which headings never agree.
//!
//! In: the blocks of all rides and the clock, that is the camera, of each. A camera whose other folders' headings were copied to the
//! hundredth of a degree does not publish one folder with headings set anew; the other camera of its rig has headings of its own
//! all along, at the same places, altitudes and milliseconds.

use crate::explore::Explored;
use std::collections::BTreeMap;

/// Log odds that a folder's headings were set anew where the camera's others were copied.
const SELDOM: f64 = -14.0;
/// Headings are known on both sides and never equal.
const ANEW: f64 = -2.0;
/// A block as strong as this shows what its camera does.
const STRONG: f64 = 5.0;

/// Takes from blocks whose headings never agree what a folder of the same camera says whose headings do.
pub(crate) fn turned_beside_copies<C: Ord>(explored: &mut [Explored], clocks: &[C]) {
    let mut copied: BTreeMap<&C, Vec<usize>> = BTreeMap::new();
    for (number, (found, clock)) in explored.iter().zip(clocks).enumerate() {
        if found.blocks.iter().any(|block| block.by_heading > 0.0 && block.log_odds() > STRONG) {
            copied.entry(clock).or_default().push(number);
        }
    }
    for (number, (found, clock)) in explored.iter_mut().zip(clocks).enumerate() {
        if copied.get(clock).is_some_and(|folders| folders.iter().any(|&other| other != number)) {
            for block in found.blocks.iter_mut().filter(|block| block.by_heading <= ANEW) {
                block.identity += SELDOM;
                block.mate += SELDOM;
            }
        }
    }
}
