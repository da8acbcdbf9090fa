//! What a person says of the local side: the upload history, the uploader's version, a recorded track, a second scan.

use crate::support::{printed, rows, rows_of, run, said, tiepoint};
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

/// The usable photos of known time, as the scan tells them.
fn dated(folder: &Path) -> Vec<BTreeMap<String, String>> {
    let is_dated = |row: &BTreeMap<String, String>| row["status"] == "usable" && !row["captured_at"].is_empty();
    scan(folder, &["--history", "none"]).into_iter().filter(is_dated).collect()
}

/// Every file below a folder with its bytes and its time of change.
fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>, std::time::SystemTime)> {
    let mut found: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    let read = |path: std::path::PathBuf| {
        let changed = std::fs::metadata(&path).unwrap().modified().unwrap();
        if path.is_dir() { contents(&path) } else { vec![(path.clone(), std::fs::read(path).unwrap(), changed)] }
    };
    found.into_iter().flat_map(read).collect()
}

#[test]
fn photos_that_were_moved_and_renamed_after_their_upload_are_found_by_their_bytes() {
    let folder = archive();
    let at = |path: &str| folder.path().join(path);
    let photos = dated(folder.path());
    let sent = &photos[..4];
    let entry = |(k, row): (usize, &BTreeMap<String, String>)| {
        let md5 = format!("{:x}", md5::compute(std::fs::read(at(&row["path"])).unwrap()));
        // as it was sent: placed by a track, so a thousandth of a degree off what EXIF says
        let longitude = row["longitude"].parse::<f64>().unwrap() + 0.001;
        serde_json::json!({
            "filename": format!("/media/card/DCIM/{k}.JPG"), "filetype": "image", "md5sum": md5,
            "MAPLongitude": longitude, "MAPLatitude": row["latitude"].parse::<f64>().unwrap(), "MAPAltitude": 321.5,
            "MAPCaptureTime": format!("2024_05_18_10_41_{k:02}_250"), "MAPSequenceUUID": "0",
            "MAPCompassHeading": {"TrueHeading": 12.5, "MagneticHeading": 12.5},
        })
    };
    let history = serde_json::json!({
        "params": {"version": "0.14.1", "import_path": "/media/card/DCIM"},
        "summary": {"cluster_id": "151552211058876", "sequence_md5sum": "cd", "upload_end_time": 9.5},
        "descs": sent.iter().enumerate().map(entry).collect::<Vec<_>>(),
    });
    std::fs::create_dir_all(at("history/cd")).unwrap();
    std::fs::write(at("history/cd/ef.json"), history.to_string()).unwrap();
    let before = contents(&at("history"));
    // the first moved and renamed, the second renamed, the third moved; the fourth was edited since
    std::fs::create_dir_all(at("city/photos/sorted/spring")).unwrap();
    let renamed = at(&sent[1]["path"]).with_file_name("renamed.jpeg");
    let moved_to = ["city/photos/sorted/spring/0001 market.jpg", "", "city/photos/sorted/third.JPG"];
    std::fs::rename(at(&sent[0]["path"]), at(moved_to[0])).unwrap();
    std::fs::rename(at(&sent[1]["path"]), &renamed).unwrap();
    std::fs::rename(at(&sent[2]["path"]), at(moved_to[2])).unwrap();
    let mut edited = std::fs::read(at(&sent[3]["path"])).unwrap();
    edited.extend(b"edited");
    std::fs::write(at(&sent[3]["path"]), edited).unwrap();

    let rows = scan(folder.path(), &["--history", "history"]);
    assert_eq!(rows.len(), scan(folder.path(), &["--history", "none"]).len());
    let uploaded: Vec<_> = rows.iter().filter(|row| !row["cluster_id"].is_empty()).collect();
    let renamed = renamed.strip_prefix(folder.path()).unwrap().to_str().unwrap();
    let paths: Vec<&str> = uploaded.iter().map(|row| row["path"].as_str()).collect();
    assert_eq!(paths, [moved_to[0], renamed, moved_to[2]], "in the order of the upload, one sequence");
    for (k, (row, original)) in uploaded.iter().zip(sent).enumerate() {
        let told = |column: &str| row[column].as_str();
        assert_eq!(told("cluster_id"), "151552211058876");
        assert_eq!((told("time_source"), told("status")), ("history", "usable"));
        assert_eq!(told("captured_at"), format!("2024-05-18T10:41:{k:02}.250Z"), "what was sent, not what EXIF says");
        assert_eq!(told("longitude"), format!("{:.7}", original["longitude"].parse::<f64>().unwrap() + 0.001));
        assert_eq!((told("altitude_m"), told("heading_deg")), ("321.500", "12.50"));
        assert_eq!(told("make"), original["make"], "the device is the file's");
        assert!(told("note").contains("uploaded with mapillary_tools 0.14.1"), "{}", row["note"]);
        assert_eq!(row["local_sequence"], uploaded[0]["local_sequence"]);
    }
    assert_eq!(contents(&at("history")), before, "nothing is written there");
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
    let longitude = |rows: &[BTreeMap<String, String>]| -> f64 {
        rows.iter().find(|row| row["path"] == first["path"]).unwrap()["longitude"].parse().unwrap()
    };
    let east = longitude(&later) - longitude(&placed);
    assert!((east - 3600.0 / 86_399.0).abs() < 2e-6, "an hour on the track later, and not {east} degrees");
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

#[test]
fn videos_are_listed_and_their_tracks_written_point_by_point() {
    let folder = tempfile::tempdir().unwrap();
    let description = r#"[
        {"filename": "b.mp4", "filetype": "gopro", "MAPDeviceMake": "GoPro", "MAPGPSTrack": [
            [0, 10.5, 50.5, 100.25, -90, 1700000000.5], [1000.4, 10.501, 50.5, null, null], ["x"], [2000, 200, 50.5]]},
        {"filename": "a.mp4", "filetype": "camm", "MAPGPSTrack": [[0, -13.9, 28.5, null, null]]},
        {"filename": "c.mp4", "filetype": "video", "MAPGPSTrack": []},
        {"filename": "d.mp4", "filetype": "video", "error": {"type": "MapillaryVideoGPSNotFoundError", "message": "none"}},
        {"filename": "p.jpg", "filetype": "image", "MAPLatitude": 50, "MAPLongitude": 10,
         "MAPCaptureTime": "2021_08_28_10_06_42_123456"}]"#;
    let mut command = tiepoint(folder.path());
    std::fs::write(folder.path().join("piped.json"), description).unwrap();
    let piped = std::fs::File::open(folder.path().join("piped.json")).unwrap();
    command.args(["scan", "-", "--history", "none", "--video-points", "points.csv"]).stdin(piped);
    let rows = rows_of(&run(&mut command, 0).stdout);
    let told = |name: &str| {
        rows.iter().find(|row| row["path"] == name).map(|row| format!("{}/{}", row["status"], row["reason"]))
    };
    assert_eq!(rows.len(), 5, "one row an entry");
    for video in ["a.mp4", "b.mp4", "c.mp4"] {
        assert_eq!(told(video).as_deref(), Some("unreadable/video"));
    }
    assert_eq!(told("d.mp4").as_deref(), Some("rejected/rejected_by_uploader"));
    assert_eq!(told("p.jpg").as_deref(), Some("usable/"));
    let points = std::fs::read_to_string(folder.path().join("points.csv")).unwrap();
    let expected = "path,point_index,offset_ms,captured_at,longitude,latitude,altitude_m,heading_deg
a.mp4,0,0,,-13.9000000,28.5000000,,
b.mp4,0,0,2023-11-14T22:13:20.500Z,10.5000000,50.5000000,100.250,270.00
b.mp4,1,1000,,10.5010000,50.5000000,,
";
    assert_eq!(points, expected, "by path; what cannot be read is left out");
}

