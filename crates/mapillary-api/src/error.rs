//! How a question to the service can end without an answer, in words that say what to do.

use polite_http::{FetchError, InvalidSetup, RedactedUrl, Refusal};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ApiError {
    /// A base URL that cannot be used.
    #[error("{text:?} {why}")]
    BaseUrl {
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: BadBaseUrl,
    },
    /// The client cannot be built.
    #[error(transparent)]
    Setup(#[from] InvalidSetup),
    /// There is no token.
    #[error(
        "no access token: create a client token on https://www.mapillary.com/dashboard/developers and set MAPILLARY_ACCESS_TOKEN, or name a file that holds it"
    )]
    TokenMissing,
    /// The token has characters that no token has.
    #[error(
        "the access token is empty or holds blanks, line breaks or other unusual characters; copy it again from https://www.mapillary.com/dashboard/developers"
    )]
    TokenMalformed,
    /// The service refused the token.
    #[error(
        "{url} refused the access token ({detail}); create a client token on https://www.mapillary.com/dashboard/developers and set MAPILLARY_ACCESS_TOKEN"
    )]
    TokenRefused {
        /// What was asked.
        url: RedactedUrl,
        /// The service's words.
        detail: String,
    },
    /// The token may not read this.
    #[error(
        "{url}: the access token may not read this ({detail}); grant `read` to its application on https://www.mapillary.com/dashboard/developers"
    )]
    NotPermitted {
        /// What was asked.
        url: RedactedUrl,
        /// The service's words.
        detail: String,
    },
    /// The service has blocked this caller.
    #[error(
        "{url}: the service has blocked this address or application ({detail}); stop for some hours, sign in on mapillary.com with a browser, then run the same command again"
    )]
    Blocked {
        /// What was asked.
        url: RedactedUrl,
        /// The service's words.
        detail: String,
    },
    /// No image of a user can be read.
    #[error("nobody called {user:?} has published an image yet; look how the name is spelt on the page of the profile")]
    NobodySeen {
        /// The name.
        user: String,
    },
    /// There is no such thing, or this token cannot see it.
    #[error("{url}: not found, or not visible with this token ({detail})")]
    NotFound {
        /// What was asked.
        url: RedactedUrl,
        /// The service's words.
        detail: String,
    },
    /// An answer whose pages lead in a circle, or without end.
    #[error("{url}: the pages of the answer {what}; nothing of it was used; run again with --refresh")]
    EndlessPages {
        /// What was asked.
        url: RedactedUrl,
        /// What they do.
        what: &'static str,
    },
    /// Even the smallest question is answered in part only.
    #[error(
        "{url}: the service gives only a part of what was asked, and the question cannot be made smaller; ask by another route, such as --route tiles"
    )]
    OnlyAPart {
        /// What was asked.
        url: RedactedUrl,
    },
    /// Empty answers for everything, as a client secret gets them in place of a token.
    #[error(
        "the service hands out none of the {images} images that its tiles show here, so its answers count as missing: the token may be a client secret, or sees nothing; check it with `tiepoint doctor`, then run the same command again with --refresh"
    )]
    NothingHandedOut {
        /// How many were asked for.
        images: usize,
    },
    /// An answer that its reader cannot decode.
    #[error("{0}")]
    Undecodable(String),
    /// Anything else, in the words of the HTTP client.
    #[error(transparent)]
    Fetch(FetchError),
}

/// What is wrong with a base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadBaseUrl {
    /// Not a URL, or one without a host.
    #[error("is not a URL with a host; give one like https://graph.mapillary.com")]
    NotAUrl,
    /// Plain http to another machine.
    #[error("is plain http, which only loopback may use; give an https URL")]
    NotHttps,
    /// A login in it.
    #[error("holds a user name or password; give the bare URL")]
    HasLogin,
    /// A query or fragment in it.
    #[error("holds a query or fragment; give the bare URL")]
    HasQuery,
}

