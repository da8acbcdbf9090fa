//! XMP: the few properties that stand in for missing EXIF, as the uploader has it.
//!
//! A property is an attribute (`exif:GPSLatitude="39,3.08067N"`) or an element (`<exif:GPSLatitude>…</exif:GPSLatitude>`).
//! The packet is searched for the names with their usual prefixes; it is not parsed as XML, so a broken packet gives what
//! is readable and a hostile one costs one pass a property.

use crate::angle_text::{degrees, is_negative, metres};
use crate::time_text::{Told, date, date_time, fraction, offset};
use capture_model::{CapturedAt, LocalTime};

/// A packet to ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet<'a> {
    text: &'a str,
}

impl<'a> Packet<'a> {
    /// The readable part of the bytes.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        Self { text }
    }

    /// The value of `exif:Name` or the like; no entities are decoded, none of these values needs one.
    pub(crate) fn value(self, name: &str) -> Option<&'a str> {
        let mut rest = self.text;
        while let Some(at) = rest.find(name) {
            let before = rest[..at].chars().next_back();
            let after = rest[at + name.len()..].trim_start();
            rest = &rest[at + name.len()..];
            let value = match before {
                Some('<') => after.strip_prefix('>').and_then(|value| value.split_once('<')),
                Some(c) if c.is_whitespace() => after.strip_prefix('=').map(str::trim_start).and_then(|value| {
                    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c))?;
                    value[1..].split_once(quote)
                }),
                _ => None,
            };
            if let Some((value, _)) = value.filter(|(value, _)| value.len() <= 200) {
                return Some(value.trim()).filter(|value| !value.is_empty());
            }
        }
        None
    }

    /// Longitude and latitude, degrees, unchecked.
    pub(crate) fn lon_lat(self) -> Option<(f64, f64)> {
        let signed = |name: &str, reference: &str| {
            let value = degrees(self.value(name)?)?;
            let is_below = self.value(reference).is_some_and(is_negative);
            Some(if is_below { -value.abs() } else { value })
        };
        Some((signed("exif:GPSLongitude", "exif:GPSLongitudeRef")?, signed("exif:GPSLatitude", "exif:GPSLatitudeRef")?))
    }

    /// Altitude in metres, by its reference; a fraction (`70300/100`) is worked out.
    pub(crate) fn altitude_m(self) -> Option<f64> {
        let value = self.number("exif:GPSAltitude")?;
        let is_below = self.value("exif:GPSAltitudeRef").is_some_and(|reference| reference.starts_with('1'));
        Some(if is_below { -value.abs() } else { value })
    }

    /// A number or a fraction.
    pub(crate) fn number(self, name: &str) -> Option<f64> {
        let text = self.value(name)?;
        let value = match text.split_once('/') {
            Some((above, below)) => above.trim().parse::<f64>().ok()? / below.trim().parse::<f64>().ok()?,
            None => metres(text)?,
        };
        value.is_finite().then_some(value)
    }

    /// GPS date and time: one ISO text, or a date and a time of day.
    pub(crate) fn gps_time(self) -> Option<(CapturedAt, u16)> {
        let text = self.value("exif:GPSTimeStamp")?;
        let told = date_time(text).or_else(|| {
            let day = self.value("exif:GPSDateStamp")?;
            let mut rest = day;
            date(&mut rest).filter(|_| rest.is_empty())?;
            date_time(&format!("{day} {text}"))
        })?;
        Some((CapturedAt::from_epoch_ms(told.time.ms()), told.resolution_ms))
    }

    /// The camera's time.
    pub(crate) fn camera_time(self) -> Option<Told> {
        let of = |name: &str, sub_second: [&str; 2], zone: &str| {
            let mut told = date_time(self.value(name)?)?;
            let written = sub_second.iter().find_map(|name| self.value(name)).and_then(fraction);
            let zone = self.value(zone).and_then(offset);
            if let Some((ms, resolution_ms)) = written {
                let whole = told.time.ms().div_euclid(1000) * 1000 + ms;
                told = Told { time: with_ms(told.time, whole), resolution_ms };
            }
            if let (LocalTime::Wall(wall), Some(zone)) = (told.time, zone) {
                told.time = LocalTime::Absolute(CapturedAt::from_epoch_ms(wall.ms_as_if_utc() - zone));
            }
            Some(told)
        };
        of("exif:DateTimeOriginal", ["exif:SubsecTimeOriginal", "exif:SubSecTimeOriginal"], "exif:OffsetTimeOriginal")
            .or_else(|| {
                let sub_second = ["exif:SubsecTimeDigitized", "exif:SubSecTimeDigitized"];
                of("exif:DateTimeDigitized", sub_second, "exif:OffsetTimeDigitized")
            })
    }
}

fn with_ms(time: LocalTime, ms: i64) -> LocalTime {
    match time {
        LocalTime::Absolute(_) => LocalTime::Absolute(CapturedAt::from_epoch_ms(ms)),
        LocalTime::Wall(_) => LocalTime::Wall(capture_model::WallClock::from_ms_as_if_utc(ms)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ADOBE: &str = r#"<x:xmpmeta><rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/"
        exif:GPSLatitude="0,4.216010S" exif:GPSLongitude = '34,22.91611E' exif:GPSAltitude="136169/100"
        exif:GPSAltitudeRef="1"><exif:GPSTimeStamp>2019-07-16T10:26:11.5Z</exif:GPSTimeStamp>
        <exif:DateTimeOriginal>2019-07-16T13:26:11+03:00</exif:DateTimeOriginal></rdf:Description>"#;

    #[test]
    fn attributes_and_elements_are_read() {
        let packet = Packet::new(ADOBE.as_bytes());
        let (lon, lat) = packet.lon_lat().unwrap();
        assert!((lon - 34.381_935_166_666_67).abs() < 1e-12 && (lat + 0.070_266_833_333_333).abs() < 1e-12);
        assert_eq!(packet.altitude_m(), Some(-1361.69));
        assert_eq!(packet.gps_time().unwrap().0.to_string(), "2019-07-16T10:26:11.500Z");
        assert_eq!(packet.camera_time().unwrap().time.to_string(), "2019-07-16T10:26:11.000Z");
        assert_eq!(packet.value("exif:GPSTrack"), None);
    }

    #[test]
    fn a_date_and_a_time_of_day_make_one_moment() {
        let text = r#"<a exif:GPSDateStamp="2022:06:10" exif:GPSTimeStamp="17:35:52.269367" exif:GPSAltitude="1/0"/>"#;
        let packet = Packet::new(text.as_bytes());
        assert_eq!(packet.gps_time().unwrap().0.to_string(), "2022-06-10T17:35:52.269Z");
        assert_eq!(packet.altitude_m(), None, "a zero denominator says nothing");
    }

    proptest! {
        #[test]
        fn no_packet_panics(cut in 0_usize..700, at in 0_usize..700, byte: u8) {
            let mut bytes = ADOBE.as_bytes().to_vec();
            let n = bytes.len();
            bytes[at % n] = byte;
            bytes.truncate(cut);
            let packet = Packet::new(&bytes);
            let _ = (packet.lon_lat(), packet.altitude_m(), packet.gps_time(), packet.camera_time());
        }
    }
}
