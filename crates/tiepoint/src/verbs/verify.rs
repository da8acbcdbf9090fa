//! `tiepoint verify`: how far the service moved images, from a report, from files, or by sequence key from the service.

mod pairs;
mod report;

use crate::arguments::{FailOn, SequenceKey, Shared};
use crate::exit;
use crate::output::{check, write_table};
use crate::progress::{Progress, say};
use crate::verbs::match_tables::read_remote;
use adjustment_audit::{Audit, audit};
use anyhow::Result;
use capture_model::{PublishedImages, SequenceId};
use clap::Args;
use match_report::{CsvStyle, OutputKind, ShiftFigures, SpreadFigures, Table, send_shifts, send_shifts_by_sequence};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;
use tile_cover::Tile;

/// How many devices are told; the summary file holds all.
const DEVICES_TOLD: usize = 10;

/// How far, which way and how oddly the service moved images (adjusted coordinates verified)
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint verify --report tiepoint-out -o shifts.csv --by-sequence sums.csv    what `reconcile` found
  tiepoint verify --remote images.jsonl -o shifts.csv                           entities of the Graph API, or a table
  tiepoint verify --report tiepoint-out -o shifts.geojson                       original and adjusted places, lines between
  tiepoint verify --sequence qx0wK2aBcDeFgHiJkLmNoP -o shifts.csv               over the API (needs a token)
  tiepoint verify --remote original.csv --computed computed.csv -o shifts.csv   tables of `tiepoint coverage`
  tiepoint verify --remote o/14/8188/5448.mvt --computed c/14/8188/5448.mvt     both tilesets; or --tile z/x/y
  tiepoint verify --report tiepoint-out --limit 6m --fail-on moved -q >shifts.csv   ends with 24 if one moved farther
  tiepoint verify --report tiepoint-out --summary moves.json -o shifts.csv      the distribution, also by device

One row per published image: the vector from `geometry` to `computed_geometry` (geodesic), along and across the track,
the residual to the median move of up to five neighbours on each side, the turn of the compass, and flags: moved (> 1 m),
moved_far (> 25 m), jump (residual > 5 m), bad_stretch (three in a row moved far), order_swapped, side_changed,
frozen_receiver (three equal uploaded places while time goes on), not_computed, not_reconstructed (published with the mark
of one that was not), no_move (< 1 mm), upload_differs (the published original is not what the local file says; only with
--report). The computed altitude is another quantity than the uploaded one: shown, never compared.")]
pub(crate) struct Verify {
    #[command(flatten)]
    source: Source,
    /// The computed tileset of the same images: tables of `tiepoint coverage --tileset computed`, or .mvt files
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "remote")]
    computed: Vec<PathBuf>,
    /// Where .mvt files lie whose path does not end in z/x/y.mvt
    #[arg(long, value_name = "z/x/y", requires = "remote")]
    tile: Option<Tile>,
    /// Write a row per image here; `-` or nothing is stdout; .csv, .jsonl, .geojson, or .parquet with that feature
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write a row per published sequence here
    #[arg(long, value_name = "FILE")]
    by_sequence: Option<PathBuf>,
    /// Write the distribution of all moves here, also by device, as JSON
    #[arg(long, value_name = "FILE")]
    summary: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// A folder that `reconcile` or `match --out` wrote
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
    /// Published images: entities (JSON lines, {"data": […]}), a flat table, coverage tables, or .mvt files
    #[arg(long, value_name = "FILE", num_args = 1..)]
    remote: Vec<PathBuf>,
    /// Keys of published sequences, asked for over the API
    #[arg(long, value_name = "KEY", num_args = 1..)]
    sequence: Vec<SequenceKey>,
}

impl Verify {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        check(self.output.as_deref(), &[OutputKind::Csv, OutputKind::JsonLines, OutputKind::GeoJson])?;
        check(self.by_sequence.as_deref(), &[OutputKind::Csv, OutputKind::JsonLines])?;
        let is_stdout = |target: &Option<PathBuf>| target.as_ref().is_none_or(|path| path.as_os_str() == "-");
        if self.by_sequence.is_some() && is_stdout(&self.by_sequence) && is_stdout(&self.output) {
            return Err(exit::usage("stdout cannot take two tables: name a file with -o or with --by-sequence"));
        }
        let progress = Progress::new(&shared.talk);
        let (published, audit) = self.audited(shared, &progress)?;
        progress.finish();
        if published.is_empty() {
            return Err(exit::error(exit::NOTHING_TO_READ, "there is no published image to verify in what was named"));
        }
        let style = CsvStyle { guard: !shared.matching.no_csv_guard };
        write_table(self.output.as_deref(), Table::Shifts, style, |sink| send_shifts(&published, &audit, sink))?;
        if let Some(path) = &self.by_sequence {
            write_table(Some(path), Table::ShiftsBySequence, style, |sink| {
                send_shifts_by_sequence(&published, &audit, sink)
            })?;
        }
        let figures = ShiftFigures::of(&published, &audit);
        if let Some(path) = &self.summary {
            crate::output::write_json(path, &figures)?;
        }
        if !shared.talk.quiet {
            say(&told(&published, &audit, &figures));
        }
        let limit_m = shared.matching.limit.0;
        let is_moved = audit.images.iter().any(|shift| shift.shift_m.is_some_and(|metres| metres > limit_m));
        let fails = is_moved && shared.matching.fail_on.contains(&FailOn::Moved);
        Ok(if fails { FailOn::Moved.exit_code() } else { 0 })
    }

    fn audited(&self, shared: &Shared, progress: &Progress) -> Result<(PublishedImages, Audit)> {
        if let Some(folder) = &self.source.report {
            return report::read(folder);
        }
        let published = if !self.source.sequence.is_empty() {
            fetch(&self.source.sequence, shared, progress)?
        } else if self.computed.is_empty() && !self.source.remote.iter().any(|file| pairs::is_tile(file)) {
            let mut all = PublishedImages::default();
            let mut seen = std::collections::HashSet::new();
            for file in &self.source.remote {
                let images = read_remote(file, progress)?;
                let new = (0..images.len()).filter(|&row| seen.insert(images.id[row]));
                new.for_each(|row| all.push(&images.image(row)));
            }
            all
        } else {
            pairs::read(&self.source.remote, &self.computed, self.tile, progress)?
        };
        let rows: Vec<u32> = (0..published.len() as u32).collect();
        let audit = audit(&published, &rows);
        Ok((published, audit))
    }
}

