//! Tracks, row order, names and clocks, and that the order of reading never shows.

use super::*;
use crate::loose::{GivenSequence, LooseFile};
use capture_model::{CapturedAt, FileRow, LocalTime, Observation, Position, TimeSource, WallClock};
use proptest::prelude::*;
use std::sync::Arc;

/// A photo: path, seconds (`None` without time), metres east (`None` without place), model.
fn photo(loose: &mut LooseFiles, path: &str, seconds: Option<f64>, east_m: Option<f64>, model: &str) {
    let state = if east_m.is_some() { FileState::Usable } else { FileState::Out(Reason::NoPlace) };
    let mut file = LooseFile::new(path, state, &mut loose.texts);
    file.observation = Observation {
        position: east_m.map(|east| Position::from_lon_lat(0.01 + east / 111_319.5, 0.0).unwrap()),
        time: seconds.map(|seconds| LocalTime::Wall(WallClock::from_ms_as_if_utc((seconds * 1000.0) as i64))),
        time_source: TimeSource::Original,
        time_resolution_ms: 1,
        ..Observation::default()
    };
    loose.push(file, &Device::new(None, Some(model), None, None));
}

/// Rows as `track path`, with sent time and drop where there are any.
fn shown(archive: &LocalArchive) -> Vec<String> {
    let row = |file: FileRow<'_>| {
        let track = file.track().map_or("-".to_owned(), |track| archive.tracks[track as usize].name.to_string());
        let sent = file.sent_time().map(|sent| format!(" sent {}", sent.ms())).unwrap_or_default();
        let drop = file.predicted_drop().map(|drop| format!(" {drop}")).unwrap_or_default();
        format!("{track} {}{sent}{drop}", file.path())
    };
    archive.files.iter().map(row).collect()
}

fn two_cameras() -> LooseFiles {
    let mut loose = LooseFiles::default();
    photo(&mut loose, "b/2.jpg", Some(100.0), Some(0.0), "A");
    photo(&mut loose, "a/9.jpg", Some(0.0), Some(0.0), "B");
    photo(&mut loose, "a/1.jpg", Some(0.0), Some(0.0), "A");
    photo(&mut loose, "a/2.jpg", Some(0.0), Some(3.0), "A");
    photo(&mut loose, "a/0.jpg", Some(200.0), Some(9.0), "A");
    photo(&mut loose, "a/3.jpg", Some(30.0), None, "A");
    photo(&mut loose, "a/4.jpg", Some(100.0), None, "A");
    photo(&mut loose, "a/5.jpg", None, None, "A");
    photo(&mut loose, "a/6.jpg", Some(201.0), Some(9.0), "A");
    loose
}

#[test]
fn rows_come_by_track_time_and_path() {
    let archive = assemble(two_cameras(), &Rules::default());
    assert_eq!(
        shown(&archive),
        [
            "1 a/1.jpg",
            "1 a/2.jpg sent 500",
            "1 a/3.jpg",
            "2 a/9.jpg",
            "3 a/0.jpg",
            "3 a/6.jpg dropped_duplicate",
            "4 b/2.jpg",
            "- a/4.jpg",
            "- a/5.jpg",
        ]
    );
    let clocks: Vec<u32> = archive.tracks.iter().map(|track| track.clock_group).collect();
    assert_eq!(clocks, [0, 1, 0, 2], "folder and camera share a clock");
    assert_eq!(archive.tracks[2].files, 4..6);
    let note = archive.files.get(5).note().unwrap_or_default();
    assert_eq!(note, "the uploader drops it: same place and heading as a/0.jpg");
}

#[test]
fn named_sequences_keep_their_names_and_stand_in_their_order() {
    let mut loose = LooseFiles::default();
    for (source, place, name, path) in [
        ("one.csv", 0, "10", "x/a.jpg"),
        ("one.csv", 1, "1", "x/b.jpg"),
        ("one.csv", 0, "10", "y/c.jpg"),
        ("two.csv", 0, "1", "d.jpg"),
        ("two.csv", 1, "3", "e.jpg"),
    ] {
        photo(&mut loose, path, Some(0.0), Some(0.0), "A");
        let given = GivenSequence { source: source.into(), place, name: name.into(), as_sent: false };
        loose.change(loose.len() - 1, |file| file.sequence = Some(Arc::new(given)));
    }
    photo(&mut loose, "x/free.jpg", Some(900.0), Some(0.0), "A");
    let archive = assemble(loose, &Rules::default());
    let expected = [
        "10 x/a.jpg",
        "10 y/c.jpg sent 500 dropped_duplicate",
        "1@one.csv x/b.jpg",
        "1@two.csv d.jpg",
        "2 x/free.jpg",
        "3 e.jpg",
    ];
    assert_eq!(shown(&archive), expected, "equal names of two tables are two sequences; numbers avoid given names");
    let clocks: Vec<u32> = archive.tracks.iter().map(|track| track.clock_group).collect();
    assert_eq!(clocks, [0, 0, 1, 0, 2], "a folder shares a clock; without a folder each sequence has its own");
}

