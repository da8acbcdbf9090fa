//! What the matcher answers: one verdict a photo, the candidates behind it, one outcome a track.

use crate::Weights;
use capture_model::Reason;
use std::borrow::Cow;
use std::ops::Range;

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

/// A verdict as it is kept: 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PackedVerdict {
    probability: u64,
    used_time_ms: i64,
    clock_offset_ms: i64,
    image: u32,
    pub(crate) reason: Reason,
    by_computed: bool,
}

impl PackedVerdict {
    const NO_IMAGE: u32 = u32::MAX;
    const NO_TIME: i64 = i64::MIN;
    const NO_PROBABILITY: u64 = u64::MAX; // the bits of no probability

    pub(crate) fn image(&self) -> Option<u32> {
        (self.image != Self::NO_IMAGE).then_some(self.image)
    }

    pub(crate) fn told(&self) -> Verdict {
        let known = |ms: i64| (ms != Self::NO_TIME).then_some(ms);
        Verdict {
            reason: self.reason,
            image: self.image(),
            probability: (self.probability != Self::NO_PROBABILITY).then(|| f64::from_bits(self.probability)),
            by_computed: self.by_computed,
            used_time_ms: known(self.used_time_ms),
            clock_offset_ms: known(self.clock_offset_ms),
        }
    }
}

impl From<Verdict> for PackedVerdict {
    fn from(verdict: Verdict) -> Self {
        Self {
            probability: verdict.probability.map_or(Self::NO_PROBABILITY, f64::to_bits),
            used_time_ms: verdict.used_time_ms.unwrap_or(Self::NO_TIME),
            clock_offset_ms: verdict.clock_offset_ms.unwrap_or(Self::NO_TIME),
            image: verdict.image.unwrap_or(Self::NO_IMAGE),
            reason: verdict.reason,
            by_computed: verdict.by_computed,
        }
    }
}

/// The verdicts of all photos, in half of the memory that a list of [`Verdict`] takes.
///
/// ```
/// use capture_model::Reason;
/// use image_matcher::{Verdict, Verdicts};
/// let lost = Verdict {
///     reason: Reason::NotPublishedYet,
///     image: None,
///     probability: None,
///     by_computed: false,
///     used_time_ms: Some(1_700_000_000_000),
///     clock_offset_ms: None,
/// };
/// let mut verdicts: Verdicts = [lost; 3].into_iter().collect();
/// verdicts.change(1, |verdict| verdict.image = Some(7));
/// assert_eq!(verdicts.get(1).image, Some(7));
/// assert_eq!(verdicts.iter().filter(|verdict| verdict.image.is_none()).count(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdicts(Vec<PackedVerdict>);

impl Verdicts {
    pub(crate) fn of_packed(verdicts: Vec<PackedVerdict>) -> Self {
        Self(verdicts)
    }

    /// How many photos.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The verdict of one photo.
    ///
    /// # Panics
    /// When there is no such photo.
    pub fn get(&self, row: usize) -> Verdict {
        self.0[row].told()
    }

    /// Adds the verdict of the next photo.
    pub fn push(&mut self, verdict: Verdict) {
        self.0.push(verdict.into());
    }

    /// Changes the verdict of one photo.
    ///
    /// # Panics
    /// When there is no such photo.
    pub fn change(&mut self, row: usize, change: impl FnOnce(&mut Verdict)) {
        let mut verdict = self.get(row);
        change(&mut verdict);
        self.0[row] = verdict.into();
    }

    /// All verdicts in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Verdict> + DoubleEndedIterator + Clone + '_ {
        self.0.iter().map(PackedVerdict::told)
    }

    /// The verdicts of some photos that follow each other.
    ///
    /// # Panics
    /// When there are no such photos.
    pub fn of_rows(&self, rows: Range<usize>) -> impl ExactSizeIterator<Item = Verdict> + Clone + '_ {
        self.0[rows].iter().map(PackedVerdict::told)
    }
}

impl FromIterator<Verdict> for Verdicts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        Self(verdicts.into_iter().map(PackedVerdict::from).collect())
    }
}

/// A table of short lists, of which most may be empty: only those that hold something take memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Lists<T> {
    n_rows: usize,
    /// Rows whose lists hold something, in order, and where each of them ends.
    ends: Vec<(u32, u32)>,
    items: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self { n_rows: 0, ends: Vec::new(), items: Vec::new() }
    }
}

