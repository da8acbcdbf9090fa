//! The words of questions and answers.

use capture_model::{CapturedAt, SequenceId};
use std::sync::Arc;

/// Which coverage: with places as uploaded, or as computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Tileset {
    /// `mly1_public`: places as uploaded.
    #[default]
    Original,
    /// `mly1_computed_public`: places after structure from motion.
    Computed,
}

impl Tileset {
    /// The name in the URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Original => "mly1_public",
            Self::Computed => "mly1_computed_public",
        }
    }
}

/// A span of capture times, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeWindow {
    /// First moment.
    pub start: CapturedAt,
    /// Last moment.
    pub end: CapturedAt,
}

/// Sequences that a stored answer holds whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBatch {
    /// What was asked, in this order.
    pub sequences: Vec<SequenceId>,
    /// When it was fetched: milliseconds since the Unix epoch.
    pub fetched_at_ms: i64,
}

/// A coverage tile as it came.
#[derive(Debug, Clone)]
pub struct TileAnswer {
    /// The vector tile; no bytes when the tile is empty (for now).
    pub bytes: Arc<Vec<u8>>,
    /// Whether it came out of the store.
    pub is_stored: bool,
    /// When it was fetched: milliseconds since the Unix epoch.
    pub fetched_at_ms: i64,
}

impl TileAnswer {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// A quota and what was spent of it today (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotaToday {
    /// `tiles`, `entities` or `searches`.
    pub name: &'static str,
    /// Requests counted today; loopback is not counted.
    pub spent: u64,
    /// Requests allowed in a day; `None` on loopback.
    pub per_day: Option<u64>,
    /// Requests allowed in any minute; `None`: no pace.
    pub per_minute: Option<u32>,
}
