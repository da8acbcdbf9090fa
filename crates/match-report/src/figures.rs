//! Distances, bearings and differences as reports show them: geodesic on WGS 84.

use capture_model::Position;
use geo::{Bearing, Distance, Geodesic, Point};

fn point(position: Position) -> Point {
    Point::new(position.lon(), position.lat())
}

/// Metres along the geodesic (Karney, 2013); for near places by [`near_m`].
pub(crate) fn distance_m(from: Position, to: Position) -> f64 {
    if from == to {
        return 0.0;
    }
    match near_m(from, to) {
        Some([east, north, _]) => (east * east + north * north).sqrt(),
        None => Geodesic.distance(point(from), point(to)),
    }
}

/// Distance, and degrees from north at the start, 0…360; no bearing where start and end are one place.
pub(crate) fn way(from: Position, to: Position) -> (f64, Option<f64>) {
    if from == to {
        return (0.0, None);
    }
    let near_m = near_m(from, to);
    let distance_m = match near_m {
        Some([east, north, _]) => (east * east + north * north).sqrt(),
        None => Geodesic.distance(point(from), point(to)),
    };
    let degrees = match near_m {
        Some([east, north, sin]) => {
            // at the middle of the way; meridians turn by half their convergence back to the start
            let convergence = (to.lon() - from.lon()) * sin;
            east.atan2(north).to_degrees() - convergence / 2.0
        }
        None => Geodesic.bearing(point(from), point(to)),
    };
    // the same without a division by what it is never as large as
    let degrees = match degrees {
        0.0..360.0 => degrees,
        -360.0..0.0 => degrees + 360.0,
        _ => degrees.rem_euclid(360.0),
    };
    (distance_m, Some(if degrees >= 360.0 { 0.0 } else { degrees }))
}

/// East and north in metres between near places, and the sine of their mid-latitude, by the radii of curvature at the mid-latitude: right to a tenth of a
/// millimetre where the places are within about 1 km, and thirty times as fast as the geodesic. `None` for all others,
/// near the poles, and across the antimeridian.
fn near_m(from: Position, to: Position) -> Option<[f64; 3]> {
    const NEAR_DEG: f64 = 0.01;
    const HIGHEST_DEG: f64 = 75.0;
    const SEMI_MAJOR_M: f64 = 6_378_137.0;
    const ECCENTRICITY_2: f64 = 6.694_379_990_141_316e-3;
    let (east, north) = (to.lon() - from.lon(), to.lat() - from.lat());
    if !(east.abs() < NEAR_DEG && north.abs() < NEAR_DEG && from.lat().abs() < HIGHEST_DEG) {
        return None;
    }
    let (sin, cos) = f64::midpoint(from.lat(), to.lat()).to_radians().sin_cos();
    let w2 = 1.0 - ECCENTRICITY_2 * sin * sin;
    let normal_m = SEMI_MAJOR_M / w2.sqrt();
    let meridian_m = normal_m * (1.0 - ECCENTRICITY_2) / w2;
    Some([normal_m * cos * east.to_radians(), meridian_m * north.to_radians(), sin])
}

/// The turn from one heading to another, −180…180; `None` where one of them is no number.
pub(crate) fn turn_deg(from: f64, to: f64) -> Option<f64> {
    let turn = (to - from).rem_euclid(360.0);
    let turn = if turn > 180.0 { turn - 360.0 } else { turn };
    turn.is_finite().then_some(turn)
}

/// Middle value of an unsorted list; of an even number the mean of both middles.
pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn figures_are_geodesic() {
        let place = |lon, lat| Position::from_lon_lat(lon, lat).unwrap();
        assert!((distance_m(place(0.0, 0.0), place(0.0, 1.0)) - 110_574.39).abs() < 0.01);
        assert_eq!(way(place(1.0, 1.0), place(1.0, 1.0)), (0.0, None));
        assert!((way(place(0.0, 0.0), place(-1.0, 0.0)).1.unwrap() - 270.0).abs() < 1e-9);
        assert_eq!(
            [turn_deg(350.0, 10.0), turn_deg(10.0, 350.0), turn_deg(0.0, 180.0)],
            [Some(20.0), Some(-20.0), Some(180.0)]
        );
        assert_eq!(turn_deg(f64::NAN, 1.0), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    proptest! {
        #[test]
        fn near_figures_are_those_of_the_geodesic(
            lon in -180.0..180.0_f64, lat in -75.0..75.0_f64,
            east in -0.01..0.01_f64, north in -0.01..0.01_f64, power in 0_i32..5,
        ) {
            let scale = 10_f64.powi(-power);
            let from = Position::from_lon_lat(lon, lat).unwrap();
            let Ok(to) = Position::from_lon_lat(lon + east * scale, lat + north * scale) else { return Ok(()) };
            let exact_m: f64 = Geodesic.distance(point(from), point(to));
            prop_assert_eq!(way(from, to).0, distance_m(from, to));
            prop_assert!((distance_m(from, to) - exact_m).abs() < 1e-4, "{} {exact_m}", distance_m(from, to));
            if exact_m > 0.01 {
                let turn = turn_deg(way(from, to).1.unwrap(), Geodesic.bearing(point(from), point(to))).unwrap();
                prop_assert!(turn.abs() < 1e-3, "{turn}");
            }
        }
    }
}
