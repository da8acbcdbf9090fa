//! Photos placed on a recorded track, as the uploader does with a GPX file.
//!
//! # Method
//! All track points with a time, of all tracks and segments, are put in order of time. A photo between two of them gets
//! the place in proportion to time, the altitude likewise where both points have one, and the direction from the one point
//! to the other as its heading. A photo more than 1 ms outside the track is refused, as is one without a time.
//!
//! Track times are UTC. A camera's wall clock is brought to UTC by an offset that the caller gives (the uploader takes the
//! zone of the machine that it runs on).
//!
//! A track whose end is cut off still serves.

mod points;

use crate::errors::TableError;
use crate::loose::LooseFile;
use capture_model::{CapturedAt, FileState, LocalTime, Metres, Position, Reason, TimeSource};
use points::{Points, read_points};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A day of one point a second has 10 MB.
const LONGEST_FILE: u64 = 256 << 20;

/// A track to place photos on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GpxTrack {
    /// The GPX file.
    pub path: PathBuf,
    /// What to add to a camera's wall clock to have UTC, ms; 0 for cameras that run on UTC.
    pub wall_clock_to_utc_ms: i64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    ms: i64,
    position: Position,
    altitude_m: Option<f64>,
}

/// The points of a GPX file, in order of time.
#[derive(Debug)]
pub(crate) struct Track {
    points: Vec<Point>,
    /// Whether the file ends before its last element does; what is readable of it serves.
    is_cut: bool,
    wall_clock_to_utc_ms: i64,
}

impl Track {
    /// Reads a file; one without a single point that has a place and a time is broken.
    pub(crate) fn read(gpx: &GpxTrack) -> Result<Self, TableError> {
        let mut bytes = Vec::new();
        File::open(&gpx.path)
            .and_then(|file| file.take(LONGEST_FILE).read_to_end(&mut bytes))
            .map_err(|source| TableError::Read { path: gpx.path.clone(), source })?;
        let Points { points, is_cut } = read_points(&String::from_utf8_lossy(&bytes));
        if points.is_empty() {
            return Err(no_points(&gpx.path));
        }
        Ok(Self { points, is_cut, wall_clock_to_utc_ms: gpx.wall_clock_to_utc_ms })
    }

    /// Places a photo on the track, or refuses it.
    pub(crate) fn place(&self, file: &mut LooseFile) {
        let Some(time) = file.observation.time else {
            file.state = FileState::Out(Reason::RejectedByUploader);
            file.say("it has no time, so it cannot be placed on the track");
            return;
        };
        let ms = match time {
            LocalTime::Absolute(time) => time.epoch_ms(),
            LocalTime::Wall(time) => time.ms_as_if_utc().saturating_add(self.wall_clock_to_utc_ms),
        };
        let seen = &mut file.observation;
        seen.time = Some(LocalTime::Absolute(CapturedAt::from_epoch_ms(ms)));
        seen.time_source = TimeSource::Gpx;
        if let Some((position, altitude_m, heading_deg)) = self.at(ms) {
            (seen.position, seen.altitude, seen.heading_deg) = (Some(position), altitude_m.map(Metres), heading_deg);
            let is_null = position.is_null_island();
            file.state = if is_null { FileState::Out(Reason::NullIsland) } else { FileState::Usable };
        } else {
            file.state = FileState::Out(Reason::RejectedByUploader);
            let of = |point: Option<&Point>| point.map_or(0, |point| point.ms);
            let end = |ms| CapturedAt::from_epoch_ms(ms);
            let (first, last) = (end(of(self.points.first())), end(of(self.points.last())));
            let why = if self.is_cut { ", where its file ends too early: no </gpx>" } else { "" };
            file.say(&format!("outside the track, which lasts from {first} to {last}{why}"));
        }
    }

