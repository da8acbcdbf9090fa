//! `tiepoint demo`: the main job on a synthetic city, offline, beside the naive plan on the same archive.

use crate::arguments::Shared;
use crate::ending::{self, Colour};
use crate::exit;
use crate::progress::{Progress, say};
use crate::report_flags::ReportFlags;
use crate::verbs::simulate::write_archive;
use anyhow::{Context, Result};
use capture_model::{ImageId, LocalArchive, LocalImages, Reason, Status};
use clap::Args;
use image_matcher::{MatchOutcome, match_naive};
use local_archive::{HistoryPlace, ScanOptions};
use mapillary_api::ApiSettings;
use mapillary_simulator::{Simulator, SimulatorSettings, entities_of};
use polite_http::Secret;
use reconcile::{Reconciled, RouteRule, Settings, TileRule, reconcile};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use synthetic_city::{City, CitySpec, Scenario, build};
use tile_cover::{Tile, Zoom, mid_tile, tile_at};

/// The folder of a demo holds this file; a folder without it is somebody's own and is left alone.
const MARK: &str = ".tiepoint-demo";

/// Everything at once, offline: a synthetic archive, a loopback Mapillary, the main job, and the naive plan beside it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint demo                                   reports in tiepoint-demo/ties
  tiepoint demo --photos 2000 --seed 42            another, larger city
  tiepoint demo --scenario clock_offset            what a wrong clock does

The archive's clocks are partly wrong, some files are damaged, one folder was never published: as real ones are.")]
pub(crate) struct Demo {
    /// How many photos, about
    #[arg(long, value_name = "N", default_value_t = 800)]
    photos: usize,
    /// Seed: one seed, one city
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// What is odd about the archive
    #[arg(long, value_name = "NAME", default_value_t = Scenario::Demo)]
    scenario: Scenario,
    /// Folder to write into
    #[arg(long, value_name = "DIR", default_value = "tiepoint-demo")]
    out: PathBuf,
    #[command(flatten)]
    reports: ReportFlags,
}

/// How one method did against the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Score {
    matched: usize,
    right: usize,
    ambiguous: usize,
    published: usize,
}

impl Demo {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        self.claim_folder()?;
        let progress = Progress::new(&shared.talk);
        let city = build(&CitySpec { scenario: self.scenario, photos: self.photos, seed: self.seed });
        write_archive(&city, &self.out)?;

        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let entities = entities_of(city.published.iter());
        let simulator = runtime.block_on(mapillary_simulator::start(entities, SimulatorSettings::default()))?;
        let settings = self.settings(shared, &simulator)?;
        let ended = reconcile(&settings, &|event| progress.show(event));
        progress.finish();
        let requests = simulator.requests().len();
        runtime.block_on(simulator.stop());
        let done = ended?;
        if let Some(failure) = done.failure {
            return Err(failure.into());
        }
        if !shared.talk.quiet {
            let report = done.report().redacted_by(settings.redaction.as_ref());
            say(&ending::block(&report, Some(&self.out.join("ties")), true, Colour::of_stderr()));
            say("");
        }
        crate::output::print(&self.summary(&city, &done, requests))?;
        Ok(0)
    }

    /// Takes the folder, or refuses it when it is not a demo's.
    fn claim_folder(&self) -> Result<()> {
        let mark = self.out.join(MARK);
        let is_empty = std::fs::read_dir(&self.out).map_or(true, |mut entries| entries.next().is_none());
        if !is_empty && !mark.exists() {
            let folder = self.out.display();
            return Err(exit::usage(format!(
                "{folder} holds something else than a demo: name another folder with --out DIR"
            )));
        }
        for part in ["photos", "ties", "cache"] {
            match std::fs::remove_dir_all(self.out.join(part)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("cannot clear {}", self.out.join(part).display()));
                }
                _ => {}
            }
        }
        std::fs::create_dir_all(&self.out)
            .and_then(|()| std::fs::write(&mark, "This folder is made anew by `tiepoint demo`.\n"))
            .with_context(|| format!("cannot write into {}", self.out.display()))
    }

    fn settings(&self, shared: &Shared, simulator: &Simulator) -> Result<Settings> {
        let base = url::Url::parse(simulator.base_url()).context("the simulator's own address")?;
        Ok(Settings {
            paths: vec![self.out.join("photos")],
            scan: ScanOptions { history: HistoryPlace::Off, ..ScanOptions::default() },
            out: self.out.join("ties"),
            route: RouteRule::Tiles,
            sequences: Vec::new(),
            user: None,
            tiles: TileRule::Track,
            matching: shared.matching.settings()?,
            api: ApiSettings {
                graph_url: base.clone(),
                tiles_url: base,
                token: Some(Secret::new("MLY|1|00000000000000000000000000000000")), // the simulator's, good for nothing else
                ..ApiSettings::default()
            },
            cache_dir: Some(self.out.join("cache")),
            csv_guard: !shared.matching.no_csv_guard,
            other_tables: None,
            redaction: self.reports.redaction(shared)?,
            basemap: None,
            decisions: Vec::new(),
        })
    }

    fn summary(&self, city: &City, done: &Reconciled, requests: usize) -> String {
        let truth: BTreeMap<&str, &[ImageId]> =
            city.photos.iter().zip(&city.truth).map(|(photo, ids)| (photo.path.as_str(), ids.as_slice())).collect();
        let photos = self.out.join("photos");
        let truth_of = |path: &str| truth.get(within(path, &photos)).copied().unwrap_or_default();
        let published = city.published_columns();
        let ours = score(&done.archive, &done.images, &done.outcome, |row| done.published.id[row], truth_of);
        let naive = match_naive(&done.images, &published);
        let naive = score(&done.archive, &done.images, &naive, |row| published.id[row], truth_of);
        let mut text = String::new();
        let _ = writeln!(
            text,
            "A synthetic city (scenario {}, seed {}): {} local files in {} sequences,\n{} published images, {} of them yours.\n",
            self.scenario,
            self.seed,
            done.archive.files.len(),
            done.archive.tracks.len(),
            city.published.len(),
            ours.published,
        );
        let _ = writeln!(text, "              matched   right   wrong  ambiguous  precision  recall  requests");
        let _ = writeln!(text, "tiepoint      {}", ours.line(requests));
        let _ = writeln!(text, "naive plan A  {}", naive.line(naive_requests(city, &done.images)));
        let _ = writeln!(
            text,
            "\nEvery file has one row and one reason: {}",
            self.out.join("ties").join("matches.csv").display()
        );
        let _ = writeln!(
            text,
            "The map, for any browser:              {}",
            self.out.join("ties").join("report.html").display()
        );
        text
    }
}

