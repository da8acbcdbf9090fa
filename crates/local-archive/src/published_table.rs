//! The published side from a flat table, or from the output of `coverage`.
//!
//! Columns: `id|image_id`, `sequence|sequence_id`, `captured_at`, `longitude`, `latitude`, `computed_longitude`,
//! `computed_latitude`, `altitude`, `compass_angle`, `make`, `model`, `width`, `height`, `creator_id`. A time without a
//! zone is UTC, the clock of the service; 0 is unknown. Without a sequence, an image has none here: the matcher puts images
//! of one creator that follow within 60 s together, and reports keep the cell empty.
//!
//! A row of `coverage` is known by its columns `layer` and `tile`: its places lie on the tile's grid, and rows of the
//! layer `sequence` are no images. An image that comes twice (from two tiles) counts once; a row without id cannot be tied
//! to anything and is left out.

mod by_column;
mod quick;
mod typed;

use crate::angle_text::{degrees, metres};
use crate::decimal;
use crate::errors::TableError;
use crate::table::{
    BadCells, Columns, CutCells, Known, MarkedCells, MarkedRows, MissingColumn, PartReader, Row, RowReader,
    TableFormat, is_same, read_table,
};
use crate::time_text::{cell, time_of};
use capture_model::{
    CapturedAt, Column, Device, Evidence, ImageId, Position, PublishedImage, PublishedImages, SequenceId, TableNumber,
    TypedRows, Wanted,
};
use std::collections::BTreeSet;
use std::path::Path;

/// Altitudes beyond this wrapped around 2^32.
const HIGHEST_ALTITUDE_M: f64 = 100_000.0;

/// Reads published images from a table (`.csv`, a further format, else JSON lines, a JSON list or a GeoJSON drawing).
pub fn read_published_table(path: &Path, format: Option<&dyn TableFormat>) -> Result<PublishedImages, TableError> {
    Ok(read_published_tiles(path, format)?.0)
}

/// The same, and the names (`14/x/y`) of the tiles that the rows come from; none where the table is no output of `coverage`.
pub fn read_published_tiles(
    path: &Path,
    format: Option<&dyn TableFormat>,
) -> Result<(PublishedImages, BTreeSet<String>), TableError> {
    let mut reader = PublishedRows::default();
    read_table(path, format, &mut reader)?;
    reader.fill_up();
    let PublishedRows { mut images, tiles, .. } = reader;
    images.keep_first_of_each();
    Ok((images, tiles))
}

#[derive(Debug, Clone, Default)]
struct Places {
    id: Option<usize>,
    id_exact: Option<usize>,
    sequence: Option<usize>,
    time: Option<usize>,
    longitude: Option<usize>,
    latitude: Option<usize>,
    computed_longitude: Option<usize>,
    computed_latitude: Option<usize>,
    altitude: Option<usize>,
    computed_altitude: Option<usize>,
    compass: Option<usize>,
    computed_compass: Option<usize>,
    make: Option<usize>,
    model: Option<usize>,
    width: Option<usize>,
    height: Option<usize>,
    creator: Option<usize>,
    is_pano: Option<usize>,
    layer: Option<usize>,
    tile: Option<usize>,
}

#[derive(Debug, Default)]
struct PublishedRows {
    images: PublishedImages,
    columns: Columns,
    at: Places,
    plan: quick::Plan,
    is_coverage: bool,
    /// Of coverage, the tiles.
    tiles: BTreeSet<String>,
    last_tile: String,
    /// The last sequence and device with their numbers: neighbours share them.
    last_sequence: Option<(String, u32)>,
    last_numbered: Option<(TableNumber, u32)>,
    last_device: Option<LastDevice>,
}

#[derive(Debug)]
struct LastDevice {
    make: String,
    model: String,
    pixels: [Option<u32>; 2],
    number: u32,
}

impl PublishedRows {
    fn sequence(&mut self, key: Option<&str>) -> u32 {
        let Some(key) = key else { return PublishedImages::NO_SEQUENCE };
        match &self.last_sequence {
            Some((last, number)) if last == key => *number,
            _ => {
                let number = self.images.sequences.number_of(&SequenceId::new(key));
                self.last_sequence = Some((key.to_owned(), number));
                number
            }
        }
    }

    /// A key that is a number.
    fn numbered_sequence(&mut self, key: TableNumber) -> u32 {
        match self.last_numbered {
            Some((last, number)) if last == key => number,
            _ => {
                let number = self.sequence(Some(&key.to_string()));
                self.last_numbered = Some((key, number));
                number
            }
        }
    }

    fn device(&mut self, make: Option<&str>, model: Option<&str>, pixels: [Option<u32>; 2]) -> u32 {
        let (make, model) = (make.unwrap_or(""), model.unwrap_or(""));
        match &self.last_device {
            Some(last)
                if is_same(last.make.as_bytes(), make.as_bytes())
                    && is_same(last.model.as_bytes(), model.as_bytes())
                    && last.pixels == pixels =>
            {
                last.number
            }
            _ => {
                let device = Device::new(Some(make), Some(model), pixels[0], pixels[1]);
                let number = self.images.devices.number_of(&device);
                self.last_device = Some(LastDevice { make: make.to_owned(), model: model.to_owned(), pixels, number });
                number
            }
        }
    }
}

