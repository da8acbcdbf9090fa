//! Each quirk of a photo has a stated outcome.

use super::*;
use crate::test_photos::{
    ascii, field, heic, jpeg, jpeg_of, ordinary, ordinary_but, ordinary_without, png, rationals, segment, tiff, webp,
};
use exif::{SRational, Value};
use proptest::prelude::*;
use std::io::Cursor;

/// Reads a photo, both ways: they must not differ in anything.
fn read(bytes: &[u8]) -> Photo {
    let by = |effort| super::read(&mut Window::new(Cursor::new(bytes), bytes.len() as u64), effort).unwrap();
    let photo = by(Effort::Least);
    assert_eq!(photo, by(Effort::Parser), "the parser says otherwise");
    photo
}

#[test]
fn recorded_photos_are_read_alike_both_ways() {
    let photos = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real/photos");
    if !photos.is_dir() {
        eprintln!("skipped: the recorded photos are not beside this repository");
        return;
    }
    let files = walkdir::WalkDir::new(photos).into_iter().filter_map(Result::ok).filter(|e| e.file_type().is_file());
    let (mut n_files, mut n_plain) = (0, 0);
    for file in files {
        let bytes = std::fs::read(file.path()).unwrap();
        let _ = read(&bytes);
        for end in [bytes.len() / 2, 16 * 1024, 4096, 1000].into_iter().filter(|&end| end < bytes.len()) {
            let _ = read(&bytes[..end]);
        }
        n_files += 1;
        let at = bytes.windows(6).take(1 << 16).position(|head| head == b"Exif\0\0");
        n_plain += usize::from(at.is_some_and(|at| Block::plain(&bytes[at + 6..]).is_some()));
    }
    assert!(n_files > 80 && n_plain > 30, "{n_plain} of {n_files} have plain blocks");
}

/// Place, altitude, heading, time with its source, or the reason why there is nothing.
fn told(photo: &Photo) -> String {
    let seen = &photo.observation;
    let mut words = Vec::new();
    match (photo.state, seen.position) {
        (FileState::Out(reason), _) => words.push(reason.to_string()),
        (FileState::Usable, Some(position)) => words.push(position.to_string()),
        (FileState::Usable, None) => unreachable!("usable photos have a place"),
    }
    words.extend(seen.altitude.map(|altitude| format!("{}m", altitude.0)));
    words.extend(seen.heading_deg.map(|heading| format!("{heading}°")));
    if let Some(time) = seen.time {
        words.push(format!("{} {} {}", seen.time_source.as_str(), time, seen.time_resolution_ms));
    }
    words.join(" ")
}

#[track_caller]
fn check(case: &str, fields: &[exif::Field], expected: &str) {
    assert_eq!(told(&read(&jpeg(fields))), expected, "{case}");
    // TIFF is gathered by seeking; both ways must agree, in both byte orders
    for is_little in [true, false] {
        let from_tiff = read(&tiff(fields, is_little));
        assert_eq!(told(&from_tiff), expected, "{case}, as TIFF, little {is_little}");
    }
}

const ORDINARY: &str = "-122.5700000,45.5100000 70.3m original 2018-06-08T13:24:10.000 1000";

