//! `review export`: the photos that the matcher left open, a row per candidate, with a `decision` to be filled in; and the
//! same as a drawing for a map.

use crate::evidence_file::{CandidateLine, EvidenceLine, FileLine};
use crate::folder::{FolderError, MatchRecord, ReportFolder};
use crate::geojson::{Drawing, line, point};
use crate::table::{Cell, Column, Keys, Kind, column, infos, send, write_members, write_table};
use crate::{Choice, CsvStyle, Decision, OutputKind, Redaction, ReportError};
use capture_model::{ImageId, Position, Status};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};

/// One candidate of a photo in doubt.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewRow {
    photo: MatchRecord,
    /// From 1, best first; 0 for a photo without any.
    candidate: usize,
    image: Option<(ImageId, f64)>,
    told: Option<CandidateLine>,
    decision: &'static str,
}

impl ReviewRow {
    /// Whether the report hides who the candidates are.
    pub fn is_redacted(&self) -> bool {
        self.image.is_some_and(|(id, _)| Redaction::is_pseudonym(id.0))
    }

    fn place(&self) -> Option<Position> {
        let [lon, lat] = self.told.as_ref()?.place?;
        Position::from_lon_lat(lon, lat).ok()
    }
}

/// Longest line of `evidence.jsonl` that is read.
const LONGEST_LINE: u64 = 1 << 20;

/// Reads `evidence.jsonl` of a report, line by line; nothing where there is none.
pub fn for_each_evidence(folder: &ReportFolder, mut see: impl FnMut(EvidenceLine)) -> Result<(), FolderError> {
    use std::io::Read;
    let path = folder.path().join("evidence.jsonl");
    let read = |source| FolderError::Read { file: path.clone(), source };
    let file = match std::fs::File::open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(read)?,
    };
    let mut reader = BufReader::new(file);
    let mut text = Vec::new();
    for number in 1.. {
        text.clear();
        if (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut text).map_err(read)? == 0 {
            break;
        }
        let told = serde_json::from_slice(&text).map_err(|error| FolderError::Broken {
            file: path.clone(),
            line: number,
            detail: format!("no line of evidence ({error})"),
        })?;
        see(told);
    }
    Ok(())
}

/// The open photos of a report, a row per candidate; `decided` fills in what was decided before.
pub fn review_rows(folder: &ReportFolder, decided: &[Decision]) -> Result<Vec<ReviewRow>, FolderError> {
    let mut open: Vec<MatchRecord> = Vec::new();
    for record in folder.matches()? {
        let record = record?;
        if record.status == Status::Ambiguous {
            open.push(record);
        }
    }
    let mut evidence: BTreeMap<String, FileLine> = open.iter().map(|r| (r.path.clone(), FileLine::default())).collect();
    for_each_evidence(folder, |told| {
        if let EvidenceLine::File(file) = told
            && let Some(place) = evidence.get_mut(&file.path)
        {
            *place = *file;
        }
    })?;
    let decided: BTreeMap<&str, Choice> = decided.iter().map(|d| (d.path.as_str(), d.choice)).collect();
    let mut rows = Vec::new();
    for photo in open {
        let choice = decided.get(photo.path.as_str()).copied();
        let told = &evidence[&photo.path];
        for (place, &(id, probability)) in photo.candidates.iter().enumerate() {
            rows.push(ReviewRow {
                candidate: place + 1,
                image: Some((id, probability)),
                told: told.candidates.iter().find(|candidate| candidate.id == id.to_string()).cloned(),
                decision: match choice {
                    Some(Choice::Image(chosen)) if chosen == id => "yes",
                    Some(Choice::NoImage) if place == 0 => "none",
                    _ => "",
                },
                photo: photo.clone(),
            });
        }
        if photo.candidates.is_empty() {
            rows.push(ReviewRow { candidate: 0, image: None, told: None, decision: "", photo });
        }
    }
    Ok(rows)
}

/// Writes the rows as CSV, JSON lines or GeoJSON.
pub fn write_review(
    rows: &[ReviewRow],
    kind: OutputKind,
    style: CsvStyle,
    out: &mut dyn Write,
) -> Result<(), ReportError> {
    match kind {
        OutputKind::GeoJson => draw(rows, out),
        kind => write_table(kind, style, out, |sink| send(&columns(), rows.iter(), sink)),
    }
}

fn draw(rows: &[ReviewRow], out: &mut dyn Write) -> Result<(), ReportError> {
    let columns = columns();
    let keys = Keys::new(&infos(&columns));
    let mut scratch = String::new();
    let mut drawing = Drawing::begin(out)?;
    for row in rows {
        drawing.status = row.photo.status;
        drawing.members.clear();
        write_members(
            &keys,
            &mut columns.iter().map(|column| (column.cell)(&row)),
            &mut scratch,
            &mut drawing.members,
        )?;
        if row.decision.is_empty() {
            drawing.members.extend_from_slice(b",\"decision\":\"\""); // a field to be filled in
        }
        if row.candidate <= 1 {
            drawing.maybe("photo", row.photo.position.map(point))?;
        }
        drawing.maybe("candidate", row.place().map(point))?;
        drawing.maybe("pair", row.photo.position.zip(row.place()).map(|(here, there)| line(here, there)))?;
    }
    drawing.end()
}

fn number(value: Option<f64>) -> Cell<'static> {
    Cell::of(value, Cell::Number)
}

fn columns<'a>() -> [Column<&'a ReviewRow>; 15] {
    [
        column("path", Kind::Text, "The local file", |row| Cell::text(&*row.photo.path)),
        column("local_sequence", Kind::Text, "Its local sequence", |row| Cell::text(&*row.photo.local_sequence)),
        column("reason", Kind::Word, "Why it is in doubt", |row| Cell::text(row.photo.reason.as_str())),
        column("candidate", Kind::Whole, "Which candidate, best first", |row| Cell::Whole(row.candidate as i64)),
        column("decision", Kind::Word, "To be filled in: yes, no, none or an image id", |row| Cell::text(row.decision)),
        column("probability", Kind::Probability, "How sure the matcher is of it", |row| number(row.image.map(|i| i.1))),
        column("distance_m", Kind::Metres, "Photo to candidate", |row| {
            number(row.told.as_ref().and_then(|told| told.distance_m))
        }),
        column("url", Kind::Word, "The candidate on the web", |row| Cell::of(row.image, |(id, _)| Cell::Page(id.0))),
        column("captured_at", Kind::Time, "The photo's time", |row| Cell::of(row.photo.captured_at, Cell::Time)),
        column("candidate_captured_at", Kind::Word, "The candidate's time", |row| {
            Cell::text(row.told.as_ref().map_or("", |told| told.captured_at.as_str()))
        }),
        column("longitude", Kind::Coordinate, "The photo's place", |row| number(row.photo.position.map(Position::lon))),
        column("latitude", Kind::Coordinate, "The photo's place", |row| number(row.photo.position.map(Position::lat))),
        column("candidate_longitude", Kind::Coordinate, "The candidate's place", |row| {
            number(row.place().map(Position::lon))
        }),
        column("candidate_latitude", Kind::Coordinate, "The candidate's place", |row| {
            number(row.place().map(Position::lat))
        }),
        column("image_id", Kind::Id, "The candidate's id", |row| Cell::of(row.image, |(id, _)| Cell::Id(id.0))),
    ]
}
