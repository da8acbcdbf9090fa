//! What users do to a matcher without meaning harm: folders given twice, clocks half a day off, photos that never moved.

mod worlds;

use capture_model::{Device, PublishedImage, Reason, Status, TimeKind};
use image_matcher::{ClockOffset, Lookup, MatchSettings, match_images};
use std::collections::BTreeSet;
use worlds::{
    DAY_MS, HOUR_MS, MAY_18_MS, Photo, columns, local_of, matched, moved, others, photo_at, ride, shifted, upload,
};

/// Matches tracks among strangers: nobody gets a wrong image (photo k of the archive is image 1000 + k), no image is used
/// twice, and at least so many photos are matched.
#[track_caller]
fn check(case: &str, tracks: &[Vec<Photo>], own: Vec<PublishedImage>, least: usize) {
    let images: Vec<PublishedImage> = own.into_iter().chain(others()).collect();
    let (outcome, ids) = matched(tracks, &images, Lookup::Complete);
    let n_matched = ids.iter().flatten().count();
    let distinct: BTreeSet<u64> = ids.iter().flatten().copied().collect();
    assert_eq!(distinct.len(), n_matched, "{case}: an image is used twice");
    for (row, id) in ids.iter().enumerate() {
        assert!(id.is_none_or(|id| id == 1_000 + row as u64), "{case}: photo {row} became {id:?}");
        let probability = outcome.verdicts.get(row).probability;
        assert!(probability.is_none_or(|p| (0.0..=1.0).contains(&p)), "{case}: {probability:?}");
        let sum: f64 = outcome.candidates_of(row).iter().map(|candidate| candidate.probability).sum();
        assert!(sum <= 1.0 + 1e-9, "{case}: candidates of photo {row} sum to {sum}");
    }
    assert!(n_matched >= least, "{case}: {n_matched} matched of {}", ids.len());
}

#[test]
fn clocks_may_be_off_by_anything() {
    let photos = ride(7, 60);
    let own = || upload(&photos, "own", 1_000);
    for (case, by_ms) in [
        ("half a day", 12 * HOUR_MS),
        ("a day", -DAY_MS),
        ("over a leap day", 366 * DAY_MS + 17_000),
        ("before the epoch", -MAY_18_MS - 40 * DAY_MS),
        ("at the epoch", -photos[30].time_ms),
        ("decades", 30 * 366 * DAY_MS + 987),
    ] {
        for kind in [TimeKind::Wall, TimeKind::Absolute] {
            check(case, &[shifted(&photos, by_ms, kind)], own(), 60);
        }
    }
    let zero: Vec<Photo> = shifted(&photos, -photos[0].time_ms, TimeKind::Absolute);
    check("captured at 0", std::slice::from_ref(&zero), upload(&zero, "own", 1_000), 60);
}

#[test]
fn a_folder_given_twice_uses_no_image_twice() {
    let photos = ride(7, 60);
    let images: Vec<PublishedImage> = upload(&photos, "own", 1_000).into_iter().chain(others()).collect();
    let (outcome, ids) = matched(&[photos.clone(), photos], &images, Lookup::Complete);
    for k in 0..60 {
        let both = [ids[k], ids[60 + k]];
        assert!(both.iter().flatten().count() <= 1, "photo {k}: {both:?}");
        assert!(both.iter().flatten().all(|&id| id == 1_000 + k as u64), "photo {k}: {both:?}");
        for row in [k, 60 + k].into_iter().filter(|&row| ids[row].is_none()) {
            let reason = outcome.verdicts.get(row).reason;
            let is_honest = reason.status() == Status::Ambiguous || reason == Reason::IdTaken;
            assert!(is_honest, "photo {row}: {reason}");
        }
    }
}

#[test]
fn odd_folders_lose_nothing_and_invent_nothing() {
    let photos = ride(7, 60);
    let own = || upload(&photos, "own", 1_000);
    let part = |rows: std::ops::Range<usize>| own().into_iter().skip(rows.start).take(rows.len()).collect::<Vec<_>>();
    check("a third of a sequence", std::slice::from_ref(&photos), part(20..40), 20);
    let pieces: Vec<Vec<Photo>> = photos.chunks(3).map(<[Photo]>::to_vec).collect();
    check("tracks of three", &pieces, own(), 60);
    let singles: Vec<Vec<Photo>> = photos.chunks(1).map(<[Photo]>::to_vec).collect();
    check("tracks of one", &singles, own(), 60);
    let still: Vec<Photo> =
        photos.iter().map(|photo| Photo { lon: photos[0].lon, lat: photos[0].lat, ..*photo }).collect();
    check("a tripod", std::slice::from_ref(&still), upload(&still, "own", 1_000), 60);
    let stopped: Vec<Photo> = photos.iter().map(|photo| Photo { time_ms: MAY_18_MS, ..*photo }).collect();
    check("a clock that stands still", std::slice::from_ref(&stopped), own(), 0);
    check("and was sent so", std::slice::from_ref(&stopped), upload(&stopped, "own", 1_000), 0);
    let both = vec![Photo { lon: 11.575, lat: 48.137, ..stopped[0] }; 60];
    check("neither moved nor ticked", std::slice::from_ref(&both), upload(&both, "own", 1_000), 0);
    check("nothing at all", &[], Vec::new(), 0);
}

