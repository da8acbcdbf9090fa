//! What a reply of the service means. The error code in the body decides, then the status.
//!
//! The service reports a missing token as HTTP 500 (code 190), a missing image as 400 (code 100, subcode 33), a spent
//! quota as 403 (code 4) and "ask for less" as 500 (code 1), and may put an error envelope into a 200. The tile host
//! answers too many requests with a redirect to a login page, and an empty tile with 204, 404 or an empty 200.

use crate::page::{Collector, Document, ErrorEnvelope, read_document};
use polite_http::{Class, Classify, Reading, Refusal, Reply, retry_after};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// Kinds of stored answers; freshness goes by them.
pub(crate) const TILE: &str = "tile";
pub(crate) const EMPTY_TILE: &str = "empty_tile";
pub(crate) const EMPTY_TILE_CONFIRMED: &str = "empty_tile_confirmed";
pub(crate) const IMAGE_IDS: &str = "image_ids";
pub(crate) const IMAGES: &str = "images";
pub(crate) const USER_PAGE: &str = "user_page";

/// Error bodies are short; a longer one is no envelope.
const LONGEST_ENVELOPE: usize = 64 << 10;

/// What an answer must be about.
#[derive(Debug, Clone)]
pub(crate) enum About {
    /// Images of these sequences.
    Sequences(BTreeSet<String>),
    /// These images.
    Images(BTreeSet<u64>),
    /// Anything.
    Anything,
}

/// Reads replies of the Graph API that should be a list.
pub(crate) struct GraphList {
    pub(crate) kind: &'static str,
    pub(crate) about: About,
}

impl Classify for GraphList {
    fn classify(&self, reply: &Reply) -> Reading {
        let mut reading = self.meaning(reply);
        reading.usage_percent = usage_percent(reply);
        reading
    }
}

impl GraphList {
    fn meaning(&self, reply: &Reply) -> Reading {
        if reply.status != 200 {
            let reading = failure(reply);
            // A list is always somewhere: that the path is unknown is a gateway's word, unless the service says so itself.
            let is_transient = matches!(reply.status, 404 | 410) && envelope_of(reply).is_none();
            return if is_transient { Reading { class: Class::Transient, ..reading } } else { reading };
        }
        let mut collector = Collector::of_answer();
        let document = match read_document(&reply.body, &mut collector) {
            Ok(document) => document,
            Err(error) if error.is_eof() => {
                return Reading::new(Class::Transient).with_detail("an answer that was cut short");
            }
            Err(_) => return Reading::new(Class::Nonsense).with_detail(beginning(&reply.body)),
        };
        match self.objection(&document, &collector) {
            _ if document.error.is_some() => failure(reply),
            Some(objection) => Reading::new(Class::Nonsense).with_detail(objection),
            None => Reading::new(Class::Answer { kind: self.kind }),
        }
    }

    fn objection(&self, document: &Document, collector: &Collector) -> Option<String> {
        if !document.is_list {
            return Some("JSON without a list of data".to_owned());
        }
        if collector.n_beyond > 0 {
            return Some(format!("a list of {} images", collector.images.len() as u64 + collector.n_beyond));
        }
        if collector.images.is_empty() && collector.n_problems > 0 {
            return Some(format!("a list of {} elements, none of them an image", collector.n_problems));
        }
        collector.images.iter().find_map(|image| match &self.about {
            About::Anything => None,
            About::Images(asked) => {
                (!asked.contains(&image.id.0)).then(|| format!("image {}, which was not asked for", image.id))
            }
            About::Sequences(asked) => {
                let sequence = image.sequence.as_ref()?;
                let foreign = !asked.contains(sequence.as_str());
                foreign.then(|| format!("image {} of sequence {sequence}, which was not asked for", image.id))
            }
        })
    }
}

/// Reads replies of the tile host.
pub(crate) struct TileReply {
    /// Kind of an empty answer.
    pub(crate) empty_kind: &'static str,
}

impl Classify for TileReply {
    fn classify(&self, reply: &Reply) -> Reading {
        let is_page = reply.header("content-type").is_some_and(|kind| kind.starts_with("text/html"))
            || reply.body.first() == Some(&b'<');
        let empty = || Reading::new(Class::Answer { kind: self.empty_kind });
        match reply.status {
            300..=399 => {
                Reading::new(Class::Throttled { wait: wait_of(reply) }).with_detail("a redirect to a login page")
            }
            200 if reply.body.first() == Some(&b'{') => failure(reply),
            204 => empty(),
            404 => match failure(reply) {
                reading if matches!(reading.class, Class::Refused(Refusal::Gone | Refusal::Question)) => empty(),
                refusal => refusal,
            },
            200 if is_page => {
                Reading::new(Class::Throttled { wait: wait_of(reply) }).with_detail("a page instead of a tile")
            }
            200 if reply.body.is_empty() => empty(),
            200 if is_framed(&reply.body) => Reading::new(Class::Answer { kind: TILE }),
            200 => Reading::new(Class::Nonsense).with_detail("bytes that are not a whole vector tile"),
            403 => match failure(reply) {
                // The tile host has no permissions of its own: what it forbids is the token.
                Reading { class: Class::Refused(Refusal::Permission), detail, .. } => {
                    Reading::new(Class::Refused(Refusal::Token)).with_detail(detail)
                }
                reading => reading,
            },
            _ => failure(reply),
        }
    }
}

