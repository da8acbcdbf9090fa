//! Durable answers in SQLite behind the store trait of polite-http: freshness per kind, offline replay, daily quotas.
//!
//! [`ResponseStore`] is the store; [`StoreInfo`], [`Verification`] and [`clear`] are what `tiepoint cache` shows and
//! does. Freshness is decided by the client from the kind and the age that are kept with each answer; an offline run
//! takes answers of any age.

mod care;
mod error;
mod schema;
mod store;

pub use care::{AnsweredRequest, KindInfo, SpentInfo, StoreInfo, Verification, clear};
pub use error::StoreError;
pub use store::{FILE_NAME, ResponseStore};
