//! `verify` from each of its sources, against moves that were put in.

use crate::support::{Service, recorded, rows, rows_of, run, said, tiepoint};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

const KEY: &str = "QztYSJSr-EanBuImZ1ClSw";
const FIRST_ID: u64 = 26_858_300_993_768_042; // above 2^53

/// Where metres east and north of a place lead; good to a millimetre for moves of some hundred metres.
fn moved([lon, lat]: [f64; 2], [east_m, north_m]: [f64; 2]) -> [f64; 2] {
    let e2 = 0.006_694_379_990_14;
    let w = (1.0 - e2 * lat.to_radians().sin().powi(2)).sqrt();
    let (meridian_m, normal_m) = (6_378_137.0 * (1.0 - e2) / w.powi(3), 6_378_137.0 / w);
    let lon = lon + (east_m / (normal_m * lat.to_radians().cos())).to_degrees();
    [(lon + 540.0).rem_euclid(360.0) - 180.0, lat + (north_m / meridian_m).to_degrees()]
}

/// The move that is put into image `k`.
fn vector(k: usize) -> [f64; 2] {
    let phase = k as f64 / 7.0;
    [2.0 + phase.sin(), -1.5 + phase.cos() / 2.0]
}

/// A ride to the east from a place, an image each ten metres and second.
fn ride(from: [f64; 2], n: usize) -> Vec<Value> {
    let image = |k: usize| {
        let original = moved(from, [10.0 * k as f64, 0.0]);
        json!({
            "id": (FIRST_ID + k as u64).to_string(), "sequence": KEY, "make": "Kodak", "model": "PixPro",
            "captured_at": 1_716_026_400_000_i64 + 1000 * k as i64, "altitude": 4_294_967_281_u64,
            "computed_altitude": 1.5, "compass_angle": 350.0, "computed_compass_angle": 5.0,
            "geometry": {"type": "Point", "coordinates": original},
            "computed_geometry": {"type": "Point", "coordinates": moved(original, vector(k))},
        })
    };
    (0..n).map(image).collect()
}

fn lines(entities: &[Value]) -> String {
    entities.iter().fold(String::new(), |text, entity| text + &entity.to_string() + "\n")
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} is {:?} in {row:?}", row[column]))
}

/// Every row tells the vector that was put in, to an error.
#[track_caller]
fn check_vectors(case: &str, shifts: &[BTreeMap<String, String>], n: usize, error_m: f64) {
    assert_eq!(shifts.len(), n, "{case}");
    for (k, row) in shifts.iter().enumerate() {
        assert_eq!(row["image_id"], (FIRST_ID + k as u64).to_string(), "{case}");
        let [east_m, north_m] = vector(k);
        let off_m = (number(row, "shift_east_m") - east_m).hypot(number(row, "shift_north_m") - north_m);
        assert!(off_m <= error_m, "{case}: image {k} is off by {off_m} m: {row:?}");
    }
}

#[test]
fn entities_in_lines_and_pages_and_across_the_antimeridian() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    for (case, from) in [("Oslo", [10.75, 59.91]), ("Taveuni, over the antimeridian", [179.9990, -16.8])] {
        let entities = ride(from, 60);
        write("lines.jsonl", lines(&entities));
        write("page.json", json!({"data": entities}).to_string());
        for file in ["lines.jsonl", "page.json"] {
            let arguments = ["verify", "--remote", file, "-o", "shifts.csv", "--by-sequence", "sums.csv"];
            let told = said(&run(tiepoint(folder.path()).args(arguments), 0));
            assert!(told.contains("60 with an adjusted place") && told.contains("Kodak PixPro"), "{told}");
            let shifts = rows(&folder.path().join("shifts.csv"));
            check_vectors(case, &shifts, 60, 0.01);
            assert_eq!(shifts[0]["altitude_m"], "-15.000", "the wrap around 2^32 is undone");
            assert_eq!((shifts[0]["computed_altitude_m"].as_str(), shifts[0]["flags"].as_str()), ("1.500", "moved"));
            assert_eq!(shifts[0]["compass_turn_deg"], "15.00");
            assert!((number(&shifts[9], "along_m") - vector(9)[0]).abs() < 0.011, "{case}: east is ahead");
            let sums = rows(&folder.path().join("sums.csv"));
            assert_eq!((sums.len(), sums[0]["images"].as_str()), (1, "60"), "{case}: one sequence");
            assert!(number(&sums[0], "max_m") < 4.0, "{case}");
        }
    }
}

