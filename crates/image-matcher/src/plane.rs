//! Places as points in space: no special case at the antimeridian or the poles ever appears.
//!
//! Geodetic coordinates become earth-centred ones on WGS 84 (height 0); distances of metres are chords, and east/north
//! components are taken in the tangent plane of a ride's middle.

/// A point in earth-centred coordinates, metres; NaN where the place is missing.
pub(crate) type Point = [f64; 3];

/// No place.
pub(crate) const NOWHERE: Point = [f64::NAN; 3];

const SEMI_MAJOR_M: f64 = 6_378_137.0;
const ECCENTRICITY_2: f64 = 6.694_379_990_141_316e-3;

/// Earth-centred point of a geodetic place in degrees, height 0.
pub(crate) fn point(longitude: f64, latitude: f64) -> Point {
    let (sin_lat, cos_lat) = latitude.to_radians().sin_cos();
    let (sin_lon, cos_lon) = longitude.to_radians().sin_cos();
    let normal_m = SEMI_MAJOR_M / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat).sqrt();
    [normal_m * cos_lat * cos_lon, normal_m * cos_lat * sin_lon, normal_m * (1.0 - ECCENTRICITY_2) * sin_lat]
}

/// Squared chord in square metres; NaN when a place is missing.
pub(crate) fn distance_m2(a: Point, b: Point) -> f64 {
    let d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
}

/// East and north directions at a middle place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plane {
    east: Point,
    north: Point,
}

impl Plane {
    /// The tangent plane at an earth-centred point (the geocentric vertical is near enough for directions).
    pub(crate) fn at(middle: Point) -> Self {
        let horizontal = (middle[0] * middle[0] + middle[1] * middle[1]).sqrt();
        let (sin_lon, cos_lon) =
            if horizontal > 0.0 { (middle[1] / horizontal, middle[0] / horizontal) } else { (0.0, 1.0) };
        let radius = (horizontal * horizontal + middle[2] * middle[2]).sqrt().max(1.0);
        let (sin_lat, cos_lat) = (middle[2] / radius, horizontal / radius);
        Self { east: [-sin_lon, cos_lon, 0.0], north: [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat] }
    }

    /// East and north components in metres of the way from `a` to `b`.
    pub(crate) fn offset_m(&self, a: Point, b: Point) -> [f64; 2] {
        let d = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
        let dot = |axis: Point| axis[0] * d[0] + axis[1] * d[1] + axis[2] * d[2];
        [dot(self.east), dot(self.north)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_degree_is_a_degree_and_the_antimeridian_is_no_wall() {
        let degree = distance_m2(point(0.0, 0.0), point(0.0, 1.0)).sqrt();
        assert!((degree - 110_574.0).abs() < 10.0, "{degree}");
        let across = distance_m2(point(179.999_99, 10.0), point(-179.999_99, 10.0)).sqrt();
        assert!((across - 2.19).abs() < 0.01, "{across}");
        let pole = distance_m2(point(0.0, 89.999_99), point(180.0, 89.999_99)).sqrt();
        assert!((pole - 2.23).abs() < 0.02, "{pole}");
    }

    #[test]
    fn east_and_north_point_where_they_should() {
        let here = point(11.5, 48.1);
        let [east, north] = Plane::at(here).offset_m(here, point(11.501, 48.1));
        assert!((east - 74.5).abs() < 0.3 && north.abs() < 0.3, "{east} {north}");
        let [east, north] = Plane::at(here).offset_m(here, point(11.5, 48.101));
        assert!((north - 111.2).abs() < 0.3 && east.abs() < 0.1, "{east} {north}");
        assert!(distance_m2(here, NOWHERE).is_nan());
    }
}
