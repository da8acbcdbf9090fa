//! Rides of a few dozen photos and what became of them: the outcome does not depend on order or threads; the shortlist never
//! loses the true sequence.

mod worlds;

use capture_model::{Device, Evidence, PublishedImage, Reason, SequenceId, TimeKind};
use image_matcher::{Lookup, match_naive, shortlist};
use worlds::{HOUR_MS, Numbers, Photo, columns, local_of, matched, moved, others, ride, shifted, upload};

#[test]
fn two_cameras_that_nothing_tells_apart_stay_undecided() {
    let photos = ride(7, 60);
    let images: Vec<PublishedImage> =
        upload(&photos, "left", 1_000).into_iter().chain(upload(&photos, "right", 2_000)).collect();
    let (outcome, ids) = matched(&[photos.clone(), photos], &images, Lookup::Complete);
    assert!(ids.iter().all(Option::is_none));
    let undecided = outcome.verdicts.iter().filter(|verdict| verdict.reason == Reason::RigUndecidable).count();
    assert_eq!(undecided, 120);
}

#[test]
fn an_id_that_a_tile_gave_altered_is_never_told() {
    let photos = ride(7, 60);
    let seen = |is_altered: fn(u64) -> bool| {
        let of_tile = |image: PublishedImage| PublishedImage {
            id_exact: !is_altered(image.id.0),
            evidence: Evidence::Tile,
            altitude_m: None,
            device: Device::default(),
            ..image
        };
        upload(&photos, "own", 1_000).into_iter().map(of_tile).chain(others()).collect::<Vec<PublishedImage>>()
    };
    let check = |case: &str, photos: &[Photo], is_altered: fn(u64) -> bool| {
        let images = seen(is_altered);
        let (outcome, ids) = matched(&[photos.to_vec()], &images, Lookup::Complete);
        for (row, id) in ids.iter().enumerate() {
            let verdict = outcome.verdicts.get(row);
            let listed = outcome.candidates_of(row);
            let listed = listed.iter().map(|candidate| candidate.image);
            let also = outcome.also_published.of(row).iter().copied();
            assert!(listed.chain(also).all(|image| !is_altered(images[image as usize].id.0)), "{case}, photo {row}");
            if is_altered(1_000 + row as u64) {
                assert_eq!((verdict.reason, verdict.probability), (Reason::LookupFailed, None), "{case}, photo {row}");
            } else {
                assert_eq!(*id, Some(1_000 + row as u64), "{case}, photo {row}");
            }
        }
    };
    check("none", &photos, |_| false);
    check("one in three", &photos, |id| id < 2_000 && id % 3 == 0);
    check("all", &photos, |id| id < 2_000);
    check("one in three, on a clock of its own", &shifted(&photos, 98_765_432, TimeKind::Wall), |id| {
        id < 2_000 && id % 3 == 0
    });
}

#[test]
fn one_upload_twice_is_one_match_and_one_mention() {
    let photos = ride(7, 60);
    let images: Vec<PublishedImage> =
        upload(&photos, "once", 1_000).into_iter().chain(upload(&photos, "again", 2_000)).collect();
    let (outcome, ids) = matched(std::slice::from_ref(&photos), &images, Lookup::Complete);
    let sequence = ids[0].unwrap() / 1_000;
    for (row, id) in ids.iter().enumerate() {
        assert_eq!(id.unwrap(), sequence * 1_000 + row as u64);
        assert_eq!(outcome.also_published.of(row).len(), 1);
    }
}

#[test]
fn neither_order_nor_threads_change_a_bit() {
    let tracks: Vec<Vec<Photo>> =
        (0..6).map(|k| shifted(&ride(20 + k, 50), k as i64 * 777_001, TimeKind::Wall)).collect();
    let mut images: Vec<PublishedImage> =
        (0..6).flat_map(|k| upload(&ride(20 + k, 50), &format!("s{k}"), 1_000 * (k + 1))).chain(others()).collect();
    let facts = |images: &[PublishedImage], threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let (outcome, ids) = pool.install(|| matched(&tracks, images, Lookup::Complete));
        let doubts: Vec<_> = outcome.verdicts.iter().map(|v| (v.reason, v.probability.map(f64::to_bits))).collect();
        (ids, doubts, outcome.tracks.iter().map(|track| track.clock_offset_ms).collect::<Vec<_>>())
    };
    let expected = facts(&images, 1);
    assert!(expected.0.iter().filter(|id| id.is_some()).count() > 290);
    for threads in [2, 8] {
        let mut numbers = Numbers(threads as u64);
        for k in (1..images.len()).rev() {
            images.swap(k, (numbers.next() * (k + 1) as f64) as usize);
        }
        assert_eq!(facts(&images, threads), expected, "{threads} threads, shuffled images");
    }
}

#[test]
fn the_true_sequence_is_always_asked_about() {
    let photos = ride(7, 60);
    let check = |case: &str, photos: &[Photo], change: &dyn Fn(&mut PublishedImage), most: usize| {
        let mut images = upload(&ride(7, 60), "own", 1_000);
        images.iter_mut().for_each(|image| {
            image.evidence = Evidence::Tile;
            (image.altitude_m, image.device) = (None, Device::default());
            change(image);
        });
        let images: Vec<PublishedImage> = others().into_iter().chain(images).collect();
        let tiles = columns(&images);
        let wanted = shortlist(&local_of(&[photos.to_vec()]), &tiles);
        let own = tiles.sequences.find(&SequenceId::new("own")).unwrap();
        assert!(wanted.contains(&own), "{case}");
        assert!(wanted.len() <= most, "{case}: {} sequences", wanted.len());
    };
    let odd = shifted(&photos, 98_765_432, TimeKind::Wall);
    check("a clock that is right", &photos, &|_| {}, 2);
    check("a clock far off", &odd, &|_| {}, 4);
    check("one photo", &photos[30..31], &|_| {}, 4);
    check("tiles without times", &odd, &|image| image.captured_at = None, 11);
    check("photos without times", &shifted(&photos, 0, TimeKind::None), &|_| {}, 11);
    let computed = |image: &mut PublishedImage| {
        image.computed = moved(image, 3.0);
        image.original = None;
    };
    check("adjusted places only", &odd, &computed, 4);
}

#[test]
fn the_naive_plan_fails_with_the_clock() {
    let photos = ride(7, 60);
    let published = columns(&upload(&photos, "own", 1_000));
    let found = |photos: Vec<Photo>| {
        let outcome = match_naive(&local_of(&[photos]), &published);
        outcome.verdicts.iter().filter(|verdict| verdict.image.is_some()).count()
    };
    assert_eq!(found(photos.clone()), 60);
    assert_eq!(found(shifted(&photos, 2 * HOUR_MS, TimeKind::Wall)), 0);
}
