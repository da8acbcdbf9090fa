//! The XMP packet of a sidecar: made anew, or spliced into one that exists.
//!
//! # Method
//! The packet is parsed to know where things stand, and changed as text: the ranges of our own properties are cut out, and
//! one `rdf:Description` with the new ones goes in front of the end of `rdf:RDF`. So whatever another program wrote keeps
//! its bytes. The result is parsed again before it is accepted.

use crate::xml_text::escaped;
use match_report::MatchRecord;
use roxmltree::{Document, Node};
use std::fmt::Write;
use std::ops::Range;

/// Namespace of our properties: `ImageId`, `SequenceId`, `Url`, `Probability`, `Reason`, `CapturedAt`, `Longitude`,
/// `Latitude`, `ComputedLongitude`, `ComputedLatitude`, `AlsoPublishedAs` (a bag). Ids are text.
pub const NAMESPACE: &str = "urn:tiepoint:xmp:1.0:";
const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const HEAD: &str = "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n<x:xmpmeta \
                    xmlns:x=\"adobe:ns:meta/\">\n <rdf:RDF \
                    xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n";
const TAIL: &str = " </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>\n";

/// The packet of a sidecar of our own.
pub(crate) fn new_packet(record: &MatchRecord) -> String {
    format!("{HEAD}{}{TAIL}", properties(record, ""))
}

/// An existing packet with our properties replaced, or taken out; `Ok(None)` where nothing is left that is not ours.
///
/// # Errors
/// A few words when the packet is none that can be changed safely.
pub(crate) fn spliced(packet: &str, record: Option<&MatchRecord>) -> Result<Option<String>, String> {
    let body = packet.strip_prefix('\u{feff}').unwrap_or(packet);
    let mark = &packet[..packet.len() - body.len()];
    let document = Document::parse(body).map_err(|error| format!("it is not well-formed XML ({error})"))?;
    let is_rdf = |node: &Node<'_, '_>| node.has_tag_name((RDF, "RDF"));
    let mut all = document.descendants().filter(is_rdf);
    let (Some(rdf), None) = (all.next(), all.next()) else {
        return Err("it does not hold exactly one rdf:RDF".to_owned());
    };
    let mut cuts: Vec<Range<usize>> = Vec::new();
    let mut n_others = 0;
    for description in rdf.children().filter(Node::is_element) {
        let own_elements = description.children().filter(|node| is_own(node.tag_name().namespace()));
        let own: Vec<Range<usize>> = own_elements
            .map(|node| node.range())
            .chain(description.attributes().filter(|a| is_own(a.namespace())).map(|attribute| attribute.range()))
            .collect();
        let n_foreign = description.children().filter(|node| node.is_element() && !is_own(node.tag_name().namespace()));
        let n_foreign_attributes =
            description.attributes().filter(|a| !is_own(a.namespace()) && a.namespace() != Some(RDF)).count();
        if !own.is_empty() && n_foreign.count() + n_foreign_attributes == 0 {
            cuts.push(description.range());
        } else {
            n_others += 1;
            cuts.extend(own);
        }
    }
    if n_others == 0 && record.is_none() && !cuts.is_empty() {
        return Ok(None);
    }
    let Some(end) = body[rdf.range()].rfind("</").map(|at| rdf.range().start + at) else {
        return Err("its rdf:RDF is empty".to_owned());
    };
    let about = rdf.children().find_map(|node| node.attribute((RDF, "about"))).unwrap_or_default();
    let mut text = mark.to_owned();
    let mut at = 0;
    cuts.sort_by_key(|cut| cut.start);
    for cut in cuts {
        let cut = whole_lines(body, cut);
        text.push_str(&body[at..cut.start]);
        at = cut.end;
    }
    let before_end = &body[at..end];
    let indent = &before_end[before_end.trim_end_matches([' ', '\t']).len()..];
    text.push_str(&before_end[..before_end.len() - indent.len()]);
    if let Some(record) = record {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&properties(record, about));
    }
    text.push_str(indent);
    text.push_str(&body[end..]);
    match Document::parse(text.strip_prefix('\u{feff}').unwrap_or(&text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) => Err(format!("it cannot be changed in place ({error})")),
    }
}

/// The lines that a range fills alone, with their line break; else the range itself.
fn whole_lines(body: &str, range: Range<usize>) -> Range<usize> {
    let line = body[..range.start].trim_end_matches([' ', '\t']);
    let rest = body[range.end..].trim_start_matches([' ', '\t', '\r']);
    match (line.ends_with('\n'), rest.strip_prefix('\n')) {
        (true, Some(rest)) => line.len()..body.len() - rest.len(),
        _ => range,
    }
}

fn is_own(namespace: Option<&str>) -> bool {
    namespace == Some(NAMESPACE)
}

/// One `rdf:Description` with what a report says.
fn properties(record: &MatchRecord, about: &str) -> String {
    let mut text = format!(
        "  <rdf:Description xmlns:rdf=\"{RDF}\" xmlns:tiepoint=\"{NAMESPACE}\" rdf:about=\"{}\">\n",
        escaped(about)
    );
    for (name, value) in fields(record) {
        let _ = writeln!(text, "   <tiepoint:{name}>{}</tiepoint:{name}>", escaped(&value)); // a String takes all
    }
    if !record.also_published_as.is_empty() {
        text.push_str("   <tiepoint:AlsoPublishedAs>\n    <rdf:Bag>\n");
        for id in &record.also_published_as {
            let _ = writeln!(text, "     <rdf:li>{id}</rdf:li>");
        }
        text.push_str("    </rdf:Bag>\n   </tiepoint:AlsoPublishedAs>\n");
    }
    text.push_str("  </rdf:Description>\n");
    text
}

/// What is told of a match, in the order in which it is written; what is unknown is left out.
pub(crate) fn fields(record: &MatchRecord) -> impl Iterator<Item = (&'static str, String)> {
    let degrees = |value: f64| format!("{value:.7}");
    let (original, computed) = (record.remote_position, record.computed_position);
    [
        ("ImageId", record.image_id.map(|id| id.to_string())),
        ("SequenceId", record.sequence_id.as_ref().map(ToString::to_string)),
        ("Url", Some(record.url.clone()).filter(|url| !url.is_empty())),
        ("Probability", record.probability.map(|p| format!("{p:.4}"))),
        ("Reason", Some(record.reason.to_string())),
        ("CapturedAt", record.remote_captured_at.map(|time| time.to_string())),
        ("Longitude", original.map(|place| degrees(place.lon()))),
        ("Latitude", original.map(|place| degrees(place.lat()))),
        ("ComputedLongitude", computed.map(|place| degrees(place.lon()))),
        ("ComputedLatitude", computed.map(|place| degrees(place.lat()))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
}

#[cfg(test)]
pub(crate) mod tests;
