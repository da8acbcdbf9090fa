//! The short look against the long one, on rides of every kind.

use super::*;
use crate::MatchSettings;
use crate::explore::{Explored, weigh_offsets};
use capture_model::{
    CapturedAt, Evidence, ImageId, LocalImages, Position, PublishedImage, PublishedImages, SequenceId, TimeKind,
};

const START_MS: i64 = 1_716_028_867_250;

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// (east, north, time) of each photo of a ride that turns now and then.
fn ride(seed: u64, n: usize, start_ms: i64) -> Vec<(f64, f64, i64)> {
    let mut numbers = Numbers(seed);
    let (mut east_m, mut north_m, mut turn, mut time_ms) = (0.0, 0.0, 0.0_f64, start_ms);
    (0..n)
        .map(|_| {
            turn += if numbers.next() < 0.1 { 1.2 } else { 0.02 };
            let step_m = 4.0 + 3.0 * numbers.next();
            (east_m, north_m) = (east_m + step_m * turn.sin(), north_m + step_m * turn.cos());
            time_ms += 700 + (numbers.next() * 600.0) as i64;
            (east_m, north_m, time_ms)
        })
        .collect()
}

/// What is published of a ride.
#[derive(Clone, Copy)]
struct Copy {
    seed: u64,
    key: &'static str,
    keep: f64,
    shift_m: f64,
    wander_m: f64,
    late_ms: i64,
    whole_seconds: bool,
}

fn position(east_m: f64, north_m: f64) -> Position {
    let seven = |degrees: f64| (degrees * 1e7).round() / 1e7;
    Position::from_lon_lat(seven(11.575 + east_m / 74_200.0), seven(48.137 + north_m / 111_195.0)).unwrap()
}

fn publish(images: &mut PublishedImages, of: &[(f64, f64, i64)], copy: Copy) {
    let mut numbers = Numbers(copy.seed * 7 + 1);
    for &(east_m, north_m, time_ms) in of {
        let (kept, a, b) = (numbers.next(), numbers.next() - 0.5, numbers.next() - 0.5);
        if kept > copy.keep {
            continue;
        }
        let time_ms = time_ms + copy.late_ms;
        let time_ms = if copy.whole_seconds { time_ms - time_ms.rem_euclid(1000) } else { time_ms };
        images.push(&PublishedImage {
            sequence: Some(SequenceId::new(copy.key)),
            captured_at: Some(CapturedAt::from_epoch_ms(time_ms)),
            original: Some(position(
                east_m + copy.shift_m + copy.wander_m * a,
                north_m - copy.shift_m + copy.wander_m * b,
            )),
            ..PublishedImage::bare(ImageId(images.len() as u64 + 1), Evidence::Entity)
        });
    }
}

fn local(of: &[(f64, f64, i64)], kind: TimeKind) -> LocalImages {
    let mut local = LocalImages { tracks: vec![0, of.len() as u32], clock_group: vec![0], ..LocalImages::default() };
    let device = local.devices.number_of(&capture_model::Device::default());
    for (row, &(east_m, north_m, time_ms)) in of.iter().enumerate() {
        let place = position(east_m, north_m);
        local.path_rank.push(row as u32);
        local.file.push(row as u32);
        local.track.push(0);
        local.longitude.push(place.lon());
        local.latitude.push(place.lat());
        local.altitude_m.push(f32::NAN);
        local.heading_deg.push(f32::NAN);
        local.time_ms.push(time_ms);
        local.sent_time_ms.push(time_ms);
        local.camera_time_ms.push(LocalImages::NO_TIME);
        local.time_kind.push(kind);
        local.time_resolution_ms.push(1);
        local.device.push(device);
        local.predicted_drop.push(None);
    }
    local
}

fn told(explored: &Explored) -> Vec<(u32, &[(u32, u32)])> {
    let mut blocks: Vec<_> = explored
        .blocks
        .iter()
        .filter(|block| block.log_odds() > 3.0)
        .map(|block| (block.sequence, block.chain.as_slice()))
        .collect();
    blocks.sort_unstable();
    blocks
}

