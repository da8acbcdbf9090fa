//! `tiepoint annotate`: what each photo became, written beside it.

use crate::arguments::Shared;
use crate::exit;
use crate::progress::say;
use anyhow::Result;
use clap::{Args, ValueEnum};
use local_archive::{is_photo, path_of_row};
use match_report::{MatchRecord, ReportFolder};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use write_back::{DESCRIPTION, LeftAlone, Plan, apply, plan_description, plan_sidecars, undo};

/// How many files that are left alone are named.
const NAMED: usize = 10;

/// Writes image ids into XMP sidecars and an enriched description file; photos are never touched
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint annotate --report tiepoint-out --as xmp                      shows the diff, changes nothing
  tiepoint annotate --report tiepoint-out --as xmp,description --apply  writes
  tiepoint annotate --report tiepoint-out --undo                        takes all of it back, to the byte
  tiepoint annotate --report ties --as xmp --root /media/card --apply   photos lie below another folder
  exiftool -XMP-tiepoint:all ride/0412.jpg.xmp                          reads a sidecar

xmp: PHOTO.xmp beside each matched photo (IMG_1.jpg.xmp), with ImageId, SequenceId, Url, Probability, Reason, CapturedAt,
Longitude, Latitude, ComputedLongitude, ComputedLatitude and AlsoPublishedAs in the namespace urn:tiepoint:xmp:1.0: ; a
sidecar of another program keeps every byte of its own, one that cannot be understood is left alone. A photo that is
not matched any more loses them.
description: DIR/mapillary_image_description.json, the uploader's entries as found beside and above the photos, each
matched one with a further key `tiepoint`; matched photos without an entry get one.

Paths are those of the report, so run it from the folder where `reconcile` was run, or say --root. Rows of tables whose
photo is not on this disk get no sidecar, and their number is said.")]
pub(crate) struct Annotate {
    /// A folder that `reconcile` or `match --out` wrote; the journal for --undo lies there too
    #[arg(long, value_name = "DIR")]
    report: PathBuf,
    /// What is written
    #[arg(long = "as", value_enum, value_delimiter = ',', value_name = "LIST", required_unless_present = "undo")]
    forms: Vec<Form>,
    /// Write; without it the changes are shown
    #[arg(long, conflicts_with = "undo")]
    apply: bool,
    /// Take back everything that was applied from this report
    #[arg(long, conflicts_with = "forms")]
    undo: bool,
    /// The folder that the report's paths are relative to [default: the working folder]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Write the enriched description here instead of into the report's folder
    #[arg(long, value_name = "FILE")]
    description: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Sidecars
    Xmp,
    /// mapillary_image_description.json
    Description,
}

impl Annotate {
    pub(crate) fn run(&self, shared: &Shared) -> Result<u8> {
        let folder = ReportFolder::open(&self.report)?;
        let told = |text: String| {
            if !shared.talk.quiet {
                say(&text);
            }
        };
        if self.undo {
            let done = undo(folder.path())?;
            told(format!("{} files are as they were", done.changed));
            name(&done.left_alone);
            return Ok(if done.left_alone.is_empty() { 0 } else { exit::OTHER });
        }
        let rows: Vec<MatchRecord> = folder.matches()?.collect::<Result<_, _>>()?;
        let plan = self.plan(&rows, &folder);
        if self.apply {
            let done = apply(&plan, folder.path())?;
            told(format!("{} files written, {} said it already{}", done.changed, plan.unchanged, absent(&plan)));
            name(&plan.left_alone);
            name(&done.left_alone);
            if done.changed > 0 {
                told(format!("To take it back: tiepoint annotate --report {} --undo", self.report.display()));
            }
            return Ok(if done.left_alone.is_empty() { 0 } else { exit::OTHER });
        }
        let mut out = BufWriter::new(std::io::stdout().lock());
        for change in &plan.changes {
            out.write_all(change.diff().as_bytes())?;
        }
        out.flush()?;
        drop(out);
        name(&plan.left_alone);
        let n = plan.changes.len();
        told(format!("{n} files would change, {} say it already{}", plan.unchanged, absent(&plan)));
        if n > 0 {
            told("Nothing was written: add --apply to write".to_owned());
        }
        Ok(0)
    }

    fn plan(&self, rows: &[MatchRecord], folder: &ReportFolder) -> Plan {
        let mut plan = Plan::default();
        let root = self.root.as_deref().unwrap_or(Path::new(""));
        if self.forms.contains(&Form::Xmp) {
            // A path that is shown encoded names no file by its text, and a table may name files that are no photos.
            let is_encoded = |row: &MatchRecord| path_of_row(&row.path, &row.note) != Path::new(&row.path);
            let photos = rows.iter().filter(|row| is_photo(Path::new(&row.path)) && !is_encoded(row));
            plan.extend(plan_sidecars(photos, root));
            for row in rows.iter().filter(|row| row.image_id.is_some()) {
                if is_encoded(row) {
                    let file = root.join(&row.path);
                    plan.left_alone.push(LeftAlone { file, reason: "its path is not UTF-8".to_owned() });
                } else if !is_photo(Path::new(&row.path)) {
                    plan.absent += 1;
                }
            }
        }
        if self.forms.contains(&Form::Description) {
            let own = folder.path().join(DESCRIPTION);
            plan.extend(plan_description(rows, root, self.description.as_deref().unwrap_or(&own)));
        }
        plan
    }
}

fn absent(plan: &Plan) -> String {
    match plan.absent {
        0 => String::new(),
        n => format!(
            "; {n} matched rows name no photo here: run it where the report's paths hold, or say --root DIR (rows of \
             tables without files get no sidecar)"
        ),
    }
}

/// Names what was left alone, at any level of talk: the run did less than it was asked to.
fn name(files: &[LeftAlone]) {
    for LeftAlone { file, reason } in files.iter().take(NAMED) {
        say(&format!("left alone: {}: {reason}", file.display().to_string().escape_debug()));
    }
    if files.len() > NAMED {
        say(&format!("left alone: {} more", files.len() - NAMED));
    }
}
