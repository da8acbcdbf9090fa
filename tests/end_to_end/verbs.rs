//! Each verb as a person uses it.

use crate::support::{Service, printed, rows, rows_of, run, said, tiepoint};
use std::fmt::Write;
use std::path::Path;

const TRACK: &str = "path,lat,lon,altitude,captured_at\n\
    r/1.jpg,0.0100000,0.0100000,5,2024-05-18T10:00:00Z\n\
    r/2.jpg,0.0100000,0.0100900,5,2024-05-18T10:00:01Z\n\
    r/3.jpg,0.0100000,0.0101800,5,2024-05-18T10:00:02Z\n";

/// The columns of a table's first line.
fn header(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned()
}

#[test]
fn tiles_of_a_coordinate_and_of_photos() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("track.csv"), TRACK).unwrap();
    let print = |arguments: &[&str]| printed(&run(tiepoint(folder.path()).arg("tiles").args(arguments), 0));
    assert_eq!(print(&["--lon", "-0.0754", "--lat", "51.5055"]), "14/8188/5448\n");
    assert_eq!(print(&["--lon", "180", "--lat", "0"]), "14/0/8192\n");
    assert_eq!(print(&["track.csv"]), "14/8192/8191\n");
    assert_eq!(print(&["track.csv", "--mid"]), "14/8192/8191\n");
    let pole = run(tiepoint(folder.path()).args(["tiles", "--lon", "12", "--lat", "-89"]), 0);
    assert_eq!(printed(&pole), "14/8738/16383\n");
    assert!(said(&pole).contains("85.05"), "clamping is said");
    run(tiepoint(folder.path()).args(["tiles", "track.csv", "-o", "tiles.geojson"]), 0);
    let drawn: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("tiles.geojson")).unwrap()).unwrap();
    assert_eq!(drawn["features"][0]["properties"]["tile"], "14/8192/8191");
}

#[test]
fn scan_writes_what_match_reads() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("track.csv"), TRACK).unwrap();
    let mut entities = String::new();
    for k in 0..3 {
        let entity = serde_json::json!({
            "id": format!("26858300993768{k}42"), "sequence": "QztYSJSr-EanBuImZ1ClSw", "altitude": 5.0,
            "captured_at": 1_716_026_400_000_i64 + k * 1000,
            "geometry": {"type": "Point", "coordinates": [0.01 + k as f64 * 9e-5, 0.01]},
        });
        writeln!(entities, "{entity}").unwrap();
    }
    std::fs::write(folder.path().join("remote.jsonl"), entities).unwrap();
    run(tiepoint(folder.path()).args(["scan", "track.csv", "-o", "scan.csv"]), 0);
    let files = ["--local", "scan.csv", "--remote", "remote.jsonl"];
    let printed = run(tiepoint(folder.path()).arg("match").args(files), 0);
    let matched = rows_of(&printed.stdout);
    let ids: Vec<_> = matched.iter().map(|row| row["image_id"].as_str()).collect();
    assert_eq!(ids, ["26858300993768042", "26858300993768142", "26858300993768242"], "{matched:?}");
    run(tiepoint(folder.path()).arg("match").args(files).args(["--out", "ties"]), 0);
    assert_eq!(
        header(&folder.path().join("ties/matches.csv")),
        "path,local_sequence,status,reason,image_id,sequence_id,probability,candidates,candidate_probabilities,\
         also_published_as,route,captured_at,longitude,latitude,altitude_m,remote_captured_at,remote_longitude,\
         remote_latitude,time_delta_ms,clock_offset_ms,distance_m,altitude_delta_m,heading_delta_deg,computed_longitude,\
         computed_latitude,shift_m,shift_bearing_deg,cluster_id,url,note"
    );
    assert_eq!(
        header(&folder.path().join("ties/sequences.csv")),
        "local_sequence,images,matched,ambiguous,unmatched,rejected,verdict,sequence_ids,clock_offset_ms,clock_kind,\
         drift_ppm,first_captured_at,last_captured_at,tiles,median_shift_m,max_shift_m,cluster_id,stage,error_code,note"
    );
    let summary: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("ties/summary.json")).unwrap()).unwrap();
    for key in ["version", "settings", "counts", "requests", "bytes", "cache", "timings_s", "files_ignored"] {
        assert!(summary.get(key).is_some(), "{key} is missing in {summary}");
    }
    let naive = run(tiepoint(folder.path()).arg("match").args(files).args(["--method", "naive"]), 0);
    assert_eq!(rows_of(&naive.stdout).iter().filter(|row| row["status"] == "matched").count(), 3);
}

