//! The long runs: the tests of `tests/end_to_end/soak.rs`, and the one that queues a million questions, with large numbers
//! and in release.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// How long the runs are.
pub(crate) struct Soak {
    /// Requests of the run over a service that fails.
    pub(crate) requests: u64,
    /// SIGKILLs of the run that is killed.
    pub(crate) kills: u64,
    /// Questions that wait at once.
    pub(crate) queued: u64,
    /// Photos of the archive whose requests are counted.
    pub(crate) photos: u64,
}

/// Runs all of it; what each run found is printed as it ends.
pub(crate) fn run(root: &Path, soak: &Soak) -> Result<()> {
    let test = |package: &str, more: &[&str], name: &str, variables: &[(&str, u64)]| {
        let mut command = Command::new(env!("CARGO"));
        command.args(["test", "--release", "--quiet", "--package", package]).args(more).current_dir(root);
        command.args([name, "--", "--nocapture", "--include-ignored"]);
        command.envs(variables.iter().map(|(variable, number)| (*variable, number.to_string())));
        if !command.status().context("cannot start cargo")?.success() {
            bail!("the soak {name} failed");
        }
        Ok(())
    };
    let end_to_end = ["--test", "end_to_end"];
    test("reconcile", &["--lib"], "a_million_questions", &[("TIEPOINT_SOAK_QUEUED", soak.queued)])?;
    test("reconcile", &["--lib"], "the_largest_tiles", &[])?;
    test("tiepoint", &end_to_end, "soak::a_fifth", &[("TIEPOINT_SOAK_REQUESTS", soak.requests)])?;
    let kills = [("TIEPOINT_SOAK_KILLS", soak.kills), ("TIEPOINT_SOAK_KILL_REQUESTS", (soak.kills * 10).max(200))];
    test("tiepoint", &end_to_end, "soak::a_killed", &kills)?;
    test("tiepoint", &end_to_end, "routes::an_archive", &[("TIEPOINT_SOAK_PHOTOS", soak.photos)])
}
