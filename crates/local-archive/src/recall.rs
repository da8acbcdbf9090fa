//! What the last scan read of each photo, so that the next one opens only what has changed.
//!
//! A record a photo, with a checksum: its absolute path, size and times of change, and what it says. A photo whose size and
//! times of change are the same is not opened again; a program that keeps the time of its contents cannot keep the other. The file is written beside its name and renamed at the end, so that an
//! interrupted scan leaves the old one. Deleting it costs nothing but time; whatever is broken in it is read anew.
//!
//! # Memory
//! Of the last scan only a hash of each path and the place of its record are held (16 bytes a photo); records are read one
//! by one when they are asked for, and the path in the record decides.

use crate::photo::Photo;
use crate::photo_file::FileFacts;
use record::{decode, encode};
use std::fs::{self, File};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

mod record;

/// Begins the file: whoever changes a record counts this up, and old files are read anew.
const HEADER: &[u8] = b"tiepoint scan 3\n";
/// A longer record is none.
const LONGEST_RECORD: u32 = 64 * 1024;
/// Before each record: its length, the hash of its path, its checksum.
const RECORD_HEADER: usize = 4 + 8 + 8;

/// The memory of the last scan, and the making of the next one's.
#[derive(Debug)]
pub(crate) struct Recall {
    path: PathBuf,
    /// Where relative paths begin.
    here: PathBuf,
    /// Hash of a path, place of its record; sorted.
    records: Vec<(u64, u64)>,
    last: Option<Last>,
    next: BufWriter<File>,
    record: Vec<u8>,
}

impl Recall {
    /// Opens the memory at `path`, which need not be there yet, and begins a new one beside it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let here = std::env::current_dir()?;
        let mut next = BufWriter::with_capacity(64 * 1024, File::create(partial(path))?);
        next.write_all(HEADER)?;
        let mut recall =
            Self { path: path.to_owned(), here, records: Vec::new(), last: None, next, record: Vec::new() };
        if let Ok(file) = File::open(path) {
            recall.index(file);
        }
        Ok(recall)
    }

    fn index(&mut self, file: File) {
        let mut source = BufReader::with_capacity(64 * 1024, file);
        let mut begins = [0; HEADER.len()];
        if source.read_exact(&mut begins).is_err() || begins != *HEADER {
            return;
        }
        let mut at = HEADER.len() as u64;
        let mut header = [0; RECORD_HEADER];
        while source.read_exact(&mut header).is_ok() {
            let (length, path_hash, _) = parts(&header);
            if length > LONGEST_RECORD || source.seek_relative(i64::from(length)).is_err() {
                break;
            }
            self.records.push((path_hash, at));
            at += RECORD_HEADER as u64 + u64::from(length);
        }
        self.records.sort_unstable();
        self.records.shrink_to_fit();
        self.last = Some(Last::new(source.into_inner()));
    }

    /// What the last scan read of a file that has not changed since.
    pub(crate) fn known(&self, path: &Path, facts: FileFacts) -> Option<Photo> {
        let path = self.here.join(path);
        let path = path.as_os_str().as_encoded_bytes();
        let wanted = hash(path);
        let &(found, at) = self.records.get(self.records.partition_point(|&(known, _)| known < wanted))?;
        if found != wanted {
            return None;
        }
        // most records are short: one read takes header and record
        let mut bytes = vec![0; 512];
        let n = self.last.as_ref()?.read_at(&mut bytes, at).ok()?;
        bytes.truncate(n);
        let (length, _, check) = parts(bytes.first_chunk()?);
        let whole = RECORD_HEADER + length.min(LONGEST_RECORD) as usize;
        if bytes.len() < whole {
            bytes.resize(whole, 0);
            (self.last.as_ref()?.read_at(&mut bytes, at).ok()? == whole).then_some(())?;
        }
        let record = &bytes[RECORD_HEADER..whole];
        let record = decode(record).filter(|_| hash(record) == check)?;
        (record.path == path && record.is_of(facts)).then_some(record.photo)
    }

    /// Remembers a photo for the next scan.
    pub(crate) fn keep(&mut self, path: &Path, facts: FileFacts, photo: &Photo) -> io::Result<()> {
        if facts.changed_ns.is_none() {
            return Ok(());
        }
        let path = self.here.join(path);
        let path = path.as_os_str().as_encoded_bytes();
        self.record.clear();
        encode(path, facts, photo, &mut self.record);
        let Some(length) = u32::try_from(self.record.len()).ok().filter(|&length| length <= LONGEST_RECORD) else {
            return Ok(()); // it will be read again
        };
        self.next.write_all(&length.to_le_bytes())?;
        self.next.write_all(&hash(path).to_le_bytes())?;
        self.next.write_all(&hash(&self.record).to_le_bytes())?;
        self.next.write_all(&self.record)
    }

    /// Puts the new memory in the place of the old one.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.next.flush()?;
        drop(self.last);
        fs::rename(partial(&self.path), &self.path)
    }
}

/// Length, hash of the path, checksum.
fn parts(header: &[u8; RECORD_HEADER]) -> (u32, u64, u64) {
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| header[at + byte]));
    (u32::from_le_bytes(std::array::from_fn(|byte| header[byte])), number(4), number(12))
}

/// The last memory, read from many threads at once.
#[derive(Debug)]
struct Last {
    file: File,
    #[cfg(not(unix))]
    turn: std::sync::Mutex<()>,
}

impl Last {
    fn new(file: File) -> Self {
        Self {
            file,
            #[cfg(not(unix))]
            turn: std::sync::Mutex::default(),
        }
    }

    #[cfg(unix)]
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(&self.file, bytes, at)
    }

    #[cfg(not(unix))]
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        use std::io::{Seek, SeekFrom};
        let _turn = self.turn.lock();
        let mut file = &self.file;
        file.seek(SeekFrom::Start(at))?;
        file.read(bytes)
    }
}

fn hash(bytes: &[u8]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(bytes)
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

#[cfg(test)]
mod tests;
