//! How runs end before their time: each code of the contract, what is said, what is left on the disk, and that the same
//! command goes on from there.

use crate::support::{Service, TOKEN, printed, rows, run, said, tiepoint};
use mapillary_simulator::SimulatorSettings;
use response_store::ResponseStore;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Rides of four photos, each in a tile of its own and published as one sequence: the table and the entities.
fn rides(n_rides: i64) -> (String, Vec<Value>) {
    let (mut table, mut entities) = ("path,lat,lon,altitude,captured_at\n".to_owned(), Vec::new());
    for ride in 0..n_rides {
        for photo in 0..4 {
            let lon = ride as f64 * 360.0 / 16_384.0 + 0.01 + photo as f64 * 9e-5;
            let ms = 1_716_026_400_000 + ride * 3_600_000 + photo * 1_000;
            let time = chrono::DateTime::from_timestamp_millis(ms).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ");
            writeln!(table, "ride{ride:03}/{photo}.jpg,0.0100000,{lon:.7},12,{time}").unwrap();
            entities.push(json!({
                "id": (400_000_000_000_000 + ride * 10 + photo).to_string(), "sequence": format!("ride-{ride:03}"),
                "captured_at": ms, "altitude": 12.0, "geometry": {"type": "Point", "coordinates": [lon, 0.01]},
            }));
        }
    }
    (table, entities)
}

struct World {
    folder: tempfile::TempDir,
    service: Service,
}

impl World {
    fn new(n_rides: i64, faults: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (table, entities) = rides(n_rides);
        std::fs::write(folder.path().join("photos.csv"), table).unwrap();
        let settings = SimulatorSettings { faults: faults.parse().unwrap(), ..SimulatorSettings::default() };
        Self { folder, service: Service::with(entities, settings) }
    }

    fn reconcile(&self, more: &[&str]) -> Command {
        let mut command = tiepoint(self.folder.path());
        command.args(["reconcile", "photos.csv", "--out", "ties", "--progress", "none"]).args(more);
        self.service.serve(&mut command);
        command
    }

    fn report(&self) -> Option<Vec<std::collections::BTreeMap<String, String>>> {
        let path = self.folder.path().join("ties/matches.csv");
        path.exists().then(|| rows(&path))
    }
}

/// Ends with the code and the words. Runs that end early leave no report; the others leave one in which each photo without
/// a partner is `lookup_failed`.
#[track_caller]
fn check(faults: &str, more: &[&str], code: i32, words: &[&str], leaves_report: bool) {
    let world = World::new(2, faults);
    let told = said(&run(&mut world.reconcile(more), code));
    for word in words {
        assert!(told.contains(word), "{faults}: {word:?} is missing in\n{told}");
    }
    let report = world.report();
    assert_eq!(report.is_some(), leaves_report, "{faults}: {told}");
    for row in report.iter().flatten().filter(|row| row["status"] == "unmatched") {
        assert_eq!(row["reason"], "lookup_failed", "{faults}: {row:?}");
    }
}

#[test]
fn a_service_that_fails_is_twelve() {
    check("502@tiles:1", &[], 12, &["14/8192/8191", "failed", "run the same command again"], true);
    check("reset@graph:1", &[], 12, &["images", "run the same command again"], true);
}

#[test]
fn silence_is_thirteen() {
    let patience = ["--silence", "0.1"];
    check("slow@tiles:1,pause_ms=5000", &patience, 13, &["did not answer in time", "run the same command again"], true);
    check("loris@graph:1,pause_ms=20", &patience, 13, &["slower than", "run the same command again"], true);
}

#[test]
fn nonsense_is_sixteen() {
    check("html@graph:1", &[], 16, &["something else", "<!DOCTYPE"], true);
    check("foreign@graph:1", &[], 16, &["image 99", "not asked for"], true);
    check("no_list@tiles:1", &[], 16, &["14/8192/8191"], true);
}

#[test]
fn a_block_is_seventeen_and_stops_at_once() {
    check("368:1", &[], 17, &["blocked", "sign in"], false);
    let world = World::new(40, "368:1");
    run(&mut world.reconcile(&[]), 17);
    assert!(world.service.n_requests() <= 4, "{} requests after the block", world.service.n_requests());
}

#[test]
fn throttling_without_end_and_spent_limits_are_twenty_five() {
    check("429:1,retry_after_s=0", &[], 25, &["fewer requests", "run the same command again"], false);
    check("login@tiles:1", &[], 25, &["login page"], false);
    check("429@graph:1,retry_after_s=7200", &[], 25, &["7200 s"], false);
    check("", &["--max-requests", "1"], 25, &["limit of 1 requests", "raise it"], false);
}

