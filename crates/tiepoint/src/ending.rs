//! The block at the end of a run: what became of the files, and what to do next. Fits 80 columns, and means the same
//! without colour.

use capture_model::{Reason, Status};
use match_report::{Counts, Report};
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;

const COLUMNS: usize = 80;
const BAR: usize = 34;

/// Whether words may be coloured: on a terminal, unless `NO_COLOR` says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Yes,
    No,
}

impl Colour {
    /// What stderr takes.
    pub(crate) fn of_stderr() -> Self {
        let says = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let is_dumb = says("TERM").is_some_and(|term| term == "dumb");
        if says("NO_COLOR").is_none() && !is_dumb && std::io::stderr().is_terminal() { Self::Yes } else { Self::No }
    }

    fn paint(self, status: Status, text: &str) -> String {
        let code = match status {
            Status::Matched => "34",
            Status::Ambiguous => "33",
            Status::Unmatched => "31",
            Status::Rejected => "35",
            Status::Unreadable => "90",
        };
        if self == Self::Yes && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The block. `folder` is that of the reports, for the next steps; `has_page` where it holds `report.html`.
pub(crate) fn block(report: &Report<'_>, folder: Option<&Path>, has_page: bool, colour: Colour) -> String {
    let counts = Counts::of(report);
    let n_sequences = report.archive.tracks.len();
    let mut text = format!("{} files in {n_sequences} local sequences\n", counts.files);
    for status in Status::ALL {
        let n = counts.status.get(status.as_str()).copied().unwrap_or(0);
        if n == 0 && status > Status::Unmatched {
            continue;
        }
        let share = if counts.files == 0 { 0.0 } else { n as f64 / counts.files as f64 };
        let bar = "#".repeat(((share * BAR as f64).ceil() as usize).min(BAR));
        let line = format!("  {:<10} {n:>9} {:>6.1} %  {}", status.as_str(), 100.0 * share, colour.paint(status, &bar));
        text.push_str(line.trim_end());
        text.push('\n');
        if status != Status::Matched
            && let Some(reasons) = counts.reason.get(status.as_str())
        {
            let mut reasons: Vec<(&str, usize)> = reasons.iter().map(|(word, n)| (*word, *n)).collect();
            reasons.sort_by_key(|&(word, n)| (std::cmp::Reverse(n), word));
            wrapped("      ", reasons.into_iter().map(|(word, n)| format!("{n} {word}")), &mut text);
        }
    }
    if n_sequences > 0 {
        let verdicts = counts.sequences.iter().map(|(word, n)| format!("{n} {word}"));
        wrapped("sequences: ", verdicts, &mut text);
    }
    let steps = next_steps(report, &counts, folder, has_page);
    if !steps.is_empty() {
        text.push_str("next:\n");
    }
    for step in steps {
        let _ = writeln!(text, "  {step}");
    }
    text.truncate(text.trim_end().len());
    text
}

/// Parts joined by commas, in lines that fit.
fn wrapped(indent: &str, parts: impl Iterator<Item = String>, text: &mut String) {
    let mut line = indent.to_owned();
    let mut parts = parts.peekable();
    while let Some(mut part) = parts.next() {
        if parts.peek().is_some() {
            part.push(',');
        }
        if line.len() > indent.len() && line.len() + part.len() > COLUMNS {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(indent.len());
        }
        line.push_str(&part);
        line.push(' ');
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// What a person would do now, most useful first; a command that would not fit the line stands without its folder.
fn next_steps(report: &Report<'_>, counts: &Counts, folder: Option<&Path>, has_page: bool) -> Vec<String> {
    let Some(folder) = folder else { return Vec::new() };
    let n_of = |reasons: &[Reason]| {
        let has = |reason: &Reason| counts.reason.get(reason.status().as_str())?.get(reason.as_str()).copied();
        reasons.iter().filter_map(has).sum::<usize>()
    };
    let folder = folder.display().to_string();
    let fitting = |long: String, short: &str| if long.chars().count() + 2 <= COLUMNS { long } else { short.to_owned() };
    let mut steps = Vec::new();
    let failed = n_of(&[Reason::LookupFailed]);
    if failed > 0 {
        steps.push(format!("{failed} lookups failed: run the same command again, it goes on"));
    }
    let page = Path::new(&folder).join("report.html").display().to_string();
    if has_page {
        steps.push(fitting(format!("look at {page}"), "look at report.html in that folder"));
    }
    let ambiguous = counts.status.get("ambiguous").copied().unwrap_or(0);
    if ambiguous > 0 && report.redaction().is_none() {
        let review = format!("decide the ambiguous: tiepoint review export --report {folder} -o review.csv");
        steps.push(fitting(review, "decide the ambiguous: tiepoint review export --report … -o review.csv"));
    }
    let waiting = n_of(&[Reason::NotPublishedYet, Reason::NoCoverage, Reason::PartlyPublished, Reason::Processing]);
    if waiting > 0 {
        steps.push(format!("{waiting} not published (yet): upload them, or run again with --refresh later"));
    }
    if ambiguous + waiting + n_of(&[Reason::InSequenceGap, Reason::DroppedByService]) > 0 {
        let explain = format!("why one photo: tiepoint explain PHOTO --report {folder}");
        steps.push(fitting(explain, "why one photo: tiepoint explain PHOTO --report …"));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture_model::{Column, FileState, LocalArchive, LocalFile, Observation, PublishedImages};
    use image_matcher::MatchOutcome;

    fn with_report(reasons: &[(Reason, usize)], check: impl FnOnce(&Report<'_>)) {
        let mut archive = LocalArchive::default();
        for &(reason, n) in reasons {
            archive.files.extend((0..n).map(|k| LocalFile {
                path: format!("{k}.jpg").into(),
                track: None,
                state: FileState::Out(reason),
                observation: Observation::default(),
                cluster_id: None,
                sent_time: None,
                predicted_drop: None,
                note: None,
            }));
        }
        let images = archive.usable_images();
        let (published, outcome) = (PublishedImages::default(), MatchOutcome::default());
        check(&Report::new(&archive, &images, &published, &outcome, &Column::default(), &[]));
    }

    #[test]
    fn the_block_fits_80_columns_and_means_the_same_without_colour() {
        let unmatched = [
            Reason::NotPublishedYet,
            Reason::PartlyPublished,
            Reason::DroppedDuplicate,
            Reason::DroppedByService,
            Reason::OutsideFetchedTiles,
            Reason::LookupFailed,
        ];
        let mut reasons: Vec<(Reason, usize)> = unmatched.iter().map(|&reason| (reason, 1_000)).collect();
        reasons.extend([(Reason::Damaged, 2), (Reason::RigUndecidable, 7)]);
        with_report(&reasons, |report| {
            let deep = Path::new("a/very/deep/folder/of/reports/that/has/a/long/name/indeed/and/more");
            let plain = block(report, Some(deep), true, Colour::No);
            assert!(plain.lines().all(|line| line.chars().count() <= COLUMNS), "{plain}");
            assert!(!plain.contains('\x1b'), "{plain}");
            for word in ["6009 files", "unmatched", "1000 lookup_failed", "2 damaged", "run the same command", "review"]
            {
                assert!(plain.contains(word), "{word} is missing in\n{plain}");
            }
            let painted = block(report, Some(deep), true, Colour::Yes);
            assert!(painted.contains("\x1b[31m") && painted.contains("\x1b[0m"));
            let mut bare = painted;
            for code in ["\x1b[34m", "\x1b[33m", "\x1b[31m", "\x1b[35m", "\x1b[90m", "\x1b[0m"] {
                bare = bare.replace(code, "");
            }
            assert_eq!(bare, plain);
        });
    }
}
