//! Rows of text as programs write them, on a short way into the columns.
//!
//! # Method
//! Nearly all rows of a table are plain: numbers without blanks, units or exponents, moments as whole milliseconds or as this
//! program writes them, sequence and device those of the row before. Such a row is taken whole here, cell by cell and
//! without anything between the bytes and the columns. Whatever else a cell holds, the row is left to the reader that
//! knows all forms ([`crate::table::RowReader::row`]): both give the same columns, and only the latter speaks of bad cells.

use super::{Places, PublishedRows, is_same, pixels, unwrapped};
use crate::decimal::simple;
use crate::table::Row;
use crate::time_text::plain_ms;
use capture_model::{Evidence, Position, PublishedImages, tail_digits};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Id,
    IdExact,
    Sequence,
    Time,
    Longitude,
    Latitude,
    ComputedLongitude,
    ComputedLatitude,
    Altitude,
    ComputedAltitude,
    Compass,
    ComputedCompass,
    Make,
    Model,
    Width,
    Height,
    Creator,
    IsPano,
    Layer,
    Tile,
}

/// The columns that are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    /// In the order of the table.
    fields: Vec<(usize, Field)>,
    pub(super) lacks: Lacks,
}

/// What the table has no column for. These columns hold one value in all rows, so they are filled when all rows are known
/// ([`PublishedRows::fill_up`]), and until then hold it as often as happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a column")]
pub(super) struct Lacks {
    pub(super) id_exact: bool,
    pub(super) sequence: bool,
    pub(super) time: bool,
    pub(super) original: bool,
    pub(super) computed: bool,
    pub(super) altitude: bool,
    pub(super) computed_altitude: bool,
    pub(super) compass: bool,
    pub(super) computed_compass: bool,
    pub(super) device: bool,
    pub(super) creator: bool,
    pub(super) is_pano: bool,
}

impl Lacks {
    fn of(at: &Places) -> Self {
        Self {
            id_exact: at.id_exact.is_none(),
            sequence: at.sequence.is_none(),
            time: at.time.is_none(),
            original: at.longitude.is_none() && at.latitude.is_none(),
            computed: at.computed_longitude.is_none() && at.computed_latitude.is_none(),
            altitude: at.altitude.is_none(),
            computed_altitude: at.computed_altitude.is_none(),
            compass: at.compass.is_none(),
            computed_compass: at.computed_compass.is_none(),
            device: [at.make, at.model, at.width, at.height].iter().all(Option::is_none),
            creator: at.creator.is_none(),
            is_pano: at.is_pano.is_none(),
        }
    }
}

impl Plan {
    pub(super) fn of(at: &Places, is_coverage: bool) -> Self {
        let known = [
            (at.id, Field::Id),
            (at.id_exact, Field::IdExact),
            (at.sequence, Field::Sequence),
            (at.time, Field::Time),
            (at.longitude, Field::Longitude),
            (at.latitude, Field::Latitude),
            (at.computed_longitude, Field::ComputedLongitude),
            (at.computed_latitude, Field::ComputedLatitude),
            (at.altitude, Field::Altitude),
            (at.computed_altitude, Field::ComputedAltitude),
            (at.compass, Field::Compass),
            (at.computed_compass, Field::ComputedCompass),
            (at.make, Field::Make),
            (at.model, Field::Model),
            (at.width, Field::Width),
            (at.height, Field::Height),
            (at.creator, Field::Creator),
            (at.is_pano, Field::IsPano),
            (at.layer.filter(|_| is_coverage), Field::Layer),
            (at.tile.filter(|_| is_coverage), Field::Tile),
        ];
        let mut plan: Vec<(usize, Field)> =
            known.into_iter().filter_map(|(place, field)| Some((place?, field))).collect();
        plan.sort_unstable_by_key(|&(place, _)| place);
        Self { fields: plan, lacks: Lacks::of(at) }
    }
}

/// One row before it goes into the columns, with what its cells leave open.
struct Values<'t> {
    id: Option<u64>,
    id_exact: bool,
    sequence: u32,
    captured_at_ms: i64,
    original: [f64; 2],
    computed: [f64; 2],
    altitude_m: f32,
    computed_altitude_m: f32,
    compass_deg: f32,
    computed_compass_deg: f32,
    make: &'t [u8],
    model: &'t [u8],
    pixels: [Option<u32>; 2],
    creator_id: u64,
    is_pano: Option<bool>,
    is_image: bool,
}

