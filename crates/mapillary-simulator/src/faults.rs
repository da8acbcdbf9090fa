//! Faults on demand: each request draws whether it fails, and how.

use crate::reply::Reply;
use crate::routes::too_much;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::str::FromStr;

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 429 with `Retry-After`.
    TooMany,
    /// 403, code 4: the application's limit.
    AppLimit,
    /// 500, code 2: for the moment.
    Unavailable,
    /// 500, code 1: too much data.
    TooMuch,
    /// 302 to a login page.
    Login,
    /// 200 with a page.
    Html,
    /// 200 with an error envelope.
    Envelope,
    /// 200 without a body.
    Empty,
    /// 404 without a body.
    NotFound,
    /// 502 with a page.
    Gateway,
    /// A body that ends early although its length was announced.
    Cut,
    /// A closed connection before any answer.
    Reset,
    /// A pause before the answer.
    Slow,
}

const NAMES: [(&str, Fault); 13] = [
    ("429", Fault::TooMany),
    ("403", Fault::AppLimit),
    ("500", Fault::Unavailable),
    ("too_much", Fault::TooMuch),
    ("login", Fault::Login),
    ("html", Fault::Html),
    ("envelope", Fault::Envelope),
    ("empty", Fault::Empty),
    ("404", Fault::NotFound),
    ("502", Fault::Gateway),
    ("cut", Fault::Cut),
    ("reset", Fault::Reset),
    ("slow", Fault::Slow),
];

/// Shares of requests that fail, by kind. Read from a text such as `500:0.1,cut:0.05,seed=7`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    shares: Vec<(Fault, f64)>,
    seed: u64,
}

/// A text that names no faults.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part:?} is no fault: write name:share such as 500:0.1, with shares that sum to at most 1; names are {}", NAMES.map(|(name, _)| name).join(", "))]
pub struct InvalidFaults {
    /// The part that is wrong.
    pub part: String,
}

impl FromStr for Faults {
    type Err = InvalidFaults;
    fn from_str(text: &str) -> Result<Self, InvalidFaults> {
        let mut faults = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let wrong = || InvalidFaults { part: part.to_owned() };
            if let Some(seed) = part.strip_prefix("seed=") {
                faults.seed = seed.parse().map_err(|_| wrong())?;
                continue;
            }
            let (name, share) = part.split_once(':').ok_or_else(wrong)?;
            let fault = NAMES.iter().find(|(known, _)| *known == name).ok_or_else(wrong)?.1;
            let share: f64 = share.parse().map_err(|_| wrong())?;
            if !(0.0..=1.0).contains(&share) {
                return Err(wrong());
            }
            faults.shares.push((fault, share));
            if faults.shares.iter().map(|(_, share)| share).sum::<f64>() > 1.0 + 1e-9 {
                return Err(wrong());
            }
        }
        Ok(faults)
    }
}

impl Faults {
    /// Whether the request of this number fails, and how: the same for one seed in every run.
    pub(crate) fn draw(&self, number: u64) -> Option<Fault> {
        if self.shares.is_empty() {
            return None;
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number));
        let mut left: f64 = random.random();
        self.shares
            .iter()
            .find(|(_, share)| {
                left -= share;
                left < 0.0
            })
            .map(|(fault, _)| *fault)
    }
}

impl Fault {
    /// The answer of a fault that answers; `None` for those of the socket.
    pub(crate) fn reply(self) -> Option<Reply> {
        Some(match self {
            Self::TooMany => Reply::empty(429).with_header("Retry-After", "1"),
            Self::AppLimit => Reply::error(403, 4, "MLYApiException", "Application request limit reached")
                .with_header("x-app-usage", "{\"call_count\":100,\"total_time\":20,\"total_cputime\":20}"),
            Self::Unavailable => Reply::error(500, 2, "MLYApiException", "Service temporarily unavailable"),
            Self::TooMuch => too_much(),
            Self::Login => Reply::html(302, "").with_header("Location", "https://www.mapillary.com/login"),
            Self::Html => Reply::html(200, "<!DOCTYPE html><title>Please log in</title>"),
            Self::Envelope => Reply::error(200, 2, "MLYApiException", "Service temporarily unavailable"),
            Self::Empty => Reply::empty(200),
            Self::NotFound => Reply::empty(404),
            Self::Gateway => Reply::html(502, "<html>Bad gateway</html>"),
            Self::Cut | Self::Reset | Self::Slow => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_and_one_seed_is_one_run() {
        let faults: Faults = "500:0.1, cut:0.1,seed=7".parse().unwrap();
        let drawn: Vec<_> = (0..10_000).map(|number| faults.draw(number)).collect();
        let share = drawn.iter().flatten().count() as f64 / 10_000.0;
        assert!((share - 0.2).abs() < 0.02, "{share}");
        assert_eq!(drawn, (0..10_000).map(|number| faults.draw(number)).collect::<Vec<_>>());
        assert_eq!(Faults::default().draw(1), None);
        for text in ["500", "500:2", "nonsense:0.1", "500:0.7,cut:0.7", "seed=x"] {
            assert!(text.parse::<Faults>().is_err(), "{text}");
        }
    }
}
