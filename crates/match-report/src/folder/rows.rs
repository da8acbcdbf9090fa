//! Rows of a report's CSV, one at a time, their cells found by the name of their column.

use super::FolderError;
use crate::Table;
use crate::table::{GUARDED, Kind};
use capture_model::{CapturedAt, LocalTime, Position, WallClock};
use chrono::NaiveDateTime;
use csv::StringRecord;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::path::PathBuf;
use std::str::FromStr;

/// A typed row.
pub trait Record: Sized {
    /// The columns without which a row means nothing.
    #[doc(hidden)]
    const NEEDED: &'static [&'static str];
    /// The row of some cells.
    #[doc(hidden)]
    fn of(cells: &Cells<'_>) -> Result<Self, FolderError>;
}

/// The rows of one file, in its order; the first error is the last item.
#[derive(Debug)]
pub struct Records<R> {
    reader: csv::Reader<BufReader<File>>,
    header: Header,
    record: StringRecord,
    is_over: bool,
    row: PhantomData<R>,
}

/// Where each column of the contract stands in a file.
#[derive(Debug)]
pub(crate) struct Header {
    file: PathBuf,
    columns: Vec<(&'static str, Kind, Option<usize>)>,
}

impl<R: Record> Records<R> {
    pub(super) fn open(file: PathBuf, table: Table) -> Result<Self, FolderError> {
        let failed = |file: &PathBuf, source| FolderError::Read { file: file.clone(), source };
        let mut text = match File::open(&file) {
            Ok(text) => BufReader::with_capacity(1 << 16, text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(FolderError::NoFile { file }),
            Err(source) => return Err(failed(&file, source)),
        };
        let mut mark = Vec::with_capacity(3);
        text.by_ref().take(3).read_to_end(&mut mark).map_err(|source| failed(&file, source))?;
        let start = if mark == b"\xef\xbb\xbf" { 3 } else { 0 }; // spreadsheets add a byte-order mark
        text.seek(SeekFrom::Start(start)).map_err(|source| failed(&file, source))?;
        let mut reader = csv::ReaderBuilder::new().from_reader(text);
        let names = reader.headers().map_err(|error| broken(&file, error))?.clone();
        let place = |name: &str| names.iter().position(|other| other.trim() == name);
        let columns: Vec<_> =
            table.columns().iter().map(|column| (column.name, column.kind, place(column.name))).collect();
        if let Some(&column) = R::NEEDED.iter().find(|name| place(name).is_none()) {
            return Err(FolderError::NoColumn { file, column });
        }
        let header = Header { file, columns };
        Ok(Self { reader, header, record: StringRecord::new(), is_over: false, row: PhantomData })
    }

    /// The file that is read.
    pub fn file(&self) -> &std::path::Path {
        &self.header.file
    }

    fn read(&mut self) -> Option<Result<R, FolderError>> {
        match self.reader.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(R::of(&Cells { header: &self.header, record: &self.record })),
            Err(error) => Some(Err(broken(&self.header.file, error))),
        }
    }
}

impl<R: Record> Iterator for Records<R> {
    type Item = Result<R, FolderError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let row = self.read();
        self.is_over = !matches!(row, Some(Ok(_)));
        row
    }
}

fn broken(file: &std::path::Path, error: csv::Error) -> FolderError {
    let file = file.to_owned();
    let line = error.position().map_or(1, csv::Position::line);
    match error.into_kind() {
        csv::ErrorKind::Io(source) => FolderError::Read { file, source },
        csv::ErrorKind::Utf8 { err, .. } => FolderError::Broken { file, line, detail: err.to_string() },
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            FolderError::Broken { file, line, detail: format!("{len} cells where the header has {expected_len}") }
        }
        other => FolderError::Broken { file, line, detail: format!("{other:?}") },
    }
}

/// The cells of one row.
#[derive(Debug, Clone, Copy)]
pub struct Cells<'a> {
    header: &'a Header,
    record: &'a StringRecord,
}

