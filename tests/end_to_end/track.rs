//! The tracker as a person uses it: with the feed, without it, with one that breaks; watches and kills.

use crate::support::{Service, TOKEN, printed, rows, rows_of, run, said, tiepoint};
use mapillary_simulator::SimulatorSettings;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// A token of the feed alone; it is nobody's.
const FEED_TOKEN: &str = "MLY|42|feed0123feed0123feed0123feed0123";
const HEADER: &str = "cluster_id,type,status,stage,ingestion,initial_processing,anonymization,tiler,error_code,item_count,\
                      image_id,sequence_id,created_at,captured_at,age_hours,timezone,local_sequence,note";
pub(crate) const KEY: &str = "QztYSJSr-EanBuImZ1ClSw";
pub(crate) const OTHER_KEY: &str = "aE5o7bTMH0UtscOYxhVwID";

/// Five images of anna's in a sequence, a second and 9 m apart.
pub(crate) fn ride(key: &str, first_id: u64, from_ms: i64, lat: f64) -> Vec<Value> {
    (0..5_i64)
        .map(|k| {
            json!({
                "id": (first_id + k as u64).to_string(), "sequence": key, "captured_at": from_ms + k * 1_000, "altitude": 5.0,
                "geometry": {"type": "Point", "coordinates": [0.01 + k as f64 * 9e-5, lat]},
                "creator": {"id": "7", "username": "anna"},
            })
        })
        .collect()
}

pub(crate) const RIDE_MS: i64 = 1_716_026_400_000; // 2024-05-18T10:00:00Z

/// The same ride as the photos' table says it; every photo went with upload 5.
fn table(lat: f64, cluster: u64) -> String {
    let mut text = "path,lat,lon,altitude,captured_at,cluster_id\n".to_owned();
    for k in 0..5 {
        let lon = 0.01 + f64::from(k) * 9e-5;
        writeln!(text, "r{cluster}/{k}.jpg,{lat:.7},{lon:.7},5,2024-05-18T10:00:0{k}Z,{cluster}").unwrap();
    }
    text
}

