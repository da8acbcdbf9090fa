//! Figures that may rise and never fall: every scenario, small, and the whole run over a loopback service for a few.
//!
//! The floors lie in `floors/quick.csv`; `cargo xtask score --raise` takes over what became better, there and in
//! `floors/whole.csv`, which `cargo xtask score --check` holds at full size.

#![expect(clippy::unwrap_used, reason = "a test may")]

use image_matcher::MatchSettings;
use match_scores::{Fall, Floors, Trial, tally_by_route};
use rayon::prelude::*;
use synthetic_city::{CitySpec, Scenario};

const PHOTOS: usize = 60;
const SEED: u64 = 11;

fn floors() -> Floors {
    Floors::parse(include_str!("../floors/quick.csv")).unwrap()
}

#[track_caller]
fn check(falls: Vec<Vec<Fall>>) {
    let falls: Vec<String> = falls.iter().flatten().map(ToString::to_string).collect();
    assert!(falls.is_empty(), "figures fell below floors/quick.csv:\n{}", falls.join("\n"));
}

#[test]
fn no_figure_of_any_scenario_falls() {
    let floors = floors();
    let falls = |&scenario: &Scenario| {
        assert!(floors.knows(scenario.as_str()), "{scenario} has no floors: run `cargo xtask score --raise`");
        let tally =
            Trial::of(&CitySpec { scenario, photos: PHOTOS, seed: SEED }).unwrap().tally(&MatchSettings::default());
        floors.falls(scenario.as_str(), &tally, None)
    };
    check(Scenario::ALL.par_iter().map(falls).collect());
}

#[test]
fn no_request_is_added() {
    let floors = floors();
    let falls = |&scenario: &Scenario| {
        let tally = tally_by_route(&CitySpec { scenario, photos: PHOTOS, seed: SEED }).unwrap();
        floors.falls(scenario.as_str(), &tally, tally.figures().requests)
    };
    check([Scenario::Clean, Scenario::ClockOffset, Scenario::TileEdges].par_iter().map(falls).collect());
}
