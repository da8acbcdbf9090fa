//! The table of speed in the documents, made anew: every contender in a process of its own, one after the other.

use crate::check::say;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The lines of the document between which the table stands.
const BEGIN: &str = "<!-- cargo xtask bench: begin -->";
const END: &str = "<!-- cargo xtask bench: end -->";

/// What is run.
pub(crate) struct Plan {
    /// Local photos and published images.
    pub(crate) sizes: Vec<(usize, usize)>,
    /// The folder with `gen.py` and `peers.py`, for the peers in Python and SQL.
    pub(crate) peers: Option<PathBuf>,
    /// The interpreter that has numpy, pyarrow, polars and duckdb.
    pub(crate) python: String,
}

/// Runs the contenders and writes their table into `docs/performance.md`.
pub(crate) fn run(root: &Path, plan: &Plan) -> Result<()> {
    cargo(root, &["build", "--release", "--quiet", "--package", "benches", "--bin", "speed"])?;
    let mut rows = String::from(
        "| case | size | contender | CPU s | in L | wall s | memory MiB | peak MiB | recall | wrong | parts |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    let program = root.join("target/release/speed");
    for &(n_local, n_published) in &plan.sizes {
        for case in ["exact", "adjusted", "unknown", "month"] {
            let contenders: &[&str] = match case {
                "exact" if n_local <= 10_000 => &["tiepoint", "runs", "time-sort", "kiddo", "rstar-points", "brute"],
                "exact" => &["tiepoint", "runs", "time-sort", "kiddo", "rstar-points", "read-csv", "write-csv", "tile"],
                "month" => &["tiepoint", "runs", "time-sort", "kiddo", "rstar-points"],
                _ => &["tiepoint"],
            };
            for contender in contenders {
                say(&format!("{contender}, {case}, {n_local} x {n_published}"));
                let size = [n_local.to_string(), n_published.to_string()];
                rows.push_str(&told(Command::new(&program).args([contender, case]).args(size))?);
            }
        }
    }
    if let Some(folder) = &plan.peers {
        rows.push_str(&peers(root, plan, folder)?);
    }
    let commit = told(Command::new("git").args(["rev-parse", "--short", "HEAD"]).current_dir(root))?;
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|two| two.1);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let head = format!(
        "Made by `cargo xtask bench` at commit {}, seed 7, on {cores} cores ({}), load {}.\n\n",
        commit.trim(),
        model.unwrap_or("unknown processor"),
        load.split_whitespace().next().unwrap_or("unknown"),
    );
    write_between(&root.join("docs").join("performance.md"), &format!("{head}{rows}"))
}

/// How often `tiepoint match` and the peer that writes a report as well take turns.
const TURNS: usize = 5;

/// The peers on a set of their own generator, and `tiepoint match` on the same tables.
fn peers(root: &Path, plan: &Plan, folder: &Path) -> Result<String> {
    let (n_local, n_published) = plan.sizes.iter().copied().max().context("no size was asked for")?;
    let data = root.join("target/bench-peers");
    let text = |path: &Path| path.display().to_string();
    let size = [n_local.to_string(), n_published.to_string(), "7".to_owned()];
    let mut generate = Command::new(&plan.python);
    generate.arg(folder.join("gen.py")).arg(&data).args(size).args(["--csv", "--parquet"]);
    told(&mut generate).context("the generator of the peers needs numpy and pyarrow")?;
    cargo(root, &["build", "--release", "--quiet", "--package", "tiepoint", "--features", "parquet"])?;
    let mut rows =
        String::from("\nPeers, whole processes on one set (`gen.py`), as they report themselves:\n\n```text\n");
    for method in ["polars_bucket", "duckdb_bucket", "polars_asof"] {
        say(method);
        let mut peer = Command::new(&plan.python);
        peer.arg(folder.join("peers.py")).arg(&data).args([method, "exact"]);
        match told(&mut peer) {
            Ok(line) => rows.push_str(&line),
            Err(error) => rows.push_str(&(format!("{method}: {error}") + "\n")),
        }
    }
    for _ in 0..TURNS {
        for form in ["csv", "parquet"] {
            say(&format!("polars with a report and tiepoint match, {form}"));
            let mut peer = Command::new(&plan.python);
            peer.arg(root.join("benches/peers/polars_report.py")).arg(&data).arg(data.join("matches.csv")).arg(form);
            match told(&mut peer) {
                Ok(line) => rows.push_str(&line),
                Err(error) => rows.push_str(&(format!("polars with a report, {form}: {error}") + "\n")),
            }
            let mut own = Command::new("/usr/bin/time");
            own.args(["-f", &format!("tiepoint match, {form}: %U s user, %S s system, %e s wall, %M KiB")]);
            own.arg(root.join("target/release/tiepoint")).args(["match", "--quiet"]);
            let table = |side: &str| text(&data.join(format!("tp_{side}.{form}")));
            own.args(["--local", &table("local"), "--remote", &table("remote")]);
            let output = own.args(["-o", &text(&data.join("matches.csv"))]).output().context("cannot run `time`")?;
            rows.push_str(&String::from_utf8_lossy(&output.stderr));
        }
    }
    rows.push_str("```\n");
    Ok(rows)
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<()> {
    told(Command::new(env!("CARGO")).args(arguments).current_dir(root)).map(|_| ())
}

/// What a program prints; its complaints when it fails.
fn told(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} failed:\n{}", String::from_utf8_lossy(&output.stderr));
    }
    String::from_utf8(output.stdout).context("a program prints something that is not UTF-8")
}

/// Puts a text between the two lines of a document.
fn write_between(path: &Path, text: &str) -> Result<()> {
    let old = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (before, rest) = old.split_once(BEGIN).context("docs/performance.md lacks the line where the table begins")?;
    let (_, after) = rest.split_once(END).context("docs/performance.md lacks the line where the table ends")?;
    let new = format!("{before}{BEGIN}\n{text}\n{END}{after}");
    std::fs::write(path, new).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("wrote {}", path.display()));
    Ok(())
}
