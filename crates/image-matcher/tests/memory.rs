//! What a match holds at its peak beside its input, counted: a machine's memory bounds the largest archive.

mod worlds;

use allocation_counter::measure;
use image_matcher::{Lookup, MatchSettings, match_images};
use worlds::{DAY_MS, country};

#[test]
fn a_match_holds_a_third_of_its_columns_beside_them() {
    let world = country(170, 760, DAY_MS, 50_000.0);
    let n_images = (world.local.len(), world.published.len());
    assert!(n_images.0 >= 20_000 && n_images.1 >= 100_000, "{n_images:?}");
    let lookups = vec![Lookup::Complete; world.local.len()];
    // one thread, so that all is counted
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
    one_thread.install(|| {
        let mut outcome = None;
        let counted = measure(|| {
            outcome = Some(match_images(&world.local, &world.published, &lookups, &MatchSettings::default()));
        });
        let verdicts = outcome.expect("it was matched").verdicts;
        let n_matched = verdicts.iter().filter(|verdict| verdict.image.is_some()).count();
        assert!(n_matched * 100 >= world.n_published_own * 99, "{n_matched} of {}", world.n_published_own);
        let of_columns = (world.local.n_bytes() + world.published.n_bytes()) as u64;
        let [at_peak, kept] = [counted.bytes_max, counted.bytes_current.unsigned_abs()];
        println!("{at_peak} bytes at the peak, {kept} kept, beside {of_columns} of columns");
        assert!(at_peak * 100 <= of_columns * 35, "{at_peak} bytes at the peak beside {of_columns} of columns");
    });
}
