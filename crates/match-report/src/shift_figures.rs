//! The moves of an archive in figures: all together, by device, by flag, by verdict.

use adjustment_audit::{Audit, DeviceShift, Flag, Spread};
use capture_model::PublishedImages;
use serde::Serialize;
use std::collections::BTreeMap;

/// How a set of moves is spread, metres to the centimetre.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SpreadFigures {
    /// Images with an original and an adjusted place.
    pub images: usize,
    /// Half moved at most so far.
    pub median_m: f64,
    /// Nine in ten moved at most so far.
    pub p90_m: f64,
    /// 99 in 100 moved at most so far.
    pub p99_m: f64,
    /// The farthest move.
    pub max_m: f64,
}

impl From<Spread> for SpreadFigures {
    fn from(spread: Spread) -> Self {
        let [median_m, p90_m, p99_m, max_m] =
            [spread.median_m, spread.p90_m, spread.p99_m, spread.max_m].map(|metres| (metres * 100.0).round() / 100.0);
        Self { images: spread.n, median_m, p90_m, p99_m, max_m }
    }
}

/// The moves that one make and model took part in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceFigures {
    /// Make; `None` where the source tells none.
    pub make: Option<Box<str>>,
    /// Model, likewise.
    pub model: Option<Box<str>>,
    /// Their spread.
    #[serde(flatten)]
    pub spread: SpreadFigures,
}

/// The moves of an archive.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShiftFigures {
    /// Published images that were audited.
    pub images: usize,
    /// Those with an adjusted place.
    pub with_computed: usize,
    /// All moves; `None` without one.
    pub moves: Option<SpreadFigures>,
    /// How much of any figure may be the grid of the tiles, metres; 0 for places of entities.
    pub rounding_m: f64,
    /// By make and model.
    pub by_device: Vec<DeviceFigures>,
    /// Images by flag.
    pub flags: BTreeMap<&'static str, usize>,
    /// Published sequences by verdict.
    pub sequences: BTreeMap<&'static str, usize>,
}

impl ShiftFigures {
    /// Counts an audit.
    pub fn of(published: &PublishedImages, audit: &Audit) -> Self {
        let mut flags = BTreeMap::new();
        for flag in audit.images.iter().flat_map(|shift| shift.flags.iter()) {
            *flags.entry(flag.as_str()).or_default() += 1;
        }
        let mut sequences = BTreeMap::new();
        for sum in &audit.sequences {
            *sequences.entry(sum.verdict.as_str()).or_default() += 1;
        }
        let of_device = |shift: DeviceShift| DeviceFigures {
            make: shift.device.make,
            model: shift.device.model,
            spread: shift.spread.into(),
        };
        Self {
            images: audit.images.len(),
            with_computed: audit.images.iter().filter(|shift| !shift.flags.has(Flag::NotComputed)).count(),
            moves: audit.spread().map(SpreadFigures::from),
            rounding_m: (audit.rounding_m() * 100.0).ceil() / 100.0,
            by_device: audit.by_device(published).into_iter().map(of_device).collect(),
            flags,
            sequences,
        }
    }
}
