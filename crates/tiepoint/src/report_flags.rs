//! Flags of the verbs that write reports: for whose eyes they are.

use crate::arguments::Shared;
use crate::exit;
use anyhow::{Context, Result};
use clap::Args;
use match_report::Redaction;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct ReportFlags {
    /// Hide what identifies a person or a place, for posting in a forum: names and ids become pseudonyms, coordinates are
    /// rounded to 0.01°, times are moved; distances and differences stay
    #[arg(long)]
    redact: bool,
    /// File whose bytes decide the pseudonyms of --redact; keep it to yourself [default: redact.key in the cache folder]
    #[arg(long, value_name = "FILE", requires = "redact")]
    redact_key: Option<PathBuf>,
}

impl ReportFlags {
    /// How reports hide things; `None` where nothing is hidden.
    pub(crate) fn redaction(&self, shared: &Shared) -> Result<Option<Redaction>> {
        if !self.redact {
            return Ok(None);
        }
        let secret = match &self.redact_key {
            Some(path) => std::fs::read(path).map_err(|error| {
                exit::error(exit::NOTHING_TO_READ, format!("cannot read {}: {error}", path.display()))
            })?,
            None => own_key(&shared.network.cache_dir()?)?,
        };
        if secret.len() < 16 {
            return Err(exit::usage("a key of --redact has at least 16 bytes: a short one can be guessed"));
        }
        Ok(Some(Redaction::from_secret(&secret)))
    }
}

/// This user's own key, made at the first use: so the pseudonyms of two reports are the same, and nobody else's.
fn own_key(folder: &Path) -> Result<Vec<u8>> {
    let path = folder.join("redact.key");
    if let Ok(key) = std::fs::read(&path) {
        return Ok(key);
    }
    let key: [u8; 32] = rand::random();
    let made = || -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?; // readable by its owner alone
        file.write_all(&key)?;
        file.persist(&path)?;
        Ok(())
    };
    made().with_context(|| {
        format!("cannot keep the key of --redact in {}; name one with --redact-key", path.display())
    })?;
    Ok(key.to_vec())
}
