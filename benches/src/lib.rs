//! Worlds for the benches: rides over a street grid, their published counterpart among others' rides, and the truth.
//!
//! Sequences of 100–500 images, 3–10 m and 0.5–2 s apart, on a grid of 120 m blocks around fifty cities; nine in ten local
//! photos are published, times to the millisecond, places to 7 decimals. One seed, one world. [`contenders`] are other ways
//! to find the images, for comparison.

pub mod contenders;
pub mod throughput;
pub mod usage;

mod camera_files;
mod hand_reader;

pub use camera_files::write_camera_files;
pub use hand_reader::{HEAD, HandRead, read_by_hand};

use capture_model::{
    CapturedAt, Evidence, ImageId, LocalImages, Names, Position, PublishedImage, PublishedImages, SequenceId, TimeKind,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fmt;
use std::str::FromStr;

const CITIES: usize = 50;
const BLOCK_M: f64 = 120.0;
const METRES_PER_DEGREE: f64 = 111_320.0;
const FIRST_MS: i64 = 1_388_534_400_000;
const LAST_MS: i64 = 1_767_225_600_000;
const MONTH_MS: i64 = 30 * 86_400_000;

/// What the local clocks know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clocks {
    /// UTC, exactly.
    Exact,
    /// Wall clocks, each ride off by a constant of its own.
    Unknown,
}

/// What makes a world hard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// One clock, places as uploaded.
    Exact,
    /// 70 % of the rides moved by a shared shift of some metres and noise of 1 m, 2 % by 10–30 m.
    Adjusted,
    /// An unknown clock per ride: whole hours for 60 %, ±30 s for all.
    Unknown,
    /// All rides in one month instead of twelve years; beside one own ride in five somebody drives along: a second camera
    /// of a rig, or a companion some seconds behind; one image in fifty lacks its altitude, one in a hundred its time.
    Month,
}

impl Case {
    /// All cases.
    pub const ALL: [Self; 4] = [Self::Exact, Self::Adjusted, Self::Unknown, Self::Month];
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::Adjusted => "adjusted",
            Self::Unknown => "unknown",
            Self::Month => "month",
        })
    }
}

