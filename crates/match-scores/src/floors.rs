//! Figures that may rise and never fall, kept in a file of the repository.

use crate::{Figures, Tally};
use std::collections::BTreeMap;
use std::fmt::{self, Write};

/// Room for the last bits of `ln` and `exp`, which differ between machines: far less than one photo.
const ROOM: f64 = 0.000_2;
const COLUMNS: &str = "scenario,precision,recall,held_back,ambiguous,calibration_error,requests";

/// A file of floors that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the floors is not `{COLUMNS}`: write the file anew with `cargo xtask score --raise`")]
pub struct FloorsError {
    /// Counted from 1.
    pub line: usize,
}

/// A figure that fell.
#[derive(Debug, Clone, PartialEq)]
pub struct Fall {
    /// The scenario.
    pub scenario: String,
    /// Which of its figures.
    pub figure: &'static str,
    /// What it was at worst.
    pub floor: f64,
    /// What it is.
    pub now: f64,
}

impl fmt::Display for Fall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, figure, floor, now } = self;
        write!(f, "{scenario}: {figure} is {now:.4}, and was {floor:.4}")
    }
}

/// Of each scenario: precision, recall and what is held back at least; ambiguous rows, calibration error and requests at
/// most.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Floors {
    of_scenario: BTreeMap<String, [Option<f64>; 6]>,
}

/// Name of each figure, and whether more of it is better.
const NAMES: [(&str, bool); 6] = [
    ("precision", true),
    ("recall", true),
    ("held_back", true),
    ("ambiguous", false),
    ("calibration_error", false),
    ("requests", false),
];

fn values(figures: &Figures, requests: Option<f64>) -> [Option<f64>; 6] {
    let Figures { precision, recall, held_back, ambiguous, calibration_error, .. } = *figures;
    [Some(precision), Some(recall), Some(held_back), Some(ambiguous), Some(calibration_error), requests]
}

impl Floors {
    /// Reads the file.
    pub fn parse(text: &str) -> Result<Self, FloorsError> {
        let mut floors = Self::default();
        for (number, line) in text.lines().enumerate() {
            let malformed = FloorsError { line: number + 1 };
            if number == 0 {
                if line != COLUMNS {
                    return Err(malformed);
                }
                continue;
            }
            let mut cells = line.split(',');
            let name = cells.next().unwrap_or_default().to_owned();
            let cells: Vec<&str> = cells.collect();
            let mut own = [None; 6];
            if cells.len() != own.len() {
                return Err(malformed);
            }
            for (value, cell) in own.iter_mut().zip(cells) {
                if !cell.is_empty() {
                    *value = Some(cell.parse().map_err(|_| malformed.clone())?);
                }
            }
            floors.of_scenario.insert(name, own);
        }
        Ok(floors)
    }

    /// The file again.
    pub fn to_csv(&self) -> String {
        let mut text = format!("{COLUMNS}\n");
        for (name, values) in &self.of_scenario {
            let cells = values.iter().zip(NAMES).map(|(value, (_, is_more_better))| {
                // Rounded to the forgiving side, so that a figure passes its own floor.
                let rounded = |v: f64| if is_more_better { (v * 1e4).floor() / 1e4 } else { (v * 1e4).ceil() / 1e4 };
                value.map_or(String::new(), |v| format!("{:.4}", rounded(v)))
            });
            let _ = writeln!(text, "{name},{}", cells.collect::<Vec<_>>().join(","));
        }
        text
    }

    /// What fell. A scenario without floors falls to nothing: `--raise` gives it some.
    pub fn falls(&self, scenario: &str, tally: &Tally, requests: Option<f64>) -> Vec<Fall> {
        let mut falls = Vec::new();
        if tally.reused > 0 {
            falls.push(Fall {
                scenario: scenario.to_owned(),
                figure: "reused ids",
                floor: 0.0,
                now: tally.reused as f64,
            });
        }
        let Some(floors) = self.of_scenario.get(scenario) else { return falls };
        for ((floor, now), (figure, is_more_better)) in floors.iter().zip(values(&tally.figures(), requests)).zip(NAMES)
        {
            let (Some(floor), Some(now)) = (*floor, now) else { continue };
            if if is_more_better { now < floor - ROOM } else { now > floor + ROOM } {
                falls.push(Fall { scenario: scenario.to_owned(), figure, floor, now });
            }
        }
        falls
    }

    /// Takes over every figure that is better than its floor.
    pub fn raise(&mut self, scenario: &str, tally: &Tally, requests: Option<f64>) {
        let now = values(&tally.figures(), requests);
        let floors = self.of_scenario.entry(scenario.to_owned()).or_default();
        for ((floor, now), (_, is_more_better)) in floors.iter_mut().zip(now).zip(NAMES) {
            *floor = match (*floor, now) {
                (Some(floor), Some(now)) => Some(if is_more_better { floor.max(now) } else { floor.min(now) }),
                (floor, now) => floor.or(now),
            };
        }
    }

    /// Whether a scenario has floors.
    pub fn knows(&self, scenario: &str) -> bool {
        self.of_scenario.contains_key(scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(right: usize, matched: usize) -> Tally {
        Tally { photos: 100, decidable: 100, matched, right, right_decidable: right, ..Tally::default() }
    }

    #[test]
    fn a_figure_that_falls_is_named_and_one_that_rises_is_kept() {
        let mut floors = Floors::default();
        floors.raise("clean", &tally(90, 90), Some(3.0));
        let floors = Floors::parse(&floors.to_csv()).unwrap();
        assert_eq!(floors.falls("clean", &tally(90, 90), Some(3.0)), []);
        assert_eq!(floors.falls("clean", &tally(95, 95), Some(2.0)), []);
        let text = |falls: Vec<Fall>| falls.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            text(floors.falls("clean", &tally(89, 90), Some(3.5))),
            [
                "clean: precision is 0.9889, and was 1.0000",
                "clean: recall is 0.8900, and was 0.9000",
                "clean: requests is 3.5000, and was 3.0000"
            ]
        );
        let mut raised = floors.clone();
        raised.raise("clean", &tally(80, 80), Some(1.0));
        assert_eq!(raised.falls("clean", &tally(89, 89), Some(1.0)).len(), 1, "recall kept its floor");
        assert_eq!(text(floors.falls("clean", &Tally { reused: 1, ..tally(90, 90) }, None)).len(), 1);
    }

    #[test]
    fn a_malformed_file_names_its_line() {
        assert_eq!(Floors::parse("nonsense\n"), Err(FloorsError { line: 1 }));
        assert_eq!(Floors::parse(&format!("{COLUMNS}\nclean,1,1,1\n")), Err(FloorsError { line: 2 }));
        assert_eq!(Floors::parse(&format!("{COLUMNS}\nclean,1,1,1,0,zero,\n")), Err(FloorsError { line: 2 }));
    }
}
