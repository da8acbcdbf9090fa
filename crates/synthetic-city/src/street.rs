//! Streets and rides over them: a grid of blocks, drives that turn at corners and sway within the lane.

use capture_model::Position;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

const BLOCK_M: f64 = 120.0;
const METRES_PER_DEGREE: f64 = 111_195.0;

/// Where the grid of a city lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) longitude: f64,
    pub(crate) latitude: f64,
}

impl Origin {
    /// The position so many metres east and north of the origin; the world is closed in longitude.
    pub(crate) fn position(&self, east_m: f64, north_m: f64) -> Position {
        let latitude = self.latitude + north_m / METRES_PER_DEGREE;
        let around = METRES_PER_DEGREE * self.latitude.to_radians().cos();
        let longitude = (self.longitude + east_m / around + 540.0).rem_euclid(360.0) - 180.0;
        Position::from_lon_lat(seven(longitude), seven(latitude.clamp(-90.0, 90.0))).expect("a place on the globe")
    }
}

/// The origin for which the middle of these frames lies where `wanted` is.
pub(crate) fn centred_on(wanted: Origin, frames: &[Frame]) -> Origin {
    let middle = |value: fn(&Frame) -> f64| {
        let low = frames.iter().map(value).fold(f64::INFINITY, f64::min);
        let high = frames.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
        if low <= high { f64::midpoint(low, high) } else { 0.0 }
    };
    let moved = wanted.position(-middle(|frame| frame.east_m), -middle(|frame| frame.north_m));
    Origin { longitude: moved.lon(), latitude: moved.lat() }
}

/// Seven decimals, as the service keeps.
pub(crate) fn seven(degrees: f64) -> f64 {
    (degrees * 1e7).round() / 1e7
}

/// One frame of a ride: metres east and north of the origin, heading, altitude, and the true moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) east_m: f64,
    pub(crate) north_m: f64,
    pub(crate) heading_deg: f64,
    pub(crate) altitude_m: f64,
    pub(crate) time_ms: i64,
}

/// How a ride is driven.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drive {
    pub(crate) n_frames: usize,
    pub(crate) start_ms: i64,
    pub(crate) interval_ms: f64,
    pub(crate) speed_m_s: f64,
    /// Half the width of the city, metres.
    pub(crate) reach_m: f64,
}

/// Drives through the streets.
pub(crate) fn drive(random: &mut ChaCha8Rng, drive: Drive) -> Vec<Frame> {
    let corner =
        |random: &mut ChaCha8Rng| (random.random_range(-drive.reach_m..drive.reach_m) / BLOCK_M).round() * BLOCK_M;
    let (mut x, mut y) = (corner(random), corner(random));
    let mut direction = random.random_range(0..4_usize);
    let mut along = 0.0;
    let (ground_m, hill_m) = (random.random_range(5.0..400.0), random.random_range(2.0..20.0));
    let (lane_m, sway_m) = (random.random_range(1.0..3.0), random.random_range(0.2..1.0));
    let mut travelled = 0.0;
    let mut speed = drive.speed_m_s;
    let mut frames = Vec::with_capacity(drive.n_frames);
    for k in 0..drive.n_frames {
        let (dx, dy) = [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)][direction];
        let side = lane_m + sway_m * (travelled / 17.0_f64).sin() + random.random_range(-0.15..0.15);
        frames.push(Frame {
            east_m: x + dx * along + dy * side,
            north_m: y + dy * along - dx * side,
            heading_deg: (90.0 * direction as f64 + random.random_range(-2.0..2.0_f64)).rem_euclid(360.0),
            altitude_m: ((ground_m + hill_m * (travelled / 300.0).sin() + random.random_range(-0.4..0.4)) * 10.0_f64)
                .round()
                / 10.0,
            time_ms: drive.start_ms
                + (k as f64 * drive.interval_ms) as i64
                + random.random_range(0..(drive.interval_ms / 40.0).max(2.0) as i64),
        });
        speed = (speed + random.random_range(-0.08..0.08) * drive.speed_m_s)
            .clamp(0.5 * drive.speed_m_s, 1.5 * drive.speed_m_s);
        let step = speed * drive.interval_ms / 1000.0;
        travelled += step;
        along += step;
        while along >= BLOCK_M {
            along -= BLOCK_M;
            (x, y) = (x + dx * BLOCK_M, y + dy * BLOCK_M);
            let turn = [0, 0, 0, 1, 3][random.random_range(0..5)];
            direction = (direction + turn) % 4;
            // At the edge of the city the ride turns back in.
            if x.abs() > drive.reach_m || y.abs() > drive.reach_m {
                direction = if x.abs() >= y.abs() {
                    if x > 0.0 { 3 } else { 1 }
                } else if y > 0.0 {
                    2
                } else {
                    0
                };
            }
            if turn != 0 || direction % 2 == usize::from(dx == 0.0) {
                break;
            }
        }
    }
    frames
}
