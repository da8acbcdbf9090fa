//! The files of a run, each complete or absent.

use crate::{ReconcileError, Reconciled, RouteRule, Settings, TileRule};
use adjustment_audit::audit;
use capture_model::{PublishedImages, SequenceId};
use image_matcher::{ClockOffset, Evidence, MatchOutcome, MatchSettings};
use mapillary_api::Usage;
use match_report::{
    CsvStyle, OtherTables, OutputFile, OutputKind, Report, ReportError, ShiftFigures, Summary, Table, TableSink,
    UploadRow, send_matches, send_report_shifts, send_sequences, send_uploads, write_evidence, write_matches_geojson,
    write_report_html, write_summary, write_table,
};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

/// Facts of the run that only the summary may hold.
#[derive(Debug, Clone, Default)]
pub struct RunFacts {
    /// Requests, bytes, cache hits.
    pub usage: Usage,
    /// Seconds by stage.
    pub timings_s: Vec<(&'static str, f64)>,
    /// How far the service moved the images, of a run that verifies them.
    pub shifts: Option<ShiftFigures>,
}

/// Makes the folder of the reports.
pub(crate) fn prepare(folder: &Path) -> Result<(), ReconcileError> {
    std::fs::create_dir_all(folder).map_err(|source| ReconcileError::Out { folder: folder.to_owned(), source })?;
    match_report::sweep(folder);
    // Whether it can be written to is better known before the fetching than after it.
    OutputFile::create(&folder.join("summary.json")).map_err(|error| match error {
        ReportError::File { source, .. } => ReconcileError::Out { folder: folder.to_owned(), source },
        other => other.into(),
    })?;
    Ok(())
}

fn file(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&mut dyn Write) -> Result<(), ReportError>,
) -> Result<(), ReconcileError> {
    let path = folder.join(name);
    let mut out = OutputFile::create(&path)?;
    write(&mut out).map_err(|error| error.at(&path))?;
    out.commit()?;
    Ok(())
}

/// Takes away a report file of an earlier run that this one does not write: beside newer files it would tell what is no more.
fn forget(folder: &Path, name: &str) -> Result<(), ReconcileError> {
    let path = folder.join(name);
    match std::fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(ReconcileError::Out { folder: path, source })
        }
        _ => Ok(()),
    }
}

/// Tables of one folder: as CSV, and in a further format if one is wanted.
struct Tables<'a> {
    folder: &'a Path,
    style: CsvStyle,
    others: Option<OtherTables>,
}

impl Tables<'_> {
    fn write(
        &self,
        table: Table,
        send: &mut dyn FnMut(&mut dyn TableSink) -> Result<(), ReportError>,
    ) -> Result<(), ReconcileError> {
        let name = format!("{}.csv", table.file_stem());
        file(self.folder, &name, |out| write_table(OutputKind::Csv, self.style, out, &mut *send))?;
        match self.others {
            Some(write) => Ok(write(self.folder, table, send)?),
            None => forget(self.folder, &format!("{}.parquet", table.file_stem())),
        }
    }

    /// A table that this run does not write.
    fn forget(&self, table: Table) -> Result<(), ReconcileError> {
        ["csv", "parquet"].iter().try_for_each(|ending| forget(self.folder, &format!("{}.{ending}", table.file_stem())))
    }
}

/// Writes what the matcher alone can say: `matches.csv`, `sequences.csv`, `evidence.jsonl`, `summary.json`; other reports that an
/// earlier run left in the folder are taken away.
pub fn write_match_files(
    folder: &Path,
    report: &Report<'_>,
    evidence: &Evidence,
    style: CsvStyle,
    others: Option<OtherTables>,
    settings: Value,
    facts: &RunFacts,
) -> Result<(), ReconcileError> {
    prepare(folder)?;
    let tables = Tables { folder, style, others };
    tables.forget(Table::Shifts)?;
    tables.forget(Table::Uploads)?;
    ["matches.geojson", "report.html"].iter().try_for_each(|name| forget(folder, name))?;
    write_matches(&tables, report, evidence, settings, facts)
}

