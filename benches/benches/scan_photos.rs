//! EXIF of photos on a warm disk: the scan beside a hand-written reader of 16 KiB a file, on one thread each.

use benches::read_by_hand;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use local_archive::{HistoryPlace, ScanOptions, scan};
use std::path::{Path, PathBuf};
use synthetic_city::{CitySpec, Scenario, build};

/// All photos below a folder.
fn photos(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of photos") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            photos(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn scan_photos(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let city = build(&CitySpec { scenario: Scenario::Demo, photos: 2_000, seed: 7 });
    city.write_photos(folder.path()).expect("room on the disk");
    let mut paths = Vec::new();
    photos(folder.path(), &mut paths);
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let roots = [folder.path().to_owned()];
    let settings = ScanOptions { history: HistoryPlace::Off, ..ScanOptions::default() }.into();
    let mut group = criterion.benchmark_group("scan_photos");
    group.throughput(Throughput::Elements(paths.len() as u64));
    group.bench_function("scan", |bencher| {
        bencher.iter(|| one_thread.install(|| scan(&roots, &settings)).expect("photos").files.len());
    });
    group.bench_function("by hand", |bencher| {
        let mut buffer = Vec::new();
        bencher.iter(|| {
            let read = paths.iter().filter_map(|path| read_by_hand(path, &mut buffer).ok());
            read.filter(|read| read.longitude.is_some()).count()
        });
    });
    group.finish();
}

criterion_group!(scanning, scan_photos);
criterion_main!(scanning);
