//! Rows of text as programs write them, on a short way into the columns.
//!
//! # Method
//! Nearly all rows of a table are plain: numbers without blanks, units or exponents, moments as whole milliseconds or as this
//! program writes them, sequence and device those of the row before. Such a row is taken whole here, cell by cell and
//! without anything between the bytes and the columns. Whatever else a cell holds, the row is left to the reader that
//! knows all forms ([`crate::table::RowReader::row`]): both give the same columns, and only the latter speaks of bad cells.

use super::{Places, PublishedRows, pixels, unwrapped};
use crate::table::{MarkedCells, PlainCells, is_same};
use capture_model::{Column, Evidence, Position, PublishedImages};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Nothing that is read.
    None,
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
    /// Of each column, in the order of the table.
    pub(super) fields: Vec<Field>,
    pub(super) lacks: Lacks,
    /// Whether rows of CSV can be taken column by column.
    pub(super) is_by_column: bool,
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
    pub(super) fn of(at: &Places, is_coverage: bool, n_columns: usize) -> Self {
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
        let mut fields = vec![Field::None; n_columns];
        for (place, field) in known.into_iter().filter_map(|(place, field)| Some((place?, field))) {
            fields[place] = field; // no two have a name in common
        }
        let lacks = Lacks::of(at);
        let has_halves = at.longitude.is_some() != at.latitude.is_some()
            || at.computed_longitude.is_some() != at.computed_latitude.is_some();
        let is_by_column = lacks.id_exact && lacks.device && lacks.is_pano && !is_coverage && !has_halves;
        Self { fields, lacks, is_by_column }
    }
}

