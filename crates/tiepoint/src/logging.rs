//! Log lines on stderr: none unless asked for, never with a token (the crates that log see redacted URLs only).

use crate::arguments::{LogFormat, Talk};
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging as the flags ask; a second start in one process changes nothing.
pub(crate) fn start(talk: &Talk) {
    let level = match talk.verbose {
        _ if talk.quiet => Level::ERROR,
        0 => Level::WARN,
        1 => Level::INFO,
        _ => Level::DEBUG,
    };
    // Only our own crates speak: the libraries below them may print URLs.
    let own = ["polite_http", "response_store", "mapillary_api", "reconcile", "local_archive", "mapillary_simulator"];
    let targets = own.iter().fold(Targets::new().with_default(LevelFilter::OFF), |t, name| t.with_target(*name, level));
    let registry = tracing_subscriber::registry().with(targets);
    let _ = match talk.log_format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(std::io::stderr).without_time()).try_init(),
        LogFormat::Json => registry.with(fmt::layer().json().with_writer(std::io::stderr)).try_init(),
    };
}
