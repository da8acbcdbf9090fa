//! What the last scan read of each photo, so that the next one opens only what has changed.
//!
//! One JSON line a photo, with a checksum: its absolute path, size and time of change, and what it says. A photo whose size and time of
//! change are the same is not opened again. The file is written beside its name and renamed at the end, so that an
//! interrupted scan leaves the old one. Deleting it costs nothing but time; whatever is broken in it is read anew.
//!
//! # Memory
//! Of the last scan only a hash of each path and the place of its line are held (16 bytes a photo); lines are read one by
//! one when they are asked for, and the path in the line decides.

use crate::photo::Photo;
use crate::photo_file::FileFacts;
use crate::report_path::report_path;
use crate::time_text::source_of;
use capture_model::{CapturedAt, Device, FileState, LocalTime, Metres, Observation, Position, Reason, WallClock};
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// First line: whoever changes [`Line`] counts this up, and old files are read anew.
const HEADER: &str = "{\"tiepoint_scan\":1}";
const LONGEST_LINE: u64 = 64 * 1024;

/// A photo that was read, as a line. Floats are kept as their bits: JSON parsers may be off by one in the last place.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    path: (String, bool),
    bytes: u64,
    changed_ns: u64,
    out: Option<String>,
    place: Option<(u64, u64)>,
    altitude_m: Option<u64>,
    heading_deg: Option<u64>,
    time: Option<Moment>,
    source: String,
    resolution_ms: u16,
    gps_ms: Option<i64>,
    camera_time: Option<Moment>,
    orientation: Option<u8>,
    make: Option<String>,
    model: Option<String>,
    size: (Option<u32>, Option<u32>),
    camera: Option<String>,
    note: Option<String>,
}

/// Milliseconds, and whether they are UTC.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Moment(i64, bool);

/// The memory of the last scan, and the making of the next one's.
#[derive(Debug)]
pub(crate) struct Recall {
    path: PathBuf,
    /// Hash of a path, place of its line; sorted.
    lines: Vec<(u64, u64)>,
    last: Option<Mutex<BufReader<File>>>,
    next: BufWriter<File>,
}

impl Recall {
    /// Opens the memory at `path`, which need not be there yet, and begins a new one beside it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let next = BufWriter::new(File::create(partial(path))?);
        let mut recall = Self { path: path.to_owned(), lines: Vec::new(), last: None, next };
        writeln!(recall.next, "{HEADER}")?;
        if let Ok(file) = File::open(path) {
            recall.index(BufReader::new(file));
        }
        Ok(recall)
    }

    fn index(&mut self, mut file: BufReader<File>) {
        let (mut at, mut line) = (0_u64, Vec::new());
        loop {
            line.clear();
            let Ok(read @ 1..) = io::Read::take(&mut file, LONGEST_LINE).read_until(b'\n', &mut line) else { break };
            if at == 0 && line.trim_ascii_end() != HEADER.as_bytes() {
                return;
            }
            if let Some(path) = path_of(&line) {
                self.lines.push((hash(path), at));
            }
            at += read as u64;
        }
        self.lines.sort_unstable();
        self.lines.shrink_to_fit();
        self.last = Some(Mutex::new(file));
    }

    /// What the last scan read of a file that has not changed since.
    pub(crate) fn known(&self, path: &Path, facts: FileFacts) -> Option<Photo> {
        let key = key_of(path)?;
        let text = serde_json::to_vec(&key).ok()?;
        let wanted = hash(&text);
        let &(found, at) = self.lines.get(self.lines.partition_point(|&(known, _)| known < wanted))?;
        if found != wanted {
            return None;
        }
        let mut bytes = Vec::new();
        {
            let mut file = self.last.as_ref()?.lock().ok()?;
            file.seek(SeekFrom::Start(at)).ok()?;
            io::Read::take(&mut *file, LONGEST_LINE).read_until(b'\n', &mut bytes).ok()?;
        }
        let text = bytes.trim_ascii_end();
        let (text, check) = text.split_at_checked(text.len().checked_sub(17)?)?;
        if check != format!("\t{:016x}", hash(text)).as_bytes() {
            return None;
        }
        let line: Line = serde_json::from_slice(text).ok()?;
        let is_same = line.path == key && line.bytes == facts.bytes && Some(line.changed_ns) == facts.changed_ns;
        if is_same { photo_of(line) } else { None }
    }

    /// Remembers a photo for the next scan.
    pub(crate) fn keep(&mut self, path: &Path, facts: FileFacts, photo: &Photo) -> io::Result<()> {
        let (Some(path), Some(changed_ns)) = (key_of(path), facts.changed_ns) else { return Ok(()) };
        let line = line_of(path, facts.bytes, changed_ns, photo);
        let text = serde_json::to_string(&line)?;
        writeln!(self.next, "{text}\t{:016x}", hash(text.as_bytes()))
    }

    /// Puts the new memory in the place of the old one.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.next.flush()?;
        drop(self.last);
        fs::rename(partial(&self.path), &self.path)
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

