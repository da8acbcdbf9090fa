//! The local side: files and what they say, tracks, and the columns that the matcher reads.

use crate::{
    CapturedAt, ClusterId, CompactObservation, Device, DeviceIndex, LocalTime, Metres, Names, Position, Reason,
    TimeSource,
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

/// One local file: exactly one row of every report.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalFile {
    /// The path as reports show it.
    pub path: Box<str>,
    /// Number of its track in [`LocalArchive::tracks`]; `None` for files that belong to no track.
    pub track: Option<u32>,
    /// Whether it can take part.
    pub state: FileState,
    /// What it says.
    pub observation: CompactObservation,
    /// The upload that it went with, where a history or table says so.
    pub cluster_id: Option<ClusterId>,
    /// The time that the uploader sends: [`Observation::time`] after equal times were spread and milliseconds cut; `None`
    /// when the replay changes nothing.
    pub sent_time: Option<LocalTime>,
    /// Drop that the uploader's rules predict for this photo (`dropped_duplicate`, `dropped_by_uploader`).
    pub predicted_drop: Option<Reason>,
    /// Words for the `note` column.
    pub note: Option<Box<str>>,
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
    pub files: Vec<LocalFile>,
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

/// The usable photos as columns, in the order of [`LocalArchive::files`]: by track, capture order, path.
#[derive(Debug, Clone, Default)]
pub struct LocalImages {
    /// Row of the file in [`LocalArchive::files`].
    pub file: Vec<u32>,
    /// Number of the track in [`LocalArchive::tracks`].
    pub track: Vec<u32>,
    /// Longitude, degrees.
    pub longitude: Vec<f64>,
    /// Latitude, degrees.
    pub latitude: Vec<f64>,
    /// Altitude, metres; NaN when unknown.
    pub altitude_m: Vec<f32>,
    /// Heading, degrees; NaN when unknown.
    pub heading_deg: Vec<f32>,
    /// Chosen time in ms on its own clock (wall clocks as if UTC); 0 where [`Self::time_kind`] is `None`.
    pub time_ms: Vec<i64>,
    /// The time that the uploader sends (equal times spread), in ms on the clock of [`Self::time_ms`]; equal to it where
    /// the replay changes nothing.
    pub sent_time_ms: Vec<i64>,
    /// Which clock [`Self::time_ms`] is.
    pub time_kind: Vec<TimeKind>,
    /// Step in which the time was written, ms; 0 when there is no time.
    pub time_resolution_ms: Vec<u16>,
    /// The camera's own clock in ms where it is another than the chosen one; [`Self::NO_TIME`] otherwise.
    pub camera_time_ms: Vec<i64>,
    /// Number of the device in [`Self::devices`].
    pub device: Vec<DeviceIndex>,
    /// Rank of the path among all files, in byte order.
    pub path_rank: Vec<u32>,
    /// Drop predicted by the uploader's rules.
    pub predicted_drop: Vec<Option<Reason>>,
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

    /// None yet, with room for so many photos: columns that grow one by one touch their memory more than once.
    fn for_photos(n: usize) -> Self {
        Self {
            file: Vec::with_capacity(n),
            track: Vec::with_capacity(n),
            longitude: Vec::with_capacity(n),
            latitude: Vec::with_capacity(n),
            altitude_m: Vec::with_capacity(n),
            heading_deg: Vec::with_capacity(n),
            time_ms: Vec::with_capacity(n),
            sent_time_ms: Vec::with_capacity(n),
            time_kind: Vec::with_capacity(n),
            time_resolution_ms: Vec::with_capacity(n),
            camera_time_ms: Vec::with_capacity(n),
            device: Vec::with_capacity(n),
            path_rank: Vec::with_capacity(n),
            predicted_drop: Vec::with_capacity(n),
            ..Self::default()
        }
    }

    /// How many photos.
    pub fn len(&self) -> usize {
        self.file.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.file.is_empty()
    }

    /// The memory of what its columns hold, bytes.
    pub fn n_bytes(&self) -> usize {
        size_of_val(&*self.file)
            + size_of_val(&*self.track)
            + size_of_val(&*self.longitude)
            + size_of_val(&*self.latitude)
            + size_of_val(&*self.altitude_m)
            + size_of_val(&*self.heading_deg)
            + size_of_val(&*self.time_ms)
            + size_of_val(&*self.sent_time_ms)
            + size_of_val(&*self.time_kind)
            + size_of_val(&*self.time_resolution_ms)
            + size_of_val(&*self.camera_time_ms)
            + size_of_val(&*self.device)
            + size_of_val(&*self.path_rank)
            + size_of_val(&*self.predicted_drop)
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
        let rank = path_ranks(&self.files);
        let mut images = LocalImages { devices: self.devices.clone(), ..LocalImages::for_photos(self.files.len()) };
        for (track, rows) in self.tracks.iter().enumerate() {
            images.tracks.push(images.file.len() as u32);
            images.clock_group.push(rows.clock_group);
            for row in rows.files.clone() {
                let file = &self.files[row];
                let (FileState::Usable, Some(position)) = (file.state, file.observation.position()) else { continue };
                let seen = file.observation.get();
                images.file.push(row as u32);
                images.track.push(track as u32);
                images.longitude.push(position.lon());
                images.latitude.push(position.lat());
                images.altitude_m.push(seen.altitude.map_or(f32::NAN, |a| a.0 as f32));
                images.heading_deg.push(seen.heading_deg.map_or(f32::NAN, |h| h as f32));
                images.time_ms.push(seen.time.map_or(0, LocalTime::ms));
                images.sent_time_ms.push(file.sent_time.or(seen.time).map_or(0, LocalTime::ms));
                images.time_kind.push(match seen.time {
                    Some(LocalTime::Absolute(_)) => TimeKind::Absolute,
                    Some(LocalTime::Wall(_)) => TimeKind::Wall,
                    None => TimeKind::None,
                });
                images.time_resolution_ms.push(seen.time_resolution_ms);
                images.camera_time_ms.push(match (seen.camera_time, seen.time) {
                    (Some(camera), chosen) if Some(camera) != chosen => camera.ms(),
                    _ => LocalImages::NO_TIME,
                });
                images.device.push(seen.device);
                images.path_rank.push(rank[row]);
                images.predicted_drop.push(file.predicted_drop);
            }
        }
        images.tracks.push(images.file.len() as u32);
        images
    }
}

/// Of each file, the rank of its path in the order of bytes; of equal ones the first comes first.
fn path_ranks(files: &[LocalFile]) -> Vec<u32> {
    // the eight bytes behind what all paths begin with decide most comparisons without touching a path
    let first = files.first().map_or("", |file| &*file.path).as_bytes();
    let common = files.iter().fold(first.len(), |n, file| common_bytes(&first[..n], file.path.as_bytes()));
    let behind = |file: &LocalFile| {
        let path = &file.path.as_bytes()[common..];
        u64::from_be_bytes(path.first_chunk().copied().unwrap_or_else(|| {
            let mut bytes = [0; 8];
            bytes[..path.len()].copy_from_slice(path);
            bytes
        }))
    };
    let mut by_path: Vec<(u64, u32)> = files.iter().map(behind).zip(0..).collect();
    by_path.sort_by(|a, b| {
        // files of one track mostly come in the order of their names: such stretches are merged
        let path = |row: u32| files[row as usize].path.as_bytes();
        a.0.cmp(&b.0).then_with(|| path(a.1).cmp(path(b.1))).then(a.1.cmp(&b.1))
    });
    let mut rank = vec![0_u32; files.len()];
    for (&(_, row), place) in by_path.iter().zip(0..) {
        rank[row as usize] = place;
    }
    rank
}

/// How many bytes two texts have in common at their beginnings.
fn common_bytes(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_ranked_by_their_bytes() {
        let ranks = |paths: &[&str]| {
            let file = |path: &&str| LocalFile {
                path: (*path).into(),
                track: None,
                state: FileState::Usable,
                observation: CompactObservation::default(),
                cluster_id: None,
                sent_time: None,
                predicted_drop: None,
                note: None,
            };
            path_ranks(&paths.iter().map(file).collect::<Vec<_>>())
        };
        assert_eq!(ranks(&[]), []);
        assert_eq!(ranks(&["a/b/0002", "a/b/0001", "a/b/000", "a/b/0001\0", "a/b/0001"]), [4, 1, 0, 3, 2]);
        assert_eq!(ranks(&["a/one of a long name 2", "a/one of a long name 1", "a"]), [2, 1, 0]);
        assert_eq!(ranks(&["b", "a", "\u{e9}", "", "a"]), [3, 1, 4, 0, 2]);
    }
}
