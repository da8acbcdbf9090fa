//! A second scan says the same, and opens only what changed.

use super::*;
use crate::scan::{ScanOptions, ScanSettings, scan};
use crate::test_photos::{ascii, jpeg, ordinary, ordinary_but};
use capture_model::LocalArchive;
use exif::Tag;
use std::sync::Mutex;
use tempfile::TempDir;

fn disk() -> TempDir {
    let disk = tempfile::tempdir().unwrap();
    fs::create_dir_all(disk.path().join("ride")).unwrap();
    let other = ordinary_but(vec![ascii(Tag::OffsetTimeOriginal, "-07:00"), ascii(Tag::BodySerialNumber, "C1")]);
    for (name, bytes) in [("a.jpg", jpeg(&ordinary())), ("b.jpg", jpeg(&other)), ("none.jpg", b"text".to_vec())] {
        fs::write(disk.path().join("ride").join(name), bytes).unwrap();
    }
    disk
}

fn scanned(disk: &TempDir) -> LocalArchive {
    let options = ScanOptions { recall: Some(disk.path().join("recall.scan")), ..ScanOptions::default() };
    scan(&[disk.path().join("ride")], &options.into()).unwrap()
}

fn time_of(archive: &LocalArchive, name: &str) -> String {
    let file = archive.files.iter().find(|file| file.path().ends_with(name)).unwrap();
    file.time().map(|time| time.to_string()).unwrap_or_default()
}

/// Other bytes of the same length, at the same time of change, as `exiftool -P` leaves them.
fn change_unseen(path: &Path, second: &str) {
    let changed = fs::metadata(path).unwrap().modified().unwrap();
    let bytes = jpeg(&ordinary_but(vec![ascii(Tag::DateTimeOriginal, &format!("2018:06:08 13:24:{second}"))]));
    fs::write(path, bytes).unwrap();
    File::options().write(true).open(path).unwrap().set_modified(changed).unwrap();
}

/// Remembers of a photo what it does not say: only who opens it sees that.
fn remember_wrongly(disk: &TempDir, name: &str) {
    let path = disk.path().join("ride").join(name);
    let mut recall = Recall::open(&disk.path().join("recall.scan")).unwrap();
    let facts = FileFacts::of(&fs::metadata(&path).unwrap());
    let mut photo = recall.known(&path, facts).unwrap();
    photo.observation.time = Some(capture_model::LocalTime::Absolute(capture_model::CapturedAt::from_epoch_ms(0)));
    recall.keep(&path, facts, &photo).unwrap();
    recall.finish().unwrap();
}

#[test]
fn only_what_changed_is_opened_again() {
    let disk = disk();
    let first = scanned(&disk);
    assert_eq!(scanned(&disk).files, first.files, "a second scan says the same to the last bit");
    remember_wrongly(&disk, "a.jpg");
    assert_eq!(time_of(&scanned(&disk), "a.jpg"), "1970-01-01T00:00:00.000Z", "taken from memory");
    if cfg!(unix) {
        change_unseen(&disk.path().join("ride/a.jpg"), "58");
        assert_eq!(time_of(&scanned(&disk), "a.jpg"), "2018-06-08T13:24:58.000", "its time of change was set back");
    }
    change_unseen(&disk.path().join("ride/a.jpg"), "59");
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(10);
    File::options().write(true).open(disk.path().join("ride/a.jpg")).unwrap().set_modified(later).unwrap();
    assert_eq!(time_of(&scanned(&disk), "a.jpg"), "2018-06-08T13:24:59.000", "a new time of change");
    fs::write(disk.path().join("ride/c.jpg"), jpeg(&ordinary())).unwrap();
    fs::remove_file(disk.path().join("ride/b.jpg")).unwrap();
    assert_eq!(scanned(&disk).files.len(), 3, "files come and go");
    assert!(!disk.path().join("recall.scan.partial").exists());
}

#[test]
fn a_broken_memory_is_read_anew_and_an_unwritable_one_is_told() {
    let disk = disk();
    let first = scanned(&disk);
    let path = disk.path().join("recall.scan");
    let whole = fs::read(&path).unwrap();
    let mut broken: Vec<Vec<u8>> = (0..whole.len()).step_by(7).map(|cut| whole[..cut].to_vec()).collect();
    for at in (0..whole.len()).step_by(11) {
        let mut bytes = whole.clone();
        bytes[at] = b'9';
        broken.push(bytes);
    }
    for bytes in broken {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(scanned(&disk).files, first.files);
    }
    let told = Mutex::new(Vec::new());
    let warn = |words: &str| told.lock().unwrap().push(words.to_owned());
    let options = ScanOptions { recall: Some("no/such/folder/recall".into()), ..ScanOptions::default() };
    let settings = ScanSettings { options, warn: &warn, ..ScanSettings::default() };
    assert_eq!(scan(&[disk.path().join("ride")], &settings).unwrap().files, first.files);
    assert!(told.lock().unwrap()[0].starts_with("cannot remember this scan in no/such/folder/recall"));
}