impl<T> Lists<T> {
    /// Adds the list of the next row.
    ///
    /// # Panics
    /// When more than 2^32 − 1 rows or items are kept.
    pub fn push(&mut self, items: impl IntoIterator<Item = T>) {
        let before = self.items.len();
        self.items.extend(items);
        if self.items.len() > before {
            let end = u32::try_from(self.items.len()).expect("fewer than 2^32 list items");
            self.ends.push((u32::try_from(self.n_rows).expect("fewer than 2^32 rows"), end));
        }
        self.n_rows += 1;
    }

    /// Adds all lists of another table.
    ///
    /// # Panics
    /// When more than 2^32 − 1 rows or items are kept.
    pub(crate) fn append(&mut self, other: Self) {
        let first = u32::try_from(self.n_rows).expect("fewer than 2^32 rows");
        let before = u32::try_from(self.items.len()).expect("fewer than 2^32 list items");
        self.items.extend(other.items);
        self.n_rows += other.n_rows;
        u32::try_from(self.items.len().max(self.n_rows)).expect("fewer than 2^32 rows and list items");
        self.ends.extend(other.ends.into_iter().map(|(row, end)| (first + row, before + end)));
    }

    /// The list of one row; empty for a row that was never pushed.
    pub fn of(&self, row: usize) -> &[T] {
        let Ok(at) = self.ends.binary_search_by_key(&row, |&(known, _)| known as usize) else { return &[] };
        let start = if at == 0 { 0 } else { self.ends[at - 1].1 };
        &self.items[start as usize..self.ends[at].1 as usize]
    }

    /// How many rows were pushed.
    pub fn len(&self) -> usize {
        self.n_rows
    }

    /// Whether no row was pushed.
    pub fn is_empty(&self) -> bool {
        self.n_rows == 0
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
    pub verdicts: Verdicts,
    /// At most five per row, best first; a matched row's list begins with its match, and is empty where that is all: ask
    /// [`Self::candidates_of`].
    pub candidates: Lists<Candidate>,
    /// Rows of further images that are the same photo, published again.
    pub also_published: Lists<u32>,
    /// Why, in words and numbers, where a reason alone says too little; empty for most rows.
    pub notes: Vec<(u32, String)>,
    /// One per track of `LocalImages`.
    pub tracks: Vec<TrackOutcome>,
}

impl MatchOutcome {
    /// What a photo may have become, best first; of a matched one its match comes first.
    pub fn candidates_of(&self, row: usize) -> Cow<'_, [Candidate]> {
        let listed = self.candidates.of(row);
        let verdict = self.verdicts.get(row);
        match verdict.image {
            Some(image) if listed.is_empty() => {
                Cow::Owned(vec![Candidate { image, probability: verdict.probability.unwrap_or(f64::NAN) }])
            }
            _ => Cow::Borrowed(listed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_is_kept_as_it_is_in_32_bytes() {
        assert_eq!(size_of::<PackedVerdict>(), 32);
        for (image, probability, used_time_ms, clock_offset_ms, by_computed) in [
            (None, None, None, None, false),
            (Some(0), Some(0.0), Some(0), Some(0), true),
            (Some(u32::MAX - 1), Some(1.0), Some(-1), Some(i64::MAX), false),
        ] {
            let reason = Reason::Aligned;
            let verdict = Verdict { reason, image, probability, by_computed, used_time_ms, clock_offset_ms };
            assert_eq!(PackedVerdict::from(verdict).told(), verdict);
        }
    }

    #[test]
    fn lists_are_those_that_were_pushed() {
        let lists = [vec![], vec![3, 4], vec![], vec![], vec![5], vec![6, 7, 8], vec![]];
        let pushed = |lists: &[Vec<i32>]| {
            let mut all = Lists::default();
            lists.iter().for_each(|list| all.push(list.iter().copied()));
            all
        };
        for cut in 0..=lists.len() {
            let mut all = pushed(&lists[..cut]);
            all.append(pushed(&lists[cut..]));
            assert_eq!(all, pushed(&lists), "{cut}");
            assert_eq!(all.len(), lists.len());
            for (row, list) in lists.iter().enumerate() {
                assert_eq!(all.of(row), list.as_slice(), "{cut} {row}");
            }
            assert!(all.of(lists.len()).is_empty());
        }
    }
}
