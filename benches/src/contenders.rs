//! Other ways to find the image of each photo when clocks agree: within 50 m and 5 s, one to one, nearest first.
//!
//! All share the worlds, the gate and the last step, so that they differ in the index alone. Each answers the row of the
//! published image of each photo, and the CPU seconds of its index and of its queries.

use crate::World;
use crate::usage::cpu_s;
use kiddo::{ImmutableKdTree, SquaredEuclidean};
use rayon::prelude::*;
use rstar::primitives::GeomWithData;
use rstar::{AABB, RTree};

const GATE_M: f64 = 50.0;
const GATE_MS: i64 = 5_000;
/// How far places and times of one photo stray once clocks agree.
const NOISE_M: f64 = 50.0;
const NOISE_MS: f64 = 200.0;
const METRES_PER_DEGREE: f64 = 111_320.0;

/// What a contender found, and what it cost.
pub struct Found {
    /// Of each photo, the row of its image.
    pub image: Vec<Option<u32>>,
    /// CPU seconds of building the index.
    pub index_s: f64,
    /// CPU seconds of asking it.
    pub query_s: f64,
    /// CPU seconds of making the pairs one to one.
    pub assign_s: f64,
}

/// A pair within the gate.
#[derive(Clone, Copy)]
struct Pair {
    cost: f32,
    photo: u32,
    image: u32,
}

/// The pair, if it is within the gate.
fn pair(world: &World, photo: usize, image: usize) -> Option<Pair> {
    let (local, published) = (&world.local, &world.published);
    let lag_ms = published.captured_at_ms[image] - local.time_ms[photo];
    if lag_ms.abs() > GATE_MS {
        return None;
    }
    let north_m = (published.latitude[image] - local.latitude[photo]) * METRES_PER_DEGREE;
    let east_m = (published.longitude[image] - local.longitude[photo])
        * METRES_PER_DEGREE
        * local.latitude[photo].to_radians().cos();
    let distance_m2 = north_m * north_m + east_m * east_m;
    let cost = (lag_ms as f64 / NOISE_MS).powi(2) + distance_m2 / (NOISE_M * NOISE_M);
    (distance_m2 <= GATE_M * GATE_M).then_some(Pair { cost: cost as f32, photo: photo as u32, image: image as u32 })
}

/// Builds, asks for all photos on all cores, and assigns.
fn run<I: Sync>(world: &World, build: impl Fn() -> I, ask: impl Fn(&I, usize, &mut Vec<Pair>) + Sync) -> Found {
    let begin = cpu_s();
    let index = build();
    let built = cpu_s();
    let photos: Vec<usize> = (0..world.local.len()).collect();
    let mut pairs: Vec<Pair> = photos
        .par_chunks(4_096)
        .flat_map_iter(|photos| {
            let mut pairs = Vec::new();
            photos.iter().for_each(|&photo| ask(&index, photo, &mut pairs));
            pairs
        })
        .collect();
    let asked = cpu_s();
    pairs.sort_unstable_by(|a, b| a.cost.total_cmp(&b.cost).then((a.photo, a.image).cmp(&(b.photo, b.image))));
    let mut image = vec![None; world.local.len()];
    let mut is_taken = vec![false; world.published.len()];
    for pair in pairs {
        if image[pair.photo as usize].is_none() && !is_taken[pair.image as usize] {
            image[pair.photo as usize] = Some(pair.image);
            is_taken[pair.image as usize] = true;
        }
    }
    Found { image, index_s: built - begin, query_s: asked - built, assign_s: cpu_s() - asked }
}

/// Every photo against every image.
pub fn brute_force(world: &World) -> Found {
    let n = world.published.len();
    run(world, || (), |(), photo, pairs| pairs.extend((0..n).filter_map(|image| pair(world, photo, image))))
}

/// Images sorted by time, asked by binary search; space second.
pub fn time_sort(world: &World) -> Found {
    let build = || {
        let mut order: Vec<(i64, u32)> = world.published.captured_at_ms.iter().copied().zip(0..).collect();
        order.par_sort_unstable();
        order
    };
    run(world, build, |order, photo, pairs| {
        let time = world.local.time_ms[photo];
        let first = order.partition_point(|entry| entry.0 < time - GATE_MS);
        let near = order[first..].iter().take_while(|entry| entry.0 <= time + GATE_MS);
        pairs.extend(near.filter_map(|&(_, image)| pair(world, photo, image as usize)));
    })
}

/// East, north and time as metres; 10 m a second keeps the gates of space and time alike.
fn spot(longitude: f64, latitude: f64, time_ms: i64) -> [f64; 3] {
    const FIRST_MS: i64 = 1_388_534_400_000;
    let east_m = longitude * METRES_PER_DEGREE * latitude.to_radians().cos();
    [east_m, latitude * METRES_PER_DEGREE, (time_ms - FIRST_MS) as f64 / 100.0]
}

fn spots(world: &World) -> Vec<[f64; 3]> {
    let published = &world.published;
    (0..published.len())
        .map(|row| spot(published.longitude[row], published.latitude[row], published.captured_at_ms[row]))
        .collect()
}

/// rstar with one object per image: east, north, time.
pub fn rstar_points(world: &World) -> Found {
    let build = || {
        let points = spots(world).into_iter().zip(0_u32..);
        RTree::bulk_load(points.map(|(spot, row)| GeomWithData::new(spot, row)).collect())
    };
    run(world, build, |tree, photo, pairs| {
        let [x, y, t] = spot_of(world, photo);
        let wanted = AABB::from_corners([x - GATE_M, y - GATE_M, t - GATE_M], [x + GATE_M, y + GATE_M, t + GATE_M]);
        let near = tree.locate_in_envelope(wanted);
        pairs.extend(near.filter_map(|point| pair(world, photo, point.data as usize)));
    })
}

/// kiddo's immutable tree: east, north, time.
pub fn kiddo_points(world: &World) -> Found {
    let build = || -> ImmutableKdTree<f64, 3> {
        ImmutableKdTree::new_from_slice(&spots(world)).expect("places and times are finite")
    };
    run(world, build, |tree, photo, pairs| {
        let near = tree
            .query(&spot_of(world, photo))
            .within::<SquaredEuclidean<f64>>(2.0 * GATE_M * GATE_M)
            .unsorted()
            .execute();
        pairs.extend(near.iter().filter_map(|point| pair(world, photo, point.item as usize)));
    })
}

fn spot_of(world: &World, photo: usize) -> [f64; 3] {
    let local = &world.local;
    spot(local.longitude[photo], local.latitude[photo], local.time_ms[photo])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clocks, street_drives};

    #[test]
    fn contenders_agree_with_the_brute_force() {
        let world = street_drives(300, 2_000, Clocks::Exact, 7);
        let expected = brute_force(&world).image;
        assert!(expected.iter().flatten().count() > 200);
        for (name, find) in
            [("time sort", time_sort as fn(&World) -> Found), ("rstar", rstar_points), ("kiddo", kiddo_points)]
        {
            assert_eq!(find(&world).image, expected, "{name}");
        }
    }
}
