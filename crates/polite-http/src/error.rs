//! How a question can end without an answer.

use crate::{RedactedUrl, Refusal, StoreError};
use std::time::Duration;

/// Why there is no answer. Cheap enough to clone, because equal questions share their end; never holds a token.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FetchError {
    /// No connection.
    #[error("{url} cannot be reached ({detail}; {tries} tries); check the connection, then run the same command again")]
    Unreachable {
        /// What was asked.
        url: RedactedUrl,
        /// How often.
        tries: u32,
        /// What the system said.
        detail: String,
    },
    /// No answer in time.
    #[error(
        "{url} did not answer in time ({detail}; {tries} tries); what was fetched is kept, so run the same command again"
    )]
    Timeout {
        /// What was asked.
        url: RedactedUrl,
        /// How often.
        tries: u32,
        /// Which limit was passed.
        detail: String,
    },
    /// Transient faults to the end.
    #[error(
        "{url} failed {tries} times, at last with {detail}; what was fetched is kept, so run the same command again later"
    )]
    GaveUp {
        /// What was asked.
        url: RedactedUrl,
        /// How often.
        tries: u32,
        /// The last fault.
        detail: String,
    },
    /// Too many faults in the whole run.
    #[error(
        "{url} failed with {detail}, and this run has spent its retries; what was fetched is kept, so run the same command again later"
    )]
    RetriesSpent {
        /// What was asked.
        url: RedactedUrl,
        /// The last fault.
        detail: String,
    },
    /// The service says no.
    #[error(
        "{url} was refused: {detail}; the same question would be refused again, so look for a newer release of this program"
    )]
    Refused {
        /// What was asked.
        url: RedactedUrl,
        /// Why.
        refusal: Refusal,
        /// HTTP status.
        status: u16,
        /// The service's words.
        detail: String,
    },
    /// A token is needed.
    #[error("{url} needs an access token, and none was given")]
    NoToken {
        /// What would have been asked.
        url: RedactedUrl,
    },
    /// Not an answer to this question.
    #[error(
        "{url} answered {tries} times with something else: {detail}; a proxy or a login page may stand between here and the service: check the connection, then run the same command again"
    )]
    Nonsense {
        /// What was asked.
        url: RedactedUrl,
        /// How often.
        tries: u32,
        /// What came.
        detail: String,
    },
    /// The question asks for too much at once.
    #[error("{url} asks for more than the service gives at once: {detail}; run the same command again later")]
    TooMuch {
        /// What was asked.
        url: RedactedUrl,
        /// The service's words, or the limit that was passed.
        detail: String,
    },
    /// Throttled for longer than is waited.
    #[error(
        "{url} still asks for fewer requests after {times} pauses{} ({detail}); what was fetched is kept, so run the same command again later",
        told(*wait)
    )]
    Throttled {
        /// What was asked.
        url: RedactedUrl,
        /// How often.
        times: u32,
        /// The last pause that the service asked for.
        wait: Option<Duration>,
        /// The service's words.
        detail: String,
    },
    /// The day's share of a quota is used up.
    #[error(
        "the daily budget of {limit} requests for {quota} is used up; run the same command again after midnight UTC"
    )]
    DayUsedUp {
        /// Name of the quota.
        quota: &'static str,
        /// Requests a day.
        limit: u64,
    },
    /// The caller's own limit is used up.
    #[error("the limit of {limit} requests is used up; raise it, or run the same command again to continue")]
    LimitUsedUp {
        /// Requests.
        limit: u64,
    },
    /// Offline, and never fetched.
    #[error("{url} is not in the store; run once without --offline")]
    NotStored {
        /// What was asked.
        url: RedactedUrl,
    },
    /// The URL may not be asked.
    #[error("{url} may not be asked: only https, and plain http on loopback, are allowed")]
    Forbidden {
        /// What was asked.
        url: RedactedUrl,
    },
    /// The run was asked to stop.
    #[error("stopped; what was fetched is kept, so run the same command again to continue")]
    Stopped,
    /// The store failed; an answer that cannot be kept is not used.
    #[error("{0}")]
    Store(#[from] StoreError),
}

fn told(wait: Option<Duration>) -> String {
    wait.map_or(String::new(), |wait| format!(", now of {} s", wait.as_secs()))
}

/// The client cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSetup {
    /// TLS or the HTTP library refused its settings.
    #[error("the HTTP client cannot be built: {detail}")]
    Http {
        /// Why.
        detail: String,
    },
}
