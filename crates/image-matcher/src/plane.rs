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
    of_turns(longitude.to_radians().sin_cos(), latitude.to_radians().sin_cos())
}

fn of_turns((sin_lon, cos_lon): (f64, f64), (sin_lat, cos_lat): (f64, f64)) -> Point {
    let normal_m = SEMI_MAJOR_M / (1.0 - ECCENTRICITY_2 * sin_lat * sin_lat).sqrt();
    [normal_m * cos_lat * cos_lon, normal_m * cos_lat * sin_lon, normal_m * (1.0 - ECCENTRICITY_2) * sin_lat]
}

/// A place whose sines are known: those of places near it follow from them without a trigonometric function.
///
/// # Method
/// sin(a + d) = sin a cos d + cos a sin d, with the series of sin d and cos d: up to [`REACH_DEG`] the terms left out are
/// below 1e-19, so that a point differs from [`point()`] by rounding alone, some nanometres.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Anchor {
    longitude: Turn,
    latitude: Turn,
}

/// An angle with its sine and cosine.
#[derive(Debug, Clone, Copy)]
struct Turn {
    degrees: f64,
    sin: f64,
    cos: f64,
}

/// How far from an anchor the series are exact.
const REACH_DEG: f64 = 0.1;

impl Turn {
    fn at(degrees: f64) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self { degrees, sin, cos }
    }

    /// Sine and cosine of an angle within the reach.
    fn sin_cos(&self, degrees: f64) -> (f64, f64) {
        let d = (degrees - self.degrees).to_radians();
        let d2 = d * d;
        let sin = d * (1.0 - d2 * (1.0 / 6.0) * (1.0 - d2 * (1.0 / 20.0)));
        let less = d2 * 0.5 * (1.0 - d2 * (1.0 / 12.0) * (1.0 - d2 * (1.0 / 30.0))); // 1 − cos
        (self.sin + (self.cos * sin - self.sin * less), self.cos - (self.sin * sin + self.cos * less))
    }
}

impl Anchor {
    /// At a place in degrees.
    pub(crate) fn at(longitude: f64, latitude: f64) -> Self {
        Self { longitude: Turn::at(longitude), latitude: Turn::at(latitude) }
    }

    /// The point of a place; NaN where a coordinate is missing. Exactly that of [`point()`] beyond the reach.
    pub(crate) fn point(&self, longitude: f64, latitude: f64) -> Point {
        let is_near = (longitude - self.longitude.degrees).abs() <= REACH_DEG
            && (latitude - self.latitude.degrees).abs() <= REACH_DEG;
        if is_near {
            of_turns(self.longitude.sin_cos(longitude), self.latitude.sin_cos(latitude))
        } else {
            point(longitude, latitude)
        }
    }
}

/// Least and greatest coordinates of all places between two corners in degrees, metres.
///
/// # Method
/// From the middle each coordinate changes by its derivatives at most, and what they leave out is bounded by half the radius
/// times the square of both half spans. Boxes of any size hold what they should; large ones are wider than they need be.
pub(crate) fn box_of(low: (f64, f64), high: (f64, f64), anchor: &Anchor) -> [Point; 2] {
    const SLACK: f64 = 1.01; // radii of curvature are within 0.7 % of each other
    const ROUNDING_M: f64 = 0.01;
    const AT_POLE_M: f64 = 1_000.0;
    let [x, y, z] = anchor.point(f64::midpoint(low.0, high.0), f64::midpoint(low.1, high.1));
    let east = (0.5 * (high.0 - low.0)).to_radians();
    let north = (0.5 * (high.1 - low.1)).to_radians() * SLACK;
    let beyond_m = 0.5 * SLACK * SEMI_MAJOR_M * (east + north).powi(2) + ROUNDING_M;
    let from_axis_m = (x * x + y * y).sqrt();
    let share = |x: f64| if from_axis_m > AT_POLE_M { x.abs() / from_axis_m } else { 1.0 };
    let reach_m = [
        y.abs() * east + share(x) * z.abs() * north + beyond_m,
        x.abs() * east + share(y) * z.abs() * north + beyond_m,
        from_axis_m * north + beyond_m,
    ];
    let spread = |side: f64| [x + side * reach_m[0], y + side * reach_m[1], z + side * reach_m[2]];
    [spread(-1.0), spread(1.0)]
}

