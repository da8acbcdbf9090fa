//! The invariants of the house. Absences keep a house clean: who may know whom, and what no file may hold.

mod dependencies;
mod sources;

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Checks every invariant and lists all that are broken.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut broken = dependencies::broken(&metadata(root)?);
    broken.extend(sources::broken(root, &tracked_files(root)?)?);
    if broken.is_empty() {
        crate::check::say("tidy");
        return Ok(());
    }
    bail!("the house is not tidy:\n- {}", broken.join("\n- "));
}

fn metadata(root: &Path) -> Result<dependencies::Metadata> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root)
        .output()
        .context("cannot start cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata answered in an unknown form")
}

/// Tracked files and those that `git add --all` would track.
fn tracked_files(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    if !output.status.success() {
        bail!("git ls-files failed: run this in a clone of the repository");
    }
    let listed = String::from_utf8_lossy(&output.stdout);
    Ok(listed.split('\0').filter(|path| !path.is_empty() && root.join(path).is_file()).map(str::to_owned).collect())
}
