//! Rows of local photos as programs write them, from the bytes of a CSV table, or the numbers of one with types, to files.
//!
//! A row of numbers, moments and text without blanks around it is taken here, cell by cell; whatever else a cell holds, the
//! row is left to the reader that knows all forms: both give the same files, and only the latter speaks of bad cells and of
//! photos that take no part.

use super::{LocalRows, Places};
use crate::table::{PlainCells, is_same};
use crate::time_text::source_of;
use capture_model::{CapturedAt, ClusterId, Device, LocalTime, Metres, Observation, Position, TimeSource};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Nothing that a plain row needs.
    Any,
    /// What would change the meaning of other cells: in a plain row, nothing.
    Empty,
    Path,
    Sequence,
    Longitude,
    Latitude,
    Altitude,
    Heading,
    Time,
    TimeSource,
    GpsTime,
    CameraTime,
    Make,
    Model,
    Width,
    Height,
    Orientation,
    ClusterId,
}

impl Field {
    /// Whether rows that hold it can be taken column by column: nearly all tables hold nothing else.
    fn is_of_columns(self) -> bool {
        use Field::{Altitude, Any, Empty, Heading, Latitude, Longitude, Path, Sequence, Time};
        matches!(self, Any | Empty | Path | Sequence | Longitude | Latitude | Altitude | Heading | Time)
    }
}

/// The columns as a plain row is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    /// What each holds, in the order of the table.
    pub(super) fields: Vec<Field>,
    /// Whether rows of CSV can be taken column by column.
    pub(super) is_by_column: bool,
}

impl Plan {
    pub(super) fn of(at: &Places, n_columns: usize) -> Self {
        let mut fields = vec![None; n_columns];
        let empty = [at.latitude_reference, at.longitude_reference, at.reason];
        let known = [
            (at.path.first().copied(), Field::Path),
            (at.sequence, Field::Sequence),
            (at.longitude, Field::Longitude),
            (at.latitude, Field::Latitude),
            (at.altitude, Field::Altitude),
            (at.heading, Field::Heading),
            (at.time.first().copied(), Field::Time),
            (at.time_source, Field::TimeSource),
            (at.gps_time, Field::GpsTime),
            (at.camera_time.first().copied(), Field::CameraTime),
            (at.make, Field::Make),
            (at.model, Field::Model),
            (at.width, Field::Width),
            (at.height, Field::Height),
            (at.orientation, Field::Orientation),
            (at.cluster_id, Field::ClusterId),
        ];
        let more = at.time.iter().skip(1).chain(at.camera_time.iter().skip(1)).copied();
        let empty = empty.into_iter().flatten().chain(more).map(|place| (place, Field::Empty));
        for (place, field) in known.into_iter().filter_map(|(place, field)| Some((place?, field))).chain(empty) {
            if fields[place].replace(field).is_some() {
                return Self::default(); // a column of two meanings: no row is plain
            }
        }
        let fields: Vec<Field> = fields.into_iter().map(|field| field.unwrap_or(Field::Any)).collect();
        let is_by_column = fields.contains(&Field::Path) && fields.iter().all(|field| field.is_of_columns());
        Self { fields, is_by_column }
    }
}

/// Text of a cell; `None` where blanks are around it, or where a guard may stand before it (`is_scan`).
#[inline]
pub(super) fn plain_text(cell: &[u8], is_scan: bool) -> Option<&str> {
    std::str::from_utf8(cell).ok().filter(|text| is_plain(text, is_scan))
}

/// The same of what is known to be text.
#[inline]
pub(super) fn is_plain(text: &str, is_scan: bool) -> bool {
    let is_bare = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    if is_bare(text.as_bytes().first()) && is_bare(text.as_bytes().last()) {
        return true; // no need to look for blanks of all alphabets
    }
    text.trim().len() == text.len() && !(is_scan && text.starts_with('\''))
}

