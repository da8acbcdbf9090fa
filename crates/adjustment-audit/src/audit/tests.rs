//! Injected moves come back, odd ones are flagged, and neither order nor geography matters.

use super::*;
use crate::{Flag, SequenceVerdict, Upload};
use capture_model::{CapturedAt, Device, Evidence, ImageId, Position, PublishedImage, SequenceId};
use geo::{Destination, Geodesic, Point};
use proptest::prelude::*;

/// The place some metres east and north of another, along the geodesic.
fn moved(from: Position, [east, north]: [f64; 2]) -> Position {
    let (bearing, metres) = (east.atan2(north).to_degrees(), east.hypot(north));
    let to = Geodesic.destination(Point::new(from.lon(), from.lat()), bearing, metres);
    Position::from_lon_lat((to.x() + 540.0).rem_euclid(360.0) - 180.0, to.y()).unwrap()
}

/// Images of one sequence at some places about a start, each a second after the other, moved by their vectors.
fn ride_at(start: (f64, f64), places: &[[f64; 2]], moves: &[Option<[f64; 2]>]) -> PublishedImages {
    let start = Position::from_lon_lat(start.0, start.1).unwrap();
    let mut images = PublishedImages::default();
    for (k, (place, vector)) in places.iter().zip(moves).enumerate() {
        let original = moved(start, *place);
        images.push(&PublishedImage {
            sequence: Some(SequenceId::new("s")),
            captured_at: Some(CapturedAt::from_epoch_ms(k as i64 * 1000)),
            original: Some(original),
            computed: vector.map(|vector| moved(original, vector)),
            ..PublishedImage::bare(ImageId(k as u64 + 1), Evidence::Entity)
        });
    }
    images
}

/// Images 5 m apart on a straight way to the east.
fn ride(moves: &[Option<[f64; 2]>]) -> PublishedImages {
    let places: Vec<[f64; 2]> = (0..moves.len()).map(|k| [5.0 * k as f64, 0.0]).collect();
    ride_at((11.0, 50.0), &places, moves)
}

fn audit_all(images: &PublishedImages) -> Audit {
    audit(images, &(0..images.len() as u32).collect::<Vec<_>>())
}

#[track_caller]
fn check(case: &str, images: &PublishedImages, k: usize, flags: &[&str]) {
    let audit = audit_all(images);
    let found: Vec<_> = audit.images[k].flags.iter().map(Flag::as_str).collect();
    assert_eq!(found, flags, "{case}: {:?}", audit.images[k]);
}

#[test]
fn odd_moves_are_flagged() {
    let steady = vec![Some([0.5, 0.2]); 14];
    let with = |changes: &[(usize, Option<[f64; 2]>)]| {
        let mut moves = steady.clone();
        changes.iter().for_each(|&(k, vector)| moves[k] = vector);
        ride(&moves)
    };
    check("a small steady move", &ride(&steady), 5, &[]);
    check("just under a metre", &ride(&vec![Some([0.99, 0.0]); 14]), 5, &[]);
    check("just over a metre", &ride(&vec![Some([1.01, 0.0]); 14]), 5, &["moved"]);
    check("just over 25 m, once", &with(&[(5, Some([0.0, 25.1]))]), 5, &["moved", "moved_far", "jump"]);
    check("none at all", &ride(&vec![Some([0.0, 0.0]); 14]), 5, &["no_move"]);
    check("half a millimetre", &ride(&vec![Some([0.0, 0.0005]); 14]), 5, &["no_move"]);
    check("not computed", &with(&[(5, None)]), 5, &["not_computed"]);
    check("alone", &ride(&[Some([0.0, 9.0])]), 0, &["moved"]);
    check("a jump", &with(&[(5, Some([0.5, 5.3]))]), 5, &["moved", "jump"]);
    check("no jump yet", &with(&[(5, Some([0.5, 5.1]))]), 5, &["moved"]);
    let far = Some([0.0, 40.0]);
    check("two far in a row", &with(&[(5, far), (6, far)]), 5, &["moved", "moved_far", "jump"]);
    let stretch = with(&[(4, far), (5, far), (6, far)]);
    check("three far in a row", &stretch, 5, &["moved", "moved_far", "jump", "bad_stretch"]);
    check("beside the bad stretch", &stretch, 3, &[]);
    check("passed the next by more than 2 m", &with(&[(5, Some([7.6, 0.2]))]), 6, &["order_swapped"]);
    check("passed it by less", &with(&[(5, Some([7.4, 0.2]))]), 6, &[]);
    check("passed the one after the next", &with(&[(5, Some([12.6, 0.2]))]), 7, &["order_swapped"]);
}

