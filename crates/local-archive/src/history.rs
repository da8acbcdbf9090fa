//! The upload history of mapillary_tools: which file went up with which values, in which upload.
//!
//! The tool keeps one JSON file per uploaded sequence: the version that ran, the `cluster_id` that the service answered, and
//! the entry of every image as it was sent. Nothing is written here, and no other file of the tool (its configuration
//! holds tokens) is opened.
//!
//! # Joining
//! A photo is the one of an entry when
//! 1. its full path is the entry's, and its size if the entry tells one; or
//! 2. its base name is the entry's, and its MD5, or where the entry has none, its size or its place (1e-6 degrees); or
//! 3. its MD5 is the entry's, whatever its name: renamed and moved files are found. Only files whose name no entry explains
//!    are read for this, and only if some entry has an MD5 and may have their size.
//!
//! Of several uploads of one photo the last one counts; the others are told in the note.

use crate::description::{as_wall_clock, image_of};
use crate::loose::{GivenSequence, LooseFile};
use crate::time_text::Told;
use capture_model::{ClusterId, FileState, LocalTime, Observation, TimeSource};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::env;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uploader_replay::{Rules, Version};
use walkdir::WalkDir;

/// A history file of 1,000 images has about half a megabyte.
const LONGEST_FILE: u64 = 64 << 20;

/// No photo is larger; a file that is (a sparse one costs its owner nothing) is not read to its end.
const LARGEST_PHOTO: u64 = 512 << 20;

/// Where the history is looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HistoryPlace {
    /// Nowhere.
    Off,
    /// Where the tool keeps it: `MAPILLARY_UPLOAD_HISTORY_PATH`, else its folder in the user's data; absent is no error.
    #[default]
    Default,
    /// In this folder.
    At(PathBuf),
}

impl HistoryPlace {
    /// The folder, if there is one to read.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        match self {
            Self::Off => None,
            Self::At(folder) => Some(folder.clone()),
            Self::Default => default_folder().filter(|folder| folder.is_dir()),
        }
    }
}

