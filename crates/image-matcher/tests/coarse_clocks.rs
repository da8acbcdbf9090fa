//! Clocks that keep whole seconds on one side or on both, with several photos in a second: exact places tell the frames
//! apart, whatever order the published images of one second came in.

mod worlds;

use capture_model::{CapturedAt, ImageId, PublishedImage, TimeKind};
use image_matcher::Lookup;
use worlds::{Numbers, Photo, matched, moved, others, photo_at, ride, shifted, upload};

const ODD_MS: i64 = 3 * 3_600_000 + 41_317;

/// A ride of 120 photos, one each so many milliseconds, a few of which have no image.
struct Burst {
    photos: Vec<Photo>,
    images: Vec<PublishedImage>,
}

impl Burst {
    fn every(interval_ms: i64) -> Self {
        let mut photos = ride(11, 120);
        let start_ms = photos[0].time_ms;
        let mut numbers = Numbers(3);
        for (photo, k) in photos.iter_mut().zip(0..) {
            photo.time_ms = start_ms + k * interval_ms + (numbers.next() * 3.0) as i64;
        }
        let mut images = upload(&photos, "own", 1_000);
        images.retain(|image| image.id.0 % 10 < 7 || numbers.next() < 0.5);
        Self { photos, images }
    }

    /// A shutter that goes by distance, so that its beat is that of the traffic; places that were moved, and nothing copied.
    fn by_distance(n: usize) -> Self {
        let mut photos = ride(11, n);
        let mut numbers = Numbers(17);
        let mut time_ms = photos[0].time_ms;
        for photo in &mut photos {
            photo.time_ms = time_ms;
            photo.altitude_m = f64::NAN;
            time_ms += 400 + (numbers.next() * 1_300.0) as i64;
        }
        let mut images = upload(&photos, "own", 1_000);
        for image in &mut images {
            image.original = moved(image, 2.0 + (image.id.0 as f64 / 40.0).sin());
        }
        Self { photos, images }
    }

    fn published_in_seconds(mut self, shift_ms: i64) -> Self {
        for image in &mut self.images {
            image.captured_at =
                image.captured_at.map(|at| in_seconds(at.epoch_ms() + shift_ms)).map(CapturedAt::from_epoch_ms);
        }
        self
    }

    fn written_in_seconds(mut self, shift_ms: i64) -> Self {
        self.photos.iter_mut().for_each(|photo| photo.time_ms = in_seconds(photo.time_ms + shift_ms));
        self
    }

    fn moved(mut self) -> Self {
        let mut numbers = Numbers(5);
        for image in &mut self.images {
            image.original = moved(image, 3.0 * numbers.normal());
        }
        self
    }

    /// Places that wander slowly, and altitudes of a barometer that trembles: the upload kept these to the letter.
    fn wandered(mut self) -> Self {
        let mut numbers = Numbers(9);
        for (photo, id) in self.photos.iter_mut().zip(1_000..) {
            photo.altitude_m = 500.0 + (4.0 * numbers.normal()).round() / 10.0;
            for image in self.images.iter_mut().filter(|image| image.id.0 == id) {
                image.altitude_m = Some(photo.altitude_m);
                image.original = moved(image, 3.0 + 2.0 * (id as f64 / 40.0).sin());
            }
        }
        self
    }

    /// No more than the first photos of it.
    fn first(mut self, n: usize) -> Self {
        self.photos.truncate(n);
        self.images.retain(|image| image.id.0 < 1_000 + n as u64);
        self
    }

    fn by(mut self, shift_ms: i64, kind: TimeKind) -> Self {
        self.photos = shifted(&self.photos, shift_ms, kind);
        self
    }
}

fn in_seconds(ms: i64) -> i64 {
    ms.div_euclid(1000) * 1000
}

/// No photo has an image that is not its own, and nearly all have theirs.
#[track_caller]
fn check(case: &str, burst: &Burst) {
    let found = found(case, burst);
    assert!(found * 20 >= burst.images.len() * 19, "{case}: {found} of {}", burst.images.len());
}

/// How many photos have an image, which must be their own; ids say nothing of the order within a second.
#[track_caller]
fn found(case: &str, burst: &Burst) -> usize {
    let scrambled = |id: u64| 1_000 + (id - 1_000) * 37 % 121;
    let mut images = burst.images.clone();
    images.iter_mut().for_each(|image| image.id = ImageId(scrambled(image.id.0)));
    images.extend(others());
    let (_, ids) = matched(std::slice::from_ref(&burst.photos), &images, Lookup::Complete);
    for (row, id) in ids.iter().enumerate() {
        assert!(id.is_none_or(|id| id == scrambled(1_000 + row as u64)), "{case}: photo {row} became {id:?}");
    }
    ids.iter().flatten().count()
}