#[test]
fn images_that_change_sides_are_flagged() {
    let mut places: Vec<[f64; 2]> = (0..14).map(|k| [5.0 * f64::from(k), 0.0]).collect();
    places[6] = [30.0, 4.0];
    let steady = vec![Some([0.0, 0.0]); 14];
    let with = |vector| {
        let mut moves = steady.clone();
        moves[6] = Some(vector);
        ride_at((11.0, 50.0), &places, &moves)
    };
    check("from 4 m left to 3.5 m right", &with([0.0, -7.5]), 6, &["moved", "jump", "side_changed"]);
    check("from 4 m left to 2 m right", &with([0.0, -6.0]), 6, &["moved", "jump"]);
    check("farther left", &with([0.0, 7.5]), 6, &["moved", "jump"]);
}

#[test]
fn receivers_that_stand_still_while_time_goes_on_are_frozen() {
    let places = |frozen: std::ops::Range<usize>| -> Vec<[f64; 2]> {
        (0..12).map(|k| [5.0 * if frozen.contains(&k) { frozen.start } else { k } as f64, 0.0]).collect()
    };
    let moves = vec![Some([0.3, 0.1]); 12];
    let start = (11.0, 50.0);
    check("three equal places", &ride_at(start, &places(4..7), &moves), 5, &["frozen_receiver"]);
    check("two equal places", &ride_at(start, &places(4..6), &moves), 5, &[]);
    check("before the freeze", &ride_at(start, &places(4..7), &moves), 3, &[]);
    let mut burst = ride_at(start, &places(4..7), &moves);
    burst.captured_at_ms[4..7].fill(4000);
    check("three at one moment", &burst, 5, &[]);
    let mut timeless = ride_at(start, &places(0..12), &moves);
    timeless.captured_at_ms.fill(PublishedImages::NO_TIME);
    check("no time at all", &timeless, 5, &[]);
    let parked = ride_at(start, &[[0.0, 0.0]; 12], &moves);
    assert_eq!(audit_all(&parked).images[5].along_across_m, None, "a parked car has no direction");
}

#[test]
fn the_mark_of_images_that_were_not_reconstructed_is_known() {
    let marked = |altitude: f32, compass: f32| {
        let mut images = ride(&[Some([0.0, 0.0]); 5]);
        images.computed_altitude_m.fill(altitude);
        images.compass_deg.fill(98.372_27);
        images.computed_compass_deg.fill(compass);
        images
    };
    check("all three marks", &marked(2.0, 98.372_27), 2, &["not_reconstructed", "no_move"]);
    check("another altitude", &marked(2.1, 98.372_27), 2, &["no_move"]);
    check("a compass that turned", &marked(2.0, 98.0), 2, &["no_move"]);
    check("no compass", &marked(2.0, f32::NAN), 2, &["no_move"]);
    let mut of_tile = ride(&[Some([0.25, 0.1]); 5]);
    of_tile.computed_altitude_m.fill(2.0);
    of_tile.compass_deg.fill(10.0);
    of_tile.computed_compass_deg.fill(10.0);
    check("moved by a tile's rounding, but read from an entity", &of_tile, 2, &[]);
    of_tile.evidence.fill(Evidence::Tile);
    check("moved by a tile's rounding", &of_tile, 2, &["not_reconstructed"]);
    assert_eq!(audit_all(&of_tile).sequences[0].verdict, SequenceVerdict::NotReconstructed);
    let rounding_m = audit_all(&of_tile).images[2].rounding_m;
    assert!((rounding_m - 0.543).abs() < 0.001, "{rounding_m}");
}

