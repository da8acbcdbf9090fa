//! Whether mvt-reader may see a tile: an upper bound of the memory that it would ask for.
//!
//! # Why
//! That reader reserves, for each part of a line, room for the whole geometry of its feature, and builds a hash map with
//! copied names and texts per feature: 180 kB of hostile bytes make it ask for 41 GB, which no error handling can catch.
//!
//! # Method
//! The tile is walked once as its protobuf decoder (prost) would: numbers of tags and commands are cut to 32 bits before
//! they are understood, a value counts with its whole message, a name with its length. What the specification forbids but
//! prost joins (tags or geometry in several pieces) is refused. Costs are those of mvt-reader 2.5.0 on a 64-bit machine,
//! with doubling vectors at their worst; an honest feature costs some 20 times its bytes.

use crate::DecodeError;
use crate::layer::{Feature, NamedLayer};
use crate::limits::check_limit;
use crate::wire::{Field, Fields, Packed};

/// What any tile may cost.
const SMALL_CHANGE: u64 = 64 << 20;
/// What a tile may cost for each of its bytes.
const BYTES_PER_BYTE: u64 = 40;

const LAYER: u64 = 200;
const KEY: u64 = 2 * 24 + 32;
const VALUE: u64 = 2 * 112 + 32;
const RAW_FEATURE: u64 = 2 * 72;
const FEATURE: u64 = 112;
/// A bucket of the feature's hash map at its worst load, and two allocations.
const PROPERTY: u64 = 110 + 64;
/// Numbers are kept in four bytes, in a vector that doubles.
const NUMBER: u64 = 8;
/// A pair of `i32`.
const COORDINATE: u64 = 8;

/// `TooLarge` where mvt-reader would need more than 64 MiB and 40 times the tile's size.
pub(crate) fn refuse_bombs(layers: &[NamedLayer<'_>], n_bytes: usize) -> Result<(), DecodeError> {
    let limit = SMALL_CHANGE + BYTES_PER_BYTE * n_bytes as u64;
    let mut cost = 0;
    layers.iter().try_for_each(|layer| {
        cost += LAYER + cost_of_tables(layer.message)?;
        check_limit("bytes of memory for mvt-reader", cost, limit)?;
        add_features(layer.message, &mut cost, limit)
    })
}

fn cost_of_tables(message: &[u8]) -> Result<u64, DecodeError> {
    let mut cost = 0;
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        cost += match (number, field) {
            (1, Field::Bytes(name)) => 2 * name.len() as u64,
            (3, Field::Bytes(key)) => KEY + key.len() as u64,
            (4, Field::Bytes(value)) => VALUE + value.len() as u64,
            _ => 0,
        };
    }
    Ok(cost)
}

fn add_features(message: &[u8], cost: &mut u64, limit: u64) -> Result<(), DecodeError> {
    let mut keys = Vec::new();
    let mut values = Vec::new();
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        match (number, field) {
            (3, Field::Bytes(key)) => keys.push(key.len() as u32),
            (4, Field::Bytes(value)) => values.push(value.len() as u32),
            _ => {}
        }
    }
    let length = |table: &[u32], number: u64| table.get(number as u32 as usize).map_or(0, |&bytes| u64::from(bytes));
    let mut fields = Fields::new(message);
    while let Some((number, field)) = fields.next()? {
        let (2, Field::Bytes(message)) = (number, field) else { continue };
        let what = "a feature that breaks or comes in pieces";
        let broken = DecodeError::Broken { what, at: fields.at(), bytes: message.len() };
        let feature = Feature::read(message).ok_or(broken)?;
        *cost += RAW_FEATURE + FEATURE + cost_of_geometry(feature.commands);
        let mut tags = Packed(feature.tags);
        while let (Some(key), Some(value)) = (tags.next(), tags.next()) {
            *cost += 2 * NUMBER + PROPERTY + length(&keys, key) + length(&values, value);
        }
        check_limit("bytes of memory for mvt-reader", *cost, limit)?;
    }
    Ok(())
}

fn cost_of_geometry(commands: &[u8]) -> u64 {
    let (mut n_reserved, mut n_numbers) = (1_u64, 0_u64);
    let mut numbers = Packed(commands);
    while let Some(command) = numbers.next() {
        n_numbers += 1;
        let command = command as u32; // as prost does
        n_reserved += u64::from(matches!(command & 7, 1 | 7)); // a new part, or a ring that closes
        if matches!(command & 7, 1 | 2) {
            let operands = u64::from((command >> 3).wrapping_mul(2));
            n_numbers += numbers.by_ref().take(operands as usize).count() as u64;
        }
    }
    let reserved = n_reserved.saturating_mul(n_numbers).saturating_mul(COORDINATE);
    reserved.saturating_add(n_numbers * (NUMBER + 4 * COORDINATE))
}

#[cfg(test)]
mod tests;
