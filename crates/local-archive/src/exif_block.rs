//! The EXIF block: named fields only, each with a stated outcome for what real cameras write.
//!
//! kamadak-exif parses leniently and its values are looked at one by one (asking for all fields of a hostile block costs
//! gigabytes). Ranges are checked here: the parser accepts month 13, offset +99:99, 0/0.
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
use crate::time_text::{Told, date, date_time, fraction, offset};
use capture_model::{CapturedAt, LocalTime, WallClock};
use exif::{Exif, In, Tag, Value};

/// No camera takes pictures beyond this; such a number is an error of its writer.
const HIGHEST_ALTITUDE_M: f64 = 100_000.0;

/// A parsed block.
pub(crate) struct Block {
    exif: Exif,
    /// Whether parts of it could not be read.
    pub(crate) is_partial: bool,
}

/// Some cameras write the pointer to the GPS directory as a signed number (or of type IFD); the parser wants type LONG.
fn make_pointers_unsigned(bytes: &mut [u8]) {
    const LONG: u8 = 4;
    let is_little = bytes.starts_with(b"II");
    let number = |at: usize, length: usize, bytes: &[u8]| -> Option<usize> {
        let digits = bytes.get(at..at + length)?;
        let add = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        Some(if is_little { digits.iter().rev().fold(0, add) } else { digits.iter().fold(0, add) })
    };
    let Some(directory) = number(4, 4, bytes) else { return };
    let n_entries = number(directory, 2, bytes).unwrap_or(0);
    for entry in 0..n_entries {
        let at = directory + 2 + 12 * entry;
        let (Some(tag), Some(kind)) = (number(at, 2, bytes), number(at + 2, 2, bytes)) else { return };
        if [0x8769, 0x8825].contains(&tag) && [9, 13].contains(&kind) {
            bytes[at + if is_little { 2 } else { 3 }] = LONG;
        }
    }
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

impl Block {
    /// Parses a block from its TIFF header on; `None` when it is none.
    ///
    /// The parser is foreign code on foreign bytes: should it panic, the block counts as unreadable.
    pub(crate) fn parse(mut bytes: Vec<u8>) -> Option<Self> {
        make_pointers_unsigned(&mut bytes);
        let parsed = std::panic::catch_unwind(|| exif::Reader::new().continue_on_error(true).read_raw(bytes));
        match parsed.ok()? {
            Ok(exif) => Some(Self { exif, is_partial: false }),
            Err(error) => error.distill_partial_result(drop).ok().map(|exif| Self { exif, is_partial: true }),
        }
    }

    fn value(&self, tag: Tag) -> Option<&Value> {
        self.exif.get_field(tag, In::PRIMARY).map(|field| &field.value)
    }

    /// Text of a field, without trailing blanks and zeros.
    pub(crate) fn text(&self, tag: Tag) -> Option<String> {
        let bytes = match self.value(tag)? {
            Value::Ascii(parts) => parts.first()?.as_slice(),
            Value::Undefined(bytes, _) | Value::Byte(bytes) => bytes.as_slice(),
            _ => return None,
        };
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
        Some(text.trim_end_matches(|c: char| c == '\0' || c.is_whitespace()).to_owned()).filter(|text| !text.is_empty())
    }

    /// An unsigned number.
    pub(crate) fn uint(&self, tag: Tag) -> Option<u32> {
        self.value(tag)?.get_uint(0)
    }

    /// At most three numbers of a field; an element is `None` where its denominator is zero.
    fn numbers(&self, tag: Tag) -> Option<Vec<Option<f64>>> {
        let finite = |number: f64| number.is_finite().then_some(number);
        Some(match self.value(tag)? {
            Value::Rational(all) => all.iter().take(3).map(|number| finite(number.to_f64())).collect(),
            Value::SRational(all) => all.iter().take(3).map(|number| finite(number.to_f64())).collect(),
            Value::Double(all) => all.iter().take(3).map(|&number| finite(number)).collect(),
            Value::Float(all) => all.iter().take(3).map(|&number| finite(f64::from(number))).collect(),
            Value::SLong(all) => all.iter().take(3).map(|&number| Some(f64::from(number))).collect(),
            other => other.iter_uint()?.take(3).map(|number| Some(f64::from(number))).collect(),
        })
    }

    fn coordinate(&self, tag: Tag, reference: Tag) -> Coordinate {
        let Some(value) = self.value(tag) else { return Coordinate::Absent };
        let is_negative = self.text(reference).is_some_and(|text| angle_text::is_negative(&text));
        let degrees = if matches!(value, Value::Ascii(_)) {
            self.text(tag).and_then(|text| angle_text::degrees(&text))
        } else {
            self.numbers(tag).filter(|parts| !parts.is_empty()).and_then(|parts| {
                let signed: Option<Vec<f64>> = parts.into_iter().collect();
                let parts = signed?;
                let part = |at: usize| parts.get(at).copied().unwrap_or(0.0);
                Some(part(0) + part(1) / 60.0 + part(2) / 3600.0)
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
        self.numbers(tag)?.first().copied().flatten()
    }

    /// Metres above sea level.
    pub(crate) fn altitude_m(&self) -> Option<f64> {
        let mut metres = self.first_number(Tag::GPSAltitude)?;
        if let (Some(Value::Rational(all)), true) = (self.value(Tag::GPSAltitude), metres > HIGHEST_ALTITUDE_M) {
            let wrapped = all.first()?;
            metres = f64::from(wrapped.num.cast_signed()) / f64::from(wrapped.denom);
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
        let numbers: Option<Vec<f64>> = self.numbers(Tag::GPSTimeStamp)?.into_iter().collect();
        let [hours, minutes, seconds] = numbers?.try_into().ok()?;
        let is_clock = (0.0..25.0).contains(&hours) && (0.0..60.0).contains(&minutes) && (0.0..61.0).contains(&seconds);
        // microseconds are rounded and then cut to milliseconds, as the uploader does
        let ms = (seconds * 1e6).round() as i64 / 1000;
        let of_day = (hours as i64 * 60 + minutes as i64) * 60_000 + ms;
        is_clock.then(|| (CapturedAt::from_epoch_ms(day + of_day), self.gps_resolution_ms()))
    }

    fn gps_resolution_ms(&self) -> u16 {
        let denominator = match self.value(Tag::GPSTimeStamp) {
            Some(Value::Rational(all)) => all.get(2).map_or(1, |seconds| seconds.denom),
            Some(Value::SRational(all)) => all.get(2).map_or(1, |seconds| seconds.denom.unsigned_abs()),
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
    fn raw_text(&self, tag: Tag) -> Option<String> {
        match self.value(tag)? {
            Value::Ascii(parts) => {
                Some(String::from_utf8_lossy(&parts.first()?[..parts.first()?.len().min(16)]).into())
            }
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