/// Whether the bytes are a sequence of whole length-delimited fields, layers among them; a body that was cut is not.
/// A gzip member is left to the decoder, which checks its sum.
fn is_framed(mut bytes: &[u8]) -> bool {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return true;
    }
    let mut has_layer = false;
    while !bytes.is_empty() {
        let Some(key) = take_varint(&mut bytes) else { return false };
        let size = match key & 7 {
            0 => match take_varint(&mut bytes) {
                Some(_) => 0,
                None => return false,
            },
            1 => 8,
            2 => match take_varint(&mut bytes).map(usize::try_from) {
                Some(Ok(size)) => size,
                _ => return false,
            },
            5 => 4,
            _ => return false,
        };
        has_layer |= key >> 3 == 3 && key & 7 == 2;
        match bytes.get(size..) {
            Some(rest) => bytes = rest,
            None => return false,
        }
    }
    has_layer
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A reply that is no answer: by the code of its envelope, else by its status.
pub(crate) fn failure(reply: &Reply) -> Reading {
    let envelope = envelope_of(reply);
    let value: Value = serde_json::from_slice(short_body(reply)).unwrap_or_default();
    let wait = backoff(&value).or_else(|| wait_of(reply));
    let class = match &envelope {
        Some(envelope) => by_code(envelope, wait).unwrap_or_else(|| by_status(reply.status, wait)),
        None => by_status(reply.status, wait),
    };
    let words = match envelope {
        Some(envelope) => match envelope.code {
            Some(code) => format!("HTTP {}, code {code}: {}", reply.status, envelope.message),
            None => format!("HTTP {}: {}", reply.status, envelope.message),
        },
        None if reply.body.is_empty() => format!("HTTP {}", reply.status),
        None => format!("HTTP {}, {}", reply.status, beginning(&reply.body)),
    };
    Reading::new(class).with_detail(words)
}

fn short_body(reply: &Reply) -> &[u8] {
    if reply.body.len() <= LONGEST_ENVELOPE { reply.body.as_slice() } else { &[] }
}

fn envelope_of(reply: &Reply) -> Option<ErrorEnvelope> {
    read_document(short_body(reply), &mut Collector::default()).ok().and_then(|document| document.error)
}

fn by_code(envelope: &ErrorEnvelope, wait: Option<Duration>) -> Option<Class> {
    let asks_for_less = envelope.message.to_ascii_lowercase().contains("reduce the amount");
    Some(match envelope.code? {
        1 if asks_for_less => Class::TooMuch,
        -1 | 1 | 2 => Class::Transient,
        4 | 17 | 32 | 341 | 613 | 80_000..=80_014 => Class::Throttled { wait },
        102 | 190 => Class::Refused(Refusal::Token),
        368 => Class::Refused(Refusal::Blocked),
        10 | 200..=299 => Class::Refused(Refusal::Permission),
        100 if envelope.subcode == Some(33) => Class::Refused(Refusal::Gone),
        803 => Class::Refused(Refusal::Gone),
        100 => Class::Refused(Refusal::Question),
        _ if envelope.kind == "RequestRateLimitedError" => Class::Throttled { wait },
        _ if envelope.is_transient == Some(true) => Class::Transient,
        _ => return None,
    })
}

fn by_status(status: u16, wait: Option<Duration>) -> Class {
    match status {
        429 | 300..=399 => Class::Throttled { wait },
        503 if wait.is_some() => Class::Throttled { wait },
        401 => Class::Refused(Refusal::Token),
        403 => Class::Refused(Refusal::Permission),
        404 | 410 => Class::Refused(Refusal::Gone),
        408 | 425 | 500..=599 => Class::Transient,
        400..=499 => Class::Refused(Refusal::Question),
        _ => Class::Nonsense,
    }
}

fn wait_of(reply: &Reply) -> Option<Duration> {
    retry_after(reply.header("retry-after")?, SystemTime::now())
}

/// `backoff` in milliseconds, at the top or inside `error`: what the service's own client obeys first.
fn backoff(value: &Value) -> Option<Duration> {
    let ms = value.get("backoff").or_else(|| value.get("error")?.get("backoff"))?.as_f64()?;
    (0.0..1e12).contains(&ms).then(|| Duration::from_secs_f64(ms / 1_000.0))
}

/// The largest percentage in `x-app-usage` (`{"call_count":28,"total_time":25,…}`) or in the lists of
/// `x-business-use-case-usage`.
fn usage_percent(reply: &Reply) -> Option<f64> {
    let headers = ["x-app-usage", "x-business-use-case-usage"];
    let values = headers.iter().filter_map(|name| serde_json::from_str::<Value>(reply.header(name)?).ok());
    values.filter_map(|value| largest_percent(&value)).max_by(f64::total_cmp)
}

fn largest_percent(value: &Value) -> Option<f64> {
    match value {
        Value::Object(map) => {
            let percents = map.iter().filter_map(|(name, value)| match name.as_str() {
                "call_count" | "call_volume" | "total_time" | "total_cputime" | "cpu_time" => value.as_f64(),
                _ => largest_percent(value),
            });
            percents.max_by(f64::total_cmp)
        }
        Value::Array(list) => list.iter().filter_map(largest_percent).max_by(f64::total_cmp),
        _ => None,
    }
}

/// The first words of a body that should have been something else.
fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(80)]);
    format!("a body that begins with {:?}", text.trim())
}

#[cfg(test)]
mod tests;
