//! `tiepoint match`: the matcher alone, from tables.

use crate::arguments::Shared;
use crate::ending::{self, Colour};
use crate::exit;
use crate::lists::ListFlags;
use crate::local_flags::LocalFlags;
use crate::output::{check, is_gpx, write_gpx, write_table, write_to};
use crate::parquet::ParquetFlag;
use crate::progress::{Progress, say};
use crate::report_flags::ReportFlags;
use crate::verbs::review::decisions_of;
use anyhow::Result;
use capture_model::{Column, PublishedImages, Route};
use clap::{Args, ValueEnum};
use image_matcher::{Evidence, Lookup, MatchSettings, match_images, match_naive, match_with_evidence};
use match_report::{CsvStyle, OutputKind, Report, Table, apply_decisions, send_matches, write_matches_geojson};
use reconcile::{Event, RunFacts, TilePlan, TileRule, matching_told, write_match_files};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use tile_cover::{Zoom, tile_at};

/// Which published image is each local photo, from tables, without any network
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint match --local photos.csv --remote images.jsonl -o matches.csv
  tiepoint match --local ~/rides/2026-05 --remote coverage.csv --out ties
  tiepoint match --local photos.csv --remote images.jsonl --clock-offset -3600 -o -
  tiepoint match --local photos.csv --remote images.jsonl --out ties --list-unmatched left.txt
  tiepoint match --local photos.csv --remote images.jsonl -o matches.gpx             waypoints and tracks for JOSM
  tiepoint match --local photos.csv --remote images.jsonl --method naive -o naive.csv     for comparison

--local takes what `tiepoint scan` takes or writes. --remote takes entities of the Graph API (JSON lines or
{\"data\": […]}), the output of `tiepoint coverage`, or a flat table.")]
pub(crate) struct Match {
    /// Local photos: a table, a folder, a description file
    #[arg(long, value_name = "FILE|DIR")]
    local: PathBuf,
    /// Published images: entities, coverage output, or a flat table
    #[arg(long, value_name = "FILE")]
    remote: PathBuf,
    /// Write the matches here: .csv, .jsonl, .geojson, .gpx, or .parquet with that feature; `-` or nothing is stdout
    #[arg(short, long, value_name = "FILE", conflicts_with = "out")]
    output: Option<PathBuf>,
    /// Write matches.csv, sequences.csv and summary.json into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How photos are matched
    #[arg(long, value_enum, default_value_t = Method::Tiepoint)]
    method: Method,
    /// Decisions of a person about ambiguous photos [default: decisions.csv in the folder of --out]
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    #[command(flatten)]
    reports: ReportFlags,
    #[command(flatten)]
    flags: LocalFlags,
    #[command(flatten)]
    lists: ListFlags,
    #[command(flatten)]
    parquet: ParquetFlag,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Clocks voted, sequences first, one to one, doubt stated
    Tiepoint,
    /// The nearest image within 10 m, 1 s and 10 m of altitude, clocks read as UTC
    Naive,
}

impl Match {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        let settings = shared.matching.settings()?;
        if !is_gpx(self.output.as_deref()) {
            check(self.output.as_deref(), &[OutputKind::Csv, OutputKind::JsonLines, OutputKind::GeoJson])?;
        }
        let is_stdout = self.output.as_ref().is_none_or(|path| path.as_os_str() == "-");
        self.lists.check(self.out.is_none() && is_stdout)?;
        if self.method == Method::Naive && self.lists.wants_safe_to_delete() {
            return Err(exit::usage("--safe-to-delete needs --method tiepoint: the naive method weighs no evidence"));
        }
        let others = self.parquet.others()?;
        let decisions = decisions_of(self.decisions.as_deref(), self.out.as_deref())?;
        let redaction = self.reports.redaction(shared)?;
        let progress = Progress::new(&shared.talk);
        drop(open(&self.remote)?); // a name that is wrong is told before anything is read and counted
        let scan = || self.flags.scan(std::slice::from_ref(&self.local), shared, &progress);
        // both sides at once, unless the local one is not even there
        let (archive, remote) = match File::open(&self.local) {
            Ok(_) => rayon::join(scan, || read_remote_tiles(&self.remote)),
            Err(_) => (Ok(scan()?), read_remote_tiles(&self.remote)),
        };
        let mut archive = archive?;
        local_archive::set_copies_aside(&mut archive, &|words| progress.warn(words));
        let images = archive.usable_images();
        progress.show(Event::Scanned {
            files: archive.files.len(),
            usable: images.len(),
            tracks: images.n_tracks_with_rows(),
        });
        let Remote { images: published, tiles, problems } = remote?;
        problems.iter().for_each(|words| progress.warn(words));
        progress.show(Event::Matching { photos: images.len(), images: published.len() });
        let is_read =
            |row: usize| tiles.is_empty() || tiles.contains(&tile_at(images.position(row), Zoom::COVERAGE).to_string());
        let lookup = |row| if is_read(row) { Lookup::Complete } else { Lookup::OutsideTiles };
        let lookups: Vec<Lookup> = (0..images.len()).map(lookup).collect();
        let (mut outcome, evidence) = match self.method {
            Method::Tiepoint if self.out.is_some() => match_with_evidence(&images, &published, &lookups, &settings),
            Method::Tiepoint => (match_images(&images, &published, &lookups, &settings), Evidence::default()),
            Method::Naive => (match_naive(&images, &published), Evidence::default()),
        };
        let (decided, refused) = apply_decisions(&archive, &images, &published, &mut outcome, &decisions);
        refused.iter().for_each(|words| progress.warn(words));
        let has_sequences = self.out.is_some(); // no other output names tiles
        let track_tiles = has_sequences.then(|| TilePlan::new(&images, TileRule::Track).names_of_tracks());
        let track_tiles = track_tiles.unwrap_or_default();
        let routes = Column::same(Route::Table, published.len());
        let report =
            Report::new(&archive, &images, &published, &outcome, &routes, &track_tiles).redacted_by(redaction.as_ref());
        let style = CsvStyle { guard: !shared.matching.no_csv_guard };
        match &self.out {
            Some(folder) => {
                progress.show(Event::Writing);
                write_match_files(
                    folder,
                    &report,
                    &evidence,
                    style,
                    others,
                    self.told(&settings),
                    &RunFacts::default(),
                )?;
            }
            None if is_gpx(self.output.as_deref()) => {
                self.output.as_deref().map_or(Ok(()), |path| write_gpx(path, &report))?;
            }
            None if self.output.as_deref().and_then(OutputKind::of) == Some(OutputKind::GeoJson) => {
                write_to(self.output.as_deref(), |_, out| write_matches_geojson(&report, out))?;
            }
            None => {
                write_table(self.output.as_deref(), Table::Matches, style, |sink| send_matches(&report, sink))?;
            }
        }
        self.lists.write(&report, || (0..published.len() as u32).collect())?;
        progress.finish();
        if !shared.talk.quiet {
            say(&ending::block(&report, self.out.as_deref(), false, Colour::of_stderr()));
            if decided > 0 {
                say(&format!("{decided} photos decided by a person"));
            }
        }
        let code = super::fail_on_code(&shared.matching, &report);
        // the process ends: giving back millions of rows one by one costs more than leaving them
        std::mem::forget((archive, images, published, outcome));
        Ok(code)
    }
}