#[test]
fn coordinates_with_quirks() {
    let place = |latitude, longitude| ordinary_but(vec![latitude, longitude]);
    let signed = |tag, values: &[(i32, i32)]| {
        field(tag, Value::SRational(values.iter().map(|&(num, denom)| SRational { num, denom }).collect()))
    };
    check("an ordinary photo", &ordinary(), ORDINARY);
    let decimal = place(rationals(Tag::GPSLatitude, &[(4551, 100)]), rationals(Tag::GPSLongitude, &[(12257, 100)]));
    check("one rational", &decimal, ORDINARY);
    let minutes =
        place(rationals(Tag::GPSLatitude, &[(45, 1), (306, 10)]), rationals(Tag::GPSLongitude, &[(122, 1), (342, 10)]));
    check("two rationals", &minutes, ORDINARY);
    let by_sign = place(
        signed(Tag::GPSLatitude, &[(45, 1), (30, 1), (36, 1)]),
        signed(Tag::GPSLongitude, &[(122, 1), (34, 1), (12, 1)]),
    );
    check("signed rationals", &by_sign, ORDINARY);
    let negative = place(signed(Tag::GPSLatitude, &[(-4551, 100)]), signed(Tag::GPSLongitude, &[(-12257, 100)]));
    check("a negative number in the south says the same twice", &negative, &ORDINARY.replace("45.51", "-45.51"));
    let words = ordinary_but(vec![ascii(Tag::GPSLatitudeRef, "north"), ascii(Tag::GPSLongitudeRef, "West")]);
    check("references spelled out", &words, ORDINARY);
    let lower = ordinary_but(vec![ascii(Tag::GPSLatitudeRef, "s"), ascii(Tag::GPSLongitudeRef, "e")]);
    check("small letters, south and east", &lower, &ORDINARY.replace("-122", "122").replace("45.51", "-45.51"));
    let bare = ordinary_without(&[Tag::GPSLatitudeRef, Tag::GPSLongitudeRef]);
    check("references missing", &bare, &ORDINARY.replace("-122", "122"));
    let text = place(ascii(Tag::GPSLatitude, "45,30,36"), ascii(Tag::GPSLongitude, "122,34,12"));
    check("coordinates as text", &text, ORDINARY);
    let minutes_75 =
        place(rationals(Tag::GPSLatitude, &[(44, 1), (75, 1), (0, 1)]), rationals(Tag::GPSLongitude, &[(1, 1)]));
    check(
        "75 minutes are summed as the uploader does",
        &minutes_75,
        &ORDINARY.replace("-122.57", "-1.00").replace("45.51", "45.25"),
    );
}

#[test]
fn a_signed_pointer_to_the_gps_directory_is_followed() {
    for (is_little, long, signed) in
        [(true, [0x25, 0x88, 4, 0], [0x25, 0x88, 9, 0]), (false, [0x88, 0x25, 0, 4], [0x88, 0x25, 0, 9])]
    {
        let mut block = tiff(&ordinary(), is_little);
        let at = block.windows(4).position(|entry| entry == long).unwrap();
        block[at..at + 4].copy_from_slice(&signed);
        let photo = read(&jpeg_of(&[segment(0xe1, &[b"Exif\0\0", &block[..]].concat())]));
        assert_eq!(told(&photo), ORDINARY, "little {is_little}");
    }
}

#[test]
fn photos_without_a_usable_place() {
    let rest = "70.3m original 2018-06-08T13:24:10.000 1000";
    let zero = ordinary_but(vec![rationals(Tag::GPSLatitude, &[(0, 0), (0, 0), (0, 0)])]);
    check("0/0", &zero, &format!("no_place {rest}"));
    check(
        "x/0 in seconds",
        &ordinary_but(vec![rationals(Tag::GPSLatitude, &[(45, 1), (30, 1), (36, 0)])]),
        &format!("no_place {rest}"),
    );
    check("latitude 200", &ordinary_but(vec![rationals(Tag::GPSLatitude, &[(200, 1)])]), &format!("no_place {rest}"));
    check("longitude missing", &ordinary_without(&[Tag::GPSLongitude]), &format!("no_place {rest}"));
    let null = [
        rationals(Tag::GPSLatitude, &[(0, 1), (0, 1), (0, 1)]),
        rationals(Tag::GPSLongitude, &[(0, 1), (0, 1), (0, 1)]),
    ];
    check("null island", &ordinary_but(null.to_vec()), &format!("null_island {rest}"));
    let note = |fields: &[exif::Field]| read(&jpeg(fields)).note.unwrap_or_default();
    assert_eq!(note(&zero), "GPSLatitude is no number");
    assert_eq!(
        note(&ordinary_but(vec![rationals(Tag::GPSLatitude, &[(200, 1)])])),
        "latitude 200 is not within -90 to 90 degrees"
    );
    assert_eq!(note(&ordinary()), "");
}