#[test]
fn uploads_that_arrived_elsewhere_are_flagged() {
    let check = |case: &str, evidence: Evidence, off_m: f64, expected: bool| {
        let mut images = ride(&[None; 3]);
        images.evidence.fill(evidence);
        let mut audit = audit_all(&images);
        let place = moved(images.original(1).unwrap(), [0.0, off_m]);
        audit.check_uploads(&images, [Upload { row: 1, place }, Upload { row: 99, place }]);
        assert_eq!(audit.images[1].flags.has(Flag::UploadDiffers), expected, "{case}");
        assert!(!audit.images[0].flags.has(Flag::UploadDiffers), "{case}");
    };
    check("exactly as sent", Evidence::Entity, 0.0, false);
    check("hundredths of a second of arc", Evidence::Entity, 0.39, false);
    check("half a metre", Evidence::Entity, 0.5, true);
    check("half a metre, by a tile's grid", Evidence::Tile, 0.5, false);
    check("more than the grid", Evidence::Tile, 0.6, true);
}

#[test]
fn moves_are_split_along_and_across_the_track() {
    let shift = audit_all(&ride(&[Some([3.0, -4.0]); 5])).images[2];
    let [along, across] = shift.along_across_m.unwrap();
    assert!((along - 3.0).abs() < 1e-3 && (across - 4.0).abs() < 1e-3, "{along} {across}");
    assert!((shift.shift_m.unwrap() - 5.0).abs() < 1e-6);
    assert!((shift.bearing_deg.unwrap() - 143.130_1).abs() < 1e-3);
    assert!(shift.residual_m.unwrap() < 1e-4);
}

#[track_caller]
fn check_verdict(case: &str, images: &PublishedImages, verdict: &str) {
    let found = &audit_all(images).sequences[0];
    assert_eq!(found.verdict.as_str(), verdict, "{case}: {found:?}");
}

#[test]
fn sequences_are_summed_up_in_a_word() {
    let rides =
        |vector: &dyn Fn(f64) -> [f64; 2]| ride(&(0..100).map(|k| Some(vector(f64::from(k)))).collect::<Vec<_>>());
    check_verdict("no adjusted place", &ride(&[None; 4]), "not_computed");
    check_verdict("less than a metre", &rides(&|_| [0.3, 0.6]), "in_place");
    check_verdict("one shift", &rides(&|_| [3.0, -4.0]), "shifted");
    check_verdict("a turn about the middle", &rides(&|k| [0.0, (k - 49.5) * 0.1]), "turned");
    check_verdict("a slow wave", &rides(&|k| [(k / 8.0).sin() * 4.0, (k / 8.0).cos() * 4.0]), "wandering");
    check_verdict("every third elsewhere", &rides(&|k| [if k % 3.0 == 0.0 { 9.0 } else { 0.0 }, 1.0]), "jumps");
    let zigzag = |k: f64| [if k % 2.0 == 0.0 { 1.2 } else { -1.2 }, if k % 4.0 < 2.0 { 0.7 } else { -0.7 }];
    check_verdict("left and right", &rides(&zigzag), "scattered");
    check_verdict("fifty metres for a while", &rides(&|k| [0.0, if k < 20.0 { 50.0 } else { 0.1 }]), "bad_stretch");
}

#[test]
fn a_shift_a_line_and_a_field_explain_what_they_are() {
    let explained = |vector: &dyn Fn(f64) -> [f64; 2]| {
        let images = ride(&(0..100).map(|k| Some(vector(f64::from(k)))).collect::<Vec<_>>());
        let found = audit_all(&images).sequences.remove(0);
        [found.explained_by_shift, found.explained_by_line, found.explained_by_field].map(Option::unwrap)
    };
    let [shift, line, field] = explained(&|_| [3.0, -4.0]);
    assert!(shift > 0.9999 && line > 0.9999 && field > 0.9999, "{shift} {line} {field}");
    let [shift, line, _] = explained(&|k| [0.0, (k - 49.5) * 0.1]);
    assert!(shift < 1e-4 && line > 0.9999, "{shift} {line}");
    let [shift, line, field] = explained(&|k| [(k / 8.0).sin() * 4.0, (k / 8.0).cos() * 4.0]);
    assert!(shift < 0.1 && line < 0.3 && field > 0.9, "{shift} {line} {field}");
    let still = audit_all(&ride(&[Some([0.0, 0.0]); 9])).sequences.remove(0);
    assert_eq!((still.explained_by_shift, still.spread.unwrap().max_m), (None, 0.0));
}

