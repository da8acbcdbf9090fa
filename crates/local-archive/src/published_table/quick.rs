//! Rows of text as programs write them, on a short way into the columns.
//!
//! # Method
//! Nearly all rows of a table are plain: numbers without blanks, units or exponents, moments as whole milliseconds or as this
//! program writes them, sequence and device those of the row before. Such a row is taken whole here, cell by cell and
//! without anything between the bytes and the columns. Whatever else a cell holds, the row is left to the reader that
//! knows all forms ([`super::PublishedRows::row`]): both give the same columns, and only the latter speaks of bad cells.

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

/// The columns that are read, in the order of the table.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan(Vec<(usize, Field)>);

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
        Self(plan)
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
        let images = &mut self.images;
        images.id.push(id);
        images.id_exact.push(values.id_exact);
        images.evidence.push(if self.is_coverage { Evidence::Tile } else { Evidence::Entity });
        images.sequence.push(values.sequence);
        images.captured_at_ms.push(values.captured_at_ms);
        images.longitude.push(values.original[0]);
        images.latitude.push(values.original[1]);
        images.computed_longitude.push(values.computed[0]);
        images.computed_latitude.push(values.computed[1]);
        images.altitude_m.push(values.altitude_m);
        images.computed_altitude_m.push(values.computed_altitude_m);
        images.compass_deg.push(values.compass_deg);
        images.computed_compass_deg.push(values.computed_compass_deg);
        images.device.push(number);
        images.is_pano.push(values.is_pano);
        images.creator_id.push(values.creator_id);
        true
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
        for &(place, field) in &self.plan.0 {
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
            prop_assert_eq!(told(&short), told(&long));
            prop_assert_eq!(format!("{bad:?}"), format!("{expected_bad:?}"));
            prop_assert_eq!(short.tiles, long.tiles);
        }
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
