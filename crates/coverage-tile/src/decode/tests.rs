//! Encoded tiles come back, recorded ones have the counts of their manifest, hostile ones do no harm.

use super::*;
use crate::{Dialect, ImageFeature, NumberKind, SequenceFeature, Tileset, decode_with_mvt_reader, encode};
use proptest::prelude::*;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn tile() -> Tile {
    "14/8723/5686".parse().unwrap()
}

fn image(id: u64, x: f64, y: f64) -> ImageFeature {
    ImageFeature {
        id,
        sequence_id: format!("sequence-{}", id % 3),
        captured_at_ms: Some(1_716_026_400_000 + (id % 1_000) as i64),
        position: tile().position_at(x, y),
        compass_angle_deg: Some(29.878_998),
        is_pano: Some(id.is_multiple_of(2)),
        creator_id: Some(102_609_045_317_136),
        organization_id: None,
    }
}

fn sequence(id: &str, line: &[(f64, f64)]) -> SequenceFeature {
    SequenceFeature {
        id: id.to_owned(),
        image_id: Some(26_858_300_993_768_842),
        captured_at_ms: Some(1_716_026_400_000),
        is_pano: Some(false),
        creator_id: None,
        organization_id: Some(7),
        line: line.iter().map(|&(x, y)| tile().position_at(x, y)).collect(),
    }
}

/// Everything of a tile that two readers must agree on.
fn facts(decoded: &CoverageTile) -> String {
    let name = |number: &Option<u32>| number.map(|number| decoded.sequence_names.value(number).to_string());
    let images = &decoded.images;
    let sequences = &decoded.sequences;
    let keys: Vec<_> = images.sequence.iter().chain(&sequences.sequence).map(name).collect();
    format!(
        "{:?} {:?} {keys:?}",
        (
            images.id.clone(),
            &images.id_exact,
            &images.captured_at_ms,
            &images.longitude,
            &images.latitude,
            &images.compass_deg,
            &images.is_pano,
            &images.organization_id,
            &images.creator_id
        ),
        (
            &sequences.image_id,
            &sequences.image_id_exact,
            &sequences.captured_at_ms,
            (&sequences.is_pano, &sequences.organization_id, &sequences.creator_id),
            &sequences.vertices,
            &sequences.part_ends,
            &sequences.row_ends
        )
    )
}

#[test]
fn every_number_variant_comes_back() {
    let id = 26_858_300_993_768_842;
    for numbers in [NumberKind::Int, NumberKind::Uint, NumberKind::Sint, NumberKind::Double, NumberKind::Text] {
        let dialect = Dialect { numbers, ..Dialect::default() };
        let bytes = encode(tile(), &[image(id, 0.5, 0.25)], &[], &dialect);
        let decoded = decode(&bytes, tile()).unwrap();
        assert_eq!(decoded.images.captured_at_ms, [Some(1_716_026_400_842)], "{numbers:?}");
        assert_eq!(decoded.images.id_exact, [numbers != NumberKind::Double], "{numbers:?}");
        assert!(decoded.images.id[0].abs_diff(id) <= u64::from(numbers == NumberKind::Double) * 4, "{numbers:?}");
        assert_eq!(decoded.images.is_pano, [Some(true)]);
        assert!((decoded.images.compass_deg[0] - 29.879).abs() < 1e-4);
        let published: Vec<_> = decoded.published_images(Tileset::Original).collect();
        let place = published[0].original.unwrap();
        let true_place = tile().position_at(0.5, 0.25);
        assert!((place.lon() - true_place.lon()).abs() < 3e-6 && (place.lat() - true_place.lat()).abs() < 3e-6);
        assert!(published[0].computed.is_none() && published[0].altitude_m.is_none());
    }
}

