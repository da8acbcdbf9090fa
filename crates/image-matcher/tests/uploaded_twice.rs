//! One ride that was uploaded twice, its places moved on the way, each time otherwise: one shutter's beat shows that both
//! are the same upload, and a photo that only one of them holds has its image there.

mod worlds;

use capture_model::{PublishedImage, TimeKind};
use image_matcher::Lookup;
use worlds::{HOUR_MS, Photo, matched, moved, others, ride, shifted, upload};

/// Every photo but one in nine, its place moved by a slow wander; photo k is image `first_id` + k.
fn moved_upload(photos: &[Photo], key: &str, first_id: u64, missing: u64, by_m: f64) -> Vec<PublishedImage> {
    let mut images = upload(photos, key, first_id);
    for (image, k) in images.iter_mut().zip(0..) {
        image.original = moved(image, by_m + (f64::from(k) / 9.0).sin());
        image.altitude_m = None;
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
fn a_friend_with_a_timer_is_no_second_upload() {
    let in_seconds = |photos: Vec<Photo>| -> Vec<Photo> {
        let first_ms = photos[0].time_ms.div_euclid(1_000) * 1_000;
        photos.iter().zip(0..).map(|(photo, k)| Photo { time_ms: first_ms + 1_000 * k, ..*photo }).collect()
    };
    let photos = in_seconds(ride(7, 90));
    let friend = moved_upload(&photos, "friend", 2_000, 5, -2.0);
    let images: Vec<PublishedImage> = moved_upload(&photos, "own", 1_000, 2, 1.5).into_iter().chain(friend).collect();
    let (outcome, _) = matched(&[photos], &images, Lookup::Complete);
    assert!((0..90).all(|row| outcome.also_published.of(row).is_empty()));
}
