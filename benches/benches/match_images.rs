//! A folder or an archive against the published images around it; the naive plan is the baseline.

use benches::{Case, Clocks, one_town, street_drives};
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

/// One folder in one town on one core: what a known clock, an unknown one and adjusted places cost, and how that grows. The
/// bars are ratios within one run: unknown at most 2, adjusted at most 1.3 of exact, and twice the world twice the time.
fn match_folders(criterion: &mut Criterion) {
    let one_core = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut group = criterion.benchmark_group("match_folder");
    group.sample_size(10);
    for n_local in [1_000, 2_000, 4_000, 8_000] {
        for case in [Case::Exact, Case::Unknown, Case::Adjusted] {
            let world = one_town(n_local, 15 * n_local, case, 7);
            let lookups = vec![Lookup::Complete; world.local.len()];
            group.throughput(Throughput::Elements(n_local as u64));
            group.bench_function(BenchmarkId::new(case.to_string(), n_local), |bencher| {
                one_core.install(|| {
                    bencher.iter(|| {
                        match_images(black_box(&world.local), &world.published, &lookups, &MatchSettings::default())
                    });
                });
            });
        }
    }
    group.finish();
}

criterion_group!(matching, match_archives, match_folders);
criterion_main!(matching);
