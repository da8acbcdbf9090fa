//! Tile units to degrees.
//!
//! The service rounds places to the grid of the tile, so a pair of units stands for the grid point itself, not for the
//! middle of a cell: (0, 0) is the north-west corner of the tile, (extent, extent) the south-east one.

use tile_cover::Tile;

/// Rows beyond this are not remembered.
const MOST_REMEMBERED_ROWS: u32 = 8192;

/// The grid of one tile; the latitude of a row is computed once.
pub(crate) struct Grid {
    tile: Tile,
    extent: i32,
    latitudes: Vec<f64>,
}

impl Grid {
    /// What the specification has for layers that do not say.
    pub(crate) const USUAL_EXTENT: u32 = 4096;

    /// A grid of `extent` units along each edge; 0 and what is beyond reason count as [`Self::USUAL_EXTENT`].
    pub(crate) fn new(tile: Tile, extent: u32) -> Self {
        let extent = if (1..=1 << 20).contains(&extent) { extent } else { Self::USUAL_EXTENT };
        let n_rows = if extent <= MOST_REMEMBERED_ROWS { extent as usize + 1 } else { 0 };
        Self { tile, extent: extent as i32, latitudes: vec![f64::NAN; n_rows] }
    }

    /// Another extent for the next layer; what is known stays where the extent does.
    pub(crate) fn set_extent(&mut self, extent: u32) {
        if extent != self.extent as u32 {
            *self = Self::new(self.tile, extent);
        }
    }

    /// Longitude and latitude in degrees; `None` more than one tile away from the tile itself.
    #[inline]
    pub(crate) fn place(&mut self, x: i32, y: i32) -> Option<(f64, f64)> {
        let near = -self.extent..=self.extent * 2;
        if !near.contains(&x) || !near.contains(&y) {
            return None;
        }
        let lon = self.tile.longitude_at(f64::from(x) / f64::from(self.extent));
        let row = usize::try_from(y).ok().and_then(|row| self.latitudes.get_mut(row));
        let compute = || self.tile.latitude_at(f64::from(y) / f64::from(self.extent));
        let lat = match row {
            Some(known) if known.is_nan() => {
                *known = compute();
                *known
            }
            Some(known) => *known,
            None => compute(),
        };
        Some((lon, lat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grid_points_are_corners_of_cells() {
        let tile: Tile = "14/8723/5686".parse().unwrap();
        let at = |x: f64, y: f64| {
            let position = tile.position_at(x, y);
            Some((position.lon(), position.lat()))
        };
        let mut grid = Grid::new(tile, 4096);
        for _ in 0..2 {
            assert_eq!(grid.place(0, 0), at(0.0, 0.0), "the north-west corner");
            assert_eq!(grid.place(4096, 4096), at(1.0, 1.0), "the south-east corner");
            assert_eq!(grid.place(1024, 3072), at(0.25, 0.75));
            assert_eq!(grid.place(-64, 4160), at(-1.0 / 64.0, 65.0 / 64.0), "a buffer beyond the edge");
        }
        assert_eq!((grid.place(8193, 0), grid.place(0, -4097), grid.place(i32::MIN, i32::MAX)), (None, None, None));
        assert_eq!(Grid::new(tile, 1 << 20).place(1 << 18, 1 << 19), at(0.25, 0.5), "a fine grid is not remembered");
        assert_eq!([0, u32::MAX].map(|extent| Grid::new(tile, extent).place(1024, 3072)), [at(0.25, 0.75); 2]);
    }
}