#[test]
fn reconcile_asks_little_once_and_repeats_itself_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let archive = ["simulate", "archive", "--photos", "300", "--seed", "5", "--out", "city"];
    run(tiepoint(folder.path()).args(archive), 0);
    let entities = mapillary_simulator::read_entities_file(&folder.path().join("city/remote.jsonl")).unwrap();
    let service = Service::start(entities);
    let reconcile = |out: &str, more: &[&str]| {
        let mut command = tiepoint(folder.path());
        command.args(["reconcile", "city/photos", "--out", out, "--progress", "none"]).args(more);
        service.serve(&mut command);
        run(&mut command, 0);
        let read = |name: &str| std::fs::read(folder.path().join(out).join(name)).unwrap();
        ["matches.csv", "sequences.csv", "shifts.csv", "matches.geojson"].map(read)
    };
    let first = reconcile("first", &["--threads", "1"]);
    let asked = service.n_requests();
    assert!((1..=40).contains(&asked), "{asked} requests for 300 photos");
    assert!(first == reconcile("second", &["--threads", "8"]), "a second run with more threads differs");
    assert_eq!(service.n_requests(), asked, "a second run asks nothing");
    assert!(first == reconcile("third", &["--offline"]), "an offline run differs");
    assert_eq!(service.n_requests(), asked, "an offline run asks nothing");
    let rows = rows(&folder.path().join("first/matches.csv"));
    let paths: std::collections::BTreeSet<_> = rows.iter().map(|row| &row["path"]).collect();
    assert_eq!(paths.len(), rows.len(), "every file once");
    assert!(rows.iter().all(|row| row["path"].starts_with("city/photos/")), "paths as typed");
    assert!(folder.path().join("first/report.html").exists());
}

#[test]
fn coverage_decodes_what_the_service_gives() {
    let folder = tempfile::tempdir().unwrap();
    let entity = |k: i64| {
        serde_json::json!({
            "id": (498_763_468_214_164 + k).to_string(), "sequence": "QztYSJSr-EanBuImZ1ClSw",
            "captured_at": 1_716_026_400_000_i64 + k,
            "geometry": {"type": "Point", "coordinates": [0.01 + k as f64 * 1e-3, 0.01]},
        })
    };
    let service = Service::start(vec![entity(0), entity(1)]);
    for reader in ["tiepoint", "mvt-reader"] {
        let mut command = tiepoint(folder.path());
        command.args(["coverage", "14/8192/8191", "--reader", reader]);
        service.serve(&mut command);
        let rows = rows_of(&run(&mut command, 0).stdout);
        let image = rows.iter().find(|row| row["layer"] == "image").expect("the image is there");
        assert_eq!(image["image_id"], "498763468214164");
        assert_eq!(image["captured_at"], "2024-05-18T10:00:00.000Z");
        assert!(rows.iter().any(|row| row["layer"] == "sequence"), "{rows:?}");
    }
    assert_eq!(service.n_requests(), 1, "the second decode comes from the cache");
}

#[test]
fn every_verb_has_help_with_examples() {
    let folder = tempfile::tempdir().unwrap();
    let verbs: [&[&str]; 11] = [
        &["reconcile"],
        &["scan"],
        &["tiles"],
        &["coverage"],
        &["match"],
        &["verify"],
        &["annotate"],
        &["track"],
        &["simulate", "archive"],
        &["simulate", "serve"],
        &["demo"],
    ];
    for verb in verbs {
        let help = printed(&run(tiepoint(folder.path()).args(verb).arg("--help"), 0));
        assert!(help.contains("Examples:"), "{verb:?}");
    }
}

#[test]
fn the_plan_foretells_what_reconcile_asks_and_the_cache_is_told() {
    let folder = tempfile::tempdir().unwrap();
    run(tiepoint(folder.path()).args(["simulate", "archive", "--photos", "400", "--seed", "9", "--out", "city"]), 0);
    let service =
        Service::start(mapillary_simulator::read_entities_file(&folder.path().join("city/remote.jsonl")).unwrap());
    let command = |arguments: &[&str]| {
        let mut command = tiepoint(folder.path());
        command.args(arguments).args(["--progress", "none"]);
        service.serve(&mut command);
        command
    };
    let requests = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("requests in all")).unwrap().to_owned();
        line.split_whitespace().nth(3).unwrap().parse::<usize>().unwrap()
    };
    let plan = printed(&run(&mut command(&["plan", "city/photos"]), 0));
    assert_eq!(service.n_requests(), 0, "a plan fetches nothing");
    run(&mut command(&["reconcile", "city/photos"]), 0);
    let (planned, sent) = (requests(&plan), service.n_requests());
    assert!(planned.abs_diff(sent) * 10 <= sent.max(10), "planned {planned}, sent {sent}\n{plan}");
    let again = printed(&run(&mut command(&["plan", "city/photos"]), 0));
    assert_eq!(requests(&again), 0, "{again}");
    assert!(!again.contains("requests in all                      0 (about)"), "what is known is not guessed: {again}");
    let info = printed(&run(&mut command(&["cache", "info"]), 0));
    assert!(info.contains("tile") && info.contains("images"), "{info}");
    assert!(printed(&run(&mut command(&["cache", "verify"]), 0)).contains("all sound"));
    run(&mut command(&["cache", "clear"]), 0);
    let emptied = printed(&run(&mut command(&["plan", "city/photos"]), 0));
    assert_eq!(requests(&emptied), planned, "{emptied}");
}

