//! Care of a watch: one limit for both services, nothing asked twice over kills, a feed that is paused.

use crate::support::{Service, rows, rows_of, run, said, tiepoint};
use crate::track::{KEY, OTHER_KEY, RIDE_MS, asked, command, item, ride, service, with_feed, write_history};
use serde_json::json;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Waits until something is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A child that does not outlive the test.
struct Watching(Child);

impl Watching {
    fn begin(mut command: Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Watching {
    /// As kill -9 does.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a file is a watch's memory, and not one that is being written.
fn is_watch(name: &str) -> bool {
    name.starts_with("watch-") && !name.contains(".part")
}

/// Whether a watch remembers a word.
fn remembers(folder: &Path, word: &str) -> bool {
    remembers_often(folder, word, 1)
}

fn remembers_often(folder: &Path, word: &str, times: usize) -> bool {
    let files = std::fs::read_dir(folder.join("cache/tracker")).into_iter().flatten().flatten();
    let mut watches = files.filter(|file| is_watch(&file.file_name().to_string_lossy()));
    watches.any(|file| std::fs::read_to_string(file.path()).is_ok_and(|text| text.matches(word).count() >= times))
}

fn asked_for(service: &Service, endpoint: &str, part: &str) -> usize {
    let requests = service.simulator().requests();
    requests.iter().filter(|request| request.endpoint == endpoint && request.query.contains(part)).count()
}

#[test]
fn one_limit_of_requests_holds_for_the_feed_and_the_documented_api_together() {
    let folder = tempfile::tempdir().unwrap();
    let upload = item(5, ["FINISHED"; 4], &json!({"item_count": 5, "image_id": "100"}));
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &json!({"uploads": [upload]}), "");
    let track = |limit: &str, code| {
        let before = service.n_requests();
        let cache = format!("limit-{limit}");
        let more = ["track", "--user", "me", "--cluster", "5", "--max-requests", limit, "--cache-dir", &cache];
        run(&mut with_feed(folder.path(), &service, &more), code);
        service.n_requests() - before
    };
    let whole = track("100", 0);
    assert!(whole >= 6 && asked(&service, "graphql") == 2, "who, two of the feed, image, ids, tile: {whole}");
    for limit in 0..whole {
        assert_eq!(track(&limit.to_string(), 25), limit, "no more than the limit, over both services");
    }
    assert_eq!(track(&whole.to_string(), 0), whole);
}

#[test]
fn a_killed_watch_of_the_tokens_owner_asks_once_who_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let upload = item(5, ["IN_PROGRESS", "IN_PROGRESS", "UNSET", "UNSET"], &json!({}));
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &json!({"uploads": [upload]}), "");
    let watch = ["track", "--user", "me", "--cluster", "5", "--watch", "-o", "uploads.csv"];
    for least in [3, 8, 14] {
        let watching = Watching::begin(with_feed(folder.path(), &service, &watch));
        until("the feed is asked", || asked(&service, "graphql") >= least);
        drop(watching);
    }
    run(with_feed(folder.path(), &service, &watch).args(["--timeout", "0.1s"]), 22);
    assert_eq!(asked(&service, "me"), 1, "not in a further round, and not after a kill");
    // Another user's token gets no answer of this one, and a refresh asks anew.
    let other = "MLY|1234567890|fedcba9876543210fedcba9876543210";
    run(with_feed(folder.path(), &service, &watch[..5]).env("MAPILLARY_ACCESS_TOKEN", other), 0);
    assert_eq!(asked(&service, "me"), 2);
    run(with_feed(folder.path(), &service, &watch[..5]).env("MAPILLARY_ACCESS_TOKEN", other).arg("--refresh"), 0);
    assert_eq!(asked(&service, "me"), 3);
    let text = std::fs::read_to_string(folder.path().join("cache/tracker/owner.json")).unwrap();
    assert!(text.contains("anna") && !text.contains("fedcba98"), "{text}");
}

