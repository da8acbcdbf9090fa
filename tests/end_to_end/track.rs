//! The tracker as a person uses it: with the feed, without it, with one that breaks; watches and kills.

use crate::support::{Service, TOKEN, printed, rows, rows_of, run, said, tiepoint};
use mapillary_simulator::SimulatorSettings;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// A token of the feed alone; it is nobody's.
pub(crate) const FEED_TOKEN: &str = "MLY|42|feed0123feed0123feed0123feed0123";
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
