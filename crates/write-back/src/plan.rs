//! What is to be written, before anything is.

use crate::packet::{new_packet, spliced};

use match_report::MatchRecord;
use similar::TextDiff;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Larger sidecars are no sidecars.
const LARGEST_SIDECAR: u64 = 4 << 20;

/// One file before and after; `None` is no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub file: PathBuf,
    /// What it holds now.
    pub before: Option<String>,
    /// What it will hold.
    pub after: Option<String>,
}

/// A file that is not changed though it should be, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftAlone {
    /// The file.
    pub file: PathBuf,
    /// Why.
    pub reason: String,
}

/// What is to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Files to make, change or remove.
    pub changes: Vec<Change>,
    /// Files that already say it.
    pub unchanged: usize,
    /// Matched rows whose photo is not on this disk: rows of tables, or another working folder.
    pub absent: usize,
    /// Files that are left alone.
    pub left_alone: Vec<LeftAlone>,
}

impl Plan {
    /// Joins another plan.
    pub fn extend(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.left_alone.extend(other.left_alone);
        self.unchanged += other.unchanged;
        self.absent += other.absent;
    }
}

impl Change {
    /// The change as a unified diff.
    pub fn diff(&self) -> String {
        let shown = self.file.display().to_string().escape_debug().to_string();
        let name = |text: &Option<String>| if text.is_some() { shown.clone() } else { "/dev/null".to_owned() };
        let (before, after) = (self.before.as_deref().unwrap_or_default(), self.after.as_deref().unwrap_or_default());
        TextDiff::from_lines(before, after).unified_diff().header(&name(&self.before), &name(&self.after)).to_string()
    }
}

/// Plans a sidecar `PHOTO.xmp` beside every matched photo that is a file below `root`, and takes our properties out of
/// the sidecars of photos that are not matched any more.
pub fn plan_sidecars<'a>(rows: impl Iterator<Item = &'a MatchRecord> + Clone, root: &Path) -> Plan {
    let mut n_rows: HashMap<&str, u32> = HashMap::new();
    rows.clone().for_each(|row| *n_rows.entry(&row.path).or_default() += 1);
    let mut plan = Plan::default();
    for row in rows {
        let photo = root.join(&row.path);
        let sidecar = sidecar_of(&photo);
        if !photo.is_file() {
            plan.absent += usize::from(is_matched(row));
            continue;
        }
        if n_rows[row.path.as_str()] > 1 {
            if is_matched(row) {
                plan.left_alone.push(LeftAlone { file: sidecar, reason: "several rows name its photo".to_owned() });
            }
            continue;
        }
        match change_of(&sidecar, Some(row).filter(|row| is_matched(row))) {
            Ok(Some(change)) => plan.changes.push(change),
            Ok(None) => plan.unchanged += usize::from(is_matched(row)),
            Err(reason) if is_matched(row) => plan.left_alone.push(LeftAlone { file: sidecar, reason }),
            Err(_) => {} // of a photo that gets none
        }
    }
    plan
}

/// `photo.jpg` → `photo.jpg.xmp`: two photos that differ by their ending alone have two sidecars.
fn sidecar_of(photo: &Path) -> PathBuf {
    let mut name = photo.as_os_str().to_owned();
    name.push(".xmp");
    PathBuf::from(name)
}

fn change_of(sidecar: &Path, record: Option<&MatchRecord>) -> Result<Option<Change>, String> {
    let before = read_text(sidecar, LARGEST_SIDECAR)?;
    let after = match (&before, record) {
        (None, None) => return Ok(None),
        (None, Some(record)) => Some(new_packet(record)),
        (Some(packet), None) if !packet.contains(crate::NAMESPACE) => return Ok(None),
        (Some(packet), record) => spliced(packet, record)?,
    };
    Ok((before != after).then(|| Change { file: sidecar.to_owned(), before, after }))
}

/// A text file, `None` where there is none; words where it is no plain text file.
pub(crate) fn read_text(file: &Path, largest: u64) -> Result<Option<String>, String> {
    let metadata = match std::fs::symlink_metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("it cannot be read ({error})")),
    };
    if !metadata.is_file() {
        return Err("it is a link or no file".to_owned());
    }
    if metadata.len() > largest {
        return Err(format!("it is larger than {} MB", largest >> 20));
    }
    let bytes = std::fs::read(file).map_err(|error| format!("it cannot be read ({error})"))?;
    String::from_utf8(bytes).map(Some).map_err(|_| "it is not UTF-8".to_owned())
}

/// Whether a row names one published image.
pub(crate) fn is_matched(row: &MatchRecord) -> bool {
    row.image_id.is_some()
}
