//! Cities are what their names say: sizes, clocks, moves, losses, and what can be decided.

use super::*;
use std::collections::BTreeMap;

#[test]
fn every_scenario_builds_the_same_city_twice_and_its_truth_holds() {
    for &scenario in Scenario::ALL {
        let spec = CitySpec { scenario, photos: 120, seed: 7 };
        let (city, again) = (build(&spec), build(&spec));
        assert_eq!(city.photos, again.photos, "{scenario}");
        assert_eq!(city.published, again.published, "{scenario}");
        assert!(city.photos.len() >= 100, "{scenario}: {} photos", city.photos.len());
        assert_eq!(city.truth.len(), city.photos.len(), "{scenario}");
        let ids: BTreeSet<_> = city.published.iter().map(|image| image.id).collect();
        assert_eq!(ids.len(), city.published.len(), "{scenario}: ids are used once");
        let used: Vec<_> = city.truth.iter().flatten().collect();
        assert_eq!(used.iter().collect::<BTreeSet<_>>().len(), used.len(), "{scenario}: one photo an image");
        assert!(used.iter().all(|id| ids.contains(id)), "{scenario}");
        let paths: BTreeSet<_> = city.photos.iter().map(|photo| &photo.path).collect();
        assert_eq!(paths.len(), city.photos.len(), "{scenario}");
    }
}

#[test]
fn untouched_uploads_keep_place_altitude_and_time() {
    let city = build(&CitySpec { scenario: Scenario::Clean, photos: 200, seed: 3 });
    let mut n_checked = 0;
    for (photo, ids) in city.photos.iter().zip(&city.truth) {
        let Some(id) = ids.first() else { continue };
        let image = city.published.iter().find(|image| image.id == *id).unwrap();
        assert_eq!(image.original, photo.position);
        assert_eq!(image.altitude_m, photo.altitude_m);
        assert_eq!(image.captured_at.unwrap().epoch_ms(), photo.wall_ms.unwrap());
        n_checked += 1;
    }
    assert!(n_checked > 180, "{n_checked}");
}

#[test]
fn nothing_is_published_where_the_name_says_so() {
    for scenario in [Scenario::NothingPublished, Scenario::NothingPublishedCommute, Scenario::CompanionOnly] {
        let city = build(&CitySpec { scenario, photos: 100, seed: 1 });
        assert!(city.truth.iter().all(Vec::is_empty) && !city.published.is_empty(), "{scenario}");
    }
}

/// A city, and each photo with the first image that it became.
fn city_of(scenario: Scenario, photos: usize) -> (City, Vec<(SyntheticPhoto, Option<PublishedImage>)>) {
    let city = build(&CitySpec { scenario, photos, seed: 9 });
    let by_id: BTreeMap<_, _> = city.published.iter().map(|image| (image.id, image)).collect();
    let first = |ids: &Vec<ImageId>| ids.first().map(|id| by_id[id].clone());
    let pairs = city.photos.iter().cloned().zip(city.truth.iter().map(first)).collect();
    (city, pairs)
}

fn moved_m(image: &PublishedImage) -> Option<f64> {
    let (from, to) = (image.original?, image.computed?);
    let east = (to.lon() - from.lon()) * from.lat().to_radians().cos();
    Some(east.hypot(to.lat() - from.lat()) * 111_195.0)
}

#[test]
fn ids_and_keys_look_as_the_services_do() {
    let (city, _) = city_of(Scenario::Split500, 100);
    let mut per_sequence: BTreeMap<_, usize> = BTreeMap::new();
    for image in &city.published {
        assert!((15..=17).contains(&image.id.to_string().len()), "{}", image.id);
        let key = image.sequence.clone().unwrap();
        assert_eq!(key.to_string().len(), 22);
        *per_sequence.entry(key).or_default() += 1;
    }
    assert_eq!(per_sequence.values().max(), Some(&500), "the service cuts a ride of 1,200 photos");
    assert!(city.published.iter().any(|image| image.id.0 > 1 << 53), "a few ids do not fit into a double");
}