#[test]
fn lines_that_leave_and_come_back_have_parts() {
    let there_and_back = [(0.5, 0.5), (1.5, 0.5), (1.5, 0.7), (0.5, 0.7), (0.4, 0.7)];
    let features = [
        sequence("a", &there_and_back),
        sequence("b", &[(0.1, 0.1), (0.2, 0.2)]),
        sequence("c", &[(1.2, 0.5), (1.3, 0.5)]),
    ];
    let bytes = encode(tile(), &[], &features, &Dialect::default());
    let decoded = decode(&bytes, tile()).unwrap();
    let parts: Vec<Vec<usize>> =
        (0..decoded.sequences.len()).map(|row| decoded.sequences.parts(row).map(<[_]>::len).collect()).collect();
    assert_eq!(parts, [vec![2, 3], vec![2]], "the third never enters the tile");
    assert_eq!(decoded.sequences.image_id, [26_858_300_993_768_842; 2]);
    assert_eq!(decoded.sequences.organization_id, [7; 2]);
    let east = tile().position_at(1.0, 0.5).lon();
    assert!((decoded.sequences.parts(0).next().unwrap()[1].0 - east).abs() < 1e-9, "cut at the edge");
    assert_eq!(facts(&decoded), facts(&decode_with_mvt_reader(&bytes, tile()).unwrap()));
}

#[test]
fn blanked_tiles_keep_their_rows() {
    let dialect = Dialect { blank: true, ..Dialect::default() };
    let bytes = encode(tile(), &[image(5, 0.5, 0.5), image(6, 0.5, 0.6)], &[], &dialect);
    let decoded = decode(&bytes, tile()).unwrap();
    assert_eq!((decoded.n_images(), decoded.sequence_ids().len()), (2, 2));
    assert_eq!(decoded.images.id, [0, 0]);
    assert_eq!(decoded.published_images(Tileset::Original).count(), 0, "no usable id");
}

#[test]
fn empty_text_and_foreign_bodies() {
    assert!(decode(b"", tile()).unwrap().is_empty());
    let error = |bytes: &[u8]| decode(bytes, tile()).unwrap_err().to_string();
    assert!(error(b"<!DOCTYPE html><html>").contains("<!DOCTYPE"));
    assert!(error(b"{\"error\":{}}").contains("error page"));
    assert!(error(&[0x1a, 0x7f, 1]).contains("byte"));
    assert!(error(&[0x1f, 0x8b, 8, 0]).contains("inflated"));
    let mut other = encode(tile(), &[image(5, 0.5, 0.5)], &[], &Dialect::default());
    let at = other.windows(5).position(|window| window == b"image").unwrap();
    other[at..at + 5].copy_from_slice(b"water");
    assert!(decode(&other, tile()).unwrap().is_empty(), "a tile without our layers is empty, not an error");
}

#[test]
fn compressed_bodies_are_inflated_and_bombs_are_not() {
    use std::io::Write;
    let squeeze = |bytes: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    };
    let bytes = encode(tile(), &[image(5, 0.5, 0.5)], &[], &Dialect::default());
    assert_eq!(decode(&squeeze(&bytes), tile()).unwrap().n_images(), 1);
    let bomb = squeeze(&vec![0; 65 << 20]);
    assert!(matches!(decode(&bomb, tile()), Err(DecodeError::TooLarge { .. })), "{} bytes", bomb.len());
}

#[test]
fn one_broken_feature_is_counted_and_the_rest_stays() {
    let mut bytes = encode(tile(), &[image(5, 0.5, 0.5), image(6, 0.5, 0.6)], &[], &Dialect::default());
    let at = bytes.windows(2).position(|window| window == [0x18, 1]).unwrap(); // the first feature's type
    bytes[at + 1] = 3; // a polygon
    let decoded = decode(&bytes, tile()).unwrap();
    assert_eq!((decoded.n_images(), decoded.skipped.of_other_kind), (1, 1));
}

#[test]
fn what_would_cost_another_reader_gigabytes_is_refused() {
    let zigzag_line: Vec<(f64, f64)> =
        (0..60_000).map(|k| (if k % 4 < 2 { 0.5 } else { 1.5 }, f64::from(k) / 60_001.0)).collect();
    let parts = encode(tile(), &[], &[sequence("a", &zigzag_line)], &Dialect::default());
    assert!(decode(&parts, tile()).unwrap().sequences.parts(0).len() > 10_000, "our own reader does not mind");
    assert!(matches!(decode_with_mvt_reader(&parts, tile()), Err(DecodeError::TooLarge { .. })));
    let mut shared = image(5, 0.5, 0.5);
    shared.sequence_id = "x".repeat(100_000);
    let texts = encode(tile(), &vec![shared; 3_000], &[], &Dialect::default());
    assert!(matches!(decode_with_mvt_reader(&texts, tile()), Err(DecodeError::TooLarge { .. })));
    assert_eq!(decode(&texts, tile()).unwrap().sequence_names.len(), 1, "one key is kept once");
}

