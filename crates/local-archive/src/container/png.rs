//! PNG: a signature, then chunks with a length before and a checksum behind them.

use super::{Found, LONGEST_EXIF, LONGEST_XMP, big_endian_u32};
use crate::window::{Unread, Window};
use std::io::{Read, Seek};

const XMP: &[u8] = b"XML:com.adobe.xmp\0";

/// Walks the chunks; EXIF may come behind the pixels, so it goes to the end.
pub(crate) fn walk<R: Read + Seek>(window: &mut Window<R>, found: &mut Found) -> Result<(), Unread> {
    let mut at = 8;
    loop {
        let head = window.bytes(at, 8)?;
        let length = u64::from(big_endian_u32(head));
        let kind: [u8; 4] = [head[4], head[5], head[6], head[7]];
        let begin = at + 8;
        let most = |cap: usize| usize::try_from(length).unwrap_or(cap).min(cap);
        match &kind {
            b"IEND" => return Ok(()),
            b"IHDR" if length >= 8 => {
                let size = window.bytes(begin, 8)?;
                found.width = Some(big_endian_u32(size));
                found.height = Some(big_endian_u32(&size[4..]));
            }
            b"eXIf" if found.exif.is_none() => {
                let block = window.available(begin, most(LONGEST_EXIF))?;
                found.exif = Some(block.strip_prefix(b"Exif\0\0").unwrap_or(block).to_vec());
            }
            b"iTXt" if found.xmp.is_none() => {
                let text = window.available(begin, most(LONGEST_XMP))?;
                // keyword, then compression flag and method, language, translated keyword, each ended by 0
                if let Some(rest) = text.strip_prefix(XMP)
                    && let Some(rest) = rest.strip_prefix(b"\0\0")
                    && let Some(packet) = rest.splitn(3, |&byte| byte == 0).nth(2)
                {
                    found.xmp = Some(packet.to_vec());
                }
            }
            _ => {}
        }
        at = begin + length + 4;
    }
}
