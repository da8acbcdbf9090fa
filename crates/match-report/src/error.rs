//! Why a report cannot be written or read back.

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
    #[error("cannot write the output: {0}")]
    Stream(#[from] std::io::Error),
    /// A text that JSON cannot hold, or an output that breaks under it.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A table was asked for as a drawing.
    #[error("this table has no GeoJSON form; use .csv or .jsonl")]
    NotADrawing,
}

impl ReportError {
    /// The same, said of a file where only its stream was known.
    #[must_use]
    pub fn at(self, path: &std::path::Path) -> Self {
        match self {
            Self::Stream(source) => Self::File { path: path.to_owned(), source },
            Self::Json(error) if error.is_io() => Self::File { path: path.to_owned(), source: error.into() },
            other => other,
        }
    }
}
