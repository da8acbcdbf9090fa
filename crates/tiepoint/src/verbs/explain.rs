//! `tiepoint explain`: the story of one photo, or of one published image, from a report.

use crate::arguments::Shared;
use crate::exit;
use crate::output::print;
use anyhow::Result;
use capture_model::{ImageId, LocalTime, Status};
use clap::Args;
use match_report::{
    BlockLine, EvidenceLine, FileLine, MatchRecord, ReportFolder, SequenceRecord, for_each_evidence, meaning, next_step,
};
use std::fmt::Write;
use std::path::PathBuf;

/// Why one photo ended as it did: what the file says, what spoke for its image, who else was considered
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  tiepoint explain IMG_0412.JPG --report ties        by name, where no other file ends so
  tiepoint explain ride/IMG_0412.JPG --report ties   by path, as in matches.csv
  tiepoint explain 498763468214164 --report ties     which photo is this image?

Weights are natural logarithms: how much likelier a feature is of one photo than of somebody else's image. 3 speaks for
it 20 to 1, 0 says nothing, -3 speaks against it.")]
pub(crate) struct Explain {
    /// A photo, by path or by the end of its path; or an image id
    #[arg(value_name = "FILE|IMAGE_ID")]
    what: String,
    /// Folder of the report
    #[arg(long, value_name = "DIR", default_value = "tiepoint-out")]
    report: PathBuf,
}

const MOST_LISTED: usize = 8;

impl Explain {
    pub(crate) fn run(&self, _: &Shared) -> Result<u8> {
        let folder = ReportFolder::open(&self.report)?;
        let id = is_id(&self.what).then(|| self.what.parse().ok().map(ImageId)).flatten();
        let found = find(&folder, &self.what, id)?;
        match found.as_slice() {
            [(record, role)] => {
                let mut text = String::new();
                if let Some(id) = id.filter(|_| *role != Role::Named) {
                    let _ = writeln!(text, "image {id} {}:", role.words());
                }
                text.push_str(&Self::story(&folder, record)?);
                print(&text)?;
                Ok(0)
            }
            [] => match id {
                Some(id) => self.remote_only(&folder, id),
                None => Err(self.nothing("no file of this report ends so; names are those of matches.csv")),
            },
            several => {
                let mut text = format!("{} files could be meant by {}:\n", several.len(), self.what);
                for (record, role) in several.iter().take(MOST_LISTED) {
                    let _ = writeln!(text, "  {} ({} {}){}", record.path, record.status, record.reason, role.suffix());
                }
                if several.len() > MOST_LISTED {
                    let _ = writeln!(text, "  and {} more", several.len() - MOST_LISTED);
                }
                print(&text)?;
                if id.is_some() { Ok(0) } else { Err(exit::usage("name one of them by more of its path")) }
            }
        }
    }

    fn nothing(&self, words: &str) -> anyhow::Error {
        exit::error(exit::NOTHING_TO_READ, format!("{}: {words}", self.what))
    }

    fn remote_only(&self, folder: &ReportFolder, id: ImageId) -> Result<u8> {
        if folder.has_shifts() {
            for shift in folder.shifts()? {
                let shift = shift?;
                if shift.image_id == id {
                    let key = shift.sequence_id.map_or_else(|| "no sequence".to_owned(), |key| key.as_str().to_owned());
                    return print(&format!(
                        "image {id} stands in {key}, a published sequence that holds photos of yours,\nbut no local file is tied to it: its file may be deleted, elsewhere, or ambiguous.\nNext: look for it in `--list-remote-only`, or name its folder to reconcile.\nhttps://www.mapillary.com/app/?pKey={id}\n"
                    ))
                    .map(|()| 0);
                }
            }
        }
        Err(self.nothing("no file of this report has that image, and no sequence in it does"))
    }