fn write_matches(
    tables: &Tables<'_>,
    report: &Report<'_>,
    evidence: &Evidence,
    settings: Value,
    facts: &RunFacts,
) -> Result<(), ReconcileError> {
    let folder = tables.folder;
    tables.write(Table::Matches, &mut |sink| send_matches(report, sink))?;
    tables.write(Table::Sequences, &mut |sink| send_sequences(report, sink))?;
    file(folder, "evidence.jsonl", |out| write_evidence(report, evidence, out))?;
    let mut summary = Summary::new(settings, report);
    let owned = |counts: &std::collections::BTreeMap<&'static str, u64>| {
        counts.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
    };
    summary.requests =
        facts.usage.requests.iter().map(|(endpoint, counts)| ((*endpoint).to_owned(), owned(counts))).collect();
    summary.shifts.clone_from(&facts.shifts);
    summary.bytes = facts.usage.bytes_received;
    summary.cache = owned(&facts.usage.from_store);
    summary.timings_s =
        facts.timings_s.iter().map(|(stage, s)| ((*stage).to_owned(), (s * 1e3).round() / 1e3)).collect();
    file(folder, "summary.json", |out| write_summary(&summary, out))
}

/// Writes all reports of the main job.
pub(crate) fn write(
    settings: &Settings,
    done: &Reconciled,
    uploads: Option<&[UploadRow]>,
    facts: &RunFacts,
) -> Result<(), ReconcileError> {
    let (published, outcome) = (&done.published, &done.outcome);
    let folder = &settings.out;
    let style = CsvStyle { guard: settings.csv_guard };
    let report = done.report().redacted_by(settings.redaction.as_ref());
    let mut shifts = audit(published, &rows_of_matched_sequences(published, outcome));
    shifts.check_uploads(published, report.uploads());
    let facts = RunFacts { shifts: Some(ShiftFigures::of(published, &shifts)), ..facts.clone() };
    let tables = Tables { folder, style, others: settings.other_tables };
    tables.write(Table::Shifts, &mut |sink| send_report_shifts(&report, &shifts, sink))?;
    file(folder, "matches.geojson", |out| write_matches_geojson(&report, out))?;
    file(folder, "report.html", |out| write_report_html(&report, settings.basemap.as_ref(), out))?;
    match uploads {
        Some(uploads) => tables.write(Table::Uploads, &mut |sink| match report.redaction() {
            Some(redaction) => send_uploads(uploads, &mut redaction.before(sink)),
            None => send_uploads(uploads, sink),
        })?,
        None => tables.forget(Table::Uploads)?,
    }
    write_matches(&tables, &report, &done.evidence, settings_told(settings), &facts)
}

/// Images of every sequence that holds a match.
pub(crate) fn rows_of_matched_sequences(published: &PublishedImages, outcome: &MatchOutcome) -> Vec<u32> {
    let matched: Vec<u32> = outcome.verdicts.iter().filter_map(|verdict| verdict.image).collect();
    let sequences: BTreeSet<u32> = matched.iter().map(|&row| published.sequence[row as usize]).collect();
    let is_wanted = |row: &u32| {
        let sequence = published.sequence[*row as usize];
        sequence != PublishedImages::NO_SEQUENCE && sequences.contains(&sequence)
    };
    let mut rows: Vec<u32> = (0..published.len() as u32).filter(is_wanted).collect();
    rows.extend(matched.into_iter().filter(|&row| published.sequence[row as usize] == PublishedImages::NO_SEQUENCE));
    rows
}

/// What was asked, as the summary tells it; no secret is in it.
fn settings_told(settings: &Settings) -> Value {
    let paths: Vec<String> = settings.paths.iter().map(|path| path.display().to_string()).collect();
    let mut told = matching_told(&settings.matching);
    told["paths"] = json!(paths);
    told["route"] = json!(match settings.route {
        RouteRule::Auto => "auto",
        RouteRule::Tiles => "tiles",
        RouteRule::User => "user",
        RouteRule::Sequence => "sequence",
    });
    told["tiles"] = json!(match settings.tiles {
        TileRule::Track => "track",
        TileRule::Mid => "mid",
    });
    told["decisions"] = json!(settings.decisions.len());
    told["user"] = json!(settings.user);
    told["sequences"] = json!(settings.sequences.iter().map(SequenceId::as_str).collect::<Vec<_>>());
    told
}

/// The matcher's settings, as the summary tells them.
pub fn matching_told(settings: &MatchSettings) -> Value {
    let clock_offset = match settings.clock_offset {
        ClockOffset::Auto => json!("auto"),
        ClockOffset::Fixed { offset_ms } => json!(offset_ms as f64 / 1000.0),
    };
    json!({"accept": settings.accept, "review": settings.review, "clock_offset_s": clock_offset})
}
