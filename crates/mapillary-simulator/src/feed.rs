//! The web app's activity feed, undocumented on the real service: `/graphql` with the text of a question or its number.
//!
//! Without a script every sequence of a contributor is one finished upload. A script ([`Feeds`], JSON) says more: whose
//! uploads go through which words, vanish, come twice; what is hidden until when; pages that lead in a circle; a largest
//! page. Its clock is the number of times that somebody has asked for a first page ([`crate::Simulator::next_round`] moves
//! it by hand), so a test decides how long anything takes.

use crate::habits::Habits;
use crate::reply::Reply;
use crate::request::Request;
use crate::routes::{too_much, unknown_object};
use crate::world::World;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What the web app asks for.
const USUAL_PAGE: u64 = 50;

/// Activity feeds of some users.
///
/// ```
/// let feeds: mapillary_simulator::Feeds = serde_json::from_str(r#"{"users": [{"id": "7", "username": "anna", "uploads": [
///     {"cluster_id": "5", "status": "IN_PROGRESS", "image_id": null,
///      "steps": [{"after": 2, "set": {"status": "FINISHED", "image_id": "498763468214164"}}]}]}]}"#)?;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feeds {
    /// Users; any other name is nobody's.
    users: Vec<User>,
    /// Owner of every token that asks `/me`; without one, tokens are a client's and have none.
    #[serde(default)]
    me: Option<String>,
    /// The texts that are known, by operation; an operation that is not listed is known by its name.
    #[serde(default)]
    documents: BTreeMap<String, String>,
    /// Operations by their number.
    #[serde(default)]
    doc_ids: BTreeMap<String, String>,
    /// A larger page is "too much data".
    #[serde(default)]
    largest_page: Option<u64>,
    /// How cursors behave.
    #[serde(default)]
    cursors: Cursors,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cursors {
    /// Each page leads to the next, the last to none.
    #[default]
    Straight,
    /// The last page leads to the first.
    Loop,
    /// Every page says that more follows, and none says where.
    Lost,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    id: String,
    username: String,
    /// Newest first.
    #[serde(default)]
    uploads: Vec<Scripted>,
    /// Sequences that are new, by the round from which on they are told.
    #[serde(default)]
    new_sequences: BTreeMap<String, u64>,
    /// What is new is too much to tell.
    #[serde(default)]
    too_busy: bool,
    /// Sequences that nobody can read before a round.
    #[serde(default)]
    readable_from: BTreeMap<String, u64>,
    /// Sequences that no tile shows before a round.
    #[serde(default)]
    in_tiles_from: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Scripted {
    #[serde(default)]
    steps: Vec<Step>,
    /// The item as it begins, any keys.
    #[serde(flatten)]
    item: Map<String, Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// From this round on.
    after: u64,
    /// Keys that change.
    #[serde(default)]
    set: Map<String, Value>,
    /// Whether the item is gone.
    #[serde(default)]
    absent: bool,
}

impl Scripted {
    /// The item in a round; `None` while it is not there.
    fn at(&self, round: u64) -> Option<Map<String, Value>> {
        let (mut item, mut is_absent) = (self.item.clone(), false);
        for step in self.steps.iter().filter(|step| step.after <= round) {
            is_absent = step.absent;
            item.extend(step.set.clone());
        }
        (!is_absent).then_some(item)
    }
}

impl Feeds {
    /// Every sequence of a contributor as one finished upload, newest first. Cluster ids follow from the sequence's key.
    pub(crate) fn of_world(world: &World) -> Self {
        let users = world.users().map(|(id, username, sequences)| {
            let uploads = sequences.into_iter().map(|(key, images)| {
                let seconds = images.first().and_then(|image| image.captured_at_ms).map(|ms| ms / 1_000);
                let item = json!({
                    "cluster_id": cluster_of(key).to_string(), "type": "UPLOAD", "created_at_seconds": seconds.map(|s| s + 3_600),
                    "captured_at_seconds": seconds, "thumb_url": null, "item_count": images.len(),
                    "image_id": images.first().map(|image| image.id.to_string()), "status": "FINISHED",
                    "initial_processing_status": "FINISHED", "anonymization_status": "FINISHED", "tiler_status": "FINISHED",
                    "error_code": "UNSET", "timezone": "ETC_UTC", "__typename": "ClusterLatestActivityItem",
                });
                let Value::Object(item) = item else { unreachable!("an object was written") };
                Scripted { steps: Vec::new(), item }
            });
            User {
                id: id.to_string(),
                username: username.to_owned(),
                uploads: uploads.collect(),
                new_sequences: BTreeMap::new(),
                too_busy: false,
                readable_from: BTreeMap::new(),
                in_tiles_from: BTreeMap::new(),
            }
        });
        Self { users: users.collect(), ..Self::default() }
    }

    /// The habits of the other endpoints in a round: what is hidden is hidden everywhere.
    pub(crate) fn habits(&self, round: u64, world: &World, habits: &Habits) -> Habits {
        let mut habits = habits.clone();
        for user in &self.users {
            let hidden = |list: &BTreeMap<String, u64>| -> Vec<String> {
                list.iter().filter(|(_, from)| **from > round).map(|(key, _)| key.clone()).collect()
            };
            for key in hidden(&user.readable_from) {
                habits.hidden_images.extend(world.sequence(&key).map(|image| image.id));
                habits.hidden_sequences.insert(key);
            }
            habits.hidden_sequences.extend(hidden(&user.in_tiles_from));
        }
        habits
    }

    /// Whether anything is hidden at any time.
    pub(crate) fn hides(&self) -> bool {
        self.users.iter().any(|user| !user.readable_from.is_empty() || !user.in_tiles_from.is_empty())
    }

    /// `/me`.
    pub(crate) fn me(&self) -> Reply {
        match self.me.as_ref().and_then(|name| self.users.iter().find(|user| user.username == *name)) {
            Some(user) => Reply::json(200, &json!({"id": user.id, "username": user.username})),
            None => unknown_object("me"),
        }
    }

    /// Whether a request asks for a first page of uploads: that is what moves the clock.
    pub(crate) fn begins_a_round(&self, request: &Request) -> bool {
        self.operation(request).as_deref() == Some("getLatestActivity") && variables(request)["after"].is_null()
    }

    /// The answer to a question in a round.
    pub(crate) fn answer(&self, request: &Request, round: u64) -> Reply {
        let Some(operation) = self.operation(request) else {
            return Reply::json(200, &json!({"errors": [{"message": "Unknown query", "code": 1_675_002}]}));
        };
        let asked = variables(request);
        match operation.as_str() {
            "getLatestActivity" => self.activity(&asked, round),
            "getNewSequences" => self.new_sequences(&asked, round),
            _ => self.data(&asked),
        }
    }

    /// Which question is asked, if its text or number is known.
    fn operation(&self, request: &Request) -> Option<String> {
        if let Some(number) = request.query("doc_id") {
            return self.doc_ids.get(&number).cloned();
        }
        let text = request.query("doc")?;
        let name = ["getLatestActivity", "getNewSequences", "getData"].into_iter().find(|name| {
            text.trim_start()
                .strip_prefix("query ")
                .is_some_and(|rest| rest.trim_start().starts_with(&format!("{name}(")))
        })?;
        let is_known = self.documents.get(name).is_none_or(|known| *known == text);
        is_known.then(|| name.to_owned())
    }

    fn named(&self, asked: &Value) -> Option<&User> {
        self.users.iter().find(|user| asked["username"] == json!(user.username))
    }

    fn data(&self, asked: &Value) -> Reply {
        answered(
            "user_by_username",
            self.named(asked).map(|user| json!({"id": user.id, "username": user.username, "__typename": "User"})),
        )
    }

    fn new_sequences(&self, asked: &Value, round: u64) -> Reply {
        let Some(user) = self.named(asked) else { return answered("user_by_username", None) };
        if user.too_busy {
            return too_much();
        }
        let keys: Vec<&String> =
            user.new_sequences.iter().filter(|(_, from)| **from <= round).map(|(key, _)| key).collect();
        let drawing = json!({"type": "FeatureCollection", "features": []}).to_string();
        let new = json!({"sequence_keys": keys, "geojson": drawing, "__typename": "MLYNewSequencesData"});
        answered("user_by_username", Some(json!({"id": user.id, "new_sequences": new, "__typename": "User"})))
    }

    fn activity(&self, asked: &Value, round: u64) -> Reply {
        let Some(user) = self.users.iter().find(|user| asked["id"] == json!(user.id)) else {
            return answered("fetch__User", None);
        };
        let first = asked["first"].as_u64().unwrap_or(USUAL_PAGE).max(1);
        if self.largest_page.is_some_and(|largest| first > largest) {
            return too_much();
        }
        let items: Vec<_> = user.uploads.iter().filter_map(|upload| upload.at(round)).collect();
        let from = asked["after"].as_str().and_then(from_cursor).unwrap_or(0).min(items.len());
        let to = from.saturating_add(first as usize).min(items.len());
        let (has_next, end) = match self.cursors {
            Cursors::Straight => (to < items.len(), Some(to)),
            Cursors::Loop => (true, Some(if to < items.len() { to } else { 0 })),
            Cursors::Lost => (true, None),
        };
        let info = json!({
            "start_cursor": (from > 0).then(|| to_cursor(from)), "end_cursor": end.map(to_cursor), "has_next_page": has_next,
            "has_previous_page": from > 0,
        });
        answered("fetch__User", Some(json!({"id": user.id, "feed": {"page_info": info, "nodes": items[from..to]}})))
    }
}

fn answered(root: &str, value: Option<Value>) -> Reply {
    Reply::json(200, &json!({"data": {root: value}, "extensions": {"is_final": true}}))
}

fn variables(request: &Request) -> Value {
    request.query("variables").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Opaque to whoever gets it.
fn to_cursor(at: usize) -> String {
    format!("AQHR{at:016x}-0uA")
}

fn from_cursor(cursor: &str) -> Option<usize> {
    usize::from_str_radix(cursor.strip_prefix("AQHR")?.strip_suffix("-0uA")?, 16).ok()
}

/// 15 digits that follow from the key alone (FNV-1a).
fn cluster_of(key: &str) -> u64 {
    let hash = key
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    100_000_000_000_000 + hash % 900_000_000_000_000
}

#[cfg(test)]
mod tests;
