//! What a person says of the local side: the upload history, the uploader's version, a recorded track, a second scan.

use crate::support::{printed, rows_of, run, tiepoint};
use std::collections::BTreeMap;
use std::path::Path;

fn archive() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(tiepoint(folder.path()).args(["simulate", "archive", "--photos", "60", "--seed", "3", "--out", "city"]), 0);
    folder
}

fn scan(folder: &Path, arguments: &[&str]) -> Vec<BTreeMap<String, String>> {
    rows_of(&run(tiepoint(folder).args(["scan", "city/photos"]).args(arguments), 0).stdout)
}

/// A history of one upload that holds the first usable photos.
fn write_history(folder: &Path, version: &str, rows: &[BTreeMap<String, String>]) {
    let usable = rows.iter().filter(|row| row["status"] == "usable" && !row["captured_at"].is_empty()).take(3);
    let entry = |row: &BTreeMap<String, String>| {
        let place = |column: &str| row[column].parse::<f64>().unwrap();
        serde_json::json!({
            "filename": std::fs::canonicalize(folder.join(&row["path"])).unwrap(), "filetype": "image",
            "MAPLongitude": place("longitude"), "MAPLatitude": place("latitude"),
            "MAPCaptureTime": "2024_05_18_10_41_07_250", "MAPSequenceUUID": "0",
        })
    };
    let history = serde_json::json!({
        "params": {"version": version},
        "summary": {"cluster_id": "151552211058876", "sequence_md5sum": "ab", "upload_end_time": 9.5},
        "descs": usable.map(entry).collect::<Vec<_>>(),
    });
    std::fs::create_dir_all(folder.join("history/ab")).unwrap();
    std::fs::write(folder.join("history/ab/cd.json"), history.to_string()).unwrap();
}

#[test]
fn a_history_is_found_named_or_left_alone() {
    let folder = archive();
    write_history(folder.path(), "0.14.1", &scan(folder.path(), &[]));
    let uploaded = |rows: &[BTreeMap<String, String>]| {
        rows.iter().filter(|row| row["cluster_id"] == "151552211058876" && row["time_source"] == "history").count()
    };
    assert_eq!(uploaded(&scan(folder.path(), &["--history", "history"])), 3);
    assert_eq!(uploaded(&scan(folder.path(), &[])), 0);
    let with_default = |arguments: &[&str]| {
        let mut command = tiepoint(folder.path());
        command.args(["scan", "city/photos"]).args(arguments).env("MAPILLARY_UPLOAD_HISTORY_PATH", "history");
        uploaded(&rows_of(&run(&mut command, 0).stdout))
    };
    assert_eq!(with_default(&[]), 3);
    assert_eq!(with_default(&["--history", "none"]), 0);
    run(tiepoint(folder.path()).args(["scan", "city/photos", "--history", "absent"]), 3);
}

#[test]
fn the_rules_are_those_of_the_version_that_is_named_or_that_made_the_newest_upload() {
    let folder = archive();
    let tracks = |arguments: &[&str]| {
        let rows = scan(folder.path(), arguments);
        rows.iter().map(|row| (row["path"].clone(), row["captured_at"].clone())).collect::<BTreeMap<_, _>>()
    };
    let (newest, old) = (tracks(&[]), tracks(&["--uploader", "0.10.0"]));
    assert_ne!(newest, old, "0.10.0 sends the wall clock as UTC");
    let photos = scan(folder.path(), &[]);
    write_history(folder.path(), "0.10.0", &photos);
    let inferred = tracks(&["--history", "history"]);
    let uploaded: Vec<String> = scan(folder.path(), &["--history", "history"])
        .iter()
        .filter(|row| !row["cluster_id"].is_empty())
        .map(|row| row["path"].clone())
        .collect();
    let others = |times: &BTreeMap<String, String>| {
        times.iter().filter(|(path, _)| !uploaded.contains(path)).map(|(_, time)| time.clone()).collect::<Vec<_>>()
    };
    assert_eq!(others(&inferred), others(&old));
    run(tiepoint(folder.path()).args(["scan", "city/photos", "--uploader", "newest"]), 2);
}

#[test]
fn photos_are_placed_on_a_recorded_track() {
    let folder = archive();
    let photos = scan(folder.path(), &[]);
    let first = photos.iter().find(|row| row["status"] == "usable" && !row["captured_at"].is_empty()).unwrap();
    let day = &first["captured_at"][..10];
    let point = |time: &str, longitude: f64| {
        format!("<trkpt lat=\"48.0\" lon=\"{longitude}\"><time>{day}T{time}Z</time></trkpt>")
    };
    let track =
        format!("<gpx><trk><trkseg>{}{}</trkseg></trk></gpx>", point("00:00:00", 11.0), point("23:59:59", 12.0));
    std::fs::write(folder.path().join("day.gpx"), track).unwrap();
    let placed = scan(folder.path(), &["--gpx", "day.gpx"]);
    let row = placed.iter().find(|row| row["path"] == first["path"]).unwrap();
    assert_eq!(
        (row["status"].as_str(), row["time_source"].as_str(), row["latitude"].as_str()),
        ("usable", "gpx", "48.0000000")
    );
    let later = scan(folder.path(), &["--gpx", "day.gpx", "--gpx-offset", "3600"]);
    assert_eq!(later.len(), placed.len());
    run(tiepoint(folder.path()).args(["scan", "city/photos", "--gpx", "absent.gpx"]), 3);
    run(tiepoint(folder.path()).args(["scan", "city/photos", "--gpx-offset", "3600"]), 2);
    std::fs::write(folder.path().join("none.gpx"), "<gpx/>").unwrap();
    run(tiepoint(folder.path()).args(["scan", "city/photos", "--gpx", "none.gpx"]), 4);
}

#[test]
fn a_second_scan_says_the_same_and_the_cache_forgets_it() {
    let folder = archive();
    let scans = folder.path().join("cache/scans");
    let print =
        |arguments: &[&str]| printed(&run(tiepoint(folder.path()).args(["scan", "city/photos"]).args(arguments), 0));
    let first = print(&[]);
    assert_eq!(std::fs::read_dir(&scans).unwrap().count(), 1);
    assert!(first == print(&[]) && first == print(&["--rescan"]), "a scan from memory differs");
    run(tiepoint(folder.path()).args(["cache", "clear"]), 0);
    assert!(!scans.exists());
}