/// A backup beside its originals, in folders and in the table that `scan` makes of them.
#[test]
fn a_backup_leaves_its_originals_matched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let make = ["simulate", "archive", "--photos", "40", "--seed", "3", "--scenario", "clean", "--out", "city"];
    run(tiepoint(path).args(make), 0);
    std::fs::rename(path.join("city/photos"), path.join("photos")).unwrap();
    for entry in std::fs::read_dir(path.join("photos/ride")).unwrap() {
        let (from, backup) = (entry.unwrap().path(), path.join("photos/backup"));
        std::fs::create_dir_all(&backup).unwrap();
        std::fs::copy(&from, backup.join(from.file_name().unwrap())).unwrap();
    }
    let told = said(&run(tiepoint(path).args(["scan", "photos", "-o", "local.csv"]), 0));
    assert!(told.contains("80 usable"), "{told}");
    let mut reports = Vec::new();
    for local in ["photos", "local.csv"] {
        let arguments = ["match", "--local", local, "--remote", "city/remote.jsonl", "-o", "matches.csv"];
        let told = said(&run(tiepoint(path).args(arguments), 0));
        assert!(told.contains("40 local files are copies of others"), "{told}");
        let matches = rows(&path.join("matches.csv"));
        let count = |reason: &str| matches.iter().filter(|row| row["reason"] == reason).count();
        assert_eq!((matches.len(), count("rig_undecidable"), count("dropped_duplicate")), (80, 0, 40), "{local}");
        assert!(count("exact") >= 38, "{local}: the service dropped one");
        let copy = matches.iter().find(|row| row["reason"] == "dropped_duplicate").unwrap();
        assert!(
            copy["note"].starts_with("a copy of photos/backup/") && copy["path"].starts_with("photos/ride/"),
            "{copy:?}"
        );
        reports.push(matches.iter().map(|row| (row["path"].clone(), row["image_id"].clone())).collect::<Vec<_>>());
    }
    assert_eq!(reports[0], reports[1]);
}
