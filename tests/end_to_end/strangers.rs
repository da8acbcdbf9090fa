//! What `--redact` writes beside the reports: uploads, lists, drawings and Parquet tables name nobody and no place either.

use crate::support::{Service, rows, run, said};
use crate::track::{KEY, OTHER_KEY, RIDE_MS, item, photos, ride, service, with_feed};
use serde_json::{Value, json};
use std::path::Path;

/// A service with one published ride and one upload that failed, and the photos of both.
fn world(folder: &Path) -> Service {
    photos(folder, &[(151_552_211_058_876, 51.505_123), (151_552_211_058_999, 51.515_123)]);
    let mut images = ride(KEY, 498_763_468_214_164, RIDE_MS, 51.505_123);
    images.extend(ride(OTHER_KEY, 598_763_468_214_164, RIDE_MS + 5_000_000, 51.505_123)); // somebody else's, there too
    let code = json!({"error_code": "GPS_MISSING", "captured_at_seconds": RIDE_MS / 1_000});
    let failed = item(151_552_211_058_999, ["IN_PROGRESS", "FAILED", "UNSET", "UNSET"], &code);
    service(images, &json!({"uploads": [failed]}), "")
}

/// What must not be in a file for strangers.
const SECRETS: [&str; 12] = [
    "151552211058876",
    "151552211058999",
    "r1515",
    "498763468",
    "598763468",
    KEY,
    OTHER_KEY,
    "51.505",
    "51.515",
    "2024-05-18",
    "EUROPE",
    "anna",
];

fn hidden_run(folder: &Path, service: &Service, more: &[&str]) -> String {
    let main =
        ["reconcile", "photos.csv", "--user", "anna", "--route", "tiles", "--track", "--redact", "--out", "hidden"];
    said(&run(with_feed(folder, service, &main).args(more), 0))
}

#[test]
fn uploads_and_lists_of_a_redacted_run_name_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let service = world(folder.path());
    let at = |name: &str| folder.path().join(name);
    let open = ["reconcile", "photos.csv", "--user", "anna", "--route", "tiles", "--track", "--out", "open"];
    run(&mut with_feed(folder.path(), &service, &open), 0);
    let lists = ["matched", "unmatched", "ambiguous", "remote-only"];
    let flags: Vec<String> =
        lists.iter().flat_map(|list| [format!("--list-{list}"), format!("hidden/{list}.txt")]).collect();
    std::fs::create_dir(at("hidden")).unwrap();
    hidden_run(folder.path(), &service, &flags.iter().map(String::as_str).collect::<Vec<_>>());
    for file in std::fs::read_dir(at("hidden")).unwrap() {
        let path = file.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} stands in {}", path.display());
        }
    }
    // What explains stays, and rows still belong together.
    let (open, hidden) = (rows(&at("open/uploads.csv")), rows(&at("hidden/uploads.csv")));
    assert_eq!((open.len(), hidden.len()), (2, 2));
    for (open, hidden) in open.iter().zip(&hidden) {
        for column in ["status", "stage", "initial_processing", "error_code", "item_count", "local_sequence"] {
            assert_eq!(open[column], hidden[column], "{column}");
        }
        assert!(!open["age_hours"].is_empty() || open["created_at"].is_empty());
        assert_eq!((hidden["age_hours"].as_str(), hidden["timezone"].as_str(), hidden["note"].as_str()), ("", "", ""));
    }
    let sequences = rows(&at("hidden/sequences.csv"));
    assert_eq!(sequences[0]["cluster_id"], hidden[0]["cluster_id"], "one pseudonym in every file");
    let matches = rows(&at("hidden/matches.csv"));
    let of = |status: &str| -> Vec<String> {
        matches.iter().filter(|row| row["status"] == status).map(|row| row["path"].clone()).collect()
    };
    let listed = |list: &str| -> Vec<String> {
        std::fs::read_to_string(at(&format!("hidden/{list}.txt"))).unwrap().lines().map(str::to_owned).collect()
    };
    assert_eq!((listed("matched"), listed("unmatched")), (of("matched"), of("unmatched")));
    assert_eq!((listed("matched").len(), listed("unmatched").len(), listed("ambiguous").len()), (5, 5, 0));
    // What may be deleted is of use to its owner alone, and so are places to look at.
    for flag in ["--safe-to-delete", "--gpx-out"] {
        let main = ["reconcile", "photos.csv", "--redact", "--out", "refused", flag, "x.gpx"];
        run(&mut with_feed(folder.path(), &service, &main), 2);
    }
    assert!(!at("refused").exists() && !at("x.gpx").exists());
}

#[test]
fn drawings_of_a_redacted_match_name_nobody() {
    let folder = tempfile::tempdir().unwrap();
    world(folder.path());
    let images = ride(KEY, 498_763_468_214_164, RIDE_MS, 51.505_123);
    let lines: Vec<String> = images.iter().map(Value::to_string).collect();
    std::fs::write(folder.path().join("remote.jsonl"), lines.join("\n")).unwrap();
    for name in ["x.gpx", "x.geojson", "x.jsonl", "x.csv"] {
        let tables = ["match", "--local", "photos.csv", "--remote", "remote.jsonl", "--redact", "-o", name];
        run(crate::support::tiepoint(folder.path()).args(tables), 0);
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(
            text.contains("51.5") && text.contains(".jpg"),
            "{name} has its places, rounded, and its names, hidden"
        );
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} stands in {name}");
        }
    }
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_tables_of_a_redacted_run_hold_what_the_csv_holds() {
    use capture_model::{TableNumber, Wanted};
    use parquet_tables::ParquetTable;
    let folder = tempfile::tempdir().unwrap();
    let service = world(folder.path());
    hidden_run(folder.path(), &service, &["--parquet"]);
    for table in ["matches", "sequences", "shifts", "uploads"] {
        let at = |ending: &str| folder.path().join(format!("hidden/{table}.{ending}"));
        let parquet = ParquetTable::open(&at("parquet")).unwrap();
        let names = parquet.names().to_vec();
        let mut found: Vec<Vec<String>> = Vec::new();
        for part in 0..parquet.n_parts() {
            let mut read = |_: u64, cells: &[&str], _: &[TableNumber]| {
                found.push(cells.iter().map(|cell| (*cell).to_owned()).collect());
            };
            let wanted = |column: usize| {
                if names[column].ends_with("geometry") { Wanted::Not } else { Wanted::Text }
            };
            parquet.read_part(part, &wanted, &mut read).unwrap();
        }
        let expected = rows(&at("csv"));
        assert_eq!(found.len(), expected.len(), "{table}");
        for (found, expected) in found.iter().zip(&expected) {
            for (name, cell) in names.iter().zip(found) {
                assert!(SECRETS.iter().all(|secret| !cell.contains(secret)), "{table}.{name}: {cell}");
                if ["path", "cluster_id", "image_id", "status", "stage"].contains(&name.as_str()) {
                    assert_eq!(*cell, expected[name], "{table}.{name}");
                }
            }
        }
    }
}
