//! A token that cannot be printed, and the means to take it out of foreign text.
//!
//! Redaction is by type: there is no `Display`, `Debug` says nothing, the memory is wiped. Services put the caller's
//! token into their own answers (links to a next page, error messages), so every body and every foreign message passes
//! through [`Secret::scrub`] before anyone sees it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use zeroize::Zeroizing;

const REPLACEMENT: &[u8] = b"REDACTED";
/// A shorter text would occur in innocent places, and is no token.
const SHORTEST_SCRUBBED: usize = 8;
/// A run of letters and digits this long stands for the whole token, however the rest of it was escaped.
const SHORTEST_CORE: usize = 16;

/// What this process holds, so that a text of unknown origin can be cleaned of it.
static KNOWN: Mutex<Vec<Weak<Kept>>> = Mutex::new(Vec::new());

/// A token; cheap to clone, wiped when the last clone goes.
#[derive(Clone)]
pub struct Secret(Arc<Kept>);

struct Kept {
    text: Zeroizing<String>,
    forms: Vec<Zeroizing<String>>,
}

impl Secret {
    /// Takes the token over; blanks around it, as files have them, are cut.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        let text = Zeroizing::new(text.trim().to_owned());
        let forms = forms_of(&text);
        let kept = Arc::new(Kept { text, forms });
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|secret| secret.strong_count() > 0);
        known.push(Arc::downgrade(&kept));
        Self(kept)
    }

    /// A text without any token that this process holds; `None` when that cannot be told at the moment.
    pub fn scrub_known(text: &str) -> Option<String> {
        let known = KNOWN.try_lock().ok()?;
        let secrets = known.iter().filter_map(Weak::upgrade).map(Self);
        Some(secrets.fold(text.to_owned(), |text, secret| secret.scrub_text(&text)))
    }

    /// The token itself, for the one line that puts it on the wire.
    pub fn expose(&self) -> &str {
        &self.0.text
    }

    /// Whether it can stand in a header: not empty, visible ASCII only.
    pub fn is_sendable(&self) -> bool {
        !self.0.text.is_empty() && self.0.text.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Replaces every occurrence of the token, plain, escaped or in base64, by `REDACTED`.
    pub fn scrub(&self, text: Vec<u8>) -> Vec<u8> {
        self.0.forms.iter().fold(text, |text, form| replace(text, form.as_bytes()))
    }

    /// [`Self::scrub`] for text.
    pub fn scrub_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.scrub(text.as_bytes().to_vec())).into_owned()
    }
}

/// The forms in which the token may stand in a text: as it is, as part of a URL, its longest run of letters and digits,
/// which no escaping changes, and base64 wherever it begins.
fn forms_of(whole: &str) -> Vec<Zeroizing<String>> {
    if whole.len() < SHORTEST_SCRUBBED {
        return Vec::new();
    }
    let encoded: String = url::form_urlencoded::byte_serialize(whole.as_bytes()).collect();
    let core = whole.split(|c: char| !c.is_ascii_alphanumeric()).max_by_key(|run| run.len()).unwrap_or_default();
    let mut forms = vec![whole.to_owned(), lower_escapes(&encoded), encoded];
    let mut hidden = vec![whole];
    if core.len() >= SHORTEST_CORE {
        forms.push(core.to_owned());
        hidden.push(core);
    }
    for text in hidden {
        for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            forms.extend((0..3).map(|offset| in_base64(text, offset, alphabet)));
        }
    }
    forms.sort_by_key(|form| std::cmp::Reverse(form.len())); // the whole before its parts
    forms.dedup();
    forms.into_iter().map(Zeroizing::new).collect()
}

/// The characters that base64 of any text with this in it has, if it begins `offset` bytes (0 to 2) after a group of three.
fn in_base64(text: &str, offset: usize, alphabet: &impl Engine) -> String {
    let encoded = alphabet.encode([&vec![0; offset], text.as_bytes()].concat());
    let settled = (offset + text.len()) * 8 / 6; // the next character also depends on what follows
    encoded[(offset * 8).div_ceil(6)..settled].to_owned()
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
    let finder = memmem::Finder::new(form);
    if finder.find(&text).is_none() {
        return text;
    }
    let mut clean = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in finder.find_iter(&text) {
        clean.extend_from_slice(&text[from..at]);
        clean.extend_from_slice(REPLACEMENT);
        from = at + form.len();
    }
    clean.extend_from_slice(&text[from..]);
    clean
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
        let core = "0123456789abcdef0123456789abcdef";
        for hidden in ["MLY|4223665974375089|0123456789abcdef0123456789abcdef", core] {
            for (before, after) in [("", ""), ("x", "y"), ("xx", "yyy"), ("{\"token\":\"", "\"}")] {
                for alphabet in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                    let found = token.scrub_text(&alphabet.encode(format!("{before}{hidden}{after}")));
                    assert!(found.contains("REDACTED") && found.len() < 40, "{before}…{after}: {found}");
                }
            }
        }
        assert_eq!(Secret::new("a+b/c|d=e f").scrub_text("q=a%2Bb%2Fc%7Cd%3De+f"), "q=REDACTED");
        assert_eq!(Secret::new("a").scrub_text("banana"), "banana", "too short to be a token");
    }
}
