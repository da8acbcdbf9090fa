//! Both ways to read a block agree wherever the quick one answers.

use super::*;
use crate::test_photos::{ascii, field, ordinary_but, rationals, tiff};
use exif::{Field, SRational};
use proptest::prelude::*;

/// Every field that is ever asked for, by slot.
#[rustfmt::skip]
const WANTED: [Tag; N_WANTED] = [
    Tag::ImageWidth, Tag::ImageLength, Tag::Make, Tag::Model, Tag::Orientation, Tag::DateTime,
    Tag::DateTimeOriginal, Tag::DateTimeDigitized, Tag::OffsetTime, Tag::OffsetTimeOriginal, Tag::OffsetTimeDigitized,
    Tag::SubSecTime, Tag::SubSecTimeOriginal, Tag::SubSecTimeDigitized, Tag::PixelXDimension, Tag::PixelYDimension,
    Tag::BodySerialNumber, Tag::LensSerialNumber,
    Tag::GPSLatitudeRef, Tag::GPSLatitude, Tag::GPSLongitudeRef, Tag::GPSLongitude, Tag::GPSAltitudeRef,
    Tag::GPSAltitude, Tag::GPSTimeStamp, Tag::GPSTrack, Tag::GPSImgDirection, Tag::GPSDateStamp,
];

/// Fields of every kind, some with values that stand inside their entry.
fn many() -> Vec<Field> {
    let signed = vec![SRational { num: -5, denom: 7 }; 4];
    ordinary_but(vec![
        field(Tag::ImageWidth, Value::Long(vec![4000])),
        field(Tag::ImageLength, Value::Short(vec![3000])),
        ascii(Tag::DateTimeDigitized, "2018:06:08 13:24:10"),
        ascii(Tag::OffsetTimeOriginal, "-07:00"),
        ascii(Tag::SubSecTimeOriginal, "25"),
        field(Tag::PixelXDimension, Value::Short(vec![4000, 1, 2, 3])),
        field(Tag::PixelYDimension, Value::SLong(vec![-3000])),
        field(Tag::BodySerialNumber, Value::Undefined(b"4711\0 ".to_vec(), 0)),
        field(Tag::LensSerialNumber, Value::Ascii(vec![b"one".to_vec(), b"two".to_vec()])),
        rationals(Tag::GPSTimeStamp, &[(20, 1), (24, 1), (1055, 100)]),
        field(Tag::GPSTrack, Value::SRational(signed)),
        field(Tag::GPSImgDirection, Value::Double(vec![133.54])),
        field(Tag::GPSDateStamp, Value::Byte(b"2018:06:08".to_vec())),
        field(Tag::OffsetTime, Value::Float(vec![1.5; 2])),
        field(Tag::SubSecTime, Value::SShort(vec![1])),
    ])
}

/// Whether the quick way answers; if it does, as the parser would of the whole block.
fn agree(front: &[u8], whole: &[u8]) -> bool {
    let Some(plain) = Fields::plain(front) else { return false };
    let (parsed, _) = Fields::parsed(whole.to_vec()).expect("what is plain can be parsed");
    for tag in WANTED {
        // floats by their bits: NaN is NaN
        assert_eq!(format!("{:?}", plain.item(tag)), format!("{:?}", parsed.item(tag)), "{tag}");
    }
    true
}

#[test]
fn fields_of_every_kind_are_read_alike() {
    for is_little in [true, false] {
        let block = tiff(&many(), is_little);
        assert!(agree(&block, &block), "little {is_little}");
        let answered = (0..block.len()).filter(|&end| agree(&block[..end], &block)).count();
        assert_eq!(answered, 0, "the writer puts the last field of the GPS directory last");
        assert!(agree(&block, &[&block[..], &[0; 9000]].concat()), "the front is enough");
    }
}

#[test]
fn each_wanted_tag_has_its_slot() {
    for (place, tag) in WANTED.iter().enumerate() {
        assert_eq!(slot_of(tag.0, tag.1), Some(place), "{tag}");
    }
    let all =
        (0..=u16::MAX).flat_map(|number| [Context::Tiff, Context::Exif, Context::Gps].map(|of| slot_of(of, number)));
    assert_eq!(all.flatten().count(), N_WANTED);
}

#[test]
fn odd_blocks_are_left_to_the_parser() {
    let block = tiff(&many(), true);
    let entry = |number: u16, kind: u16| {
        let wanted = [number.to_le_bytes(), kind.to_le_bytes()].concat();
        block.windows(4).position(|bytes| bytes == wanted).expect("the entry")
    };
    let (exif, gps, make, model) = (entry(0x8769, 4), entry(0x8825, 4), entry(0x10f, 2), entry(0x110, 2));
    let with = |at: usize, bytes: &[u8]| {
        let mut odd = block.clone();
        odd[at..at + bytes.len()].copy_from_slice(bytes);
        odd
    };
    for (case, odd) in [
        ("a signed pointer", with(gps + 2, &[9, 0])),
        ("a pointer of two numbers", with(gps + 4, &[2, 0, 0, 0])),
        ("one directory for two", with(gps + 8, &block[exif + 8..exif + 12])),
        ("a directory beyond the end", with(gps + 8, &[0xff, 0xff, 0, 0])),
        ("a tag twice", with(model, &block[make..make + 2])),
        ("a value beyond the end", with(make + 8, &[0xff, 0xff, 0, 0])),
        ("a value longer than all", with(make + 4, &[0xff, 0xff, 0xff, 0xff])),
        ("a type that is none", with(make + 2, &[14, 0])),
        ("no header", with(2, &[0])),
        ("no directory, and a header that could be one", [b"II\x2a\0\0\0\0\0".as_slice(), &vec![0; 300_000]].concat()),
        ("nothing", Vec::new()),
    ] {
        assert!(Fields::plain(&odd).is_none(), "{case}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn both_ways_agree_on_mutated_blocks(
        is_little: bool, edits in proptest::collection::vec((any::<u16>(), any::<u8>(), 0_u8..4), 0..6), cut in any::<u16>(),
    ) {
        let mut block = tiff(&many(), is_little);
        let n = block.len();
        for (at, byte, how) in edits {
            // directories stand in front: most edits go there, small numbers are more telling than others
            let at = usize::from(at) % if how < 3 { n.min(420) } else { n };
            block[at] = if how == 0 { byte % 16 } else { byte };
        }
        let front = n - usize::from(cut) % 64;
        agree(&block[..front], &block);
        agree(&block, &block);
    }
}
