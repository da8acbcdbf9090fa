//! Groups that are sent as they are, which most rides are.

use crate::chord::bounds_m2;
use crate::drops::{ROUNDING_M, ZIG_ZAG_JUMP_M, is_longer};
use crate::{NullIslandRule, Photos, Rules};
use capture_model::Position;

/// Whether nothing happens to the photos of a group in which nothing is cut: all are sent, each with its own time.
///
/// The bounds of the steps tell it, in one pass and without memory. `false` also where they do not tell:
/// [`crate::replay_group`] knows.
pub fn is_sent_as_is<P: Photos + ?Sized>(photos: &P, rules: &Rules) -> bool {
    if !rules.cuts_nothing() {
        return false;
    }
    let may_be = |place: Position| rules.null_island == NullIslandRule::Kept || !place.is_null_island();
    let photo = |index| Some((photos.time_ms(index)?, photos.position(index).filter(|&place| may_be(place))?));
    let mut all = (0..photos.count()).map(photo);
    let Some(first) = all.next() else { return true };
    let Some((first_ms, mut before)) = first else { return false };
    let (mut last_ms, mut at_most_m) = (first_ms, 0.0);
    for next in all {
        let Some((time_ms, place)) = next else { return false };
        let step_m2 = bounds_m2(before, place);
        // times that rise stay as they are, and so does their order
        let is_plain = time_ms > last_ms
            && is_longer(step_m2, rules.duplicate_distance_m) == Some(true)
            && (!rules.drops_zig_zag || is_longer(step_m2, ZIG_ZAG_JUMP_M) == Some(false));
        if !is_plain {
            return false;
        }
        at_most_m += step_m2.1.sqrt() + ROUNDING_M;
        (last_ms, before) = (time_ms, place);
    }
    let elapsed_h = last_ms.saturating_sub(first_ms) as f64 / 3_600_000.0;
    last_ms == first_ms || at_most_m / 1000.0 <= rules.max_speed_kmh * elapsed_h
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Photo, Version, replay_group};
    use proptest::prelude::*;

    fn photo() -> impl Strategy<Value = (i64, [f64; 2], bool)> {
        let step = prop_oneof![30 => 0.00001..0.0002_f64, 1 => Just(0.0), 1 => 0.0..0.001_f64];
        let ms = prop_oneof![30 => 500_i64..5_000, 1 => Just(0), 1 => -1_000..100_000_i64];
        (ms, [step.clone(), step], prop::bool::weighted(0.02))
    }

    proptest! {
        #[test]
        fn what_is_sent_as_it_is_is_left_by_all_rules(
            steps in prop::collection::vec(photo(), 0..12), minor in 8_u16..15, patch in 0_u16..8, is_at_zero: bool,
        ) {
            let (mut ms, mut place) = (0, if is_at_zero { [0.0, 0.0] } else { [8.5, 49.0] });
            let photos: Vec<Photo> = steps.into_iter().map(|(step_ms, step, is_missing)| {
                let position = Position::from_lon_lat(place[0], place[1]).ok().filter(|_| !is_missing);
                let photo = Photo { time_ms: Some(ms), position, ..Photo::default() };
                ms += step_ms;
                place = [place[0] + step[0], place[1] + step[1]];
                photo
            }).collect();
            let rules = Rules::of(Version::new(0, minor, patch));
            prop_assert!(!is_sent_as_is(photos.as_slice(), &rules) , "what may be cut is not told");
            let rules = rules.without_cuts();
            if is_sent_as_is(photos.as_slice(), &rules) {
                let fates = replay_group(photos.as_slice(), &rules);
                let is_left = |(photo, fate): (&Photo, &crate::Fate)| {
                    fate.drop.is_none() && fate.sent_time_ms == photo.time_ms && fate.sequence == Some(0)
                };
                prop_assert!(photos.iter().zip(&fates).all(is_left), "{photos:?}: {fates:?}");
            }
        }
    }

    #[test]
    fn a_usual_ride_is_sent_as_it_is() {
        let photo = |k: i32| Photo {
            time_ms: Some(i64::from(k) * 1000),
            position: Position::from_lon_lat(8.5 + f64::from(k) * 1e-4, 49.0).ok(),
            ..Photo::default()
        };
        let ride: Vec<Photo> = (0..9).map(photo).collect();
        assert!(is_sent_as_is(ride.as_slice(), &Rules::default().without_cuts()));
        let too_fast: Vec<Photo> =
            ride.iter().map(|photo| Photo { time_ms: photo.time_ms.map(|ms| ms / 100), ..*photo }).collect();
        assert!(!is_sent_as_is(too_fast.as_slice(), &Rules::default().without_cuts()));
    }
}
