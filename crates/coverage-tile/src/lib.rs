//! Coverage vector tiles become image points and sequences, under caps; and the encoder that the simulator needs.
//!
//! Start at [`decode()`]: bytes and the tile's place in, columns out. One bad feature is counted and skipped, never the end
//! of a tile. [`decode_with_mvt_reader`] gives the same from another reader, behind a check that its memory stays small.

mod body;
mod columns;
mod decode;
mod encode;
mod error;
mod geometry;
mod grid;
mod guard;
mod layer;
mod limits;
mod oracle;
mod values;
mod wire;

pub use columns::{CoverageTile, Images, Sequences, Skipped, Tileset};
pub use decode::decode;
pub use encode::{Dialect, ImageFeature, NumberKind, SequenceFeature, encode};
pub use error::DecodeError;
pub use oracle::decode_with_mvt_reader;
