//! JPEG: a chain of segments up to the start of the scan.

use super::{Found, LONGEST_XMP, big_endian_u16};
use crate::window::{Unread, Window};
use std::io::{Read, Seek};

const EXIF: &[u8] = b"Exif\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

/// A walk through the segments that can stop at the EXIF block and go on later.
#[derive(Debug)]
pub(crate) struct Jpeg {
    at: u64,
}

impl Default for Jpeg {
    fn default() -> Self {
        Self { at: 2 }
    }
}

impl Jpeg {
    /// Walks on, to behind the first EXIF block if `until_exif`, else to the scan.
    pub(crate) fn walk<R: Read + Seek>(
        &mut self,
        window: &mut Window<R>,
        found: &mut Found,
        until_exif: bool,
    ) -> Result<(), Unread> {
        loop {
            let head = window.bytes(self.at, 2)?;
            let marker = match (head[0], head[1]) {
                (0xff, 0xff) => {
                    self.at += 1; // fill bytes
                    continue;
                }
                (0xff, marker) => marker,
                _ => {
                    found.broken = found.broken.or(Some("no segment where one should begin"));
                    return Ok(());
                }
            };
            match marker {
                0xda | 0xd9 => return Ok(()), // the scan, the end
                0x01 | 0xd0..=0xd8 => {
                    self.at += 2;
                    continue;
                }
                _ => {}
            }
            let length = usize::from(big_endian_u16(window.bytes(self.at + 2, 2)?));
            if length < 2 {
                found.broken = found.broken.or(Some("a segment without length"));
                return Ok(());
            }
            let begin = self.at + 4;
            self.at += 2 + length as u64;
            let is_exif = Self::segment(marker, begin, length - 2, window, found)?;
            if is_exif && until_exif {
                return Ok(());
            }
        }
    }

    /// Looks into one segment; whether it was the first EXIF block.
    fn segment<R: Read + Seek>(
        marker: u8,
        begin: u64,
        length: usize,
        window: &mut Window<R>,
        found: &mut Found,
    ) -> Result<bool, Unread> {
        match marker {
            0xe1 => {
                let is_cut = begin + length as u64 > window.length();
                let head = window.available(begin, length.min(XMP.len()))?;
                if head.starts_with(EXIF) && found.exif_segment.is_none() && head.len() > 6 {
                    found.exif_segment = Some((begin + 6, length - 6));
                    if is_cut {
                        found.broken = Some("the file ends inside its EXIF block");
                    }
                    return Ok(true);
                }
                if head == XMP && found.xmp.is_none() {
                    let packet = window.available(begin, length)?;
                    found.xmp = Some(packet.iter().copied().skip(XMP.len()).take(LONGEST_XMP).collect());
                }
            }
            // start of frame; C4, C8 and CC are tables and extensions
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf if length >= 5 => {
                let frame = window.bytes(begin, 5)?;
                found.height = Some(u32::from(big_endian_u16(&frame[1..])));
                found.width = Some(u32::from(big_endian_u16(&frame[3..])));
            }
            _ => {}
        }
        Ok(false)
    }
}