fn default_folder() -> Option<PathBuf> {
    let of = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = of("MAPILLARY_UPLOAD_HISTORY_PATH") {
        return Some(folder);
    }
    let data = if cfg!(windows) {
        of("LOCALAPPDATA").map(|data| data.join("Mapillary"))
    } else if cfg!(target_os = "macos") {
        of("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        of("XDG_DATA_HOME").or_else(|| of("HOME").map(|home| home.join(".local/share")))
    };
    Some(data?.join("mapillary_tools/upload_history"))
}

/// An MD5 digest.
pub(crate) type Digest = [u8; 16];

/// 32 hexadecimal digits.
pub(crate) fn digest_of(text: &str) -> Option<Digest> {
    let mut digest = [0; 16];
    let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    for (at, byte) in digest.iter_mut().enumerate().filter(|_| is_hex) {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    is_hex.then_some(digest)
}

/// The MD5 of a file's bytes.
pub(crate) fn digest_of_file(path: &Path) -> io::Result<Digest> {
    let file = File::open(path)?;
    if file.metadata()?.len() > LARGEST_PHOTO {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    let mut source = BufReader::with_capacity(256 * 1024, file);
    let mut context = md5::Context::new();
    io::copy(&mut source, &mut Consumer(&mut context))?;
    Ok(context.finalize().0)
}

struct Consumer<'a>(&'a mut md5::Context);

impl io::Write for Consumer<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.consume(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One uploaded sequence.
#[derive(Debug)]
struct Upload {
    cluster_id: Option<ClusterId>,
    version: Option<Version>,
    sequence: Arc<GivenSequence>,
    /// When it ended, seconds; orders uploads of one photo.
    ended_s: f64,
}

/// One uploaded image.
#[derive(Debug)]
struct Sent {
    upload: usize,
    path: Box<str>,
    bytes: Option<u64>,
    md5: Option<Digest>,
    observation: Observation,
}

/// All uploads of a history folder.
#[derive(Debug, Default)]
pub(crate) struct History {
    uploads: Vec<Upload>,
    sent: Vec<Sent>,
    by_name: HashMap<Box<str>, Vec<u32>>,
    by_md5: HashMap<Digest, Vec<u32>>,
    /// Sizes of the entries with an MD5; 0 stands for one that tells none.
    sizes: HashSet<u64>,
}

impl History {
    /// Reads a folder. A file that is no history is told to `warn` and left out.
    pub(crate) fn read(folder: &Path, warn: &dyn Fn(&str)) -> Self {
        let mut files: Vec<PathBuf> = WalkDir::new(folder)
            .max_depth(3)
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| {
                entry.file_type().is_file() && entry.path().extension().is_some_and(|ending| ending == "json")
            })
            .map(walkdir::DirEntry::into_path)
            .collect();
        files.sort_unstable();
        let mut history = Self::default();
        for file in files {
            let mut text = Vec::new();
            let read = File::open(&file).and_then(|source| source.take(LONGEST_FILE).read_to_end(&mut text));
            let parsed = read.map_err(|error| error.to_string()).and_then(|_| history.add(&text));
            if let Err(words) = parsed {
                warn(&format!("{} is no upload history and left out: {words}", file.display()));
            }
        }
        history.index();
        history
    }

    /// Adds one file of the history.
    fn add(&mut self, text: &[u8]) -> Result<(), String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let (Some(params), Some(summary)) = (value.get("params"), value.get("summary")) else {
            return Err("it has no params and summary".to_owned());
        };
        let text_at =
            |object: &Value, key: &str| object.get(key).map(crate::table::text_of).filter(|text| !text.is_empty());
        let version = text_at(params, "version").and_then(|text| text.parse().ok());
        let cluster_id =
            text_at(summary, "cluster_id").and_then(|text| text.parse().ok()).filter(|id: &ClusterId| id.0 != 0);
        let key = text_at(summary, "sequence_md5sum").or_else(|| text_at(summary, "md5sum")).unwrap_or_default();
        let ended_s =
            summary.get("upload_end_time").and_then(Value::as_f64).filter(|time| time.is_finite()).unwrap_or(0.0);
        let upload = self.uploads.len();
        let entries = value.get("descs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let sent = entries.iter().filter_map(Value::as_object).filter_map(|entry| sent_of(entry, upload, version));
        let first = self.sent.len();
        self.sent.extend(sent);
        let begins = self.sent[first..].iter().filter_map(|sent| sent.observation.time).map(LocalTime::ms).min();
        // sequences are sorted by their source: by time, then by their key
        let source = format!("history {:020} {key}", begins.unwrap_or(0).max(0));
        let sequence = GivenSequence { source: source.into(), place: 0, name: "".into(), as_sent: true };
        self.uploads.push(Upload { cluster_id, version, sequence: Arc::new(sequence), ended_s });
        Ok(())
    }

    fn index(&mut self) {
        for (number, sent) in self.sent.iter().enumerate() {
            let number = number as u32;
            self.by_name.entry(base_name(&sent.path).into()).or_default().push(number);
            if let Some(md5) = sent.md5 {
                self.by_md5.entry(md5).or_default().push(number);
                self.sizes.insert(sent.bytes.unwrap_or(0));
            }
        }
    }

    /// The version that made the newest upload.
    pub(crate) fn newest_version(&self) -> Option<Version> {
        let newest = self.uploads.iter().max_by(|a, b| a.ended_s.total_cmp(&b.ended_s))?;
        newest.version
    }

    /// Whether there is nothing to join.
    pub(crate) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Entries for a file; `md5` is asked for only when it is needed.
    fn find(&self, file: &LooseFile, full_path: Option<&str>, md5: &mut dyn FnMut() -> Option<Digest>) -> Vec<u32> {
        let sent = |&number: &u32| &self.sent[number as usize];
        let same_size = |sent: &Sent| sent.bytes.map(|bytes| file.bytes > 0 && bytes == file.bytes);
        let named = self.by_name.get(base_name(&file.path)).map(Vec::as_slice).unwrap_or_default();
        let by_path: Vec<u32> = named
            .iter()
            .copied()
            .filter(|number| full_path == Some(&sent(number).path) && same_size(sent(number)) != Some(false))
            .collect();
        if !by_path.is_empty() {
            return by_path;
        }
        let may_be_one = file.bytes == 0 || self.sizes.contains(&0) || self.sizes.contains(&file.bytes);
        let is_needed = may_be_one && !self.by_md5.is_empty();
        let digest = if is_needed { md5() } else { None };
        if let Some(found) = digest.and_then(|digest| self.by_md5.get(&digest)) {
            return found.clone();
        }
        let is_same_place = |sent: &Sent| match (sent.observation.position, file.observation.position) {
            (Some(a), Some(b)) => (a.lon() - b.lon()).abs() < 1e-6 && (a.lat() - b.lat()).abs() < 1e-6,
            _ => false,
        };
        let by_rest = |number: &u32| {
            let sent = sent(number);
            sent.md5.is_none() && same_size(sent).unwrap_or_else(|| is_same_place(sent))
        };
        named.iter().copied().filter(by_rest).collect()
    }

    /// Puts what was uploaded into a file, if an entry is found. `path` is the file on disk, where there is one.
    pub(crate) fn join(&self, file: &mut LooseFile, path: Option<&Path>) {
        let full = path.and_then(|path| fs::canonicalize(path).ok());
        let full =
            full.as_deref().and_then(Path::to_str).or_else(|| path.is_none().then_some(&*file.path)).map(str::to_owned);
        let known = file.md5;
        let mut md5 = || known.or_else(|| path.and_then(|path| digest_of_file(path).ok()));
        let mut found = self.find(file, full.as_deref(), &mut md5);
        let upload = |number: &u32| &self.uploads[self.sent[*number as usize].upload];
        found.sort_by(|a, b| upload(a).ended_s.total_cmp(&upload(b).ended_s).then(a.cmp(b)));
        let Some(last) = found.pop() else { return };
        let (sent, of) = (&self.sent[last as usize], upload(&last));
        file.take_sent(&sent.observation);
        if file.observation.position.is_some_and(|position| !position.is_null_island()) {
            file.state = FileState::Usable;
        }
        file.cluster_id = of.cluster_id;
        file.sequence = Some(Arc::clone(&of.sequence));
        if let Some(version) = of.version {
            file.say(&format!("uploaded with mapillary_tools {version}"));
        }
        let others: Vec<String> =
            found.iter().filter_map(|number| upload(number).cluster_id).map(|id| id.to_string()).collect();
        if !others.is_empty() {
            file.say(&format!("uploaded before as {}", others.join(", ")));
        }
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

fn sent_of(entry: &Map<String, Value>, upload: usize, version: Option<Version>) -> Option<Sent> {
    let path = entry.get("filename").and_then(Value::as_str)?;
    let (mut observation, _) = image_of(entry);
    if let (Some(time), Some(version)) = (observation.time, version) {
        // the version settles what the entry alone leaves open
        let told = Told { time, resolution_ms: 0 };
        let absolute = LocalTime::Absolute(capture_model::CapturedAt::from_epoch_ms(time.ms()));
        let is_wall = Rules::of(version).sends_wall_clock_as_utc;
        observation.time = Some(if is_wall { as_wall_clock(told).time } else { absolute });
    }
    if observation.time.is_some() {
        observation.time_source = TimeSource::History;
    }
    Some(Sent {
        upload,
        path: path.into(),
        bytes: entry.get("filesize").and_then(Value::as_u64),
        md5: entry.get("md5sum").and_then(Value::as_str).and_then(digest_of),
        observation,
    })
}

/// One history file from memory, for the fuzz target.
#[cfg(test)]
pub(crate) fn try_bytes(text: &[u8]) {
    let mut history = History::default();
    let _ = history.add(text);
    history.index();
}

mod past;
pub use past::{PastUpload, PastUploads, read_past_uploads};

#[cfg(test)]
mod tests;