pub(crate) fn item(cluster: u64, words: [&str; 4], more: &Value) -> Value {
    let mut item = json!({
        "cluster_id": cluster.to_string(), "type": "UPLOAD", "created_at_seconds": 1_716_030_000, "item_count": null,
        "image_id": null, "status": words[0], "initial_processing_status": words[1], "anonymization_status": words[2],
        "tiler_status": words[3], "error_code": "UNSET", "timezone": "EUROPE_BERLIN",
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        item[key] = value.clone();
    }
    item
}

/// Serves entities with the feed of anna.
pub(crate) fn service(entities: Vec<Value>, anna: &Value, faults: &str) -> Service {
    let mut user = json!({"id": "7", "username": "anna"});
    for (key, value) in anna.as_object().into_iter().flatten() {
        user[key] = value.clone();
    }
    let feeds = serde_json::from_value(json!({"users": [user], "me": "anna"})).unwrap();
    let settings =
        SimulatorSettings { feeds: Some(feeds), faults: faults.parse().unwrap(), ..SimulatorSettings::default() };
    Service::with(entities, settings)
}

pub(crate) fn command(folder: &Path, service: &Service, arguments: &[&str]) -> Command {
    let mut command = tiepoint(folder);
    command.args(arguments).args(["--progress", "none"]);
    service.serve(&mut command);
    command
}

pub(crate) fn with_feed(folder: &Path, service: &Service, arguments: &[&str]) -> Command {
    let mut command = command(folder, service, arguments);
    command.env("TIEPOINT_FEED_TOKEN", FEED_TOKEN);
    command
}

pub(crate) fn asked(service: &Service, endpoint: &str) -> usize {
    service.simulator().requests().iter().filter(|request| request.endpoint == endpoint).count()
}

#[test]
fn uploads_are_listed_with_stage_error_sequence_and_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let done = item(5, ["FINISHED"; 4], &json!({"item_count": 5, "image_id": "100"}));
    let running = item(6, ["IN_PROGRESS", "IN_PROGRESS", "UNSET", "UNSET"], &json!({}));
    let failed = item(8, ["IN_PROGRESS", "FINISHED", "FAILED", "UNSET"], &json!({"error_code": "BLUR_TIMEOUT"}));
    let odd = item(9, ["ON_HOLD", "FINISHED", "FINISHED", "QUEUED=1"], &json!({"item_count": 9, "image_id": "999"}));
    let service =
        service(ride(KEY, 100, RIDE_MS, 0.01), &json!({"uploads": [odd, running, failed, done.clone(), done]}), "");
    let wanted = ["track", "--user", "anna", "--cluster", "5", "6", "8", "9", "77", "-o", "uploads.csv"];
    run(&mut with_feed(folder.path(), &service, &wanted), 0);
    let text = std::fs::read_to_string(folder.path().join("uploads.csv")).unwrap();
    assert_eq!(text.lines().next().unwrap(), HEADER);
    let rows = rows(&folder.path().join("uploads.csv"));
    let told: Vec<[&str; 4]> = rows
        .iter()
        .map(|row| ["cluster_id", "status", "stage", "sequence_id"].map(|column| row[column].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ["5", "finished", "in_tiles", KEY],
            ["6", "in_progress", "image_processing", ""],
            ["8", "in_progress", "map_data", ""],
            ["9", "on_hold", "map_update", ""],
            ["77", "not_found", "", ""],
        ]
    );
    assert_eq!(
        (rows[0]["note"].as_str(), rows[0]["item_count"].as_str(), rows[0]["image_id"].as_str()),
        ("", "5", "100")
    );
    assert_eq!(
        (rows[0]["created_at"].as_str(), rows[0]["timezone"].as_str()),
        ("2024-05-18T11:00:00.000Z", "EUROPE_BERLIN")
    );
    assert!(rows[1]["note"].contains("an observation, no verdict"), "{:?}", rows[1]);
    assert!(rows[2]["error_code"] == "BLUR_TIMEOUT" && rows[2]["note"].contains("upload again"), "{:?}", rows[2]);
    assert_eq!(rows[3]["tiler"], "queued=1");
    assert!(rows[4]["note"].contains("read to its end"), "{:?}", rows[4]);

    let people = run(&mut with_feed(folder.path(), &service, &["track", "--user", "anna"]), 0);
    assert!(printed(&people).contains("image_processing") && printed(&people).contains("BLUR_TIMEOUT"));
    assert!(!printed(&people).contains(HEADER), "a table for people, not CSV");
    for (list, code) in [("unpublished", 22), ("failed", 23), ("failed,unpublished", 22), ("moved", 0)] {
        run(&mut with_feed(folder.path(), &service, &["track", "--user", "anna", "-q", "--fail-on", list]), code);
    }
    let records = serde_json::to_string(&service.simulator().requests()).unwrap();
    assert!(!records.contains("feed0123"), "the token of the feed travels in a header");
    for (part, token) in [("cache", &FEED_TOKEN[7..]), ("cache", &TOKEN[15..])] {
        let found = Command::new("grep").args(["-rl", token]).arg(folder.path().join(part)).output().unwrap();
        assert!(found.stdout.is_empty(), "a token in {}", String::from_utf8_lossy(&found.stdout));
    }
}

#[test]
fn counts_that_differ_are_told_and_tiles_that_lag_are_a_state_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let done = item(5, ["FINISHED"; 4], &json!({"item_count": 7, "image_id": "100"}));
    let anna = json!({"uploads": [done], "in_tiles_from": {KEY: 1_000}});
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &anna, "");
    let text =
        run(&mut with_feed(folder.path(), &service, &["track", "--user", "anna", "--cluster", "5", "-o", "-"]), 0);
    let row = &rows_of(&text.stdout)[0];
    assert_eq!((row["stage"].as_str(), row["sequence_id"].as_str()), ("map_update", KEY));
    assert!(
        row["note"].contains("7 in the feed, 5 readable") && row["note"].contains("not yet in the tiles"),
        "{row:?}"
    );
}

