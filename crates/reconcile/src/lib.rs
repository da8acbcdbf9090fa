//! The order of things: scan, plan, gather, match, audit, report.
//!
//! Async stops here: fetching runs on a tokio runtime of its own inside [`reconcile`], everything else on rayon threads,
//! and they meet in one function. Answers are durable before they are used, so an interrupted run resumes.

mod batches;
mod error;
mod events;
mod fetch;
mod forecast;
mod gather;
mod halo;
mod near;
mod outputs;
mod plan;
mod pool;
mod queue;
mod run;
mod sequence_route;
mod stored;
mod tiles_seen;
pub mod tracking;
mod user_route;
mod withheld;

pub use error::ReconcileError;
pub use events::{Event, Watcher};
pub use forecast::{Forecast, RequestsAhead, forecast};
pub use outputs::{RunFacts, matching_told, write_match_files};
pub use plan::{TilePlan, TileRule, TileState};
pub use pool::Pool;
pub use run::{Reconciled, RouteRule, Settings, reconcile};