#[test]
fn the_worst_image_is_named() {
    let mut moves = vec![Some([1.0, 0.0]); 20];
    moves[7] = Some([0.0, 30.0]);
    let found = audit_all(&ride(&moves)).sequences.remove(0);
    assert_eq!((found.worst_row, found.with_computed, found.images), (Some(7), 20, 0..20));
    assert!((found.spread.unwrap().max_m - 30.0).abs() < 1e-6);
    let still = audit_all(&ride(&[Some([0.0, 0.0]); 9])).sequences.remove(0);
    assert_eq!(still.worst_row, Some(0), "of equal moves the smallest id");
}

#[test]
fn images_without_a_key_are_taken_together_by_contributor_and_time() {
    let mut images = ride(&[Some([2.0, 0.0]); 8]);
    images.sequence.fill(PublishedImages::NO_SEQUENCE);
    images.creator_id.each()[4..].fill(7);
    images.captured_at_ms[7] += 61_000;
    images.captured_at_ms[0] = PublishedImages::NO_TIME;
    let found: Vec<_> = audit_all(&images).sequences.into_iter().map(|sum| (sum.sequence, sum.images)).collect();
    assert_eq!(found, [(None, 0..1), (None, 1..4), (None, 4..7), (None, 7..8)]);
}

#[test]
fn devices_are_told_apart() {
    let mut images = ride(&[Some([1.0, 0.0]), Some([3.0, 0.0]), Some([9.0, 0.0]), None]);
    let phone = images.devices.number_of(&Device::new(Some("Apple"), None, None, None));
    images.device[2] = phone;
    images.device[3] = phone;
    let audit = audit_all(&images);
    let medians: Vec<_> = audit.by_device(&images).iter().map(|d| (d.spread.n, d.spread.median_m.round())).collect();
    assert_eq!(medians, [(2, 2.0), (1, 9.0)]);
    let upright = images.devices.number_of(&Device::new(Some("Apple"), None, Some(3024), Some(4032)));
    images.device[0] = upright;
    let sizes: Vec<_> = audit_all(&images).by_device(&images).iter().map(|d| d.spread.n).collect();
    assert_eq!(sizes, [1, 2], "an upright photo is of the same phone");
    assert_eq!(audit.spread().unwrap().n, 3);
}

