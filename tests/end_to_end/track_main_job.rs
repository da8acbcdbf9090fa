//! The main job with the tracker: verdicts by uploads, evidence for what no tile shows, what is safe to delete.

use crate::support::{Service, rows, run, said, tiepoint};
use crate::track::{FEED_TOKEN, KEY, OTHER_KEY, RIDE_MS, asked, command, item, photos, ride, service, with_feed};
use serde_json::{Value, json};
use std::path::Path;

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
    std::fs::write(folder.path().join("mine.csv"), "path,cluster_id\nr6/0.jpg,6\nelsewhere/r6/0.jpg,7\n").unwrap();
    let main = ["reconcile", "photos.csv", "--user", "anna", "--route", "tiles", "--track", "--clusters", "mine.csv"];
    let told = said(&run(&mut with_feed(folder.path(), &service, &main), 0));
    assert!(told.contains("1 of 2 rows") && told.contains("\"elsewhere/r6/0.jpg\" (cluster 7)"), "{told}");
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
fn photos_that_cannot_be_published_are_waited_for_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let anna = json!({"uploads": [item(5, ["FINISHED"; 4], &json!({"item_count": 5, "image_id": "100"}))]});
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &anna, "");
    photos(folder.path(), &[(5, 0.01)]);
    let table = folder.path().join("photos.csv");
    let text = std::fs::read_to_string(&table).unwrap() + "odd/1.jpg,,,,2024-05-18T10:00:00Z,\nodd/2.jpg,0,0,,,\n";
    std::fs::write(&table, text).unwrap();
    let main = ["reconcile", "photos.csv", "--user", "anna", "--out", "ties", "--track", "--watch", "--timeout", "9s"];
    run(with_feed(folder.path(), &service, &main).args(["--fail-on", "unpublished"]), 0);
    let again = ["reconcile", "photos.csv", "--out", "ties", "--fail-on", "unpublished"];
    run(&mut command(folder.path(), &service, &again), 0);
}

#[test]
fn the_rest_of_a_ride_that_went_with_an_upload_that_failed_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let entities: Vec<Value> = ride(KEY, 100, RIDE_MS, 0.01).into_iter().take(3).collect();
    let anna = json!({"uploads": [
        item(5, ["FINISHED"; 4], &json!({"item_count": 3, "image_id": "100"})),
        item(6, ["IN_PROGRESS", "FAILED", "UNSET", "UNSET"], &json!({"error_code": "CORRUPT"})),
    ]});
    let service = service(entities, &anna, "");
    photos(folder.path(), &[(5, 0.01)]);
    let table = folder.path().join("photos.csv");
    let text = std::fs::read_to_string(&table).unwrap();
    let with_another = |line: &str| match line.strip_suffix(",5") {
        Some(rest) if line.contains("/3.jpg") || line.contains("/4.jpg") => format!("{rest},6\n"),
        _ => format!("{line}\n"),
    };
    std::fs::write(&table, text.lines().map(with_another).collect::<String>()).unwrap();
    let main = ["reconcile", "photos.csv", "--user", "anna", "--route", "tiles", "--out", "ties", "--track"];
    run(&mut with_feed(folder.path(), &service, &main), 0);
    let reasons: Vec<String> =
        rows(&folder.path().join("ties/matches.csv")).iter().map(|row| row["reason"].clone()).collect();
    assert_eq!(&reasons[3..], ["failed_on_server"; 2], "{reasons:?}");
}