    /// Place, altitude and heading at a moment.
    fn at(&self, ms: i64) -> Option<(Position, Option<f64>, Option<f64>)> {
        let (first, last) = self.points.first().zip(self.points.last())?;
        if ms < first.ms.saturating_sub(1) || ms > last.ms.saturating_add(1) {
            return None;
        }
        let ms = ms.clamp(first.ms, last.ms);
        // the pair that encloses the moment; at the ends the first and the last pair
        let after = self.points.partition_point(|point| point.ms <= ms).clamp(1, self.points.len().max(2) - 1);
        let (Some(a), Some(b)) = (self.points.get(after - 1), self.points.get(after)) else {
            return Some((first.position, first.altitude_m, None));
        };
        let share = if b.ms > a.ms { (ms - a.ms) as f64 / (b.ms - a.ms) as f64 } else { 0.0 };
        let between = |a: f64, b: f64| a + (b - a) * share;
        let turn = b.position.lon() - a.position.lon();
        let turn = turn - 360.0 * (turn / 360.0).round(); // the shorter way, over the antimeridian where it leads there
        let lon = a.position.lon() + turn * share;
        let lon = if lon.abs() > 180.0 { lon - 360.0 * lon.signum() } else { lon };
        let lat = between(a.position.lat(), b.position.lat()).clamp(-90.0, 90.0);
        let position = Position::from_lon_lat(lon, lat).ok()?;
        Some((
            position,
            a.altitude_m.zip(b.altitude_m).map(|(a, b)| between(a, b)),
            bearing_deg(a.position, b.position),
        ))
    }
}

/// Direction from one place to another, degrees from north; `None` when they are one place.
fn bearing_deg(from: Position, to: Position) -> Option<f64> {
    let (from_lat, to_lat) = (from.lat().to_radians(), to.lat().to_radians());
    let turn = (to.lon() - from.lon()).to_radians();
    let east = turn.sin() * to_lat.cos();
    let north = from_lat.cos() * to_lat.sin() - from_lat.sin() * to_lat.cos() * turn.cos();
    (from != to).then(|| east.atan2(north).to_degrees().rem_euclid(360.0))
}

