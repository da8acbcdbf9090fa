//! The uploader's steps in their order, over the photos of one group (one folder, one camera, one clock).
//!
//! # Method
//! 1. Photos with a time and a place are sorted by time (of equal times in the given order, which is by file name), and
//!    equal times are spread.
//! 2. They are cut into sequences by time and size, drops are marked in each, and what is left is cut by distance; before
//!    0.14 distance is cut with time, and size last.
//! 3. A dropped photo still belongs somewhere: to the sequence of the kept photo before it, else of the one after it; a
//!    stretch without any kept photo is a sequence of its own.
//!
//! The uploader refuses photos without a time or a place. Here they still find their neighbours: untimed photos form
//! sequences in the given order, cut by distance alone; a photo without a place joins the sequence of the photo nearest in
//! time, if that is within the longest gap.

use crate::drops::{Points, average_speed_above_kmh, duplicates, zig_zags};
use crate::split::{by_distance, by_size_and_gap, is_far, pieces};
use crate::spread::spread;
use crate::{NullIslandRule, Rules};
use capture_model::Position;

/// What the rules look at in one photo.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Photo {
    /// Capture time in ms; one clock for the whole group.
    pub time_ms: Option<i64>,
    /// Place.
    pub position: Option<Position>,
    /// Heading, degrees.
    pub heading_deg: Option<f64>,
    /// Width times height; 0 when unknown.
    pub pixels: u64,
    /// Size of the file; 0 when unknown.
    pub bytes: u64,
}

/// The photos of one group, by their place in the order of base names.
///
/// A group may hold a million photos; whoever keeps them in another form need not copy them.
pub trait Photos {
    /// How many.
    fn count(&self) -> u32;
    /// One of them.
    fn photo(&self, index: u32) -> Photo;
    /// The place of one of them.
    fn position(&self, index: u32) -> Option<Position> {
        self.photo(index).position
    }
    /// The time of one of them.
    fn time_ms(&self, index: u32) -> Option<i64> {
        self.photo(index).time_ms
    }
}

impl Photos for [Photo] {
    fn count(&self) -> u32 {
        self.len() as u32
    }
    fn photo(&self, index: u32) -> Photo {
        self[index as usize]
    }
}

/// Why the uploader leaves a photo behind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Drop {
    /// It repeats this photo of the group (an index).
    Duplicate {
        /// Index of the photo that is kept.
        of: u32,
    },
    /// It lies at (0, 0).
    NullIsland,
    /// A photo of its sequence lies at (0, 0), and that version drops them all.
    NullIslandInSequence,
    /// Its sequence is faster than any car.
    TooFast {
        /// Average speed of the sequence, km/h.
        kmh: f32,
    },
    /// It jumps off the path and back.
    ZigZag,
}

/// What becomes of one photo.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Fate {
    /// Number of its sequence in the group, from 0 in the order of time; `None` when it joins none.
    pub sequence: Option<u32>,
    /// The time that is sent, ms on the group's clock; `None` without time or place.
    pub sent_time_ms: Option<i64>,
    /// Why it stays behind; `None` when it is sent.
    pub drop: Option<Drop>,
}

/// Replays the uploader on one group. `photos` come in the order of their base names; the answer has the same order.
///
/// ```
/// use capture_model::Position;
/// use uploader_replay::{Photo, Rules, replay_group};
/// let place = Position::from_lon_lat(-0.5591, 50.8966)?;
/// let at = |time_ms| Photo { time_ms: Some(time_ms), position: Some(place), ..Photo::default() };
/// let fates = replay_group([at(1_000), at(1_000), at(90_000)].as_slice(), &Rules::default());
/// assert_eq!(fates[1].sent_time_ms, Some(1_500)); // spread over the second
/// assert!(fates[1].drop.is_some()); // but a duplicate of the first: nothing moved
/// assert_eq!(fates[2].sequence, Some(1)); // more than 60 s later
/// # Ok::<(), capture_model::InvalidPosition>(())
/// ```
pub fn replay_group<P: Photos + ?Sized>(photos: &P, rules: &Rules) -> Vec<Fate> {
    let mut fates = vec![Fate::default(); photos.count() as usize];
    let mut timed: Vec<(i64, u32)> = Vec::new();
    for index in 0..photos.count() {
        if let (Some(time), Some(_)) = (photos.time_ms(index), photos.position(index)) {
            timed.push((time, index));
        }
    }
    timed.sort_unstable();
    let mut sent: Vec<i64> = timed.iter().map(|&(time, _)| time).collect();
    if rules.spreads_equal_times {
        spread(&mut sent);
    }
    for (&(_, index), &time) in timed.iter().zip(&sent) {
        fates[index as usize].sent_time_ms = Some(time);
    }
    let members: Vec<u32> = timed.iter().map(|&(_, index)| index).collect();
    let mut n_sequences = 0;
    for stretch in first_cut(&members, photos, &fates, rules) {
        let kept = mark_drops(&stretch, photos, &mut fates, rules);
        let parts = if rules.cuts_by_distance_last {
            by_distance(&kept, photos, rules)
        } else {
            by_size_and_gap(&kept, photos, rules, |_, _| 0)
        };
        number(&stretch, &parts, &mut fates, &mut n_sequences);
    }
    if timed.len() < fates.len() {
        number_untimed(photos, rules, &mut fates, &mut n_sequences);
        attach_placeless(photos, rules, &timed, &mut fates);
    }
    fates
}

