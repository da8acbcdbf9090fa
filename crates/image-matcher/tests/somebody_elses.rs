//! Images that agree with a folder all along and are somebody else's, or another camera's: none of them may be its match.
//!
//! Each world shows one thing that an upload copies and these images lack; what it lacks is what its test is named for.

mod worlds;

use capture_model::{CapturedAt, Device, ImageId, PublishedImage, SequenceId, TimeKind};
use image_matcher::{Lookup, MatchOutcome, MatchSettings, match_images};
use worlds::{Numbers, Photo, columns, local_of, moved, others, photo_at, ride, shifted, upload};

/// Two cameras of friends in one zone.
const ZONE_MS: i64 = 2 * worlds::HOUR_MS;

/// Headings of a ride, degrees to the hundredth.
fn headings(n: usize) -> Vec<f64> {
    let mut numbers = Numbers(21);
    (0..n).map(|k| (k as f64 * 2.0 + (numbers.next() * 900.0).round() / 100.0) % 360.0).collect()
}

/// Images turned from the headings of their photos, at places that the service moved.
fn turned(photos: &[Photo], headings: &[f64], turn_deg: f64) -> Vec<PublishedImage> {
    let mut images = upload(photos, "right camera", 1_000);
    for (image, heading) in images.iter_mut().zip(headings) {
        image.compass_deg = Some((heading + turn_deg).rem_euclid(360.0));
        image.original = moved(image, 2.0 + (heading / 40.0).sin());
    }
    images
}

/// The folder on its own clock against these images and those of ten strangers.
fn outcome(photos: &[Photo], clock_ms: i64, headings: Option<&[f64]>, images: &[PublishedImage]) -> MatchOutcome {
    let kind = if clock_ms == 0 { TimeKind::Absolute } else { TimeKind::Wall };
    let mut local = local_of(&[shifted(photos, clock_ms, kind)]);
    if let Some(headings) = headings {
        local.heading_deg = headings.iter().map(|&heading| heading as f32).collect();
    }
    let all: Vec<PublishedImage> = images.iter().cloned().chain(others()).collect();
    match_images(&local, &columns(&all), &vec![Lookup::Complete; local.len()], &MatchSettings::default())
}

#[track_caller]
fn check(case: &str, outcome: &MatchOutcome, is_own: bool) {
    let n_matched = outcome.verdicts.iter().filter(|verdict| verdict.image.is_some()).count();
    let expected = if is_own { outcome.verdicts.len() } else { 0 };
    assert_eq!(n_matched, expected, "{case}: {:?}", outcome.verdicts.get(outcome.verdicts.len() / 2));
}

/// A photo a second, on the second, along a road that bends.
fn timer(n: i64) -> Vec<Photo> {
    let photo = |k: i64| {
        let along_m = k as f64 * 7.0;
        let mut photo = photo_at(along_m, 60.0 * (along_m / 90.0).sin(), worlds::MAY_18_MS / 1_000 * 1_000 + 1_000 * k);
        photo.altitude_m = 500.0 + (k as f64 * 0.7).round() / 10.0;
        photo
    };
    (0..n).map(photo).collect()
}

#[test]
fn ticks_of_two_timers_that_agree_do_not_outweigh_altitudes_that_never_do() {
    let photos = timer(90);
    let with = |altitude_m: &dyn Fn(f64) -> f64| {
        let mut images = upload(&photos, "timer", 1_000);
        for image in &mut images {
            image.altitude_m = image.altitude_m.map(altitude_m);
            image.original = moved(image, 2.0);
        }
        outcome(&photos, ZONE_MS, None, &images)
    };
    check("altitudes of another receiver", &with(&|metres| metres * 1.01 + 3.0), false);
    check("altitudes that were copied", &with(&|metres| metres), true);
}

#[test]
fn the_other_camera_of_a_rig_is_another_device_at_equal_places_times_and_altitudes() {
    let photos = ride(7, 80);
    let by = |model: &str| {
        let mut images = upload(&photos, "right camera", 1_000);
        images.iter_mut().for_each(|image| {
            image.device = Device::new(Some("Acme"), Some(model), Some(4000), Some(3000));
        });
        outcome(&photos, 0, None, &images)
    };
    check("a camera of another model", &by("Two"), false);
    check("the folder's own camera", &by("One"), true);
}

#[test]
fn the_other_camera_of_a_rig_looks_another_way_all_along() {
    let photos = ride(7, 80);
    let headings = headings(80);
    let with = |turn_deg: f64| outcome(&photos, 0, Some(&headings), &turned(&photos, &headings, turn_deg));
    check("to the other side", &with(180.0), false);
    check("to the right", &with(90.0), false);
    check("the same way", &with(0.0), true);
}

/// Ticks of another's timer on the same road so much later, at places of another receiver and without altitudes.
fn other_timer(photos: &[Photo], later_ms: i64, metres: f64) -> Vec<PublishedImage> {
    let mut numbers = Numbers(3);
    let mut images = upload(&shifted(photos, later_ms, TimeKind::Absolute), "timer", 1_000);
    for image in &mut images {
        image.original = moved(image, metres + 0.3 * numbers.normal());
        image.altitude_m = None;
    }
    images
}

