//! `tiepoint plan`: what a run would ask for; nothing is fetched.

use crate::arguments::{SequenceKey, Shared};
use crate::local_flags::LocalFlags;
use crate::output::print;
use crate::progress::Progress;
use anyhow::Result;
use clap::Args;
use reconcile::{Forecast, Settings, forecast};
use std::fmt::Write;
use std::path::PathBuf;

/// Tiles, requests, megabytes and quota share of a run, before anything is fetched
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint plan ~/rides/2026-05                 how many requests will `reconcile` send?
  tiepoint plan ~/rides/2026-05 --user anna      the same by the user's images
  tiepoint plan photos.csv --tiles mid           only the tile of each track's middle image

Once the tiles are in the cache, the requests for images are counted; before that they are a forecast (\"about\").")]
pub(crate) struct Plan {
    /// Folders of photos, photos, description files (`-` is stdin), or tables
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A sequence that is known to hold the photos; may be given several times
    #[arg(long = "sequence", value_name = "KEY")]
    sequences: Vec<SequenceKey>,
    #[command(flatten)]
    local: LocalFlags,
}

impl Plan {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        let settings = Settings {
            paths: self.paths.clone(),
            scan: self.local.options(&self.paths, shared)?,
            out: PathBuf::new(),
            route: shared.network.route_rule(),
            user: shared.network.user.clone(),
            sequences: self.sequences.iter().map(|key| key.0.clone()).collect(),
            tiles: shared.network.tile_rule(),
            matching: shared.matching.settings()?,
            api: shared.network.api_settings()?,
            cache_dir: Some(shared.network.cache_dir()?),
            csv_guard: true,
            other_tables: None,
            redaction: None,
            basemap: None,
            decisions: Vec::new(),
        };
        let progress = Progress::new(&shared.talk);
        let archive = self.local.scan(&self.paths, shared, &progress)?;
        progress.finish();
        let plan = forecast(&settings, archive.files.len(), &archive.usable_images())?;
        print(&told(&plan))?;
        Ok(0)
    }
}

fn told(plan: &Forecast) -> String {
    let about = |is_exact: bool| if is_exact { "" } else { " (about)" };
    let is_exact = plan.requests.iter().all(|ahead| ahead.is_exact);
    let mut text = String::new();
    let _ = writeln!(text, "local files                  {:>9}", plan.files);
    let _ = writeln!(text, "usable photos                {:>9} in {} sequences", plan.photos, plan.tracks);
    let _ = writeln!(text, "route                        {:>9}", plan.route);
    if plan.tiles > 0 {
        let _ = writeln!(
            text,
            "tiles                        {:>9} ({} of them in the cache)",
            plan.tiles, plan.tiles_in_cache
        );
    }
    if plan.tiles_if_open > 0 {
        let _ = writeln!(text, "tiles, only if needed        {:>9} at most", plan.tiles_if_open);
    }
    for ahead in &plan.requests {
        let _ = writeln!(text, "requests: {:<18} {:>9}{}", ahead.endpoint, ahead.count, about(ahead.is_exact));
    }
    let _ = writeln!(text, "requests in all              {:>9}{}", plan.requests(), about(is_exact));
    let _ = writeln!(text, "to download                  {:>9.1} MB (about)", plan.bytes as f64 / 1e6);
    for quota in &plan.quotas {
        let Some(per_day) = quota.per_day.filter(|&per_day| per_day > 0) else { continue };
        let ahead = plan.requests_of_quota(quota.name) as u64;
        let share = |requests: u64| 100.0 * requests as f64 / per_day as f64;
        let _ = writeln!(
            text,
            "quota: {:<21} {:>9} of {per_day} a day ({:.1} %); spent today: {} ({:.1} %)",
            quota.name,
            ahead,
            share(ahead),
            quota.spent,
            share(quota.spent)
        );
        if quota.spent + ahead > per_day {
            let days = (quota.spent + ahead).div_ceil(per_day);
            let _ = writeln!(text, "  more than today has left: run the same command again on each of {days} days");
        }
    }
    if plan.beyond_mercator > 0 {
        let _ = writeln!(
            text,
            "{} photos lie beyond ±85.0511°, where there are no tiles: they need --user or --sequence",
            plan.beyond_mercator
        );
    }
    text
}
