//! A dense coverage tile: the columnar reader beside mvt-reader.

use benches::{Clocks, street_drives};
use capture_model::Position;
use coverage_tile::{Dialect, ImageFeature, decode, decode_with_mvt_reader, encode};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tile_cover::{Tile, Zoom, tile_at};

/// All images of a world moved into one tile.
fn dense_tile(n_images: usize) -> (Tile, Vec<u8>) {
    let world = street_drives(0, n_images, Clocks::Exact, 7);
    let tile = tile_at(Position::from_lon_lat(11.5, 48.1).expect("a place"), Zoom::COVERAGE);
    let corner = tile.outline()[0];
    let images: Vec<ImageFeature> = (0..n_images)
        .map(|row| ImageFeature {
            id: world.published.id[row],
            sequence_id: world.published.sequence_id(row).map(ToString::to_string).unwrap_or_default(),
            captured_at_ms: Some(world.published.captured_at_ms[row]),
            position: Position::from_lon_lat(
                corner.lon() + 0.02 * (row as f64 / n_images as f64),
                corner.lat() - 0.014 * ((row * 7 % n_images) as f64 / n_images as f64),
            )
            .expect("inside the tile"),
            compass_angle_deg: Some(row as f64 % 360.0),
            is_pano: Some(false),
            creator_id: Some(102_609_045_317_136),
            organization_id: None,
        })
        .collect();
    (tile, encode(tile, &images, &[], &Dialect::default()))
}

fn decode_tiles(criterion: &mut Criterion) {
    let (tile, bytes) = dense_tile(20_000);
    let mut group = criterion.benchmark_group("decode_tile");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("columnar", |bencher| bencher.iter(|| decode(black_box(&bytes), tile).expect("a sound tile")));
    group.bench_function("mvt-reader", |bencher| {
        bencher.iter(|| decode_with_mvt_reader(black_box(&bytes), tile).expect("a sound tile"));
    });
    group.finish();
}

criterion_group!(decoding, decode_tiles);
criterion_main!(decoding);
