//! Tables as `.parquet`: with the feature they come and go like CSV, without it they are refused by the feature's name.

use crate::support::{run, said, tiepoint};

const LOCAL: &str = "path,lat,lon,altitude,captured_at\n\
    r/1.jpg,0.0100000,0.0100000,5,2024-05-18T10:00:00Z\n\
    r/2.jpg,0.0100000,0.0100900,5,2024-05-18T10:00:01Z\n\
    w/3.jpg,0.0100000,0.0101800,5,2024-05-18T12:00:02.250\n";

#[cfg(not(feature = "parquet"))]
#[test]
fn without_the_feature_parquet_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("local.csv"), LOCAL).unwrap();
    std::fs::write(folder.path().join("x.parquet"), "PAR1").unwrap();
    let refused: [&[&str]; 6] = [
        &["scan", "local.csv", "-o", "scan.parquet"],
        &["scan", "x.parquet"],
        &["tiles", "x.parquet"],
        &["reconcile", "x.parquet", "--offline"],
        &["match", "--local", "local.csv", "--remote", "x.parquet"],
        &["match", "--local", "local.csv", "--remote", "local.csv", "--out", "ties", "--parquet"],
    ];
    for arguments in refused {
        let told = said(&run(tiepoint(folder.path()).args(arguments), 2));
        assert!(told.contains("--features parquet"), "{arguments:?}: {told}");
    }
}

#[cfg(feature = "parquet")]
mod with {
    use super::*;
    use crate::support::{Service, printed};
    use std::path::Path;

    fn output(folder: &Path, arguments: &[&str]) -> String {
        printed(&run(tiepoint(folder).args(arguments), 0))
    }

    #[test]
    fn a_scan_in_parquet_matches_like_one_in_csv() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        run(tiepoint(folder).args(["simulate", "archive", "--photos", "120", "--seed", "3", "--out", "city"]), 0);
        for ending in ["csv", "parquet"] {
            run(tiepoint(folder).args(["scan", "city/photos", "-o", &format!("scan.{ending}")]), 0);
        }
        let scanned = |name: &str| output(folder, &["scan", name]);
        assert_eq!(scanned("scan.parquet"), scanned("scan.csv"));
        let matched = |local: &str| output(folder, &["match", "--local", local, "--remote", "city/remote.jsonl"]);
        assert_eq!(matched("scan.parquet"), matched("scan.csv"));
        assert!(matched("scan.csv").contains(",matched,"));
    }

    #[test]
    fn wall_clocks_moments_and_the_published_side_go_through() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        std::fs::write(folder.join("local.csv"), LOCAL).unwrap();
        run(tiepoint(folder).args(["scan", "local.csv", "-o", "local.parquet"]), 0);
        assert_eq!(output(folder, &["scan", "local.parquet"]), output(folder, &["scan", "local.csv", "-o", "-"]));
        let service = Service::start(vec![serde_json::json!({
            "id": "26858300993768842", "sequence": "QztYSJSr-EanBuImZ1ClSw", "captured_at": 1_716_026_400_000_i64,
            "geometry": {"type": "Point", "coordinates": [0.01, 0.01]},
        })]);
        for name in ["coverage.csv", "coverage.parquet"] {
            let mut command = tiepoint(folder);
            command.args(["coverage", "14/8192/8191", "-o", name]);
            service.serve(&mut command);
            run(&mut command, 0);
        }
        let matched = |remote: &str| output(folder, &["match", "--local", "local.parquet", "--remote", remote]);
        assert_eq!(matched("coverage.parquet"), matched("coverage.csv"));
        assert!(matched("coverage.csv").contains("26858300993768842"));
    }

    #[test]
    fn reports_are_written_as_parquet_beside_csv() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        run(tiepoint(folder).args(["simulate", "archive", "--photos", "60", "--seed", "3", "--out", "city"]), 0);
        let entities = mapillary_simulator::read_entities_file(&folder.join("city/remote.jsonl")).unwrap();
        let service = Service::start(entities);
        let mut command = tiepoint(folder);
        command.args(["reconcile", "city/photos", "--out", "ties", "--parquet"]);
        service.serve(&mut command);
        run(&mut command, 0);
        for table in ["matches", "sequences", "shifts"] {
            let bytes = std::fs::read(folder.join(format!("ties/{table}.parquet"))).unwrap();
            assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{table}");
        }
    }

    #[test]
    fn uploads_are_written_as_parquet_like_as_csv() {
        use crate::track::{KEY, RIDE_MS, item, ride, service, with_feed};
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let done = item(5, ["FINISHED"; 4], &serde_json::json!({"item_count": 5, "image_id": "26858300993768842"}));
        let odd = item(9, ["=ON_HOLD", "FINISHED", "FINISHED", "UNSET"], &serde_json::json!({"error_code": "X"}));
        let images = ride(KEY, 26_858_300_993_768_842, RIDE_MS, 0.01);
        let service = service(images, &serde_json::json!({"uploads": [done, odd]}), "");
        let track = ["track", "--user", "anna", "--cluster", "5", "9", "77"];
        for name in ["uploads.csv", "uploads.parquet"] {
            run(with_feed(folder, &service, &track).args(["-o", name]).arg("--no-csv-guard"), 0);
        }
        let parquet = parquet_tables::ParquetTable::open(&folder.join("uploads.parquet")).unwrap();
        let expected = crate::support::rows(&folder.join("uploads.csv"));
        let mut found: Vec<std::collections::BTreeMap<String, String>> = Vec::new();
        for part in 0..parquet.n_parts() {
            let mut read = |_: u64, cells: &[&str], _: &[capture_model::TableNumber]| {
                let cells = cells.iter().map(|cell| (*cell).to_owned());
                found.push(parquet.names().iter().cloned().zip(cells).collect());
            };
            parquet.read_part(part, &|_| capture_model::Wanted::Text, &mut read).unwrap();
        }
        assert_eq!(found.len(), 3);
        for (found, expected) in found.iter().zip(&expected) {
            for (column, cell) in expected {
                if !["age_hours", "created_at", "captured_at"].contains(&column.as_str()) {
                    assert_eq!(&found[column], cell, "{column}");
                }
            }
        }
        assert_eq!(found[0]["image_id"], "26858300993768842", "with all its digits");
        assert_eq!(found[2]["status"], "not_found");
    }

    #[test]
    fn a_broken_file_is_an_unreadable_table() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.parquet"), "PAR1, but not really").unwrap();
        let told = said(&run(tiepoint(folder.path()).args(["scan", "x.parquet"]), 4));
        assert!(told.contains("x.parquet") && told.contains("write it again"), "{told}");
        run(tiepoint(folder.path()).args(["scan", "absent.parquet"]), 3);
    }
}
