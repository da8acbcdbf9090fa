//! Rows of local photos: the columns of the contract, and the output of `scan` itself.
//!
//! A `scan` table says more than a plain one: status and reason (files that could not be read stay rows), the source of
//! the time, GPS and camera time. These columns are honoured wherever they hold words of the contract.

mod by_column;
mod quick;
mod typed;

use super::{
    BadCells, Columns, Known, MarkedCells, MarkedRows, MissingColumn, PartReader, Row, RowReader, TableFormat,
    TypedCells, is_same, read_table,
};
use crate::angle_text::{degrees, is_negative, metres};
use crate::errors::TableError;
use crate::loose::{GivenSequence, LooseFile, LooseFiles};
use crate::report_path::report_path;
use crate::time_text::{Told, cell, source_of, time_of};
use capture_model::{
    CapturedAt, Device, FileState, Metres, Names, Observation, Position, Reason, Status, TableNumber, TimeSource,
    TypedRows, Wanted,
};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

pub(super) const PATH: Known = Known(&["path", "filename", "file", "SourceFile", "local_path"]);
const ID: Known = Known(&["id"]);
pub(super) const SEQUENCE: Known = Known(&["sequence", "local_sequence", "MAPSequenceUUID"]);
const LATITUDE: Known = Known(&["lat", "latitude", "MAPLatitude", "GPSLatitude"]);
const LONGITUDE: Known = Known(&["lon", "lng", "longitude", "MAPLongitude", "GPSLongitude"]);
const LATITUDE_REFERENCE: Known = Known(&["GPSLatitudeRef"]);
const LONGITUDE_REFERENCE: Known = Known(&["GPSLongitudeRef"]);
const ALTITUDE: Known = Known(&["altitude", "altitude_m", "alt", "ele", "MAPAltitude"]);
/// The last is where a table of our own in Parquet keeps wall clocks.
const TIME: Known =
    Known(&["captured_at", "capture_time", "timestamp", "MAPCaptureTime", "DateTimeOriginal", "captured_at_wall"]);
const HEADING: Known = Known(&["heading", "heading_deg", "compass_angle", "MAPCompassHeading"]);

/// Adds the rows of a table to the loose files.
pub(crate) fn read_local_table(
    path: &Path,
    format: Option<&dyn TableFormat>,
    loose: &mut LooseFiles,
) -> Result<(), TableError> {
    let mut rows = LocalRows::new(report_path(path).0.into());
    read_table(path, format, &mut rows)?;
    loose.append(&mut rows.loose);
    Ok(())
}

/// The reader of rows.
struct LocalRows {
    loose: LooseFiles,
    source: Arc<str>,
    sequences: HashMap<Arc<str>, Arc<GivenSequence>>,
    n_rows: u64,
    /// Files whose row has no path, with the number of that row.
    nameless: Vec<(usize, u64)>,
    columns: Columns,
    at: Places,
    plan: quick::Plan,
    last_device: quick::LastDevice,
    read: by_column::Numbers,
}

/// Where the columns are.
#[derive(Debug, Clone, Default)]
struct Places {
    path: Vec<usize>,
    sequence: Option<usize>,
    latitude: Option<usize>,
    longitude: Option<usize>,
    latitude_reference: Option<usize>,
    longitude_reference: Option<usize>,
    altitude: Option<usize>,
    time: Vec<usize>,
    heading: Option<usize>,
    make: Option<usize>,
    model: Option<usize>,
    width: Option<usize>,
    height: Option<usize>,
    orientation: Option<usize>,
    status: Option<usize>,
    reason: Option<usize>,
    note: Option<usize>,
    time_source: Option<usize>,
    gps_time: Option<usize>,
    camera_time: Vec<usize>,
    cluster_id: Option<usize>,
    /// Whether text cells may carry the guard against spreadsheets.
    is_scan: bool,
}

impl Places {
    /// All of them.
    fn all(&self) -> impl Iterator<Item = usize> {
        let alone = [
            self.sequence,
            self.latitude,
            self.longitude,
            self.latitude_reference,
            self.longitude_reference,
            self.altitude,
            self.heading,
            self.make,
            self.model,
            self.width,
            self.height,
            self.orientation,
            self.status,
            self.reason,
            self.note,
            self.time_source,
            self.gps_time,
            self.cluster_id,
        ];
        let listed = [&self.path, &self.time, &self.camera_time].into_iter().flatten().copied();
        alone.into_iter().flatten().chain(listed)
    }
}

