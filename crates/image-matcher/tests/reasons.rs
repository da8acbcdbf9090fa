//! Every reason that the matcher gives, each by small worlds that yield it. A reason without a world does not compile.

mod worlds;

use capture_model::{Device, Evidence, ImageId, PublishedImage, Reason, SequenceId, TimeKind};
use image_matcher::Lookup;
use std::ops::Range;
use worlds::{DAY_MS, HOUR_MS, Numbers, Photo, beside, matched, moved, others, ride, shifted, upload};

/// Tracks, what is published beside the strangers' rides, and the photos of which one has the reason. Photo k of all is image
/// 1000 + k wherever it is published.
struct World {
    about: &'static str,
    tracks: Vec<Vec<Photo>>,
    own: Vec<PublishedImage>,
    lookup: Lookup,
    rows: Range<usize>,
}

/// One track of which photo 30 is looked at.
fn world(about: &'static str, photos: Vec<Photo>, own: Vec<PublishedImage>) -> World {
    World { about, tracks: vec![photos], own, lookup: Lookup::Complete, rows: 30..31 }
}

/// Worlds that yield a reason; `None` for what is no verdict of the matcher.
fn worlds_of(reason: Reason) -> Option<Vec<World>> {
    let photos = ride(7, 60);
    let own = || upload(&photos, "own", 1_000);
    let with = |change: &dyn Fn(&mut PublishedImage)| {
        let mut images = own();
        images.iter_mut().for_each(change);
        images
    };
    let without = |rows: std::ops::Range<usize>| {
        own().into_iter().enumerate().filter(|(k, _)| !rows.contains(k)).map(|(_, image)| image).collect::<Vec<_>>()
    };
    let wall = |by_ms: i64| shifted(&photos, by_ms, TimeKind::Wall);
    let untimed = || shifted(&photos, 0, TimeKind::None);
    let read = |lookup: Lookup| World { lookup, ..world("nothing is published", photos.clone(), Vec::new()) };
    let predicted = |drop: Reason| {
        let mut photos = photos.clone();
        photos[30].drop = Some(drop);
        vec![world("the uploader's rules drop it", photos, without(30..31))]
    };
    let worlds = match reason {
        Reason::Exact => vec![world("an untouched upload", photos.clone(), own())],
        Reason::ExactAfterReplay => vec![world("a wall clock in another zone", wall(2 * HOUR_MS), own())],
        Reason::Aligned => vec![
            world("a clock days and odd seconds off", wall(-3 * DAY_MS - 1_401_317), own()),
            world(
                "places that were sent otherwise",
                photos.clone(),
                with(&|image| image.original = moved(image, 0.8 * (image.id.0 % 3) as f64)),
            ),
        ],
        Reason::Adjusted => {
            let adjusted = with(&|image| {
                image.computed = moved(image, 2.0 + (image.id.0 % 20) as f64 / 20.0);
                image.original = None;
            });
            vec![world("adjusted places only", photos.clone(), adjusted)]
        }
        Reason::OrderOnly => vec![world("photos without times", untimed(), own())],
        Reason::TileOnly => {
            let of_tile = with(&|image| {
                image.evidence = Evidence::Tile;
                (image.altitude_m, image.device) = (None, Device::default());
                image.original = moved(image, 0.15 * (image.id.0 % 3) as f64 - 0.15);
            });
            vec![world("tiles only", photos.clone(), of_tile)]
        }
        Reason::TwinSet => {
            let mut photos = photos.clone();
            photos[31] = photos[30];
            let own = upload(&photos, "own", 1_000);
            vec![world("two of one moment and one place, both published", photos, own)]
        }
        Reason::Reuploaded => {
            let nudged = |from: usize| {
                let mut images = own();
                images.iter_mut().skip(from).step_by(5).for_each(|image| image.original = moved(image, 0.4));
                images
            };
            let again = nudged(1).into_iter().map(|image| PublishedImage {
                id: ImageId(image.id.0 + 1_000),
                sequence: Some(SequenceId::new("again")),
                ..image
            });
            let both = nudged(0).into_iter().chain(again).collect();
            vec![World {
                rows: 32..33,
                ..world("published twice, each copy nudged here and there", photos.clone(), both)
            }]
        }
        Reason::RigUndecidable => {
            let both = upload(&photos, "left", 1_000).into_iter().chain(upload(&photos, "right", 1_060));
            let tracks = vec![photos.clone(), photos.clone()];
            vec![World { tracks, ..world("two cameras that nothing tells apart", Vec::new(), both.collect()) }]
        }
        Reason::OffsetUndecided => {
            let laps = [photos.clone(), shifted(&photos, 312_345, TimeKind::Absolute)].concat();
            vec![world("one lap of two, on an unknown clock", wall(98_765), upload(&laps, "own", 1_000))]
        }
        Reason::BetweenNeighbours => {
            let (mut some, sent) = (untimed()[20..28].to_vec(), noisy(&photos, 10.0)[15..35].to_vec());
            some.iter_mut().for_each(|photo| photo.altitude_m = f64::NAN);
            vec![
                World {
                    rows: 1..2,
                    ..world("no times, and places further off than apart", some, upload(&sent, "own", 995))
                },
                two_of_one_second(photos, "two of one place within one second, one image", 0.0),
            ]
        }
        Reason::CompanionPossible => {
            let ridden: Vec<Photo> =
                noisy(&photos, 1.0).into_iter().map(|p| Photo { altitude_m: f64::NAN, ..p }).collect();
            let mut numbers = Numbers(9);
            let late = |photo: &Photo| Photo { time_ms: photo.time_ms + (40.0 * numbers.next()) as i64, ..*photo };
            let ridden: Vec<Photo> = ridden.iter().map(late).collect();
            vec![world("somebody who rode here then; perhaps the owner", photos.clone(), upload(&ridden, "own", 1_000))]
        }
        Reason::WeakEvidence => {
            let some = shifted(&photos[20..21], HOUR_MS, TimeKind::Wall);
            let sent = upload(&noisy(&photos[18..23], 6.0), "own", 998);
            vec![World { rows: 0..1, ..world("one photo on a wall clock, six metres off", some, sent) }]
        }
        Reason::NotPublishedYet => vec![world("nothing is published", photos.clone(), Vec::new())],
        Reason::NoCoverage => vec![read(Lookup::NoCoverage)],
        Reason::OutsideFetchedTiles => vec![read(Lookup::OutsideTiles)],
        Reason::LookupFailed => vec![read(Lookup::Failed)],
        Reason::InSequenceGap => vec![world("no time tells why it is missing", untimed(), without(30..31))],
        Reason::PartlyPublished => {
            vec![World { rows: 50..51, ..world("the end is missing", photos.clone(), without(40..60)) }]
        }
        Reason::DroppedDuplicate | Reason::DroppedByUploader => predicted(reason),
        Reason::DroppedByService => vec![world("one is missing", photos.clone(), without(30..31))],
        // places that were moved tell the two apart, but not beyond doubt
        Reason::IdTaken => {
            let mut world = two_of_one_second(photos, "two a step apart within one second, one image", 1.0);
            let mut numbers = Numbers(3);
            for image in &mut world.own {
                image.original = moved(image, 3.0 + 0.5 * numbers.next());
            }
            vec![world]
        }
        Reason::NoTimeAndWeak => {
            let sent: Vec<Photo> =
                noisy(&photos, 20.0).into_iter().map(|p| Photo { altitude_m: f64::NAN, ..p }).collect();
            let some = untimed()[..5].to_vec();
            vec![World {
                rows: 0..5,
                ..world("no times, and places that are far off", some, upload(&sent, "own", 1_000))
            }]
        }
        // The tracker's, and those of the scan: `tests/end_to_end/reasons.rs` yields them.
        Reason::Processing
        | Reason::FailedOnServer
        | Reason::PublishedNotInTiles
        | Reason::NoPlace
        | Reason::NullIsland
        | Reason::RejectedByUploader
        | Reason::Damaged
        | Reason::NotAnImage
        | Reason::NoPermission
        | Reason::ChangedWhileReading
        | Reason::Video => return None,
    };
    Some(worlds)
}

