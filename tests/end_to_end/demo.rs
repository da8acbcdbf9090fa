//! The first command of the README.

use crate::support::{printed, rows, run, tiepoint};

#[test]
fn the_demo_ties_photos_and_beats_the_naive_plan() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(tiepoint(folder.path()).args(["demo", "--progress", "none"]), 0);
    let summary = printed(&output);
    for word in ["tiepoint", "naive", "precision", "recall", "requests", "matches.csv"] {
        assert!(summary.contains(word), "{word} is missing in\n{summary}");
    }
    let matches = rows(&folder.path().join("tiepoint-demo/ties/matches.csv"));
    let truth = rows(&folder.path().join("tiepoint-demo/truth.csv"));
    let truth: std::collections::BTreeMap<_, _> =
        truth.iter().map(|row| (row["path"].clone(), row["image_id"].clone())).collect();
    let matched: Vec<_> = matches.iter().filter(|row| row["status"] == "matched").collect();
    let right = |row: &&&std::collections::BTreeMap<String, String>| {
        let path = row["path"].split_once("photos/").map_or("", |(_, path)| path);
        truth.get(path).is_some_and(|ids| ids.split('|').any(|id| id == row["image_id"]))
    };
    let n_right = matched.iter().filter(right).count();
    assert_eq!(n_right, matched.len(), "every match of the demo is true");
    assert!(n_right * 10 >= truth.values().filter(|ids| !ids.is_empty()).count() * 9, "{n_right} found");
}

#[test]
fn a_demo_never_writes_over_a_folder_that_is_not_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("tiepoint-demo");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("holiday.jpg"), "mine").unwrap();
    run(tiepoint(folder.path()).arg("demo"), 2);
    assert_eq!(std::fs::read(own.join("holiday.jpg")).unwrap(), b"mine");
}
