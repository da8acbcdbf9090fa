//! `tiepoint reconcile`: the main job.

use crate::arguments::{SequenceKey, Shared};
use crate::ending::{self, Colour};
use crate::exit;
use crate::feed_flags::{FeedFlags, WatchFlags, code_of};
use crate::lists::ListFlags;
use crate::local_flags::LocalFlags;
use crate::output::write_gpx;
use crate::parquet::ParquetFlag;
use crate::progress::{Progress, say};
use crate::report_flags::ReportFlags;
use crate::verbs::review::decisions_of;
use anyhow::Result;
use capture_model::LocalArchive;
use clap::Args;
use local_archive::read_cluster_table;
use mapillary_api::ErrorKind;
use match_report::Basemap;
use polite_http::SystemClock;
use reconcile::tracking::{TrackSettings, Tracking, reconcile_tracked};
use reconcile::{Event, Settings, reconcile};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The main job: scan, plan, fetch, match, verify, report
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  export MAPILLARY_ACCESS_TOKEN=…                            (or --token-file FILE)
  tiepoint reconcile ~/rides/2026-05                          reports in tiepoint-out/
  tiepoint reconcile ~/rides/2026-05 --out ties --user anna   asks for anna's images first, then for tiles of what is left
  tiepoint reconcile photos.csv --out ties                    a table instead of photos
  tiepoint reconcile ride --sequence QztYSJSr-EanBuImZ1ClSw   the sequence is known: one request
  tiepoint reconcile ~/rides/2026-05 --offline                the same again from the cache, no token
  tiepoint reconcile ~/rides/2026-05 --offline --redact --out forum    the same for strangers' eyes
  tiepoint reconcile ~/rides --list-unmatched left.txt        what is not known to be published, a path a line
  tiepoint reconcile ~/rides --track --safe-to-delete - -0 -q | xargs -0 ls -l    what the service surely holds
  tiepoint reconcile ~/rides --user anna --track --feed-token-file feed.txt    why is it not there: in work, failed?
  tiepoint reconcile ~/rides --user anna --track --watch --timeout 3d          until it is there: 0, 22 or 23
  tiepoint reconcile ~/rides --max-requests 500               stops with 25; run again to go on

Writes matches.csv (one row a file), sequences.csv, shifts.csv, matches.geojson, report.html, evidence.jsonl (for
`explain` and `review`) and summary.json; with --track uploads.csv as well.")]
pub(crate) struct Reconcile {
    /// Folders of photos, photos, description files (`-` is stdin), or tables (.csv, .jsonl)
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A sequence that is known to hold the photos; may be given several times
    #[arg(long = "sequence", value_name = "KEY")]
    sequences: Vec<SequenceKey>,
    /// Folder of the reports
    #[arg(long, value_name = "DIR", default_value = "tiepoint-out")]
    out: PathBuf,
    /// Write waypoints and tracks of the local, published and computed places here, for JOSM
    #[arg(long, value_name = "FILE.gpx", conflicts_with = "redact")]
    gpx_out: Option<PathBuf>,
    /// Decisions of a person about ambiguous photos [default: decisions.csv in the folder of the reports]
    #[arg(long, value_name = "FILE")]
    decisions: Option<PathBuf>,
    /// Put map tiles of OpenStreetMap, or of another server, behind the photos of report.html: the page then asks the network
    #[arg(long, value_name = "URL", num_args = 0..=1, require_equals = true, default_missing_value = Basemap::OPENSTREETMAP)]
    basemap: Option<Basemap>,
    #[command(flatten)]
    reports: ReportFlags,
    #[command(flatten)]
    local: LocalFlags,
    #[command(flatten)]
    lists: ListFlags,
    #[command(flatten)]
    parquet: ParquetFlag,
    /// Say where each upload stands, and ask what became of those that are not published (stages need --user and a feed token)
    #[arg(long)]
    track: bool,
    /// Table of uploads: cluster_id, and path or sequence; the upload history is read anyway
    #[arg(long, value_name = "FILE", requires = "track")]
    clusters: Option<PathBuf>,
    #[command(flatten)]
    watching: WatchFlags,
    #[command(flatten)]
    feed: FeedFlags,
}

