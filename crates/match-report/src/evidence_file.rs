//! `evidence.jsonl`: what `explain` and `review` need beyond the tables. A line per local sequence with the published
//! sequences that it may be, then a line per local file, in the order of `matches.csv`: what the file says, what the
//! uploader makes of it, the weights of its best pair, its candidates with their places. Empty things are absent.

use crate::{Report, ReportError, figures};
use capture_model::{FileRow, LocalTime, Position};
use image_matcher::{Evidence, PairWeights};
use serde::{Deserialize, Serialize};
use std::io::Write;

/// A published sequence that a local one may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockLine {
    /// Its key, where it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sequence: String,
    /// Remote − local clock, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_ms: Option<i64>,
    /// Photos that find an image in it, in order.
    pub photos: u32,
    /// Evidence against chance, natural logarithm.
    pub evidence: f64,
    /// Evidence of identity, natural logarithm.
    pub identity: f64,
    /// Probability that it is this one.
    pub probability: f64,
    /// What speaks against it most.
    pub doubt: String,
    /// Whether it is the first one's upload again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub twin: bool,
}

/// An image that a photo may have become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateLine {
    /// Image id, as text.
    pub id: String,
    /// How sure.
    pub probability: f64,
    /// Its sequence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sequence: String,
    /// Its time as published.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub captured_at: String,
    /// Longitude and latitude, as uploaded, else as computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<[f64; 2]>,
    /// Metres from the photo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<f64>,
}

/// Weights by feature, natural logarithms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightsLine {
    /// The image that they speak of, where it is not the match.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Probability of the pair.
    pub probability: f64,
    /// Of the times.
    pub time: f64,
    /// Of the places.
    pub place: f64,
    /// Of the headings.
    pub heading: f64,
    /// Of the altitudes.
    pub altitude: f64,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EvidenceLine {
    /// A local file.
    File(Box<FileLine>),
    /// A local sequence.
    Sequence {
        /// Its name.
        local_sequence: String,
        /// What it may be, best first.
        blocks: Vec<BlockLine>,
    },
}

/// What is known of a local file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FileLine {
    /// As in `matches.csv`.
    pub path: String,
    /// Where its time was read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub time_source: String,
    /// Step in which the time was written, ms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_ms: Option<u16>,
    /// The time as written.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub time: String,
    /// The camera's own clock, where it is another.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub camera_time: String,
    /// The time that the uploader sends, where it is another.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sent_time: String,
    /// Drop that the uploader's rules predict.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub predicted_drop: String,
    /// Heading, degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heading_deg: Option<f64>,
    /// Make and model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub device: String,
    /// The best pair's weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightsLine>,
    /// The next best image, where it is no candidate: its id and probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<(String, f64)>,
    /// The candidates, where there are several or none is sure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<CandidateLine>,
}

/// Writes the file.
pub fn write_evidence(report: &Report<'_>, evidence: &Evidence, out: &mut dyn Write) -> Result<(), ReportError> {
    let teller = Teller { report };
    let mut line = Vec::new();
    let mut write = |told: &EvidenceLine| -> Result<(), ReportError> {
        line.clear();
        serde_json::to_writer(&mut line, told)?;
        line.push(b'\n');
        Ok(out.write_all(&line)?)
    };
    for (track, blocks) in evidence.blocks.iter().enumerate() {
        write(&teller.sequence(track, blocks))?;
    }
    for file in 0..report.archive.files.len() {
        let pairs = report.row_of(file).and_then(|row| evidence.pairs.get(row)).copied().unwrap_or_default();
        write(&EvidenceLine::File(Box::new(teller.file(file, pairs))))?;
    }
    Ok(())
}

struct Teller<'r> {
    report: &'r Report<'r>,
}

fn rounded(value: f64, digits: i32) -> f64 {
    let factor = 10_f64.powi(digits);
    (value * factor).round() / factor + 0.0 // adding 0 turns -0 into 0
}

