//! What to do about a reply: decided from values alone, without clock, randomness or socket.
//!
//! Two curves of waiting are kept apart. *Transient* faults (a gateway's 502, a reset, a cut body) are met with short,
//! doubling, jittered waits of the one request, and each retry is paid from a budget shared by all. *Throttling* stops
//! the whole quota, costs no attempt, and lasts as long as the service says, or else one of the pacer's long holds.

use std::time::{Duration, SystemTime};

/// What a reply means.
#[derive(Debug, Clone, PartialEq)]
pub enum Class {
    /// It answers the question; kept under this kind.
    Answer {
        /// Label for the store; freshness goes by it.
        kind: &'static str,
    },
    /// Too many requests.
    Throttled {
        /// How long the service asks to wait.
        wait: Option<Duration>,
    },
    /// It may be better in a moment.
    Transient,
    /// It is not an answer to this question: another format, another's data.
    Nonsense,
    /// The question asks for more than the service gives at once.
    TooMuch,
    /// The service says no, and will say so again.
    Refused(Refusal),
    /// No connection.
    Unreachable,
    /// Nothing came in time.
    Timeout,
    /// The body passed its cap.
    TooLarge,
}

/// Why the service says no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The token is missing, malformed, expired or unknown.
    Token,
    /// The token may not read this.
    Permission,
    /// There is no such thing, or it is not visible.
    Gone,
    /// The service has blocked this caller.
    Blocked,
    /// The question itself is wrong.
    Question,
}

/// A classified reply.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What it means.
    pub class: Class,
    /// The service's own words, for people; empty when it has none.
    pub detail: String,
    /// Share of the quota that is used up, in percent, when the service says so.
    pub usage_percent: Option<f64>,
}

impl Reading {
    /// A reading without words.
    pub fn new(class: Class) -> Self {
        Self { class, detail: String::new(), usage_percent: None }
    }

    /// The same, with the service's words.
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

/// Bounds of trying again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Tries of one request in all, throttled ones not counted.
    pub tries: u32,
    /// Tries of one request that end without a connection.
    pub unreachable_tries: u32,
    /// Tries of one request that end in a timeout.
    pub timeout_tries: u32,
    /// Tries of one request that are answered with nonsense.
    pub nonsense_tries: u32,
    /// The first wait; doubled each time.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// How often one request may be throttled before it gives up.
    pub most_throttles: u32,
    /// A longer pause than this is not waited for: the run ends and can be resumed.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            tries: 8,
            unreachable_tries: 5,
            timeout_tries: 4,
            nonsense_tries: 4,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(30),
            most_throttles: 12,
            longest_pause: Duration::from_hours(1),
        }
    }
}

impl RetryPolicy {
    /// One try, whatever comes of it.
    pub fn once() -> Self {
        let (tries, unreachable_tries, timeout_tries, nonsense_tries, most_throttles) = (1, 1, 1, 1, 1);
        Self { tries, unreachable_tries, timeout_tries, nonsense_tries, most_throttles, ..Self::default() }
    }

    /// For a service on this machine: hardly any waiting.
    pub fn for_loopback() -> Self {
        let (first_wait, longest_wait) = (Duration::from_millis(10), Duration::from_millis(500));
        Self { first_wait, longest_wait, most_throttles: 20, ..Self::default() }
    }
}

/// How far one request has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Failed tries, this one included; throttled ones do not count.
    pub failed: u32,
    /// Those of them that failed like this one.
    pub alike: u32,
    /// Throttled replies, this one included.
    pub throttled: u32,
    /// Whether the caller can ask for less.
    pub divisible: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// Take the answer.
    Accept,
    /// Wait, then try again.
    Wait(Duration),
    /// Hold the whole quota, for as long as the service said if it said so, then try again.
    HoldQuota(Option<Duration>),
    /// End: the same question again cannot help, a smaller one can.
    AskForLess,
    /// End.
    GiveUp,
}

