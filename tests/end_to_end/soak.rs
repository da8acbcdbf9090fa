//! Long runs over a service that fails, and runs that are killed: the report is the same to the last byte, and nothing
//! that was answered is asked again. `cargo xtask soak` runs the same with larger numbers.

use crate::support::{Service, rows, run, said, tiepoint};
use mapillary_simulator::{RequestRecord, SimulatorSettings};
use response_store::ResponseStore;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A fifth of all replies, in the mix of a bad day.
const FAULTS: &str = "429:0.02,429_bare:0.02,502:0.02,503:0.02,code_1:0.01,500:0.01,code_-1:0.01,403:0.005,17:0.005,32:0.005,\
                      613:0.005,reset:0.02,cut:0.01,cut_open:0.01,loris:0.01,html:0.005,no_list:0.0025,foreign:0.0025,\
                      gzip_garbage:0.01,seed=5,retry_after_s=0,pause_ms=20";
/// The reports of a run; `summary.json` alone may tell of its course.
const REPORTS: [&str; 5] = ["matches.csv", "sequences.csv", "shifts.csv", "matches.geojson", "report.html"];

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

/// Rides of five photos, each in a tile of its own and published as one sequence, so that a run sends about so many
/// requests; the table and the entities.
fn rides(requests: u64) -> (String, Vec<serde_json::Value>) {
    let n_rides = requests * 20 / 21;
    let (mut table, mut entities) = ("path,lat,lon,altitude,captured_at\n".to_owned(), Vec::new());
    for ride in 0..n_rides as i64 {
        // Tile edges lie 360/2^14 degrees apart; a row of 200 tiles near the equator, then the next row.
        let tile_deg = 360.0 / 16_384.0;
        let (west, south) = ((ride % 200) as f64 * tile_deg, (ride / 200) as f64 * tile_deg);
        for photo in 0..5 {
            let (lon, lat) = (west + tile_deg * 0.4 + f64::from(photo) * 9e-5, south + tile_deg * 0.5);
            let ms = 1_716_026_400_000 + ride * 3_600_000 + i64::from(photo) * 1_000;
            let time = chrono::DateTime::from_timestamp_millis(ms).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ");
            writeln!(table, "ride{ride:05}/{photo}.jpg,{lat:.7},{lon:.7},12,{time}").unwrap();
            entities.push(serde_json::json!({
                "id": (400_000_000_000_000 + ride * 10 + i64::from(photo)).to_string(),
                "sequence": format!("ride-{ride:05}"), "captured_at": ms, "altitude": 12.0, "creator": {"id": "1"},
                "geometry": {"type": "Point", "coordinates": [lon, lat]},
            }));
        }
    }
    (table, entities)
}

fn reconcile(folder: &Path, service: &Service, out: &str, cache: &str) -> Command {
    let mut command = tiepoint(folder);
    command.args([
        "reconcile",
        "photos.csv",
        "--out",
        out,
        "--cache-dir",
        cache,
        "--progress",
        "none",
        "--silence",
        "1.5",
    ]);
    service.serve(&mut command);
    command
}

fn reports(folder: &Path, out: &str) -> Vec<Vec<u8>> {
    REPORTS.iter().map(|name| std::fs::read(folder.join(out).join(name)).unwrap()).collect()
}

#[track_caller]
fn assert_same(found: &[Vec<u8>], expected: &[Vec<u8>]) {
    for ((name, found), expected) in REPORTS.iter().zip(found).zip(expected) {
        assert!(found == expected, "{name} differs");
    }
}

/// A question as the log and the store both know it: path and parameters, sorted, without the token.
fn question_of_record(record: &RequestRecord) -> String {
    let mut pairs: Vec<&str> =
        record.query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("access_token=")).collect();
    pairs.sort_unstable();
    format!("{}?{}", record.path, pairs.join("&"))
}

fn question_of_key(key: &str) -> String {
    let url = url::Url::parse(key.split_once(' ').unwrap().1).unwrap();
    let mut pairs: Vec<String> = url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.sort_unstable();
    format!("{}?{}", url.path(), pairs.join("&"))
}

