//! A whole city: rides and strangers, photos and published images, and the truth between them.

use crate::Scenario;
use crate::camera::{PhotoKind, SyntheticPhoto};
use crate::plan::{Plan, RidePlan, Route, Upload, plan};
use crate::publish::{Ids, moved, publish};
use crate::sight::Sight;
use crate::street::{Drive, Frame, Origin, centred_on, drive, laps, seven, span_ms, stand, straight, there_and_back};
use capture_model::{ImageId, Position, PublishedImage, PublishedImages};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeSet;

/// What to build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CitySpec {
    /// What is odd about the archive.
    pub scenario: Scenario,
    /// How many local photos, about.
    pub photos: usize,
    /// One seed, one city.
    pub seed: u64,
}

/// Photos, published images, and what became of what.
#[derive(Debug, Clone, Default)]
pub struct City {
    /// Local files, by folder and capture order.
    pub photos: Vec<SyntheticPhoto>,
    /// Published images of the owner and of everyone else.
    pub published: Vec<PublishedImage>,
    /// Of each photo the images that it became: none, one, or several for re-uploads.
    pub truth: Vec<Vec<ImageId>>,
    /// Of each photo whether anything can decide it; marked from what was built, not from any answer.
    pub decidable: Vec<bool>,
    sight: Sight,
}

const OWNER: u64 = 102_609_045_317_136;

/// Builds a city.
pub fn build(spec: &CitySpec) -> City {
    let mut random = ChaCha8Rng::seed_from_u64(spec.seed ^ (spec.scenario as u64) << 32);
    let mut plan = plan(spec.scenario, spec.photos);
    let mut city = City::default();
    let mut ids = Ids::default();
    let mut routes: Vec<Vec<Frame>> = Vec::new();
    for number in 0..plan.rides.len() {
        let ride = &plan.rides[number];
        let frames = frames_of(&mut random, ride, &plan, &routes);
        if plan.is_centred && number == 0 {
            plan.origin = centred_on(plan.origin, &frames);
        }
        let photos = photograph(&mut random, ride, &plan, &frames);
        let creator = if ride.upload == Upload::Stranger { OWNER + 1 + number as u64 } else { OWNER };
        let (images, truth) = publish(&mut random, &mut ids, ride, plan.origin, &frames, &photos, creator);
        city.published.extend(images);
        if ride.upload != Upload::Stranger {
            city.decidable.extend(truth.iter().map(|ids| ride.is_decidable && !ids.is_empty()));
            city.truth.extend(truth);
            city.photos.extend(change_after_upload(lose_times(&mut random, ride, photos), ride, plan.origin, &frames));
        }
        routes.push(frames);
    }
    add_strangers(&mut random, &mut ids, &plan, &mut city);
    if plan.odd_files {
        add_odd_files(&mut city);
    }
    hide(&mut city, plan.sight);
    city
}

fn frames_of(random: &mut ChaCha8Rng, ride: &RidePlan, plan: &Plan, routes: &[Vec<Frame>]) -> Vec<Frame> {
    let Route::Along { ride: earlier, later_ms, aside_m, turned_deg } = ride.route else {
        let how = Drive {
            n_frames: ride.n_frames,
            start_ms: ride.start_ms,
            interval_ms: ride.interval_ms,
            speed_m_s: ride.speed_m_s,
            reach_m: plan.reach_m,
            ground_m: plan.ground_m,
        };
        let mut frames = match ride.route {
            Route::Laps { n_laps } => laps(random, how, n_laps),
            Route::ThereAndBack { pause_ms } => there_and_back(random, how, pause_ms),
            Route::Straight => straight(random, how),
            _ => drive(random, how),
        };
        match ride.route {
            Route::Standing { every, photos } => stand(random, &mut frames, every, photos),
            Route::Tunnel { photos } => {
                let first = frames.len().saturating_sub(photos) / 2;
                let end = (first + photos).min(frames.len());
                repeat_places(&mut frames[first..end], photos);
            }
            _ => repeat_places(&mut frames, ride.repeats),
        }
        return frames;
    };
    let beside = |frame: &Frame, random: &mut ChaCha8Rng| {
        let (sin, cos) = frame.heading_deg.to_radians().sin_cos();
        let noise = if aside_m > 0.0 { random.random_range(-0.3..0.3) } else { 0.0 };
        Frame {
            east_m: frame.east_m + (aside_m + noise) * cos,
            north_m: frame.north_m - (aside_m + noise) * sin,
            heading_deg: (frame.heading_deg + turned_deg + 10.0 * noise).rem_euclid(360.0),
            altitude_m: if aside_m > 0.0 {
                ((frame.altitude_m + random.random_range(-3.0..3.0)) * 10.0_f64).round() / 10.0
            } else {
                frame.altitude_m
            },
            time_ms: frame.time_ms + later_ms + if aside_m > 0.0 { random.random_range(-150..150) } else { 0 },
        }
    };
    routes[earlier].iter().take(ride.n_frames).map(|frame| beside(frame, random)).collect()
}

