//! Clocks that stand: what thousands of photos of one time cost, in bytes asked for (in a process of its own: the count is of the
//! whole process), and that their doubt is told.

mod worlds;

use capture_model::{LocalImages, PublishedImage, Status, TimeKind};
use image_matcher::{Lookup, MatchOutcome, MatchSettings, match_images};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use worlds::{MAY_18_MS, Photo, columns, local_of, photo_at, upload};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Where and when the photos of a crowd are.
type Kind = (&'static str, fn(usize) -> Photo);

fn untimed(photo: Photo) -> Photo {
    Photo { time_ms: LocalImages::NO_TIME, kind: TimeKind::None, ..photo }
}

const KINDS: [Kind; 6] = [
    ("one time, one place", |_| photo_at(0.0, 0.0, MAY_18_MS)),
    ("one time along a street", |k| photo_at(k as f64, 0.0, MAY_18_MS)),
    ("one time, a heap", |k| photo_at((k % 61) as f64 * 0.2, (k / 61) as f64 * 0.2, MAY_18_MS)),
    ("one place", |k| photo_at(0.0, 0.0, MAY_18_MS + 1_000 * k as i64)),
    ("no time, one place", |_| untimed(photo_at(0.0, 0.0, 0))),
    ("no time, a heap", |k| untimed(photo_at((k % 61) as f64 * 0.2, (k / 61) as f64 * 0.2, 0))),
];

fn crowd((_, photo): Kind, n: usize) -> (Vec<Photo>, Vec<PublishedImage>) {
    let photos: Vec<Photo> = (0..n).map(photo).collect();
    let mut images = upload(&photos, "crowd", 1);
    let is_untimed = photos[0].kind == TimeKind::None;
    images.iter_mut().filter(|_| is_untimed).for_each(|image| image.captured_at = None);
    (photos, images)
}

/// What a match gives, and how many bytes it asks for.
fn cost(photos: &[Photo], images: &[PublishedImage]) -> (MatchOutcome, usize) {
    let (local, published) = (local_of(&[photos.to_vec()]), columns(images));
    let lookups = vec![Lookup::Complete; local.len()];
    let region = Region::new(ALLOCATOR);
    let outcome = match_images(&local, &published, &lookups, &MatchSettings::default());
    let n_bytes = region.change().bytes_allocated;
    (outcome, n_bytes)
}

#[test]
fn a_crowd_costs_what_its_photos_cost_and_tells_its_doubt() {
    const SMALL: usize = 400; // the square of it is far above what is compared whole
    for kind in KINDS {
        let name = kind.0;
        let (photos, images) = crowd(kind, SMALL);
        let (outcome, small) = cost(&photos, &images);
        let (more_photos, more_images) = crowd(kind, 2 * SMALL);
        let (_, large) = cost(&more_photos, &more_images);
        assert!(small <= 250_000 * SMALL, "{name}: {} bytes a photo", small / SMALL);
        assert!(large * 10 <= small * 26, "{name}: {small} bytes, of twice as many photos {large}");
        assert_eq!(outcome.verdicts.len(), SMALL, "{name}");
        let is_along = name == "one time along a street";
        let n_matched = outcome.verdicts.iter().filter(|verdict| verdict.image.is_some()).count();
        if is_along {
            assert_eq!(n_matched, SMALL, "places tell them apart");
        }
        if ["one time, one place", "no time, one place"].contains(&name) {
            let is_in_doubt = |verdict: image_matcher::Verdict| verdict.reason.status() == Status::Ambiguous;
            assert!(outcome.verdicts.iter().all(is_in_doubt), "nothing tells them apart, and they are there");
        }
        let backwards: Vec<PublishedImage> = images.iter().rev().cloned().collect();
        let ids = |outcome: &MatchOutcome, images: &[PublishedImage]| {
            let told = |verdict: image_matcher::Verdict| {
                (verdict.reason, verdict.probability, verdict.image.map(|image| images[image as usize].id))
            };
            outcome.verdicts.iter().map(told).collect::<Vec<_>>()
        };
        let (again, _) = cost(&photos, &backwards);
        assert_eq!(ids(&outcome, &images), ids(&again, &backwards), "{name}: the order of the input shows");
    }
    let now = |k: usize| photo_at(k as f64, 0.0, MAY_18_MS);
    let images = upload(&(0..900).map(now).collect::<Vec<_>>(), "street", 1);
    let part: Vec<Photo> = (300..600).map(now).collect();
    let n_matched = |outcome: &MatchOutcome| outcome.verdicts.iter().filter(|verdict| verdict.image.is_some()).count();
    assert_eq!(n_matched(&cost(&part, &images).0), part.len(), "others may hold the rest of a crowd");
    let here: Vec<Photo> = (0..60).map(|_| photo_at(0.0, 0.0, MAY_18_MS)).collect();
    let names_alone: Vec<Photo> = here.iter().copied().map(untimed).collect();
    let (outcome, _) = cost(&names_alone, &upload(&here, "heap", 1));
    assert_eq!(n_matched(&outcome), 0, "ids tell no order");
}
