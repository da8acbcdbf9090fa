//! From loose files to an archive in the order of reports.
//!
//! # Method
//! Files fall into groups ([`crate::grouping`]). Each group is replayed as the uploader would treat it; that gives tracks,
//! the times that are sent, and predicted drops. Tracks with a given name keep it; the others are numbered 1, 2, … in the
//! order of (bytes of the folder, first capture time, first path).
//!
//! Rows: by the track's name (as numbers if all names are numbers), then time, then path; files without a track last, by
//! path. The result does not depend on the order in
//! which files were read (only equal paths keep it).
//!
//! # Memory
//! Files are permuted in place; beside them there are 21 bytes a file, and the replay of one group at a time.

use crate::grouping::{Clock, Grouping, NOT_GIVEN};
use crate::loose::{LooseFile, LooseFiles, Texts};
use capture_model::{
    CapturedAt, Device, DeviceIndex, FileState, LocalArchive, LocalFile, LocalTime, Names, Position, Reason, Track,
    WallClock,
};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use uploader_replay::{Drop, Photo, Photos, Rules, replay_group};

/// Stands for no track.
const NO_TRACK: u32 = u32::MAX;
/// So many times that all fall on a coarser step were written in that step.
const ENOUGH_TO_TELL: usize = 5;

/// What the replay says of each file, by its number.
#[derive(Debug)]
struct Answers {
    track: Vec<u32>,
    /// `None` is written as `i64::MIN`.
    sent_ms: Vec<i64>,
    drop: Vec<Option<Reason>>,
    /// Of each track, its first file.
    first_file: Vec<u32>,
}

/// Groups, sorts and replays: files in any order become an archive in the order of reports.
///
/// # Panics
/// With 2^32 or more files.
pub fn assemble(loose: LooseFiles, rules: &Rules) -> LocalArchive {
    assert!(u32::try_from(loose.files.len()).is_ok(), "fewer than 2^32 files");
    let grouping = Grouping::new(&loose, rules);
    let LooseFiles { mut files, devices, files_ignored, mut videos, .. } = loose;
    videos.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    let mut order = grouping.order(&files);
    let mut answers = Answers {
        track: vec![NO_TRACK; files.len()],
        sent_ms: vec![i64::MIN; files.len()],
        drop: vec![None; files.len()],
        first_file: Vec::new(),
    };
    let mut begin = 0;
    for end in 1..=order.len() {
        let is_last = end == order.len() || grouping.compare(&files, order[end - 1], order[end]).is_ne();
        if is_last {
            answers.replay(&order[begin..end], &mut files, &devices, rules);
            begin = end;
        }
    }
    let names = answers.put_in_order(&files, &grouping);
    answers.sort_rows(&files, &mut order);
    let tracks = lay_out(&order, names, &answers, &files, &grouping);
    permute(&mut files, &order);
    let mut kept = Names::default();
    kept.number_of(&Device::default());
    let mut numbers: Vec<Option<DeviceIndex>> = vec![None; devices.len()];
    // a map over the vector alone is collected in its own memory, as long as rows are not larger than files
    const { assert!(size_of::<LocalFile>() == size_of::<LooseFile>()) };
    let mut row = 0;
    let files = files.into_iter().map(|mut file| {
        row += 1;
        let device = file.observation.device();
        let number = *numbers[device as usize].get_or_insert_with(|| kept.number_of(devices.value(device)));
        file.observation.set_device(number);
        answers.settle(file, order[row - 1] as usize)
    });
    LocalArchive { files: files.collect(), tracks, devices: kept, files_ignored, videos }
}