#[test]
fn users_that_are_nobody_and_tokens_that_are_refused_end_as_the_contract_says() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &json!({"uploads": []}), "");
    let nobody = ["track", "--user", "nobody", "--cluster", "5"];
    assert!(said(&run(&mut with_feed(folder.path(), &service, &nobody), 3)).contains("nobody"));
    assert!(said(&run(&mut command(folder.path(), &service, &nobody), 3)).contains("nobody"));
    run(&mut with_feed(folder.path(), &service, &["track"]), 2);
    run(&mut with_feed(folder.path(), &service, &["track", "--user", "anna", "--cluster", "x"]), 2);
    run(&mut with_feed(folder.path(), &service, &["track", "--user", "anna", "--feed-token-file", "none"]), 3);
    let me = run(&mut with_feed(folder.path(), &service, &["track", "--user", "me", "--cluster", "5", "-o", "-"]), 0);
    assert_eq!(rows_of(&me.stdout)[0]["status"], "not_found");

    let mut mixed = command(folder.path(), &service, &["track", "--user", "anna", "--cluster", "5", "-o", "-"]);
    let refused = run(mixed.env("TIEPOINT_FEED_TOKEN", TOKEN), 14);
    assert!(said(&refused).contains("feed") && !said(&refused).contains(&TOKEN[15..]), "{}", said(&refused));
    assert_eq!(rows_of(&refused.stdout)[0]["cluster_id"], "5", "the row is there all the same");
    assert!(rows_of(&refused.stdout)[0]["note"].contains("status unknown"));
}

#[test]
fn a_feed_that_breaks_harms_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let entities = ride(KEY, 100, RIDE_MS, 0.01);
    for faults in ["html@graphql:1", "500@graphql:1", "1675004@graphql:1", "404@graphql:1", "too_much@graphql:1"] {
        let service = service(entities.clone(), &json!({"uploads": []}), faults);
        let cache = faults.replace(['@', ':'], "-");
        let arguments = ["track", "--user", "anna", "--cluster", "5", "-o", "-", "--cache-dir", &cache];
        let told = run(&mut with_feed(folder.path(), &service, &arguments), 0);
        let row = &rows_of(&told.stdout)[0];
        assert_eq!((row["cluster_id"].as_str(), row["status"].as_str()), ("5", ""), "{faults}: {row:?}");
        assert!(row["note"].contains("status unknown") && said(&told).contains("status unknown"), "{faults}: {row:?}");
        if faults.starts_with("1675004") {
            let before = asked(&service, "graphql");
            run(&mut with_feed(folder.path(), &service, &arguments), 0);
            assert_eq!(asked(&service, "graphql"), before, "the pause is kept over runs");
        }
        std::fs::write(folder.path().join("photos.csv"), table(0.01, 5)).unwrap();
        let main = ["reconcile", "photos.csv", "--user", "anna", "--track", "--out", "ties", "--cache-dir", &cache];
        run(&mut with_feed(folder.path(), &service, &main), 0);
        assert!(rows(&folder.path().join("ties/matches.csv")).iter().all(|row| row["status"] == "matched"), "{faults}");
    }
}

/// The history of mapillary_tools for the photos of [`table`].
pub(crate) fn write_history(folder: &Path, lat: f64, cluster: u64) {
    let entries: Vec<Value> = (0..5)
        .map(|k| {
            json!({"filename": format!("/rides/{cluster}/{k}.jpg"), "filetype": "image", "MAPLatitude": lat, "MAPAltitude": 5.0,
                   "MAPLongitude": 0.01 + f64::from(k) * 9e-5, "MAPCaptureTime": format!("2024_05_18_10_00_0{k}_000")})
        })
        .collect();
    let history = json!({"params": {"version": "0.14.1"}, "summary": {"cluster_id": cluster.to_string(),
        "upload_end_time": 1_716_030_000.0}, "descs": entries});
    std::fs::create_dir_all(folder.join("history/ab")).unwrap();
    std::fs::write(folder.join(format!("history/ab/{cluster}.json")), history.to_string()).unwrap();
}

