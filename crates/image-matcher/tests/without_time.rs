//! Images that are published without a time, among others of the same upload that have theirs.

mod worlds;

use capture_model::{Reason, TimeKind};
use image_matcher::{Lookup, MatchSettings, match_images};
use worlds::{columns, local_of, matched, moved, others, ride, shifted, upload};

/// One image in seven is published without its time; its id names it among 1,000 and more.
fn is_untimed(id: u64) -> bool {
    id % 7 == 3
}

#[test]
fn an_image_without_time_at_its_photos_place_is_found_among_the_own() {
    for offset_ms in [0, -7_200_000, 41_317_217] {
        let photos = ride(5, 80);
        let mut images = upload(&photos, "own", 1_000);
        images.iter_mut().filter(|image| is_untimed(image.id.0)).for_each(|image| image.captured_at = None);
        images.retain(|image| image.id.0 % 10 != 6); // not published at all
        images.extend(others());
        let kind = if offset_ms == 0 { TimeKind::Absolute } else { TimeKind::Wall };
        let (outcome, ids) = matched(&[shifted(&photos, offset_ms, kind)], &images, Lookup::Complete);
        for ((id, verdict), own) in ids.iter().zip(outcome.verdicts.iter()).zip(1_000..) {
            let expected = Some(own).filter(|own| own % 10 != 6);
            assert_eq!(*id, expected, "{own} at {offset_ms}: {verdict:?}");
            let by_order = verdict.reason == Reason::OrderOnly;
            assert_eq!(by_order, expected.is_some_and(is_untimed), "{own} at {offset_ms}: {verdict:?}");
        }
    }
}

#[test]
fn an_image_without_time_is_nobodys_where_its_place_is_not_one_photos() {
    let mut photos = ride(5, 80);
    (photos[31].lon, photos[31].lat) = (photos[30].lon, photos[30].lat); // stands
    let mut images = upload(&photos, "own", 1_000);
    for at in [10, 20, 30, 31] {
        images[at].captured_at = None;
    }
    images[10].original = moved(&images[10], 4.0);
    images[20].altitude_m = Some(900.0);
    let local = local_of(&[photos]);
    let outcome =
        match_images(&local, &columns(&images), &vec![Lookup::Complete; local.len()], &MatchSettings::default());
    for (row, verdict) in outcome.verdicts.iter().enumerate() {
        let is_open = [10, 20, 30, 31].contains(&row);
        assert_eq!(verdict.image.is_none(), is_open, "{row}: {verdict:?}");
    }
}

#[test]
fn a_whole_upload_without_times_is_found_by_its_places_in_order() {
    for offset_ms in [0, 41_317_217] {
        let photos = ride(5, 80);
        let mut images = upload(&photos, "own", 1_000);
        images.iter_mut().for_each(|image| image.captured_at = None);
        images.retain(|image| image.id.0 % 10 != 6); // not published at all
        images.extend(others());
        let kind = if offset_ms == 0 { TimeKind::Absolute } else { TimeKind::Wall };
        let (outcome, ids) = matched(&[shifted(&photos, offset_ms, kind)], &images, Lookup::Complete);
        for ((id, verdict), own) in ids.iter().zip(outcome.verdicts.iter()).zip(1_000..) {
            let expected = Some(own).filter(|own| own % 10 != 6);
            assert_eq!(*id, expected, "{own} at {offset_ms}: {verdict:?}");
            assert!(expected.is_none() || verdict.reason == Reason::OrderOnly, "{own}: {verdict:?}");
            assert_eq!(verdict.clock_offset_ms, None, "{own}: {verdict:?}");
        }
    }
}