/// A receiver that gives one place several times.
fn repeat_places(frames: &mut [Frame], repeats: usize) {
    for group in frames.chunks_mut(repeats.max(1)) {
        let first = group[0];
        for frame in group {
            *frame = Frame { time_ms: frame.time_ms, ..first };
        }
    }
}

fn photograph(random: &mut ChaCha8Rng, ride: &RidePlan, plan: &Plan, frames: &[Frame]) -> Vec<SyntheticPhoto> {
    let ride_ms = span_ms(frames);
    let camera = &ride.camera;
    let first_number: usize = random.random_range(1..2_000);
    let photo = |(k, frame): (usize, &Frame)| {
        let wall = ride.clock.wall_ms(frame.time_ms, ride_ms);
        let step = [1_000, 100, 10, 1][camera.sub_second_digits.min(3)];
        SyntheticPhoto {
            path: format!("{}/{}{:05}.JPG", ride.folder, ride.prefix, first_number + k),
            kind: PhotoKind::Sound,
            position: Some(plan.origin.position(frame.east_m, frame.north_m)),
            altitude_m: camera.writes_altitude.then_some(frame.altitude_m),
            heading_deg: camera.writes_heading.then_some((frame.heading_deg * 100.0).round() / 100.0),
            wall_ms: Some((wall + if camera.rounds_time { step / 2 } else { 0 }).div_euclid(step) * step),
            sub_second_digits: camera.sub_second_digits,
            offset_min: ride.clock.writes_offset.then_some(ride.clock.zone_min),
            gps_time_ms: ride.clock.writes_gps_time.then_some(frame.time_ms.div_euclid(1_000) * 1_000),
            make: camera.make.to_owned(),
            model: camera.model.to_owned(),
            width: camera.width,
            height: camera.height,
        }
    };
    frames.iter().enumerate().map(photo).collect()
}

fn lose_times(random: &mut ChaCha8Rng, ride: &RidePlan, mut photos: Vec<SyntheticPhoto>) -> Vec<SyntheticPhoto> {
    for photo in &mut photos {
        if ride.untimed > 0.0 && random.random_bool(ride.untimed) {
            (photo.wall_ms, photo.offset_min, photo.gps_time_ms) = (None, None, None);
        }
    }
    photos
}

/// What became of the files since the upload: places cut by a program, nudged by hand on the second half, or taken from a
/// track that was late; altitudes set anew.
fn change_after_upload(
    mut photos: Vec<SyntheticPhoto>,
    ride: &RidePlan,
    origin: Origin,
    frames: &[Frame],
) -> Vec<SyntheticPhoto> {
    let half = photos.len() / 2;
    for (k, photo) in photos.iter_mut().enumerate() {
        if ride.nudged_m > 0.0 && k >= half {
            photo.position = photo.position.map(|place| moved(place, [0.8 * ride.nudged_m, 0.6 * ride.nudged_m]));
        }
        if let Some(arcsec) = ride.coarse_arcsec {
            let cut = |degrees: f64| seven((degrees * 3600.0 / arcsec).round() * arcsec / 3600.0);
            photo.position =
                photo.position.and_then(|place| Position::from_lon_lat(cut(place.lon()), cut(place.lat())).ok());
        }
        if ride.regeotagged_late_ms != 0 {
            let [east_m, north_m] = place_at(frames, frames[k].time_ms + ride.regeotagged_late_ms);
            photo.position = Some(origin.position(east_m, north_m));
        }
        photo.altitude_m = photo.altitude_m.map(|metres| metres + ride.altitude_raised_m);
    }
    photos
}

