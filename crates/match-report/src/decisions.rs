//! What a person decided about photos that the matcher left open: read from a filled-in review or from kept decisions,
//! checked, and put into an outcome without ever passing for the matcher's own certainty.
//!
//! All kinds of file are read alike, by the columns `path`, `decision`, and `url` or `image_id`. A `decision` is `yes` (the
//! image of this row), `no`, `none` (no image is this photo), an image id, or empty. The id of a `yes` is read from the
//! row's `url` first: a spreadsheet turns long numbers into rounded ones, but leaves links alone.

mod filled_in;

use crate::table::GUARDED;
use capture_model::{Evidence, ImageId, LocalArchive, LocalImages, PublishedImages, Reason};
use image_matcher::{Candidate, Lists, MatchOutcome, track_verdict};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

/// With what the note of a decided row begins.
pub const BY_A_PERSON: &str = "decided by a person";

/// What was decided about one photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Choice {
    /// It is this image.
    Image(ImageId),
    /// It is none.
    NoImage,
}

/// A decision about one photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The local file, as in `matches.csv`.
    pub path: String,
    /// What it is.
    pub choice: Choice,
}

/// Why decisions cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum DecisionError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line contradicts another, or says nothing that can be understood.
    #[error("{} {unit} {at}: {detail}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// What is counted: lines, or features of a drawing.
        unit: &'static str,
        /// Which, from 1.
        at: u64,
        /// What is wrong, and what to do.
        detail: String,
    },
}

/// What the rows of one path say.
#[derive(Default)]
struct Said {
    choice: Option<(Choice, u64)>,
    candidates: BTreeSet<String>,
    refused: BTreeSet<String>,
    first_at: u64,
}

/// Reads decisions, in the order of their paths' first rows; rows without a decision are passed over. CSV, JSON lines and
/// GeoJSON are taken, told by their first character.
pub fn read_decisions(file: &Path) -> Result<Vec<Decision>, DecisionError> {
    let bytes = std::fs::read(file).map_err(|source| DecisionError::Read { file: file.to_owned(), source })?;
    let (unit, rows) = filled_in::rows_of(&bytes).map_err(|(unit, at, detail)| DecisionError::Line {
        file: file.to_owned(),
        unit,
        at,
        detail,
    })?;
    let wrong = |at, detail: String| DecisionError::Line { file: file.to_owned(), unit, at, detail };
    let mut order: Vec<String> = Vec::new();
    let mut said: BTreeMap<String, Said> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| !row.path.is_empty()) {
        let (name, at) = (row.path, row.at);
        let candidate = match (row.url.as_str(), row.image_id.as_str()) {
            ("", "") => at.to_string(),
            ("", id) => id.to_owned(),
            (url, _) => url.to_owned(),
        };
        let known = said.entry(name.clone()).or_insert_with(|| {
            order.push(name.clone());
            Said { first_at: at, ..Said::default() }
        });
        known.candidates.insert(candidate.clone());
        let word = row.decision.to_ascii_lowercase();
        let choice = match word.as_str() {
            "" => continue,
            "no" | "n" => {
                known.refused.insert(candidate);
                continue;
            }
            "none" => Choice::NoImage,
            "yes" | "y" => Choice::Image(id_of_url(&row.url).or_else(|| id_of(&row.image_id)).ok_or_else(|| {
                let detail = "`yes`, but neither `url` nor `image_id` names the image; write its id as the decision";
                wrong(at, detail.to_owned())
            })?),
            other => Choice::Image(id_of(other).ok_or_else(|| {
                let mangled = if other.contains("e+") {
                    " (a spreadsheet rounded it: use `yes` in the row of the candidate)"
                } else {
                    ""
                };
                wrong(at, format!("the decision `{other}` is neither yes, no, none nor an image id{mangled}"))
            })?),
        };
        if let Some((before, first)) = known.choice.filter(|(before, _)| *before != choice) {
            let told = |choice| match choice {
                Choice::Image(id) => format!("image {id}"),
                Choice::NoImage => "none".to_owned(),
            };
            let (before, now) = (told(before), told(choice));
            return Err(wrong(
                at,
                format!("{name} is decided twice: {before} in {unit} {first}, {now} here; keep one"),
            ));
        }
        known.choice = Some((choice, at));
    }
    let mut owner: BTreeMap<ImageId, (&str, u64)> = BTreeMap::new();
    let mut decisions = Vec::new();
    for name in &order {
        let said = &said[name];
        let all_refused = !said.refused.is_empty() && said.refused == said.candidates;
        let Some((choice, at)) = said.choice.or(all_refused.then_some((Choice::NoImage, said.first_at))) else {
            continue;
        };
        if let Choice::Image(id) = choice
            && let Some((other, first)) = owner.insert(id, (name, at))
        {
            let detail = format!(
                "image {id} is given to {name} here and to {other} in {unit} {first}; an image is one photo: keep one"
            );
            return Err(wrong(at, detail));
        }
        decisions.push(Decision { path: name.clone(), choice });
    }
    Ok(decisions)
}

