//! Everything that reports are made of, and the questions that several of them ask.
//!
//! The rules of the statuses live here, so that no table, drawing or page can break them: a file shows an image only when
//! it is matched, a matched file's candidates include its match, and there are never more than five.

use crate::table::{Cell, ColumnInfo, Kind};
use crate::{Redaction, figures};
use adjustment_audit::Upload;
use capture_model::{
    CapturedAt, Column, FileState, LocalArchive, LocalImages, LocalTime, PublishedImages, Reason, Route, Status,
    WallClock,
};
use image_matcher::{Candidate, MatchOutcome, Verdict};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Most candidates that a row shows.
pub(crate) const MOST_CANDIDATES: usize = 5;

/// No row of the usable photos.
const NO_ROW: u32 = u32::MAX;

/// What a file may have become, best first: a match that its list lacks comes before the list.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Candidates<'a> {
    unlisted: Option<Candidate>,
    listed: &'a [Candidate],
}

impl<'a> Candidates<'a> {
    /// How many, at most [`MOST_CANDIDATES`].
    pub(crate) fn len(&self) -> usize {
        usize::from(self.unlisted.is_some()) + self.listed.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn first(&self) -> Option<Candidate> {
        self.iter().next()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Candidate> + use<'a> {
        self.unlisted.into_iter().chain(self.listed.iter().copied())
    }
}

/// What the tracker says of a local sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrackUpload {
    /// The stage of its upload, of our own list; empty where nothing is known.
    pub stage: &'static str,
    /// What went wrong, as the service writes it.
    pub error_code: String,
    /// Further words.
    pub note: String,
}

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
    pub routes: &'a Column<Route>,
    /// Of each track, its tiles as `14/x/y` joined by `|`.
    pub track_tiles: &'a [String],
    /// Of each track, what the tracker says of it; empty without the tracker.
    pub(crate) uploads_of_tracks: &'a [TrackUpload],
    /// Row of `images` of each file; [`NO_ROW`] for files that take no part.
    row_of_file: Vec<u32>,
    /// Whether a file has a note: few have, and each is asked.
    is_noted: Vec<bool>,
    /// Further words for the note of a row of `images`.
    note_of_row: BTreeMap<u32, &'a str>,
    /// How names, ids, places and times are hidden; `None` where nothing is.
    redaction: Option<&'a Redaction>,
}

impl<'a> Report<'a> {
    /// Puts the parts together.
    pub fn new(
        archive: &'a LocalArchive,
        images: &'a LocalImages,
        published: &'a PublishedImages,
        outcome: &'a MatchOutcome,
        routes: &'a Column<Route>,
        track_tiles: &'a [String],
    ) -> Self {
        let mut row_of_file = vec![NO_ROW; archive.files.len()];
        for (row, &file) in images.file.iter().enumerate() {
            row_of_file[file as usize] = row as u32;
        }
        let mut is_noted = vec![false; archive.files.len()];
        let noted_rows = outcome.notes.iter().filter_map(|(row, _)| images.file.get(*row as usize));
        let noted_files = noted_rows.map(|&file| file as usize).chain(archive.files.noted());
        noted_files.for_each(|file| is_noted[file] = true);
        let note_of_row = outcome.notes.iter().map(|(row, note)| (*row, note.as_str())).collect();
        Self {
            archive,
            images,
            published,
            outcome,
            routes,
            track_tiles,
            uploads_of_tracks: &[],
            row_of_file,
            is_noted,
            note_of_row,
            redaction: None,
        }
    }

    /// The same report for strangers: every file that is written of it hides what identifies a person or a place.
    pub fn redacted_by(self, redaction: Option<&'a Redaction>) -> Self {
        Self { redaction, ..self }
    }