#[test]
fn moves_that_were_found_before_stay_as_they_are() {
    let images = ride(&[Some([1.0, 0.0]), Some([3.0, 0.0]), Some([60.0, 0.0]), None, Some([2.0, 1.0])]);
    let mut found = audit_all(&images);
    assert_eq!(Audit::of_moves(&images, &found.images), found);
    found.images[1].flags.set_if(true, Flag::UploadDiffers);
    found.images[1].shift_m = Some(3.01);
    let again = Audit::of_moves(&images, &found.images[..4]);
    assert_eq!(again.images, found.images[..4]);
    assert_eq!((again.sequences[0].images.len(), again.sequences[0].spread.unwrap().median_m), (4, 3.01));
    assert_eq!(Audit::of_moves(&images, &[]), Audit::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn injected_vectors_come_back_wherever_they_are(
        lon in -180.0..180.0_f64, lat in -89.999..89.999_f64, vector in [-99.0..99.0_f64, -99.0..99.0_f64],
    ) {
        let places: Vec<[f64; 2]> = (0..9).map(|k| [7.0 * f64::from(k), f64::from(k)]).collect();
        let images = ride_at((lon, lat), &places, &[Some(vector); 9]);
        for shift in audit_all(&images).images {
            let found = shift.vector_m.unwrap();
            prop_assert!((found[0] - vector[0]).hypot(found[1] - vector[1]) < 0.01, "{found:?} {vector:?}");
        }
    }

    /// At the antimeridian and next to a pole as everywhere else: what counts is the motion on the ground.
    #[test]
    fn a_rigid_motion_comes_back_wherever_it_is(
        start in prop_oneof![
            Just((8.4, 49.0)), Just((179.999, -17.0)), Just((-179.9999, 66.0)), Just((30.0, 89.9985)), Just((-60.0, -89.999)),
        ],
        shift in [-30.0..30.0_f64, -30.0..30.0_f64], turn_deg in -20.0..20.0_f64, outlier in 0..60_usize,
    ) {
        let places: Vec<[f64; 2]> =
            (0..60).map(|k| [f64::from(k) * 4.0 - 118.0, 30.0 * (f64::from(k) / 9.0).sin()]).collect();
        let (sin, cos) = (-turn_deg).to_radians().sin_cos();
        let turned = |[x, y]: [f64; 2]| [cos * x - sin * y, sin * x + cos * y];
        let about = [0, 1].map(|axis| places.iter().map(|place| place[axis]).sum::<f64>() / 60.0);
        let mut images = ride_at(start, &places, &[None; 60]);
        let centre = Position::from_lon_lat(start.0, start.1).unwrap();
        for (k, place) in places.iter().enumerate() {
            let off = turned([place[0] - about[0], place[1] - about[1]]);
            let stray = if k == outlier { 200.0 } else { 0.0 };
            let to = moved(centre, [about[0] + off[0] + shift[0] + stray, about[1] + off[1] + shift[1]]);
            (images.computed_longitude[k], images.computed_latitude[k]) = (to.lon(), to.lat());
        }
        let found = audit_all(&images).sequences.remove(0);
        prop_assert!((found.rotation_deg.unwrap() - turn_deg).abs() < 0.05, "{found:?}");
        prop_assert!((found.scale.unwrap() - 1.0).abs() < 1e-3);
        let length_m = crate::frame::length(found.shift_m.unwrap());
        prop_assert!((length_m - shift[0].hypot(shift[1])).abs() < 0.05, "{found:?}");
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter(
        moves in proptest::collection::vec(proptest::option::of([-30.0..30.0, -30.0..30.0]), 1..20),
        keys in proptest::collection::vec(0..4_u8, 20), seed in any::<u64>(),
    ) {
        let mut images = ride(&moves);
        for (row, key) in keys.iter().take(moves.len()).enumerate() {
            images.sequence[row] = match key {
                0 => PublishedImages::NO_SEQUENCE,
                key => images.sequences.number_of(&SequenceId::new(&format!("{}", 9 - key))),
            };
        }
        let mut rows: Vec<u32> = (0..images.len() as u32).collect();
        let ordered = audit(&images, &rows);
        rows.sort_by_key(|row| (u64::from(*row) + 1).wrapping_mul(seed | 1));
        rows.push(rows[0]);
        prop_assert_eq!(&ordered, &audit(&images, &rows));
        prop_assert_eq!(ordered.images.len(), moves.len());
        let covered: Vec<usize> = ordered.sequences.iter().flat_map(|sum| sum.images.clone()).collect();
        prop_assert_eq!(covered, (0..moves.len()).collect::<Vec<_>>(), "every image is in one sequence");
    }

    #[test]
    fn no_place_on_earth_breaks_it(
        values in proptest::collection::vec(([-180.0..=180.0_f64, -90.0..=90.0_f64], [-180.0..=180.0_f64, -90.0..=90.0_f64], any::<i64>()), 1..12),
    ) {
        let mut images = ride(&vec![None; values.len()]);
        for (row, (from, to, time)) in values.iter().enumerate() {
            (images.longitude[row], images.latitude[row]) = (from[0], from[1]);
            (images.computed_longitude[row], images.computed_latitude[row]) = (to[0], to[1]);
            images.captured_at_ms[row] = *time;
        }
        let found = audit_all(&images);
        for shift in &found.images {
            prop_assert!(shift.shift_m.unwrap().is_finite());
            prop_assert!(shift.bearing_deg.is_none_or(|degrees| (0.0..360.0).contains(&degrees)));
            prop_assert!(shift.residual_m.is_none_or(f64::is_finite));
        }
    }
}
