//! Folders, photos, description files and tables become one archive.
//!
//! # Method
//! A folder is walked without following links; its files are read in batches by all cores, so that memory holds one batch
//! of paths and what was kept of each photo. What cannot be read is a row with a reason. Order of reading never shows:
//! [`crate::assemble()`] sorts.

use crate::assemble::assemble;
use crate::description::{is_description, read_description};
use crate::errors::ScanError;
use crate::gpx::{GpxTrack, Track};
use crate::history::{History, HistoryPlace};
use crate::loose::{LooseFile, LooseFiles};
use crate::merge::{Described, merge_described};
use crate::photo::Photo;
use crate::photo_file::{ReadPhoto, open_photo};
use crate::recall::Recall;
use crate::report_path::{is_photo, report_path};
use crate::table::{TableFormat, read_local_table};
use capture_model::{CapturedAt, Device, FileState, LocalArchive, LocalTime, Observation, Reason, TimeSource};
use rayon::prelude::*;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use uploader_replay::Rules;
use walkdir::WalkDir;

/// Photos that are read at once.
const BATCH: usize = 2048;

/// What a person may choose of a scan.
#[derive(Debug, Clone, Default)]
pub struct ScanOptions {
    /// The uploader's rules that are replayed; `None` takes those of the version that made the newest upload of the
    /// history, or the newest rules where there is none.
    pub rules: Option<Rules>,
    /// Where the uploader's history is looked for.
    pub history: HistoryPlace,
    /// A recorded track on which photos of folders are placed, whatever place they have themselves.
    pub gpx: Option<GpxTrack>,
    /// A file in which a scan remembers what it read of each photo: the next scan with the same file opens only photos
    /// whose size or time of change differ.
    pub recall: Option<PathBuf>,
    /// A further format of tables.
    pub format: Option<&'static dyn TableFormat>,
}

/// How a scan works, and who watches it.
#[derive(Clone)]
pub struct ScanSettings<'a> {
    /// What a person may choose.
    pub options: ScanOptions,
    /// Told now and then how far the scan is; never from two threads at once.
    pub progress: &'a (dyn Fn(ScanProgress) + Sync),
    /// Told in words what could not be entered (folders without permission).
    pub warn: &'a (dyn Fn(&str) + Sync),
}

impl Default for ScanSettings<'_> {
    fn default() -> Self {
        Self { options: ScanOptions::default(), progress: &|_| {}, warn: &|_| {} }
    }
}

impl From<ScanOptions> for ScanSettings<'_> {
    fn from(options: ScanOptions) -> Self {
        Self { options, ..Self::default() }
    }
}

impl std::fmt::Debug for ScanSettings<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScanSettings").field("options", &self.options).finish_non_exhaustive()
    }
}

/// How far a scan is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ScanProgress {
    /// Photos, rows and entries found so far.
    pub files_found: u64,
    /// Of these, how many were read.
    pub files_read: u64,
    /// Files that are no photos by their ending; links, pipes, devices.
    pub files_ignored: u64,
    /// Folders that could not be entered.
    pub folders_unreadable: u64,
}

/// Reads folders of photos, single photos, description files and tables (`.csv`, `.jsonl`, `.json`), in any mixture; `-`
/// is a description file on standard input.
///
/// A path that lies inside another one is not read twice. Fails when a path is not there or not readable, when a table is
/// broken, and when there is nothing at all.
pub fn scan(paths: &[PathBuf], settings: &ScanSettings<'_>) -> Result<LocalArchive, ScanError> {
    let options = &settings.options;
    if let HistoryPlace::At(folder) = &options.history
        && !folder.is_dir()
    {
        return Err(ScanError::NoHistory { path: folder.clone() });
    }
    let history = options.history.folder().map(|folder| History::read(&folder, settings.warn)).unwrap_or_default();
    let track = options.gpx.as_ref().map(Track::read).transpose()?;
    let rules = options.rules.or_else(|| history.newest_version().map(Rules::of)).unwrap_or_default();
    let recall = options.recall.as_ref().and_then(|path| {
        let cannot = |error| (settings.warn)(&format!("cannot remember this scan in {}: {error}", path.display()));
        Recall::open(path).map_err(cannot).ok()
    });
    let mut scan = Scan {
        settings,
        rules,
        history,
        track,
        recall,
        loose: LooseFiles::default(),
        described: Vec::new(),
        progress: ScanProgress::default(),
    };
    for path in distinct(paths) {
        scan.path(path)?;
    }
    if scan.loose.is_empty() {
        return Err(ScanError::Nothing { paths: paths.to_vec() });
    }
    if let Some(Err(error)) = scan.recall.take().map(Recall::finish) {
        (settings.warn)(&format!("this scan is not remembered: {error}"));
    }
    merge_described(&mut scan.loose, &scan.described);
    scan.loose.files_ignored = scan.progress.files_ignored;
    Ok(assemble(scan.loose, &scan.rules))
}

