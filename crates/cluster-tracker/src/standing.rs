//! What all that is known of an upload amounts to: the feed's words, and what can be seen by documented calls.
//!
//! # Method
//! The web app shows four stages: ingestion, image processing, map data processing, map update. An upload stands at the
//! first of them that is not finished. Words that nobody has recorded count as "not finished" and are shown as they are.
//! What can be seen outweighs what is said: an image that can be read has passed image processing, and one that the
//! coverage tiles show has passed everything. An error code, or a word that speaks of failure, makes a failure unless the
//! tiles show the opposite. That something takes long is an observation and never a verdict.

use crate::{Meaning, Upload, error_codes::in_plain_words, meaning};
use capture_model::CapturedAt;
use serde::{Deserialize, Serialize};

/// Uploads are usually done within this; one that takes longer is said to take long.
pub const USUALLY_DONE_AFTER: std::time::Duration = std::time::Duration::from_hours(72);
const HOUR_MS: i64 = 3_600_000;

/// The stages, and what comes after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Being taken in.
    Ingestion,
    /// Images are being made readable.
    ImageProcessing,
    /// The map's data are being made.
    MapData,
    /// The map is being redrawn.
    MapUpdate,
    /// The coverage tiles show it.
    InTiles,
}

impl Stage {
    const WORKED: [Self; 4] = [Self::Ingestion, Self::ImageProcessing, Self::MapData, Self::MapUpdate];

    /// The word of the `stage` columns.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingestion => "ingestion",
            Self::ImageProcessing => "image_processing",
            Self::MapData => "map_data",
            Self::MapUpdate => "map_update",
            Self::InTiles => "in_tiles",
        }
    }
}

/// What documented calls show of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seen {
    /// Nobody looked, or nobody could.
    #[default]
    Unchecked,
    /// Its images cannot be read.
    Invisible,
    /// An image can be read, and the tiles do not show it.
    Visible,
    /// The coverage tiles show it.
    InTiles,
}

/// What an upload's standing comes down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The feed does not answer, and nothing can be seen.
    Unknown,
    /// It is nowhere.
    NotFound,
    /// In work, images not readable yet.
    Processing,
    /// The service says that it failed.
    Failed,
    /// Published: images can be read, or are said to be; the tiles do not show it yet.
    Published,
    /// In the coverage tiles.
    InTiles,
}

impl State {
    /// A word for logs and for what is remembered.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::NotFound => "not_found",
            Self::Processing => "processing",
            Self::Failed => "failed",
            Self::Published => "published",
            Self::InTiles => "in_tiles",
        }
    }

    /// Whether waiting can still change it.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Failed | Self::InTiles)
    }
}

/// Where an upload stands, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What it comes down to.
    pub state: State,
    /// The stage that it is at, or failed at; `None` where nothing says so.
    pub stage: Option<Stage>,
    /// Further words for people.
    pub notes: Vec<String>,
}

impl Standing {
    /// Where an upload stands of which the feed has this item.
    pub fn of(upload: &Upload, seen: Seen) -> Self {
        let (stages, is_finished) = worked_off(upload);
        let failed_at = stages.iter().position(|meaning| *meaning == Meaning::Failed);
        let open_at = stages.iter().position(|meaning| *meaning != Meaning::Finished);
        let has_failed = failed_at.is_some()
            || meaning(upload.status.as_deref()) == Meaning::Failed
            || (upload.error_code.is_some() && !is_finished);
        let mut notes = Vec::new();
        notes.extend(upload.error_code.as_deref().map(in_plain_words));
        if has_failed {
            let stage = failed_at.or(open_at).map(|at| Stage::WORKED[at]);
            if seen == Seen::InTiles {
                notes.push("the feed speaks of a failure, and yet the tiles show it".to_owned());
                return Self { state: State::InTiles, stage: Some(Stage::InTiles), notes };
            }
            if upload.error_code.is_none() {
                notes.push("the service says that it failed and gives no code; upload it again".to_owned());
            }
            return Self { state: State::Failed, stage, notes };
        }
        let said = open_at.map_or(Stage::InTiles, |at| Stage::WORKED[at]);
        let (state, stage) = match (seen, said) {
            (Seen::InTiles, _) | (Seen::Unchecked, Stage::InTiles) => (State::InTiles, Stage::InTiles),
            (Seen::Visible, said) => (State::Published, said.clamp(Stage::MapData, Stage::MapUpdate)),
            (Seen::Invisible, Stage::InTiles) => (State::Published, Stage::MapUpdate),
            (_, Stage::Ingestion | Stage::ImageProcessing) => (State::Processing, said),
            (_, Stage::MapData | Stage::MapUpdate) => (State::Published, said),
        };
        match (seen, said) {
            (Seen::Unchecked, Stage::InTiles) => {
                notes.push("in the tiles by the feed's word; they were not read".to_owned());
            }
            (Seen::Visible, Stage::InTiles) => notes.push("published, not yet in the tiles that were read".to_owned()),
            (Seen::Visible, Stage::Ingestion | Stage::ImageProcessing) => {
                notes.push("its images can be read, ahead of the feed's word".to_owned());
            }
            (Seen::Visible, _) => notes.push("published, not yet in the tiles".to_owned()),
            (Seen::Invisible, Stage::InTiles) => {
                notes.push(
                    "finished by the feed's word, but its image cannot be read: deleted, or not public".to_owned(),
                );
            }
            _ => {}
        }
        Self { state, stage: Some(stage), notes }
    }

