//! The least that anybody could do: 16 KiB of each file, and of its EXIF the place, the times and the camera, by hand.
//!
//! It trusts offsets only as far as the 16 KiB, knows no quirks, no other containers and no XMP: the baseline beside which
//! the reader of photos is measured.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What it finds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HandRead {
    /// Degrees.
    pub longitude: Option<f64>,
    /// Degrees.
    pub latitude: Option<f64>,
    /// `DateTimeOriginal` as written.
    pub original: Option<String>,
    /// Camera.
    pub make: Option<String>,
    /// Camera.
    pub model: Option<String>,
}

const HEAD: u64 = 16 * 1024;

/// Reads one JPEG.
///
/// # Errors
/// When the file cannot be opened or read.
pub fn read_by_hand(path: &Path, buffer: &mut Vec<u8>) -> std::io::Result<HandRead> {
    buffer.clear();
    File::open(path)?.take(HEAD).read_to_end(buffer)?;
    Ok(exif_of(buffer).and_then(|block| Block::new(block)?.found()).unwrap_or_default())
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

    fn two(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at + 2)?.try_into().ok()?;
        Some(usize::from(if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }))
    }

    fn four(&self, at: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at + 4)?.try_into().ok()?;
        Some(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) } as usize)
    }

    /// Place of the entry of a tag in a directory.
    fn entry(&self, directory: usize, tag: usize) -> Option<usize> {
        let n = self.two(directory)?;
        (0..n).map(|k| directory + 2 + 12 * k).find(|&at| self.two(at) == Some(tag))
    }

    fn text(&self, directory: usize, tag: usize) -> Option<String> {
        let at = self.entry(directory, tag)?;
        let n = self.four(at + 4)?;
        let from = if n <= 4 { at + 8 } else { self.four(at + 8)? };
        let text = self.bytes.get(from..from.checked_add(n)?)?;
        Some(String::from_utf8_lossy(text).trim_end_matches('\0').to_owned())
    }

    fn degrees(&self, directory: usize, tag: usize, negative: &str) -> Option<f64> {
        let from = self.four(self.entry(directory, tag)? + 8)?;
        let part = |k: usize| Some(self.four(from + 8 * k)? as f64 / self.four(from + 8 * k + 4)? as f64);
        let degrees = part(0)? + part(1)? / 60.0 + part(2)? / 3600.0;
        let is_negative = self.text(directory, tag - 1).is_some_and(|reference| reference == negative);
        Some(if is_negative { -degrees } else { degrees })
    }

    fn found(&self) -> Option<HandRead> {
        let first = self.four(4)?;
        let pointed = |tag| self.four(self.entry(first, tag)? + 8);
        let (exif, gps) = (pointed(0x8769), pointed(0x8825));
        Some(HandRead {
            longitude: gps.and_then(|gps| self.degrees(gps, 4, "W")),
            latitude: gps.and_then(|gps| self.degrees(gps, 2, "S")),
            original: exif.and_then(|exif| self.text(exif, 0x9003)),
            make: self.text(first, 0x010f),
            model: self.text(first, 0x0110),
        })
    }
}
