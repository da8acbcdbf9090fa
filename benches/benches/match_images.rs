//! A folder or an archive against the published images around it; the naive plan is the baseline.

use benches::{Clocks, street_drives};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use image_matcher::{Lookup, MatchSettings, match_images, match_naive};
use std::hint::black_box;

fn match_archives(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("match_images");
    group.sample_size(10);
    for (n_local, n_published) in [(2_000, 30_000), (20_000, 100_000)] {
        for clocks in [Clocks::Exact, Clocks::Unknown] {
            let world = street_drives(n_local, n_published, clocks, 7); // built outside the timed part
            let lookups = vec![Lookup::Complete; world.local.len()];
            group.throughput(Throughput::Elements(n_local as u64));
            let name = format!("{n_local}x{n_published}");
            group.bench_function(BenchmarkId::new(format!("{clocks:?}"), &name), |bencher| {
                bencher.iter(|| {
                    match_images(black_box(&world.local), &world.published, &lookups, &MatchSettings::default())
                });
            });
            if clocks == Clocks::Exact {
                group.bench_function(BenchmarkId::new("naive", &name), |bencher| {
                    bencher.iter(|| match_naive(black_box(&world.local), &world.published));
                });
            }
        }
    }
    group.finish();
}

criterion_group!(matching, match_archives);
criterion_main!(matching);