fn id_of(text: &str) -> Option<ImageId> {
    let is_id = (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_id { text.parse().ok().map(ImageId) } else { None }
}

fn id_of_url(url: &str) -> Option<ImageId> {
    id_of(url.split_once("pKey=")?.1.split('&').next()?)
}

/// Writes decisions as CSV that [`read_decisions`] reads.
pub fn write_decisions(decisions: &[Decision], out: &mut dyn Write) -> std::io::Result<()> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(out);
    writer.write_record(["path", "decision"])?;
    for Decision { path, choice } in decisions {
        let guard = if path.starts_with(GUARDED) { "'" } else { "" };
        let choice = match choice {
            Choice::Image(id) => id.to_string(),
            Choice::NoImage => "none".to_owned(),
        };
        writer.write_record([format!("{guard}{path}"), choice])?;
    }
    writer.flush()
}

/// Puts decisions into an outcome; returns how many were taken, and what could not be, as sentences.
///
/// A decided photo is `matched` (or not published) with the matcher's own probability for that image, and a note that says
/// who decided. Nothing else moves: another photo that the matcher ties to the same image keeps it, and the decision is
/// refused.
pub fn apply_decisions(
    archive: &LocalArchive,
    images: &LocalImages,
    published: &PublishedImages,
    outcome: &mut MatchOutcome,
    decisions: &[Decision],
) -> (usize, Vec<String>) {
    if decisions.is_empty() {
        return (0, Vec::new());
    }
    let row_of_path: BTreeMap<&str, usize> =
        images.file.iter().enumerate().map(|(row, &file)| (archive.files.get(file as usize).path(), row)).collect();
    let wanted: BTreeSet<u64> =
        decisions.iter().filter_map(|d| if let Choice::Image(id) = d.choice { Some(id.0) } else { None }).collect();
    let row_of_id: BTreeMap<u64, u32> = published
        .id
        .iter()
        .enumerate()
        .filter(|(_, id)| wanted.contains(id))
        .map(|(row, &id)| (id, row as u32))
        .collect();
    let mut refused = Vec::new();
    let mut taken: BTreeMap<usize, Option<u32>> = BTreeMap::new();
    for Decision { path, choice } in decisions {
        let Some(&row) = row_of_path.get(path.as_str()) else {
            refused.push(format!("a decision names {path}, which is not among the usable photos of this run"));
            continue;
        };
        match choice {
            Choice::NoImage => drop(taken.insert(row, None)),
            Choice::Image(id) => match row_of_id.get(&id.0) {
                Some(&image) => drop(taken.insert(row, Some(image))),
                None => refused.push(format!(
                    "a decision gives {path} image {id}, which this run did not see: add --sequence KEY of its sequence"
                )),
            },
        }
    }
    let owners: BTreeMap<u32, usize> = outcome
        .verdicts
        .iter()
        .enumerate()
        .filter(|(row, _)| !taken.contains_key(row))
        .filter_map(|(row, verdict)| Some((verdict.image?, row)))
        .collect();
    taken.retain(|&row, image| {
        let Some(&owner) = image.and_then(|image| owners.get(&image)) else { return true };
        let name = |row: usize| archive.files.get(images.file[row] as usize).path();
        let id = published.id[image.expect("an owner has one") as usize];
        refused.push(format!(
            "a decision gives {} image {id}, which is matched to {} (p {:.4}): decide about that photo too, or withdraw",
            name(row),
            name(owner),
            outcome.verdicts.get(owner).probability.unwrap_or(f64::NAN)
        ));
        false
    });
    let mut candidates = Lists::default();
    for row in 0..outcome.verdicts.len() {
        let own = outcome.candidates_of(row);
        match taken.get(&row) {
            Some(Some(image)) => {
                let (first, rest): (Vec<_>, Vec<_>) =
                    own.iter().copied().partition(|candidate| candidate.image == *image);
                let first = first.first().copied().unwrap_or(Candidate { image: *image, probability: 0.0 });
                candidates.push(std::iter::once(first).chain(rest));
            }
            Some(None) => candidates.push([]),
            None => candidates.push(own.iter().copied()),
        }
    }
    for (&row, &image) in &taken {
        decide(images, published, outcome, row, image);
    }
    outcome.candidates = candidates;
    for track in 0..images.n_tracks() {
        let rows = images.rows_of(track);
        if taken.range(rows.clone()).next().is_none() {
            continue;
        }
        let told = &mut outcome.tracks[track];
        told.verdict = track_verdict(outcome.verdicts.of_rows(rows.clone()));
        for image in rows.filter_map(|row| outcome.verdicts.get(row).image) {
            let sequence = published.sequence[image as usize];
            if sequence != PublishedImages::NO_SEQUENCE && !told.sequences.contains(&sequence) {
                told.sequences.push(sequence);
            }
        }
    }
    (taken.len(), refused)
}

