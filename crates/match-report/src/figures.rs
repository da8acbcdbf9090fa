//! Distances, bearings and differences as reports show them: geodesic on WGS 84.

use capture_model::Position;
use geo::{Bearing, Distance, Geodesic, Point};

fn point(position: Position) -> Point {
    Point::new(position.lon(), position.lat())
}

/// Metres along the geodesic (Karney, 2013).
pub(crate) fn distance_m(from: Position, to: Position) -> f64 {
    Geodesic.distance(point(from), point(to))
}

/// Degrees from north at the start, 0…360; `None` where start and end are one place.
pub(crate) fn bearing_deg(from: Position, to: Position) -> Option<f64> {
    (from != to).then(|| Geodesic.bearing(point(from), point(to)).rem_euclid(360.0))
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

    #[test]
    fn figures_are_geodesic() {
        let place = |lon, lat| Position::from_lon_lat(lon, lat).unwrap();
        assert!((distance_m(place(0.0, 0.0), place(0.0, 1.0)) - 110_574.39).abs() < 0.01);
        assert_eq!(bearing_deg(place(1.0, 1.0), place(1.0, 1.0)), None);
        assert!((bearing_deg(place(0.0, 0.0), place(-1.0, 0.0)).unwrap() - 270.0).abs() < 1e-9);
        assert_eq!(
            [turn_deg(350.0, 10.0), turn_deg(10.0, 350.0), turn_deg(0.0, 180.0)],
            [Some(20.0), Some(-20.0), Some(180.0)]
        );
        assert_eq!(turn_deg(f64::NAN, 1.0), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0, 10.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