#[test]
fn without_a_feed_token_documented_calls_say_what_is_published() {
    let folder = tempfile::tempdir().unwrap();
    let entities = [ride(KEY, 100, RIDE_MS, 0.01), ride(OTHER_KEY, 200, RIDE_MS, 0.02)].concat();
    let service = service(entities, &json!({"in_tiles_from": {OTHER_KEY: 1_000}}), "");
    write_history(folder.path(), 0.01, 5);
    write_history(folder.path(), 0.02, 6);
    write_history(folder.path(), 0.05, 8);
    let arguments = ["track", "--user", "anna", "--history", "history", "--cluster", "77", "-o", "-"];
    let told = run(&mut command(folder.path(), &service, &arguments), 0);
    assert!(said(&told).contains("documented calls alone"), "{}", said(&told));
    let rows = rows_of(&told.stdout);
    let cells: Vec<[&str; 5]> = rows
        .iter()
        .map(|row| {
            ["cluster_id", "status", "stage", "sequence_id", "local_sequence"].map(|column| row[column].as_str())
        })
        .collect();
    assert_eq!(
        cells,
        [
            ["77", "not_found", "", "", ""],
            ["5", "", "in_tiles", KEY, "/rides/5"],
            ["6", "", "map_update", OTHER_KEY, "/rides/6"],
            ["8", "not_found", "", "", "/rides/8"],
        ]
    );
    assert_eq!(asked(&service, "graphql"), 0, "the feed is not asked without a token for it");
    let mut tokenless = command(folder.path(), &service, &arguments);
    run(tokenless.env_remove("MAPILLARY_ACCESS_TOKEN").args(["--cache-dir", "empty"]), 14);
}

#[test]
fn a_watch_ends_with_zero_twenty_two_or_twenty_three() {
    let folder = tempfile::tempdir().unwrap();
    let begun = |steps: Value| item(5, ["IN_PROGRESS", "IN_PROGRESS", "UNSET", "UNSET"], &json!({"steps": steps}));
    let watch = |name: &str, anna: Value, more: &[&str], code: i32| {
        let service = service(ride(KEY, 100, RIDE_MS, 0.01), &anna, "");
        let mut arguments =
            vec!["track", "--user", "anna", "--cluster", "5", "--watch", "-o", "-", "--cache-dir", name];
        arguments.extend(more);
        let told = run(&mut with_feed(folder.path(), &service, &arguments), code);
        rows_of(&told.stdout)[0].clone()
    };
    let finished = json!({"after": 2, "set": {"status": "FINISHED", "initial_processing_status": "FINISHED",
        "anonymization_status": "FINISHED", "tiler_status": "FINISHED", "item_count": 5, "image_id": "100"}});
    let readable = json!({"after": 1, "set": {"initial_processing_status": "FINISHED", "image_id": "100"}});
    let hidden =
        json!({"uploads": [begun(json!([readable, finished]))], "readable_from": {KEY: 1}, "in_tiles_from": {KEY: 4}});
    let row = watch("tiles", hidden.clone(), &[], 0);
    assert_eq!((row["stage"].as_str(), row["sequence_id"].as_str()), ("in_tiles", KEY));
    let row = watch("visible", hidden, &["--until", "visible"], 0);
    assert_eq!(row["stage"], "map_data");
    let row = watch("timeout", json!({"uploads": [begun(json!([]))]}), &["--timeout", "0.4s"], 22);
    assert_eq!(row["stage"], "image_processing");
    let row = watch("absent", json!({"uploads": []}), &["--timeout", "0.2s"], 22);
    assert_eq!(row["status"], "not_found");
    let fails = json!({"after": 2, "set": {"initial_processing_status": "FAILED", "error_code": "CORRUPT"}});
    let row = watch("failed", json!({"uploads": [begun(json!([fails]))]}), &[], 23);
    assert_eq!((row["stage"].as_str(), row["error_code"].as_str()), ("image_processing", "CORRUPT"));
    let vanishes = json!([{"after": 1, "absent": true}]);
    let row = watch("vanished", json!({"uploads": [begun(vanishes)]}), &["--timeout", "0.4s"], 22);
    assert!(row["note"].contains("was in the feed before"), "{row:?}");
}

/// Rides by the cluster that they went with, at latitudes of their own.
pub(crate) fn photos(folder: &Path, rides: &[(u64, f64)]) {
    let mut text = "path,lat,lon,altitude,captured_at,cluster_id\n".to_owned();
    for &(cluster, lat) in rides {
        text += table(lat, cluster).split_once('\n').unwrap().1;
    }
    std::fs::write(folder.join("photos.csv"), text).unwrap();
}

