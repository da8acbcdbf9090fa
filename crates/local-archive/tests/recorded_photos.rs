//! Real photos of many cameras against a second reader's opinion (ExifTool's, kept beside them).
//!
//! Skipped when the recorded data is not there. Every difference is listed with its reason, and no other may occur.

use capture_model::{FileRow, FileState, LocalTime, Position};
use local_archive::{ScanSettings, scan};
use std::collections::BTreeMap;
use std::path::Path;

/// Differences that are meant: file, what differs, why.
const MEANT: &[(&str, &str, &str)] = &[
    ("containers/yaminabe.tif", "place", "a latitude without longitude is no place"),
    ("containers/yaminale.tif", "place", "a latitude without longitude is no place"),
    (
        "goexif/geodegrees_as_string.jpg",
        "place",
        "text with decimal commas, 52,00000,50,00000,34,01180: the second reader takes the first comma for a separator",
    ),
    ("photoprism/altitude.jpg", "altitude", "4294967284 is -12 wrapped around 2^32"),
];

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// `a` and `b` unless they agree.
fn difference(what: &str, ours: Option<f64>, theirs: Option<f64>, tolerance: f64) -> Option<String> {
    match (ours, theirs) {
        (Some(a), Some(b)) if (a - b).abs() <= tolerance => None,
        (None, None) => None,
        _ => Some(format!("{what}: {ours:?}, expected {theirs:?}")),
    }
}

/// What our reading says otherwise than the expected row.
fn differences(file: FileRow<'_>, expected: &BTreeMap<&str, &str>) -> Vec<String> {
    let seen = file.observation();
    let cell = |name: &str| expected.get(name).copied().unwrap_or("");
    let either = |exif: &str, xmp: &str| number(cell(exif)).or_else(|| number(cell(xmp)));
    let mut found = Vec::new();
    found.extend(difference("place", seen.position.map(Position::lat), either("lat_signed", "xmp_lat"), 1e-7));
    found.extend(difference("place", seen.position.map(Position::lon), either("lon_signed", "xmp_lon"), 1e-7));
    found.extend(difference("altitude", seen.altitude.map(|a| a.0), either("altitude_signed", "xmp_alt"), 1e-3));
    let camera = seen.camera_time.map(|time| match time {
        LocalTime::Wall(wall) => wall.to_string(),
        LocalTime::Absolute(time) => time.to_string(),
    });
    let original = cell("datetime_original").replacen(':', "-", 2).replace(' ', "T");
    if !original.is_empty() && cell("offset_original").is_empty() {
        let ours = camera.unwrap_or_default();
        if !ours.starts_with(original.split('.').next().unwrap_or("")) {
            found.push(format!("camera time: {ours}, expected {original}"));
        }
    }
    let gps = format!("{}T{}", cell("gps_date").replace(':', "-"), cell("gps_time"));
    if gps.len() >= 19 && cell("gps_date").len() == 10 {
        let ours = seen.gps_time.map(|time| time.to_string()).unwrap_or_default();
        if !ours.starts_with(&gps[..19]) {
            found.push(format!("GPS time: {ours}, expected {gps}"));
        }
    }
    found
}

#[test]
fn real_photos_agree_with_a_second_reader() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real");
    let Ok(expected) = std::fs::read_to_string(data.join("photos/EXPECTED.csv")) else {
        eprintln!("skipped: the recorded photos are not beside this repository");
        return;
    };
    let archive = scan(&[data.join("photos")], &ScanSettings::default()).unwrap();
    let prefix = format!("{}/", data.join("photos").display());
    let ours: BTreeMap<&str, FileRow<'_>> =
        archive.files.iter().map(|file| (file.path().strip_prefix(&prefix).unwrap(), file)).collect();
    let mut table = csv::Reader::from_reader(expected.as_bytes());
    let names = table.headers().unwrap().clone();
    let (mut n_compared, mut unmeant, mut unused) = (0, Vec::new(), MEANT.to_vec());
    for record in table.records() {
        let record = record.unwrap();
        let row: BTreeMap<&str, &str> = names.iter().zip(record.iter()).collect();
        let name = row["file"].strip_prefix("photos/").unwrap();
        if name.starts_with("fuzz/") {
            continue; // no photos by their ending
        }
        let file = ours.get(name).unwrap_or_else(|| panic!("{name} has no row"));
        n_compared += 1;
        for difference in differences(*file, &row) {
            unused.retain(|(file, what, _)| *file != name || !difference.starts_with(what));
            if !MEANT.iter().any(|(file, what, _)| *file == name && difference.starts_with(what)) {
                unmeant.push(format!("{name}: {difference} ({:?})", file.note()));
            }
        }
    }
    assert_eq!(unmeant, Vec::<String>::new());
    assert_eq!(unused, [], "listed differences that do not occur");
    assert_eq!((n_compared, ours.len()), (81, 81), "each photo has exactly one row");
    let reason = |name: &str| match ours[name].state() {
        FileState::Out(reason) => reason.as_str(),
        FileState::Usable => "usable",
    };
    assert_eq!(reason("tiny/zero_byte.jpg"), "not_an_image");
    assert_eq!(reason("photoprism/image-2011.jpg"), "null_island");
    assert_eq!(reason("mapillary_tools/adobe_coords.jpg"), "usable");
    assert_eq!(reason("exiftool/InfiRay.jpg"), "no_place");
}

#[test]
fn inputs_that_crashed_other_readers_are_rows() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real/photos/fuzz");
    let Ok(entries) = std::fs::read_dir(&fuzz) else {
        eprintln!("skipped: the recorded crash inputs are not beside this repository");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut n_files = 0;
    for entry in entries {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name()).with_extension("jpg")).unwrap();
        n_files += 1;
    }
    let archive = scan(&[folder.path().to_owned()], &ScanSettings::default()).unwrap();
    assert_eq!(archive.files.len(), n_files);
    assert!(archive.files.iter().all(|file| file.state() != FileState::Usable));
}
