//! What a person sees when something is wrong: one clear sentence, what to do next, and the exit code of the contract.

use crate::support::{Service, TOKEN, run, said, tiepoint};
use mapillary_simulator::SimulatorSettings;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

const GOOD_TABLE: &str = "path,lat,lon,captured_at\na.jpg,48.1,11.5,2024-05-18T10:41:07Z\n";

#[track_caller]
fn check(case: &str, command: &mut Command, code: i32, words: &[&str]) {
    let told = said(&run(command, code));
    for word in words {
        assert!(told.contains(word), "{case}: {word:?} is missing in\n{told}");
    }
    assert!(!told.contains(&TOKEN[15..]), "{case}: the token leaked\n{told}");
}

fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = tiepoint(folder);
    command.args(arguments);
    command
}

#[test]
fn mistakes_on_the_command_line_are_usage() {
    let folder = folder_with(&[("good.csv", GOOD_TABLE)]);
    let run = |case, arguments: &[&str], words: &[&str]| check(case, &mut command(folder.path(), arguments), 2, words);
    run("no verb", &[], &["Usage"]);
    run("no path", &["scan"], &["PATH"]);
    run("latitude out of range", &["tiles", "--lon", "0", "--lat", "91"], &["91"]);
    run("an ending that says nothing", &["scan", "good.csv", "-o", "x.docx"], &["x.docx", ".csv"]);
    run("review above accept", &["reconcile", "good.csv", "--accept", "0.2", "--review", "0.5"], &["--review"]);
    run(
        "plain http elsewhere",
        &["reconcile", "good.csv", "--graph-url", "http://example.org"],
        &["--graph-url", "https"],
    );
}

#[test]
fn nothing_to_read_is_three_and_a_broken_table_is_four() {
    let broken =
        "path,lat,lon,captured_at\na.jpg,48.1,11.5,2024-05-18T10:41:07Z\nb.jpg,north,11.5,2024-05-18T10:41:08Z\n";
    let folder = folder_with(&[("broken.csv", broken), ("other.csv", "name,colour\nx,red\n")]);
    let run = |case, arguments: &[&str], code, words: &[&str]| {
        check(case, &mut command(folder.path(), arguments), code, words);
    };
    run("no such folder", &["scan", "nowhere"], 3, &["nowhere"]);
    run("no such history", &["scan", ".", "--history", "nowhere"], 3, &["upload history nowhere"]);
    run("a folder for a table", &["match", "--local", "other.csv", "--remote", "."], 3, &[". is a folder", "table"]);
    run("a cell that is no number", &["scan", "broken.csv"], 4, &["broken.csv", "3", "lat", "north"]);
    run("no coordinates at all", &["scan", "other.csv"], 4, &["other.csv", "lon", "colour"]);
    run("a broken local side", &["match", "--local", "broken.csv", "--remote", "other.csv"], 4, &["broken.csv"]);
    let no_remote = ["match", "--local", "broken.csv", "--remote", "none.jsonl"];
    let told = said(&super::support::run(&mut command(folder.path(), &no_remote), 3));
    assert!(told.contains("none.jsonl") && !told.contains("files"), "nothing is read and counted before: {told}");
}

#[test]
fn tokens_missing_or_refused_are_fourteen() {
    let folder = folder_with(&[("good.csv", GOOD_TABLE)]);
    let service = Service::start(Vec::new());
    let mut missing = command(folder.path(), &["reconcile", "good.csv"]);
    service.serve(&mut missing);
    missing.env_remove("MAPILLARY_ACCESS_TOKEN");
    check("no token", &mut missing, 14, &["MAPILLARY_ACCESS_TOKEN"]);
    let mut refused = command(folder.path(), &["reconcile", "good.csv"]);
    service.serve(&mut refused);
    refused.env("MAPILLARY_ACCESS_TOKEN", "nonsense");
    check("a token that is none", &mut refused, 14, &["token"]);
    assert!(!folder.path().join("tiepoint-out/matches.csv").exists(), "a run without a token leaves no report");
}