/// Squared chord in square metres; NaN when a place is missing.
pub(crate) fn distance_m2(a: Point, b: Point) -> f64 {
    let d = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
    d[0] * d[0] + d[1] * d[1] + d[2] * d[2]
}

/// Whether two places in degrees are nearer to each other than a distance of some centimetres, for those whose degrees tell;
/// `None` for the others, and where a coordinate is missing.
pub(crate) fn are_within(a: (f64, f64), b: (f64, f64), distance_m: f64) -> Option<bool> {
    const MOST_M: f64 = 111_700.0; // a degree to the east or north
    const LEAST_M: f64 = 110_500.0; // one to the north
    const SLACK: f64 = 1.01;
    let (east_deg, north_deg) = ((a.0 - b.0).abs(), (a.1 - b.1).abs());
    match () {
        () if (east_deg + north_deg) * MOST_M * SLACK < distance_m => Some(true),
        () if north_deg * LEAST_M > distance_m * SLACK => Some(false),
        () => None,
    }
}

/// Length of a way on the plane, metres: a square neither overflows nor vanishes there, so that no `hypot` is needed.
pub(crate) fn length_m([east_m, north_m]: [f64; 2]) -> f64 {
    (east_m * east_m + north_m * north_m).sqrt()
}

/// A place from which nearness is told without a sine: degrees, and how long a degree to the east is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    longitude: f64,
    latitude: f64,
    east_m: f64,
}

impl Spot {
    /// Of a point on the ellipsoid.
    pub(crate) fn of(place: Point) -> Self {
        let horizontal_m = place[0].hypot(place[1]);
        let latitude = place[2].atan2(horizontal_m * (1.0 - ECCENTRICITY_2)).to_degrees();
        Self { longitude: place[1].atan2(place[0]).to_degrees(), latitude, east_m: horizontal_m.to_radians() }
    }

    /// False only for places that are further away than a distance of at most 1 km, or missing.
    pub(crate) fn may_be_within(&self, (longitude, latitude): (f64, f64), distance_m: f64) -> bool {
        if self.latitude.abs() > HIGHEST_DEG {
            return !longitude.is_nan();
        }
        self.is_about_within(longitude, latitude, (distance_m * SLACK).powi(2))
    }

    /// Flags all of some places, longitudes and latitudes, for which [`Self::may_be_within`] is true.
    pub(crate) fn flag_those_within(
        &self,
        (longitudes, latitudes): (&[f64], &[f64]),
        distance_m: f64,
        flags: &mut [bool],
    ) {
        let places = flags.iter_mut().zip(longitudes).zip(latitudes);
        if self.latitude.abs() > HIGHEST_DEG {
            places.for_each(|((flag, longitude), _)| *flag |= !longitude.is_nan());
            return;
        }
        let most_m2 = (distance_m * SLACK).powi(2);
        for ((flag, &longitude), &latitude) in places {
            *flag |= self.is_about_within(longitude, latitude, most_m2);
        }
    }

    fn is_about_within(&self, longitude: f64, latitude: f64, most_m2: f64) -> bool {
        const DEGREE_M: f64 = 111_130.0; // 110,574 at the equator to 111,694 at the poles
        let east = (longitude - self.longitude).abs();
        let round = 360.0 - east;
        let east_m = if east < round { east } else { round } * self.east_m;
        let north_m = (latitude - self.latitude) * DEGREE_M;
        east_m * east_m + north_m * north_m <= most_m2
    }
}

/// What [`Spot::may_be_within`] allows for, as a factor.
const SLACK: f64 = 1.03;
/// Beyond this latitude a degree to the east shrinks too fast.
const HIGHEST_DEG: f64 = 80.0;

/// East and north of short ways given in degrees, without a trigonometric function or a point.
///
/// # Method
/// Along the ellipsoid a degree to the north is M π/180 long and one to the east N cos φ π/180; both are taken to change
/// linearly with the latitude from the chart's middle on, and the directions turn by sin φ times the way to the east
/// (convergence of the meridians). Up to [`REACH_DEG`] from the middle the terms left out are a few millionths of a way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Chart {
    longitude: f64,
    latitude: f64,
    /// Length of a degree to the east and to the north, metres, and how each changes by a degree of latitude.
    east_m: f64,
    north_m: f64,
    east_slope_m: f64,
    north_slope_m: f64,
    /// Radians that directions turn by a degree to the east.
    turn: f64,
}

