//! The EXIF block: named fields only, each with a stated outcome for what real cameras write.
//!
//! Values are looked at one by one (asking kamadak-exif for all fields of a hostile block costs gigabytes). Ranges are
//! checked here: fields hold month 13, offset +99:99, 0/0.
//!
//! | quirk | outcome |
//! | --- | --- |
//! | 1, 2 or 3 rationals, signed rationals, floats, text | a coordinate |
//! | zero denominator | no coordinate; said |
//! | reference missing | north, east; `s`, `West` are understood |
//! | altitude reference 1 (or 3) | negative |
//! | altitude that wrapped around 2^32 | the negative number it was |
//! | GPS date 1970-01-01, part missing, not a date | no GPS time; the camera's time is used |
//! | heading beyond 360 | taken round the circle |
//! | pointer to the GPS directory of a signed type | followed |

use crate::angle_text;
use crate::exif_fields::{Fields, Item, UpToThree};
use crate::time_text::{Told, date, date_time, fraction, offset};
use capture_model::{CapturedAt, LocalTime, WallClock};
use exif::Tag;
use std::borrow::Cow;

/// No camera takes pictures beyond this; such a number is an error of its writer.
const HIGHEST_ALTITUDE_M: f64 = 100_000.0;

/// A block with its fields.
pub(crate) struct Block<'a> {
    fields: Fields<'a>,
    /// Whether parts of it could not be read.
    pub(crate) is_partial: bool,
}

/// What stands where a coordinate should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Coordinate {
    /// Signed degrees, unchecked.
    Degrees(f64),
    /// Nothing.
    Absent,
    /// A value that is no number.
    Unusable,
}

impl<'a> Block<'a> {
    /// A block from its TIFF header on, of which the front is enough; `None` when somebody should look closer.
    pub(crate) fn plain(bytes: &'a [u8]) -> Option<Self> {
        Some(Self { fields: Fields::plain(bytes)?, is_partial: false })
    }

    /// Parses a whole block; `None` when it is none.
    pub(crate) fn parsed(bytes: Vec<u8>) -> Option<Self> {
        let (fields, is_partial) = Fields::parsed(bytes)?;
        Some(Self { fields, is_partial })
    }