fn no_points(path: &Path) -> TableError {
    TableError::Broken {
        path: path.to_owned(),
        line: 1,
        column: "1".to_owned(),
        detail: "no track point with a place and a time; give a GPX file with <trkpt> elements".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{ScanOptions, scan};
    use crate::test_photos::{ascii, jpeg, ordinary_without};
    use exif::Tag;
    use proptest::prelude::*;
    use std::fs;

    const RIDE: &str = r#"<gpx><trk><trkseg>
        <trkpt lat="50.0" lon="10.0"><ele>100</ele><time>2018-06-08T11:24:10Z</time></trkpt>
        <trkpt lon='10.002' lat='50.0'><time>2018-06-08T11:24:30.500Z</time></trkpt></trkseg><trkseg>
        <trkpt lat="50.0" lon="10.001"><ele>110</ele><time>2018-06-08T11:24:20Z</time></trkpt>
        <trkpt lat="91" lon="10"><time>2018-06-08T11:24:21Z</time></trkpt>
        <trkpt lat="50" lon="10"/></trkseg></trk></gpx>"#;

    #[test]
    fn photos_lie_between_track_points() {
        let disk = tempfile::tempdir().unwrap();
        fs::write(disk.path().join("ride.gpx"), RIDE).unwrap();
        fs::create_dir_all(disk.path().join("ride")).unwrap();
        let without = || ordinary_without(&[Tag::GPSLatitude, Tag::GPSLongitude, Tag::DateTimeOriginal]);
        for (name, time) in [
            ("a", Some("13:24:10")),
            ("b", Some("13:24:15")),
            ("c", Some("13:24:25")),
            ("d", Some("13:25:00")),
            ("e", None),
        ] {
            let mut fields = without();
            fields.extend(time.map(|time| ascii(Tag::DateTimeOriginal, &format!("2018:06:08 {time}"))));
            fs::write(disk.path().join(format!("ride/{name}.jpg")), jpeg(&fields)).unwrap();
        }
        let gpx = GpxTrack { path: disk.path().join("ride.gpx"), wall_clock_to_utc_ms: -7_200_000 };
        let archive =
            scan(&[disk.path().join("ride")], &ScanOptions { gpx: Some(gpx), ..ScanOptions::default() }.into())
                .unwrap();
        let row = |file: capture_model::FileRow<'_>| {
            let seen = file.observation();
            let place = match file.state() {
                FileState::Usable => seen.position.map(|position| position.to_string()).unwrap_or_default(),
                FileState::Out(reason) => format!("{reason} ({})", file.note().unwrap_or_default()),
            };
            let time = seen.time.map(|time| time.to_string()).unwrap_or_default();
            format!("{time} {place} {:?} {:.0}", seen.altitude.map(|a| a.0), seen.heading_deg.unwrap_or(-1.0))
        };
        let rows: Vec<String> = archive.files.iter().map(row).collect();
        assert_eq!(
            rows,
            [
                "2018-06-08T11:24:10.000Z 10.0000000,50.0000000 Some(100.0) 90",
                "2018-06-08T11:24:15.000Z 10.0005000,50.0000000 Some(105.0) 90",
                "2018-06-08T11:24:25.000Z 10.0014762,50.0000000 None 90",
                "2018-06-08T11:25:00.000Z rejected_by_uploader (outside the track, which lasts from \
                 2018-06-08T11:24:10.000Z to 2018-06-08T11:24:30.500Z) Some(70.3) -1",
                " rejected_by_uploader (it has no time, so it cannot be placed on the track) Some(70.3) -1",
            ]
        );
    }

    #[test]
    fn a_track_over_the_antimeridian_goes_the_shorter_way() {
        let point = |ms, lon| Point { ms, position: Position::from_lon_lat(lon, -17.0).unwrap(), altitude_m: None };
        for (from, to, expected) in [(179.999, -179.997, -179.999), (-179.997, 179.999, -179.999), (-90.0, 60.0, -15.0)]
        {
            let track =
                Track { points: vec![point(0, from), point(1_000, to)], is_cut: false, wall_clock_to_utc_ms: 0 };
            let (place, ..) = track.at(500).unwrap();
            assert!((place.lon() - expected).abs() < 1e-9, "{from} to {to}: {}", place.lon());
        }
    }

    #[test]
    fn a_file_without_points_is_broken() {
        let disk = tempfile::tempdir().unwrap();
        let read = |content: &str| {
            fs::write(disk.path().join("x.gpx"), content).unwrap();
            Track::read(&GpxTrack { path: disk.path().join("x.gpx"), wall_clock_to_utc_ms: 0 })
        };
        for content in
            ["", "<gpx/>", "<trkpt lat='1' lon='2'/>", "<trkpt lat='x' lon='2'><time>2018-06-08T11:24:20Z</time>"]
        {
            assert!(read(content).unwrap_err().is_broken_input(), "{content}");
        }
        let cut = read(&RIDE[..150]).unwrap();
        assert_eq!((cut.points.len(), cut.is_cut), (1, true), "what is readable of a cut track serves");
        let told = |content: &str| read(content).map(|track| (track.points.len(), track.is_cut)).unwrap();
        let point = "<trkpt lat='1' lon='2'><time>2018-06-08T11:24:20Z</time></trkpt>";
        assert_eq!(
            told(&format!("<gpx><trk><trkseg>{point}<!-- {point} --></trkseg></trk></gpx >\n<!-- end -->")),
            (1, false)
        );
        let absent = GpxTrack { path: disk.path().join("none.gpx"), wall_clock_to_utc_ms: 0 };
        assert!(!Track::read(&absent).unwrap_err().is_broken_input());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn no_track_panics(edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 0..8), cut in any::<u16>(), ms: i64) {
            let mut bytes = RIDE.as_bytes().to_vec();
            let n = bytes.len();
            for (at, byte) in edits {
                bytes[usize::from(at) % n] = byte;
            }
            bytes.truncate(usize::from(cut) % (2 * n));
            let Points { points, .. } = read_points(&String::from_utf8_lossy(&bytes));
            let times: Vec<i64> = points.iter().map(|point| point.ms).collect();
            let track = Track { points, is_cut: false, wall_clock_to_utc_ms: 0 };
            for ms in times.into_iter().chain([ms]) {
                let _ = track.at(ms);
            }
        }
    }
}
