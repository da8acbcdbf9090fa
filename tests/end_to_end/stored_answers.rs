//! Which stored answers count: of several the newest, in every later run and without a network; and not against a newer tile.

use crate::support::{Service, rows, run, tiepoint};
use crate::track::{KEY, OTHER_KEY, RIDE_MS, photos, ride};
use mapillary_simulator::SimulatorSettings;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// Two rides whose computed places lie so far north of where they were taken.
fn rides(north_deg: f64) -> Vec<Value> {
    let mut rides = [ride(KEY, 100, RIDE_MS, 0.01), ride(OTHER_KEY, 200, RIDE_MS, 0.02)].concat();
    for image in &mut rides {
        let [lon, lat] = [0, 1].map(|axis| image["geometry"]["coordinates"][axis].as_f64().unwrap());
        image["computed_geometry"] = json!({"type": "Point", "coordinates": [lon, lat + north_deg]});
    }
    rides
}

/// A service that is reached as an earlier one was, so that the answers of both are of one service.
fn serve(entities: Vec<Value>, port: u16) -> Service {
    Service::with(entities, SimulatorSettings { port, ..SimulatorSettings::default() })
}

fn port_of(service: &Service) -> u16 {
    service.simulator().base_url().trim_end_matches('/').rsplit_once(':').unwrap().1.parse().unwrap()
}

fn reconcile(folder: &Path, service: &Service, out: &str, more: &[&str]) {
    let mut command = tiepoint(folder);
    command.args(["reconcile", "photos.csv", "--progress", "none", "--out", out]).args(more);
    service.serve(&mut command);
    run(&mut command, 0);
}

#[track_caller]
fn assert_equal_reports(folder: &Path, one: &str, other: &str) {
    for name in ["matches.csv", "sequences.csv", "shifts.csv", "matches.geojson", "evidence.jsonl", "report.html"] {
        let read = |out: &str| std::fs::read(folder.join(out).join(name)).unwrap();
        assert!(read(one) == read(other), "{name} of {one} and {other}");
    }
}

#[test]
fn a_refresh_stands_in_the_next_run_and_offline() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let service = serve(rides(1e-5), 0);
    let port = port_of(&service);
    photos(folder, &[(5, 0.01)]);
    reconcile(folder, &service, "first", &[]);
    drop(service);

    // The service has moved all places; the answer for the first ride alone is still in the store.
    let service = serve(rides(5e-5), port);
    photos(folder, &[(5, 0.01), (6, 0.02)]);
    reconcile(folder, &service, "refreshed", &["--refresh"]);
    let sent = service.n_requests();
    reconcile(folder, &service, "again", &[]);
    reconcile(folder, &service, "offline", &["--offline"]);
    assert_eq!(service.n_requests(), sent, "a run after a refresh asks nothing");
    let shift_of = |out: &str| rows(&folder.join(out).join("matches.csv"))[0]["shift_m"].parse::<f64>().unwrap();
    assert!(shift_of("first") < 2.0 && shift_of("refreshed") > 5.0, "the service moved places");
    for out in ["again", "offline"] {
        assert_equal_reports(folder, "refreshed", out);
    }
}

/// Where image `k` of a long ride lies, 10 m after the one before it: those from 134 on in a tile of their own.
fn longitude_deg(k: i64) -> f64 {
    0.01 + k as f64 * 9e-5
}

fn long_ride() -> Vec<Value> {
    let image = |k: i64| {
        json!({"id": (100 + k).to_string(), "sequence": KEY, "captured_at": RIDE_MS + k * 1_000, "altitude": 5.0,
            "geometry": {"type": "Point", "coordinates": [longitude_deg(k), 0.01]}, "creator": {"id": "7", "username": "anna"}})
    };
    (0..160).map(image).collect()
}

fn photos_of_long_ride(folder: &Path, n_photos: i64) {
    let mut table = "path,lat,lon,altitude,captured_at\n".to_owned();
    for k in 0..n_photos {
        let time = chrono::DateTime::from_timestamp_millis(RIDE_MS + k * 1_000).unwrap().format("%Y-%m-%dT%H:%M:%SZ");
        writeln!(table, "ride/{k:03}.jpg,0.0100000,{:.7},5,{time}", longitude_deg(k)).unwrap();
    }
    std::fs::write(folder.join("photos.csv"), table).unwrap();
}

#[test]
fn an_image_that_came_after_the_stored_answer_is_found_by_the_newer_tile() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut entities = long_ride();
    entities.remove(150);
    let service = serve(entities, 0);
    let port = port_of(&service);
    photos_of_long_ride(folder, 60);
    reconcile(folder, &service, "first", &[]);
    assert_eq!(service.simulator().requests().iter().filter(|request| request.endpoint == "tiles").count(), 1);
    drop(service);

    // The last image has come; the second tile is fetched now, the answer for the sequence is the one of before.
    let service = serve(long_ride(), port);
    photos_of_long_ride(folder, 160);
    reconcile(folder, &service, "second", &[]);
    let sent: Vec<&str> = service.simulator().requests().iter().map(|request| request.endpoint).collect();
    assert_eq!(sent, ["tiles", "images_by_id"], "one question for what the stored answer lacks");
    let matched = rows(&folder.join("second/matches.csv"));
    assert!(matched.iter().all(|row| row["status"] == "matched"), "{:?}", matched[150]);
    reconcile(folder, &service, "again", &[]);
    reconcile(folder, &service, "offline", &["--offline"]);
    assert_eq!(service.n_requests(), 2, "a further run asks nothing");
    for out in ["again", "offline"] {
        assert_equal_reports(folder, "second", out);
    }
}