fn recorded(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real/tiles").join(path);
    if !path.exists() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no recorded tiles beside the repository");
    }
    path.exists().then_some(path)
}

#[test]
fn recorded_tiles_have_the_counts_of_their_manifest() {
    for (name, sequences, multi_part, images, keys) in
        [("14/3251/6258", 96, 21, 7_890, 97), ("14/3252/6258", 70, 5, 4_888, 72)]
    {
        let Some(path) = recorded(&format!("v4-mly1_public/{name}.mvt")) else { return };
        let (bytes, tile) = (std::fs::read(path).unwrap(), name.parse().unwrap());
        let decoded = decode(&bytes, tile).unwrap();
        let n_multi = (0..decoded.sequences.len()).filter(|&row| decoded.sequences.parts(row).len() > 1).count();
        assert_eq!((decoded.sequences.len(), n_multi, decoded.n_images()), (sequences, multi_part, images), "{name}");
        assert_eq!(decoded.sequence_ids_of_images().len(), keys, "{name}");
        assert_eq!(decoded.skipped, crate::Skipped::default());
        assert_eq!(facts(&decoded), facts(&decode_with_mvt_reader(&bytes, tile).unwrap()), "{name}");
    }
}

#[test]
fn the_recorded_v3_tile_is_refused_by_its_layers() {
    let Some(path) = recorded("v3-mapillary/14/3248/6258.mvt") else { return };
    let error = decode(&std::fs::read(path).unwrap(), "14/3248/6258".parse().unwrap()).unwrap_err().to_string();
    assert!(error.contains("mapillary-sequences") && error.contains("v3"), "{error}");
}

#[test]
fn conformance_fixtures_never_panic() {
    let Some(folder) = recorded("") else { return };
    let mut open = vec![folder];
    let mut n_read = 0;
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "mvt" || ending == "gz") {
            let bytes = std::fs::read(&path).unwrap();
            let _ = decode(&bytes, tile());
            let _ = decode_with_mvt_reader(&bytes, tile());
            n_read += 1;
        }
    }
    assert!(n_read > 30, "{n_read} tiles");
}

fn any_image() -> impl Strategy<Value = ImageFeature> {
    let numbers = (1_u64..1 << 60, proptest::option::of(any::<i32>()), proptest::option::of(0.0..360.0));
    let texts = ("[a-zA-Z0-9_-]{1,22}", proptest::option::of(any::<bool>()), proptest::option::of(1_u64..1 << 50));
    (numbers, texts, 0.0..1.0, 0.0..1.0).prop_map(|((id, time, compass), (key, is_pano, creator), x, y)| ImageFeature {
        id,
        sequence_id: key,
        captured_at_ms: time.map(i64::from),
        compass_angle_deg: compass,
        is_pano,
        creator_id: creator,
        organization_id: None,
        position: tile().position_at(x, y),
    })
}

fn any_sequence() -> impl Strategy<Value = SequenceFeature> {
    ("[a-z]{1,22}", proptest::collection::vec((-0.5..1.5, -0.5..1.5), 0..12))
        .prop_map(|(key, line)| sequence(&key, &line))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn two_readers_agree_on_sound_tiles(
        images in proptest::collection::vec(any_image(), 0..20),
        sequences in proptest::collection::vec(any_sequence(), 0..6),
        kind in 0_usize..5,
    ) {
        let numbers = [NumberKind::Int, NumberKind::Uint, NumberKind::Sint, NumberKind::Double, NumberKind::Text][kind];
        let bytes = encode(tile(), &images, &sequences, &Dialect { numbers, ..Dialect::default() });
        let ours = decode(&bytes, tile()).unwrap();
        prop_assert_eq!(facts(&ours), facts(&decode_with_mvt_reader(&bytes, tile()).unwrap()));
        prop_assert_eq!(ours.skipped, crate::Skipped::default());
    }

    #[test]
    fn changed_bytes_do_no_harm(
        images in proptest::collection::vec(any_image(), 1..6),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = encode(tile(), &images, &[sequence("a", &[(0.1, 0.1), (0.9, 0.9)])], &Dialect::default());
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode(&bytes, tile());
        let _ = decode_with_mvt_reader(&bytes, tile());
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes, tile());
    }
}
