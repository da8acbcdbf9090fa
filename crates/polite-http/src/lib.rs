//! One HTTP client: pace per quota, retry, coalescing, redaction, a slot for a store; it knows nothing of the service.
//!
//! A [`Client`] answers a [`Request`] out of its [`Store`] or by asking the service. What a reply means is said by the
//! caller's [`Classify`]; what to do about it is decided by [`next_step`], a function of values alone; when it may be
//! done is decided by the pacer of the request's quota. Bytes travel through a [`Transport`], of which
//! [`ReqwestTransport`] is the real one; tests and replays bring their own.

mod cancel;
mod client;
mod clock;
mod counters;
mod error;
mod in_flight;
mod pace;
mod pacer;
mod policy;
mod redacted_url;
mod request;
mod request_limit;
mod reqwest_transport;
mod retry_budget;
mod secret;
mod shared_pace;
mod speed;
mod store;
mod transport;
mod tried;

pub use cancel::Cancel;
pub use client::{Client, ClientSettings};
pub use clock::{Clock, SystemClock};
pub use counters::Usage;
pub use error::{FetchError, InvalidSetup};
pub use pace::{PaceState, QuotaSettings, Slot};
pub use policy::{Class, Progress, Reading, Refusal, RetryPolicy, Step, next_step, retry_after};
pub use redacted_url::RedactedUrl;
pub use request::{Answer, Auth, Classify, Request, Source, StoreUse, is_loopback, may_be_asked};
pub use request_limit::RequestLimit;
pub use reqwest_transport::{ReqwestTransport, WireLimits};
pub use retry_budget::RetryBudget;
pub use secret::Secret;
pub use store::{MemoryStore, Store, StoreError, StoreKey, StoredAnswer};
pub use transport::{Reply, ReplyFuture, Transport, TransportFault, WireRequest};
