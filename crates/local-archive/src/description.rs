//! `mapillary_image_description.json`: what the official uploader's `process` step wrote, of every generation.
//!
//! A list that mixes images, videos and errors.
//! - An **image** has the values that were (or will be) uploaded, and its sequence; nothing is replayed on it.
//! - An **error** was not uploaded: its row is `rejected_by_uploader` with the error's type. A duplicate's error holds the
//!   whole image, so its place and time are known all the same.
//! - A **video** is one row `video`, which tells the extent of its GPS track; the points of the track are kept beside.
//!
//! # Generations
//! Since 0.10.1 times are UTC; before, they are the camera's wall clock. The file does not say which version wrote it, but
//! entries before 0.10 lack `filetype`, and names their sequences by UUIDs where later ones count. Such entries are read as
//! wall clocks. (0.10.0 alone cannot be told apart and is read as UTC; the clock offset is found by the matcher anyway.)
//! Names are absolute, or relative before 0.9; they are shown as they stand.

use crate::errors::TableError;
use crate::json_list::each_element;
use crate::loose::{GivenSequence, LooseFile, LooseFiles};
use crate::table::{BadCells, text_of};
use crate::time_text::{Told, cell};
use capture_model::{
    CapturedAt, Device, FileState, LocalTime, Metres, Observation, Position, Reason, TimeSource, Video, VideoPoint,
    WallClock,
};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Whether the beginning of a JSON file is one of descriptions: a list whose entries have the uploader's keys.
pub(crate) fn is_description(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let has = |word: &[u8]| head.windows(word.len()).any(|window| window == word);
    head.starts_with(b"[") && (has(b"\"MAP") || has(b"\"filetype\"") || has(b"\"error\""))
}

/// Adds the entries of a description to the loose files. `path` stands for the source in errors.
pub(crate) fn read_description(path: &Path, source: impl Read, loose: &mut LooseFiles) -> Result<(), TableError> {
    let mut entries = Entries {
        source: crate::report_path::report_path(path).0.into(),
        sequences: HashMap::new(),
        bad: BadCells::default(),
        line: 0,
        count: 0,
    };
    let mut is_first = true;
    let unmarked = SkipMark { source, is_first: &mut is_first };
    let streamed = each_element(unmarked, &mut |value, line| entries.element(value, line, loose));
    crate::table::finish_json(path, streamed, entries.bad)
}

/// Leaves out a byte order mark.
struct SkipMark<'a, R> {
    source: R,
    is_first: &'a mut bool,
}

impl<R: Read> Read for SkipMark<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.source.read(buffer)?;
        if std::mem::take(self.is_first) && buffer[..read].starts_with(b"\xef\xbb\xbf") {
            buffer[..3].fill(b' ');
        }
        Ok(read)
    }
}

struct Entries {
    source: Arc<str>,
    sequences: HashMap<String, Arc<GivenSequence>>,
    bad: BadCells,
    /// Line on which the present entry begins.
    line: u64,
    count: u64,
}

impl Entries {
    fn element(&mut self, value: Value, line: u64, loose: &mut LooseFiles) {
        (self.line, self.count) = (line, self.count + 1);
        let Value::Object(entry) = value else {
            self.bad.add(self.line, "(the whole entry)", &value.to_string());
            return;
        };
        let name = ["filename", "MAPFilename"].into_iter().find_map(|key| text(&entry, key));
        let path = name.unwrap_or_else(|| format!("row:{}", self.count));
        let mut file = LooseFile::new(&path, FileState::Usable, &mut loose.texts);
        let mut device = device_of(&entry);
        if let Some(error) = entry.get("error").filter(|error| !error.is_null()) {
            file.state = FileState::Out(Reason::RejectedByUploader);
            file.say(&words_of(error));
            if let Some(Value::Object(image)) = error.pointer("/vars/desc") {
                // what the uploader said of it; a broken value here is no error of the file
                file.observation = image_of(image).0;
                device = device_of(image);
            }
        } else if is_video(&entry) {
            file.state = FileState::Out(Reason::Video);
            let track = track_of(&entry);
            file.observation.position = track.first().map(|point| point.position);
            file.say(&video_words(&entry, &track));
            loose.videos.push(Video { path: path.into(), points: track });
        } else {
            self.image(&entry, &mut file);
        }
        loose.push(file, &device);
    }

    fn image(&mut self, entry: &Map<String, Value>, file: &mut LooseFile) {
        let (observation, bad) = image_of(entry);
        for key in bad {
            self.bad.add(self.line, key, &entry.get(key).map_or(String::new(), text_of));
        }
        match observation.position {
            None => {
                file.state = FileState::Out(Reason::NoPlace);
                file.say("no usable coordinates");
            }
            Some(position) if position.is_null_island() => file.state = FileState::Out(Reason::NullIsland),
            Some(_) => {}
        }
        file.observation = observation;
        file.bytes = entry.get("filesize").and_then(Value::as_u64).unwrap_or(0);
        file.md5 = text(entry, "md5sum").as_deref().and_then(crate::history::digest_of);
        file.sequence = text(entry, "MAPSequenceUUID").map(|name| self.sequence(&name));
    }

