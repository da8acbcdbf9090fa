//! EXIF of photos on a warm disk: the reader of photos beside a hand-written one of 16 KiB a file, and a whole scan (walk,
//! read, group, replay), all on one thread.
//!
//! Files that were just written are looked at twice, so that timed runs begin when they have rested.

use benches::{HEAD, HandRead, read_by_hand, write_camera_files};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use local_archive::{HistoryPlace, PhotoContents, PhotoReader, ScanOptions, scan};
use std::time::Duration;

/// How long a file rests until one look is enough.
const REST: Duration = Duration::from_secs(12);

/// Both have read the same.
fn compare(ours: &PhotoContents, by_hand: &HandRead) {
    let seen = &ours.observation;
    assert_eq!(seen.position.map(|place| (place.lon(), place.lat())), by_hand.longitude.zip(by_hand.latitude));
    assert_eq!(seen.altitude.map(|altitude| altitude.0), by_hand.altitude_m);
    assert_eq!(seen.heading_deg, by_hand.heading_deg);
    assert_eq!(seen.gps_time.map(capture_model::CapturedAt::epoch_ms), by_hand.gps_time_ms);
    let camera = by_hand.original_ms.zip(by_hand.offset_min).map(|(ms, minutes)| ms - minutes * 60_000);
    assert_eq!(seen.camera_time.map(capture_model::LocalTime::ms), camera);
    assert_eq!(ours.device.make.as_deref(), by_hand.make.as_deref());
    assert_eq!(ours.device.model.as_deref(), by_hand.model.as_deref());
    assert_eq!((ours.device.width, ours.device.height), (by_hand.width, by_hand.height));
    assert_eq!(seen.orientation.map(u32::from), by_hand.orientation);
}

fn scan_photos(criterion: &mut Criterion) {
    let is_timed = std::env::args().any(|argument| argument == "--bench");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let paths = write_camera_files(folder.path(), if is_timed { 2_000 } else { 50 }).expect("room on the disk");
    let (mut head, mut reader) = (vec![0; HEAD], PhotoReader::default());
    for path in &paths {
        compare(&reader.read(path), &read_by_hand(path, &mut head).expect("a photo"));
    }
    if is_timed {
        std::thread::sleep(REST);
    }
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let roots = [folder.path().to_owned()];
    let settings = ScanOptions { history: HistoryPlace::Off, ..ScanOptions::default() }.into();
    let mut group = criterion.benchmark_group("scan_photos");
    group.throughput(Throughput::Elements(paths.len() as u64));
    group.bench_function("by hand", |bencher| {
        let read = |path, head: &mut Vec<u8>| read_by_hand(path, head).is_ok_and(|read| read.longitude.is_some());
        bencher.iter(|| paths.iter().filter(|path| read(path, &mut head)).count());
    });
    group.bench_function("reader", |bencher| {
        bencher.iter(|| paths.iter().filter(|path| reader.read(path).observation.position.is_some()).count());
    });
    group.bench_function("scan", |bencher| {
        bencher.iter(|| one_thread.install(|| scan(&roots, &settings)).expect("photos").files.len());
    });
    group.finish();
}

criterion_group!(scanning, scan_photos);
criterion_main!(scanning);
