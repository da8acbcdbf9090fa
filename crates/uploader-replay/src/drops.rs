//! Photos that the uploader leaves behind: duplicates, impossible speed, zig-zag.
//!
//! Each check sees one sequence in time order and names members; none looks at what another has found.

use crate::chord::{between_m, bounds_m2, earth_centred_m};
use crate::{Photos, Rules};
use capture_model::Position;

const ZIG_ZAG_WINDOW: usize = 5;
pub(crate) const ZIG_ZAG_JUMP_M: f64 = 30.0;
const ZIG_ZAG_RETURN: f64 = 0.8;

/// Two computed chords of equal length differ by less, metres.
pub(crate) const ROUNDING_M: f64 = 1e-6;

/// Where the members of a sequence are. Their points in space take part in several chords, and are computed when the first
/// of these is not told by its bounds: on most rides none is.
pub(crate) struct Points {
    places: Vec<Position>,
    /// Bounds of the squared chord from each but the last to the next one: all checks ask for these.
    steps_m2: Vec<(f64, f64)>,
    /// Not a number where it is not computed yet.
    in_space: Vec<[f64; 3]>,
}

impl Points {
    pub(crate) fn of<P: Photos + ?Sized>(members: &[u32], photos: &P) -> Self {
        let place = |&member: &u32| photos.position(member).expect("only photos with a place form sequences");
        let places: Vec<Position> = members.iter().map(place).collect();
        Self { steps_m2: steps_m2(&places), places, in_space: Vec::new() }
    }

    /// Whether any member lies at (0, 0).
    pub(crate) fn has_null_island(&self) -> bool {
        self.places.iter().any(|place| place.is_null_island())
    }

    /// Leaves out the members for which it is said.
    pub(crate) fn retain(&mut self, mut is_kept: impl FnMut(usize) -> bool) {
        let mut at = 0;
        let mut keep = || {
            at += 1;
            is_kept(at - 1)
        };
        self.places.retain(|_| keep());
        self.steps_m2 = steps_m2(&self.places);
        self.in_space.clear();
    }

    /// Metres between two members.
    fn distance_m(&mut self, a: usize, b: usize) -> f64 {
        between_m(self.point(a), self.point(b))
    }

    fn point(&mut self, at: usize) -> [f64; 3] {
        if self.in_space.is_empty() {
            self.in_space.resize(self.places.len(), [f64::NAN; 3]);
        }
        if self.in_space[at][0].is_nan() {
            self.in_space[at] = earth_centred_m(self.places[at]);
        }
        self.in_space[at]
    }

    /// Whether two members are further apart than so many metres.
    fn is_beyond(&mut self, a: usize, b: usize, metres: f64) -> bool {
        let step_m2 = if b == a + 1 { self.steps_m2[a] } else { bounds_m2(self.places[a], self.places[b]) };
        is_longer(step_m2, metres).unwrap_or_else(|| self.distance_m(a, b) > metres)
    }
}

/// Whether a chord is longer than so many metres, by the bounds of its square; `None` where they do not tell.
pub(crate) fn is_longer((at_least_m2, at_most_m2): (f64, f64), metres: f64) -> Option<bool> {
    let (more, less) = (metres + ROUNDING_M, (metres - ROUNDING_M).max(0.0));
    match () {
        () if at_least_m2 > more * more => Some(true),
        () if at_most_m2 < less * less => Some(false),
        () => None,
    }
}

fn steps_m2(places: &[Position]) -> Vec<(f64, f64)> {
    places.array_windows().map(|&[a, b]| bounds_m2(a, b)).collect()
}

/// Smallest turn between two headings, degrees.
fn turn_deg(a: f64, b: f64) -> f64 {
    let turn = (a - b).rem_euclid(360.0);
    turn.min(360.0 - turn)
}

