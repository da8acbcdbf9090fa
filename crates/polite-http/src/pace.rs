//! When the next request of a quota may go: a state machine on a clock that is handed in.
//!
//! # Method
//! *Pace*: the times of the last sends are kept, and a send may go while fewer than the budget lie in the window that
//! ends now; what an earlier run sent counts too. So no window of a minute ever holds more than the budget, wherever it begins; a small run is not slowed
//! at all. The window is a second longer than a minute, for what the network shifts between here and there.
//!
//! *Throttling* holds everything until a moment: as long as the service said, or else the first hold, doubled with
//! each further episode. Replies to requests that had left before a hold began belong to its episode. After a hold the
//! pace is halved, evenly spaced, and grows back by a fiftieth with each good answer (additive increase,
//! multiplicative decrease, as in TCP).
//!
//! *Usage* told by the service: from 70 % on the pace falls in a straight line, at 95 % one request per hold is left,
//! to learn whether it has fallen.

use std::collections::VecDeque;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(61);
const LEAST_FACTOR: f64 = 1.0 / 64.0;
const RECOVERY: f64 = 0.02;
const USAGE_SLOWS: f64 = 70.0;
const USAGE_STOPS: f64 = 95.0;

/// One quota of the service.
#[derive(Debug, Clone, PartialEq)]
pub struct QuotaSettings {
    /// Name, also in the ledger of days.
    pub name: &'static str,
    /// Requests in any minute; `None`: no pace.
    pub per_minute: Option<u32>,
    /// Requests a day (UTC), over all runs; `None`: not counted.
    pub per_day: Option<u64>,
    /// Requests in flight at once.
    pub at_once: usize,
    /// Hold after throttling when the service does not say how long.
    pub first_hold: Duration,
    /// The longest such hold.
    pub longest_hold: Duration,
}

/// Whether the next request may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Now; it is counted as sent.
    Go,
    /// Not before this moment.
    NotBefore(Duration),
}

/// The state of one quota. Times are durations since any fixed moment.
#[derive(Debug, Clone)]
pub struct PaceState {
    per_minute: Option<u32>,
    first_hold: Duration,
    longest_hold: Duration,
    /// When each request that counts will have left the window, in order.
    leaving: VecDeque<Duration>,
    hold_until: Option<Duration>,
    hold_began: Option<Duration>,
    episodes: u32,
    factor: f64,
    usage_factor: f64,
}

impl PaceState {
    /// Nothing sent, nothing held.
    pub fn new(settings: &QuotaSettings) -> Self {
        Self {
            per_minute: settings.per_minute.map(|rate| rate.max(1)),
            first_hold: settings.first_hold,
            longest_hold: settings.longest_hold,
            leaving: VecDeque::new(),
            hold_until: None,
            hold_began: None,
            episodes: 0,
            factor: 1.0,
            usage_factor: 1.0,
        }
    }

    /// Counts what was sent before this state began, `age` before its time 0. The oldest go first.
    pub fn sent_before(&mut self, age: Duration, times: u64) {
        // More than the budget need not be counted: they leave the window together.
        let times = times.min(u64::from(self.per_minute.unwrap_or(0))) as usize;
        self.leaving.extend(std::iter::repeat_n(WINDOW.saturating_sub(age), times));
    }

    /// Counts what other processes have sent since this was last asked: as if it were just now.
    pub fn sent_elsewhere(&mut self, now: Duration, times: u64) {
        let times = times.min(u64::from(self.per_minute.unwrap_or(0))) as usize;
        self.leaving.extend(std::iter::repeat_n(now + WINDOW, times));
    }

    /// Begins at a quarter of the pace and grows from there.
    pub fn begin_slowly(&mut self) {
        self.factor = 0.25;
    }

    /// Asks for a slot. `Go` counts.
    pub fn next_slot(&mut self, now: Duration) -> Slot {
        if let Some(until) = self.hold_until {
            if now < until {
                return Slot::NotBefore(until);
            }
            self.hold_until = None;
        }
        let Some(per_minute) = self.per_minute else { return Slot::Go };
        while self.leaving.front().is_some_and(|&leaves| leaves <= now) {
            self.leaving.pop_front();
        }
        let factor = self.factor.min(self.usage_factor);
        let limit = ((f64::from(per_minute) * factor) as usize).max(1);
        let mut earliest = now;
        if self.leaving.len() >= limit {
            earliest = earliest.max(self.leaving[self.leaving.len() - limit]);
        }
        if factor < 1.0
            && let Some(&last) = self.leaving.back()
        {
            earliest = earliest.max((last + WINDOW.div_f64(limit as f64)).saturating_sub(WINDOW));
        }
        if earliest > now {
            return Slot::NotBefore(earliest);
        }
        self.leaving.push_back(now + WINDOW);
        Slot::Go
    }

    /// The last slot is used at this moment, not when it was asked for.
    pub fn used(&mut self, now: Duration) {
        if let Some(leaves) = self.leaving.back_mut() {
            *leaves = now + WINDOW;
        }
    }

    /// The last slot was not used.
    pub fn give_back(&mut self) {
        self.leaving.pop_back();
    }

    /// A good answer came to a request sent at `sent_at`.
    pub fn answered(&mut self, sent_at: Duration) {
        if self.hold_began.is_none_or(|began| sent_at >= began) {
            self.episodes = 0;
            self.factor = (self.factor + RECOVERY).min(1.0);
            // A service that tells its usage tells it again at once; one that fell silent has recovered.
            self.usage_factor = (self.usage_factor + RECOVERY).min(1.0);
        }
    }

    /// A request sent at `sent_at` was throttled; `wait` is what the service asks for. Until when all is held.
    pub fn throttled(&mut self, sent_at: Duration, now: Duration, wait: Option<Duration>) -> Duration {
        let same_episode = self.hold_began.is_some_and(|began| sent_at < began);
        if same_episode {
            return self.hold(wait.map_or(now, |wait| now + wait));
        }
        let doubled = self.first_hold.saturating_mul(2_u32.saturating_pow(self.episodes)).min(self.longest_hold);
        self.hold_began = Some(now);
        self.episodes += 1;
        self.factor = (self.factor / 2.0).max(LEAST_FACTOR);
        self.hold(now + wait.unwrap_or(doubled))
    }

    /// The service says how much of the quota is used up.
    pub fn usage(&mut self, now: Duration, percent: f64) {
        let share = ((percent - USAGE_SLOWS) / (USAGE_STOPS - USAGE_SLOWS)).clamp(0.0, 1.0);
        self.usage_factor = (1.0 - share).max(LEAST_FACTOR);
        if percent >= USAGE_STOPS {
            self.hold(now + self.first_hold);
        }
    }

    fn hold(&mut self, until: Duration) -> Duration {
        let until = self.hold_until.map_or(until, |earlier| earlier.max(until));
        self.hold_until = Some(until);
        until
    }
}

#[cfg(test)]
mod tests;
