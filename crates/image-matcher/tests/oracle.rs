//! The whole matcher against brute force, on worlds small enough that every hypothesis can be tried.
//!
//! The oracle knows how the worlds are made. It tries every sequence, every clock offset that any pair of photo and image
//! gives, and every pairing that keeps the order of time, one by one and without any of the matcher's shortcuts: no votes,
//! no index, no dynamic programme. Its posterior of a pair is the share of all that weight which holds the pair.
//!
//! What the oracle finds at fault is a list of words, so that a second test can spoil answers on purpose and see that none
//! of it passes.

mod worlds;

use capture_model::{PublishedImage, TimeKind};
use image_matcher::Lookup;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;
use worlds::{DAY_MS, HOUR_MS, MAY_18_MS, Numbers, Photo, apart_m2, beside, matched, photo_at, upload};

/// Rounding to 7 decimals, on both axes.
const ROUNDING_M: f64 = 0.01;
const WORLDS: u64 = 300;
/// Of the rides on a clock of whole hours, the share whose photos have whole seconds, and that of whose images; and the share
/// of those on odd clocks that take part in this.
const CUT: [f64; 2] = [0.5, 0.3];
const CUT_ODD: f64 = 1.0;
/// The share of rides with two or three photos a second.
const FAST: f64 = 0.0;

/// A few photos, a few sequences, and the truth.
struct World {
    photos: Vec<Photo>,
    sequences: Vec<Vec<Photo>>,
    /// Of each photo, (sequence, image).
    truth: Vec<Option<(usize, usize)>>,
    noise_m: f64,
    /// Whether the clock is off by whole hours; the oracle knows.
    is_zone: bool,
    /// Whether the times of the photos, and of the images, were cut to the second.
    cut: [bool; 2],
}

impl World {
    fn is_cut(&self) -> bool {
        self.cut[0] || self.cut[1]
    }

    /// How far the time of a photo's image may lie from the photo's, ms, beside the offset.
    fn slack_ms(&self) -> Range<i64> {
        let [photos, images] = self.cut.map(|is_cut| if is_cut { 999 } else { 0 });
        -images..photos + 1
    }
}

/// Five to eight photos of a ride on a clock of its own; photos, images or both in whole seconds now and then. Their upload lost some and may have moved
/// each by some metres; others rode nearby, one of them along the same road at another time.
fn world(seed: u64) -> World {
    let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let pace = if numbers.next() < FAST { 0.3 } else { 1.0 };
    let ride = |numbers: &mut Numbers, n: usize, start_ms: i64| {
        let (mut east_m, mut north_m) = (80.0 * numbers.next(), 80.0 * numbers.next());
        let (mut turn, mut time_ms) = (6.3 * numbers.next(), start_ms);
        let step = |_| {
            turn += numbers.next() - 0.5;
            east_m += (4.0 + 4.0 * numbers.next()) * turn.sin();
            north_m += (4.0 + 4.0 * numbers.next()) * turn.cos();
            time_ms += (pace * (1_000.0 + 900.0 * numbers.next())) as i64;
            photo_at(east_m, north_m, time_ms)
        };
        (0..n).map(step).collect::<Vec<Photo>>()
    };
    let start_ms = MAY_18_MS + (seed as i64 % 97) * 1_234_567;
    let n_photos = 5 + (4.0 * numbers.next()) as usize;
    let taken = ride(&mut numbers, n_photos, start_ms);
    let offset_ms = match (4.0 * numbers.next()) as u8 {
        0 => 0,
        1 => HOUR_MS * (12.0 * numbers.next() - 6.0) as i64,
        _ => (1e8 * numbers.next()) as i64 - 50_000_000,
    };
    let noise_m = if numbers.next() < 0.5 { 0.0 } else { 1.0 };
    // on an odd clock in whole seconds, metres do not tell yesterday's ride from today's
    let is_zone = offset_ms % HOUR_MS == 0;
    let may_be_cut = is_zone || (noise_m == 0.0 && numbers.next() < CUT_ODD);
    let cut = CUT.map(|share| may_be_cut && numbers.next() < share);
    let moved = |photo: &Photo, numbers: &mut Numbers, by_m: f64| {
        let (east_m, north_m) = (by_m * numbers.normal(), by_m * numbers.normal());
        if by_m > 0.0 { beside(photo, east_m, north_m) } else { *photo }
    };
    let (mut own, mut truth) = (Vec::new(), vec![None; n_photos]);
    for (number, photo) in taken.iter().enumerate() {
        if numbers.next() < 0.85 {
            truth[number] = Some((0, own.len()));
            own.push(moved(photo, &mut numbers, noise_m));
        }
    }
    let again: Vec<Photo> = taken
        .iter()
        .map(|photo| {
            let later_ms = DAY_MS + 40_000 + (700.0 * numbers.next()) as i64;
            Photo { time_ms: photo.time_ms + later_ms, ..moved(photo, &mut numbers, 2.0) }
        })
        .collect();
    let mut sequences = vec![own, again];
    for _ in 0..3 {
        let others_ms = start_ms + (2e9 * numbers.next()) as i64 - 1_000_000_000;
        sequences.push(ride(&mut numbers, 8, others_ms));
    }
    let written = |time_ms: i64, is_cut: bool| if is_cut { time_ms.div_euclid(1_000) * 1_000 } else { time_ms };
    let on_the_wall = |photo: Photo| {
        let time_ms = written(photo.time_ms - offset_ms, cut[0]);
        Photo { time_ms, kind: TimeKind::Wall, ..photo }
    };
    sequences.iter_mut().flatten().for_each(|image| image.time_ms = written(image.time_ms, cut[1]));
    World { photos: taken.into_iter().map(on_the_wall).collect(), sequences, truth, noise_m, is_zone, cut }
}

