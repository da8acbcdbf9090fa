//! The whole matcher against brute force, on worlds small enough that every hypothesis can be tried.
//!
//! The oracle knows how the worlds are made. It tries every sequence, every clock offset that any pair of photo and image
//! gives, and every pairing that keeps the order of time, one by one and without any of the matcher's shortcuts: no votes,
//! no index, no dynamic programme. Its posterior of a pair is the share of all that weight which holds the pair.

#![expect(clippy::unwrap_used, reason = "a test may")]

use capture_model::{
    CapturedAt, Evidence, ImageId, LocalImages, Position, PublishedImage, PublishedImages, SequenceId, TimeKind,
};
use image_matcher::{Lookup, MatchSettings, match_images};
use std::collections::BTreeSet;

const HOUR_MS: i64 = 3_600_000;
const METRES_PER_DEGREE: f64 = 111_195.0;
/// Rounding to 7 decimals, on both axes.
const ROUNDING_M: f64 = 0.01;

/// Numbers in 0…1 that repeat from one test run to the next.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.next()).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos()
    }
}

/// A photo or an image: metres east and north of the middle of the world, and a time.
#[derive(Debug, Clone, Copy)]
struct Shot {
    east_m: f64,
    north_m: f64,
    time_ms: i64,
}

/// A few photos, a few sequences, and the truth.
struct World {
    photos: Vec<Shot>,
    sequences: Vec<Vec<Shot>>,
    /// Of each photo, (sequence, image).
    truth: Vec<Option<(usize, usize)>>,
    noise_m: f64,
}

/// Five to eight photos of a ride on a clock of its own. Their upload lost some and may have moved each by some metres;
/// others rode nearby, one of them along the same road at another time.
fn world(seed: u64) -> World {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let ride = |numbers: &mut Numbers, n: usize, start_ms: i64| {
        let (mut east_m, mut north_m) = (80.0 * numbers.next(), 80.0 * numbers.next());
        let (mut turn, mut time_ms) = (6.3 * numbers.next(), start_ms);
        let step = |_| {
            turn += numbers.next() - 0.5;
            east_m += (4.0 + 4.0 * numbers.next()) * turn.sin();
            north_m += (4.0 + 4.0 * numbers.next()) * turn.cos();
            time_ms += 1_000 + (900.0 * numbers.next()) as i64;
            Shot { east_m, north_m, time_ms }
        };
        (0..n).map(step).collect::<Vec<Shot>>()
    };
    let start_ms = 1_716_028_800_000 + (seed as i64 % 97) * 1_234_567;
    let n_photos = 5 + (4.0 * numbers.next()) as usize;
    let taken = ride(&mut numbers, n_photos, start_ms);
    let offset_ms = match (4.0 * numbers.next()) as u8 {
        0 => 0,
        1 => HOUR_MS * (12.0 * numbers.next() - 6.0) as i64,
        _ => (1e8 * numbers.next()) as i64 - 50_000_000,
    };
    let noise_m = if numbers.next() < 0.5 { 0.0 } else { 1.0 };
    let moved = |shot: &Shot, numbers: &mut Numbers, by_m: f64| Shot {
        east_m: shot.east_m + by_m * numbers.normal(),
        north_m: shot.north_m + by_m * numbers.normal(),
        ..*shot
    };
    let (mut own, mut truth) = (Vec::new(), vec![None; n_photos]);
    for (photo, shot) in taken.iter().enumerate() {
        if numbers.next() < 0.85 {
            truth[photo] = Some((0, own.len()));
            own.push(moved(shot, &mut numbers, noise_m));
        }
    }
    let again: Vec<Shot> = taken
        .iter()
        .map(|shot| {
            let later_ms = 86_400_000 + 40_000 + (700.0 * numbers.next()) as i64;
            Shot { time_ms: shot.time_ms + later_ms, ..moved(shot, &mut numbers, 2.0) }
        })
        .collect();
    let mut sequences = vec![own, again];
    for _ in 0..3 {
        let others_ms = start_ms + (2e9 * numbers.next()) as i64 - 1_000_000_000;
        sequences.push(ride(&mut numbers, 8, others_ms));
    }
    let photos = taken.into_iter().map(|shot| Shot { time_ms: shot.time_ms - offset_ms, ..shot }).collect();
    World { photos, sequences, truth, noise_m }
}

