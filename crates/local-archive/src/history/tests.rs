//! Joins by path, by name and by content; versions; broken history files.

use super::*;
use crate::scan::{ScanOptions, ScanSettings, scan};
use crate::test_photos::{ascii, jpeg, ordinary, ordinary_but};
use capture_model::{FileRow, LocalArchive};
use exif::Tag;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Mutex;
use tempfile::TempDir;

fn photo(second: u32) -> Vec<u8> {
    jpeg(&ordinary_but(vec![ascii(Tag::DateTimeOriginal, &format!("2018:06:08 13:24:{second:02}"))]))
}

fn entry(path: &str, time: &str, md5: Option<&str>) -> Value {
    json!({"filename": path, "filetype": "image", "md5sum": md5, "MAPLatitude": 45.51, "MAPLongitude": -122.57,
           "MAPCaptureTime": time, "MAPSequenceUUID": "0"})
}

fn record(version: &str, cluster: &str, ended_s: f64, entries: &[Value]) -> Value {
    json!({"params": {"import_path": "/x", "version": version},
           "summary": {"sequence_md5sum": format!("{cluster}aa"), "cluster_id": cluster, "upload_end_time": ended_s},
           "descs": entries})
}

/// A folder `ride` of photos and a folder `history`.
fn disk(photos: &[(&str, Vec<u8>)], records: &[Value]) -> TempDir {
    let disk = tempfile::tempdir().unwrap();
    fs::create_dir_all(disk.path().join("ride")).unwrap();
    for (name, bytes) in photos {
        fs::write(disk.path().join("ride").join(name), bytes).unwrap();
    }
    for (at, record) in records.iter().enumerate() {
        let folder = disk.path().join(format!("history/{at:02}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("rest.json"), record.to_string()).unwrap();
    }
    disk
}

fn joined(disk: &TempDir) -> LocalArchive {
    let history = HistoryPlace::At(disk.path().join("history"));
    scan(&[disk.path().join("ride")], &ScanOptions { history, ..ScanOptions::default() }.into()).unwrap()
}

fn rows(archive: &LocalArchive) -> Vec<String> {
    let row = |file: FileRow<'_>| {
        let name = base_name(file.path());
        let cluster = file.cluster_id().map_or("-".to_owned(), |id| id.to_string());
        let time = file.time().map(|time| time.to_string()).unwrap_or_default();
        let track = file.track().map_or("-", |track| &*archive.tracks[track as usize].name);
        let note = file.note().unwrap_or_default();
        format!("{track} {name} {cluster} {} {time} {note}", file.time_source().as_str())
    };
    archive.files.iter().map(row).collect()
}

#[test]
fn bytes_are_read_only_of_files_that_may_be_the_ones() {
    let digest = |bytes: &[u8]| format!("{:x}", md5::compute(bytes));
    let sized = |path: &str, bytes: &[u8]| {
        let mut entry = entry(path, "2018_06_08_20_24_01_000", Some(&digest(bytes)));
        entry["filesize"] = json!(bytes.len());
        entry
    };
    let (one, two) = (photo(1), photo(2));
    let photos = [("renamed.jpg", one.clone()), ("huge.jpg", two.clone())];
    let disk = disk(
        &photos,
        &[
            record("0.14.1", "7", 1.0, &[sized("/x/1.jpg", &one)]),
            record("0.14.1", "8", 2.0, &[entry("/x/2.jpg", "2018_06_08_20_24_02_000", Some(&digest(&two)))]),
        ],
    );
    // with holes to 20 GB it is none of them, and to read it all would take minutes
    File::options().write(true).open(disk.path().join("ride/huge.jpg")).unwrap().set_len(20 << 30).unwrap();
    let found: Vec<_> = joined(&disk).files.iter().map(|file| file.cluster_id().map(|id| id.0)).collect();
    assert_eq!(found, [None, Some(7)]);
}

#[test]
fn photos_are_joined_by_path_by_content_and_by_name() {
    let (one, two, three) = (photo(1), photo(2), photo(3));
    let digest = |bytes: &[u8]| format!("{:x}", md5::compute(bytes));
    let disk =
        disk(&[("a.jpg", one.clone()), ("renamed.jpg", two.clone()), ("same.jpg", three), ("free.jpg", photo(9))], &[]);
    let path = fs::canonicalize(disk.path().join("ride/a.jpg")).unwrap();
    let entries = [
        entry(path.to_str().unwrap(), "2018_06_08_20_24_01_000", Some(&digest(b"changed since"))),
        entry("/elsewhere/b.jpg", "2018_06_08_20_24_02_500", Some(&digest(&two))),
        entry("C:\\photos\\same.jpg", "2018_06_08_20_24_03_000", None),
    ];
    fs::create_dir_all(disk.path().join("history/ab")).unwrap();
    fs::write(disk.path().join("history/ab/cd.json"), record("0.14.1", "4711", 9.0, &entries).to_string()).unwrap();
    assert_eq!(
        rows(&joined(&disk)),
        [
            "1 free.jpg - original 2018-06-08T13:24:09.000 ",
            "2 a.jpg 4711 history 2018-06-08T20:24:01.000Z uploaded with mapillary_tools 0.14.1",
            "2 renamed.jpg 4711 history 2018-06-08T20:24:02.500Z uploaded with mapillary_tools 0.14.1",
            "2 same.jpg 4711 history 2018-06-08T20:24:03.000Z uploaded with mapillary_tools 0.14.1",
        ]
    );
}

#[test]
fn one_name_in_two_cameras_is_told_apart_by_content() {
    let (one, two) = (photo(1), photo(2));
    let digest = |bytes: &[u8]| format!("{:x}", md5::compute(bytes));
    let records = [
        record("0.14.1", "1", 1.0, &[entry("/x/a.jpg", "2018_06_08_20_24_01_000", Some(&digest(&one)))]),
        record("0.14.1", "2", 2.0, &[entry("/y/a.jpg", "2018_06_08_20_24_02_000", Some(&digest(&two)))]),
        record("0.14.1", "3", 3.0, &[entry("/z/a.jpg", "2018_06_08_20_24_02_000", Some(&digest(b"other")))]),
    ];
    let archive = joined(&disk(&[("a.jpg", two)], &records));
    assert_eq!(archive.files.get(0).cluster_id().map(|id| id.0), Some(2));
}

#[test]
fn the_last_of_several_uploads_counts_and_versions_settle_the_clock() {
    let digest = format!("{:x}", md5::compute(photo(1)));
    let sent = |cluster: &str, ended_s, version| {
        record(version, cluster, ended_s, &[entry("a.jpg", "2018_06_08_13_24_01_000", Some(&digest))])
    };
    let disk = disk(
        &[("a.jpg", photo(1))],
        &[sent("20", 200.0, "0.9.5"), sent("10", 100.0, "0.14.0"), sent("0", 50.0, "0.14.0")],
    );
    let expected =
        "1 a.jpg 20 history 2018-06-08T13:24:01.000 uploaded with mapillary_tools 0.9.5; uploaded before as 10";
    assert_eq!(rows(&joined(&disk)), [expected], "cluster 0 is a dry run");
}

#[test]
fn broken_history_is_left_out_and_told() {
    let disk = disk(
        &[("a.jpg", jpeg(&ordinary()))],
        &[json!({"x": 1}), record("?", "7", 0.0, &[json!({"filename": "a.jpg"}), json!(3)])],
    );
    fs::write(disk.path().join("history/cut.json"), "{\"params\":").unwrap();
    let told = Mutex::new(Vec::new());
    let warn = |words: &str| told.lock().unwrap().push(words.to_owned());
    let history = HistoryPlace::At(disk.path().join("history"));
    let archive = scan(
        &[disk.path().join("ride")],
        &ScanSettings {
            options: ScanOptions { history, ..ScanOptions::default() },
            warn: &warn,
            ..ScanSettings::default()
        },
    )
    .unwrap();
    assert_eq!(archive.files.get(0).cluster_id(), None, "a name alone proves nothing");
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|words| words.contains("is no upload history")), "{told:?}");
    let absent = ScanOptions { history: HistoryPlace::At("no/such/folder".into()), ..ScanOptions::default() }.into();
    assert!(scan(&[disk.path().join("ride")], &absent).is_err(), "a folder that is asked for must be there");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_history_panics(edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..10), cut in any::<u16>()) {
        let mut bytes = record("0.14.1", "4711", 9.0, &[entry("a.jpg", "2018_06_08_20_24_01_000", Some("655077ac078951d8bb52c38e0f41fb31"))])
            .to_string()
            .into_bytes();
        let n = bytes.len();
        for (at, byte) in edits {
            bytes[usize::from(at) % n] = byte;
        }
        bytes.truncate(usize::from(cut) % (3 * n));
        let mut history = History::default();
        let _ = history.add(&bytes);
        history.index();
    }

    #[test]
    fn digests_are_read_as_they_are_written(digest: [u8; 16], text in "\\PC{0,40}") {
        prop_assert_eq!(digest_of(&format!("{:x}", md5::Digest(digest))), Some(digest));
        let _ = digest_of(&text);
    }
}