#[test]
fn the_doctor_spends_one_request_and_explains_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(Vec::new());
    let mut sound = tiepoint(folder.path());
    service.serve(sound.arg("doctor"));
    assert!(printed(&run(&mut sound, 0)).contains("token   works"));
    assert_eq!(service.n_requests(), 1);
    let mut refused = tiepoint(folder.path());
    service.serve(refused.arg("doctor"));
    let told = said(&run(refused.env("MAPILLARY_ACCESS_TOKEN", "MLY|1|short"), 14));
    assert!(told.contains("token") && !told.contains("short"), "{told}");
}

#[test]
fn a_fifth_of_faulty_answers_changes_no_byte_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    run(tiepoint(folder.path()).args(["simulate", "archive", "--photos", "300", "--seed", "4", "--out", "city"]), 0);
    let entities = mapillary_simulator::read_entities_file(&folder.path().join("city/remote.jsonl")).unwrap();
    let report = |faults: &str, cache: &str| {
        let settings = mapillary_simulator::SimulatorSettings { faults: faults.parse().unwrap(), ..Default::default() };
        let service = Service::with(entities.clone(), settings);
        let mut command = tiepoint(folder.path());
        command.args(["reconcile", "city/photos", "--out", cache, "--cache-dir", cache, "--progress", "none"]);
        service.serve(&mut command);
        run(&mut command, 0);
        std::fs::read(folder.path().join(cache).join("matches.csv")).unwrap()
    };
    let sound = report("", "sound");
    for seed in 1..=4 {
        let faults = format!("500:0.04,502:0.03,envelope:0.03,html:0.03,cut:0.03,reset:0.02,404:0.02,seed={seed}");
        assert!(sound == report(&faults, &format!("faulty{seed}")), "seed {seed}");
    }
}

#[test]
fn a_shell_and_man_learn_the_verbs() {
    let folder = tempfile::tempdir().unwrap();
    let print = |arguments: &[&str]| printed(&run(tiepoint(folder.path()).args(arguments), 0));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = print(&["completions", shell]);
        assert!(script.contains("reconcile") && script.contains("clock-offset"), "{shell}: {script}");
    }
    assert!(print(&["man"]).contains(".TH tiepoint 1"));
    assert!(print(&["man", "cache", "clear"]).contains(".TH tiepoint-cache-clear 1"));
    assert!(said(&run(tiepoint(folder.path()).args(["man", "nobody"]), 2)).contains("no verb \"nobody\""));
    run(tiepoint(folder.path()).args(["man", "--out", "pages"]), 0);
    assert!(folder.path().join("pages/tiepoint-simulate-archive.1").exists());
}

#[cfg(unix)]
#[test]
fn a_device_takes_a_table_where_it_stands_and_a_missing_folder_is_told_first() {
    use std::os::unix::fs::FileTypeExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("track.csv"), "path,lat,lon\na.jpg,49.0,8.4\nb.jpg,49.0,8.4001\n").unwrap();
    let scan = |output: &str, code| run(tiepoint(folder.path()).args(["scan", "track.csv", "-o", output]), code);
    scan("/dev/null", 0);
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device(), "nothing was renamed over it");
    assert_eq!(scan("/dev/stdout", 0).stdout, scan("-", 0).stdout);
    scan("track.geojson", 0);
    let drawn: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("track.geojson")).unwrap()).unwrap();
    assert_eq!(drawn["features"][1]["geometry"]["coordinates"], serde_json::json!([8.4001, 49]));
    assert!(said(&scan("none/track.csv", 1)).contains("none"));
    scan("track.txt", 2);
    let missing = ["match", "--local", "none.csv", "--remote", "none.jsonl", "-o", "none/matches.csv"];
    assert!(
        said(&run(tiepoint(folder.path()).args(missing), 1)).contains("none/matches.csv"),
        "before anything is read"
    );
}
