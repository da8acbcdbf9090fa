//! The local files of an archive, as columns: a million of them are kept at once.

use crate::path_ranks::path_ranks;
use crate::{
    CapturedAt, ClusterId, Column, DeviceIndex, FileState, LocalTime, Metres, Observation, Observations, Paths,
    Position, Reason, Shared, TimeSource,
};
use std::collections::BTreeMap;
use std::ops::Range;

/// Stands for no track.
const NO_TRACK: u32 = u32::MAX;

/// One local file by itself: exactly one row of every report.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalFile {
    /// The path as reports show it.
    pub path: Box<str>,
    /// Number of its track in [`crate::LocalArchive::tracks`]; `None` for files that belong to no track.
    pub track: Option<u32>,
    /// Whether it can take part.
    pub state: FileState,
    /// What it says.
    pub observation: Observation,
    /// The upload that it went with, where a history or table says so.
    pub cluster_id: Option<ClusterId>,
    /// The time that the uploader sends: [`Observation::time`] after equal times were spread and milliseconds cut; `None`
    /// when the replay changes nothing.
    pub sent_time: Option<LocalTime>,
    /// Drop that the uploader's rules predict for this photo (`dropped_duplicate`, `dropped_by_uploader`).
    pub predicted_drop: Option<Reason>,
    /// Words for the `note` column.
    pub note: Option<Box<str>>,
}

/// Files by row. [`Self::get`] looks at one, [`Self::change`] changes one.
#[derive(Debug, Clone)]
pub struct LocalFiles {
    paths: Paths,
    pub(crate) track: Shared<u32>,
    state: Column<FileState>,
    pub(crate) seen: Observations,
    cluster_id: Column<Option<ClusterId>>,
    /// Equal to the time where the replay changes nothing.
    pub(crate) sent_ms: Shared<i64>,
    pub(crate) predicted_drop: Column<Option<Reason>>,
    notes: BTreeMap<u32, Box<str>>,
}

impl Default for LocalFiles {
    fn default() -> Self {
        Self {
            paths: Paths::default(),
            track: Shared::default(),
            state: Column::same(FileState::Usable, 0),
            seen: Observations::default(),
            cluster_id: Column::same(None, 0),
            sent_ms: Shared::default(),
            predicted_drop: Column::same(None, 0),
            notes: BTreeMap::new(),
        }
    }
}

/// Columns of which [`LocalFiles`] are made; all of one length.
#[derive(Debug)]
pub struct FileColumns {
    /// See [`LocalFile::path`].
    pub paths: Paths,
    /// See [`LocalFile::track`]; `u32::MAX` for none.
    pub track: Vec<u32>,
    /// See [`LocalFile::state`].
    pub state: Column<FileState>,
    /// See [`LocalFile::observation`].
    pub seen: Observations,
    /// See [`LocalFile::cluster_id`].
    pub cluster_id: Column<Option<ClusterId>>,
    /// What the uploader sends, on each file's own clock, its time where the replay does not change it; `None` where it
    /// changes none.
    pub sent_ms: Option<Vec<i64>>,
    /// See [`LocalFile::predicted_drop`].
    pub predicted_drop: Column<Option<Reason>>,
    /// See [`LocalFile::note`], by row.
    pub notes: BTreeMap<u32, Box<str>>,
}

impl From<FileColumns> for LocalFiles {
    fn from(columns: FileColumns) -> Self {
        let FileColumns { paths, track, state, seen, cluster_id, sent_ms, predicted_drop, notes } = columns;
        let sent_ms = sent_ms.map_or_else(|| seen.time_ms.clone(), Shared::from); // else one column for both
        Self { paths, track: track.into(), state, seen, cluster_id, sent_ms, predicted_drop, notes }
    }
}

impl LocalFiles {
    /// How many.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// A look at one.
    ///
    /// # Panics
    /// When there is no such row, as soon as it is asked for anything.
    #[inline]
    pub fn get(&self, row: usize) -> FileRow<'_> {
        FileRow { files: self, row }
    }

    /// All in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = FileRow<'_>> + DoubleEndedIterator {
        self.of_rows(0..self.len())
    }

    /// Some in their order.
    pub fn of_rows(&self, rows: Range<usize>) -> impl ExactSizeIterator<Item = FileRow<'_>> + DoubleEndedIterator {
        rows.map(|row| self.get(row))
    }

    /// The rows that have a note, in their order.
    pub fn noted(&self) -> impl Iterator<Item = usize> {
        self.notes.keys().map(|&row| row as usize)
    }

    /// Of each, the rank of its path in the order of bytes; of equal ones the first comes first.
    pub(crate) fn path_ranks(&self) -> Vec<u32> {
        path_ranks(&self.paths)
    }

    /// Adds one.
    pub fn push(&mut self, file: LocalFile) {
        if let Some(note) = file.note {
            self.notes.insert(self.len() as u32, note);
        }
        self.paths.push(&file.path);
        self.track.push(file.track.unwrap_or(NO_TRACK));
        self.state.push(file.state);
        self.seen.push(&file.observation);
        self.cluster_id.push(file.cluster_id);
        self.sent_ms.push(sent_ms(file.sent_time, file.observation.time));
        self.predicted_drop.push(file.predicted_drop);
    }

    /// Lets one take part, or not.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn set_state(&mut self, row: usize, state: FileState) {
        self.state.set(row, state);
    }

    /// Changes one.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn change(&mut self, row: usize, change: impl FnOnce(&mut LocalFile)) {
        let mut file = self.get(row).to_file();
        change(&mut file);
        match file.note {
            Some(note) => self.notes.insert(row as u32, note),
            None => self.notes.remove(&(row as u32)),
        };
        self.paths.set(row, &file.path);
        self.track[row] = file.track.unwrap_or(NO_TRACK);
        self.state.set(row, file.state);
        self.seen.set(row, &file.observation);
        self.cluster_id.set(row, file.cluster_id);
        self.sent_ms[row] = sent_ms(file.sent_time, file.observation.time);
        self.predicted_drop.set(row, file.predicted_drop);
    }
}