#[test]
fn names_are_put_in_order_as_numbers_only_if_all_are() {
    let order = |names: &[&str]| {
        let mut loose = LooseFiles::default();
        for (place, name) in (0..).zip(names) {
            photo(&mut loose, &format!("{name}.jpg"), Some(0.0), Some(0.0), "A");
            let given = GivenSequence { source: "t.csv".into(), place, name: (*name).into(), as_sent: false };
            loose.change(loose.len() - 1, |file| file.sequence = Some(Arc::new(given)));
        }
        let archive = assemble(loose, &Rules::default());
        archive.tracks.iter().map(|track| track.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(order(&["10", "9", "1"]), ["1", "9", "10"]);
    assert_eq!(order(&["10", "b", "9", "a"]), ["10", "9", "a", "b"]);
    assert_eq!(order(&["18446744073709551616", "9"]), ["18446744073709551616", "9"], "no number that is known");
}

#[test]
fn what_was_sent_is_not_replayed() {
    let mut loose = LooseFiles::default();
    let given = Arc::new(GivenSequence { source: "d".into(), place: 0, name: "0".into(), as_sent: true });
    for path in ["a.jpg", "b.jpg"] {
        photo(&mut loose, path, Some(0.0), Some(0.0), "A");
        loose.change(loose.len() - 1, |file| file.sequence = Some(Arc::clone(&given)));
    }
    assert_eq!(shown(&assemble(loose, &Rules::default())), ["0 a.jpg", "0 b.jpg"]);
}

#[test]
fn the_written_step_is_found_where_a_table_hides_it() {
    let of = |seconds: &[f64]| {
        let mut loose = LooseFiles::default();
        for (n, &second) in seconds.iter().enumerate() {
            photo(&mut loose, &format!("{n}.jpg"), Some(second), Some(n as f64 * 2.0), "A");
        }
        assemble(loose, &Rules::default()).files.get(0).time_resolution_ms()
    };
    assert_eq!(of(&[1.0, 2.0, 3.0, 4.0, 5.0]), 1000);
    assert_eq!(of(&[1.0, 2.5, 3.0, 4.0, 5.0]), 100);
    assert_eq!(of(&[1.0, 2.0, 3.0, 4.0, 5.123]), 1);
    assert_eq!(of(&[1.0, 2.0]), 1, "two whole seconds prove nothing");
}

#[test]
fn wall_clocks_and_utc_are_never_in_one_track() {
    let mut loose = LooseFiles::default();
    photo(&mut loose, "1.jpg", Some(1.0), Some(0.0), "A");
    photo(&mut loose, "2.jpg", Some(2.0), Some(3.0), "A");
    let utc = Some(LocalTime::Absolute(CapturedAt::from_epoch_ms(2_000)));
    loose.change(1, |file| file.observation.time = utc);
    let archive = assemble(loose, &Rules::default());
    assert_eq!(shown(&archive), ["1 1.jpg", "2 2.jpg"]);
    assert_ne!(archive.tracks[0].clock_group, archive.tracks[1].clock_group);
}

#[test]
fn nothing_makes_an_empty_archive() {
    let archive = assemble(LooseFiles::default(), &Rules::default());
    assert!(archive.files.is_empty() && archive.tracks.is_empty());
    assert_eq!(archive.devices.len(), 1, "number 0 is the unknown device");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_order_of_reading_never_shows(
        rows in proptest::collection::vec((0_u8..3, proptest::option::of(0_u16..300), proptest::option::of(0_u16..300), 0_u8..3), 0..40),
        keys in proptest::collection::vec(any::<u32>(), 40),
    ) {
        let of = |order: &[usize]| {
            let mut loose = LooseFiles::default();
            for &at in order {
                let (folder, seconds, east, model) = rows[at];
                photo(&mut loose, &format!("{folder}/{at}.jpg"), seconds.map(f64::from), east.map(f64::from), ["A", "B", ""][usize::from(model)]);
            }
            assemble(loose, &Rules::default())
        };
        let straight: Vec<usize> = (0..rows.len()).collect();
        let mut shuffled = straight.clone();
        shuffled.sort_by_key(|&at| keys[at]);
        let (one, other) = (of(&straight), of(&shuffled));
        prop_assert_eq!(&one.files, &other.files);
        prop_assert_eq!(&one.tracks, &other.tracks);
        prop_assert_eq!(one.devices.values(), other.devices.values());
        prop_assert_eq!(one.files.len(), rows.len());
        let mut row = 0;
        for (number, track) in one.tracks.iter().enumerate() {
            prop_assert_eq!(track.files.start, row, "tracks follow each other without holes");
            prop_assert!(!track.files.is_empty());
            row = track.files.end;
            prop_assert!(one.files.of_rows(track.files.clone()).all(|file| file.track() == Some(number as u32)));
        }
        prop_assert!(one.files.of_rows(row..one.files.len()).all(|file| file.track().is_none()));
    }
}