#[test]
fn uploads_of_one_ride_read_in_other_zones_are_one_upload() {
    let photos = ride(7, 60);
    let later = upload(&shifted(&photos, 2 * HOUR_MS, TimeKind::Absolute), "later", 2_000);
    let images: Vec<PublishedImage> = upload(&photos, "own", 1_000).into_iter().chain(later).chain(others()).collect();
    let (outcome, ids) = matched(&[shifted(&photos, 5 * HOUR_MS, TimeKind::Wall)], &images, Lookup::Complete);
    let sequence = ids[0].expect("one of the two") / 1_000;
    for (row, id) in ids.iter().enumerate() {
        assert_eq!(id.expect("all are published"), sequence * 1_000 + row as u64);
        assert_eq!(outcome.also_published.of(row).len(), 1, "photo {row}");
    }
}

#[test]
fn a_given_offset_overrules_the_vote() {
    let photos = shifted(&ride(7, 60), 305_000, TimeKind::Wall);
    let images = upload(&ride(7, 60), "own", 1_000);
    let (local, published) = (local_of(&[photos]), columns(&images));
    let found = |offset_ms: i64| {
        let settings = MatchSettings { clock_offset: ClockOffset::Fixed { offset_ms }, ..MatchSettings::default() };
        let outcome = match_images(&local, &published, &vec![Lookup::Complete; local.len()], &settings);
        outcome.verdicts.iter().filter(|verdict| verdict.image.is_some()).count()
    };
    assert_eq!(found(-305_000), 60);
    assert_eq!(found(7_200_000), 0);
}

#[test]
fn equal_images_are_a_set_of_twins() {
    // Photos 30 and 31 were taken at one moment and one place, and both are published.
    let mut photos = ride(7, 60);
    photos[31] = photos[30];
    let images: Vec<PublishedImage> = upload(&photos, "own", 1_000).into_iter().chain(others()).collect();
    let (outcome, ids) = matched(std::slice::from_ref(&photos), &images, Lookup::Complete);
    for row in [30, 31] {
        assert_eq!(outcome.verdicts.get(row).reason, Reason::TwinSet, "photo {row}");
        let candidates = outcome.candidates_of(row);
        assert_eq!(candidates.len(), 2, "photo {row}");
        assert!(candidates.iter().all(|candidate| (candidate.probability - 0.5).abs() < 0.01), "photo {row}");
    }
    let others = (0..60).filter(|row| ![30, 31].contains(row));
    assert!(others.clone().all(|row| ids[row] == Some(1_000 + row as u64)));
}

#[test]
fn a_second_upload_that_was_changed_here_and_there_is_named() {
    // Each upload has places of its own in every fifth image: they are not one upload, and neither has more right.
    let photos = ride(7, 60);
    let changed = |key: &str, first_id: u64, from: usize| {
        let mut images = upload(&photos, key, first_id);
        images.iter_mut().skip(from).step_by(5).for_each(|image| image.original = moved(image, 0.4));
        images
    };
    let images: Vec<PublishedImage> = changed("own", 1_000, 0).into_iter().chain(changed("again", 2_000, 1)).collect();
    let (outcome, ids) = matched(std::slice::from_ref(&photos), &images, Lookup::Complete);
    for row in (0..60).filter(|row| row % 5 > 1) {
        assert_eq!(ids[row], None, "photo {row}");
        assert_eq!(outcome.verdicts.get(row).reason, Reason::Reuploaded, "photo {row}");
    }
}

#[test]
fn a_clock_that_was_set_back_on_the_way_leaves_no_half_over() {
    let photos = ride(17, 40);
    let mut images = upload(&photos, "own", 1_000);
    images.extend(others());
    let mut local = shifted(&photos[..20], HOUR_MS, TimeKind::Wall);
    local.extend(shifted(&photos[20..], HOUR_MS - 12_400, TimeKind::Wall)); // the same seconds happen twice
    let (outcome, ids) = matched(&[local], &images, Lookup::Complete);
    assert_eq!(ids, (0..40).map(|k| Some(1_000 + k)).collect::<Vec<_>>(), "{:?}", outcome.tracks);
}