/// Members that repeat the last kept one, each with that one.
pub(crate) fn duplicates<P: Photos + ?Sized>(
    members: &[u32],
    points: &mut Points,
    photos: &P,
    rules: &Rules,
) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    let mut kept = 0;
    for at in 1..members.len() {
        let is_close = !points.is_beyond(kept, at, rules.duplicate_distance_m);
        let is_repeated = is_close && {
            let turn = photos.photo(members[kept]).heading_deg.zip(photos.photo(members[at]).heading_deg);
            turn.is_none_or(|(a, b)| turn_deg(a, b) <= rules.duplicate_angle_deg)
        };
        if is_repeated {
            found.push((members[at], members[kept]));
        } else {
            kept = at;
        }
    }
    found
}

/// Average speed of a sequence in km/h, where it is more than so much; `None` with fewer than two photos, or where nothing
/// moves.
pub(crate) fn average_speed_above_kmh(
    max_kmh: f64,
    members: &[u32],
    points: &mut Points,
    time_ms: impl Fn(u32) -> i64,
) -> Option<f64> {
    let (&first, &last) = members.first().zip(members.last()).filter(|_| members.len() > 1)?;
    let elapsed_h = time_ms(last).saturating_sub(time_ms(first)) as f64 / 3_600_000.0;
    let at_most_m: f64 = points.steps_m2.iter().map(|&(_, at_most_m2)| at_most_m2.sqrt() + ROUNDING_M).sum();
    if at_most_m / 1000.0 <= max_kmh * elapsed_h {
        return None;
    }
    let length_m: f64 = (1..members.len()).map(|at| points.distance_m(at - 1, at)).sum();
    let kmh = (length_m > 0.0).then(|| length_m / 1000.0 / elapsed_h); // no time at all is infinitely fast
    kmh.filter(|&kmh| kmh > max_kmh)
}

/// Members that jump off the path and whose successor is back on it.
///
/// Photo i is compared with the one five before it (the reference). If i lies more than 30 m from i − 1 and is much closer
/// to the reference than i − 1 was (less than 0.8 of its distance), then i − 1 was off the path, and so were those right
/// before it that satisfy the same.
pub(crate) fn zig_zags(members: &[u32], points: &mut Points) -> Vec<u32> {
    let mut is_off = vec![false; members.len()];
    for current in ZIG_ZAG_WINDOW..members.len() {
        let reference = current - ZIG_ZAG_WINDOW;
        for before in (reference + 1..current).rev() {
            if !points.is_beyond(before, current, ZIG_ZAG_JUMP_M) {
                break;
            }
            let returned_m = points.distance_m(current, reference);
            if returned_m >= points.distance_m(before, reference) * ZIG_ZAG_RETURN {
                break;
            }
            is_off[before] = true;
        }
    }
    members.iter().zip(is_off).filter(|(_, is_off)| *is_off).map(|(&member, _)| member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Photo;
    use crate::chord::chord_m;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bounds_say_what_chords_say(
            lon in -180.0..180.0_f64,
            lat in prop_oneof![-90.0..90.0_f64, Just(89.999_999), Just(0.0)],
            north_m in prop_oneof![-60.0..60.0_f64, Just(0.0), Just(30.0), Just(0.1)],
            east_m in prop_oneof![-60.0..60.0_f64, Just(0.0), Just(30.0), Just(0.1)],
        ) {
            let east = east_m / 111_319.5 / lat.to_radians().cos();
            let to = Position::from_lon_lat(lon + east, lat + north_m / 110_574.3);
            prop_assume!(to.is_ok());
            let places = [Position::from_lon_lat(lon, lat).unwrap(), to.unwrap()];
            let photos = places.map(|place| Photo { position: Some(place), ..Photo::default() });
            let mut points = Points::of(&[0, 1], photos.as_slice());
            for metres in [0.0, 0.1, 30.0, chord_m(places[0], places[1])] {
                prop_assert_eq!(points.is_beyond(0, 1, metres), chord_m(places[0], places[1]) > metres, "{} m", metres);
            }
        }
    }
}