impl Answers {
    /// Replays one group; `members` are in the order of file names.
    fn replay(&mut self, members: &[u32], files: &mut [LooseFile], devices: &Names<Device>, rules: &Rules) {
        let given = files[members[0] as usize].sequence.clone();
        if given.as_ref().is_some_and(|given| given.as_sent) {
            self.name(members);
            return;
        }
        find_resolution(members, files);
        let is_given = given.is_some();
        let group = Group { members, files, devices };
        let fates = replay_group(&group, &if is_given { rules.without_cuts() } else { *rules });
        if is_given {
            self.name(members);
        }
        let first_track = self.first_file.len() as u32;
        for (&number, fate) in members.iter().zip(&fates) {
            let file = &files[number as usize];
            if let (Some(sent), Some(time)) = (fate.sent_time_ms, file.observation.time())
                && sent != time.ms()
            {
                self.sent_ms[number as usize] = sent;
            }
            if let (Some(sequence), false) = (fate.sequence, is_given) {
                let track = first_track + sequence;
                self.track[number as usize] = track;
                while self.first_file.len() <= track as usize {
                    self.first_file.push(number);
                }
                let first = &mut self.first_file[track as usize];
                if self.track[*first as usize] != track {
                    *first = number; // the slot was opened by a later sequence
                }
            }
            if let (Some(why), FileState::Usable) = (fate.drop, file.state) {
                let kept = |of: u32| files[members[of as usize] as usize].path.clone();
                let (reason, words) = reason_of(why, kept);
                self.drop[number as usize] = Some(reason);
                files[number as usize].say(&words);
            }
        }
    }

    /// Puts all members into a track of their own.
    fn name(&mut self, members: &[u32]) {
        for &number in members {
            self.track[number as usize] = self.first_file.len() as u32;
        }
        self.first_file.push(members[0]);
    }

    /// Renumbers the tracks into the order of their names, and gives the names.
    fn put_in_order(&mut self, files: &[LooseFile], grouping: &Grouping) -> Vec<String> {
        let names = self.names(files, grouping);
        let numbers: Option<Vec<u64>> = names.iter().map(|name| number_of(name)).collect();
        let mut order: Vec<u32> = (0..names.len() as u32).collect();
        order.sort_by(|&a, &b| {
            let (a, b) = (a as usize, b as usize);
            let by_number = numbers.as_ref().map_or(Ordering::Equal, |numbers| numbers[a].cmp(&numbers[b]));
            by_number.then_with(|| names[a].as_bytes().cmp(names[b].as_bytes()))
        });
        let mut place = vec![0_u32; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old as usize] = new as u32;
        }
        self.track.iter_mut().filter(|track| **track != NO_TRACK).for_each(|track| *track = place[*track as usize]);
        self.first_file = order.iter().map(|&old| self.first_file[old as usize]).collect();
        let mut names: Vec<Option<String>> = names.into_iter().map(Some).collect();
        order.iter().map(|&old| names[old as usize].take().expect("each track has one place")).collect()
    }

    /// Names of the tracks: those that an input gives, with the input where several repeat one; numbers for the others.
    fn names(&self, files: &[LooseFile], grouping: &Grouping) -> Vec<String> {
        let given = |track: usize| {
            files[self.first_file[track] as usize].sequence.as_ref().filter(|given| !given.name.is_empty())
        };
        let n_tracks = self.first_file.len();
        let mut count_of: BTreeMap<&str, usize> = BTreeMap::new();
        for given in (0..n_tracks).filter_map(given) {
            *count_of.entry(&given.name).or_default() += 1;
        }
        let mut unnamed: Vec<usize> = (0..n_tracks).filter(|&track| given(track).is_none()).collect();
        let mut first_row = self.first_file.clone();
        for number in (0..files.len() as u32).filter(|_| !unnamed.is_empty()) {
            let track = self.track[number as usize];
            if track != NO_TRACK && self.compare_rows(files, number, first_row[track as usize]).is_lt() {
                first_row[track as usize] = number;
            }
        }
        let key = |track: usize| {
            let number = first_row[track];
            let file = &files[number as usize];
            (grouping.folder_rank(file), self.moment(files, number), file.path.as_bytes(), number)
        };
        unnamed.sort_unstable_by(|&a, &b| key(a).cmp(&key(b)));
        let mut names = vec![String::new(); n_tracks];
        let numbers = (1_u32..).map(|number| number.to_string()).filter(|name| !count_of.contains_key(name.as_str()));
        for (&track, number) in unnamed.iter().zip(numbers) {
            names[track] = number;
        }
        for (track, name) in names.iter_mut().enumerate() {
            match given(track) {
                Some(given) if count_of[&*given.name] > 1 => *name = format!("{}@{}", given.name, given.source),
                Some(given) => *name = given.name.to_string(),
                None => {}
            }
        }
        names
    }

    /// The time by which a file is sorted: that which is sent, else its own; files without one come last.
    fn moment(&self, files: &[LooseFile], number: u32) -> i64 {
        let sent = Some(self.sent_ms[number as usize]).filter(|&sent| sent != i64::MIN);
        sent.or(files[number as usize].observation.time().map(LocalTime::ms)).unwrap_or(i64::MAX)
    }

    /// By track, then time (none is last), then path, then as read; files without a track last, by path.
    fn sort_rows(&self, files: &[LooseFile], order: &mut [u32]) {
        // put side by side by their tracks first: what is sorted then is small
        let n_tracks = self.first_file.len();
        let track = |number: u32| (self.track[number as usize] as usize).min(n_tracks);
        let mut next = vec![0_u32; n_tracks + 1];
        for &number in &*order {
            next[track(number)] += 1;
        }
        let mut begin = 0;
        for next in &mut next {
            begin += std::mem::replace(next, begin);
        }
        let mut rows = vec![0; order.len()];
        for &number in &*order {
            let next = &mut next[track(number)];
            rows[*next as usize] = number;
            *next += 1;
        }
        order.copy_from_slice(&rows);
        order.par_chunk_by_mut(|&a, &b| track(a) == track(b)).for_each_init(Vec::new, |keys, rows| {
            keys.clear();
            keys.extend(rows.iter().map(|&number| (self.place(files, number).1, number)));
            keys.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| compare_paths(files, a.1, b.1)));
            rows.iter_mut().zip(keys).for_each(|(row, &mut (_, number))| *row = number);
        });
    }

    fn compare_rows(&self, files: &[LooseFile], a: u32, b: u32) -> Ordering {
        self.place(files, a).cmp(&self.place(files, b)).then_with(|| compare_paths(files, a, b))
    }

    /// Track and time.
    fn place(&self, files: &[LooseFile], number: u32) -> (u32, i64) {
        let track = self.track[number as usize];
        (track, if track == NO_TRACK { 0 } else { self.moment(files, number) })
    }

    fn settle(&self, file: LooseFile, number: usize) -> LocalFile {
        let sent = Some(self.sent_ms[number]).filter(|&sent| sent != i64::MIN);
        let sent_time = sent.zip(file.observation.time()).map(|(sent, time)| match time {
            LocalTime::Absolute(_) => LocalTime::Absolute(CapturedAt::from_epoch_ms(sent)),
            LocalTime::Wall(_) => LocalTime::Wall(WallClock::from_ms_as_if_utc(sent)),
        });
        LocalFile {
            path: file.path,
            track: Some(self.track[number]).filter(|&track| track != NO_TRACK),
            state: file.state,
            observation: file.observation,
            cluster_id: file.cluster_id,
            sent_time,
            predicted_drop: self.drop[number],
            note: file.note.map(|note| note.into_boxed_str()),
        }
    }
}

