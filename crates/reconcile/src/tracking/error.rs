//! Why tracking ends without an answer.

use cluster_tracker::{FeedError, MemoryError};
use mapillary_api::ErrorKind;
use polite_http::FetchError;

/// What ends a round.
#[derive(Debug, thiserror::Error)]
pub enum TrackError {
    /// There is no such user.
    #[error("there is no user {user:?}; look at the address of the profile: mapillary.com/app/user/NAME")]
    UnknownUser {
        /// The name as given.
        user: String,
    },
    /// Nobody of that name has published anything.
    #[error(
        "nobody called {user:?} has published an image; the documented API cannot tell a new user from a name that is nobody's, \
         the feed can (--feed-token-file)"
    )]
    NobodySeen {
        /// The name as given.
        user: String,
    },
    /// `me` with a token that is nobody's.
    #[error(
        "`--user me` needs a user's access token, and this one belongs to an application; give the user name instead"
    )]
    NotAUserToken,
    /// The documented service said no, or nothing.
    #[error(transparent)]
    Api(#[from] mapillary_api::ApiError),
    /// The feed cannot be set up, or the run was asked to stop while it was asked.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// What a watch remembers cannot be kept.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The response cache cannot be opened.
    #[error(transparent)]
    Store(#[from] response_store::StoreError),
}

impl TrackError {
    /// The class of the error, as of those of the documented API.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownUser { .. } | Self::NobodySeen { .. } => ErrorKind::NotFound,
            Self::NotAUserToken => ErrorKind::TokenRefused,
            Self::Api(error) => error.kind(),
            Self::Feed(error) => kind_of_feed_error(error),
            Self::Memory(_) | Self::Store(_) => ErrorKind::Store,
        }
    }
}

/// The class of an error of the feed.
pub fn kind_of_feed_error(error: &FeedError) -> ErrorKind {
    match error {
        FeedError::TokenMalformed | FeedError::TokenRefused { .. } => ErrorKind::TokenRefused,
        FeedError::Blocked { .. } => ErrorKind::Blocked,
        FeedError::Broken { .. } => ErrorKind::NoSense,
        FeedError::TooMuch { .. } => ErrorKind::TooMuchData,
        FeedError::Memory(_) | FeedError::Fetch(FetchError::Store(_)) => ErrorKind::Store,
        FeedError::Fetch(FetchError::Stopped) => ErrorKind::Stopped,
        FeedError::Fetch(FetchError::NotStored { .. }) => ErrorKind::OfflineMiss,
        FeedError::Fetch(FetchError::NoToken { .. }) => ErrorKind::TokenMissing,
        FeedError::Fetch(FetchError::Timeout { .. }) => ErrorKind::Timeout,
        FeedError::Paused { .. }
        | FeedError::Fetch(
            FetchError::LimitUsedUp { .. } | FetchError::DayUsedUp { .. } | FetchError::Throttled { .. },
        ) => ErrorKind::Quota,
        FeedError::Setup(_) | FeedError::Fetch(_) => ErrorKind::Connection,
    }
}