    /// About ten lines.
    fn story(folder: &ReportFolder, record: &MatchRecord) -> Result<String> {
        let (mut file, mut blocks) = (None, Vec::new());
        for_each_evidence(folder, |told| match told {
            EvidenceLine::File(told) if told.path == record.path => file = Some(*told),
            EvidenceLine::Sequence { local_sequence, blocks: told } if local_sequence == record.local_sequence => {
                blocks = told;
            }
            _ => {}
        })?;
        let mut sequence = None;
        for told in folder.sequences()? {
            let told = told?;
            if told.local_sequence == record.local_sequence && !record.local_sequence.is_empty() {
                sequence = Some(told);
            }
        }
        let mut story = Story::default();
        let image = record.image_id.map_or_else(String::new, |id| format!(" -> image {id}"));
        let mut text = format!("{}: {} ({}){image}\n", record.path, record.status, record.reason);
        story.line("file", &file_words(record, file.as_ref()));
        story.line("uploader", &file.as_ref().map_or_else(String::new, |told| uploader_words(record, told)));
        story.line("sequence", &sequence.as_ref().map_or_else(String::new, sequence_words));
        story.line("clock", &sequence.as_ref().map_or_else(String::new, |told| clock_words(record, told)));
        story.line("agrees", &agreement(record));
        story.line("weights", &file.as_ref().map_or_else(String::new, weights_words));
        story.line("rivals", &rivals(record, file.as_ref()));
        story.line("could be", &blocks_words(&blocks));
        story.line("moved", &moved(record));
        let p = record.probability.map_or_else(String::new, |p| format!("p {p:.4}: "));
        story.line("decision", &format!("{p}{}", meaning(record.reason)));
        story.line("note", &record.note);
        story.line("next", next_step(record.reason));
        if is_web(&record.url) {
            story.line("link", &record.url);
        }
        text.push_str(&story.0);
        Ok(text)
    }
}

/// How an image id belongs to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Named,
    Match,
    Copy,
    Candidate,
}

impl Role {
    fn words(self) -> &'static str {
        match self {
            Self::Named | Self::Match => "is this photo",
            Self::Copy => "is a further image of this photo",
            Self::Candidate => "is a candidate of this photo",
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Named | Self::Match => "",
            Self::Copy => ", further image",
            Self::Candidate => ", candidate",
        }
    }
}