impl LocalRows {
    fn new(source: Arc<str>) -> Self {
        Self {
            loose: LooseFiles::default(),
            source,
            sequences: HashMap::new(),
            n_rows: 0,
            nameless: Vec::new(),
            columns: Columns::default(),
            at: Places::default(),
            plan: quick::Plan::default(),
            last_device: quick::LastDevice::default(),
            read: by_column::Numbers::default(),
        }
    }

    fn sequence(&mut self, name: &str) -> Option<Arc<GivenSequence>> {
        if name.is_empty() {
            return None;
        }
        if let Some(last) = self.loose.len().checked_sub(1).and_then(|last| self.loose.given(last))
            && is_same(last.name.as_bytes(), name.as_bytes())
        {
            return Some(Arc::clone(last));
        }
        Some(self.named_sequence(name))
    }

    /// The sequence of a name, which is not empty.
    fn named_sequence(&mut self, name: &str) -> Arc<GivenSequence> {
        if let Some(known) = self.sequences.get(name) {
            return Arc::clone(known);
        }
        let place = self.sequences.len() as u32;
        let given = GivenSequence { source: Arc::clone(&self.source), place, name: name.into(), as_sent: false };
        let given = Arc::new(given);
        self.sequences.insert(Arc::clone(&given.name), Arc::clone(&given));
        given
    }
}

impl PartReader for LocalRows {
    fn part(&self) -> Self {
        let mut part = Self::new(Arc::clone(&self.source));
        (part.columns, part.at, part.plan) = (self.columns.clone(), self.at.clone(), self.plan.clone());
        part
    }

    fn append(&mut self, part: &mut Self) {
        // its sequences and rows are counted from its own beginning
        let mut own = Names::default();
        for given in part.loose.sequences.values() {
            own.number_of(&self.sequence(&given.name).expect("sequences have names"));
        }
        part.loose.sequences = own;
        for (file, row) in part.nameless.drain(..) {
            let row = row + self.n_rows;
            part.loose.paths.set(file, &row_name(row));
            self.nameless.push((file + self.loose.len(), row));
        }
        self.n_rows += std::mem::take(&mut part.n_rows);
        part.sequences.clear();
        self.loose.append(&mut part.loose);
    }

    fn n_rows(&self) -> usize {
        self.loose.len()
    }

    fn expect_rows(&mut self, n_rows: usize) {
        self.loose.expect(n_rows);
    }
}

/// The path of a row that has none.
fn row_name(row: u64) -> String {
    format!("row:{row}")
}

impl RowReader for LocalRows {
    fn header(&mut self, names: &[&str]) -> Result<(), MissingColumn> {
        self.columns = Columns::new(names);
        let columns = &self.columns;
        let exact = |name: &'static [&'static str]| columns.first(Known(name));
        let mut path = columns.all(PATH);
        path.extend(columns.first(ID));
        self.at = Places {
            path,
            sequence: columns.first(SEQUENCE),
            latitude: columns.first(LATITUDE),
            longitude: columns.first(LONGITUDE),
            latitude_reference: columns.first(LATITUDE_REFERENCE),
            longitude_reference: columns.first(LONGITUDE_REFERENCE),
            altitude: columns.first(ALTITUDE),
            time: columns.all(TIME),
            heading: columns.first(HEADING),
            make: exact(&["make"]).or_else(|| exact(&["MAPDeviceMake"])),
            model: exact(&["model"]).or_else(|| exact(&["MAPDeviceModel"])),
            width: exact(&["width"]),
            height: exact(&["height"]),
            orientation: exact(&["orientation"]),
            status: exact(&["status"]),
            reason: exact(&["reason"]),
            note: exact(&["note"]),
            time_source: exact(&["time_source"]),
            gps_time: exact(&["gps_time"]),
            camera_time: columns.all(Known(&["camera_time", "camera_time_wall"])),
            cluster_id: exact(&["cluster_id"]),
            is_scan: columns.has("time_source") && columns.has("sequence_index"),
        };
        self.plan = quick::Plan::of(&self.at, names.len());
        let missing = |known: Known| MissingColumn { missing: known.0.join(" or ") };
        match (self.at.longitude, self.at.latitude) {
            (None, _) => Err(missing(LONGITUDE)),
            (_, None) => Err(missing(LATITUDE)),
            _ => Ok(()),
        }
    }

    fn wants(&self, column: usize) -> Wanted {
        let Places { latitude, longitude, altitude, heading, width, height, gps_time, .. } = self.at;
        let is_number = [latitude, longitude, altitude, heading, width, height, gps_time].contains(&Some(column))
            || self.at.time.contains(&column)
            || self.at.camera_time.contains(&column);
        match self.at.all().any(|place| place == column) {
            false => Wanted::Not,
            // a column that is a path or a name as well comes as text
            true if is_number && !self.at.path.contains(&column) && self.at.sequence != Some(column) => Wanted::Any,
            true => Wanted::Text,
        }
    }

    fn take_columns(&mut self, rows: &TypedRows<'_>) -> bool {
        self.plan.is_by_column && self.take_typed(rows).is_some()
    }

    fn takes_plain_rows(&self) -> bool {
        self.plan.is_by_column
    }

    fn plain_rows(&mut self, rows: &MarkedRows<'_>) -> Option<()> {
        self.take_rows(*rows)
    }

    fn plain_row(&mut self, mut cells: MarkedCells<'_>) -> Option<()> {
        self.take_plain(&mut cells)
    }

    fn row(&mut self, row: &Row<'_>, bad: &mut BadCells) {
        if row.is_text() || self.take_plain(&mut TypedCells::new(row)).is_none() {
            self.any_row(row, bad);
        }
    }
}