/// By path, then as read.
fn compare_paths(files: &[LooseFile], a: u32, b: u32) -> Ordering {
    let path = |number: u32| files[number as usize].path.as_bytes();
    path(a).cmp(path(b)).then(a.cmp(&b))
}

/// The photos of a group, made as they are asked for: a copy of them all would be a fifth of all memory.
struct Group<'a> {
    members: &'a [u32],
    files: &'a [LooseFile],
    devices: &'a Names<Device>,
}

impl Photos for Group<'_> {
    fn count(&self) -> u32 {
        self.members.len() as u32
    }
    fn photo(&self, index: u32) -> Photo {
        photo_of(self.file(index), self.devices)
    }
    fn position(&self, index: u32) -> Option<Position> {
        position_of(self.file(index))
    }
    fn time_ms(&self, index: u32) -> Option<i64> {
        self.file(index).observation.time().map(LocalTime::ms)
    }
}

impl Group<'_> {
    fn file(&self, index: u32) -> &LooseFile {
        &self.files[self.members[index as usize] as usize]
    }
}

/// Where a file was taken, as far as the uploader sees.
fn position_of(file: &LooseFile) -> Option<Position> {
    let is_placed = matches!(file.state, FileState::Usable | FileState::Out(Reason::NullIsland));
    file.observation.position().filter(|_| is_placed)
}

