//! The reasons that are no verdict of the matcher, as a user meets them. A reason that nobody yields does not compile.

use crate::support::{rows_of, run, tiepoint};
use capture_model::Reason;
use std::collections::BTreeMap;
use std::path::Path;

/// Who yields a reason.
#[derive(Debug, PartialEq)]
enum By {
    /// The scan: this file of the archive below has it.
    Scan(&'static str),
    /// The scan, where the system forbids or hides a file: the tests of `local-archive`.
    System,
    /// The matcher: `crates/image-matcher/tests/reasons.rs`.
    Matcher,
    /// The feed: `track.rs` beside this file.
    Tracker,
}

fn yielded_by(reason: Reason) -> By {
    match reason {
        Reason::NoPlace => By::Scan("no place.jpg"),
        Reason::NullIsland => By::Scan("null island.jpg"),
        Reason::RejectedByUploader => By::Scan("refused.jpg"),
        Reason::Damaged => By::Scan("damaged.jpg"),
        Reason::NotAnImage => By::Scan("text.jpg"),
        Reason::Video => By::Scan("film.mp4"),
        Reason::NoPermission | Reason::ChangedWhileReading => By::System,
        Reason::Exact
        | Reason::ExactAfterReplay
        | Reason::Aligned
        | Reason::Adjusted
        | Reason::OrderOnly
        | Reason::TileOnly
        | Reason::TwinSet
        | Reason::Reuploaded
        | Reason::RigUndecidable
        | Reason::OffsetUndecided
        | Reason::BetweenNeighbours
        | Reason::CompanionPossible
        | Reason::WeakEvidence
        | Reason::NotPublishedYet
        | Reason::NoCoverage
        | Reason::OutsideFetchedTiles
        | Reason::InSequenceGap
        | Reason::PartlyPublished
        | Reason::DroppedDuplicate
        | Reason::DroppedByUploader
        | Reason::DroppedByService
        | Reason::IdTaken
        | Reason::LookupFailed
        | Reason::NoTimeAndWeak => By::Matcher,
        Reason::Processing | Reason::FailedOnServer | Reason::PublishedNotInTiles => By::Tracker,
    }
}

/// Odd files of a demo archive under names of their own, and a description of what the uploader refused.
fn archive(folder: &Path) {
    run(tiepoint(folder).args(["simulate", "archive", "--photos", "60", "--seed", "3", "--out", "city"]), 0);
    let odd = folder.join("city/photos/odd ones");
    let files = folder.join("files");
    std::fs::create_dir(&files).unwrap();
    for (from, to) in [
        ("indoors 1.jpg", "no place.jpg"),
        ("no fix.jpg", "null island.jpg"),
        ("damaged.jpg", "damaged.jpg"),
        ("notes.jpg", "text.jpg"),
    ] {
        std::fs::copy(odd.join(from), files.join(to)).unwrap();
    }
    let description = serde_json::json!([
        {"filename": "refused.jpg", "filetype": "image", "error": {"type": "MapillaryGPSNoiseError", "message": "noise"}},
        {"filename": "film.mp4", "filetype": "gopro", "MAPGPSTrack": [[0, 11.5, 48.1, 500.0, null]]},
    ]);
    std::fs::write(folder.join("mapillary_image_description.json"), description.to_string()).unwrap();
}

#[test]
fn every_reason_of_the_scan_is_one_row() {
    let folder = tempfile::tempdir().unwrap();
    archive(folder.path());
    let scanned = |input: &str| rows_of(&run(tiepoint(folder.path()).args(["scan", input]), 0).stdout);
    let rows = [scanned("files"), scanned("mapillary_image_description.json")].concat();
    let told: BTreeMap<&str, (&str, &str)> = rows
        .iter()
        .map(|row| (row["path"].rsplit('/').next().unwrap(), (row["status"].as_str(), row["reason"].as_str())))
        .collect();
    let mut expected = BTreeMap::new();
    for &reason in Reason::ALL {
        if let By::Scan(file) = yielded_by(reason) {
            expected.insert(file, (reason.status().as_str(), reason.as_str()));
        }
    }
    assert_eq!(told, expected);
}

#[test]
fn the_readme_tells_every_reason() {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    for &reason in Reason::ALL {
        let rows = readme.lines().filter(|line| line.starts_with(&format!("| `{}` |", reason.status())));
        let told = rows.filter(|line| line.contains(&format!("`{reason}` ("))).count();
        assert_eq!(told, 1, "`{reason}` is not explained in the row of `{}`", reason.status());
    }
}