/// Log weight of a pair: how much likelier its places are for one photo than for two within 80 m, and that both exist.
fn log_weight(world: &World, photo: &Photo, image: &Photo) -> f64 {
    let sigma_m = world.noise_m.max(ROUNDING_M);
    let one = -apart_m2(photo, image) / (2.0 * sigma_m * sigma_m) - (std::f64::consts::TAU * sigma_m * sigma_m).ln();
    one + (std::f64::consts::PI * 80.0 * 80.0).ln() + 3.0
}

/// Adds the weight of every pairing that rises on both sides, one by one: to `all`, and to each pair that it holds.
fn pairings(
    allowed: &[(usize, usize, f64)],
    from: usize,
    chosen: &mut Vec<usize>,
    weight: f64,
    told: &mut dyn FnMut(&[usize], f64),
) {
    told(chosen, weight);
    for next in from..allowed.len() {
        let (photo, image, own) = allowed[next];
        let rises = chosen.last().is_none_or(|&last| allowed[last].0 < photo && allowed[last].1 < image);
        if rises {
            chosen.push(next);
            pairings(allowed, next + 1, chosen, weight * own.exp(), told);
            chosen.pop();
        }
    }
}

/// Every offset that some pair allows, and how probable it is beforehand: to the millisecond; where times were cut, whole
/// quarter hours or every stretch of odd ones that allows the same pairs.
fn offsets(world: &World, images: &[Photo]) -> BTreeMap<i64, f64> {
    const QUARTER_MS: i64 = HOUR_MS / 4;
    let prior = |offset_ms: i64| {
        let is_zone = offset_ms % QUARTER_MS == 0 && offset_ms.abs() <= 14 * HOUR_MS;
        (offset_ms, if is_zone { 0.01 } else { 1e-8 }) // an odd offset may be any millisecond of days
    };
    let differences = world.photos.iter().flat_map(|photo| images.iter().map(|image| image.time_ms - photo.time_ms));
    if !world.is_cut() {
        return differences.map(prior).collect();
    }
    if world.is_zone {
        let quarters = |by_ms: i64| [0, 1].map(|more| prior((by_ms.div_euclid(QUARTER_MS) + more) * QUARTER_MS));
        return differences.flat_map(quarters).collect();
    }
    // A pair is allowed from one offset to another; between two such ends nothing changes.
    let slack_ms = world.slack_ms();
    let ends: BTreeSet<i64> =
        differences.flat_map(|by_ms| [by_ms - slack_ms.end + 1, by_ms - slack_ms.start + 1]).collect();
    ends.iter().zip(ends.iter().skip(1)).map(|(&from, to)| (from, 1e-8 * (to - from) as f64)).collect()
}

