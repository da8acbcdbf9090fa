//! WebP: RIFF chunks, little-endian, padded to even lengths.

use super::{Found, LONGEST_EXIF, LONGEST_XMP};
use crate::window::{Unread, Window};
use std::io::{Read, Seek};

/// Walks the chunks; EXIF and XMP come behind the pixels.
pub(crate) fn walk<R: Read + Seek>(window: &mut Window<R>, found: &mut Found) -> Result<(), Unread> {
    let mut at = 12;
    while at < window.length() {
        let head = window.bytes(at, 8)?;
        let kind: [u8; 4] = [head[0], head[1], head[2], head[3]];
        let length = u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
        let begin = at + 8;
        let most = |cap: usize| usize::try_from(length).unwrap_or(cap).min(cap);
        match &kind {
            b"VP8X" if length >= 10 => {
                let header = window.bytes(begin, 10)?;
                let size = |from: usize| 1 + u32::from_le_bytes([header[from], header[from + 1], header[from + 2], 0]);
                (found.width, found.height) = (Some(size(4)), Some(size(7)));
            }
            b"VP8 " if length >= 10 && found.width.is_none() => {
                let header = window.bytes(begin, 10)?;
                let size = |from: usize| u32::from(u16::from_le_bytes([header[from], header[from + 1]]) & 0x3fff);
                (found.width, found.height) = (Some(size(6)), Some(size(8)));
            }
            b"VP8L" if length >= 5 && found.width.is_none() => {
                let header = window.bytes(begin, 5)?;
                let bits = u32::from_le_bytes([header[1], header[2], header[3], header[4]]);
                (found.width, found.height) = (Some(1 + (bits & 0x3fff)), Some(1 + (bits >> 14 & 0x3fff)));
            }
            b"EXIF" if found.exif.is_none() => {
                let block = window.available(begin, most(LONGEST_EXIF))?;
                found.exif = Some(block.strip_prefix(b"Exif\0\0").unwrap_or(block).to_vec());
            }
            b"XMP " if found.xmp.is_none() => {
                found.xmp = Some(window.available(begin, most(LONGEST_XMP))?.to_vec());
            }
            _ => {}
        }
        at = begin + length + (length & 1);
    }
    Ok(())
}
