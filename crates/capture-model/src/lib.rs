//! The nouns of Tiepoint: positions, instants, wall clocks, lengths, ids.
//!
//! No IO and no wire formats live here; every other crate speaks in these types.

mod position;

pub use position::{InvalidPosition, Latitude, Longitude, Position};
