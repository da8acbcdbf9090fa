//! Answers before they meet a socket.

use crate::stored::Stored;
use serde_json::{Value, json};

/// One HTTP answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::json_text(status, value.to_string().into_bytes())
    }

    pub(crate) fn json_text(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: vec![("Content-Type", "application/json; charset=UTF-8".to_owned())], body }
    }

    /// `{"data":[…]}` of the asked fields; `tail` is what follows the list.
    pub(crate) fn list<'a>(images: impl IntoIterator<Item = &'a Stored>, fields: &[&str], tail: &str) -> Self {
        let mut body = b"{\"data\":[".to_vec();
        for (number, image) in images.into_iter().enumerate() {
            if number > 0 {
                body.push(b',');
            }
            image.write_fields(fields, &mut body);
        }
        body.push(b']');
        body.extend(tail.as_bytes());
        body.push(b'}');
        Self::json_text(200, body)
    }

    pub(crate) fn html(status: u16, text: &str) -> Self {
        Self { status, headers: vec![("Content-Type", "text/html".to_owned())], body: text.as_bytes().to_vec() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn tile(body: Vec<u8>) -> Self {
        Self { status: 200, headers: vec![("Content-Type", "application/x-protobuf".to_owned())], body }
    }

    /// The error envelope of the Graph API.
    pub(crate) fn error(status: u16, code: i64, kind: &str, message: &str) -> Self {
        Self::json(
            status,
            &json!({"error": {"message": message, "type": kind, "code": code, "fbtrace_id": "simulated"}}),
        )
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
