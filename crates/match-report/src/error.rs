//! Why a report cannot be written or read back.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What keeps a report from being written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The disk, or whoever reads the output, says no.
    #[error("cannot write {}: {source}; {}", path.display(), next_step(path, source))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The output breaks while it is written.
    #[error("cannot write the output: {0}")]
    Stream(#[from] std::io::Error),
    /// A text that JSON cannot hold, or an output that breaks under it.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A table was asked for as a drawing.
    #[error("this table has no GeoJSON form; use .csv or .jsonl")]
    NotADrawing,
}

/// What to do about a file that cannot be written.
fn next_step(path: &Path, source: &std::io::Error) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.display();
    match source.kind() {
        ErrorKind::NotFound => format!("make the folder {folder} first, or choose another"),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            format!("you may not write to the folder {folder}: choose another")
        }
        ErrorKind::NotADirectory => format!("{folder} is no folder: choose another"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full: free some space".to_owned(),
        _ => "is the disk full or the folder protected?".to_owned(),
    }
}

impl ReportError {
    /// The same, said of a file where only its stream was known.
    #[must_use]
    pub fn at(self, path: &Path) -> Self {
        match self {
            Self::Stream(source) => Self::File { path: path.to_owned(), source },
            Self::Json(error) if error.is_io() => Self::File { path: path.to_owned(), source: error.into() },
            other => other,
        }
    }
}
