//! The store: answers by request, requests counted by quota and day.
//!
//! Each answer carries a seal, a BLAKE3 hash over everything that is kept with it. An answer whose seal does not fit is
//! treated as if it were not there: online it is fetched again and replaced.

use crate::error::StoreError;
use crate::schema::{Found, VERSION, prepare};
use polite_http::{Store, StoreError as SlotError, StoreKey, StoredAnswer};
use rusqlite::{Connection, OptionalExtension, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Name of the file inside the cache folder.
pub const FILE_NAME: &str = "responses.sqlite";

/// Answers in one SQLite file. Several threads and several processes may use it at once.
#[derive(Debug)]
pub struct ResponseStore {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl ResponseStore {
    /// Opens the store of a cache folder; makes folder and file when they are not there.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// let store = response_store::ResponseStore::open(&folder.path().join("cache"))?;
    /// assert!(store.verify()?.is_sound());
    /// assert_eq!(store.info()?.kinds, []);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|source| StoreError::Folder { folder: folder.to_owned(), source })?;
        let path = folder.join(FILE_NAME);
        let failed = |error| StoreError::new(&path, &error);
        let mut connection = Connection::open(&path).map_err(failed)?;
        match prepare(&mut connection).map_err(failed)? {
            Found::Ready => Ok(Self { path, connection: Mutex::new(connection) }),
            Found::TooNew(found) => Err(StoreError::TooNew { path, found, known: VERSION }),
            Found::Foreign => Err(StoreError::Foreign { path }),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn with<T>(&self, action: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        action(&self.connection()).map_err(|error| StoreError::new(&self.path, &error))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic inside leaves no open transaction: statements are single, and SQLite rolls back on drop.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for ResponseStore {
    fn get(&self, key: &StoreKey) -> Result<Option<StoredAnswer>, SlotError> {
        let row = self.with(|connection| {
            let sql = "SELECT kind, status, fetched_at_ms, body, seal FROM answers WHERE key = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let read = |row: &rusqlite::Row<'_>| {
                let (kind, status, fetched_at_ms, body) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                Ok((StoredAnswer { kind, status, fetched_at_ms, body }, row.get::<_, Vec<u8>>(4)?))
            };
            statement.query_row([hash(key.as_str()).as_slice()], read).optional()
        });
        // A row whose values have impossible types is as good as no row.
        let row = match row {
            Err(StoreError::Other { .. }) => None,
            other => other?,
        };
        Ok(row.and_then(|(answer, kept)| (kept == seal(key.as_str(), &answer)).then_some(answer)))
    }

    fn put(&self, key: &StoreKey, answer: &StoredAnswer) -> Result<(), SlotError> {
        self.with(|connection| {
            let sql = "INSERT OR REPLACE INTO answers (key, request, kind, status, fetched_at_ms, seal, body)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            connection.prepare_cached(sql)?.execute(params![
                hash(key.as_str()),
                key.as_str(),
                answer.kind,
                answer.status,
                answer.fetched_at_ms,
                seal(key.as_str(), answer),
                answer.body,
            ])
        })?;
        Ok(())
    }

    fn keys_of_kind(&self, kind: &str) -> Result<Vec<(StoreKey, i64)>, SlotError> {
        let keys = self.with(|connection| {
            let sql = "SELECT request, fetched_at_ms FROM answers WHERE kind = ?1
                       ORDER BY fetched_at_ms DESC, request";
            let mut statement = connection.prepare_cached(sql)?;
            let read = |row: &rusqlite::Row<'_>| Ok((StoreKey::of_text(row.get(0)?), row.get(1)?));
            statement.query_map([kind], read)?.collect()
        })?;
        Ok(keys)
    }

    fn spend(&self, quota: &str, day: i64, limit: Option<u64>) -> Result<bool, SlotError> {
        let limit = limit.map_or(i64::MAX, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        if limit <= 0 {
            return Ok(false);
        }
        let changed = self.with(|connection| {
            let sql = "INSERT INTO spent (quota, day, requests) VALUES (?1, ?2, 1)
                       ON CONFLICT DO UPDATE SET requests = requests + 1 WHERE requests < ?3";
            connection.prepare_cached(sql)?.execute(params![quota, day, limit])
        })?;
        Ok(changed > 0)
    }

    fn spend_if(&self, quota: &str, period: i64, counted: [u64; 2]) -> Result<bool, SlotError> {
        let [before, here] = counted.map(|count| i64::try_from(count).unwrap_or(i64::MAX));
        let changed = self.with(|connection| {
            // One statement that writes: it holds SQLite's write lock before it reads.
            let sql = "INSERT INTO spent (quota, day, requests) SELECT ?1, ?2, 1
                       WHERE coalesce((SELECT requests FROM spent WHERE quota = ?1 AND day = ?2 - 1), 0) = ?3
                         AND coalesce((SELECT requests FROM spent WHERE quota = ?1 AND day = ?2), 0) = ?4
                       ON CONFLICT DO UPDATE SET requests = requests + 1";
            connection.prepare_cached(sql)?.execute(params![quota, period, before, here])
        })?;
        Ok(changed > 0)
    }

    fn spent(&self, quota: &str, day: i64) -> Result<u64, SlotError> {
        let requests = self.with(|connection| {
            let sql = "SELECT requests FROM spent WHERE quota = ?1 AND day = ?2";
            connection.prepare_cached(sql)?.query_row(params![quota, day], |row| row.get::<_, i64>(0)).optional()
        })?;
        Ok(requests.map_or(0, |requests| u64::try_from(requests).unwrap_or(0)))
    }
}

fn hash(text: &str) -> [u8; 32] {
    *blake3::hash(text.as_bytes()).as_bytes()
}

/// A hash over all that is kept; lengths go in too, so that bytes cannot move from one column into the next.
pub(crate) fn seal(request: &str, answer: &StoredAnswer) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in [request.as_bytes(), answer.kind.as_bytes(), &answer.body] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    }
    hasher.update(&answer.status.to_le_bytes()).update(&answer.fetched_at_ms.to_le_bytes());
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests;