/// Leaves out paths that a folder before or behind them covers; of equal ones the first stays.
fn distinct(paths: &[PathBuf]) -> Vec<&Path> {
    let real: Vec<Option<PathBuf>> = paths.iter().map(|path| fs::canonicalize(path).ok()).collect();
    let is_covered = |at: usize| {
        let Some(own) = &real[at] else { return false };
        let is_walked = own.is_dir() || is_photo(own); // a folder does not read the tables in it
        real.iter().enumerate().any(|(other, path)| match path {
            Some(path) if path == own => other < at,
            Some(path) => is_walked && own.starts_with(path),
            None => false,
        })
    };
    paths.iter().enumerate().filter(|&(at, _)| !is_covered(at)).map(|(_, path)| path.as_path()).collect()
}

struct Scan<'a> {
    settings: &'a ScanSettings<'a>,
    rules: Rules,
    history: History,
    track: Option<Track>,
    recall: Option<Recall>,
    loose: LooseFiles,
    described: Vec<Described>,
    progress: ScanProgress,
}

impl Scan<'_> {
    fn path(&mut self, path: &Path) -> Result<(), ScanError> {
        if path == Path::new("-") {
            let before = self.loose.len();
            read_description(path, io::stdin().lock(), &mut self.loose)?;
            self.took_entries(before, Path::new(""));
            return Ok(());
        }
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => ScanError::Missing { path: path.to_owned() },
            _ => ScanError::Unreadable { path: path.to_owned(), source },
        };
        let metadata = fs::metadata(path).map_err(unreadable)?;
        if metadata.is_dir() {
            fs::read_dir(path).map_err(unreadable)?;
            self.folder(path);
        } else if is_photo(path) && metadata.is_file() {
            self.progress.files_found += 1;
            self.read(&mut vec![path.to_owned()]);
        } else if metadata.is_file() && crate::table::is_table(path, self.settings.options.format) {
            let before = self.loose.len();
            if begins_as_description(path).map_err(unreadable)? {
                read_description(path, File::open(path).map_err(unreadable)?, &mut self.loose)?;
                self.took_entries(before, path.parent().unwrap_or(Path::new("")));
            } else {
                read_local_table(path, self.settings.options.format, &mut self.loose)?;
                self.took_rows(before);
            }
        } else {
            return Err(ScanError::NotAnInput { path: path.to_owned() });
        }
        Ok(())
    }

    /// Counts the rows that a table has brought.
    fn took_rows(&mut self, before: usize) {
        let rows = (self.loose.len() - before) as u64;
        self.progress.files_found += rows;
        self.progress.files_read += rows;
        (self.settings.progress)(self.progress);
    }

    /// Counts the entries of a description, and finds their uploads.
    fn took_entries(&mut self, before: usize, folder: &Path) {
        self.described.push(Described { rows: before..self.loose.len(), folder: folder.to_owned() });
        if !self.history.is_empty() {
            let history = &self.history;
            let loose = &self.loose;
            let sent = (before..loose.len()).into_par_iter().filter(|&row| loose.state[row] == FileState::Usable);
            let joined = |row: usize| {
                let mut file = loose.get(row);
                history.join(&mut file, None);
                (row, file)
            };
            let joined: Vec<(usize, LooseFile)> = sent.map(joined).collect();
            joined.into_iter().for_each(|(row, file)| self.loose.set(row, file));
        }
        self.took_rows(before);
    }

    fn folder(&mut self, path: &Path) {
        let mut batch = Vec::new();
        for entry in WalkDir::new(path) {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.progress.folders_unreadable += 1;
                    (self.settings.warn)(&format!("cannot enter {error}"));
                    continue;
                }
            };
            if entry.file_type().is_dir() {
                continue;
            }
            // links, pipes and devices are counted and left alone
            if entry.file_type().is_file() && is_photo(entry.path()) {
                self.progress.files_found += 1;
                batch.push(entry.into_path());
                if batch.len() == BATCH {
                    self.read(&mut batch);
                }
            } else {
                self.progress.files_ignored += 1;
            }
        }
        self.read(&mut batch);
    }

    /// Reads a batch of photos on all cores and empties it.
    fn read(&mut self, batch: &mut Vec<PathBuf>) {
        (self.settings.progress)(self.progress);
        let recall = self.recall.as_ref();
        let open = |memory: &mut Vec<u8>, path: &PathBuf| open_photo(path, recall, memory);
        let photos: Vec<ReadPhoto> = batch.par_iter().map_init(Vec::new, open).collect();
        let mut files: Vec<(LooseFile, Device)> = Vec::with_capacity(photos.len());
        for (path, (photo, facts)) in batch.iter().zip(photos) {
            let is_kept = match (&mut self.recall, facts) {
                (Some(recall), Some(facts)) => recall.keep(path, facts, &photo),
                _ => Ok(()),
            };
            if let Err(error) = is_kept {
                (self.settings.warn)(&format!("this scan is not remembered: {error}"));
                self.recall = None;
            }
            files.push(self.file_of(path, photo, facts.map_or(0, |facts| facts.bytes)));
        }
        if let Some(track) = &self.track {
            files.iter_mut().filter(|(file, _)| is_picture(file)).for_each(|(file, _)| track.place(file));
        }
        if !self.history.is_empty() {
            let history = &self.history;
            let files = files.par_iter_mut().zip(batch.par_iter()).filter(|((file, _), _)| is_picture(file));
            files.for_each(|((file, _), path)| history.join(file, Some(path)));
        }
        self.progress.files_read += files.len() as u64;
        files.into_iter().for_each(|(file, device)| self.loose.push(file, &device));
        batch.clear();
        (self.settings.progress)(self.progress);
    }

    fn file_of(&mut self, path: &Path, photo: Photo, bytes: u64) -> (LooseFile, Device) {
        let (shown, is_encoded) = report_path(path);
        let mut file = LooseFile::new(&shown, photo.state, &mut self.loose.texts);
        file.observation = photo.observation;
        choose_time(&mut file.observation, &self.rules);
        if let Some(camera) = photo.camera {
            file.camera = self.loose.texts.keep(&camera);
        }
        (file.bytes, file.note) = (bytes, photo.note);
        if is_encoded {
            file.say(crate::report_path::ENCODED);
        }
        (file, photo.device)
    }
}

/// The time that a version of the uploader sends, where it is not the one that the newest sends.
fn choose_time(seen: &mut Observation, rules: &Rules) {
    if let (false, TimeSource::Gps, Some(camera)) = (rules.prefers_gps_time, seen.time_source, seen.camera_time) {
        // the camera's resolution is found again among its neighbours
        (seen.time, seen.time_source, seen.time_resolution_ms) = (Some(camera), TimeSource::Original, 1);
    }
    if let (true, Some(LocalTime::Wall(wall))) = (rules.sends_wall_clock_as_utc, seen.time) {
        seen.time = Some(LocalTime::Absolute(CapturedAt::from_epoch_ms(wall.ms_as_if_utc())));
    }
}

/// Whether a file could be read as a picture, with a place or not (it may have got one from a track).
fn is_picture(file: &LooseFile) -> bool {
    matches!(file.state, FileState::Usable | FileState::Out(Reason::NoPlace | Reason::NullIsland))
}

fn begins_as_description(path: &Path) -> io::Result<bool> {
    if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("json")) {
        return Ok(false);
    }
    let mut head = Vec::new();
    File::open(path)?.take(64 * 1024).read_to_end(&mut head)?;
    Ok(is_description(&head))
}

#[cfg(test)]
mod tests;
