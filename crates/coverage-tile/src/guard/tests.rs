//! Ways to make mvt-reader ask for gigabytes: each is refused before it sees a byte, and honest tiles are not.

use super::*;
use crate::encode::{push_bytes, push_number, push_varint};
use crate::layer::layers;
use crate::limits::Budget;
use crate::{Dialect, ImageFeature, decode, decode_with_mvt_reader, encode};
use tile_cover::Tile;

fn tile() -> Tile {
    "14/8723/5686".parse().unwrap()
}

fn packed(numbers: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut out = Vec::new();
    numbers.into_iter().for_each(|number| push_varint(&mut out, number));
    out
}

/// A feature from its kind and from fields written one after another.
fn feature(kind: u64, fields: &[(u64, &[u8])]) -> Vec<u8> {
    let mut message = Vec::new();
    push_number(&mut message, 3, kind);
    fields.iter().for_each(|(number, bytes)| push_bytes(&mut message, *number, bytes));
    message
}

/// A tile of one layer `sequence`.
fn tile_of(features: &[Vec<u8>], keys: &[&str], texts: &[&str]) -> Vec<u8> {
    let mut layer = Vec::new();
    push_number(&mut layer, 15, 2);
    push_bytes(&mut layer, 1, b"sequence");
    features.iter().for_each(|feature| push_bytes(&mut layer, 2, feature));
    keys.iter().for_each(|key| push_bytes(&mut layer, 3, key.as_bytes()));
    for text in texts {
        let mut value = Vec::new();
        push_bytes(&mut value, 1, text.as_bytes());
        push_bytes(&mut layer, 4, &value);
    }
    let mut out = Vec::new();
    push_bytes(&mut out, 3, &layer);
    out
}

/// A line of `n` parts of one segment each, its command numbers raised by a multiple of 2^32.
fn parts(n: usize, raised_by: u64) -> Vec<u8> {
    packed((0..n).flat_map(|_| [raised_by + 9, 2, 2, raised_by + 10, 2, 2]))
}

#[track_caller]
fn check_refused(case: &str, bytes: &[u8]) {
    let named = layers(bytes, &mut Budget::default()).unwrap();
    let refused = refuse_bombs(&named, bytes.len());
    assert!(matches!(refused, Err(DecodeError::TooLarge { .. } | DecodeError::Broken { .. })), "{case}: {refused:?}");
    assert_eq!(decode_with_mvt_reader(bytes, tile()).unwrap_err(), refused.unwrap_err(), "{case}");
    let _ = decode(bytes, tile()); // our own reader only has to survive
}

#[test]
fn bombs_are_refused() {
    let line = feature(2, &[(4, &parts(30_000, 0))]);
    check_refused("one line of 30,000 parts", &tile_of(&[line], &[], &[]));
    let line = feature(2, &[(4, &parts(1_000, 0))]);
    check_refused("many lines of 1,000 parts", &tile_of(&vec![line; 300], &[], &[]));
    let line = feature(2, &[(4, &parts(20_000, 7 << 32))]);
    check_refused("counts that look huge until they are cut to 32 bits", &tile_of(&[line], &[], &[]));
    let piece = parts(2_000, 0);
    let line = feature(2, &[(4, &piece), (4, &piece), (4, &[9, 2, 2])]);
    check_refused("a geometry in pieces", &tile_of(&[line], &[], &[]));
    let mut line = feature(2, &[]);
    parts(2_000, 0).iter().for_each(|&byte| push_number(&mut line, 4, u64::from(byte)));
    check_refused("a geometry that is not packed", &tile_of(&[line], &[], &[]));
    let rings = packed((0..20_000).flat_map(|_| [10, 2, 2, 15]));
    check_refused("rings that only close", &tile_of(&[feature(3, &[(4, &rings)])], &[], &[]));
    let (long, point) = ("x".repeat(100_000), [9, 2, 2]);
    let line = feature(2, &[(2, &[0, 0]), (4, &point)]);
    check_refused("a long text that 3,000 features share", &tile_of(&vec![line.clone(); 3_000], &["id"], &[&long]));
    check_refused("a long name that 3,000 features share", &tile_of(&vec![line; 3_000], &[&long], &["a"]));
    let line = feature(2, &[(2, &packed([7 << 32, 7 << 32])), (4, &point)]);
    check_refused("the same, behind numbers above 32 bits", &tile_of(&vec![line; 3_000], &["id"], &[&long]));
    let line = feature(2, &[(2, &[0, 0]), (2, &[0, 0]), (4, &point)]);
    check_refused("properties in pieces", &tile_of(&vec![line; 3_000], &["id"], &[&long]));
    check_refused("empty features", &tile_of(&vec![Vec::new(); 1_000_000], &[], &[]));
    check_refused("empty texts", &tile_of(&[], &[], &vec![""; 1_000_000]));
}

#[test]
fn honest_dense_tiles_pass() {
    let images: Vec<ImageFeature> = (0..40_000_u64)
        .map(|id| ImageFeature {
            id: 100_000_000_000_000 + id * 7_919,
            sequence_id: format!("{:022}", id / 200),
            captured_at_ms: Some(1_716_026_400_000 + id as i64 * 1_003),
            position: tile().position_at(id as f64 / 40_000.0, (id % 200) as f64 / 200.0),
            compass_angle_deg: Some(id as f64 / 128.0),
            is_pano: Some(false),
            creator_id: Some(102_609_045_317_136),
            organization_id: Some(1_805_883_732_926_354),
        })
        .collect();
    let bytes = encode(tile(), &images, &[], &Dialect::default());
    let named = layers(&bytes, &mut Budget::default()).unwrap();
    assert_eq!(refuse_bombs(&named, bytes.len()), Ok(()));
}