    fn sequence(&mut self, name: &str) -> Arc<GivenSequence> {
        let place = self.sequences.len() as u32;
        let given = self.sequences.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(GivenSequence { source: Arc::clone(&self.source), place, name: name.into(), as_sent: true })
        });
        Arc::clone(given)
    }
}

fn text(entry: &Map<String, Value>, key: &str) -> Option<String> {
    entry.get(key).map(text_of).filter(|text| !text.is_empty())
}

fn device_of(entry: &Map<String, Value>) -> Device {
    let (make, model) = (text(entry, "MAPDeviceMake"), text(entry, "MAPDeviceModel"));
    Device::new(make.as_deref(), model.as_deref(), None, None)
}

/// The uploaded values of an image entry, and the keys whose values cannot be understood.
pub(crate) fn image_of(entry: &Map<String, Value>) -> (Observation, Vec<&'static str>) {
    let mut bad = Vec::new();
    let mut number = |key: &'static str| -> Option<f64> {
        let text = text(entry, key)?;
        let value = text.trim().parse::<f64>().ok();
        if value.is_none() {
            bad.push(key);
        }
        value.filter(|value| value.is_finite())
    };
    let place = (number("MAPLongitude"), number("MAPLatitude"));
    let altitude = number("MAPAltitude").map(Metres);
    let heading = number("MAPCompassHeading").map(|heading| heading.rem_euclid(360.0));
    let time_text = text(entry, "MAPCaptureTime").unwrap_or_default();
    let told = cell(&time_text);
    if told.is_err() {
        bad.push("MAPCaptureTime");
    }
    let told = told.ok().flatten().map(|told| if is_before_utc(entry) { as_wall_clock(told) } else { told });
    let observation = Observation {
        position: place.0.zip(place.1).and_then(|(lon, lat)| Position::from_lon_lat(lon, lat).ok()),
        altitude,
        heading_deg: heading,
        time: told.map(|told| told.time),
        time_source: if told.is_some() { TimeSource::Description } else { TimeSource::None },
        time_resolution_ms: told.map_or(0, |told| told.resolution_ms),
        orientation: entry
            .get("MAPOrientation")
            .and_then(Value::as_u64)
            .filter(|o| (1..=8).contains(o))
            .map(|o| o as u8),
        ..Observation::default()
    };
    (observation, bad)
}

/// Whether a version before 0.10 wrote the entry.
fn is_before_utc(entry: &Map<String, Value>) -> bool {
    let is_uuid = |text: &str| text.len() == 36 && text.bytes().filter(|&byte| byte == b'-').count() == 4;
    let old_keys = ["MAPPhotoUUID", "MAPSettingsUserKey", "MAPSettingsUsername", "MAPOrganizationKey"];
    !entry.contains_key("filetype")
        || old_keys.iter().any(|key| entry.contains_key(*key))
        || text(entry, "MAPSequenceUUID").is_some_and(|name| is_uuid(&name))
}

/// The same figures on an unknown clock.
pub(crate) fn as_wall_clock(told: Told) -> Told {
    Told { time: LocalTime::Wall(WallClock::from_ms_as_if_utc(told.time.ms())), ..told }
}

fn words_of(error: &Value) -> String {
    let part = |key: &str| error.get(key).map(text_of).filter(|text| !text.is_empty());
    match (part("type"), part("message")) {
        (Some(kind), Some(message)) => format!("{kind}: {message}"),
        (Some(words), None) | (None, Some(words)) => words,
        (None, None) => text_of(error),
    }
}

fn is_video(entry: &Map<String, Value>) -> bool {
    let kind = text(entry, "filetype").unwrap_or_default();
    entry.contains_key("MAPGPSTrack") || ["camm", "gopro", "blackvue", "video"].contains(&kind.as_str())
}

/// The readable points of `[ms, longitude, latitude, altitude, angle, GPS seconds]`, of which the last is newer than others.
fn track_of(entry: &Map<String, Value>) -> Vec<VideoPoint> {
    let Some(Value::Array(points)) = entry.get("MAPGPSTrack") else { return Vec::new() };
    let point = |point: &Value| {
        let number = |at: usize| point.get(at).and_then(Value::as_f64);
        let position = Position::from_lon_lat(number(1)?, number(2)?).ok()?;
        let gps_ms = number(5).map(|seconds| (seconds * 1000.0).round()).filter(|ms| ms.abs() < 1e15);
        Some(VideoPoint {
            offset_ms: number(0)?,
            position,
            altitude: number(3).map(Metres),
            heading_deg: number(4).map(|heading| heading.rem_euclid(360.0)),
            gps_time: gps_ms.map(|ms| CapturedAt::from_epoch_ms(ms as i64)),
        })
    };
    points.iter().filter_map(point).collect()
}

fn video_words(entry: &Map<String, Value>, track: &[VideoPoint]) -> String {
    let kind = text(entry, "filetype").unwrap_or_else(|| "video".to_owned());
    match (track.first(), track.last()) {
        (Some(first), Some(last)) => {
            let seconds = (last.offset_ms - first.offset_ms) / 1000.0;
            let ends = format!("from {} to {}", first.position, last.position);
            format!("{kind}: {} track points over {seconds:.1} s {ends}", track.len())
        }
        _ => format!("{kind}: no track"),
    }
}

#[cfg(test)]
mod tests;
