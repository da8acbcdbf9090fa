//! `tiepoint simulate`: a synthetic archive, and a loopback Mapillary over a file of entities.

use crate::arguments::Shared;
use crate::exit;
use crate::progress::say;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use mapillary_simulator::{Faults, Feeds, SimulatorSettings, entities_of, read_entities_file, start};
use std::path::{Path, PathBuf};
use synthetic_city::{City, CitySpec, Scenario, build};

/// Synthetic archives and a loopback Mapillary
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  tiepoint simulate archive --photos 1000 --seed 7 --out city
  tiepoint simulate serve --entities city/remote.jsonl --port 0 --ready-file url.txt")]
pub(crate) enum Simulate {
    Archive(Archive),
    Serve(Box<Serve>),
}

/// Writes photos with EXIF, the same as a table, the published entities and the truth
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint simulate archive --photos 1000 --seed 7 --out city
  tiepoint simulate archive --photos 500 --seed 7 --scenario clock_offset --out city

Writes photos/, local.csv, remote.jsonl and truth.csv (path, image_id; several ids joined by |).")]
pub(crate) struct Archive {
    /// How many photos, about
    #[arg(long, value_name = "N", default_value_t = 800)]
    photos: usize,
    /// Seed: one seed, one archive
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Folder to write into
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What is odd about the archive
    #[arg(long, value_name = "NAME", default_value_t = Scenario::Demo)]
    scenario: Scenario,
}

/// A loopback Mapillary over a file of entities, until Ctrl-C
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint simulate serve --entities city/remote.jsonl --port 0 --ready-file url.txt --log requests.jsonl
  TIEPOINT_GRAPH_URL=$(cat url.txt) TIEPOINT_TILES_URL=$(cat url.txt) tiepoint reconcile city/photos

Any token of the form MLY|digits|32 hex digits is accepted, but no token on both sides: the feed (`/graphql`) wants its own. The base URL is written to the ready file once it listens.")]
pub(crate) struct Serve {
    /// Entities as JSON lines or {\"data\": […]}
    #[arg(long, value_name = "FILE")]
    entities: PathBuf,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// File that gets the base URL
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Faults and their shares, such as 500:0.1,cut:0.05
    #[arg(long, value_name = "LIST")]
    faults: Option<Faults>,
    /// Request log, a JSON object a line
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Script of the activity feed (JSON), for `tiepoint track`; without it every sequence is one finished upload
    #[arg(long, value_name = "FILE")]
    feed: Option<PathBuf>,
}

impl Simulate {
    pub(crate) fn run(&self, _shared: &Shared) -> Result<u8> {
        match self {
            Self::Archive(archive) => archive.run(),
            Self::Serve(serve) => serve.run(),
        }
    }
}

impl Archive {
    fn run(&self) -> Result<u8> {
        let city = build(&CitySpec { scenario: self.scenario, photos: self.photos, seed: self.seed });
        write_archive(&city, &self.out)?;
        say(&format!(
            "{} photos and {} published images in {}",
            city.photos.len(),
            city.published.len(),
            self.out.display()
        ));
        Ok(0)
    }
}

/// Everything that `simulate archive` writes.
pub(crate) fn write_archive(city: &City, out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    city.write_photos(&out.join("photos"))?;
    city.write_local_csv(&out.join("local.csv"))?;
    city.write_truth_csv(&out.join("truth.csv"))?;
    let mut lines = String::new();
    for entity in entities_of(city.published.iter()) {
        lines.push_str(&entity.to_string());
        lines.push('\n');
    }
    let path = out.join("remote.jsonl");
    std::fs::write(&path, lines).with_context(|| format!("cannot write {}", path.display()))
}

fn read_feeds(path: &Path) -> Result<Feeds> {
    let text = std::fs::read(path)
        .map_err(|error| exit::error(exit::NOTHING_TO_READ, format!("cannot read {}: {error}", path.display())))?;
    serde_json::from_slice(&text)
        .map_err(|error| exit::error(exit::UNREADABLE_TABLE, format!("{}: {error}", path.display())))
}

impl Serve {
    fn run(&self) -> Result<u8> {
        let entities = read_entities_file(&self.entities).map_err(exit::of_entities)?;
        let settings = SimulatorSettings {
            port: self.port,
            faults: self.faults.clone().unwrap_or_default(),
            log: self.log.clone(),
            feeds: self.feed.as_deref().map(read_feeds).transpose()?,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let simulator = start(entities, settings).await?;
            say(&format!("serving on {}; Ctrl-C ends it", simulator.base_url()));
            if let Some(path) = &self.ready_file {
                let beside = path.with_extension("part");
                std::fs::write(&beside, format!("{}\n", simulator.base_url()))?;
                std::fs::rename(&beside, path)?; // whoever waits for the file never reads half of it
            }
            std::future::pending::<()>().await;
            Ok(0)
        })
    }
}