#[test]
fn a_fifth_of_faulty_answers_changes_no_byte_of_the_report() {
    let requests = number("TIEPOINT_SOAK_REQUESTS", 1_000);
    let folder = tempfile::tempdir().unwrap();
    let (table, entities) = rides(requests);
    std::fs::write(folder.path().join("photos.csv"), table).unwrap();

    let sound = Service::start(entities.clone());
    run(&mut reconcile(folder.path(), &sound, "expected", "cache-a"), 0);
    let expected = reports(folder.path(), "expected");
    let matched = rows(&folder.path().join("expected/matches.csv"));
    assert!(matched.iter().all(|row| row["status"] == "matched"), "each photo has its image");
    let planned = sound.n_requests();
    assert!(planned.abs_diff(requests as usize) <= 20, "{planned} requests");

    let settings = SimulatorSettings { faults: FAULTS.parse().unwrap(), ..SimulatorSettings::default() };
    let faulty = Service::with(entities, settings);
    let started = Instant::now();
    let told = said(&run(&mut reconcile(folder.path(), &faulty, "found", "cache-b"), 0));
    let took = started.elapsed();
    assert_same(&reports(folder.path(), "found"), &expected);

    let mut sound_replies: BTreeMap<String, u32> = BTreeMap::new();
    let mut faults: BTreeMap<&str, u32> = BTreeMap::new();
    let mut timeouts: BTreeMap<String, u32> = BTreeMap::new();
    let log = faulty.simulator().requests();
    for record in &log {
        match record.fault {
            None => *sound_replies.entry(question_of_record(record)).or_default() += 1,
            Some(fault) => {
                *faults.entry(fault).or_default() += 1;
                *timeouts.entry(question_of_record(record)).or_default() += u32::from(fault == "loris");
            }
        }
    }
    let n_faults: u32 = faults.values().sum();
    assert!(sound_replies.values().all(|&times| times == 1), "a sound answer was asked for again");
    // Every question is one that was planned, or a half of one that timed out twice: that one has no sound reply, and each
    // halving makes one question more.
    let questions: BTreeSet<String> = sound.simulator().requests().iter().map(question_of_record).collect();
    let halved: Vec<&String> = timeouts
        .iter()
        .filter(|(question, times)| **times >= 2 && !sound_replies.contains_key(*question))
        .map(|(question, _)| question)
        .collect();
    let keys_of = |question: &str| -> Option<BTreeSet<String>> {
        let ids = question.split('&').find_map(|pair| pair.strip_prefix("sequence_ids="))?;
        Some(ids.replace("%2C", ",").split(',').map(str::to_owned).collect())
    };
    for question in &questions {
        assert!(sound_replies.contains_key(question) || halved.contains(&question), "{question} was never answered");
    }
    for question in sound_replies.keys().filter(|question| !questions.contains(*question)) {
        let keys = keys_of(question).unwrap_or_else(|| panic!("{question} was not planned"));
        let is_half =
            |whole: &&&String| keys_of(whole).is_some_and(|whole| keys.is_subset(&whole) && keys.len() < whole.len());
        assert!(halved.iter().find(is_half).is_some(), "{question} is no half of one that timed out twice");
    }
    assert_eq!(sound_replies.len(), planned + halved.len(), "{halved:?} were asked for in halves");
    assert!(n_faults as usize * 6 > planned && faults.len() >= 17, "{faults:?}");
    run(reconcile(folder.path(), &faulty, "again", "cache-b").arg("--offline").env_remove("MAPILLARY_ACCESS_TOKEN"), 0);
    assert_same(&reports(folder.path(), "again"), &expected);
    assert_eq!(faulty.n_requests(), log.len(), "offline asks nothing");
    eprintln!(
        "{planned} questions, {} of them asked in halves after two timeouts, {n_faults} faulty replies of {} kinds, {} requests in {:.1} s: the report is the same\n{told}",
        halved.len(),
        faults.len(),
        log.len(),
        took.as_secs_f64()
    );
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n.max(1)
    }
}