/// Coarse classes of [`ApiError`]; the command line turns them into exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// Wrong settings.
    Usage,
    /// No such user, image or sequence.
    NotFound,
    /// No connection, or the retries are spent.
    Connection,
    /// No answer in time.
    Timeout,
    /// The service refused the token, or the token may not read this.
    TokenRefused,
    /// A token is needed and there is none.
    TokenMissing,
    /// The answer made no sense.
    NoSense,
    /// The service has blocked this caller.
    Blocked,
    /// A daily budget, the caller's limit of requests, or the service's patience is used up.
    Quota,
    /// Offline, and not in the store.
    OfflineMiss,
    /// The service cannot give as much at once, and the question cannot be made smaller.
    TooMuchData,
    /// The run was asked to stop.
    Stopped,
    /// The store failed.
    Store,
    /// The service understood the question and says no.
    Refused,
}

impl ApiError {
    /// An answer that made no sense to the caller: a tile that does not decode.
    pub fn nonsense(what: impl Into<String>) -> Self {
        Self::Undecodable(what.into())
    }

    /// Whether every further question would end like this one, so that a run does best to stop and be resumed. One
    /// question that fails for itself (a tile that is broken on the server, an image that may not be seen) does not.
    pub fn ends_the_run(&self) -> bool {
        match self {
            Self::NotPermitted { .. } | Self::Fetch(FetchError::GaveUp { .. }) => false,
            _ => match self.kind() {
                ErrorKind::Usage
                | ErrorKind::Connection
                | ErrorKind::TokenRefused
                | ErrorKind::TokenMissing
                | ErrorKind::Blocked
                | ErrorKind::Quota
                | ErrorKind::Stopped
                | ErrorKind::Store => true,
                ErrorKind::NotFound
                | ErrorKind::Timeout
                | ErrorKind::NoSense
                | ErrorKind::OfflineMiss
                | ErrorKind::TooMuchData
                | ErrorKind::Refused => false,
            },
        }
    }

    /// The class of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::BaseUrl { .. } => ErrorKind::Usage,
            Self::Setup(_) => ErrorKind::Connection,
            Self::TokenMissing => ErrorKind::TokenMissing,
            Self::TokenMalformed | Self::TokenRefused { .. } | Self::NotPermitted { .. } => ErrorKind::TokenRefused,
            Self::Blocked { .. } => ErrorKind::Blocked,
            Self::NobodySeen { .. } | Self::NotFound { .. } => ErrorKind::NotFound,
            Self::EndlessPages { .. } | Self::NothingHandedOut { .. } | Self::Undecodable(_) => ErrorKind::NoSense,
            Self::OnlyAPart { .. } => ErrorKind::TooMuchData,
            Self::Fetch(end) => match end {
                FetchError::Unreachable { .. }
                | FetchError::GaveUp { .. }
                | FetchError::RetriesSpent { .. }
                | FetchError::Forbidden { .. } => ErrorKind::Connection,
                FetchError::Timeout { .. } => ErrorKind::Timeout,
                FetchError::Refused { .. } => ErrorKind::Refused,
                FetchError::NoToken { .. } => ErrorKind::TokenMissing,
                FetchError::Nonsense { .. } => ErrorKind::NoSense,
                FetchError::TooMuch { .. } => ErrorKind::TooMuchData,
                FetchError::Throttled { .. } | FetchError::DayUsedUp { .. } | FetchError::LimitUsedUp { .. } => {
                    ErrorKind::Quota
                }
                FetchError::NotStored { .. } => ErrorKind::OfflineMiss,
                FetchError::Stopped => ErrorKind::Stopped,
                FetchError::Store(_) => ErrorKind::Store,
            },
        }
    }
}

impl From<FetchError> for ApiError {
    fn from(end: FetchError) -> Self {
        match end {
            FetchError::NoToken { .. } => Self::TokenMissing,
            FetchError::Refused { url, refusal: Refusal::Token, detail, .. } => Self::TokenRefused { url, detail },
            FetchError::Refused { url, refusal: Refusal::Permission, detail, .. } => Self::NotPermitted { url, detail },
            FetchError::Refused { url, refusal: Refusal::Blocked, detail, .. } => Self::Blocked { url, detail },
            FetchError::Refused { url, refusal: Refusal::Gone, detail, .. } => Self::NotFound { url, detail },
            other => Self::Fetch(other),
        }
    }
}
