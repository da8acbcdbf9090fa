//! One file on the disk: opened, read, and read again should it change meanwhile.

use crate::photo::{Photo, read_photo};
use crate::recall::Recall;
use crate::window::Window;
use capture_model::{Device, FileState, Observation, Reason};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// A file that was not changed for so long before it was opened was not changed while its head was read, seconds. Clocks
/// of file servers may differ from ours by some.
const REST_S: u64 = 10;

/// What the system says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileFacts {
    pub(crate) bytes: u64,
    /// When its contents were changed last, nanoseconds since 1970; `None` where that is not known.
    pub(crate) changed_ns: Option<u64>,
    /// When anything of it was changed last, nanoseconds since 1970: unlike the time of its contents, no program can set it
    /// back. `None` where the system keeps no such time.
    pub(crate) noted_ns: Option<u64>,
}

impl FileFacts {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let changed = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let changed_ns = changed.and_then(|since| u64::try_from(since.as_nanos()).ok());
        Self { bytes: metadata.len(), changed_ns, noted_ns: noted_ns(metadata) }
    }
}

#[cfg(unix)]
fn noted_ns(metadata: &Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    let seconds = u64::try_from(metadata.ctime()).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(u64::try_from(metadata.ctime_nsec()).ok()?)
}

#[cfg(not(unix))]
fn noted_ns(_: &Metadata) -> Option<u64> {
    None
}

/// A photo, and what the system says of its file if it could be read.
pub(crate) type ReadPhoto = (Photo, Option<FileFacts>);

/// Reads one photo, a second time if it changed meanwhile. `memory` serves one file after another.
pub(crate) fn open_photo(path: &Path, recall: Option<&Recall>, memory: &mut Vec<u8>) -> ReadPhoto {
    for _ in 0..2 {
        match try_photo(path, recall, memory) {
            Ok(Some((photo, facts))) => return (photo, Some(facts)),
            Ok(None) => {}
            Err(error) => {
                let photo = match error.kind() {
                    io::ErrorKind::PermissionDenied => Photo::out(Reason::NoPermission, ""),
                    io::ErrorKind::NotFound => Photo::out(Reason::ChangedWhileReading, "deleted during the scan"),
                    _ => Photo::out(Reason::Damaged, &error.to_string()),
                };
                return (photo, None);
            }
        }
    }
    (Photo::out(Reason::ChangedWhileReading, "the file changes while it is read"), None)
}

/// `None` when the file changed meanwhile.
fn try_photo(path: &Path, recall: Option<&Recall>, memory: &mut Vec<u8>) -> io::Result<Option<(Photo, FileFacts)>> {
    if let Some(recall) = recall {
        let facts = FileFacts::of(&fs::metadata(path)?);
        if let Some(photo) = recall.known(path, facts) {
            return Ok(Some((photo, facts)));
        }
    }
    let before = SystemTime::now();
    let file = File::open(path)?;
    let mut metadata = None;
    let length = |file: &&File| Ok(metadata.insert(file.metadata()?).len());
    let mut window = Window::open(&file, std::mem::take(memory), length)?;
    let photo = read_photo(&mut window);
    let is_head_enough = window.n_loads() == 1;
    *memory = window.into_memory();
    let (photo, metadata) = (photo?, metadata.expect("a window asks for the length"));
    let facts = FileFacts::of(&metadata);
    // a file that rested until it was opened, and still had when its head had been read, needs no second look
    let is_same = is_head_enough && rested_until(facts, before) || facts == FileFacts::of(&file.metadata()?);
    Ok(is_same.then_some((photo, facts)))
}

/// Whether a file surely was not changed since a moment; never where the system keeps no time of every change.
fn rested_until(facts: FileFacts, moment: SystemTime) -> bool {
    let moment_s = moment.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    facts.noted_ns.is_some_and(|noted_ns| noted_ns / 1_000_000_000 + REST_S < moment_s)
}

/// What one photo says.
#[derive(Debug, Clone, PartialEq)]
pub struct PhotoContents {
    /// Whether it can take part.
    pub state: FileState,
    /// What it says; its device stands beside.
    pub observation: Observation,
    /// What took it.
    pub device: Device,
}

/// Reads single photos, for whoever has their paths and wants neither rows nor tracks; [`crate::scan()`] reads each photo
/// in the same way.
#[derive(Debug, Default)]
pub struct PhotoReader {
    memory: Vec<u8>,
}

impl PhotoReader {
    /// Reads the photo at `path`; one that cannot be read has the reason in its state.
    pub fn read(&mut self, path: &Path) -> PhotoContents {
        let (Photo { state, observation, device, .. }, _) = open_photo(path, None, &mut self.memory);
        PhotoContents { state, observation, device }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::Write;
    use std::time::Duration;

    #[test]
    fn only_a_file_that_rested_needs_no_second_look() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"just now").unwrap();
        // whatever its owner says of the time of change, the system knows better
        file.set_modified(SystemTime::now() - Duration::from_hours(2)).unwrap();
        let facts = FileFacts::of(&file.metadata().unwrap());
        let after = |seconds| SystemTime::now() + Duration::from_secs(seconds);
        assert!(!rested_until(facts, after(0)) && !rested_until(facts, after(9)));
        assert!(rested_until(facts, after(60)));
        assert!(!rested_until(facts, UNIX_EPOCH), "a clock that was never set proves nothing");
    }

    #[test]
    fn a_reader_goes_from_file_to_file() {
        use crate::test_photos::{jpeg, ordinary};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.jpg"), jpeg(&ordinary())).unwrap();
        fs::write(path("b.jpg"), [0xff, 0xd8]).unwrap();
        let mut reader = PhotoReader::default();
        let first = reader.read(&path("a.jpg"));
        assert_eq!((first.state, first.device.make.as_deref()), (FileState::Usable, Some("SONY")));
        assert_eq!(
            reader.read(&path("b.jpg")).state,
            FileState::Out(Reason::Damaged),
            "nothing of the last one is left"
        );
        assert_eq!(reader.read(&path("a.jpg")), first);
        assert_eq!(reader.read(&path("none.jpg")).state, FileState::Out(Reason::ChangedWhileReading));
    }
}