#[test]
fn a_server_that_is_down_is_twelve_and_says_so() {
    let folder = folder_with(&[("good.csv", GOOD_TABLE)]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    let mut command = command(folder.path(), &["reconcile", "good.csv", "--graph-url", &url, "--tiles-url", &url]);
    command.env("MAPILLARY_ACCESS_TOKEN", TOKEN);
    check("nobody listens", &mut command, 12, &["127.0.0.1"]);
}

#[test]
fn a_request_limit_ends_with_twenty_five_and_a_rerun_goes_on() {
    let folder = folder_with(&[("good.csv", GOOD_TABLE)]);
    let service = Service::with(Vec::new(), SimulatorSettings::default());
    let limited = |limit: &str| {
        let mut command = command(folder.path(), &["reconcile", "good.csv", "--max-requests", limit]);
        service.serve(&mut command);
        command
    };
    check("no request allowed", &mut limited("0"), 25, &["limit of 0 requests"]);
    assert_eq!(service.n_requests(), 0);
    check("enough requests", &mut limited("10"), 0, &[]);
}

/// Outputs and cache that cannot be had are named with what to do, before anything is read or asked.
#[test]
fn folders_that_cannot_be_used_are_named_with_a_next_step() {
    let folder = folder_with(&[("good.csv", GOOD_TABLE), ("file", "")]);
    let service = Service::start(Vec::new());
    let with = |case: &str, more: &[&str], told: &[&str]| {
        let mut command = command(folder.path(), &["reconcile", "good.csv"]);
        service.serve(&mut command);
        check(case, command.args(more), 1, told);
        assert_eq!(service.n_requests(), 0, "{case}: nothing is asked for a run that cannot end");
    };
    with("the folder is a file", &["--out", "file"], &["into file:", "--out"]);
    with("a folder below a file", &["--out", "file/deep"], &["into file/deep:", "--out"]);
    with("the cache is a file", &["--cache-dir", "file"], &["cache folder file ", "--cache-dir"]);
    with("the cache lies below a file", &["--cache-dir", "file/deep"], &["cache folder file/deep ", "--cache-dir"]);
    with("a list in no folder", &["--list-matched", "none/x"], &["none/x", "make the folder none first"]);
    let mut scan = command(folder.path(), &["scan", "good.csv", "-o", "none/deep/x.csv"]);
    check("a table in no folder", &mut scan, 1, &["none/deep/x.csv", "make the folder none/deep first"]);
    // What is missing and can be made is made.
    let mut made = command(folder.path(), &["reconcile", "good.csv", "--out", "a/b/c", "--cache-dir", "d/e"]);
    service.serve(&mut made);
    run(&mut made, 0);
    assert!(folder.path().join("a/b/c/matches.csv").exists() && folder.path().join("d/e/responses.sqlite").exists());
}

/// The same where the system forbids it. Nothing is forbidden to root, so then another user runs the program.
#[cfg(unix)]
#[test]
fn folders_that_are_protected_are_named_with_a_next_step() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    let folder = folder_with(&[("good.csv", GOOD_TABLE)]);
    let allow = |path: &std::path::Path, mode: u32| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(folder.path(), 0o777);
    std::fs::create_dir(folder.path().join("protected")).unwrap();
    allow(&folder.path().join("protected"), 0o555);
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|about| about.uid() == 0);
    let with = |more: &[&str]| {
        let mut command = command(folder.path(), &["reconcile", "good.csv", "--offline"]);
        if is_root {
            command.uid(65_534);
        }
        command.args(more);
        command
    };
    if let Err(error) = with(&["--help"]).output() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: another user cannot run the program here ({error})");
        return;
    }
    for (case, more, told) in [
        ("--out", ["--out", "protected"], ["into protected:", "--out"]),
        ("--out below", ["--out", "protected/deep"], ["into protected/deep:", "--out"]),
        ("--cache-dir", ["--cache-dir", "protected"], ["protected", "--cache-dir"]),
        ("--cache-dir below", ["--cache-dir", "protected/deep"], ["cache folder protected/deep ", "--cache-dir"]),
        ("a list", ["--list-matched", "protected/x"], ["protected/x", "may not write to the folder protected"]),
    ] {
        check(case, &mut with(&more), 1, &told);
    }
    assert_eq!(std::fs::read_dir(folder.path().join("protected")).unwrap().count(), 0);
}
