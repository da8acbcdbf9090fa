//! HEIC, HEIF and AVIF: boxes of the ISO base media file format (ISO/IEC 14496-12), sizes of images in `ispe` (23008-12).

use super::{Found, big_endian_u32};
use crate::window::{Rationed, Unread, Window};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;

/// More boxes than any picture has.
const MOST_BOXES: usize = 4096;

/// Kind and content of a box.
type KnownBox = ([u8; 4], Range<u64>);

/// Size from the boxes; the EXIF block by kamadak-exif, which knows where items lie and seeks: it gets a budget. The block that
/// it finds is read again from its buffer, so that every format ends in the same place.
pub(super) fn walk<R: Read + Seek>(window: &mut Window<R>, found: &mut Found) -> io::Result<()> {
    match sizes(window) {
        // A picture in tiles, and a thumbnail, have sizes of their own beside that of the whole.
        Ok(sizes) => {
            let whole = sizes.into_iter().max_by_key(|&(width, height)| u64::from(width) * u64::from(height));
            (found.width, found.height) = (whole.map(|(width, _)| width), whole.map(|(_, height)| height));
        }
        Err(Unread::Io(error)) => return Err(error),
        Err(Unread::Truncated | Unread::TooMuch) => {} // told below, where it costs the metadata
    }
    let source = window.source();
    source.seek(SeekFrom::Start(0))?;
    let mut reader = BufReader::with_capacity(4096, Rationed::new(source));
    match exif::Reader::new().continue_on_error(true).read_from_container(&mut reader) {
        Ok(block) => found.exif = Some(block.buf().to_vec()),
        Err(exif::Error::NotFound(_)) => {}
        Err(exif::Error::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error),
        Err(error) => match error.distill_partial_result(drop) {
            Ok(block) => found.exif = Some(block.buf().to_vec()),
            Err(_) => found.broken = Some("the boxes of the file are broken"),
        },
    }
    Ok(())
}

/// Width and height of every image that the file describes.
fn sizes<R: Read + Seek>(window: &mut Window<R>) -> Result<Vec<(u32, u32)>, Unread> {
    let mut n_left = MOST_BOXES;
    let whole = 0..window.length();
    let Some(meta) = first(window, whole, *b"meta", &mut n_left)? else { return Ok(Vec::new()) };
    let inside = meta.start.saturating_add(4)..meta.end; // behind version and flags
    let Some(properties) = first(window, inside, *b"iprp", &mut n_left)? else { return Ok(Vec::new()) };
    let Some(known) = first(window, properties, *b"ipco", &mut n_left)? else { return Ok(Vec::new()) };
    let (mut sizes, mut at) = (Vec::new(), known.start);
    while let Some((kind, content)) = next(window, &mut at, known.end, &mut n_left)? {
        if kind == *b"ispe" && content.end - content.start >= 12 {
            let bytes = window.bytes(content.start + 4, 8)?;
            sizes.push((big_endian_u32(bytes), big_endian_u32(&bytes[4..])));
        }
    }
    sizes.retain(|&(width, height)| width > 0 && height > 0);
    Ok(sizes)
}

/// The content of the first box of a kind.
fn first<R: Read + Seek>(
    window: &mut Window<R>,
    within: Range<u64>,
    kind: [u8; 4],
    n_left: &mut usize,
) -> Result<Option<Range<u64>>, Unread> {
    let mut at = within.start;
    while let Some((found, content)) = next(window, &mut at, within.end, n_left)? {
        if found == kind {
            return Ok(Some(content));
        }
    }
    Ok(None)
}

/// Kind and content of the box that begins here; none at the end, and where lengths make no sense.
fn next<R: Read + Seek>(
    window: &mut Window<R>,
    at: &mut u64,
    end: u64,
    n_left: &mut usize,
) -> Result<Option<KnownBox>, Unread> {
    if at.saturating_add(8) > end || *n_left == 0 {
        return Ok(None);
    }
    *n_left -= 1;
    let head = window.bytes(*at, 8)?;
    let kind = [head[4], head[5], head[6], head[7]];
    let (header, length) = match big_endian_u32(head) {
        0 => (8, end - *at),
        1 => {
            let long = window.bytes(*at + 8, 8)?;
            (16, u64::from(big_endian_u32(long)) << 32 | u64::from(big_endian_u32(&long[4..])))
        }
        length => (8, u64::from(length)),
    };
    if length < header || length > end - *at {
        return Ok(None);
    }
    let content = *at + header..*at + length;
    *at += length;
    Ok(Some((kind, content)))
}
