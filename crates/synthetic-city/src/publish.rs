//! What the uploader and the service make of a ride.

use crate::camera::SyntheticPhoto;
use crate::noise::Moves;
use crate::plan::{Altitudes, Places, RidePlan, Sizes, Times, Upload};
use crate::street::{Frame, Origin, seven, span_ms};
use capture_model::{CapturedAt, Device, Evidence, ImageId, Position, PublishedImage, SequenceId};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;
use std::ops::Range;

const LONGEST_SEQUENCE: usize = 500;
const KEY_LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

/// Gives out ids that nobody else has.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    used: BTreeSet<u64>,
}

impl Ids {
    /// 15 to 17 digits; some pass 2^53.
    fn image(&mut self, random: &mut ChaCha8Rng) -> ImageId {
        loop {
            let id = match random.random_range(0..20) {
                0 => random.random_range(10_000_000_000_000_000..30_000_000_000_000_000),
                _ => random.random_range(100_000_000_000_000..4_000_000_000_000_000),
            };
            if self.used.insert(id) {
                return ImageId(id);
            }
        }
    }

    fn sequence(random: &mut ChaCha8Rng) -> SequenceId {
        let letters: Vec<u8> = (0..22).map(|_| *KEY_LETTERS.choose(random).expect("64 letters")).collect();
        SequenceId::new(std::str::from_utf8(&letters).expect("the letters are ASCII"))
    }
}

/// The published images of a ride and, for each frame, the ids that it became.
pub(crate) fn publish(
    random: &mut ChaCha8Rng,
    ids: &mut Ids,
    plan: &RidePlan,
    origin: Origin,
    frames: &[Frame],
    photos: &[SyntheticPhoto],
    creator_id: u64,
) -> (Vec<PublishedImage>, Vec<Vec<ImageId>>) {
    let mut truth = vec![Vec::new(); frames.len()];
    let mut images = Vec::new();
    let (from, to, uploads) = match plan.upload {
        Upload::None => return (images, truth),
        Upload::Own { from, to, times } => (from, to, times),
        Upload::Stranger => (0.0, 1.0, 1),
    };
    let sent = sent_times(plan, frames, photos);
    let at = |share: f64| ((frames.len() as f64 * share).round() as usize).min(frames.len());
    let arrived = kept_frames(plan, photos, at(from)..at(to));
    let mut kept = surviving(random, plan, arrived.clone());
    for upload in 0..uploads {
        let later_ms = i64::from(upload) * plan.second_reading_ms;
        let creator_id = creator_id + u64::from(upload) * u64::from(plan.second_reading_ms != 0);
        if upload > 0 && plan.loses_anew {
            kept = surviving(random, plan, arrived.clone());
        }
        let smaller = match plan.sizes {
            Sizes::Smaller => 2,
            Sizes::LaterSmaller if upload > 0 => 2,
            _ => 1,
        };
        for part in kept.chunks(LONGEST_SEQUENCE) {
            let key = Ids::sequence(random);
            let times: Vec<i64> = part.iter().map(|&k| sent[k]).collect();
            let moves = Moves::realistic(random);
            let computed = moves.along(random, &times);
            let original = original_offsets(random, plan, &times);
            let has_computed = |random: &mut ChaCha8Rng| !random.random_bool(0.01);
            for (place, &k) in part.iter().enumerate() {
                let (photo, frame) = (&photos[k], &frames[k]);
                let base = photo.position.unwrap_or_else(|| origin.position(frame.east_m, frame.north_m));
                let uploaded = original[place].map_or(base, |offset| moved(base, offset));
                let id = ids.image(random);
                truth[k].push(id);
                let turn: f64 = random.random_range(-8.0..8.0);
                images.push(PublishedImage {
                    sequence: Some(key.clone()),
                    captured_at: Some(CapturedAt::from_epoch_ms(match plan.times {
                        Times::Loose => sent[k] + random.random_range(-200..200),
                        _ => sent[k] + later_ms,
                    })),
                    original: Some(uploaded),
                    computed: has_computed(random).then(|| moved(base, computed[place])),
                    altitude_m: match plan.altitudes {
                        Altitudes::AsSent => photo.altitude_m,
                        Altitudes::Missing => None,
                        Altitudes::Measured => Some(frame.altitude_m + random.random_range(-6.0..6.0)),
                    },
                    computed_altitude_m: photo.altitude_m.map(|_| random.random_range(0.5..4.0)),
                    compass_deg: photo
                        .heading_deg
                        .map(|own| (own + plan.compass_turn_deg).rem_euclid(360.0))
                        .or(Some(0.0)),
                    computed_compass_deg: Some((frame.heading_deg + turn).rem_euclid(360.0)),
                    device: Device::new(
                        Some(&photo.make),
                        Some(&photo.model),
                        Some(photo.width / smaller),
                        Some(photo.height / smaller),
                    ),
                    is_pano: Some(photo.width == 2 * photo.height),
                    creator_id: Some(creator_id),
                    ..PublishedImage::bare(id, Evidence::Entity)
                });
            }
        }
    }
    (images, truth)
}