/// Answers whether the short look decided.
fn check(case: &str, kind: TimeKind, clock_ms: i64, copies: &[Copy]) -> bool {
    let mut n_short = 0;
    for seed in 1..3 {
        let own = ride(seed, 120, START_MS);
        let mut images = PublishedImages::default();
        for k in 0..3 {
            let other = Copy { seed: 50 + k, key: ["a", "b", "c"][k as usize], ..EXACT };
            publish(&mut images, &ride(50 + k, 120, START_MS + 86_400_000 * (1 + k as i64)), other);
        }
        for copy in copies {
            publish(&mut images, &own, Copy { seed: copy.seed + seed, ..*copy });
        }
        let shown: Vec<(f64, f64, i64)> = own.iter().map(|&(e, n, t)| (e, n, t - clock_ms)).collect();
        let local = local(&shown, kind);
        let side = PublishedSide::new(&images);
        let index = Index::new(&side);
        let ride = Ride::of_track(&local, 0).remove(0);
        let settings = MatchSettings::default();
        let long = from_sample(&ride, &side, &index, &[], SAMPLE);
        let long = weigh_offsets(&ride, &side, &settings, &[], &long);
        if let Some(short) = clear(&ride, &side, &index, &[]) {
            n_short += 1;
            let short = weigh_offsets(&ride, &side, &settings, &[], &short);
            let (some, all) = (told(&short), told(&long));
            let keys = |blocks: &[(u32, &[(u32, u32)])]| blocks.iter().map(|block| block.0).collect::<Vec<_>>();
            assert_eq!(keys(&some), keys(&all), "{case}, seed {seed}");
            for ((_, some), (_, all)) in some.iter().zip(&all) {
                // where whole seconds leave a pair open, the window's middle may decide it
                let shared = some.iter().filter(|pair| all.binary_search(pair).is_ok()).count();
                let least = if copies.iter().any(|copy| copy.whole_seconds) { 95 } else { 100 };
                assert!(shared * 100 >= some.len().max(all.len()) * least, "{case}, seed {seed}: {some:?} {all:?}");
            }
            let apart = (short.offset_probability - long.offset_probability).abs();
            assert!(apart < 1e-4, "{case}, seed {seed}: {apart}");
        }
    }
    n_short == 2
}

const EXACT: Copy =
    Copy { seed: 1, key: "own", keep: 0.9, shift_m: 0.0, wander_m: 0.0, late_ms: 0, whole_seconds: false };

#[test]
fn the_short_look_finds_what_the_long_one_finds() {
    let (utc, wall) = (TimeKind::Absolute, TimeKind::Wall);
    assert!(check("exact", utc, 0, &[EXACT]), "a clear case is decided by few photos");
    assert!(check("a zone", wall, -7_200_000, &[EXACT]), "a clear case is decided by few photos");
    assert!(check("an odd clock", wall, 12_345_678, &[EXACT]), "a clear case is decided by few photos");
    check("moved", utc, 0, &[Copy { shift_m: 6.0, ..EXACT }]);
    check("moved and noisy, odd clock", wall, 12_345_678, &[Copy { shift_m: 4.0, wander_m: 3.0, ..EXACT }]);
    check("whole seconds", utc, 0, &[Copy { whole_seconds: true, ..EXACT }]);
    check("a tenth is published", utc, 0, &[Copy { keep: 0.1, ..EXACT }]);
    check("published twice", utc, 0, &[EXACT, Copy { key: "again", keep: 0.5, ..EXACT }]);
    check("published again an hour later", utc, 0, &[EXACT, Copy { key: "again", late_ms: 3_600_000, ..EXACT }]);
    let companion = Copy { key: "friend", shift_m: 3.0, wander_m: 2.0, late_ms: 2_300, ..EXACT };
    check("a friend behind", utc, 0, &[EXACT, companion]);
    check("only a friend", utc, 0, &[companion]);
    check("nothing is published", utc, 0, &[]);
    check("nothing is published, no clock", wall, 7_000, &[]);
}
