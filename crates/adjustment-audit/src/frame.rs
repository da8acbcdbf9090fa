//! Places as earth-centred vectors, and what is east and north of one of them.
//!
//! A move is reported as the geodesic from the uploaded to the adjusted place (Karney, 2013). Everything that compares
//! moves or places with each other works on chords of the ellipsoid, projected on the east and north of one image or of
//! the middle of a sequence; so neither the antimeridian nor a pole is a special case.

use capture_model::Position;
use geo::{GeodesicBearing, Point};

const SEMI_MAJOR_AXIS_M: f64 = 6_378_137.0;
const FLATTENING: f64 = 1.0 / 298.257_223_563;
const ECCENTRICITY_2: f64 = FLATTENING * (2.0 - FLATTENING);

/// An earth-centred vector in metres.
pub(crate) type Vector = [f64; 3];

pub(crate) fn minus(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: Vector, b: Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// A place with its east and north.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    /// The place itself, at height 0.
    pub(crate) point: Vector,
    east: Vector,
    north: Vector,
}

impl Frame {
    /// The frame at a place.
    pub(crate) fn at(place: Position) -> Self {
        let (sin_lon, cos_lon) = place.lon().to_radians().sin_cos();
        let (sin_lat, cos_lat) = place.lat().to_radians().sin_cos();
        let normal_m = SEMI_MAJOR_AXIS_M / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat).sqrt();
        Self {
            point: [
                normal_m * cos_lat * cos_lon,
                normal_m * cos_lat * sin_lon,
                normal_m * (1.0 - ECCENTRICITY_2) * sin_lat,
            ],
            east: [-sin_lon, cos_lon, 0.0],
            north: [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
        }
    }

    /// The frame in the middle of some points: that of their componentwise median, which one stray point cannot move.
    /// `None` without points, or when they surround the earth's centre.
    pub(crate) fn amid(points: &[Vector]) -> Option<Self> {
        let mut middle = [0.0; 3];
        for (axis, coordinate) in middle.iter_mut().enumerate() {
            let mut values: Vec<f64> = points.iter().map(|point| point[axis]).collect();
            let half = values.len() / 2;
            (half < values.len()).then_some(())?;
            *coordinate = *values.select_nth_unstable_by(half, f64::total_cmp).1;
        }
        let from_axis_m = middle[0].hypot(middle[1]);
        let lat = (middle[2] / (1.0 - ECCENTRICITY_2)).atan2(from_axis_m).to_degrees();
        let lon = middle[1].atan2(middle[0]).to_degrees();
        let place = Position::from_lon_lat(lon, lat).ok()?;
        (from_axis_m.hypot(middle[2]) > 0.0).then(|| Self::at(place))
    }

    /// Metres east and north that an earth-centred difference makes here.
    pub(crate) fn look(&self, difference: Vector) -> [f64; 2] {
        [dot(self.east, difference), dot(self.north, difference)]
    }
}

/// Metres east and north of the geodesic between two places, by its length and its bearing at the start.
pub(crate) fn geodesic_m(from: Position, to: Position) -> [f64; 2] {
    if from == to {
        return [0.0, 0.0];
    }
    let (from, to) = (Point::new(from.lon(), from.lat()), Point::new(to.lon(), to.lat()));
    let (bearing_deg, length_m) = from.geodesic_bearing_distance(to); // one solution gives both
    let (sin, cos) = bearing_deg.to_radians().sin_cos();
    [length_m * sin, length_m * cos]
}

pub(crate) fn length(vector: [f64; 2]) -> f64 {
    vector[0].hypot(vector[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(lon: f64, lat: f64) -> Position {
        Position::from_lon_lat(lon, lat).unwrap()
    }

    proptest! {
        #[test]
        fn a_chord_and_a_geodesic_agree_for_all_moves_that_occur(
            lon in -180.0..180.0_f64, lat in -89.99..89.99_f64, bearing in 0.0..360.0_f64, metres in 0.0..300.0_f64,
        ) {
            use geo::{Destination, Geodesic};
            let to = Geodesic.destination(Point::new(lon, lat), bearing, metres);
            let to = place((to.x() + 540.0).rem_euclid(360.0) - 180.0, to.y());
            let from = Frame::at(place(lon, lat));
            let chord = from.look(minus(Frame::at(to).point, from.point));
            let geodesic = geodesic_m(place(lon, lat), to);
            prop_assert!((length(geodesic) - metres).abs() < 1e-4, "{geodesic:?}");
            prop_assert!((chord[0] - geodesic[0]).hypot(chord[1] - geodesic[1]) < 1e-4, "{chord:?} {geodesic:?}");
        }
    }

    #[test]
    fn the_middle_is_found_across_the_antimeridian_and_at_a_pole() {
        let amid = |places: &[(f64, f64)]| {
            let points: Vec<Vector> = places.iter().map(|&(lon, lat)| Frame::at(place(lon, lat)).point).collect();
            Frame::amid(&points).unwrap()
        };
        let fiji = amid(&[(179.999, -17.0), (180.0, -17.0), (-179.999, -17.0), (11.0, 50.0)]);
        assert!(length(fiji.look(minus(Frame::at(place(180.0, -17.0)).point, fiji.point))) < 120.0);
        let pole = amid(&[(0.0, 89.9999), (120.0, 89.9999), (-120.0, 89.9999)]);
        assert!(length(pole.look(minus(Frame::at(place(0.0, 90.0)).point, pole.point))) < 12.0);
        assert!(Frame::amid(&[]).is_none());
        assert!(Frame::amid(&[[0.0; 3]]).is_none());
    }
}
