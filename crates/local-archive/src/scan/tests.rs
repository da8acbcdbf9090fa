//! Whole scans of folders with everything that a disk can hold.

use super::*;
use crate::test_photos::{ascii, jpeg, ordinary, ordinary_but, ordinary_without, png};
use capture_model::{FileRow, FileState};
use exif::Tag;
use std::sync::Mutex;
use tempfile::TempDir;

fn folder(files: &[(&str, Vec<u8>)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn at(time: &str) -> Vec<u8> {
    jpeg(&ordinary_but(vec![ascii(Tag::DateTimeOriginal, time)]))
}

/// Rows as `track path state`, paths below the folder.
fn shown(folder: &TempDir, archive: &LocalArchive) -> Vec<String> {
    let prefix = format!("{}/", folder.path().display());
    let row = |file: FileRow<'_>| {
        let track = file.track().map_or("-".to_owned(), |track| archive.tracks[track as usize].name.to_string());
        let state = match file.state() {
            FileState::Usable => "usable".to_owned(),
            FileState::Out(reason) => reason.to_string(),
        };
        format!("{track} {} {state}", file.path().strip_prefix(&prefix).unwrap_or(file.path()))
    };
    archive.files.iter().map(row).collect()
}

fn scan_all(folder: &TempDir, below: &[&str]) -> Result<LocalArchive, ScanError> {
    let paths: Vec<PathBuf> = below.iter().map(|name| folder.path().join(name)).collect();
    scan(&paths, &ScanSettings::default())
}

#[test]
fn a_photo_that_goes_away_meanwhile_changed_while_reading() {
    let folder = folder(&[("ride/1.jpg", at("2018:06:08 13:24:10"))]);
    let path = folder.path().join("ride/1.jpg");
    assert!(matches!(open_photo(&path, None, &mut Vec::new()).0.state, FileState::Usable));
    fs::remove_file(&path).unwrap();
    assert!(matches!(open_photo(&path, None, &mut Vec::new()).0.state, FileState::Out(Reason::ChangedWhileReading)));
}

#[test]
fn a_folder_becomes_rows_and_tracks() {
    let folder = folder(&[
        ("ride/2.jpg", at("2018:06:08 13:24:12")),
        ("ride/1.JPG", at("2018:06:08 13:24:10")),
        ("ride/deep/er/3.png", png(Some(&crate::test_photos::tiff(&ordinary(), true)), None)),
        ("ride/none.jpg", jpeg(&ordinary_without(&[Tag::GPSLatitude, Tag::DateTimeOriginal]))),
        ("ride/empty.jpeg", vec![]),
        ("ride/fake.webp", b"text".to_vec()),
        ("ride/notes.txt", b"text".to_vec()),
        ("ride/video.mp4", b"text".to_vec()),
    ]);
    let calls = Mutex::new(Vec::new());
    let told = |progress| calls.lock().unwrap().push(progress);
    let settings = ScanSettings { progress: &told, ..ScanSettings::default() };
    let archive = scan(&[folder.path().to_owned()], &settings).unwrap();
    let expected = [
        "1 ride/1.JPG usable",
        "1 ride/2.jpg usable",
        "2 ride/deep/er/3.png usable",
        "- ride/empty.jpeg not_an_image",
        "- ride/fake.webp not_an_image",
        "- ride/none.jpg no_place",
    ];
    assert_eq!(shown(&folder, &archive), expected);
    assert_eq!(archive.files_ignored, 2);
    let last = *calls.lock().unwrap().last().unwrap();
    assert_eq!((last.files_found, last.files_read, last.files_ignored), (6, 6, 2));
}

#[test]
fn paths_that_cover_each_other_are_read_once() {
    let photo = at("2018:06:08 13:24:10");
    let folder =
        folder(&[("a/1.jpg", photo.clone()), ("a/t.csv", b"path,lat,lon\nx.jpg,1,2\n".to_vec()), ("b/2.jpg", photo)]);
    let rows = |below: &[&str]| shown(&folder, &scan_all(&folder, below).unwrap()).len();
    assert_eq!(rows(&["a", "a/1.jpg", "a/", "a/../a"]), 1);
    assert_eq!(rows(&["a", "b", "."]), 2);
    assert_eq!(rows(&["a", "a/t.csv"]), 2, "a table inside a folder is only read when it is named");
    let archive = scan_all(&folder, &["a/"]).unwrap();
    assert!(archive.files.get(0).path().ends_with("/a/1.jpg"), "no double slash");
}

#[test]
fn what_ends_a_scan_says_why() {
    let folder =
        folder(&[("empty/readme.txt", vec![]), ("bad.csv", b"path,lat,lon\na,x,2\n".to_vec()), ("a.mp4", vec![])]);
    let error = |below: &[&str]| scan_all(&folder, below).unwrap_err();
    assert!(matches!(error(&["nowhere"]), ScanError::Missing { .. }));
    assert!(matches!(error(&["empty"]), ScanError::Nothing { .. }));
    assert!(matches!(error(&["a.mp4"]), ScanError::NotAnInput { .. }));
    assert!(matches!(scan(&[], &ScanSettings::default()).unwrap_err(), ScanError::Nothing { .. }));
    assert!(!error(&["nowhere"]).is_broken_input() && error(&["bad.csv"]).is_broken_input());
    assert!(error(&["bad.csv"]).to_string().contains("line 2, column lat: \"x\""));
}

#[test]
fn the_version_of_the_uploader_chooses_the_time() {
    let fields = vec![
        ascii(Tag::GPSDateStamp, "2018:06:08"),
        crate::test_photos::rationals(Tag::GPSTimeStamp, &[(20, 1), (24, 1), (11, 1)]),
    ];
    let folder = folder(&[("1.jpg", jpeg(&ordinary_but(fields)))]);
    for (version, expected) in [
        ("0.14.7", "gps 2018-06-08T20:24:11.000Z"),
        ("0.10.2", "gps 2018-06-08T20:24:11.000Z"),
        ("0.10.1", "original 2018-06-08T13:24:10.000"),
        ("0.10.0", "original 2018-06-08T13:24:10.000Z"),
    ] {
        let rules = Rules::of(version.parse().unwrap());
        let options = ScanOptions { rules: Some(rules), ..ScanOptions::default() };
        let archive = scan(&[folder.path().to_owned()], &options.into()).unwrap();
        let seen = archive.files.get(0).observation();
        let told = format!("{} {}", seen.time_source.as_str(), seen.time.unwrap());
        assert_eq!(told, expected, "{version}");
    }
}

#[test]
fn a_scan_does_not_depend_on_threads() {
    let files: Vec<(String, Vec<u8>)> =
        (0..60).map(|n| (format!("{}/{n}.jpg", n % 4), at(&format!("2018:06:08 13:24:{n:02}")))).collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let folder = folder(&files);
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| scan_all(&folder, &["."])).unwrap()
    };
    let (one, many) = (with(1), with(8));
    assert_eq!(one.files, many.files);
    assert_eq!(one.tracks, many.tracks);
}

