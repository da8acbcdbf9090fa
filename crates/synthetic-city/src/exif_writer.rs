//! A small EXIF writer: just the tags that a camera writes about place, time and itself.
//!
//! TIFF 6.0 and CIPA DC-008 (EXIF 2.32): little endian, one IFD with an EXIF and a GPS directory. Coordinates are written
//! as degrees, minutes and millionths of a second, which keeps 7 decimals of a degree.

use crate::camera::SyntheticPhoto;

const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const BYTE: u16 = 1;

/// One directory entry before its place in the file is known.
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    value: Vec<u8>,
}

fn ascii(tag: u16, text: &str) -> Entry {
    let mut value = text.as_bytes().to_vec();
    value.push(0);
    Entry { tag, kind: ASCII, count: value.len() as u32, value }
}

fn short(tag: u16, number: u16) -> Entry {
    Entry { tag, kind: SHORT, count: 1, value: number.to_le_bytes().to_vec() }
}

fn long(tag: u16, number: u32) -> Entry {
    Entry { tag, kind: LONG, count: 1, value: number.to_le_bytes().to_vec() }
}

fn byte(tag: u16, number: u8) -> Entry {
    Entry { tag, kind: BYTE, count: 1, value: vec![number] }
}

fn rationals(tag: u16, fractions: &[(u32, u32)]) -> Entry {
    let value = fractions.iter().flat_map(|(n, d)| [n.to_le_bytes(), d.to_le_bytes()]).flatten().collect();
    Entry { tag, kind: RATIONAL, count: fractions.len() as u32, value }
}

/// The TIFF block that follows `Exif\0\0`.
pub(crate) fn tiff(photo: &SyntheticPhoto) -> Vec<u8> {
    let (main, exif, gps) = (main_entries(photo), exif_entries(photo), gps_entries(photo));
    let has_gps = !gps.is_empty();
    let main_size = directory_size(&main) + 12 * (1 + usize::from(has_gps));
    let exif_at = 8 + main_size;
    let gps_at = exif_at + directory_size(&exif);
    let mut main = main;
    main.push(long(0x8769, exif_at as u32));
    if has_gps {
        main.push(long(0x8825, gps_at as u32));
    }
    let mut out = b"II\x2a\0\x08\0\0\0".to_vec();
    push_directory(&mut out, main);
    push_directory(&mut out, exif);
    if has_gps {
        push_directory(&mut out, gps);
    }
    out
}

fn directory_size(entries: &[Entry]) -> usize {
    let data: usize =
        entries.iter().filter(|entry| entry.value.len() > 4).map(|entry| entry.value.len().next_multiple_of(2)).sum();
    2 + 12 * entries.len() + 4 + data
}

fn push_directory(out: &mut Vec<u8>, mut entries: Vec<Entry>) {
    entries.sort_by_key(|entry| entry.tag);
    let mut data_at = out.len() + 2 + 12 * entries.len() + 4;
    let mut data = Vec::new();
    out.extend((entries.len() as u16).to_le_bytes());
    for entry in &entries {
        out.extend(entry.tag.to_le_bytes());
        out.extend(entry.kind.to_le_bytes());
        out.extend(entry.count.to_le_bytes());
        if entry.value.len() <= 4 {
            let mut inline = entry.value.clone();
            inline.resize(4, 0);
            out.extend(inline);
        } else {
            out.extend((data_at as u32).to_le_bytes());
            let mut value = entry.value.clone();
            value.resize(value.len().next_multiple_of(2), 0);
            data_at += value.len();
            data.extend(value);
        }
    }
    out.extend([0; 4]);
    out.extend(data);
}

fn main_entries(photo: &SyntheticPhoto) -> Vec<Entry> {
    vec![ascii(0x010f, &photo.make), ascii(0x0110, &photo.model), short(0x0112, 1)]
}

fn exif_entries(photo: &SyntheticPhoto) -> Vec<Entry> {
    let mut entries = vec![long(0xa002, photo.width), long(0xa003, photo.height)];
    let Some(wall) = photo.wall_ms.and_then(chrono::DateTime::from_timestamp_millis) else { return entries };
    entries.push(ascii(0x9003, &wall.format("%Y:%m:%d %H:%M:%S").to_string()));
    if photo.sub_second_digits > 0 {
        let ms = format!("{:03}", wall.timestamp_subsec_millis());
        entries.push(ascii(0x9291, &ms[..photo.sub_second_digits.min(3)]));
    }
    if let Some(minutes) = photo.offset_min {
        let sign = if minutes < 0 { '-' } else { '+' };
        entries.push(ascii(0x9011, &format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)));
    }
    entries
}

fn gps_entries(photo: &SyntheticPhoto) -> Vec<Entry> {
    let Some(place) = photo.position else { return Vec::new() };
    let angle = |degrees: f64| {
        let millionths = (degrees.abs() * 3_600e6).round() as u64;
        let (minutes, seconds) = (millionths / 60_000_000, millionths % 60_000_000);
        [((minutes / 60) as u32, 1), ((minutes % 60) as u32, 1), (seconds as u32, 1_000_000)]
    };
    let mut entries = vec![
        ascii(0x0001, if place.lat() < 0.0 { "S" } else { "N" }),
        rationals(0x0002, &angle(place.lat())),
        ascii(0x0003, if place.lon() < 0.0 { "W" } else { "E" }),
        rationals(0x0004, &angle(place.lon())),
    ];
    if let Some(altitude) = photo.altitude_m {
        entries.push(byte(0x0005, u8::from(altitude < 0.0)));
        entries.push(rationals(0x0006, &[((altitude.abs() * 1000.0).round() as u32, 1000)]));
    }
    if let Some(heading) = photo.heading_deg {
        entries.push(ascii(0x0010, "T"));
        entries.push(rationals(0x0011, &[((heading * 100.0).round() as u32, 100)]));
    }
    if let Some(time) = photo.gps_time_ms.and_then(chrono::DateTime::from_timestamp_millis) {
        let part = |format: &str| time.format(format).to_string().parse().unwrap_or(0);
        entries.push(rationals(0x0007, &[(part("%H"), 1), (part("%M"), 1), (part("%S"), 1)]));
        entries.push(ascii(0x001d, &time.format("%Y:%m:%d").to_string()));
    }
    entries
}
