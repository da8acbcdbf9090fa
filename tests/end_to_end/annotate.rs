//! Write-back: shown, applied, taken back; photos keep every byte.

use crate::support::{printed, rows, run, said, tiepoint};
use std::collections::BTreeMap;
use std::path::Path;

/// Every file below a folder with its bytes.
fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

/// An archive of photos, one with a sidecar of another program, one with a broken one, and its report in `ties`.
fn matched_archive(folder: &Path) -> Vec<BTreeMap<String, String>> {
    let simulate = ["simulate", "archive", "--photos", "120", "--seed", "5", "--scenario", "demo", "--out", "city"];
    run(tiepoint(folder).args(simulate), 0);
    let tables = ["match", "--local", "city/photos", "--remote", "city/remote.jsonl", "--out", "ties"];
    run(tiepoint(folder).args(tables), 0);
    rows(&folder.join("ties/matches.csv")).into_iter().filter(|row| !row["image_id"].is_empty()).collect()
}

const FOREIGN: &str = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n  \
    <rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" xmp:Rating=\"4\"/>\n </rdf:RDF>\n</x:xmpmeta>\n";

#[test]
fn a_dry_run_shows_what_apply_writes_and_undo_takes_back() {
    let folder = tempfile::tempdir().unwrap();
    let matched = matched_archive(folder.path());
    assert!(matched.len() > 20);
    let sidecar = |row: &BTreeMap<String, String>| format!("{}.xmp", row["path"]);
    std::fs::write(folder.path().join(sidecar(&matched[0])), FOREIGN).unwrap();
    std::fs::write(folder.path().join(sidecar(&matched[1])), "not xml <").unwrap();
    let before = snapshot(folder.path());
    let annotate =
        |more: &[&str], code| run(tiepoint(folder.path()).args(["annotate", "--report", "ties"]).args(more), code);

    let dry = annotate(&["--as", "xmp,description"], 0);
    assert_eq!(snapshot(folder.path()), before, "a dry run changes nothing");
    let diff = printed(&dry);
    assert_eq!(diff.matches("\n+++ ").count() + usize::from(diff.starts_with("+++ ")), matched.len());
    assert!(diff.contains(&format!("--- {}", sidecar(&matched[0]))) && diff.contains("--- /dev/null"));
    assert!(diff.contains(&format!("+   <tiepoint:ImageId>{}</tiepoint:ImageId>", matched[2]["image_id"])));
    let told = said(&dry);
    assert!(told.contains("add --apply") && told.contains(&format!("left alone: {}", sidecar(&matched[1]))), "{told}");

    annotate(&["--as", "xmp,description", "--apply"], 0);
    let after = snapshot(folder.path());
    for (name, bytes) in &before {
        if *name != sidecar(&matched[0]) {
            assert_eq!(&after[name], bytes, "{name} was changed");
        }
    }
    for row in &matched {
        let packet = String::from_utf8_lossy(&after[&sidecar(row)]).into_owned();
        let is_told = packet.contains(&format!("<tiepoint:ImageId>{}</tiepoint:ImageId>", row["image_id"]));
        assert_eq!(is_told, *row != matched[1], "{packet}");
    }
    assert!(String::from_utf8_lossy(&after[&sidecar(&matched[0])]).contains("xmp:Rating=\"4\"/>\n"), "merged");
    assert_eq!(after.len(), before.len() + matched.len() - 2 + 2, "sidecars, the description and the journal");
    let description: Vec<serde_json::Value> =
        serde_json::from_slice(&after["ties/mapillary_image_description.json"]).unwrap();
    assert_eq!(description.len(), matched.len());
    for row in &matched {
        let entry = description.iter().find(|entry| entry["filename"] == row["path"]).unwrap();
        assert_eq!(entry["tiepoint"]["image_id"], row["image_id"]);
    }

    let again = annotate(&["--as", "xmp,description", "--apply"], 0);
    assert!(said(&again).starts_with("0 files written"), "{}", said(&again));
    assert_eq!(snapshot(folder.path()), after);
    annotate(&["--undo"], 0);
    assert_eq!(snapshot(folder.path()), before, "to the byte");
    assert!(said(&annotate(&["--undo"], 3)).contains("nothing was annotated"));
}

#[test]
fn a_scan_reads_what_was_written_and_tables_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let matched = matched_archive(folder.path());
    let annotate =
        |more: &[&str], code| run(tiepoint(folder.path()).args(["annotate", "--report", "ties"]).args(more), code);
    annotate(&["--as", "description", "--description", "enriched.json", "--apply"], 0);
    run(
        tiepoint(folder.path()).args([
            "match",
            "--local",
            "enriched.json",
            "--remote",
            "city/remote.jsonl",
            "-o",
            "m.csv",
        ]),
        0,
    );
    let again: BTreeMap<String, String> = rows(&folder.path().join("m.csv"))
        .into_iter()
        .map(|row| (row["path"].clone(), row["image_id"].clone()))
        .collect();
    let same = matched.iter().filter(|row| again.get(&row["path"]) == Some(&row["image_id"])).count();
    assert!(same * 100 >= matched.len() * 98, "{same} of {}", matched.len());

    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let mut command = tiepoint(&elsewhere);
    let told = said(&run(command.args(["annotate", "--report", "../ties", "--as", "xmp"]), 0));
    assert!(told.contains(&format!("{} matched rows name no photo here", matched.len())), "{told}");
    let mut command = tiepoint(&elsewhere);
    let rooted = run(command.args(["annotate", "--report", "../ties", "--as", "xmp", "--root", ".."]), 0);
    assert!(said(&rooted).contains(&format!("{} files would change", matched.len())), "{}", said(&rooted));

    annotate(&["--as", "exif"], 2);
    annotate(&[], 2);
    annotate(&["--undo", "--apply"], 2);
    run(tiepoint(folder.path()).args(["annotate", "--report", "nowhere", "--as", "xmp"]), 3);
}

/// A photo that is not matched any more loses its id; what another program wrote stays.
#[test]
fn ids_that_are_not_sure_any_more_are_taken_out() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir_all(at("ties")).unwrap();
    for name in ["a.jpg", "b.jpg"] {
        std::fs::write(at(name), "a photo").unwrap();
    }
    std::fs::write(at("b.jpg.xmp"), FOREIGN).unwrap();
    let report = |status: &str| {
        let table =
            format!("path,status,reason,image_id\na.jpg,{status}\nb.jpg,{status}\nrow:3,{status}\n../c.txt,{status}\n");
        std::fs::write(at("ties/matches.csv"), table).unwrap();
        run(tiepoint(folder.path()).args(["annotate", "--report", "ties", "--as", "xmp", "--apply"]), 0)
    };
    let told = said(&report("matched,exact,498763468214164"));
    assert!(told.contains("2 files written") && told.contains("2 matched rows name no photo here"), "{told}");
    assert!(std::fs::read_to_string(at("b.jpg.xmp")).unwrap().contains("498763468214164"));
    report("unmatched,no_coverage,");
    assert!(!at("a.jpg.xmp").exists(), "it held nothing else");
    assert_eq!(std::fs::read_to_string(at("b.jpg.xmp")).unwrap(), FOREIGN);
    run(tiepoint(folder.path()).args(["annotate", "--report", "ties", "--undo"]), 0);
    assert!(!at("a.jpg.xmp").exists());
    assert_eq!(std::fs::read_to_string(at("b.jpg.xmp")).unwrap(), FOREIGN);
}
