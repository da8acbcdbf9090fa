//! Questions for many sequences or images: halved where they are too much, and where they fail.
//!
//! A batch may fail for one member alone, so its halves are asked before anything is given up: what is wrong with one
//! sequence costs nobody else the answer. The halves of a question that failed are second attempts and are tried twice,
//! not eight times. A service that fails whatever is asked shows itself by failing some times in a row, and then no more
//! is halved.

use crate::{ApiError, ErrorKind};
use capture_model::PublishedImage;
use polite_http::FetchError;

/// So many failures in a row lie on the way from 20 members to one; more than that are the service's, not a member's.
const MOST_FAILURES_IN_A_ROW: u32 = 8;
/// Tries of a half of what failed.
const TRIES_OF_A_HALF: u32 = 2;

/// The images that were asked for, and what could not be had of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Found<K> {
    /// What was found, each image once.
    pub images: Vec<PublishedImage>,
    /// What has no answer, or only a part of one, each with the reason.
    pub failed: Vec<(K, ApiError)>,
}

impl<K> Default for Found<K> {
    fn default() -> Self {
        Self { images: Vec::new(), failed: Vec::new() }
    }
}

impl<K> Found<K> {
    /// The images where every answer came; otherwise the first failure.
    pub fn whole(self) -> Result<Vec<PublishedImage>, ApiError> {
        self.failed.into_iter().next().map_or(Ok(self.images), |(_, error)| Err(error))
    }
}

/// One question's members.
pub(crate) struct Part<K> {
    pub(crate) members: Vec<K>,
    is_of_failed: bool,
}

impl<K> Part<K> {
    /// How often it may be tried.
    pub(crate) fn most_tries(&self) -> u32 {
        if self.is_of_failed { TRIES_OF_A_HALF } else { u32::MAX }
    }
}

/// The questions that are left, the next one last.
pub(crate) struct Halving<K> {
    parts: Vec<Part<K>>,
    failures_in_a_row: u32,
}

impl<K: Clone> Halving<K> {
    /// Questions of so many members each.
    pub(crate) fn new(members: &[K], most: usize) -> Self {
        let parts = members.chunks(most).rev().map(|members| Part { members: members.to_vec(), is_of_failed: false });
        Self { parts: parts.collect(), failures_in_a_row: 0 }
    }

    /// The next question.
    pub(crate) fn next(&mut self) -> Option<Part<K>> {
        self.parts.pop()
    }

    /// A question was answered.
    pub(crate) fn answered(&mut self) {
        self.failures_in_a_row = 0;
    }

    /// The service gives only less at once.
    pub(crate) fn too_much(&mut self, part: Part<K>) {
        self.split(&part.members, part.is_of_failed);
    }

    /// A question failed: its halves are asked, or its members have failed. `Err` where every further question would fail
    /// as well.
    pub(crate) fn failed(
        &mut self,
        part: Part<K>,
        error: ApiError,
        failed: &mut Vec<(K, ApiError)>,
    ) -> Result<(), ApiError> {
        // That there is no retry left ends a run. A half asks on retries that nobody promised it: it goes without.
        let goes_without = part.is_of_failed && matches!(error, ApiError::Fetch(FetchError::RetriesSpent { .. }));
        if error.ends_the_run() && !goes_without {
            return Err(error);
        }
        // What is not stored was not asked: that says nothing of the service, and its halves may be stored.
        let is_offline = error.kind() == ErrorKind::OfflineMiss;
        self.failures_in_a_row += u32::from(!is_offline);
        if part.members.len() > 1 && (is_offline || self.failures_in_a_row <= MOST_FAILURES_IN_A_ROW) {
            self.split(&part.members, true);
        } else {
            failed.extend(part.members.into_iter().map(|member| (member, error.clone())));
            // Nor are the other halves asked once it is the service that fails.
            while self.failures_in_a_row > MOST_FAILURES_IN_A_ROW
                && let Some(other) = self.parts.pop_if(|other| other.is_of_failed)
            {
                failed.extend(other.members.into_iter().map(|member| (member, error.clone())));
            }
        }
        Ok(())
    }

    fn split(&mut self, members: &[K], is_of_failed: bool) {
        let (first, second) = members.split_at(members.len() / 2);
        let part = |members: &[K]| Part { members: members.to_vec(), is_of_failed };
        self.parts.extend([part(second), part(first)]);
    }
}
