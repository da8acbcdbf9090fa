//! One entity as it is kept: its text, untouched, and the few values that indexes and tiles need.
//!
//! A million entities as trees of `serde_json::Value` take several GB; as text they take what their file takes. Answers
//! are cut out of that text, so every number keeps the digits that it came with.

use capture_model::Position;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Which of its two places an image is drawn at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Places {
    Original = 0,
    Computed = 1,
}

impl Places {
    pub(crate) const BOTH: [Self; 2] = [Self::Original, Self::Computed];
}

/// An entity and what is known of it without reading its text again.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: u64,
    text: Box<str>,
    pub(crate) captured_at_ms: Option<i64>,
    /// By [`Places`].
    pub(crate) positions: [Option<Position>; 2],
    /// By [`Places`].
    pub(crate) compass_deg: [Option<f64>; 2],
    pub(crate) is_pano: Option<bool>,
    pub(crate) creator_id: Option<u64>,
    pub(crate) organization_id: Option<u64>,
    /// Number of its sequence in the world; `None` for an image without.
    pub(crate) sequence: Option<u32>,
}

/// What an entity is filed under, besides its values.
#[derive(Debug, Default)]
pub(crate) struct Filing {
    pub(crate) sequence: Option<String>,
    pub(crate) username: Option<String>,
}

#[derive(Deserialize)]
struct Read {
    id: Value,
    #[serde(default)]
    sequence: Value,
    #[serde(default)]
    captured_at: Value,
    #[serde(default)]
    geometry: Value,
    #[serde(default)]
    computed_geometry: Value,
    #[serde(default)]
    compass_angle: Value,
    #[serde(default)]
    computed_compass_angle: Value,
    #[serde(default)]
    is_pano: Value,
    #[serde(default)]
    creator: Value,
    #[serde(default)]
    organization: Value,
}

impl Stored {
    /// Reads the text of one entity; the reason, where it is no JSON object with an id.
    pub(crate) fn read(text: &str) -> Result<(Self, Filing), String> {
        let read: Read = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let id = whole(&read.id).ok_or_else(|| "no usable \"id\"".to_owned())?;
        let stored = Self {
            id,
            text: text.trim().into(),
            captured_at_ms: read.captured_at.as_i64(),
            positions: [position(&read.geometry), position(&read.computed_geometry)],
            compass_deg: [read.compass_angle.as_f64(), read.computed_compass_angle.as_f64()],
            is_pano: read.is_pano.as_bool(),
            creator_id: whole(&read.creator["id"]),
            organization_id: whole(&read.organization["id"]),
            sequence: None,
        };
        let named = |value: &Value| value.as_str().filter(|name| !name.is_empty()).map(str::to_owned);
        Ok((stored, Filing { sequence: named(&read.sequence), username: named(&read.creator["username"]) }))
    }

    pub(crate) fn position(&self, places: Places) -> Option<Position> {
        self.positions[places as usize]
    }

    /// Appends the asked fields and the id as one JSON object; what the entity lacks, or holds as null, stays absent.
    pub(crate) fn write_fields(&self, fields: &[&str], out: &mut Vec<u8>) {
        let all: BTreeMap<Cow<'_, str>, &RawValue> =
            serde_json::from_str(&self.text).expect("the text was read as an object when it was taken in");
        out.push(b'{');
        let mut written: Vec<&str> = vec!["id"];
        for &field in fields {
            let Some(value) = all.get(field).filter(|value| value.get() != "null") else { continue };
            if !written.contains(&field) {
                written.push(field);
                out.extend(format!("{field:?}:{value},").into_bytes());
            }
        }
        out.extend(format!("\"id\":\"{}\"}}", self.id).into_bytes()); // ids are text on the Graph side, always
    }
}

/// A whole number, or the text of one.
pub(crate) fn whole(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

fn position(geometry: &Value) -> Option<Position> {
    let coordinates = &geometry["coordinates"];
    Position::from_lon_lat(coordinates[0].as_f64()?, coordinates[1].as_f64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(case: &str, text: &str, fields: &[&str], expected: &str) {
        let (stored, _) = Stored::read(text).unwrap();
        let mut out = Vec::new();
        stored.write_fields(fields, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{case}");
    }

    #[test]
    fn fields_leave_as_they_came() {
        let text = r#"{"id": 26858300993768842, "merge_cc": 5.2826592657222e+17, "altitude": null, "make": "a\"b"}"#;
        check("an id becomes text", text, &[], r#"{"id":"26858300993768842"}"#);
        check("digits are kept", text, &["merge_cc"], r#"{"merge_cc":5.2826592657222e+17,"id":"26858300993768842"}"#);
        check("null and unknown are absent", text, &["altitude", "mesh"], r#"{"id":"26858300993768842"}"#);
        check("once is enough", text, &["make", "id", "make"], r#"{"make":"a\"b","id":"26858300993768842"}"#);
    }

    #[test]
    fn what_is_no_entity_is_refused_with_a_reason() {
        for text in ["", "[]", "{}", "{\"id\": null}", "{\"id\": -1}", "{\"id\": 1.5}", "{\"id\": \"x\"}", "{\"id\": 1"]
        {
            assert!(!Stored::read(text).unwrap_err().is_empty(), "{text}");
        }
    }
}
