//! Fast shutters whose places were moved on the way: a frame that is one off looks the same, but what was copied beside
//! the place does not.

mod worlds;

use capture_model::{CapturedAt, LocalImages, Position, PublishedImage, Reason, TimeKind};
use image_matcher::{Lookup, MatchSettings, match_images};
use worlds::{MAY_18_MS, Numbers, Photo, columns, local_of, matched, moved, others, photo_at, ride, shifted, upload};

const ODD_MS: i64 = -41_317_217;

#[test]
fn headings_tell_the_frames_of_a_timer_apart() {
    let mut photos = ride(5, 120);
    let first_ms = photos[0].time_ms;
    photos.iter_mut().zip(0..).for_each(|(photo, k)| photo.time_ms = first_ms + 200 * k);
    let mut images = upload(&photos, "own", 1_000);
    let mut numbers = Numbers(9);
    let headings: Vec<f64> = (0..120).map(|k| f64::from(k) / 3.0 + (numbers.next() * 600.0).round() / 100.0).collect();
    for (image, &heading) in images.iter_mut().zip(&headings) {
        image.original = moved(image, 4.0 + 3.0 * (heading / 9.0).sin());
        (image.altitude_m, image.compass_deg) = (None, Some(heading));
    }
    images.extend(others());
    let mut local: LocalImages = local_of(&[shifted(&photos, ODD_MS, TimeKind::Wall)]);
    local.heading_deg = headings.iter().map(|&heading| heading as f32).collect();
    let published = columns(&images);
    let outcome = match_images(&local, &published, &vec![Lookup::Complete; local.len()], &MatchSettings::default());
    for (row, verdict) in outcome.verdicts.iter().enumerate() {
        let id = verdict.image.map(|image| published.id[image as usize]);
        assert_eq!(id, Some(1_000 + row as u64), "{verdict:?}");
    }
}

#[test]
fn the_beat_of_a_strangers_timer_is_no_evidence() {
    let timed = |seed: u64| {
        let mut photos = ride(5, 40);
        let mut numbers = Numbers(seed);
        let mut time_ms = photos[0].time_ms;
        for photo in &mut photos {
            photo.time_ms = time_ms;
            time_ms += 198 + (numbers.next() * 5.0) as i64;
        }
        photos
    };
    let mut stranger = upload(&timed(3), "stranger", 5_000);
    for image in &mut stranger {
        image.original = moved(image, 3.0);
        image.altitude_m = None;
    }
    let (outcome, _) = matched(&[shifted(&timed(4), ODD_MS, TimeKind::Wall)], &stranger, Lookup::Complete);
    let surest = outcome.verdicts.iter().filter_map(|verdict| verdict.probability).fold(0.0, f64::max);
    assert!(surest < 0.9, "{surest}");
}

/// A straight and level way to the east, a photo each second on the second and so many metres, and what was published from one
/// photo to another with places 2 m away and a wander.
fn straight(n: i64, step_m: f64, published: std::ops::Range<usize>) -> (Vec<Photo>, Vec<PublishedImage>) {
    let photo = |k: i64| Photo { altitude_m: 512.3, ..photo_at(k as f64 * step_m, 0.0, MAY_18_MS - 250 + 1_000 * k) };
    let photos: Vec<Photo> = (0..n).map(photo).collect();
    let mut images = upload(&photos, "own", 1_000)[published].to_vec();
    for (image, k) in images.iter_mut().zip(0..) {
        image.original = moved(image, 2.0 + 1.3 * (f64::from(k) / 5.0).sin());
    }
    (shifted(&photos, 305_000, TimeKind::Wall), images)
}

#[test]
fn the_ends_of_a_straight_ride_and_how_services_move_places_tell_its_frames() {
    let (photos, images) = straight(60, 14.0, 0..60);
    let (outcome, ids) = matched(&[photos], &images, Lookup::Complete);
    assert_eq!(ids, (0..60).map(|k| Some(1_000 + k)).collect::<Vec<_>>(), "{:?}", outcome.verdicts.get(0));
}