fn is_id(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_web(url: &str) -> bool {
    url.strip_prefix("https://www.mapillary.com/app/?pKey=").is_some_and(is_id)
}

/// Files that are meant; an exact path, or an image's own photo, rules all others out.
fn find(folder: &ReportFolder, what: &str, id: Option<ImageId>) -> Result<Vec<(MatchRecord, Role)>> {
    let mut found: Vec<(MatchRecord, Role)> = Vec::new();
    for record in folder.matches()? {
        let record = record?;
        if record.path == what {
            return Ok(vec![(record, Role::Named)]);
        }
        let is_end = record.path.strip_suffix(what).is_some_and(|before| before.is_empty() || before.ends_with('/'));
        let role = match id {
            _ if is_end => Some(Role::Named),
            Some(id) if record.image_id == Some(id) => Some(Role::Match),
            Some(id) if record.also_published_as.contains(&id) => Some(Role::Copy),
            Some(id) if record.candidates.iter().any(|(candidate, _)| *candidate == id) => Some(Role::Candidate),
            _ => None,
        };
        found.extend(role.map(|role| (record, role)));
    }
    for role in [Role::Match, Role::Copy] {
        if let Some(place) = found.iter().position(|(_, own)| *own == role) {
            return Ok(vec![found.swap_remove(place)]);
        }
    }
    Ok(found)
}

#[derive(Default)]
struct Story(String);

impl Story {
    fn line(&mut self, name: &str, words: &str) {
        if !words.is_empty() {
            let _ = writeln!(self.0, "  {name:<9} {words}");
        }
    }
}

fn file_words(record: &MatchRecord, file: Option<&FileLine>) -> String {
    let mut words = Vec::new();
    match (file.filter(|told| !told.time.is_empty()), record.captured_at) {
        (Some(told), _) => {
            let zone = if told.time.ends_with('Z') { "" } else { ", wall clock" };
            let step = told.resolution_ms.map_or_else(String::new, |ms| format!(" to {ms} ms"));
            words.push(format!("{} (from {}{step}{zone})", told.time, told.time_source));
            if !told.camera_time.is_empty() {
                words.push(format!("camera clock {}", told.camera_time));
            }
        }
        (None, Some(time)) => {
            let zone = if matches!(time, LocalTime::Wall(_)) { " (wall clock)" } else { "" };
            words.push(format!("{time}{zone}"));
        }
        (None, None) => words.push("no time".to_owned()),
    }
    words.push(record.position.map_or_else(|| "no place".to_owned(), |p| format!("{:.7} {:.7}", p.lon(), p.lat())));
    words.extend(record.altitude_m.map(|m| format!("{m} m high")));
    words.extend(file.and_then(|told| told.heading_deg).map(|degrees| format!("heading {degrees}°")));
    words.extend(file.map(|told| told.device.clone()).filter(|device| !device.is_empty()));
    words.join(", ")
}

fn uploader_words(record: &MatchRecord, told: &FileLine) -> String {
    if record.reason.status() > Status::Unmatched {
        return "does not upload it".to_owned();
    }
    if !told.predicted_drop.is_empty() {
        return format!("drops it by its own rules ({})", told.predicted_drop);
    }
    if told.sent_time.is_empty() {
        return "sends it as it is".to_owned();
    }
    format!("sends the time as {} (equal times are spread)", told.sent_time)
}

fn sequence_words(told: &SequenceRecord) -> String {
    let keys: Vec<&str> = told.sequence_ids.iter().map(capture_model::SequenceId::as_str).collect();
    let keys = if keys.is_empty() { String::new() } else { format!(" as {}", keys.join(", ")) };
    format!("{}: {} of {} files matched, {}{keys}", told.local_sequence, told.matched, told.images, told.verdict)
}

fn clock_words(record: &MatchRecord, told: &SequenceRecord) -> String {
    let Some(ms) = record.clock_offset_ms.or(told.clock_offset_ms) else { return String::new() };
    let support = if told.note.is_empty() { String::new() } else { format!("; {}", told.note) };
    format!("{:+} s ({}){support}", ms as f64 / 1000.0, told.clock_kind)
}

fn agreement(record: &MatchRecord) -> String {
    let mut words = Vec::new();
    words.extend(record.distance_m.map(|m| format!("{m:.2} m")));
    words.extend(record.time_delta_ms.map(|ms| format!("{ms:+} ms")));
    words.extend(record.altitude_delta_m.map(|m| format!("altitude {m:+.2} m")));
    words.extend(record.heading_delta_deg.map(|degrees| format!("heading {degrees:+.2}°")));
    words.join(", ")
}

fn weights_words(told: &FileLine) -> String {
    told.weights.as_ref().map_or_else(String::new, |own| {
        let of = if told.candidates.is_empty() || own.id.is_empty() {
            String::new()
        } else {
            format!(" for image {}", own.id)
        };
        format!(
            "time {:+.1}, place {:+.1}, heading {:+.1}, altitude {:+.1}{of}",
            own.time, own.place, own.heading, own.altitude
        )
    })
}

fn rivals(record: &MatchRecord, file: Option<&FileLine>) -> String {
    let away = |id: ImageId| {
        let told = file.and_then(|told| told.candidates.iter().find(|candidate| candidate.id == id.to_string()));
        told.and_then(|told| told.distance_m).map_or_else(String::new, |m| format!(" at {m:.2} m"))
    };
    let others = record.candidates.iter().filter(|(id, _)| Some(*id) != record.image_id);
    let mut words: Vec<String> = others.map(|&(id, p)| format!("{id} (p {p:.4}{})", away(id))).collect();
    words.extend(file.and_then(|told| told.runner_up.as_ref()).map(|(id, p)| format!("{id} (p {p:.4})")));
    match record.reason.status() {
        Status::Matched if words.is_empty() => "none above 0.0001".to_owned(),
        _ => words.join(", "),
    }
}

fn blocks_words(blocks: &[BlockLine]) -> String {
    let told: Vec<String> = blocks
        .iter()
        .take(3)
        .map(|block| {
            let key = if block.sequence.is_empty() { "images without sequence" } else { &block.sequence };
            let offset = block.offset_ms.map_or_else(String::new, |ms| format!(" at {:+} s", ms as f64 / 1000.0));
            let twin = if block.twin { ", the same upload again" } else { "" };
            format!("{key}{offset}: {} photos, p {:.4}, doubt: {}{twin}", block.photos, block.probability, block.doubt)
        })
        .collect();
    told.join("; ")
}

fn moved(record: &MatchRecord) -> String {
    let bearing = record.shift_bearing_deg.map_or_else(String::new, |degrees| format!(" towards {degrees:.0}°"));
    record.shift_m.map_or_else(String::new, |m| format!("{m:.2} m by the service{bearing}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use capture_model::Reason;

    #[test]
    fn only_digits_are_ids_and_only_our_links_are_links() {
        assert!(is_id("498763468214164") && !is_id("") && !is_id("12a") && !is_id(&"9".repeat(21)));
        assert!(is_web("https://www.mapillary.com/app/?pKey=1"));
        assert!(!is_web("https://www.mapillary.com/app/?pKey=1&x") && !is_web("javascript:1"));
        assert_eq!(Role::Candidate.words(), "is a candidate of this photo");
        assert_eq!(Reason::ALL.len(), Reason::ALL.iter().filter(|&&reason| !next_step(reason).is_empty()).count());
    }
}
