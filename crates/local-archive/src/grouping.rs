//! Which files belong together before any rule is applied, and in which order groups come.
//!
//! Files of a sequence that their input names are one group. The others are grouped by folder, camera (serial number,
//! folded make, model and size) and kind of clock: a wall clock and UTC cannot be put in one order.

use crate::loose::{GivenSequence, LooseFiles, NOT_GIVEN};
use capture_model::{Device, LocalTime, Observations};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use uploader_replay::Rules;

/// What comparisons need.
#[derive(Debug)]
pub(crate) struct Grouping {
    /// Of each given sequence, its rank.
    given_rank: Vec<u32>,
    device_rank: Vec<u32>,
    text_rank: Vec<u32>,
    groups_by_camera: bool,
    /// Whether all files that have a time share a clock, as is known from columns of one value.
    is_one_clock: bool,
}

/// What files share that share a clock: the ranks of folder, device and camera, and the kind of clock.
pub(crate) type Clock = (u32, u32, u32, u8);

/// What files of one group share, in the order of groups: the rank of their given sequence, or else their clock.
type Key = (u32, Clock);

/// UTC, wall clock, none.
fn clock_kind(seen: &Observations, row: usize) -> u8 {
    match seen.time(row) {
        Some(LocalTime::Absolute(_)) => 0,
        Some(LocalTime::Wall(_)) => 1,
        None => 2,
    }
}

fn base_name(path: &str) -> &[u8] {
    path.rsplit_once('/').map_or(path, |(_, name)| name).as_bytes()
}

/// Files by group.
#[derive(Debug)]
pub(crate) struct Groups {
    /// Numbers of the files, group after group; inside a group as read.
    pub(crate) order: Vec<u32>,
    /// Where each group ends in them.
    pub(crate) ends: Vec<usize>,
}

impl Grouping {
    pub(crate) fn new(loose: &LooseFiles, rules: &Rules) -> Self {
        let LooseFiles { devices, texts, sequences, .. } = loose;
        let named: BTreeSet<&Arc<GivenSequence>> = sequences.values().iter().collect();
        let ranks: BTreeMap<&Arc<GivenSequence>, u32> = named.into_iter().zip(0..).collect();
        let given_rank = sequences.values().iter().map(|sequence| ranks[sequence]).collect();
        let key = |device: &Device| {
            let key = device.key();
            (key.make, key.model, key.width, key.height)
        };
        let keys: BTreeSet<_> = devices.values().iter().map(key).collect();
        let ranks: BTreeMap<_, u32> = keys.into_iter().zip(0..).collect();
        let device_rank = devices.values().iter().map(|device| ranks[&key(device)]).collect();
        let is_one_clock = loose.folder.only().is_some()
            && loose.camera.only().is_some()
            && loose.seen.devices().only().is_some()
            && loose.seen.is_on_one_clock();
        let groups_by_camera = rules.groups_by_camera;
        Self { given_rank, device_rank, text_rank: texts.ranks(), groups_by_camera, is_one_clock }
    }

    /// The clock that a file was taken by.
    pub(crate) fn clock(&self, loose: &LooseFiles, row: usize) -> Clock {
        let device = self.device_rank[loose.seen.device(row) as usize];
        let camera = self.text_rank[loose.camera[row] as usize];
        (self.folder_rank(loose, row), device, camera, clock_kind(&loose.seen, row))
    }

    /// Place of a file's folder in the order of bytes.
    pub(crate) fn folder_rank(&self, loose: &LooseFiles, row: usize) -> u32 {
        self.text_rank[loose.folder[row] as usize]
    }

    fn key(&self, loose: &LooseFiles, row: usize) -> Key {
        if let Some(&rank) = self.given_rank.get(loose.sequence[row] as usize) {
            return (rank, (0, 0, 0, 0));
        }
        let (folder, device, camera, kind) = self.clock(loose, row);
        (NOT_GIVEN, if self.groups_by_camera { (folder, device, camera, kind) } else { (folder, 0, 0, kind) })
    }

