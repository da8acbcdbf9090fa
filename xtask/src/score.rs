//! The matcher's figures: the table in the documents, the floors below which none may fall, and the fit of its weights.

use crate::check::say;
use anyhow::{Context, Result, bail};
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const WHOLE_FLOORS: &str = "crates/match-scores/floors/whole.csv";
const QUICK_FLOORS: &str = "crates/match-scores/floors/quick.csv";
/// What the ratchet test runs: photos and seed.
const QUICK: [&str; 2] = ["60", "11"];
/// Sizes beside the whole one, with their floors: folders of a dozen photos, and long rides.
const OTHER_SIZES: [(&str, &str, &[&str]); 2] = [
    ("12", "crates/match-scores/floors/small.csv", &["11", "12", "13"]),
    ("1200", "crates/match-scores/floors/large.csv", &["11"]),
];
const TABLE: &str = "docs/scores.md";
const DIAGRAM: &str = "docs/reliability.svg";
const WEIGHTS: &str = "docs/weights.md";

/// What to do with the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Write the table and the diagram.
    Write,
    /// Hold them against the floors, and write nothing.
    Check,
    /// Write the table and the diagram, and take over every figure that became better.
    Raise,
}

/// Scores every scenario in release.
pub(crate) fn run(root: &Path, photos: usize, seeds: &[u64], purpose: Purpose) -> Result<()> {
    let size = arguments(photos, seeds);
    let with = |more: &[&'static str]| size.iter().map(String::as_str).chain(more.iter().copied()).collect::<Vec<_>>();
    if purpose == Purpose::Check {
        scorer(root, &with(&["--check", WHOLE_FLOORS]))?;
        for (photos, floors, seeds) in OTHER_SIZES {
            scorer(root, &[&[photos, "--fast", "--check", floors], seeds].concat())?;
        }
        say("no figure fell");
        return Ok(());
    }
    std::fs::create_dir_all(root.join("docs")).context("cannot make docs")?;
    let table = if purpose == Purpose::Raise {
        scorer(root, &[QUICK[0], QUICK[1], "--raise", QUICK_FLOORS])?;
        scorer(root, &with(&["--diagram", DIAGRAM, "--raise", WHOLE_FLOORS]))?
    } else {
        scorer(root, &with(&["--diagram", DIAGRAM]))?
    };
    let mut at_other_sizes = String::new();
    for (photos, floors, seeds) in OTHER_SIZES {
        let raise = if purpose == Purpose::Raise { &["--raise", floors][..] } else { &[] };
        let rows = scorer(root, &[&[photos, "--fast", "--missing"], seeds, raise].concat())?;
        let _ = write!(at_other_sizes, "\nRides of {photos} photos, seeds {}:\n\n{rows}", seeds.join(", "));
    }
    let seeds: Vec<String> = seeds.iter().map(ToString::to_string).collect();
    let text = format!(
        "# How the matcher does, scenario by scenario

Made by `cargo xtask score --photos {photos} --seeds {}`: the same command gives the same bytes, whatever the number of \
threads. `cargo xtask score --check` fails when a figure falls below `{WHOLE_FLOORS}`, and so does a smaller run in \
`cargo test`. `cargo xtask fit` fits the weights on other seeds ([weights.md](weights.md)).

- **decidable**: photos that have an image which something can decide; marked from how the city was built, before any match.
- **precision** over all matches, **recall** over the decidable photos, **ambiguous** over all photos.
- **held back**: of the photos that have no image, or that nothing can decide, the share that was given none.
- **worst wrong p**: the greatest probability of a wrong match.
- **ECE**: expected calibration error over the rows with a probability, in ten bins.
- **requests**: per local sequence, the median of the runs by the tiles route over a loopback service, nothing cached.

![What was said against what was true](reliability.svg)

{table}
## At other sizes

Only what misses a bar (precision 0.999, recall 0.99, 95 % held back, calibration error 0.01), and the sum of all scenarios.
{at_other_sizes}",
        seeds.join(","),
    );
    let path = root.join(TABLE);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("wrote {TABLE} and {DIAGRAM}"));
    Ok(())
}

/// Fits the weights in release and writes them beside the defaults, with what both cost on seeds that were held back.
pub(crate) fn fit(root: &Path, photos: usize, [seeds, held]: [&[u64]; 2], scored: &[u64]) -> Result<()> {
    if let Some(seed) = seeds.iter().chain(held).find(|seed| scored.contains(seed)) {
        bail!("seed {seed} is scored: fit on others");
    }
    if let Some(seed) = held.iter().find(|seed| seeds.contains(seed)) {
        bail!("seed {seed} is fitted on: hold others back");
    }
    let list = |seeds: &[u64]| seeds.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let command = format!("cargo xtask fit --photos {photos} --seeds {} --held {}", list(seeds), list(held));
    let held = held.iter().flat_map(|seed| ["--held".to_owned(), seed.to_string()]);
    let all: Vec<String> = ["--fit".to_owned()].into_iter().chain(arguments(photos, seeds)).chain(held).collect();
    let fitted = scorer(root, &all.iter().map(String::as_str).collect::<Vec<_>>())?;
    let text = format!(
        "# The weights of the evidence, fitted

Made by `{command}`: each weight of `image_matcher::Weights` is moved to where the mean of \u{2212}ln(probability that the \
truth was given) is least, over every scenario of `synthetic-city` on the seeds that are named; none of them is scored in \
[scores.md](scores.md). What a fit finds becomes a default where it lessens the loss on the seeds that were held back by one \
part in a hundred or more, and no floor of `crates/match-scores/floors` and no recorded set falls by it.

{fitted}"
    );
    let path = root.join(WEIGHTS);
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    say(&format!("wrote {WEIGHTS}"));
    Ok(())
}

fn arguments(photos: usize, seeds: &[u64]) -> Vec<String> {
    std::iter::once(photos.to_string()).chain(seeds.iter().map(ToString::to_string)).collect()
}

/// Runs the scorer; its talk goes to the terminal, its table comes back.
fn scorer(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new(env!("CARGO"))
        .args(["run", "--release", "--quiet", "--package", "benches", "--bin", "score", "--"])
        .args(arguments)
        .current_dir(root)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!("the scorer failed");
    }
    String::from_utf8(output.stdout).context("the scorer prints UTF-8")
}
