//! Looking after the store: what is in it, whether it is sound, and emptying it.

use crate::StoreError;
use crate::store::{FILE_NAME, ResponseStore, seal};
use polite_http::StoredAnswer;
use std::path::Path;

/// So many damaged answers are named.
const MOST_NAMED: usize = 20;

/// What a store holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// Size of the file and its log, in bytes.
    pub file_bytes: u64,
    /// Answers by kind, in the order of the kinds.
    pub kinds: Vec<KindInfo>,
    /// Requests by quota and day, latest day first.
    pub spent: Vec<SpentInfo>,
}

/// Answers of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindInfo {
    /// The kind.
    pub kind: String,
    /// How many.
    pub answers: u64,
    /// Bytes of their bodies.
    pub bytes: u64,
    /// When the oldest was fetched: milliseconds since the Unix epoch.
    pub oldest_ms: i64,
    /// When the newest was fetched.
    pub newest_ms: i64,
}

/// Requests of one quota on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentInfo {
    /// Name of the quota.
    pub quota: String,
    /// Days since the Unix epoch, UTC.
    pub day: i64,
    /// How many.
    pub requests: u64,
}

/// A request that is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredRequest {
    /// Endpoint and URL, parameters sorted, without any token.
    pub request: String,
    /// Kind of the answer.
    pub kind: String,
    /// When it was fetched: milliseconds since the Unix epoch.
    pub fetched_at_ms: i64,
    /// Bytes of the body.
    pub bytes: u64,
}

/// Whether a store is sound.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Answers that were read.
    pub answers: u64,
    /// How many of them do not fit their seal.
    pub n_damaged: u64,
    /// The requests of the first of these.
    pub damaged: Vec<String>,
    /// What SQLite's own check of the file found; empty when nothing.
    pub file_faults: Vec<String>,
}

impl Verification {
    /// Whether nothing was found.
    pub fn is_sound(&self) -> bool {
        self.n_damaged == 0 && self.file_faults.is_empty()
    }
}

impl ResponseStore {
    /// Counts what is there.
    pub fn info(&self) -> Result<StoreInfo, StoreError> {
        let (kinds, spent) = self.with(|connection| {
            let mut kinds = connection.prepare(
                "SELECT kind, count(*), sum(length(body)), min(fetched_at_ms), max(fetched_at_ms)
                 FROM answers GROUP BY kind ORDER BY kind",
            )?;
            let kinds = kinds.query_map([], |row| {
                Ok(KindInfo {
                    kind: row.get(0)?,
                    answers: count(row.get(1)?),
                    bytes: count(row.get(2)?),
                    oldest_ms: row.get(3)?,
                    newest_ms: row.get(4)?,
                })
            })?;
            let mut spent = connection.prepare(
                "SELECT quota, day, requests FROM spent WHERE quota NOT LIKE '%/minute' ORDER BY day DESC, quota",
            )?;
            let spent = spent.query_map([], |row| {
                Ok(SpentInfo { quota: row.get(0)?, day: row.get(1)?, requests: count(row.get(2)?) })
            })?;
            Ok((kinds.collect::<Result<_, _>>()?, spent.collect::<Result<_, _>>()?))
        })?;
        let size = |suffix: &str| {
            let file = self.path().with_file_name(format!("{FILE_NAME}{suffix}"));
            std::fs::metadata(file).map_or(0, |metadata| metadata.len())
        };
        Ok(StoreInfo { file_bytes: size("") + size("-wal"), kinds, spent })
    }

    /// The requests that are answered, by name.
    pub fn answered(&self) -> Result<Vec<AnsweredRequest>, StoreError> {
        self.with(|connection| {
            let sql = "SELECT request, kind, fetched_at_ms, length(body) FROM answers ORDER BY request";
            let mut answers = connection.prepare(sql)?;
            let answers = answers.query_map([], |row| {
                Ok(AnsweredRequest {
                    request: row.get(0)?,
                    kind: row.get(1)?,
                    fetched_at_ms: row.get(2)?,
                    bytes: count(row.get(3)?),
                })
            })?;
            answers.collect()
        })
    }

    /// Reads everything: SQLite's check of the file, then the seal of each answer.
    pub fn verify(&self) -> Result<Verification, StoreError> {
        self.with(|connection| {
            let mut verification = Verification::default();
            let mut check = connection.prepare("PRAGMA integrity_check(20)")?;
            for fault in check.query_map([], |row| row.get::<_, String>(0))? {
                verification.file_faults.extend(Some(fault?).filter(|fault| fault != "ok"));
            }
            let sql = "SELECT request, kind, status, fetched_at_ms, body, seal FROM answers ORDER BY key";
            let mut answers = connection.prepare(sql)?;
            let mut rows = answers.query([])?;
            while let Some(row) = rows.next()? {
                verification.answers += 1;
                if !is_sealed(row).unwrap_or(false) {
                    verification.n_damaged += 1;
                    if verification.damaged.len() < MOST_NAMED {
                        verification.damaged.push(row.get(0).unwrap_or_else(|_| "(unreadable)".to_owned()));
                    }
                }
            }
            Ok(verification)
        })
    }

    /// Takes all answers out; the ledger of days stays, because the service counts on. How many there were.
    pub fn clear(&self) -> Result<u64, StoreError> {
        self.with(|connection| {
            let answers = connection.execute("DELETE FROM answers", [])?;
            connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
            Ok(answers as u64)
        })
    }
}

/// Empties the store of a cache folder; a file that is damaged beyond opening is deleted, ledger and all. How many
/// answers there were, `None` when they could not be counted; a folder without a store is empty already.
pub fn clear(folder: &Path) -> Result<Option<u64>, StoreError> {
    let path = folder.join(FILE_NAME);
    if !path.exists() {
        return Ok(Some(0));
    }
    match ResponseStore::open(folder).and_then(|store| store.clear()) {
        Err(StoreError::Damaged { .. }) => {
            for suffix in ["", "-wal", "-shm"] {
                let file = folder.join(format!("{FILE_NAME}{suffix}"));
                match std::fs::remove_file(&file) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(StoreError::NotWritable { path: file, detail: error.to_string() });
                    }
                    _ => {}
                }
            }
            Ok(None)
        }
        cleared => cleared.map(Some),
    }
}

fn is_sealed(row: &rusqlite::Row<'_>) -> rusqlite::Result<bool> {
    let request: String = row.get(0)?;
    let answer = StoredAnswer { kind: row.get(1)?, status: row.get(2)?, fetched_at_ms: row.get(3)?, body: row.get(4)? };
    Ok(row.get::<_, Vec<u8>>(5)? == seal(&request, &answer))
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
