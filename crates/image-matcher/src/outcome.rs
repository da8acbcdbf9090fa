//! What the matcher answers: one verdict a photo, the candidates behind it, one outcome a track.

use crate::Weights;
use capture_model::Reason;

/// What is known of the published side around one photo; decides how a missing partner is worded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Lookup {
    /// Everything that is published there was read.
    #[default]
    Complete,
    /// Its tile was read and holds no coverage.
    NoCoverage,
    /// Its tile was not among those fetched (whatever else was asked), or the place has no tile (beyond ±85.0511°).
    OutsideTiles,
    /// An answer is missing: nothing may be concluded from absence.
    Failed,
}

/// How the local clock becomes the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockOffset {
    /// Voted, per folder and camera.
    #[default]
    Auto,
    /// Given: remote − local in milliseconds, for all photos.
    Fixed {
        /// Milliseconds to add to every local time.
        offset_ms: i64,
    },
}

/// What the caller may choose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchSettings {
    /// A pair at least this probable is `matched`.
    pub accept: f64,
    /// A pair at least this probable is a candidate of an `ambiguous` row.
    pub review: f64,
    /// How clocks are treated.
    pub clock_offset: ClockOffset,
    /// How much each kind of evidence counts.
    pub weights: Weights,
}

impl Default for MatchSettings {
    fn default() -> Self {
        Self { accept: 0.90, review: 0.05, clock_offset: ClockOffset::Auto, weights: Weights::default() }
    }
}

/// The answer for one photo.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Status and reason in one.
    pub reason: Reason,
    /// Row of the published image, for `matched` only.
    pub image: Option<u32>,
    /// Probability that the best candidate is true; `None` without candidate.
    pub probability: Option<f64>,
    /// Whether the computed place, not the uploaded one, carried the match.
    pub by_computed: bool,
    /// The local time that was used, in ms on its own clock; `None` without time.
    pub used_time_ms: Option<i64>,
    /// Remote − local clock at this photo (drift included); `None` when unknown.
    pub clock_offset_ms: Option<i64>,
}

/// A table of short lists: the entries of row k are `items[ends[k - 1]..ends[k]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lists<T> {
    ends: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { ends: Vec::new(), items: Vec::new() }
    }
}

impl<T> Lists<T> {
    /// Adds the list of the next row.
    ///
    /// # Panics
    /// When more than 2^32 − 1 items are kept.
    pub fn push(&mut self, items: impl IntoIterator<Item = T>) {
        self.items.extend(items);
        self.ends.push(u32::try_from(self.items.len()).expect("fewer than 2^32 list items"));
    }

    /// Adds all lists of another table.
    ///
    /// # Panics
    /// When more than 2^32 − 1 items are kept.
    pub(crate) fn append(&mut self, other: Self) {
        let before = u32::try_from(self.items.len()).expect("fewer than 2^32 list items");
        self.items.extend(other.items);
        u32::try_from(self.items.len()).expect("fewer than 2^32 list items");
        self.ends.extend(other.ends.into_iter().map(|end| before + end));
    }

    /// The list of one row; empty for a row that was never pushed.
    pub fn of(&self, row: usize) -> &[T] {
        let Some(&end) = self.ends.get(row) else { return &[] };
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.items[start as usize..end as usize]
    }

    /// How many rows were pushed.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether no row was pushed.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

/// One image that a photo may have become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Row of the published image.
    pub image: u32,
    /// Probability that this pair is true.
    pub probability: f64,
}

/// What became of a whole track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TrackVerdict {
    /// Every photo that could be published is.
    Published,
    /// Some photos are published, some are not.
    PartlyPublished,
    /// Nothing published fits.
    NotFound,
    /// Something fits, but not surely.
    Undecided,
    /// Nothing fits, and its upload is said to be in work; the matcher itself never says so.
    Processing,
    /// Nothing fits, and its upload is said to have failed; the matcher itself never says so.
    Failed,
}

impl TrackVerdict {
    /// The word of the `verdict` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::PartlyPublished => "partly_published",
            Self::NotFound => "not_found",
            Self::Undecided => "undecided",
            Self::Processing => "processing",
            Self::Failed => "failed",
        }
    }
}

/// What kind of correction a clock needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockKind {
    /// An absolute clock that agrees.
    NoneNeeded,
    /// Whole quarter hours.
    Zone,
    /// Any other constant.
    Offset,
    /// A constant and a slope.
    Drift,
    /// Nothing was matched by time.
    Unknown,
}

impl ClockKind {
    /// The word of the `clock_kind` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoneNeeded => "none_needed",
            Self::Zone => "zone",
            Self::Offset => "offset",
            Self::Drift => "drift",
            Self::Unknown => "unknown",
        }
    }
}

/// The answer for one track.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackOutcome {
    /// What became of it.
    pub verdict: TrackVerdict,
    /// Numbers of the published sequences that hold its images, in capture order.
    pub sequences: Vec<u32>,
    /// Remote − local clock in ms at the track's first matched photo; `None` when unknown.
    pub clock_offset_ms: Option<i64>,
    /// What kind of correction that is.
    pub clock_kind: ClockKind,
    /// Parts per million by which the local clock runs slow, for [`ClockKind::Drift`].
    pub drift_ppm: Option<f64>,
    /// Photos that voted for the offset.
    pub clock_support: u32,
}

/// Everything that a match answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MatchOutcome {
    /// One per row of `LocalImages`.
    pub verdicts: Vec<Verdict>,
    /// At most five per row, best first; a matched row's list begins with its match.
    pub candidates: Lists<Candidate>,
    /// Rows of further images that are the same photo, published again.
    pub also_published: Lists<u32>,
    /// Why, in words and numbers, where a reason alone says too little; empty for most rows.
    pub notes: Vec<(u32, String)>,
    /// One per track of `LocalImages`.
    pub tracks: Vec<TrackOutcome>,
}