fn key_of(path: &Path) -> Option<(String, bool)> {
    std::path::absolute(path).ok().map(|path| report_path(&path))
}

/// The path of a line without parsing the rest: it comes first.
fn path_of(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"{\"path\":")?;
    let end = rest.windows(9).position(|window| window == b",\"bytes\":")?;
    Some(&rest[..end])
}

fn line_of(path: (String, bool), bytes: u64, changed_ns: u64, photo: &Photo) -> Line {
    let seen = &photo.observation;
    let moment = |time: LocalTime| Moment(time.ms(), matches!(time, LocalTime::Absolute(_)));
    Line {
        path,
        bytes,
        changed_ns,
        out: match photo.state {
            FileState::Usable => None,
            FileState::Out(reason) => Some(reason.as_str().to_owned()),
        },
        place: seen.position.map(|position| (position.lon().to_bits(), position.lat().to_bits())),
        altitude_m: seen.altitude.map(|altitude| altitude.0.to_bits()),
        heading_deg: seen.heading_deg.map(f64::to_bits),
        time: seen.time.map(moment),
        source: seen.time_source.as_str().to_owned(),
        resolution_ms: seen.time_resolution_ms,
        gps_ms: seen.gps_time.map(CapturedAt::epoch_ms),
        camera_time: seen.camera_time.map(moment),
        orientation: seen.orientation,
        make: photo.device.make.as_deref().map(str::to_owned),
        model: photo.device.model.as_deref().map(str::to_owned),
        size: (photo.device.width, photo.device.height),
        camera: photo.camera.clone(),
        note: photo.note.clone(),
    }
}

fn photo_of(line: Line) -> Option<Photo> {
    let state = match line.out {
        None => FileState::Usable,
        Some(word) => FileState::Out(Reason::ALL.iter().copied().find(|reason| reason.as_str() == word)?),
    };
    let position = match line.place {
        Some((lon, lat)) => Some(Position::from_lon_lat(f64::from_bits(lon), f64::from_bits(lat)).ok()?),
        None => None,
    };
    if state == FileState::Usable && position.is_none() {
        return None;
    }
    let time = |Moment(ms, is_utc): Moment| {
        if is_utc {
            LocalTime::Absolute(CapturedAt::from_epoch_ms(ms))
        } else {
            LocalTime::Wall(WallClock::from_ms_as_if_utc(ms))
        }
    };
    Some(Photo {
        state,
        observation: Observation {
            position,
            altitude: line.altitude_m.map(f64::from_bits).filter(|altitude| altitude.is_finite()).map(Metres),
            heading_deg: line.heading_deg.map(f64::from_bits).filter(|heading| heading.is_finite()),
            time: line.time.map(time),
            time_source: source_of(&line.source)?,
            time_resolution_ms: line.resolution_ms,
            gps_time: line.gps_ms.map(CapturedAt::from_epoch_ms),
            camera_time: line.camera_time.map(time),
            device: 0,
            orientation: line.orientation,
        },
        device: Device::new(line.make.as_deref(), line.model.as_deref(), line.size.0, line.size.1),
        camera: line.camera,
        note: line.note,
    })
}

#[cfg(test)]
mod tests;
