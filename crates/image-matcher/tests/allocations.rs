//! What a match allocates, counted (in a process of its own: the count is of the whole process).

mod worlds;

use image_matcher::{Lookup, MatchSettings, match_images};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use worlds::{DAY_MS, town};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn a_photo_costs_few_allocations() {
    let world = town(10, 60, DAY_MS);
    let lookups = vec![Lookup::Complete; world.local.len()];
    let region = Region::new(ALLOCATOR);
    let outcome = match_images(&world.local, &world.published, &lookups, &MatchSettings::default());
    let n_allocations = region.change().allocations + region.change().reallocations;
    let n_matched = outcome.verdicts.iter().filter(|verdict| verdict.image.is_some()).count();
    assert!(n_matched * 100 >= world.n_published_own * 99, "{n_matched} of {}", world.n_published_own);
    let n_photos = world.local.len();
    assert!(n_allocations <= 18 * n_photos, "{n_allocations} for {n_photos} photos");
}
