//! Drawings in the hands of a real reader: GDAL's ogrinfo opens what was written.

use crate::support::{Service, rows, run, tiepoint};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// What ogrinfo says of all layers; `None`, said aloud, where it is not installed.
fn ogrinfo(file: &Path) -> Option<String> {
    let Ok(output) = Command::new("ogrinfo").args(["-ro", "-so", "-al"]).arg(file).output() else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no ogrinfo on this machine (Debian: gdal-bin)");
        return None;
    };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && !complaints.contains("ERROR"), "{told}\n{complaints}");
    Some(told)
}

/// How many features a layer has.
#[track_caller]
fn features(told: &str, layer: &str) -> usize {
    let (_, rest) =
        told.split_once(&format!("Layer name: {layer}\n")).unwrap_or_else(|| panic!("no {layer} in\n{told}"));
    let line = rest.lines().find(|line| line.starts_with("Feature Count: ")).unwrap();
    line["Feature Count: ".len()..].parse().unwrap()
}

#[test]
fn gdal_opens_geojson_and_gpx() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    run(tiepoint(folder).args(["simulate", "archive", "--photos", "120", "--seed", "3", "--out", "city"]), 0);
    // over the antimeridian, with a name that XML and JSON must quote
    let local = "path,sequence,lat,lon,captured_at\n\
        \"sea/<a>&'\"\"1\"\"\u{7}.jpg\",<s>&,-17.5,179.9999,2024-05-18T10:00:00Z\n\
        sea/2.jpg,<s>&,-17.5,-179.9999,2024-05-18T10:00:03Z\n";
    std::fs::write(folder.join("sea.csv"), local).unwrap();
    let files = [("city/photos", "city"), ("sea.csv", "sea")];
    for (local, name) in files {
        for ending in ["csv", "geojson", "gpx"] {
            let file = format!("{name}.{ending}");
            let arguments = ["match", "--local", local, "--remote", "city/remote.jsonl", "-o", &file];
            run(tiepoint(folder).args(arguments), 0);
        }
        let rows = rows(&folder.join(format!("{name}.csv")));
        let count = |column: &str| rows.iter().filter(|row| !row[column].is_empty()).count();
        let Some(gpx) = ogrinfo(&folder.join(format!("{name}.gpx"))) else { return };
        assert_eq!(features(&gpx, "waypoints"), count("longitude"));
        let in_tracks =
            rows.iter().filter(|row| !row["longitude"].is_empty() && !row["local_sequence"].is_empty()).count();
        let points = in_tracks + count("remote_longitude") + count("computed_longitude");
        assert_eq!(features(&gpx, "track_points"), points);
        let Some(geojson) = ogrinfo(&folder.join(format!("{name}.geojson"))) else { return };
        assert!(geojson.contains("marker-color: String") && geojson.contains("WGS 84"), "{geojson}");
        let drawn = features(&geojson, name);
        assert!(drawn >= count("longitude") + count("remote_longitude") + count("computed_longitude"), "{drawn}");
    }
    // The same from the main job.
    let entities = mapillary_simulator::read_entities_file(&folder.join("city/remote.jsonl")).unwrap();
    let service = Service::start(entities);
    let mut command = tiepoint(folder);
    service.serve(&mut command);
    run(command.args(["reconcile", "city/photos", "--out", "ties", "--gpx-out", "josm.gpx", "--progress", "none"]), 0);
    let matched = rows(&folder.join("ties/matches.csv"));
    let placed = |column: &str| matched.iter().filter(|row| !row[column].is_empty()).count();
    let Some(gpx) = ogrinfo(&folder.join("josm.gpx")) else { return };
    assert_eq!(features(&gpx, "waypoints"), placed("longitude"));
    assert!(placed("remote_longitude") > 60 && features(&gpx, "track_points") > placed("longitude"));
    let text = std::fs::read_to_string(folder.join("josm.gpx")).unwrap();
    for row in matched.iter().filter(|row| !row["image_id"].is_empty()) {
        assert!(text.contains(&row["image_id"]), "a waypoint leads to its image");
    }
    let sea = std::fs::read_to_string(folder.join("sea.gpx")).unwrap();
    assert_eq!(sea.matches("<trkseg>").count(), 2, "a track is cut at the antimeridian");
}
