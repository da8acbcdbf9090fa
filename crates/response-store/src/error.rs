//! What can go wrong with the file, and what to do then.

use polite_http::StoreError as SlotError;
use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// The store's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made.
    #[error("the cache folder {} cannot be made ({source}); choose another with --cache-dir DIR", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no database, or a damaged one.
    #[error("the store {} is damaged ({detail}); clear the cache or delete the file, and the answers are fetched again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// A database of another program.
    #[error("{} is a database of another program; choose another folder with --cache-dir DIR", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by a later version of this program.
    #[error("the store {} is of version {found}, this program knows up to {known}; update the program or choose another folder with --cache-dir DIR", path.display())]
    TooNew {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// No room.
    #[error("there is no room for the store {}; free some space or choose another folder with --cache-dir DIR, then run the same command again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be opened or written.
    #[error("the store {} cannot be written ({detail}); choose a folder that you may write to with --cache-dir DIR", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
    /// Another process holds it.
    #[error("the store {} has been locked by another process for too long; wait for it to end", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Anything else.
    #[error("the store {} failed ({detail}); check the disk and its free space, or choose another folder with --cache-dir DIR, then run the same command again", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        detail: String,
    },
}

impl StoreError {
    /// Sorts SQLite's codes by what a user can do about them.
    pub(crate) fn new(path: &Path, error: &rusqlite::Error) -> Self {
        let (path, detail) = (path.to_owned(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged { path, detail },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::NotWritable { path, detail }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            _ => Self::Other { path, detail },
        }
    }
}

impl From<StoreError> for SlotError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}