/// Ends the child by SIGKILL after so many requests and a moment more, or after so long; false if it ended by itself.
fn kill_midway(
    child: &mut std::process::Child,
    service: &Service,
    requests: u64,
    moment: Duration,
    latest: Duration,
) -> bool {
    let (started, until) = (Instant::now(), service.simulator().n_requests() + requests);
    loop {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if service.simulator().n_requests() >= until || started.elapsed() > latest {
            std::thread::sleep(moment);
            child.kill().unwrap();
            return !child.wait().unwrap().success();
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn a_killed_run_goes_on_where_it_was_and_asks_nothing_again() {
    let (kills, requests) = (number("TIEPOINT_SOAK_KILLS", 8), number("TIEPOINT_SOAK_KILL_REQUESTS", 200));
    let folder = tempfile::tempdir().unwrap();
    let (table, entities) = rides(requests);
    std::fs::write(folder.path().join("photos.csv"), table).unwrap();
    let sound = Service::start(entities.clone());
    run(&mut reconcile(folder.path(), &sound, "expected", "cache-a"), 0);
    let expected = reports(folder.path(), "expected");
    let started = Instant::now();
    run(&mut reconcile(folder.path(), &sound, "expected", "cache-a"), 0);
    let all_stored = started.elapsed();

    let faults = "502:0.04,reset:0.02,cut:0.02,429:0.02,seed=9,retry_after_s=0";
    let service = Service::with(entities, SimulatorSettings { faults: faults.parse().unwrap(), ..Default::default() });
    let (mut dice, mut killed, mut ended, mut while_writing) = (Dice(7), 0, 0, 0);
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    let mut seen = 0;
    while killed < kills {
        let mut child = reconcile(folder.path(), &service, "found", "cache-b")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Most kills fall between requests, the others anywhere in a run that finds all its answers stored.
        let is_last = killed * 5 >= kills * 4 || acknowledged.len() >= sound.n_requests();
        let after = if is_last { u64::MAX / 2 } else { dice.below(2 * requests / kills) };
        while_writing += u64::from(is_last);
        let latest =
            if is_last { all_stored.mul_f64(dice.below(1_000) as f64 / 1_000.0) } else { Duration::from_mins(1) };
        let moment = Duration::from_micros(dice.below(12_000));
        let was_killed = kill_midway(&mut child, &service, after, moment, latest);
        killed += u64::from(was_killed);
        ended += u64::from(!was_killed);
        assert!(ended <= 3 * kills + 20, "the run ends before it is killed");

        // Nothing that was acknowledged before this child began was asked for by it.
        let log = service.simulator().requests();
        for record in &log[seen..] {
            let question = question_of_record(record);
            assert!(!acknowledged.contains(&question), "{question} was answered and asked for again");
        }
        seen = log.len();
        let store = ResponseStore::open(&folder.path().join("cache-b")).unwrap();
        acknowledged.extend(store.answered().unwrap().iter().map(|answer| question_of_key(&answer.request)));
        // Whatever stands under a final name is complete.
        for (name, expected) in REPORTS.iter().zip(&expected) {
            if let Ok(found) = std::fs::read(folder.path().join("found").join(name)) {
                assert!(&found == expected, "{name} is there and not complete");
            }
        }
    }
    run(&mut reconcile(folder.path(), &service, "found", "cache-b"), 0);
    assert_same(&reports(folder.path(), "found"), &expected);
    let log = service.simulator().requests();
    let (n_questions, n_faults) = (sound.n_requests(), log.iter().filter(|record| record.fault.is_some()).count());
    assert!(log.len() <= n_questions + n_faults + kills as usize * 8, "{} requests", log.len());
    assert!(ResponseStore::open(&folder.path().join("cache-b")).unwrap().verify().unwrap().is_sound());
    eprintln!(
        "{n_questions} questions, {n_faults} faulty replies, {killed} kills and {ended} runs that ended first, {while_writing} of both \
         with all answers stored: {} requests, the report is the same",
        log.len()
    );
}