#[test]
fn a_restored_watch_knows_what_was_settled_and_asks_nothing_of_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let entities = [ride(KEY, 100, RIDE_MS, 0.01), ride(OTHER_KEY, 200, RIDE_MS, 0.02)].concat();
    write_history(folder.path(), 0.01, 5);
    write_history(folder.path(), 0.02, 6);
    for has_feed in [false, true] {
        std::fs::remove_dir_all(folder.path().join("cache")).unwrap_or(());
        let uploads = [(5, "100"), (6, "200")]
            .map(|(cluster, image)| item(cluster, ["FINISHED"; 4], &json!({"item_count": 4, "image_id": image})));
        let anna = json!({"uploads": uploads, "in_tiles_from": {OTHER_KEY: 1_000}});
        let service = service(entities.clone(), &anna, "");
        let watch = |more: &[&str]| -> Command {
            let arguments = ["track", "--user", "anna", "--history", "history", "--watch", "-o", "uploads.csv"];
            let mut command = if has_feed { with_feed } else { command }(folder.path(), &service, &arguments);
            command.args(more);
            command
        };
        let watching = Watching::begin(watch(&[]));
        until("the first upload is settled", || remembers(folder.path(), "\"state\": \"in_tiles\""));
        until("a further round began", || asked_for(&service, "image_ids", OTHER_KEY) >= 2);
        drop(watching);
        let counted = asked_for(&service, "image_ids", KEY);
        assert_eq!(counted, 1, "what is settled is not asked for in a further round");
        run(&mut watch(&["--timeout", "0.4s"]), 22);
        assert_eq!(asked_for(&service, "image_ids", KEY), counted, "nor after a kill");
        let told = rows(&folder.path().join("uploads.csv"));
        let settled = told.iter().find(|row| row["cluster_id"] == "5").unwrap();
        assert_eq!((settled["stage"].as_str(), settled["sequence_id"].as_str()), ("in_tiles", KEY));
        assert_eq!(settled["note"].contains("4 in the feed, 5 readable"), has_feed, "{settled:?}");
    }
}

#[test]
fn with_a_feed_token_the_default_history_is_searched_by_name_beside_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    write_history(folder.path(), 0.01, 5);
    write_history(folder.path(), 0.02, 6);
    let home = folder.path().join(".local/share/mapillary_tools");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::rename(folder.path().join("history"), home.join("upload_history")).unwrap();
    // Upload 5 lies on the third page, behind more than are listed; upload 6 is nowhere.
    let mut uploads: Vec<_> = (0..120).map(|k| item(1_000 + k, ["FINISHED"; 4], &json!({}))).collect();
    uploads.push(item(5, ["IN_PROGRESS", "IN_PROGRESS", "UNSET", "UNSET"], &json!({})));
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &json!({"uploads": uploads}), "");
    let list = ["track", "--user", "anna", "--most", "30", "-o", "-"];
    let told = rows_of(&run(&mut with_feed(folder.path(), &service, &list), 0).stdout);
    assert_eq!(told.len(), 32, "thirty of the newest and two of the history");
    let of = |cluster: &str| told.iter().find(|row| row["cluster_id"] == cluster).unwrap();
    assert_eq!((of("5")["status"].as_str(), of("5")["local_sequence"].as_str()), ("in_progress", "/rides/5"));
    assert_eq!(of("5")["stage"], "in_tiles", "its photos are there already, whatever the feed says");
    assert_eq!((of("6")["status"].as_str(), of("6")["local_sequence"].as_str()), ("not_found", "/rides/6"));
    let alone = [&list[..], &["--history", "none"]].concat();
    let told = rows_of(&run(&mut with_feed(folder.path(), &service, &alone), 0).stdout);
    assert_eq!(told.len(), 30, "without a history the newest alone");
}