#[test]
fn reconcile_asks_for_the_uploads_of_what_is_open_and_ends_with_evidence() {
    let folder = tempfile::tempdir().unwrap();
    let entities = [ride(KEY, 100, RIDE_MS, 0.01), ride(OTHER_KEY, 200, RIDE_MS, 0.02)].concat();
    let uploads = json!([
        item(6, ["FINISHED"; 4], &json!({"item_count": 5, "image_id": "200"})),
        item(8, ["IN_PROGRESS", "IN_PROGRESS", "UNSET", "UNSET"], &json!({})),
        item(9, ["IN_PROGRESS", "FAILED", "UNSET", "UNSET"], &json!({"error_code": "GPS_MISSING"})),
        item(11, ["IN_PROGRESS", "FINISHED", "FINISHED", "IN_PROGRESS"], &json!({"item_count": 5, "image_id": "900"})),
    ]);
    let service = service(entities, &json!({"uploads": uploads, "in_tiles_from": {OTHER_KEY: 1_000}}), "");
    photos(folder.path(), &[(5, 0.01), (6, 0.02), (8, 0.03), (9, 0.04), (11, 0.05), (77, 0.06)]);
    let main = ["reconcile", "photos.csv", "--user", "anna", "--route", "tiles", "--out", "ties"];
    run(&mut command(folder.path(), &service, &main), 0);
    let count = |status: &str, reason: &str| {
        let rows = rows(&folder.path().join("ties/matches.csv"));
        rows.iter().filter(|row| row["status"] == status && row["reason"] == reason).count()
    };
    assert_eq!(
        rows(&folder.path().join("ties/matches.csv")).iter().filter(|row| row["status"] == "matched").count(),
        5
    );
    assert_eq!(asked(&service, "graphql"), 0);

    run(with_feed(folder.path(), &service, &main).arg("--track"), 0);
    let matched = rows(&folder.path().join("ties/matches.csv"));
    let by_feed: Vec<_> = matched.iter().filter(|row| row["path"].starts_with("r6/")).collect();
    assert!(by_feed.iter().all(|row| row["status"] == "matched" && row["route"] == "sequence"), "{by_feed:?}");
    assert_eq!((count("unmatched", "processing"), count("unmatched", "failed_on_server")), (5, 5));
    assert_eq!(count("unmatched", "published_not_in_tiles"), 5);
    let sequences = rows(&folder.path().join("ties/sequences.csv"));
    let told: Vec<[&str; 4]> = sequences
        .iter()
        .map(|row| ["cluster_id", "verdict", "stage", "error_code"].map(|column| row[column].as_str()))
        .collect();
    let mut told = told;
    told.sort_by_key(|row| row[0].parse::<u64>().unwrap());
    assert_eq!(
        told[..5],
        [
            ["5", "published", "in_tiles", ""],
            ["6", "published", "map_update", ""],
            ["8", "processing", "image_processing", ""],
            ["9", "failed", "image_processing", "GPS_MISSING"],
            ["11", "processing", "map_update", ""],
        ]
    );
    assert_eq!((told[5][0], told[5][1], told[5][2]), ("77", "not_found", ""));
    let uploads = rows(&folder.path().join("ties/uploads.csv"));
    let ids: Vec<_> = uploads.iter().map(|row| row["cluster_id"].as_str()).collect();
    assert_eq!(ids, ["5", "6", "8", "9", "11", "77"]);
    assert!(uploads[0]["stage"] == "in_tiles" && uploads[0]["sequence_id"] == KEY, "{:?}", uploads[0]);
    run(with_feed(folder.path(), &service, &main).args(["--track", "--fail-on", "failed"]), 23);
    run(with_feed(folder.path(), &service, &main).args(["--track", "--fail-on", "failed,unpublished"]), 22);
}

/// What is safe to delete of some rides, as `--track` says with the feed or without it.
fn safe(folder: &Path, service: &Service, has_feed: bool, more: &[&str]) -> (Vec<String>, String) {
    let main =
        ["reconcile", "photos.csv", "--user", "anna", "--out", "ties", "--track", "--safe-to-delete", "safe.txt"];
    let mut command = command(folder, service, &main);
    if has_feed {
        command.env("TIEPOINT_FEED_TOKEN", FEED_TOKEN);
    }
    let told = run(command.args(more), 0);
    let text = std::fs::read_to_string(folder.join("safe.txt")).unwrap();
    (text.lines().map(|path| path[..3].to_owned()).collect(), said(&told))
}

