//! Which zoom-14 XYZ tiles a track needs.
//!
//! In: positions. Out: tiles of the spherical Mercator pyramid (`z/x/y`, y from the north). Start at [`tile_at`] for one
//! position, at [`cover()`] for a track, at [`mid_tile`] for the middle of a sequence.

mod cover;
mod tile;

pub use cover::{Cover, cover, mid_tile, tiles_near};
pub use tile::{InvalidTile, MAX_MERCATOR_LATITUDE, Tile, Zoom, is_beyond_mercator, tile_at, world_coordinates};
