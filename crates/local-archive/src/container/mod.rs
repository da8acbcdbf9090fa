//! Where a picture file keeps its EXIF block, its XMP packet and its size, by the first bytes of the file.
//!
//! Each format has a walker of its own that reads chunk headers and skips pixels. A broken structure is no error: what was
//! found before the break is kept, and the break is named.

mod heif;
mod jpeg;
mod png;
mod tiff;
mod webp;

use crate::window::{Unread, Window};
use std::io::{self, Read, Seek};

pub(crate) use jpeg::Jpeg;

/// XMP packets beyond this are cut; real ones have some kilobytes.
const LONGEST_XMP: usize = 256 * 1024;
/// EXIF blocks beyond this are cut; a JPEG segment holds 64 KiB.
const LONGEST_EXIF: usize = 512 * 1024;

/// What was found in a file.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The EXIF block, from its TIFF header on.
    pub(crate) exif: Option<Vec<u8>>,
    /// In a JPEG, where the block lies in the file instead: from its TIFF header on, and its length.
    pub(crate) exif_segment: Option<(u64, usize)>,
    /// The XMP packet.
    pub(crate) xmp: Option<Vec<u8>>,
    /// Pixels, from the image header.
    pub(crate) width: Option<u32>,
    /// Pixels, from the image header.
    pub(crate) height: Option<u32>,
    /// Where the structure breaks off.
    pub(crate) broken: Option<&'static str>,
    /// Why the walk ended before the end.
    pub(crate) unread: Option<&'static str>,
}

/// The formats that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Webp,
    Tiff,
    Heif,
}

impl Format {
    /// By the first bytes; `None` when they are of no picture.
    pub(crate) fn of(head: &[u8]) -> Option<Self> {
        let is_heif_brand = |brand: &[u8]| {
            [b"mif1", b"msf1", b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"avif", b"avis"]
                .iter()
                .any(|known| brand == *known)
        };
        if head.starts_with(&[0xff, 0xd8]) {
            Some(Self::Jpeg)
        } else if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            Some(Self::Webp)
        } else if head.starts_with(b"II\x2a\0") || head.starts_with(b"MM\0\x2a") {
            Some(Self::Tiff)
        } else if head.get(4..8) == Some(b"ftyp") && head[8..].chunks_exact(4).any(is_heif_brand) {
            Some(Self::Heif)
        } else {
            None
        }
    }
}

/// Turns what a walker met into a word about the structure; only errors of the system are errors.
pub(crate) fn settle(walked: Result<(), Unread>, found: &mut Found) -> io::Result<()> {
    match walked {
        Ok(()) => {}
        Err(Unread::Truncated) => found.broken = found.broken.or(Some("the file ends too early")),
        Err(Unread::TooMuch) => found.unread = Some("metadata beyond the first MiB of reading was left unread"),
        Err(Unread::Io(error)) => return Err(error),
    }
    Ok(())
}

/// Walks a file of any format but JPEG, which has its own two steps ([`Jpeg`]).
pub(crate) fn walk<R: Read + Seek>(format: Format, window: &mut Window<R>, found: &mut Found) -> io::Result<()> {
    let walked = match format {
        Format::Jpeg => Jpeg::default().walk(window, found, false),
        Format::Png => png::walk(window, found),
        Format::Webp => webp::walk(window, found),
        Format::Tiff => tiff::walk(window, found),
        Format::Heif => return heif::walk(window, found),
    };
    settle(walked, found)
}

fn big_endian_u16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[0], bytes[1]])
}

fn big_endian_u32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
