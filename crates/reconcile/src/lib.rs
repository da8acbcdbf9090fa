//! The order of things: scan, plan, gather, match, audit, report.
//!
//! Async stops here: fetching runs on a tokio runtime of its own inside [`reconcile`], everything else on rayon threads,
//! and they meet in one function. Answers are durable before they are used, so an interrupted run resumes.

mod error;
mod events;
mod forecast;
mod gather;
mod outputs;
mod plan;
mod pool;
mod run;
mod user_route;

pub use error::ReconcileError;
pub use events::{Event, Watcher};
pub use forecast::{Forecast, forecast};
pub use outputs::{RunFacts, matching_told, write_match_files};
pub use plan::{TilePlan, TileRule, TileState};
pub use pool::Pool;
pub use run::{Reconciled, RouteRule, Settings, reconcile};
