//! Counts of what a matcher answered, against the truth.

use crate::Reliability;
use crate::trial::Known;
use capture_model::{ImageId, PublishedImages, Status};
use image_matcher::MatchOutcome;
use std::collections::BTreeSet;

/// Sums over the runs of one scenario.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Local files.
    pub photos: usize,
    /// Those that have an image which something can decide.
    pub decidable: usize,
    /// Rows that were given an image.
    pub matched: usize,
    /// Those whose image is theirs.
    pub right: usize,
    /// Right ones among the decidable.
    pub right_decidable: usize,
    /// Rows that were left between candidates.
    pub ambiguous: usize,
    /// Rows that nothing can decide, or that have no image.
    pub undecidable: usize,
    /// Those of them that were given no image.
    pub held_back: usize,
    /// Images that two rows were given.
    pub reused: usize,
    /// The greatest probability of a wrong match.
    pub worst_wrong: f64,
    /// How often a probability was true.
    pub reliability: Reliability,
    /// Requests per local sequence, one figure a run, where a service was asked.
    pub requests: Vec<f64>,
}

/// The figures of a tally.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// Right ones among the matched; 1 where nothing was matched.
    pub precision: f64,
    /// Right ones among the decidable; 1 where nothing can be decided.
    pub recall: f64,
    /// Share of the rows left between candidates.
    pub ambiguous: f64,
    /// Share held back of the rows that nothing can decide or that have no image; 1 where there are none.
    pub held_back: f64,
    /// Expected calibration error over the rows with a probability.
    pub calibration_error: f64,
    /// Median of the requests per local sequence.
    pub requests: Option<f64>,
}

impl Tally {
    /// A tally of so many photos, nothing answered yet.
    pub(crate) fn of_photos(photos: usize, decidable: usize) -> Self {
        Self { photos, decidable, ..Self::default() }
    }

    /// Adds the answers of one run.
    pub(crate) fn add(&mut self, outcome: &MatchOutcome, published: &PublishedImages, known: &[Known]) {
        let mut used = BTreeSet::new();
        for (row, (verdict, known)) in outcome.verdicts.iter().zip(known).enumerate() {
            let is_true = |image: u32| known.ids.contains(&ImageId(published.id[image as usize]));
            let is_decidable = known.is_decidable;
            self.undecidable += usize::from(!is_decidable);
            self.held_back += usize::from(!is_decidable && verdict.image.is_none());
            if let Some(image) = verdict.image {
                self.matched += 1;
                self.right += usize::from(is_true(image));
                self.right_decidable += usize::from(is_true(image) && is_decidable);
                self.reused += usize::from(!used.insert(image));
                if !is_true(image) {
                    self.worst_wrong = self.worst_wrong.max(verdict.probability.unwrap_or(1.0));
                }
            }
            self.ambiguous += usize::from(verdict.reason.status() == Status::Ambiguous);
            if let Some(best) = outcome.candidates_of(row).first() {
                self.reliability.add(best.probability, is_true(best.image));
            }
        }
    }

    /// Whether a figure misses the bar that every scenario is held to: no image twice, precision 0.999, recall 0.99, 95 % held
    /// back of what nothing can decide, calibration error 0.01.
    pub fn misses_a_bar(&self) -> bool {
        let Figures { precision, recall, held_back, calibration_error, .. } = self.figures();
        self.reused > 0 || precision < 0.999 || recall < 0.99 || held_back < 0.95 || calibration_error > 0.01
    }

    /// Adds the counts of another tally.
    pub fn absorb(&mut self, other: &Self) {
        self.photos += other.photos;
        self.decidable += other.decidable;
        self.matched += other.matched;
        self.right += other.right;
        self.right_decidable += other.right_decidable;
        self.ambiguous += other.ambiguous;
        self.undecidable += other.undecidable;
        self.held_back += other.held_back;
        self.reused += other.reused;
        self.worst_wrong = self.worst_wrong.max(other.worst_wrong);
        self.reliability.absorb(&other.reliability);
        self.requests.extend(&other.requests);
    }

    /// What it comes to.
    pub fn figures(&self) -> Figures {
        let share = |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
        let mut requests = self.requests.clone();
        requests.sort_unstable_by(f64::total_cmp);
        Figures {
            precision: share(self.right, self.matched),
            recall: share(self.right_decidable, self.decidable),
            ambiguous: self.ambiguous as f64 / self.photos.max(1) as f64,
            held_back: share(self.held_back, self.undecidable),
            calibration_error: self.reliability.calibration_error(),
            requests: requests.get(requests.len() / 2).copied(),
        }
    }
}
