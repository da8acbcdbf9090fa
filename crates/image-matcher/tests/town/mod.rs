//! A town of rides for tests that count.

use capture_model::{
    CapturedAt, Device, Evidence, ImageId, LocalImages, Position, PublishedImage, PublishedImages, SequenceId, TimeKind,
};

/// A day between the rides.
pub(crate) const DAY_MS: i64 = 86_400_000;
const PHOTOS_OF_A_RIDE: usize = 120;

/// Both sides of a town.
pub(crate) struct World {
    pub(crate) local: LocalImages,
    pub(crate) published: PublishedImages,
    /// Own photos that are published.
    pub(crate) n_published_own: usize,
}

/// Rides through one town, a photo every second and 6 m; nine in ten own photos are published.
pub(crate) fn town(n_own: usize, n_foreign: usize, apart_ms: i64) -> World {
    let mut random = 1_u64;
    let mut next = || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut world = World {
        local: LocalImages { tracks: vec![0], ..LocalImages::default() },
        published: PublishedImages::default(),
        n_published_own: 0,
    };
    let device = world.local.devices.number_of(&Device::default());
    for ride in 0..n_own + n_foreign {
        let (mut east_m, mut north_m, mut turn) = (next() * 2_000.0, next() * 2_000.0, next() * 6.0);
        let mut time_ms = 1_716_028_867_250 + ride as i64 * apart_ms;
        for _ in 0..PHOTOS_OF_A_RIDE {
            turn += if next() < 0.1 { 1.2 } else { 0.02 };
            (east_m, north_m) = (east_m + 6.0 * f64::sin(turn), north_m + 6.0 * f64::cos(turn));
            time_ms += 900 + (next() * 200.0) as i64;
            let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
            let place = Position::from_lon_lat(seven(11.5 + east_m / 74_200.0), seven(48.1 + north_m / 111_195.0));
            let place = place.expect("a place in town");
            let is_own = ride < n_own;
            if is_own {
                let local = &mut world.local;
                local.path_rank.push(local.len() as u32);
                local.track.push(ride as u32);
                local.longitude.push(place.lon());
                local.latitude.push(place.lat());
                local.altitude_m.push(f32::NAN);
                local.heading_deg.push(f32::NAN);
                local.time_ms.push(time_ms);
                local.sent_time_ms.push(time_ms);
                local.camera_time_ms.push(LocalImages::NO_TIME);
                local.time_kind.push(TimeKind::Absolute);
                local.time_resolution_ms.push(1);
                local.device.push(device);
                local.predicted_drop.push(None);
                local.file.push(local.len() as u32);
            }
            if next() < 0.9 {
                world.n_published_own += usize::from(is_own);
                world.published.push(&PublishedImage {
                    sequence: Some(SequenceId::new(&format!("ride{ride}"))),
                    captured_at: Some(CapturedAt::from_epoch_ms(time_ms)),
                    original: Some(place),
                    ..PublishedImage::bare(ImageId(world.published.len() as u64 + 1), Evidence::Entity)
                });
            }
        }
        if ride < n_own {
            world.local.clock_group.push(ride as u32);
            world.local.tracks.push(world.local.len() as u32);
        }
    }
    world
}
