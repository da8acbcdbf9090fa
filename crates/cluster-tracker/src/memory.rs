//! What survives a kill: how the feed is to be treated, and where each watch stands.
//!
//! Small JSON files in a folder beside the response store, each replaced as a whole. They hold no token. What the feed
//! answered lies in the response store; here lies only the moment from which answers count, so that a watch which is
//! started again goes on inside the round in which it was killed.

use crate::{Seen, Upload};
use capture_model::ClusterId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A file that is being written for so long is not being written any more.
const STALE_AFTER: Duration = Duration::from_hours(1);

/// A file that cannot be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot keep {}: {detail}; choose another folder with --cache-dir", path.display())]
pub struct MemoryError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub detail: String,
}

/// How the feed is to be treated; all runs of one folder share it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedCare {
    /// Nothing is asked before this moment (ms since the Unix epoch).
    pub paused_until_ms: i64,
    /// Uploads on a page, once the feed asked for less; 0 while it did not.
    pub page_size: u32,
    /// When it asked for less; a day later the usual size is tried again.
    pub page_size_since_ms: i64,
}

/// Whose a user token is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnerMemory {
    /// What the mark was made with.
    pub salt: String,
    /// Tells whether a token is the same one; not the token.
    pub mark: String,
    /// The owner's user name.
    pub username: String,
    /// When this was asked (ms since the Unix epoch).
    pub known_ms: i64,
}

/// Where one watch stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WatchMemory {
    /// When the watch began; its timeout counts from here, over restarts.
    pub started_ms: i64,
    /// When the present round began: answers fetched since then are part of it.
    pub round_ms: i64,
    /// When the next round begins; 0 while one is under way.
    pub next_round_ms: i64,
    /// Whether the newest uploads of the feed were listed, so that now each is asked for by name.
    pub is_listed: bool,
    /// Rounds without news since the last news.
    pub quiet_rounds: u32,
    /// Each upload as it was seen last, by cluster id.
    pub uploads: BTreeMap<String, Watched>,
}

/// One upload as it was seen last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watched {
    /// The feed's item ([`Upload::remember`]); null where the feed had none.
    pub item: Value,
    /// What was concluded, as a word.
    pub state: String,
    /// What documented calls showed.
    pub seen: Seen,
    /// Sequences that it became.
    pub sequence_ids: Vec<String>,
    /// Images that these have, where they were counted.
    pub n_found: Option<usize>,
    /// Since when it says so.
    pub since_ms: i64,
}

impl Watched {
    /// The upload, when the feed had one.
    pub fn upload(&self) -> Option<Upload> {
        Upload::recall(&self.item)
    }
}

impl WatchMemory {
    /// What is remembered of an upload.
    pub fn of(&self, cluster: ClusterId) -> Option<&Watched> {
        self.uploads.get(&cluster.to_string())
    }

    /// Remembers what is known of an upload now; true when that is news.
    pub fn note(&mut self, cluster: ClusterId, upload: Option<&Upload>, state: &str, now_ms: i64) -> bool {
        let item = upload.map_or(Value::Null, Upload::remember);
        let known = self.uploads.entry(cluster.to_string()).or_default();
        // An item that has vanished from the feed is no news of the upload; what it said last is kept.
        let item = if item.is_null() { known.item.clone() } else { item };
        let is_news = known.item != item || known.state != state;
        if is_news {
            *known = Watched { item, state: state.to_owned(), since_ms: now_ms, ..std::mem::take(known) };
        }
        is_news
    }
}

/// The folder of these files.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    folder: Option<PathBuf>,
    /// What a memory without a folder knows of the feed, as long as the process lives.
    care: Arc<Mutex<FeedCare>>,
}

impl Memory {
    /// Files in this folder, which is made when the first is written. What killed writers left behind is taken away.
    pub fn in_folder(folder: &Path) -> Self {
        for path in files_of(folder).filter(|path| has_extension(path, "part")) {
            let age = std::fs::metadata(&path).and_then(|file| file.modified()).ok().and_then(|at| at.elapsed().ok());
            if age.is_some_and(|age| age > STALE_AFTER) {
                let _ = std::fs::remove_file(&path); // of no use and no harm
            }
        }
        Self { folder: Some(folder.to_owned()), ..Self::default() }
    }

    /// Nothing is kept; for runs without a cache.
    pub fn forgetful() -> Self {
        Self::default()
    }

