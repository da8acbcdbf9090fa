//! The slot for a store: what a client needs to ask nothing twice, and to count its days.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// Names a question without saying who asks: endpoint and URL, the parameters sorted, never a token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreKey(pub(crate) String);

impl StoreKey {
    /// The key of a text that [`Self::as_str`] gave.
    pub fn of_text(text: String) -> Self {
        Self(text)
    }

    /// The text of the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// What the caller's classification called it; freshness goes by it.
    pub kind: String,
    /// HTTP status.
    pub status: u16,
    /// When it was fetched: milliseconds since the Unix epoch.
    pub fetched_at_ms: i64,
    /// The body, scrubbed of the token.
    pub body: Vec<u8>,
}

/// A store that failed. The text names the file and says what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError(pub String);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

/// Keeps answers and counts requests per quota and day. Calls are short and may block.
pub trait Store: Send + Sync {
    /// The answer kept under a key, however old.
    fn get(&self, key: &StoreKey) -> Result<Option<StoredAnswer>, StoreError>;

    /// Keeps an answer in place of an earlier one. When this returns, it survives the death of the process.
    fn put(&self, key: &StoreKey, answer: &StoredAnswer) -> Result<(), StoreError>;

    /// The keys of the answers of a kind and when each was fetched: the newest first, those of one moment in their order.
    /// A store that cannot tell knows none.
    fn keys_of_kind(&self, kind: &str) -> Result<Vec<(StoreKey, i64)>, StoreError> {
        let _ = kind;
        Ok(Vec::new())
    }

    /// Counts one request of a quota on a day (days since the Unix epoch, UTC) unless `limit` are counted already.
    /// True when it was counted. A quota whose name ends in `/minute` is counted by minutes since the epoch instead.
    fn spend(&self, quota: &str, day: i64, limit: Option<u64>) -> Result<bool, StoreError>;

    /// Counts one request in a period if exactly so many are counted in the period before it and in itself. Checking and
    /// counting are one step, also for other processes.
    fn spend_if(&self, quota: &str, period: i64, counted: [u64; 2]) -> Result<bool, StoreError>;

    /// How many were counted.
    fn spent(&self, quota: &str, day: i64) -> Result<u64, StoreError>;
}

/// A store that lives as long as the process; for tests and for runs that keep nothing.
#[derive(Debug, Default)]
pub struct MemoryStore {
    answers: Mutex<BTreeMap<StoreKey, StoredAnswer>>,
    spent: Mutex<BTreeMap<(String, i64), u64>>,
}

impl MemoryStore {
    /// All that is kept, in the order of the keys.
    pub fn answers(&self) -> Vec<(StoreKey, StoredAnswer)> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.iter().map(|(key, answer)| (key.clone(), answer.clone())).collect()
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &StoreKey) -> Result<Option<StoredAnswer>, StoreError> {
        Ok(self.answers.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn put(&self, key: &StoreKey, answer: &StoredAnswer) -> Result<(), StoreError> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), answer.clone());
        Ok(())
    }

    fn keys_of_kind(&self, kind: &str) -> Result<Vec<(StoreKey, i64)>, StoreError> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let of_kind = answers.iter().filter(|(_, answer)| answer.kind == kind);
        let mut keys: Vec<_> = of_kind.map(|(key, answer)| (key.clone(), answer.fetched_at_ms)).collect();
        keys.sort_by_key(|&(_, at)| std::cmp::Reverse(at)); // stable: the keys of one moment stay in their order
        Ok(keys)
    }

    fn spend(&self, quota: &str, day: i64, limit: Option<u64>) -> Result<bool, StoreError> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let count = spent.entry((quota.to_owned(), day)).or_default();
        let allowed = limit.is_none_or(|limit| *count < limit);
        *count += u64::from(allowed);
        Ok(allowed)
    }

    fn spend_if(&self, quota: &str, period: i64, counted: [u64; 2]) -> Result<bool, StoreError> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = |period| spent.get(&(quota.to_owned(), period)).copied().unwrap_or(0);
        let is_so = [known(period - 1), known(period)] == counted;
        if is_so {
            *spent.entry((quota.to_owned(), period)).or_default() += 1;
        }
        Ok(is_so)
    }

    fn spent(&self, quota: &str, day: i64) -> Result<u64, StoreError> {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(spent.get(&(quota.to_owned(), day)).copied().unwrap_or(0))
    }
}
