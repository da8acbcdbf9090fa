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
//! Columns are permuted one after the other, where few rows move without a copy; beside them there are at most 25 bytes a
//! file, and the replay of one group at a time.

use crate::grouping::{Clock, Grouping, Groups, compare_paths, side_by_side};
use crate::loose::{LooseFiles, NOT_GIVEN, Texts};
use capture_model::{
    Column, Device, DeviceIndex, FileColumns, FileState, LocalArchive, Names, Observations, Position, Reason, RowOrder,
    Track,
};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use uploader_replay::{Drop, Photo, Photos, Rules, is_sent_as_is, replay_group};

/// Stands for no track.
const NO_TRACK: u32 = u32::MAX;
/// So many times that all fall on a coarser step were written in that step.
const ENOUGH_TO_TELL: usize = 5;

/// What the replay says of each file, by its number.
#[derive(Debug)]
struct Answers {
    track: Vec<u32>,
    /// What is sent, where that is another time than the own one of any file.
    sent_ms: Option<Vec<i64>>,
    drop: Column<Option<Reason>>,
    /// Of each track, its first file.
    first_file: Vec<u32>,
}

/// Groups, sorts and replays: files in any order become an archive in the order of reports.
///
/// # Panics
/// With 2^32 or more files.
pub fn assemble(mut files: LooseFiles, rules: &Rules) -> LocalArchive {
    assert!(u32::try_from(files.len()).is_ok(), "fewer than 2^32 files");
    let grouping = Grouping::new(&files, rules);
    let mut videos = std::mem::take(&mut files.videos);
    videos.sort_by(|a, b| a.path.as_bytes().cmp(b.path.as_bytes()));
    let Groups { mut order, ends } = grouping.groups(&files);
    let mut answers = Answers {
        track: vec![NO_TRACK; files.len()],
        sent_ms: None,
        drop: Column::same(None, files.len()),
        first_file: Vec::new(),
    };
    let mut begin = 0;
    for end in ends {
        let members = &mut order[begin..end];
        grouping.put_in_order(&files, members);
        answers.replay(members, &mut files, rules);
        begin = end;
    }
    let names = answers.put_in_order(&files, &grouping);
    let order = answers.sort_rows(&files, order);
    let tracks = lay_out(&order, names, &answers, &files, &grouping);
    let (devices, files_ignored) = (renumber_devices(&mut files, &order), files.files_ignored);
    let Answers { mut track, mut sent_ms, drop: mut predicted_drop, .. } = answers;
    let LooseFiles { mut paths, mut state, mut seen, mut cluster_id, notes, .. } = files;
    let mut notes: BTreeMap<u32, Box<str>> =
        notes.into_iter().map(|(number, note)| (number, note.into_boxed_str())).collect();
    if !notes.is_empty() {
        let moves = (0..).zip(&order).filter(|(row, number)| row != *number);
        let moved: Vec<(u32, Box<str>)> =
            moves.filter_map(|(row, number)| Some((row, notes.remove(number)?))).collect();
        notes.extend(moved);
    }
    let order = RowOrder::new(&order, order.len());
    order.apply(&mut track);
    sent_ms.iter_mut().for_each(|sent_ms| order.apply(sent_ms));
    predicted_drop.permute(&order);
    paths.permute(&order);
    state.permute(&order);
    seen.permute(&order);
    cluster_id.permute(&order);
    let columns = FileColumns { paths, track, state, seen, cluster_id, sent_ms, predicted_drop, notes };
    LocalArchive { files: columns.into(), tracks, devices, files_ignored, videos }
}

/// Numbers the devices in the order in which rows first have them; 0 stays the unknown one.
fn renumber_devices(files: &mut LooseFiles, order: &[u32]) -> Names<Device> {
    let mut kept = Names::default();
    kept.number_of(&Device::default());
    let mut numbers: Vec<Option<DeviceIndex>> = vec![None; files.devices.len()];
    let mut number_of = |device: DeviceIndex| {
        let number = &mut numbers[device as usize];
        number.get_or_insert_with(|| kept.number_of(files.devices.value(device)));
    };
    match files.seen.devices().only() {
        Some(device) if !order.is_empty() => number_of(device),
        _ => order.iter().for_each(|&number| number_of(files.seen.device(number as usize))),
    }
    files.seen.renumber_devices(|device| numbers.get(device as usize).copied().flatten().unwrap_or(0));
    kept
}

