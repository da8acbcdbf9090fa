//! What finding candidates costs, counted: a regression fails here without a clock.

mod worlds;

use image_matcher::candidate_pairs;
use worlds::{DAY_MS, MAY_18_MS, columns, local_of, photo_at, town, upload};

#[test]
fn the_tree_holds_runs_and_near_pairs_are_nearly_all_that_is_tested() {
    let world = town(20, 180, DAY_MS);
    let counts = candidate_pairs(&world.local, &world.published);
    let n_images = world.published.len();
    assert!(counts.n_runs * 48 <= n_images, "{counts:?} for {n_images} images");
    assert!(counts.n_kept >= world.n_published_own, "{counts:?}");
    // an own photo and its image, where it has one; within 620 ms there is hardly ever another
    assert!(counts.n_tested <= world.local.len(), "{counts:?} for {} photos", world.local.len());
    assert!(counts.n_stretches <= 4 * world.local.len().div_ceil(64), "{counts:?}");
}

#[test]
fn work_grows_with_both_sides_not_with_their_product() {
    let (small, large) = (town(10, 90, DAY_MS), town(40, 360, DAY_MS));
    let [small, large] = [small, large].map(|world| candidate_pairs(&world.local, &world.published));
    assert!(large.n_tested * 10 <= small.n_tested * 44, "{small:?} {large:?}");
    assert!(large.n_stretches * 10 <= small.n_stretches * 44, "{small:?} {large:?}");
}

#[test]
fn rides_at_one_time_cost_what_their_places_cost() {
    // all two hundred rides start within 20 s: time rules nobody out
    let world = town(20, 180, 100);
    let counts = candidate_pairs(&world.local, &world.published);
    assert!(counts.n_stretches <= 60 * world.local.len().div_ceil(64), "{counts:?}");
    assert!(counts.n_tested <= 60 * world.local.len(), "{counts:?}");
}

#[test]
fn a_clock_that_stands_does_not_pair_everything_with_everything() {
    let heap: Vec<_> = (0..3_000).map(|k| photo_at(f64::from(k % 50) * 0.2, 0.0, MAY_18_MS)).collect();
    let local = local_of(std::slice::from_ref(&heap));
    for per_sequence in [3_000, 300, 10] {
        let images: Vec<_> =
            heap.chunks(per_sequence).zip(0..).flat_map(|(part, k)| upload(part, &format!("{k}"), k * 3_000)).collect();
        let counts = candidate_pairs(&local, &columns(&images));
        assert!(counts.n_tested <= 192 * heap.len(), "{per_sequence} a sequence: {counts:?}");
    }
}
