//! Where results go: stdout, or a file whose ending says what it is. Files appear under their name only when complete.

use crate::{exit, parquet};
use anyhow::Result;
use match_report::{CsvStyle, OutputFile, OutputKind, Report, ReportError, Table, TableSink};
use std::io::{BufWriter, Write};
use std::path::Path;

/// Writes one table or drawing to `-o`: `-` or nothing is stdout (CSV).
pub(crate) fn write_to<E>(
    target: Option<&Path>,
    write: impl FnOnce(OutputKind, &mut dyn Write) -> Result<(), E>,
) -> Result<()>
where
    E: Into<anyhow::Error>,
{
    let Some(path) = target.filter(|path| path.as_os_str() != "-") else {
        let mut out = BufWriter::new(std::io::stdout().lock());
        write(OutputKind::Csv, &mut out).map_err(Into::into)?;
        return Ok(out.flush()?);
    };
    let kind = kind_of(path)?;
    if is_stream(path) {
        let mut out = BufWriter::new(std::fs::OpenOptions::new().write(true).open(path)?);
        write(kind, &mut out).map_err(Into::into)?;
        return Ok(out.flush()?);
    }
    let mut file = OutputFile::create(path)?;
    write(kind, &mut file).map_err(Into::into)?;
    file.commit()?;
    Ok(())
}

/// Whether a path is a pipe or device (`/dev/null`, `>(gzip)`), which is written to where it stands and has no ending.
fn is_stream(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|facts| !facts.is_file() && !facts.is_dir())
}

/// Writes one table to `-o`, in the format that its ending says.
pub(crate) fn write_table(
    target: Option<&Path>,
    table: Table,
    style: CsvStyle,
    mut send: impl FnMut(&mut dyn TableSink) -> Result<(), ReportError>,
) -> Result<()> {
    match target {
        Some(path) if parquet::is_parquet(path) => Ok(parquet::write(path, table, &mut send)?),
        _ => write_to(target, |kind, out| match_report::write_table(kind, style, out, send)),
    }
}

/// Whether a file is GPX by its ending.
pub(crate) fn is_gpx(target: Option<&Path>) -> bool {
    target.and_then(Path::extension).is_some_and(|ending| ending.eq_ignore_ascii_case("gpx"))
}

/// Writes the places of a report as GPX.
pub(crate) fn write_gpx(path: &Path, report: &Report<'_>) -> Result<()> {
    let mut file = OutputFile::create(path)?;
    match_report::write_matches_gpx(report, &mut file)?;
    Ok(file.commit()?)
}

/// Refuses, before any work is done, a file whose ending says a kind that the verb does not write, and one that cannot be
/// written.
pub(crate) fn check(target: Option<&Path>, kinds: &[OutputKind]) -> Result<()> {
    let Some(path) = target.filter(|path| path.as_os_str() != "-") else { return Ok(()) };
    if parquet::is_parquet(path) && kinds.contains(&OutputKind::JsonLines) {
        return parquet::check(path); // what writes JSON lines is a table
    }
    if kinds.contains(&kind_of(path)?) {
        if !is_stream(path) {
            drop(OutputFile::create(path)?); // found now rather than at the end of a long run
        }
        return Ok(());
    }
    let endings: Vec<&str> = kinds
        .iter()
        .map(|kind| match kind {
            OutputKind::Csv => ".csv",
            OutputKind::JsonLines => ".jsonl",
            OutputKind::GeoJson => ".geojson",
        })
        .collect();
    Err(exit::usage(format!("{}: this verb writes {}", path.display(), endings.join(", "))))
}

/// What a file's ending says; an ending that no table has is a mistake on the command line.
pub(crate) fn kind_of(path: &Path) -> Result<OutputKind> {
    let kind = OutputKind::of(path).or_else(|| is_stream(path).then_some(OutputKind::Csv));
    kind.ok_or_else(|| {
        exit::usage(format!(
            "{}: the ending says no known kind; use .csv, .jsonl, .geojson or (with the feature parquet) .parquet",
            path.display()
        ))
    })
}

/// Writes a value as indented JSON: `-` is stdout, anything else a file that appears when it is complete.
pub(crate) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)? + "\n";
    if path.as_os_str() == "-" {
        return print(&text);
    }
    let mut file = OutputFile::create(path)?;
    file.write_all(text.as_bytes())?;
    Ok(file.commit()?)
}

/// Prints a text for people on stdout.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}
