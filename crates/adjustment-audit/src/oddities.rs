//! Flags that an image gets from its neighbours: bad stretches, swapped order, the wrong side, a frozen receiver.

use crate::frame::{length, minus};
use crate::moves::{Heading, Place};
use crate::{Flag, ImageShift};
use capture_model::PublishedImages;

const SWAPPED_M: f64 = 2.0;
const SWAPS_LOOKED_FOR: usize = 5;
const OFF_TRACK_M: f64 = 3.0;
const IN_A_ROW: usize = 3;

/// Every member of a run of at least three that moved far.
pub(crate) fn flag_bad_stretches(shifts: &mut [ImageShift]) {
    let is_far: Vec<bool> = shifts.iter().map(|shift| shift.flags.has(Flag::MovedFar)).collect();
    flag_runs(is_far.chunk_by(|a, b| a == b).map(|run| (run.len(), run[0])), Flag::BadStretch, shifts);
}

/// Every member of a run of at least three equal uploaded places over which time goes on.
pub(crate) fn flag_frozen(published: &PublishedImages, places: &[Option<Place>], shifts: &mut [ImageShift]) {
    let times: Vec<i64> = shifts.iter().map(|shift| published.captured_at_ms[shift.row as usize]).collect();
    let position = |place: &Option<Place>| place.as_ref().map(|place| place.position);
    let mut start = 0;
    let runs: Vec<(usize, bool)> = places
        .chunk_by(|a, b| position(a).is_some() && position(a) == position(b))
        .map(|run| {
            let (first, last) = (times[start], times[start + run.len() - 1]);
            start += run.len();
            (run.len(), first != PublishedImages::NO_TIME && first < last)
        })
        .collect();
    flag_runs(runs.into_iter(), Flag::FrozenReceiver, shifts);
}

/// Walks over runs (length, whether they count) and flags those that are long enough.
fn flag_runs(runs: impl Iterator<Item = (usize, bool)>, flag: Flag, shifts: &mut [ImageShift]) {
    let mut rest = shifts;
    for (n, counts) in runs {
        let (run, after) = rest.split_at_mut(n);
        run.iter_mut().for_each(|shift| shift.flags.set_if(counts && n >= IN_A_ROW, flag));
        rest = after;
    }
}

/// Pairs of images close to each other in time whose adjusted places lie the other way round, seen along the line
/// between their uploaded ones.
pub(crate) fn flag_swaps(places: &[Option<Place>], shifts: &mut [ImageShift]) {
    for k in 0..shifts.len() {
        let Some(Place { frame, goal: Some(goal), .. }) = places[k] else { continue };
        for other in k + 1..shifts.len().min(k + 1 + SWAPS_LOOKED_FOR) {
            let Some(Place { frame: other_frame, goal: Some(other_goal), .. }) = places[other] else { continue };
            let way = frame.look(minus(other_frame.point, frame.point));
            let way_m = length(way);
            if way_m == 0.0 {
                continue;
            }
            let moved = frame.look(minus(other_goal, goal));
            let is_swapped = (moved[0] * way[0] + moved[1] * way[1]) / way_m < -SWAPPED_M;
            shifts[k].flags.set_if(is_swapped, Flag::OrderSwapped);
            shifts[other].flags.set_if(is_swapped, Flag::OrderSwapped);
        }
    }
}

/// Images that lie off the line between their neighbours' uploaded places, and were put on its other side.
pub(crate) fn flag_sides(places: &[Option<Place>], headings: &[Option<Heading>], shifts: &mut [ImageShift]) {
    for (k, shift) in shifts.iter_mut().enumerate() {
        let (Some(Place { frame, goal: Some(goal), .. }), Some(heading)) = (places[k], &headings[k]) else { continue };
        let Some(before) = heading.between.and_then(|(before, _)| places[before]) else { continue };
        let side_m = |point| heading.split(frame.look(minus(point, before.frame.point)))[1];
        let (uploaded_m, adjusted_m) = (side_m(frame.point), side_m(goal));
        let is_far = uploaded_m.abs() > OFF_TRACK_M && adjusted_m.abs() > OFF_TRACK_M;
        shift.flags.set_if(is_far && (uploaded_m > 0.0) != (adjusted_m > 0.0), Flag::SideChanged);
    }
}
