//! Tiles of a track: of its middle image, of all its images, and of what lies close beyond an edge.

use crate::{Tile, Zoom, is_beyond_mercator, tile_at};
use capture_model::Position;
use std::collections::BTreeSet;

const METRES_PER_DEGREE: f64 = 111_195.0;

/// Tiles that hold some positions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cover {
    /// Distinct tiles by (x, y).
    pub tiles: Vec<Tile>,
    /// Positions beyond ±85.0511°, whose row was clamped.
    pub beyond_mercator: usize,
}

/// Every tile that holds one of the positions.
pub fn cover(positions: impl IntoIterator<Item = Position>, zoom: Zoom) -> Cover {
    let mut tiles = BTreeSet::new();
    let mut beyond_mercator = 0;
    for position in positions {
        beyond_mercator += usize::from(is_beyond_mercator(position));
        tiles.insert(tile_at(position, zoom));
    }
    Cover { tiles: tiles.into_iter().collect(), beyond_mercator }
}

/// The mid-sequence rule: the tile of image number floor(n/2), counted from 0, of positions in capture order.
/// `None` without positions.
pub fn mid_tile(positions: &[Position], zoom: Zoom) -> Option<Tile> {
    positions.get(positions.len() / 2).map(|&middle| tile_at(middle, zoom))
}

/// The tiles within a distance of a position, its own first; for evidence that may lie just beyond an edge.
pub fn tiles_near(position: Position, distance_m: f64, zoom: Zoom) -> Vec<Tile> {
    let own = tile_at(position, zoom);
    let north = distance_m / METRES_PER_DEGREE;
    let east = north / position.lat().to_radians().cos().max(1e-3);
    let mut tiles = vec![own];
    for (dx, dy) in
        [(-1.0, -1.0), (0.0, -1.0), (1.0, -1.0), (-1.0, 0.0), (1.0, 0.0), (-1.0, 1.0), (0.0, 1.0), (1.0, 1.0)]
    {
        let lon = (position.lon() + dx * east + 540.0).rem_euclid(360.0) - 180.0;
        let lat = (position.lat() + dy * north).clamp(-90.0, 90.0);
        if let Ok(beside) = Position::from_lon_lat(lon, lat) {
            let tile = tile_at(beside, zoom);
            if !tiles.contains(&tile) {
                tiles.push(tile);
            }
        }
    }
    tiles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(lon_lat: &[(f64, f64)]) -> Vec<Position> {
        lon_lat.iter().map(|&(lon, lat)| Position::from_lon_lat(lon, lat).unwrap()).collect()
    }

    #[track_caller]
    fn check(case: &str, lon_lat: &[(f64, f64)], tiles: &[&str], mid: Option<&str>, beyond: usize) {
        let positions = positions(lon_lat);
        let covered = cover(positions.iter().copied(), Zoom::COVERAGE);
        let names: Vec<_> = covered.tiles.iter().map(ToString::to_string).collect();
        assert_eq!(names, tiles, "{case}");
        assert_eq!(covered.beyond_mercator, beyond, "{case}");
        assert_eq!(mid_tile(&positions, Zoom::COVERAGE).map(|tile| tile.to_string()).as_deref(), mid, "{case}");
    }

    #[test]
    fn tracks_are_covered() {
        check("nothing", &[], &[], None, 0);
        check("one photo", &[(0.01, 0.01)], &["14/8192/8191"], Some("14/8192/8191"), 0);
        let three = [(0.05, 0.01), (0.01, 0.01), (0.03, 0.01)];
        check(
            "sorted by x, the middle in capture order",
            &three,
            &["14/8192/8191", "14/8193/8191", "14/8194/8191"],
            Some("14/8192/8191"),
            0,
        );
        check(
            "of four the third is the middle",
            &[(0.01, 0.01), (0.01, 0.01), (0.03, 0.01), (0.01, 0.01)],
            &["14/8192/8191", "14/8193/8191"],
            Some("14/8193/8191"),
            0,
        );
        check(
            "over the antimeridian",
            &[(179.999, 0.01), (-179.999, 0.01)],
            &["14/0/8191", "14/16383/8191"],
            Some("14/0/8191"),
            0,
        );
        check("a pole is clamped and counted", &[(12.0, 89.0)], &["14/8738/0"], Some("14/8738/0"), 1);
    }

    #[test]
    fn neighbours_count_only_near_an_edge() {
        let near = |lon, lat| tiles_near(Position::from_lon_lat(lon, lat).unwrap(), 30.0, Zoom::COVERAGE).len();
        assert_eq!(near(0.0001, 0.0001), 4, "a corner of four tiles");
        assert_eq!(near(0.0110, 0.0110), 1, "the middle of a tile");
        assert_eq!(near(-179.9999, 0.0110), 2, "across the antimeridian");
        assert!(near(12.0, 90.0) >= 1, "a pole");
    }
}