impl PublishedRows {
    /// Takes a row, or leaves all of it and says so by `false`.
    pub(super) fn take_plain(&mut self, row: &Row<'_>) -> bool {
        let Some(values) = self.values_of(row) else { return false };
        let Some(id) = values.id else { return false };
        let Some(device) = &self.last_device else { return false };
        let is_known = is_same(device.make.as_bytes(), values.make)
            && is_same(device.model.as_bytes(), values.model)
            && device.pixels == values.pixels;
        let is_placed =
            |[lon, lat]: [f64; 2]| (lon.is_nan() && lat.is_nan()) || Position::from_lon_lat(lon, lat).is_ok();
        if !(is_known && is_placed(values.original) && is_placed(values.computed)) {
            return false;
        }
        if self.is_coverage && !values.is_image {
            return false;
        }
        let number = device.number;
        let (images, lacks) = (&mut self.images, self.plan.lacks);
        images.id.push(id);
        put(lacks.id_exact, &mut images.id_exact, values.id_exact);
        images.evidence.push(if self.is_coverage { Evidence::Tile } else { Evidence::Entity });
        put(lacks.sequence, &mut images.sequence, values.sequence);
        put(lacks.time, &mut images.captured_at_ms, values.captured_at_ms);
        put(lacks.original, &mut images.longitude, values.original[0]);
        put(lacks.original, &mut images.latitude, values.original[1]);
        put(lacks.computed, &mut images.computed_longitude, values.computed[0]);
        put(lacks.computed, &mut images.computed_latitude, values.computed[1]);
        put(lacks.altitude, &mut images.altitude_m, values.altitude_m);
        put(lacks.computed_altitude, &mut images.computed_altitude_m, values.computed_altitude_m);
        put(lacks.compass, &mut images.compass_deg, values.compass_deg);
        put(lacks.computed_compass, &mut images.computed_compass_deg, values.computed_compass_deg);
        put(lacks.device, &mut images.device, number);
        put(lacks.is_pano, &mut images.is_pano, values.is_pano);
        put(lacks.creator, &mut images.creator_id, values.creator_id);
        true
    }

    /// Fills the columns that the table lacks.
    pub(super) fn fill_up(&mut self) {
        let (images, lacks) = (&mut self.images, self.plan.lacks);
        let n_rows = images.len();
        fill(lacks.id_exact, &mut images.id_exact, true, n_rows);
        fill(lacks.sequence, &mut images.sequence, PublishedImages::NO_SEQUENCE, n_rows);
        fill(lacks.time, &mut images.captured_at_ms, PublishedImages::NO_TIME, n_rows);
        fill(lacks.original, &mut images.longitude, f64::NAN, n_rows);
        fill(lacks.original, &mut images.latitude, f64::NAN, n_rows);
        fill(lacks.computed, &mut images.computed_longitude, f64::NAN, n_rows);
        fill(lacks.computed, &mut images.computed_latitude, f64::NAN, n_rows);
        fill(lacks.altitude, &mut images.altitude_m, f32::NAN, n_rows);
        fill(lacks.computed_altitude, &mut images.computed_altitude_m, f32::NAN, n_rows);
        fill(lacks.compass, &mut images.compass_deg, f32::NAN, n_rows);
        fill(lacks.computed_compass, &mut images.computed_compass_deg, f32::NAN, n_rows);
        fill(lacks.device, &mut images.device, 0, n_rows); // that which nothing is known of is the first
        fill(lacks.is_pano, &mut images.is_pano, None, n_rows);
        fill(lacks.creator, &mut images.creator_id, 0, n_rows);
    }

