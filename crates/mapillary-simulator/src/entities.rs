//! Entities as JSON objects, kept as they came: the simulator projects their fields and changes none.

use capture_model::PublishedImage;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// A file of entities that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum EntitiesFileError {
    /// It cannot be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no JSON object with an id.
    #[error("{} line {line}: {reason}; each line must be an image entity of the Graph API", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

/// Entities of published images, as the Graph API names their fields; each contributor has a name made of the id.
pub fn entities_of<'a>(published: impl Iterator<Item = &'a PublishedImage>) -> Vec<Value> {
    published
        .map(|image| {
            let mut entity = mapillary_api::entity_json(image);
            if let Some(creator) = image.creator_id {
                entity["creator"] = json!({"id": creator.to_string(), "username": format!("user-{creator}")});
            }
            entity
        })
        .collect()
}

/// Reads JSON lines, `{"data": […]}` or an array.
pub fn read_entities_file(path: &Path) -> Result<Vec<Value>, EntitiesFileError> {
    let failed = |source| EntitiesFileError::File { path: path.to_owned(), source };
    let wrong = |line, reason: String| EntitiesFileError::Line { path: path.to_owned(), line, reason };
    let mut reader = BufReader::new(std::fs::File::open(path).map_err(failed)?);
    let mut entities = Vec::new();
    let mut text = String::new();
    let mut line = 0;
    while reader.read_line(&mut text).map_err(failed)? > 0 {
        line += 1;
        if line == 1 && is_whole_document(&text) {
            std::io::Read::read_to_string(&mut reader, &mut text).map_err(failed)?;
            let document: Value =
                serde_json::from_str(&text).map_err(|error| wrong(error.line(), error.to_string()))?;
            let Value::Array(listed) = (if document.is_array() { document } else { document["data"].clone() }) else {
                return Err(wrong(1, "neither lines nor a list under \"data\"".to_owned()));
            };
            entities = listed;
            break;
        }
        if !text.trim().is_empty() {
            entities.push(serde_json::from_str(&text).map_err(|error| wrong(line, error.to_string()))?);
        }
        text.clear();
    }
    match entities.iter().position(|entity| id_of(entity).is_none()) {
        Some(at) => Err(wrong(at + 1, "no usable \"id\"".to_owned())),
        None => Ok(entities),
    }
}

/// A first line that opens a list, or an object that goes on: the file is one document.
fn is_whole_document(line: &str) -> bool {
    let begins = line.trim_start_matches('\u{feff}').trim_start();
    begins.starts_with('[')
        || serde_json::from_str::<Value>(line).map_or(begins.starts_with('{'), |value| value["data"].is_array())
}

/// The id of an entity: text or a whole number.
pub(crate) fn id_of(entity: &Value) -> Option<u64> {
    match &entity["id"] {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => number.as_u64(),
        _ => None,
    }
}
