//! What a scan holds in memory for each file, counted: a million files in one tree have 400 bytes each.

use allocation_counter::measure;
use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag, Value};
use local_archive::{HistoryPlace, ScanOptions, scan};
use std::fs;
use std::io::Cursor;
use std::path::Path;

/// Lists that grow by doubling are full at this number: what is counted is what is used.
const N_FILES: usize = 1 << 14;
const PER_FOLDER: usize = 512;
/// Far below the 400 of the whole process: its million of CSV rows is written from what is held already.
const MOST_BYTES: u64 = 300;

/// Photo number `k` of a ride, some metres and a second from the one before.
fn photo(k: u32) -> Vec<u8> {
    let rationals =
        |all: &[(u32, u32)]| Value::Rational(all.iter().map(|&(num, denom)| Rational { num, denom }).collect());
    let text = |text: &str| Value::Ascii(vec![text.as_bytes().to_vec()]);
    let fields = [
        (Tag::GPSLatitude, rationals(&[(48, 1), (8, 1), (k, 10)])),
        (Tag::GPSLongitude, rationals(&[(11, 1), (34, 1), (k, 20)])),
        (Tag::GPSAltitude, rationals(&[(520, 1)])),
        (Tag::GPSImgDirection, rationals(&[(90, 1)])),
        (Tag::GPSDateStamp, text("2024:05:18")),
        (Tag::GPSTimeStamp, rationals(&[(10, 1), (k / 60, 1), (k % 60, 1)])),
        (Tag::DateTimeOriginal, text(&format!("2024:05:18 12:{:02}:{:02}", k / 60, k % 60))),
        (Tag::Make, text("Panasonic")),
        (Tag::Model, text("DMC-TZ101")),
        (Tag::PixelXDimension, Value::Long(vec![2000])),
        (Tag::PixelYDimension, Value::Long(vec![1500])),
        (Tag::Orientation, Value::Short(vec![1])),
        (Tag::BodySerialNumber, text("4711")),
    ]
    .map(|(tag, value)| Field { tag, ifd_num: In::PRIMARY, value });
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut tiff = Cursor::new(Vec::new());
    writer.write(&mut tiff, true).expect("memory grows");
    let payload = [b"Exif\0\0", &tiff.into_inner()[..]].concat();
    [&[0xff, 0xd8, 0xff, 0xe1], &(payload.len() as u16 + 2).to_be_bytes()[..], &payload, &[0xff, 0xd9]].concat()
}

/// A tree of [`N_FILES`] photos in folders that hold the same ride; one file of the disk is many of them.
fn write_tree(root: &Path) -> std::io::Result<()> {
    let path = |k: usize| root.join(format!("ride{:05}/IMG_{:08}.JPG", k / PER_FOLDER, k % PER_FOLDER));
    for k in 0..N_FILES {
        if k % PER_FOLDER == 0 {
            fs::create_dir_all(path(k).with_file_name(""))?;
        }
        if k < PER_FOLDER {
            fs::write(path(k), photo(k as u32))?;
        } else {
            fs::hard_link(path(k % PER_FOLDER), path(k))?;
        }
    }
    Ok(())
}

#[test]
fn a_file_costs_few_bytes() {
    let folder = tempfile::tempdir().unwrap();
    write_tree(folder.path()).unwrap();
    let roots = [folder.path().to_owned()];
    let settings = ScanOptions { history: HistoryPlace::Off, ..ScanOptions::default() }.into();
    // one thread, so that all is counted
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one_thread.install(|| {
        let mut archive = None;
        let counted = measure(|| archive = Some(scan(&roots, &settings).unwrap()));
        let archive = archive.unwrap();
        assert_eq!((archive.files.len(), archive.usable_images().len()), (N_FILES, N_FILES));
        assert_eq!(archive.tracks.len(), N_FILES / PER_FOLDER);
        assert!(archive.files.iter().all(|file| file.note().is_none()), "no words are held");
        let (at_peak, kept) = (counted.bytes_max / N_FILES as u64, counted.bytes_current as u64 / N_FILES as u64);
        println!(
            "{at_peak} bytes a file at the peak, {kept} kept, {} allocations",
            counted.count_total / N_FILES as u64
        );
        assert!(at_peak <= MOST_BYTES, "{at_peak} bytes a file at the peak");
    });
}
