//! Which zoom-14 XYZ tiles a track needs.
//!
//! In: positions. Out: tiles of the spherical Mercator pyramid (`z/x/y`, y from the north).
//!
//! # Method
//! `xtile = n (lon + 180) / 360` and `ytile = n (1 − ln(tan φ + sec φ) / π) / 2` with `n = 2^z`
//! (the usual slippy-map arithmetic). Longitude 180 is the western edge again, x = 0; a latitude beyond
//! ±85.0511° has no tile and is clamped to the first or last row.

use capture_model::Position;
use std::f64::consts::PI;
use std::fmt;

/// Latitudes beyond this have no Web Mercator tile: atan(sinh π) in degrees.
pub const MAX_MERCATOR_LATITUDE: f64 = 85.051_128_779_806_59;

/// A zoom level, 0…24.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Zoom(u8);

impl Zoom {
    /// Zoom 14, where coverage tiles hold every image.
    pub const COVERAGE: Self = Self(14);

    /// `None` above 24.
    pub fn new(level: u8) -> Option<Self> {
        (level <= 24).then_some(Self(level))
    }

    /// The level.
    pub fn level(self) -> u8 {
        self.0
    }

    /// Tiles along one side of the world.
    pub fn tiles_per_side(self) -> u32 {
        1 << self.0
    }
}

/// A tile of the XYZ pyramid; y counts from the north. Ordered by (zoom, x, y).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// Zoom.
    pub zoom: Zoom,
    /// Column from the antimeridian eastwards.
    pub x: u32,
    /// Row from the north.
    pub y: u32,
}

impl fmt::Display for Tile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.zoom.0, self.x, self.y)
    }
}

/// The tile that holds a position.
///
/// ```
/// use capture_model::Position;
/// use tile_cover::{Zoom, tile_at};
/// let tower_bridge = Position::from_lon_lat(-0.0754, 51.5055)?;
/// assert_eq!(tile_at(tower_bridge, Zoom::COVERAGE).to_string(), "14/8188/5448");
/// # Ok::<(), capture_model::InvalidPosition>(())
/// ```
pub fn tile_at(position: Position, zoom: Zoom) -> Tile {
    let (x, y) = world_coordinates(position, zoom);
    let n = zoom.tiles_per_side();
    Tile { zoom, x: whole_tile(x, n) % n, y: whole_tile(y, n).min(n - 1) }
}

/// Position in tile units from the north-west corner of the world; latitude is clamped to the Mercator square.
pub fn world_coordinates(position: Position, zoom: Zoom) -> (f64, f64) {
    let n = f64::from(zoom.tiles_per_side());
    let phi = position.lat().clamp(-MAX_MERCATOR_LATITUDE, MAX_MERCATOR_LATITUDE).to_radians();
    // asinh(tan φ) = ln(tan φ + sec φ), without the cancellation that the logarithm has in the south.
    (n * ((position.lon() + 180.0) / 360.0), n * (1.0 - phi.tan().asinh() / PI) / 2.0)
}

/// Whether a latitude had to be clamped because Web Mercator has no tile for it.
pub fn is_beyond_mercator(position: Position) -> bool {
    position.lat().abs() > MAX_MERCATOR_LATITUDE
}

fn whole_tile(coordinate: f64, n: u32) -> u32 {
    coordinate.floor().clamp(0.0, f64::from(n)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(case: &str, longitude: f64, latitude: f64, expected: &str) {
        let position = Position::from_lon_lat(longitude, latitude).unwrap();
        assert_eq!(tile_at(position, Zoom::COVERAGE).to_string(), expected, "{case}");
    }

    #[test]
    fn positions_fall_into_their_tiles() {
        check("null island is a corner of four tiles", 0.0, 0.0, "14/8192/8192");
        check("Suva, just west of the antimeridian", 178.4419, -18.1416, "14/16313/9031");
        check("the antimeridian belongs to the western edge", 180.0, 0.0, "14/0/8192");
        check("the western edge itself", -180.0, 0.0, "14/0/8192");
        check("a pole is clamped, not infinite", 12.0, 90.0, "14/8738/0");
        check("the other pole", 12.0, -90.0, "14/8738/16383");
    }
}
