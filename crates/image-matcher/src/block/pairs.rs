//! The pairs of a block: a photo and the images that its time allows.

use super::Work;
use crate::crowd::{Crowd, NEAREST};
use std::ops::Range;

/// Half of the window about the offset that was voted, ms.
pub(crate) const WINDOW_MS: i64 = 1_700;
/// A block of so many pairs is compared whole, whatever stands in it.
const MOST_PAIRS: usize = 100_000;
/// More images within the window of a photo, or photos that see the same images, are no burst: a clock stands.
const MOST_SEEN: usize = 128;

/// The images that a photo sees, as ranks in their sequence.
struct Sight {
    photo: u32,
    images: Range<u32>,
}

/// Pairs within the window of the offset that was voted, by photo and rank; lags are kept against the snapped one. Photos of a
/// crowd are paired with the nearest images alone.
pub(super) fn pair_by_time(work: &mut Work<'_>, voted_ms: i64, offset_ms: i64) {
    let (ride, side, first, n_images) = (work.ride, work.side, work.first, work.times_ms.len());
    let sights = sights(work, voted_ms);
    let n_pairs: usize = sights.iter().map(|sight| sight.images.len()).sum();
    let expected = n_pairs.min(MOST_PAIRS.max(sights.len() * MOST_SEEN));
    work.photo.reserve(expected);
    work.rank.reserve(expected);
    work.lag_s.reserve(expected);
    let mut pair = |photo: u32, rank: u32| {
        work.photo.push(photo);
        work.rank.push(rank);
        let lag_ms = work.times_ms[rank as usize] - ride.time_ms[photo as usize] - offset_ms;
        work.lag_s.push(lag_ms as f64 / 1000.0);
    };
    if n_pairs <= MOST_PAIRS {
        sights.into_iter().for_each(|sight| sight.images.for_each(|rank| pair(sight.photo, rank)));
        return;
    }
    let points = |rank: u32| side.points(first + rank as usize, &ride.anchor).map(|place| (rank, place));
    let mut known: Option<(Range<u32>, Crowd)> = None;
    let mut nearest = Vec::new();
    for alike in sights.chunk_by(|a, b| a.images == b.images) {
        let images = &alike[0].images;
        if images.len() <= NEAREST || images.len().max(alike.len()) <= MOST_SEEN {
            alike.iter().for_each(|sight| images.clone().for_each(|rank| pair(sight.photo, rank)));
            continue;
        }
        // images that are seen soon are taken in too, so that each is taken in a few times at most
        let holds = |known: &Range<u32>| {
            known.start <= images.start && images.end <= known.end && known.len() <= 4 * images.len()
        };
        let (_, crowd) = match known {
            Some(ref held) if holds(&held.0) => held,
            _ => {
                let end = (images.end + images.len() as u32).min(n_images as u32);
                let crowd = Crowd::new((images.start..end).flat_map(points));
                known.insert((images.start..end, crowd))
            }
        };
        for (at, sight) in alike.iter().enumerate() {
            let share = at as f64 / alike.len() as f64;
            crowd.nearest(ride.place()[sight.photo as usize], images, NEAREST, share, &mut nearest);
            nearest.iter().for_each(|&rank| pair(sight.photo, rank));
        }
    }
}

/// What each photo sees; those that see nothing are left out.
fn sights(work: &Work<'_>, voted_ms: i64) -> Vec<Sight> {
    let (ride, times_ms) = (work.ride, &*work.times_ms);
    let mut sights = Vec::with_capacity(ride.len().min(4 * times_ms.len()));
    let (mut first, mut end) = (0, 0); // both sides are in order of time
    for (photo, &time) in ride.time_ms.iter().enumerate() {
        let window = WINDOW_MS.max((ride.width_s(photo) * 1000.0) as i64);
        let middle = time.saturating_add(voted_ms);
        let (first_ms, last_ms) = (middle.saturating_sub(window), middle.saturating_add(window));
        while first > 0 && times_ms[first - 1] >= first_ms {
            first -= 1; // a wider window than the one before
        }
        while first < times_ms.len() && times_ms[first] < first_ms {
            first += 1;
        }
        end = end.max(first);
        while end > first && times_ms[end - 1] > last_ms {
            end -= 1;
        }
        while end < times_ms.len() && times_ms[end] <= last_ms {
            end += 1;
        }
        if first < end {
            sights.push(Sight { photo: photo as u32, images: first as u32..end as u32 });
        }
    }
    sights
}
