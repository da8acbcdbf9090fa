//! The move of each image, and how it fits the moves around it.
//!
//! # Method
//! A move is the geodesic from the uploaded to the adjusted place (Karney, 2013). Real moves wander slowly along a
//! sequence, so the field at an image is the componentwise median of up to five neighbours on each side, itself left out;
//! what remains is its residual. The track's direction is that from the uploaded place before to the one after.

use crate::{Flag, Flags};
use capture_model::{Position, PublishedImages};
use geo::{Bearing, Distance, Geodesic, Point};

const NEIGHBOURS: usize = 5;
const MOVED_M: f64 = 1.0;
const MOVED_FAR_M: f64 = 25.0;
const JUMP_M: f64 = 5.0;
const SWAPPED_M: f64 = 2.0;
const NO_MOVE_M: f64 = 0.001;
const IN_A_ROW: usize = 3;

/// The move of one published image; everything is `None` without an uploaded and an adjusted place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ImageShift {
    /// Row of the published image.
    pub row: u32,
    /// Metres east and north.
    pub vector_m: Option<[f64; 2]>,
    /// Metres.
    pub shift_m: Option<f64>,
    /// Degrees from north, 0…360; `None` also for an image that did not move.
    pub bearing_deg: Option<f64>,
    /// Metres ahead and to the right of the track; `None` without a direction.
    pub along_across_m: Option<[f64; 2]>,
    /// Metres off the move of its neighbours; `None` without neighbours.
    pub residual_m: Option<f64>,
    /// Turn from the uploaded to the adjusted compass, −180…180.
    pub compass_turn_deg: Option<f64>,
    /// What is odd.
    pub flags: Flags,
}

/// Audits some rows of the published images. The answer is ordered by (sequence key, capture time, id), whatever the order
/// of the rows.
pub fn audit(published: &PublishedImages, rows: &[u32]) -> Vec<ImageShift> {
    let mut order = rows.to_vec();
    let key = |&row: &u32| {
        let row = row as usize;
        (published.sequence_id(row), published.captured_at_ms[row], published.id[row], row)
    };
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    order.dedup();
    let mut shifts = Vec::with_capacity(order.len());
    for sequence in order.chunk_by(|a, b| published.sequence[*a as usize] == published.sequence[*b as usize]) {
        shifts.extend(audit_sequence(published, sequence));
    }
    shifts
}

fn audit_sequence(published: &PublishedImages, rows: &[u32]) -> Vec<ImageShift> {
    let places: Vec<Option<Position>> = rows.iter().map(|&row| published.original(row as usize)).collect();
    let mut shifts: Vec<ImageShift> =
        rows.iter().zip(&places).map(|(&row, &from)| shift_of(published, row, from)).collect();
    let vectors: Vec<Option<[f64; 2]>> = shifts.iter().map(|shift| shift.vector_m).collect();
    for k in 0..shifts.len() {
        let Some(vector) = vectors[k] else { continue };
        if let Some(field) = field_at(&vectors, k) {
            let residual = (vector[0] - field[0]).hypot(vector[1] - field[1]);
            shifts[k].residual_m = Some(residual);
            shifts[k].flags.set_if(residual > JUMP_M, Flag::Jump);
        }
        if let Some(direction) = direction_at(&places, k) {
            let along = vector[0] * direction[0] + vector[1] * direction[1];
            let across = vector[0] * direction[1] - vector[1] * direction[0];
            shifts[k].along_across_m = Some([along, across]);
        }
    }
    flag_runs(&mut shifts, |shift| shift.shift_m.is_some_and(|m| m > MOVED_FAR_M), Flag::BadStretch);
    flag_frozen(published, rows, &places, &mut shifts);
    flag_swaps(&places, &mut shifts);
    shifts
}

fn shift_of(published: &PublishedImages, row: u32, from: Option<Position>) -> ImageShift {
    let at = row as usize;
    let to = published.computed(at);
    let mut shift = ImageShift {
        row,
        vector_m: None,
        shift_m: None,
        bearing_deg: None,
        along_across_m: None,
        residual_m: None,
        compass_turn_deg: None,
        flags: Flags::default(),
    };
    shift.flags.set_if(to.is_none(), Flag::NotComputed);
    let turn = f64::from(published.computed_compass_deg[at]) - f64::from(published.compass_deg[at]);
    shift.compass_turn_deg = turn.is_finite().then(|| {
        let turn = turn.rem_euclid(360.0);
        if turn > 180.0 { turn - 360.0 } else { turn }
    });
    let (Some(from), Some(to)) = (from, to) else { return shift };
    let vector = offset_m(from, to);
    let length = vector[0].hypot(vector[1]);
    shift.vector_m = Some(vector);
    shift.shift_m = Some(length);
    shift.bearing_deg = (length > 0.0).then(|| vector[0].atan2(vector[1]).to_degrees().rem_euclid(360.0));
    shift.flags.set_if(length > MOVED_M, Flag::Moved);
    shift.flags.set_if(length > MOVED_FAR_M, Flag::MovedFar);
    shift.flags.set_if(length < NO_MOVE_M, Flag::NoMove);
    shift
}

