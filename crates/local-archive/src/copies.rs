//! Files that lie on the disk twice: a backup beside its originals.
//!
//! In: an archive. Out: the same, in which of files that are copies of each other only one takes part. Two photos with all
//! of their fields equal could be a rig's two cameras; two equal files are one photo, and only one of them became an image.
//!
//! # Method
//! Files of one name, time and place that lie in different folders are compared: size, first and last bytes. The sensor's
//! noise makes the end of every photo its own. The one that an upload is known of stays, else the first by path.

use capture_model::{FileRow, FileState, LocalArchive, LocalFiles, LocalTime, Reason};
use rayon::prelude::*;
use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that are compared at either end.
const COMPARED: u64 = 64 * 1024;
/// Different photos that share name, time and place; more than these are no backup.
const MOST_KEPT: usize = 8;

/// Sets copies aside: they become `dropped_duplicate`, with the name of the file that stays. How many there were. `warn` is told in words. Paths are
/// opened as the archive shows them, so that those of a table count where they lead to files.
pub fn set_copies_aside(archive: &mut LocalArchive, warn: &dyn Fn(&str)) -> usize {
    let files = &archive.files;
    let first = files.iter().find(|file| key(*file).is_some());
    if first.is_none_or(|first| fs::symlink_metadata(first.path()).is_err()) {
        return 0; // rows of a table that knows names only
    }
    let mut keys: Vec<(u64, u32)> =
        (0_u32..).zip(files.iter()).filter_map(|(number, file)| Some((key(file)?, number))).collect();
    keys.sort_unstable();
    let groups: Vec<&[(u64, u32)]> = keys.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1).collect();
    let copies: Vec<(u32, u32)> = groups.into_par_iter().flat_map_iter(|group| copies_among(files, group)).collect();
    for &(copy, of) in &copies {
        let words = format!("a copy of {}, which stands for both", archive.files.get(of as usize).path());
        archive.files.change(copy as usize, |file| {
            file.state = FileState::Out(Reason::DroppedDuplicate);
            file.predicted_drop = None;
            file.note = Some(match file.note.take() {
                Some(note) => format!("{note}; {words}").into_boxed_str(),
                None => words.into_boxed_str(),
            });
        });
    }
    if !copies.is_empty() {
        let n_copies = copies.len();
        warn(&format!(
            "{n_copies} local files are copies of others (same name, size and bytes at both ends): `dropped_duplicate`, the others stand for them"
        ));
    }
    copies.len()
}

/// What copies share; `None` for a file that cannot have any.
fn key(file: FileRow<'_>) -> Option<u64> {
    let place = file.position().filter(|_| file.state() == FileState::Usable)?;
    let mut hasher = DefaultHasher::new();
    name(file).hash(&mut hasher);
    file.time().map(LocalTime::ms)?.hash(&mut hasher);
    [place.lon().to_bits(), place.lat().to_bits()].hash(&mut hasher);
    Some(hasher.finish())
}

fn name(file: FileRow<'_>) -> &str {
    file.path().rsplit_once('/').map_or(file.path(), |(_, name)| name)
}

/// Copies of a group, each with the file that stays.
fn copies_among(files: &LocalFiles, group: &[(u64, u32)]) -> Vec<(u32, u32)> {
    let mut numbers: Vec<u32> = group.iter().map(|&(_, number)| number).collect();
    let of = |number: u32| files.get(number as usize);
    numbers.sort_unstable_by(|&a, &b| {
        let rank = |number: u32| (of(number).cluster_id().is_none(), of(number).path().as_bytes(), number);
        rank(a).cmp(&rank(b))
    });
    let (mut kept, mut copies): (Vec<u32>, Vec<(u32, u32)>) = (Vec::new(), Vec::new());
    for number in numbers {
        let is_copy_of = |&&other: &&u32| {
            let (own, other) = (of(number), of(other));
            own.path() != other.path()
                && name(own) == name(other)
                && own.observation() == other.observation()
                && are_equal(own.path(), other.path()).unwrap_or(false)
        };
        match kept.iter().find(is_copy_of) {
            Some(&original) => copies.push((number, original)),
            None if kept.len() == MOST_KEPT => break,
            None => kept.push(number),
        }
    }
    copies
}

/// Whether two files have the same size, beginning and end.
fn are_equal(a: &str, b: &str) -> io::Result<bool> {
    let (mut a, mut b) = (File::open(a)?, File::open(b)?);
    let (facts_a, facts_b) = (a.metadata()?, b.metadata()?);
    if !facts_a.is_file() || !facts_b.is_file() || facts_a.len() != facts_b.len() {
        return Ok(false);
    }
    if is_one_file(&facts_a, &facts_b) {
        return Ok(true);
    }
    if ends(&mut a, SeekFrom::Start(0))? != ends(&mut b, SeekFrom::Start(0))? {
        return Ok(false);
    }
    let from = SeekFrom::Start(facts_a.len().saturating_sub(COMPARED));
    Ok(ends(&mut a, from)? == ends(&mut b, from)?)
}

fn ends(file: &mut File, from: SeekFrom) -> io::Result<Vec<u8>> {
    file.seek(from)?;
    let mut bytes = Vec::new();
    file.take(COMPARED).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn is_one_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_one_file(_: &fs::Metadata, _: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{ScanOptions, scan};
    use crate::test_photos::{ascii, jpeg, ordinary_but};
    use exif::Tag;

    #[test]
    fn of_equal_files_one_takes_part() {
        let disk = tempfile::tempdir().unwrap();
        let at = |time: &str| jpeg(&ordinary_but(vec![ascii(Tag::DateTimeOriginal, time)]));
        let (first, second) = (at("2018:06:08 13:24:10"), at("2018:06:08 13:24:12"));
        let edited = [&first[..], b"end"].concat();
        let mut long = first.clone();
        long.resize(200_000, 7);
        let other_end = [&long[..199_999], b"x"].concat();
        for (name, content) in [
            ("b/1.jpg", &first),
            ("b/2.jpg", &second),
            ("a/1.jpg", &first),
            ("c/1.jpg", &edited),
            ("b/burst.jpg", &first),
            ("long/a/3.jpg", &long),
            ("long/b/3.jpg", &long),
            ("long/c/3.jpg", &other_end),
        ] {
            fs::create_dir_all(disk.path().join(name).parent().unwrap()).unwrap();
            fs::write(disk.path().join(name), content).unwrap();
        }
        let mut archive = scan(&[disk.path().to_owned()], &ScanOptions::default().into()).unwrap();
        let warned = std::cell::RefCell::new(String::new());
        assert_eq!(set_copies_aside(&mut archive, &|words| warned.borrow_mut().push_str(words)), 2);
        assert!(warned.borrow().starts_with("2 local files are copies"));
        let root = format!("{}/", disk.path().display());
        let told: Vec<String> = archive
            .files
            .iter()
            .filter(|file| file.state() != FileState::Usable)
            .map(|file| format!("{}: {}", file.path(), file.note().unwrap_or_default()).replace(&root, ""))
            .collect();
        assert_eq!(
            told,
            [
                "b/1.jpg: a copy of a/1.jpg, which stands for both",
                "long/b/3.jpg: a copy of long/a/3.jpg, which stands for both"
            ]
        );
        assert_eq!(set_copies_aside(&mut archive, &|_| ()), 0, "what is aside stays aside");
        assert_eq!(archive.usable_images().len(), 6);
    }
}