impl Score {
    fn line(&self, requests: usize) -> String {
        let share = |part: usize, whole: usize| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
        format!(
            "{:>7} {:>7} {:>7} {:>10} {:>10.4} {:>7.4} {:>9}",
            self.matched,
            self.right,
            self.matched - self.right,
            self.ambiguous,
            share(self.right, self.matched),
            share(self.right, self.published),
            requests
        )
    }
}

/// The part of a path below a folder, as the truth names it.
fn within<'a>(path: &'a str, folder: &Path) -> &'a str {
    folder.to_str().and_then(|folder| path.strip_prefix(folder)).unwrap_or(path).trim_start_matches(['/', '\\'])
}

fn score<'a>(
    archive: &LocalArchive,
    images: &LocalImages,
    outcome: &MatchOutcome,
    id_of: impl Fn(usize) -> u64,
    truth_of: impl Fn(&str) -> &'a [ImageId],
) -> Score {
    let mut score = Score {
        published: archive.files.iter().filter(|file| !truth_of(file.path()).is_empty()).count(),
        ..Score::default()
    };
    for (row, verdict) in outcome.verdicts.iter().enumerate() {
        let truth = truth_of(archive.files.get(images.file[row] as usize).path());
        match (Reason::status(verdict.reason), verdict.image) {
            (Status::Matched, Some(image)) => {
                score.matched += 1;
                score.right += usize::from(truth.contains(&ImageId(id_of(image as usize))));
            }
            (Status::Ambiguous, _) => score.ambiguous += 1,
            _ => {}
        }
    }
    score
}

/// What the naive plan would ask: each track's middle tile, then every sequence in it for its ids, then every image, one by
/// one; nothing twice.
fn naive_requests(city: &City, images: &LocalImages) -> usize {
    let tiles: BTreeSet<Tile> = (0..images.n_tracks())
        .filter_map(|track| {
            let positions: Vec<_> = images.rows_of(track).map(|row| images.position(row)).collect();
            mid_tile(&positions, Zoom::COVERAGE)
        })
        .collect();
    let in_tiles = |image: &&capture_model::PublishedImage| {
        image.original.is_some_and(|position| tiles.contains(&tile_at(position, Zoom::COVERAGE)))
    };
    let sequences: BTreeSet<_> =
        city.published.iter().filter(in_tiles).filter_map(|image| image.sequence.as_ref()).collect();
    let whole =
        city.published.iter().filter(|image| image.sequence.as_ref().is_some_and(|key| sequences.contains(key)));
    tiles.len() + sequences.len() + whole.count()
}