impl Chart {
    /// About a place in degrees.
    pub(crate) fn at(longitude: f64, latitude: f64) -> Self {
        let (sin, cos) = latitude.to_radians().sin_cos();
        let w2 = 1.0 - ECCENTRICITY_2 * sin * sin;
        let normal_m = SEMI_MAJOR_M / w2.sqrt();
        let meridian_m = normal_m * (1.0 - ECCENTRICITY_2) / w2;
        Self {
            longitude,
            latitude,
            east_m: (normal_m * cos).to_radians(),
            north_m: meridian_m.to_radians(),
            east_slope_m: -(meridian_m * sin).to_radians().to_radians(),
            north_slope_m: (3.0 * meridian_m * ECCENTRICITY_2 * sin * cos / w2).to_radians().to_radians(),
            turn: sin.to_radians(),
        }
    }

    /// Whether ways from a place to anywhere within some 100 m can be told.
    pub(crate) fn holds(&self, longitude: f64, latitude: f64) -> bool {
        (longitude - self.longitude).abs() <= REACH_DEG
            && (latitude - self.latitude).abs() <= REACH_DEG
            && self.latitude.abs() <= HIGHEST_DEG
            && self.longitude.abs() <= 180.0 - 2.0 * REACH_DEG
    }

    /// East and north in metres of the way between two places that are near each other, one of them held; NaN when a
    /// coordinate is missing.
    pub(crate) fn offset_m(&self, from: (f64, f64), to: (f64, f64)) -> [f64; 2] {
        let (east, north) = (to.0 - from.0, to.1 - from.1);
        let beyond = (from.0 + 0.5 * east - self.longitude, from.1 + 0.5 * north - self.latitude);
        let east_m = east * (self.east_m + self.east_slope_m * beyond.1);
        let north_m = north * (self.north_m + self.north_slope_m * beyond.1);
        let turn = self.turn * beyond.0;
        [east_m - north_m * turn, north_m + east_m * turn]
    }
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

    #[test]
    fn degrees_tell_of_most_places_whether_they_agree() {
        for (lon, lat) in [(0.0, 0.0), (11.5, 48.1), (-71.3, -33.2), (25.0, 89.9)] {
            let mut n_told = 0;
            for k in 0..4_000 {
                let (angle, way) = (f64::from(k) * 0.1, f64::from(k) * 1e-9);
                let there = (lon + angle.cos() * way, lat + angle.sin() * way);
                let told = are_within((lon, lat), there, 0.03);
                let is_within = distance_m2(point(lon, lat), point(there.0, there.1)) < 0.03 * 0.03;
                assert!(told.is_none_or(|told| told == is_within), "{lon} {lat} {k}");
                n_told += usize::from(told.is_some());
            }
            assert!(n_told > 2_000, "{n_told}");
        }
        assert_eq!(are_within((f64::NAN, 0.0), (0.0, 0.0), 0.03), None);
        assert_eq!(are_within((0.0, 0.0), (f64::NAN, 1e-9), 0.03), None);
    }

    #[test]
    fn a_point_from_an_anchor_is_the_point() {
        for (lon, lat) in [(0.0, 0.0), (11.5, 48.1), (-179.99, -16.0), (25.0, 89.95), (-71.3, -33.2)] {
            let anchor = Anchor::at(lon, lat);
            for k in 0..4_000 {
                let (angle, way) = (f64::from(k) * 0.1, f64::from(k) * 3e-5);
                let (lon, lat) = (lon + angle.cos() * way, (lat + angle.sin() * way).min(90.0));
                let apart_m = distance_m2(anchor.point(lon, lat), point(lon, lat)).sqrt();
                assert!(apart_m < 5e-9, "{lon} {lat}: {apart_m}");
            }
            assert!(anchor.point(f64::NAN, lat)[0].is_nan() && anchor.point(lon, f64::NAN)[0].is_nan());
        }
    }