#[test]
fn the_middle_of_a_straight_walk_may_be_any_of_its_frames() {
    let (photos, images) = straight(60, 1.4, 12..48);
    let (outcome, ids) = matched(&[photos], &images, Lookup::Complete);
    assert!(ids.iter().all(Option::is_none), "{ids:?}");
    let candidates = outcome.candidates_of(30);
    assert!(candidates.len() == 5 && candidates[0].probability < 0.2, "{candidates:?}");
    let apart = candidates[0].probability - candidates[4].probability;
    assert!(apart < 0.01, "what nothing tells apart is equal: {candidates:?}");
    assert_eq!(outcome.verdicts.get(30).reason, Reason::OffsetUndecided);
}

#[test]
fn seconds_that_were_cut_on_both_sides_agree_at_the_wrong_frame_too() {
    // ticks every 1.2 s: two frames on, they are 2.4 s apart, and with a clock that is off by 0.66 s nearly always three whole seconds
    let whole = |ms: i64| ms.div_euclid(1_000) * 1_000;
    for (interval_ms, off_ms) in [(1_200, 656), (1_200, 256), (1_500, 556), (1_300, 856), (1_900, 156), (1_700, 356)] {
        let mut numbers = Numbers(interval_ms as u64 + off_ms as u64);
        let photo = |k: i64| {
            let place = photo_at(k as f64 * 5.0, 40.0 * (k as f64 / 12.0).sin(), MAY_18_MS + interval_ms * k);
            Photo { altitude_m: 512.3, ..place }
        };
        let photos: Vec<Photo> = (0..40).map(photo).collect();
        let mut images = upload(&photos, "own", 1_000);
        for (image, photo) in images.iter_mut().zip(&photos) {
            image.captured_at = Some(CapturedAt::from_epoch_ms(whole(photo.time_ms)));
            image.original = moved(image, 1.0 + 0.6 * numbers.normal());
        }
        let clock = |photo: &Photo| whole(photo.time_ms - 259_148_000 - off_ms);
        let own = photos.iter().map(|photo| Photo { time_ms: clock(photo), kind: TimeKind::Wall, ..*photo }).collect();
        let (_, ids) = matched(&[own], &images, Lookup::Complete);
        let wrong = ids.iter().zip(1_000..).filter(|(id, own)| id.is_some_and(|id| id != *own)).count();
        assert_eq!(wrong, 0, "{interval_ms} {off_ms}: {ids:?}");
    }
}

/// A timer's ride with a clock that is right, and its images as they are when places were set from a track that was late: between
/// those of the frames so far on, which are whole ticks or nearly so.
fn from_a_late_track(clock: TimeKind, clock_ms: i64, ticks: f64) -> (Vec<Photo>, Vec<PublishedImage>) {
    const TICK_MS: i64 = 1_600;
    let mut photos = ride(5, 90);
    let first_ms = photos[0].time_ms;
    photos.iter_mut().zip(0..).for_each(|(photo, k)| photo.time_ms = first_ms + TICK_MS * k);
    let mut images = upload(&photos, "own", 1_000);
    for (k, image) in images.iter_mut().enumerate() {
        let at = (k as f64 + ticks).min(88.0);
        let (from, share) = (at.floor() as usize, at.fract());
        let between =
            |value: fn(&Photo) -> f64| value(&photos[from]) * (1.0 - share) + value(&photos[from + 1]) * share;
        image.original = Position::from_lon_lat(between(|photo| photo.lon), between(|photo| photo.lat)).ok();
        image.altitude_m = None;
    }
    images.extend(others());
    (shifted(&photos, clock_ms, clock), images)
}

#[test]
fn places_from_a_late_track_lead_to_no_other_frame_where_the_clock_was_right() {
    for (clock, clock_ms) in [(TimeKind::Absolute, 0), (TimeKind::Wall, 7_200_000)] {
        for ticks in [3.0, 3.004, 2.5] {
            let (photos, images) = from_a_late_track(clock, clock_ms, ticks);
            let (_, ids) = matched(&[photos], &images, Lookup::Complete);
            let is_wrong = |(row, id): &(usize, &Option<u64>)| id.is_some_and(|id| id != 1_000 + *row as u64);
            assert_eq!(ids.iter().enumerate().filter(is_wrong).count(), 0, "{clock:?}, {ticks} ticks late");
        }
    }
}