/// All images of some sequences.
fn fetch(keys: &[SequenceKey], shared: &Shared, progress: &Progress) -> Result<PublishedImages> {
    let keys: Vec<SequenceId> = keys.iter().map(|key| key.0.clone()).collect();
    let store = response_store::ResponseStore::open(&shared.network.cache_dir()?)?;
    let api = mapillary_api::Api::new(shared.network.api_settings()?, Some(Arc::new(store)))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let images = runtime.block_on(api.images_of_sequences(&keys))?.whole()?;
    let mut published = PublishedImages::default();
    images.iter().for_each(|image| published.push(image));
    for key in keys.iter().filter(|key| published.sequences.find(key).is_none()) {
        progress.warn(&format!("sequence {key}: the service shows no image of it (unknown, or not for this token)"));
    }
    Ok(published)
}

/// What the moves amount to, in lines of at most 80 columns.
fn told(published: &PublishedImages, audit: &Audit, figures: &ShiftFigures) -> String {
    let mut text = format!(
        "{} images, {} sequences: {} with an adjusted place",
        figures.images,
        audit.sequences.len(),
        figures.with_computed
    );
    let list = |counts: &BTreeMap<&str, usize>| {
        counts.iter().map(|(word, n)| format!("{n} {word}")).collect::<Vec<_>>().join(", ")
    };
    if figures.rounding_m > 0.0 {
        let rounding_m = figures.rounding_m;
        let _ = write!(text, "\n  places come from tiles: every figure is good to ±{rounding_m:.2} m, their grid");
    }
    let _ = write!(text, "\n  flags: {}", wrapped(&list(&figures.flags)));
    let _ = write!(text, "\n  sequences: {}", wrapped(&list(&figures.sequences)));
    if let Some(moves) = &figures.moves {
        text.push_str("\n  moves in metres            images   median      p90      p99      max");
        let _ = write!(text, "\n  {:24}{}", "all", spread(moves));
        devices_told(figures, &mut text);
    }
    let moved = audit.images.iter().filter(|shift| shift.shift_m.is_some());
    if let Some(shift) = moved.max_by(|a, b| f64::total_cmp(&a.shift_m.unwrap_or(0.0), &b.shift_m.unwrap_or(0.0))) {
        let _ = write!(text, "\n  farthest: image {}", published.id[shift.row as usize]);
    }
    text
}

/// A line for each of the devices that took most.
fn devices_told(figures: &ShiftFigures, text: &mut String) {
    let mut devices: Vec<_> = figures.by_device.iter().collect();
    devices.sort_by_key(|device| std::cmp::Reverse(device.spread.images));
    if devices.iter().all(|device| device.make.is_none() && device.model.is_none()) {
        return; // a report does not tell them
    }
    for device in devices.iter().take(DEVICES_TOLD) {
        let words = [device.make.as_deref(), device.model.as_deref()];
        let name = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let name = if name.is_empty() { "device unknown".to_owned() } else { name.escape_debug().to_string() };
        let name: String = name.chars().take(23).collect();
        let _ = write!(text, "\n  {name:24}{}", spread(&device.spread));
    }
    if devices.len() > DEVICES_TOLD {
        let _ = write!(text, "\n  and {} devices more: see --summary FILE", devices.len() - DEVICES_TOLD);
    }
}

/// Columns of 9 characters, and a blank between them however large a figure is.
fn spread(figures: &SpreadFigures) -> String {
    let SpreadFigures { images, median_m, p90_m, p99_m, max_m } = figures;
    format!("{images:9} {median_m:8.2} {p90_m:8.2} {p99_m:8.2} {max_m:8.2}")
}

/// Breaks a list at its commas before column 80.
fn wrapped(list: &str) -> String {
    let mut text = String::new();
    let mut column = 14;
    for word in list.split_inclusive(", ") {
        if column + word.len() > 80 {
            text.truncate(text.trim_end().len());
            text.push_str("\n    ");
            column = 4;
        }
        text.push_str(word);
        column += word.len();
    }
    text
}