#[test]
fn while_the_feed_is_paused_a_watch_goes_on_by_documented_calls() {
    let folder = tempfile::tempdir().unwrap();
    let upload = item(5, ["IN_PROGRESS", "FINISHED", "FINISHED", "IN_PROGRESS"], &json!({"image_id": "100"}));
    let anna = json!({"uploads": [upload], "in_tiles_from": {KEY: 1_000_000}});
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &anna, "");
    let watch = ["track", "--user", "anna", "--cluster", "5", "--watch", "-o", "uploads.csv"];
    let watching = Watching::begin(with_feed(folder.path(), &service, &watch));
    until("the upload is known", || remembers(folder.path(), "\"100\""));
    drop(watching);
    // As after "too many requests": hours in which nothing is asked of the feed.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let until_ms = now.as_millis() + 3_600_000;
    let care = json!({"paused_until_ms": until_ms as u64, "page_size": 0, "page_size_since_ms": 0});
    std::fs::write(folder.path().join("cache/tracker/feed.json"), care.to_string()).unwrap();
    let before = (asked(&service, "graphql"), asked(&service, "tiles"));
    let mut watching = Watching::begin(with_feed(folder.path(), &service, &watch));
    until("the tile is read again", || asked(&service, "tiles") >= before.1 + 3);
    (0..1_000_000).for_each(|_| service.simulator().next_round());
    assert_eq!(watching.0.wait().unwrap().code(), Some(0), "the tiles show it");
    assert_eq!(asked(&service, "graphql"), before.0, "a pause is a pause");
    let row = &rows(&folder.path().join("uploads.csv"))[0];
    assert_eq!((row["stage"].as_str(), row["sequence_id"].as_str()), ("in_tiles", KEY));
    assert!(row["note"].contains("status unknown") && row["note"].contains("pause"), "{row:?}");

    // Paused from the first question on, with the history at hand.
    write_history(folder.path(), 0.01, 5);
    let service = self::service(ride(KEY, 100, RIDE_MS, 0.01), &json!({"uploads": []}), "1675004@graphql:1");
    let watch = ["track", "--user", "anna", "--history", "history", "--watch", "-o", "-", "--cache-dir", "other"];
    let told = run(&mut with_feed(folder.path(), &service, &watch), 0);
    assert_eq!(rows_of(&told.stdout)[0]["stage"], "in_tiles", "{}", said(&told));
}

/// A service whose web app asks otherwise than it did in 2023: by numbers, and by a text of its own.
#[test]
fn questions_of_the_feed_are_replaced_by_files_as_text_or_as_number() {
    let folder = tempfile::tempdir().unwrap();
    let text = "query getLatestActivity($id: ID!, $first: Int, $after: ID) {\n  its own }";
    let uploads: Vec<_> = (0..60).map(|k| item(1_000 + k, ["FINISHED"; 4], &json!({}))).collect();
    let feeds = json!({"users": [{"id": "7", "username": "anna", "uploads": uploads}], "largest_page": 20,
        "documents": {"getLatestActivity": text, "getNewSequences": "gone", "getData": "gone"}, "doc_ids": {"4242": "getNewSequences"}});
    let settings = mapillary_simulator::SimulatorSettings {
        feeds: Some(serde_json::from_value(feeds).unwrap()),
        ..mapillary_simulator::SimulatorSettings::default()
    };
    let service = Service::with(ride(KEY, 100, RIDE_MS, 0.01), settings);
    let list = ["track", "--user", "anna", "-o", "-", "--history", "none"];
    let built_in = run(&mut with_feed(folder.path(), &service, &list), 0);
    assert!(
        said(&built_in).contains("status unknown") && said(&built_in).contains("--feed-queries"),
        "{}",
        said(&built_in)
    );
    assert_eq!(rows_of(&built_in.stdout).len(), 0);

    std::fs::create_dir(folder.path().join("queries")).unwrap();
    std::fs::write(folder.path().join("queries/getLatestActivity.graphql"), format!("{text}\n")).unwrap();
    std::fs::write(folder.path().join("queries/getNewSequences.doc_id"), "4242\n").unwrap();
    let mut by_flag = with_feed(folder.path(), &service, &list);
    let told = run(by_flag.args(["--feed-queries", "queries", "--refresh"]), 0);
    assert_eq!(rows_of(&told.stdout).len(), 60, "{}", said(&told));
    let of_pages: Vec<String> = service.simulator().requests().into_iter().map(|request| request.query).collect();
    assert!(of_pages.iter().any(|query| query.contains("doc_id=4242")));
    let sizes: Vec<u32> = of_pages
        .iter()
        .filter_map(|query| query.split("\"first\":").nth(1)?.split([',', '}']).next()?.parse().ok())
        .collect();
    assert!(sizes.ends_with(&[12, 12, 12, 12, 12]), "50, 25 and then 12 at a time: {sizes:?}");
    let by_variable = run(with_feed(folder.path(), &service, &list).env("TIEPOINT_FEED_QUERIES", "queries"), 0);
    assert_eq!(rows_of(&by_variable.stdout).len(), 60);
    run(with_feed(folder.path(), &service, &list).args(["--feed-queries", "none"]), 3);
}

