//! The tables, and how a file comes to have them.
//!
//! The file is an ordinary SQLite database, to be opened with any tool. It is in WAL mode with `synchronous = NORMAL`:
//! what was committed survives the death of the process at any moment; a power cut may cost the last commits (they are
//! fetched again) but never the file.

use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};
use std::time::{Duration, Instant};

/// Version of the tables, kept as `user_version`.
pub(crate) const VERSION: i64 = 1;
/// `TPNT`: tells our files from those of others.
pub(crate) const APPLICATION_ID: i64 = 0x5450_4e54;

/// How long a process waits for another one that writes.
const PATIENCE: Duration = Duration::from_secs(30);

const TABLES: &str = "
CREATE TABLE answers (
    key BLOB NOT NULL PRIMARY KEY,     -- BLAKE3 of the request
    request TEXT NOT NULL,             -- endpoint and URL, without any token
    kind TEXT NOT NULL,
    status INTEGER NOT NULL,
    fetched_at_ms INTEGER NOT NULL,
    seal BLOB NOT NULL,                -- BLAKE3 of all other columns
    body BLOB NOT NULL
) STRICT;
CREATE TABLE spent (
    quota TEXT NOT NULL,
    day INTEGER NOT NULL,              -- days since 1970-01-01, UTC; minutes where the quota ends in /minute
    requests INTEGER NOT NULL,
    PRIMARY KEY (quota, day)
) STRICT, WITHOUT ROWID;
";

/// What a file turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Ours, ready.
    Ready,
    /// Of a later version.
    TooNew(i64),
    /// Of another program.
    Foreign,
}

/// Sets the connection up and makes the tables in an empty file. Several processes may do this at once.
pub(crate) fn prepare(connection: &mut Connection) -> rusqlite::Result<Found> {
    connection.busy_timeout(PATIENCE)?;
    // The change to WAL does not wait by itself for another process that changes it too.
    patiently(|| connection.pragma_update(None, "journal_mode", "WAL"))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let number = |pragma| transaction.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let table = transaction.query_row("SELECT name FROM sqlite_schema LIMIT 1", [], |row| row.get::<_, String>(0));
    let is_empty = table.optional()?.is_none();
    let found = match (version, application) {
        (0, 0) if is_empty => {
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "user_version", VERSION)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            Found::Ready
        }
        (VERSION, APPLICATION_ID) => Found::Ready,
        (_, APPLICATION_ID) => Found::TooNew(version),
        _ => Found::Foreign,
    };
    if found == Found::Ready {
        transaction.execute("CREATE INDEX IF NOT EXISTS answers_by_kind ON answers (kind)", [])?;
        // What was counted by the minute is of use for two minutes.
        transaction.execute("DELETE FROM spent WHERE quota LIKE '%/minute' AND day < unixepoch() / 60 - 60", [])?;
    }
    transaction.commit()?;
    Ok(found)
}

fn patiently(mut action: impl FnMut() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        match action() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && started.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            result => return result,
        }
    }
}
