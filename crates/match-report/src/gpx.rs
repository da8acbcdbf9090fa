//! `matches.gpx`: what JOSM and every GPS program open (GPX 1.1). A waypoint per local photo, and of each local sequence the
//! tracks of its local, published and computed places.
//!
//! Times are written where they are moments; a wall clock of unknown zone has no place in GPX. A track is cut where it
//! crosses the antimeridian, so that no program draws a line around the world.

use crate::matches_table::{MatchRow, columns};
use crate::table::{Cell, Column};
use crate::{Report, ReportError};
use capture_model::{LocalTime, Position};
use std::fmt::Write as _;
use std::io::Write;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <gpx version=\"1.1\" creator=\"tiepoint\" xmlns=\"http://www.topografix.com/GPX/1/1\">\n";

/// The places of a file, each with the column of its time.
const PLACES: [(&str, &str); 3] =
    [("local", "captured_at"), ("published", "remote_captured_at"), ("computed", "remote_captured_at")];

/// Writes every file that has a place.
pub fn write_matches_gpx(report: &Report<'_>, out: &mut dyn Write) -> Result<(), ReportError> {
    let columns = columns();
    out.write_all(HEAD.as_bytes())?;
    for file in 0..report.archive.files.len() {
        let seen = Seen::of(report, &columns, file);
        if let Some(place) = seen.places[0] {
            out.write_all(seen.waypoint(place).as_bytes())?;
        }
    }
    for track in &report.archive.tracks {
        let files: Vec<Seen> = track.files.clone().map(|file| Seen::of(report, &columns, file)).collect();
        for (kind, (name, _)) in PLACES.iter().enumerate() {
            let text = track_of(&files, kind, name);
            out.write_all(text.as_bytes())?;
        }
    }
    out.write_all(b"</gpx>\n")?;
    Ok(())
}

/// What GPX shows of one file; hidden where the report hides it.
struct Seen {
    /// Local, published, computed.
    places: [Option<Position>; 3],
    path: String,
    track: String,
    status: String,
    reason: String,
    altitude_m: String,
    url: String,
    note: String,
    /// Of each kind of place; empty for wall clocks.
    times: [String; 3],
}

impl Seen {
    fn of<'a>(report: &'a Report<'a>, columns: &[Column<MatchRow<'a>>], file: usize) -> Self {
        let row = MatchRow::of(report, file);
        let value = |name: &str| {
            let (mut text, mut is_moment) = (String::new(), false);
            if let Some(column) = columns.iter().find(|column| column.info.name == name) {
                let cell = report.shown(&column.info, (column.cell)(&row));
                is_moment = matches!(cell, Cell::Time(LocalTime::Absolute(_)));
                cell.write_to(column.info.kind, &mut text);
            }
            (text, is_moment)
        };
        let text = |name: &str| value(name).0;
        let time = |name: &str| {
            let (text, is_moment) = value(name);
            if is_moment { text } else { String::new() }
        };
        let shown = |place: Position| report.redaction().map_or(place, |redaction| redaction.position(place));
        let local = report.archive.files.get(file).position();
        Self {
            places: [local.map(shown), row.original.map(shown), row.computed.map(shown)],
            path: text("path"),
            track: text("local_sequence"),
            status: text("status"),
            reason: text("reason"),
            altitude_m: text("altitude_m"),
            url: text("url"),
            note: text("note"),
            times: PLACES.map(|(_, column)| time(column)),
        }
    }

    /// In the order of elements that GPX asks for.
    fn waypoint(&self, place: Position) -> String {
        let name = self.path.rsplit(['/', '\\']).next().unwrap_or(&self.path);
        let words = [self.status.as_str(), self.reason.as_str(), self.note.as_str()];
        let words: Vec<&str> = words.into_iter().filter(|words| !words.is_empty()).collect();
        let mut text = format!("<wpt {}>", at(place));
        text += &element("ele", &self.altitude_m);
        text += &element("time", &self.times[0]);
        text += &element("name", name);
        text += &element("cmt", &self.path);
        text += &element("desc", &words.join(": "));
        if !self.url.is_empty() {
            let _ = write!(text, "<link href=\"{}\"/>", escaped(&self.url)); // a String takes all
        }
        text += &element("type", &self.status);
        text + "</wpt>\n"
    }
}

/// One kind of place of one local sequence; nothing where no file has it.
fn track_of(files: &[Seen], kind: usize, name: &str) -> String {
    let points: Vec<(&Seen, Position)> = files.iter().filter_map(|file| Some((file, file.places[kind]?))).collect();
    let Some((first, _)) = points.first() else { return String::new() };
    let mut text = format!("<trk>{}<trkseg>\n", element("name", &format!("{} {name}", first.track)));
    let mut last: Option<Position> = None;
    for (file, place) in &points {
        if last.is_some_and(|last| (last.lon() - place.lon()).abs() > 180.0) {
            text += "</trkseg><trkseg>\n";
        }
        last = Some(*place);
        let altitude = if kind == 0 { element("ele", &file.altitude_m) } else { String::new() };
        let _ = writeln!(text, "<trkpt {}>{altitude}{}</trkpt>", at(*place), element("time", &file.times[kind]));
    }
    text + "</trkseg></trk>\n"
}

/// 180 degrees east is the same meridian as 180 degrees west, and GPX knows only the latter.
fn at(place: Position) -> String {
    let longitude = if place.lon() >= 180.0 { -180.0 } else { place.lon() };
    format!("lat=\"{:.7}\" lon=\"{longitude:.7}\"", place.lat())
}

/// An element with text; nothing without.
fn element(name: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("<{name}>{}</{name}>", escaped(text)) }
}

/// Text as XML 1.0 may hold it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'), // what XML cannot hold
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::World;

    #[test]
    fn hostile_words_stay_words() {
        assert_eq!(escaped("a<b>&\"c\"\u{1}\u{ffff}\n"), "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}\u{fffd} ");
    }

    #[test]
    fn the_far_meridian_has_one_name() {
        let place = Position::from_lon_lat(180.0, -17.5).unwrap();
        assert_eq!(at(place), "lat=\"-17.5000000\" lon=\"-180.0000000\"");
    }

    #[test]
    fn every_placed_photo_is_a_waypoint_and_every_matched_one_in_a_published_track() {
        let world = World::of(800);
        let report = world.report();
        let mut out = Vec::new();
        write_matches_gpx(&report, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let placed = report.archive.files.iter().filter(|file| file.position().is_some()).count();
        let matched = (0..report.archive.files.len()).filter_map(|file| report.image_of(file)).count();
        assert_eq!(text.matches("<wpt ").count(), placed);
        let published: usize = text
            .split("<trk>")
            .filter(|track| track.contains(" published</name>"))
            .map(|track| track.matches("<trkpt ").count())
            .sum();
        assert_eq!(published, matched);
        assert_eq!(text.matches("<trk>").count(), text.matches("</trk>").count());
        assert!(text.starts_with(HEAD) && text.ends_with("</gpx>\n"));
    }
}
