//! The short look against the long one, on rides of every kind.

use super::*;
use crate::MatchSettings;
use crate::explore::{Explored, weigh_offsets};
use crate::worlds::{DAY_MS, Numbers, Photo, beside, columns, local_of, ride, shifted, upload};
use capture_model::{PublishedImage, TimeKind};

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

/// Without altitudes, so that places and times alone must do; a photo every 0.7 to 1.1 s, so that some share a second.
fn plain(seed: u64) -> Vec<Photo> {
    let photos = ride(seed, 120);
    let start_ms = photos[0].time_ms;
    let faster = |photo: &Photo| start_ms + (photo.time_ms - start_ms) * 13 / 20;
    photos.iter().map(|photo| Photo { altitude_m: f64::NAN, time_ms: faster(photo), ..*photo }).collect()
}

fn publish(of: &[Photo], copy: Copy, first_id: u64) -> Vec<PublishedImage> {
    let mut numbers = Numbers(copy.seed * 7 + 1);
    let mut changed = Vec::new();
    for photo in of {
        let (kept, a, b) = (numbers.next(), numbers.next() - 0.5, numbers.next() - 0.5);
        if kept > copy.keep {
            continue;
        }
        let time_ms = photo.time_ms + copy.late_ms;
        let time_ms = if copy.whole_seconds { time_ms - time_ms.rem_euclid(1000) } else { time_ms };
        let photo = beside(photo, copy.shift_m + copy.wander_m * a, copy.wander_m * b - copy.shift_m);
        changed.push(Photo { time_ms, ..photo });
    }
    upload(&changed, copy.key, first_id)
}

fn told(explored: &Explored) -> Vec<(u32, &[(u32, u32)])> {
    let mut blocks: Vec<_> = explored
        .blocks
        .iter()
        .filter(|block| block.log_odds() > 3.0)
        .map(|block| (block.sequence, &*block.chain))
        .collect();
    blocks.sort_unstable();
    blocks
}

/// Answers whether the short look decided.
fn check(case: &str, kind: TimeKind, clock_ms: i64, copies: &[Copy]) -> bool {
    let mut n_short = 0;
    for seed in 1..3 {
        let own = plain(seed);
        let strangers = (0..3).flat_map(|k| {
            let theirs = shifted(&plain(50 + k), DAY_MS * (1 + k as i64), TimeKind::Absolute);
            publish(&theirs, Copy { seed: 50 + k, key: ["a", "b", "c"][k as usize], ..EXACT }, 1_000 * (k + 1))
        });
        let uploads = (4..)
            .zip(copies)
            .flat_map(|(place, copy)| publish(&own, Copy { seed: copy.seed + seed, ..*copy }, 1_000 * place));
        let images = columns(&strangers.chain(uploads).collect::<Vec<_>>());
        let local = local_of(&[shifted(&own, -clock_ms, kind)]);
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
                assert_eq!(some, all, "{case}, seed {seed}");
            }
            let apart = (short.offset_probability - long.offset_probability).abs();
            assert!(all.is_empty() || apart < 1e-3, "{case}, seed {seed}: {apart}");
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
    let whole = Copy { whole_seconds: true, ..EXACT };
    let whole_moved = Copy { shift_m: 4.0, wander_m: 3.0, ..whole };
    assert!(check("whole seconds", utc, 0, &[whole]), "a clear case is decided by few photos");
    assert!(check("whole seconds, odd clock", wall, 12_345_678, &[whole]), "a clear case is decided by few photos");
    check("whole seconds, moved", utc, 0, &[whole_moved]);
    check("whole seconds, moved, odd clock", wall, 12_345_678, &[whole_moved]);
    check("a tenth is published", utc, 0, &[Copy { keep: 0.1, ..EXACT }]);
    check("published twice", utc, 0, &[EXACT, Copy { key: "again", keep: 0.5, ..EXACT }]);
    check("published again an hour later", utc, 0, &[EXACT, Copy { key: "again", late_ms: 3_600_000, ..EXACT }]);
    let companion = Copy { key: "friend", shift_m: 3.0, wander_m: 2.0, late_ms: 2_300, ..EXACT };
    check("a friend behind", utc, 0, &[EXACT, companion]);
    check("only a friend", utc, 0, &[companion]);
    check("nothing is published", utc, 0, &[]);
    check("nothing is published, no clock", wall, 7_000, &[]);
}