/// Log weight of a pair: how much likelier its places are for one photo than for two within 80 m, and that both exist.
fn log_weight(world: &World, photo: &Shot, image: &Shot) -> f64 {
    let sigma_m = world.noise_m.max(ROUNDING_M);
    let r2 = (photo.east_m - image.east_m).powi(2) + (photo.north_m - image.north_m).powi(2);
    let one = -r2 / (2.0 * sigma_m * sigma_m) - (std::f64::consts::TAU * sigma_m * sigma_m).ln();
    one + (std::f64::consts::PI * 80.0 * 80.0).ln() + 3.0
}

/// Adds the weight of every pairing that rises on both sides, one by one: to `all`, and to each pair that it holds.
fn pairings(
    allowed: &[(usize, usize, f64)],
    from: usize,
    chosen: &mut Vec<usize>,
    weight: f64,
    told: &mut dyn FnMut(&[usize], f64),
) {
    told(chosen, weight);
    for next in from..allowed.len() {
        let (photo, image, own) = allowed[next];
        let rises = chosen.last().is_none_or(|&last| allowed[last].0 < photo && allowed[last].1 < image);
        if rises {
            chosen.push(next);
            pairings(allowed, next + 1, chosen, weight * own.exp(), told);
            chosen.pop();
        }
    }
}

/// Posterior of each (photo, sequence, image), by trying everything.
fn oracle(world: &World) -> Vec<Vec<Vec<f64>>> {
    let mut sums: Vec<Vec<Vec<f64>>> =
        world.photos.iter().map(|_| world.sequences.iter().map(|images| vec![0.0; images.len()]).collect()).collect();
    let mut all = 1.0; // nothing is published
    for (number, images) in world.sequences.iter().enumerate() {
        let differences: BTreeSet<i64> =
            world.photos.iter().flat_map(|photo| images.iter().map(|image| image.time_ms - photo.time_ms)).collect();
        for offset_ms in differences {
            let is_zone = offset_ms % (HOUR_MS / 4) == 0 && offset_ms.abs() <= 14 * HOUR_MS;
            let prior: f64 = if is_zone { 0.01 } else { 1e-8 }; // an odd offset may be any millisecond of days
            let mut allowed = Vec::new();
            for (photo, shot) in world.photos.iter().enumerate() {
                let meets = |image: &&Shot| image.time_ms - shot.time_ms == offset_ms;
                for (image, other) in images.iter().enumerate().filter(|(_, image)| meets(image)) {
                    allowed.push((photo, image, log_weight(world, shot, other)));
                }
            }
            pairings(&allowed, 0, &mut Vec::new(), prior, &mut |chosen, weight| {
                if !chosen.is_empty() {
                    all += weight;
                    chosen.iter().for_each(|&pair| sums[allowed[pair].0][number][allowed[pair].1] += weight);
                }
            });
        }
    }
    sums.iter_mut().flatten().flatten().for_each(|sum| *sum /= all);
    sums
}

fn position(shot: &Shot) -> Position {
    let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
    let around = METRES_PER_DEGREE * 48.137_f64.to_radians().cos();
    Position::from_lon_lat(seven(11.575 + shot.east_m / around), seven(48.137 + shot.north_m / METRES_PER_DEGREE))
        .unwrap()
}

