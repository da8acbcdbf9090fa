//! Requests: HTTP heads become questions, and questions have names.

use serde::Serialize;
use url::Url;

/// A longer head is refused.
pub(crate) const LARGEST_HEAD_BYTES: usize = 64 * 1024;
const MOST_HEADERS: usize = 64;

/// The parts of the service, as the log and the faults name them.
pub(crate) const ENDPOINTS: [&str; 9] = [
    "tiles",
    "image_ids",
    "images_by_id",
    "images_by_sequence",
    "images_by_user",
    "images_by_box",
    "entity",
    "me",
    "graphql",
];

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query, against an arbitrary host.
    pub(crate) url: Url,
    pub(crate) authorization: Option<String>,
    pub(crate) accepts_gzip: bool,
    /// Whether the connection can take another request after this one.
    pub(crate) stays_open: bool,
}

/// Bytes that are no HTTP head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoRequest;

impl Request {
    /// Reads a head and says how many bytes it took; `None` while it is not all there.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, NoRequest> {
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Request::new(&mut headers);
        let length = match head.parse(bytes).map_err(|_| NoRequest)? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial if bytes.len() > LARGEST_HEAD_BYTES => return Err(NoRequest),
            httparse::Status::Partial => return Ok(None),
        };
        let (Some(method), Some(path), Some(version)) = (head.method, head.path, head.version) else {
            return Err(NoRequest);
        };
        let header = |name: &str| {
            let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.map(|header| String::from_utf8_lossy(header.value).into_owned())
        };
        let says = |name: &str, word: &str| header(name).is_some_and(|value| value.to_ascii_lowercase().contains(word));
        // Only the path and the query count: an absolute target loses its host, a strange one its strangeness.
        let mut url = Url::parse("http://simulator/").map_err(|_| NoRequest)?;
        let target = Url::parse("http://simulator/").and_then(|base| base.join(path)).map_err(|_| NoRequest)?;
        url.set_path(target.path());
        url.set_query(target.query());
        let has_body = header("content-length").is_some_and(|length| length.trim() != "0")
            || header("transfer-encoding").is_some();
        let request = Self {
            method: method.to_owned(),
            url,
            authorization: header("authorization"),
            accepts_gzip: says("accept-encoding", "gzip"),
            stays_open: version == 1 && !says("connection", "close") && !has_body, // bodies are never read
        };
        Ok(Some((request, length)))
    }

    /// The token that it carries, wherever that stands.
    pub(crate) fn token(&self) -> Option<String> {
        let header = self.authorization.as_deref().map(|text| text.strip_prefix("OAuth ").unwrap_or(text).to_owned());
        header.or_else(|| self.query("access_token"))
    }

    pub(crate) fn query(&self, name: &str) -> Option<String> {
        self.url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Which part of the service is asked: one of [`ENDPOINTS`].
    pub(crate) fn endpoint(&self) -> &'static str {
        match self.url.path() {
            path if path.starts_with("/maps/vtp/") => "tiles",
            "/image_ids" => "image_ids",
            "/me" => "me",
            "/graphql" | "/graphql/" => "graphql",
            "/images" => {
                match ["image_ids", "sequence_ids", "creator_username"].map(|name| self.query(name).is_some()) {
                    [true, ..] => "images_by_id",
                    [_, true, _] => "images_by_sequence",
                    [.., true] => "images_by_user",
                    _ => "images_by_box",
                }
            }
            _ => "entity",
        }
    }

    pub(crate) fn record(&self, status: u16, bytes: usize, fault: Option<&'static str>) -> RequestRecord {
        let query = self.url.query_pairs().map(|(key, value)| {
            let value = if key == "access_token" { "REDACTED".into() } else { value };
            format!("{key}={value}")
        });
        RequestRecord {
            method: self.method.clone(),
            path: self.url.path().to_owned(),
            query: query.collect::<Vec<_>>().join("&"),
            endpoint: self.endpoint(),
            status,
            bytes,
            fault,
        }
    }
}

/// One request as it was seen; tokens are cut out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestRecord {
    /// HTTP method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query without the value of a token.
    pub query: String,
    /// Which part of the service.
    pub endpoint: &'static str,
    /// Status of the answer; 0 when the connection was closed instead.
    pub status: u16,
    /// Bytes of the answer's body as it was to be sent, before a fault cut it.
    pub bytes: usize,
    /// The fault that struck it.
    pub fault: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(case: &str, head: &str, expected: Option<(&str, bool)>) {
        let read = Request::read(head.as_bytes()).ok().flatten();
        let told = read.as_ref().map(|(request, length)| {
            assert_eq!(*length, head.len(), "{case}");
            (request.url.as_str(), request.stays_open)
        });
        assert_eq!(told, expected, "{case}");
    }

    #[test]
    fn heads_become_requests() {
        let url = "http://simulator/images?a=%7C";
        check("plain", "GET /images?a=%7C HTTP/1.1\r\n\r\n", Some((url, true)));
        check("an absolute target", "GET http://else.where/images?a=%7C HTTP/1.1\r\n\r\n", Some((url, true)));
        check("an old client", "GET /images?a=%7C HTTP/1.0\r\n\r\n", Some((url, false)));
        check("the last one", "GET /images?a=%7C HTTP/1.1\r\nConnection: Close\r\n\r\n", Some((url, false)));
        check("a body follows", "POST /images?a=%7C HTTP/1.1\r\nContent-Length: 2\r\n\r\n", Some((url, false)));
        check("not all there", "GET /images HTTP/1.1\r\n", None);
        check("no HTTP", "\u{0}\u{1}\r\n\r\n", None);
    }

    #[test]
    fn a_head_that_never_ends_is_refused() {
        let head = format!("GET /{} HTTP/1.1\r\n", "x".repeat(LARGEST_HEAD_BYTES));
        assert_eq!(Request::read(head.as_bytes()), Err(NoRequest));
    }

    #[test]
    fn records_hold_no_token() {
        let head = "GET /x?access_token=MLY%7C1%7Csecret&b=1 HTTP/1.1\r\nAuthorization: OAuth secret\r\n\r\n";
        let (request, _) = Request::read(head.as_bytes()).unwrap().unwrap();
        let record = serde_json::to_string(&request.record(200, 7, Some("slow"))).unwrap();
        assert!(!record.contains("secret") && record.contains("REDACTED&b=1"), "{record}");
    }
}