#[test]
fn altitudes_and_headings_with_quirks() {
    let with = |fields: Vec<exif::Field>| ordinary_but(fields);
    let below =
        |value| with(vec![rationals(Tag::GPSAltitude, &[value]), field(Tag::GPSAltitudeRef, Value::Byte(vec![1]))]);
    check("below sea level", &below((3983, 1000)), &ORDINARY.replace("70.3m", "-3.983m"));
    let wrapped = with(vec![rationals(Tag::GPSAltitude, &[(4_294_967_284, 1)])]);
    check("wrapped around 2^32", &wrapped, &ORDINARY.replace("70.3m", "-12m"));
    let wrapped = with(vec![rationals(Tag::GPSAltitude, &[(4_294_963_313, 1000)])]);
    check("wrapped in thousandths", &wrapped, &ORDINARY.replace("70.3m", "-3.983m"));
    let signed = with(vec![field(Tag::GPSAltitude, Value::SRational(vec![SRational { num: -3983, denom: 1000 }]))]);
    check("signed, the reference saying above", &signed, &ORDINARY.replace("70.3m", "-3.983m"));
    check("0/0 is no altitude", &with(vec![rationals(Tag::GPSAltitude, &[(0, 0)])]), &ORDINARY.replace("70.3m ", ""));
    check(
        "300 km is no altitude",
        &with(vec![rationals(Tag::GPSAltitude, &[(300_000, 1)])]),
        &ORDINARY.replace("70.3m ", ""),
    );
    let heading = |tag, value| with(vec![rationals(tag, &[value])]);
    check("direction", &heading(Tag::GPSImgDirection, (13354, 100)), &ORDINARY.replace("70.3m", "70.3m 133.54°"));
    check("track stands in", &heading(Tag::GPSTrack, (90, 1)), &ORDINARY.replace("70.3m", "70.3m 90°"));
    check("beyond the circle", &heading(Tag::GPSImgDirection, (450, 1)), &ORDINARY.replace("70.3m", "70.3m 90°"));
    check("0/0 is no direction", &heading(Tag::GPSImgDirection, (0, 0)), ORDINARY);
}