#[test]
fn a_limit_fails_a_script_and_stdout_takes_one_table() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.jsonl"), lines(&ride([8.0, 47.0], 9))).unwrap();
    let verify = |more: &[&str], code| {
        let mut command = tiepoint(folder.path());
        command.args(["verify", "--remote", "r.jsonl"]).args(more);
        run(&mut command, code)
    };
    check_vectors("stdout", &rows_of(&verify(&[], 0).stdout), 9, 0.01);
    verify(&["--fail-on", "moved"], 24);
    verify(&["--fail-on", "moved", "--limit", "6m"], 0);
    verify(&["--fail-on", "moved,unmatched", "--limit", "2.2m"], 24);
    assert!(said(&verify(&["--by-sequence", "-"], 2)).contains("two tables"));
    assert!(said(&verify(&["--limit", "6km"], 2)).contains("such as 6m"));
    assert!(said(&verify(&["--by-sequence", "sums.geojson"], 2)).contains(".csv"));
    verify(&["-o", "shifts.geojson", "-q"], 0);
    let drawn: Value = serde_json::from_slice(&std::fs::read(folder.path().join("shifts.geojson")).unwrap()).unwrap();
    let features = drawn["features"].as_array().unwrap();
    assert_eq!((features.len(), &features[2]["properties"]["kind"]), (27, &json!("shift")), "two places and the way");
    assert_eq!(features[2]["geometry"]["coordinates"][0], features[0]["geometry"]["coordinates"]);
    assert_eq!(features[2]["properties"]["flags"], "moved");
    verify(&["--report", "somewhere"], 2);
    verify(&["-o", "s.jsonl", "--summary", "m.json", "-q"], 0);
    let figures: Value = serde_json::from_slice(&std::fs::read(folder.path().join("m.json")).unwrap()).unwrap();
    assert_eq!((&figures["images"], &figures["by_device"][0]["model"]), (&json!(9), &json!("PixPro")));
    assert_eq!(figures["flags"]["moved"], 9);
    run(tiepoint(folder.path()).args(["verify", "--remote", "none.jsonl"]), 3);
    std::fs::write(folder.path().join("empty.jsonl"), "").unwrap();
    run(tiepoint(folder.path()).args(["verify", "--remote", "empty.jsonl"]), 3);
    std::fs::write(folder.path().join("broken.jsonl"), "{\"geometry\": 1").unwrap();
    run(tiepoint(folder.path()).args(["verify", "--remote", "broken.jsonl"]), 4);
    run(tiepoint(folder.path()).args(["verify"]), 2);
}

#[test]
fn sequences_by_key_over_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::start(ride([8.0, 47.0], 40));
    let verify = |arguments: &[&str], code| {
        let mut command = tiepoint(folder.path());
        service.serve(&mut command);
        run(command.arg("verify").args(arguments).args(["-o", "shifts.csv"]), code)
    };
    let told = said(&verify(&["--sequence", KEY, "unknownunknownunknown1"], 0));
    assert!(told.contains("unknownunknownunknown1: the service shows no image"), "{told}");
    check_vectors("by key", &rows(&folder.path().join("shifts.csv")), 40, 0.01);
    let asked = service.n_requests();
    verify(&["--sequence", KEY, "unknownunknownunknown1"], 0);
    assert_eq!(service.n_requests(), asked, "a second run asks nothing");
    verify(&["--sequence", "unknownunknownunknown1", "--offline"], 12);
    verify(&["--sequence", "unknownunknownunknown1"], 3);
    assert!(said(&verify(&["--sequence", "a/../b"], 2)).contains("a sequence key has only letters"));
}

/// Places of tiles are rounded: a vector may be off by one step of the grid on each axis.
#[test]
fn both_tilesets_as_tables_and_as_tiles() {
    let folder = tempfile::tempdir().unwrap();
    let from = [8.0005, 47.0]; // a ride inside one tile
    let step_m = 40_075_016.686 / 16_384.0 / 4096.0 * 47_f64.to_radians().cos();
    let error_m = step_m * std::f64::consts::SQRT_2 + 0.01;
    let entities = ride(from, 40);
    let service = Service::start(entities.clone());
    let tile = {
        let output = run(tiepoint(folder.path()).args(["tiles", "--lon", "8.0005", "--lat", "47"]), 0);
        crate::support::printed(&output).trim().to_owned()
    };
    for tileset in ["original", "computed"] {
        let mut command = tiepoint(folder.path());
        service.serve(&mut command);
        run(command.args(["coverage", &tile, "--tileset", tileset, "-o", &format!("{tileset}.csv")]), 0);
        write_tile(&folder.path().join(tileset), &tile, &entities, tileset == "computed");
    }
    let verify = |pair: [&str; 2]| {
        let arguments = ["verify", "--remote", pair[0], "--computed", pair[1], "-o", "shifts.csv"];
        let told = said(&run(tiepoint(folder.path()).args(arguments), 0));
        assert!(told.contains("places come from tiles: every figure is good to ±0.5"), "{told}");
        rows(&folder.path().join("shifts.csv"))
    };
    check_vectors("tables", &verify(["original.csv", "computed.csv"]), 40, error_m);
    let paths = ["original", "computed"].map(|tileset| format!("{tileset}/{tile}.mvt"));
    check_vectors("tiles", &verify([&paths[0], &paths[1]]), 40, error_m);
    let moved = std::fs::read(folder.path().join(&paths[0])).unwrap();
    std::fs::write(folder.path().join("plain.mvt"), moved).unwrap();
    let told = said(&run(tiepoint(folder.path()).args(["verify", "--remote", "plain.mvt"]), 2));
    assert!(told.contains("--tile z/x/y"), "{told}");
    run(tiepoint(folder.path()).args(["verify", "--remote", "plain.mvt", "--tile", &tile]), 0);
}