#[test]
fn only_what_the_tracker_calls_finished_is_safe_to_delete() {
    let folder = tempfile::tempdir().unwrap();
    let entities = [ride(KEY, 100, RIDE_MS, 0.01), ride(OTHER_KEY, 200, RIDE_MS, 0.02)].concat();
    photos(folder.path(), &[(5, 0.01), (6, 0.02)]);
    let lagging = |uploads: Value| json!({"uploads": uploads, "in_tiles_from": {OTHER_KEY: 1_000}});
    let none = service(entities.clone(), &lagging(json!([])), "");
    for route in ["auto", "user"] {
        let (paths, _) = safe(folder.path(), &none, false, &["--route", route, "--cache-dir", route]);
        assert_eq!(paths, ["r5/"; 5], "both are published exactly; of the second the tiles show nothing");
    }
    let matched = rows(&folder.path().join("ties/matches.csv"));
    assert!(matched.iter().all(|row| row["reason"] == "exact"), "{matched:?}");
    let stages: Vec<String> =
        rows(&folder.path().join("ties/sequences.csv")).into_iter().map(|row| row["stage"].clone()).collect();
    assert_eq!(stages, ["in_tiles", "map_update"]);

    // An upload with one photo that is nowhere is open: its stage is the feed's.
    let mut text = std::fs::read_to_string(folder.path().join("photos.csv")).unwrap();
    text += "r5/lost.jpg,0.0100000,0.0109000,5,2024-05-18T10:00:20Z,5\n";
    std::fs::write(folder.path().join("photos.csv"), text).unwrap();
    let running = item(5, ["IN_PROGRESS", "FINISHED", "FINISHED", "IN_PROGRESS"], &json!({}));
    let broken = item(5, ["FINISHED", "FINISHED", "FINISHED", "FINISHED"], &json!({"error_code": "PARTLY_LOST"}));
    let finished = item(5, ["FINISHED"; 4], &json!({}));
    for (number, (upload, n_safe)) in [(running, 0), (broken, 0), (finished, 5)].into_iter().enumerate() {
        let service = service(entities.clone(), &lagging(json!([upload.clone()])), "");
        let cache = number.to_string();
        let (paths, told) = safe(folder.path(), &service, true, &["--cache-dir", &cache]);
        assert_eq!(paths.len(), n_safe, "{upload}\n{told}");
        assert_eq!(told.contains("calls no upload of its 10 exact matches finished"), n_safe == 0, "{told}");
    }
    run(tiepoint(folder.path()).args(["reconcile", "photos.csv", "--redact", "--safe-to-delete", "x"]), 2);
}

#[test]
fn new_sequences_and_a_table_of_uploads_lead_to_images_that_no_tile_shows() {
    let folder = tempfile::tempdir().unwrap();
    let anna = json!({"uploads": [item(6, ["FINISHED"; 4], &json!({"item_count": 5, "image_id": "200"}))],
        "new_sequences": {KEY: 0}, "in_tiles_from": {KEY: 1_000, OTHER_KEY: 1_000}});
    let entities = [ride(KEY, 100, RIDE_MS, 0.01), ride(OTHER_KEY, 200, RIDE_MS, 0.02)].concat();
    let service = service(entities, &anna, "");
    photos(folder.path(), &[(5, 0.01), (6, 0.02)]);
    let text = std::fs::read_to_string(folder.path().join("photos.csv")).unwrap();
    let text = text.replace(",5\n", ",\n").replace(",6\n", ",\n");
    std::fs::write(folder.path().join("photos.csv"), text).unwrap();
    std::fs::write(folder.path().join("mine.csv"), "path,cluster_id\nr6/0.jpg,6\n").unwrap();
    let main = ["reconcile", "photos.csv", "--user", "anna", "--route", "tiles", "--track", "--clusters", "mine.csv"];
    run(&mut with_feed(folder.path(), &service, &main), 0);
    let matched = rows(&folder.path().join("tiepoint-out/matches.csv"));
    assert!(matched.iter().all(|row| row["status"] == "matched" && row["route"] == "sequence"), "{matched:?}");
}

