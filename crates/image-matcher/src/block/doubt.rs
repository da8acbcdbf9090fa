//! How much a block that nothing decides is to be doubted: the size of its moves tells own images from a fellow traveller's.
//!
//! The service moves an image by what it sees: a metre or two at the median, much the same from one end of a ride to the other. Two
//! receivers are further apart, each wanders on its own, and whoever was beside or behind stays there. No single ride is decided by
//! that, as some rides are moved far and some receivers are good, so it never makes a match; it says how often such a doubt is true,
//! and takes back a match for which nothing but two timers spoke.

use super::clock::Told;
use super::{Block, LEAST_SURE, Places, RIG, Work};
use crate::Weights;
use crate::medians::{median, median_vector};
use crate::plane::length_m;

/// What is in doubt is no match, as log odds.
const MOST: f64 = 1.99;
/// Where nothing but two timers agrees, even what looks decided follows the moves, and must be surer by so much.
const NOTHING_SHOWN: f64 = 1.0;
/// Lower log odds are hopeless.
const LEAST_OPEN: f64 = -4.0;
/// Less evidence than this is chance's matter.
const LEAST_EVIDENCE: f64 = 8.0;
/// Fewer moves have no middle to stray from.
const FEWEST: usize = 3;
/// Smaller moves are the receiver's last digits, larger ones are told apart by other means.
const MOVES_M: (f64, f64) = (0.2, 60.0);

impl Block {
    /// The log odds as they are told: what is in doubt follows the moves as well, and stays a doubt.
    pub(crate) fn log_odds_told(&self, weights: &Weights) -> f64 {
        let log_odds = self.log_odds();
        match self.by_moves {
            Some(by_moves) if self.shows_nothing && log_odds >= LEAST_SURE => {
                log_odds.min(by_moves + weights.doubt_temper * log_odds - NOTHING_SHOWN)
            }
            Some(by_moves) if log_odds < LEAST_SURE => {
                let is_of_rig = RIG + self.mate < self.identity - 1.0;
                let of_rig = if is_of_rig { weights.doubt_rig } else { 0.0 };
                (by_moves + of_rig + weights.doubt_temper * log_odds).min(MOST)
            }
            _ => log_odds,
        }
    }
}

/// Whether a block is neither decided nor hopeless.
pub(super) fn is_open(block: &Block) -> bool {
    block.evidence > LEAST_EVIDENCE && (LEAST_OPEN..LEAST_SURE).contains(&block.log_odds())
}

/// What the moves of a chain say, as log odds, the share of own rides among those in doubt included.
pub(super) fn by_moves(work: &Work<'_>, chain: &[usize], places: Places, told: Told) -> Option<f64> {
    let moves = if places == Places::Original { &work.to_original } else { &work.to_computed };
    let moves: Vec<[f64; 2]> = chain.iter().map(|&pair| moves[pair]).filter(|moved| moved[0].is_finite()).collect();
    if moves.len() < FEWEST {
        return None;
    }
    let middle = median_vector(&moves);
    let strays: Vec<f64> = moves.iter().map(|moved| length_m([moved[0] - middle[0], moved[1] - middle[1]])).collect();
    let log = |metres: f64| metres.clamp(MOVES_M.0, MOVES_M.1).ln();
    let weights = &work.weights;
    let apart = if told == Told::Apart { weights.doubt_apart } else { 0.0 };
    let far = weights.doubt_spread * log(median(&strays)) + weights.doubt_shift * log(length_m(middle));
    Some(weights.doubt - far - apart)
}
