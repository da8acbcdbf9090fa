//! How many requests a run may send: one number for all of its clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A limit of HTTP requests, tries included. Clones count together, so that clients of several services share it.
#[derive(Debug, Clone, Default)]
pub struct RequestLimit {
    most: Option<u64>,
    sent: Arc<AtomicU64>,
}

impl RequestLimit {
    /// So many and no more.
    pub fn of(most: u64) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// No limit where there is no number.
    pub fn of_option(most: Option<u64>) -> Self {
        Self { most, ..Self::default() }
    }

    /// Takes one request out of the limit; given back unless it is kept. `Err` is the limit, which is used up.
    pub(crate) fn reserve(&self) -> Result<Reserved<'_>, u64> {
        let most = self.most.unwrap_or(u64::MAX);
        let one_more = |sent| (sent < most).then(|| sent + 1);
        let taken = self.sent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.map(|_| Reserved { sent: &self.sent, is_kept: false }).map_err(|_| most)
    }
}

pub(crate) struct Reserved<'l> {
    sent: &'l AtomicU64,
    is_kept: bool,
}

impl Reserved<'_> {
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.sent.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together_and_what_is_not_kept_is_given_back() {
        let limit = RequestLimit::of(2);
        let other = limit.clone();
        drop(limit.reserve().unwrap());
        limit.reserve().unwrap().keep();
        other.reserve().unwrap().keep();
        assert_eq!(limit.reserve().err(), Some(2));
        RequestLimit::default().reserve().unwrap().keep();
        assert_eq!(RequestLimit::of(0).reserve().err(), Some(0));
    }
}