#[test]
fn a_spent_limit_goes_on_where_it_stopped() {
    let world = World::new(12, "502:2x");
    let mut sent = Vec::new();
    loop {
        let before = world.service.n_requests();
        let ended = world.reconcile(&["--max-requests", "4"]).output().unwrap();
        sent.push(world.service.n_requests() - before);
        match ended.status.code() {
            Some(25) => {}
            Some(0) => break,
            other => panic!("{other:?}: {}", said(&ended)),
        }
    }
    assert!(sent.iter().all(|&sent| sent <= 4), "tries count: {sent:?}");
    assert_eq!(sent.iter().sum::<usize>(), 12 + 1 + 2, "nothing is asked twice: {sent:?}");
}

/// Asks a process to stop as a terminal or a supervisor does.
fn signal(child: &std::process::Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn an_interrupt_lets_answers_come_home_and_is_one_hundred_and_thirty() {
    for name in ["INT", "TERM"] {
        let world = World::new(60, "slow:1,pause_ms=150");
        let mut child = world.reconcile(&[]).stderr(Stdio::piped()).spawn().unwrap();
        while world.service.n_requests() < 8 {
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(&child, name);
        let asked_at = Instant::now();
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), Some(130), "{name}");
        assert!(asked_at.elapsed() < Duration::from_secs(5), "{name}: {:?}", asked_at.elapsed());
        let mut told = String::new();
        std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut told).unwrap();
        assert!(told.contains("run the same command again"), "{told}");
        assert!(world.report().is_none() && !world.folder.path().join("ties/shifts.csv").exists(), "no half report");
        let asked = world.service.n_requests();
        let kept = ResponseStore::open(&world.folder.path().join("cache")).unwrap().answered().unwrap().len();
        assert_eq!(kept, asked, "{name}: what was under way came home and is kept");
        run(&mut world.reconcile(&[]), 0);
        assert_eq!(world.service.n_requests(), 60 + 3, "{name}: nothing is asked twice");
    }
}

/// Tiles may give ids as doubles, which end at 2^53: such an id is another image's, or nobody's.
#[test]
fn an_id_that_a_tile_gave_altered_is_confirmed_or_not_told() {
    const ODD: u64 = 10_000_000_000_000_001; // whole doubles are 2 apart there
    let long_ids = |mut entity: Value| {
        let id: u64 = entity["id"].as_str().unwrap().parse().unwrap();
        entity["id"] = (ODD + 2 * (id - 400_000_000_000_000)).to_string().into();
        entity
    };
    let folder = tempfile::tempdir().unwrap();
    let (table, entities) = rides(2);
    let entities: Vec<Value> = entities.into_iter().map(long_ids).collect();
    let true_ids: Vec<String> = entities.iter().map(|entity| entity["id"].as_str().unwrap().to_owned()).collect();
    std::fs::write(folder.path().join("photos.csv"), table).unwrap();
    let reconciled = |faults: &str, code: i32| {
        let settings = SimulatorSettings { faults: faults.parse().unwrap(), ..SimulatorSettings::default() };
        let service = Service::with(entities.clone(), settings);
        let mut command = tiepoint(folder.path());
        command.args(["reconcile", "photos.csv", "--out", "ties", "--progress", "none"]);
        service.serve(&mut command);
        run(command.env("TIEPOINT_CACHE_DIR", folder.path().join(faults)), code);
        rows(&folder.path().join("ties/matches.csv"))
    };
    let of = |rows: &[std::collections::BTreeMap<String, String>], column: &str| {
        rows.iter().map(|row| row[column].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(&reconciled("numbers=double", 0), "image_id"), true_ids, "the service confirms them");
    let unconfirmed = reconciled("numbers=double,502@graph:1", 12);
    assert_eq!(of(&unconfirmed, "reason"), ["lookup_failed"; 8]);
    assert!(of(&unconfirmed, "image_id").iter().chain(&of(&unconfirmed, "candidates")).all(String::is_empty));
    let told_whole = reconciled("numbers=text,502@graph:1", 12);
    assert_eq!(of(&told_whole, "reason"), ["tile_only"; 8], "an id in letters is whole");
    assert_eq!(of(&told_whole, "image_id"), true_ids);
}

#[test]
fn an_offline_run_without_answers_says_so_and_claims_nothing() {
    let world = World::new(2, "");
    let mut command = world.reconcile(&["--offline"]);
    let told = said(&run(command.env_remove("MAPILLARY_ACCESS_TOKEN"), 12));
    assert!(told.contains("not in the store") && told.contains("without --offline"), "{told}");
    assert!(world.report().unwrap().iter().all(|row| row["reason"] == "lookup_failed"));
    assert_eq!(world.service.n_requests(), 0);
}

#[test]
fn folders_that_cannot_be_written_are_found_before_a_request_is_spent() {
    let world = World::new(1, "");
    std::fs::write(world.folder.path().join("file"), "").unwrap();
    for (arguments, words) in [
        (["--out", "file"], ["file", "--out"]),
        (["--out", "file/inside"], ["file/inside", "--out"]),
        (["--cache-dir", "file"], ["file", "folder"]),
    ] {
        let told = said(&run(&mut with(world.reconcile(&[]), &arguments), 1));
        assert!(words.iter().all(|word| told.contains(word)), "{arguments:?}: {told}");
    }
    assert_eq!(world.service.n_requests(), 0);
}

fn with(mut command: Command, arguments: &[&str]) -> Command {
    // The last of two equal flags would be refused, so an earlier --out goes.
    let kept: Vec<_> = command.get_args().map(std::ffi::OsStr::to_owned).collect();
    let mut fresh = Command::new(command.get_program());
    fresh.current_dir(command.get_current_dir().unwrap()).env_clear();
    fresh.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut skip = false;
    for argument in kept {
        if skip || (argument == arguments[0] && arguments[0] == "--out") {
            skip = !skip;
            continue;
        }
        fresh.arg(argument);
    }
    fresh.args(arguments);
    command = fresh;
    command
}

/// Runs a command under a limit on the size of files, which stands for a full disk.
fn on_a_small_disk(kilobytes: u32, command: &Command) -> Command {
    let mut limited = Command::new("bash");
    limited.args(["-c", &format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"")]);
    limited.arg(command.get_program()).args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    limited
}