    /// The groups in their order.
    pub(crate) fn groups(&self, loose: &LooseFiles) -> Groups {
        let mut numbers: HashMap<Key, u32> = HashMap::new();
        let mut keys: Vec<Key> = Vec::new();
        // groups in the order of files, each with the end of its stretch: neighbours mostly share theirs
        let mut stretches: Vec<(u32, u32)> = Vec::new();
        let mut last: Option<Key> = None;
        for row in 0..loose.len() {
            let key = self.key(loose, row);
            let end = row as u32 + 1;
            if let Some(stretch) = stretches.last_mut().filter(|_| last == Some(key)) {
                stretch.1 = end;
                continue;
            }
            last = Some(key);
            let number = *numbers.entry(key).or_insert_with(|| {
                keys.push(key);
                keys.len() as u32 - 1
            });
            stretches.push((number, end));
        }
        let mut order: Vec<u32> = (0..keys.len() as u32).collect();
        order.sort_unstable_by_key(|&number| keys[number as usize]);
        let mut rank = vec![0_u32; order.len()];
        for (place, &number) in (0..).zip(&order) {
            rank[number as usize] = place;
        }
        let mut ends = vec![0_usize; rank.len()];
        let begins = std::iter::once(0).chain(stretches.iter().map(|stretch| stretch.1));
        let stretches = || begins.clone().zip(&stretches).map(|(begin, &(number, end))| (number as usize, begin..end));
        stretches().for_each(|(number, rows)| ends[rank[number] as usize] += rows.len());
        let mut next = sum_up(&mut ends);
        let mut order = vec![0; loose.len()];
        for (number, rows) in stretches() {
            let next = &mut next[rank[number] as usize];
            let begin = *next;
            *next += rows.len();
            order[begin..*next].iter_mut().zip(rows).for_each(|(place, row)| *place = row);
        }
        Groups { order, ends }
    }

    /// Brings the members of a group, which come as read, into the order of their names, or into one that leads to the same:
    /// names decide only between photos of one time, as long as all have a time and one clock.
    pub(crate) fn put_in_order(&self, loose: &LooseFiles, members: &mut [u32]) {
        let times_ms = loose.seen.times_ms();
        let time_ms = |number: u32| times_ms[number as usize];
        let clock = self.clock(loose, members[0] as usize);
        let is_by_time = members.is_sorted_by_key(|&number| time_ms(number))
            && time_ms(members[0]) != Observations::NO_TIME // which is the first of all
            && (self.is_one_clock || members.iter().all(|&number| self.clock(loose, number as usize) == clock));
        if is_by_time {
            let ties = members.chunk_by_mut(|&a, &b| time_ms(a) == time_ms(b)).filter(|tie| tie.len() > 1);
            ties.for_each(|tie| by_name(loose, tie));
        } else {
            by_name(loose, members);
        }
    }
}

/// Sorts numbers of files by file name, then by the whole path, then as read.
fn by_name(loose: &LooseFiles, members: &mut [u32]) {
    let name = |number: u32| base_name(loose.paths.get(number as usize));
    // nearly all comparisons are decided by the first bytes of a name
    let mut keys: Vec<(u64, u32)> = members.iter().map(|&number| (head(name(number)), number)).collect();
    keys.par_sort_unstable_by(|&(head, a), &(other, b)| {
        head.cmp(&other).then_with(|| name(a).cmp(name(b))).then_with(|| compare_paths(loose, a, b))
    });
    members.iter_mut().zip(keys).for_each(|(member, (_, number))| *member = number);
}

/// By path, then as read.
pub(crate) fn compare_paths(loose: &LooseFiles, a: u32, b: u32) -> Ordering {
    let path = |number: u32| loose.paths.get(number as usize).as_bytes();
    path(a).cmp(path(b)).then(a.cmp(&b))
}

/// Brings what is of one class side by side, class after class, and otherwise keeps the order; where each class ends.
pub(crate) fn side_by_side(n_classes: usize, order: Vec<u32>, class: impl Fn(u32) -> usize) -> (Vec<u32>, Vec<usize>) {
    let mut ends = vec![0_usize; n_classes];
    order.iter().for_each(|&number| ends[class(number)] += 1);
    let mut next = sum_up(&mut ends);
    if order.is_sorted_by_key(|&number| class(number)) {
        return (order, ends);
    }
    let mut rows = vec![0; order.len()];
    for number in order {
        let next = &mut next[class(number)];
        rows[*next] = number;
        *next += 1;
    }
    (rows, ends)
}

/// Makes ends of numbers of rows; where each begins.
fn sum_up(numbers: &mut [usize]) -> Vec<usize> {
    let mut begins = Vec::with_capacity(numbers.len());
    let mut end = 0;
    for number in numbers {
        begins.push(end);
        end += *number;
        *number = end;
    }
    begins
}

/// The first eight bytes of a name as a number: it orders names that differ in them, and never the wrong way.
pub(crate) fn head(name: &[u8]) -> u64 {
    u64::from_be_bytes(name.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes[..name.len()].copy_from_slice(name);
        bytes
    }))
}
