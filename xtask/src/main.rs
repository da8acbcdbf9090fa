//! The house keeper. `cargo xtask check` is the only gate; `cargo xtask check --quick` is for every commit.

mod bench;
mod check;
mod score;
mod soak;
mod tidy;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use score::Purpose;
use std::path::PathBuf;

/// Seeds of the scores; no weight may be fitted on them.
const SCORED: [u64; 3] = [11, 12, 13];

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The house keeper of Tiepoint")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Format, lints, tests, every bench once, documentation, tidy.
    Check {
        /// Only format, lints, tidy, and the unit tests of crates that changed since the last commit.
        #[arg(long)]
        quick: bool,
    },
    /// Scores the matcher on every scenario, in release; writes docs/scores.md and docs/reliability.svg.
    Score {
        /// Photos per scenario and seed.
        #[arg(long, default_value_t = 300)]
        photos: usize,
        /// Seeds.
        #[arg(long, value_delimiter = ',', default_values_t = SCORED)]
        seeds: Vec<u64>,
        /// Fails when a figure falls below its floor; writes nothing.
        #[arg(long)]
        check: bool,
        /// Raises the floors to every figure that became better.
        #[arg(long, conflicts_with = "check")]
        raise: bool,
    },
    /// Fits the matcher's weights by logistic loss, in release, on seeds that are not scored; writes docs/weights.md.
    Fit {
        /// Photos per scenario and seed.
        #[arg(long, default_value_t = 120)]
        photos: usize,
        /// Seeds.
        #[arg(long, value_delimiter = ',', default_values_t = [101, 102])]
        seeds: Vec<u64>,
        /// Seeds on which the fitted weights are held against the old ones.
        #[arg(long, value_delimiter = ',', default_values_t = [103, 104])]
        held: Vec<u64>,
    },
    /// Every contender on every world, in release; writes the table of docs/performance.md.
    Bench {
        /// Local photos and published images, as `1000000x5000000`.
        #[arg(long, value_delimiter = ',', default_values = ["5000x30000", "100000x500000"], value_parser = size)]
        size: Vec<(usize, usize)>,
        /// Adds the peers in Python and SQL: the folder that holds gen.py and peers.py.
        #[arg(long)]
        peers: Option<PathBuf>,
        /// The interpreter that has numpy, pyarrow, polars and duckdb.
        #[arg(long, default_value = "python3")]
        python: String,
    },
    /// The long runs, in release: faulty answers, kills, a million questions in the queue.
    Soak {
        /// Requests of the run in which a fifth of the answers is faulty.
        #[arg(long, default_value_t = 10_000)]
        requests: u64,
        /// SIGKILLs of the run that is killed.
        #[arg(long, default_value_t = 100)]
        kills: u64,
        /// Questions that wait at once.
        #[arg(long, default_value_t = 1_000_000)]
        queued: u64,
        /// Photos of the archive whose requests are counted.
        #[arg(long, default_value_t = 100_000)]
        photos: u64,
    },
    /// The invariants of the house, over `cargo metadata` and the tracked files.
    Tidy,
}

fn main() -> Result<()> {
    let root = root()?;
    match Arguments::parse().verb {
        Verb::Check { quick: true } => check::quick(&root),
        Verb::Check { quick: false } => check::whole(&root),
        Verb::Bench { size, peers, python } => bench::run(&root, &bench::Plan { sizes: size, peers, python }),
        Verb::Soak { requests, kills, queued, photos } => {
            soak::run(&root, &soak::Soak { requests, kills, queued, photos })
        }
        Verb::Score { photos, seeds, check, raise } => {
            let purpose = match (check, raise) {
                (true, _) => Purpose::Check,
                (_, true) => Purpose::Raise,
                _ => Purpose::Write,
            };
            score::run(&root, photos, &seeds, purpose)
        }
        Verb::Fit { photos, seeds, held } => score::fit(&root, photos, [&seeds, &held], &SCORED),
        Verb::Tidy => tidy::run(&root),
    }
}

/// `100000x500000`.
fn size(text: &str) -> Result<(usize, usize)> {
    let (local, published) = text.split_once('x').context("a size looks like 100000x500000")?;
    Ok((local.parse()?, published.parse()?))
}

/// The workspace root: the folder above this crate.
fn root() -> Result<PathBuf> {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map(PathBuf::from).context("xtask lies in a folder of the workspace")
}
