//! What fine times and coarse headings tell: cameras whose clocks differ by parts of a second, rides that the service moved
//! beyond the gate, headings in whole degrees.

mod worlds;

use capture_model::{CapturedAt, Device, Evidence, Position, PublishedImage, TimeKind};
use image_matcher::{Lookup, MatchSettings, match_images};
use worlds::{HOUR_MS, Photo, beside, columns, local_of, matched, moved, others, photo_at, ride, shifted, upload};

#[test]
fn cameras_a_blink_apart_are_told_by_their_own_moments() {
    let left = ride(7, 40);
    let right = shifted(&left, 137, TimeKind::Absolute);
    let images: Vec<PublishedImage> =
        upload(&left, "left", 1_000).into_iter().chain(upload(&right, "right", 2_000)).chain(others()).collect();
    let (_, ids) = matched(&[left, right], &images, Lookup::Complete);
    let truth = (0..40).map(|k| Some(1_000 + k)).chain((0..40).map(|k| Some(2_000 + k)));
    assert_eq!(ids, truth.collect::<Vec<_>>());
}

/// A ride of which only computed places are known, so far to the east.
fn moved_ride(photos: &[Photo], by_m: f64) -> Vec<PublishedImage> {
    let mut images = upload(photos, "own", 1_000);
    for image in &mut images {
        image.computed = moved(image, by_m);
        image.original = None;
    }
    images
}

#[test]
fn a_ride_that_was_moved_beyond_the_gate_is_found_by_its_beat() {
    let photos = ride(7, 16);
    let images: Vec<PublishedImage> = moved_ride(&photos, 150.0).into_iter().chain(others()).collect();
    for (by_ms, kind) in [(0, TimeKind::Absolute), (4_321_987, TimeKind::Wall)] {
        let (_, ids) = matched(&[shifted(&photos, by_ms, kind)], &images, Lookup::Complete);
        assert_eq!(ids, (0..16).map(|k| Some(1_000 + k)).collect::<Vec<_>>(), "{by_ms} ms");
    }
}

#[test]
fn four_photos_that_the_service_spread_are_found_by_their_beat_and_altitudes() {
    const MOVED_M: [f64; 4] = [2.0, 2.5, -14.0, -15.0];
    let mut photos = ride(7, 4);
    photos.iter_mut().zip([145.716, 146.05, 139.031, 136.919]).for_each(|(photo, metres)| photo.altitude_m = metres);
    let mut images = moved_ride(&photos, 0.0);
    images.iter_mut().zip(&photos).zip(MOVED_M).for_each(|((image, photo), metres)| {
        let place = beside(photo, 0.0, metres);
        image.computed = Position::from_lon_lat(place.lon, place.lat).ok();
    });
    let images: Vec<PublishedImage> = images.into_iter().chain(others()).collect();
    for by_ms in [61_001, 4_321_987] {
        let (_, ids) = matched(&[shifted(&photos, by_ms, TimeKind::Wall)], &images, Lookup::Complete);
        assert_eq!(ids, (0..4).map(|k| Some(1_000 + k)).collect::<Vec<_>>(), "{by_ms} ms");
    }
}

#[test]
fn three_photos_on_an_odd_clock_are_known_by_altitudes_to_the_millimetre_and_not_by_whole_metres() {
    let found = |altitudes_m: [f64; 3]| {
        let mut photos = ride(7, 3);
        photos.iter_mut().zip(altitudes_m).for_each(|(photo, metres)| photo.altitude_m = metres);
        let images: Vec<PublishedImage> = moved_ride(&photos, 5.0).into_iter().chain(others()).collect();
        matched(&[shifted(&photos, 4_321_987, TimeKind::Wall)], &images, Lookup::Complete).1
    };
    assert_eq!(found([501.234, 502.617, 502.002]), [Some(1_000), Some(1_001), Some(1_002)]);
    for coarse in [[501.0, 503.0, 502.0], [501.234; 3]] {
        assert_eq!(found(coarse), [None; 3], "{coarse:?}");
    }
}

