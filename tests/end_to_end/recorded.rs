//! Recorded images of the real service become local photos with wrong clocks; the tool must find each again over HTTP.

use crate::support::{Service, recorded, rows, run, tiepoint};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

/// One recorded image: what was uploaded, and the entity that is served.
struct Recorded {
    sequence: String,
    id: String,
    captured_at_ms: i64,
    longitude: f64,
    latitude: f64,
    altitude: Option<f64>,
    make: String,
    model: String,
    entity: Value,
}

/// An odd constant for each track, between some minutes and some days, either way; the same in every run.
fn clock_error_ms(track: usize) -> i64 {
    let mut state = (track as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state ^= state >> 29;
    let size = 61_001 + (state % 400_000_000) as i64;
    (if state & 1 == 0 { size } else { -size }) | 1
}

/// Local wall clocks run wrong by one constant a track.
fn local_table(images: &[Recorded]) -> (String, BTreeMap<String, String>) {
    let mut tracks: BTreeMap<&str, Vec<&Recorded>> = BTreeMap::new();
    images.iter().for_each(|image| tracks.entry(&image.sequence).or_default().push(image));
    let mut table = "path,lat,lon,altitude,captured_at,make,model\n".to_owned();
    let mut truth = BTreeMap::new();
    for (number, track) in tracks.values_mut().enumerate() {
        track.sort_by_key(|image| (image.captured_at_ms, image.id.clone()));
        for (index, image) in track.iter().enumerate() {
            let path = format!("ride{number:03}/{index:05}.jpg");
            let wall = chrono::DateTime::from_timestamp_millis(image.captured_at_ms - clock_error_ms(number)).unwrap();
            let altitude = image.altitude.map(|altitude| altitude.to_string()).unwrap_or_default();
            let time = wall.format("%Y-%m-%dT%H:%M:%S%.3f");
            let Recorded { latitude, longitude, make, model, .. } = image;
            writeln!(table, "{path},{latitude:.7},{longitude:.7},{altitude},{time},{make},{model}").unwrap();
            truth.insert(path, image.id.clone());
        }
    }
    (table, truth)
}

/// Reconciles over HTTP and scores against the truth: (precision, recall, requests).
fn reconcile(images: Vec<Recorded>) -> (f64, f64, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (table, truth) = local_table(&images);
    std::fs::write(folder.path().join("photos.csv"), table).unwrap();
    let service = Service::start(images.into_iter().map(|image| image.entity).collect());
    let mut command = tiepoint(folder.path());
    command.args(["reconcile", "photos.csv", "--out", "ties", "--progress", "none"]);
    service.serve(&mut command);
    run(&mut command, 0);
    let matches = rows(&folder.path().join("ties/matches.csv"));
    assert_eq!(matches.len(), truth.len(), "one row a file");
    let matched: Vec<_> = matches.iter().filter(|row| row["status"] == "matched").collect();
    let right = matched.iter().filter(|row| truth[&row["path"]] == row["image_id"]).count();
    (right as f64 / matched.len().max(1) as f64, right as f64 / truth.len() as f64, service.n_requests())
}

#[track_caller]
fn check(case: &str, images: Vec<Recorded>) {
    let n_images = images.len();
    let (precision, recall, requests) = reconcile(images);
    eprintln!("{case}: {n_images} photos, precision {precision:.4}, recall {recall:.4}, {requests} requests");
    assert!(precision >= 0.999, "{case}: precision {precision}");
    assert!(recall >= 0.98, "{case}: recall {recall}");
}

fn table_rows(text: &str) -> Vec<BTreeMap<String, String>> {
    crate::support::rows_of(text.as_bytes())
}

fn number(row: &BTreeMap<String, String>, column: &str) -> Option<f64> {
    row[column].parse().ok()
}

fn read_singapore(path: &Path) -> Vec<Recorded> {
    let image = |row: &BTreeMap<String, String>| Recorded {
        sequence: row["sequence_id"].clone(),
        id: row["image_id"].clone(),
        captured_at_ms: row["captured_at"].parse().unwrap(),
        longitude: number(row, "tile_lon").unwrap(),
        latitude: number(row, "tile_lat").unwrap(),
        altitude: number(row, "altitude"),
        make: row["make"].clone(),
        model: row["model"].clone(),
        entity: json!({
            "id": row["image_id"], "sequence": row["sequence_id"], "make": row["make"], "model": row["model"],
            "captured_at": row["captured_at"].parse::<i64>().unwrap(), "altitude": number(row, "altitude"),
            "compass_angle": number(row, "compass_angle"),
            "geometry": {"type": "Point", "coordinates": [number(row, "tile_lon"), number(row, "tile_lat")]},
            "computed_geometry": {"type": "Point", "coordinates": [number(row, "computed_lon"), number(row, "computed_lat")]},
        }),
    };
    table_rows(&std::fs::read_to_string(path).unwrap()).iter().map(image).collect()
}

fn read_richmond(path: &Path) -> Vec<Recorded> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let image = |row: &BTreeMap<String, String>| Recorded {
        sequence: row["sequence_id"].clone(),
        id: row["pano_id"].clone(),
        captured_at_ms: row["captured_at_ms"].parse().unwrap(),
        longitude: number(row, "raw_lng").unwrap(),
        latitude: number(row, "raw_lat").unwrap(),
        altitude: number(row, "altitude"),
        make: row["camera_make"].clone(),
        model: row["camera_model"].clone(),
        entity: json!({
            "id": row["pano_id"], "sequence": row["sequence_id"], "make": row["camera_make"], "model": row["camera_model"],
            "captured_at": row["captured_at_ms"].parse::<i64>().unwrap(), "altitude": number(row, "altitude"),
            "compass_angle": number(row, "compass_angle"), "is_pano": true,
            "geometry": {"type": "Point", "coordinates": [number(row, "raw_lng"), number(row, "raw_lat")]},
            "computed_geometry": {"type": "Point", "coordinates": [number(row, "lng"), number(row, "lat")]},
        }),
    };
    table_rows(&text).iter().map(image).collect()
}

fn read_karlsruhe(path: &Path) -> Vec<Recorded> {
    let answer: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let image = |entity: &Value| Recorded {
        sequence: entity["sequence"].as_str().unwrap().to_owned(),
        id: entity["id"].as_str().unwrap().to_owned(),
        captured_at_ms: entity["captured_at"].as_i64().unwrap(),
        longitude: entity["geometry"]["coordinates"][0].as_f64().unwrap(),
        latitude: entity["geometry"]["coordinates"][1].as_f64().unwrap(),
        altitude: entity["altitude"].as_f64(),
        make: entity["make"].as_str().unwrap_or_default().to_owned(),
        model: entity["model"].as_str().unwrap_or_default().to_owned(),
        entity: entity.clone(),
    };
    answer["data"].as_array().unwrap().iter().map(image).collect()
}

#[test]
fn singapore_whose_originals_are_rounded_to_the_tile() {
    if let Some(path) = recorded("pairs/singapore_594.csv") {
        check("Singapore", read_singapore(&path));
    }
}

#[test]
fn karlsruhe_whose_originals_are_exact() {
    if let Some(path) = recorded("graph-api/images_karlsruhe_94.json") {
        check("Karlsruhe", read_karlsruhe(&path));
    }
}

#[test]
fn richmond_with_its_overlapping_sequences() {
    if let Some(path) = recorded("pairs/richmond_panos_9091.csv.gz") {
        check("Richmond", read_richmond(&path));
    }
}
