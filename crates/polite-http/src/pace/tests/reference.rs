//! The pace against a reference that keeps everything and counts it anew each time: a million steps of a bad day.

use super::*;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// The rules as the module's text says them, without any cleverness.
struct Reference {
    per_minute: f64,
    sent: Vec<Duration>,
    held_until: Duration,
    hold_began: Option<Duration>,
    episodes: u32,
    factor: f64,
    usage_factor: f64,
}

impl Reference {
    fn may_go(&self, now: Duration) -> bool {
        let factor = self.factor.min(self.usage_factor);
        let limit = ((self.per_minute * factor) as usize).max(1);
        let in_window = self.sent.iter().rev().take_while(|&&at| at + WINDOW > now).count();
        let is_spaced = factor >= 1.0
            || self.sent.last().is_none_or(|&last| {
                last + WINDOW <= now || now >= (last + WINDOW + WINDOW.div_f64(limit as f64)).saturating_sub(WINDOW)
            });
        now >= self.held_until && in_window < limit && is_spaced
    }

    fn throttled(&mut self, sent_at: Duration, now: Duration, wait: Option<Duration>) {
        if self.hold_began.is_some_and(|began| sent_at < began) {
            self.held_until = self.held_until.max(wait.map_or(now, |wait| now + wait));
            return;
        }
        let own = (FIRST_HOLD * 2_u32.saturating_pow(self.episodes)).min(LONGEST_HOLD);
        self.held_until = self.held_until.max(now + wait.unwrap_or(own));
        (self.hold_began, self.episodes) = (Some(now), self.episodes + 1);
        self.factor = (self.factor / 2.0).max(1.0 / 64.0);
    }

    fn answered(&mut self, sent_at: Duration) {
        if self.hold_began.is_none_or(|began| sent_at >= began) {
            self.episodes = 0;
            self.factor = (self.factor + 0.02).min(1.0);
            self.usage_factor = (self.usage_factor + 0.02).min(1.0);
        }
    }

    fn usage(&mut self, now: Duration, percent: f64) {
        self.usage_factor = (1.0 - ((percent - 70.0) / 25.0).clamp(0.0, 1.0)).max(1.0 / 64.0);
        if percent >= 95.0 {
            self.held_until = self.held_until.max(now + FIRST_HOLD);
        }
    }
}

const FIRST_HOLD: Duration = Duration::from_mins(1);
const LONGEST_HOLD: Duration = Duration::from_mins(15);

#[test]
fn a_million_steps_agree_with_the_reference() {
    for (seed, per_minute, steps) in [(1, 60, 400_000), (2, 7, 300_000), (3, 1, 300_000)] {
        let mut dice = Dice(seed);
        let mut state = PaceState::new(&quota(Some(per_minute)));
        let mut reference = Reference {
            per_minute: f64::from(per_minute),
            sent: Vec::new(),
            held_until: Duration::ZERO,
            hold_began: None,
            episodes: 0,
            factor: 1.0,
            usage_factor: 1.0,
        };
        let mut now = Duration::ZERO;
        for step in 0..steps {
            match dice.below(1_000) {
                0..=1 => {
                    let wait = (dice.below(2) == 0).then(|| Duration::from_millis(dice.below(90_000)));
                    // A reply belongs to one of the last requests, which may have left before the hold began.
                    let sent_at = reference.sent.iter().rev().nth(dice.below(5) as usize).copied().unwrap_or(now);
                    state.throttled(sent_at, now, wait);
                    reference.throttled(sent_at, now, wait);
                }
                2 => {
                    let percent = dice.below(120) as f64;
                    state.usage(now, percent);
                    reference.usage(now, percent);
                }
                3..=299 => {
                    let sent_at = reference.sent.last().copied().unwrap_or(now);
                    state.answered(sent_at);
                    reference.answered(sent_at);
                }
                300..=649 => now += Duration::from_millis(dice.below(3_000)),
                _ => {
                    let may_go = reference.may_go(now);
                    match state.next_slot(now) {
                        Slot::Go => {
                            assert!(may_go, "seed {seed}, step {step}: sent at {now:?} against the rules");
                            reference.sent.push(now);
                        }
                        Slot::NotBefore(moment) => {
                            assert!(
                                !may_go && moment > now,
                                "seed {seed}, step {step}: held back at {now:?} for nothing"
                            );
                            assert!(
                                !reference.may_go(moment.saturating_sub(Duration::from_nanos(1))),
                                "later than need be"
                            );
                        }
                    }
                }
            }
        }
        let most = (0..reference.sent.len())
            .map(|first| {
                let end = reference.sent[first] + Duration::from_mins(1);
                reference.sent[first..].iter().take_while(|&&at| at < end).count()
            })
            .max();
        assert!(most <= Some(per_minute as usize), "{most:?} in one minute");
        assert!(reference.sent.len() > 1_000, "{} sent", reference.sent.len());
    }
}
