//! `tiepoint plan`: what a run would ask for; nothing is fetched.

use crate::arguments::Shared;
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
  tiepoint plan photos.csv --tiles mid           only the tile of each track's middle image")]
pub(crate) struct Plan {
    /// Folders of photos, photos, description files (`-` is stdin), or tables
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    local: LocalFlags,
}

impl Plan {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        let settings = Settings {
            paths: self.paths.clone(),
            scan: self.local.options(&self.paths, shared),
            out: PathBuf::new(),
            route: shared.network.route_rule(),
            user: shared.network.user.clone(),
            tiles: shared.network.tile_rule(),
            matching: shared.matching.settings()?,
            api: shared.network.api_settings()?,
            cache_dir: Some(shared.network.cache_dir()?),
            csv_guard: true,
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
    let mut text = String::new();
    let _ = writeln!(text, "local files      {:>9}", plan.files);
    let _ = writeln!(text, "usable photos    {:>9} in {} sequences", plan.photos, plan.tracks);
    let _ = writeln!(text, "route            {:>9}", if plan.by_user { "user" } else { "tiles" });
    let _ = writeln!(text, "tiles            {:>9} ({} of them in the cache)", plan.tiles, plan.tiles_in_cache);
    let _ = writeln!(text, "requests: tiles  {:>9}", plan.tiles - plan.tiles_in_cache);
    let _ = writeln!(text, "requests: images {:>9} (about)", plan.image_requests);
    let _ = writeln!(text, "requests in all  {:>9} (about)", plan.requests());
    let _ = writeln!(text, "to download      {:>9.1} MB (about)", plan.bytes as f64 / 1e6);
    for quota in &plan.quotas {
        let Some(per_day) = quota.per_day.filter(|&per_day| per_day > 0) else { continue };
        let share = 100.0 * quota.spent as f64 / per_day as f64;
        let _ = writeln!(text, "quota {:<10} {:>9} of {per_day} spent today ({share:.1} %)", quota.name, quota.spent);
    }
    if plan.beyond_mercator > 0 {
        let _ = writeln!(
            text,
            "{} photos lie beyond ±85.0511°, where there are no tiles: they need --user",
            plan.beyond_mercator
        );
    }
    text
}
