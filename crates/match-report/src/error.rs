//! Why a report cannot be written.

use std::path::PathBuf;

/// What keeps a report from being written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The disk, or whoever reads the output, says no.
    #[error("cannot write {}: {source}; is the disk full or the folder protected?", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The output breaks while it is written.
    #[error("cannot write the output")]
    Stream(#[from] std::io::Error),
    /// The summary has no text.
    #[error("cannot write the summary")]
    Json(#[from] serde_json::Error),
}
