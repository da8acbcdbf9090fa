//! Plan B, the fallback: from the `cluster_id` of an upload to its stages, its error and its published sequence.
//!
//! The service has no documented answer to "is my upload done?". The web app's activity feed has one, over an endpoint that
//! is undocumented and unsupported. So all of this is opt-in: it needs a token of its own, which the user brings; it asks
//! slowly; its questions are files that can be replaced ([`Queries`]); every word of an answer is kept as it came, because
//! any list of them would be incomplete; and when it breaks, what is said is "status unknown", and nothing else suffers.
//!
//! [`Feed`] asks, [`Standing`] says what an answer amounts to, [`Schedule`] says when to ask again, [`Memory`] and
//! [`WatchMemory`] are what survives a kill. The crate can be deleted without touching the documented route.

mod error;
mod error_codes;
mod feed;
mod memory;
mod new_sequences;
mod node;
mod queries;
mod reading;
mod schedule;
mod search;
mod standing;
mod upload;

pub use error::FeedError;
pub use error_codes::in_plain_words;
pub use feed::{Feed, FeedSettings, FeedUser};
pub use memory::{FeedCare, Memory, MemoryError, OwnerMemory, WatchMemory, Watched};
pub use new_sequences::{NewImage, NewSequences};
pub use queries::{Queries, QueriesError, Query};
pub use schedule::{Goal, Schedule};
pub use search::{End, Found, Search};
pub use standing::{Seen, Stage, Standing, State, USUALLY_DONE_AFTER};
pub use upload::{Meaning, Upload, meaning};