    /// Where an upload stands of which only documented calls can say anything; `why` is why there is no feed.
    pub fn without_feed(seen: Seen, why: &str) -> Self {
        let (state, stage, words) = match seen {
            Seen::InTiles => (State::InTiles, Some(Stage::InTiles), "its images are published and in the tiles"),
            Seen::Visible => {
                (State::Published, Some(Stage::MapUpdate), "its images are published, not yet in the tiles")
            }
            Seen::Invisible => {
                (State::NotFound, None, "none of its images can be read yet: in work, failed or never uploaded")
            }
            Seen::Unchecked => (State::Unknown, None, "status unknown"),
        };
        let is_said = why.starts_with(words);
        Self { state, stage, notes: vec![if is_said { why.to_owned() } else { format!("{words} ({why})") }] }
    }

    /// Where an upload stands that the feed lacks.
    pub fn not_in_feed(seen: Seen, why: &str) -> Self {
        match seen {
            Seen::InTiles | Seen::Visible => Self::without_feed(seen, why),
            Seen::Invisible | Seen::Unchecked => {
                Self { state: State::NotFound, stage: None, notes: vec![why.to_owned()] }
            }
        }
    }

    /// Says so when nothing has moved for longer than usual. `since` is the upload, or the last news of it.
    pub fn observe_age(&mut self, since: Option<CapturedAt>, now: CapturedAt) {
        let Some(since) = since.filter(|_| !self.state.is_settled()) else { return };
        let hours = (now.epoch_ms() - since.epoch_ms()) / HOUR_MS;
        let usual = (USUALLY_DONE_AFTER.as_secs() / 3_600) as i64;
        if hours >= usual {
            self.notes.push(format!(
                "no progress seen for {hours} h, where {usual} h are usual: an observation, no verdict; wait, or ask on \
                 forum.mapillary.com with the cluster id"
            ));
        }
    }
}

