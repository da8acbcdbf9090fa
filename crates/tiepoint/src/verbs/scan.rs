//! `tiepoint scan`: what the local photos say, without any network.

use crate::arguments::Shared;
use crate::output::{check, write_to};
use crate::progress::Progress;
use anyhow::Result;
use capture_model::{FileState, LocalArchive, Status};
use clap::Args;
use local_archive::ScanSettings;
use match_report::{CsvStyle, OutputKind, write_scan};
use reconcile::Event;
use std::path::PathBuf;

/// Inventory of photos: one row a file, local sequences as the uploader would cut them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint scan ~/rides/2026-05 -o photos.csv       a folder, recursively
  tiepoint scan day1 day2 extra/IMG_0001.JPG         several at once; CSV on stdout
  tiepoint scan mapillary_image_description.json     what mapillary_tools wrote
  tiepoint scan photos.csv -o photos.jsonl           tables are input as well

The output is valid input of `tiepoint match --local`.")]
pub(crate) struct Scan {
    /// Folders of photos, photos, description files (`-` is stdin), or tables (.csv, .jsonl)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write here instead of stdout; .csv or .jsonl
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Scan {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        check(self.output.as_deref(), &[OutputKind::Csv, OutputKind::JsonLines])?;
        let progress = Progress::new(&shared.talk);
        let archive = scan(&self.paths, &progress)?;
        progress.finish();
        let style = CsvStyle { guard: !shared.matching.no_csv_guard };
        write_to(self.output.as_deref(), |kind, out| write_scan(&archive, kind, style, out))?;
        if !shared.talk.quiet {
            crate::progress::say(&summary(&archive));
        }
        Ok(0)
    }
}

/// Reads local photos and shows how far it is.
pub(crate) fn scan(paths: &[PathBuf], progress: &Progress) -> Result<LocalArchive> {
    let told = |so_far: local_archive::ScanProgress| {
        progress.show(Event::Scanning { found: so_far.files_found, read: so_far.files_read });
    };
    Ok(local_archive::scan(paths, &ScanSettings { progress: &told, ..ScanSettings::default() })?)
}

fn summary(archive: &LocalArchive) -> String {
    let count = |status| {
        let is = |state| matches!(state, FileState::Out(reason) if reason.status() == status);
        archive.files.iter().filter(|file| is(file.state)).count()
    };
    let (rejected, unreadable) = (count(Status::Rejected), count(Status::Unreadable));
    format!(
        "{} local files: {} usable in {} sequences, {rejected} rejected, {unreadable} unreadable; {} other files ignored",
        archive.files.len(),
        archive.files.len() - rejected - unreadable,
        archive.tracks.len(),
        archive.files_ignored,
    )
}