#[test]
fn a_watch_of_the_main_job_ends_with_twenty_three_when_an_upload_failed() {
    let folder = tempfile::tempdir().unwrap();
    let fails = json!({"after": 2, "set": {"initial_processing_status": "FAILED", "error_code": "CORRUPT"}});
    let upload = item(6, ["IN_PROGRESS", "IN_PROGRESS", "UNSET", "UNSET"], &json!({"steps": [fails]}));
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &json!({"uploads": [upload]}), "");
    crate::track::photos(folder.path(), &[(5, 0.01), (6, 0.02)]);
    let main = ["reconcile", "photos.csv", "--user", "anna", "--out", "ties", "--track", "--watch"];
    run(&mut with_feed(folder.path(), &service, &main), 23);
    let matched = rows(&folder.path().join("ties/matches.csv"));
    let count = |reason: &str| matched.iter().filter(|row| row["reason"] == reason).count();
    assert_eq!((count("exact"), count("failed_on_server")), (5, 5), "{matched:?}");
    // Without a user and without a feed the tiles still tell of what is tied.
    let bare = ["reconcile", "photos.csv", "--out", "bare", "--track", "--cache-dir", "bare-cache"];
    run(&mut command(folder.path(), &service, &bare), 0);
    let stages: Vec<String> =
        rows(&folder.path().join("bare/sequences.csv")).into_iter().map(|row| row["stage"].clone()).collect();
    assert_eq!(stages, ["in_tiles", ""]);
}

#[test]
fn a_killed_watch_of_the_main_job_keeps_what_was_settled() {
    let folder = tempfile::tempdir().unwrap();
    let entities = [ride(KEY, 100, RIDE_MS, 0.01), ride(OTHER_KEY, 200, RIDE_MS, 0.02)].concat();
    let finished = json!({"after": 2, "set": {"status": "FINISHED", "initial_processing_status": "FINISHED",
        "anonymization_status": "FINISHED", "tiler_status": "FINISHED", "item_count": 5, "image_id": "200"}});
    let begun = ["IN_PROGRESS", "IN_PROGRESS", "UNSET", "UNSET"];
    let uploads = [item(6, begun, &json!({"steps": [finished]})), item(8, begun, &json!({}))];
    let anna = json!({"uploads": uploads, "readable_from": {OTHER_KEY: 2}, "in_tiles_from": {OTHER_KEY: 3}});
    let service = service(entities, &anna, "");
    crate::track::photos(folder.path(), &[(5, 0.01), (6, 0.02), (8, 0.03)]);
    let main = ["reconcile", "photos.csv", "--user", "anna", "--route", "tiles", "--out", "ties", "--track", "--watch"];
    let watching = Watching::begin(with_feed(folder.path(), &service, &main));
    // The first ride's upload is settled by its photos, the second's by the feed and the tiles.
    until("both are settled", || remembers_often(folder.path(), "\"state\": \"in_tiles\"", 2));
    let rounds = asked_for(&service, "graphql", "getLatestActivity");
    until("further rounds began", || asked_for(&service, "graphql", "getLatestActivity") >= rounds + 2);
    drop(watching);
    let counted = asked_for(&service, "images_by_id", "200") + asked_for(&service, "image_ids", OTHER_KEY);
    assert!(counted > 0, "it was asked for while it was open");
    run(with_feed(folder.path(), &service, &main).args(["--timeout", "0.5s"]), 22);
    let again = asked_for(&service, "images_by_id", "200") + asked_for(&service, "image_ids", OTHER_KEY);
    assert_eq!(again, counted, "what is settled is not asked for after a kill");
    let matched = rows(&folder.path().join("ties/matches.csv"));
    let of = |reason: &str| matched.iter().filter(|row| row["reason"] == reason).count();
    assert_eq!((of("exact"), of("processing")), (10, 5), "{matched:?}");
    let uploads = rows(&folder.path().join("ties/uploads.csv"));
    let stages: Vec<_> = uploads.iter().map(|row| (row["cluster_id"].as_str(), row["stage"].as_str())).collect();
    assert_eq!(stages, [("5", "in_tiles"), ("6", "in_tiles"), ("8", "image_processing")]);
}

/// Two rides that went with one upload.
fn two_rides_of_one_upload(folder: &Path) {
    crate::track::photos(folder, &[(5, 0.01), (6, 0.02)]);
    let table = std::fs::read_to_string(folder.join("photos.csv")).unwrap();
    std::fs::write(folder.join("photos.csv"), table.replace("Z,6\n", "Z,5\n")).unwrap();
}

