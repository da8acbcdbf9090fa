//! The URL that people may see.

use std::fmt;
use url::Url;

/// Longer texts are cut: a batch of ids is no help in an error.
const LONGEST: usize = 240;

/// A URL without user name, password and the values of parameters that carry tokens; cut to a readable length.
#[derive(Clone, PartialEq, Eq)]
pub struct RedactedUrl(Box<str>);

impl RedactedUrl {
    /// Redacts a URL.
    pub fn new(url: &Url) -> Self {
        let mut text = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
        if let Some(port) = url.port() {
            text.push(':');
            text.push_str(&port.to_string());
        }
        text.push_str(url.path());
        for (number, pair) in url.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
            text.push(if number == 0 { '?' } else { '&' });
            match pair.split_once('=') {
                Some((name, _)) if is_telling(name) => text.extend([name, "=…"]),
                _ => text.push_str(pair),
            }
        }
        if text.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            text.truncate(end);
            text.push('…');
        }
        Self(text.into())
    }
}

fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "secret", "password", "signature", "key"].iter().any(|word| name.contains(word))
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_carries_a_token_is_hidden() {
        for (url, expected) in [
            (
                "https://tiles.example/2/14/1/2?access_token=MLY%7C1%7Cx",
                "https://tiles.example/2/14/1/2?access_token=…",
            ),
            ("https://u:p@h.example:8443/a?b=c&Client_Secret=d#f", "https://h.example:8443/a?b=c&Client_Secret=…"),
            ("http://127.0.0.1:80/x", "http://127.0.0.1/x"),
        ] {
            assert_eq!(RedactedUrl::new(&Url::parse(url).unwrap()).to_string(), expected);
        }
        let long = Url::parse(&format!("https://h.example/{}", "ü".repeat(400))).unwrap();
        assert!(RedactedUrl::new(&long).to_string().len() <= LONGEST + "…".len());
    }
}