#[cfg(unix)]
mod on_unix {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::Command;

    #[test]
    fn links_pipes_sparse_files_and_odd_names_never_stop_a_scan() {
        let folder = folder(&[("ride/1.jpg", at("2018:06:08 13:24:10"))]);
        let ride = folder.path().join("ride");
        symlink(&ride, ride.join("loop")).unwrap();
        symlink(ride.join("1.jpg"), ride.join("link.jpg")).unwrap();
        symlink("/nowhere", ride.join("dangling.jpg")).unwrap();
        fs::write(ride.join(OsStr::from_bytes(b"\xfc%.jpg")), at("2018:06:08 13:24:11")).unwrap();
        let sparse = File::create(ride.join("sparse.tif")).unwrap();
        sparse.set_len(20 << 30).unwrap();
        let mut start = at("2018:06:08 13:24:12");
        start.truncate(start.len() - 2);
        fs::write(ride.join("huge.jpg"), &start).unwrap();
        File::options().write(true).open(ride.join("huge.jpg")).unwrap().set_len(20 << 30).unwrap();
        let has_pipe = Command::new("mkfifo").arg(ride.join("pipe.jpg")).status().is_ok_and(|status| status.success());
        if !has_pipe {
            eprintln!("skipped: no mkfifo here, so a pipe among photos is not tried");
        }
        let archive = scan_all(&folder, &["ride"]).unwrap();
        let expected = [
            "1 ride/1.jpg usable",
            "1 ride/%FC%25.jpg usable",
            "1 ride/huge.jpg usable",
            "- ride/sparse.tif not_an_image",
        ];
        assert_eq!(shown(&folder, &archive), expected);
        let note = archive.files.get(1).note().unwrap();
        assert!(note.starts_with("the path is not UTF-8"), "{note}");
    }

    #[test]
    fn what_may_not_be_opened_is_a_row_or_a_warning() {
        let folder = folder(&[
            ("ride/1.jpg", at("2018:06:08 13:24:10")),
            ("ride/secret.jpg", vec![1]),
            ("ride/cellar/2.jpg", vec![1]),
        ]);
        let forbid = |below: &str, mode| {
            fs::set_permissions(folder.path().join(below), fs::Permissions::from_mode(mode)).unwrap();
        };
        forbid("ride/secret.jpg", 0o000);
        if File::open(folder.path().join("ride/secret.jpg")).is_ok() {
            eprintln!("skipped: this user may read everything");
            return;
        }
        forbid("ride/cellar", 0o000);
        let warnings = Mutex::new(Vec::new());
        let warn = |words: &str| warnings.lock().unwrap().push(words.to_owned());
        let settings = ScanSettings { warn: &warn, ..ScanSettings::default() };
        let archive = scan(&[folder.path().join("ride")], &settings).unwrap();
        let cellar = scan_all(&folder, &["ride/cellar"]);
        forbid("ride/cellar", 0o700);
        assert_eq!(shown(&folder, &archive), ["1 ride/1.jpg usable", "- ride/secret.jpg no_permission"]);
        assert_eq!(warnings.lock().unwrap().len(), 1);
        assert!(matches!(cellar, Err(ScanError::Unreadable { .. })));
    }
}
