//! The least that anybody could do: one positioned read of 16 KiB a file, and of its EXIF block the fields of a row, by hand.
//!
//! It yields what a row needs (place, altitude, heading, GPS time, the camera's time with sub-second and offset, make,
//! model, size, orientation) and nothing else: it trusts offsets only as far as the 16 KiB, knows no quirks, no other
//! containers and no XMP, and asks the system neither for the size of a file nor whether it changes. The baseline beside
//! which the reader of photos is measured.

use std::fs::File;
use std::path::Path;

/// What it finds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HandRead {
    /// Degrees.
    pub longitude: Option<f64>,
    /// Degrees.
    pub latitude: Option<f64>,
    /// Metres, below sea level as a negative number.
    pub altitude_m: Option<f64>,
    /// Degrees from north.
    pub heading_deg: Option<f64>,
    /// `GPSDateStamp` and `GPSTimeStamp`, ms since 1970.
    pub gps_time_ms: Option<i64>,
    /// `DateTimeOriginal` with its sub-second, ms as if it were UTC.
    pub original_ms: Option<i64>,
    /// `OffsetTimeOriginal`, minutes east of Greenwich.
    pub offset_min: Option<i64>,
    /// Camera.
    pub make: Option<String>,
    /// Camera.
    pub model: Option<String>,
    /// Pixels.
    pub width: Option<u32>,
    /// Pixels.
    pub height: Option<u32>,
    /// 1 to 8.
    pub orientation: Option<u32>,
}

/// What is read of a file.
pub const HEAD: usize = 16 * 1024;

#[cfg(unix)]
fn read_head(file: &File, head: &mut [u8]) -> std::io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, head, 0)
}

#[cfg(not(unix))]
fn read_head(mut file: &File, head: &mut [u8]) -> std::io::Result<usize> {
    std::io::Read::read(&mut file, head)
}

/// Reads one JPEG; `head` has [`HEAD`] bytes.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn read_by_hand(path: &Path, head: &mut [u8]) -> std::io::Result<HandRead> {
    let n = read_head(&File::open(path)?, head)?;
    Ok(exif_of(&head[..n]).and_then(found_in).unwrap_or_default())
}

/// The TIFF block of the APP1 segment.
fn exif_of(head: &[u8]) -> Option<&[u8]> {
    let mut at = 2;
    loop {
        let marker = head.get(at..at + 4)?;
        let length = usize::from(u16::from_be_bytes([marker[2], marker[3]]));
        let segment = head.get(at + 4..(at + 2 + length).min(head.len()))?;
        match (marker[0], marker[1]) {
            (0xff, 0xe1) if segment.starts_with(b"Exif\0\0") => return Some(&segment[6..]),
            (0xff, 0xda) => return None,
            (0xff, _) => at += 2 + length,
            _ => return None,
        }
    }
}

#[derive(Clone, Copy)]
struct Block<'a> {
    bytes: &'a [u8],
    is_little: bool,
}

impl<'a> Block<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let is_little = match bytes.get(..2)? {
            b"II" => true,
            b"MM" => false,
            _ => return None,
        };
        Some(Self { bytes, is_little })
    }

    fn two(self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at + 2)?.try_into().ok()?;
        Some(usize::from(if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }))
    }

    fn four(self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) } as usize)
    }

    fn each_entry(self, directory: usize, mut each: impl FnMut(usize, usize)) -> Option<()> {
        for k in 0..self.two(directory)? {
            let entry = directory + 2 + 12 * k;
            each(self.two(entry)?, entry);
        }
        Some(())
    }

    /// A short or a long.
    fn number(self, entry: usize) -> Option<u32> {
        Some(if self.two(entry + 2)? == 3 { self.two(entry + 8)? } else { self.four(entry + 8)? } as u32)
    }

    fn text(self, entry: usize) -> Option<&'a str> {
        let n = self.four(entry + 4)?;
        let from = if n <= 4 { entry + 8 } else { self.four(entry + 8)? };
        let text = self.bytes.get(from..from.checked_add(n)?)?;
        Some(std::str::from_utf8(text).ok()?.trim_end_matches('\0'))
    }

    fn fraction(self, entry: usize, k: usize) -> Option<f64> {
        let at = self.four(entry + 8)? + 8 * k;
        Some(self.four(at)? as f64 / self.four(at + 4)? as f64)
    }

    fn degrees(self, entry: usize) -> Option<f64> {
        Some(self.fraction(entry, 0)? + self.fraction(entry, 1)? / 60.0 + self.fraction(entry, 2)? / 3600.0)
    }
}