/// The time that is sent, or else the file's own; [`Observations::NO_TIME`] for none.
fn sent_ms(sent: Option<LocalTime>, own: Option<LocalTime>) -> i64 {
    sent.or(own).map_or(Observations::NO_TIME, LocalTime::ms)
}

impl Extend<LocalFile> for LocalFiles {
    fn extend<I: IntoIterator<Item = LocalFile>>(&mut self, files: I) {
        files.into_iter().for_each(|file| self.push(file));
    }
}

impl FromIterator<LocalFile> for LocalFiles {
    fn from_iter<I: IntoIterator<Item = LocalFile>>(files: I) -> Self {
        let mut all = Self::default();
        all.extend(files);
        all
    }
}

impl From<Vec<LocalFile>> for LocalFiles {
    fn from(files: Vec<LocalFile>) -> Self {
        files.into_iter().collect()
    }
}

/// Equal files in one order.
impl PartialEq for LocalFiles {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a.to_file() == b.to_file())
    }
}

/// A look at one file of an archive; each of its methods is a field of [`LocalFile`] or of its [`Observation`].
#[derive(Debug, Clone, Copy)]
pub struct FileRow<'a> {
    files: &'a LocalFiles,
    row: usize,
}

#[expect(missing_docs, reason = "said at the fields of the same names")]
impl<'a> FileRow<'a> {
    #[inline]
    pub fn path(self) -> &'a str {
        self.files.paths.get(self.row)
    }
    #[inline]
    pub fn track(self) -> Option<u32> {
        Some(self.files.track[self.row]).filter(|&track| track != NO_TRACK)
    }
    #[inline]
    pub fn state(self) -> FileState {
        self.files.state[self.row]
    }
    #[inline]
    pub fn cluster_id(self) -> Option<ClusterId> {
        self.files.cluster_id[self.row]
    }
    #[inline]
    pub fn sent_time(self) -> Option<LocalTime> {
        let (sent, own) = (self.files.sent_ms[self.row], self.files.seen.time_ms[self.row]);
        if sent == own { None } else { self.files.seen.on_its_clock(self.row, sent) }
    }
    #[inline]
    pub fn predicted_drop(self) -> Option<Reason> {
        self.files.predicted_drop[self.row]
    }
    #[inline]
    pub fn note(self) -> Option<&'a str> {
        if self.files.notes.is_empty() { None } else { self.files.notes.get(&(self.row as u32)).map(|note| &**note) }
    }
    #[inline]
    pub fn position(self) -> Option<Position> {
        self.files.seen.position(self.row)
    }
    #[inline]
    pub fn altitude(self) -> Option<Metres> {
        self.files.seen.altitude(self.row)
    }
    #[inline]
    pub fn heading_deg(self) -> Option<f64> {
        self.files.seen.heading_deg(self.row)
    }
    #[inline]
    pub fn time(self) -> Option<LocalTime> {
        self.files.seen.time(self.row)
    }
    #[inline]
    pub fn time_source(self) -> TimeSource {
        self.files.seen.time_source(self.row)
    }
    #[inline]
    pub fn time_resolution_ms(self) -> u16 {
        self.files.seen.time_resolution_ms(self.row)
    }
    #[inline]
    pub fn gps_time(self) -> Option<CapturedAt> {
        self.files.seen.gps_time(self.row)
    }
    #[inline]
    pub fn camera_time(self) -> Option<LocalTime> {
        self.files.seen.camera_time(self.row)
    }
    #[inline]
    pub fn device(self) -> DeviceIndex {
        self.files.seen.device(self.row)
    }
    #[inline]
    pub fn orientation(self) -> Option<u8> {
        self.files.seen.orientation(self.row)
    }

    /// All of its observation.
    pub fn observation(self) -> Observation {
        self.files.seen.get(self.row)
    }

    /// The file by itself.
    pub fn to_file(self) -> LocalFile {
        LocalFile {
            path: self.path().into(),
            track: self.track(),
            state: self.state(),
            observation: self.observation(),
            cluster_id: self.cluster_id(),
            sent_time: self.sent_time(),
            predicted_drop: self.predicted_drop(),
            note: self.note().map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_kept_as_it_is() {
        let wall = |ms| Some(LocalTime::Wall(crate::WallClock::from_ms_as_if_utc(ms)));
        let bare = LocalFile {
            path: "a".into(),
            track: None,
            state: FileState::Usable,
            observation: Observation::default(),
            cluster_id: None,
            sent_time: None,
            predicted_drop: None,
            note: None,
        };
        let full = LocalFile {
            path: "b/c".into(),
            track: Some(3),
            state: FileState::Out(Reason::NullIsland),
            observation: Observation { time: wall(7), ..Observation::default() },
            cluster_id: Some(ClusterId(u64::MAX)),
            sent_time: wall(8),
            predicted_drop: Some(Reason::DroppedDuplicate),
            note: Some("words".into()),
        };
        let mut files = LocalFiles::from(vec![bare.clone(), full.clone(), bare.clone()]);
        assert!(files.iter().map(FileRow::to_file).eq([bare.clone(), full.clone(), bare.clone()]));
        files.change(0, |file| *file = full.clone());
        files.change(1, |file| *file = bare.clone());
        assert_eq!(files, LocalFiles::from(vec![full, bare.clone(), bare]));
    }
}