/// The device of the last plain row, and what it was made of.
#[derive(Debug, Default)]
pub(super) struct LastDevice {
    make: String,
    model: String,
    pixels: [Option<u32>; 2],
    device: Device,
}

impl LastDevice {
    /// The device of a row, made anew only where it is not that of the row before.
    fn next(&mut self, make: &str, model: &str, pixels: [Option<u32>; 2]) -> &Device {
        let is_last =
            is_same(self.make.as_bytes(), make.as_bytes()) && is_same(self.model.as_bytes(), model.as_bytes());
        if !(is_last && self.pixels == pixels) {
            let some = |text| Some(text).filter(|text: &&str| !text.is_empty());
            let device = Device::new(some(make), some(model), pixels[0], pixels[1]);
            *self = Self { make: make.to_owned(), model: model.to_owned(), pixels, device };
        }
        &self.device
    }
}

impl LocalRows {
    /// Takes a row, or leaves all of it and says so by `None`.
    #[inline]
    pub(super) fn take_plain<'t>(&mut self, cells: &mut impl PlainCells<'t>) -> Option<()> {
        const NO_TIME: i64 = i64::MIN;
        const NO_ID: u64 = u64::MAX; // has 20 digits
        let is_scan = self.at.is_scan;
        let text = |cell: &'t [u8]| plain_text(cell, is_scan);
        let (mut path, mut sequence, mut make, mut model, mut source) = ("", "", "", "", "");
        let [mut lon, mut lat, mut altitude, mut heading, mut width, mut height] = [f64::NAN; 6];
        let [mut time, mut gps_time, mut camera_time] = [NO_TIME; 3];
        let [mut orientation, mut cluster] = [NO_ID; 2];
        for field in &self.plan.fields {
            match field {
                Field::Any => cells.skip()?,
                Field::Empty => cells.text()?.is_empty().then_some(())?,
                Field::Path => path = text(cells.text()?)?,
                Field::Sequence => sequence = text(cells.text()?)?,
                Field::Longitude => lon = cells.number()?,
                Field::Latitude => lat = cells.number()?,
                Field::Altitude => altitude = cells.number()?,
                Field::Heading => heading = cells.number()?,
                Field::Time => time = cells.moment(NO_TIME)?,
                Field::TimeSource => source = text(cells.text()?)?,
                Field::GpsTime => gps_time = cells.moment(NO_TIME)?,
                Field::CameraTime => camera_time = cells.moment(NO_TIME)?,
                Field::Make => make = text(cells.text()?)?,
                Field::Model => model = text(cells.text()?)?,
                Field::Width => width = cells.number()?,
                Field::Height => height = cells.number()?,
                Field::Orientation => orientation = cells.whole(NO_ID)?,
                Field::ClusterId => cluster = cells.whole(NO_ID)?,
            }
        }
        cells.end()?;
        let place = Position::from_lon_lat(lon, lat).ok().filter(|place| !place.is_null_island())?;
        if path.is_empty() {
            return None;
        }
        let known = |number: f64| Some(number).filter(|number| number.is_finite());
        let moment = |ms| (ms != NO_TIME).then(|| CapturedAt::from_epoch_ms(ms));
        let time = moment(time).map(LocalTime::Absolute);
        let source = Some(source).filter(|source| !source.is_empty()).and_then(source_of);
        let source = source.filter(|&source| source != TimeSource::None).unwrap_or(TimeSource::Table);
        let observation = Observation {
            position: Some(place),
            altitude: known(altitude).map(Metres),
            heading_deg: known(heading).map(|heading| heading.rem_euclid(360.0)),
            time,
            time_source: if time.is_some() { source } else { TimeSource::None },
            time_resolution_ms: u16::from(time.is_some()),
            gps_time: moment(gps_time),
            camera_time: moment(camera_time).map(LocalTime::Absolute),
            device: 0,
            orientation: u8::try_from(orientation).ok().filter(|o| (1..=8).contains(o)),
        };
        self.n_rows += 1;
        let sequence = self.sequence(sequence);
        let cluster_id = Some(cluster).filter(|&id| id != NO_ID).map(ClusterId);
        let pixels =
            [width, height].map(|number| known(number).map(|number| number.clamp(0.0, f64::from(u32::MAX)) as u32));
        let device = self.last_device.next(make, model, pixels);
        self.loose.push_row(path, &observation, sequence.as_ref(), cluster_id, device);
        Some(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::table::{BadCells, MarkedCells, Row, RowReader};
    use capture_model::{TableNumber, Wanted};
    use proptest::prelude::*;

    pub(in super::super) const NAMES: [&str; 22] = [
        "path",
        "sequence",
        "lat",
        "lon",
        "altitude",
        "captured_at",
        "heading",
        "make",
        "model",
        "width",
        "height",
        "orientation",
        "time_source",
        "gps_time",
        "camera_time",
        "cluster_id",
        "status",
        "reason",
        "note",
        "GPSLatitudeRef",
        "sequence_index",
        "timestamp",
    ];

    pub(in super::super) fn cell() -> impl Strategy<Value = String> {
        let plain = prop::sample::select(vec![
            "",
            "",
            "",
            "0",
            "7",
            "1630145202250",
            "2021-08-28T10:06:42.000Z",
            "-0.5",
            "50.8966219",
            "-154.2709525352569",
            "43.40243063519981",
            "180.5",
            "a/b.jpg",
            "a/c.jpg",
            "key",
            "GoPro",
            "gps",
            "usable",
            "26858300993768842",
        ]);
        let odd = prop::sample::select(vec![
            " ",
            " 7",
            "'=1",
            "'a",
            "1e3",
            "nan",
            "NULL",
            "45 deg 31' 0.85 N",
            "S",
            "é/ü",
            "no_place",
            "rejected",
            "none",
            "2021-08-28 10:06:42",
            "3024.0",
            "256",
            "-1",
            "0.0",
            "1970-01-01T00:00:00.000Z",
            "99999999999999999999",
        ]);
        prop_oneof![12 => plain.prop_map(String::from), 1 => odd.prop_map(String::from), 1 => "[^,\"\r\n]{0,6}"]
    }

    pub(in super::super) fn told(rows: &LocalRows) -> String {
        let loose = &rows.loose;
        let files: Vec<_> = (0..loose.len()).map(|row| loose.get(row)).collect();
        let devices: Vec<_> = files.iter().map(|file| loose.devices.value(file.observation.device)).collect();
        format!("{files:?} {devices:?} {:?} {} {:?}", loose.sequences.values(), rows.n_rows, rows.nameless)
    }

    /// Those columns, and those that no table lacks.
    fn chosen(is_here: Vec<bool>) -> Vec<&'static str> {
        let is_needed = |name: &str| ["path", "lon", "lat"].contains(&name);
        NAMES.into_iter().zip(is_here).filter(|(name, here)| *here || is_needed(name)).map(|(name, _)| name).collect()
    }

    proptest! {
        #[test]
        fn the_short_way_leads_to_the_same_files(
            is_here in prop::collection::vec(prop::bool::weighted(0.6), NAMES.len()),
            rows in prop::collection::vec((prop::collection::vec(cell(), NAMES.len()), 1_usize..4), 0..8),
        ) {
            let names = chosen(is_here);
            let [mut short, mut long] = [(); 2].map(|()| LocalRows::new("table".into()));
            let (mut bad, mut expected_bad) = (BadCells::default(), BadCells::default());
            for rows in [&mut short, &mut long] {
                prop_assert!(rows.header(&names).is_ok());
            }
            for (line, (cells, times)) in (2..).zip(&rows) {
                let cells: Vec<&str> = cells.iter().take(names.len()).map(String::as_str).collect();
                let bytes = format!("some bytes before\n{}\n", cells.join(","));
                let marks: Vec<u32> =
                    (18..).zip(bytes.bytes().skip(18)).filter(|(_, byte)| b",\n".contains(byte)).map(|(at, _)| at).collect();
                for _ in 0..*times {
                    long.row(&Row::of_text(line, &cells), &mut expected_bad);
                    if short.plain_row(MarkedCells::new(bytes.as_bytes(), 18, &marks)).is_none() {
                        short.row(&Row::of_text(line, &cells), &mut bad);
                    }
                }
            }
            prop_assert_eq!(told(&short), told(&long));
            prop_assert_eq!(format!("{bad:?}"), format!("{expected_bad:?}"));
        }
    }

    pub(in super::super) fn number() -> impl Strategy<Value = TableNumber> {
        prop_oneof![
            3 => Just(TableNumber::None),
            6 => Just(TableNumber::Whole(1_630_145_202_250)),
            2 => (0_i64..3).prop_map(TableNumber::Whole),
            6 => (-100.0..100.0_f64).prop_map(TableNumber::Real),
            1 => any::<i64>().prop_map(TableNumber::Whole),
            1 => Just(TableNumber::Large(u64::MAX)),
            1 => Just(TableNumber::Real(1e17)),
            1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).prop_map(TableNumber::Real),
        ]
    }

    proptest! {
        #[test]
        fn numbers_lead_to_the_same_files(
            is_here in prop::collection::vec(prop::bool::weighted(0.6), NAMES.len()),
            is_number in prop::collection::vec(prop::bool::weighted(0.7), NAMES.len()),
            rows in prop::collection::vec(prop::collection::vec((cell(), number()), NAMES.len()), 0..8),
        ) {
            let names = chosen(is_here);
            let [mut short, mut long] = [(); 2].map(|()| LocalRows::new("table".into()));
            let (mut bad, mut expected_bad) = (BadCells::default(), BadCells::default());
            for rows in [&mut short, &mut long] {
                prop_assert!(rows.header(&names).is_ok());
            }
            for (line, cells) in (1..).zip(&rows) {
                // what has a number has no text
                let (texts, numbers): (Vec<&str>, Vec<TableNumber>) = (cells.iter().zip(&is_number).enumerate())
                    .take(names.len())
                    .map(|(column, ((text, number), &is_number))| match *number {
                        number if is_number && short.wants(column) == Wanted::Any => ("", number),
                        _ => (text.as_str(), TableNumber::None),
                    })
                    .unzip();
                let row = Row::of_types(line, &texts, &numbers);
                short.row(&row, &mut bad);
                long.any_row(&row, &mut expected_bad);
            }
            prop_assert_eq!(told(&short), told(&long));
            prop_assert_eq!(format!("{bad:?}"), format!("{expected_bad:?}"));
        }
    }

    #[test]
    fn usual_rows_are_taken() {
        let mut rows = LocalRows::new("table".into());
        assert!(rows.header(&["path", "sequence", "lat", "lon", "altitude", "captured_at", "make"]).is_ok());
        let mut is_taken = |row: &str| {
            let bytes = format!("some bytes before\n{row}\n");
            let marks: Vec<u32> = (18..)
                .zip(bytes.bytes().skip(18))
                .filter(|(_, byte)| b",\n".contains(byte))
                .map(|(at, _)| at)
                .collect();
            rows.plain_row(MarkedCells::new(bytes.as_bytes(), 18, &marks)).is_some()
        };
        for row in [
            "a/1.jpg,ride,50.5,-0.5,70.25,1630145202250,GoPro",
            "a/2.jpg,ride,50.50001234567890,-0.5,,2021-08-28T10:06:42.000Z,\r",
        ] {
            assert!(is_taken(row), "{row}");
        }
        for row in ["a/1.jpg,ride,0,0,,,", ",ride,1,1,,,", "a,ride,1,1,,8:30,", "a,ride,91,1,,,", "a,ride,,1,,,", "a,b"]
        {
            assert!(!is_taken(row), "{row}");
        }
        assert_eq!(rows.loose.len(), 2);
    }
}
