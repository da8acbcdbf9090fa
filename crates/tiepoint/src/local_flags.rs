//! Flags of the verbs that read photos: what the uploader did with them, and what need not be read again.

use crate::arguments::Shared;
use crate::exit;
use crate::progress::Progress;
use anyhow::Result;
use capture_model::LocalArchive;
use clap::Args;
use local_archive::{GpxTrack, HistoryPlace, ScanOptions, ScanProgress, ScanSettings};
use reconcile::Event;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use uploader_replay::{Rules, Version};

#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Local photos")]
pub(crate) struct LocalFlags {
    /// Upload history of mapillary_tools; `none` looks nowhere [default: where the tool keeps it]
    #[arg(long, value_name = "DIR|none")]
    history: Option<PathBuf>,
    /// Version of mapillary_tools whose rules are replayed [default: that of the newest upload in the history, else the newest]
    #[arg(long, value_name = "VERSION")]
    uploader: Option<Version>,
    /// Place the photos on this recorded track, as `mapillary_tools --geotag_source gpx` does
    #[arg(long, value_name = "FILE.gpx")]
    gpx: Option<PathBuf>,
    /// Seconds that make a camera's clock UTC, such as -7200 for a camera on summer time in Berlin
    #[arg(long, value_name = "SECONDS", requires = "gpx", allow_hyphen_values = true, default_value = "0")]
    gpx_offset: Seconds,
    /// Open every photo again, also those whose size and time of change are the same as last time
    #[arg(long)]
    rescan: bool,
}

impl LocalFlags {
    /// What the scan is asked to do.
    pub(crate) fn options(&self, paths: &[PathBuf], shared: &Shared) -> Result<ScanOptions> {
        paths.iter().try_for_each(|path| crate::parquet::check(path))?;
        let history = match &self.history {
            None => HistoryPlace::Default,
            Some(folder) if folder.as_os_str() == "none" => HistoryPlace::Off,
            Some(folder) => HistoryPlace::At(folder.clone()),
        };
        Ok(ScanOptions {
            rules: self.uploader.map(Rules::of),
            history,
            gpx: self.gpx.clone().map(|path| GpxTrack { path, wall_clock_to_utc_ms: self.gpx_offset.0 }),
            format: crate::parquet::format(),
            recall: if self.rescan { None } else { recall_file(paths, shared) },
        })
    }

    /// Reads local photos, shows how far it is and what could not be entered.
    pub(crate) fn scan(&self, paths: &[PathBuf], shared: &Shared, progress: &Progress) -> Result<LocalArchive> {
        let told = |so_far: ScanProgress| {
            progress.show(Event::Scanning { found: so_far.files_found, read: so_far.files_read });
        };
        let warn = |words: &str| progress.warn(words);
        let settings = ScanSettings { options: self.options(paths, shared)?, progress: &told, warn: &warn };
        Ok(local_archive::scan(paths, &settings)?)
    }
}

/// Where scans of these folders are remembered: beside the response cache, a file for each set of paths. `None` where no
/// folder is scanned, or no cache can be had.
fn recall_file(paths: &[PathBuf], shared: &Shared) -> Option<PathBuf> {
    if !paths.iter().any(|path| path.is_dir()) {
        return None;
    }
    let folder = recall_folder(&shared.network.cache_dir().ok()?);
    std::fs::create_dir_all(&folder).ok()?;
    let mut hasher = DefaultHasher::new();
    paths.iter().map(|path| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone())).for_each(|path| {
        path.hash(&mut hasher);
    });
    Some(folder.join(format!("{:016x}.scan", hasher.finish())))
}

/// The part of the cache that remembers scans.
pub(crate) fn recall_folder(cache: &Path) -> PathBuf {
    cache.join("scans")
}

/// Seconds with up to three decimals, as milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Seconds(i64);

impl FromStr for Seconds {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(seconds) if seconds.abs() < 1e9 => Ok(Self((seconds * 1000.0).round() as i64)),
            _ => Err("seconds are a number, such as -7200".to_owned()),
        }
    }
}

/// Forgets all scans.
pub(crate) fn forget_scans(cache: &Path) -> Result<()> {
    match std::fs::remove_dir_all(recall_folder(cache)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            let folder = recall_folder(cache);
            Err(exit::error(exit::OTHER, format!("cannot delete {}: {error}", folder.display())))
        }
        _ => Ok(()),
    }
}
