//! Recorded images of the real service as local photos on wrong clocks; each must find itself again.

#![expect(clippy::unwrap_used, reason = "a test may")]

use capture_model::{
    CapturedAt, Device, Evidence, ImageId, LocalImages, Position, PublishedImage, PublishedImages, SequenceId, TimeKind,
};
use image_matcher::{Lookup, MatchSettings, match_images};
use std::collections::BTreeMap;
use std::io::Read;
use std::io::Write as _;
use std::path::{Path, PathBuf};

type Row = BTreeMap<String, String>;

fn recorded(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real").join(path);
    if !path.exists() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: the recorded data is not at hand beside the repository");
    }
    path.exists().then_some(path)
}

fn position(row: &Row, lon: &str, lat: &str) -> Option<Position> {
    Position::from_lon_lat(row[lon].parse().ok()?, row[lat].parse().ok()?).ok()
}

fn rows(bytes: &[u8]) -> Vec<Row> {
    csv::Reader::from_reader(bytes).deserialize().map(|row| row.unwrap()).collect()
}

fn singapore() -> Option<Vec<PublishedImage>> {
    let rows = rows(&std::fs::read(recorded("pairs/singapore_594.csv")?).unwrap());
    let image = |row: &Row| PublishedImage {
        sequence: Some(SequenceId::new(&row["sequence_id"])),
        captured_at: Some(CapturedAt::from_epoch_ms(row["captured_at"].parse().unwrap())),
        original: position(row, "tile_lon", "tile_lat"),
        computed: position(row, "computed_lon", "computed_lat"),
        altitude_m: row["altitude"].parse().ok(),
        device: Device::new(Some(&row["make"]), Some(&row["model"]), None, None),
        ..PublishedImage::bare(ImageId(row["image_id"].parse().unwrap()), Evidence::Entity)
    };
    Some(rows.iter().map(image).collect())
}

fn richmond() -> Option<Vec<PublishedImage>> {
    let mut text = Vec::new();
    let file = std::fs::File::open(recorded("pairs/richmond_panos_9091.csv.gz")?).unwrap();
    flate2::read::GzDecoder::new(file).read_to_end(&mut text).unwrap();
    let image = |row: &Row| PublishedImage {
        sequence: Some(SequenceId::new(&row["sequence_id"])),
        captured_at: Some(CapturedAt::from_epoch_ms(row["captured_at_ms"].parse().unwrap())),
        original: position(row, "raw_lng", "raw_lat"),
        computed: position(row, "lng", "lat"),
        altitude_m: row["altitude"].parse().ok(),
        device: Device::new(Some(&row["camera_make"]), Some(&row["camera_model"]), None, None),
        ..PublishedImage::bare(ImageId(row["pano_id"].parse().unwrap()), Evidence::Entity)
    };
    Some(rows(&text).iter().map(image).collect())
}

/// Entities as the Graph API answered them.
fn entities(name: &str) -> Option<Vec<PublishedImage>> {
    let bytes = std::fs::read(recorded(&format!("graph-api/{name}.json"))?).unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let place = |value: &serde_json::Value| {
        Position::from_lon_lat(value["coordinates"][0].as_f64()?, value["coordinates"][1].as_f64()?).ok()
    };
    let image = |entity: &serde_json::Value| PublishedImage {
        sequence: entity["sequence"].as_str().map(SequenceId::new),
        captured_at: entity["captured_at"].as_i64().map(CapturedAt::from_epoch_ms),
        original: place(&entity["geometry"]),
        computed: place(&entity["computed_geometry"]),
        altitude_m: entity["altitude"].as_f64(),
        device: Device::new(entity["make"].as_str(), entity["model"].as_str(), None, None),
        ..PublishedImage::bare(ImageId(entity["id"].as_str().unwrap().parse().unwrap()), Evidence::Entity)
    };
    Some(answer["data"].as_array().unwrap().iter().map(image).collect())
}

/// Whose clocks are wrong by how much; the seed decides.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Clocks {
    /// One camera, one odd constant.
    One,
    /// Every track by a constant of its own, and none tells of another.
    OfEachTrack,
}

