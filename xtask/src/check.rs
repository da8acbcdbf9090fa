//! What must pass before a commit (`quick`) and before a submission (`whole`).

use crate::tidy;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Format, lints with warnings as errors, all tests, every bench once, documentation, tidy.
pub(crate) fn whole(root: &Path) -> Result<()> {
    format_and_lint(root)?;
    cargo(root, &["test", "--workspace"])?; // the bench crate is a member: its targets run each bench once here
    // the feature that is off by default
    cargo(
        root,
        &["clippy", "--package", "tiepoint", "--features", "parquet", "--all-targets", "--", "--deny", "warnings"],
    )?;
    cargo(root, &["test", "--package", "tiepoint", "--features", "parquet", "--test", "end_to_end", "parquet"])?;
    document(root)?;
    tidy::run(root)?;
    say("all checks pass");
    Ok(())
}

/// Format, lints, tidy, and the unit tests of what changed since the last commit.
pub(crate) fn quick(root: &Path) -> Result<()> {
    format_and_lint(root)?;
    let changed = changed_packages(root)?;
    if changed.is_empty() {
        say("no crate changed since the last commit: no unit tests to run");
    } else {
        let mut arguments = vec!["test", "--lib", "--bins"];
        for package in &changed {
            arguments.extend(["--package", package]);
        }
        cargo(root, &arguments)?;
    }
    tidy::run(root)?;
    say("quick checks pass");
    Ok(())
}

fn format_and_lint(root: &Path) -> Result<()> {
    cargo(root, &["fmt", "--all", "--check"])?;
    cargo(root, &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"])
}

fn document(root: &Path) -> Result<()> {
    say("cargo doc --workspace --no-deps");
    let status = Command::new(env!("CARGO"))
        .args(["doc", "--workspace", "--no-deps", "--document-private-items"])
        .env("RUSTDOCFLAGS", "--deny warnings")
        .current_dir(root)
        .status()
        .context("cannot start cargo doc")?;
    if !status.success() {
        bail!("cargo doc failed: mend the documentation that it names");
    }
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    say(&format!("cargo {}", arguments.join(" ")));
    let status =
        Command::new(env!("CARGO")).args(arguments).current_dir(root).status().context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo {} failed", arguments.join(" "));
    }
    Ok(())
}

/// Packages with a file that differs from the last commit. A changed root manifest or lock changes no package by itself.
fn changed_packages(root: &Path) -> Result<BTreeSet<String>> {
    let output = Command::new("git")
        .args(["status", "--porcelain", "--untracked-files=all"])
        .current_dir(root)
        .output()
        .context("cannot start git")?;
    if !output.status.success() {
        bail!("git status failed: run this in a clone of the repository");
    }
    Ok(packages_of(&String::from_utf8_lossy(&output.stdout)))
}

fn packages_of(porcelain: &str) -> BTreeSet<String> {
    let mut packages = BTreeSet::new();
    for line in porcelain.lines() {
        let path = line.get(3..).unwrap_or_default();
        let path = path.rsplit(" -> ").next().unwrap_or(path).trim_matches('"');
        let mut parts = path.split('/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("crates"), Some(name), Some(_)) => packages.insert(name.to_owned()),
            (Some("xtask"), Some(_), _) => packages.insert("xtask".to_owned()),
            _ => false,
        };
    }
    packages
}

#[expect(clippy::print_stderr, reason = "the house keeper speaks to people")]
pub(crate) fn say(text: &str) {
    eprintln!("xtask: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_files_name_their_packages() {
        let porcelain = " M crates/tile-cover/src/lib.rs\n?? xtask/src/check.rs\nR  a.md -> crates/reconcile/src/b.rs\n M Cargo.lock\n";
        let packages: Vec<_> = packages_of(porcelain).into_iter().collect();
        assert_eq!(packages, ["reconcile", "tile-cover", "xtask"]);
    }
}