    #[test]
    fn a_box_holds_all_places_between_its_corners() {
        for (lon, lat) in [(0.0, 0.0), (11.5, 48.1), (-71.3, -33.2), (25.0, 89.99), (179.9, -60.0), (0.0, 90.0)] {
            for (wide, high) in [(0.0, 0.0), (0.004, 0.002), (0.3, 0.01), (0.001, 0.5), (40.0, 3.0), (179.0, 20.0)] {
                let (low, top) = ((lon - wide, f64::max(lat - high, -90.0)), (lon + wide, f64::min(lat + high, 90.0)));
                let [least, most] = box_of(low, top, &Anchor::at(low.0, low.1));
                for k in 0..=400 {
                    let (along, up) = (f64::from(k % 21) / 20.0, f64::from(k / 21) / 19.0);
                    let place = point(low.0 + along * (top.0 - low.0), low.1 + up.min(1.0) * (top.1 - low.1));
                    for axis in 0..3 {
                        let is_held = least[axis] <= place[axis] && place[axis] <= most[axis];
                        assert!(is_held, "{lon} {lat} {wide} {high} {k} {axis}: {least:?} {place:?} {most:?}");
                    }
                }
                if wide < 0.01 && high < 0.01 && lat.abs() < 80.0 {
                    // some 900 m by 500 m
                    let widest = (0..3).map(|axis| most[axis] - least[axis]).fold(0.0, f64::max);
                    assert!(widest < 1_500.0, "{lon} {lat}: {widest}");
                }
            }
        }
    }

    #[test]
    fn a_chart_tells_ways_as_the_plane_does() {
        for (lon, lat) in [(0.0, 0.0), (11.5, 48.1), (-71.3, -33.2), (25.0, 69.6), (179.7, -16.0)] {
            let (chart, plane) = (Chart::at(lon, lat), Plane::at(point(lon, lat)));
            for k in 0..2_000 {
                let (angle, beyond, way) = (f64::from(k) * 0.1, f64::from(k) * 5e-5, f64::from(k % 97) * 1e-5);
                let from = (lon + angle.cos() * beyond, lat + angle.sin() * beyond);
                let to = (from.0 + (7.0 * angle).cos() * way, from.1 + (7.0 * angle).sin() * way);
                let ends = [from, to].map(|(lon, lat)| point(lon, lat));
                let (told, expected) = (chart.offset_m(from, to), plane.offset_m(ends[0], ends[1]));
                let distance_m = distance_m2(ends[0], ends[1]).sqrt();
                assert!(chart.holds(from.0, from.1), "{lon} {lat}");
                assert!((told[0].hypot(told[1]) - distance_m).abs() <= 5e-6 * distance_m + 1e-8, "{lon} {lat} {k}");
                for axis in 0..2 {
                    assert!((told[axis] - expected[axis]).abs() <= 4e-5 * distance_m + 1e-8, "{lon} {lat} {k}");
                }
            }
        }
        assert!(!Chart::at(10.0, 85.0).holds(10.0, 85.0) && !Chart::at(179.95, 1.0).holds(179.95, 1.0));
        assert!(Chart::at(0.0, 0.0).offset_m((0.0, 0.0), (f64::NAN, 0.0))[0].is_nan());
    }

    #[test]
    fn nearness_never_misses_a_near_place() {
        for (lon, lat) in [(0.0, 0.0), (11.5, 48.1), (179.999_9, -16.0), (-180.0, 65.0), (25.0, 79.99), (25.0, 89.0)] {
            let here = point(lon, lat);
            let spot = Spot::of(here);
            for k in 0..2_000 {
                let angle = f64::from(k) * 0.1;
                let (north, east) = (angle.sin() * f64::from(k) * 6e-7, angle.cos() * f64::from(k) * 6e-7);
                let there = ((lon + east / lat.to_radians().cos() + 540.0).rem_euclid(360.0) - 180.0, lat + north);
                let distance_m = distance_m2(here, point(there.0, there.1)).sqrt();
                let may = spot.may_be_within(there, 80.0);
                let mut flags = [false];
                spot.flag_those_within((&[there.0], &[there.1]), 80.0, &mut flags);
                assert_eq!(flags[0], may, "{lon} {lat}");
                assert!(may || distance_m > 80.0, "{lon} {lat} {distance_m}");
                assert!(!may || distance_m < 90.0 || lat > 80.0, "{lon} {lat} {distance_m}");
            }
            assert!(!spot.may_be_within((f64::NAN, f64::NAN), 80.0));
        }
    }
}