#[test]
fn tracks_that_mix_two_stretches_of_a_clock_that_was_set_back_are_told_photo_by_photo() {
    // the layout by time lays photos before and after side by side, and cuts at each way from one to the other
    let photos = ride(17, 60);
    let mut images = upload(&photos, "own", 1_000);
    images.extend(others());
    let before = shifted(&photos, HOUR_MS, TimeKind::Wall);
    let after = shifted(&photos, HOUR_MS - 13_700, TimeKind::Wall);
    let mut tracks = vec![before[..20].to_vec(), after[40..].to_vec()];
    let mut expected: Vec<usize> = (0..20).chain(40..60).collect();
    for k in 20..30 {
        tracks.push(vec![before[k], after[k + 10]]);
        expected.extend([k, k + 10]);
    }
    tracks[0].push(after[30]); // one of the others at the end of a long track
    tracks[2].pop();
    expected.retain(|&k| k != 30);
    expected.insert(20, 30);
    let (outcome, ids) = matched(&tracks, &images, Lookup::Complete);
    let expected: Vec<Option<u64>> = expected.into_iter().map(|k| Some(1_000 + k as u64)).collect();
    assert_eq!(ids, expected, "{:?}", outcome.tracks);
}

#[test]
fn files_that_were_geotagged_anew_from_a_late_track_are_told_by_their_times() {
    let photos = ride(31, 300);
    let mut images = upload(&photos, "own", 1_000);
    images.extend(others());
    // each photo has a place between those of the next ones but two: 20 m ahead, round the corner too
    let after = |k: usize| photos[k.min(photos.len() - 1)];
    let anew = |(k, photo): (usize, &Photo)| {
        let (a, b) = (after(k + 3), after(k + 4));
        Photo { lon: 0.63 * a.lon + 0.37 * b.lon, lat: 0.63 * a.lat + 0.37 * b.lat, ..*photo }
    };
    let local: Vec<Photo> = photos.iter().enumerate().map(anew).collect();
    let (outcome, ids) = matched(&[shifted(&local, 2 * HOUR_MS, TimeKind::Wall)], &images, Lookup::Complete);
    let n_right = ids.iter().zip(1_000..).filter(|(id, own)| **id == Some(*own)).count();
    assert!(
        n_right >= 295 && ids.iter().zip(1_000..).all(|(id, own)| id.is_none_or(|id| id == own)),
        "{:?}",
        outcome.tracks
    );
}

#[test]
fn a_short_ride_of_which_smaller_copies_were_uploaded_is_found_among_equal_cameras() {
    let photos = ride(41, 12);
    let mut images = upload(&photos, "own", 1_000);
    images.iter_mut().for_each(|image| image.device = Device::new(Some("Acme"), Some("One"), Some(2000), Some(1500)));
    images.extend(upload(&shifted(&photos, -DAY_MS, TimeKind::Absolute), "stranger", 5_000));
    for image in images.iter_mut().filter(|image| image.id.0 >= 5_000) {
        image.original = moved(image, 3.0);
    }
    let (outcome, ids) = matched(&[shifted(&photos, 2 * HOUR_MS, TimeKind::Wall)], &images, Lookup::Complete);
    assert_eq!(ids, (0..12).map(|k| Some(1_000 + k)).collect::<Vec<_>>(), "{:?}", outcome.tracks);
}

#[test]
fn a_crowd_that_the_layout_cut_in_parts_stays_in_doubt() {
    // duplicates are sent a millisecond apart, and the layout cuts after so many photos
    let at = |k: usize| photo_at(0.0, 0.0, MAY_18_MS + k as i64 / 10);
    let n = 800;
    let heap: Vec<Photo> = (0..n).map(at).collect();
    let published = columns(&upload(&vec![photo_at(0.0, 0.0, MAY_18_MS); n], "heap", 1));
    let local = local_of(&heap.chunks(n / 2).map(<[Photo]>::to_vec).collect::<Vec<_>>());
    let outcome = match_images(&local, &published, &vec![Lookup::Complete; n], &MatchSettings::default());
    for (row, verdict) in outcome.verdicts.iter().enumerate() {
        assert_eq!(verdict.reason.status(), Status::Ambiguous, "{row}: {verdict:?}: they are there");
        let candidates = outcome.candidates_of(row);
        assert_eq!(verdict.probability, candidates.first().map(|best| best.probability), "{row}: its best candidate");
    }
}