    /// Text of a field, without trailing blanks and zeros.
    pub(crate) fn text(&self, tag: Tag) -> Option<Cow<'_, str>> {
        let (Item::Ascii(bytes) | Item::Bytes(bytes) | Item::Undefined(bytes)) = self.fields.item(tag)? else {
            return None;
        };
        let is_blank = |c: char| c == '\0' || c.is_whitespace();
        let bytes = &bytes[..bytes.len().min(256)];
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text.trim_end_matches(is_blank)),
            Err(_) => Cow::Owned(String::from_utf8_lossy(bytes).trim_end_matches(is_blank).to_owned()),
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// An unsigned number.
    pub(crate) fn uint(&self, tag: Tag) -> Option<u32> {
        match self.fields.item(tag)? {
            Item::Bytes(bytes) => bytes.first().map(|&byte| u32::from(byte)),
            Item::Unsigned(all) => all.as_slice().first().copied(),
            _ => None,
        }
    }

    /// At most three numbers of a field; an element is `None` where its denominator is zero.
    fn numbers(&self, tag: Tag) -> Option<UpToThree<Option<f64>>> {
        let finite = |number: f64| number.is_finite().then_some(number);
        Some(match self.fields.item(tag)? {
            Item::Rationals(all) => all.map(|(above, below)| finite(f64::from(above) / f64::from(below))),
            Item::SignedRationals(all) => all.map(|(above, below)| finite(f64::from(above) / f64::from(below))),
            Item::Floats(all) => all.map(finite),
            Item::Signed(all) => all.map(|number| Some(f64::from(number))),
            Item::Unsigned(all) => all.map(|number| Some(f64::from(number))),
            Item::Bytes(bytes) => UpToThree::of(bytes.iter().map(|&byte| Some(f64::from(byte)))),
            Item::Ascii(_) | Item::Undefined(_) | Item::Other => return None,
        })
    }

    fn coordinate(&self, tag: Tag, reference: Tag) -> Coordinate {
        let Some(value) = self.fields.item(tag) else { return Coordinate::Absent };
        let is_negative = self.text(reference).is_some_and(|text| angle_text::is_negative(&text));
        let degrees = if matches!(value, Item::Ascii(_)) {
            self.text(tag).and_then(|text| angle_text::degrees(&text))
        } else {
            self.numbers(tag).and_then(|parts| match *parts.as_slice() {
                [degrees] => degrees,
                [degrees, minutes] => Some(degrees? + minutes? / 60.0),
                [degrees, minutes, seconds] => Some(degrees? + minutes? / 60.0 + seconds? / 3600.0),
                _ => None,
            })
        };
        match degrees {
            Some(degrees) if is_negative => Coordinate::Degrees(-degrees.abs()),
            Some(degrees) => Coordinate::Degrees(degrees),
            None => Coordinate::Unusable,
        }
    }

    /// Longitude, then latitude.
    pub(crate) fn lon_lat(&self) -> (Coordinate, Coordinate) {
        (
            self.coordinate(Tag::GPSLongitude, Tag::GPSLongitudeRef),
            self.coordinate(Tag::GPSLatitude, Tag::GPSLatitudeRef),
        )
    }

    fn first_number(&self, tag: Tag) -> Option<f64> {
        self.numbers(tag)?.as_slice().first().copied().flatten()
    }

    /// Metres above sea level.
    pub(crate) fn altitude_m(&self) -> Option<f64> {
        let mut metres = self.first_number(Tag::GPSAltitude)?;
        if let (Some(Item::Rationals(all)), true) = (self.fields.item(Tag::GPSAltitude), metres > HIGHEST_ALTITUDE_M) {
            let &(wrapped, denominator) = all.as_slice().first()?;
            metres = f64::from(wrapped.cast_signed()) / f64::from(denominator);
        }
        let reference = self.uint(Tag::GPSAltitudeRef);
        let below = matches!(reference, Some(1 | 3)) || self.text(Tag::GPSAltitudeRef).is_some_and(|text| text == "1");
        let signed = if below { -metres.abs() } else { metres };
        (signed.abs() <= HIGHEST_ALTITUDE_M).then_some(signed)
    }

    /// Degrees from north: image direction, else the direction of movement.
    pub(crate) fn heading_deg(&self) -> Option<f64> {
        [Tag::GPSImgDirection, Tag::GPSTrack]
            .into_iter()
            .find_map(|tag| self.first_number(tag))
            .map(|h| h.rem_euclid(360.0))
    }

    /// GPS date and time, and the step it was written in.
    pub(crate) fn gps_time(&self) -> Option<(CapturedAt, u16)> {
        let text = self.text(Tag::GPSDateStamp)?;
        let mut rest = text.trim();
        let day = date(&mut rest).filter(|_| rest.is_empty()).filter(|&day| day != 0)?;
        let &[Some(hours), Some(minutes), Some(seconds)] = self.numbers(Tag::GPSTimeStamp)?.as_slice() else {
            return None;
        };
        let is_clock = (0.0..25.0).contains(&hours) && (0.0..60.0).contains(&minutes) && (0.0..61.0).contains(&seconds);
        // microseconds are rounded and then cut to milliseconds, as the uploader does
        let ms = (seconds * 1e6).round() as i64 / 1000;
        let of_day = (hours as i64 * 60 + minutes as i64) * 60_000 + ms;
        is_clock.then(|| (CapturedAt::from_epoch_ms(day + of_day), self.gps_resolution_ms()))
    }

    fn gps_resolution_ms(&self) -> u16 {
        let denominator = match self.fields.item(Tag::GPSTimeStamp) {
            Some(Item::Rationals(all)) => all.as_slice().get(2).map_or(1, |seconds| seconds.1),
            Some(Item::SignedRationals(all)) => all.as_slice().get(2).map_or(1, |seconds| seconds.1.unsigned_abs()),
            _ => 1000,
        };
        match denominator {
            1 => 1000,
            10 => 100,
            100 => 10,
            _ => 1,
        }
    }

    /// A date and time with its sub-second and offset tags.
    pub(crate) fn camera_time(&self, tag: Tag, sub_second: Tag, zone: Tag) -> Option<Told> {
        let mut told = date_time(&self.text(tag)?)?;
        if let Some((ms, resolution_ms)) = self.raw_text(sub_second).as_deref().and_then(fraction) {
            let whole = told.time.ms().div_euclid(1000) * 1000 + ms;
            let time = match told.time {
                LocalTime::Absolute(_) => LocalTime::Absolute(CapturedAt::from_epoch_ms(whole)),
                LocalTime::Wall(_) => LocalTime::Wall(WallClock::from_ms_as_if_utc(whole)),
            };
            told = Told { time, resolution_ms };
        }
        if let (LocalTime::Wall(wall), Some(zone)) = (told.time, self.text(zone).as_deref().and_then(offset)) {
            told.time = LocalTime::Absolute(CapturedAt::from_epoch_ms(wall.ms_as_if_utc() - zone));
        }
        Some(told)
    }

    /// Text with its blanks, which mean zeros in sub-seconds.
    fn raw_text(&self, tag: Tag) -> Option<Cow<'_, str>> {
        match self.fields.item(tag)? {
            Item::Ascii(text) => Some(String::from_utf8_lossy(&text[..text.len().min(16)])),
            _ => None,
        }
    }

    /// What tells one camera from its twin: serial numbers of body and lens.
    pub(crate) fn camera(&self) -> Option<String> {
        let of = |tag| self.text(tag).map(|text| text.trim().to_owned());
        match (of(Tag::BodySerialNumber), of(Tag::LensSerialNumber)) {
            (Some(body), Some(lens)) => Some(format!("{body}_{lens}")),
            (body, lens) => body.or(lens),
        }
    }
}