fn decide(
    images: &LocalImages,
    published: &PublishedImages,
    outcome: &mut MatchOutcome,
    row: usize,
    image: Option<u32>,
) {
    let own = outcome.candidates_of(row);
    let p = image
        .and_then(|image| own.iter().find(|candidate| candidate.image == image))
        .map(|candidate| candidate.probability);
    let has_neighbour = images
        .rows_of(images.track[row] as usize)
        .any(|other| other != row && outcome.verdicts.get(other).image.is_some());
    let before = outcome.verdicts.get(row).reason;
    let is_confirmed = image.is_some() && outcome.verdicts.get(row).image == image;
    let note = match (image, p) {
        (Some(_), Some(p)) => format!("{BY_A_PERSON}; the matcher said {before} and gave it {p:.4}"),
        (Some(_), None) => format!("{BY_A_PERSON}; the matcher said {before} and had not named this image"),
        (None, _) => format!("{BY_A_PERSON}: no image is this photo; the matcher said {before}"),
    };
    outcome.verdicts.change(row, |verdict| {
        verdict.image = image;
        verdict.probability = image.map(|_| p.unwrap_or(0.0));
        verdict.by_computed = image.is_some_and(|image| published.original(image as usize).is_none());
        verdict.reason = match image {
            Some(image) if published.evidence[image as usize] == Evidence::Tile => Reason::TileOnly,
            Some(_) if is_confirmed => before,
            Some(_) if verdict.used_time_ms.is_none() => Reason::OrderOnly,
            Some(_) if verdict.by_computed => Reason::Adjusted,
            Some(_) => Reason::Aligned,
            None if has_neighbour => Reason::PartlyPublished,
            None => Reason::NotPublishedYet,
        };
        if image.is_none() {
            verdict.clock_offset_ms = None;
        }
    });
    match outcome.notes.iter_mut().find(|(known, _)| *known as usize == row) {
        Some((_, known)) => *known = format!("{note}; {known}"),
        None => outcome.notes.push((row as u32, note)),
    }
}

#[cfg(test)]
mod tests;
