//! One upload as the feed tells it: the service's own words, which are an open list.

use crate::node::Node;
use capture_model::{CapturedAt, ClusterId, ImageId};
use serde_json::{Map, Value, json};

/// What the feed says of one upload. Words are the service's, in lower case; `None` is what it does not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The upload.
    pub cluster_id: ClusterId,
    /// `upload`, as far as is known.
    pub kind: Option<String>,
    /// The whole of it.
    pub status: Option<String>,
    /// First stage; the recorded feed has no word for it.
    pub ingestion: Option<String>,
    /// Second stage: image processing.
    pub initial_processing: Option<String>,
    /// Third stage, as the web app shows it: map data processing.
    pub anonymization: Option<String>,
    /// Fourth stage: map update.
    pub tiler: Option<String>,
    /// What went wrong, as the service writes it; `None` for `UNSET` and its like.
    pub error_code: Option<String>,
    /// Images in it; unknown while it is in work.
    pub item_count: Option<u64>,
    /// One image of it; unknown while it is in work.
    pub image_id: Option<ImageId>,
    /// When it was uploaded, to the second.
    pub created_at: Option<CapturedAt>,
    /// When its first image was taken, to the second.
    pub captured_at: Option<CapturedAt>,
    /// Time zone of the place, as the service writes it.
    pub timezone: Option<String>,
}

/// What a status word means, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// No word at all, or one that says so.
    Unsaid,
    /// `finished`.
    Finished,
    /// `in_progress`.
    InProgress,
    /// A word that speaks of a failure. None was ever recorded.
    Failed,
    /// Any other word: kept, and taken for "not finished".
    Other,
}

/// Reads a status word.
pub fn meaning(word: Option<&str>) -> Meaning {
    let Some(word) = word else { return Meaning::Unsaid };
    match word {
        "" | "unset" | "none" | "null" => Meaning::Unsaid,
        "finished" => Meaning::Finished,
        "in_progress" => Meaning::InProgress,
        word if ["fail", "error", "reject", "abort"].iter().any(|part| word.contains(part)) => Meaning::Failed,
        _ => Meaning::Other,
    }
}

impl Upload {
    /// `None` for an item without a usable cluster id.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        let word = |key| node.text(key).map(|word| word.to_lowercase());
        let code = node.text("error_code");
        Some(Self {
            cluster_id: ClusterId(node.id("cluster_id").filter(|&id| id != 0)?),
            kind: word("type"),
            status: word("status"),
            ingestion: word("ingestion_status"),
            initial_processing: word("initial_processing_status"),
            anonymization: word("anonymization_status"),
            tiler: word("tiler_status"),
            error_code: code.filter(|code| !["UNSET", "NONE", "NULL", "0"].contains(&code.to_uppercase().as_str())),
            item_count: node.count("item_count"),
            image_id: node.id("image_id").filter(|&id| id != 0).map(ImageId),
            created_at: node.moment("created_at_seconds"),
            captured_at: node.moment("captured_at_seconds"),
            timezone: node.text("timezone"),
        })
    }

    /// The upload as JSON, under the feed's own keys; [`Self::recall`] reads it back.
    pub fn remember(&self) -> Value {
        let seconds = |time: Option<CapturedAt>| time.map(|time| time.epoch_ms() / 1_000);
        let all = json!({
            "cluster_id": self.cluster_id.to_string(),
            "type": self.kind,
            "status": self.status,
            "ingestion_status": self.ingestion,
            "initial_processing_status": self.initial_processing,
            "anonymization_status": self.anonymization,
            "tiler_status": self.tiler,
            "error_code": self.error_code,
            "item_count": self.item_count,
            "image_id": self.image_id.map(|id| id.to_string()),
            "created_at_seconds": seconds(self.created_at),
            "captured_at_seconds": seconds(self.captured_at),
            "timezone": self.timezone,
        });
        let Value::Object(all) = all else { unreachable!("an object was written") };
        Value::Object(all.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
    }

    /// Reads what [`Self::remember`] wrote.
    pub fn recall(value: &Value) -> Option<Self> {
        Self::of(&Node(value.as_object()?.clone()))
    }

    /// The four stages in their order.
    pub(crate) fn stages(&self) -> [Meaning; 4] {
        [&self.ingestion, &self.initial_processing, &self.anonymization, &self.tiler]
            .map(|word| meaning(word.as_deref()))
    }

    /// How much the item tells; of two items of one upload the one that tells more counts.
    pub(crate) fn weight(&self) -> u32 {
        let of = |meaning| match meaning {
            Meaning::Unsaid => 0,
            Meaning::Other => 1,
            Meaning::InProgress => 2,
            Meaning::Finished => 3,
            Meaning::Failed => 4,
        };
        let words = self.stages().into_iter().chain([meaning(self.status.as_deref())]);
        words.map(of).sum::<u32>() + 4 * u32::from(self.error_code.is_some()) + 2 * u32::from(self.image_id.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn upload(json: Value) -> Option<Upload> {
        Upload::of(&Node(json.as_object()?.clone()))
    }

    #[test]
    fn words_are_an_open_list() {
        for (word, expected) in [
            (None, Meaning::Unsaid),
            (Some("unset"), Meaning::Unsaid),
            (Some("finished"), Meaning::Finished),
            (Some("in_progress"), Meaning::InProgress),
            (Some("failed"), Meaning::Failed),
            (Some("processing_error"), Meaning::Failed),
            (Some("on_hold"), Meaning::Other),
        ] {
            assert_eq!(meaning(word), expected, "{word:?}");
        }
        let odd =
            upload(json!({"cluster_id": 5, "status": "ON_HOLD", "error_code": "UNSET", "new": {"a": 1}})).unwrap();
        assert_eq!((odd.status.as_deref(), odd.error_code), (Some("on_hold"), None));
        for id in [json!(null), json!("x"), json!(0), json!(1.5), json!([1])] {
            assert_eq!(upload(json!({"cluster_id": id})), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_remembered_is_recalled(
            id in 1..u64::MAX, word in "[a-z_]{1,20}", code in "[A-Z_]{6,20}", count in proptest::option::of(any::<u64>()),
            time in proptest::option::of(1..4_000_000_000_i64),
        ) {
            let known = upload(json!({
                "cluster_id": id.to_string(), "type": "UPLOAD", "status": word, "tiler_status": word, "error_code": code,
                "item_count": count, "created_at_seconds": time, "timezone": "EUROPE_MADRID",
            })).unwrap();
            prop_assert_eq!(Upload::recall(&known.remember()), Some(known));
        }

        #[test]
        fn no_item_of_any_shape_panics(
            keys in proptest::collection::vec(prop::sample::select(&["cluster_id", "status", "item_count", "created_at_seconds"][..]), 0..4),
            values in proptest::collection::vec(prop_oneof![
                Just(json!(null)), Just(json!([{}])), Just(json!({"a": 1})), Just(json!(true)), any::<f64>().prop_map(|f| json!(f)),
                any::<i64>().prop_map(|i| json!(i)), ".{0,40}".prop_map(|text| json!(text)),
            ], 4),
        ) {
            let node: Map<String, Value> = keys.iter().map(|key| (*key).to_owned()).zip(values).collect();
            if let Some(upload) = Upload::of(&Node(node)) {
                let _ = (upload.weight(), upload.remember());
            }
        }
    }
}
