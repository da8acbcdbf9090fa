//! What one tile may hold. The busiest recorded tile has 31,261 images in 954 kB; the limits are far above any honest tile
//! and keep the memory of a hostile one below 64 MB and 16 times its size.

use crate::DecodeError;

/// A body, as it arrives and inflated.
pub(crate) const MOST_BYTES: u64 = 64 << 20;
const MOST_LAYERS: u64 = 1_000;
const MOST_KEYS: u64 = 10_000;
const MOST_VALUES: u64 = 4_000_000;
const MOST_FEATURES: u64 = 1_000_000;
const MOST_VERTICES: u64 = 8_000_000;

/// What a tile has used up so far, over all its layers.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    layers: u64,
    keys: u64,
    values: u64,
    features: u64,
    vertices: u64,
}

impl Budget {
    pub(crate) fn spend_layer(&mut self) -> Result<(), DecodeError> {
        spend(&mut self.layers, 1, "layers", MOST_LAYERS)
    }

    pub(crate) fn spend_key(&mut self) -> Result<(), DecodeError> {
        spend(&mut self.keys, 1, "property names", MOST_KEYS)
    }

    #[inline]
    pub(crate) fn spend_value(&mut self) -> Result<(), DecodeError> {
        spend(&mut self.values, 1, "property values", MOST_VALUES)
    }

    pub(crate) fn spend_features(&mut self, features: usize) -> Result<(), DecodeError> {
        spend(&mut self.features, features as u64, "features", MOST_FEATURES)
    }

    pub(crate) fn spend_vertices(&mut self, vertices: usize) -> Result<(), DecodeError> {
        spend(&mut self.vertices, vertices as u64, "line vertices", MOST_VERTICES)
    }
}

#[inline]
fn spend(used: &mut u64, more: u64, what: &'static str, limit: u64) -> Result<(), DecodeError> {
    *used += more;
    check_limit(what, *used, limit)
}

/// `TooLarge` above the limit.
#[inline]
pub(crate) fn check_limit(what: &'static str, found: u64, limit: u64) -> Result<(), DecodeError> {
    if found > limit { Err(DecodeError::TooLarge { what, found, limit }) } else { Ok(()) }
}