/// Digits at a place.
fn digits(text: &str, from: usize, to: usize) -> Option<i64> {
    text.get(from..to)?
        .bytes()
        .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// `2018:06:08`: ms since 1970 (Hinnant, days from civil).
fn day_ms(text: &str) -> Option<i64> {
    let (year, month, day) = (digits(text, 0, 4)?, digits(text, 5, 7)?, digits(text, 8, 10)?);
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400_000)
}

/// `2018:06:08 13:24:10`: ms as if UTC.
fn moment_ms(text: &str) -> Option<i64> {
    let seconds = (digits(text, 11, 13)? * 60 + digits(text, 14, 16)?) * 60 + digits(text, 17, 19)?;
    Some(day_ms(text)? + seconds * 1000)
}

/// `25`: 250.
fn sub_second_ms(text: &str) -> Option<i64> {
    let n = text.len().min(3);
    Some(digits(text, 0, n)? * [1000, 100, 10, 1][n])
}

/// `-07:00`.
fn offset_min(text: &str) -> Option<i64> {
    let minutes = digits(text, 1, 3)? * 60 + digits(text, 4, 6)?;
    Some(if text.starts_with('-') { -minutes } else { minutes })
}

fn found_in(bytes: &[u8]) -> Option<HandRead> {
    let block = Block::new(bytes)?;
    let mut read = HandRead::default();
    let (mut exif, mut gps) = (None, None);
    block.each_entry(block.four(4)?, |tag, entry| match tag {
        0x010f => read.make = block.text(entry).map(str::to_owned),
        0x0110 => read.model = block.text(entry).map(str::to_owned),
        0x0112 => read.orientation = block.number(entry),
        0x8769 => exif = block.four(entry + 8),
        0x8825 => gps = block.four(entry + 8),
        _ => {}
    })?;
    if let Some(exif) = exif {
        let mut sub_second = 0;
        block.each_entry(exif, |tag, entry| match tag {
            0x9003 => read.original_ms = block.text(entry).and_then(moment_ms),
            0x9011 => read.offset_min = block.text(entry).and_then(offset_min),
            0x9291 => sub_second = block.text(entry).and_then(sub_second_ms).unwrap_or(0),
            0xa002 => read.width = block.number(entry),
            0xa003 => read.height = block.number(entry),
            _ => {}
        })?;
        read.original_ms = read.original_ms.map(|ms| ms + sub_second);
    }
    if let Some(gps) = gps {
        let (mut is_south, mut is_west, mut is_below) = (false, false, false);
        let (mut day, mut of_day) = (None, None);
        block.each_entry(gps, |tag, entry| match tag {
            0x01 => is_south = block.text(entry) == Some("S"),
            0x02 => read.latitude = block.degrees(entry),
            0x03 => is_west = block.text(entry) == Some("W"),
            0x04 => read.longitude = block.degrees(entry),
            0x05 => is_below = block.bytes.get(entry + 8) == Some(&1),
            0x06 => read.altitude_m = block.fraction(entry, 0),
            0x07 => of_day = block.degrees(entry),
            0x11 => read.heading_deg = block.fraction(entry, 0),
            0x1d => day = block.text(entry).and_then(day_ms),
            _ => {}
        })?;
        let signed =
            |value: Option<f64>, is_negative: bool| value.map(|value| if is_negative { -value } else { value });
        read.latitude = signed(read.latitude, is_south);
        read.longitude = signed(read.longitude, is_west);
        read.altitude_m = signed(read.altitude_m, is_below);
        read.gps_time_ms = day.zip(of_day).map(|(day, hours)| day + (hours * 3.6e6).round() as i64);
    }
    Some(read)
}