/// What the matcher says: of each photo the (sequence, image) that it is given.
fn answer(world: &World) -> Vec<Option<(usize, usize)>> {
    let mut local = LocalImages { tracks: vec![0], clock_group: vec![0], ..LocalImages::default() };
    let device = local.devices.number_of(&capture_model::Device::default());
    for (row, shot) in world.photos.iter().enumerate() {
        let place = position(shot);
        local.path_rank.push(row as u32);
        local.file.push(row as u32);
        local.track.push(0);
        local.longitude.push(place.lon());
        local.latitude.push(place.lat());
        local.altitude_m.push(f32::NAN);
        local.heading_deg.push(f32::NAN);
        local.time_ms.push(shot.time_ms);
        local.sent_time_ms.push(shot.time_ms);
        local.camera_time_ms.push(LocalImages::NO_TIME);
        local.time_kind.push(TimeKind::Wall);
        local.time_resolution_ms.push(1);
        local.device.push(device);
        local.predicted_drop.push(None);
    }
    local.tracks.push(local.len() as u32);
    let mut published = PublishedImages::default();
    for (number, images) in world.sequences.iter().enumerate() {
        for (image, shot) in images.iter().enumerate() {
            published.push(&PublishedImage {
                sequence: Some(SequenceId::new(&format!("s{number}"))),
                captured_at: Some(CapturedAt::from_epoch_ms(shot.time_ms)),
                original: Some(position(shot)),
                ..PublishedImage::bare(ImageId((number as u64 + 1) * 1_000 + image as u64), Evidence::Entity)
            });
        }
    }
    let lookups = vec![Lookup::Complete; local.len()];
    let outcome = match_images(&local, &published, &lookups, &MatchSettings::default());
    let pair = |image: u32| {
        let id = published.id[image as usize] as usize;
        (id / 1_000 - 1, id % 1_000)
    };
    outcome.verdicts.iter().map(|verdict| verdict.image.map(pair)).collect()
}

/// The matcher gives no image that trying everything holds for unlikely, and finds nearly all that it holds for certain where
/// places are exact.
#[test]
fn the_matcher_agrees_with_trying_everything() {
    const WORLDS: u64 = 300;
    let (mut n_given, mut n_certain, mut n_found) = (0, 0, 0);
    for seed in 0..WORLDS {
        let world = world(seed);
        let posterior = oracle(&world);
        for (photo, given) in answer(&world).into_iter().enumerate() {
            if let Some((sequence, image)) = given {
                let sure = posterior[photo][sequence][image];
                assert!(
                    sure > 0.5,
                    "world {seed}, photo {photo}: s{sequence} image {image} at {sure:.4} by brute force"
                );
                n_given += 1;
            }
            let best = posterior[photo].iter().flatten().copied().fold(0.0, f64::max);
            if world.noise_m == 0.0 && best > 0.999_9 {
                n_certain += 1;
                n_found +=
                    usize::from(given.is_some_and(|(sequence, image)| posterior[photo][sequence][image] == best));
            }
        }
    }
    eprintln!("{n_given} given, {n_found} of {n_certain} certain ones found");
    assert!(n_certain > 500 && n_found * 100 >= n_certain * 99, "{n_found} of {n_certain} certain ones were found");
    assert!(n_given > n_certain, "{n_given} were given");
}

/// The oracle itself is right about what it calls certain; otherwise it would be no oracle.
#[test]
fn what_trying_everything_is_sure_of_is_true() {
    let (mut said, mut right, mut rows) = (0.0, 0.0, 0.0);
    for seed in 0..300 {
        let world = world(seed);
        let posterior = oracle(&world);
        for (photo, truth) in world.truth.iter().enumerate() {
            for (sequence, images) in posterior[photo].iter().enumerate() {
                for (image, &sure) in images.iter().enumerate() {
                    let is_true = *truth == Some((sequence, image));
                    assert!(is_true || sure < 0.9, "world {seed}, photo {photo}: s{sequence} image {image} at {sure}");
                    (said, right, rows) = (said + sure, right + f64::from(u8::from(is_true)), rows + 1.0);
                }
            }
        }
    }
    assert!((said / right - 1.0).abs() < 0.02, "{said} said, {right} true, of {rows}");
}
