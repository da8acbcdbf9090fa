//! A token that cannot be printed, and the means to take it out of foreign text.
//!
//! Redaction is by type: there is no `Display`, `Debug` says nothing, the memory is wiped. Services put the caller's
//! token into their own answers (links to a next page, error messages), so every body and every foreign message passes
//! through [`Secret::scrub`] before anyone sees it.

use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

const REPLACEMENT: &[u8] = b"REDACTED";
/// A shorter text would occur in innocent places, and is no token.
const SHORTEST_SCRUBBED: usize = 8;
/// A run of letters and digits this long stands for the whole token, however the rest of it was escaped.
const SHORTEST_CORE: usize = 16;

/// A token; cheap to clone, wiped when the last clone goes.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes the token over; blanks around it, as files have them, are cut.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        Self(Arc::new(Zeroizing::new(text.trim().to_owned())))
    }

    /// The token itself, for the one line that puts it on the wire.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it can stand in a header: not empty, visible ASCII only.
    pub fn is_sendable(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Replaces every occurrence of the token, plain or escaped, by `REDACTED`.
    pub fn scrub(&self, text: Vec<u8>) -> Vec<u8> {
        self.forms().iter().fold(text, |text, form| replace(text, form.as_bytes()))
    }

    /// [`Self::scrub`] for text.
    pub fn scrub_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.scrub(text.as_bytes().to_vec())).into_owned()
    }

    /// The forms in which the token may stand in a text: as it is, as part of a URL, and its longest run of letters
    /// and digits, which no escaping changes.
    fn forms(&self) -> Vec<Zeroizing<String>> {
        let whole = self.0.as_str();
        if whole.len() < SHORTEST_SCRUBBED {
            return Vec::new();
        }
        let encoded: String = url::form_urlencoded::byte_serialize(whole.as_bytes()).collect();
        let core = whole.split(|c: char| !c.is_ascii_alphanumeric()).max_by_key(|run| run.len()).unwrap_or_default();
        let mut forms = vec![whole.to_owned(), lower_escapes(&encoded), encoded];
        if core.len() >= SHORTEST_CORE {
            forms.push(core.to_owned());
        }
        forms.into_iter().map(Zeroizing::new).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// `%7C` to `%7c`.
fn lower_escapes(encoded: &str) -> String {
    let mut pieces = encoded.split('%');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (escape, rest) = piece.split_at(piece.len().min(2));
        text.push('%');
        text.push_str(&escape.to_ascii_lowercase());
        text.push_str(rest);
    }
    text
}

fn replace(text: Vec<u8>, form: &[u8]) -> Vec<u8> {
    let Some(first) = find(&text, form) else { return text };
    let mut clean = Vec::with_capacity(text.len());
    let (mut from, mut next) = (0, Some(first));
    while let Some(at) = next {
        clean.extend_from_slice(&text[from..from + at]);
        clean.extend_from_slice(REPLACEMENT);
        from += at + form.len();
        next = find(&text[from..], form);
    }
    clean.extend_from_slice(&text[from..]);
    clean
}

fn find(text: &[u8], form: &[u8]) -> Option<usize> {
    let (&first, rest) = form.split_first()?;
    let mut from = 0;
    while let Some(skipped) = text[from..].iter().position(|&byte| byte == first) {
        from += skipped + 1;
        if text[from..].starts_with(rest) {
            return Some(from - 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_printed() {
        let token = Secret::new(" MLY|4223665974375089|0123456789abcdef0123456789abcdef\n");
        assert_eq!(format!("{token:?}"), "Secret(…)");
        assert!(token.is_sendable());
        assert!(!Secret::new("a\nb").is_sendable());
        assert!(!Secret::new(" ").is_sendable());
    }

    #[test]
    fn every_form_of_a_token_is_scrubbed() {
        let token = Secret::new("MLY|4223665974375089|0123456789abcdef0123456789abcdef");
        for (case, text, expected) in [
            ("plain", "x MLY|4223665974375089|0123456789abcdef0123456789abcdef y", "x REDACTED y"),
            ("in a URL", "?t=MLY%7C4223665974375089%7C0123456789abcdef0123456789abcdef&a=1", "?t=REDACTED&a=1"),
            ("lower escapes", "MLY%7c4223665974375089%7c0123456789abcdef0123456789abcdef", "REDACTED"),
            (
                "an escape of its own",
                r"MLY\u007C4223\u007C0123456789abcdef0123456789abcdef",
                r"MLY\u007C4223\u007CREDACTED",
            ),
            ("twice", "0123456789abcdef0123456789abcdef,0123456789abcdef0123456789abcdef", "REDACTED,REDACTED"),
            ("not at all", "nothing here", "nothing here"),
        ] {
            assert_eq!(token.scrub_text(text), expected, "{case}");
        }
        assert_eq!(Secret::new("a+b/c|d=e f").scrub_text("q=a%2Bb%2Fc%7Cd%3De+f"), "q=REDACTED");
        assert_eq!(Secret::new("a").scrub_text("banana"), "banana", "too short to be a token");
    }
}