#[test]
fn times_are_chosen_as_the_uploader_does() {
    let place = "-122.5700000,45.5100000 70.3m";
    let gps = |date: &str, time: &[(u32, u32)]| {
        ordinary_but(vec![ascii(Tag::GPSDateStamp, date), rationals(Tag::GPSTimeStamp, time)])
    };
    let original = |time: &str| format!("{place} original {time}");
    let camera = original("2018-06-08T13:24:10.000 1000");
    check(
        "GPS time first",
        &gps("2018:06:08", &[(20, 1), (24, 1), (11, 1)]),
        &format!("{place} gps 2018-06-08T20:24:11.000Z 1000"),
    );
    check(
        "its fraction",
        &gps("2018-06-08", &[(20, 1), (24, 1), (5865, 100)]),
        &format!("{place} gps 2018-06-08T20:24:58.650Z 10"),
    );
    check(
        "hour 24",
        &gps("2018:12:31", &[(24, 1), (0, 1), (0, 1)]),
        &format!("{place} gps 2019-01-01T00:00:00.000Z 1000"),
    );
    check("1970-01-01 is a clock that was never set", &gps("1970:01:01", &[(20, 1), (24, 1), (11, 1)]), &camera);
    check("two numbers are no time", &gps("2018:06:08", &[(20, 1), (24, 1)]), &camera);
    check("0/0 seconds are no time", &gps("2018:06:08", &[(20, 1), (24, 1), (0, 0)]), &camera);
    check("a date with a time in it is no date", &gps("2018:06:08 20:24:11", &[(20, 1), (24, 1), (11, 1)]), &camera);
    check("month 13", &gps("2018:13:08", &[(20, 1), (24, 1), (11, 1)]), &camera);
    let plus = |fields| ordinary_but(fields);
    check(
        "an offset tag",
        &plus(vec![ascii(Tag::OffsetTimeOriginal, "-07:00")]),
        &original("2018-06-08T20:24:10.000Z 1000"),
    );
    check(
        "offset of a quarter",
        &plus(vec![ascii(Tag::OffsetTimeOriginal, "+05:45")]),
        &original("2018-06-08T07:39:10.000Z 1000"),
    );
    for (zone, utc) in [
        ("+00:15", "13:09:10"),
        ("-00:45", "14:09:10"),
        ("-03:30", "16:54:10"),
        ("+05:30", "07:54:10"),
        ("+08:45", "04:39:10"),
        ("-09:30", "22:54:10"),
        ("+12:45", "00:39:10"),
        ("Z", "13:24:10"),
    ] {
        let zoned = plus(vec![ascii(Tag::OffsetTimeOriginal, zone)]);
        check(zone, &zoned, &original(&format!("2018-06-08T{utc}.000Z 1000")));
    }
    check(
        "+14:00 is the day before",
        &plus(vec![ascii(Tag::OffsetTimeOriginal, "+14:00")]),
        &original("2018-06-07T23:24:10.000Z 1000"),
    );
    check("a nonsense offset leaves a wall clock", &plus(vec![ascii(Tag::OffsetTimeOriginal, "+99:99")]), &camera);
    check("sub-seconds", &plus(vec![ascii(Tag::SubSecTimeOriginal, "25")]), &original("2018-06-08T13:24:10.250 10"));
    check(
        "twelve digits are cut",
        &plus(vec![ascii(Tag::SubSecTimeOriginal, "123999999999")]),
        &original("2018-06-08T13:24:10.123 1"),
    );
    for n_digits in 1..=12 {
        let digits = &"847653210987"[..n_digits];
        let (ms, step) = [("800", 100), ("840", 10), ("847", 1)][n_digits.min(3) - 1];
        let fields = plus(vec![ascii(Tag::SubSecTimeOriginal, digits)]);
        check(digits, &fields, &original(&format!("2018-06-08T13:24:10.{ms} {step}")));
    }
    check("blank sub-seconds", &plus(vec![ascii(Tag::SubSecTimeOriginal, "   ")]), &camera);
    check(
        "a fraction in the text",
        &plus(vec![ascii(Tag::DateTimeOriginal, "2018:06:08 13:24:10.847")]),
        &original("2018-06-08T13:24:10.847 1"),
    );
    for written in [
        "2018-06-08T13:24:10",
        "2018-06-08 13:24:10",
        "2018/06/08 13:24:10",
        "2018.06.08 13:24:10",
        "2018:06:08T13:24:10",
        "2018_06_08_13_24_10",
        " 2018:06:08 13:24:10 ",
    ] {
        check(written, &plus(vec![ascii(Tag::DateTimeOriginal, written)]), &camera);
    }
    for broken in
        ["2018:06:08", "18:06:08 13:24:10", "2018:06:31 13:24:10", "2018:06:08 13:60:10", "2018:06:08 25:00:00"]
    {
        check(broken, &plus(vec![ascii(Tag::DateTimeOriginal, broken)]), place);
    }
    let second = plus(vec![
        ascii(Tag::DateTimeOriginal, "0000:00:00 00:00:00"),
        ascii(Tag::DateTimeDigitized, "2018:06:08 13:24:10"),
    ]);
    check("digitized stands in", &second, &format!("{place} digitized 2018-06-08T13:24:10.000 1000"));
    let third =
        plus(vec![ascii(Tag::DateTimeOriginal, "    :  :     :  :  "), ascii(Tag::DateTime, "2018:06:08 24:00:00")]);
    check("modified stands in", &third, &format!("{place} modified 2018-06-09T00:00:00.000 1000"));
    check("no time at all", &ordinary_without(&[Tag::DateTimeOriginal]), place);
    let both = read(&jpeg(&gps("2018:06:08", &[(20, 1), (24, 1), (11, 1)]))).observation;
    assert_eq!(both.camera_time.unwrap().to_string(), "2018-06-08T13:24:10.000", "the camera's clock is kept beside");
}

#[test]
fn every_container_tells_the_same() {
    let block = tiff(&ordinary(), false);
    for (container, bytes) in [
        ("PNG", png(Some(&block), None)),
        ("PNG with a prefix", png(Some(&[b"Exif\0\0", &block[..]].concat()), None)),
        ("WebP", webp(&block)),
        ("WebP of odd length", webp(&[&block[..], &[0]].concat())),
        ("HEIC", heic(&block)),
    ] {
        assert_eq!(told(&read(&bytes)), ORDINARY, "{container}");
    }
    let device = |bytes: &[u8]| {
        let device = read(bytes).device;
        (device.make.map(String::from), device.width, device.height)
    };
    for bytes in [jpeg(&ordinary()), png(Some(&block), None), webp(&block), heic(&block)] {
        assert_eq!(device(&bytes), (Some("SONY".to_owned()), Some(40), Some(30)), "size from the image header");
    }
    let sized = ordinary_but(vec![
        field(Tag::PixelXDimension, Value::Long(vec![4000])),
        field(Tag::PixelYDimension, Value::Short(vec![3000])),
    ]);
    assert_eq!(device(&jpeg(&sized)).1, Some(4000), "EXIF first");
}