impl<'a> Cells<'a> {
    /// A cell as text, its guard undone; empty where the file lacks the column.
    pub(crate) fn text(&self, name: &'static str) -> &'a str {
        let (_, kind, place) =
            self.header.columns.iter().find(|(column, ..)| *column == name).expect("the table declares the column");
        let cell = place.and_then(|place| self.record.get(place)).unwrap_or_default();
        match cell.strip_prefix('\'') {
            Some(rest) if matches!(kind, Kind::Text | Kind::Keys) && rest.starts_with(GUARDED) => rest,
            _ => cell,
        }
    }

    /// The words of a list joined by `|`.
    pub(crate) fn list(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        self.text(name).split('|').filter(|word| !word.is_empty())
    }

    pub(crate) fn wrong(&self, column: &'static str, text: &str, wanted: &'static str) -> FolderError {
        let line = self.record.position().map_or(0, csv::Position::line);
        let text = text.chars().take(40).collect();
        FolderError::Cell { file: self.header.file.clone(), line, column, text, wanted }
    }

    /// A cell in its own language; `None` where it is empty.
    pub(crate) fn parsed<T>(
        &self,
        name: &'static str,
        wanted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, FolderError> {
        let text = self.text(name);
        match text {
            "" => Ok(None),
            text => parse(text).map(Some).ok_or_else(|| self.wrong(name, text, wanted)),
        }
    }

    /// As [`Self::parsed`], but empty is an error too.
    pub(crate) fn needed<T>(
        &self,
        name: &'static str,
        wanted: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, FolderError> {
        self.parsed(name, wanted, parse)?.ok_or_else(|| self.wrong(name, "", wanted))
    }

    pub(crate) fn number(&self, name: &'static str) -> Result<Option<f64>, FolderError> {
        self.parsed(name, "a number", |text| text.parse().ok().filter(|number: &f64| number.is_finite()))
    }

    pub(crate) fn whole(&self, name: &'static str) -> Result<Option<i64>, FolderError> {
        self.parsed(name, "a whole number", |text| text.parse().ok())
    }

    pub(crate) fn count(&self, name: &'static str) -> Result<usize, FolderError> {
        Ok(self.parsed(name, "a count", |text| text.parse().ok())?.unwrap_or(0))
    }

    /// An id of its type; `None` where the cell is empty.
    pub(crate) fn id<T: FromStr>(&self, name: &'static str) -> Result<Option<T>, FolderError> {
        self.parsed(name, "an id (decimal digits)", |text| text.parse().ok())
    }

    /// Ids joined by `|`.
    pub(crate) fn ids<T: FromStr>(&self, name: &'static str) -> Result<Vec<T>, FolderError> {
        let id = |word: &str| word.parse().map_err(|_| self.wrong(name, word, "an id (decimal digits)"));
        self.list(name).map(id).collect()
    }

    /// A place of two columns; `None` unless both are filled.
    pub(crate) fn place(&self, lon: &'static str, lat: &'static str) -> Result<Option<Position>, FolderError> {
        let (Some(lon_deg), Some(lat_deg)) = (self.number(lon)?, self.number(lat)?) else { return Ok(None) };
        let place = Position::from_lon_lat(lon_deg, lat_deg);
        place.map(Some).map_err(|_| self.wrong(lat, &format!("{lon_deg},{lat_deg}"), "with its longitude on the globe"))
    }

    /// A time with or without a zone.
    pub(crate) fn time(&self, name: &'static str) -> Result<Option<LocalTime>, FolderError> {
        self.parsed(name, "an ISO 8601 time", |text| {
            let (wall, is_utc) = text.strip_suffix('Z').map_or((text, false), |wall| (wall, true));
            let ms = NaiveDateTime::parse_from_str(wall, "%Y-%m-%dT%H:%M:%S%.f").ok()?.and_utc().timestamp_millis();
            let absolute = is_utc.then(|| LocalTime::Absolute(CapturedAt::from_epoch_ms(ms)));
            Some(absolute.unwrap_or(LocalTime::Wall(WallClock::from_ms_as_if_utc(ms))))
        })
    }

    /// A time of the world.
    pub(crate) fn instant(&self, name: &'static str) -> Result<Option<CapturedAt>, FolderError> {
        match self.time(name)? {
            Some(LocalTime::Absolute(time)) => Ok(Some(time)),
            Some(LocalTime::Wall(_)) => Err(self.wrong(name, self.text(name), "a time that ends in Z")),
            None => Ok(None),
        }
    }
}