impl Teller<'_> {
    fn id(&self, image: usize) -> String {
        let id = self.report.published.id[image];
        self.report.redaction().map_or(id, |redaction| redaction.id(id)).to_string()
    }

    fn key(&self, image: usize) -> String {
        let key = self.report.published.sequence_id(image).map_or("", |key| key.as_str());
        self.report.redaction().map_or_else(|| key.to_owned(), |redaction| redaction.name(key))
    }

    fn time(&self, time: Option<LocalTime>) -> String {
        let shown = |time| self.report.redaction().map_or(time, |redaction| redaction.time(time));
        time.map_or_else(String::new, |time| shown(time).to_string())
    }

    fn sequence(&self, track: usize, blocks: &[image_matcher::BlockEvidence]) -> EvidenceLine {
        let name = &*self.report.archive.tracks[track].name;
        let blocks = blocks.iter().map(|block| BlockLine {
            sequence: self.key(block.first_image as usize),
            offset_ms: block.offset_ms,
            photos: block.photos,
            evidence: rounded(block.evidence, 1),
            identity: rounded(block.identity, 1),
            probability: rounded(block.probability, 4),
            doubt: block.doubt.to_owned(),
            twin: block.is_twin,
        });
        EvidenceLine::Sequence {
            local_sequence: self.report.redaction().map_or_else(|| name.to_owned(), |r| r.local_sequence(name)),
            blocks: blocks.collect(),
        }
    }

    fn file(&self, file: usize, [best, next]: [Option<PairWeights>; 2]) -> FileLine {
        let local: FileRow<'_> = self.report.archive.files.get(file);
        let seen = local.observation();
        let devices = &self.report.archive.devices;
        let device = ((seen.device as usize) < devices.len()).then(|| devices.value(seen.device));
        let candidates = self.report.candidates_of(file);
        let is_listed = |image: u32| candidates.iter().any(|candidate| candidate.image == image);
        let is_open = candidates.len() > 1 || (!candidates.is_empty() && self.report.image_of(file).is_none());
        FileLine {
            path: self.report.redaction().map_or_else(|| local.path().to_owned(), |r| r.path(local.path())),
            time_source: seen.time.map_or_else(String::new, |_| seen.time_source.as_str().to_owned()),
            resolution_ms: seen.time.map(|_| seen.time_resolution_ms),
            time: self.time(seen.time),
            camera_time: self.time(seen.camera_time.filter(|time| Some(*time) != seen.time)),
            sent_time: self.time(local.sent_time().filter(|time| Some(*time) != seen.time)),
            predicted_drop: local.predicted_drop().map_or_else(String::new, |reason| reason.as_str().to_owned()),
            heading_deg: seen.heading_deg.map(|degrees| rounded(degrees, 2)),
            device: device.map_or_else(String::new, |device| {
                [device.make.as_deref(), device.model.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ")
            }),
            weights: best.map(|pair| self.weights(pair, self.report.image_of(file))),
            runner_up: next
                .filter(|pair| pair.probability >= 1e-4 && !is_listed(pair.image))
                .map(|pair| (self.id(pair.image as usize), rounded(f64::from(pair.probability), 4))),
            candidates: if is_open {
                candidates.iter().map(|c| self.candidate(seen.position, c.image as usize, c.probability)).collect()
            } else {
                Vec::new()
            },
        }
    }

    fn weights(&self, pair: PairWeights, matched: Option<usize>) -> WeightsLine {
        let image = pair.image as usize;
        let tenth = |term: f32| rounded(f64::from(term), 1);
        WeightsLine {
            id: if matched == Some(image) { String::new() } else { self.id(image) },
            probability: rounded(f64::from(pair.probability), 4),
            time: tenth(pair.time),
            place: tenth(pair.place),
            heading: tenth(pair.heading),
            altitude: tenth(pair.altitude),
        }
    }

    fn candidate(&self, here: Option<Position>, image: usize, probability: f64) -> CandidateLine {
        let published = self.report.published;
        let there = published.original(image).or_else(|| published.computed(image));
        let shown = |place: Position| self.report.redaction().map_or(place, |redaction| redaction.position(place));
        CandidateLine {
            id: self.id(image),
            probability: rounded(probability, 4),
            sequence: self.key(image),
            captured_at: self.time(published.captured_at(image).map(LocalTime::Absolute)),
            place: there.map(|place| {
                let place = shown(place);
                [rounded(place.lon(), 7), rounded(place.lat(), 7)]
            }),
            distance_m: here.zip(there).map(|(here, there)| rounded(figures::distance_m(here, there), 2)),
        }
    }
}
