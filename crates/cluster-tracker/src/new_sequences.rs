//! Sequences that are processed and in no tile yet: keys, and a place for each of their images.
//!
//! The places come as a GeoJSON text inside the JSON, coordinates as texts, and one capture time for all images of a
//! sequence: so the times are not used, and places only to see whether a sequence may concern anybody.

use crate::node::id_of;
use capture_model::{ImageId, Position, SequenceId};
use serde_json::Value;
use std::collections::BTreeSet;

/// Images that are read of one answer.
const MOST_IMAGES: usize = 200_000;

/// One image of a new sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct NewImage {
    /// Its id.
    pub id: ImageId,
    /// Its sequence.
    pub sequence: SequenceId,
    /// Its place as uploaded.
    pub position: Option<Position>,
}

/// What is processed and in no tile yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewSequences {
    /// Keys, each once, in the order given.
    pub keys: Vec<SequenceId>,
    /// Images with a usable id.
    pub images: Vec<NewImage>,
}

impl NewSequences {
    /// Reads the value of `new_sequences`; what is odd in it is left out.
    pub(crate) fn of(value: &Value) -> Self {
        let mut new = Self::default();
        let mut known = BTreeSet::new();
        for key in value["sequence_keys"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let key = SequenceId::new(key);
            if key.is_url_safe() && known.insert(key.clone()) {
                new.keys.push(key);
            }
        }
        let drawing: Value = match &value["geojson"] {
            Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            other => other.clone(),
        };
        for feature in drawing["features"].as_array().into_iter().flatten().take(MOST_IMAGES) {
            let about = &feature["properties"];
            let (Some(id), Some(key)) = (id_of(&about["id"]), about["sequence_id"].as_str()) else { continue };
            let sequence = SequenceId::new(key);
            if sequence.is_url_safe() && known.insert(sequence.clone()) {
                new.keys.push(sequence.clone());
            }
            let axis = |at: usize| number(&feature["geometry"]["coordinates"][at]);
            let position = axis(0).zip(axis(1)).and_then(|(lon, lat)| Position::from_lon_lat(lon, lat).ok());
            new.images.push(NewImage { id: ImageId(id), sequence, position });
        }
        new
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_are_read_out_of_texts_in_a_text() {
        let feature = |id: Value, lon: Value| {
            json!({"type": "Feature", "id": null, "geometry": {"type": "Point", "coordinates": [lon, "31.5"]},
                   "properties": {"sequence_id": "u8v5JabHqDiGcxVPl7oF3n", "captured_at": 1, "id": id}})
        };
        let features = [
            feature(json!(906_383_747_631_804_u64), json!("-83.25")),
            feature(json!("26858300993768842"), json!(-83.5)),
            feature(json!(5), json!("east")),
            feature(json!(null), json!("-83.25")),
        ];
        let geojson = json!({"type": "FeatureCollection", "features": features}).to_string();
        let new =
            NewSequences::of(&json!({"sequence_keys": ["u8v5JabHqDiGcxVPl7oF3n", "../x", 7], "geojson": geojson}));
        assert_eq!(new.keys, [SequenceId::new("u8v5JabHqDiGcxVPl7oF3n")]);
        let places: Vec<_> = new.images.iter().map(|image| (image.id.0, image.position.map(Position::lon))).collect();
        assert_eq!(places, [(906_383_747_631_804, Some(-83.25)), (26_858_300_993_768_842, Some(-83.5)), (5, None)]);
    }

    #[test]
    fn odd_values_are_no_sequences() {
        for value in
            [json!(null), json!({"sequence_keys": "x", "geojson": 7}), json!({"geojson": "{\"features\":[{}]}"})]
        {
            assert_eq!(NewSequences::of(&value), NewSequences::default(), "{value}");
        }
    }
}