/// Photos 30 and 31 stand so far apart within one written second, and only the first became an image.
fn two_of_one_second(mut photos: Vec<Photo>, about: &'static str, apart_m: f64) -> World {
    let first = photos[30];
    photos[31] = Photo { time_ms: first.time_ms + 300, ..beside(&first, 0.0, apart_m) };
    let cut = |photo: &Photo| Photo { time_ms: photo.time_ms.div_euclid(1_000) * 1_000, ..*photo };
    let mut own = upload(&photos, "own", 1_000);
    own.remove(31);
    World { rows: 30..32, ..world(about, photos.iter().map(cut).collect(), own) }
}

/// The same photos so many metres off, each on its own.
fn noisy(photos: &[Photo], by_m: f64) -> Vec<Photo> {
    let mut numbers = Numbers(5);
    let off = |photo: &Photo| {
        let (east_m, north_m) = (by_m * numbers.normal(), by_m * numbers.normal());
        beside(photo, east_m, north_m)
    };
    photos.iter().map(off).collect()
}

#[test]
fn every_reason_has_a_world_that_yields_it() {
    for &reason in Reason::ALL {
        for world in worlds_of(reason).unwrap_or_default() {
            let World { about, tracks, own, lookup, rows } = world;
            let images: Vec<PublishedImage> =
                if lookup == Lookup::NoCoverage { own } else { own.into_iter().chain(others()).collect() };
            let (outcome, ids) = matched(&tracks, &images, lookup);
            let given: Vec<&str> = outcome.verdicts.iter().map(|verdict| verdict.reason.as_str()).collect();
            assert!(given[rows].contains(&reason.as_str()), "{reason}: {about}: {given:?}");
            for (row, id) in ids.iter().enumerate() {
                assert!(id.is_none_or(|id| id == 1_000 + row as u64), "{about}: photo {row} became {id:?}");
            }
        }
    }
}
