//! A folder and the description of the same photos are given together: each photo keeps one row.
//!
//! An entry of a description is the photo of that base name whose full path it tells (relative names start at the
//! description), or else whose MD5 it tells, or else, without an MD5, whose place it tells to 1e-6 degrees. The photo's row
//! takes over what was sent; the entry's own row goes. Entries without a photo stay rows.

use crate::history::digest_of_file;
use crate::loose::{LooseFile, LooseFiles};
use rayon::prelude::*;
use std::collections::HashMap;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Rows that came from one description file.
#[derive(Debug)]
pub(crate) struct Described {
    pub(crate) rows: Range<usize>,
    /// The folder of the file; relative names start here.
    pub(crate) folder: PathBuf,
}

/// Merges entries into the photos that they describe. Rows outside `described` and with a file on disk are photos.
pub(crate) fn merge_described(loose: &mut LooseFiles, described: &[Described]) {
    if described.is_empty() {
        return; // names of all photos would be gathered for nothing
    }
    let is_entry = |row: usize| described.iter().any(|described| described.rows.contains(&row));
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (row, path) in loose.paths.iter().enumerate() {
        if loose.given(row).is_none() && !is_entry(row) {
            by_name.entry(base_name(path)).or_default().push(row);
        }
    }
    if by_name.is_empty() {
        return;
    }
    let files = &*loose;
    let entries: Vec<(usize, &Described)> =
        described.iter().flat_map(|d| d.rows.clone().map(move |row| (row, d))).collect();
    let pair = |&(entry, described): &(usize, &Described)| {
        let candidates = by_name.get(base_name(files.paths.get(entry)))?;
        Some((entry, find(&files.get(entry), &described.folder, candidates, files)?))
    };
    let pairs: Vec<(usize, usize)> = entries.par_iter().filter_map(pair).collect();
    let mut is_merged = vec![false; loose.len()];
    for (entry, photo) in pairs {
        if is_merged[photo] {
            continue; // two entries of one photo: the first is merged, the other stays a row
        }
        let from = loose.get(entry);
        loose.change(photo, |to| {
            to.take_sent(&from.observation);
            to.state = from.state;
            to.sequence = from.sequence;
            to.cluster_id = from.cluster_id.or(to.cluster_id);
            if let Some(note) = from.note {
                to.say(&note);
            }
        });
        (is_merged[entry], is_merged[photo]) = (true, true);
    }
    let is_out: Vec<bool> = (0..loose.len()).map(|row| is_merged[row] && is_entry(row)).collect();
    loose.leave_out(&is_out);
}

fn find(entry: &LooseFile, folder: &Path, candidates: &[usize], files: &LooseFiles) -> Option<usize> {
    let told = fs::canonicalize(folder.join(&*entry.path)).ok();
    let real = |row: usize| fs::canonicalize(files.paths.get(row)).ok();
    let by_path = candidates.iter().copied().find(|&row| told.is_some() && real(row) == told);
    let by_content = || {
        let wanted = entry.md5?;
        candidates
            .iter()
            .copied()
            .find(|&row| digest_of_file(Path::new(files.paths.get(row))).is_ok_and(|md5| md5 == wanted))
    };
    let by_place = || {
        let place = entry.observation.position.filter(|_| entry.md5.is_none())?;
        let is_there = |row: &usize| {
            let other = files.seen.position(*row);
            other.is_some_and(|other| {
                (other.lon() - place.lon()).abs() < 1e-6 && (other.lat() - place.lat()).abs() < 1e-6
            })
        };
        candidates.iter().copied().find(is_there)
    };
    by_path.or_else(by_content).or_else(by_place)
}

fn base_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{ScanSettings, scan};
    use crate::test_photos::{jpeg, ordinary};
    use capture_model::{FileState, Reason};

    #[test]
    fn a_photo_and_its_entry_are_one_row() {
        let disk = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| fs::write(disk.path().join(name), bytes).unwrap();
        fs::create_dir_all(disk.path().join("ride")).unwrap();
        for name in ["relative", "absolute", "moved", "placed", "refused", "free"] {
            write(&format!("ride/{name}.jpg"), &[&jpeg(&ordinary())[..], name.as_bytes()].concat());
        }
        let absolute = fs::canonicalize(disk.path().join("ride/absolute.jpg")).unwrap();
        let md5 = format!("{:x}", md5::compute(fs::read(disk.path().join("ride/moved.jpg")).unwrap()));
        let image = |name: &str, second: u32, md5: Option<&str>| {
            serde_json::json!({"filename": name, "filetype": "image", "md5sum": md5, "MAPLatitude": 45.51,
                "MAPLongitude": -122.57, "MAPCaptureTime": format!("2018_06_08_20_24_{second:02}_000"), "MAPSequenceUUID": "0"})
        };
        let entries = serde_json::json!([
            image("ride/relative.jpg", 1, None),
            image(absolute.to_str().unwrap(), 2, Some("655077ac078951d8bb52c38e0f41fb31")),
            image("/elsewhere/moved.jpg", 3, Some(&md5)),
            image("C:\\x\\placed.jpg", 4, None),
            {"filename": "ride/refused.jpg", "error": {"type": "MapillaryZigZagError", "message": "no"}},
            image("/elsewhere/gone.jpg", 5, None),
        ]);
        write("d.json", entries.to_string().as_bytes());
        let paths = [disk.path().join("ride"), disk.path().join("d.json")];
        let archive = scan(&paths, &ScanSettings::default()).unwrap();
        let row = |file: capture_model::FileRow<'_>| {
            let time = file.time().map(|time| time.to_string()).unwrap_or_default();
            format!("{} {} {time}", base_name(file.path()), file.time_source().as_str())
        };
        let rows: Vec<String> = archive.files.iter().map(row).collect();
        assert_eq!(
            rows,
            [
                "relative.jpg description 2018-06-08T20:24:01.000Z",
                "absolute.jpg description 2018-06-08T20:24:02.000Z",
                "moved.jpg description 2018-06-08T20:24:03.000Z",
                "placed.jpg description 2018-06-08T20:24:04.000Z",
                "gone.jpg description 2018-06-08T20:24:05.000Z",
                "free.jpg original 2018-06-08T13:24:10.000",
                "refused.jpg original 2018-06-08T13:24:10.000",
            ]
        );
        assert_eq!(archive.files.get(0).camera_time().unwrap().to_string(), "2018-06-08T13:24:10.000");
        assert_eq!(archive.files.get(6).state(), FileState::Out(Reason::RejectedByUploader));
    }
}