impl PartReader for PublishedRows {
    fn part(&self) -> Self {
        let (columns, at, plan) = (self.columns.clone(), self.at.clone(), self.plan.clone());
        let mut part = Self { columns, at, plan, is_coverage: self.is_coverage, ..Self::default() };
        part.images.evidence = Column::same(if self.is_coverage { Evidence::Tile } else { Evidence::Entity }, 0);
        part
    }

    fn append(&mut self, part: &mut Self) {
        self.images.append(&mut part.images);
        self.tiles.append(&mut part.tiles);
        part.last_tile.clear();
        (part.last_sequence, part.last_numbered, part.last_device) = (None, None, None); // their numbers are no longer given out
    }

    fn n_rows(&self) -> usize {
        self.images.len()
    }

    fn expect_rows(&mut self, n_rows: usize) {
        let (images, lacks) = (&mut self.images, self.plan.lacks);
        let _ = images.id.try_reserve(n_rows); // without it the columns grow as they must
        let _ = images.sequence.try_reserve(if lacks.sequence { 0 } else { n_rows });
        let _ = images.captured_at_ms.try_reserve(if lacks.time { 0 } else { n_rows });
        for column in [&mut images.longitude, &mut images.latitude] {
            let _ = column.try_reserve(if lacks.original { 0 } else { n_rows });
        }
        for column in [&mut images.computed_longitude, &mut images.computed_latitude] {
            let _ = column.try_reserve(if lacks.computed { 0 } else { n_rows });
        }
        let _ = images.altitude_m.try_reserve(if lacks.altitude { 0 } else { n_rows });
    }
}

