//! Packets of other programs keep every byte that is not ours.

use super::*;
use capture_model::{CapturedAt, ImageId, Position, Reason, SequenceId, Status};
use proptest::prelude::*;

pub(crate) fn matched(path: &str, id: u64) -> MatchRecord {
    MatchRecord {
        path: path.to_owned(),
        local_sequence: "1".to_owned(),
        status: Status::Matched,
        reason: Reason::Exact,
        image_id: Some(ImageId(id)),
        sequence_id: Some(SequenceId::new("-E5o7bTMH0UtscOYxhVwID")),
        probability: Some(0.9998),
        candidates: vec![(ImageId(id), 0.9998)],
        also_published_as: vec![ImageId(7)],
        route: None,
        captured_at: None,
        position: Position::from_lon_lat(-0.0754, 51.5055).ok(),
        altitude_m: Some(12.3456),
        remote_captured_at: Some(CapturedAt::from_epoch_ms(1_716_025_267_250)),
        remote_position: Position::from_lon_lat(-0.0754, 51.5055).ok(),
        time_delta_ms: Some(0),
        clock_offset_ms: Some(0),
        distance_m: Some(0.0),
        altitude_delta_m: None,
        heading_delta_deg: None,
        computed_position: Position::from_lon_lat(-0.07538, 51.50551).ok(),
        shift_m: Some(1.78),
        shift_bearing_deg: Some(51.3),
        cluster_id: None,
        url: format!("https://www.mapillary.com/app/?pKey={id}"),
        note: String::new(),
    }
}

/// A value of our namespace, found by a parser.
fn value(packet: &str, name: &str) -> Option<String> {
    let document = Document::parse(packet).unwrap();
    let found = document.descendants().find(|node| node.has_tag_name((NAMESPACE, name)))?;
    Some(found.text().unwrap_or_default().to_owned())
}

#[test]
fn a_new_packet_tells_ids_as_text() {
    let packet = new_packet(&matched("a.jpg", u64::MAX));
    assert_eq!(value(&packet, "ImageId").unwrap(), "18446744073709551615");
    assert_eq!(value(&packet, "SequenceId").unwrap(), "-E5o7bTMH0UtscOYxhVwID");
    assert_eq!(value(&packet, "CapturedAt").unwrap(), "2024-05-18T09:41:07.250Z");
    assert_eq!(value(&packet, "ComputedLongitude").unwrap(), "-0.0753800");
    assert!(packet.contains("<rdf:li>7</rdf:li>"));
    assert_eq!(spliced(&packet, Some(&matched("a.jpg", u64::MAX))).unwrap().unwrap(), packet, "nothing to change");
    assert_eq!(spliced(&packet, None).unwrap(), None, "nothing else is in it");
}

const DARKTABLE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="XMP Core 4.4.0-Exiv2">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="uuid:1"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
   xmp:Rating="4">
   <xmp:Label>a &amp; b</xmp:Label>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"#;

#[test]
fn what_other_programs_wrote_keeps_its_bytes() {
    for packet in [DARKTABLE.to_owned(), format!("\u{feff}{}", DARKTABLE.replace('\n', "\r\n"))] {
        let with = spliced(&packet, Some(&matched("a.jpg", 5))).unwrap().unwrap();
        let body = with.trim_start_matches('\u{feff}');
        assert_eq!(value(body, "ImageId").as_deref(), Some("5"));
        assert!(with.contains("rdf:about=\"uuid:1\">\n   <tiepoint:ImageId>"), "one subject: {with}");
        let again = spliced(&with, Some(&matched("a.jpg", 6))).unwrap().unwrap();
        assert_eq!(again, with.replace(">5<", ">6<").replace("pKey=5", "pKey=6"), "replaced, not doubled");
        assert_eq!(spliced(&again, None).unwrap().unwrap(), packet, "taken out without a trace");
    }
}

#[test]
fn properties_that_another_program_moved_are_found() {
    let own = format!("xmlns:tiepoint=\"{NAMESPACE}\" tiepoint:ImageId=\"1\" ");
    let moved = DARKTABLE.replace("   xmp:Rating", &format!("   {own}xmp:Rating"));
    assert_ne!(moved, DARKTABLE);
    let with = spliced(&moved, Some(&matched("a.jpg", 5))).unwrap().unwrap();
    assert!(!with.contains("tiepoint:ImageId=") && with.contains("xmp:Rating=\"4\""), "{with}");
    assert_eq!(value(&with, "ImageId").as_deref(), Some("5"));
}

#[track_caller]
fn check_refused(case: &str, packet: &str, told: &str) {
    let refusal = spliced(packet, Some(&matched("a.jpg", 5))).expect_err(case);
    assert!(refusal.contains(told), "{case}: {refusal}");
}

#[test]
fn packets_that_cannot_be_understood_are_refused() {
    check_refused("empty", "", "well-formed");
    check_refused("cut", &DARKTABLE[..200], "well-formed");
    check_refused("another document", "<html><body/></html>", "exactly one rdf:RDF");
    check_refused("two", &format!("<a>{0}{0}</a>", format!("<r:RDF xmlns:r=\"{RDF}\"></r:RDF>")), "exactly one");
    check_refused("closed at once", &format!("<r:RDF xmlns:r=\"{RDF}\"/>"), "empty");
    let bomb = format!("<!DOCTYPE a [<!ENTITY b \"{}\">]>{}", "c".repeat(99), &DARKTABLE[39..]);
    check_refused("a document type", &bomb, "well-formed");
}

proptest! {
    #[test]
    fn nothing_breaks_it(text in "\\PC{0,80}", key in "\\PC{0,20}|[\\x00-\\x1f<>&\"']{0,9}") {
        let mut record = matched("a.jpg", 5);
        record.sequence_id = Some(SequenceId::new(&key));
        let packet = new_packet(&record);
        prop_assert!(Document::parse(&packet).is_ok(), "{packet}");
        let _ = spliced(&text, Some(&record));
        let at = text.chars().count() % DARKTABLE.len();
        let spoilt = format!("{}{text}{}", &DARKTABLE[..at], &DARKTABLE[at..]);
        if let Ok(Some(with)) = spliced(&spoilt, Some(&record)) {
            prop_assert!(Document::parse(&with).is_ok());
        }
    }
}
