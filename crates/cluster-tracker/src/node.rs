//! One item of the feed as it came: every key and value is kept, known or not.

use capture_model::CapturedAt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Longer texts are no status, code or zone; they are cut.
const LONGEST_TEXT: usize = 200;
/// The year 9999 and what lies beyond the calendar of a report.
const LATEST_S: i64 = 253_402_300_799;

/// An item of the feed. Reading and writing it again gives the same JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Node(pub(crate) Map<String, Value>);

impl Node {
    /// An id with all its digits, as text or as a whole number; a float has lost some and is none.
    pub(crate) fn id(&self, key: &str) -> Option<u64> {
        id_of(self.0.get(key)?)
    }

    /// A text that is not empty. Numbers and truths count as their words: the service may change its mind.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let text = match self.0.get(key)? {
            Value::String(text) => text.trim().chars().take(LONGEST_TEXT).collect(),
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(text).filter(|text: &String| !text.is_empty())
    }

    /// A whole number from 0 on.
    pub(crate) fn count(&self, key: &str) -> Option<u64> {
        id_of(self.0.get(key)?)
    }

    /// A moment given in seconds since the Unix epoch; 0 stands for none.
    pub(crate) fn moment(&self, key: &str) -> Option<CapturedAt> {
        let seconds = match self.0.get(key)? {
            Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        (1..=LATEST_S).contains(&seconds).then(|| CapturedAt::from_epoch_ms(seconds * 1_000))
    }
}

/// A decimal id, text or whole number.
pub(crate) fn id_of(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse::<capture_model::ClusterId>().ok().map(|id| id.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_for_what_they_mean_and_kept_as_they_are() {
        let text = r#"{"cluster_id":26858300993768842,"image_id":"26858300993768843","status":7,"timezone":" ","x":[{"y":null}],
            "created_at_seconds":"1683759912","captured_at_seconds":1683629036.0,"item_count":43,"float_id":2.6858300993768842e16}"#;
        let node: Node = serde_json::from_str(text).unwrap();
        assert_eq!(
            (node.id("cluster_id"), node.id("image_id")),
            (Some(26_858_300_993_768_842), Some(26_858_300_993_768_843))
        );
        assert_eq!((node.id("float_id"), node.id("x"), node.id("none")), (None, None, None));
        assert_eq!((node.text("status"), node.text("timezone"), node.text("x")), (Some("7".to_owned()), None, None));
        assert_eq!(node.moment("created_at_seconds"), Some(CapturedAt::from_epoch_ms(1_683_759_912_000)));
        assert_eq!(node.moment("captured_at_seconds"), Some(CapturedAt::from_epoch_ms(1_683_629_036_000)));
        assert_eq!(node.count("item_count"), Some(43));
        let again: Value = serde_json::to_value(&node).unwrap();
        assert_eq!(again, serde_json::from_str::<Value>(text).unwrap());
    }
}