#[test]
fn the_order_of_frames_that_share_a_second_on_both_sides_is_not_guessed() {
    for interval_ms in [200, 250, 333, 497] {
        for shift_ms in [0, 17_887_500, ODD_MS] {
            let burst = Burst::every(interval_ms).by(shift_ms, TimeKind::Wall).moved();
            let burst = burst.written_in_seconds(500).published_in_seconds(0);
            found(&format!("{interval_ms} ms, {shift_ms} ms off"), &burst);
        }
    }
}

#[test]
fn copied_altitudes_tell_frames_of_one_second_apart() {
    for interval_ms in [333, 497] {
        for shift_ms in [17_887_500, 17_887_000, ODD_MS] {
            let burst = Burst::every(interval_ms).by(shift_ms, TimeKind::Wall).wandered();
            let burst = burst.written_in_seconds(500).published_in_seconds(0);
            check(&format!("{interval_ms} ms, {shift_ms} ms off"), &burst);
        }
    }
}

/// A timer of one second that ticks so many milliseconds after the full one, wavering; some of its images are not there.
fn timer(ticks_ms: i64) -> Burst {
    const GAPS: [u64; 8] = [7, 8, 31, 57, 58, 59, 83, 100];
    let mut timer = Burst::every(1_000);
    let (start_ms, mut numbers) = (in_seconds(timer.photos[0].time_ms), Numbers(7));
    for (photo, k) in timer.photos.iter_mut().zip(0_u32..) {
        let wavers_ms = 14.0 * (f64::from(k) / 9.0).sin() + 6.0 * numbers.normal();
        photo.time_ms = start_ms + i64::from(k) * 1_000 + ticks_ms + wavers_ms as i64;
    }
    timer.images = upload(&timer.photos, "own", 1_000);
    timer.images.retain(|image| !GAPS.contains(&(image.id.0 - 1_000)));
    timer.wandered()
}

#[test]
fn a_timer_that_ticks_beside_the_full_second_is_not_shifted() {
    for beside_ms in [-12, -4, 4] {
        let written = timer(340 + beside_ms).published_in_seconds(0).by(21_771_660, TimeKind::Wall);
        check(&format!("seconds on both sides, {beside_ms} ms beside"), &written.written_in_seconds(0));
        let published = timer(beside_ms).published_in_seconds(0).by(1_374_610_566, TimeKind::Wall);
        check(&format!("milliseconds here, {beside_ms} ms beside"), &published);
    }
}

#[test]
fn a_beat_that_no_timer_has_tells_frames_to_the_second() {
    let burst = Burst::by_distance(250).by(17_887_300, TimeKind::Wall);
    check("by distance, on an odd clock", &burst.written_in_seconds(0).published_in_seconds(0));
}

#[test]
fn a_dozen_frames_are_enough_where_altitudes_were_copied() {
    for interval_ms in [333, 497] {
        let burst = Burst::every(interval_ms).by(17_887_500, TimeKind::Wall).wandered().first(12);
        let burst = burst.written_in_seconds(500).published_in_seconds(0);
        check(&format!("{interval_ms} ms"), &burst);
    }
}

#[test]
fn a_steady_shutter_that_passes_the_full_second_is_not_shifted() {
    for interval_ms in (900..1_000).step_by(9) {
        for seed in 0..3 {
            let mut steady = Burst::every(interval_ms);
            let mut numbers = Numbers(17 + seed);
            steady.images.iter_mut().for_each(|image| image.original = moved(image, 0.2 * numbers.normal()));
            steady.photos.truncate(60);
            steady.photos.iter_mut().for_each(|photo| photo.altitude_m = f64::NAN);
            steady.images.retain(|image| image.id.0 < 1_060);
            let steady = steady.by(3_600_000 - 170 * seed as i64, TimeKind::Wall).written_in_seconds(0);
            found(&format!("{interval_ms} ms, {seed}"), &steady);
        }
    }
}

/// A clock that is right but for tenths that were cut off: the frame before is nearer in time, and what was copied knows better.
#[test]
fn a_fast_shutter_keeps_the_frames_that_were_voted_for() {
    for late_ms in [52, 76, 88, 140, 176] {
        let mut fast = Burst::every(100).wandered();
        for image in &mut fast.images {
            image.captured_at = image.captured_at.map(|at| CapturedAt::from_epoch_ms(at.epoch_ms() + late_ms));
        }
        fast.photos.remove(40); // lost its time
        let mut images = fast.images.clone();
        images.retain(|image| image.id.0 != 1_040);
        images.iter_mut().filter(|image| image.id.0 > 1_040).for_each(|image| image.id = ImageId(image.id.0 - 1));
        check(&format!("10 Hz, {late_ms} ms late"), &Burst { photos: fast.photos, images });
    }
}

