//! One photo: from the bytes of a file to what it says.
//!
//! # Method
//! The first bytes tell the format. A JPEG is walked to its EXIF block and no further if the block tells place, time and
//! size; otherwise, and in the other formats, the walk goes on for the size and the XMP packet. What EXIF lacks is taken
//! from XMP, as the uploader does.
//!
//! The uploader's choice of time: GPS date and time; else `DateTimeOriginal`, `DateTimeDigitized`, `DateTime`, each with
//! its sub-second and offset; else the same from XMP. GPS time and the camera's time are both kept: their difference is
//! the error of the camera's clock.

use crate::container::{Format, Found, Jpeg, settle, walk};
use crate::exif_block::{Block, Coordinate};
use crate::time_text::Told;
use crate::window::{Unread, Window};
use crate::xmp::Packet;
use capture_model::{CapturedAt, Device, FileState, LocalTime, Metres, Observation, Position, Reason, TimeSource};
use exif::Tag;
use std::io::{self, Read, Seek};

/// What a photo says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Photo {
    pub(crate) state: FileState,
    pub(crate) observation: Observation,
    pub(crate) device: Device,
    /// Serial numbers.
    pub(crate) camera: Option<String>,
    pub(crate) note: Option<String>,
}

impl Photo {
    /// A file that is no photo to us.
    pub(crate) fn out(reason: Reason, note: &str) -> Self {
        Self {
            state: FileState::Out(reason),
            observation: Observation::default(),
            device: Device::default(),
            camera: None,
            note: (!note.is_empty()).then(|| note.to_owned()),
        }
    }
}

/// Reads a photo through a window over its file; only errors of the system are errors.
pub(crate) fn read_photo<R: Read + Seek>(window: &mut Window<R>) -> io::Result<Photo> {
    read(window, Effort::Least)
}

/// How EXIF blocks are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effort {
    /// Where they stand, if they are as they should be.
    Least,
    /// By the parser, whatever they are.
    #[cfg(test)]
    Parser,
}

fn read<R: Read + Seek>(window: &mut Window<R>, effort: Effort) -> io::Result<Photo> {
    let head = match window.available(0, 64) {
        Ok(head) => head,
        Err(Unread::Io(error)) => return Err(error),
        Err(_) => &[],
    };
    if head.is_empty() {
        return Ok(Photo::out(Reason::NotAnImage, "the file is empty"));
    }
    let Some(format) = Format::of(head) else {
        return Ok(Photo::out(Reason::NotAnImage, "the first bytes are those of no image format"));
    };
    let mut found = Found::default();
    let mut reading = Reading::default();
    if format == Format::Jpeg {
        let mut jpeg = Jpeg::default();
        let walked = jpeg.walk(window, &mut found, true);
        settle(walked, &mut found)?;
        if let Some((begin, length)) = found.exif_segment
            && !reading.take_plain(window.loaded(begin, length), effort)
        {
            match window.available(begin, length) {
                Ok(block) if reading.take_plain(block, effort) => {}
                Ok(block) => reading.take_parsed(block.to_vec()),
                Err(unread) => settle(Err(unread), &mut found)?,
            }
        }
        if !reading.is_complete() && found.broken.is_none() {
            let walked = jpeg.walk(window, &mut found, false);
            settle(walked, &mut found)?;
        }
    } else {
        walk(format, window, &mut found)?;
        if let Some(block) = found.exif.take()
            && !reading.take_plain(&block, effort)
        {
            reading.take_parsed(block);
        }
    }
    if let Some(xmp) = &found.xmp {
        reading.take_xmp(Packet::new(xmp));
    }
    Ok(reading.settle(&found))
}

/// What is gathered of one photo.
#[derive(Debug, Default)]
struct Reading {
    /// What is to be said of the EXIF block where the photo is not usable.
    trouble: Option<&'static str>,
    position: Option<Position>,
    bad_place: Option<String>,
    altitude_m: Option<f64>,
    heading_deg: Option<f64>,
    gps: Option<(CapturedAt, u16)>,
    camera_time: Option<(Told, TimeSource)>,
    /// Looked for only where EXIF gave no time.
    xmp_time: Option<Told>,
    make: Option<String>,
    model: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    orientation: Option<u8>,
    camera: Option<String>,
}

impl Reading {
    fn is_complete(&self) -> bool {
        self.position.is_some()
            && (self.gps.is_some() || self.camera_time.is_some())
            && self.width.is_some()
            && self.height.is_some()
    }

    /// Takes a block as it stands, if that gives a place; whether it did.
    fn take_plain(&mut self, block: &[u8], effort: Effort) -> bool {
        if let (Effort::Least, Some(block)) = (effort, Block::plain(block)) {
            self.take_exif(&block);
            if self.position.is_some_and(|position| !position.is_null_island()) {
                return true;
            }
            *self = Self::default(); // the reason, and what is said of the block, are the parser's
        }
        false
    }

    fn take_parsed(&mut self, block: Vec<u8>) {
        match Block::parsed(block) {
            Some(block) => {
                self.trouble = block.is_partial.then_some("its EXIF block is partly unreadable");
                self.take_exif(&block);
            }
            None => self.trouble = Some("its EXIF block cannot be parsed"),
        }
    }