impl LocalRows {
    /// A row of all forms.
    fn any_row(&mut self, row: &Row<'_>, bad: &mut BadCells) {
        self.n_rows += 1;
        let cells = Cells { row, at: &self.at, columns: &self.columns };
        let path = if let Some(path) = cells.path() {
            Cow::Borrowed(path)
        } else {
            self.nameless.push((self.loose.len(), self.n_rows));
            Cow::Owned(row_name(self.n_rows))
        };
        let (observation, state, words) = cells.observation(bad);
        let device = cells.device(bad);
        let cluster_id = cells.text(self.at.cluster_id).and_then(|text| text.parse().ok());
        let sequence = self.sequence(cells.text(self.at.sequence).unwrap_or(""));
        let mut file = LooseFile::new(&path, state, &mut self.loose.texts);
        (file.observation, file.cluster_id) = (observation, cluster_id);
        file.sequence = sequence;
        if let Some(words) = words {
            file.say(&words);
        }
        self.loose.push(file, &device);
    }
}

/// One row by the meaning of its cells.
struct Cells<'t, 'r> {
    row: &'t Row<'t>,
    at: &'r Places,
    columns: &'r Columns,
}

impl<'t> Cells<'t, '_> {
    /// A text cell; `None` when empty or not there.
    fn text(&self, place: Option<usize>) -> Option<&'t str> {
        let raw = self.unguarded(self.row.cell(place?));
        (!raw.is_empty()).then_some(raw)
    }

    /// Takes off the quote that `scan` puts before text that a spreadsheet would run.
    fn unguarded(&self, cell: &'t str) -> &'t str {
        match cell.strip_prefix('\'') {
            Some(rest) if self.at.is_scan && rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest,
            _ => cell,
        }
    }

    fn path(&self) -> Option<&'t str> {
        let cells = self.at.path.iter().map(|&place| self.unguarded(self.row.raw(place)));
        cells.into_iter().find(|cell| !cell.trim().is_empty())
    }

    /// A cell that must be of a kind; what is not is bad.
    fn parsed<T>(&self, place: Option<usize>, bad: &mut BadCells, parse: impl Fn(&str) -> Option<T>) -> Option<T> {
        let (place, text) = (place?, self.text(place)?);
        let value = parse(text);
        if value.is_none() {
            bad.add(self.row.line, self.columns.name(place), text);
        }
        value
    }

    fn number(&self, place: Option<usize>, bad: &mut BadCells, parse: impl Fn(&str) -> Option<f64>) -> Option<f64> {
        if let Some(number) = self.row.number(place?).real() {
            return Some(number);
        }
        self.parsed(place, bad, |text| if is_nothing(text) { Some(f64::NAN) } else { parse(text) })
    }

    fn signed(&self, place: Option<usize>, reference: Option<usize>, bad: &mut BadCells) -> Option<f64> {
        let value = self.number(place, bad, degrees)?;
        let is_below = self.text(reference).is_some_and(is_negative);
        Some(if is_below { -value.abs() } else { value })
    }

    fn time(&self, place: Option<usize>, bad: &mut BadCells) -> Option<Told> {
        let number = self.row.number(place?);
        if number != TableNumber::None {
            let told = time_of(number);
            if told.is_err() {
                bad.add(self.row.line, self.columns.name(place?), &number.to_string());
            }
            return told.ok().flatten();
        }
        self.parsed(place, bad, |text| cell(text).ok()).flatten()
    }

    /// The time of the first column that has one.
    fn first_time(&self, places: &[usize], bad: &mut BadCells) -> Option<Told> {
        places.iter().find_map(|&place| self.time(Some(place), bad))
    }

    fn observation(&self, bad: &mut BadCells) -> (Observation, FileState, Option<String>) {
        let longitude = self.signed(self.at.longitude, self.at.longitude_reference, bad);
        let latitude = self.signed(self.at.latitude, self.at.latitude_reference, bad);
        let place = match (longitude, latitude) {
            (Some(lon), Some(lat)) => Position::from_lon_lat(lon, lat).map_err(|invalid| invalid.to_string()),
            (None, None) => Err("no coordinates".to_owned()),
            (None, _) => Err("no longitude".to_owned()),
            (_, None) => Err("no latitude".to_owned()),
        };
        let told = self.first_time(&self.at.time, bad);
        let source = self.text(self.at.time_source).and_then(source_of).filter(|&source| source != TimeSource::None);
        let finite = |number: &f64| number.is_finite();
        let observation = Observation {
            position: place.as_ref().ok().copied(),
            altitude: self.number(self.at.altitude, bad, metres).filter(finite).map(Metres),
            heading_deg: self
                .number(self.at.heading, bad, |text| text.parse().ok())
                .filter(finite)
                .map(|heading| heading.rem_euclid(360.0)),
            time: told.map(|told| told.time),
            time_source: told.map_or(TimeSource::None, |_| source.unwrap_or(TimeSource::Table)),
            time_resolution_ms: told.map_or(0, |told| told.resolution_ms),
            gps_time: self.time(self.at.gps_time, bad).map(|told| CapturedAt::from_epoch_ms(told.time.ms())),
            camera_time: self.first_time(&self.at.camera_time, bad).map(|told| told.time),
            device: 0,
            orientation: self
                .text(self.at.orientation)
                .and_then(|text| text.parse().ok())
                .filter(|o| (1..=8).contains(o)),
        };
        let told_out = self.told_state();
        let (state, words) = match (told_out, place) {
            (Some(reason), _) => (FileState::Out(reason), self.text(self.at.note).map(str::to_owned)),
            (None, Ok(place)) if place.is_null_island() => (FileState::Out(Reason::NullIsland), None),
            (None, Ok(_)) => (FileState::Usable, None),
            (None, Err(words)) => (FileState::Out(Reason::NoPlace), Some(words)),
        };
        (observation, state, words)
    }

    /// `rejected` or `unreadable` with its reason, as `scan` writes them.
    fn told_state(&self) -> Option<Reason> {
        let (status, reason) = (self.text(self.at.status)?, self.text(self.at.reason)?);
        let known = Reason::ALL.iter().copied().find(|known| known.as_str() == reason)?;
        let is_out = matches!(known.status(), Status::Rejected | Status::Unreadable);
        (is_out && known.status().as_str() == status).then_some(known)
    }

    fn device(&self, bad: &mut BadCells) -> Device {
        // widths come as 3024 and as 3024.0
        let pixels = |place, bad: &mut BadCells| {
            let number = self.number(place, bad, |text| text.parse().ok()).filter(|number| number.is_finite());
            number.map(|number| number.clamp(0.0, f64::from(u32::MAX)) as u32)
        };
        let (width, height) = (pixels(self.at.width, bad), pixels(self.at.height, bad));
        Device::new(self.text(self.at.make), self.text(self.at.model), width, height)
    }
}

/// What programs write where they know nothing.
fn is_nothing(text: &str) -> bool {
    ["nan", "null", "none", "n/a", "na"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