/// Metres east and north of the geodesic between two places.
fn offset_m(from: Position, to: Position) -> [f64; 2] {
    let (from, to) = (Point::new(from.lon(), from.lat()), Point::new(to.lon(), to.lat()));
    let length = Geodesic.distance(from, to);
    if length == 0.0 {
        return [0.0, 0.0];
    }
    let (sin, cos) = Geodesic.bearing(from, to).to_radians().sin_cos();
    [length * sin, length * cos]
}

/// Componentwise median of the neighbours' moves.
fn field_at(vectors: &[Option<[f64; 2]>], k: usize) -> Option<[f64; 2]> {
    let before = vectors[..k].iter().rev().flatten().take(NEIGHBOURS);
    let after = vectors[k + 1..].iter().flatten().take(NEIGHBOURS);
    let around: Vec<[f64; 2]> = before.chain(after).copied().collect();
    let median = |axis: usize| {
        let mut values: Vec<f64> = around.iter().map(|v| v[axis]).collect();
        values.sort_unstable_by(f64::total_cmp);
        let middle = values.len() / 2;
        if values.len() % 2 == 1 { values[middle] } else { f64::midpoint(values[middle - 1], values[middle]) }
    };
    (!around.is_empty()).then(|| [median(0), median(1)])
}

/// Unit vector (east, north) of the track at an image, from the nearest other places on both sides.
fn direction_at(places: &[Option<Position>], k: usize) -> Option<[f64; 2]> {
    let here = places[k]?;
    let other = |place: &&Position| **place != here;
    let before = places[..k].iter().rev().flatten().find(other).copied().unwrap_or(here);
    let after = places[k + 1..].iter().flatten().find(other).copied().unwrap_or(here);
    let way = offset_m(before, after);
    let length = way[0].hypot(way[1]);
    (length > 0.0).then(|| way.map(|x| x / length))
}

/// Flags every member of a run of at least three that pass a test.
fn flag_runs(shifts: &mut [ImageShift], test: impl Fn(&ImageShift) -> bool, flag: Flag) {
    let passes: Vec<bool> = shifts.iter().map(test).collect();
    let mut start = 0;
    for run in passes.chunk_by(|a, b| a == b) {
        let is_long = run[0] && run.len() >= IN_A_ROW;
        shifts[start..start + run.len()].iter_mut().for_each(|shift| shift.flags.set_if(is_long, flag));
        start += run.len();
    }
}

fn flag_frozen(published: &PublishedImages, rows: &[u32], places: &[Option<Position>], shifts: &mut [ImageShift]) {
    let mut start = 0;
    for run in places.chunk_by(|a, b| a.is_some() && a == b) {
        let time = |k: usize| published.captured_at_ms[rows[k] as usize];
        let is_frozen = run.len() >= IN_A_ROW && time(start) < time(start + run.len() - 1);
        shifts[start..start + run.len()]
            .iter_mut()
            .for_each(|shift| shift.flags.set_if(is_frozen, Flag::FrozenReceiver));
        start += run.len();
    }
}

/// Two images whose adjusted places lie in the other order along the track than their times.
fn flag_swaps(places: &[Option<Position>], shifts: &mut [ImageShift]) {
    for k in 1..shifts.len() {
        let (Some(a), Some(b)) = (places[k - 1], places[k]) else { continue };
        let (Some(from), Some(to)) = (shifts[k - 1].vector_m, shifts[k].vector_m) else { continue };
        let way = offset_m(a, b);
        let length = way[0].hypot(way[1]);
        if length == 0.0 {
            continue;
        }
        let moved = [way[0] + to[0] - from[0], way[1] + to[1] - from[1]];
        let along = (moved[0] * way[0] + moved[1] * way[1]) / length;
        shifts[k - 1].flags.set_if(along < -SWAPPED_M, Flag::OrderSwapped);
        shifts[k].flags.set_if(along < -SWAPPED_M, Flag::OrderSwapped);
    }
}

#[cfg(test)]
mod tests;
