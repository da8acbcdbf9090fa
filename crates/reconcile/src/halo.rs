//! The tiles beyond the edge: where a ride hugs the border of its tile and finds nothing there.
//!
//! A published place may lie some metres from the photo's (averaged positions, a track from another file), so that a whole
//! sequence may lie in the next tile. That is rare, so the next tile is read only for rides that found no partner, and only
//! if half of their photos lie within 30 m of it.

use crate::TilePlan;
use capture_model::LocalImages;
use std::collections::BTreeMap;
use tile_cover::{Tile, Zoom, is_beyond_mercator, tiles_near};

const HALO_M: f64 = 30.0;

/// Of each track, the unread tiles within 30 m of at least half of its photos.
pub(crate) fn tiles_beyond_edges(images: &LocalImages, plan: &TilePlan) -> Vec<Vec<Tile>> {
    let beyond = |track: usize| {
        let mut near: BTreeMap<Tile, usize> = BTreeMap::new();
        let rows = images.rows_of(track);
        let n_photos = rows.len();
        for position in rows.map(|row| images.position(row)).filter(|position| !is_beyond_mercator(*position)) {
            for tile in tiles_near(position, HALO_M, Zoom::COVERAGE) {
                *near.entry(tile).or_default() += 1;
            }
        }
        let is_wanted = |(tile, n_near): (Tile, usize)| {
            (2 * n_near >= n_photos && plan.tiles.binary_search(&tile).is_err()).then_some(tile)
        };
        near.into_iter().filter_map(is_wanted).collect()
    };
    (0..images.n_tracks()).map(beyond).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TileRule;

    #[test]
    fn only_rides_along_an_edge_look_beyond_it() {
        // Three rides in 14/8192/8191, whose western edge is the meridian: along it, across the tile, and one that only
        // begins at the edge.
        let along: Vec<f64> = vec![0.0001; 6];
        let across: Vec<f64> = (0..6).map(|k| 0.004 + 0.001 * f64::from(k)).collect();
        let begins: Vec<f64> = (0..6).map(|k| 0.0001 + 0.001 * f64::from(k)).collect();
        let longitude: Vec<f64> = [along, across, begins].concat();
        let images = LocalImages {
            file: (0..18).collect(),
            track: (0..18).map(|row| row / 6).collect(),
            latitude: (0..18).map(|row| 0.01 + 0.0001 * f64::from(row)).collect(),
            longitude: longitude.into(),
            tracks: vec![0, 6, 12, 18],
            ..LocalImages::default()
        };
        let plan = TilePlan::new(&images, TileRule::Track);
        assert_eq!(plan.tiles.len(), 1);
        let beyond = tiles_beyond_edges(&images, &plan);
        let names: Vec<Vec<String>> = beyond.iter().map(|tiles| tiles.iter().map(Tile::to_string).collect()).collect();
        assert_eq!(names, [vec!["14/8191/8191".to_owned()], vec![], vec![]]);
    }
}
