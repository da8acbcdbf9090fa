//! Worlds for the benches: rides over a street grid, their published counterpart among others' rides, and the truth.
//!
//! Sequences of 100–500 images, 3–10 m and 0.5–2 s apart, on a grid of 120 m blocks around fifty cities; nine in ten local
//! photos are published, times to the millisecond, places to 7 decimals. One seed, one world.

use capture_model::{
    CapturedAt, Evidence, ImageId, LocalImages, Names, Position, PublishedImage, PublishedImages, SequenceId, TimeKind,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const CITIES: usize = 50;
const BLOCK_M: f64 = 120.0;
const METRES_PER_DEGREE: f64 = 111_320.0;
const FIRST_MS: i64 = 1_388_534_400_000;
const LAST_MS: i64 = 1_767_225_600_000;

/// What the local clocks know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clocks {
    /// UTC, exactly.
    Exact,
    /// Wall clocks, each ride off by a constant of its own.
    Unknown,
}

/// Both sides and the truth.
pub struct World {
    /// The local photos.
    pub local: LocalImages,
    /// The published images.
    pub published: PublishedImages,
    /// Of each local photo, the id of its image; `None` for those that were not published.
    pub truth: Vec<Option<u64>>,
}

struct Frame {
    ride: usize,
    longitude: f64,
    latitude: f64,
    altitude_m: f64,
    time_ms: i64,
}

/// Rides over streets: `n_local` photos among `n_published` images.
///
/// # Panics
/// When a position leaves the globe, which the fifty cities keep it from.
pub fn street_drives(n_local: usize, n_published: usize, clocks: Clocks, seed: u64) -> World {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let cities: Vec<(f64, f64)> =
        (0..CITIES).map(|_| (random.random_range(-175.0..175.0), random.random_range(-42.0..62.0))).collect();
    let spread_m = 4_000.0 * (n_published as f64 / 5e6).sqrt();
    let own = rides(&mut random, n_local, &cities, spread_m);
    let mut local = LocalImages { devices: Names::default(), ..LocalImages::default() };
    let device = local.devices.number_of(&capture_model::Device::default());
    let mut published = PublishedImages::default();
    let mut truth = Vec::with_capacity(n_local);
    let mut next_id = 100_000_000_000_000_u64;
    let mut ride = usize::MAX;
    let mut clock_error_ms = 0;
    for (row, frame) in own.iter().enumerate() {
        if frame.ride != ride {
            ride = frame.ride;
            local.tracks.push(row as u32);
            local.clock_group.push(ride as u32);
            clock_error_ms = match clocks {
                Clocks::Exact => 0,
                Clocks::Unknown => random.random_range(-50_000_000..50_000_000),
            };
        }
        let time_ms = frame.time_ms - clock_error_ms;
        local.file.push(row as u32);
        local.track.push(ride as u32);
        local.longitude.push(frame.longitude);
        local.latitude.push(frame.latitude);
        local.altitude_m.push(frame.altitude_m as f32);
        local.heading_deg.push(f32::NAN);
        local.time_ms.push(time_ms);
        local.sent_time_ms.push(time_ms);
        local.time_kind.push(if clocks == Clocks::Exact { TimeKind::Absolute } else { TimeKind::Wall });
        local.time_resolution_ms.push(1);
        local.camera_time_ms.push(LocalImages::NO_TIME);
        local.device.push(device);
        local.path_rank.push(row as u32);
        local.predicted_drop.push(None);
        let is_published = random.random_bool(0.9);
        truth.push(is_published.then_some(next_id));
        if is_published {
            publish(&mut published, frame, &format!("own{ride:018}"), &mut next_id);
        }
    }
    local.tracks.push(n_local as u32);
    let n_foreign = n_published.saturating_sub(published.len());
    for frame in rides(&mut random, n_foreign, &cities, spread_m) {
        publish(&mut published, &frame, &format!("foreign{:014}", frame.ride), &mut next_id);
    }
    World { local, published, truth }
}

fn publish(published: &mut PublishedImages, frame: &Frame, sequence: &str, next_id: &mut u64) {
    let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
    let position = Position::from_lon_lat(seven(frame.longitude), seven(frame.latitude)).expect("a place on the globe");
    published.push(&PublishedImage {
        sequence: Some(SequenceId::new(sequence)),
        captured_at: Some(CapturedAt::from_epoch_ms(frame.time_ms)),
        original: Some(position),
        altitude_m: Some(frame.altitude_m),
        ..PublishedImage::bare(ImageId(*next_id), Evidence::Entity)
    });
    *next_id += 7;
}

fn rides(random: &mut ChaCha8Rng, n_images: usize, cities: &[(f64, f64)], spread_m: f64) -> Vec<Frame> {
    let mut frames = Vec::with_capacity(n_images);
    let mut ride = 0;
    while frames.len() < n_images {
        let n = random.random_range(100..=500).min(n_images - frames.len());
        let (city_lon, city_lat) = cities[(random.random::<f64>().powi(2) * CITIES as f64) as usize % CITIES];
        let (mut x, mut y) = (block(random, spread_m), block(random, spread_m));
        let mut direction = random.random_range(0..4_usize);
        let (step_m, period_ms) = (random.random_range(3.0..10.0), random.random_range(500.0..2_000.0));
        let start_ms = random.random_range(FIRST_MS..LAST_MS);
        let whole_seconds = random.random_bool(0.3);
        let (ground_m, lean_m) = (random.random_range(5.0..400.0), random.random_range(0.5..4.0));
        let mut along_m = 0.0;
        for k in 0..n {
            let (dx, dy) = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)][direction];
            let sway = lean_m * (k as f64 / 25.0).sin() + random.random_range(-0.25..0.25);
            let (east, north) = (x + dx * along_m - dy * sway, y + dy * along_m + dx * sway);
            let time_ms = start_ms + (k as f64 * period_ms) as i64 + random.random_range(-15..15);
            frames.push(Frame {
                ride,
                longitude: city_lon + east / (METRES_PER_DEGREE * city_lat.to_radians().cos()),
                latitude: city_lat + north / METRES_PER_DEGREE,
                altitude_m: ground_m + random.random_range(-0.5..0.5),
                time_ms: if whole_seconds { time_ms - time_ms.rem_euclid(1_000) } else { time_ms },
            });
            along_m += step_m;
            if along_m >= BLOCK_M {
                along_m -= BLOCK_M;
                (x, y) = (x + dx * BLOCK_M, y + dy * BLOCK_M);
                direction = (direction + [0, 0, 0, 1, 3][random.random_range(0..5)]) % 4;
            }
        }
        ride += 1;
    }
    frames
}

fn block(random: &mut ChaCha8Rng, spread_m: f64) -> f64 {
    let sum: f64 = (0..6).map(|_| random.random_range(-1.0..1.0)).sum(); // near enough to a normal of variance 2
    (sum / 2_f64.sqrt() * spread_m / BLOCK_M).round() * BLOCK_M
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_world_of_the_asked_size() {
        let (a, b) = (street_drives(1_000, 3_000, Clocks::Exact, 7), street_drives(1_000, 3_000, Clocks::Exact, 7));
        assert_eq!((a.local.len(), a.published.len()), (1_000, 3_000));
        assert_eq!(a.published.id, b.published.id);
        assert_eq!(a.local.longitude, b.local.longitude);
        let n_published = a.truth.iter().flatten().count();
        assert!((850..950).contains(&n_published), "{n_published} of 1000 published");
    }
}
