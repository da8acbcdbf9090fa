//! The table of scenarios in the documents, made anew.

use crate::check::say;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Runs the scorer in release and writes its table, with the command that made it, to `docs/scores.md`.
pub(crate) fn run(root: &Path, photos: usize, seeds: &[u64]) -> Result<()> {
    let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    let mut arguments = vec!["run", "--release", "--quiet", "--package", "benches", "--bin", "score", "--"];
    let photos = photos.to_string();
    arguments.push(&photos);
    arguments.extend(seeds.iter().map(String::as_str));
    let output =
        Command::new(env!("CARGO")).args(&arguments).current_dir(root).output().context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the scorer failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let table = String::from_utf8(output.stdout).context("the scorer prints UTF-8")?;
    let text = format!(
        "# How the matcher does, scenario by scenario\n\nMade by `cargo xtask score --photos {photos} --seeds {}`. \
         Precision over all matches, recall over the photos that something can decide (marked when the city is built), \
         ECE: expected calibration error over rows with a probability, in ten bins. Where nothing can decide, every \
         `ambiguous` row is right and still counts against ECE, because its best candidate is wrong.\n\n{table}",
        seeds.join(","),
    );
    let path = root.join("docs").join("scores.md");
    std::fs::create_dir_all(root.join("docs")).context("cannot make docs")?;
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}
