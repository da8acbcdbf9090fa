//! Which files belong together before any rule is applied, and in which order groups come.
//!
//! Files of a sequence that their input names are one group. The others are grouped by folder, camera (serial number,
//! folded make, model and size) and kind of clock: a wall clock and UTC cannot be put in one order.

use crate::loose::{GivenSequence, LooseFile, LooseFiles};
use capture_model::{Device, LocalTime};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uploader_replay::Rules;

/// Stands for no given sequence.
pub(crate) const NOT_GIVEN: u32 = u32::MAX;

/// What comparisons need.
#[derive(Debug)]
pub(crate) struct Grouping {
    /// Of each file, the rank of its given sequence, or [`NOT_GIVEN`].
    pub(crate) given: Vec<u32>,
    device_rank: Vec<u32>,
    text_rank: Vec<u32>,
    groups_by_camera: bool,
}

/// What files share that share a clock: the ranks of folder, device and camera, and the kind of clock.
pub(crate) type Clock = (u32, u32, u32, u8);

/// UTC, wall clock, none.
fn clock_kind(file: &LooseFile) -> u8 {
    match file.observation.time() {
        Some(LocalTime::Absolute(_)) => 0,
        Some(LocalTime::Wall(_)) => 1,
        None => 2,
    }
}

fn shares_sequence(a: &LooseFile, b: &LooseFile) -> bool {
    match (&a.sequence, &b.sequence) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn base_name(file: &LooseFile) -> &[u8] {
    file.path.rsplit_once('/').map_or(&*file.path, |(_, name)| name).as_bytes()
}

impl Grouping {
    pub(crate) fn new(loose: &LooseFiles, rules: &Rules) -> Self {
        let LooseFiles { files, devices, texts, .. } = loose;
        // neighbours share theirs
        let stretches: Vec<(Option<&Arc<GivenSequence>>, usize)> =
            files.chunk_by(shares_sequence).map(|stretch| (stretch[0].sequence.as_ref(), stretch.len())).collect();
        let named: BTreeSet<&Arc<GivenSequence>> = stretches.iter().filter_map(|&(sequence, _)| sequence).collect();
        let ranks: BTreeMap<&Arc<GivenSequence>, u32> = named.into_iter().zip(0..).collect();
        let mut given = Vec::with_capacity(files.len());
        for (sequence, length) in stretches {
            let rank = sequence.map_or(NOT_GIVEN, |sequence| ranks[sequence]);
            given.resize(given.len() + length, rank);
        }
        let key = |device: &Device| {
            let key = device.key();
            (key.make, key.model, key.width, key.height)
        };
        let keys: BTreeSet<_> = devices.values().iter().map(key).collect();
        let ranks: BTreeMap<_, u32> = keys.into_iter().zip(0..).collect();
        let device_rank = devices.values().iter().map(|device| ranks[&key(device)]).collect();
        Self { given, device_rank, text_rank: texts.ranks(), groups_by_camera: rules.groups_by_camera }
    }

    /// The clock that a file was taken by.
    pub(crate) fn clock(&self, file: &LooseFile) -> Clock {
        let device = self.device_rank[file.observation.device() as usize];
        (self.folder_rank(file), device, self.text_rank[file.camera as usize], clock_kind(file))
    }

    /// Place of a file's folder in the order of bytes.
    pub(crate) fn folder_rank(&self, file: &LooseFile) -> u32 {
        self.text_rank[file.folder as usize]
    }

    /// Order of groups; equal for files of one group.
    pub(crate) fn compare(&self, files: &[LooseFile], a: u32, b: u32) -> Ordering {
        let by_name = self.given[a as usize].cmp(&self.given[b as usize]);
        if by_name.is_ne() || self.given[a as usize] != NOT_GIVEN {
            return by_name;
        }
        let group = |index: u32| {
            let (folder, device, camera, kind) = self.clock(&files[index as usize]);
            if self.groups_by_camera { (folder, device, camera, kind) } else { (folder, 0, 0, kind) }
        };
        group(a).cmp(&group(b))
    }

    /// Numbers of the files by group, and inside a group by file name, then by the whole path, then as read.
    pub(crate) fn order(&self, files: &[LooseFile]) -> Vec<u32> {
        // nearly all comparisons are decided by a given sequence or by the first bytes of a name: no file is touched
        let mut order: Vec<(u32, u64, u32)> = self
            .given
            .par_iter()
            .zip(files)
            .zip(0_u32..files.len() as u32)
            .map(|((&given, file), number)| (given, head(base_name(file)), number))
            .collect();
        order.par_sort_unstable_by(|&(given, name, a), &(other_given, other_name, b)| {
            if given != other_given {
                return given.cmp(&other_given);
            }
            self.compare(files, a, b).then(name.cmp(&other_name)).then_with(|| Self::compare_names(files, a, b))
        });
        order.into_iter().map(|(_, _, number)| number).collect()
    }

    /// Order inside a group: by file name, then by the whole path, then as read.
    fn compare_names(files: &[LooseFile], a: u32, b: u32) -> Ordering {
        let (one, other) = (&files[a as usize], &files[b as usize]);
        base_name(one).cmp(base_name(other)).then_with(|| one.path.cmp(&other.path)).then(a.cmp(&b))
    }
}

/// The first eight bytes of a name as a number: it orders names that differ in them, and never the wrong way.
pub(crate) fn head(name: &[u8]) -> u64 {
    u64::from_be_bytes(name.first_chunk().copied().unwrap_or_else(|| {
        let mut bytes = [0; 8];
        bytes[..name.len()].copy_from_slice(name);
        bytes
    }))
}