    /// How the feed is to be treated.
    pub fn feed_care(&self) -> FeedCare {
        match &self.folder {
            Some(_) => self.read("feed").unwrap_or_default(),
            None => self.care.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Keeps it.
    pub fn keep_feed_care(&self, care: &FeedCare) -> Result<(), MemoryError> {
        *self.care.lock().unwrap_or_else(PoisonError::into_inner) = care.clone();
        self.write("feed", care)
    }

    /// Whose the user token of the last time was.
    pub fn owner(&self) -> Option<OwnerMemory> {
        self.read("owner")
    }

    /// Keeps it.
    pub fn keep_owner(&self, owner: &OwnerMemory) -> Result<(), MemoryError> {
        self.write("owner", owner)
    }

    /// Where a watch stands; its name is any text (the user and the uploads that are watched).
    pub fn watch(&self, name: &str) -> Option<WatchMemory> {
        self.read(&file_name(name))
    }

    /// Keeps it.
    pub fn keep_watch(&self, name: &str, watch: &WatchMemory) -> Result<(), MemoryError> {
        self.write(&file_name(name), watch)
    }

    /// The watch has come to its end.
    pub fn end_watch(&self, name: &str) {
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_file(folder.join(format!("{}.json", file_name(name)))); // gone already, or read as it is
        }
    }

    /// Forgets the owner and all watches. How the feed is to be treated stays: a pause is the service's, not ours.
    pub fn forget(&self) -> Result<(), MemoryError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let is_ours = |path: &PathBuf| {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            has_extension(path, "part")
                || (has_extension(path, "json") && (stem == "owner" || stem.starts_with("watch-")))
        };
        for path in files_of(folder).filter(is_ours) {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(MemoryError { detail: error.to_string(), path });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A file that is absent or damaged is as good as none: the watch begins anew.
    fn read<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        let text = std::fs::read(self.folder.as_ref()?.join(format!("{name}.json"))).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn write(&self, name: &str, value: &impl Serialize) -> Result<(), MemoryError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(format!("{name}.json"));
        let written = || -> std::io::Result<()> {
            std::fs::create_dir_all(folder)?;
            let beside = folder.join(format!("{name}.{}.part", std::process::id()));
            let mut file = std::fs::File::create(&beside)?;
            file.write_all(&serde_json::to_vec_pretty(value)?)?;
            file.sync_data()?;
            std::fs::rename(&beside, &path)
        };
        written().map_err(|error| MemoryError { path: path.clone(), detail: error.to_string() })
    }
}

/// The files of a folder; none of one that is not there.
fn files_of(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|known| known == extension)
}

/// `watch-` and a hash of the name (FNV-1a), which may hold anything.
fn file_name(name: &str) -> String {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in name.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("watch-{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn upload(status: &str) -> Upload {
        Upload::recall(&json!({"cluster_id": "5", "status": status})).unwrap()
    }

    #[test]
    fn what_was_kept_is_there_after_a_kill_and_a_damaged_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory::in_folder(&folder.path().join("tracker"));
        assert_eq!((memory.feed_care(), memory.watch("anna")), (FeedCare::default(), None));
        let care = FeedCare { paused_until_ms: 5, page_size: 25, page_size_since_ms: 4 };
        memory.keep_feed_care(&care).unwrap();
        let mut watch = WatchMemory { started_ms: 1, round_ms: 2, ..WatchMemory::default() };
        watch.note(ClusterId(5), Some(&upload("IN_PROGRESS")), "processing", 3);
        memory.keep_watch("anna", &watch).unwrap();
        assert_eq!((memory.feed_care(), memory.watch("anna")), (care, Some(watch)));
        assert_eq!(memory.watch("../../anna"), None, "a name is never a path");
        std::fs::write(folder.path().join("tracker/feed.json"), "{\"paused").unwrap();
        assert_eq!(memory.feed_care(), FeedCare::default());
        memory.end_watch("anna");
        assert_eq!(memory.watch("anna"), None);
    }

    #[test]
    fn what_killed_writers_left_is_swept_and_a_pause_outlives_forgetting() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| std::fs::write(folder.path().join(name), "{}").unwrap();
        let names = || {
            let mut names: Vec<_> = files_of(folder.path()).map(|path| path.file_name().unwrap().to_owned()).collect();
            names.sort();
            names
        };
        for name in ["feed.json", "owner.json", "watch-0.json", "watch-0.7.part", "watch-0.8.part", "of a user.json"] {
            write(name);
        }
        let killed = std::fs::File::options().write(true).open(folder.path().join("watch-0.7.part")).unwrap();
        killed.set_modified(std::time::SystemTime::now() - 2 * STALE_AFTER).unwrap();
        let memory = Memory::in_folder(folder.path());
        assert_eq!(names(), ["feed.json", "of a user.json", "owner.json", "watch-0.8.part", "watch-0.json"]);
        memory.forget().unwrap();
        assert_eq!(names(), ["feed.json", "of a user.json"]);
        Memory::in_folder(&folder.path().join("none")).forget().unwrap();
    }

    #[test]
    fn only_news_is_news_and_an_item_that_vanished_is_kept() {
        let mut watch = WatchMemory::default();
        assert!(watch.note(ClusterId(5), Some(&upload("IN_PROGRESS")), "processing", 10));
        assert!(!watch.note(ClusterId(5), Some(&upload("IN_PROGRESS")), "processing", 20));
        assert!(!watch.note(ClusterId(5), None, "processing", 30), "it vanished, which says nothing of it");
        assert_eq!(watch.of(ClusterId(5)).unwrap().since_ms, 10);
        assert_eq!(watch.of(ClusterId(5)).unwrap().upload().unwrap().status.as_deref(), Some("in_progress"));
        assert!(watch.note(ClusterId(5), Some(&upload("FINISHED")), "in_tiles", 40));
        assert_eq!(watch.of(ClusterId(6)), None);
    }
}
