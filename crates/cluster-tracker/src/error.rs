//! How a question to the feed can end without an answer.

use crate::memory::MemoryError;
use capture_model::CapturedAt;
use polite_http::{FetchError, InvalidSetup, Refusal};

/// Why the feed says nothing. None of these touches anything but the feed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum FeedError {
    /// The client cannot be built.
    #[error(transparent)]
    Setup(#[from] InvalidSetup),
    /// The token has characters that no token has.
    #[error("the feed token is empty or holds blanks, line breaks or other unusual characters; copy it again")]
    TokenMalformed,
    /// The endpoint does not take the token.
    #[error(
        "the feed refused its token ({detail}); only tokens of the web app are known to be accepted there; give another with --feed-token-file or TIEPOINT_FEED_TOKEN, or none"
    )]
    TokenRefused {
        /// The service's words.
        detail: String,
    },
    /// The service has blocked this caller.
    #[error("the feed has blocked this address or token ({detail}); leave it alone for a day")]
    Blocked {
        /// The service's words.
        detail: String,
    },
    /// Too many have asked; nothing is sent before that moment, by no run.
    #[error("the feed asked for a pause; nothing is asked of it before {until}")]
    Paused {
        /// When it may be asked again.
        until: CapturedAt,
    },
    /// The endpoint no longer answers as it did.
    #[error(
        "the feed does not answer as it did ({detail}); it is undocumented, so its questions may have to be replaced (--feed-queries DIR)"
    )]
    Broken {
        /// What came instead.
        detail: String,
    },
    /// Even a page of one upload is too much for it.
    #[error("the feed gives not even one upload at once ({detail}); try again in some hours")]
    TooMuch {
        /// The service's words.
        detail: String,
    },
    /// What is to be remembered cannot be kept.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Anything else, in the words of the HTTP client.
    #[error(transparent)]
    Fetch(FetchError),
}

impl FeedError {
    /// Whether the run was asked to stop, or its own limit of requests is used up.
    pub fn is_own_stop(&self) -> bool {
        matches!(self, Self::Fetch(FetchError::Stopped | FetchError::LimitUsedUp { .. }))
    }
}

impl From<FetchError> for FeedError {
    fn from(end: FetchError) -> Self {
        match end {
            FetchError::Refused { refusal: Refusal::Token | Refusal::Permission, detail, .. } => {
                Self::TokenRefused { detail }
            }
            FetchError::Refused { refusal: Refusal::Blocked, detail, .. } => Self::Blocked { detail },
            FetchError::Refused { detail, .. } | FetchError::Nonsense { detail, .. } => Self::Broken { detail },
            FetchError::TooMuch { detail, .. } => Self::TooMuch { detail },
            other => Self::Fetch(other),
        }
    }
}