/// `matching.md`'s measured figures are a median of 2.5 m and a p90 of 9.2 m.
#[test]
fn moves_are_as_large_as_measured_ones() {
    let (city, _) = city_of(Scenario::DenseCity, 50);
    assert!(city.published.len() > 20_000, "{} images", city.published.len());
    let mut moves: Vec<f64> = city.published.iter().filter_map(moved_m).collect();
    moves.sort_by(f64::total_cmp);
    let (median, p90) = (moves[moves.len() / 2], moves[moves.len() * 9 / 10]);
    assert!((1.8..3.6).contains(&median), "median {median} m");
    assert!((5.0..14.0).contains(&p90), "p90 {p90} m");
    let share = moves.len() as f64 / city.published.len() as f64;
    assert!((0.97..1.0).contains(&share), "computed places for {share}");
}

#[test]
fn a_clock_is_wrong_by_one_constant() {
    for (scenario, expected_ms) in
        [(Scenario::ClockOffset, -260_601_317), (Scenario::TzNaive, -20_700_000), (Scenario::AdjustedClock, -7_505_000)]
    {
        let (_, pairs) = city_of(scenario, 120);
        for (photo, image) in pairs {
            let Some(image) = image else { continue };
            let off_ms = image.captured_at.unwrap().epoch_ms() - photo.wall_ms.unwrap();
            assert!((off_ms - expected_ms).abs() < 1_000, "{scenario}: {off_ms} ms"); // equal seconds are spread
            assert_eq!(photo.offset_min, None, "{scenario}: a naive clock");
        }
    }
}

#[test]
fn gps_time_goes_before_the_camera_clock() {
    let (_, pairs) = city_of(Scenario::GpsTime, 100);
    for (photo, image) in pairs {
        let Some(image) = image else { continue };
        let gps_ms = photo.gps_time_ms.unwrap();
        assert!((0..1_000).contains(&(image.captured_at.unwrap().epoch_ms() - gps_ms)));
        assert!((photo.wall_ms.unwrap() - gps_ms).abs() > 7_000_000);
    }
}

#[test]
fn a_frozen_receiver_leaves_one_image_a_place() {
    let (_, pairs) = city_of(Scenario::FrozenGpsDropped, 200);
    for group in pairs.chunks(4) {
        assert!(group.iter().all(|(photo, _)| photo.position == group[0].0.position));
        assert!(group[1..].iter().all(|(_, image)| image.is_none()), "repetitions are dropped by the uploader");
    }
    let (_, kept) = city_of(Scenario::FrozenGps, 200);
    assert!(kept.iter().filter(|(_, image)| image.is_some()).count() > 180);
}

#[test]
fn a_burst_stands_still_while_its_images_go_on() {
    let (_, pairs) = city_of(Scenario::BurstSamePlace, 200);
    for burst in pairs.chunks(10) {
        assert!(burst.iter().all(|(photo, _)| photo.position == burst[0].0.position));
        let times: Vec<_> = burst.iter().filter_map(|(_, image)| image.as_ref()?.captured_at).collect();
        assert!(times.is_sorted_by(|a, b| a < b) && times.len() > 5, "{} images of a burst", times.len());
        assert!(burst.iter().all(|(photo, _)| photo.wall_ms.unwrap() % 1_000 == 0), "whole seconds in EXIF");
    }
}

#[test]
fn rides_lie_where_they_should() {
    for seed in 0..5 {
        for (scenario, edge) in [(Scenario::Antimeridian, 0.0), (Scenario::TileEdges, 528.0 * 360.0 / 16_384.0)] {
            let photos = build(&CitySpec { scenario, photos: 60, seed }).photos;
            let n_east = photos.iter().filter(|photo| photo.position.unwrap().lon() > edge).count();
            assert!((1..60).contains(&n_east), "{scenario} {seed}: {n_east} of 60 photos are east of the edge");
        }
    }
    let (_, north) = city_of(Scenario::NearPole, 100);
    assert!(north.iter().all(|(photo, _)| photo.position.unwrap().lat() > 85.06), "no tiles there");
}

#[test]
fn nothing_tells_the_cameras_of_an_undecidable_rig_apart() {
    let (city, pairs) = city_of(Scenario::RigUndecidable, 101);
    let (left, right): (Vec<_>, Vec<_>) = pairs.iter().partition(|(photo, _)| photo.path.starts_with("left/"));
    assert_eq!(left.len(), right.len());
    for ((a, image_a), (b, image_b)) in left.into_iter().zip(right) {
        assert_eq!((a.position, a.altitude_m, a.wall_ms, a.heading_deg), (b.position, b.altitude_m, b.wall_ms, None));
        let (image_a, image_b) = (image_a.as_ref().unwrap(), image_b.as_ref().unwrap());
        assert_eq!((image_a.original, image_a.captured_at), (image_b.original, image_b.captured_at));
    }
    assert!(city.decidable.iter().all(|decidable| !decidable));
}