#[test]
fn a_lone_photo_is_found_at_the_very_moment_that_its_cameras_folders_show() {
    let folders = [ride(7, 20), ride(8, 20), ride(9, 1)];
    let mut images: Vec<PublishedImage> =
        (0..).zip(&folders).flat_map(|(k, photos)| upload(photos, &format!("own{k}"), 1_000 + 100 * k)).collect();
    for image in &mut images {
        image.computed = moved(image, 5.0);
        image.original = None;
    }
    let images: Vec<PublishedImage> = images.into_iter().chain(others()).collect();
    let (_, ids) = matched(&folders.map(|photos| shifted(&photos, 61_001, TimeKind::Wall)), &images, Lookup::Complete);
    assert_eq!(ids.last(), Some(&Some(1_200)));
}

#[test]
fn a_timer_moved_beyond_the_gate_is_nobodys() {
    let mut photos = ride(7, 16);
    let first_ms = photos[0].time_ms;
    photos.iter_mut().zip(0..).for_each(|(photo, k)| photo.time_ms = first_ms + 1_000 * k);
    let images: Vec<PublishedImage> = moved_ride(&photos, 150.0).into_iter().chain(others()).collect();
    let (_, ids) = matched(&[shifted(&photos, 4_321_000, TimeKind::Wall)], &images, Lookup::Complete);
    assert!(ids.iter().all(Option::is_none), "{ids:?}");
}

/// Share of photos of a ride on an odd clock in whole seconds that are matched by the computed places, times and headings of a tile.
fn share_by_tile(heading_of_tile: impl Fn(f64) -> f64) -> f64 {
    let mut photos = ride(7, 60);
    let first_ms = photos[0].time_ms;
    photos.iter_mut().zip(0..).for_each(|(photo, k)| photo.time_ms = first_ms + 1_234 * k); // a timer: times tell little
    let heading = |k: usize| (k as f64 * 7.37 + 0.6) % 360.0;
    let mut images = moved_ride(&photos, 1.2);
    for (k, image) in images.iter_mut().enumerate() {
        image.altitude_m = None;
        image.device = Device::default();
        image.evidence = Evidence::Tile;
        image.compass_deg = Some(heading_of_tile(heading(k)));
    }
    let cut = |photo: Photo| Photo { time_ms: photo.time_ms.div_euclid(1_000) * 1_000, ..photo };
    let mut local = local_of(&[shifted(&photos, 1_195_400, TimeKind::Wall).into_iter().map(cut).collect()]);
    local.time_resolution_ms.iter_mut().for_each(|resolution| *resolution = 1_000);
    local.heading_deg.iter_mut().enumerate().for_each(|(k, own)| *own = heading(k) as f32);
    let published = columns(&images);
    let outcome = match_images(&local, &published, &[Lookup::Complete; 60], &MatchSettings::default());
    let n_right = outcome.verdicts.iter().enumerate().filter(|(k, verdict)| verdict.image == Some(*k as u32)).count();
    assert!(
        outcome.verdicts.iter().enumerate().all(|(k, verdict)| verdict.image.is_none_or(|image| image == k as u32))
    );
    n_right as f64 / 60.0
}

#[test]
fn headings_in_whole_degrees_are_copies_if_nearly_all_agree() {
    assert!(share_by_tile(f64::floor) > 0.95);
    assert!(share_by_tile(|heading| (heading + 2.0).floor()) < 0.05, "another camera beside");
}

#[test]
fn one_exact_place_of_six_is_no_copy() {
    let photos = ride(7, 6);
    let mut friend = upload(&photos, "friend", 1_000);
    for (k, (image, photo)) in friend.iter_mut().zip(&photos).enumerate() {
        if k != 3 {
            image.original = moved(image, 1.7);
        }
        let late_ms = 2_376 + 90 * (k as i64 % 3);
        image.captured_at = Some(CapturedAt::from_epoch_ms(photo.time_ms + late_ms));
        image.altitude_m = image.altitude_m.map(|metres| metres + 1.3);
    }
    let images: Vec<PublishedImage> = friend.into_iter().chain(others()).collect();
    let (_, ids) = matched(&[shifted(&photos, 2 * HOUR_MS, TimeKind::Wall)], &images, Lookup::Complete);
    assert!(ids.iter().all(Option::is_none), "{ids:?}");
}

