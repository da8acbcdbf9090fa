//! Rows of JSON: one object a line, or a list of objects, or `{"data": […]}`, or the features of a GeoJSON drawing.
//!
//! # Method
//! Objects need not have the same keys, and columns are told by their names, so the first object does not make the header:
//! the known names do. Each object is turned into cells under the union of keys seen so far; a new key makes a new header.
//! Values become text: numbers with all their digits, `true`, nothing for `null`; the heading object of the uploader
//! (`{"TrueHeading": …}`) becomes its true heading.

use super::{BadCells, Row, RowReader, RowsError};
use crate::json_list::each_element;
use serde_json::{Map, Value};
use std::io::{BufRead, Read};

/// The longest line that is held in memory.
const LONGEST_LINE: u64 = 16 << 20;

/// Reads all objects.
pub(crate) fn read_json(
    mut source: impl BufRead,
    reader: &mut dyn RowReader,
    bad: &mut BadCells,
) -> Result<(), RowsError> {
    let mut rows = Rows { reader, bad, names: Vec::new(), is_told: false, missing: None };
    let begin = first_byte(&mut source)?;
    if begin == Some(b'[') {
        return rows.list(source);
    }
    let mut line = Vec::new();
    let mut number = 0;
    loop {
        line.clear();
        let read = (&mut source).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(RowsError::Io)?;
        if read == 0 {
            break;
        }
        number += 1;
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice::<Value>(&line) {
            Ok(Value::Object(mut object)) if number == 1 => match list_of(&mut object) {
                Some(list) => list.into_iter().for_each(|element| rows.element(element, number)),
                None => rows.element(Value::Object(object), number),
            },
            Ok(value) => rows.element(value, number),
            // an object over several lines: the whole text is one document
            Err(error) if number == 1 && error.is_eof() => {
                return rows.document(std::io::Cursor::new(line).chain(source));
            }
            Err(error) => {
                return Err(RowsError::Broken {
                    line: number,
                    column: error.column().to_string(),
                    detail: format!("broken JSON ({})", bare(&error)),
                });
            }
        }
    }
    rows.finish()
}

/// The parser's words without its own line and column, which count from the start of one line.
fn bare(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(words, _)| words.to_owned())
}

fn first_byte(source: &mut impl BufRead) -> Result<Option<u8>, RowsError> {
    loop {
        let buffer = source.fill_buf().map_err(RowsError::Io)?;
        let skip =
            buffer.iter().take_while(|byte| byte.is_ascii_whitespace() || b"\xef\xbb\xbf".contains(byte)).count();
        let Some(&byte) = buffer.get(skip) else {
            if buffer.is_empty() {
                return Ok(None);
            }
            let n = buffer.len();
            source.consume(n);
            continue;
        };
        let has_mark = buffer.starts_with(b"\xef\xbb\xbf");
        if has_mark {
            source.consume(3);
        }
        return Ok(Some(byte));
    }
}

struct Rows<'a> {
    reader: &'a mut dyn RowReader,
    bad: &'a mut BadCells,
    names: Vec<String>,
    is_told: bool,
    missing: Option<(super::MissingColumn, String)>,
}

impl Rows<'_> {
    fn element(&mut self, value: Value, line: u64) {
        let Value::Object(object) = value else {
            self.bad.add(line, "(the whole row)", &value.to_string());
            return;
        };
        self.object(&object, line);
    }

    fn object(&mut self, object: &Map<String, Value>, line: u64) {
        let known = self.names.len();
        for key in object.keys() {
            if !self.names.contains(key) && self.names.len() < 1000 {
                self.names.push(key.clone());
            }
        }
        if self.names.len() > known || !self.is_told {
            self.is_told = true;
            let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
            // a later object may bring the column that an earlier one lacks
            self.missing = self.reader.header(&names).err().map(|column| (column, self.names.join(", ")));
        }
        let texts: Vec<String> =
            self.names.iter().map(|name| object.get(name).map_or(String::new(), text_of)).collect();
        let cells: Vec<&str> = texts.iter().map(String::as_str).collect();
        self.reader.row(&Row::of_text(line, &cells), self.bad);
    }

    /// A column that no object has is missing.
    fn finish(self) -> Result<(), RowsError> {
        match self.missing {
            Some((column, found)) => Err(RowsError::Missing { column, found }),
            None => Ok(()),
        }
    }

    /// One object over several lines, perhaps a list under a name.
    fn document(mut self, source: impl Read) -> Result<(), RowsError> {
        let value: Value = serde_json::from_reader(source).map_err(|error| broken(&error))?;
        match value {
            Value::Object(mut object) => match list_of(&mut object) {
                Some(list) => (1..).zip(list).for_each(|(at, element)| self.element(element, at)),
                None => self.element(Value::Object(object), 1),
            },
            other => self.element(other, 1),
        }
        self.finish()
    }

    /// A list, streamed.
    fn list(mut self, source: impl Read) -> Result<(), RowsError> {
        let streamed = each_element(source, &mut |value, line| self.element(value, line));
        streamed.map_err(|error| broken(&error))?;
        self.finish()
    }
}

/// The rows within one document: of `{"data": […]}`, or the features of a GeoJSON drawing.
fn list_of(object: &mut Map<String, Value>) -> Option<Vec<Value>> {
    let name = ["data", "features"].into_iter().find(|name| object.get(*name).is_some_and(Value::is_array))?;
    let Some(Value::Array(list)) = object.remove(name) else { return None };
    Some(if name == "data" { list } else { list.into_iter().map(flat).collect() })
}

/// A feature as a row: its properties, and of a point its place.
fn flat(feature: Value) -> Value {
    let Value::Object(mut feature) = feature else { return feature };
    let mut row = match feature.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    };
    let geometry = feature.get("geometry").filter(|geometry| geometry.get("type").is_some_and(|kind| kind == "Point"));
    if let Some(Value::Array(place)) = geometry.and_then(|geometry| geometry.get("coordinates")) {
        for (name, value) in ["longitude", "latitude"].into_iter().zip(place) {
            row.entry(name).or_insert_with(|| value.clone());
        }
    }
    Value::Object(row)
}

pub(super) fn broken(error: &serde_json::Error) -> RowsError {
    RowsError::Broken {
        line: error.line() as u64,
        column: error.column().to_string(),
        detail: if error.is_eof() && (error.line(), error.column()) == (1, 0) {
            "holds nothing; expected a list".to_owned()
        } else {
            format!("broken JSON ({})", bare(error))
        },
    }
}

/// A value as a cell.
pub(crate) fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(object) if object.contains_key("TrueHeading") => {
            object.get("TrueHeading").map_or(String::new(), text_of)
        }
        other => other.to_string(),
    }
}
