//! Carrying changes out so that they can be taken back.
//!
//! Before the first file is touched, the journal in the report's folder holds every change of the run, flushed to the
//! disk: what each file held, and a hash of what it will hold. So an interrupted run can be taken back as well. Files
//! appear under their names complete or not at all, and keep their permissions.

use crate::{Change, LeftAlone, Plan};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Name of the journal in the folder of the report.
pub const JOURNAL: &str = "annotate-journal.jsonl";

/// Why nothing can be carried out, or taken back.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// No journal.
    #[error("{} is not there: nothing was annotated from this report, or all of it was taken back", file.display())]
    Nothing {
        /// The journal.
        file: PathBuf,
    },
    /// The journal cannot be read or written.
    #[error("{}: {source}; nothing was changed", file.display())]
    File {
        /// The journal.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line that is none of a journal.
    #[error("{} line {line} cannot be understood ({detail}); nothing was changed", file.display())]
    Broken {
        /// The journal.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong.
        detail: String,
    },
}

/// What became of a plan, or of taking it back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Files that were written, removed or restored.
    pub changed: usize,
    /// Files that were not, and why.
    pub left_alone: Vec<LeftAlone>,
}

/// One change, as the journal keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    file: String,
    before: Option<String>,
    /// BLAKE3 of what it holds afterwards; `None` when it is removed.
    after: Option<String>,
}

fn hash(text: Option<&str>) -> Option<String> {
    text.map(|text| blake3::hash(text.as_bytes()).to_hex().to_string())
}

/// Carries a plan out. A file that changed since the plan was made is left alone.
pub fn apply(plan: &Plan, folder: &Path) -> Result<Outcome, JournalError> {
    let mut outcome = Outcome::default();
    let mut changes: Vec<(String, &Change)> = Vec::new();
    for change in &plan.changes {
        // whole, so that it can be taken back from any working folder
        let whole = std::path::absolute(&change.file).ok().and_then(|path| path.into_os_string().into_string().ok());
        if let Some(whole) = whole {
            changes.push((whole, change));
        } else {
            let reason = "its path is not UTF-8".to_owned();
            outcome.left_alone.push(LeftAlone { file: change.file.clone(), reason });
        }
    }
    if changes.is_empty() {
        return Ok(outcome);
    }
    let file = folder.join(JOURNAL);
    write_ahead(&file, &changes).map_err(|source| JournalError::File { file, source })?;
    for (_, change) in changes {
        let found = crate::plan::read_text(&change.file, u64::MAX);
        let done = match found {
            Ok(found) if found == change.before => {
                replace(&change.file, change.before.as_deref(), change.after.as_deref())
                    .map_err(|error| format!("it cannot be written ({error})"))
            }
            Ok(_) => Err("it changed meanwhile; run the same command again".to_owned()),
            Err(reason) => Err(reason),
        };
        match done {
            Ok(()) => outcome.changed += 1,
            Err(reason) => outcome.left_alone.push(LeftAlone { file: change.file.clone(), reason }),
        }
    }
    Ok(outcome)
}

fn write_ahead(file: &Path, changes: &[(String, &Change)]) -> std::io::Result<()> {
    let mut out = BufWriter::new(OpenOptions::new().create(true).append(true).open(file)?);
    for (whole, change) in changes {
        let entry = Entry { file: whole.clone(), before: change.before.clone(), after: hash(change.after.as_deref()) };
        serde_json::to_writer(&mut out, &entry)?;
        out.write_all(b"\n")?;
    }
    out.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
}

/// Takes back everything that was applied from a report, newest first. A file that somebody changed since is left alone,
/// and stays in the journal; without such, the journal is removed.
pub fn undo(folder: &Path) -> Result<Outcome, JournalError> {
    let file = folder.join(JOURNAL);
    let entries = read_journal(&file)?;
    let mut outcome = Outcome::default();
    let mut kept: Vec<&Entry> = Vec::new();
    for entry in entries.iter().rev() {
        let path = Path::new(&entry.file);
        let is_homeless = path.parent().is_some_and(|folder| !folder.is_dir());
        let done = match crate::plan::read_text(path, u64::MAX) {
            Ok(_) if is_homeless => Err("its folder is not there any more".to_owned()),
            Ok(found) if found == entry.before => continue, // it never came to it, or was taken back already
            Ok(found) if hash(found.as_deref()) == entry.after => {
                replace(path, found.as_deref(), entry.before.as_deref())
                    .map_err(|error| format!("it cannot be written ({error})"))
            }
            Ok(_) => Err("somebody changed it since; it was left as it is".to_owned()),
            Err(reason) => Err(reason),
        };
        match done {
            Ok(()) => outcome.changed += 1,
            Err(reason) => {
                kept.push(entry);
                outcome.left_alone.push(LeftAlone { file: path.to_owned(), reason });
            }
        }
    }
    let text = kept
        .iter()
        .rev()
        .filter_map(|entry| serde_json::to_string(entry).ok())
        .fold(String::new(), |text, line| text + &line + "\n");
    let new = if kept.is_empty() { None } else { Some(text.as_str()) };
    replace(&file, Some(""), new).map_err(|source| JournalError::File { file, source })?;
    Ok(outcome)
}

fn read_journal(file: &Path) -> Result<Vec<Entry>, JournalError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => JournalError::Nothing { file: file.to_owned() },
        _ => JournalError::File { file: file.to_owned(), source },
    };
    let mut entries = Vec::new();
    let lines: Vec<String> =
        BufReader::new(File::open(file).map_err(failed)?).lines().collect::<Result<_, _>>().map_err(failed)?;
    for (number, line) in lines.iter().enumerate() {
        match serde_json::from_str(line) {
            Ok(entry) => entries.push(entry),
            // a run that was cut off while it wrote ahead: none of its changes was begun
            Err(error) if error.is_eof() && number + 1 == lines.len() => {}
            Err(error) => {
                let detail = error.to_string();
                return Err(JournalError::Broken { file: file.to_owned(), line: number + 1, detail });
            }
        }
    }
    Ok(entries)
}

/// Puts a text under a name, or removes the file. A file that was there keeps its permissions and is on the disk before
/// the name is given to it; a new one never replaces a file that appeared meanwhile.
fn replace(file: &Path, before: Option<&str>, after: Option<&str>) -> std::io::Result<()> {
    let Some(text) = after else { return std::fs::remove_file(file) };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tiepoint-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666)); // the umask decides, as for any other file
    }
    let mut part = builder.tempfile_in(folder)?;
    part.write_all(text.as_bytes())?;
    if before.is_none() {
        part.persist_noclobber(file).map_err(|error| error.error)?;
        return Ok(());
    }
    part.as_file().set_permissions(std::fs::metadata(file)?.permissions())?;
    part.as_file().sync_all()?;
    part.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests;
