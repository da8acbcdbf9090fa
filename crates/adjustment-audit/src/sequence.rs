//! The moves of a sequence taken together: how far, how alike, and what explains them.
//!
//! Three explanations are weighed by the share of the squared moves that they take away: one shift for all images; a line,
//! that is a shift that changes evenly from the first image to the last; and the field, that is the median move of each
//! image's neighbours. On 12,350 real pairs one shift takes away 37 %, and the field leaves 0.6 m.

use crate::frame::Frame;
use crate::moves::{NO_MOVE_M, Place};
use crate::rigid::{Pair, common_motion};
use crate::{Flag, ImageShift, Spread};
use capture_model::PublishedImages;
use std::ops::Range;

const IN_PLACE_M: f64 = 1.0;
const MOSTLY: f64 = 0.8;
const PARTLY: f64 = 0.5;
const MANY_JUMPS: f64 = 0.05;

/// What a sequence's moves amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SequenceVerdict {
    /// No image has an adjusted place.
    NotComputed,
    /// Every adjusted image carries the mark of one that was not reconstructed.
    NotReconstructed,
    /// Nine in ten images moved by at most a metre.
    InPlace,
    /// At least three images in a row were put more than 25 m away.
    BadStretch,
    /// More than one image in twenty is more than 5 m off its neighbours' move.
    Jumps,
    /// One shift explains four fifths of all moves.
    Shifted,
    /// A shift with a turn and a scale does.
    Turned,
    /// The moves change slowly along the sequence: the field explains at least half.
    Wandering,
    /// Nothing explains them.
    Scattered,
}

impl SequenceVerdict {
    /// The word of the `verdict` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotComputed => "not_computed",
            Self::NotReconstructed => "not_reconstructed",
            Self::InPlace => "in_place",
            Self::BadStretch => "bad_stretch",
            Self::Jumps => "jumps",
            Self::Shifted => "shifted",
            Self::Turned => "turned",
            Self::Wandering => "wandering",
            Self::Scattered => "scattered",
        }
    }
}

/// The moves of one published sequence. Figures are `None` where no image has both places.
#[derive(Debug, Clone, PartialEq)]
pub struct SequenceShift {
    /// Number of its key; `None` for images without one, which are taken together by contributor and time.
    pub sequence: Option<u32>,
    /// Its images in [`crate::Audit::images`].
    pub images: Range<usize>,
    /// How many of them have an adjusted place.
    pub with_computed: usize,
    /// The lengths of the moves.
    pub spread: Option<Spread>,
    /// Row of the image that moved farthest; of equal ones that with the smallest id.
    pub worst_row: Option<u32>,
    /// Metres east and north by which the common motion moves the middle of the sequence.
    pub shift_m: Option<[f64; 2]>,
    /// Turn of the common motion, degrees clockwise; `None` also where images are too few, close or scattered to tell.
    pub rotation_deg: Option<f64>,
    /// Scale of the common motion, with the turn.
    pub scale: Option<f64>,
    /// Share of the squared moves that one shift explains, 0…1; `None` also where nothing moved.
    pub explained_by_shift: Option<f64>,
    /// Share that a shift explains that changes evenly from the first image to the last.
    pub explained_by_line: Option<f64>,
    /// Share that the neighbours' median moves explain.
    pub explained_by_field: Option<f64>,
    /// What that amounts to.
    pub verdict: SequenceVerdict,
}

