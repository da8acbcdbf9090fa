//! The move of each image, and how it fits the moves around it.
//!
//! # Method
//! Real moves wander slowly along a sequence (correlation with the next image 0.79, gone after 6.5 s), so the field at an
//! image is the componentwise median of up to five moved neighbours on each side, itself left out; what remains is its
//! residual. The track's direction at an image is that from the nearest other uploaded place before to the one after.

use crate::frame::{Frame, Vector, geodesic_m, length, minus};
use crate::{Flag, Flags};
use capture_model::{Evidence, Position, PublishedImages};

const NEIGHBOURS: usize = 5;
const MOVED_M: f64 = 1.0;
const MOVED_FAR_M: f64 = 25.0;
const JUMP_M: f64 = 5.0;
pub(crate) const NO_MOVE_M: f64 = 0.001;
/// One step of the grid of a zoom-14 tile at the equator: the world's girth over 2^14 tiles of 4096 steps.
const TILE_STEP_M: f64 = 40_075_016.686 / 16_384.0 / 4_096.0;
/// What the service writes as the altitude of an image that it did not reconstruct.
const DEFAULT_ALTITUDE_M: f32 = 2.0;
const SAME_ALTITUDE_M: f32 = 1e-3;
const SAME_COMPASS_DEG: f64 = 1e-2;

/// The move of one published image; lengths are `None` without an uploaded and an adjusted place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageShift {
    /// Row of the published image.
    pub row: u32,
    /// Metres east and north, from the uploaded to the adjusted place.
    pub vector_m: Option<[f64; 2]>,
    /// Metres along the geodesic.
    pub shift_m: Option<f64>,
    /// Degrees from north, 0…360; `None` also for an image that did not move.
    pub bearing_deg: Option<f64>,
    /// Metres ahead and to the right of the track; `None` without a direction.
    pub along_across_m: Option<[f64; 2]>,
    /// Metres off the move of its neighbours; `None` without neighbours.
    pub residual_m: Option<f64>,
    /// Turn from the uploaded to the adjusted compass, −180…180.
    pub compass_turn_deg: Option<f64>,
    /// How much of the move may be rounding: 0 for places of entities, up to 0.84 m for those of tiles.
    pub rounding_m: f64,
    /// What is odd.
    pub flags: Flags,
}

/// An uploaded place and where the service put it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) position: Position,
    pub(crate) frame: Frame,
    pub(crate) goal: Option<Vector>,
}

impl Place {
    /// The move as a chord.
    pub(crate) fn chord(&self) -> Option<Vector> {
        self.goal.map(|goal| minus(goal, self.frame.point))
    }
}

/// The uploaded places of some rows; `None` where the source has none.
pub(crate) fn places_of(published: &PublishedImages, rows: &[u32]) -> Vec<Option<Place>> {
    let place_of = |&row: &u32| {
        let position = published.original(row as usize)?;
        let goal = published.computed(row as usize).map(|goal| Frame::at(goal).point);
        Some(Place { position, frame: Frame::at(position), goal })
    };
    rows.iter().map(place_of).collect()
}

/// What a row says by itself.
pub(crate) fn shift_of(published: &PublishedImages, row: u32) -> ImageShift {
    let at = row as usize;
    let (from, to) = (published.original(at), published.computed(at));
    let turn = f64::from(published.computed_compass_deg[at]) - f64::from(published.compass_deg[at]);
    let mut shift = ImageShift {
        row,
        vector_m: None,
        shift_m: None,
        bearing_deg: None,
        along_across_m: None,
        residual_m: None,
        compass_turn_deg: turn.is_finite().then(|| half_turn(turn)),
        rounding_m: from.map_or(0.0, |from| tile_rounding_m(published.evidence[at], from)),
        flags: Flags::default(),
    };
    shift.flags.set_if(to.is_none(), Flag::NotComputed);
    let (Some(from), Some(to)) = (from, to) else { return shift };
    let vector_m = geodesic_m(from, to);
    let shift_m = length(vector_m);
    shift.vector_m = Some(vector_m);
    shift.shift_m = Some(shift_m);
    shift.bearing_deg = (shift_m > 0.0).then(|| bearing_of(vector_m));
    shift.flags.set_if(shift_m > MOVED_M, Flag::Moved);
    shift.flags.set_if(shift_m > MOVED_FAR_M, Flag::MovedFar);
    shift.flags.set_if(shift_m < NO_MOVE_M, Flag::NoMove);
    let has_default_altitude = (published.computed_altitude_m[at] - DEFAULT_ALTITUDE_M).abs() < SAME_ALTITUDE_M;
    let keeps_compass = shift.compass_turn_deg.is_some_and(|turn| turn.abs() < SAME_COMPASS_DEG);
    let is_marked = has_default_altitude && keeps_compass && shift_m < NO_MOVE_M.max(shift.rounding_m);
    shift.flags.set_if(is_marked, Flag::NotReconstructed);
    shift
}

