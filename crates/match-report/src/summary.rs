//! `summary.json`: what was run, on what, and how it went. The one file with clocks and durations.

use crate::{Report, ReportError, ShiftFigures};
use capture_model::Reason;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;

/// Version of the file schemas.
const VERSION: u32 = 1;

/// Files by status, and by status and reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All local files.
    pub files: usize,
    /// By status.
    pub status: BTreeMap<&'static str, usize>,
    /// By reason within each status.
    pub reason: BTreeMap<&'static str, BTreeMap<&'static str, usize>>,
    /// Local sequences by verdict.
    pub sequences: BTreeMap<&'static str, usize>,
}

impl Counts {
    /// Counts a report.
    pub fn of(report: &Report<'_>) -> Self {
        let mut counts = Self { files: report.archive.files.len(), ..Self::default() };
        let mut files = vec![0_usize; Reason::ALL.iter().map(|&reason| reason as usize + 1).max().unwrap_or(0)];
        (0..report.archive.files.len()).for_each(|file| files[report.reason_of(file) as usize] += 1);
        for &reason in Reason::ALL {
            let (n, status) = (files[reason as usize], reason.status().as_str());
            if n > 0 {
                *counts.status.entry(status).or_default() += n;
                *counts.reason.entry(status).or_default().entry(reason.as_str()).or_default() += n;
            }
        }
        for track in &report.outcome.tracks {
            *counts.sequences.entry(track.verdict.as_str()).or_default() += 1;
        }
        counts
    }
}

/// The whole file.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Version of the file schemas; see [`Summary::new`].
    version: u32,
    /// What was asked, without any secret.
    pub settings: serde_json::Value,
    /// What became of the files.
    pub counts: Counts,
    /// How far the service moved the images, all together and by device; of a run that verifies them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shifts: Option<ShiftFigures>,
    /// Requests by endpoint and outcome.
    pub requests: BTreeMap<String, BTreeMap<String, u64>>,
    /// Bytes received.
    pub bytes: u64,
    /// Answers that the cache gave.
    pub cache: BTreeMap<String, u64>,
    /// Seconds by stage.
    pub timings_s: BTreeMap<String, f64>,
    /// Files that are no photos by their ending.
    pub files_ignored: u64,
}

impl Summary {
    /// A summary of the present version with what is known of a report; the caller adds requests, bytes and timings.
    pub fn new(mut settings: serde_json::Value, report: &Report<'_>) -> Self {
        if let Some(redaction) = report.redaction() {
            redaction.settings(&mut settings);
        }
        Self {
            version: VERSION,
            settings,
            counts: Counts::of(report),
            shifts: None,
            requests: BTreeMap::new(),
            bytes: 0,
            cache: BTreeMap::new(),
            timings_s: BTreeMap::new(),
            files_ignored: report.archive.files_ignored,
        }
    }
}

/// Writes the summary, indented, keys in a fixed order.
pub fn write_summary(summary: &Summary, out: &mut dyn Write) -> Result<(), ReportError> {
    serde_json::to_writer_pretty(&mut *out, summary)?;
    out.write_all(b"\n")?;
    Ok(())
}
