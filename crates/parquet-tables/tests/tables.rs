//! What was written is read back: by this crate, and by readers of others.

#![expect(clippy::unwrap_used, reason = "a test may")]

use capture_model::{CapturedAt, LocalTime, Position, WallClock, Wanted};
use match_report::{Cell, ColumnInfo, CoverageRow, Kind, Table, TableSink, send_coverage};
use parquet_tables::{ParquetSink, ParquetTable, ParquetTableError};
use proptest::prelude::*;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn coverage(n: u64) -> Vec<CoverageRow<'static>> {
    (0..n)
        .map(|k| CoverageRow {
            layer: if k % 10 == 0 { "sequence" } else { "image" },
            tile: "14/8716/5704".to_owned(),
            image_id: (k % 7 != 3).then_some(u64::MAX - k),
            sequence_id: (k % 5 != 0).then_some("aE5o7bTMH0UtscOYxhVwID"),
            captured_at: (k % 3 != 0).then(|| CapturedAt::from_epoch_ms(1_716_026_400_000 + k.cast_signed())),
            position: (k % 10 != 0).then(|| Position::from_lon_lat(8.4 + k as f64 * 1e-6, -49.0).unwrap()),
            compass_angle_deg: Some(k as f64 % 360.0),
            is_pano: (k % 2 == 0).then_some(k % 4 == 0),
            organization_id: None,
            creator_id: Some(k),
            id_exact: k % 11 != 0,
        })
        .collect()
}

fn written(folder: &Path, n: u64) -> PathBuf {
    let path = folder.join("coverage.parquet");
    let mut bytes = Vec::new();
    send_coverage(coverage(n).into_iter(), &mut ParquetSink::new(Table::Coverage, &mut bytes)).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

/// All rows of the named columns as text; numbers that are taken as they are must say the same.
fn read(path: &Path, wanted: &[&str]) -> Result<Vec<Vec<String>>, ParquetTableError> {
    let rows = read_as(path, wanted, Wanted::Text)?;
    assert_eq!(read_as(path, wanted, Wanted::Any)?, rows);
    Ok(rows)
}

fn read_as(path: &Path, wanted: &[&str], how: Wanted) -> Result<Vec<Vec<String>>, ParquetTableError> {
    let table = ParquetTable::open(path)?;
    let places: Vec<usize> =
        wanted.iter().map(|name| table.names().iter().position(|known| known == name).expect(name)).collect();
    let mut rows = Vec::new();
    for part in 0..table.n_parts() {
        let wanted = |column| if places.contains(&column) { how } else { Wanted::Not };
        table.read_part(part, &wanted, &mut |number, texts, numbers| {
            assert_eq!(number, rows.len() as u64 + 1);
            rows.push(places.iter().map(|&place| format!("{}{}", texts[place], numbers[place])).collect());
        })?;
    }
    Ok(rows)
}

#[test]
fn rows_of_several_groups_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let n = 70_000; // more than a group
    let path = written(folder.path(), n);
    assert_eq!(ParquetTable::open(&path).unwrap().n_parts(), 2);
    let names = ["image_id", "sequence_id", "captured_at", "longitude", "latitude", "is_pano", "id_exact"];
    let rows = read(&path, &names).unwrap();
    assert_eq!(rows.len() as u64, n);
    for (row, known) in rows.iter().zip(coverage(n)) {
        let number = |number: f64| ((number * 1e7).round() / 1e7).to_string();
        let expected = [
            known.image_id.map_or(String::new(), |id| id.to_string()),
            known.sequence_id.unwrap_or("").to_owned(),
            known.captured_at.map_or(String::new(), |time| time.epoch_ms().to_string()),
            known.position.map_or(String::new(), |place| number(place.lon())),
            known.position.map_or(String::new(), |place| number(place.lat())),
            known.is_pano.map_or(String::new(), |truth| truth.to_string()),
            known.image_id.map_or(String::new(), |_| known.id_exact.to_string()),
        ];
        assert_eq!(row, &expected);
    }
}

#[test]
fn a_table_without_rows_has_its_columns() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), 0);
    let table = ParquetTable::open(&path).unwrap();
    assert_eq!(table.n_parts(), 0);
    assert!(
        table.names().iter().any(|name| name == "image_id") && !table.names().iter().any(|name| name == "geometry")
    );
}