/// How far two places of one image may differ by the grid of a tile alone: the diagonal of its step.
pub(crate) fn tile_rounding_m(evidence: Evidence, place: Position) -> f64 {
    match evidence {
        Evidence::Tile => TILE_STEP_M * place.lat().to_radians().cos() * std::f64::consts::SQRT_2,
        Evidence::Entity => 0.0,
    }
}

fn half_turn(turn_deg: f64) -> f64 {
    let turn_deg = turn_deg.rem_euclid(360.0);
    if turn_deg > 180.0 { turn_deg - 360.0 } else { turn_deg }
}

fn bearing_of(vector: [f64; 2]) -> f64 {
    let bearing_deg = vector[0].atan2(vector[1]).to_degrees();
    let turned = bearing_deg.rem_euclid(360.0);
    if turned == 360.0 { 0.0 } else { turned } // a hair west of north rounds up
}

/// Fills in how each move differs from those around it.
pub(crate) fn add_residuals(places: &[Option<Place>], shifts: &mut [ImageShift]) {
    let moved: Vec<(usize, Vector)> =
        places.iter().enumerate().filter_map(|(k, place)| Some((k, place.as_ref()?.chord()?))).collect();
    for (rank, &(k, _)) in moved.iter().enumerate() {
        let (Some(place), Some(vector)) = (&places[k], shifts[k].vector_m) else { continue };
        let before = &moved[rank.saturating_sub(NEIGHBOURS)..rank];
        let after = &moved[rank + 1..moved.len().min(rank + 1 + NEIGHBOURS)];
        let mut around = [[0.0; 2 * NEIGHBOURS]; 2];
        let n = before.len() + after.len();
        if n == 0 {
            continue;
        }
        for (slot, (_, chord)) in before.iter().chain(after).enumerate() {
            let [east, north] = place.frame.look(*chord);
            around[0][slot] = east;
            around[1][slot] = north;
        }
        let [east, north] = around.each_mut().map(|values| median(&mut values[..n]));
        let residual_m = length([vector[0] - east, vector[1] - north]);
        shifts[k].residual_m = Some(residual_m);
        shifts[k].flags.set_if(residual_m > JUMP_M, Flag::Jump);
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { f64::midpoint(values[half - 1], values[half]) }
}

/// The track at an image: the nearest other uploaded places before and after, and the direction between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heading {
    /// Unit vector east and north, at the image.
    pub(crate) direction: [f64; 2],
    /// The place before and the place after, where both exist.
    pub(crate) between: Option<(usize, usize)>,
}

impl Heading {
    /// Metres ahead and to the right that a vector goes.
    pub(crate) fn split(&self, vector: [f64; 2]) -> [f64; 2] {
        let [east, north] = self.direction;
        [vector[0] * east + vector[1] * north, vector[0] * north - vector[1] * east]
    }
}

/// The track at each image; `None` where no other place shows a direction.
pub(crate) fn headings_of(places: &[Option<Place>]) -> Vec<Option<Heading>> {
    let before = nearest_others(places, 0..places.len());
    let after = nearest_others(places, (0..places.len()).rev());
    let heading = |k: usize| {
        let here = places[k].as_ref()?;
        let point_of = |other: Option<usize>| {
            other.and_then(|other| places[other].as_ref()).map_or(here.frame.point, |place| place.frame.point)
        };
        let way = here.frame.look(minus(point_of(after[k]), point_of(before[k])));
        let way_m = length(way);
        (way_m > 0.0).then(|| Heading { direction: way.map(|axis| axis / way_m), between: before[k].zip(after[k]) })
    };
    (0..places.len()).map(heading).collect()
}

/// For each place the last one before it, in the order of the walk, that is elsewhere. One pass, however long a
/// receiver stands still.
fn nearest_others(places: &[Option<Place>], walk: impl Iterator<Item = usize>) -> Vec<Option<usize>> {
    let mut others = vec![None; places.len()];
    let mut last: Option<(usize, Position)> = None;
    for k in walk {
        let Some(place) = &places[k] else { continue };
        others[k] = match last {
            Some((previous, position)) if position == place.position => others[previous],
            Some((previous, _)) => Some(previous),
            None => None,
        };
        last = Some((k, place.position));
    }
    others
}

/// Fills in which part of each move goes along the track and which across it.
pub(crate) fn add_track_parts(headings: &[Option<Heading>], shifts: &mut [ImageShift]) {
    for (shift, heading) in shifts.iter_mut().zip(headings) {
        shift.along_across_m = heading.as_ref().zip(shift.vector_m).map(|(heading, vector)| heading.split(vector));
    }
}
