//! What the service does without failing: tiles that lag behind, images that are gone, number types, empty tiles.
//!
//! All of it has been reported of the real service, some of it by one witness alone; a client must bear every
//! combination. Which sequences lag and which images are gone follows from their names and the seed, so that the same
//! settings give the same world.

use coverage_tile::{Dialect, NumberKind};
use std::collections::BTreeSet;

/// How bodies are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Packing {
    /// Never.
    #[default]
    Off,
    /// With `Content-Encoding: gzip`, for clients that accept it.
    Announced,
    /// Tiles are gzip members, and no header says so.
    Bare,
}

/// Habits of a service that works.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Habits {
    /// Share of sequences that the Graph API knows and no tile shows yet.
    pub(crate) lag: f64,
    /// Share of images that tiles still show and the Graph API no longer knows.
    pub(crate) gone: f64,
    pub(crate) dialect: Dialect,
    /// Status of a tile without coverage: 204, 404, or 200 without a byte.
    pub(crate) empty_status: u16,
    pub(crate) packing: Packing,
    /// Time filters are widened to whole days.
    pub(crate) sloppy_times: bool,
    /// `call_count` of the header `x-app-usage`; no header where it is `None`.
    pub(crate) usage_percent: Option<u8>,
    pub(crate) retry_after_s: u32,
    pub(crate) pause_ms: u64,
    pub(crate) seed: u64,
    /// Sequences that no tile shows, by name.
    pub(crate) hidden_sequences: BTreeSet<String>,
    /// Images that nobody can read, by id.
    pub(crate) hidden_images: BTreeSet<u64>,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            lag: 0.0,
            gone: 0.0,
            dialect: Dialect::default(),
            empty_status: 204,
            packing: Packing::Off,
            sloppy_times: false,
            usage_percent: None,
            retry_after_s: 1,
            pause_ms: 300,
            seed: 0,
            hidden_sequences: BTreeSet::new(),
            hidden_images: BTreeSet::new(),
        }
    }
}

impl Habits {
    /// Takes one `name=value`; `None` where the name or the value is unknown.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match (name, value) {
            ("seed", _) => self.seed = value.parse().ok()?,
            ("lag", _) => self.lag = share(value)?,
            ("gone", _) => self.gone = share(value)?,
            ("empty", "200" | "204" | "404") => self.empty_status = value.parse().ok()?,
            ("gzip", "off") => self.packing = Packing::Off,
            ("gzip", "on") => self.packing = Packing::Announced,
            ("gzip", "bare") => self.packing = Packing::Bare,
            ("times", "exact" | "sloppy") => self.sloppy_times = value == "sloppy",
            ("usage", _) => self.usage_percent = Some(value.parse().ok()?),
            ("retry_after_s", _) => self.retry_after_s = value.parse().ok()?,
            ("pause_ms", _) => self.pause_ms = value.parse().ok()?,
            ("numbers", _) => {
                let kinds = [
                    ("int", NumberKind::Int),
                    ("uint", NumberKind::Uint),
                    ("sint", NumberKind::Sint),
                    ("double", NumberKind::Double),
                    ("text", NumberKind::Text),
                ];
                self.dialect.numbers = kinds.iter().find(|(known, _)| *known == value)?.1;
            }
            _ => return None,
        }
        Some(())
    }

    /// Whether tiles do not show this sequence yet.
    pub(crate) fn lags(&self, sequence: &str) -> bool {
        self.hidden_sequences.contains(sequence)
            || self.lag > 0.0 && fraction(self.seed, sequence.as_bytes()) < self.lag
    }

    /// Whether the Graph API no longer knows this image.
    pub(crate) fn is_gone(&self, id: u64) -> bool {
        self.hidden_images.contains(&id) || self.gone > 0.0 && fraction(self.seed, &id.to_le_bytes()) < self.gone
    }
}

pub(crate) fn share(text: &str) -> Option<f64> {
    text.parse().ok().filter(|share| (0.0..=1.0).contains(share))
}

/// A number in 0…1 that follows from a name and a seed alone (FNV-1a, its bits mixed as in MurmurHash3).
fn fraction(seed: u64, name: &[u8]) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for &byte in name {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_names_is_chosen_and_the_seed_chooses_others() {
        let chosen = |seed| {
            let habits = Habits { lag: 0.2, seed, ..Habits::default() };
            (0..5_000).filter(|k| habits.lags(&format!("sequence {k}"))).collect::<Vec<_>>()
        };
        assert!((900..1_100).contains(&chosen(1).len()), "{}", chosen(1).len());
        assert_eq!(chosen(1), chosen(1));
        assert_ne!(chosen(1), chosen(2));
        assert!(!Habits::default().lags("x") && !Habits::default().is_gone(1));
    }
}
