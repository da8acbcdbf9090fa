//! An enriched `mapillary_image_description.json`: the uploader's entries, each matched one with what it became.
//!
//! Entries of description files beside or above the photos, and of the file that is to be written, keep their order and
//! the bytes of their values; one key is added, `tiepoint`, with the ids as text. Matched photos without an entry get one
//! of the values that were published. The uploader ignores further keys or refuses them, depending on its version: the
//! enriched file is for other programs, which is why it lies in the folder of the report and not in place of the
//! uploader's.

use crate::packet::fields;
use crate::plan::{is_matched, read_text};
use crate::{Change, LeftAlone, Plan};
use match_report::MatchRecord;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Its name.
pub const DESCRIPTION: &str = "mapillary_image_description.json";
/// The key that is added to an entry.
const KEY: &str = "tiepoint";
const LARGEST: u64 = 1 << 30;

/// Plans the enriched description at `target`.
pub fn plan_description(rows: &[MatchRecord], root: &Path, target: &Path) -> Plan {
    let mut plan = Plan::default();
    let before = match read_text(target, LARGEST) {
        Ok(before) => before,
        Err(reason) => {
            plan.left_alone.push(LeftAlone { file: target.to_owned(), reason });
            return plan;
        }
    };
    let mut known = Known::default();
    let home = target.parent().unwrap_or(Path::new(""));
    if let Some(text) = &before
        && let Err(reason) = known.read(text, &[root, home], None)
    {
        plan.left_alone.push(LeftAlone { file: target.to_owned(), reason });
        return plan;
    }
    for folder in folders_of(rows) {
        let file = root.join(folder).join(DESCRIPTION);
        let is_target = absolute(&file) == absolute(target);
        match read_text(&file, LARGEST) {
            Ok(Some(text)) if !is_target => {
                if let Err(reason) = known.read(&text, &[&root.join(folder)], Some(folder)) {
                    plan.left_alone.push(LeftAlone { file, reason });
                }
            }
            Ok(_) => {}
            Err(reason) => plan.left_alone.push(LeftAlone { file, reason }),
        }
    }
    for row in rows {
        let told = is_matched(row).then(|| told(row));
        match (known.entry_of(row, root), told) {
            (Some(entry), told) => entry.set(told),
            (None, Some(_)) if row.path.starts_with("row:") => plan.absent += 1,
            (None, Some(told)) => known.entries.extend(new_entry(row, told)),
            (None, None) => {}
        }
    }
    let after = Some(written(&known.entries));
    if before == after || (before.is_none() && known.entries.is_empty()) {
        plan.unchanged += 1;
    } else {
        plan.changes.push(Change { file: target.to_owned(), before, after });
    }
    plan
}

/// The folders of the photos and those above, as far as their paths were typed.
fn folders_of(rows: &[MatchRecord]) -> BTreeSet<&Path> {
    let mut folders: BTreeSet<&Path> = BTreeSet::new();
    for row in rows {
        for folder in Path::new(&row.path).ancestors().skip(1) {
            if !folders.insert(folder) {
                break;
            }
        }
    }
    folders
}

