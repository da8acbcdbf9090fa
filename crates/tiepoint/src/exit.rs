//! How a run ends: the exit codes of the command line, found from the error that ended it.

use anyhow::Error;
use mapillary_api::ErrorKind;
use polite_http::Cancel;
use reconcile::ReconcileError;
use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

/// 1: a failure that no other code names.
pub(crate) const OTHER: u8 = 1;
/// 2: the command line cannot be understood.
pub(crate) const USAGE: u8 = 2;
/// 3: no such file or user, nothing to read.
pub(crate) const NOTHING_TO_READ: u8 = 3;
/// 4: a table or description cannot be read.
pub(crate) const UNREADABLE_TABLE: u8 = 4;

/// An error with the exit code that it deserves.
#[derive(Debug)]
struct Coded {
    code: u8,
    message: String,
}

impl fmt::Display for Coded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Coded {}

/// An error that ends the run with a code of the contract.
pub(crate) fn error(code: u8, message: impl Into<String>) -> Error {
    Error::new(Coded { code, message: message.into() })
}

/// A mistake on the command line.
pub(crate) fn usage(message: impl Into<String>) -> Error {
    error(USAGE, message)
}

/// 16: the service's answer made no sense.
pub(crate) const NONSENSE: u8 = 16;

/// The exit code of an error: that of the first cause which has one.
pub(crate) fn code_of(error: &Error) -> u8 {
    error.chain().find_map(known_code).unwrap_or(OTHER)
}

fn known_code(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if let Some(coded) = cause.downcast_ref::<Coded>() {
        return Some(coded.code);
    }
    if let Some(error) = cause.downcast_ref::<local_archive::ScanError>() {
        return Some(if error.is_broken_input() { UNREADABLE_TABLE } else { NOTHING_TO_READ });
    }
    if let Some(error) = cause.downcast_ref::<local_archive::TableError>() {
        return Some(if error.is_broken_input() { UNREADABLE_TABLE } else { NOTHING_TO_READ });
    }
    if let Some(error) = cause.downcast_ref::<match_report::FolderError>() {
        return Some(if error.is_broken_input() { UNREADABLE_TABLE } else { NOTHING_TO_READ });
    }
    if let Some(error) = cause.downcast_ref::<write_back::JournalError>() {
        return Some(match error {
            write_back::JournalError::Nothing { .. } => NOTHING_TO_READ,
            write_back::JournalError::Broken { .. } => UNREADABLE_TABLE,
            write_back::JournalError::File { .. } => OTHER,
        });
    }
    if let Some(error) = cause.downcast_ref::<mapillary_api::ApiError>() {
        return Some(code_of_kind(error.kind()));
    }
    if let Some(error) = cause.downcast_ref::<reconcile::tracking::TrackError>() {
        return Some(code_of_kind(error.kind()));
    }
    match cause.downcast_ref::<ReconcileError>()? {
        ReconcileError::Scan(error) => known_code(error),
        ReconcileError::Api(error) => known_code(error),
        ReconcileError::Track(error) => Some(code_of_kind(error.kind())),
        ReconcileError::NoUser | ReconcileError::NoSequence => Some(USAGE),
        _ => Some(OTHER),
    }
}

pub(crate) fn code_of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Usage => USAGE,
        ErrorKind::NotFound => NOTHING_TO_READ,
        ErrorKind::Connection | ErrorKind::OfflineMiss => 12,
        ErrorKind::Timeout => 13,
        ErrorKind::TokenRefused | ErrorKind::TokenMissing => 14,
        ErrorKind::NoSense | ErrorKind::TooMuchData | ErrorKind::Refused => NONSENSE,
        ErrorKind::Blocked => 17,
        ErrorKind::Quota => 25,
        ErrorKind::Stopped => 130,
        ErrorKind::Store => OTHER,
    }
}

/// A file of entities that cannot be read, or not understood.
pub(crate) fn of_entities(error: mapillary_simulator::EntitiesFileError) -> Error {
    let code = match error {
        mapillary_simulator::EntitiesFileError::File { .. } => NOTHING_TO_READ,
        mapillary_simulator::EntitiesFileError::Line { .. } => UNREADABLE_TABLE,
    };
    self::error(code, error.to_string())
}

/// The switch that Ctrl-C turns; whoever sends requests holds a clone.
static INTERRUPT: OnceLock<Cancel> = OnceLock::new();

/// How long requests in flight may take to come home after Ctrl-C.
const DRAIN: Duration = Duration::from_secs(3);

/// The switch that Ctrl-C turns.
pub(crate) fn interrupt() -> Cancel {
    INTERRUPT.get_or_init(Cancel::default).clone()
}

/// Ctrl-C (or SIGTERM) stops new requests, lets those in flight come home and be kept, and ends the process with 130: at once on a
/// second Ctrl-C, after three seconds in any case. Answers are durable before they are used and reports appear only when
/// complete, so nothing is lost.
pub(crate) fn on_interrupt() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            if asked_to_stop().await.is_err() {
                return;
            }
            interrupt().cancel();
            crate::progress::say(
                "tiepoint: interrupted; what was fetched is cached, so run the same command again to continue",
            );
            let _ = tokio::time::timeout(DRAIN, asked_to_stop()).await;
            std::process::exit(130);
        });
    });
}

/// Returns when somebody asks this process to stop.
async fn asked_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// Whether the reader of stdout went away.
pub(crate) fn is_closed_pipe(error: &Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// The error and its causes in one line; a cause that its error already told is not told twice.
pub(crate) fn sentence(error: &Error) -> String {
    let mut told = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if told.is_empty() {
            told = text;
        } else if !told.contains(&text) {
            told = format!("{told}: {text}");
        }
    }
    told
}
