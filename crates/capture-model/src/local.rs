//! The local side: files and what they say, tracks, and the columns that the matcher reads.

use crate::{
    CapturedAt, Column, Device, DeviceIndex, LocalFiles, LocalTime, Metres, Names, Observations, Position, Reason,
    Shared, TimeSource,
};
use std::ops::Range;

/// What one file (or one row of a table) says about its photo.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observation {
    /// Place; (0, 0) is kept here and rejected by [`FileState`].
    pub position: Option<Position>,
    /// Altitude above sea level as written, sign by its reference.
    pub altitude: Option<Metres>,
    /// Heading in degrees, 0…360 from north.
    pub heading_deg: Option<f64>,
    /// The time that the uploader would send, before spreading.
    pub time: Option<LocalTime>,
    /// Where [`Self::time`] was read.
    pub time_source: TimeSource,
    /// Smallest step that [`Self::time`] was written in: 1000, 100, 10 or 1 ms; 0 when there is no time.
    pub time_resolution_ms: u16,
    /// GPS date and time.
    pub gps_time: Option<CapturedAt>,
    /// The camera's own clock (`DateTimeOriginal` or its stand-ins), absolute where an offset tag says its zone.
    pub camera_time: Option<LocalTime>,
    /// Number of the device in [`LocalArchive::devices`].
    pub device: DeviceIndex,
    /// EXIF orientation, 1–8.
    pub orientation: Option<u8>,
}

/// Whether a file can take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// It has a place and may have been uploaded.
    Usable,
    /// A reason of status `rejected` or `unreadable`: it cannot take part.
    Out(Reason),
}

/// One local sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// The `local_sequence` of reports: 1, 2, … or a table's own value.
    pub name: Box<str>,
    /// Its rows in [`LocalArchive::files`].
    pub files: Range<usize>,
    /// Tracks with one number (same folder, same camera) share a clock, and so its offset.
    pub clock_group: u32,
}

/// One point of a video's GPS track.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VideoPoint {
    /// Milliseconds since the start of the video.
    pub offset_ms: f64,
    /// Place.
    pub position: Position,
    /// Altitude above sea level.
    pub altitude: Option<Metres>,
    /// Heading in degrees, 0…360 from north.
    pub heading_deg: Option<f64>,
    /// GPS time.
    pub gps_time: Option<CapturedAt>,
}

/// A video that an input lists with its track: its frames are no files, so it takes part in nothing else.
#[derive(Debug, Clone, PartialEq)]
pub struct Video {
    /// The path as reports show it, that of its row in [`LocalArchive::files`].
    pub path: Box<str>,
    /// Where it was, in the order of its track.
    pub points: Vec<VideoPoint>,
}

/// All local files in the order of reports: by track, then capture order, then path; files without a track last.
#[derive(Debug, Clone, Default)]
pub struct LocalArchive {
    /// One per local file.
    pub files: LocalFiles,
    /// Tracks in the order of their rows.
    pub tracks: Vec<Track>,
    /// Devices by number; number 0 is the unknown device.
    pub devices: Names<Device>,
    /// Regular files that are no photos by their ending.
    pub files_ignored: u64,
    /// Videos with their tracks, by path.
    pub videos: Vec<Video>,
}

/// Which clock a local time was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimeKind {
    /// UTC is known.
    Absolute,
    /// A wall clock of unknown zone.
    Wall,
    /// No time.
    None,
}

/// The usable photos as columns, in the order of [`LocalArchive::files`]: by track, capture order, path. Where all files are
/// usable, the larger columns are those of the archive.
#[derive(Debug, Clone, Default)]
pub struct LocalImages {
    /// Row of the file in [`LocalArchive::files`].
    pub file: Vec<u32>,
    /// Number of the track in [`LocalArchive::tracks`].
    pub track: Shared<u32>,
    /// Longitude, degrees.
    pub longitude: Shared<f64>,
    /// Latitude, degrees.
    pub latitude: Shared<f64>,
    /// Altitude, metres; NaN when unknown.
    pub altitude_m: Vec<f32>,
    /// Heading, degrees; NaN when unknown.
    pub heading_deg: Vec<f32>,
    /// Chosen time in ms on its own clock (wall clocks as if UTC); 0 where [`Self::time_kind`] is `None`.
    pub time_ms: Shared<i64>,
    /// The time that the uploader sends (equal times spread), in ms on the clock of [`Self::time_ms`]; equal to it where
    /// the replay changes nothing.
    pub sent_time_ms: Shared<i64>,
    /// Which clock [`Self::time_ms`] is.
    pub time_kind: Vec<TimeKind>,
    /// Step in which the time was written, ms; 0 when there is no time.
    pub time_resolution_ms: Vec<u16>,
    /// The camera's own clock in ms where it is another than the chosen one; [`Self::NO_TIME`] otherwise.
    pub camera_time_ms: Column<i64>,
    /// Number of the device in [`Self::devices`].
    pub device: Column<DeviceIndex>,
    /// Rank of the path among all files, in byte order.
    pub path_rank: Vec<u32>,
    /// Drop predicted by the uploader's rules.
    pub predicted_drop: Column<Option<Reason>>,
    /// Devices by number.
    pub devices: Names<Device>,
    /// First row of each track, with the number of rows at the end: track k is `tracks[k]..tracks[k + 1]`.
    pub tracks: Vec<u32>,
    /// Of each track, the number of its clock: tracks of one folder and camera share it.
    pub clock_group: Vec<u32>,
}

