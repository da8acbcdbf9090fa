//! What a run has cost: plain numbers.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Requests, bytes and what was saved; a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Usage {
    /// HTTP requests sent, tries included: by endpoint, then by outcome.
    pub requests: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Bytes of bodies received, after decompression.
    pub bytes_received: u64,
    /// Questions answered from the store, by endpoint.
    pub from_store: BTreeMap<&'static str, u64>,
    /// Questions that shared the request of an equal one in flight.
    pub shared: u64,
}

impl Usage {
    /// All HTTP requests sent.
    pub fn sent(&self) -> u64 {
        self.requests.values().flat_map(BTreeMap::values).sum()
    }

    /// All questions answered from the store.
    pub fn saved(&self) -> u64 {
        self.from_store.values().sum()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Usage>);

impl Counters {
    pub(crate) fn sent(&self, endpoint: &'static str, outcome: &'static str, bytes: usize) {
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *usage.requests.entry(endpoint).or_default().entry(outcome).or_default() += 1;
        usage.bytes_received += bytes as u64;
    }

    pub(crate) fn stored(&self, endpoint: &'static str) {
        let mut usage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *usage.from_store.entry(endpoint).or_default() += 1;
    }

    pub(crate) fn shared(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).shared += 1;
    }

    pub(crate) fn snapshot(&self) -> Usage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
