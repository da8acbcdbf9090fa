//! One ride that was uploaded twice, its places moved on the way, each time otherwise: copied headings show that both are the
//! same upload, and a photo that only one of them holds has its image there. Without headings it may be a rig.

mod worlds;

use capture_model::{PublishedImage, Reason, TimeKind};
use image_matcher::Lookup;
use worlds::{HOUR_MS, Photo, matched, moved, others, ride, shifted, upload};

/// Every photo but one in nine, its place moved by a slow wander; photo k is image `first_id` + k.
fn moved_upload(photos: &[Photo], key: &str, first_id: u64, missing: u64, by_m: f64) -> Vec<PublishedImage> {
    let mut images = upload(photos, key, first_id);
    for (image, k) in images.iter_mut().zip(0..) {
        image.original = moved(image, by_m + (f64::from(k) / 9.0).sin());
        image.altitude_m = None;
        image.compass_deg = Some(f64::from(k * 37 % 360));
    }
    images.retain(|image| image.id.0 % 9 != missing);
    images
}

#[test]
fn a_second_upload_with_other_places_is_the_same_ride() {
    let photos = shifted(&ride(7, 90), 2 * HOUR_MS, TimeKind::Wall);
    let sent = ride(7, 90);
    let images: Vec<PublishedImage> = moved_upload(&sent, "first", 1_000, 2, 1.5)
        .into_iter()
        .chain(moved_upload(&sent, "second", 2_000, 5, -2.0))
        .chain(others())
        .collect();
    let (outcome, ids) = matched(std::slice::from_ref(&photos), &images, Lookup::Complete);
    for (row, id) in ids.iter().enumerate() {
        assert!(id.is_some_and(|id| id % 1_000 == row as u64), "photo {row} became {id:?}");
    }
    assert!((0..90).filter(|&row| outcome.also_published.of(row).len() == 1).count() > 60);
}

#[test]
fn two_cameras_on_one_trigger_are_no_second_upload() {
    let photos = ride(7, 90);
    let of_camera = |key: &str, first_id: u64, by_m: f64, turn_deg: Option<f64>| {
        let mut images = moved_upload(&photos, key, first_id, 9, by_m);
        for image in &mut images {
            image.computed = image.original.take();
            image.compass_deg = turn_deg.and_then(|turn| image.compass_deg.map(|own| (own + turn) % 360.0));
        }
        images
    };
    for (left, right) in [(None, None), (Some(0.0), Some(180.0))] {
        let both = of_camera("left", 1_000, 1.5, left).into_iter().chain(of_camera("right", 2_000, -2.0, right));
        let (outcome, ids) = matched(std::slice::from_ref(&photos), &both.collect::<Vec<_>>(), Lookup::Complete);
        assert!(ids.iter().all(Option::is_none), "{ids:?}");
        assert!(
            outcome.verdicts.iter().all(|verdict| verdict.reason == Reason::Reuploaded),
            "{:?}",
            outcome.verdicts.get(0)
        );
        // what nothing tells apart is an upload twice more often than a rig of which one camera is at hand
        let p = outcome.verdicts.get(0).probability.unwrap_or(0.0);
        let expected = if left.is_none() { 0.87 } else { 0.5 };
        assert!((p - expected).abs() < 0.03, "{p} with headings {left:?} and {right:?}");
    }
}

#[test]
fn a_friend_with_a_timer_is_no_second_upload() {
    let in_seconds = |photos: Vec<Photo>| -> Vec<Photo> {
        let first_ms = photos[0].time_ms.div_euclid(1_000) * 1_000;
        photos.iter().zip(0..).map(|(photo, k)| Photo { time_ms: first_ms + 1_000 * k, ..*photo }).collect()
    };
    let photos = in_seconds(ride(7, 90));
    let mut friend = moved_upload(&photos, "friend", 2_000, 5, -2.0);
    friend.iter_mut().for_each(|image| image.compass_deg = None);
    let images: Vec<PublishedImage> = moved_upload(&photos, "own", 1_000, 2, 1.5).into_iter().chain(friend).collect();
    let (outcome, _) = matched(&[photos], &images, Lookup::Complete);
    assert!((0..90).all(|row| outcome.also_published.of(row).is_empty()));
}