/// The four stages with what follows from the rest of the item, and whether all is finished.
fn worked_off(upload: &Upload) -> ([Meaning; 4], bool) {
    let overall = meaning(upload.status.as_deref());
    let mut stages = upload.stages();
    if overall == Meaning::Finished {
        for stage in &mut stages {
            if *stage == Meaning::Unsaid {
                *stage = Meaning::Finished;
            }
        }
    }
    // Nothing is processed before it was taken in, and the recorded feed has no word for that.
    if stages[0] == Meaning::Unsaid
        && (stages[1] != Meaning::Unsaid || upload.image_id.is_some() || upload.item_count.is_some())
    {
        stages[0] = Meaning::Finished;
    }
    (stages, stages.iter().all(|stage| *stage == Meaning::Finished))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn upload(words: [&str; 4], more: Value) -> Upload {
        let mut node = json!({
            "cluster_id": "5", "status": words[0], "initial_processing_status": words[1],
            "anonymization_status": words[2], "tiler_status": words[3],
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            node[key] = value.clone();
        }
        Upload::recall(&node).unwrap()
    }

    #[track_caller]
    fn check(case: &str, words: [&str; 4], more: Value, seen: Seen, expected: (State, Option<Stage>)) -> String {
        let standing = Standing::of(&upload(words, more), seen);
        assert_eq!((standing.state, standing.stage), expected, "{case}: {:?}", standing.notes);
        standing.notes.join("; ")
    }

    const F: &str = "FINISHED";
    const P: &str = "IN_PROGRESS";
    const U: &str = "UNSET";

    #[test]
    fn an_upload_stands_at_its_first_stage_that_is_not_finished() {
        use State::{InTiles, Processing, Published};
        let none = || json!({});
        check("just sent", [P, U, U, U], none(), Seen::Unchecked, (Processing, Some(Stage::Ingestion)));
        check("processing", [P, P, U, U], none(), Seen::Unchecked, (Processing, Some(Stage::ImageProcessing)));
        check("readable", [P, F, P, U], none(), Seen::Unchecked, (Published, Some(Stage::MapData)));
        check("drawing", [P, F, F, P], none(), Seen::Invisible, (Published, Some(Stage::MapUpdate)));
        check(
            "a word of its own",
            [P, F, F, "WAITING_FOR_SLOT"],
            none(),
            Seen::Unchecked,
            (Published, Some(Stage::MapUpdate)),
        );
        check(
            "a word of its own for all",
            ["ON_HOLD", U, U, U],
            none(),
            Seen::Unchecked,
            (Processing, Some(Stage::Ingestion)),
        );
        let note = check("done, by its word", [F, F, F, F], none(), Seen::Unchecked, (InTiles, Some(Stage::InTiles)));
        assert!(note.contains("not read"), "{note}");
        check("done in one word", [F, U, U, U], none(), Seen::Unchecked, (InTiles, Some(Stage::InTiles)));
        check("done and seen", [F, F, F, F], none(), Seen::InTiles, (InTiles, Some(Stage::InTiles)));
        let note =
            check("done, not seen in tiles", [F, F, F, F], none(), Seen::Visible, (Published, Some(Stage::MapUpdate)));
        assert!(note.contains("not yet in the tiles"), "{note}");
        let note =
            check("done, not readable", [F, F, F, F], none(), Seen::Invisible, (Published, Some(Stage::MapUpdate)));
        assert!(note.contains("deleted"), "{note}");
        check("seen before it is said", [P, P, U, U], none(), Seen::Visible, (Published, Some(Stage::MapData)));
        check("in tiles before it is said", [P, P, U, U], none(), Seen::InTiles, (InTiles, Some(Stage::InTiles)));
    }

    #[test]
    fn failures_are_placed_at_their_stage_and_told_with_a_next_step() {
        use State::{Failed, InTiles, Published};
        let code = || json!({"error_code": "INTERNAL_ERROR"});
        for (at, words) in [
            (Stage::Ingestion, ["FAILED", U, U, U]),
            (Stage::ImageProcessing, [P, "FAILED", U, U]),
            (Stage::MapData, [P, F, "FAILED", U]),
            (Stage::MapUpdate, [P, F, F, "FAILED"]),
        ] {
            let note = check("a word", words, json!({}), Seen::Unchecked, (Failed, Some(at)));
            assert!(note.contains("upload it again"), "{note}");
            let note = check("a code", words, code(), Seen::Visible, (Failed, Some(at)));
            assert!(note.contains("INTERNAL_ERROR") && note.contains("upload again"), "{note}");
        }
        check("a code alone", [P, P, U, U], code(), Seen::Unchecked, (Failed, Some(Stage::ImageProcessing)));
        check("a code on what is done", [F, F, F, F], code(), Seen::Visible, (Published, Some(Stage::MapUpdate)));
        check("the tiles know better", ["FAILED", U, U, U], json!({}), Seen::InTiles, (InTiles, Some(Stage::InTiles)));
        check(
            "no code",
            [P, P, U, U],
            json!({"error_code": "UNSET"}),
            Seen::Unchecked,
            (State::Processing, Some(Stage::ImageProcessing)),
        );
    }

    #[test]
    fn without_the_feed_only_what_is_seen_counts() {
        let why = "no feed token";
        assert_eq!(Standing::without_feed(Seen::Visible, why).state, State::Published);
        let unknown = Standing::without_feed(Seen::Unchecked, why);
        assert_eq!((unknown.state, unknown.notes), (State::Unknown, vec!["status unknown (no feed token)".to_owned()]));
        let failed = Standing::without_feed(Seen::Unchecked, "status unknown: the feed ended");
        assert_eq!(failed.notes, ["status unknown: the feed ended"], "said once");
        assert_eq!(Standing::not_in_feed(Seen::Invisible, why).state, State::NotFound);
        assert_eq!(Standing::not_in_feed(Seen::InTiles, why).state, State::InTiles);
    }

    #[test]
    fn taking_long_is_an_observation() {
        let at = |hours: i64| CapturedAt::from_epoch_ms(hours * HOUR_MS);
        let notes = |words, age| {
            let mut standing = Standing::of(&upload(words, json!({})), Seen::Unchecked);
            standing.observe_age(Some(at(0)), at(age));
            (standing.state, standing.notes.join("; "))
        };
        assert_eq!(notes([P, P, U, U], 71), (State::Processing, String::new()));
        let (state, note) = notes([P, P, U, U], 80);
        assert!(state == State::Processing && note.contains("80 h") && note.contains("no verdict"), "{note}");
        assert!(!notes([F, F, F, F], 500).1.contains("no progress"));
    }
}
