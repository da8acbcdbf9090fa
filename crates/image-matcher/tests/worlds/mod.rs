//! The worlds of the matcher's tests: rides of a few dozen photos, what untouched uploads of them look like, strangers' rides
//! through the same streets, and a town of them to count in.
//!
//! The crate's own tests read this file too (`mod worlds` in `lib.rs`), so that there is one ride and one upload for all.

#![allow(dead_code, reason = "each file of tests uses its part")]

use capture_model::{
    CapturedAt, Device, Evidence, ImageId, LocalImages, Position, PublishedImage, PublishedImages, Reason, SequenceId,
    TimeKind,
};
use image_matcher::{Lookup, MatchOutcome, MatchSettings, match_images};

pub(crate) const MAY_18_MS: i64 = 1_716_028_867_250;
pub(crate) const HOUR_MS: i64 = 3_600_000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// Metres of a degree along a meridian, and along the parallel of [`MIDDLE`].
const METRES_NORTH: f64 = 111_195.0;
const METRES_EAST: f64 = 74_200.0;
const MIDDLE: (f64, f64) = (11.575, 48.137);

#[derive(Debug, Clone, Copy)]
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

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.next()).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }
}

/// Where a photo is that was taken so many metres from the middle, to 7 decimals.
pub(crate) fn photo_at(east_m: f64, north_m: f64, time_ms: i64) -> Photo {
    let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
    Photo {
        lon: seven(MIDDLE.0 + east_m / METRES_EAST),
        lat: seven(MIDDLE.1 + north_m / METRES_NORTH),
        altitude_m: f64::NAN,
        time_ms,
        kind: TimeKind::Absolute,
        drop: None,
    }
}

/// The same photo so many metres away.
pub(crate) fn beside(photo: &Photo, east_m: f64, north_m: f64) -> Photo {
    Photo { lon: photo.lon + east_m / METRES_EAST, lat: photo.lat + north_m / METRES_NORTH, ..*photo }
}

/// Squared distance in metres, by a plane that serves for a few kilometres.
pub(crate) fn apart_m2(a: &Photo, b: &Photo) -> f64 {
    ((a.lon - b.lon) * METRES_EAST).powi(2) + ((a.lat - b.lat) * METRES_NORTH).powi(2)
}

/// A ride that turns now and then, a photo every 1.1 to 1.7 s and 4 to 7 m.
pub(crate) fn ride(seed: u64, n: usize) -> Vec<Photo> {
    let mut numbers = Numbers(seed);
    let start = [numbers.next() * 300.0, numbers.next() * 300.0];
    let mut photos =
        drive(&mut numbers, n, start, MAY_18_MS + (seed as i64 % 50) * 7 * HOUR_MS, (4.0, 3.0), (1_100, 600));
    for (k, photo) in photos.iter_mut().enumerate() {
        photo.altitude_m = 500.0 + (k as f64 / 3.0).floor() / 10.0;
    }
    photos
}

/// A ride from a place and a time; steps in metres and milliseconds are so long at least, and up to so much longer.
fn drive(
    numbers: &mut Numbers,
    n: usize,
    [mut east_m, mut north_m]: [f64; 2],
    mut time_ms: i64,
    step_m: (f64, f64),
    step_ms: (i64, i64),
) -> Vec<Photo> {
    let mut turn = numbers.next() * 6.0;
    let step = |_| {
        turn += if numbers.next() < 0.1 { 1.2 } else { 0.02 };
        let far_m = step_m.0 + step_m.1 * numbers.next();
        (east_m, north_m) = (east_m + far_m * turn.sin(), north_m + far_m * turn.cos());
        time_ms += step_ms.0 + (numbers.next() * step_ms.1 as f64) as i64;
        photo_at(east_m, north_m, time_ms)
    };
    (0..n).map(step).collect()
}

/// What an untouched upload of the photos looks like.
pub(crate) fn upload(photos: &[Photo], key: &str, first_id: u64) -> Vec<PublishedImage> {
    let image = |(k, photo): (usize, &Photo)| PublishedImage {
        sequence: Some(SequenceId::new(key)),
        captured_at: Some(CapturedAt::from_epoch_ms(photo.time_ms)),
        original: Position::from_lon_lat(photo.lon, photo.lat).ok(),
        altitude_m: Some(photo.altitude_m).filter(|metres| metres.is_finite()),
        device: camera(),
        ..PublishedImage::bare(ImageId(first_id + k as u64), Evidence::Entity)
    };
    photos.iter().enumerate().map(image).collect()
}

/// The camera of everybody.
fn camera() -> Device {
    Device::new(Some("Acme"), Some("One"), Some(4000), Some(3000))
}

/// Ten rides of others through the same streets on other days.
pub(crate) fn others() -> Vec<PublishedImage> {
    (0..10).flat_map(|k| upload(&ride(900 + k, 60), &format!("other{k}"), 9_000_000 + 1_000 * k)).collect()
}

pub(crate) fn local_of(tracks: &[Vec<Photo>]) -> LocalImages {
    let mut local = LocalImages::default();
    let device = local.devices.number_of(&camera());
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
    Position::from_lon_lat(place.lon() + east_m / METRES_EAST, place.lat()).ok()
}

/// Both sides of a town.
pub(crate) struct Town {
    pub(crate) local: LocalImages,
    pub(crate) published: PublishedImages,
    /// Own photos that are published.
    pub(crate) n_published_own: usize,
}

/// Rides of 120 photos through one town, a photo every second and 6 m; nine in ten are published.
pub(crate) fn town(n_own: usize, n_foreign: usize, apart_ms: i64) -> Town {
    country(n_own, n_foreign, apart_ms, 2_000.0)
}

/// The same in a square of so many metres.
pub(crate) fn country(n_own: usize, n_foreign: usize, apart_ms: i64, side_m: f64) -> Town {
    let mut numbers = Numbers(1);
    let (mut own, mut images, mut n_published_own) = (Vec::new(), Vec::new(), 0);
    for number in 0..n_own + n_foreign {
        let start = [numbers.next() * side_m, numbers.next() * side_m];
        let start_ms = MAY_18_MS + number as i64 * apart_ms;
        let photos = drive(&mut numbers, 120, start, start_ms, (6.0, 0.0), (900, 200));
        let published: Vec<Photo> = photos.iter().copied().filter(|_| numbers.next() < 0.9).collect();
        images.extend(upload(&published, &format!("ride{number}"), images.len() as u64 + 1));
        if number < n_own {
            n_published_own += published.len();
            own.push(photos);
        }
    }
    Town { local: local_of(&own), published: columns(&images), n_published_own }
}
