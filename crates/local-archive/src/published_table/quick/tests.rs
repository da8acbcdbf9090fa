//! Both ways of a row, plain and by all forms, into the same columns.

use super::*;
use crate::table::{BadCells, CutCells, Row, RowReader};
use proptest::prelude::*;

/// All columns that are known.
pub(in super::super) const NAMES: [&str; 20] = [
    "id",
    "id_exact",
    "sequence",
    "captured_at",
    "longitude",
    "latitude",
    "computed_longitude",
    "computed_latitude",
    "altitude",
    "computed_altitude",
    "compass_angle",
    "computed_compass_angle",
    "make",
    "model",
    "width",
    "height",
    "creator_id",
    "is_pano",
    "layer",
    "tile",
];

/// All that was read.
pub(in super::super) fn told(rows: &PublishedRows) -> String {
    let images: Vec<_> = (0..rows.images.len()).map(|row| rows.images.image(row)).collect();
    let devices: Vec<_> = (0..rows.images.len()).map(|row| rows.images.device[row]).collect();
    format!("{images:?} {:?} {devices:?}", rows.images.sequence)
}

/// A cell, mostly a plain one.
pub(in super::super) fn cell() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(vec![
        "",
        "",
        "",
        "7",
        "26858300993768842",
        "18446744073709551615",
        "1630145202250",
        "2021-08-28T10:06:42.000Z",
        "2021-08-31T10:06:42.000Z",
        "0",
        "-0",
        "-0.5",
        "50.8966219",
        "-154.2709525352569",
        "180.5",
        "true",
        "false",
        "image",
        "14/1/2",
        "4294967281",
        "key",
        "GoPro",
    ]);
    let odd = prop::sample::select(vec![
        " ",
        "\u{a0}",
        " 7",
        "7 ",
        "+7",
        "1e3",
        "nan",
        "NULL",
        ".5",
        "5.",
        "45 deg 31' 0.85\" N",
        "70.3 m",
        "inf",
        "é",
        "1",
        "sequence",
        "True",
        "99999999999999999999",
        "-1",
        "1.5.2",
        "2021-08-28 10:06:42",
        "3024.0",
    ]);
    prop_oneof![8 => plain.prop_map(String::from), 1 => odd.prop_map(String::from), 1 => "\\PC{0,6}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn the_short_way_leads_to_the_same_columns(
        is_here in prop::collection::vec(prop::bool::weighted(0.7), NAMES.len()),
        rows in prop::collection::vec((prop::collection::vec(cell(), NAMES.len()), 1_usize..4), 0..12),
    ) {
        let is_needed = |name: &str| ["id", "longitude", "latitude"].contains(&name);
        let names: Vec<&str> =
            NAMES.iter().zip(is_here).filter(|(name, here)| *here || is_needed(name)).map(|(name, _)| *name).collect();
        let [mut short, mut by_bytes, mut long] = [(); 3].map(|()| PublishedRows::default());
        for rows in [&mut short, &mut by_bytes, &mut long] {
            prop_assert!(rows.header(&names).is_ok());
        }
        long.plan = Plan::default(); // no row is plain
        let (mut bad, mut expected_bad) = (BadCells::default(), BadCells::default());
        for (line, (cells, times)) in (2..).zip(&rows) {
            let cells: Vec<&str> = cells.iter().take(names.len()).map(String::as_str).collect();
            let is_cut = cells.iter().all(|cell| !cell.contains([',', '"', '\r', '\n']));
            let bytes = format!("some bytes before\n{}\n", cells.join(","));
            let marks: Vec<u32> =
                (18..).zip(bytes.bytes().skip(18)).filter(|(_, byte)| b",\n".contains(byte)).map(|(at, _)| at).collect();
            for _ in 0..*times {
                short.row(&Row::of_text(line, &cells), &mut bad);
                long.row(&Row::of_text(line, &cells), &mut expected_bad);
                if !is_cut || by_bytes.plain_row(MarkedCells::new(bytes.as_bytes(), 18, &marks)).is_none() {
                    by_bytes.row(&Row::of_text(line, &cells), &mut BadCells::default());
                }
            }
        }
        short.fill_up();
        by_bytes.fill_up();
        prop_assert_eq!(told(&short), told(&long));
        prop_assert_eq!(told(&by_bytes), told(&long));
        prop_assert_eq!(format!("{bad:?}"), format!("{expected_bad:?}"));
        prop_assert_eq!(&short.tiles, &long.tiles);
        prop_assert_eq!(by_bytes.tiles, long.tiles);
    }
}

#[test]
fn columns_that_come_late_are_empty_before() {
    let mut rows = PublishedRows::default();
    let mut take = |names: &[&str], cells: &[&str]| {
        assert!(rows.header(names).is_ok());
        for _ in 0..2 {
            rows.row(&Row::of_text(1, cells), &mut BadCells::default());
        }
    };
    take(&["id", "longitude", "latitude"], &["7", "1.5", "2.5"]);
    take(&["id", "longitude", "latitude", "altitude"], &["8", "1.5", "2.5", "70"]);
    take(&["id", "longitude", "latitude", "altitude", "make"], &["9", "1.5", "2.5", "", "GoPro"]);
    rows.fill_up();
    assert_eq!(rows.images.id, [7, 7, 8, 8, 9, 9]);
    assert_eq!(*rows.images.device.each(), [0, 0, 0, 0, 1, 1]);
    let altitudes: Vec<_> = (0..6).map(|row| rows.images.image(row).altitude_m).collect();
    assert_eq!(altitudes, [None, None, Some(70.0), Some(70.0), None, None]);
    assert_eq!(*rows.images.creator_id.each(), [0; 6]);
}

#[test]
fn rows_as_programs_write_them_take_the_short_way() {
    let mut rows = PublishedRows::default();
    assert!(rows.header(&["id", "sequence", "longitude", "latitude", "altitude", "captured_at", "make"]).is_ok());
    let row = |id, sequence, time| vec![id, sequence, "-0.5591297", "50.8966219", "70.25", time, "GoPro"];
    let first = row("7", "a", "1630145202250");
    rows.row(&Row::of_text(2, &first), &mut BadCells::default());
    for (cells, expected) in [
        (row("8", "a", "2021-08-28T10:06:42.000Z"), true),
        (row("9", "b", "1630145202250"), true),
        (row("9", " b", "1630145202250"), false),
        (row("9", "a", "2021-08-28 10:06:42"), false),
    ] {
        let cells = Row::of_text(3, &cells);
        assert_eq!(rows.take_plain(&mut CutCells::new(&cells)).is_some(), expected, "{cells:?}");
    }
    assert_eq!(rows.images.id, [7, 8, 9]);
}
