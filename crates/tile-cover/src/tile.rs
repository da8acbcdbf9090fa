//! Tiles of the spherical Mercator pyramid: arithmetic between positions and `z/x/y`.
//!
//! # Method
//! `xtile = n (lon + 180) / 360` and `ytile = n (1 − ln(tan φ + sec φ) / π) / 2` with `n = 2^z`
//! (the usual slippy-map arithmetic). Longitude 180 is the western edge again, x = 0; a latitude beyond
//! ±85.0511° has no tile and is clamped to the first or last row.

use capture_model::Position;
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

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

/// Text that names no tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a tile: {problem}; write zoom/x/y such as 14/8188/5448")]
pub struct InvalidTile {
    /// What was given, cut to 60 characters.
    pub text: String,
    /// What is wrong with it.
    pub problem: String,
}

impl FromStr for Tile {
    type Err = InvalidTile;
    fn from_str(text: &str) -> Result<Self, InvalidTile> {
        read_tile(text).map_err(|problem| InvalidTile { text: text.chars().take(60).collect(), problem })
    }
}

fn read_tile(text: &str) -> Result<Tile, String> {
    let parts: Vec<&str> = text.splitn(4, '/').collect();
    let [z, x, y] = parts[..] else { return Err("it needs three numbers with / between them".to_owned()) };
    let (z, x, y) = (whole_number("zoom", z)?, whole_number("x", x)?, whole_number("y", y)?);
    let zoom = u8::try_from(z).ok().and_then(Zoom::new).ok_or_else(|| format!("zoom {z} is above 24"))?;
    let n = zoom.tiles_per_side();
    for (name, number) in [("x", x), ("y", y)] {
        if number >= n {
            return Err(format!("{name} {number} is not below {n}, the tiles per side at zoom {z}"));
        }
    }
    Ok(Tile { zoom, x, y })
}

fn whole_number(name: &str, part: &str) -> Result<u32, String> {
    let is_decimal = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_decimal.then(|| part.parse().ok()).flatten();
    number.ok_or_else(|| {
        let shown: String = part.chars().take(20).collect();
        format!("{name} {shown:?} is not a whole number of digits alone")
    })
}

impl Tile {
    /// `None` where x or y lies outside the pyramid.
    pub fn new(zoom: Zoom, x: u32, y: u32) -> Option<Self> {
        let n = zoom.tiles_per_side();
        (x < n && y < n).then_some(Self { zoom, x, y })
    }

    /// The position at a fraction of the tile's width from its west and of its height from its north. Fractions outside
    /// 0…1 lie in neighbouring tiles; the world is closed in longitude and clamped in latitude. Fractions must be finite.
    pub fn position_at(&self, x_fraction: f64, y_fraction: f64) -> Position {
        Position::from_lon_lat(self.longitude_at(x_fraction), self.latitude_at(y_fraction))
            .expect("longitude is within ±180 and latitude within ±85.06")
    }

    /// Degrees of longitude at a fraction of the tile's width from its west; see [`Self::position_at`].
    #[inline]
    pub fn longitude_at(&self, x_fraction: f64) -> f64 {
        let turns = (f64::from(self.x) + x_fraction) / f64::from(self.zoom.tiles_per_side());
        (if (0.0..=1.0).contains(&turns) { turns } else { turns.rem_euclid(1.0) }) * 360.0 - 180.0
    }

    /// Degrees of latitude at a fraction of the tile's height from its north; see [`Self::position_at`].
    pub fn latitude_at(&self, y_fraction: f64) -> f64 {
        let n = f64::from(self.zoom.tiles_per_side());
        let mercator_y = (1.0 - 2.0 * (f64::from(self.y) + y_fraction) / n).clamp(-1.0, 1.0) * PI;
        mercator_y.sinh().atan().to_degrees()
    }

    /// The ring of the tile's corners, counter-clockwise from the north-west, closed.
    pub fn outline(&self) -> [Position; 5] {
        [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (0.0, 0.0)].map(|(x, y)| self.position_at(x, y))
    }

