//! Injected moves come back; odd ones are flagged.

use super::*;
use capture_model::{CapturedAt, Evidence, ImageId, PublishedImage, SequenceId};
use proptest::prelude::*;

const DEGREES_PER_METRE: f64 = 1.0 / 111_320.0;

/// A ride to the east along the equator, 5 m apart; each image moved by its vector.
fn ride(moves: &[Option<[f64; 2]>], start_lon: f64) -> PublishedImages {
    let mut images = PublishedImages::default();
    for (k, vector) in moves.iter().enumerate() {
        let lon = start_lon + 5.0 * k as f64 * DEGREES_PER_METRE;
        let wrapped = |lon: f64| (lon + 540.0).rem_euclid(360.0) - 180.0;
        let place = |lon: f64, lat: f64| Position::from_lon_lat(wrapped(lon), lat).unwrap();
        images.push(&PublishedImage {
            sequence: Some(SequenceId::new("s")),
            captured_at: Some(CapturedAt::from_epoch_ms(k as i64 * 1000)),
            original: Some(place(lon, 0.0)),
            computed: vector.map(|[e, n]| place(lon + e * DEGREES_PER_METRE, n * DEGREES_PER_METRE)),
            ..PublishedImage::bare(ImageId(k as u64 + 1), Evidence::Entity)
        });
    }
    images
}

fn audited(moves: &[Option<[f64; 2]>]) -> Vec<ImageShift> {
    let images = ride(moves, 11.0);
    audit(&images, &(0..images.len() as u32).collect::<Vec<_>>())
}

#[track_caller]
fn check(case: &str, moves: &[Option<[f64; 2]>], k: usize, flags: &[&str]) {
    let found: Vec<_> = audited(moves)[k].flags.iter().map(Flag::as_str).collect();
    assert_eq!(found, flags, "{case}");
}

#[test]
fn odd_moves_are_flagged() {
    let steady = vec![Some([0.5, 0.2]); 12];
    check("a small steady move", &steady, 5, &[]);
    check("a larger one", &vec![Some([2.0, 0.0]); 12], 5, &["moved"]);
    check("none at all", &vec![Some([0.0, 0.0]); 12], 5, &["no_move"]);
    let with = |k: usize, vector| {
        let mut moves = steady.clone();
        moves[k] = vector;
        moves
    };
    check("not computed", &with(5, None), 5, &["not_computed"]);
    check("a jump", &with(5, Some([0.5, 9.0])), 5, &["moved", "jump"]);
    check("a swap", &with(5, Some([8.0, 0.0])), 6, &["order_swapped"]);
    let mut stretch = steady.clone();
    stretch[4..8].fill(Some([0.0, 40.0]));
    check("a bad stretch", &stretch, 5, &["moved", "moved_far", "jump", "bad_stretch"]);
}

#[test]
fn moves_are_split_along_and_across_the_track() {
    let shift = audited(&[Some([3.0, -4.0]); 5])[2];
    let [along, across] = shift.along_across_m.unwrap();
    assert!((along - 3.0).abs() < 0.03 && (across - 4.0).abs() < 0.03, "{along} {across}");
    assert!((shift.shift_m.unwrap() - 5.0).abs() < 0.03);
    assert!((shift.bearing_deg.unwrap() - 143.13).abs() < 0.3);
    assert!(shift.residual_m.unwrap() < 1e-6);
}

#[test]
fn the_antimeridian_is_no_wall() {
    let images = ride(&vec![Some([3.0, 4.0]); 9], 180.0 - 20.0 * DEGREES_PER_METRE);
    for shift in audit(&images, &(0..9).collect::<Vec<_>>()) {
        assert!((shift.shift_m.unwrap() - 5.0).abs() < 0.03, "{shift:?}");
        assert!(shift.along_across_m.unwrap()[0] > 2.9);
    }
}

proptest! {
    #[test]
    fn the_order_of_the_rows_does_not_matter(
        moves in proptest::collection::vec(proptest::option::of([-30.0..30.0, -30.0..30.0]), 1..20),
        seed in any::<u64>(),
    ) {
        let images = ride(&moves, 11.0);
        let mut rows: Vec<u32> = (0..images.len() as u32).collect();
        let ordered = audit(&images, &rows);
        rows.sort_by_key(|row| (u64::from(*row) + 1).wrapping_mul(seed | 1));
        prop_assert_eq!(ordered, audit(&images, &rows));
    }
}
