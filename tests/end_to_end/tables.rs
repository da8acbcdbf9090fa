//! Tables that one verb writes and another reads, and folders that hold the reports of one run.

use crate::support::{rows, run, tiepoint};
use std::path::Path;

const PHOTOS: &str = "path,lat,lon,altitude,captured_at\n\
    r/1.jpg,0.0100000,0.0100000,5,2024-05-18T10:00:00Z\n\
    far/2.jpg,1.0100000,0.0100900,5,2024-05-18T10:00:01Z\n";

fn reasons(folder: &Path, remote: &str) -> Vec<String> {
    run(tiepoint(folder).args(["match", "--local", "photos.csv", "--remote", remote, "-o", "m.csv"]), 0);
    rows(&folder.join("m.csv")).iter().map(|row| row["reason"].clone()).collect()
}

#[test]
fn coverage_of_some_tiles_says_nothing_about_others() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("photos.csv"), PHOTOS).unwrap();
    let table = "layer,tile,image_id,sequence_id,captured_at,longitude,latitude\n\
        image,14/8192/8191,7,s,2023-01-01T00:00:00.000Z,0.02,0.011\n";
    std::fs::write(folder.join("coverage.csv"), table).unwrap();
    assert_eq!(reasons(folder, "coverage.csv"), ["outside_fetched_tiles", "not_published_yet"]);
    let drawn = r#"{"type":"FeatureCollection","features":[{"type":"Feature","geometry":{"type":"Point","coordinates":[0.02,0.011]},
        "properties":{"layer":"image","tile":"14/8192/8191","image_id":"7","sequence_id":"s"}}]}"#;
    std::fs::write(folder.join("coverage.geojson"), drawn).unwrap();
    assert_eq!(reasons(folder, "coverage.geojson"), ["outside_fetched_tiles", "not_published_yet"]);
}

#[test]
fn entities_need_no_more_than_an_id() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("photos.csv"), PHOTOS).unwrap();
    std::fs::write(folder.join("bare.jsonl"), "{\"id\":\"1\"}\n{\"id\":\"2\",\"sequence\":\"s\"}\n").unwrap();
    assert_eq!(reasons(folder, "bare.jsonl"), ["not_published_yet", "not_published_yet"]);
}

#[test]
fn a_folder_holds_the_reports_of_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("photos.csv"), PHOTOS).unwrap();
    std::fs::write(folder.join("bare.jsonl"), "{\"id\":\"1\"}\n").unwrap();
    std::fs::create_dir(folder.join("ties")).unwrap();
    for name in ["shifts.csv", "uploads.csv", "report.html", "matches.parquet", "mine.txt"] {
        std::fs::write(folder.join("ties").join(name), "of an earlier run").unwrap();
    }
    run(tiepoint(folder).args(["match", "--local", "photos.csv", "--remote", "bare.jsonl", "--out", "ties"]), 0);
    let mut names: Vec<_> =
        std::fs::read_dir(folder.join("ties")).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["evidence.jsonl", "matches.csv", "mine.txt", "sequences.csv", "summary.json"]);
}
