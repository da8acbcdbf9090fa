//! Map tiles behind the photos, only for those who ask for them: a page with a basemap asks the network.

use serde_json::{Value, json};

/// Raster tiles of a server, by a template with `{z}`, `{x}` and `{y}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basemap {
    template: String,
    host: String,
}

impl Basemap {
    /// OpenStreetMap's own tiles.
    pub const OPENSTREETMAP: &str = "https://tile.openstreetmap.org/{z}/{x}/{y}.png";

    /// A basemap by its template; why not, as a sentence, where the template is none. Only `https`, and only signs that
    /// mean nothing in the page's policy.
    pub fn from_template(template: &str) -> Result<Self, String> {
        let rest = template.strip_prefix("https://").ok_or("a basemap's URL begins with https://")?;
        let host = rest.split('/').next().unwrap_or_default();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_plain) {
            return Err("a basemap's URL names a host, such as https://tile.example.org/{z}/{x}/{y}.png".to_owned());
        }
        if !["{z}", "{x}", "{y}"].iter().all(|part| rest.contains(part)) {
            return Err("a basemap's URL holds {z}, {x} and {y}".to_owned());
        }
        if !rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"'<>;,\\`".contains(&byte)) {
            return Err("a basemap's URL is plain ASCII without quotes".to_owned());
        }
        Ok(Self { template: template.to_owned(), host: host.to_owned() })
    }

    pub(super) fn origin(&self) -> String {
        format!("https://{}", self.host)
    }

    pub(super) fn told(&self) -> Value {
        let credit =
            if self.template == Self::OPENSTREETMAP { "© OpenStreetMap contributors" } else { self.host.as_str() };
        json!({"template": self.template, "host": self.host, "credit": credit})
    }
}

impl std::str::FromStr for Basemap {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::from_template(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_https_templates_are_taken() {
        assert_eq!(Basemap::from_template(Basemap::OPENSTREETMAP).unwrap().origin(), "https://tile.openstreetmap.org");
        for bad in [
            "http://a.org/{z}/{x}/{y}.png",
            "https://a.org/{z}/{x}.png",
            "https:///{z}/{x}/{y}",
            "https://a.org; script-src *;/{z}/{x}/{y}",
            "https://a.org/{z}/{x}/{y}'\"",
            "https://user@a.org/{z}/{x}/{y}",
        ] {
            assert!(Basemap::from_template(bad).is_err(), "{bad}");
        }
    }
}