#[test]
fn frames_that_share_a_published_second_and_lie_close_are_not_guessed() {
    // places scatter by more than the frames are apart, and the order within a published second is nobody's
    let burst = Burst::every(497).published_in_seconds(0).by(4_500_000, TimeKind::Wall).moved();
    found("2 Hz, moved, published in seconds", &burst);
}

#[test]
fn exact_places_tell_frames_of_one_second_apart() {
    let wall = TimeKind::Wall;
    check("published in seconds at 5 Hz", &Burst::every(200).published_in_seconds(0).by(ODD_MS, wall));
    check(
        "published in seconds at 1 Hz, in another zone",
        &Burst::every(1_000).published_in_seconds(0).by(25_200_000, wall),
    );
    check(
        "both in seconds at 5 Hz",
        &Burst::every(200).published_in_seconds(0).written_in_seconds(0).by(3_600_000, wall),
    );
    check("written in rounded seconds at 3 Hz", &Burst::every(333).written_in_seconds(500));
    check("published in rounded seconds at 3 Hz", &Burst::every(333).published_in_seconds(500));
    let apart = Burst::every(497).written_in_seconds(500).published_in_seconds(0);
    check("both in seconds that begin apart, at 2 Hz", &apart.by(17_887_500, wall));
}

#[test]
fn altitudes_that_are_copied_to_the_millimetre_tell_frames_that_lie_centimetres_apart() {
    let mut burst = Burst::every(620);
    let mut numbers = Numbers(17);
    for (k, photo) in burst.photos.iter_mut().enumerate() {
        // a frame and the next one are within 6 cm of each other, as tenths would be
        photo.altitude_m = 300.0 + k as f64 * 0.04 + numbers.next() * 0.01;
    }
    let altitudes: Vec<f64> = burst.photos.iter().map(|photo| f64::from(photo.altitude_m as f32)).collect();
    for image in &mut burst.images {
        image.altitude_m = Some(altitudes[(image.id.0 - 1_000) as usize]);
        image.original = moved(image, 3.0 + 3.4 * (numbers.next() - 0.5));
    }
    let burst = burst.published_in_seconds(0).written_in_seconds(0);
    let mut images = burst.images.clone();
    images.extend(others());
    let (_, ids) = matched(std::slice::from_ref(&burst.photos), &images, Lookup::Complete);
    let n_right = ids.iter().zip(1_000..).filter(|(id, own)| **id == Some(*own)).count();
    assert!(ids.iter().zip(1_000..).all(|(id, own)| id.is_none_or(|id| id == own)), "{ids:?}");
    assert!(n_right * 100 >= burst.images.len() * 99, "{n_right} of {}", burst.images.len());
}

#[test]
fn images_of_one_second_at_one_place_are_not_guessed() {
    // a receiver that repeats itself, and altitudes that were measured anew: either image may be either photo's
    let mut still = Burst::every(333);
    for k in (31..120).step_by(2) {
        still.photos[k] = Photo { time_ms: still.photos[k].time_ms, ..still.photos[k - 1] };
    }
    still.images = upload(&still.photos, "own", 1_000);
    let mut numbers = Numbers(13);
    still.images.iter_mut().for_each(|image| image.altitude_m = Some(548.0 + numbers.normal()));
    found("3 Hz, every other place repeated", &still.published_in_seconds(0).by(4_500_000, TimeKind::Wall));
}

#[test]
fn frames_that_share_a_fix_and_a_second_are_nobodys_guess() {
    // two frames a second about the full second, a fix for two of them, some lost, and the service cuts to seconds
    let mut numbers = Numbers(11);
    let mut drift_ms = 0;
    let photo = |k: i64| {
        drift_ms += (numbers.normal() * 4.0) as i64;
        let fix = (k / 2) as f64;
        let time_ms = worlds::MAY_18_MS / 1_000 * 1_000 + 970 + 500 * k + drift_ms;
        Photo { altitude_m: 118.2 + fix * 0.1, ..photo_at(4.5 * fix, 30.0 * (fix / 20.0).sin(), time_ms) }
    };
    let photos: Vec<Photo> = (0..300).map(photo).collect();
    let mut images = upload(&photos, "own", 1_000);
    for image in &mut images {
        image.captured_at = image.captured_at.map(|time| CapturedAt::from_epoch_ms(time.epoch_ms() / 1_000 * 1_000));
        image.altitude_m = image.altitude_m.map(f64::round);
        image.computed = moved(image, 1.2 + 0.4 * numbers.normal());
    }
    images.retain(|_| numbers.next() > 0.05);
    let (_, ids) = matched(&[photos], &images, Lookup::Complete);
    let wrong = ids.iter().zip(1_000..).filter(|(id, own)| id.is_some_and(|id| id != *own)).count();
    assert_eq!(wrong, 0, "{ids:?}");
}