    /// The tile `dx` columns to the east and `dy` rows to the south; the world is closed from east to west, `None` beyond
    /// its northern and southern end.
    pub fn neighbour(&self, dx: i32, dy: i32) -> Option<Self> {
        let n = i64::from(self.zoom.tiles_per_side());
        let x = (i64::from(self.x) + i64::from(dx)).rem_euclid(n);
        let y = i64::from(self.y) + i64::from(dy);
        (0..n).contains(&y).then_some(Self { zoom: self.zoom, x: x as u32, y: y as u32 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        check("just north of the equator", 0.0, 1e-12, "14/8192/8191");
        check("just west of Greenwich", -1e-12, 0.0, "14/8191/8192");
        check("a hair before the antimeridian", 179.999_999_9, 0.0, "14/16383/8192");
        check("the last latitude with a tile", 12.0, MAX_MERCATOR_LATITUDE, "14/8738/0");
        check("its southern twin", 12.0, -MAX_MERCATOR_LATITUDE, "14/8738/16383");
        check("a pole is clamped, not infinite", 12.0, 90.0, "14/8738/0");
        check("the other pole", 12.0, -90.0, "14/8738/16383");
    }

    #[test]
    fn tiles_are_read_as_they_are_written() {
        #[track_caller]
        fn check(text: &str, problem: &str) {
            let error = text.parse::<Tile>().unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains("14/8188/5448"), "{error}");
        }
        assert_eq!("14/8188/5448".parse::<Tile>().unwrap().to_string(), "14/8188/5448");
        check("", "three numbers");
        check("14/8188", "three numbers");
        check("14/8188/5448/1", "three numbers");
        check("../14/1/1", "three numbers");
        check("14/16384/0", "x 16384 is not below 16384");
        check("14/0/16384", "y 16384 is not below 16384");
        check("25/0/0", "zoom 25 is above 24");
        check("300/0/0", "zoom 300 is above 24");
        check("14/-1/0", "x \"-1\" is not");
        check("14/ 1/0", "x \" 1\" is not");
        check("14/1/+1", "y \"+1\" is not");
        check("14//1", "x \"\" is not");
        check("z/x/y", "zoom \"z\" is not");
        check("14/1e3/0", "x \"1e3\" is not");
        check("14/99999999999/0", "x \"99999999999\" is not");
    }

    #[test]
    fn the_world_is_closed_from_east_to_west() {
        let east = "14/16383/0".parse::<Tile>().unwrap();
        assert_eq!(east.neighbour(1, 1).unwrap().to_string(), "14/0/1");
        assert_eq!(east.neighbour(0, -1), None);
    }

    proptest! {
        #[test]
        fn every_position_lies_within_the_outline_of_its_tile(lon in -180.0..180.0, lat in -85.0..85.0, level in 0_u8..=20) {
            let position = Position::from_lon_lat(lon, lat).unwrap();
            let tile = tile_at(position, Zoom::new(level).unwrap());
            let [north_west, _, south_east, ..] = tile.outline();
            prop_assert!(north_west.lon() <= lon + 1e-9 && (lon <= south_east.lon() + 1e-9));
            prop_assert!(south_east.lat() - 1e-9 <= lat && lat <= north_west.lat() + 1e-9);
        }

        #[test]
        fn the_logarithm_of_the_slippy_map_gives_the_same_tile(lon in -179.9..179.9_f64, lat in -84.9..84.9_f64) {
            let n = f64::from(Zoom::COVERAGE.tiles_per_side());
            let phi = f64::to_radians(lat);
            let x = n * ((lon + 180.0) / 360.0);
            let y = n * (1.0 - (phi.tan() + 1.0 / phi.cos()).ln() / PI) / 2.0;
            prop_assume!(x.fract() > 1e-6 && y.fract() > 1e-6 && y.fract() < 1.0 - 1e-6);
            let tile = tile_at(Position::from_lon_lat(lon, lat).unwrap(), Zoom::COVERAGE);
            prop_assert_eq!((tile.x, tile.y), (x as u32, y as u32));
        }

        #[test]
        fn fractions_of_a_tile_lead_back(x in 0_u32..16384, y in 0_u32..16384, fx in 0.01..0.99, fy in 0.01..0.99) {
            let tile = Tile::new(Zoom::COVERAGE, x, y).unwrap();
            prop_assert_eq!(tile_at(tile.position_at(fx, fy), Zoom::COVERAGE), tile);
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            let _ = text.parse::<Tile>();
        }
    }
}
