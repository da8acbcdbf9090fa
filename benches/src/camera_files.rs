//! JPEG files as cameras write them: some dozens of EXIF fields, a maker note of 4 KiB, the GPS directory behind it, a
//! thumbnail of 6 KiB, and pixels.

use std::path::{Path, PathBuf};

/// Bytes of a file: more than any reader takes of it.
const FILE_BYTES: usize = 32 * 1024;
/// Photos in a folder.
const PER_FOLDER: usize = 1_000;
const MAKER_NOTE_BYTES: usize = 4 * 1024;
const THUMBNAIL_BYTES: usize = 6 * 1024;

type Entry = (u16, u16, u32, Vec<u8>);

fn ascii(tag: u16, text: &str) -> Entry {
    (tag, 2, text.len() as u32 + 1, [text.as_bytes(), &[0]].concat())
}

fn short(tag: u16, number: u16) -> Entry {
    (tag, 3, 1, number.to_le_bytes().to_vec())
}

fn long(tag: u16, number: u32) -> Entry {
    (tag, 4, 1, number.to_le_bytes().to_vec())
}

fn rationals(tag: u16, all: &[(u32, u32)]) -> Entry {
    let value = all.iter().flat_map(|(above, below)| [above.to_le_bytes(), below.to_le_bytes()]).flatten().collect();
    (tag, 5, all.len() as u32, value)
}

/// A directory at `at`, its values behind it.
fn directory(entries: &[Entry], at: usize) -> Vec<u8> {
    let mut table = (entries.len() as u16).to_le_bytes().to_vec();
    let mut values = Vec::new();
    let values_at = at + 2 + 12 * entries.len() + 4;
    for (tag, kind, count, value) in entries {
        table.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        table.extend(count.to_le_bytes());
        if value.len() <= 4 {
            table.extend(value.iter().copied().chain([0; 4]).take(4));
        } else {
            table.extend(((values_at + values.len()) as u32).to_le_bytes());
            values.extend(value);
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    [table, vec![0; 4], values].concat()
}

/// The EXIF block of photo number `k` of a ride that begins at noon, one a second.
fn block(k: u32) -> Vec<u8> {
    let clock = |hours: u32| (hours + k / 3600 % 8, k / 60 % 60, k % 60);
    let (h, m, s) = clock(12);
    let written = format!("2024:05:18 {h:02}:{m:02}:{s:02}");
    let exif: Vec<Entry> = vec![
        rationals(0x829a, &[(1, 500)]),
        rationals(0x829d, &[(28, 10)]),
        short(0x8822, 2),
        short(0x8827, 100),
        short(0x8830, 2),
        ascii(0x9003, &written),
        ascii(0x9004, &written),
        ascii(0x9010, "+02:00"),
        ascii(0x9011, "+02:00"),
        rationals(0x9202, &[(297, 100)]),
        rationals(0x9205, &[(30, 10)]),
        short(0x9207, 5),
        short(0x9208, 0),
        short(0x9209, 16),
        rationals(0x920a, &[(24, 10)]),
        (0x927c, 7, MAKER_NOTE_BYTES as u32, (0..MAKER_NOTE_BYTES).map(|byte| (byte * 31) as u8).collect()),
        ascii(0x9290, "25"),
        ascii(0x9291, &format!("{:03}", k * 7 % 1000)),
        short(0xa001, 1),
        long(0xa002, 4000),
        long(0xa003, 3000),
        short(0xa217, 2),
        short(0xa401, 0),
        short(0xa402, 0),
        short(0xa403, 0),
        rationals(0xa404, &[(1, 1)]),
        short(0xa405, 24),
        short(0xa406, 0),
    ];
    // 3 m ahead a photo
    let (north, east) = (28_680_000 + k * 100_000 % 30_000_000, 48_060_000 - k * 70_000 % 40_000_000);
    let (gps_h, ..) = clock(10);
    let gps: Vec<Entry> = vec![
        ascii(0x01, "N"),
        rationals(0x02, &[(48, 1), (8, 1), (north, 1_000_000)]),
        ascii(0x03, "E"),
        rationals(0x04, &[(11, 1), (34, 1), (east, 1_000_000)]),
        (0x05, 1, 1, vec![0]),
        rationals(0x06, &[(520_000 + k % 500, 1000)]),
        rationals(0x07, &[(gps_h, 1), (m, 1), (s, 1)]),
        ascii(0x10, "T"),
        rationals(0x11, &[(k * 13 % 36_000, 100)]),
        ascii(0x12, "WGS-84"),
        ascii(0x1d, "2024:05:18"),
    ];
    let image = |exif_at: usize, gps_at: usize| -> Vec<Entry> {
        vec![
            ascii(0x010e, "a street"),
            ascii(0x010f, "Panasonic"),
            ascii(0x0110, "DMC-TZ101"),
            short(0x0112, 1),
            rationals(0x011a, &[(72, 1)]),
            rationals(0x011b, &[(72, 1)]),
            short(0x0128, 2),
            ascii(0x0131, "Ver.1.1"),
            ascii(0x0132, &written),
            short(0x0213, 2),
            long(0x8769, exif_at as u32),
            long(0x8825, gps_at as u32),
        ]
    };
    let exif_at = 8 + directory(&image(0, 0), 8).len();
    let gps_at = exif_at + directory(&exif, exif_at).len();
    let parts = [directory(&image(exif_at, gps_at), 8), directory(&exif, exif_at), directory(&gps, gps_at)];
    [b"II\x2a\0\x08\0\0\0", &parts.concat()[..], &vec![0x55; THUMBNAIL_BYTES]].concat()
}

fn segment(marker: u8, payload: &[u8]) -> Vec<u8> {
    [&[0xff, marker], &(payload.len() as u16 + 2).to_be_bytes()[..], payload].concat()
}

/// Writes so many photos below a folder, a thousand in each of its folders.
///
/// # Errors
/// When the disk is full.
pub fn write_camera_files(folder: &Path, n_photos: u32) -> std::io::Result<Vec<PathBuf>> {
    let frame = segment(0xc0, &[8, 0x0b, 0xb8, 0x0f, 0xa0, 1, 1, 0x11, 0]);
    let scan = segment(0xda, &[1, 1, 0, 0, 63, 0]);
    let mut paths = Vec::new();
    for k in 0..n_photos {
        let below = folder.join(format!("day{:03}", k as usize / PER_FOLDER));
        std::fs::create_dir_all(&below)?;
        let exif = segment(0xe1, &[b"Exif\0\0", &block(k)[..]].concat());
        let mut file = [&[0xff, 0xd8][..], &exif, &frame, &scan].concat();
        file.resize(FILE_BYTES - 2, 0x12);
        file.extend([0xff, 0xd9]);
        let path = below.join(format!("P{k:07}.JPG"));
        std::fs::write(&path, file)?;
        paths.push(path);
    }
    Ok(paths)
}
