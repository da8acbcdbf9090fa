//! TIFF: the tags that matter are gathered into a small TIFF of their own.
//!
//! A TIFF photo has tens of megabytes, its directories may lie at the end, and the EXIF parser wants all of it in memory.
//! So the directory, the EXIF and the GPS directory are read by seeking, and the few entries that are ever asked for are
//! written, values and all, into a block of some kilobytes with new offsets.

use super::{Found, LONGEST_XMP};
use crate::window::{Unread, Window};
use std::io::{Read, Seek};

const EXIF_POINTER: u16 = 0x8769;
const GPS_POINTER: u16 = 0x8825;
const XMP: u16 = 700;
/// Width, height, make, model, orientation, date.
const WANTED_IMAGE: [u16; 6] = [0x100, 0x101, 0x10f, 0x110, 0x112, 0x132];
/// Dates, offsets, sub-seconds, pixels, serial numbers.
const WANTED_EXIF: [u16; 13] =
    [0x9003, 0x9004, 0x9010, 0x9011, 0x9012, 0x9290, 0x9291, 0x9292, 0xa002, 0xa003, 0xa431, 0xa433, 0xa435];
/// A longer value is none of ours.
const LONGEST_VALUE: usize = 4096;
/// Directories of photos have some dozens of entries.
const MOST_ENTRIES: u16 = 2048;

#[derive(Debug, Clone, Copy)]
struct Order {
    is_little: bool,
}

impl Order {
    fn u16(self, bytes: &[u8]) -> u16 {
        let bytes = [bytes[0], bytes[1]];
        if self.is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) }
    }
    fn u32(self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) }
    }
    fn put_u16(self, value: u16, out: &mut Vec<u8>) {
        out.extend(if self.is_little { value.to_le_bytes() } else { value.to_be_bytes() });
    }
    fn put_u32(self, value: u32, out: &mut Vec<u8>) {
        out.extend(if self.is_little { value.to_le_bytes() } else { value.to_be_bytes() });
    }
}

#[derive(Debug)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    value: Vec<u8>,
}

/// Gathers the wanted entries into `found.exif` and the XMP packet into `found.xmp`.
pub(crate) fn walk<R: Read + Seek>(window: &mut Window<R>, found: &mut Found) -> Result<(), Unread> {
    let head = window.bytes(0, 8)?;
    let order = Order { is_little: head[0] == b'I' };
    let first = order.u32(&head[4..]);
    let mut pointers = (None, None);
    let image = directory(window, order, first, found, |tag, value| match tag {
        EXIF_POINTER => pointers.0 = Some(value),
        GPS_POINTER => pointers.1 = Some(value),
        _ => {}
    })?;
    let number = |tag: u16| {
        let entry = image.iter().find(|entry| entry.tag == tag)?;
        match entry.kind {
            3 => Some(u32::from(order.u16(&entry.value))),
            4 => Some(order.u32(&entry.value)),
            _ => None,
        }
    };
    (found.width, found.height) = (number(0x100), number(0x101));
    let mut sub = |pointer: Option<u32>, found: &mut Found| match pointer {
        Some(at) => directory(window, order, at, found, |_, _| {}),
        None => Ok(Vec::new()),
    };
    let exif = sub(pointers.0, found);
    let gps = sub(pointers.1, found);
    let none = Vec::new();
    found.exif = Some(compact(order, &image, exif.as_ref().unwrap_or(&none), gps.as_ref().unwrap_or(&none)));
    exif.and(gps).map(drop)
}

fn is_wanted(tag: u16) -> bool {
    // GPS tags are 0..=31; no other directory uses them for what we would misread
    tag <= 31 || WANTED_IMAGE.contains(&tag) || WANTED_EXIF.contains(&tag)
}

fn directory<R: Read + Seek>(
    window: &mut Window<R>,
    order: Order,
    at: u32,
    found: &mut Found,
    mut pointer: impl FnMut(u16, u32),
) -> Result<Vec<Entry>, Unread> {
    let at = u64::from(at);
    let count = order.u16(window.bytes(at, 2)?).min(MOST_ENTRIES);
    let table = window.available(at + 2, usize::from(count) * 12)?.to_vec();
    let mut entries = Vec::new();
    for row in table.chunks_exact(12) {
        let (tag, kind, count) = (order.u16(row), order.u16(&row[2..]), order.u32(&row[4..]));
        let offset = order.u32(&row[8..]);
        if tag == EXIF_POINTER || tag == GPS_POINTER {
            pointer(tag, offset);
        }
        if tag == XMP && found.xmp.is_none() && count > 4 {
            let length = usize::try_from(count).unwrap_or(LONGEST_XMP).min(LONGEST_XMP);
            found.xmp = window.available(u64::from(offset), length).ok().map(<[u8]>::to_vec);
        }
        let unit = match kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 => 4,
            5 | 10 | 12 => 8,
            _ => continue,
        };
        let Some(length) = usize::try_from(count).ok().and_then(|count| count.checked_mul(unit)) else { continue };
        if !is_wanted(tag) || length > LONGEST_VALUE {
            continue;
        }
        let value = if length <= 4 {
            row[8..12].to_vec()
        } else {
            match window.bytes(u64::from(offset), length) {
                Ok(value) => value.to_vec(),
                Err(Unread::Truncated) => {
                    found.broken = found.broken.or(Some("a value lies beyond the end of the file"));
                    continue;
                }
                Err(other) => return Err(other),
            }
        };
        entries.push(Entry { tag, kind, count, value });
    }
    Ok(entries)
}

/// Writes three directories behind one header: image, EXIF, GPS.
fn compact(order: Order, image: &[Entry], exif: &[Entry], gps: &[Entry]) -> Vec<u8> {
    let size = |entries: usize| 2 + 12 * entries as u32 + 4;
    let (at_image, at_exif) = (8, 8 + size(image.len() + 2));
    let at_gps = at_exif + size(exif.len());
    let mut at_value = at_gps + size(gps.len());
    let mut out = if order.is_little { b"II\x2a\0".to_vec() } else { b"MM\0\x2a".to_vec() };
    order.put_u32(at_image, &mut out);
    let mut values: Vec<u8> = Vec::new();
    for (entries, pointers) in
        [(image, &[(EXIF_POINTER, at_exif), (GPS_POINTER, at_gps)][..]), (exif, &[][..]), (gps, &[][..])]
    {
        order.put_u16((entries.len() + pointers.len()) as u16, &mut out);
        for entry in entries {
            order.put_u16(entry.tag, &mut out);
            order.put_u16(entry.kind, &mut out);
            order.put_u32(entry.count, &mut out);
            if entry.value.len() <= 4 {
                out.extend(&entry.value);
            } else {
                order.put_u32(at_value, &mut out);
                at_value += entry.value.len() as u32;
                values.extend(&entry.value);
            }
        }
        for &(tag, at) in pointers {
            order.put_u16(tag, &mut out);
            order.put_u16(4, &mut out);
            order.put_u32(1, &mut out);
            order.put_u32(at, &mut out);
        }
        order.put_u32(0, &mut out);
    }
    out.extend(values);
    out
}
