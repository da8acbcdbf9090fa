//! The figures of recorded sets, each computed once by two other tools, GeographicLib's Python edition and PROJ (by pyproj),
//! which agree to 3 nm, with numpy's percentiles. These are all recorded sets that hold both places of an image.
//!
//! The sets lie outside the repository; without them the tests say so and pass.

#![expect(clippy::unwrap_used, reason = "a test may")]

use adjustment_audit::{Audit, Flag, audit};
use capture_model::{CapturedAt, Device, Evidence, ImageId, Position, PublishedImage, PublishedImages, SequenceId};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

fn recorded(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/real").join(path);
    if !path.exists() {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

/// Columns of a table: longitude and latitude as uploaded and as adjusted, and the id.
struct Columns {
    id: &'static str,
    places: [&'static str; 4],
    evidence: Evidence,
}

fn table(path: &str, columns: &Columns) -> Option<PublishedImages> {
    let file = std::fs::File::open(recorded(path)?).unwrap();
    let text: Box<dyn Read> = if path.rsplit('.').next() == Some("gz") {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut reader = csv::Reader::from_reader(text);
    let names = reader.headers().unwrap().clone();
    let mut images = PublishedImages::default();
    for record in reader.records() {
        let record = record.unwrap();
        let cell = |name: &str| record.get(names.iter().position(|other| other == name)?);
        let number = |name: &str| cell(name)?.parse::<f64>().ok();
        let [lon, lat, computed_lon, computed_lat] = columns.places.map(number);
        let time = cell("captured_at_ms").or_else(|| cell("captured_at"));
        images.push(&PublishedImage {
            sequence: cell("sequence_id").map(SequenceId::new),
            captured_at: time.and_then(|ms| ms.parse().ok()).map(CapturedAt::from_epoch_ms),
            original: lon.zip(lat).and_then(|(lon, lat)| Position::from_lon_lat(lon, lat).ok()),
            computed: computed_lon.zip(computed_lat).and_then(|(lon, lat)| Position::from_lon_lat(lon, lat).ok()),
            computed_altitude_m: number("computed_altitude"),
            compass_deg: number("compass_angle"),
            computed_compass_deg: number("computed_compass_angle"),
            device: Device::new(cell("make").or_else(|| cell("camera_make")), None, None, None),
            ..PublishedImage::bare(cell(columns.id).unwrap().parse::<ImageId>().unwrap(), columns.evidence)
        });
    }
    Some(images)
}

fn entities(path: &str) -> Option<PublishedImages> {
    let mut answer: Value = serde_json::from_slice(&std::fs::read(recorded(path)?).unwrap()).unwrap();
    let list: Vec<Value> = serde_json::from_value(answer["data"].take()).unwrap();
    Some(images_of(&list))
}

/// A folder of single entities, beside answers of other kinds.
fn single_entities(path: &str) -> Option<PublishedImages> {
    let files = recorded(path)?.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files.filter(|file| file.is_file()).collect();
    files.sort();
    let read = |file: &PathBuf| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let list: Vec<Value> = files.iter().map(read).filter(|image: &Value| image["id"].is_string()).collect();
    Some(images_of(&list))
}

fn images_of(list: &[Value]) -> PublishedImages {
    let mut images = PublishedImages::default();
    for image in list {
        let place = |key: &str| {
            let at = &image[key]["coordinates"];
            Position::from_lon_lat(at[0].as_f64()?, at[1].as_f64()?).ok()
        };
        images.push(&PublishedImage {
            sequence: image["sequence"].as_str().map(SequenceId::new),
            captured_at: image["captured_at"].as_i64().map(CapturedAt::from_epoch_ms),
            original: place("geometry"),
            computed: place("computed_geometry"),
            computed_altitude_m: image["computed_altitude"].as_f64(),
            compass_deg: image["compass_angle"].as_f64(),
            computed_compass_deg: image["computed_compass_angle"].as_f64(),
            ..PublishedImage::bare(image["id"].as_str().unwrap().parse::<ImageId>().unwrap(), Evidence::Entity)
        });
    }
    images
}

const RICHMOND: Columns =
    Columns { id: "pano_id", places: ["raw_lng", "raw_lat", "lng", "lat"], evidence: Evidence::Entity };
const SINGAPORE: Columns = Columns {
    id: "image_id",
    places: ["tile_lon", "tile_lat", "computed_lon", "computed_lat"],
    evidence: Evidence::Tile,
};

fn audit_all(images: &PublishedImages) -> Audit {
    audit(images, &(0..images.len() as u32).collect::<Vec<_>>())
}

fn lengths(audit: &Audit) -> Vec<f64> {
    audit.images.iter().filter_map(|shift| shift.shift_m).collect()
}

fn share(audit: &Audit, flag: Flag) -> f64 {
    audit.images.iter().filter(|shift| shift.flags.has(flag)).count() as f64 / audit.images.len() as f64
}

/// Median, p90, p99 and largest move in metres; how many images.
#[track_caller]
fn check(set: &str, images: Option<PublishedImages>, n: usize, expected: [f64; 4]) {
    let Some(images) = images else { return };
    let spread = audit_all(&images).spread().unwrap();
    assert_eq!(spread.n, n, "{set}");
    let found = [spread.median_m, spread.p90_m, spread.p99_m, spread.max_m];
    for (found, expected) in found.into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-3, "{set}: {found} is not {expected}");
    }
}

#[test]
fn the_distributions_equal_those_of_another_tool() {
    let richmond = table("pairs/richmond_panos_9091.csv.gz", &RICHMOND);
    check("Richmond", richmond, 9091, [2.9462, 9.5938, 73.9535, 183.0533]);
    check("Singapore", table("pairs/singapore_594.csv", &SINGAPORE), 594, [1.2884, 2.7548, 8.6510, 19.2982]);
    let of = |name: &str| entities(&format!("graph-api/images_{name}.json"));
    check("Karlsruhe", of("karlsruhe_94"), 94, [2.9174, 11.5381, 14.3659, 14.9119]);
    check("Clovis", of("clovis_125"), 125, [0.4306, 3.3472, 56.8139, 109.6776]);
    check("Morgantown", of("morgantown_125"), 125, [2.2697, 4.4783, 8.0284, 10.0109]);
    check("the editor's fixtures", single_entities("graph-api/josm"), 8, [0.0032, 0.0144, 0.0306, 0.0324]);
    check("one of a user", entities("graph-api/trekview/images_by_creator.json"), 1, [5.6753; 4]);
}

/// The statistics that the defaults rest on, from a larger collection of which these sets are four fifths.
#[test]
fn taken_together_they_show_the_known_statistics() {
    let sets = [
        table("pairs/richmond_panos_9091.csv.gz", &RICHMOND),
        table("pairs/singapore_594.csv", &SINGAPORE),
        entities("graph-api/images_karlsruhe_94.json"),
        entities("graph-api/images_clovis_125.json"),
        entities("graph-api/images_morgantown_125.json"),
    ];
    let audits: Vec<Audit> = sets.iter().flatten().map(audit_all).collect();
    if audits.len() < sets.len() {
        return;
    }
    let mut all: Vec<f64> = audits.iter().flat_map(lengths).collect();
    let spread = adjustment_audit::Spread::of(&mut all).unwrap();
    assert!((spread.median_m - 2.5).abs() < 0.3, "{spread:?}");
    assert!((spread.p90_m - 9.2).abs() < 0.3, "{spread:?}");
    assert!((spread.p99_m - 63.0).abs() < 10.0, "{spread:?}");
    assert!(spread.max_m < 266.5, "{spread:?}");
}

#[test]
fn real_moves_are_a_smooth_wander_and_few_are_odd() {
    let Some(images) = table("pairs/richmond_panos_9091.csv.gz", &RICHMOND) else { return };
    let audit = audit_all(&images);
    assert_eq!(audit.sequences.len(), 358);
    let mut residuals: Vec<f64> = audit.images.iter().filter_map(|shift| shift.residual_m).collect();
    let residual = adjustment_audit::Spread::of(&mut residuals).unwrap();
    assert!(residual.median_m < 1.0, "the neighbours explain all but {residual:?}");
    let of_all = |explained: fn(&adjustment_audit::SequenceShift) -> Option<f64>| {
        let weighed = audit.sequences.iter().filter_map(|sum| Some((explained(sum)?, squares(&audit, sum))));
        let (left, all) = weighed.fold((0.0, 0.0), |(left, all), (share, m2)| (left + (1.0 - share) * m2, all + m2));
        1.0 - left / all
    };
    let shift = of_all(|sum| sum.explained_by_shift);
    let field = of_all(|sum| sum.explained_by_field);
    eprintln!(
        "Richmond: a shift explains {shift:.2}, the field {field:.2}; median residual {:.2} m",
        residual.median_m
    );
    for flag in Flag::ALL {
        eprintln!("  {:18} {:.4}", flag.as_str(), share(&audit, flag));
    }
    assert!(shift < field, "a shift explains {shift}, the field {field}");
    assert!((0.75..0.90).contains(&share(&audit, Flag::Moved)));
    assert!((0.01..0.04).contains(&share(&audit, Flag::MovedFar)));
    assert!(share(&audit, Flag::Jump) < 0.05);
    assert!(share(&audit, Flag::OrderSwapped) < 0.05);
    assert!(share(&audit, Flag::SideChanged) < 0.01);
}

fn squares(audit: &Audit, sum: &adjustment_audit::SequenceShift) -> f64 {
    audit.images[sum.images.clone()].iter().filter_map(|shift| shift.shift_m).map(|m| m * m).sum()
}

#[test]
fn images_that_were_not_reconstructed_are_known_behind_the_grid_of_a_tile() {
    let Some(images) = table("pairs/singapore_594.csv", &SINGAPORE) else { return };
    let audit = audit_all(&images);
    let marked = audit.images.iter().filter(|shift| shift.flags.has(Flag::NotReconstructed)).count();
    assert_eq!(marked, 36, "those with an altitude of 2 m and an unturned compass");
}
