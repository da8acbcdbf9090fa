//! Every image lies in one tile, every dialect says the same, lines are cut at the edge and at the antimeridian.

use super::*;
use crate::{CoverageTile, Tileset, decode, decode_with_mvt_reader};
use proptest::prelude::*;
use tile_cover::Zoom;

fn image(id: u64, position: Position) -> ImageFeature {
    ImageFeature {
        id,
        sequence_id: "aE5o7bTMH0UtscOYxhVwID".to_owned(),
        captured_at_ms: Some(1_716_026_467_250),
        position,
        compass_angle_deg: Some(29.5),
        is_pano: Some(true),
        creator_id: Some(102_609_045_317_136),
        organization_id: None,
    }
}

fn line(lon_lat: &[(f64, f64)]) -> SequenceFeature {
    SequenceFeature {
        id: "s".to_owned(),
        image_id: Some(7),
        captured_at_ms: Some(-5),
        is_pano: None,
        creator_id: None,
        organization_id: None,
        line: lon_lat.iter().map(|&(lon, lat)| Position::from_lon_lat(lon, lat).unwrap()).collect(),
    }
}

fn around(tile: Tile) -> impl Iterator<Item = Tile> {
    (-1..=1).flat_map(move |dx| (-1..=1).filter_map(move |dy| tile.neighbour(dx, dy)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_image_is_in_the_tile_of_its_place_and_in_no_other(
        x in 0_u32..16_384, y in 0_u32..16_384,
        near_x in prop::sample::select(vec![0.0, 0.5, 1.0]), near_y in prop::sample::select(vec![0.0, 0.5, 1.0]),
        dx in -3e-4..3e-4, dy in -3e-4..3e-4,
    ) {
        let position = Tile::new(Zoom::COVERAGE, x, y).unwrap().position_at(near_x + dx, near_y + dy);
        let home = tile_at(position, Zoom::COVERAGE);
        for tile in around(home) {
            let decoded = decode(&encode(tile, &[image(5, position)], &[], &Dialect::default()), tile).unwrap();
            prop_assert_eq!(decoded.n_images(), usize::from(tile == home), "{} of {}", tile, home);
            for published in decoded.published_images(Tileset::Original) {
                let (there, here) = (tile_units(tile, published.original.unwrap(), 4096), tile_units(tile, position, 4096));
                prop_assert!((there.0 - here.0).abs() <= 1.0 && (there.1 - here.1).abs() <= 1.0, "{:?} {:?}", there, here);
            }
        }
    }
}

#[test]
fn the_ends_of_the_world_have_their_images() {
    for (lon, lat) in [(180.0, 0.0), (-180.0, 0.0), (12.0, 90.0), (12.0, -90.0), (180.0, -90.0), (179.999_999, 60.0)] {
        let position = Position::from_lon_lat(lon, lat).unwrap();
        for level in [0, 1, 14] {
            let tile = tile_at(position, Zoom::new(level).unwrap());
            let decoded = decode(&encode(tile, &[image(5, position)], &[], &Dialect::default()), tile).unwrap();
            assert_eq!(decoded.n_images(), 1, "{lon} {lat} in {tile}");
        }
    }
}

#[test]
fn a_line_over_the_antimeridian_goes_the_short_way() {
    let sequence = line(&[(179.995, 0.005), (-179.995, 0.005)]);
    let lengths = |tile: &str| -> Vec<usize> {
        let tile: Tile = tile.parse().unwrap();
        let decoded = decode(&encode(tile, &[], std::slice::from_ref(&sequence), &Dialect::default()), tile).unwrap();
        (0..decoded.sequences.len()).flat_map(|row| decoded.sequences.parts(row).map(<[_]>::len)).collect()
    };
    assert_eq!(lengths("14/16383/8191"), [2], "from the west to the edge");
    assert_eq!(lengths("14/0/8191"), [2], "from the edge to the east");
    assert!(lengths("14/8192/8191").is_empty(), "not through Greenwich");
}

/// What is read, apart from exactness.
fn told(decoded: &CoverageTile) -> String {
    let images = &decoded.images;
    format!("{:?} {:?} {:?} {:?}", images.captured_at_ms, images.is_pano, images.creator_id, decoded.sequence_ids())
}

#[test]
fn every_dialect_says_the_same() {
    let tile: Tile = "14/8723/5686".parse().unwrap();
    let big = 26_858_300_993_768_843;
    let images = [image(big, tile.position_at(0.5, 0.5)), image(3, tile.position_at(0.25, 0.75))];
    let sequences = [line(&[(11.68, 48.1), (11.69, 48.11)])];
    let plain = decode(&encode(tile, &images, &sequences, &Dialect::default()), tile).unwrap();
    assert_eq!(plain.images.id, [big, 3]);
    for numbers in
        [NumberKind::Int, NumberKind::Uint, NumberKind::Sint, NumberKind::Double, NumberKind::Float, NumberKind::Text]
    {
        for (extent, version, feature_ids, tables_first) in
            [(4096, 2, true, false), (4096, 2, false, true), (512, 1, true, true), (1000, 2, false, false)]
        {
            let dialect = Dialect { numbers, extent, version, feature_ids, tables_first, ..Dialect::default() };
            let bytes = encode(tile, &images, &sequences, &dialect);
            let decoded = decode(&bytes, tile).unwrap();
            let is_float = numbers == NumberKind::Float;
            assert_eq!(told(&decoded) == told(&plain), !is_float, "{dialect:?}");
            assert_eq!(decoded.sequences.captured_at_ms, plain.sequences.captured_at_ms, "before 1970, {dialect:?}");
            let is_exact = !matches!(numbers, NumberKind::Double | NumberKind::Float);
            assert_eq!(decoded.images.id_exact[0], is_exact, "{dialect:?}");
            assert_eq!(decoded.images.id[0] == big, is_exact, "{dialect:?}");
            assert_eq!(decoded.images.id[1], 3, "{dialect:?}");
            assert_eq!(told(&decoded), told(&decode_with_mvt_reader(&bytes, tile).unwrap()), "{dialect:?}");
            assert!((decoded.images.longitude[1] - images[1].position.lon()).abs() < 0.022 / f64::from(extent));
        }
    }
}

#[test]
fn ids_beyond_the_signed_numbers_stay_whole() {
    let tile: Tile = "14/8723/5686".parse().unwrap();
    for numbers in [NumberKind::Int, NumberKind::Uint, NumberKind::Sint, NumberKind::Text] {
        let dialect = Dialect { numbers, ..Dialect::default() };
        let bytes = encode(tile, &[image(u64::MAX, tile.position_at(0.5, 0.5))], &[], &dialect);
        assert_eq!(decode(&bytes, tile).unwrap().images.id, [u64::MAX], "{numbers:?}");
    }
}

#[test]
fn the_number_of_a_feature_is_not_the_id_of_an_image() {
    let tile: Tile = "14/8723/5686".parse().unwrap();
    let images = [image(5, tile.position_at(0.5, 0.5)), image(6, tile.position_at(0.5, 0.6))];
    let dialect = Dialect { feature_ids: true, without: &["id", "captured_at"], ..Dialect::default() };
    let decoded = decode(&encode(tile, &images, &[], &dialect), tile).unwrap();
    assert_eq!(
        (decoded.images.id.as_slice(), decoded.images.captured_at_ms.as_slice()),
        (&[0, 0][..], &[None, None][..])
    );
    assert_eq!(decoded.published_images(Tileset::Original).count(), 0);
    assert_eq!(decoded.sequence_ids().len(), 1, "the sequence stays known");
}
