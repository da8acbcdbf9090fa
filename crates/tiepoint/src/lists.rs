//! `--list-matched FILE` and its kin: paths and image ids for other programs, one a line or NUL-separated.
//!
//! A path is written as the bytes that the file has, so that `xargs -0` finds it. A path that holds a line break would be
//! two lines, and so another file's name: without `-0` it is left out, and that is said.

use crate::exit;
use crate::progress::say;
use anyhow::Result;
use clap::Args;
use local_archive::path_of_row;
use match_report::{FileList, OutputFile, Report};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where lists go.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Lists")]
pub(crate) struct ListFlags {
    /// Write the paths of matched files here; `-` is stdout
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    list_matched: Option<PathBuf>,
    /// Write the paths of files that are not known to be published here: unmatched, rejected and unreadable ones
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    list_unmatched: Option<PathBuf>,
    /// Write the paths of files with candidates of which none is sure here
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    list_ambiguous: Option<PathBuf>,
    /// Write the ids of published images that no local file is, or may be, here
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    list_remote_only: Option<PathBuf>,
    /// Write the paths of files here that the service surely holds: exact, read as an entity, p >= 0.999, nothing else
    /// like it on either side, and its upload finished by what the tracker says: the
    /// feed, or that the tiles show its sequences (needs `reconcile --track`)
    #[arg(long, value_name = "FILE", hide_short_help = true, conflicts_with = "redact")]
    safe_to_delete: Option<PathBuf>,
    /// End each entry of a list with NUL instead of a line break
    #[arg(short = '0', long, hide_short_help = true)]
    print0: bool,
}

impl ListFlags {
    fn file_lists(&self) -> [(FileList, Option<&Path>); 4] {
        [
            (FileList::Matched, self.list_matched.as_deref()),
            (FileList::Unmatched, self.list_unmatched.as_deref()),
            (FileList::Ambiguous, self.list_ambiguous.as_deref()),
            (FileList::SafeToDelete, self.safe_to_delete.as_deref()),
        ]
    }

    /// Refuses, before any work is done, two outputs on stdout and lists that cannot be written. A verb that writes a table on
    /// stdout says so.
    pub(crate) fn check(&self, own_table_on_stdout: bool) -> Result<()> {
        let lists = self.file_lists();
        let targets: Vec<&Path> =
            lists.iter().filter_map(|(_, target)| *target).chain(self.list_remote_only.as_deref()).collect();
        let on_stdout = targets.iter().filter(|target| is_stdout(target)).count() + usize::from(own_table_on_stdout);
        if on_stdout > 1 {
            return Err(exit::usage("stdout takes one output: name files for the others"));
        }
        for target in targets.iter().filter(|target| !is_stdout(target)) {
            drop(OutputFile::create(target)?); // found now rather than at the end of a long run
        }
        Ok(())
    }

    /// Whether files that may be deleted are asked for.
    pub(crate) fn wants_safe_to_delete(&self) -> bool {
        self.safe_to_delete.is_some()
    }

    /// Writes the lists that were asked for. `published` are the rows in which images without a local file are looked
    /// for.
    pub(crate) fn write(&self, report: &Report<'_>, published: impl FnOnce() -> Vec<u32>) -> Result<()> {
        for (list, target) in self.file_lists() {
            let Some(target) = target else { continue };
            let files = report.files_of(list);
            if list == FileList::SafeToDelete && files.is_empty() {
                let name = if is_stdout(target) { "--safe-to-delete".into() } else { target.display().to_string() };
                say(&format!("{name}: empty, because {}", why_none_is_safe(report)));
            }
            let entries = files.into_iter().map(|file| {
                let file = report.archive.files.get(file);
                match report.redaction() {
                    Some(redaction) => redaction.path(file.path()).into_bytes(),
                    None => path_of_row(file.path(), file.note().unwrap_or("")).into_os_string().into_encoded_bytes(),
                }
            });
            let n_left_out = self.write_one(target, entries)?;
            if n_left_out > 0 {
                say(&format!(
                    "{}: {n_left_out} paths hold a line break and are left out; use -0 to have them",
                    target.display()
                ));
            }
        }
        if let Some(target) = &self.list_remote_only {
            let rows = report.remote_only(&published());
            let shown = |id| report.redaction().map_or(id, |redaction| redaction.id(id));
            let mut ids: Vec<u64> = rows.iter().map(|&row| shown(report.published.id[row as usize])).collect();
            ids.sort_unstable();
            self.write_one(target, ids.into_iter().map(|id| id.to_string().into_bytes()))?;
        }
        Ok(())
    }

    /// Returns how many entries could not be written as a line.
    fn write_one(&self, target: &Path, entries: impl Iterator<Item = Vec<u8>>) -> Result<usize> {
        if is_stdout(target) {
            let mut out = BufWriter::new(std::io::stdout().lock());
            let n_left_out = self.write_entries(entries, &mut out)?;
            out.flush()?;
            return Ok(n_left_out);
        }
        let mut file = OutputFile::create(target)?;
        let n_left_out = self.write_entries(entries, &mut file)?;
        file.commit()?;
        Ok(n_left_out)
    }

    fn write_entries(&self, entries: impl Iterator<Item = Vec<u8>>, out: &mut dyn Write) -> std::io::Result<usize> {
        let end: &[u8] = if self.print0 { b"\0" } else { b"\n" };
        let mut n_left_out = 0;
        for entry in entries {
            if entry.iter().any(|byte| if self.print0 { *byte == 0 } else { matches!(byte, b'\n' | b'\r') }) {
                n_left_out += 1;
                continue;
            }
            out.write_all(&entry)?;
            out.write_all(end)?;
        }
        Ok(n_left_out)
    }
}

/// Why no file may be deleted, and what would change that.
fn why_none_is_safe(report: &Report<'_>) -> String {
    let n_waiting = report.safe_once_finished().len();
    match (report.is_tracked(), n_waiting) {
        (_, 0) => "no file is an exact, sure and single match of an image that was read".to_owned(),
        (false, n) => format!(
            "the uploads of its {n} exact matches were not tracked: run `tiepoint reconcile … --track --safe-to-delete …`"
        ),
        (true, n) => format!(
            "the tracker calls no upload of its {n} exact matches finished: see `stage` in sequences.csv, and run again later"
        ),
    }
}

fn is_stdout(target: &Path) -> bool {
    target.as_os_str() == "-"
}
