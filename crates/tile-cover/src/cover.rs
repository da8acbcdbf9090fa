//! Tiles of a track: of its middle image, of all its images, and of what lies close beyond an edge.

use crate::{MAX_MERCATOR_LATITUDE, Tile, Zoom, is_beyond_mercator, tile_at, world_coordinates};
use capture_model::Position;
use std::collections::BTreeSet;

/// Of a degree of latitude on the mean sphere, rounded down, so that a halo errs to the large side.
const METRES_PER_DEGREE: f64 = 111_000.0;
/// A halo wider than this is no halo; it also bounds how many tiles there can be near a pole.
const WIDEST_HALO_M: f64 = 10_000.0;

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
    let mut last = None;
    for position in positions {
        beyond_mercator += usize::from(is_beyond_mercator(position));
        let tile = tile_at(position, zoom);
        if last.replace(tile) != Some(tile) {
            tiles.insert(tile);
        }
    }
    Cover { tiles: tiles.into_iter().collect(), beyond_mercator }
}

/// The mid-sequence rule: the tile of image number floor(n/2), counted from 0, of positions in capture order.
/// `None` without positions.
pub fn mid_tile(positions: &[Position], zoom: Zoom) -> Option<Tile> {
    positions.get(positions.len() / 2).map(|&middle| tile_at(middle, zoom))
}

/// The tiles that a square of twice the distance around a position touches, sorted by (x, y): its own, and those in which
/// evidence may lie just beyond an edge. The world is closed from east to west; distances count up to 10 km.
pub fn tiles_near(position: Position, distance_m: f64, zoom: Zoom) -> Vec<Tile> {
    let own = tile_at(position, zoom);
    let distance_m = if distance_m > 0.0 { distance_m.min(WIDEST_HALO_M) } else { 0.0 }; // NaN lands in the second
    let north = distance_m / METRES_PER_DEGREE;
    let (top, bottom) = (position.lat() + north, position.lat() - north);
    let widest_lat = top.abs().max(bottom.abs()).min(MAX_MERCATOR_LATITUDE);
    let east_tiles = north / widest_lat.to_radians().cos() / 360.0 * f64::from(zoom.tiles_per_side());
    let row = |lat: f64| {
        let place = Position::from_lon_lat(position.lon(), lat.clamp(-90.0, 90.0));
        place.map_or(own.y, |place| tile_at(place, zoom).y)
    };
    let x = world_coordinates(position, zoom).0;
    let columns = (x - east_tiles).floor() as i64..=(x + east_tiles).floor() as i64;
    let side = i64::from(zoom.tiles_per_side());
    let columns: BTreeSet<u32> = columns.take(side as usize).map(|x| x.rem_euclid(side) as u32).collect();
    let rows = row(top)..=row(bottom);
    columns.into_iter().flat_map(|x| rows.clone().map(move |y| Tile { zoom, x, y })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        #[track_caller]
        fn check(case: &str, (lon, lat): (f64, f64), distance_m: f64, zoom: u8, tiles: &[&str]) {
            let position = Position::from_lon_lat(lon, lat).unwrap();
            let near = tiles_near(position, distance_m, Zoom::new(zoom).unwrap());
            assert_eq!(near.iter().map(ToString::to_string).collect::<Vec<_>>(), tiles, "{case}");
        }
        let corner = ["14/8191/8191", "14/8191/8192", "14/8192/8191", "14/8192/8192"];
        check("a corner of four tiles", (0.0001, 0.0001), 30.0, 14, &corner);
        check("the middle of a tile", (0.0110, 0.0110), 30.0, 14, &["14/8192/8191"]);
        check("across the antimeridian", (-179.9999, 0.0110), 30.0, 14, &["14/0/8191", "14/16383/8191"]);
        check("the antimeridian itself", (180.0, 0.0110), 30.0, 14, &["14/0/8191", "14/16383/8191"]);
        check("no distance at all", (0.0110, 0.0110), f64::NAN, 14, &["14/8192/8191"]);
        check("a pole, where tiles are 211 m wide", (12.0, 90.0), 30.0, 14, &["14/8737/0", "14/8738/0"]);
        check("the whole world is one tile", (12.0, 50.0), 1e9, 0, &["0/0/0"]);
        let wide = tiles_near(Position::from_lon_lat(0.0110, 0.0110).unwrap(), 5_000.0, Zoom::COVERAGE);
        assert_eq!(wide.len(), 25, "a halo of two tiles, not of the eight neighbours");
    }

    proptest! {
        #[test]
        fn whatever_is_within_the_distance_is_in_a_tile(
            lon in -180.0..180.0, lat in -85.0..85.0, distance_m in 0.0..9_000.0,
            bearing in 0.0..std::f64::consts::TAU, share in 0.0..1.0,
        ) {
            let (north_m, east_m) = (bearing.cos() * share * distance_m, bearing.sin() * share * distance_m);
            let there_lat: f64 = lat + north_m / 111_195.0;
            let there_lon: f64 = lon + east_m / 111_195.0 / f64::to_radians(lat).cos();
            let there_lon = (there_lon + 540.0).rem_euclid(360.0) - 180.0;
            let here = Position::from_lon_lat(lon, lat).unwrap();
            let near = tiles_near(here, distance_m, Zoom::COVERAGE);
            prop_assert!(near.contains(&tile_at(here, Zoom::COVERAGE)));
            let there = tile_at(Position::from_lon_lat(there_lon, there_lat).unwrap(), Zoom::COVERAGE);
            prop_assert!(near.contains(&there), "{there} not among {near:?}");
            prop_assert!(near.is_sorted() && near.len() < 20_000);
        }

        #[test]
        fn a_cover_is_the_set_of_the_tiles_of_its_positions(
            track in prop::collection::vec((-180.0..=180.0, -90.0..=90.0), 0..40),
        ) {
            let positions = positions(&track);
            let mut tiles: Vec<Tile> = positions.iter().map(|&position| tile_at(position, Zoom::COVERAGE)).collect();
            tiles.sort();
            tiles.dedup();
            let polar = track.iter().filter(|(_, lat)| f64::abs(*lat) > MAX_MERCATOR_LATITUDE).count();
            prop_assert_eq!(cover(positions, Zoom::COVERAGE), Cover { tiles, beyond_mercator: polar });
        }
    }
}