    fn take_exif(&mut self, block: &Block<'_>) {
        match block.lon_lat() {
            (Coordinate::Degrees(lon), Coordinate::Degrees(lat)) => self.take_place(lon, lat),
            (Coordinate::Absent, Coordinate::Absent) => {}
            (Coordinate::Unusable, _) => self.bad_place = Some("GPSLongitude is no number".to_owned()),
            (_, Coordinate::Unusable) => self.bad_place = Some("GPSLatitude is no number".to_owned()),
            (_, Coordinate::Absent) => self.bad_place = Some("GPSLatitude is missing".to_owned()),
            (Coordinate::Absent, _) => self.bad_place = Some("GPSLongitude is missing".to_owned()),
        }
        self.altitude_m = block.altitude_m();
        self.heading_deg = block.heading_deg();
        self.gps = block.gps_time();
        let tries = [
            (TimeSource::Original, Tag::DateTimeOriginal, Tag::SubSecTimeOriginal, Tag::OffsetTimeOriginal),
            (TimeSource::Digitized, Tag::DateTimeDigitized, Tag::SubSecTimeDigitized, Tag::OffsetTimeDigitized),
            (TimeSource::Modified, Tag::DateTime, Tag::SubSecTime, Tag::OffsetTime),
        ];
        self.camera_time = tries
            .into_iter()
            .find_map(|(source, tag, sub_second, zone)| Some((block.camera_time(tag, sub_second, zone)?, source)));
        (self.make, self.model) = (block.text(Tag::Make).map(Into::into), block.text(Tag::Model).map(Into::into));
        let pixels = |first, second| block.uint(first).or_else(|| block.uint(second)).filter(|&pixels| pixels > 0);
        self.width = pixels(Tag::PixelXDimension, Tag::ImageWidth);
        self.height = pixels(Tag::PixelYDimension, Tag::ImageLength);
        self.orientation =
            block.uint(Tag::Orientation).and_then(|o| u8::try_from(o).ok()).filter(|o| (1..=8).contains(o));
        self.camera = block.camera();
    }

    fn take_place(&mut self, lon: f64, lat: f64) {
        match Position::from_lon_lat(lon, lat) {
            Ok(position) => (self.position, self.bad_place) = (Some(position), None),
            Err(invalid) => self.bad_place = Some(invalid.to_string()),
        }
    }

    fn take_xmp(&mut self, xmp: Packet<'_>) {
        if self.position.is_none()
            && let Some((lon, lat)) = xmp.lon_lat()
        {
            self.take_place(lon, lat);
        }
        self.altitude_m = self.altitude_m.or_else(|| xmp.altitude_m());
        let heading = || xmp.number("exif:GPSImgDirection").or_else(|| xmp.number("exif:GPSTrack"));
        self.heading_deg = self.heading_deg.or_else(|| heading().map(|heading| heading.rem_euclid(360.0)));
        if self.gps.is_none() && self.camera_time.is_none() {
            let gps =
                || xmp.gps_time().map(|(time, resolution_ms)| Told { time: LocalTime::Absolute(time), resolution_ms });
            self.xmp_time = gps().or_else(|| xmp.camera_time());
        }
        let text = |name: &str| xmp.value(name).map(str::to_owned);
        self.make = self.make.take().or_else(|| text("tiff:Make"));
        self.model = self.model.take().or_else(|| text("tiff:Model"));
        let pixels =
            |name: &str| xmp.value(name).and_then(|text| text.parse::<u32>().ok()).filter(|&pixels| pixels > 0);
        self.width = self.width.or_else(|| pixels("exif:PixelXDimension"));
        self.height = self.height.or_else(|| pixels("exif:PixelYDimension"));
    }

    fn settle(self, found: &Found) -> Photo {
        let state = match self.position {
            Some(position) if position.is_null_island() => FileState::Out(Reason::NullIsland),
            Some(_) => FileState::Usable,
            None if found.broken.is_some() => FileState::Out(Reason::Damaged),
            None => FileState::Out(Reason::NoPlace),
        };
        let mut notes: Vec<String> = self.bad_place.into_iter().collect();
        if state != FileState::Usable {
            notes.extend(found.broken.or(found.unread).map(str::to_owned));
            notes.extend(self.trouble.map(str::to_owned));
        }
        let gps = self
            .gps
            .map(|(time, resolution_ms)| (Told { time: LocalTime::Absolute(time), resolution_ms }, TimeSource::Gps));
        let xmp = self.xmp_time.map(|told| (told, TimeSource::Xmp));
        let chosen = gps.or(self.camera_time).or(xmp);
        let (width, height) = (self.width.or(found.width), self.height.or(found.height));
        let observation = Observation {
            position: self.position,
            altitude: self.altitude_m.map(Metres),
            heading_deg: self.heading_deg,
            time: chosen.map(|(told, _)| told.time),
            time_source: chosen.map_or(TimeSource::None, |(_, source)| source),
            time_resolution_ms: chosen.map_or(0, |(told, _)| told.resolution_ms),
            gps_time: self.gps.map(|(time, _)| time),
            camera_time: self.camera_time.map(|(told, _)| told.time),
            device: 0,
            orientation: self.orientation,
        };
        Photo {
            state,
            observation,
            device: Device::new(self.make.as_deref(), self.model.as_deref(), width, height),
            camera: self.camera,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests;