impl Reconcile {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        self.lists.check(false)?;
        let settings = Settings {
            paths: self.paths.clone(),
            scan: self.local.options(&self.paths, shared)?,
            out: self.out.clone(),
            route: shared.network.route_rule(),
            user: shared.network.user.clone(),
            sequences: self.sequences.iter().map(|key| key.0.clone()).collect(),
            tiles: shared.network.tile_rule(),
            matching: shared.matching.settings()?,
            api: shared.network.api_settings()?,
            cache_dir: Some(shared.network.cache_dir()?),
            csv_guard: !shared.matching.no_csv_guard,
            other_tables: self.parquet.others()?,
            redaction: self.reports.redaction(shared)?,
            basemap: self.basemap.clone(),
            decisions: decisions_of(self.decisions.as_deref(), Some(&self.out))?,
        };
        let progress = Progress::new(&shared.talk);
        let told = |event: Event<'_>| progress.show(event);
        let (done, outcome) = if self.track || self.watching.watch {
            let tracking = self.tracking(&settings, shared, &progress)?;
            let ended = reconcile_tracked(&settings, &tracking, &(Arc::new(SystemClock::default()) as _), &told);
            progress.finish();
            let run = ended?;
            (run.done, run.outcome)
        } else {
            let ended = reconcile(&settings, &told);
            progress.finish();
            (ended?, None)
        };
        let report = done.report().redacted_by(settings.redaction.as_ref());
        self.gpx_out.as_deref().map_or(Ok(()), |path| write_gpx(path, &report))?;
        self.lists.write(&report, || done.rows_of_matched_sequences())?;
        if !shared.talk.quiet {
            let (sent, stored) = (done.usage.requests_sent(), done.usage.answered_from_store());
            say(&ending::block(&report, Some(&self.out), true, Colour::of_stderr()));
            if done.decided > 0 {
                say(&format!("{} photos decided by a person", done.decided));
            }
            say(&format!("{sent} requests sent, {stored} answers from the cache; reports in {}", self.out.display()));
        }
        let code = super::fail_on_code(&shared.matching, &report);
        if let Some(outcome) = outcome {
            return Ok(code_of(outcome));
        }
        match done.failure {
            // The reports are there, but some lookups are open: the same command goes on where this one stopped.
            // What the tiles show and a list denies is no mistake of the caller's.
            Some(failure) if failure.kind() == ErrorKind::NotFound => {
                Err(exit::error(exit::NONSENSE, failure.to_string()))
            }
            Some(failure) => Err(failure.into()),
            None => Ok(code),
        }
    }

    /// How uploads are tracked; the photos name them.
    fn tracking(&self, settings: &Settings, shared: &Shared, progress: &Progress) -> Result<Tracking> {
        let feed = if self.track { self.feed.settings(&settings.api)? } else { None };
        if feed.is_some() && settings.user.is_none() {
            return Err(exit::usage("the feed is a user's: name the uploader with --user NAME"));
        }
        if self.track && feed.is_none() {
            progress.warn("no feed token: stages stay unknown, what is published is found by documented calls alone");
        }
        let clusters = self.clusters.as_deref().map(read_cluster_table).transpose()?.unwrap_or_default();
        let track = TrackSettings {
            user: settings.user.clone().unwrap_or_default(),
            feed,
            api: settings.api.clone(),
            cache_dir: settings.cache_dir.clone(),
            wanted: Vec::new(),
            lists_newest: false,
            known: BTreeMap::new(),
            past: LocalArchive::default(),
            not_before: None,
            most: usize::MAX,
        };
        Ok(Tracking { track, clusters, watch: self.watching.settings(&settings.api, shared) })
    }
}