/// One row before it goes into the columns, with what its cells leave open.
struct Values<'t> {
    id: Option<u64>,
    id_exact: bool,
    sequence: &'t [u8],
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
    /// Takes a row, or leaves all of it and says so by `None`.
    #[inline]
    pub(super) fn take_plain<'t>(&mut self, cells: &mut impl PlainCells<'t>) -> Option<()> {
        let values = self.values_of(cells)?;
        self.commit(&values)
    }

    /// Takes a row of CSV; the same.
    pub(super) fn take_marked(&mut self, mut cells: MarkedCells<'_>) -> Option<()> {
        let values = self.values_of(&mut cells)?;
        cells.end()?;
        self.commit(&values)
    }

    /// Puts a row into the columns if nothing about it needs words.
    #[inline]
    fn commit(&mut self, values: &Values<'_>) -> Option<()> {
        let id = values.id?;
        let is_placed =
            |[lon, lat]: [f64; 2]| (lon.is_nan() && lat.is_nan()) || Position::from_lon_lat(lon, lat).is_ok();
        if !(is_placed(values.original) && is_placed(values.computed) && values.is_image) {
            return None;
        }
        let text = |cell| plain_text(cell).map(|text| Some(text).filter(|text| !text.is_empty()));
        let device = match &self.last_device {
            Some(last)
                if is_same(last.make.as_bytes(), values.make)
                    && is_same(last.model.as_bytes(), values.model)
                    && last.pixels == values.pixels =>
            {
                last.number
            }
            _ => self.device(text(values.make)?, text(values.model)?, values.pixels),
        };
        let sequence = match &self.last_sequence {
            _ if values.sequence.is_empty() => PublishedImages::NO_SEQUENCE,
            Some((last, number)) if is_same(last.as_bytes(), values.sequence) => *number,
            _ => self.sequence(text(values.sequence)?),
        };
        let (images, lacks) = (&mut self.images, self.plan.lacks);
        images.id.push(id);
        put_known(lacks.id_exact, &mut images.id_exact, values.id_exact);
        images.evidence.push(if self.is_coverage { Evidence::Tile } else { Evidence::Entity });
        put(lacks.sequence, &mut images.sequence, sequence);
        put(lacks.time, &mut images.captured_at_ms, values.captured_at_ms);
        put(lacks.original, &mut images.longitude, values.original[0]);
        put(lacks.original, &mut images.latitude, values.original[1]);
        put(lacks.computed, &mut images.computed_longitude, values.computed[0]);
        put(lacks.computed, &mut images.computed_latitude, values.computed[1]);
        put(lacks.altitude, &mut images.altitude_m, values.altitude_m);
        put_known(lacks.computed_altitude, &mut images.computed_altitude_m, values.computed_altitude_m);
        put_known(lacks.compass, &mut images.compass_deg, values.compass_deg);
        put_known(lacks.computed_compass, &mut images.computed_compass_deg, values.computed_compass_deg);
        put_known(lacks.device, &mut images.device, device);
        put_known(lacks.is_pano, &mut images.is_pano, values.is_pano);
        put_known(lacks.creator, &mut images.creator_id, values.creator_id);
        Some(())
    }

    /// Fills the columns that the table lacks.
    pub(super) fn fill_up(&mut self) {
        let n_rows = self.images.len();
        // rows that are taken column by column name no device, so that it may be new here
        let unknown = if self.plan.lacks.device && n_rows > 0 { self.device(None, None, [None; 2]) } else { 0 };
        let (images, lacks) = (&mut self.images, self.plan.lacks);
        fill_known(lacks.id_exact, &mut images.id_exact, true, n_rows);
        fill(lacks.sequence, &mut images.sequence, PublishedImages::NO_SEQUENCE, n_rows);
        fill(lacks.time, &mut images.captured_at_ms, PublishedImages::NO_TIME, n_rows);
        fill(lacks.original, &mut images.longitude, f64::NAN, n_rows);
        fill(lacks.original, &mut images.latitude, f64::NAN, n_rows);
        fill(lacks.computed, &mut images.computed_longitude, f64::NAN, n_rows);
        fill(lacks.computed, &mut images.computed_latitude, f64::NAN, n_rows);
        fill(lacks.altitude, &mut images.altitude_m, f32::NAN, n_rows);
        fill_known(lacks.computed_altitude, &mut images.computed_altitude_m, f32::NAN, n_rows);
        fill_known(lacks.compass, &mut images.compass_deg, f32::NAN, n_rows);
        fill_known(lacks.computed_compass, &mut images.computed_compass_deg, f32::NAN, n_rows);
        fill_known(lacks.device, &mut images.device, unknown, n_rows);
        fill_known(lacks.is_pano, &mut images.is_pano, None, n_rows);
        fill_known(lacks.creator, &mut images.creator_id, 0, n_rows);
    }

    /// The values of a plain row; `None` for any other.
    #[inline]
    fn values_of<'t>(&self, cells: &mut impl PlainCells<'t>) -> Option<Values<'t>> {
        const NO_ID: u64 = u64::MAX; // has 20 digits
        let mut values = Values {
            id: None,
            id_exact: true,
            sequence: b"",
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
        let truth = |cell: &[u8]| match cell {
            b"" => Some(None),
            b"true" => Some(Some(true)),
            b"false" => Some(Some(false)),
            _ => None,
        };
        let some_pixels = |number: f64| (!number.is_nan()).then(|| pixels(number));
        for field in &self.plan.fields {
            match field {
                Field::None => cells.skip()?,
                Field::Id => values.id = Some(cells.whole(NO_ID)?).filter(|&id| id != NO_ID),
                Field::IdExact => values.id_exact = truth(cells.text()?)?.unwrap_or(true),
                Field::Sequence => values.sequence = cells.text()?,
                Field::Time => values.captured_at_ms = cells.moment(PublishedImages::NO_TIME)?,
                Field::Longitude => values.original[0] = cells.number()?,
                Field::Latitude => values.original[1] = cells.number()?,
                Field::ComputedLongitude => values.computed[0] = cells.number()?,
                Field::ComputedLatitude => values.computed[1] = cells.number()?,
                Field::Altitude => values.altitude_m = unwrapped(cells.number()?) as f32,
                Field::ComputedAltitude => values.computed_altitude_m = cells.number()? as f32,
                Field::Compass => values.compass_deg = cells.number()? as f32,
                Field::ComputedCompass => values.computed_compass_deg = cells.number()? as f32,
                Field::Make => values.make = cells.text()?,
                Field::Model => values.model = cells.text()?,
                Field::Width => values.pixels[0] = some_pixels(cells.number()?),
                Field::Height => values.pixels[1] = some_pixels(cells.number()?),
                Field::Creator => values.creator_id = cells.whole(0)?,
                Field::IsPano => values.is_pano = truth(cells.text()?)?,
                Field::Layer => values.is_image = matches!(cells.text()?, b"image"),
                Field::Tile => is_same(cells.text()?, self.last_tile.as_bytes()).then_some(())?,
            }
        }
        Some(values)
    }
}

/// The text of a cell that has nothing to trim.
pub(super) fn plain_text(cell: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(cell).ok()?;
    (text.trim().len() == text.len()).then_some(text)
}

/// Adds a value to a column, unless the table lacks it.
#[inline]
fn put<T>(is_lacking: bool, column: &mut Vec<T>, value: T) {
    if !is_lacking {
        column.push(value);
    }
}

/// The same for a column that many tables lack.
#[inline]
fn put_known<T: Copy + PartialEq>(is_lacking: bool, column: &mut Column<T>, value: T) {
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

/// The same for a column that many tables lack.
fn fill_known<T: Copy + PartialEq>(is_lacking: bool, column: &mut Column<T>, value: T, n_rows: usize) {
    if is_lacking {
        *column = Column::same(value, n_rows);
    }
}

#[cfg(test)]
pub(super) mod tests;