fn photo_of(file: &LooseFile, devices: &Names<Device>) -> Photo {
    let device = devices.value(file.observation.device());
    let pixels = device.width.zip(device.height).map_or(0, |(width, height)| u64::from(width) * u64::from(height));
    Photo {
        time_ms: file.observation.time().map(LocalTime::ms),
        position: position_of(file),
        heading_deg: file.observation.heading_deg(),
        pixels,
        bytes: file.bytes,
    }
}

fn reason_of(why: Drop, path: impl Fn(u32) -> Box<str>) -> (Reason, String) {
    match why {
        Drop::Duplicate { of } => {
            (Reason::DroppedDuplicate, format!("the uploader drops it: same place and heading as {}", path(of)))
        }
        Drop::NullIsland | Drop::NullIslandInSequence => {
            (Reason::DroppedByUploader, "the uploader drops it: a photo of its sequence lies at (0, 0)".to_owned())
        }
        Drop::TooFast { kmh } if kmh.is_finite() => {
            (Reason::DroppedByUploader, format!("the uploader drops it: its sequence moves at {kmh:.0} km/h"))
        }
        Drop::TooFast { .. } => {
            (Reason::DroppedByUploader, "the uploader drops it: its sequence moves in no time".to_owned())
        }
        Drop::ZigZag => (Reason::DroppedByUploader, "the uploader drops it: it jumps off the path and back".to_owned()),
    }
}

/// Tables write `.000` behind whole seconds: the step is the coarsest on which all times of a group fall.
fn find_resolution(members: &[u32], files: &mut [LooseFile]) {
    let mut steps = [1000_i64, 100, 10].into_iter().peekable();
    let mut n_times = 0;
    for time in members.iter().filter_map(|&number| files[number as usize].observation.time()).map(LocalTime::ms) {
        n_times += 1;
        while steps.next_if(|&step| time % step != 0).is_some() {}
        if steps.peek().is_none() {
            return;
        }
    }
    // each step divides the one before, so that the times before the last fall on it as well
    if let (Some(step), true) = (steps.next(), n_times >= ENOUGH_TO_TELL) {
        for &number in members {
            let seen = &mut files[number as usize].observation;
            if seen.time().is_some() {
                seen.change(|seen| seen.time_resolution_ms = seen.time_resolution_ms.max(step as u16));
            }
        }
    }
}

/// A name that is nothing but a number.
fn number_of(name: &str) -> Option<u64> {
    name.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.parse().ok()).flatten()
}

/// Tracks over the rows, with their names and clocks.
fn lay_out(
    order: &[u32],
    names: Vec<String>,
    answers: &Answers,
    files: &[LooseFile],
    grouping: &Grouping,
) -> Vec<Track> {
    let mut clocks: BTreeMap<(u32, Clock), u32> = BTreeMap::new();
    let mut tracks: Vec<Track> = Vec::with_capacity(names.len());
    let mut row = 0;
    for (track, name) in names.into_iter().enumerate() {
        let first_row = row;
        while order.get(row).is_some_and(|&number| answers.track[number as usize] == track as u32) {
            row += 1;
        }
        let first = &files[answers.first_file[track] as usize];
        let is_given = grouping.given[answers.first_file[track] as usize] != NOT_GIVEN;
        // a named track of files without folders has a clock of its own
        let own = if is_given && first.folder == Texts::EMPTY { track as u32 } else { NO_TRACK };
        let next = clocks.len() as u32;
        let clock_group = *clocks.entry((own, grouping.clock(first))).or_insert(next);
        tracks.push(Track { name: name.into(), files: first_row..row, clock_group });
    }
    tracks
}

/// Brings `items[order[row]]` to `row`, for all rows, in place.
fn permute<T>(items: &mut [T], order: &[u32]) {
    let mut place = vec![0_u32; order.len()];
    for (row, &number) in order.iter().enumerate() {
        place[number as usize] = row as u32;
    }
    for at in 0..items.len() {
        while place[at] as usize != at {
            let to = place[at] as usize;
            items.swap(at, to);
            place.swap(at, to);
        }
    }
}

#[cfg(test)]
mod tests;
