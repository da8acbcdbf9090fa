//! Photos for tests: small files of each format around an EXIF block that the test chooses.

use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag, Value};
use std::io::Cursor;

/// A field of the primary image.
pub(crate) fn field(tag: Tag, value: Value) -> Field {
    Field { tag, ifd_num: In::PRIMARY, value }
}

/// A text field.
pub(crate) fn ascii(tag: Tag, text: &str) -> Field {
    field(tag, Value::Ascii(vec![text.as_bytes().to_vec()]))
}

/// A field of unsigned rationals.
pub(crate) fn rationals(tag: Tag, values: &[(u32, u32)]) -> Field {
    field(tag, Value::Rational(values.iter().map(|&(num, denom)| Rational { num, denom }).collect()))
}

/// Place of 45°30'36" N, 122°34'12" W, times of one second, a camera.
pub(crate) fn ordinary() -> Vec<Field> {
    vec![
        rationals(Tag::GPSLatitude, &[(45, 1), (30, 1), (3600, 100)]),
        ascii(Tag::GPSLatitudeRef, "N"),
        rationals(Tag::GPSLongitude, &[(122, 1), (34, 1), (1200, 100)]),
        ascii(Tag::GPSLongitudeRef, "W"),
        rationals(Tag::GPSAltitude, &[(703, 10)]),
        field(Tag::GPSAltitudeRef, Value::Byte(vec![0])),
        ascii(Tag::DateTimeOriginal, "2018:06:08 13:24:10"),
        ascii(Tag::Make, "SONY"),
        ascii(Tag::Model, "HDR-AS300"),
        field(Tag::Orientation, Value::Short(vec![1])),
    ]
}

/// [`ordinary`] with fields replaced or added.
pub(crate) fn ordinary_but(changed: Vec<Field>) -> Vec<Field> {
    let mut fields = ordinary();
    fields.retain(|field| changed.iter().all(|other| other.tag != field.tag));
    fields.extend(changed);
    fields
}

/// [`ordinary`] without some tags.
pub(crate) fn ordinary_without(tags: &[Tag]) -> Vec<Field> {
    let mut fields = ordinary();
    fields.retain(|field| !tags.contains(&field.tag));
    fields
}

/// The fields as a TIFF, which is also the EXIF block of the other formats.
pub(crate) fn tiff(fields: &[Field], is_little: bool) -> Vec<u8> {
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut out = Cursor::new(Vec::new());
    writer.write(&mut out, is_little).unwrap();
    out.into_inner()
}

/// One JPEG segment.
pub(crate) fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&[0xff, marker], &length[..], payload].concat()
}

/// A JPEG of 40 x 30 pixels with these segments before its frame.
pub(crate) fn jpeg_of(segments: &[Vec<u8>]) -> Vec<u8> {
    let frame = segment(0xc0, &[8, 0, 30, 0, 40, 1, 1, 0x11, 0]);
    let scan = segment(0xda, &[1, 1, 0, 0, 63, 0]);
    [&[0xff, 0xd8][..], &segments.concat(), &frame, &scan, &[0x12, 0x34, 0xff, 0xd9]].concat()
}

/// A JPEG with these fields.
pub(crate) fn jpeg(fields: &[Field]) -> Vec<u8> {
    jpeg_of(&[segment(0xe1, &[b"Exif\0\0", &tiff(fields, true)[..]].concat())])
}

/// A PNG of 40 x 30 pixels, the EXIF block behind the pixels.
pub(crate) fn png(exif: Option<&[u8]>, xmp: Option<&str>) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], kind, data, &[0; 4]].concat()
    };
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    out.extend(chunk(b"IHDR", &[0, 0, 0, 40, 0, 0, 0, 30, 8, 0, 0, 0, 0]));
    out.extend(chunk(b"IDAT", &[0; 100]));
    if let Some(exif) = exif {
        out.extend(chunk(b"eXIf", exif));
    }
    if let Some(xmp) = xmp {
        out.extend(chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", xmp.as_bytes()].concat()));
    }
    out.extend(chunk(b"IEND", &[]));
    out
}

/// An extended WebP of 40 x 30 pixels.
pub(crate) fn webp(exif: &[u8]) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [&kind[..], &length, data, if data.len() % 2 == 1 { &[0][..] } else { &[] }].concat()
    };
    let body = [
        b"WEBP".to_vec(),
        chunk(b"VP8X", &[8, 0, 0, 0, 39, 0, 0, 29, 0, 0]),
        chunk(b"VP8 ", &[0; 31]),
        chunk(b"EXIF", exif),
    ]
    .concat();
    [b"RIFF", &u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat()
}

/// A HEIC whose only item is the EXIF block; it tells of a picture of 40 x 30 pixels and of its tiles.
pub(crate) fn heic(exif: &[u8]) -> Vec<u8> {
    let boxed =
        |kind: &[u8; 4], data: &[u8]| [&u32::try_from(data.len() + 8).unwrap().to_be_bytes()[..], kind, data].concat();
    let item = [&[0, 0, 0, 0][..], exif].concat();
    let ftyp = boxed(b"ftyp", b"heic\0\0\0\0mif1heic");
    let meta_of = |offset: u32| {
        let entry = boxed(b"infe", b"\x02\0\0\0\0\x01\0\0Exif\0");
        let iinf = boxed(b"iinf", &[&[0, 0, 0, 0, 0, 1][..], &entry].concat());
        let length = u32::try_from(item.len()).unwrap();
        let place = [&[0, 0, 0, 0, 0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1][..], &offset.to_be_bytes(), &length.to_be_bytes()];
        let size = |width: u8, height: u8| boxed(b"ispe", &[0, 0, 0, 0, 0, 0, 0, width, 0, 0, 0, height]);
        let sizes = boxed(b"ipco", &[size(20, 20), boxed(b"irot", &[0]), size(40, 30)].concat());
        let parts = [&iinf[..], &boxed(b"iloc", &place.concat()), &boxed(b"iprp", &sizes)].concat();
        boxed(b"meta", &[&[0, 0, 0, 0][..], &parts].concat())
    };
    let before = u32::try_from(ftyp.len() + meta_of(0).len() + 8).unwrap();
    [ftyp, meta_of(before), boxed(b"mdat", &item)].concat()
}
