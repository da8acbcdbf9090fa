//! From what a server or a file gives to the bytes of a tile: compression undone, error pages named.

use crate::DecodeError;
use crate::limits::{MOST_BYTES, check_limit};
use flate2::read::MultiGzDecoder;
use std::borrow::Cow;
use std::io::Read;

/// The body without its compression; text is refused by name.
pub(crate) fn plain(bytes: &[u8]) -> Result<Cow<'_, [u8]>, DecodeError> {
    check_limit("bytes", bytes.len() as u64, MOST_BYTES)?;
    let plain = if bytes.starts_with(&[0x1f, 0x8b]) { Cow::Owned(inflated(bytes)?) } else { Cow::Borrowed(bytes) };
    match text_head(&plain) {
        Some(head) => Err(DecodeError::Text { bytes: plain.len(), head }),
        None => Ok(plain),
    }
}

fn inflated(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    let mut inflated = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(MOST_BYTES + 1)
        .read_to_end(&mut inflated)
        .map_err(|error| DecodeError::Compressed { reason: error.to_string() })?;
    check_limit("inflated bytes", inflated.len() as u64, MOST_BYTES)?;
    Ok(inflated)
}

/// The beginning of a text; `None` for what may be a tile. A tile begins with 0x1a, markup and JSON with a bracket.
fn text_head(bytes: &[u8]) -> Option<String> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let head = &text[..text.len().min(64)];
    let is_printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
    let is_text = matches!(head.first(), Some(b'<' | b'{' | b'[')) || head.iter().all(is_printable);
    (is_text && !bytes.is_empty()).then(|| String::from_utf8_lossy(head).chars().take(24).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn squeezed(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn bodies() {
        #[track_caller]
        fn check(case: &str, body: &[u8], expected: &str) {
            let outcome = match plain(body) {
                Ok(bytes) => format!("{} bytes", bytes.len()),
                Err(error) => error.to_string(),
            };
            assert!(outcome.contains(expected), "{case}: {outcome}");
        }
        let tile = [0x1a, 0x00];
        check("nothing", b"", "0 bytes");
        check("a tile", &tile, "2 bytes");
        check("a compressed tile", &squeezed(&tile), "2 bytes");
        check("two compressed members", &[squeezed(&tile), squeezed(&tile)].concat(), "4 bytes");
        check("a login page", b"<!DOCTYPE html><html>", "\"<!DOCTYPE html><html>\"");
        check("after a mark and blanks", b"\xef\xbb\xbf\n <html>", "\"<html>\"");
        check("an umlaut at once", "<p>Überlastung</p>".as_bytes(), "\"<p>Überlastung</p>\"");
        check("an error envelope", br#"{"error":{"code":190}}"#, "is it an error page?");
        check("a word", b"Bad gateway", "11 bytes of text");
        check("a compressed page", &squeezed(b"<html>"), "is it an error page?");
        check("compression cut short", &squeezed(&[7; 5_000])[..20], "cannot be inflated");
        check("a compressed head alone", &[0x1f, 0x8b, 8, 0], "cannot be inflated");
        let bomb = squeezed(&vec![0; (MOST_BYTES + (1 << 20)) as usize]);
        assert!(bomb.len() < 1 << 20);
        check("a bomb", &bomb, "inflated bytes 67108865, and 67108864 is the limit");
    }
}