/// Posterior of each (photo, sequence, image), by trying everything.
fn oracle(world: &World) -> Vec<Vec<Vec<f64>>> {
    let mut sums: Vec<Vec<Vec<f64>>> =
        world.photos.iter().map(|_| world.sequences.iter().map(|images| vec![0.0; images.len()]).collect()).collect();
    let mut all = 1.0; // nothing is published
    for (number, images) in world.sequences.iter().enumerate() {
        for (offset_ms, prior) in offsets(world, images) {
            let mut allowed = Vec::new();
            for (number, photo) in world.photos.iter().enumerate() {
                let meets = |image: &&Photo| world.slack_ms().contains(&(image.time_ms - photo.time_ms - offset_ms));
                for (place, image) in images.iter().enumerate().filter(|(_, image)| meets(image)) {
                    allowed.push((number, place, log_weight(world, photo, image)));
                }
            }
            pairings(&allowed, 0, &mut Vec::new(), prior, &mut |chosen, weight| {
                if !chosen.is_empty() {
                    all += weight;
                    chosen.iter().for_each(|&pair| sums[allowed[pair].0][number][allowed[pair].1] += weight);
                }
            });
        }
    }
    sums.iter_mut().flatten().flatten().for_each(|sum| *sum /= all);
    sums
}

/// The (sequence, image) that a photo is given, and how sure that is.
type Given = Option<(usize, usize, f64)>;
/// That of each photo.
type Answer = Vec<Given>;

/// What the matcher says.
fn answer(world: &World) -> Answer {
    let images: Vec<PublishedImage> = (1..)
        .zip(&world.sequences)
        .flat_map(|(number, images)| upload(images, &format!("s{number}"), number * 1_000))
        .collect();
    let (outcome, ids) = matched(std::slice::from_ref(&world.photos), &images, Lookup::Complete);
    let given = |(id, sure): (u64, f64)| ((id / 1_000) as usize - 1, (id % 1_000) as usize, sure);
    let sure = outcome.verdicts.iter().map(|verdict| verdict.probability);
    ids.into_iter().zip(sure).map(|(id, sure)| id.zip(sure).map(given)).collect()
}

/// A world, what brute force holds of it, and what the matcher says.
struct Tried {
    world: World,
    posterior: Vec<Vec<Vec<f64>>>,
    answer: Answer,
}

static TRIED: LazyLock<Vec<Tried>> = LazyLock::new(|| {
    let tried = |seed| {
        let world = world(seed);
        Tried { posterior: oracle(&world), answer: answer(&world), world }
    };
    (0..WORLDS).map(tried).collect()
});

/// What trying everything finds at fault with the answers, one for each world of [`TRIED`]: an image that it holds for
/// unlikely, an image given twice, photos that it is certain of and that were not found, and more said to be sure than is.
fn faults(answers: &[Answer]) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut said, mut held, mut n_given) = (0.0, 0.0, 0);
    let (mut n_certain, mut n_found) = ([0; 2], [0; 2]); // to the millisecond, and in whole seconds
    for (seed, (tried, answer)) in TRIED.iter().zip(answers).enumerate() {
        let mut used = BTreeSet::new();
        for (photo, given) in answer.iter().enumerate() {
            let posterior = &tried.posterior[photo];
            let name = format!("world {seed}, photo {photo}");
            if let Some((sequence, image, sure)) = *given {
                let truly = posterior[sequence][image];
                if truly <= 0.5 {
                    faults.push(format!("{name}: s{sequence} image {image} at {truly:.4} by brute force"));
                }
                if !used.insert((sequence, image)) {
                    faults.push(format!("{name}: s{sequence} image {image} is given twice"));
                }
                (said, held, n_given) = (said + sure, held + truly, n_given + 1);
            }
            let best = posterior.iter().flatten().copied().fold(0.0, f64::max);
            if tried.world.noise_m == 0.0 && best > 0.999_9 {
                let is_found = given.is_some_and(|(sequence, image, _)| posterior[sequence][image] == best);
                n_certain[usize::from(tried.world.is_cut())] += 1;
                n_found[usize::from(tried.world.is_cut())] += usize::from(is_found);
            }
        }
    }
    for (kind, (found, certain)) in ["to the millisecond", "in whole seconds"].iter().zip(n_found.iter().zip(n_certain))
    {
        if found * 100 < certain * 99 {
            faults.push(format!("{kind}: {found} of {certain} certain ones were found"));
        }
    }
    if said > held + 0.005 * f64::from(n_given) {
        faults.push(format!("{n_given} were given at {said:.1}, and {held:.1} are true by brute force"));
    }
    eprintln!("{n_given} given at {said:.1} ({held:.1}), {n_found:?} of {n_certain:?} certain ones found");
    faults
}

