//! Plan B: what became of uploads, by their cluster ids.
//!
//! The one place that knows the undocumented feed beside its own crate. [`Tracker`] asks one round: the feed, if there is a
//! token for it, then documented calls that turn words into evidence (image → sequence → images → tiles). Without the feed
//! the documented calls alone are asked, and what was sent is matched with what the user published. [`watch_uploads`] asks
//! round after round; [`reconcile_tracked`] puts the answers into the main job.

mod error;
mod evidence;
mod names;
mod owner;
mod rounds;
mod rows;
mod run;
mod telling;
mod ties;
mod tracker;
mod watching;

pub use cluster_tracker::{Feed, FeedError, FeedSettings, Goal, Queries, QueriesError, Schedule, Seen, Stage, State};
pub use error::{TrackError, kind_of_feed_error};
pub use rows::upload_rows;
pub use run::{TrackedRun, Tracking, reconcile_tracked};
pub use tracker::{Question, Round, TrackSettings, Tracked, Tracker, Wanted, forget_watches};
pub use watching::{Outcome, Tell, WatchSettings, watch_uploads};