#[test]
fn xmp_stands_in_for_what_exif_lacks() {
    let xmp = r#"<rdf:Description exif:GPSLatitude="45,30.6N" exif:GPSLongitude="122,34.2W" exif:GPSAltitude="703/10"
        exif:DateTimeOriginal="2018-06-08T13:24:10"/>"#;
    let packet = segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp.as_bytes()].concat());
    let expected = ORDINARY.replace("original", "xmp");
    assert_eq!(told(&read(&jpeg_of(std::slice::from_ref(&packet)))), expected);
    assert_eq!(told(&read(&png(None, Some(xmp)))), expected);
    let dated = segment(0xe1, &[b"Exif\0\0", &tiff(&[ascii(Tag::DateTime, "2020:01:01 00:00:00")], true)[..]].concat());
    let mixed = told(&read(&jpeg_of(&[dated, packet])));
    assert_eq!(
        mixed, "-122.5700000,45.5100000 70.3m modified 2020-01-01T00:00:00.000 1000",
        "EXIF's time wins over XMP's"
    );
}

#[test]
fn what_is_no_photo_has_a_reason() {
    let reason = |bytes: &[u8]| {
        let photo = read(bytes);
        match photo.state {
            FileState::Out(reason) => format!("{reason}: {}", photo.note.unwrap_or_default()),
            FileState::Usable => "usable".to_owned(),
        }
    };
    assert_eq!(reason(b""), "not_an_image: the file is empty");
    assert_eq!(reason(b"GIF89a and more"), "not_an_image: the first bytes are those of no image format");
    assert_eq!(
        reason(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
        "not_an_image: the first bytes are those of no image format"
    );
    assert_eq!(reason(&[0xff, 0xd8]), "damaged: the file ends too early");
    assert_eq!(reason(&[0xff, 0xd8, 1, 2, 3, 4]), "damaged: no segment where one should begin");
    assert_eq!(reason(&jpeg_of(&[])), "no_place: ");
    let whole = jpeg(&ordinary());
    assert_eq!(reason(&whole[..300]), "usable", "place and time stand before the cut");
    assert_eq!(
        reason(&whole[..20]),
        "damaged: the file ends inside its EXIF block; its EXIF block is partly unreadable"
    );
    let mut garbled = whole.clone();
    garbled[12..40].fill(0x55);
    assert_eq!(reason(&garbled), "no_place: its EXIF block cannot be parsed");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_mutation_panics_or_reads_beyond_the_budget(
        which in 0_usize..6, edits in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..12), cut in any::<u16>(),
    ) {
        let block = tiff(&ordinary(), which % 2 == 0);
        let mut bytes = match which {
            0 => jpeg(&ordinary()),
            1 => png(Some(&block), Some("<a exif:GPSLatitude=\"1N\"/>")),
            2 => webp(&block),
            3 => heic(&block),
            _ => block,
        };
        let n = bytes.len();
        for (at, byte) in edits {
            bytes[usize::from(at) % n] = byte;
        }
        bytes.truncate(1 + usize::from(cut) % (2 * n));
        let photo = read(&bytes);
        if let Some(position) = photo.observation.position {
            prop_assert!(position.lon().is_finite() && position.lat().is_finite());
        }
        prop_assert!(photo.observation.altitude.is_none_or(|altitude| altitude.0.is_finite()));
        prop_assert!(photo.observation.heading_deg.is_none_or(|heading| (0.0..=360.0).contains(&heading)));
    }

    #[test]
    fn no_bytes_panic(head in 0_usize..6, bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let magic: &[u8] = [&[0xff, 0xd8, 0xff][..], b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"II\x2a\0", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", b""][head];
        let _ = read(&[magic, &bytes].concat());
    }
}