#[test]
fn a_watch_of_the_main_job_waits_for_a_ride_of_which_no_photo_is_published() {
    let folder = tempfile::tempdir().unwrap();
    two_rides_of_one_upload(folder.path());
    let service = service(ride(KEY, 100, RIDE_MS, 0.01), &json!({"uploads": []}), "");
    let main =
        ["reconcile", "photos.csv", "--out", "ties", "--track", "--watch", "--until", "tiles", "--timeout", "1s"];
    run(&mut command(folder.path(), &service, &main), 22);
    let of_rides = rows(&folder.path().join("ties/sequences.csv"));
    let told: Vec<_> = of_rides.iter().map(|row| (row["verdict"].as_str(), row["stage"].as_str())).collect();
    assert_eq!(told, [("published", "in_tiles"), ("not_found", "")]);
    assert!(of_rides[1]["note"].contains("1 of its 2 rides"), "{:?}", of_rides[1]);
    let upload = &rows(&folder.path().join("ties/uploads.csv"))[0];
    assert_eq!((upload["cluster_id"].as_str(), upload["stage"].as_str()), ("5", ""));
    assert!(upload["note"].contains("1 of its 2 rides"), "{upload:?}");
}

#[test]
fn a_ride_of_which_the_service_dropped_a_photo_is_settled_and_its_counts_are_told() {
    let folder = tempfile::tempdir().unwrap();
    two_rides_of_one_upload(folder.path());
    let mut entities = [ride(KEY, 100, RIDE_MS, 0.01), ride(OTHER_KEY, 200, RIDE_MS, 0.02)].concat();
    entities.remove(7);
    let service = service(entities, &json!({"uploads": []}), "");
    let main =
        ["reconcile", "photos.csv", "--out", "ties", "--track", "--watch", "--until", "tiles", "--timeout", "9s"];
    run(&mut command(folder.path(), &service, &main), 0);
    let upload = &rows(&folder.path().join("ties/uploads.csv"))[0];
    assert_eq!(upload["stage"], "in_tiles");
    assert!(upload["note"].contains("image counts differ: 9 readable, 10 sent"), "{upload:?}");
}

/// Watches that a cache remembers.
fn n_watches(cache: &Path) -> usize {
    let files = std::fs::read_dir(cache.join("tracker")).into_iter().flatten().flatten();
    files.filter(|file| is_watch(&file.file_name().to_string_lossy())).count()
}

#[test]
fn folders_that_share_a_cache_have_a_watch_each() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let cache = folders[0].path().join("cache");
    let service = service(Vec::new(), &json!({"uploads": []}), "");
    let watch = |folder: &tempfile::TempDir, timeout: &str| {
        crate::track::photos(folder.path(), &[(5, 0.01)]);
        let main = ["reconcile", "photos.csv", "--out", "ties", "--track", "--watch", "--timeout", timeout];
        let mut command = command(folder.path(), &service, &main);
        command.arg("--cache-dir").arg(&cache);
        command
    };
    for (n_others, folder) in folders.iter().enumerate() {
        let watching = Watching::begin(watch(folder, "1h"));
        until("it is remembered", || n_watches(&cache) == n_others + 1);
        until("the report is there", || folder.path().join("ties/summary.json").exists());
        drop(watching);
    }
    // The report is there now, and the watch is still the same.
    run(&mut watch(&folders[0], "0.1s"), 22);
    assert_eq!(n_watches(&cache), 1, "the first has come to its end, the other is still remembered");
}

#[test]
fn a_watch_is_of_one_user_whatever_they_are_called_and_of_one_feed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let service = service(Vec::new(), &json!({"uploads": []}), "");
    let watch = |user| ["track", "--user", user, "--cluster", "5", "--watch", "-o", "-"];
    let begin = |command: Command, n_remembered: usize| {
        let watching = Watching::begin(command);
        until("it is remembered", || n_watches(&cache) == n_remembered);
        drop(watching);
    };
    begin(command(folder.path(), &service, &watch("me")), 1);
    begin(with_feed(folder.path(), &service, &watch("me")), 2);
    run(command(folder.path(), &service, &watch("anna")).args(["--timeout", "0.1s"]), 22);
    assert_eq!(n_watches(&cache), 1, "`me` is anna");
    run(tiepoint(folder.path()).args(["cache", "clear"]), 0);
    assert_eq!(n_watches(&cache), 0);
}