    /// The values of a plain row; `None` for any other.
    #[inline]
    fn values_of<'t>(&self, row: &Row<'t>) -> Option<Values<'t>> {
        let mut values = Values {
            id: None,
            id_exact: true,
            sequence: PublishedImages::NO_SEQUENCE,
            captured_at_ms: PublishedImages::NO_TIME,
            original: [f64::NAN; 2],
            computed: [f64::NAN; 2],
            altitude_m: f32::NAN,
            computed_altitude_m: f32::NAN,
            compass_deg: f32::NAN,
            computed_compass_deg: f32::NAN,
            make: b"",
            model: b"",
            pixels: [None; 2],
            creator_id: 0,
            is_pano: None,
            is_image: !self.is_coverage,
        };
        let small = |cell: &[u8]| Some(simple(cell)? as f32);
        let pixels = |cell: &[u8]| simple(cell).map(pixels);
        let truth = |cell: &[u8]| match cell {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        };
        for &(place, field) in &self.plan.fields {
            let cell = row.bytes(place);
            if cell.is_empty() {
                continue; // nothing is known
            }
            match field {
                Field::Id => values.id = Some(tail_digits(cell, cell.len())?),
                Field::IdExact => values.id_exact = truth(cell)?,
                Field::Sequence => {
                    let (last, number) = self.last_sequence.as_ref()?;
                    values.sequence = is_same(last.as_bytes(), cell).then_some(*number)?;
                }
                Field::Time => values.captured_at_ms = plain_ms(cell, PublishedImages::NO_TIME)?,
                Field::Longitude => values.original[0] = simple(cell)?,
                Field::Latitude => values.original[1] = simple(cell)?,
                Field::ComputedLongitude => values.computed[0] = simple(cell)?,
                Field::ComputedLatitude => values.computed[1] = simple(cell)?,
                Field::Altitude => values.altitude_m = unwrapped(simple(cell)?) as f32,
                Field::ComputedAltitude => values.computed_altitude_m = small(cell)?,
                Field::Compass => values.compass_deg = small(cell)?,
                Field::ComputedCompass => values.computed_compass_deg = small(cell)?,
                Field::Make => values.make = cell,
                Field::Model => values.model = cell,
                Field::Width => values.pixels[0] = Some(pixels(cell)?),
                Field::Height => values.pixels[1] = Some(pixels(cell)?),
                Field::Creator => values.creator_id = tail_digits(cell, cell.len())?,
                Field::IsPano => values.is_pano = Some(truth(cell)?),
                Field::Layer => values.is_image = (cell == b"image").then_some(true)?,
                Field::Tile => (cell == self.last_tile.as_bytes()).then_some(())?,
            }
        }
        Some(values)
    }
}

/// Adds a value to a column, unless the table lacks it.
#[inline]
fn put<T>(is_lacking: bool, column: &mut Vec<T>, value: T) {
    if !is_lacking {
        column.push(value);
    }
}

/// Makes a column of one value anew, which for zeros touches no memory.
fn fill<T: Copy>(is_lacking: bool, column: &mut Vec<T>, value: T, n_rows: usize) {
    if is_lacking {
        *column = vec![value; n_rows];
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::table::{BadCells, RowReader};
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
        format!("{images:?} {:?} {:?}", rows.images.sequence, rows.images.device)
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
            let (mut short, mut long) = (PublishedRows::default(), PublishedRows::default());
            for rows in [&mut short, &mut long] {
                prop_assert!(rows.header(&names).is_ok());
            }
            long.plan = Plan::default(); // no row is plain
            let (mut bad, mut expected_bad) = (BadCells::default(), BadCells::default());
            for (line, (cells, times)) in (2..).zip(&rows) {
                let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
                for _ in 0..*times {
                    short.row(&Row::of_text(line, &cells), &mut bad);
                    long.row(&Row::of_text(line, &cells), &mut expected_bad);
                }
            }
            short.fill_up();
            prop_assert_eq!(told(&short), told(&long));
            prop_assert_eq!(format!("{bad:?}"), format!("{expected_bad:?}"));
            prop_assert_eq!(short.tiles, long.tiles);
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
        assert_eq!(rows.images.device, [0, 0, 0, 0, 1, 1]);
        let altitudes: Vec<_> = (0..6).map(|row| rows.images.image(row).altitude_m).collect();
        assert_eq!(altitudes, [None, None, Some(70.0), Some(70.0), None, None]);
        assert_eq!(rows.images.creator_id, [0; 6]);
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
            (row("9", "b", "1630145202250"), false),
            (row("9", "a", "2021-08-28 10:06:42"), false),
        ] {
            assert_eq!(rows.take_plain(&Row::of_text(3, &cells)), expected, "{cells:?}");
        }
        assert_eq!(rows.images.id, [7, 8]);
    }
}