/// Where a ride is at a time: on the line between two frames, and at its ends beyond them.
fn place_at(frames: &[Frame], time_ms: i64) -> [f64; 2] {
    let after = frames.partition_point(|frame| frame.time_ms < time_ms).clamp(1, frames.len().max(2) - 1);
    let (Some(a), Some(b)) = (frames.get(after - 1), frames.get(after)) else {
        return frames.first().map_or([0.0; 2], |frame| [frame.east_m, frame.north_m]);
    };
    let share = (time_ms - a.time_ms) as f64 / (b.time_ms - a.time_ms).max(1) as f64;
    let share = share.clamp(0.0, 1.0);
    [a.east_m + share * (b.east_m - a.east_m), a.north_m + share * (b.north_m - a.north_m)]
}

/// Everybody else's sequences on the same streets, mostly on other days.
fn add_strangers(random: &mut ChaCha8Rng, ids: &mut Ids, plan: &Plan, city: &mut City) {
    const YEAR_MS: i64 = 365 * 86_400_000;
    let own_start = plan.rides.first().map_or(0, |ride| ride.start_ms);
    for number in 0..plan.foreign {
        let is_same_day = number % 5 == 0;
        let start_ms = own_start
            + if is_same_day {
                random.random_range(-3_600_000..3_600_000)
            } else {
                random.random_range(-YEAR_MS..YEAR_MS / 4)
            };
        let camera =
            [crate::camera::ACTION, crate::camera::PHONE, crate::camera::DASH, crate::camera::PANO][number % 4].clone();
        let ride = RidePlan {
            camera,
            start_ms,
            n_frames: random.random_range(60..400),
            interval_ms: random.random_range(500.0..2_500.0),
            speed_m_s: random.random_range(2.0..12.0),
            upload: Upload::Stranger,
            lost: 0.02,
            ..crate::plan::ride("stranger", 0)
        };
        let frames = frames_of(random, &ride, plan, &[]);
        let photos = photograph(random, &ride, plan, &frames);
        let creator = OWNER + 1_000 + random.random_range(0..plan.foreign.max(1) as u64 / 2 + 1);
        city.published.extend(publish(random, ids, &ride, plan.origin, &frames, &photos, creator).0);
    }
}

/// Nobody can find an image that is not to be seen.
fn hide(city: &mut City, sight: Sight) {
    let hidden: BTreeSet<ImageId> =
        city.published.iter().filter(|image| sight.of(image).is_none()).map(|image| image.id).collect();
    for (ids, decidable) in city.truth.iter().zip(&mut city.decidable) {
        *decidable &= !ids.iter().all(|id| hidden.contains(id));
    }
    city.sight = sight;
}

/// Files that every real archive has: damaged, no photo at all, without a place, on null island.
fn add_odd_files(city: &mut City) {
    let Some(template) = city.photos.first().cloned() else { return };
    let odd = [
        ("damaged.jpg", PhotoKind::Damaged, template.position),
        ("notes.jpg", PhotoKind::NotAPhoto, None),
        ("indoors 1.jpg", PhotoKind::Sound, None),
        ("indoors 2.jpg", PhotoKind::Sound, None),
        ("no fix.jpg", PhotoKind::Sound, Position::from_lon_lat(0.0, 0.0).ok()),
    ];
    for (name, kind, position) in odd {
        city.photos.push(SyntheticPhoto { path: format!("odd ones/{name}"), kind, position, ..template.clone() });
        city.truth.push(Vec::new());
        city.decidable.push(false);
    }
}

impl City {
    /// The published images as columns, as far as the scenario lets them be seen: whole entities, or what tiles hold.
    pub fn published_columns(&self) -> PublishedImages {
        let mut columns = PublishedImages::default();
        self.published.iter().filter_map(|image| self.sight.of(image)).for_each(|image| columns.push(&image));
        columns
    }
}

#[cfg(test)]
mod tests;