impl Answers {
    /// Replays one group; `members` are in the order of file names.
    fn replay(&mut self, members: &[u32], files: &mut LooseFiles, rules: &Rules) {
        let given = files.given(members[0] as usize);
        if given.is_some_and(|given| given.as_sent) {
            self.name(members);
            return;
        }
        let is_given = given.is_some();
        find_resolution(members, &mut files.seen);
        let (group, rules) = (Group::of(members, files), if is_given { rules.without_cuts() } else { *rules });
        if is_given {
            self.name(members);
            if is_sent_as_is(&group, &rules) {
                return;
            }
        }
        let fates = replay_group(&group, &rules);
        let first_track = self.first_file.len() as u32;
        for (&number, fate) in members.iter().zip(&fates) {
            let row = number as usize;
            if let Some(sent) = fate.sent_time_ms
                && sent != files.seen.times_ms()[row]
            {
                self.sent_ms.get_or_insert_with(|| files.seen.times_ms().to_vec())[row] = sent;
            }
            if let (Some(sequence), false) = (fate.sequence, is_given) {
                let track = first_track + sequence;
                self.track[row] = track;
                while self.first_file.len() <= track as usize {
                    self.first_file.push(number);
                }
                let first = &mut self.first_file[track as usize];
                if self.track[*first as usize] != track {
                    *first = number; // the slot was opened by a later sequence
                }
            }
            if let (Some(why), FileState::Usable) = (fate.drop, files.state[row]) {
                let kept = |of: u32| files.paths.get(members[of as usize] as usize).into();
                let (reason, words) = reason_of(why, kept);
                self.drop[row] = Some(reason);
                files.say(row, &words);
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
    fn put_in_order(&mut self, files: &LooseFiles, grouping: &Grouping) -> Vec<String> {
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
    fn names(&self, files: &LooseFiles, grouping: &Grouping) -> Vec<String> {
        let given = |track: usize| files.given(self.first_file[track] as usize).filter(|given| !given.name.is_empty());
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
            let path = files.paths.get(number as usize).as_bytes();
            (grouping.folder_rank(files, number as usize), self.moment(files, number), path, number)
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
    fn moment(&self, files: &LooseFiles, number: u32) -> i64 {
        let times_ms = self.sent_ms.as_ref().unwrap_or(files.seen.times_ms());
        match times_ms[number as usize] {
            Observations::NO_TIME => i64::MAX,
            ms => ms,
        }
    }

    /// By track, then time (none is last), then path, then as read; files without a track last, by path.
    fn sort_rows(&self, files: &LooseFiles, order: Vec<u32>) -> Vec<u32> {
        // put side by side by their tracks first: what is sorted then is small
        let n_tracks = self.first_file.len();
        let track = |number: u32| (self.track[number as usize] as usize).min(n_tracks);
        let (mut order, _) = side_by_side(n_tracks + 1, order, track);
        order.par_chunk_by_mut(|&a, &b| track(a) == track(b)).for_each_init(Vec::new, |keys, rows| {
            keys.clear();
            keys.extend(rows.iter().map(|&number| (self.place(files, number).1, number)));
            if keys.is_sorted_by(|a, b| a.0 < b.0) {
                return; // as the replay left them
            }
            keys.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| compare_paths(files, a.1, b.1)));
            rows.iter_mut().zip(keys).for_each(|(row, &mut (_, number))| *row = number);
        });
        order
    }

    fn compare_rows(&self, files: &LooseFiles, a: u32, b: u32) -> Ordering {
        self.place(files, a).cmp(&self.place(files, b)).then_with(|| compare_paths(files, a, b))
    }

    /// Track and time.
    fn place(&self, files: &LooseFiles, number: u32) -> (u32, i64) {
        let track = self.track[number as usize];
        (track, if track == NO_TRACK { 0 } else { self.moment(files, number) })
    }
}

/// The photos of a group, made as they are asked for: a copy of them all would be a fifth of all memory.
struct Group<'a> {
    members: &'a [u32],
    files: &'a LooseFiles,
    longitude: &'a [f64],
    latitude: &'a [f64],
    time_ms: &'a [i64],
    /// Whether all files are usable, as is known without a look at each.
    are_usable: bool,
}

impl Photos for Group<'_> {
    fn count(&self) -> u32 {
        self.members.len() as u32
    }
    fn photo(&self, index: u32) -> Photo {
        let (files, row) = (self.files, self.row(index));
        let device = files.devices.value(files.seen.device(row));
        let pixels = device.width.zip(device.height).map_or(0, |(width, height)| u64::from(width) * u64::from(height));
        Photo {
            time_ms: self.time_ms(index),
            position: self.position(index),
            heading_deg: files.seen.heading_deg(row),
            pixels,
            bytes: files.bytes[row],
        }
    }
    /// Where a file was taken, as far as the uploader sees.
    fn position(&self, index: u32) -> Option<Position> {
        let row = self.row(index);
        let is_placed = |state| matches!(state, FileState::Usable | FileState::Out(Reason::NullIsland));
        let place = Position::from_lon_lat(self.longitude[row], self.latitude[row]);
        place.ok().filter(|_| self.are_usable || is_placed(self.files.state[row]))
    }
    fn time_ms(&self, index: u32) -> Option<i64> {
        Some(self.time_ms[self.row(index)]).filter(|&ms| ms != Observations::NO_TIME)
    }
}

impl<'a> Group<'a> {
    fn of(members: &'a [u32], files: &'a LooseFiles) -> Self {
        let (longitude, latitude) = files.seen.degrees();
        let (time_ms, are_usable) = (files.seen.times_ms(), files.state.only() == Some(FileState::Usable));
        Self { members, files, longitude, latitude, time_ms, are_usable }
    }

    fn row(&self, index: u32) -> usize {
        self.members[index as usize] as usize
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
fn find_resolution(members: &[u32], seen: &mut Observations) {
    let mut steps = [1000_i64, 100, 10].into_iter().peekable();
    let mut n_times = 0;
    let times_ms = seen.times_ms();
    for time in members.iter().map(|&number| times_ms[number as usize]).filter(|&ms| ms != Observations::NO_TIME) {
        n_times += 1;
        while steps.next_if(|&step| time % step != 0).is_some() {}
        if steps.peek().is_none() {
            return;
        }
    }
    // each step divides the one before, so that the times before the last fall on it as well
    if let (Some(step), true) = (steps.next(), n_times >= ENOUGH_TO_TELL) {
        seen.coarsen_times(members.iter().map(|&number| number as usize), step as u16);
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
    files: &LooseFiles,
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
        let first = answers.first_file[track] as usize;
        let is_given = files.sequence[first] != NOT_GIVEN;
        // a named track of files without folders has a clock of its own
        let own = if is_given && files.folder[first] == Texts::EMPTY { track as u32 } else { NO_TRACK };
        let next = clocks.len() as u32;
        let clock_group = *clocks.entry((own, grouping.clock(files, first))).or_insert(next);
        tracks.push(Track { name: name.into(), files: first_row..row, clock_group });
    }
    tracks
}

#[cfg(test)]
mod tests;