/// The times that reach the service.
fn sent_times(plan: &RidePlan, frames: &[Frame], photos: &[SyntheticPhoto]) -> Vec<i64> {
    let ride_ms = span_ms(frames);
    let zone_ms = i64::from(plan.clock.zone_min) * 60_000;
    let read = |k: usize| match (plan.times, photos[k].gps_time_ms, photos[k].wall_ms) {
        (Times::True | Times::Loose, ..) => frames[k].time_ms,
        (Times::Whole, ..) => frames[k].time_ms.div_euclid(1_000) * 1_000,
        (Times::Rounded, ..) => (frames[k].time_ms + 500).div_euclid(1_000) * 1_000,
        (Times::AsSent, Some(gps), _) => gps,
        (Times::AsSent, None, Some(wall)) => wall - zone_ms - plan.clock.error_ms,
        (Times::AsSent, None, None) => plan.clock.wall_ms(frames[k].time_ms, ride_ms) - zone_ms - plan.clock.error_ms,
    };
    let mut times: Vec<i64> = (0..frames.len()).map(read).collect();
    if !matches!(plan.times, Times::Whole | Times::Rounded) {
        spread_equal(&mut times);
    }
    times
}

/// The uploader's rule for equal times: spread evenly up to the next time or the end of their second.
fn spread_equal(times: &mut [i64]) {
    let mut start = 0;
    while start < times.len() {
        let equal = times[start..].iter().take_while(|&&time| time == times[start]).count();
        if equal > 1 {
            let first = times[start];
            let end_of_second = first.div_euclid(1000) * 1000 + 1000;
            let end = times.get(start + equal).map_or(end_of_second, |&next| next.min(end_of_second)).max(first);
            for k in 0..equal {
                times[start + k] = first + (end - first) * k as i64 / equal as i64;
            }
        }
        start += equal;
    }
}

/// Frames that the uploader sends: without those within 0.1 m and 5° of the last one that it kept, without those that have no
/// place.
fn kept_frames(plan: &RidePlan, photos: &[SyntheticPhoto], sent: Range<usize>) -> Vec<usize> {
    let mut kept: Vec<usize> = Vec::new();
    for k in sent {
        let Some(place) = photos[k].position.filter(|place| place.lon() != 0.0 || place.lat() != 0.0) else { continue };
        let repeats = kept.last().is_some_and(|&last| {
            let before = photos[last].position.expect("only photos with a place are kept");
            let turn = match (photos[last].heading_deg, photos[k].heading_deg) {
                (Some(a), Some(b)) => ((b - a + 180.0).rem_euclid(360.0) - 180.0).abs(),
                _ => 0.0,
            };
            let east = (place.lon() - before.lon()) * 111_195.0 * place.lat().to_radians().cos();
            let north = (place.lat() - before.lat()) * 111_195.0;
            east.hypot(north) < 0.1 && turn <= 5.0
        });
        if !(repeats && plan.drops_repeats) {
            kept.push(k);
        }
    }
    kept
}

/// What the service does not lose; it may lose several in a row.
fn surviving(random: &mut ChaCha8Rng, plan: &RidePlan, frames: Vec<usize>) -> Vec<usize> {
    let mut still_to_lose = 0_usize;
    let is_kept = |_: &usize| {
        if random.random_bool(plan.lost) {
            still_to_lose = plan.lost_in_a_row;
        }
        let is_lost = still_to_lose > 0;
        still_to_lose = still_to_lose.saturating_sub(1);
        !is_lost
    };
    frames.into_iter().filter(is_kept).collect()
}

/// How far each published original lies from the place in the file; `None` where it is that place.
fn original_offsets(random: &mut ChaCha8Rng, plan: &RidePlan, times: &[i64]) -> Vec<Option<[f64; 2]>> {
    match plan.places {
        Places::Exact => vec![None; times.len()],
        Places::Loose(metres) => {
            let white =
                Moves { shift_m: 0.0, wander_m: 0.0, white_m: metres / 1.25, bad_stretch: false, outliers: 0.0 };
            white.along(random, times).into_iter().map(Some).collect()
        }
        Places::Moved(moves) => moves.along(random, times).into_iter().map(Some).collect(),
        Places::MovedAsReal { heavy } => {
            let real = Moves::realistic(random);
            let moves = if heavy { Moves { bad_stretch: true, outliers: 0.01, ..real } } else { real };
            moves.along(random, times).into_iter().map(Some).collect()
        }
    }
}

/// A position so many metres east and north of another, to 7 decimals.
pub(crate) fn moved(from: Position, offset_m: [f64; 2]) -> Position {
    let lon = from.lon() + offset_m[0] / (111_195.0 * from.lat().to_radians().cos().max(1e-6));
    let lat = from.lat() + offset_m[1] / 111_195.0;
    Position::from_lon_lat(seven((lon + 540.0).rem_euclid(360.0) - 180.0), seven(lat.clamp(-90.0, 90.0)))
        .expect("a place on the globe")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_times_are_spread_over_their_second() {
        let mut times = vec![1_000, 2_000, 2_000, 2_000, 2_600, 3_000];
        spread_equal(&mut times);
        assert_eq!(times, [1_000, 2_000, 2_200, 2_400, 2_600, 3_000]);
        let mut last = vec![5_000, 5_000];
        spread_equal(&mut last);
        assert_eq!(last, [5_000, 5_500]);
    }
}
