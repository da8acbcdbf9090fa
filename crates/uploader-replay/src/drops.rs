//! Photos that the uploader leaves behind: duplicates, impossible speed, zig-zag.
//!
//! Each check sees one sequence in time order and names members; none looks at what another has found.

use crate::chord::{between_m, earth_centred_m};
use crate::{Photos, Rules};

const ZIG_ZAG_WINDOW: usize = 5;
const ZIG_ZAG_JUMP_M: f64 = 30.0;
const ZIG_ZAG_RETURN: f64 = 0.8;

/// Where the members are, as points: each takes part in several chords.
pub(crate) fn points_of<P: Photos + ?Sized>(members: &[u32], photos: &P) -> Vec<[f64; 3]> {
    let place = |member: u32| photos.position(member).expect("only photos with a place form sequences");
    members.iter().map(|&member| earth_centred_m(place(member))).collect()
}

/// Smallest turn between two headings, degrees.
fn turn_deg(a: f64, b: f64) -> f64 {
    let turn = (a - b).rem_euclid(360.0);
    turn.min(360.0 - turn)
}

/// Members that repeat the last kept one, each with that one.
pub(crate) fn duplicates<P: Photos + ?Sized>(
    members: &[u32],
    points: &[[f64; 3]],
    photos: &P,
    rules: &Rules,
) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    let mut kept = 0;
    for at in 1..members.len() {
        let is_close = between_m(points[kept], points[at]) <= rules.duplicate_distance_m;
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

/// Average speed of a sequence in km/h; `None` with fewer than two photos, or where nothing moves.
pub(crate) fn average_speed_kmh(members: &[u32], points: &[[f64; 3]], time_ms: impl Fn(u32) -> i64) -> Option<f64> {
    let (&first, &last) = members.first().zip(members.last()).filter(|_| members.len() > 1)?;
    let length_m: f64 = points.windows(2).map(|pair| between_m(pair[0], pair[1])).sum();
    let elapsed_h = time_ms(last).saturating_sub(time_ms(first)) as f64 / 3_600_000.0;
    (length_m > 0.0).then(|| length_m / 1000.0 / elapsed_h) // no time at all is infinitely fast
}

/// Members that jump off the path and whose successor is back on it.
///
/// Photo i is compared with the one five before it (the reference). If i lies more than 30 m from i − 1 and is much closer
/// to the reference than i − 1 was (less than 0.8 of its distance), then i − 1 was off the path, and so were those right
/// before it that satisfy the same.
pub(crate) fn zig_zags(members: &[u32], points: &[[f64; 3]]) -> Vec<u32> {
    let distance = |a: usize, b: usize| between_m(points[a], points[b]);
    let mut is_off = vec![false; members.len()];
    for current in ZIG_ZAG_WINDOW..members.len() {
        let reference = current - ZIG_ZAG_WINDOW;
        let returned_m = distance(current, reference);
        for before in (reference + 1..current).rev() {
            let jumped = distance(before, current) > ZIG_ZAG_JUMP_M;
            if !jumped || returned_m >= distance(before, reference) * ZIG_ZAG_RETURN {
                break;
            }
            is_off[before] = true;
        }
    }
    members.iter().zip(is_off).filter(|(_, is_off)| *is_off).map(|(&member, _)| member).collect()
}
