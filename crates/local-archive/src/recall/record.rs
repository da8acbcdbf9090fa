//! A photo as bytes: numbers little-endian, texts behind their length, what is missing as a zero.
//!
//! JSON would be legible, and cost as much as reading the photo again.

use crate::photo::Photo;
use crate::photo_file::FileFacts;
use crate::time_text::source_of;
use capture_model::{CapturedAt, Device, FileState, LocalTime, Metres, Observation, Position, Reason, WallClock};

/// A photo that was read: its path, what the system said of its file, what it says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Record<'a> {
    pub(super) path: &'a [u8],
    pub(super) facts: FileFacts,
    pub(super) photo: Photo,
}

/// Writes a record behind what `out` holds.
pub(super) fn encode(path: &[u8], facts: FileFacts, photo: &Photo, out: &mut Vec<u8>) {
    let seen = &photo.observation;
    let mut out = Writer(out);
    out.bytes(path);
    out.number(facts.bytes);
    out.optional(facts.changed_ns);
    out.optional(facts.noted_ns);
    out.text(Some(match photo.state {
        FileState::Usable => "",
        FileState::Out(reason) => reason.as_str(),
    }));
    let float = f64::to_bits;
    out.optional(seen.position.map(|position| float(position.lon())));
    out.optional(seen.position.map(|position| float(position.lat())));
    out.optional(seen.altitude.map(|altitude| float(altitude.0)));
    out.optional(seen.heading_deg.map(float));
    out.time(seen.time);
    out.time(seen.gps_time.map(LocalTime::Absolute));
    out.time(seen.camera_time);
    out.text(Some(seen.time_source.as_str()));
    out.number(u64::from(seen.time_resolution_ms));
    out.number(seen.orientation.map_or(0, u64::from));
    out.text(photo.device.make.as_deref());
    out.text(photo.device.model.as_deref());
    out.optional(photo.device.width.map(u64::from));
    out.optional(photo.device.height.map(u64::from));
    out.text(photo.camera.as_deref());
    out.text(photo.note.as_deref());
}

/// Reads a record; `None` when it is none.
pub(super) fn decode(bytes: &[u8]) -> Option<Record<'_>> {
    let mut rest = Reader(bytes);
    let path = rest.bytes()?;
    let facts = FileFacts { bytes: rest.number()?, changed_ns: rest.optional()?, noted_ns: rest.optional()? };
    let state = match rest.text()? {
        Some("") => FileState::Usable,
        word => FileState::Out(Reason::ALL.iter().copied().find(|reason| Some(reason.as_str()) == word)?),
    };
    let mut float = || Some(rest.optional()?.map(f64::from_bits));
    let position = match (float()?, float()?) {
        (Some(lon), Some(lat)) => Some(Position::from_lon_lat(lon, lat).ok()?),
        _ => None,
    };
    if state == FileState::Usable && position.is_none() {
        return None;
    }
    let (altitude, heading_deg) = (float()?.filter(|m| m.is_finite()), float()?.filter(|deg| deg.is_finite()));
    let (time, gps_time, camera_time) = (rest.time()?, rest.time()?, rest.time()?);
    let observation = Observation {
        position,
        altitude: altitude.map(Metres),
        heading_deg,
        time,
        time_source: source_of(rest.text()??)?,
        time_resolution_ms: u16::try_from(rest.number()?).ok()?,
        gps_time: gps_time.map(|time| CapturedAt::from_epoch_ms(time.ms())),
        camera_time,
        device: 0,
        orientation: Some(u8::try_from(rest.number()?).ok()?).filter(|orientation| (1..=8).contains(orientation)),
    };
    let (make, model) = (rest.text()?, rest.text()?);
    let mut pixels = || Some(rest.optional()?.and_then(|pixels| u32::try_from(pixels).ok()));
    let (width, height) = (pixels()?, pixels()?);
    let (camera, note) = (rest.text()?, rest.text()?);
    let photo = Photo {
        state,
        observation,
        device: Device::new(make, model, width, height),
        camera: camera.map(str::to_owned),
        note: note.map(str::to_owned),
    };
    rest.0.is_empty().then_some(Record { path, facts, photo })
}

struct Writer<'a>(&'a mut Vec<u8>);

impl Writer<'_> {
    fn number(&mut self, number: u64) {
        self.0.extend(number.to_le_bytes());
    }

    fn optional(&mut self, number: Option<u64>) {
        self.0.push(u8::from(number.is_some()));
        if let Some(number) = number {
            self.number(number);
        }
    }

    /// UTC is 2, a wall clock 1.
    fn time(&mut self, time: Option<LocalTime>) {
        self.0.push(match time {
            None => 0,
            Some(LocalTime::Wall(_)) => 1,
            Some(LocalTime::Absolute(_)) => 2,
        });
        if let Some(time) = time {
            self.number(time.ms().cast_unsigned());
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend((bytes.len() as u32).to_le_bytes());
        self.0.extend(bytes);
    }

    fn text(&mut self, text: Option<&str>) {
        self.0.push(u8::from(text.is_some()));
        if let Some(text) = text {
            self.bytes(text.as_bytes());
        }
    }
}

struct Reader<'a>(&'a [u8]);

#[expect(clippy::option_option, reason = "the outer one is missing where the record is broken")]
impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    fn is_some(&mut self) -> Option<bool> {
        match self.take(1)? {
            [0] => Some(false),
            [1] => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn optional(&mut self) -> Option<Option<u64>> {
        if self.is_some()? { self.number().map(Some) } else { Some(None) }
    }

    fn time(&mut self) -> Option<Option<LocalTime>> {
        let kind = self.take(1)?[0];
        if kind == 0 {
            return Some(None);
        }
        let ms = self.number()?.cast_signed();
        match kind {
            1 => Some(Some(LocalTime::Wall(WallClock::from_ms_as_if_utc(ms)))),
            2 => Some(Some(LocalTime::Absolute(CapturedAt::from_epoch_ms(ms)))),
            _ => None,
        }
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.take(length as usize)
    }

    fn text(&mut self) -> Option<Option<&'a str>> {
        if self.is_some()? { std::str::from_utf8(self.bytes()?).ok().map(Some) } else { Some(None) }
    }
}

impl Record<'_> {
    /// Whether the file is as it was.
    pub(super) fn is_of(&self, facts: FileFacts) -> bool {
        facts.changed_ns.is_some() && self.facts == facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_photos::{jpeg, ordinary};
    use crate::window::Window;
    use std::io::Cursor;

    #[test]
    fn a_record_is_read_as_it_was_written_and_never_otherwise() {
        let bytes = jpeg(&ordinary());
        let whole = crate::photo::read_photo(&mut Window::new(Cursor::new(&bytes), bytes.len() as u64)).unwrap();
        let noted = Photo { camera: Some("4711".into()), ..Photo::out(Reason::NoPlace, "ä; it has none") };
        for photo in [whole, noted, Photo::out(Reason::Damaged, "")] {
            let mut record = Vec::new();
            let facts = FileFacts { bytes: u64::MAX, changed_ns: Some(4711), noted_ns: None };
            encode(b"/ride/\xff.jpg", facts, &photo, &mut record);
            let read = decode(&record).unwrap();
            assert_eq!((read.path, read.facts), (&b"/ride/\xff.jpg"[..], facts));
            assert_eq!(read.photo, photo);
            assert!((0..record.len()).all(|end| decode(&record[..end]).is_none()), "a part is no record");
            for at in 0..record.len() {
                let mut odd = record.clone();
                odd[at] ^= 0x55;
                let _ = decode(&odd); // the checksum tells; here it must not panic
            }
        }
    }
}
