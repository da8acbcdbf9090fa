//! The track points of a GPX file (GPX 1.0 and 1.1, `trkpt`).

use super::Point;
use crate::time_text::date_time;
use capture_model::Position;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// What could be read of a file.
#[derive(Debug, Default)]
pub(super) struct Points {
    /// In order of time.
    pub(super) points: Vec<Point>,
    /// Whether the file ends before its last element does.
    pub(super) is_cut: bool,
}

/// Reads every point that has a place and a time, whatever prefix its elements have. What follows a fault of the XML is
/// not read, and what came before it serves.
pub(super) fn read_points(text: &str) -> Points {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    let (mut points, mut open) = (Vec::new(), None::<OpenPoint>);
    let mut is_whole = false;
    loop {
        match reader.read_event() {
            Ok(Event::Start(element)) if element.local_name().as_ref() == "trkpt" => {
                points.extend(open.replace(OpenPoint::new(&element)).and_then(OpenPoint::read));
            }
            Ok(Event::Start(element)) => {
                if let Some(open) = &mut open {
                    open.enter(element.local_name().as_ref());
                }
            }
            Ok(Event::Text(text)) => {
                if let Some(words) = open.as_mut().and_then(OpenPoint::words) {
                    words.push_str(&text.xml10_content());
                }
            }
            Ok(Event::CData(text)) => {
                if let Some(words) = open.as_mut().and_then(OpenPoint::words) {
                    words.push_str(&text.xml10_content());
                }
            }
            Ok(Event::End(element)) if element.local_name().as_ref() == "trkpt" => {
                points.extend(open.take().and_then(OpenPoint::read));
            }
            Ok(Event::End(element)) => {
                is_whole |= element.local_name().as_ref() == "gpx";
                if let Some(open) = &mut open {
                    open.leave();
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    points.extend(open.and_then(OpenPoint::read));
    points.sort_by_key(|point: &Point| point.ms);
    Points { points, is_cut: !is_whole }
}

/// A point whose end has not come yet.
struct OpenPoint {
    lon: Option<f64>,
    lat: Option<f64>,
    time: Words,
    ele: Words,
    /// Elements that are open below it.
    depth: usize,
}

#[derive(Default)]
struct Words {
    text: String,
    is_open: bool,
    /// Its end has come.
    is_whole: bool,
}

impl OpenPoint {
    fn new(element: &BytesStart<'_>) -> Self {
        let number = |name: &str| {
            let mut attributes = element.attributes();
            let mut readable = attributes.with_checks(false).flatten();
            let attribute = readable.find(|attribute| attribute.key.local_name().as_ref() == name)?;
            attribute.value.trim().parse::<f64>().ok()
        };
        Self { lon: number("lon"), lat: number("lat"), time: Words::default(), ele: Words::default(), depth: 0 }
    }

    fn enter(&mut self, name: &str) {
        self.depth += 1;
        let is_own = self.depth == 1; // extensions may have elements of these names as well
        for (own, words) in [("time", &mut self.time), ("ele", &mut self.ele)] {
            words.is_open = is_own && own == name && !words.is_whole;
        }
    }

    fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        for words in [&mut self.time, &mut self.ele] {
            words.is_whole |= words.is_open;
            words.is_open = false;
        }
    }

    /// Where text goes that comes now.
    fn words(&mut self) -> Option<&mut String> {
        [&mut self.time, &mut self.ele].into_iter().find(|words| words.is_open).map(|words| &mut words.text)
    }

    fn read(self) -> Option<Point> {
        let words = |words: &Words| words.is_whole.then(|| words.text.trim().to_owned());
        let told = date_time(&words(&self.time)?)?;
        let altitude_m = words(&self.ele).and_then(|text| text.parse().ok());
        Some(Point {
            ms: told.time.ms(), // the format knows UTC only; a zone, where written, is taken off
            position: Position::from_lon_lat(self.lon?, self.lat?).ok()?,
            altitude_m: altitude_m.filter(|altitude: &f64| altitude.is_finite()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_through_prefixes_extensions_and_faults() {
        let text = r#"<?xml version="1.0"?><!DOCTYPE gpx><g:gpx xmlns:g="http://www.topografix.com/GPX/1/1"><g:trk><g:trkseg>
            <g:trkpt lon="8.1" lat="47.1"><g:extensions><x:ele>9</x:ele><x:time>2001-01-01T00:00:00Z</x:time></g:extensions>
                <g:ele>400.5</g:ele><g:time><![CDATA[2018-06-08T11:24:20Z]]></g:time></g:trkpt>
            <g:trkpt lon="8.0" lat="47.0"><g:time> 2018-06-08T11:24:10Z
                </g:time></g:trkpt>
            <g:trkpt lon="8.2" lat="47.2"><g:time>2018-06-08T11:24:30Z</g:time>
            <g:trkpt lon="8.3" lat="47.3"><g:time>2018-06-08T11:24:4"#;
        let read = read_points(text);
        let told: Vec<_> =
            read.points.iter().map(|point| (point.ms % 60_000, point.position.lon(), point.altitude_m)).collect();
        assert_eq!(told, [(10_000, 8.0, None), (20_000, 8.1, Some(400.5)), (30_000, 8.2, None)]);
        assert!(read.is_cut);
        let whole = format!("{}0Z</g:time></g:trkpt></g:trkseg></g:trk></g:gpx>", text.trim_end());
        let read = read_points(&whole);
        assert_eq!((read.points.len(), read.is_cut), (4, false));
    }
}
