//! Paths as reports show them: as typed, `/`-separated, UTF-8.

use std::fmt::Write as _;
use std::path::{MAIN_SEPARATOR, Path};

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

/// Whether a file is a photo by its ending.
pub(crate) fn is_photo(path: &Path) -> bool {
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
    }
}
