//! The uploader's distance: the straight chord between two places on the WGS 84 ellipsoid, altitude 0.

use capture_model::Position;

const SEMI_MAJOR_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;

/// A place in earth-centred coordinates, metres, for many chords from one place.
pub(crate) fn earth_centred_m(place: Position) -> [f64; 3] {
    let (longitude, latitude) = (place.lon().to_radians(), place.lat().to_radians());
    let squared_eccentricity = FLATTENING * (2.0 - FLATTENING);
    let normal_m = SEMI_MAJOR_M / (1.0 - squared_eccentricity * latitude.sin().powi(2)).sqrt();
    [
        normal_m * latitude.cos() * longitude.cos(),
        normal_m * latitude.cos() * longitude.sin(),
        normal_m * (1.0 - squared_eccentricity) * latitude.sin(),
    ]
}

/// Metres between two places, through the Earth; within a kilometre this is the distance on the ground to 1e-8.
pub fn chord_m(a: Position, b: Position) -> f64 {
    between_m(earth_centred_m(a), earth_centred_m(b))
}

/// Metres between two points.
pub(crate) fn between_m(a: [f64; 3], b: [f64; 3]) -> f64 {
    let squared: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    squared.sqrt()
}

/// Metres in a degree of latitude, at most (at a pole: 111,694), and in a degree of longitude of the equator.
const DEGREE_AT_MOST_M: f64 = 111_700.0;
/// The same at least (at the equator: 110,574), less what the chord of half the Earth is shorter than its arc.
const DEGREE_AT_LEAST_M: f64 = 70_000.0;

/// Bounds of the square of the chord between two places, from their degrees alone: what is asked of a chord is mostly
/// whether it is longer than some metres, and these bounds tell.
///
/// The chord's square is that of the chord between the two latitudes on one meridian, and 4 p q sin²(Δλ/2) more, with p and
/// q the distances from the axis. An arc bounds the former; 2x/π ≤ 2 sin(x/2) ≤ x and 1 - φ/90° ≤ cos φ ≤ 1 - (φ/90°)² the
/// latter. The bounds stay off the chord by more than rounding can move it.
pub(crate) fn bounds_m2(a: Position, b: Position) -> (f64, f64) {
    let (north, east) = ((a.lat() - b.lat()).abs(), (a.lon() - b.lon()).abs());
    let (a, b) = (a.lat().abs() / 90.0, b.lat().abs() / 90.0);
    let (near_equator, near_pole) = (a.min(b), a.max(b));
    let at_most_m = (
        north * DEGREE_AT_MOST_M,
        // from the axis it is up to 1 / sqrt(1 - e²) further than on a sphere
        east * (1.0034 * DEGREE_AT_MOST_M) * (1.0 - near_equator * near_equator),
    );
    let east = east.min(360.0 - east); // the shorter way
    let at_least_m = (north * DEGREE_AT_LEAST_M, east * DEGREE_AT_LEAST_M * (1.0 - near_pole));
    (at_least_m.0 * at_least_m.0 + at_least_m.1 * at_least_m.1, at_most_m.0 * at_most_m.0 + at_most_m.1 * at_most_m.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place() -> impl Strategy<Value = Position> {
        let degrees = |most: f64| prop_oneof![4 => -most..=most, 1 => prop::sample::select(vec![-most, 0.0, most])];
        (degrees(180.0), degrees(90.0)).prop_map(|(lon, lat)| Position::from_lon_lat(lon, lat).unwrap())
    }

    proptest! {
        #[test]
        fn bounds_hold(from in place(), to in place(), scale in -9.0..0.0_f64) {
            // places near each other matter most
            let share = 10_f64.powf(scale);
            let between = |from: f64, to: f64| from + (to - from) * share;
            let near = Position::from_lon_lat(between(from.lon(), to.lon()), between(from.lat(), to.lat())).unwrap();
            for to in [to, near] {
                let (at_least, at_most) = bounds_m2(from, to);
                let chord = chord_m(from, to);
                prop_assert!(at_least.sqrt() <= chord + 1e-8 && chord <= at_most.sqrt() + 1e-8, "{from:?} {to:?} {chord}");
            }
        }
    }

    #[track_caller]
    fn check(case: &str, a: (f64, f64), b: (f64, f64), expected_m: f64, tolerance_m: f64) {
        let place = |(lon, lat)| Position::from_lon_lat(lon, lat).unwrap();
        let (there, back) = (chord_m(place(a), place(b)), chord_m(place(b), place(a)));
        assert_eq!(there, back, "{case}");
        assert!((there - expected_m).abs() <= tolerance_m, "{case}: {there}");
    }

    #[test]
    fn chords_have_known_lengths() {
        check("one place", (12.5, 55.6), (12.5, 55.6), 0.0, 0.0);
        check("the antimeridian is one line", (180.0, 10.0), (-180.0, 10.0), 0.0, 1e-6);
        check("1e-5 degrees of longitude on the equator", (0.0, 0.0), (1e-5, 0.0), 1.113_194_9, 1e-6);
        check("1e-5 degrees of latitude on the equator", (0.0, 0.0), (0.0, 1e-5), 1.105_742_8, 1e-6);
        check("through the Earth, pole to pole", (0.0, 90.0), (0.0, -90.0), 2.0 * 6_356_752.314_2, 1e-3);
    }
}
