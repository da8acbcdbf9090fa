//! Everything that reports are made of, and the questions that several of them ask.

use crate::figures;
use capture_model::{FileState, LocalArchive, LocalImages, LocalTime, PublishedImages, Reason, Route, WallClock};
use image_matcher::{MatchOutcome, Verdict};

/// A match with both of its sides. One row per file of `archive`, in its order.
#[derive(Debug, Clone)]
pub struct Report<'a> {
    /// The local side.
    pub archive: &'a LocalArchive,
    /// Its usable photos.
    pub images: &'a LocalImages,
    /// The published side.
    pub published: &'a PublishedImages,
    /// The verdicts, one per usable photo.
    pub outcome: &'a MatchOutcome,
    /// How each published image was reached.
    pub routes: &'a [Route],
    /// Of each track, its tiles as `14/x/y` joined by `|`.
    pub track_tiles: &'a [String],
    /// Row of `images` of each file; `None` for files that take no part.
    row_of_file: Vec<Option<u32>>,
    /// Further words for the note of a row of `images`.
    note_of_row: std::collections::BTreeMap<u32, &'a str>,
}

impl<'a> Report<'a> {
    /// Puts the parts together.
    pub fn new(
        archive: &'a LocalArchive,
        images: &'a LocalImages,
        published: &'a PublishedImages,
        outcome: &'a MatchOutcome,
        routes: &'a [Route],
        track_tiles: &'a [String],
    ) -> Self {
        let mut row_of_file = vec![None; archive.files.len()];
        for (row, &file) in images.file.iter().enumerate() {
            row_of_file[file as usize] = Some(row as u32);
        }
        let note_of_row = outcome.notes.iter().map(|(row, note)| (*row, note.as_str())).collect();
        Self { archive, images, published, outcome, routes, track_tiles, row_of_file, note_of_row }
    }

    /// Row of `images` of a file.
    pub fn row_of(&self, file: usize) -> Option<usize> {
        self.row_of_file[file].map(|row| row as usize)
    }

    /// Verdict of a file that takes part.
    pub fn verdict_of(&self, file: usize) -> Option<&Verdict> {
        self.row_of(file).map(|row| &self.outcome.verdicts[row])
    }

    /// The one reason of a file.
    pub fn reason_of(&self, file: usize) -> Reason {
        match (self.archive.files[file].state, self.verdict_of(file)) {
            (FileState::Out(reason), _) => reason,
            (FileState::Usable, Some(verdict)) => verdict.reason,
            (FileState::Usable, None) => Reason::NoPlace, // usable without a place cannot take part
        }
    }

    /// The time that was used for a file, on its own clock.
    pub(crate) fn used_time(&self, file: usize) -> Option<LocalTime> {
        let known = self.archive.files[file].observation.time?;
        let used_ms = self.verdict_of(file).and_then(|verdict| verdict.used_time_ms).unwrap_or(known.ms());
        Some(match known {
            LocalTime::Absolute(_) => LocalTime::Absolute(capture_model::CapturedAt::from_epoch_ms(used_ms)),
            LocalTime::Wall(_) => LocalTime::Wall(WallClock::from_ms_as_if_utc(used_ms)),
        })
    }

    /// How far the service moved a published image, metres; `None` without both places.
    pub(crate) fn shift_m(&self, image: usize) -> Option<f64> {
        Some(figures::distance_m(self.published.original(image)?, self.published.computed(image)?))
    }

    /// How many matched images the service moved by more than a metre.
    pub fn moved_images(&self) -> usize {
        let matched = self.outcome.verdicts.iter().filter_map(|verdict| verdict.image);
        matched.filter(|&image| self.shift_m(image as usize).is_some_and(|metres| metres > 1.0)).count()
    }

    /// The words of a file's note: its own, then the matcher's.
    pub(crate) fn note_of(&self, file: usize) -> String {
        let own = self.archive.files[file].note.as_deref().unwrap_or("");
        let matchers = self.row_of_file[file].and_then(|row| self.note_of_row.get(&row).copied()).unwrap_or("");
        match (own.is_empty(), matchers.is_empty()) {
            (false, false) => format!("{own}; {matchers}"),
            _ => format!("{own}{matchers}"),
        }
    }

    /// Name of a file's local sequence; empty for files of none.
    pub(crate) fn track_name(&self, file: usize) -> &str {
        self.archive.files[file].track.map_or("", |track| &self.archive.tracks[track as usize].name)
    }
}