impl Match {
    /// What was asked, for the summary.
    fn told(&self, settings: &MatchSettings) -> serde_json::Value {
        let mut told = matching_told(settings);
        told["local"] = self.local.display().to_string().into();
        told["remote"] = self.remote.display().to_string().into();
        told["method"] = if self.method == Method::Naive { "naive" } else { "tiepoint" }.into();
        told
    }
}

/// Published images of a file: entities of the Graph API, `coverage` output, or a flat table.
pub(crate) fn read_remote(path: &Path, progress: &Progress) -> Result<PublishedImages> {
    let remote = read_remote_tiles(path)?;
    remote.problems.iter().for_each(|words| progress.warn(words));
    Ok(remote.images)
}

/// The published side of a file.
struct Remote {
    images: PublishedImages,
    /// Names of the tiles that they come from: what lies outside of them was not looked at. None where nothing says so.
    tiles: BTreeSet<String>,
    /// What could not be read, in words.
    problems: Vec<String>,
}

fn read_remote_tiles(path: &Path) -> Result<Remote> {
    crate::parquet::check(path)?;
    if crate::parquet::is_parquet(path) || !is_entities(path)? {
        let (images, tiles) = local_archive::read_published_tiles(path, crate::parquet::format())?;
        return Ok(Remote { images, tiles, problems: Vec::new() });
    }
    let entities = mapillary_api::read_entities(open(path)?)
        .map_err(|error| exit::error(exit::UNREADABLE_TABLE, format!("{}: {error}", path.display())))?;
    let first = entities.problems.iter().take(10);
    let told = first.map(|problem| format!("{} line {}: {}", path.display(), problem.line, problem.reason));
    let mut problems: Vec<String> = told.collect();
    if entities.n_problems > 10 {
        problems.push(format!("{}: {} more like these", path.display(), entities.n_problems - 10));
    }
    let mut images = PublishedImages::default();
    entities.images.iter().for_each(|image| images.push(image));
    Ok(Remote { images, tiles: BTreeSet::new(), problems })
}

fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path)
        .map_err(|error| exit::error(exit::NOTHING_TO_READ, format!("cannot read {}: {error}", path.display())))?;
    if file.metadata().is_ok_and(|known| known.is_dir()) {
        let what = "a folder: name a table, a file of entities or the output of `tiepoint coverage`";
        return Err(exit::error(exit::NOTHING_TO_READ, format!("{} is {what}", path.display())));
    }
    Ok(BufReader::new(file))
}

/// Entities nest their places, or have none, and stand in JSON lines, an array or `{"data": […]}`; everything else is a flat
/// table: CSV, flat JSON lines, the points of a drawing.
fn is_entities(path: &Path) -> Result<bool> {
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv")) {
        return Ok(false);
    }
    let mut head = Vec::new();
    open(path)?.take(64 * 1024).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    let begins = head.trim_start_matches('\u{feff}').trim_start();
    let Some(first) = begins.strip_prefix('{').map(str::trim_start) else { return Ok(begins.starts_with('[')) };
    let is_drawing = first.starts_with("\"features\"") || head.contains("\"FeatureCollection\"");
    let has = |names: &[&str]| names.iter().any(|name| head.contains(&format!("\"{name}\"")));
    let is_flat = has(&["longitude", "lon", "lng", "computed_longitude", "computed_lon", "computed_lng"]);
    Ok(!is_drawing && (first.starts_with("\"data\"") || has(&["geometry", "computed_geometry"]) || !is_flat))
}
