//! What lies near the photos: of a busy tile only a part is worth its memory.

use capture_model::{LocalImages, Position};
use std::collections::HashSet;
use tile_cover::{Tile, Zoom, is_beyond_mercator, tile_at, tiles_near};

/// The matcher looks at images within 80 m; the grid of a tile adds half a metre.
const NEAR_M: f64 = 120.0;
/// Cells of some 300 m · cos φ.
const CELL_LEVEL: u8 = 17;
/// Along a line, places are looked at this often (in cells).
const STEPS_PER_CELL: f64 = 2.0;

/// The cells within reach of any photo.
#[derive(Debug)]
pub(crate) struct NearPhotos {
    zoom: Zoom,
    cells: HashSet<(u32, u32)>,
}

impl NearPhotos {
    pub(crate) fn new(images: &LocalImages) -> Self {
        let zoom = Zoom::new(CELL_LEVEL).expect("a level of the pyramid");
        let mut cells = HashSet::new();
        let mut last = None;
        for row in 0..images.len() {
            let position = images.position(row);
            if is_beyond_mercator(position) || last == Some(position) {
                continue;
            }
            last = Some(position);
            cells.extend(tiles_near(position, NEAR_M, zoom).into_iter().map(|cell| (cell.x, cell.y)));
        }
        Self { zoom, cells }
    }

    /// Whether a place may lie within reach of a photo.
    pub(crate) fn holds(&self, place: Position) -> bool {
        let Tile { x, y, .. } = tile_at(place, self.zoom);
        self.cells.contains(&(x, y))
    }

    /// Whether a line through these longitudes and latitudes comes within reach of a photo.
    pub(crate) fn meets(&self, line: &[(f64, f64)]) -> bool {
        let holds = |lon: f64, lat: f64| Position::from_lon_lat(lon, lat).is_ok_and(|place| self.holds(place));
        let cell_deg = 360.0 / f64::from(self.zoom.tiles_per_side());
        let between = |&[(from_lon, from_lat), (to_lon, to_lat)]: &[(f64, f64); 2]| {
            let cells = ((to_lon - from_lon).abs().max((to_lat - from_lat).abs() * 2.0) / cell_deg).min(1_000.0);
            let steps = (cells * STEPS_PER_CELL).ceil() as u32;
            (1..=steps).any(|step| {
                let share = f64::from(step) / f64::from(steps);
                holds(from_lon + share * (to_lon - from_lon), from_lat + share * (to_lat - from_lat))
            })
        };
        line.first().is_some_and(|&(lon, lat)| holds(lon, lat)) || line.array_windows().any(between)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(photos: &[(f64, f64)]) -> NearPhotos {
        NearPhotos::new(&LocalImages {
            file: (0..photos.len() as u32).collect(),
            longitude: photos.iter().map(|photo| photo.0).collect(),
            latitude: photos.iter().map(|photo| photo.1).collect(),
            ..LocalImages::default()
        })
    }

    #[test]
    fn all_that_the_matcher_may_see_is_near() {
        for latitude in [0.0, 48.0, -67.0, 84.9] {
            let near = near(&[(11.5, latitude), (179.99999, latitude)]);
            let degrees_of = |metres: f64| metres / 111_320.0;
            for turn in 0..36 {
                let (sin, cos) = (f64::from(turn) * 10.0_f64).to_radians().sin_cos();
                for (metres, expected) in [(0.0, Some(true)), (85.0, Some(true)), (2_000.0, Some(false))] {
                    let lat = latitude + degrees_of(metres) * sin;
                    let east = degrees_of(metres) * cos / latitude.to_radians().cos();
                    for lon in [11.5, 179.99999] {
                        let lon = if lon + east > 180.0 { lon + east - 360.0 } else { lon + east };
                        let place = Position::from_lon_lat(lon, lat).unwrap();
                        assert_eq!(Some(near.holds(place)), expected, "{metres} m at {latitude}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_line_is_near_also_between_its_points() {
        let near = near(&[(11.5, 48.0)]);
        assert!(near.meets(&[(11.5, 48.0)]));
        assert!(near.meets(&[(11.48, 48.0), (11.52, 48.0)]), "passes by");
        assert!(near.meets(&[(11.5, 47.98), (11.5, 48.02)]), "passes by, from the south");
        assert!(!near.meets(&[(11.48, 48.01), (11.52, 48.01)]) && !near.meets(&[]));
    }
}
