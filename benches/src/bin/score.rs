//! Scores the matcher on every scenario of `synthetic-city`, or fits its weights: what `cargo xtask score` and `fit` run.
//!
//! `score [PHOTOS] [SEED…] [SCENARIO…]` prints the table. Beside these: `--fast` asks no service, `--missing` prints only what
//! misses a bar and the sum, `--diagram FILE` draws the reliability, `--check FILE` fails when a figure falls below its floor, `--raise FILE` takes over the better figures,
//! `--fit` fits the weights on the seeds instead, and `--held SEED` tells what they cost on a seed that they were not fitted on.

use anyhow::{Context, Result, bail};
use image_matcher::{MatchSettings, Weights};
use match_scores::{
    Figures, Floors, HEADER, ScoreError, Tally, Trial, fit, mean_loss, reliability_svg, row, tally_by_route,
};
use rayon::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};
use synthetic_city::{CitySpec, Scenario};

/// What was asked for.
struct Wanted {
    photos: usize,
    seeds: Vec<u64>,
    scenarios: Vec<Scenario>,
    is_fast: bool,
    tells_missing: bool,
    is_fit: bool,
    held: Vec<u64>,
    diagram: Option<PathBuf>,
    check: Option<PathBuf>,
    raise: Option<PathBuf>,
}

impl Wanted {
    fn read(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut wanted = Self {
            photos: 0,
            seeds: Vec::new(),
            scenarios: Vec::new(),
            is_fast: false,
            tells_missing: false,
            is_fit: false,
            held: Vec::new(),
            diagram: None,
            check: None,
            raise: None,
        };
        let mut arguments = arguments;
        while let Some(text) = arguments.next() {
            let mut file = || arguments.next().map(PathBuf::from).with_context(|| format!("{text} needs a file"));
            match text.as_str() {
                "--fast" => wanted.is_fast = true,
                "--missing" => wanted.tells_missing = true,
                "--fit" => wanted.is_fit = true,
                "--held" => {
                    let seed = arguments.next().context("--held needs a seed")?;
                    wanted.held.push(seed.parse().with_context(|| format!("{seed} is no seed"))?);
                }
                "--diagram" => wanted.diagram = Some(file()?),
                "--check" => wanted.check = Some(file()?),
                "--raise" => wanted.raise = Some(file()?),
                _ => match text.parse() {
                    Ok(number) if wanted.photos == 0 => wanted.photos = usize::try_from(number)?,
                    Ok(seed) => wanted.seeds.push(seed),
                    Err(_) => wanted.scenarios.push(text.parse()?),
                },
            }
        }
        if wanted.photos == 0 {
            wanted.photos = 300;
        }
        if wanted.seeds.is_empty() {
            wanted.seeds = vec![11, 12, 13];
        }
        if wanted.scenarios.is_empty() {
            wanted.scenarios = Scenario::ALL.to_vec();
        }
        Ok(wanted)
    }

    fn specs(&self, seeds: &[u64]) -> Vec<CitySpec> {
        let of = |&scenario: &Scenario| seeds.iter().map(move |&seed| CitySpec { scenario, photos: self.photos, seed });
        self.scenarios.iter().flat_map(of).collect()
    }
}

fn main() -> Result<()> {
    let wanted = Wanted::read(std::env::args().skip(1))?;
    if wanted.is_fit { fit_weights(&wanted) } else { score(&wanted) }
}

/// Both tallies of one scenario over all seeds.
struct Scored {
    scenario: Scenario,
    tally: Tally,
    by_route: Option<Tally>,
}

impl Scored {
    fn requests(&self) -> Option<f64> {
        self.by_route.as_ref().and_then(|route| route.figures().requests)
    }
}