#[test]
fn frames_are_lost_several_in_a_row() {
    let (_, pairs) = city_of(Scenario::Burst3hzGaps, 600);
    let lost: Vec<bool> = pairs.iter().map(|(_, image)| image.is_none()).collect();
    let runs: Vec<usize> =
        lost.chunk_by(|a, b| a == b).filter(|run| run[0] && run.len() > 1).map(<[bool]>::len).collect();
    assert!(!runs.is_empty() && runs.iter().any(|&run| run >= 8), "{runs:?}");
}

#[test]
fn a_service_that_knows_seconds_cuts_or_rounds() {
    for (scenario, least_ms, most_ms) in
        [(Scenario::Burst5hzServerSeconds, -999, 0), (Scenario::ServerRounds, -500, 500)]
    {
        let (_, pairs) = city_of(scenario, 120);
        let zone_ms = if scenario == Scenario::ServerRounds { 345 } else { 120 } * 60_000;
        let lag = |(photo, image): &(SyntheticPhoto, Option<PublishedImage>)| {
            let sent_ms = image.as_ref()?.captured_at?.epoch_ms();
            assert_eq!(sent_ms % 1_000, 0, "{scenario}");
            Some(sent_ms - photo.wall_ms? + zone_ms)
        };
        let lags: Vec<i64> = pairs.iter().filter_map(lag).collect();
        assert!(lags.iter().all(|lag| (least_ms..=most_ms).contains(lag)), "{scenario}: {lags:?}");
        assert!(lags.iter().max().unwrap() - lags.iter().min().unwrap() > 700, "{scenario}: {lags:?}");
    }
}

#[test]
fn archives_are_worked_on_after_the_upload() {
    let (_, shifted) = city_of(Scenario::GpxShifted, 100);
    let metres = |photo: &SyntheticPhoto, image: &PublishedImage| {
        let (a, b) = (photo.position.unwrap(), image.original.unwrap());
        let east = (b.lon() - a.lon()) * a.lat().to_radians().cos();
        east.hypot(b.lat() - a.lat()) * 111_195.0
    };
    let mut off: Vec<f64> = shifted.iter().filter_map(|(photo, image)| Some(metres(photo, image.as_ref()?))).collect();
    off.sort_by(f64::total_cmp);
    assert!((10.0..30.0).contains(&off[50]), "four seconds at 5 m/s, and not {} m", off[50]);
    let (_, raised) = city_of(Scenario::AltitudeEdited, 50);
    for (photo, image) in raised {
        let Some(image) = image else { continue };
        assert!((photo.altitude_m.unwrap() - image.altitude_m.unwrap() - 47.3).abs() < 1e-9);
    }
    let (city, smaller) = city_of(Scenario::SmallerOnly, 50);
    assert!(
        smaller.iter().all(|(photo, image)| image.as_ref().is_none_or(|i| i.device.width == Some(photo.width / 2)))
    );
    assert!(city.decidable.iter().filter(|decidable| **decidable).count() > 40);
}

#[test]
fn a_clock_that_is_set_back_says_half_a_minute_twice() {
    let (_, pairs) = city_of(Scenario::ClockSetBack, 100);
    let shown: Vec<i64> = pairs.iter().map(|(photo, _)| photo.wall_ms.unwrap()).collect();
    let backwards = shown.windows(2).filter(|two| two[1] < two[0]).count();
    assert_eq!(backwards, 1);
    assert!(pairs.iter().filter_map(|(_, image)| image.as_ref()?.captured_at).is_sorted(), "the service knows better");
}

/// The scenarios that the matcher's goals name.
#[test]
fn every_named_scenario_exists() {
    let named = "clean jitter integer_seconds dense_city clock_offset tz_naive dst_hour drift adjusted_shift adjusted_smooth \
        adjusted_heavytail computed_realistic frozen_gps frozen_gps_dropped missing_altitude missing_time missing_time_some \
        burst_5hz burst_same_place rig_two_models rig_headings rig_undecidable two_passes_one_day two_users_same_route \
        companion_only antimeridian near_pole tile_edges split_500 partial_publication nothing_published \
        nothing_published_commute reupload_same tile_frugal tile_frugal_computed single_photos";
    for name in named.split_whitespace() {
        assert_eq!(name.parse::<Scenario>().map(Scenario::as_str), Ok(name));
    }
}
