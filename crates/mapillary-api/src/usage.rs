//! What the run has cost, as plain numbers for the summary.

use serde::Serialize;
use std::collections::BTreeMap;

/// Requests, bytes and what was saved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Usage {
    /// HTTP requests sent, tries included: by endpoint (`tiles`, `image_ids`, `images_by_sequence`, `images_by_id`,
    /// `images_by_user`), then by outcome (the kind of the answer, or of the failure).
    pub requests: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Bytes of bodies received, after decompression.
    pub bytes_received: u64,
    /// Questions answered from the store, by endpoint.
    pub from_store: BTreeMap<&'static str, u64>,
    /// Questions that shared the request of an equal one in flight.
    pub shared: u64,
    /// Elements of answers that were no image (no id, or a hostile one) and were left out.
    pub bad_entities: u64,
}

impl Usage {
    /// All HTTP requests sent.
    pub fn requests_sent(&self) -> u64 {
        self.requests.values().flat_map(BTreeMap::values).sum()
    }

    /// All questions answered from the store.
    pub fn answered_from_store(&self) -> u64 {
        self.from_store.values().sum()
    }
}