fn answers() -> Vec<Answer> {
    TRIED.iter().map(|tried| tried.answer.clone()).collect()
}

/// The matcher gives no image that trying everything holds for unlikely, is no surer than that, and finds nearly all that it
/// holds for certain where places are exact.
#[test]
fn the_matcher_agrees_with_trying_everything() {
    let answers = answers();
    assert_eq!(faults(&answers), Vec::<String>::new());
    let n_given = answers.iter().flatten().flatten().count();
    assert!(n_given > 1_000, "{n_given} were given");
}

/// A matcher that errs is caught, however little it errs: one photo of one world is enough.
#[test]
fn no_spoilt_answer_passes() {
    let told_off = |case: &str, world: usize, spoil: &dyn Fn(&mut Answer) -> bool| {
        let mut all = answers();
        if spoil(&mut all[world]) {
            assert_ne!(faults(&all), Vec::<String>::new(), "{case}, world {world}");
        }
    };
    for world in (0..WORLDS as usize).step_by(7) {
        let lengths: Vec<usize> = TRIED[world].world.sequences.iter().map(Vec::len).collect();
        let first = |answer: &mut Answer| answer.iter().position(Option::is_some);
        told_off("a neighbour's image", world, &|answer| {
            let Some(photo) = first(answer) else { return false };
            let (sequence, image, sure) = answer[photo].unwrap();
            let image = if image + 1 < lengths[sequence] { image + 1 } else { image.wrapping_sub(1) };
            answer[photo] = Some((sequence, image, sure)).filter(|_| image < lengths[sequence]);
            answer[photo].is_some()
        });
        told_off("a whole ride shifted by one", world, &|answer| {
            answer.rotate_left(1);
            answer.iter().flatten().count() > 1
        });
        told_off("yesterday's ride", world, &|answer| {
            let Some(photo) = first(answer) else { return false };
            answer[photo] = Some((1, photo.min(lengths[1] - 1), 0.99));
            true
        });
        told_off("an image used twice", world, &|answer| {
            let given: Vec<usize> = (0..answer.len()).filter(|&photo| answer[photo].is_some()).collect();
            let [one, other, ..] = given[..] else { return false };
            answer[one] = answer[other];
            true
        });
    }
    let spoilt = |case: &str, spoil: &dyn Fn(usize, &mut Given)| {
        let mut all = answers();
        all.iter_mut().flatten().enumerate().for_each(|(k, given)| spoil(k, given));
        assert_ne!(faults(&all), Vec::<String>::new(), "{case}");
    };
    spoilt("two in a hundred are left out", &|k, given| *given = given.filter(|_| k % 50 != 0));
    spoilt("nothing is given", &|_, given| *given = None);
    spoilt("one in fifty of another sequence", &|k, given| {
        if k % 50 == 0 {
            *given = given.map(|(sequence, image, sure)| (sequence + 1, image.min(4), sure));
        }
    });
}

/// The oracle itself is right about what it calls certain; otherwise it would be no oracle.
#[test]
fn what_trying_everything_is_sure_of_is_true() {
    let (mut said, mut right, mut rows) = (0.0, 0.0, 0.0);
    for (seed, tried) in TRIED.iter().enumerate() {
        for (photo, truth) in tried.world.truth.iter().enumerate() {
            for (sequence, images) in tried.posterior[photo].iter().enumerate() {
                for (image, &sure) in images.iter().enumerate() {
                    let is_true = *truth == Some((sequence, image));
                    assert!(is_true || sure < 0.9, "world {seed}, photo {photo}: s{sequence} image {image} at {sure}");
                    (said, right, rows) = (said + sure, right + f64::from(u8::from(is_true)), rows + 1.0);
                }
            }
        }
    }
    assert!((said / right - 1.0).abs() < 0.02, "{said} said, {right} true, of {rows}");
}
