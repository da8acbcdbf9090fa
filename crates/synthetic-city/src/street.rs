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
    /// How high the ground lies at least, metres.
    pub(crate) ground_m: f64,
}

/// From the first moment to the last.
pub(crate) fn span_ms(frames: &[Frame]) -> (i64, i64) {
    let time = |frame: Option<&Frame>| frame.map_or(0, |frame| frame.time_ms);
    (time(frames.first()), time(frames.last()))
}

/// Drives half of the frames, pauses, and drives the other side of the same road back.
pub(crate) fn there_and_back(random: &mut ChaCha8Rng, how: Drive, pause_ms: i64) -> Vec<Frame> {
    let mut frames = drive(random, how);
    let there = frames.len() / 2;
    for k in there..frames.len() {
        let turn = frames[2 * there - 1 - k.min(2 * there - 1)];
        let (sin, cos) = turn.heading_deg.to_radians().sin_cos();
        let (aside_m, along_m) = (-5.0 + random.random_range(-0.5..0.5), random.random_range(-2.0..2.0));
        frames[k] = Frame {
            east_m: turn.east_m + aside_m * cos + along_m * sin,
            north_m: turn.north_m - aside_m * sin + along_m * cos,
            heading_deg: (turn.heading_deg + 180.0).rem_euclid(360.0),
            altitude_m: ((turn.altitude_m + random.random_range(-2.0..2.0)) * 10.0_f64).round() / 10.0,
            time_ms: frames[k].time_ms + pause_ms,
        };
    }
    frames
}

/// Drives straight on at one speed and height, as a receiver sees it that smooths: its noise tells no frame from the next.
pub(crate) fn straight(random: &mut ChaCha8Rng, how: Drive) -> Vec<Frame> {
    let mut frames = drive(random, how);
    let heading_deg: f64 = random.random_range(0.0..360.0);
    let (sin, cos) = heading_deg.to_radians().sin_cos();
    let step_m = how.speed_m_s * how.interval_ms / 1000.0;
    let altitude_m = frames.first().map_or(0.0, |frame| frame.altitude_m);
    for (k, frame) in frames.iter_mut().enumerate() {
        frame.altitude_m = altitude_m;
        let along_m = (k as f64 - how.n_frames as f64 / 2.0) * step_m;
        (frame.east_m, frame.north_m) = (along_m * sin, along_m * cos);
        frame.heading_deg = heading_deg;
    }
    frames
}

/// Rides around one block again and again, as a receiver sees it: no two laps alike to the decimetre.
pub(crate) fn laps(random: &mut ChaCha8Rng, how: Drive, n_laps: usize) -> Vec<Frame> {
    let mut frames = drive(random, how);
    let step_m = how.speed_m_s * how.interval_ms / 1000.0;
    let around_m = (how.n_frames as f64 * step_m / n_laps.max(1) as f64).max(4.0 * step_m);
    let side_m = around_m / 4.0;
    let mut travelled_m = 0.0_f64;
    for frame in &mut frames {
        let at = travelled_m.rem_euclid(around_m);
        let (side, along) = ((at / side_m) as usize % 4, at.rem_euclid(side_m));
        let (dx, dy) = [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)][side];
        let (x, y) = [(0.0, 0.0), (0.0, side_m), (side_m, side_m), (side_m, 0.0)][side];
        let aside = random.random_range(-0.8..0.8);
        frame.east_m = x + dx * along + dy * aside;
        frame.north_m = y + dy * along - dx * aside;
        frame.heading_deg = (90.0 * side as f64 + random.random_range(-2.0..2.0_f64)).rem_euclid(360.0);
        travelled_m += step_m * random.random_range(0.93..1.07);
    }
    frames
}

/// Stands still for so many photos in every so many, while the receiver plays about.
pub(crate) fn stand(random: &mut ChaCha8Rng, frames: &mut [Frame], every: usize, photos: usize) {
    for group in frames.chunks_mut(every.max(1)) {
        let first = group[0];
        for frame in group.iter_mut().take(photos) {
            frame.east_m = first.east_m + random.random_range(-1.0..1.0);
            frame.north_m = first.north_m + random.random_range(-1.0..1.0);
        }
    }
}

/// Drives through the streets.
pub(crate) fn drive(random: &mut ChaCha8Rng, drive: Drive) -> Vec<Frame> {
    let corner =
        |random: &mut ChaCha8Rng| (random.random_range(-drive.reach_m..drive.reach_m) / BLOCK_M).round() * BLOCK_M;
    let (mut x, mut y) = (corner(random), corner(random));
    let mut direction = random.random_range(0..4_usize);
    let mut along = 0.0;
    let (ground_m, hill_m) = (drive.ground_m + random.random_range(0.0..395.0), random.random_range(2.0..20.0));
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