#[test]
fn copied_headings_tell_frames_where_there_are_no_times() {
    let photos: Vec<Photo> = ride(7, 90).into_iter().map(|photo| Photo { kind: TimeKind::None, ..photo }).collect();
    let heading = |k: usize| (k as f64 * 0.73 + (k * k % 7) as f64) % 360.0;
    let mut images = moved_ride(&photos, 0.0);
    for (k, image) in images.iter_mut().enumerate() {
        // in the longer part, nearly a frame's length along the way
        let (own, ahead) = (&photos[k], &photos[(k + 1).min(89)]);
        let by = if k > 30 { 0.9 } else { 0.1 };
        let between = |own: f64, ahead: f64| own + (ahead - own) * by;
        image.computed = Position::from_lon_lat(between(own.lon, ahead.lon), between(own.lat, ahead.lat)).ok();
        image.altitude_m = None;
        image.compass_deg = Some(heading(k));
    }
    images.retain(|image| image.id.0 % 9 != 4);
    let mut local = local_of(std::slice::from_ref(&photos));
    local.heading_deg.iter_mut().enumerate().for_each(|(k, own)| *own = heading(k) as f32);
    let published = columns(&images);
    let outcome = match_images(&local, &published, &[Lookup::Complete; 90], &MatchSettings::default());
    let ids = outcome.verdicts.iter().map(|verdict| verdict.image.map(|image| published.id[image as usize]));
    let wrong: Vec<_> = ids.clone().zip(1_000..).filter(|(id, own)| id.is_some_and(|id| id != *own)).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert!(ids.flatten().count() > 70);
}

#[test]
fn two_fast_timers_agree_to_the_millisecond_whoever_set_them() {
    // ten frames a second on a clock of its own; a stranger's timer on the same road, other altitudes
    let mut photos = ride(7, 60);
    let first_ms = photos[0].time_ms;
    photos.iter_mut().zip(0..).for_each(|(photo, k)| photo.time_ms = first_ms + 100 * k);
    let mut stranger = upload(&photos, "stranger", 1_000);
    stranger.retain(|image| image.id.0 % 7 != 3);
    for image in &mut stranger {
        image.original = moved(image, 1.3);
        image.altitude_m = image.altitude_m.map(|metres| metres + 2.7);
    }
    let images: Vec<PublishedImage> = stranger.into_iter().chain(others()).collect();
    let own = shifted(&photos, 1_711_739_539, TimeKind::Absolute);
    let (_, ids) = matched(&[own], &images, Lookup::Complete);
    assert!(ids.iter().all(Option::is_none), "{ids:?}");
}

#[test]
fn rounded_places_say_how_written_seconds_were_cut() {
    // the ticks pass the full second on the way: "cut" and "rounded" explain all times alike, the frame before or the frame after
    let mut photos = ride(7, 30);
    let first_ms = photos[0].time_ms.div_euclid(1_000) * 1_000 + 343;
    photos.iter_mut().zip(0..).for_each(|(photo, k)| photo.time_ms = first_ms + 975 * k);
    let mut images = upload(&photos, "own", 1_000);
    for (k, image) in images.iter_mut().enumerate() {
        image.original = moved(image, 0.28 * (k as f64 * 1.7).sin());
        (image.altitude_m, image.device, image.evidence) = (None, Device::default(), Evidence::Tile);
    }
    let images: Vec<PublishedImage> = images.into_iter().chain(others()).collect();
    let cut = |photo: Photo| Photo { time_ms: photo.time_ms.div_euclid(1_000) * 1_000, ..photo };
    let mut local = local_of(&[shifted(&photos, 2 * HOUR_MS, TimeKind::Wall).into_iter().map(cut).collect()]);
    local.time_resolution_ms.iter_mut().for_each(|resolution| *resolution = 1_000);
    let published = columns(&images);
    let outcome = match_images(&local, &published, &[Lookup::Complete; 30], &MatchSettings::default());
    let ids: Vec<_> =
        outcome.verdicts.iter().map(|verdict| verdict.image.map(|image| published.id[image as usize])).collect();
    assert_eq!(ids, (0..30).map(|k| Some(1_000 + k)).collect::<Vec<_>>());
}

