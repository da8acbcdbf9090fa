//! Why a Parquet file cannot be read.

use std::path::PathBuf;

/// What keeps a Parquet file from being read.
#[derive(Debug, thiserror::Error)]
pub enum ParquetTableError {
    /// It is not there, or may not be read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is damaged, or no Parquet file, or packed in a way that is not known here.
    #[error("{}: {detail}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
}