#[test]
fn a_full_disk_is_said_and_leaves_no_half_file() {
    let world = World::new(300, "");
    // Too small for the cache: the run ends, and what was kept is sound.
    let told = said(&run(&mut on_a_small_disk(200, &world.reconcile(&[])), 1));
    assert!(told.contains("responses.sqlite") && told.contains("space"), "{told}");
    assert!(world.report().is_none());
    let sound = printed(&run(tiepoint(world.folder.path()).args(["cache", "verify"]), 0));
    assert!(sound.contains("all sound"), "{sound}");
    run(&mut world.reconcile(&[]), 0);
    let first_reports = std::fs::read(world.folder.path().join("ties/matches.csv")).unwrap();
    // Too small for the reports: those of the earlier run stay as they are.
    let told = said(&run(&mut on_a_small_disk(100, &world.reconcile(&["--offline"])), 1));
    assert!(told.contains("cannot write") && told.contains("disk full"), "{told}");
    assert_eq!(std::fs::read(world.folder.path().join("ties/matches.csv")).unwrap(), first_reports);
    let left: Vec<String> = names(&world.folder.path().join("ties"));
    assert!(left.iter().all(|name| !name.starts_with(".tiepoint-")), "{left:?}");
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_doctor_explains_each_failure_with_one_request() {
    let diagnose = |faults: &str, token: Option<&str>, code: i32, words: &[&str]| {
        let settings = SimulatorSettings { faults: faults.parse().unwrap(), ..SimulatorSettings::default() };
        let folder = tempfile::tempdir().unwrap();
        let service = Service::with(Vec::new(), settings);
        let mut doctor = tiepoint(folder.path());
        service.serve(doctor.arg("doctor"));
        match token {
            Some(token) => doctor.env("MAPILLARY_ACCESS_TOKEN", token),
            None => doctor.env_remove("MAPILLARY_ACCESS_TOKEN"),
        };
        let output = run(&mut doctor, code);
        let told = printed(&output) + &said(&output);
        for word in words {
            assert!(told.contains(word), "{faults} {token:?}: {word:?} is missing in\n{told}");
        }
        assert!(service.n_requests() <= 1, "{faults} {token:?}: {} requests", service.n_requests());
    };
    diagnose("", Some(TOKEN), 0, &["token   works"]);
    diagnose("", None, 14, &["no access token", "MAPILLARY_ACCESS_TOKEN"]);
    diagnose("", Some("0123456789abcdef0123456789abcdef"), 14, &["client secret", "MLY|"]);
    diagnose("", Some("MLY|1234"), 14, &["not whole", "quote it"]);
    diagnose("", Some("EAAGm0PX4ZCpsBA"), 14, &["refused the access token", "dashboard"]);
    diagnose("", Some("two words"), 14, &["blanks", "copy it again"]);
    diagnose("429:1,retry_after_s=30", Some(TOKEN), 25, &["nothing is wrong with the token", "30 s"]);
    diagnose("403:1", Some(TOKEN), 25, &["nothing is wrong with the token"]);
    diagnose("10:1", Some(TOKEN), 14, &["permission to read", "dashboard"]);
    diagnose("368:1", Some(TOKEN), 17, &["blocked"]);
    diagnose("502:1", Some(TOKEN), 12, &["nothing is known about the token"]);
    diagnose("html:1", Some(TOKEN), 16, &["not the service", "TIEPOINT_GRAPH_URL"]);
}