/// Sums up one sequence; `first` is the place of its first image among all.
pub(crate) fn sum_up(
    published: &PublishedImages,
    places: &[Option<Place>],
    shifts: &[ImageShift],
    first: usize,
) -> SequenceShift {
    let number = published.sequence[shifts[0].row as usize];
    let mut lengths: Vec<f64> = shifts.iter().filter_map(|shift| shift.shift_m).collect();
    let farther = |a: &&ImageShift, b: &&ImageShift| {
        let id = |shift: &ImageShift| published.id[shift.row as usize];
        a.shift_m.unwrap_or(0.0).total_cmp(&b.shift_m.unwrap_or(0.0)).then(id(b).cmp(&id(a)))
    };
    let pairs = pairs_of(places);
    let motion = common_motion(&pairs);
    let mut sum = SequenceShift {
        sequence: (number != PublishedImages::NO_SEQUENCE).then_some(number),
        images: first..first + shifts.len(),
        with_computed: shifts.iter().filter(|shift| !shift.flags.has(Flag::NotComputed)).count(),
        spread: Spread::of(&mut lengths),
        worst_row: shifts.iter().filter(|shift| shift.shift_m.is_some()).max_by(farther).map(|shift| shift.row),
        shift_m: motion.map(|motion| motion.shift_m),
        rotation_deg: motion.and_then(|motion| motion.turn_and_scale).map(|(turn_deg, _)| turn_deg),
        scale: motion.and_then(|motion| motion.turn_and_scale).map(|(_, scale)| scale),
        explained_by_shift: None,
        explained_by_line: None,
        explained_by_field: None,
        verdict: SequenceVerdict::NotComputed,
    };
    if sum.spread.is_some_and(|spread| spread.max_m >= NO_MOVE_M) {
        let moves: Vec<[f64; 2]> =
            pairs.iter().map(|pair| [pair.to[0] - pair.from[0], pair.to[1] - pair.from[1]]).collect();
        sum.explained_by_shift = Some(explained_by_line(&moves, 0.0));
        sum.explained_by_line = Some(explained_by_line(&moves, 1.0));
        sum.explained_by_field = explained_by_field(shifts);
    }
    let explained_by_motion = motion.and_then(|motion| motion.explained).unwrap_or(0.0);
    sum.verdict = verdict_of(&sum, shifts, explained_by_motion);
    sum
}

/// Uploaded and adjusted places about the middle of the sequence.
fn pairs_of(places: &[Option<Place>]) -> Vec<Pair> {
    let moved = || places.iter().flatten().filter_map(|place| Some((place.frame.point, place.goal?)));
    let points: Vec<_> = moved().map(|(from, _)| from).collect();
    let Some(middle) = Frame::amid(&points) else { return Vec::new() };
    let look = |point| middle.look(crate::frame::minus(point, middle.point));
    moved().map(|(from, to)| Pair { from: look(from), to: look(to) }).collect()
}

/// Share of the squared moves that a constant explains, and with `slope` 1 a straight line over the order of the images.
fn explained_by_line(moves: &[[f64; 2]], slope: f64) -> f64 {
    let n = moves.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let (mut all, mut left) = (0.0, 0.0);
    for axis in [0, 1] {
        let mean = moves.iter().map(|v| v[axis]).sum::<f64>() / n;
        let (mut product, mut square) = (0.0, 0.0);
        for (k, vector) in moves.iter().enumerate() {
            let rank = k as f64 - middle;
            product += rank * vector[axis];
            square += rank * rank;
        }
        let per_image = if square > 0.0 { slope * product / square } else { 0.0 };
        for (k, vector) in moves.iter().enumerate() {
            all += vector[axis].powi(2);
            left += (vector[axis] - mean - per_image * (k as f64 - middle)).powi(2);
        }
    }
    (1.0 - left / all).clamp(0.0, 1.0)
}

fn explained_by_field(shifts: &[ImageShift]) -> Option<f64> {
    let mut all = 0.0;
    let mut left = 0.0;
    for (shift_m, residual_m) in shifts.iter().filter_map(|shift| shift.shift_m.zip(shift.residual_m)) {
        all += shift_m * shift_m;
        left += residual_m * residual_m;
    }
    (all > 0.0).then(|| (1.0 - left / all).clamp(0.0, 1.0))
}

fn verdict_of(sum: &SequenceShift, shifts: &[ImageShift], explained_by_motion: f64) -> SequenceVerdict {
    let count = |flag: Flag| shifts.iter().filter(|shift| shift.flags.has(flag)).count();
    let at_least = |share: Option<f64>, least: f64| share.is_some_and(|share| share >= least);
    let Some(spread) = sum.spread else { return SequenceVerdict::NotComputed };
    if count(Flag::NotReconstructed) == spread.n {
        SequenceVerdict::NotReconstructed
    } else if count(Flag::BadStretch) > 0 {
        SequenceVerdict::BadStretch
    } else if spread.p90_m <= IN_PLACE_M {
        SequenceVerdict::InPlace
    } else if count(Flag::Jump) as f64 > MANY_JUMPS * spread.n as f64 {
        SequenceVerdict::Jumps
    } else if at_least(sum.explained_by_shift, MOSTLY) {
        SequenceVerdict::Shifted
    } else if explained_by_motion >= MOSTLY {
        SequenceVerdict::Turned
    } else if at_least(sum.explained_by_field, PARTLY) {
        SequenceVerdict::Wandering
    } else {
        SequenceVerdict::Scattered
    }
}
