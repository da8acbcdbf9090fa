//! The command line: arguments become settings, events become progress, errors become exit codes.

mod arguments;
mod ending;
mod exit;
mod feed_flags;
mod lists;
mod local_flags;
mod logging;
mod network;
mod output;
mod panics;
mod parquet;
mod progress;
mod report_flags;
mod verbs;

use arguments::{Arguments, Verb};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    panics::hide_tokens();
    panics::caught(run).unwrap_or(ExitCode::FAILURE)
}

fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let shared = &arguments.shared;
    logging::start(&shared.talk);
    exit::on_interrupt();
    let ended = start_threads(shared.matching.threads).and_then(|()| match &arguments.verb {
        Verb::Reconcile(verb) => verb.run(shared),
        Verb::Explain(verb) => verb.run(shared),
        Verb::Review(verb) => verb.run(shared),
        Verb::Scan(verb) => verb.run(shared),
        Verb::Tiles(verb) => verb.run(shared),
        Verb::Coverage(verb) => verb.run(shared),
        Verb::Match(verb) => verb.run(shared),
        Verb::Verify(verb) => verb.run(shared),
        Verb::Annotate(verb) => verb.run(shared),
        Verb::Track(verb) => verb.run(shared),
        Verb::Simulate(verb) => verb.run(shared),
        Verb::Demo(verb) => verb.run(shared),
        Verb::Plan(verb) => verb.run(shared),
        Verb::Cache(verb) => verb.run(shared),
        Verb::Doctor(verb) => verb.run(shared),
        Verb::Completions(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
    });
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) if exit::is_closed_pipe(&error) => ExitCode::SUCCESS, // `tiepoint tiles … | head`
        Err(error) => {
            progress::say(&format!("tiepoint: {}", exit::sentence(&error)));
            ExitCode::from(exit::code_of(&error))
        }
    }
}

/// The pool that scan, decode and match share.
fn start_threads(threads: Option<usize>) -> anyhow::Result<()> {
    let Some(threads) = threads else { return Ok(()) };
    if threads == 0 {
        return Err(exit::usage("--threads 0 leaves nobody to work: use 1 or more"));
    }
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    Ok(())
}