/// Decides. `jitter` is drawn from 0…1.
pub fn next_step(progress: Progress, class: &Class, policy: &RetryPolicy, jitter: f64) -> Step {
    let tries = match class {
        Class::Answer { .. } => return Step::Accept,
        Class::TooMuch => return Step::AskForLess,
        Class::TooLarge if progress.divisible => return Step::AskForLess,
        Class::TooLarge | Class::Refused(_) => return Step::GiveUp,
        Class::Timeout if progress.divisible && progress.alike >= 2 => return Step::AskForLess,
        Class::Throttled { wait } => {
            let bearable = wait.is_none_or(|wait| wait <= policy.longest_pause);
            let more = bearable && progress.throttled < policy.most_throttles;
            return if more { Step::HoldQuota(*wait) } else { Step::GiveUp };
        }
        Class::Transient => policy.tries,
        Class::Unreachable => policy.unreachable_tries,
        Class::Timeout => policy.timeout_tries,
        Class::Nonsense => policy.nonsense_tries,
    };
    if progress.alike >= tries || progress.failed >= policy.tries {
        return Step::GiveUp; // no sleep after the last try
    }
    let doubled = policy.first_wait.saturating_mul(2_u32.saturating_pow(progress.failed.saturating_sub(1)));
    Step::Wait(doubled.min(policy.longest_wait).mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0))
}

/// The value of a `Retry-After` header: seconds, or a date that is compared with `now`.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return (0.0..1e9).contains(&seconds).then(|| Duration::from_secs_f64(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(case: &str, progress: (u32, u32, bool), class: Class, expected: Step) {
        let (failed, throttled, divisible) = progress;
        let progress = Progress { failed, alike: failed, throttled, divisible };
        assert_eq!(next_step(progress, &class, &RetryPolicy::default(), 1.0), expected, "{case}");
    }

    #[test]
    fn each_class_has_its_step() {
        let second = Duration::from_secs(1);
        let ms = |ms| Step::Wait(Duration::from_millis(ms));
        check("an answer", (0, 0, false), Class::Answer { kind: "tile" }, Step::Accept);
        check("first fault", (1, 0, false), Class::Transient, ms(200));
        check("third fault", (3, 0, false), Class::Transient, ms(800));
        check("last fault", (8, 0, false), Class::Transient, Step::GiveUp);
        check("no connection", (4, 0, false), Class::Unreachable, ms(1600));
        check("no connection, last", (5, 0, false), Class::Unreachable, Step::GiveUp);
        check("too much", (1, 0, true), Class::TooMuch, Step::AskForLess);
        check("one timeout of a big question", (1, 0, true), Class::Timeout, ms(200));
        check("two timeouts of a big question", (2, 0, true), Class::Timeout, Step::AskForLess);
        check("two timeouts of a small question", (2, 0, false), Class::Timeout, ms(400));
        check("a body beyond its cap, divisible", (1, 0, true), Class::TooLarge, Step::AskForLess);
        check("a body beyond its cap", (1, 0, false), Class::TooLarge, Step::GiveUp);
        check("throttled", (0, 1, false), Class::Throttled { wait: None }, Step::HoldQuota(None));
        check("throttled, told", (0, 1, false), Class::Throttled { wait: Some(second) }, Step::HoldQuota(Some(second)));
        check("throttled forever", (0, 12, false), Class::Throttled { wait: None }, Step::GiveUp);
        check("told to wait a day", (0, 1, false), Class::Throttled { wait: Some(second * 86_400) }, Step::GiveUp);
        check("refused", (1, 0, false), Class::Refused(Refusal::Token), Step::GiveUp);
        check("nonsense, last", (4, 0, false), Class::Nonsense, Step::GiveUp);
    }

    #[test]
    fn faults_of_several_kinds_do_not_add_up_to_one_kind() {
        let step = |failed, alike| {
            let progress = Progress { failed, alike, ..Progress::default() };
            next_step(progress, &Class::Nonsense, &RetryPolicy::default(), 1.0)
        };
        assert!(matches!(step(7, 3), Step::Wait(_)));
        assert_eq!(step(7, 4), Step::GiveUp);
        assert_eq!(step(8, 1), Step::GiveUp);
    }

    #[test]
    fn waits_stay_within_their_bounds() {
        let policy = RetryPolicy { tries: u32::MAX, ..RetryPolicy::default() };
        for failed in [1, 2, 10, 40, 1_000_000] {
            for jitter in [0.0, 0.5, 1.0, f64::INFINITY] {
                let progress = Progress { failed, ..Progress::default() };
                let Step::Wait(wait) = next_step(progress, &Class::Transient, &policy, jitter) else { panic!() };
                assert!(wait >= policy.first_wait / 2 && wait <= policy.longest_wait, "{failed} {jitter} {wait:?}");
            }
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("-5", None),
            ("NaN", None),
            ("1e300", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value}");
        }
    }
}
