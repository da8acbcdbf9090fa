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

#[cfg(test)]
mod tests {
    use super::*;

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