#[test]
fn a_watch_of_the_main_job_asks_again_only_for_what_is_not_settled() {
    let folder = tempfile::tempdir().unwrap();
    // The first ride is published and lies 110 km away from the second, whose upload takes three rounds.
    let entities = [ride(KEY, 100, RIDE_MS, 1.0), ride(OTHER_KEY, 200, RIDE_MS, 0.02)].concat();
    let finished = json!({"after": 3, "set": {"status": "FINISHED", "initial_processing_status": "FINISHED",
        "anonymization_status": "FINISHED", "tiler_status": "FINISHED", "item_count": 5, "image_id": "200"}});
    let upload = item(6, ["IN_PROGRESS", "IN_PROGRESS", "UNSET", "UNSET"], &json!({"steps": [finished]}));
    let anna = json!({"uploads": [upload], "readable_from": {OTHER_KEY: 3}, "in_tiles_from": {OTHER_KEY: 4}});
    let service = service(entities, &anna, "");
    photos(folder.path(), &[(5, 1.0), (6, 0.02)]);
    let main = ["reconcile", "photos.csv", "--user", "anna", "--route", "tiles", "--out", "ties", "--track", "--watch"];
    run(&mut with_feed(folder.path(), &service, &main), 0);
    let matched = rows(&folder.path().join("ties/matches.csv"));
    assert!(matched.iter().all(|row| row["status"] == "matched"), "{matched:?}");
    let requests = service.simulator().requests();
    let tiles = |path: &str| requests.iter().filter(|request| request.path.ends_with(path)).count();
    assert_eq!(tiles("/14/8192/8146"), 1, "the tile of the settled ride is read once");
    assert!(tiles("/14/8192/8191") >= 4, "that of the other in each round");
    let late = json!({"uploads": [item(6, ["IN_PROGRESS"; 4], &json!({}))]});
    let service = self::service(ride(KEY, 100, RIDE_MS, 1.0), &late, "");
    let more = ["--timeout", "0.3s", "--cache-dir", "late"];
    run(with_feed(folder.path(), &service, &main).args(more), 22);
}

#[test]
fn a_watch_that_is_killed_goes_on_without_repeating_a_request() {
    let folder = tempfile::tempdir().unwrap();
    // 400 uploads on 8 pages; the wanted one turns up at the end of the feed in round 4.
    let mut uploads: Vec<Value> = (0..399).map(|k| item(1_000 + k, ["FINISHED"; 4], &json!({}))).collect();
    let begins = json!([{"after": 0, "absent": true}, {"after": 4}]);
    uploads.push(item(5, ["FINISHED"; 4], &json!({"item_count": 5, "image_id": "100", "steps": begins})));
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &json!({"uploads": uploads}), "");
    let arguments = ["track", "--user", "anna", "--cluster", "5", "--watch", "-o", "uploads.csv"];
    let mut n_kills = 0;
    for least in [5, 13, 30] {
        let mut watching = with_feed(folder.path(), &service, &arguments).spawn().unwrap();
        while asked(&service, "graphql") < least && watching.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        watching.kill().unwrap(); // as kill -9 does
        watching.wait().unwrap();
        n_kills += 1;
    }
    run(&mut with_feed(folder.path(), &service, &arguments), 0);
    assert_eq!(rows(&folder.path().join("uploads.csv"))[0]["stage"], "in_tiles");
    // In the order asked: who is new, then the pages. A request that was on its way at a kill may come twice, next to itself.
    let requests = service.simulator().requests();
    let queries: Vec<&str> =
        requests.iter().filter(|request| request.endpoint == "graphql").map(|request| request.query.as_str()).collect();
    let mut distinct = queries.clone();
    distinct.dedup();
    assert!(queries.len() - distinct.len() <= n_kills, "{} of {}", queries.len() - distinct.len(), queries.len());
    // Five rounds of a user and eight pages; a first page that was on its way at a kill has moved the simulator's clock.
    assert!(distinct.len().is_multiple_of(9) && (2 * 9..=5 * 9).contains(&distinct.len()), "{}", distinct.len());
    assert!(distinct.chunks(9).all(|round| round == &distinct[..9]), "each page once a round, in order");
}
