//! Files and lists of entities: JSON lines, `{"data": […]}` or an array.

use crate::stored::whole;
use capture_model::PublishedImage;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
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

/// Reads a file of entities as values. [`crate::World::read_file`] needs a tenth of the memory.
pub fn read_entities_file(path: &Path) -> Result<Vec<Value>, EntitiesFileError> {
    let mut entities = Vec::new();
    each_entity(path, |text| {
        let entity: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        whole(&entity["id"]).ok_or("no usable \"id\"")?;
        entities.push(entity);
        Ok(())
    })?;
    Ok(entities)
}

/// Gives out the text of each entity; the first that is refused ends it, with its line.
pub(crate) fn each_entity(
    path: &Path,
    mut take: impl FnMut(&str) -> Result<(), String>,
) -> Result<(), EntitiesFileError> {
    let failed = |source| EntitiesFileError::File { path: path.to_owned(), source };
    let wrong = |line, reason: String| EntitiesFileError::Line { path: path.to_owned(), line, reason };
    let mut reader = BufReader::new(std::fs::File::open(path).map_err(failed)?);
    let mut text = String::new();
    let mut line = 0;
    while reader.read_line(&mut text).map_err(failed)? > 0 {
        line += 1;
        let entity = text.trim_start_matches('\u{feff}').trim();
        if line == 1 && is_whole_document(entity) {
            reader.read_to_string(&mut text).map_err(failed)?;
            let document = text.trim_start_matches('\u{feff}');
            let listed = Listed::read(document).map_err(|error| wrong(error.line(), error.to_string()))?;
            for entity in listed {
                take(entity.get()).map_err(|reason| {
                    let at = entity.get().as_ptr() as usize - document.as_ptr() as usize;
                    wrong(1 + document[..at].bytes().filter(|byte| *byte == b'\n').count(), reason)
                })?;
            }
            return Ok(());
        }
        if !entity.is_empty() {
            take(entity).map_err(|reason| wrong(line, reason))?;
        }
        text.clear();
    }
    Ok(())
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

impl<'a> Listed<'a> {
    fn read(document: &'a str) -> Result<Vec<&'a RawValue>, serde_json::Error> {
        if document.trim_start().starts_with('[') {
            return serde_json::from_str(document);
        }
        Ok(serde_json::from_str::<Self>(document)?.data)
    }
}

/// A first line that opens a list, or an object that goes on or holds a list: the file is one document.
fn is_whole_document(line: &str) -> bool {
    line.starts_with('[')
        || serde_json::from_str::<Value>(line).map_or(line.starts_with('{'), |value| value["data"].is_array())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(case: &str, text: &str, expected: Result<&[u64], usize>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entities.json");
        std::fs::write(&path, text).unwrap();
        let read = read_entities_file(&path).map(|all| all.iter().filter_map(|e| whole(&e["id"])).collect::<Vec<_>>());
        match (read, expected) {
            (Ok(ids), Ok(expected)) => {
                assert_eq!(ids, expected, "{case}");
                assert_eq!(crate::World::read_file(&path).unwrap().len(), expected.len(), "{case}");
            }
            (Err(EntitiesFileError::Line { line, .. }), Err(expected)) => {
                assert_eq!(line, expected, "{case}");
                assert!(crate::World::read_file(&path).is_err(), "{case}");
            }
            (read, _) => panic!("{case}: {read:?}"),
        }
    }

    #[test]
    fn files_of_every_usual_form_are_read() {
        check("lines, one of them blank", "{\"id\":\"1\"}\n\n{\"id\":2}\n", Ok(&[1, 2]));
        check("a byte order mark", "\u{feff}{\"id\":\"1\"}\r\n{\"id\":2}", Ok(&[1, 2]));
        check("an answer of the service", "{\"data\":[{\"id\":\"1\"},{\"id\":\"2\"}]}", Ok(&[1, 2]));
        check("the same, indented", "{\n \"data\": [\n {\"id\":\"1\"},\n {\"id\":\"2\"}\n ]\n}\n", Ok(&[1, 2]));
        check("an array", "[{\"id\":\"1\"}]", Ok(&[1]));
        check("one line is one entity", "{\"id\":\"1\"}", Ok(&[1]));
        check("nothing", "", Ok(&[]));
    }

    #[test]
    fn the_line_that_is_wrong_is_named() {
        check("broken JSON", "{\"id\":\"1\"}\n\n{\"id\":", Err(3));
        check("no id", "{\"id\":\"1\"}\n\n{\"sequence\":\"a\"}\n", Err(3));
        check("no id within a list", "[\n{\"id\":\"1\"},\n{}\n]", Err(3));
        check("a list of nothing known", "{\"images\":\n[]}", Err(2));
        let absent = read_entities_file(Path::new("no such file"));
        assert!(matches!(absent, Err(EntitiesFileError::File { .. })));
    }
}
