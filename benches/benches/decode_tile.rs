//! A dense coverage tile: the columnar reader beside mvt-reader.

use benches::throughput::dense_tile;
use coverage_tile::{decode, decode_with_mvt_reader};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

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