impl RowReader for PublishedRows {
    fn header(&mut self, names: &[&str]) -> Result<(), MissingColumn> {
        self.columns = Columns::new(names);
        let first = |names: &'static [&'static str]| self.columns.first(Known(names));
        self.at = Places {
            id: first(&["id", "image_id"]),
            id_exact: first(&["id_exact"]),
            sequence: first(&["sequence", "sequence_id"]),
            time: first(&["captured_at"]),
            longitude: first(&["longitude", "lon", "lng"]),
            latitude: first(&["latitude", "lat"]),
            computed_longitude: first(&["computed_longitude", "computed_lon", "computed_lng"]),
            computed_latitude: first(&["computed_latitude", "computed_lat"]),
            altitude: first(&["altitude", "altitude_m"]),
            computed_altitude: first(&["computed_altitude", "computed_altitude_m"]),
            compass: first(&["compass_angle"]),
            computed_compass: first(&["computed_compass_angle"]),
            make: first(&["make"]),
            model: first(&["model"]),
            width: first(&["width"]),
            height: first(&["height"]),
            creator: first(&["creator_id"]),
            is_pano: first(&["is_pano"]),
            layer: first(&["layer"]),
            tile: first(&["tile"]),
        };
        self.is_coverage = self.columns.has("layer") && self.columns.has("tile");
        let plan = quick::Plan::of(&self.at, self.is_coverage, names.len());
        if plan.lacks != self.plan.lacks {
            self.fill_up(); // the rows so far lack what the header had not
        }
        self.plan = plan;
        let at = &self.at;
        let missing = |names: &str| Err(MissingColumn { missing: names.to_owned() });
        match (at.id, at.longitude.or(at.computed_longitude), at.latitude.or(at.computed_latitude)) {
            (None, _, _) => missing("id or image_id"),
            (_, None, _) => missing("longitude or computed_longitude"),
            (_, _, None) => missing("latitude or computed_latitude"),
            _ => Ok(()),
        }
    }

    fn wants(&self, column: usize) -> Wanted {
        let Places { id, sequence, time, longitude, latitude, computed_longitude, computed_latitude, .. } = self.at;
        let Places { altitude, computed_altitude, compass, computed_compass, width, height, creator, .. } = self.at;
        let Places { id_exact, make, model, is_pano, layer, tile, .. } = self.at;
        let tile = tile.filter(|_| self.is_coverage);
        let places = [id, sequence, time, longitude, latitude, computed_longitude, computed_latitude, altitude];
        let more = [computed_altitude, compass, computed_compass, width, height, creator];
        let column = Some(column);
        if places.contains(&column) || more.contains(&column) {
            Wanted::Any
        } else if [id_exact, make, model, is_pano, layer, tile].contains(&column) {
            Wanted::Text
        } else {
            Wanted::Not
        }
    }

    fn take_columns(&mut self, rows: &TypedRows<'_>) -> bool {
        self.take_typed(rows)
    }

    fn takes_plain_rows(&self) -> bool {
        self.plan.is_by_column
    }

    fn plain_rows(&mut self, rows: &MarkedRows<'_>) -> Option<()> {
        self.take_rows(rows)
    }

    fn plain_row(&mut self, cells: MarkedCells<'_>) -> Option<()> {
        self.take_marked(cells)
    }

    fn row(&mut self, row: &Row<'_>, bad: &mut BadCells) {
        if row.is_text() && self.take_plain(&mut CutCells::new(row)).is_some() {
            return;
        }
        let at = &self.at;
        let text = |place: Option<usize>| place.map(|place| row.cell(place)).filter(|cell| !cell.is_empty());
        if let Some(tile) = text(at.tile).filter(|tile| self.is_coverage && *tile != self.last_tile) {
            tile.clone_into(&mut self.last_tile);
            self.tiles.insert(tile.to_owned());
        }
        if self.is_coverage && text(at.layer).is_some_and(|layer| layer != "image") {
            return;
        }
        let name = |place: Option<usize>| self.columns.name(place.unwrap_or_default());
        let mut parsed = |place: Option<usize>, parse: fn(&str) -> Option<f64>| {
            if let Some(number) = row.number(place?).real() {
                return Some(number);
            }
            let cell = text(place)?;
            let value = parse(cell);
            if value.is_none() {
                bad.add(row.line, name(place), cell);
            }
            value.filter(|value| value.is_finite())
        };
        let number =
            |text: &str| decimal::number(text).or_else(|| text.eq_ignore_ascii_case("null").then_some(f64::NAN));
        let mut place = |lon, lat| {
            let (lon, lat) = (parsed(lon, degrees), parsed(lat, degrees));
            Position::from_lon_lat(lon?, lat?).ok()
        };
        let original = place(at.longitude, at.latitude);
        let computed = place(at.computed_longitude, at.computed_latitude);
        let altitude_m = parsed(at.altitude, metres).map(unwrapped);
        let computed_altitude_m = parsed(at.computed_altitude, metres);
        let compass_deg = parsed(at.compass, number);
        let computed_compass_deg = parsed(at.computed_compass, number);
        let width = parsed(at.width, number).map(pixels);
        let height = parsed(at.height, number).map(pixels);
        let typed = |place: Option<usize>| place.map_or(TableNumber::None, |place| row.number(place));
        let told = match typed(at.time) {
            TableNumber::None => cell(text(at.time).unwrap_or_default()),
            number => time_of(number),
        };
        if told.is_err() {
            bad.add(row.line, name(at.time), &shown(typed(at.time), text(at.time)));
        }
        let captured_at = told.ok().flatten().map(|told| CapturedAt::from_epoch_ms(told.time.ms()));
        let id = match typed(at.id) {
            TableNumber::None => match text(at.id) {
                None => return,
                Some(text) => text.parse().ok(),
            },
            TableNumber::Large(id) => Some(ImageId(id)),
            TableNumber::Whole(id) => u64::try_from(id).ok().map(ImageId),
            real @ TableNumber::Real(_) => real.to_string().parse().ok(),
        };
        let Some(id) = id else {
            bad.add(row.line, name(at.id), &shown(typed(at.id), text(at.id)));
            return;
        };
        let is_flag = |place, word: &str| text(place).is_some_and(|cell: &str| cell.eq_ignore_ascii_case(word));
        let is_pano = text(at.is_pano).and_then(truth);
        let creator_id = match typed(at.creator) {
            TableNumber::None => text(at.creator).and_then(|cell| cell.parse().ok()),
            number => creator(number),
        };
        let image = PublishedImage {
            id,
            id_exact: !is_flag(at.id_exact, "false"),
            evidence: if self.is_coverage { Evidence::Tile } else { Evidence::Entity },
            sequence: None,
            captured_at,
            original,
            computed,
            altitude_m,
            computed_altitude_m,
            compass_deg,
            computed_compass_deg,
            device: Device::default(),
            is_pano,
            creator_id,
        };
        let (make, model) = (text(at.make), text(at.model));
        let sequence = match typed(at.sequence) {
            TableNumber::None => self.sequence(text(self.at.sequence)),
            number => self.numbered_sequence(number),
        };
        let device = self.device(make, model, [width, height]);
        self.images.push_numbered(&image, sequence, device);
    }
}

/// Pixels, which come as 3024 and as 3024.0.
fn pixels(number: f64) -> u32 {
    number.clamp(0.0, f64::from(u32::MAX)) as u32
}

fn truth(cell: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 2]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    if is_one_of(["true", "1"]) {
        Some(true)
    } else if is_one_of(["false", "0"]) {
        Some(false)
    } else {
        None
    }
}

fn creator(number: TableNumber) -> Option<u64> {
    match number {
        TableNumber::Whole(id) => u64::try_from(id).ok(),
        TableNumber::Large(id) => Some(id),
        real @ TableNumber::Real(_) => real.to_string().parse().ok(),
        TableNumber::None => None,
    }
}

/// A cell as an error shows it.
fn shown(number: TableNumber, text: Option<&str>) -> String {
    if number == TableNumber::None { text.unwrap_or_default().to_owned() } else { number.to_string() }
}

/// Undoes the 32-bit wrap of altitudes below sea level (4294967281 is −15).
fn unwrapped(altitude_m: f64) -> f64 {
    if altitude_m > HIGHEST_ALTITUDE_M { altitude_m - 4_294_967_296.0 } else { altitude_m }
}

#[cfg(test)]
mod tests;
