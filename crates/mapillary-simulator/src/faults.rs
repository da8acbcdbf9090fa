//! Faults on demand: each request draws whether it fails, and how.
//!
//! One text says all of it, parts separated by commas:
//! - `500:0.1` a share of all requests fails so; `500@tiles:0.1` a share of those of one endpoint, or of `graph`, which is
//!   everything but tiles and the feed (`graphql`); `500@tiles:3x` the first three of them, and no more. Shares must not sum to more than 1.
//! - `seed=7` another draw; `pause_ms=`, `retry_after_s=` how long slow answers and throttles last.
//! - habits of a service that works: `lag=0.1` that share of the sequences is in no tile yet, `gone=0.1` that share of the
//!   images is in tiles alone, `numbers=int|uint|sint|double|text`, `empty=204|404|200`, `gzip=off|on|bare`,
//!   `times=exact|sloppy`, `usage=97`.

use crate::habits::{Habits, share};
use crate::reply::Reply;
use crate::routes::{ENDPOINTS, too_much};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::str::FromStr;

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After`.
    TooMany,
    /// 429 with XML, and nothing says for how long.
    TooManyBare,
    /// 403, code 4: the application's limit.
    AppLimit,
    /// 500, code 2: for the moment.
    Unavailable,
    /// 500, code 1: an unknown error.
    Unknown,
    /// 400, code -1: another one.
    Unnamed,
    /// 400, code 17: the user's limit.
    UserLimit,
    /// 400, code 32: the page's limit.
    PageLimit,
    /// 400, code 613: the limit of this call.
    CallLimit,
    /// 500, code 1: too much data.
    TooMuch,
    /// 400, code 368: blocked.
    Blocked,
    /// 403, code 10: the token may not read.
    NotPermitted,
    /// 302 to a login page.
    Login,
    /// 200 with a page.
    Html,
    /// 200 with an error envelope.
    Envelope,
    /// 200 with an object that is no list.
    NoList,
    /// 200 with an image that nobody asked for.
    Foreign,
    /// 200 with bytes that call themselves gzip.
    GzipGarbage,
    /// 200 without a body.
    Empty,
    /// 404 without a body.
    NotFound,
    /// 502 with a page.
    Gateway,
    /// 503 with a page and `Retry-After`.
    Overloaded,
    /// A body that ends early although its length was announced.
    Cut,
    /// A body that ends early, and nothing said how long it would be.
    CutOpen,
    /// A closed connection before any answer.
    Reset,
    /// A pause before the answer.
    Slow,
    /// A pause in the middle of the body.
    Drip,
    /// A byte now and then, without end.
    Loris,
    /// Too many for the feed, which takes hours to recover.
    FeedLimit,
}

const NAMES: [(&str, Fault); 29] = [
    ("429", Fault::TooMany),
    ("429_bare", Fault::TooManyBare),
    ("403", Fault::AppLimit),
    ("500", Fault::Unavailable),
    ("code_1", Fault::Unknown),
    ("code_-1", Fault::Unnamed),
    ("17", Fault::UserLimit),
    ("32", Fault::PageLimit),
    ("613", Fault::CallLimit),
    ("too_much", Fault::TooMuch),
    ("368", Fault::Blocked),
    ("10", Fault::NotPermitted),
    ("login", Fault::Login),
    ("html", Fault::Html),
    ("envelope", Fault::Envelope),
    ("no_list", Fault::NoList),
    ("foreign", Fault::Foreign),
    ("gzip_garbage", Fault::GzipGarbage),
    ("empty", Fault::Empty),
    ("404", Fault::NotFound),
    ("502", Fault::Gateway),
    ("503", Fault::Overloaded),
    ("cut", Fault::Cut),
    ("cut_open", Fault::CutOpen),
    ("reset", Fault::Reset),
    ("slow", Fault::Slow),
    ("drip", Fault::Drip),
    ("loris", Fault::Loris),
    ("1675004", Fault::FeedLimit),
];

/// Which requests fail and how the service behaves otherwise; the module's text says how it is written.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    rules: Vec<Rule>,
    pub(crate) habits: Habits,
}

#[derive(Debug, Clone, PartialEq)]
struct Rule {
    fault: Fault,
    /// `None` for all requests.
    endpoint: Option<&'static str>,
    how_many: HowMany,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum HowMany {
    Share(f64),
    First(u64),
}

/// A text that names no faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{part:?} is no fault: write name:share such as 500:0.1 with shares that sum to at most 1, 500@tiles:3x for the first \
     three of an endpoint, or a setting such as seed=7; names are {}; endpoints are graph, {}; settings are seed, pause_ms, \
     retry_after_s, lag, gone, numbers, empty, gzip, times, usage",
    NAMES.map(|(name, _)| name).join(", "),
    ENDPOINTS.join(", ")
)]
pub struct InvalidFaults {
    /// The part that is wrong.
    pub part: String,
}

impl FromStr for Faults {
    type Err = InvalidFaults;
    fn from_str(text: &str) -> Result<Self, InvalidFaults> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let known = match part.split_once('=') {
                Some((name, value)) => faults.habits.set(name, value),
                None => faults.add(part),
            };
            known.ok_or_else(|| InvalidFaults { part: part.to_owned() })?;
        }
        Ok(faults)
    }
}

impl Faults {
    fn add(&mut self, part: &str) -> Option<()> {
        let (what, how_many) = part.split_once(':')?;
        let (name, endpoint) = match what.split_once('@') {
            Some((name, endpoint)) => {
                (name, Some(*ENDPOINTS.iter().chain(&["graph"]).find(|known| **known == endpoint)?))
            }
            None => (what, None),
        };
        let fault = NAMES.iter().find(|(known, _)| *known == name)?.1;
        let how_many = match how_many.strip_suffix('x') {
            Some(count) => HowMany::First(count.parse().ok()?),
            None => HowMany::Share(share(how_many)?),
        };
        self.rules.push(Rule { fault, endpoint, how_many });
        let shares = self.rules.iter().filter_map(|rule| match rule.how_many {
            HowMany::Share(share) => Some(share),
            HowMany::First(_) => None,
        });
        (shares.sum::<f64>() <= 1.0 + 1e-9).then_some(())
    }

    /// Counters for [`Self::draw`].
    pub(crate) fn counters(&self) -> Vec<u64> {
        vec![0; self.rules.len()]
    }

    /// Whether the request of this number fails, and how. Shares are the same for one seed in every run; `drawn` counts
    /// how often each rule has applied.
    pub(crate) fn draw(&self, number: u64, endpoint: &str, drawn: &mut [u64]) -> Option<Fault> {
        if self.rules.is_empty() {
            return None;
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.habits.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number));
        let mut left: f64 = random.random();
        let applies = |rule: &Rule| match rule.endpoint {
            None => true,
            Some("graph") => !["tiles", "graphql"].contains(&endpoint),
            Some(only) => only == endpoint,
        };
        for (rule, drawn) in self.rules.iter().zip(drawn).filter(|(rule, _)| applies(rule)) {
            let is_hit = match rule.how_many {
                HowMany::First(count) => *drawn < count,
                HowMany::Share(share) => {
                    left -= share;
                    left < 0.0
                }
            };
            if is_hit {
                *drawn += 1;
                return Some(rule.fault);
            }
        }
        None
    }
}

impl Fault {
    /// The word that names it in a text of faults and in the log.
    pub fn as_str(self) -> &'static str {
        NAMES.iter().find(|(_, fault)| *fault == self).map_or("", |(name, _)| name)
    }

    /// The answer of a fault that answers; `None` for those of the socket.
    pub(crate) fn reply(self, habits: &Habits) -> Option<Reply> {
        let later = habits.retry_after_s.to_string();
        Some(match self {
            Self::TooMany => Reply::empty(429).with_header("Retry-After", later),
            Self::TooManyBare => Reply { body: b"<?xml version='1.0'?><Error/>".to_vec(), ..Reply::html(429, "") },
            Self::Unknown => Reply::error(500, 1, "MLYApiException", "An unknown error occurred"),
            Self::Unnamed => Reply::error(400, -1, "MLYApiException", "Something went wrong"),
            Self::UserLimit => Reply::error(400, 17, "OAuthException", "User request limit reached"),
            Self::PageLimit => Reply::error(400, 32, "OAuthException", "Page request limit reached"),
            Self::CallLimit => {
                Reply::error(400, 613, "OAuthException", "Calls to this api have exceeded the rate limit")
            }
            Self::NoList => Reply::json_text(200, b"{}".to_vec()),
            Self::Foreign => Reply::json_text(200, br#"{"data":[{"id":"99","sequence":"foreign"}]}"#.to_vec()),
            Self::GzipGarbage => Reply { body: b"\x1f\x8b\x08garbage".to_vec(), ..Reply::empty(200) }
                .with_header("Content-Encoding", "gzip"),
            Self::AppLimit => Reply::error(403, 4, "MLYApiException", "Application request limit reached")
                .with_header("x-app-usage", "{\"call_count\":100,\"total_time\":20,\"total_cputime\":20}"),
            Self::Unavailable => Reply::error(500, 2, "MLYApiException", "Service temporarily unavailable"),
            Self::TooMuch => too_much(),
            Self::Blocked => Reply::error(400, 368, "OAuthException", "The action attempted has been deemed abusive"),
            Self::NotPermitted => {
                Reply::error(403, 10, "OAuthException", "Application does not have permission for this action")
            }
            Self::Login => Reply::html(302, "").with_header("Location", "https://www.mapillary.com/login"),
            Self::Html => Reply::html(200, "<!DOCTYPE html><title>Please log in</title>"),
            Self::Envelope => Reply::error(200, 2, "MLYApiException", "Service temporarily unavailable"),
            Self::Empty => Reply::empty(200),
            Self::NotFound => Reply::empty(404),
            Self::Gateway => Reply::html(502, "<html>Bad gateway</html>"),
            Self::Overloaded => Reply::html(503, "<html>Overloaded</html>").with_header("Retry-After", later),
            Self::FeedLimit => {
                Reply::json(200, &json!({"errors": [{"message": "Rate limit exceeded", "code": 1_675_004}]}))
            }
            Self::Cut | Self::CutOpen | Self::Reset | Self::Slow | Self::Drip | Self::Loris => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str, endpoint: &str, n: u64) -> Vec<Option<Fault>> {
        let faults: Faults = text.parse().unwrap();
        let mut counters = faults.counters();
        (0..n).map(|number| faults.draw(number, endpoint, &mut counters)).collect()
    }

    #[test]
    fn shares_are_kept_and_one_seed_is_one_run() {
        let text = "500:0.1, cut:0.1,seed=7";
        let run = drawn(text, "tiles", 10_000);
        let share = run.iter().flatten().count() as f64 / 10_000.0;
        assert!((share - 0.2).abs() < 0.02, "{share}");
        assert_eq!(run, drawn(text, "tiles", 10_000));
        assert_ne!(run, drawn("500:0.1,cut:0.1,seed=8", "tiles", 10_000));
        assert_eq!(drawn("", "tiles", 1), [None]);
    }

    #[test]
    fn a_fault_may_belong_to_one_endpoint_and_to_its_first_requests() {
        let check = |text: &str, endpoint: &str, expected: &[Option<Fault>]| {
            assert_eq!(drawn(text, endpoint, expected.len() as u64), expected, "{text} at {endpoint}");
        };
        let (busy, cut) = (Some(Fault::TooMany), Some(Fault::Cut));
        check("429@tiles:2x", "tiles", &[busy, busy, None]);
        check("429@tiles:2x", "entity", &[None, None]);
        check("429@graph:1", "images_by_user", &[busy, busy]);
        check("429@graph:1", "tiles", &[None, None]);
        check("429:1x,cut:1x", "entity", &[busy, cut, None]);
    }

    #[test]
    fn nonsense_is_named() {
        for text in ["500", "500:2", "500:-1", "500:NaN", "500:0.7,cut:0.7", "nonsense:0.1", "500@moon:1", "500:1.5x"] {
            assert!(text.parse::<Faults>().is_err(), "{text}");
        }
        for text in ["seed=x", "empty=500", "numbers=octal", "lag=2", "gzip=", "moon=1"] {
            let told = text.parse::<Faults>().unwrap_err().to_string();
            assert!(told.contains(text) && told.contains("cut_open") && told.contains("images_by_box"), "{told}");
        }
    }

    #[test]
    fn every_name_is_a_fault_of_its_own() {
        for (name, fault) in NAMES {
            assert_eq!(fault.as_str(), name);
            assert_eq!(drawn(&format!("{name}:1"), "entity", 1), [Some(fault)]);
        }
    }
}
