//! Lists of paths and ids: they part the input, and what is called safe is so.

use crate::support::{Service, printed, rows, run, said, tiepoint};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn entries(path: &Path, end: u8) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    assert!(bytes.is_empty() || bytes.last() == Some(&end), "every entry ends");
    let texts = bytes.split(|byte| *byte == end).map(|entry| String::from_utf8(entry.to_vec()).unwrap());
    texts.filter(|entry| !entry.is_empty()).collect()
}

/// A small archive with damaged, unpublished and re-uploaded photos.
fn archive(folder: &Path) -> Vec<serde_json::Value> {
    let arguments = ["simulate", "archive", "--photos", "300", "--seed", "3", "--scenario", "demo", "--out", "city"];
    run(tiepoint(folder).args(arguments), 0);
    let text = std::fs::read_to_string(folder.join("city/remote.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const LISTS: [&str; 3] = ["matched", "unmatched", "ambiguous"];

/// Each path of the report is in one list.
#[track_caller]
fn check_partition(folder: &Path, matches: &Path, end: u8) {
    let mut listed: Vec<String> =
        LISTS.iter().flat_map(|list| entries(&folder.join(format!("{list}.txt")), end)).collect();
    let mut paths: Vec<String> = rows(matches).into_iter().map(|row| row["path"].clone()).collect();
    listed.sort();
    paths.sort();
    assert_eq!(listed, paths);
}

fn flags() -> Vec<String> {
    let flags = LISTS.iter().flat_map(|list| [format!("--list-{list}"), format!("{list}.txt")]);
    flags.chain(["--list-remote-only", "remote.txt", "--safe-to-delete", "safe.txt"].map(str::to_owned)).collect()
}

#[test]
fn reconcile_parts_its_files_and_names_what_is_safe() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let service = Service::start(archive(folder.path()));
    let mut command = tiepoint(folder.path());
    service.serve(&mut command);
    let untracked = run(command.args(["reconcile", "city/photos", "--out", "ties"]).args(flags()), 0);
    assert_eq!(entries(&at("safe.txt"), b'\n'), [""; 0], "nobody has said that an upload is finished");
    let told = said(&untracked);
    assert!(told.contains("safe.txt: empty") && told.contains("--track --safe-to-delete"), "{told}");
    let n_requests = service.n_requests();
    let tracked = run(command.arg("--track"), 0);
    assert_eq!(service.n_requests(), n_requests, "the tiles that were read say where the uploads are");
    assert!(!said(&tracked).contains("safe.txt"), "{}", said(&tracked));
    check_partition(folder.path(), &at("ties/matches.csv"), b'\n');

    let matches: BTreeMap<String, _> =
        rows(&at("ties/matches.csv")).into_iter().map(|row| (row["path"].clone(), row)).collect();
    let truth: BTreeMap<String, String> = rows(&at("city/truth.csv"))
        .into_iter()
        .map(|row| (format!("city/photos/{}", row["path"].trim_start_matches("photos/")), row["image_id"].clone()))
        .collect();
    let stages: BTreeMap<String, String> = rows(&at("ties/sequences.csv"))
        .into_iter()
        .map(|row| (row["local_sequence"].clone(), row["stage"].clone()))
        .collect();
    let safe = entries(&at("safe.txt"), b'\n');
    assert!(!safe.is_empty(), "most rides of this city are exact");
    for path in &safe {
        let row = &matches[path];
        assert_eq!(stages[&row["local_sequence"]], "in_tiles", "{row:?}");
        assert!(row["reason"].starts_with("exact") && row["also_published_as"].is_empty(), "{row:?}");
        assert_eq!(truth[path], row["image_id"], "{path} is what it is said to be, and published once");
        assert!(at(path).exists());
    }
    let matched = entries(&at("matched.txt"), b'\n');
    assert!(matched.len() > safe.len(), "not every match is safe");

    let remote: BTreeSet<String> = entries(&at("remote.txt"), b'\n').into_iter().collect();
    let shifts: BTreeSet<String> =
        rows(&at("ties/shifts.csv")).into_iter().map(|row| row["image_id"].clone()).collect();
    let mut tied = BTreeSet::new();
    for row in matches.values() {
        let ids = ["image_id", "also_published_as", "candidates"].map(|column| row[column].split('|'));
        tied.extend(ids.into_iter().flatten().filter(|id| !id.is_empty()).map(str::to_owned));
    }
    assert_eq!(remote, shifts.difference(&tied).cloned().collect(), "the rest of the sequences, nothing else");
}

#[test]
fn match_lists_hostile_names_with_nul_and_stdout_takes_one_output() {
    let folder = tempfile::tempdir().unwrap();
    let remote = archive(folder.path());
    let at = |name: &str| folder.path().join(name);
    let mut photos = csv::Reader::from_path(at("city/local.csv")).unwrap();
    let mut hostile = csv::Writer::from_path(at("hostile.csv")).unwrap();
    hostile.write_record(photos.headers().unwrap()).unwrap();
    let path_column = photos.headers().unwrap().iter().position(|name| name == "path").unwrap();
    for record in photos.records() {
        let record = record.unwrap();
        let cells = record.iter().enumerate().map(|(column, cell)| match column {
            column if column == path_column => format!("=cmd|'{cell}'\nrm"),
            _ => cell.to_owned(),
        });
        hostile.write_record(cells).unwrap();
    }
    hostile.flush().unwrap();
    let tables = ["match", "--local", "hostile.csv", "--remote", "city/remote.jsonl"];
    let with = |more: &[&str], code| run(tiepoint(folder.path()).args(tables).args(more), code);

    let alone =
        run(tiepoint(folder.path()).args(tables).args(["--no-csv-guard", "--out", "ties", "-0"]).args(flags()), 0);
    assert_eq!(entries(&at("safe.txt"), b'\0'), [""; 0], "tables know of no upload");
    assert!(said(&alone).contains("tiepoint reconcile … --track"), "{}", said(&alone));
    check_partition(folder.path(), &at("ties/matches.csv"), b'\0');
    assert!(entries(&at("matched.txt"), b'\0').iter().all(|path| path.starts_with("=cmd|'") && path.ends_with("\nrm")));

    let lined = with(&["--out", "ties", "--list-matched", "matched.txt"], 0);
    assert!(said(&lined).contains("hold a line break and are left out; use -0"), "{}", said(&lined));
    assert_eq!(std::fs::read(at("matched.txt")).unwrap(), b"", "no line that is another file's name");

    let ids = printed(&with(&["-o", "m.csv", "--list-remote-only", "-"], 0));
    assert_eq!(ids, printed(&with(&["-o", "m.csv", "--list-remote-only", "-"], 0)));
    assert!(ids.lines().count() > 0 && ids.lines().all(|id| id.parse::<u64>().is_ok()));
    let known: BTreeSet<&str> = remote.iter().filter_map(|image| image["id"].as_str()).collect();
    assert!(ids.lines().all(|id| known.contains(id)));

    with(&["--list-matched", "-"], 2);
    with(&["-o", "m.csv", "--list-matched", "-", "--list-unmatched", "-"], 2);
    with(&["--list-matched", "no/such/folder/x"], 1);
    assert!(
        said(&with(&["-o", "m.csv", "--method", "naive", "--safe-to-delete", "x"], 2)).contains("--method tiepoint")
    );
    assert!(!at("x").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_that_is_no_text_is_listed_as_its_bytes() {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path());
    let photos = folder.path().join("city/photos");
    let mut name = photos.as_os_str().as_bytes().to_vec();
    name.extend_from_slice(b"/100%\xff.jpg");
    let name = std::path::PathBuf::from(std::ffi::OsString::from_vec(name));
    std::fs::write(&name, b"not a photo").unwrap();
    let lists = ["--list-unmatched", "left.txt", "-0"];
    let tables = ["match", "--local", "city/photos", "--remote", "city/remote.jsonl", "-o", "m.csv"];
    run(tiepoint(folder.path()).args(tables).args(lists), 0);
    let listed = std::fs::read(folder.path().join("left.txt")).unwrap();
    let wanted = b"city/photos/100%\xff.jpg".as_slice();
    assert!(listed.split(|byte| *byte == 0).any(|path| path == wanted), "{}", String::from_utf8_lossy(&listed));
}
