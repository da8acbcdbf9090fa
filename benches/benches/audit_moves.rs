//! A million published images, each with an uploaded and an adjusted place: the bar is 2 s of one core.

use adjustment_audit::audit;
use benches::{Clocks, street_drives};
use capture_model::PublishedImages;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

/// Rides whose places wander slowly by some metres, as real ones do.
fn adjusted(n_images: usize) -> PublishedImages {
    let mut images = street_drives(1, n_images, Clocks::Exact, 7).published;
    for row in 0..images.len() {
        let phase = images.captured_at_ms[row] as f64 / 6_500.0;
        images.computed_longitude[row] = images.longitude[row] + phase.sin() * 3e-5;
        images.computed_latitude[row] = images.latitude[row] + phase.cos() * 1e-5;
    }
    images
}

fn audit_archives(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("audit");
    group.sample_size(10);
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    for n_images in if is_measured { vec![10_000, 100_000, 1_000_000] } else { vec![1_000] } {
        let images = adjusted(n_images); // built outside the timed part
        let rows: Vec<u32> = (0..images.len() as u32).collect();
        group.throughput(Throughput::Elements(rows.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(n_images), |bencher| {
            bencher.iter(|| audit(black_box(&images), black_box(&rows)));
        });
    }
    group.finish();
}

criterion_group!(auditing, audit_archives);
criterion_main!(auditing);