fn gap_ms(fates: &[Fate], before: u32, after: u32) -> i64 {
    let time = |index: u32| fates[index as usize].sent_time_ms.unwrap_or(0);
    time(after).saturating_sub(time(before))
}

/// The cut before drops are looked for.
fn first_cut<P: Photos + ?Sized>(members: &[u32], photos: &P, fates: &[Fate], rules: &Rules) -> Vec<Vec<u32>> {
    if rules.cuts_by_distance_last {
        return by_size_and_gap(members, photos, rules, |before, after| gap_ms(fates, before, after));
    }
    pieces(members, |before, after| {
        gap_ms(fates, before, after) > rules.max_gap_ms || is_far(photos, rules, before, after)
    })
}

/// Marks what stays behind; answers what is kept, in order.
fn mark_drops<P: Photos + ?Sized>(stretch: &[u32], photos: &P, fates: &mut [Fate], rules: &Rules) -> Vec<u32> {
    let mut kept = stretch.to_vec();
    let mut points = Points::of(&kept, photos);
    if rules.null_island != NullIslandRule::Kept && points.has_null_island() {
        let is_null = |index: u32| photos.position(index).is_some_and(Position::is_null_island);
        for &index in stretch {
            if is_null(index) {
                fates[index as usize].drop = Some(Drop::NullIsland);
            } else if rules.null_island == NullIslandRule::DropsSequence {
                fates[index as usize].drop = Some(Drop::NullIslandInSequence);
            }
        }
        kept.retain(|&index| fates[index as usize].drop.is_none());
        points = Points::of(&kept, photos);
    }
    let repeated = duplicates(&kept, &mut points, photos, rules);
    if !repeated.is_empty() {
        for (index, of) in repeated {
            fates[index as usize].drop = Some(Drop::Duplicate { of });
        }
        points.retain(|at| fates[kept[at] as usize].drop.is_none());
        kept.retain(|&index| fates[index as usize].drop.is_none());
    }
    let time = |index: u32| fates[index as usize].sent_time_ms.unwrap_or(0);
    if let Some(kmh) = average_speed_above_kmh(rules.max_speed_kmh, &kept, &mut points, time) {
        for index in kept.drain(..) {
            fates[index as usize].drop = Some(Drop::TooFast { kmh: kmh as f32 });
        }
    }
    if rules.drops_zig_zag {
        let off = zig_zags(&kept, &mut points);
        if !off.is_empty() {
            for index in off {
                fates[index as usize].drop = Some(Drop::ZigZag);
            }
            kept.retain(|&index| fates[index as usize].drop.is_none());
        }
    }
    kept
}

/// Numbers the parts of a stretch; dropped photos go with the kept one before them, else with the first.
fn number(stretch: &[u32], parts: &[Vec<u32>], fates: &mut [Fate], n_sequences: &mut u32) {
    let first = *n_sequences;
    for part in parts {
        for &index in part {
            fates[index as usize].sequence = Some(*n_sequences);
        }
        *n_sequences += 1;
    }
    if parts.is_empty() && !stretch.is_empty() {
        *n_sequences += 1;
    }
    let mut current = first;
    for &index in stretch {
        let fate = &mut fates[index as usize];
        current = fate.sequence.unwrap_or(current);
        fate.sequence = Some(current);
    }
}

/// Sequences of photos without a time: in the given order, cut by distance; (0, 0) is no distance.
fn number_untimed<P: Photos + ?Sized>(photos: &P, rules: &Rules, fates: &mut [Fate], n_sequences: &mut u32) {
    let is_untimed = |photo: &Photo| photo.time_ms.is_none() && photo.position.is_some();
    let is_null = |index: u32| photos.photo(index).position.is_some_and(Position::is_null_island);
    let untimed: Vec<u32> = (0..photos.count()).filter(|&index| is_untimed(&photos.photo(index))).collect();
    let (null, placed): (Vec<u32>, Vec<u32>) = untimed.iter().partition(|&&index| is_null(index));
    for index in null {
        fates[index as usize].drop = Some(Drop::NullIsland);
    }
    number(&untimed, &by_distance(&placed, photos, rules), fates, n_sequences);
}

/// A photo with a time but no place joins the sequence of its nearest neighbour in time.
fn attach_placeless<P: Photos + ?Sized>(photos: &P, rules: &Rules, timed: &[(i64, u32)], fates: &mut [Fate]) {
    for index in 0..photos.count() {
        let photo = photos.photo(index);
        let (Some(time), None) = (photo.time_ms, photo.position) else { continue };
        let after = timed.partition_point(|&(other, _)| other < time);
        let distance = |at: usize| timed.get(at).map(|&(other, who)| (other.abs_diff(time), at, who));
        let nearest = [after.checked_sub(1).and_then(distance), distance(after)].into_iter().flatten().min();
        if let Some((gap, _, who)) = nearest
            && gap <= rules.max_gap_ms.unsigned_abs()
        {
            fates[index as usize].sequence = fates[who as usize].sequence;
        }
    }
}

#[cfg(test)]
mod tests;
