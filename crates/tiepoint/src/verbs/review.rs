//! `tiepoint review`: photos in doubt go out to a person, decisions come back and are kept.

use crate::arguments::Shared;
use crate::exit;
use crate::output::{check, write_to};
use crate::progress::say;
use anyhow::Result;
use clap::{Args, Subcommand};
use match_report::{
    Choice, CsvStyle, Decision, OutputFile, OutputKind, ReportFolder, read_decisions, review_rows, write_decisions,
    write_review,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Decisions about ambiguous photos, out to a person and back; kept across runs
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  tiepoint review export --report ties -o review.csv       a row per candidate; fill in the column `decision`
  tiepoint review export --report ties -o review.geojson   the same for QGIS or JOSM
  tiepoint review import --report ties review.csv          checks the decisions and keeps them in ties/decisions.csv
  tiepoint reconcile ~/rides/2026-05 --out ties --offline  the next run takes them from there

A decision is `yes` in the row of the right candidate, `none` where no image is the photo, or an image id; `no` rules a
candidate out, and a photo whose candidates are all ruled out is none. Nothing filled in: still open.")]
pub(crate) enum Review {
    Export(Export),
    Import(Import),
}

/// Writes the ambiguous photos of a report, a row per candidate
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint review export --report ties -o review.csv
  tiepoint review export --report ties -o review.geojson")]
pub(crate) struct Export {
    /// Folder of the report
    #[arg(long, value_name = "DIR", default_value = "tiepoint-out")]
    report: PathBuf,
    /// Where to write: .csv, .jsonl or .geojson; `-` or nothing is stdout
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Checks decisions and keeps them in the folder of the report
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint review import --report ties review.csv
  tiepoint review import --report ties review.geojson          as edited on a map
  tiepoint review import --report ties review.csv --replace    forgets what was decided before")]
pub(crate) struct Import {
    /// The filled-in review (.csv, .jsonl or .geojson), or other decisions with `path` and `decision`
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder of the report
    #[arg(long, value_name = "DIR", default_value = "tiepoint-out")]
    report: PathBuf,
    /// Forget what was decided before instead of adding to it
    #[arg(long)]
    replace: bool,
}

/// Where a report keeps its decisions.
const KEPT: &str = "decisions.csv";

impl Review {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        match self {
            Self::Export(verb) => verb.run(shared),
            Self::Import(verb) => verb.run(shared),
        }
    }
}

impl Export {
    fn run(&self, shared: &Shared) -> Result<u8> {
        check(self.output.as_deref(), &[OutputKind::Csv, OutputKind::JsonLines, OutputKind::GeoJson])?;
        let folder = ReportFolder::open(&self.report)?;
        let rows = review_rows(&folder, &kept_in(&self.report)?)?;
        if rows.iter().any(match_report::ReviewRow::is_redacted) {
            let words = "is redacted: its ids are pseudonyms, so nobody can look at the candidates; export from the open report";
            return Err(exit::usage(format!("{} {words}", self.report.display())));
        }
        let style = CsvStyle { guard: !shared.matching.no_csv_guard };
        write_to(self.output.as_deref(), |kind, out| write_review(&rows, kind, style, out))?;
        if !shared.talk.quiet {
            say(&match (rows.len(), &self.output) {
                (0, _) => "no photo of this report is ambiguous: nothing to decide".to_owned(),
                (n, Some(file)) => format!(
                    "{n} candidates to look at; fill in `decision` (yes, no, none or an id), then\n  tiepoint review import --report {} {}",
                    self.report.display(),
                    file.display()
                ),
                (n, None) => format!("{n} candidates to look at"),
            });
        }
        Ok(0)
    }
}

impl Import {
    fn run(&self, shared: &Shared) -> Result<u8> {
        let folder = ReportFolder::open(&self.report)?;
        let new = read(&self.file)?;
        let before = if self.replace { Vec::new() } else { kept_in(&self.report)? };
        let n_new = new.len();
        let mut all: BTreeMap<String, Choice> = before.into_iter().map(|d| (d.path, d.choice)).collect();
        all.extend(new.into_iter().map(|d| (d.path, d.choice)));
        let not_listed = self.refuse_conflicts(&folder, &all)?;
        let all: Vec<Decision> = all.into_iter().map(|(path, choice)| Decision { path, choice }).collect();
        let mut file = OutputFile::create(&self.report.join(KEPT))?;
        write_decisions(&all, &mut file)?;
        file.commit()?;
        for words in not_listed {
            say(&format!("warning: {words}"));
        }
        if !shared.talk.quiet {
            say(&format!(
                "{n_new} decisions taken, {} kept in {}; run reconcile or match with the same --out to apply them",
                all.len(),
                self.report.join(KEPT).display()
            ));
        }
        Ok(0)
    }

    /// One image, one photo: against the report and among all decisions. Returns images that the matcher never named.
    fn refuse_conflicts(&self, folder: &ReportFolder, all: &BTreeMap<String, Choice>) -> Result<Vec<String>> {
        let refuse = |words: String| exit::error(exit::UNREADABLE_TABLE, format!("{}: {words}", self.file.display()));
        let mut owner: BTreeMap<u64, &str> = BTreeMap::new();
        for (path, choice) in all {
            if let Choice::Image(id) = choice
                && let Some(other) = owner.insert(id.0, path)
            {
                return Err(refuse(format!(
                    "image {id} is given to {path} and to {other}; an image is one photo: keep one"
                )));
            }
        }
        let (mut seen, mut not_listed) = (0, Vec::new());
        for record in folder.matches()? {
            let record = record?;
            let choice = all.get(&record.path);
            seen += usize::from(choice.is_some());
            if let (None, Some(id)) = (choice, record.image_id)
                && let Some(path) = owner.get(&id.0)
            {
                return Err(refuse(format!(
                    "image {id} is given to {path}, but it is matched to {} (p {:.4}); decide about that photo too, or withdraw",
                    record.path,
                    record.probability.unwrap_or(f64::NAN)
                )));
            }
            if let Some(Choice::Image(id)) = choice
                && record.image_id != Some(*id)
                && record.candidates.iter().all(|(candidate, _)| candidate != id)
            {
                not_listed
                    .push(format!("image {id} is not among the candidates of {}; taken on your word", record.path));
            }
        }
        if seen < all.len() {
            let known: std::collections::BTreeSet<String> =
                folder.matches()?.filter_map(|record| Some(record.ok()?.path)).collect();
            let stranger = all.keys().find(|path| !known.contains(*path)).map_or("", String::as_str);
            return Err(refuse(format!(
                "{stranger} is no file of the report in {}; decisions name files as matches.csv does",
                self.report.display()
            )));
        }
        Ok(not_listed)
    }
}

fn read(file: &Path) -> Result<Vec<Decision>> {
    read_decisions(file).map_err(|error| {
        let code = match error {
            match_report::DecisionError::Read { .. } => exit::NOTHING_TO_READ,
            match_report::DecisionError::Line { .. } => exit::UNREADABLE_TABLE,
        };
        exit::error(code, error.to_string())
    })
}

fn kept_in(folder: &Path) -> Result<Vec<Decision>> {
    let kept = folder.join(KEPT);
    if kept.exists() { read(&kept) } else { Ok(Vec::new()) }
}

/// Decisions of a run: those of the file that was named, else those that the folder of its reports keeps.
pub(crate) fn decisions_of(named: Option<&Path>, out: Option<&Path>) -> Result<Vec<Decision>> {
    match (named, out) {
        (Some(file), _) => read(file),
        (None, Some(folder)) => kept_in(folder),
        (None, None) => Ok(Vec::new()),
    }
}