impl FromStr for Case {
    type Err = anyhow::Error;
    fn from_str(word: &str) -> anyhow::Result<Self> {
        let found = Self::ALL.into_iter().find(|case| case.to_string() == word);
        found.ok_or_else(|| anyhow::anyhow!("no case is called {word}: exact, adjusted, unknown, month"))
    }
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

#[derive(Clone, Copy)]
struct Frame {
    ride: usize,
    longitude: f64,
    latitude: f64,
    altitude_m: f64,
    time_ms: i64,
}

impl Frame {
    /// The same photo taken elsewhere, metres.
    fn moved(self, east_m: f64, north_m: f64) -> Self {
        let east_degree_m = METRES_PER_DEGREE * self.latitude.to_radians().cos();
        Self {
            longitude: self.longitude + east_m / east_degree_m,
            latitude: self.latitude + north_m / METRES_PER_DEGREE,
            ..self
        }
    }
}

/// Rides over streets: `n_local` photos among `n_published` images, clocks exact or unknown.
pub fn street_drives(n_local: usize, n_published: usize, clocks: Clocks, seed: u64) -> World {
    let case = if clocks == Clocks::Exact { Case::Exact } else { Case::Unknown };
    street_world(n_local, n_published, case, seed)
}

/// What the service made of one own ride.
struct Treatment {
    clock_error_ms: i64,
    shift_m: (f64, f64),
    noise_m: f64,
    /// Somebody who drives along: (seconds behind, metres beside).
    company: Option<(i64, f64)>,
}

impl Treatment {
    fn draw(random: &mut ChaCha8Rng, case: Case) -> Self {
        let mut treatment = Self { clock_error_ms: 0, shift_m: (0.0, 0.0), noise_m: 0.0, company: None };
        match case {
            Case::Unknown => {
                let hours = if random.random_bool(0.6) { random.random_range(-12..=14) } else { 0 };
                treatment.clock_error_ms = hours * 3_600_000 + random.random_range(-30_000..30_000);
            }
            Case::Adjusted if random.random_bool(0.7) => {
                let usual_m = 4.0 * (random.random_range(-1.0..1.0_f64) + random.random_range(-1.0..1.0_f64)).abs();
                let far = if random.random_bool(0.02) { random.random_range(10.0..30.0) } else { usual_m };
                let angle: f64 = random.random_range(0.0..std::f64::consts::TAU);
                (treatment.shift_m, treatment.noise_m) = ((far * angle.cos(), far * angle.sin()), 1.0);
            }
            Case::Month if random.random_bool(0.2) => {
                let is_rig = random.random_bool(0.5);
                let behind_ms = if is_rig { 0 } else { random.random_range(2_000..6_000) };
                treatment.company = Some((behind_ms, if is_rig { 0.4 } else { 3.0 }));
            }
            Case::Exact | Case::Adjusted | Case::Month => {}
        }
        treatment
    }
}

/// Rides over streets: `n_local` photos among `n_published` images.
///
/// # Panics
/// When a position leaves the globe, which the fifty cities keep it from.
pub fn street_world(n_local: usize, n_published: usize, case: Case, seed: u64) -> World {
    world_of(CITIES, 4_000.0 * (n_published as f64 / 5e6).sqrt(), n_local, n_published, case, seed)
}

/// The same in the streets of one town: a folder among all that is published around it, the busiest tiles that were
/// recorded (30,000 images) or as dense.
pub fn one_town(n_local: usize, n_published: usize, case: Case, seed: u64) -> World {
    world_of(1, 900.0 * (n_published as f64 / 30_000.0).sqrt(), n_local, n_published, case, seed)
}

fn world_of(n_cities: usize, spread_m: f64, n_local: usize, n_published: usize, case: Case, seed: u64) -> World {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let cities: Vec<(f64, f64)> =
        (0..n_cities).map(|_| (random.random_range(-175.0..175.0), random.random_range(-42.0..62.0))).collect();
    let last_ms = if case == Case::Month { FIRST_MS + MONTH_MS } else { LAST_MS };
    let own = rides(&mut random, n_local, &cities, spread_m, last_ms);
    let mut local = LocalImages { devices: Names::default(), ..LocalImages::default() };
    let device = local.devices.number_of(&capture_model::Device::default());
    let mut published = PublishedImages::default();
    let mut truth = Vec::with_capacity(n_local);
    let mut next_id = 100_000_000_000_000_u64;
    let mut ride = usize::MAX;
    let mut treatment = Treatment::draw(&mut random, Case::Exact);
    for (row, frame) in own.iter().enumerate() {
        if frame.ride != ride {
            ride = frame.ride;
            local.tracks.push(row as u32);
            local.clock_group.push(ride as u32);
            treatment = Treatment::draw(&mut random, case);
        }
        let time_ms = frame.time_ms - treatment.clock_error_ms;
        local.file.push(row as u32);
        local.track.push(ride as u32);
        local.longitude.push(frame.longitude);
        local.latitude.push(frame.latitude);
        local.altitude_m.push(frame.altitude_m as f32);
        local.heading_deg.push(f32::NAN);
        local.time_ms.push(time_ms);
        local.sent_time_ms.push(time_ms);
        local.time_kind.push(if case == Case::Unknown { TimeKind::Wall } else { TimeKind::Absolute });
        local.time_resolution_ms.push(1);
        local.camera_time_ms.push(LocalImages::NO_TIME);
        local.device.push(device);
        local.path_rank.push(row as u32);
        local.predicted_drop.push(None);
        let is_published = random.random_bool(0.9);
        truth.push(is_published.then_some(next_id));
        let mut noise = |metres: f64| if metres > 0.0 { random.random_range(-metres..metres) * 1.7 } else { 0.0 };
        if is_published {
            let (east_m, north_m) = treatment.shift_m;
            let placed = frame.moved(east_m + noise(treatment.noise_m), north_m + noise(treatment.noise_m));
            publish(&mut published, &placed, &format!("own{ride:018}"), &mut next_id);
        }
        if let Some((behind_ms, beside_m)) = treatment.company {
            let other = frame.moved(noise(beside_m), noise(beside_m));
            let other = Frame { time_ms: other.time_ms + behind_ms, ..other };
            publish(&mut published, &other, &format!("beside{ride:015}"), &mut next_id);
        }
    }
    local.tracks.push(n_local as u32);
    let n_foreign = n_published.saturating_sub(published.len());
    for frame in rides(&mut random, n_foreign, &cities, spread_m, last_ms) {
        publish(&mut published, &frame, &format!("foreign{:014}", frame.ride), &mut next_id);
    }
    if case == Case::Month {
        for row in 0..published.len() {
            if random.random_bool(0.02) {
                published.altitude_m[row] = f32::NAN;
            }
            if random.random_bool(0.01) {
                published.captured_at_ms[row] = PublishedImages::NO_TIME;
            }
        }
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

fn rides(random: &mut ChaCha8Rng, n_images: usize, cities: &[(f64, f64)], spread_m: f64, last_ms: i64) -> Vec<Frame> {
    let mut frames = Vec::with_capacity(n_images);
    let mut ride = 0;
    while frames.len() < n_images {
        let n = random.random_range(100..=500).min(n_images - frames.len());
        let (city_lon, city_lat) =
            cities[(random.random::<f64>().powi(2) * cities.len() as f64) as usize % cities.len()];
        let (mut x, mut y) = (block(random, spread_m), block(random, spread_m));
        let mut direction = random.random_range(0..4_usize);
        let (step_m, period_ms) = (random.random_range(3.0..10.0), random.random_range(500.0..2_000.0));
        let start_ms = random.random_range(FIRST_MS..last_ms);
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