fn absolute(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// Entries by the file that they name.
#[derive(Default)]
struct Known {
    entries: Vec<Entry>,
    by_file: HashMap<PathBuf, usize>,
}

impl Known {
    /// Keeps the entries of a file. Names are relative to one of the folders; in the file that is to be written they
    /// are told from where the photos' paths were typed, so `told_from` leads from there to a file that lies elsewhere.
    fn read(&mut self, text: &str, folders: &[&Path], told_from: Option<&Path>) -> Result<(), String> {
        let entries: Vec<Entry> = serde_json::from_str(text.trim_start_matches('\u{feff}'))
            .map_err(|error| format!("it is no list of descriptions ({error})"))?;
        for mut entry in entries {
            let Some(name) = entry.filename() else {
                self.entries.push(entry);
                continue;
            };
            let files: Vec<PathBuf> = folders.iter().map(|folder| absolute(&folder.join(&name))).collect();
            if told_from.is_some() && files.iter().any(|file| self.by_file.contains_key(file)) {
                continue; // the file to be written knows it already
            }
            if let Some(told) = told_from.map(|folder| folder.join(&name))
                && let Some(told) = told.to_str().filter(|told| *told != name)
            {
                entry.rename(told);
            }
            for file in files {
                self.by_file.entry(file).or_insert(self.entries.len());
            }
            self.entries.push(entry);
        }
        Ok(())
    }

    fn entry_of(&mut self, row: &MatchRecord, root: &Path) -> Option<&mut Entry> {
        let place = self.by_file.get(&absolute(&root.join(&row.path)))?;
        self.entries.get_mut(*place)
    }
}

/// One entry: its keys in their order, its values as they are written.
struct Entry(Vec<(String, Box<RawValue>)>);

impl Entry {
    fn filename(&self) -> Option<String> {
        let (_, name) = self.0.iter().find(|(key, _)| key == "filename")?;
        serde_json::from_str(name.get()).ok()
    }

    fn rename(&mut self, name: &str) {
        let raw = serde_json::value::to_raw_value(name).ok();
        if let (Some((_, value)), Some(raw)) = (self.0.iter_mut().find(|(key, _)| key == "filename"), raw) {
            *value = raw;
        }
    }

    /// Sets or removes what we tell.
    fn set(&mut self, told: Option<Value>) {
        let raw = told.and_then(|told| serde_json::value::to_raw_value(&told).ok());
        let place = self.0.iter().position(|(key, _)| key == KEY);
        match (place, raw) {
            (Some(place), Some(raw)) => self.0[place].1 = raw,
            (Some(place), None) => drop(self.0.remove(place)),
            (None, Some(raw)) => self.0.push((KEY.to_owned(), raw)),
            (None, None) => {}
        }
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys;
        impl<'de> Visitor<'de> for Keys {
            type Value = Entry;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an entry of a description")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                let mut keys = Vec::new();
                while let Some(pair) = map.next_entry::<String, Box<RawValue>>()? {
                    keys.push(pair);
                }
                Ok(Entry(keys))
            }
        }
        deserializer.deserialize_map(Keys)
    }
}

/// What a photo became.
fn told(row: &MatchRecord) -> Value {
    let mut told = serde_json::Map::new();
    for (name, value) in fields(row) {
        let is_number =
            matches!(name, "Probability" | "Longitude" | "Latitude" | "ComputedLongitude" | "ComputedLatitude");
        let number = if is_number { value.parse::<f64>().ok() } else { None };
        told.insert(snake_case(name), number.map_or(json!(value), |number| json!(number)));
    }
    if !row.also_published_as.is_empty() {
        let ids: Vec<String> = row.also_published_as.iter().map(ToString::to_string).collect();
        told.insert("also_published_as".to_owned(), json!(ids));
    }
    Value::Object(told)
}

/// `ImageId` → `image_id`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// An entry of what was published; `None` without a place and a time, which the format demands.
fn new_entry(row: &MatchRecord, told: Value) -> Option<Entry> {
    let (place, time) = (row.remote_position.or(row.position)?, row.remote_captured_at?);
    let time = time.to_string(); // 2021-08-28T10:06:42.000Z
    let time: String = time.trim_end_matches('Z').chars().map(|c| if c.is_ascii_digit() { c } else { '_' }).collect();
    let mut fields = vec![
        ("filename", json!(row.path).to_string()),
        ("filetype", json!("image").to_string()),
        ("MAPLatitude", format!("{:.7}", place.lat())),
        ("MAPLongitude", format!("{:.7}", place.lon())),
        ("MAPCaptureTime", json!(time).to_string()),
    ];
    fields.extend(row.altitude_m.map(|altitude_m| ("MAPAltitude", format!("{altitude_m:.3}"))));
    fields.push(("MAPSequenceUUID", json!(row.local_sequence).to_string()));
    fields.push((KEY, told.to_string()));
    let raw = |(key, text): (&str, String)| Some((key.to_owned(), RawValue::from_string(text).ok()?));
    fields.into_iter().map(raw).collect::<Option<Vec<_>>>().map(Entry)
}

/// A line for each value, so that a diff shows what is new.
fn written(entries: &[Entry]) -> String {
    let mut text = "[".to_owned();
    for (number, entry) in entries.iter().enumerate() {
        text.push_str(if number > 0 { ",\n  {" } else { "\n  {" });
        for (place, (key, value)) in entry.0.iter().enumerate() {
            text.push_str(if place > 0 { ",\n    " } else { "\n    " });
            text.push_str(&json!(key).to_string());
            text.push_str(": ");
            text.push_str(value.get());
        }
        text.push_str("\n  }");
    }
    text.push_str(if entries.is_empty() { "]\n" } else { "\n]\n" });
    text
}

#[cfg(test)]
mod tests;