impl LocalImages {
    /// Stands for a missing camera time.
    pub const NO_TIME: i64 = i64::MIN;

    /// How many photos.
    pub fn len(&self) -> usize {
        self.file.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// The memory of what its columns hold, bytes; those that others hold as well are counted.
    pub fn n_bytes(&self) -> usize {
        size_of_val(&*self.file)
            + size_of_val(&**self.track)
            + size_of_val(&**self.longitude)
            + size_of_val(&**self.latitude)
            + size_of_val(&*self.altitude_m)
            + size_of_val(&*self.heading_deg)
            + size_of_val(&**self.time_ms)
            + size_of_val(&**self.sent_time_ms)
            + size_of_val(&*self.time_kind)
            + size_of_val(&*self.time_resolution_ms)
            + self.camera_time_ms.n_bytes()
            + self.device.n_bytes()
            + size_of_val(&*self.path_rank)
            + self.predicted_drop.n_bytes()
    }

    /// How many tracks, those without a usable photo included.
    pub fn n_tracks(&self) -> usize {
        self.tracks.len().saturating_sub(1)
    }

    /// The number of tracks with at least one row.
    pub fn n_tracks_with_rows(&self) -> usize {
        self.tracks.windows(2).filter(|ends| ends[0] < ends[1]).count()
    }

    /// The rows of one track.
    pub fn rows_of(&self, track: usize) -> Range<usize> {
        self.tracks[track] as usize..self.tracks[track + 1] as usize
    }

    /// Place of a row.
    ///
    /// # Panics
    /// Never for rows that came from [`LocalArchive::usable_images`]: their places are valid.
    pub fn position(&self, row: usize) -> Position {
        Position::from_lon_lat(self.longitude[row], self.latitude[row]).expect("usable photos have a valid place")
    }
}

impl LocalArchive {
    /// The usable photos as columns. Rows keep the order of [`Self::files`].
    ///
    /// # Panics
    /// With 2^32 or more files.
    pub fn usable_images(&self) -> LocalImages {
        assert!(u32::try_from(self.files.len()).is_ok(), "fewer than 2^32 files");
        let mut images = LocalImages { devices: self.devices.clone(), ..LocalImages::default() };
        images.file.reserve_exact(self.files.len());
        let is_usable = |row: &usize| {
            let file = self.files.get(*row);
            file.state() == FileState::Usable && file.position().is_some()
        };
        for track in &self.tracks {
            images.tracks.push(images.file.len() as u32);
            images.clock_group.push(track.clock_group);
            images.file.extend(track.files.clone().filter(is_usable).map(|row| row as u32));
        }
        images.tracks.push(images.file.len() as u32);
        self.fill(&mut images);
        images
    }

    /// Fills the columns of the photos whose files are known.
    fn fill(&self, images: &mut LocalImages) {
        let (files, seen) = (&self.files, &self.files.seen);
        let rows = Rows { file: &images.file, are_all: images.file.iter().copied().eq(0..files.len() as u32) };
        images.track = rows.shared(&files.track);
        images.longitude = rows.shared(&seen.longitude);
        images.latitude = rows.shared(&seen.latitude);
        images.altitude_m = rows.each(|row| seen.altitude_m[row] as f32);
        images.heading_deg = rows.each(|row| seen.heading_deg[row] as f32);
        let or_none = |ms: i64| if ms == Observations::NO_TIME { 0 } else { ms };
        if seen.time_ms.contains(&Observations::NO_TIME) {
            images.time_ms = rows.each(|row| or_none(seen.time_ms[row])).into();
            images.sent_time_ms = rows.each(|row| or_none(files.sent_ms[row])).into();
        } else {
            images.time_ms = rows.shared(&seen.time_ms);
            images.sent_time_ms = rows.shared(&files.sent_ms);
        }
        images.time_kind = rows.each(|row| match seen.time(row) {
            Some(LocalTime::Absolute(_)) => TimeKind::Absolute,
            Some(LocalTime::Wall(_)) => TimeKind::Wall,
            None => TimeKind::None,
        });
        images.time_resolution_ms = rows.each(|row| seen.time_resolution_ms(row));
        images.camera_time_ms = if seen.has_no_camera_time() {
            Column::same(LocalImages::NO_TIME, rows.file.len())
        } else {
            let camera_ms = |row| match seen.camera_time(row) {
                Some(camera) if Some(camera) != seen.time(row) => camera.ms(),
                _ => LocalImages::NO_TIME,
            };
            rows.each(camera_ms).into()
        };
        images.device = seen.devices().gather(rows.file);
        images.predicted_drop = files.predicted_drop.gather(rows.file);
        let rank = files.path_ranks();
        images.path_rank = if rows.are_all { rank } else { rows.each(|row| rank[row]) };
    }
}

/// Files whose photos are columns.
struct Rows<'a> {
    file: &'a [u32],
    are_all: bool,
}

impl Rows<'_> {
    fn each<T>(&self, value: impl Fn(usize) -> T) -> Vec<T> {
        self.file.iter().map(|&row| value(row as usize)).collect()
    }

    /// The column of all files itself, where all are meant.
    fn shared<T: Copy>(&self, column: &Shared<T>) -> Shared<T> {
        if self.are_all { column.clone() } else { self.each(|row| column[row]).into() }
    }
}
