//! Numbers go straight through: reading them asks for no memory row by row. Counted, so that no clock is needed.

use capture_model::{CapturedAt, Position, TableNumber, Wanted};
use match_report::{CoverageRow, OutputFile, Table, send_coverage};
use parquet_tables::{ParquetSink, ParquetTable};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn numbers_are_read_without_an_allocation_a_row() {
    const ROWS: u64 = 40_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("coverage.parquet");
    let rows = (0..ROWS).map(|k| CoverageRow {
        layer: "image",
        tile: String::new(),
        image_id: Some(100_000_000_000_000 + k),
        sequence_id: None,
        captured_at: Some(CapturedAt::from_epoch_ms(1_600_000_000_000 + k.cast_signed())),
        position: Position::from_lon_lat(k as f64 * 1e-4, 50.0).ok(),
        compass_angle_deg: None,
        is_pano: None,
        organization_id: None,
        creator_id: None,
        id_exact: true,
    });
    let mut file = OutputFile::create(&path).unwrap();
    send_coverage(rows, &mut ParquetSink::new(Table::Coverage, &mut file)).unwrap();
    file.commit().unwrap();
    let table = ParquetTable::open(&path).unwrap();
    let place = |name: &str| table.names().iter().position(|known| known == name).unwrap();
    let places = ["image_id", "captured_at", "longitude", "latitude"].map(place);
    let wanted = |column| if places.contains(&column) { Wanted::Any } else { Wanted::Not };
    let region = Region::new(ALLOCATOR);
    let (mut n_numbers, mut n_rows) = (0, 0);
    for part in 0..table.n_parts() {
        let mut row = |_: u64, _: &[&str], numbers: &[TableNumber]| {
            n_rows += 1;
            n_numbers += numbers.iter().filter(|number| **number != TableNumber::None).count();
        };
        table.read_part(part, &wanted, &mut row).unwrap();
    }
    let allocations = region.change().allocations;
    assert_eq!((n_rows, n_numbers), (ROWS, 4 * ROWS as usize));
    assert!(allocations < 2_000, "{allocations} allocations for {ROWS} rows of four numbers");
}