#[test]
fn a_strangers_timer_half_an_hour_later_lies_in_no_written_second() {
    let mut photos = ride(7, 80);
    let first_ms = photos[0].time_ms.div_euclid(1_000) * 1_000 + 343;
    photos.iter_mut().zip(0..).for_each(|(photo, k)| photo.time_ms = first_ms + 1_303 * k);
    let mut stranger = upload(&photos, "stranger", 1_000);
    for (k, (image, photo)) in stranger.iter_mut().zip(&photos).enumerate() {
        image.original = moved(image, 1.6 + (k as f64 / 9.0).sin());
        image.captured_at = Some(CapturedAt::from_epoch_ms(photo.time_ms + HOUR_MS / 2 - 255));
        image.altitude_m = image.altitude_m.map(|metres| metres + 1.3);
    }
    let images: Vec<PublishedImage> = stranger.into_iter().chain(others()).collect();
    let cut = |photo: Photo| Photo { time_ms: photo.time_ms.div_euclid(1_000) * 1_000, ..photo };
    let mut local = local_of(&[shifted(&photos, 2 * HOUR_MS, TimeKind::Wall).into_iter().map(cut).collect()]);
    local.time_resolution_ms.iter_mut().for_each(|resolution| *resolution = 1_000);
    let outcome = match_images(&local, &columns(&images), &[Lookup::Complete; 80], &MatchSettings::default());
    let n_matched = outcome.verdicts.iter().filter(|verdict| verdict.image.is_some()).count();
    assert_eq!(n_matched, 0);
}

#[test]
fn frames_that_share_a_fix_are_told_apart_by_a_clock_that_is_right() {
    // two frames a second, one fix a second; altitudes are whole metres there, and headings those of the way, 0 where it stands
    const FIXES: [(f64, f64, f64); 6] = [
        (0.0, 0.0, 118.1),
        (-3.1, -3.5, 118.2),
        (-6.6, -7.6, 118.2),
        (-9.0, -10.7, 118.7),
        (-12.1, -14.2, 119.0),
        (-15.1, -18.1, 119.9),
    ];
    const TIMES_MS: [i64; 12] = [0, 504, 997, 1_488, 1_991, 2_495, 2_997, 3_495, 3_996, 4_496, 4_996, 5_504];
    const HEADINGS_DEG: [(f32, f64); 12] = [
        (225.45, 0.0),
        (224.45, 0.0),
        (225.16, 221.81),
        (226.1, 0.0),
        (224.6, 219.9),
        (222.13, 0.0),
        (221.41, 217.59),
        (219.31, 0.0),
        (218.73, 222.19),
        (219.5, 0.0),
        (217.57, 217.39),
        (216.06, 217.39),
    ];
    let photo = |(k, time_ms): (usize, &i64)| {
        let (east_m, north_m, altitude_m) = FIXES[k.saturating_sub(1) / 2];
        Photo { altitude_m, ..photo_at(east_m, north_m, worlds::MAY_18_MS + time_ms) }
    };
    let photos: Vec<Photo> = TIMES_MS.iter().enumerate().map(photo).collect();
    let mut images = upload(&photos, "own", 1);
    for (image, (_, heading_deg)) in images.iter_mut().zip(HEADINGS_DEG) {
        image.altitude_m = image.altitude_m.map(f64::round);
        image.compass_deg = Some(heading_deg);
        image.computed = moved(image, 0.6);
    }
    let mut local = local_of(&[shifted(&photos, 2 * HOUR_MS, TimeKind::Wall)]);
    local.heading_deg = HEADINGS_DEG.iter().map(|heading| heading.0).collect();
    let published = columns(&images);
    let outcome = match_images(&local, &published, &vec![Lookup::Complete; local.len()], &MatchSettings::default());
    let ids: Vec<Option<u64>> =
        outcome.verdicts.iter().map(|verdict| verdict.image.map(|image| published.id[image as usize])).collect();
    assert!(ids.iter().zip(1..).all(|(id, own)| *id == Some(own)), "{ids:?}");
}