    /// How this report hides things; `None` where it does not.
    pub fn redaction(&self) -> Option<&'a Redaction> {
        self.redaction
    }

    /// A cell as this report shows it.
    pub(crate) fn shown<'c>(&self, column: &ColumnInfo, cell: Cell<'c>) -> Cell<'c> {
        match self.redaction {
            Some(redaction) => redaction.cell(column, cell),
            None => cell,
        }
    }

    /// The same, with what the tracker says of each track.
    pub fn with_uploads(self, uploads_of_tracks: &'a [TrackUpload]) -> Self {
        Self { uploads_of_tracks, ..self }
    }

    /// Whether the tracker was asked.
    pub fn is_tracked(&self) -> bool {
        !self.uploads_of_tracks.is_empty()
    }

    /// Row of `images` of a file.
    pub fn row_of(&self, file: usize) -> Option<usize> {
        let row = self.row_of_file[file];
        (row != NO_ROW).then_some(row as usize)
    }

    /// Verdict of a file that takes part.
    pub fn verdict_of(&self, file: usize) -> Option<Verdict> {
        self.row_of(file).map(|row| self.outcome.verdicts.get(row))
    }

    /// The one reason of a file. A verdict that claims a match without naming the image is no match: it is shown as weak
    /// evidence.
    pub fn reason_of(&self, file: usize) -> Reason {
        self.reason_by(file, self.verdict_of(file))
    }

    /// The same where the verdict is at hand.
    #[expect(clippy::inline_always, reason = "what is made of a row stays in registers where it is written")]
    #[inline(always)]
    pub(crate) fn reason_by(&self, file: usize, verdict: Option<Verdict>) -> Reason {
        match (self.archive.files.get(file).state(), verdict) {
            (FileState::Out(reason), _) => reason,
            (FileState::Usable, Some(verdict)) if verdict.reason.status() == Status::Matched => {
                if verdict.image.is_some() { verdict.reason } else { Reason::WeakEvidence }
            }
            (FileState::Usable, Some(verdict)) => verdict.reason,
            (FileState::Usable, None) => Reason::NoPlace, // usable without a place cannot take part
        }
    }

    /// Row of the published image that a file became; only of a matched file.
    pub fn image_of(&self, file: usize) -> Option<usize> {
        let verdict = self.verdict_of(file);
        Self::image_by(self.reason_by(file, verdict), verdict)
    }

    /// The same where reason and verdict are at hand.
    pub(crate) fn image_by(reason: Reason, verdict: Option<Verdict>) -> Option<usize> {
        let image = verdict?.image?;
        (reason.status() == Status::Matched).then_some(image as usize)
    }

    /// What a file may have become, best first: of a matched file with its match, of an unmatched one nothing.
    pub(crate) fn candidates_of(&self, file: usize) -> Candidates<'_> {
        self.candidates_by(self.row_of(file), self.reason_of(file), self.image_of(file))
    }

    /// The same where its row, reason and image are at hand.
    #[expect(clippy::inline_always, reason = "what is made of a row stays in registers where it is written")]
    #[inline(always)]
    pub(crate) fn candidates_by(&self, row: Option<usize>, reason: Reason, image: Option<usize>) -> Candidates<'_> {
        let Some(row) = row.filter(|_| matches!(reason.status(), Status::Matched | Status::Ambiguous)) else {
            return Candidates::default();
        };
        let known = self.outcome.candidates.of(row);
        let known = &known[..known.len().min(MOST_CANDIDATES)];
        let is_known = |image: usize| known.iter().any(|candidate| candidate.image as usize == image);
        let Some(image) = image.filter(|&image| !is_known(image)) else {
            return Candidates { unlisted: None, listed: known };
        };
        let probability = self.outcome.verdicts.get(row).probability.unwrap_or(f64::NAN);
        let unlisted = Some(Candidate { image: image as u32, probability });
        Candidates { unlisted, listed: &known[..known.len().min(MOST_CANDIDATES - 1)] }
    }

    /// Further images of the same photo; only of a matched file.
    pub(crate) fn also_published_of(&self, file: usize) -> &[u32] {
        self.also_published_by(self.row_of(file), self.image_of(file))
    }

    /// The same where its row and image are at hand.
    #[expect(clippy::inline_always, reason = "what is made of a row stays in registers where it is written")]
    #[inline(always)]
    pub(crate) fn also_published_by(&self, row: Option<usize>, image: Option<usize>) -> &[u32] {
        match (image, row) {
            (Some(_), Some(row)) => self.outcome.also_published.of(row),
            _ => &[],
        }
    }

    /// The time that was used for a file, on its own clock.
    pub(crate) fn used_time(&self, file: usize) -> Option<LocalTime> {
        self.used_time_by(file, self.verdict_of(file))
    }

    /// The same where the verdict is at hand.
    #[expect(clippy::inline_always, reason = "what is made of a row stays in registers where it is written")]
    #[inline(always)]
    pub(crate) fn used_time_by(&self, file: usize, verdict: Option<Verdict>) -> Option<LocalTime> {
        let known = self.archive.files.get(file).time()?;
        let used_ms = verdict.and_then(|verdict| verdict.used_time_ms).unwrap_or(known.ms());
        Some(match known {
            LocalTime::Absolute(_) => LocalTime::Absolute(CapturedAt::from_epoch_ms(used_ms)),
            LocalTime::Wall(_) => LocalTime::Wall(WallClock::from_ms_as_if_utc(used_ms)),
        })
    }

    /// How far the service moved a published image, metres; `None` without both places.
    pub(crate) fn shift_m(&self, image: usize) -> Option<f64> {
        Some(figures::distance_m(self.published.original(image)?, self.published.computed(image)?))
    }

    /// How many matched images the service moved farther than so many metres.
    pub fn moved_images(&self, limit_m: f64) -> usize {
        let matched = (0..self.archive.files.len()).filter_map(|file| self.image_of(file));
        matched.filter(|&image| self.shift_m(image).is_some_and(|metres| metres > limit_m)).count()
    }

    /// Every matched image with the place that its local file says, for [`adjustment_audit::Audit::check_uploads`].
    pub fn uploads(&self) -> impl Iterator<Item = Upload> + '_ {
        (0..self.archive.files.len()).filter_map(|file| {
            let place = self.archive.files.get(file).position()?;
            Some(Upload { row: self.image_of(file)? as u32, place })
        })
    }

    /// The words of a file's note: its own, then the matcher's.
    pub(crate) fn note_of(&self, file: usize) -> Cow<'_, str> {
        if !self.is_noted[file] {
            return "".into();
        }
        let own = self.archive.files.get(file).note().unwrap_or("");
        let row = self.row_of(file).map(|row| row as u32);
        let matchers = row.and_then(|row| self.note_of_row.get(&row).copied()).unwrap_or("");
        match (own.is_empty(), matchers.is_empty()) {
            (false, false) => format!("{own}; {matchers}").into(),
            (false, true) => own.into(),
            (true, _) => matchers.into(),
        }
    }

    /// Name of a file's local sequence; empty for files of none.
    pub(crate) fn track_name(&self, file: usize) -> &str {
        self.archive.files.get(file).track().map_or("", |track| &self.archive.tracks[track as usize].name)
    }
}

/// Ids of some published rows, joined by `|`.
pub(crate) fn joined_ids(published: &PublishedImages, images: impl Iterator<Item = u32>) -> String {
    let mut text = String::new();
    for image in images {
        if !text.is_empty() {
            text.push('|');
        }
        Cell::Id(published.id[image as usize]).write_to(Kind::Id, &mut text);
    }
    text
}
