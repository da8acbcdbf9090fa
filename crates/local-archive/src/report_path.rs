//! Paths as reports show them: as typed, `/`-separated, UTF-8.

use std::fmt::Write as _;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

/// The note of a file whose path is shown encoded.
pub(crate) const ENCODED: &str = "the path is not UTF-8 and shown with %XX for its bytes";

/// The file that a row of a report names, relative as it was typed: the inverse of the encoding of paths that are not
/// UTF-8, which the row's note tells.
///
/// ```
/// use local_archive::path_of_row;
/// assert_eq!(path_of_row("ride/100%25.jpg", "").to_str(), Some("ride/100%25.jpg"));
/// ```
pub fn path_of_row(shown: &str, note: &str) -> PathBuf {
    if !note.split("; ").any(|words| words == ENCODED) {
        return PathBuf::from(shown);
    }
    let mut bytes = Vec::with_capacity(shown.len());
    let mut rest = shown.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
        if let Some(meant) = code.and_then(|code| u8::from_str_radix(code, 16).ok()).filter(|_| byte == b'%') {
            bytes.push(meant);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    path_of_bytes(bytes)
}

#[cfg(unix)]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(not(unix))]
fn path_of_bytes(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(&bytes).into_owned())
}

/// The path as text; `true` when it is not UTF-8 and had to be encoded.
///
/// Linux paths are bytes. Those that are UTF-8 are shown as they are; of others, each byte outside UTF-8 becomes `%XX` and
/// each `%` becomes `%25`, so that the bytes can be had back.
pub(crate) fn report_path(path: &Path) -> (String, bool) {
    let separated =
        |text: &str| if MAIN_SEPARATOR == '/' { text.to_owned() } else { text.replace(MAIN_SEPARATOR, "/") };
    if let Some(text) = path.to_str() {
        return (separated(text), false);
    }
    let mut shown = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        shown.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            write!(shown, "%{byte:02X}").expect("text grows without fail");
        }
    }
    (separated(&shown), true)
}

/// The endings of photos, by which files of a folder count.
const PHOTO_ENDINGS: [&str; 9] = ["jpg", "jpeg", "heic", "heif", "avif", "png", "webp", "tif", "tiff"];

/// Whether a file is a photo by its ending: the endings of the files that [`crate::scan()`] reads.
pub fn is_photo(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| PHOTO_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photos_are_told_by_their_ending() {
        for name in ["a.jpg", "b/c.JPEG", "x.Heic", "x.tar.tif", "ü.webp", "a.AVIF", "a.heif", "a.png", "a.tiff"] {
            assert!(is_photo(Path::new(name)), "{name}");
        }
        for name in ["jpg", ".jpg", "a.jpg.txt", "a.mp4", "a", "a.jpgx"] {
            assert!(!is_photo(Path::new(name)), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_encoded() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;
        let shown = |bytes: &[u8]| report_path(Path::new(OsStr::from_bytes(bytes)));
        assert_eq!(shown("ride/100%/ü.jpg".as_bytes()), ("ride/100%/ü.jpg".to_owned(), false));
        assert_eq!(shown(b"ride/100%/\xfc\xff.jpg"), ("ride/100%25/%FC%FF.jpg".to_owned(), true));
        let back = path_of_row("ride/100%25/%FC%FF.jpg", &format!("{ENCODED}; more"));
        assert_eq!(back.as_os_str().as_bytes(), b"ride/100%/\xfc\xff.jpg");
        assert_eq!(path_of_row("a%2", ENCODED), PathBuf::from("a%2"), "what is no code stays");
    }
}
