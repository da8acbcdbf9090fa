//! One contender on one world, in a process of its own: `speed CONTENDER CASE N_LOCAL N_PUBLISHED` prints a row of the
//! table that `cargo xtask bench` writes.
//!
//! CONTENDER: `tiepoint` (everything: clocks, blocks, chains, rivals, verdicts), `runs` (its index and candidate pairs
//! alone), `time-sort`, `kiddo`, `rstar-points`, `brute`; `read-csv`, `write-csv` and `tile` (tables and tiles by the
//! byte, on one core). CASE: `exact`, `adjusted`, `unknown`, `month` (a month instead
//! of twelve years, rigs, companions, missing values). L is one pass over the columns of both sides by one thread, measured
//! in the same process.

use anyhow::{Context, Result, bail};
use benches::contenders::{Found, brute_force, kiddo_points, rstar_points, time_sort};
use benches::throughput::{Throughput, decode_tile, read_csv, write_csv};
use benches::usage::{cpu_s, forget_peak, peak_mib, resident_mib};
use benches::{Case, World, street_world};
use image_matcher::{Lookup, MatchSettings, candidate_pairs, match_images};
use std::hint::black_box;
use std::io::Write;
use std::time::Instant;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [contender, case, n_local, n_published] = arguments.as_slice() else {
        bail!("usage: speed CONTENDER CASE N_LOCAL N_PUBLISHED");
    };
    let case: Case = case.parse()?;
    let world = street_world(n_local.parse()?, n_published.parse()?, case, 7);
    let pass_s = one_pass(&world);
    forget_peak();
    let (before_mib, before_s, clock) = (resident_mib(), cpu_s(), Instant::now());
    let mut alone_s = None; // without what was made ready for it
    let mut told_alone = |cost: Throughput| {
        alone_s = Some(cost.cpu_s);
        (Vec::new(), cost.told())
    };
    let (image, mut parts) = match contender.as_str() {
        "tiepoint" => {
            let lookups = vec![Lookup::Complete; world.local.len()];
            let outcome = match_images(&world.local, &world.published, &lookups, &MatchSettings::default());
            (outcome.verdicts.iter().map(|verdict| verdict.image).collect(), String::new())
        }
        "runs" => {
            let pairs = candidate_pairs(&world.local, &world.published);
            let words = format!("{} runs, {} pairs tested, {} kept", pairs.n_runs, pairs.n_tested, pairs.n_kept);
            (vec![None; world.local.len()], words)
        }
        "time-sort" => told(time_sort(&world)),
        "kiddo" => told(kiddo_points(&world)),
        "rstar-points" => told(rstar_points(&world)),
        "brute" => told(brute_force(&world)),
        "read-csv" => told_alone(read_csv(&world)?),
        "write-csv" => told_alone(write_csv(&world)?),
        "tile" => {
            let [columnar, other] = decode_tile(world.published.len().min(50_000))?;
            let (image, words) = told_alone(columnar);
            (image, format!("columnar {words}; mvt-reader {}", other.told()))
        }
        _ => bail!("no contender is called {contender}"),
    };
    let (cpu, wall) = (alone_s.unwrap_or(cpu_s() - before_s), clock.elapsed().as_secs_f64());
    let added_mib = peak_mib().saturating_sub(before_mib);
    if contender == "tiepoint" {
        let columns_mib = columns_mib(&world);
        let times = (columns_mib + added_mib as f64) / columns_mib;
        parts = format!("peak {times:.2} times the columns of {columns_mib:.0} MiB");
    }
    let (recall, wrong) = score(&world, &image);
    let n_published = world.published.len();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "| {case} | {} x {n_published} | {contender} | {cpu:.3} | {:.1} | {wall:.3} | {} | {} | {} | {parts} |",
        world.local.len(),
        cpu / pass_s,
        added_mib,
        peak_mib(),
        if image.iter().all(Option::is_none) { "|".to_owned() } else { format!("{recall:.4} | {wrong:.5}") },
    )
    .context("cannot print")
}

fn told(found: Found) -> (Vec<Option<u32>>, String) {
    let words = format!("index {:.3}, query {:.3}, assign {:.3}", found.index_s, found.query_s, found.assign_s);
    (found.image, words)
}

/// CPU seconds of the best of five passes over the columns that a match needs.
fn one_pass(world: &World) -> f64 {
    let (local, published) = (&world.local, &world.published);
    let sum = |values: &[f64]| values.iter().fold(0_u64, |sum, value| sum ^ value.to_bits());
    let whole = |values: &[i64]| values.iter().fold(0_i64, |sum, value| sum ^ value);
    let small = |values: &[f32]| values.iter().fold(0_u32, |sum, value| sum ^ value.to_bits());
    let numbers = |values: &[u32]| values.iter().fold(0_u32, |sum, value| sum ^ value);
    (0..5)
        .map(|_| {
            let begin = Instant::now(); // one thread, least of five: finer than the kernel's account of CPU
            black_box(sum(&published.longitude) ^ sum(&published.latitude));
            black_box(whole(&published.captured_at_ms));
            black_box(small(&published.altitude_m) ^ numbers(&published.sequence));
            black_box(sum(&local.longitude) ^ sum(&local.latitude));
            black_box(whole(&local.time_ms));
            black_box(small(&local.altitude_m) ^ numbers(&local.track));
            begin.elapsed().as_secs_f64()
        })
        .fold(f64::MAX, f64::min)
}

/// What the columns of both sides hold, MiB.
fn columns_mib(world: &World) -> f64 {
    (world.local.n_bytes() + world.published.n_bytes()) as f64 / f64::from(1 << 20)
}

/// Right and wrong matches as shares of the photos that are published.
fn score(world: &World, image: &[Option<u32>]) -> (f64, f64) {
    let (mut right, mut wrong) = (0, 0);
    for (found, truth) in image.iter().zip(&world.truth) {
        match found.map(|row| world.published.id[row as usize]) {
            Some(id) if Some(id) == *truth => right += 1,
            Some(_) => wrong += 1,
            None => {}
        }
    }
    let published = world.truth.iter().flatten().count().max(1) as f64;
    (f64::from(right) / published, f64::from(wrong) / published)
}