fn score(wanted: &Wanted) -> Result<()> {
    let specs = wanted.specs(&wanted.seeds);
    let one = |spec: &CitySpec| {
        let direct = Trial::of(spec)?.tally(&MatchSettings::default());
        let by_route = if wanted.is_fast { None } else { Some(tally_by_route(spec)?) };
        Ok((direct, by_route))
    };
    let runs: Vec<(Tally, Option<Tally>)> = specs.par_iter().map(one).collect::<Result<_, ScoreError>>()?;
    let scored: Vec<Scored> = wanted
        .scenarios
        .iter()
        .zip(runs.chunks(wanted.seeds.len()))
        .map(|(&scenario, runs)| sum(scenario, runs))
        .collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{HEADER}")?;
    let mut all = Tally::default();
    let mut all_by_route = Tally::default();
    for one in &scored {
        if !wanted.tells_missing || one.tally.misses_a_bar() {
            writeln!(out, "{}", row(one.scenario.as_str(), &one.tally, one.by_route.as_ref()))?;
        }
        all.absorb(&one.tally);
        one.by_route.iter().for_each(|route| all_by_route.absorb(route));
    }
    writeln!(out, "{}", row("all", &all, (!wanted.is_fast).then_some(&all_by_route)))?;
    if !wanted.is_fast {
        writeln!(out, "\n{}", told_by_route(&all_by_route.figures(), &all_by_route))?;
    }
    if let Some(path) = &wanted.diagram {
        write(path, &reliability_svg(&all.reliability))?;
    }
    keep_floors(wanted, &scored)
}

fn sum(scenario: Scenario, runs: &[(Tally, Option<Tally>)]) -> Scored {
    let mut scored = Scored { scenario, tally: Tally::default(), by_route: None };
    for (direct, by_route) in runs {
        scored.tally.absorb(direct);
        if let Some(by_route) = by_route {
            scored.by_route.get_or_insert_default().absorb(by_route);
        }
    }
    scored
}

/// What the whole run over a loopback service found, in a sentence.
fn told_by_route(figures: &Figures, tally: &Tally) -> String {
    format!(
        "By the tiles route over a loopback service: precision {:.4}, recall {:.4} of the decidable, {} wrong, \
         calibration error {:.4}, median {:.2} requests per local sequence.",
        figures.precision,
        figures.recall,
        tally.matched - tally.right,
        figures.calibration_error,
        figures.requests.unwrap_or_default(),
    )
}

fn keep_floors(wanted: &Wanted, scored: &[Scored]) -> Result<()> {
    let read = |path: &Path| -> Result<Floors> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Floors::parse(&text).with_context(|| path.display().to_string())
    };
    if let Some(path) = &wanted.raise {
        let mut floors = if path.exists() { read(path)? } else { Floors::default() };
        scored.iter().for_each(|one| floors.raise(one.scenario.as_str(), &one.tally, one.requests()));
        write(path, &floors.to_csv())?;
    }
    let Some(path) = &wanted.check else { return Ok(()) };
    let floors = read(path)?;
    let falls: Vec<String> = scored
        .iter()
        .flat_map(|one| floors.falls(one.scenario.as_str(), &one.tally, one.requests()))
        .map(|fall| fall.to_string())
        .collect();
    if !falls.is_empty() {
        bail!("figures fell below {}:\n{}", path.display(), falls.join("\n"));
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn fit_weights(wanted: &Wanted) -> Result<()> {
    let trials_of =
        |seeds: &[u64]| wanted.specs(seeds).par_iter().map(Trial::of).collect::<Result<Vec<Trial>, ScoreError>>();
    let (trials, held) = (trials_of(&wanted.seeds)?, trials_of(&wanted.held)?);
    let mut out = std::io::stdout().lock();
    let fitted = fit(&trials, Weights::default(), &mut |step| {
        eprintln!("{} to {:.4}: loss {:.6}", step.weight, step.value, step.loss);
    });
    writeln!(
        out,
        "mean logistic loss of {} cities: {:.6} before, {:.6} after\n",
        trials.len(),
        fitted.loss_before,
        fitted.loss_after
    )?;
    if !held.is_empty() {
        let [before, after] = [Weights::default(), fitted.weights].map(|weights| mean_loss(&held, weights));
        writeln!(out, "of {} cities of seeds held back: {before:.6} before, {after:.6} after\n", held.len())?;
    }
    writeln!(out, "| weight | default | fitted |\n|---|---|---|")?;
    for (name, before, after) in fitted.values {
        writeln!(out, "| {name} | {before:.4} | {after:.4} |")?;
    }
    Ok(())
}