fn write_tile(folder: &Path, tile: &str, entities: &[Value], is_computed: bool) {
    let key = if is_computed { "computed_geometry" } else { "geometry" };
    let feature = |entity: &Value| coverage_tile::ImageFeature {
        id: entity["id"].as_str().unwrap().parse().unwrap(),
        sequence_id: KEY.to_owned(),
        captured_at_ms: entity["captured_at"].as_i64(),
        position: {
            let at = &entity[key]["coordinates"];
            capture_model::Position::from_lon_lat(at[0].as_f64().unwrap(), at[1].as_f64().unwrap()).unwrap()
        },
        compass_angle_deg: None,
        is_pano: None,
        creator_id: None,
        organization_id: None,
    };
    let features: Vec<_> = entities.iter().map(feature).collect();
    let path = folder.join(format!("{tile}.mvt"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let bytes = coverage_tile::encode(tile.parse().unwrap(), &features, &[], &coverage_tile::Dialect::default());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_report_says_again_what_the_run_found_and_which_upload_differs() {
    let folder = tempfile::tempdir().unwrap();
    let entities = ride([8.0, 47.0], 40);
    let mut table = "path,lat,lon,captured_at\n".to_owned();
    for (k, entity) in entities.iter().enumerate() {
        let at = &entity["geometry"]["coordinates"];
        let [lon, lat] = [0, 1].map(|axis| at[axis].as_f64().unwrap());
        let [lon, lat] = if k == 17 { moved([lon, lat], [0.0, 1.2]) } else { [lon, lat] };
        let second = k % 60;
        writeln!(table, "ride/{k:02}.jpg,{lat:.7},{lon:.7},2024-05-18T10:00:{second:02}Z").unwrap();
    }
    std::fs::write(folder.path().join("photos.csv"), table).unwrap();
    std::fs::write(folder.path().join("remote.jsonl"), lines(&entities)).unwrap();
    let service = Service::start(entities);
    let mut command = tiepoint(folder.path());
    service.serve(&mut command);
    run(command.args(["reconcile", "photos.csv", "--out", "ties", "--fail-on", "moved", "--limit", "3.7m"]), 0);
    let found = folder.path().join("ties/shifts.csv");
    check_vectors("reconcile", &rows(&found), 40, 0.01);
    run(tiepoint(folder.path()).args(["verify", "--report", "ties", "-o", "again.csv"]), 0);
    let [found_bytes, again] = [&found, &folder.path().join("again.csv")].map(|path| std::fs::read(path).unwrap());
    assert_eq!(found_bytes, again, "word for word");
    let summary: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("ties/summary.json")).unwrap()).unwrap();
    assert_eq!(summary["shifts"]["by_device"][0]["make"], "Kodak");
    assert_eq!(summary["shifts"]["flags"], json!({"moved": 40, "upload_differs": 1}));

    run(tiepoint(folder.path()).args(["match", "--local", "photos.csv", "--remote", "remote.jsonl", "--out", "m"]), 0);
    run(tiepoint(folder.path()).args(["verify", "--report", "m", "-o", "m.csv", "--by-sequence", "s.jsonl"]), 0);
    for (case, shifts) in [("reconcile", rows(&found)), ("match", rows(&folder.path().join("m.csv")))] {
        let differing: Vec<_> = shifts.iter().filter(|row| row["flags"].contains("upload_differs")).collect();
        assert_eq!(differing.len(), 1, "{case}");
        assert_eq!(differing[0]["image_id"], (FIRST_ID + 17).to_string(), "{case}");
    }
    run(tiepoint(folder.path()).args(["verify", "--report", "nowhere"]), 3);
    std::fs::write(&found, "image_id,flags\n7.5,\n").unwrap();
    let told = said(&run(tiepoint(folder.path()).args(["verify", "--report", "ties"]), 4));
    assert!(told.contains("shifts.csv line 2, column `image_id`"), "{told}");
}

/// Figures of two other tools, as in the tests of `adjustment-audit`; here through the files that a user has.
#[test]
fn recorded_entities_have_the_figures_of_other_tools() {
    for (set, expected) in [
        ("images_karlsruhe_94", [2.92, 11.54, 14.37, 14.91]),
        ("images_clovis_125", [0.43, 3.35, 56.81, 109.68]),
        ("images_morgantown_125", [2.27, 4.48, 8.03, 10.01]),
        ("trekview/images_by_creator", [5.68; 4]),
    ] {
        let Some(file) = recorded(&format!("graph-api/{set}.json")) else { return };
        let folder = tempfile::tempdir().unwrap();
        let mut command = tiepoint(folder.path());
        let told = said(&run(command.args(["verify", "--summary", "m.json", "--remote"]).arg(file), 0));
        assert!(told.lines().all(|line| line.chars().count() <= 80), "{told}");
        let figures: Value = serde_json::from_slice(&std::fs::read(folder.path().join("m.json")).unwrap()).unwrap();
        let found = ["median_m", "p90_m", "p99_m", "max_m"].map(|name| figures["moves"][name].as_f64().unwrap());
        assert_eq!(found, expected, "{set}");
    }
}