#[test]
fn whole_seconds_of_another_timer_lie_beside_the_photos_all_along_or_never() {
    let photos: Vec<Photo> = timer(90)
        .into_iter()
        .enumerate()
        .map(|(k, photo)| Photo { time_ms: photo.time_ms + 370 * k as i64 + 250, ..photo })
        .collect();
    let mut images = other_timer(&photos, 400, 1.5);
    for (image, photo) in images.iter_mut().zip(&photos) {
        image.captured_at = image.captured_at.map(|time| CapturedAt::from_epoch_ms(time.epoch_ms() / 1_000 * 1_000));
        image.altitude_m = Some(photo.altitude_m * 1.01 + 3.0);
    }
    check("a clock that is right", &outcome(&photos, 0, None, &images), false);
    check("a clock in a zone", &outcome(&photos, ZONE_MS, None, &images), false);
}

#[test]
fn who_is_some_seconds_behind_on_the_same_ticks_is_a_follower() {
    let photos = timer(60);
    let with = |later_ms: i64| outcome(&photos, ZONE_MS, None, &other_timer(&photos, later_ms, 1.5));
    check("three seconds behind", &with(3_000), false);
    check("a minute behind", &with(61_000), false);
    check("on time", &with(0), true);
    let days = [photos.clone(), shifted(&photos, 26 * worlds::HOUR_MS, TimeKind::Absolute)];
    let images: Vec<PublishedImage> =
        days.iter().zip(["one", "two"]).flat_map(|(day, key)| as_sequence(other_timer(day, 3_000, 1.5), key)).collect();
    let own: Vec<Vec<Photo>> = days.iter().map(|day| shifted(day, ZONE_MS, TimeKind::Wall)).collect();
    let local = local_of(&own);
    let outcome =
        match_images(&local, &columns(&images), &vec![Lookup::Complete; local.len()], &MatchSettings::default());
    check("three seconds behind on both days", &outcome, false);
}

#[test]
fn a_doubt_follows_the_size_of_the_moves() {
    let photos: Vec<Photo> =
        timer(120).into_iter().map(|photo| Photo { time_ms: photo.time_ms / 1_000 * 1_000, ..photo }).collect();
    let told = |aside_m: f64, wander_m: f64| {
        let mut images = other_timer(&photos, 77_000, aside_m);
        for (image, k) in images.iter_mut().zip(0..) {
            image.original = moved(image, wander_m * (f64::from(k) / 9.0).sin());
        }
        let outcome = outcome(&photos, ZONE_MS, None, &images);
        check(&format!("{aside_m} m aside, {wander_m} m of wander"), &outcome, false);
        outcome.verdicts.get(60).probability.unwrap_or(0.0)
    };
    let (by_service, by_receivers) = (told(0.8, 0.7), told(4.0, 6.0));
    assert!(by_service > 0.8 && by_receivers < 0.4, "{by_service} {by_receivers}");
}

#[test]
fn a_friend_in_the_same_zone_on_the_same_seconds_is_told_by_his_receiver() {
    let photos: Vec<Photo> =
        timer(120).into_iter().map(|photo| Photo { time_ms: photo.time_ms / 1_000 * 1_000, ..photo }).collect();
    let told = |aside_m: f64, wander_m: f64, is_own: bool| {
        let mut images = other_timer(&photos, 0, aside_m);
        for (image, k) in images.iter_mut().zip(0..) {
            image.original = moved(image, wander_m * (f64::from(k) / 9.0).sin());
        }
        check(&format!("{aside_m} m aside, {wander_m} m of wander"), &outcome(&photos, ZONE_MS, None, &images), is_own);
    };
    told(0.8, 0.7, true);
    told(6.0, 4.0, false);
}

/// The images as another sequence.
fn as_sequence(mut images: Vec<PublishedImage>, key: &str) -> Vec<PublishedImage> {
    for (image, k) in images.iter_mut().zip(0..) {
        image.sequence = Some(SequenceId::new(key));
        image.id = ImageId(key.bytes().map(u64::from).sum::<u64>() * 1_000 + k);
    }
    images
}

#[test]
fn a_few_ticks_of_a_timer_show_nothing_at_a_clock_that_was_fitted_to_them() {
    for n in 2..8 {
        let photos = timer(n);
        let images = other_timer(&photos, 77_640, 0.5);
        check(&format!("{n} photos"), &outcome(&photos, ZONE_MS, None, &images), false);
    }
}

#[test]
fn a_camera_whose_rig_copies_headings_is_none_of_those_that_look_another_way() {
    let photos = ride(7, 60);
    let ahead = headings(60);
    let looking = |turn_deg: f64| ahead.iter().map(move |heading| (heading + turn_deg).rem_euclid(360.0));
    let published = |key: &str, first_id: u64, turn_deg: f64| {
        let mut images = upload(&photos, key, first_id);
        images.iter_mut().zip(looking(turn_deg)).for_each(|(image, heading)| image.compass_deg = Some(heading));
        images
    };
    let mut local = local_of(&[photos.clone(), photos.clone()]);
    local.heading_deg = looking(0.0).chain(looking(120.0)).map(|heading| heading as f32).collect();
    let images = [published("right", 1_000, 120.0), published("left", 2_000, 240.0), others()].concat();
    let published = columns(&images);
    let outcome = match_images(&local, &published, &vec![Lookup::Complete; local.len()], &MatchSettings::default());
    let ids: Vec<Option<u64>> =
        outcome.verdicts.iter().map(|verdict| verdict.image.map(|image| published.id[image as usize])).collect();
    assert!(ids[..60].iter().all(Option::is_none), "the middle camera is not published: {:?}", ids[0]);
    assert!(ids[60..].iter().zip(1_000..).all(|(id, own)| *id == Some(own)), "the right one is: {:?}", ids[60]);
}
