//! Rides of a few dozen photos, what untouched uploads of them look like, and strangers' rides through the same streets.

#![allow(dead_code, reason = "each file of tests uses its part")]

use capture_model::{
    CapturedAt, Device, Evidence, ImageId, LocalImages, Position, PublishedImage, PublishedImages, Reason, SequenceId,
    TimeKind,
};
use image_matcher::{Lookup, MatchOutcome, MatchSettings, match_images};

pub(crate) const MAY_18_MS: i64 = 1_716_028_867_250;
pub(crate) const HOUR_MS: i64 = 3_600_000;

#[derive(Clone, Copy)]
pub(crate) struct Photo {
    pub(crate) lon: f64,
    pub(crate) lat: f64,
    pub(crate) altitude_m: f64,
    pub(crate) time_ms: i64,
    pub(crate) kind: TimeKind,
    pub(crate) drop: Option<Reason>,
}

/// Numbers in 0…1 that repeat from one test run to the next.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A ride that turns now and then, a photo every 1.1 to 1.7 s and 4 to 7 m.
pub(crate) fn ride(seed: u64, n: usize) -> Vec<Photo> {
    let mut numbers = Numbers(seed);
    let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
    let (mut east_m, mut north_m, mut turn) = (numbers.next() * 300.0, numbers.next() * 300.0, numbers.next() * 6.0);
    let mut time_ms = MAY_18_MS + (seed as i64 % 50) * 7 * HOUR_MS;
    (0..n)
        .map(|k| {
            turn += if numbers.next() < 0.1 { 1.2 } else { 0.02 };
            let step_m = 4.0 + 3.0 * numbers.next();
            east_m += step_m * turn.sin();
            north_m += step_m * turn.cos();
            time_ms += 1_100 + (numbers.next() * 600.0) as i64;
            Photo {
                lon: seven(11.575 + east_m / 74_200.0),
                lat: seven(48.137 + north_m / 111_195.0),
                altitude_m: 500.0 + (k as f64 / 3.0).floor() / 10.0,
                time_ms,
                kind: TimeKind::Absolute,
                drop: None,
            }
        })
        .collect()
}

/// What an untouched upload of the photos looks like.
pub(crate) fn upload(photos: &[Photo], key: &str, first_id: u64) -> Vec<PublishedImage> {
    let image = |(k, photo): (usize, &Photo)| PublishedImage {
        sequence: Some(SequenceId::new(key)),
        captured_at: Some(CapturedAt::from_epoch_ms(photo.time_ms)),
        original: Position::from_lon_lat(photo.lon, photo.lat).ok(),
        altitude_m: Some(photo.altitude_m),
        device: Device::new(Some("Acme"), Some("One"), Some(4000), Some(3000)),
        ..PublishedImage::bare(ImageId(first_id + k as u64), Evidence::Entity)
    };
    photos.iter().enumerate().map(image).collect()
}

/// Ten rides of others through the same streets on other days.
pub(crate) fn others() -> Vec<PublishedImage> {
    (0..10).flat_map(|k| upload(&ride(900 + k, 60), &format!("other{k}"), 9_000_000 + 1_000 * k)).collect()
}

pub(crate) fn local_of(tracks: &[Vec<Photo>]) -> LocalImages {
    let mut local = LocalImages::default();
    let device = Device::new(Some("Acme"), Some("One"), Some(4000), Some(3000));
    let device = local.devices.number_of(&device);
    for (number, photos) in tracks.iter().enumerate() {
        local.tracks.push(local.len() as u32);
        local.clock_group.push(number as u32);
        for photo in photos {
            local.path_rank.push(local.len() as u32);
            local.file.push(local.len() as u32);
            local.track.push(number as u32);
            local.longitude.push(photo.lon);
            local.latitude.push(photo.lat);
            local.altitude_m.push(photo.altitude_m as f32);
            local.heading_deg.push(f32::NAN);
            local.time_ms.push(photo.time_ms);
            local.sent_time_ms.push(photo.time_ms);
            local.camera_time_ms.push(LocalImages::NO_TIME);
            local.time_kind.push(photo.kind);
            local.time_resolution_ms.push(u16::from(photo.kind != TimeKind::None));
            local.device.push(device);
            local.predicted_drop.push(photo.drop);
        }
    }
    local.tracks.push(local.len() as u32);
    local
}

pub(crate) fn columns(images: &[PublishedImage]) -> PublishedImages {
    let mut published = PublishedImages::default();
    images.iter().for_each(|image| published.push(image));
    published
}

/// Matches and returns the outcome with the id of each matched photo.
pub(crate) fn matched(
    tracks: &[Vec<Photo>],
    images: &[PublishedImage],
    lookup: Lookup,
) -> (MatchOutcome, Vec<Option<u64>>) {
    let (local, published) = (local_of(tracks), columns(images));
    let outcome = match_images(&local, &published, &vec![lookup; local.len()], &MatchSettings::default());
    let ids = outcome.verdicts.iter().map(|v| v.image.map(|image| published.id[image as usize])).collect();
    (outcome, ids)
}

pub(crate) fn shifted(photos: &[Photo], by_ms: i64, kind: TimeKind) -> Vec<Photo> {
    photos.iter().map(|photo| Photo { time_ms: photo.time_ms + by_ms, kind, ..*photo }).collect()
}

pub(crate) fn moved(image: &PublishedImage, east_m: f64) -> Option<Position> {
    let place = image.original?;
    Position::from_lon_lat(place.lon() + east_m / 74_200.0, place.lat()).ok()
}