/// Photos of the images, a track each sequence, on wrong clocks; places to 7 decimals.
fn photos_of(images: &[PublishedImage], clocks: Clocks, seed: i64) -> (LocalImages, Vec<u64>) {
    let mut tracks: BTreeMap<&str, Vec<&PublishedImage>> = BTreeMap::new();
    for image in images {
        tracks.entry(image.sequence.as_ref().unwrap().as_str()).or_default().push(image);
    }
    let (mut local, mut truth) = (LocalImages::default(), Vec::new());
    for (number, track) in tracks.values_mut().enumerate() {
        track.sort_by_key(|image| (image.captured_at, image.id));
        local.tracks.push(truth.len() as u32);
        let clock = if clocks == Clocks::One { 0 } else { number };
        local.clock_group.push(clock as u32);
        let clock_error_ms =
            (clock as i64 * 7_919_003 + 61_001 + seed * 40_009_331) * if clock % 2 == 0 { 1 } else { -1 };
        for image in track {
            let time = image.captured_at.unwrap().epoch_ms() - clock_error_ms;
            let place = image.original.unwrap();
            let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
            local.file.push(truth.len() as u32);
            local.path_rank.push(truth.len() as u32);
            local.track.push(number as u32);
            local.longitude.push(seven(place.lon()));
            local.latitude.push(seven(place.lat()));
            local.altitude_m.push(image.altitude_m.map_or(f32::NAN, |altitude| altitude as f32));
            local.heading_deg.push(f32::NAN);
            local.time_ms.push(time);
            local.sent_time_ms.push(time);
            local.camera_time_ms.push(LocalImages::NO_TIME);
            local.time_kind.push(TimeKind::Wall);
            local.time_resolution_ms.push(1);
            local.device.push(local.devices.number_of(&image.device));
            local.predicted_drop.push(None);
            truth.push(image.id.0);
        }
    }
    local.tracks.push(truth.len() as u32);
    (local, truth)
}

/// How many matched, how many of them rightly, of how many photos.
type Tally = (usize, usize, usize);

fn tally(images: &[PublishedImage], clocks: Clocks, computed_only: bool, seed: i64) -> Tally {
    let (local, truth) = photos_of(images, clocks, seed);
    let mut published = PublishedImages::default();
    for image in images {
        let original = if computed_only { None } else { image.original };
        published.push(&PublishedImage { original, ..image.clone() });
    }
    let outcome = match_images(&local, &published, &vec![Lookup::Complete; local.len()], &MatchSettings::default());
    let matched = outcome.verdicts.iter().zip(&truth).filter_map(|(verdict, id)| Some((verdict.image?, *id)));
    let right: Vec<bool> = matched.map(|(image, id)| published.id[image as usize] == id).collect();
    (right.len(), right.iter().filter(|is_right| **is_right).count(), truth.len())
}

#[track_caller]
fn check(case: &str, images: Option<Vec<PublishedImage>>, clocks: Clocks, computed_only: bool, least_recall: f64) {
    const LEAST_PRECISION: f64 = 0.995;
    let Some(images) = images else { return };
    let seeds = if images.len() > 1_000 { 0..1 } else { 0..4 };
    let (mut matched, mut right, mut all) = (0, 0, 0);
    for seed in seeds {
        let (m, r, n) = tally(&images, clocks, computed_only, seed);
        (matched, right, all) = (matched + m, right + r, all + n);
    }
    let (precision, recall) = (right as f64 / matched.max(1) as f64, right as f64 / all as f64);
    eprintln!("{case}: {all} photos, {matched} matched, precision {precision:.4}, recall {recall:.4}");
    assert!(matched == 0 || precision >= LEAST_PRECISION, "{case}: precision {precision}");
    assert!(recall >= least_recall, "{case}: recall {recall}");
}

#[test]
fn by_uploaded_places() {
    let check = |case: &str, images, least_recall| check(case, images, Clocks::OfEachTrack, false, least_recall);
    check("Singapore", singapore(), 0.99);
    check("Richmond", richmond(), 0.99);
    check("Karlsruhe", entities("images_karlsruhe_94"), 0.98);
    check("Clovis", entities("images_clovis_125"), 0.98);
    check("Morgantown", entities("images_morgantown_125"), 0.5);
}

#[test]
fn by_computed_places_alone() {
    let check = |case: &str, images, least_recall| check(case, images, Clocks::One, true, least_recall);
    check("Singapore, computed", singapore(), 0.99);
    check("Richmond, computed", richmond(), 0.99);
    check("Karlsruhe, computed", entities("images_karlsruhe_94"), 0.9);
    check("Clovis, computed", entities("images_clovis_125"), 0.9);
    check("Morgantown, computed", entities("images_morgantown_125"), 0.95);
}

#[test]
fn by_computed_places_alone_where_each_track_has_a_clock_of_its_own() {
    let check = |case: &str, images, least_recall| check(case, images, Clocks::OfEachTrack, true, least_recall);
    check("Singapore, computed, own clocks", singapore(), 0.99);
    check("Richmond, computed, own clocks", richmond(), 0.98);
    check("Karlsruhe, computed, own clocks", entities("images_karlsruhe_94"), 0.9);
    // A bounding box cut these into rides of one or two photos: an odd clock and moved places identify only some of them.
    check("Clovis, computed, own clocks", entities("images_clovis_125"), 0.35);
    check("Morgantown, computed, own clocks", entities("images_morgantown_125"), 0.5);
}