#[test]
fn wall_clocks_and_moments_stay_apart() {
    let columns = [ColumnInfo { name: "captured_at", kind: Kind::Time, doc: "time" }];
    let mut bytes = Vec::new();
    let mut sink = ParquetSink::new(Table::Scan, &mut bytes);
    sink.begin(&columns).unwrap();
    let times = [
        Cell::Time(LocalTime::Absolute(CapturedAt::from_epoch_ms(1_716_026_400_250))),
        Cell::Time(LocalTime::Wall(WallClock::from_ms_as_if_utc(1_716_026_400_250))),
        Cell::Empty,
    ];
    for time in times {
        sink.row(&mut std::iter::once(time)).unwrap();
    }
    sink.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.parquet");
    std::fs::write(&path, bytes).unwrap();
    let expected = [["1716026400250", ""], ["", "2024-05-18T10:00:00.250"], ["", ""]];
    assert_eq!(read(&path, &["captured_at", "captured_at_wall"]).unwrap(), expected);
}

#[test]
fn what_is_no_parquet_is_told_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    assert!(matches!(ParquetTable::open(&path), Err(ParquetTableError::File { .. })));
    for content in [&b""[..], b"PAR1", b"path,lat,lon\n", &[0; 64]] {
        std::fs::write(&path, content).unwrap();
        let told = ParquetTable::open(&path).unwrap_err().to_string();
        assert!(told.contains("x.parquet"), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// Bytes that were changed or cut give rows or an error, never a panic.
    #[test]
    fn broken_files_never_panic(edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6), cut in any::<u16>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path(), 40);
        let mut bytes = std::fs::read(&path).unwrap();
        let n = bytes.len();
        for (at, byte) in edits {
            bytes[usize::from(at) % n] = byte;
        }
        if cut % 4 == 0 {
            bytes.truncate(usize::from(cut) % n);
        }
        std::fs::write(&path, bytes).unwrap();
        if let Ok(table) = ParquetTable::open(&path) {
            for part in 0..table.n_parts().min(4) {
                let wanted = |column| if column % 2 == 0 { Wanted::Any } else { Wanted::Text };
                let _ = table.read_part(part, &wanted, &mut |_, _, _| ());
            }
        }
    }
}

/// A Python that can import a module; `None`, said aloud, where there is none.
fn python(module: &str) -> Option<String> {
    let python = std::env::var("TIEPOINT_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    let _ =
        writeln!(std::io::stderr(), "SKIPPED: {python} has no {module} (name another one with TIEPOINT_TEST_PYTHON)");
    None
}

#[track_caller]
fn run(python: &str, script: &str, path: &Path) -> String {
    let output = Command::new(python).args(["-c", script]).arg(path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn pyarrow_sees_ids_times_and_empty_cells() {
    let Some(python) = python("pyarrow") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), 100);
    let told = run(
        &python,
        "import sys, pyarrow.parquet as pq\nt = pq.read_table(sys.argv[1])\ns = t.schema\n\
         print(t.num_rows, s.field('image_id').type, s.field('captured_at').type, s.field('longitude').type)\n\
         print(t['image_id'][0].as_py(), t['image_id'][3].as_py(), t['captured_at'][1].as_py().isoformat())",
        &path,
    );
    let expected = "100 uint64 timestamp[ms, tz=UTC] double\n\
                    18446744073709551615 None 2024-05-18T10:00:00.001000+00:00";
    assert_eq!(told, expected);
}

#[test]
fn duckdb_counts_the_same_rows() {
    let Some(python) = python("duckdb") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), 70_000);
    let told = run(
        &python,
        "import sys, duckdb\nprint(duckdb.sql(f\"select count(*), max(image_id), count(longitude), count(distinct creator_id) \
         from read_parquet('{sys.argv[1]}')\").fetchall()[0])",
        &path,
    );
    assert_eq!(told, "(70000, 18446744073709551615, 63000, 70000)");
}

#[test]
fn geopandas_sees_points_on_wgs_84() {
    let Some(python) = python("geopandas") else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), 20);
    let told = run(
        &python,
        "import sys, geopandas\nf = geopandas.read_parquet(sys.argv[1])\n\
         print(f.crs.to_string(), len(f), f.geometry[0], f.geometry[1].x, f.geometry[1].y)",
        &path,
    );
    assert_eq!(told, "OGC:CRS84 20 None 8.400001 -49.0");
    let again = folder.path().join("again.parquet");
    let script = format!(
        "import sys, geopandas\nf = geopandas.read_parquet(sys.argv[1])[['image_id', 'geometry']]\nf.to_parquet({again:?})"
    );
    run(&python, &script, &path);
    let rows = read(&again, &["image_id", "longitude", "latitude"]).unwrap();
    assert_eq!(rows[1], ["18446744073709551614", "8.400001", "-49"], "points of GeoPandas are read as coordinates");
}
