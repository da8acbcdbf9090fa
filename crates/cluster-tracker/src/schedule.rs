//! When to ask again, and when enough is known: decided from values alone.

use crate::{Seen, State};
use std::str::FromStr;
use std::time::Duration;

/// How the waits between two rounds grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// After news.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Default for Schedule {
    /// One minute to thirty: processing takes hours to days.
    fn default() -> Self {
        Self { first: Duration::from_mins(1), longest: Duration::from_mins(30) }
    }
}

impl Schedule {
    /// For a service on this machine, which nobody else waits for.
    pub fn for_loopback() -> Self {
        Self { first: Duration::from_millis(50), longest: Duration::from_millis(400) }
    }

    /// The wait after so many rounds without news: half as long again each time, up to the longest, and then anything
    /// from three quarters to the whole of it, so that many watchers do not ask at once. `jitter` lies in 0…1.
    pub fn wait(&self, quiet_rounds: u32, jitter: f64) -> Duration {
        let grown = self.first.as_secs_f64() * 1.5_f64.powi(quiet_rounds.min(64) as i32);
        let capped = grown.min(self.longest.as_secs_f64());
        let share = 0.75 + jitter.clamp(0.0, 1.0) / 4.0;
        Duration::from_secs_f64((capped * share).max(self.first.as_secs_f64()))
    }
}

/// What a watch waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Goal {
    /// Image processing is finished, by the feed's word or because an image can be read.
    Processed,
    /// An image can be read.
    Visible,
    /// The coverage tiles show it.
    #[default]
    Tiles,
}

impl FromStr for Goal {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "processed" => Ok(Self::Processed),
            "visible" => Ok(Self::Visible),
            "tiles" => Ok(Self::Tiles),
            _ => Err("a watch waits until `processed`, `visible` or `tiles`".to_owned()),
        }
    }
}

impl Goal {
    /// Whether an upload has come so far.
    pub fn is_reached(self, state: State, seen: Seen) -> bool {
        match (self, seen) {
            (_, Seen::InTiles) | (Self::Processed | Self::Visible, Seen::Visible) => true,
            (Self::Processed, _) => matches!(state, State::Published | State::InTiles),
            // Nobody looked: the feed's word is all there is.
            (Self::Visible, Seen::Unchecked) => matches!(state, State::Published | State::InTiles),
            (Self::Tiles, Seen::Unchecked) => state == State::InTiles,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_from_a_minute_to_thirty_and_are_jittered() {
        let schedule = Schedule::default();
        let minutes = |quiet, jitter| (schedule.wait(quiet, jitter).as_secs_f64() / 6.0).round() / 10.0;
        assert_eq!([0, 1, 2, 5, 8, 9, 100].map(|quiet| minutes(quiet, 1.0)), [1.0, 1.5, 2.3, 7.6, 25.6, 30.0, 30.0]);
        assert_eq!([0, 5, 100].map(|quiet| minutes(quiet, 0.0)), [1.0, 5.7, 22.5]);
        for jitter in [-1.0, 2.0, f64::INFINITY] {
            for quiet in [0, 3, u32::MAX] {
                let wait = schedule.wait(quiet, jitter);
                assert!(wait >= schedule.first && wait <= schedule.longest, "{quiet} {jitter} {wait:?}");
            }
        }
    }

    #[test]
    fn a_goal_wants_evidence_where_there_can_be_some() {
        use Goal::{Processed, Tiles, Visible};
        for (goal, state, seen, expected) in [
            (Tiles, State::InTiles, Seen::Unchecked, true),
            (Tiles, State::InTiles, Seen::Visible, false),
            (Tiles, State::Published, Seen::InTiles, true),
            (Visible, State::Published, Seen::Invisible, false),
            (Visible, State::Published, Seen::Visible, true),
            (Processed, State::Published, Seen::Invisible, true),
            (Processed, State::Processing, Seen::Invisible, false),
            (Processed, State::Unknown, Seen::Visible, true),
        ] {
            assert_eq!(goal.is_reached(state, seen), expected, "{goal:?} {state:?} {seen:?}");
        }
    }
}
