//! `tiepoint scan`: what the local photos say, without any network.

use crate::arguments::Shared;
use crate::local_flags::LocalFlags;
use crate::output::{check, write_table};
use crate::progress::Progress;
use anyhow::Result;
use capture_model::{FileState, LocalArchive, Status};
use clap::Args;
use match_report::{CsvStyle, OutputKind, Table, send_scan, send_video_points};
use std::path::PathBuf;

/// Inventory of photos: one row a file, local sequences as the uploader would cut them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint scan ~/rides/2026-05 -o photos.csv       a folder, recursively
  tiepoint scan day1 day2 extra/IMG_0001.JPG         several at once; CSV on stdout
  tiepoint scan mapillary_image_description.json     what mapillary_tools wrote
  tiepoint scan mapillary_image_description.json -o files.csv --video-points points.csv   its videos, point by point
  tiepoint scan photos.csv -o photos.jsonl           tables are input as well
  tiepoint scan ~/rides/2026-05 -o photos.geojson   a point per photo, for QGIS and JOSM
  tiepoint scan ride --gpx ride.gpx --gpx-offset -7200   placed on a recorded track; the camera ran on UTC+2
  tiepoint scan ride --uploader 0.12.1               as an older mapillary_tools would cut and drop

The output is valid input of `tiepoint match --local`.")]
pub(crate) struct Scan {
    /// Folders of photos, photos, description files (`-` is stdin), or tables (.csv, .jsonl)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Write here instead of stdout; .csv, .jsonl, .geojson (what has a place), or .parquet with that feature
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the GPS tracks of the videos that a description lists, a row per point; .csv, .jsonl, .geojson, or .parquet with that feature
    #[arg(long, value_name = "FILE")]
    video_points: Option<PathBuf>,
    #[command(flatten)]
    local: LocalFlags,
}

impl Scan {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        for target in [&self.output, &self.video_points] {
            check(target.as_deref(), &[OutputKind::Csv, OutputKind::JsonLines, OutputKind::GeoJson])?;
        }
        let progress = Progress::new(&shared.talk);
        let archive = self.local.scan(&self.paths, shared, &progress)?;
        progress.finish();
        let style = CsvStyle { guard: !shared.matching.no_csv_guard };
        write_table(self.output.as_deref(), Table::Scan, style, |sink| send_scan(&archive, sink))?;
        if let Some(path) = &self.video_points {
            write_table(Some(path), Table::VideoPoints, style, |sink| send_video_points(&archive, sink))?;
        }
        if !shared.talk.quiet {
            crate::progress::say(&summary(&archive));
        }
        Ok(0)
    }
}

fn summary(archive: &LocalArchive) -> String {
    let count = |status| {
        let is = |state| matches!(state, FileState::Out(reason) if reason.status() == status);
        archive.files.iter().filter(|file| is(file.state())).count()
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
