//! The order of the match: rides, votes, blocks, rivals, verdicts.

use crate::agreement::confirm;
use crate::block::Block;
use crate::evidence::{Evidence, evidence_of};
use crate::explore::{Explored, explore, pack};
use crate::left_over::left_over;
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::rivals::{Standing, standings};
use crate::runs::Index;
use crate::second_clock::on_other_clocks;
use crate::settle::settle;
use crate::turned::turned_beside_copies;
use crate::without_time::{are_some_untimed, explore_without_time, pair_without_time};
use crate::{ClockOffset, Lookup, MatchOutcome, MatchSettings};
use capture_model::{Device, LocalImages, PublishedImages, TimeKind};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Blocks as strong as this need no second look once the camera's other folders are known.
const DECIDED: f64 = 25.0;
/// Offsets this near are one.
const SAME_CLOCK_MS: i64 = 1_000;

/// Rides that are looked at one after the other, so that what was found lies together: many enough for that, few enough to
/// keep all cores busy.
const RIDES_AT_ONCE: usize = 64;
const PIECES: usize = 256;

/// Which published image is each photo: one to one, with a probability and a reason.
///
/// `lookups` says, for each local row, whether its surroundings were read whole; it decides how absence is worded. The
/// outcome is a pure function of the input: neither its order nor the number of threads changes a bit.
pub fn match_images(
    local: &LocalImages,
    published: &PublishedImages,
    lookups: &[Lookup],
    settings: &MatchSettings,
) -> MatchOutcome {
    match_telling(local, published, lookups, settings, false, |_, _, _| ()).0
}

/// The same, and what spoke for and against each verdict.
pub fn match_with_evidence(
    local: &LocalImages,
    published: &PublishedImages,
    lookups: &[Lookup],
    settings: &MatchSettings,
) -> (MatchOutcome, Evidence) {
    match_telling(local, published, lookups, settings, true, |side, rides, standings| {
        evidence_of(local, side, rides, standings)
    })
}

fn match_telling<T>(
    local: &LocalImages,
    published: &PublishedImages,
    lookups: &[Lookup],
    settings: &MatchSettings,
    keeps_terms: bool,
    tell: impl FnOnce(&PublishedSide, &[Ride], &[Standing]) -> T,
) -> (MatchOutcome, T) {
    let published_side = || {
        let side = PublishedSide::new(published);
        let index = Index::new(&side); // partly on one core: rides keep the others busy
        (side, index)
    };
    let own_side =
        || (0..local.n_tracks()).into_par_iter().flat_map_iter(|track| Ride::of_track(local, track)).collect();
    let ((side, index), mut rides): (_, Vec<Ride>) = rayon::join(published_side, own_side);
    let look = |ride: &mut Ride, agreed: &[i64]| {
        let found = explore(ride, &side, &index, settings, agreed);
        ride.forget_looks();
        found
    };
    let at_once = (rides.len() / PIECES).clamp(1, RIDES_AT_ONCE);
    let look_at_some = |rides: &mut [Ride]| {
        let mut found: Vec<Explored> = rides.iter_mut().map(|ride| look(ride, &[])).collect();
        pack(&mut found, keeps_terms);
        found
    };
    let mut explored: Vec<Explored> = rides.par_chunks_mut(at_once).flat_map_iter(look_at_some).collect();
    if settings.clock_offset == ClockOffset::Auto {
        let votes = ClockVotes::new(&rides, &explored);
        let before: Vec<Option<Explored>>;
        (explored, before) = rides
            .par_iter_mut()
            .enumerate()
            .zip(explored)
            .map(|((number, ride), first)| {
                let agreed = if is_decided(&first) { Vec::new() } else { votes.of_others(number, ride) };
                if agreed.is_empty() {
                    return (first, None);
                }
                (look(ride, &agreed), Some(first))
            })
            .unzip();
        let clocks: Vec<Clock> = rides.iter().map(clock_of).collect();
        confirm(&mut explored, before, &clocks);
        continuations(&rides, &mut explored);
        turned_beside_copies(&mut explored, &clocks);
        let left: Vec<_> = rides
            .par_iter()
            .zip(&explored)
            .filter_map(|(ride, found)| left_over(ride, found, &side, &index, settings))
            .collect();
        let known = offsets_of_clocks(&rides, &explored);
        let of_others: Vec<_> = rides
            .par_iter()
            .zip(explored.par_iter_mut())
            .flat_map_iter(|(ride, found)| {
                let offsets_ms = known.get(&clock_of(ride)).map_or(&[][..], Vec::as_slice);
                on_other_clocks(ride, found, offsets_ms, &side, &index, settings)
            })
            .collect();
        for (ride, found) in left.into_iter().chain(of_others) {
            rides.push(ride);
            explored.push(found);
        }
    }
    let are_some_untimed = are_some_untimed(&side);
    rides.par_iter().zip(explored.par_iter_mut()).filter(|_| are_some_untimed).for_each(|(ride, found)| {
        explore_without_time(ride, &side, &index, settings, found);
        pair_without_time(ride, &side, found);
    });
    let standings = standings(&rides, explored, &side, &settings.weights);
    let told = tell(&side, &rides, &standings);
    rides.par_iter_mut().for_each(Ride::forget_looks);
    (settle(local, published, &side, &rides, standings, lookups, settings), told)
}

/// Rides that share a clock: the same folder and camera, or at least the same camera on the same kind of clock.
type Clock = (Option<Device>, Option<u32>, bool);

fn clock_of(ride: &Ride) -> Clock {
    let by_folder = ride.device.is_none().then_some(ride.clock_group);
    (ride.device.clone(), by_folder, ride.kind == TimeKind::Absolute)
}

fn is_decided(explored: &Explored) -> bool {
    explored.offset_probability > 0.999 && explored.blocks.iter().any(|block| block.log_odds() > DECIDED)
}

/// Offsets that rides of each clock are sure of, where there are several, ms.
fn offsets_of_clocks(rides: &[Ride], explored: &[Explored]) -> BTreeMap<Clock, Vec<i64>> {
    const FEWEST: usize = 8;
    const STRONG: f64 = 10.0;
    let mut known: BTreeMap<Clock, Vec<i64>> = BTreeMap::new();
    let is_sure = |(ride, found): &(&Ride, &Explored)| ride.is_timed() && found.offset_probability > 0.999;
    for (ride, found) in rides.iter().zip(explored).filter(is_sure) {
        let strong = found.blocks.iter().filter(|block| block.chain.len() >= FEWEST && block.log_odds() > STRONG);
        known.entry(clock_of(ride)).or_default().extend(strong.map(|block| block.offset_ms.round() as i64));
    }
    known.values_mut().for_each(|offsets_ms| {
        offsets_ms.sort_unstable();
        offsets_ms.dedup_by(|later, earlier| later.abs_diff(*earlier) <= SAME_CLOCK_MS as u64);
    });
    known.retain(|_, offsets_ms| offsets_ms.len() > 1);
    known
}

/// A sequence has one owner: a ride whose block goes on where another ride of the same clock already has images of the
/// sequence, at the same offset, is his too.
fn continuations(rides: &[Ride], explored: &mut [Explored]) {
    const CONTINUES: f64 = 12.0;
    type Claim = (usize, i64, u32, u32); // ride, offset, first and last image
    let mut known: BTreeMap<(Clock, u32), Vec<Claim>> = BTreeMap::new();
    let claim = |block: &Block, ride: &Ride| {
        let (first, last) = (block.chain.first()?, block.chain.last()?);
        Some((block.offset_at(ride.time_ms[first.0 as usize]), first.1, last.1))
    };
    for (number, (ride, found)) in rides.iter().zip(explored.iter()).enumerate() {
        for block in found.blocks.iter().filter(|block| ride.is_timed() && block.log_odds() > DECIDED) {
            if let Some((offset_ms, first, last)) = claim(block, ride).filter(|_| found.offset_probability > 0.999) {
                let claims = known.entry((clock_of(ride), block.sequence)).or_default();
                claims.push((number, offset_ms, first, last));
            }
        }
    }
    for (number, (ride, found)) in rides.iter().zip(explored.iter_mut()).enumerate() {
        for block in found.blocks.iter_mut().filter(|block| ride.is_timed() && block.log_odds() <= DECIDED) {
            let Some(claims) = known.get(&(clock_of(ride), block.sequence)) else { continue };
            let Some((offset_ms, first, last)) = claim(block, ride) else { continue };
            let goes_on = |&(other, other_ms, other_first, other_last): &Claim| {
                other != number
                    && (other_ms - offset_ms).abs() < SAME_CLOCK_MS
                    && (last < other_first || first > other_last)
            };
            if claims.iter().any(goes_on) {
                block.identity += CONTINUES;
                block.mate += CONTINUES;
            }
        }
    }
}

/// What the rides of each clock say about its offset.
struct ClockVotes {
    /// Per clock and whole second: the sum of weights, and the two strongest rides as (weight, ride, offset in ms).
    seconds: BTreeMap<Clock, BTreeMap<i64, Second>>,
    /// What each ride added, by whole second.
    own: Vec<Vec<(i64, u32)>>,
}

#[derive(Default)]
struct Second {
    sum: u32,
    strongest: [(u32, usize, i64); 2],
    /// A sequence that was voted for, and whether another was too.
    sequence: Option<u32>,
    are_several: bool,
    /// Whether a ride is sure of the offset though nobody else shows it.
    is_told: bool,
}

impl Second {
    /// Parts of one ride that all lie along one stranger's agree like one: they are one observation of his offset.
    fn is_shown(&self) -> bool {
        self.are_several || self.is_told
    }
}

impl ClockVotes {
    fn new(rides: &[Ride], explored: &[Explored]) -> Self {
        let mut votes = Self { seconds: BTreeMap::new(), own: vec![Vec::new(); rides.len()] };
        for (number, (ride, found)) in rides.iter().zip(explored).enumerate().filter(|(_, (ride, _))| ride.is_timed()) {
            for block in found.blocks.iter().filter(|block| block.evidence_alone > 1.0) {
                let second = (block.offset_ms / 1000.0).round() as i64;
                let weight = block.evidence_alone.min(40.0) as u32;
                votes.own[number].push((second, weight));
                let known = votes.seconds.entry(clock_of(ride)).or_default().entry(second).or_default();
                known.sum += weight;
                known.are_several |= known.sequence.is_some_and(|other| other != block.sequence);
                known.sequence = Some(block.sequence);
                known.is_told |= block.log_odds() > 0.0;
                let vote = (weight, number, block.offset_ms.round() as i64);
                if known.strongest[0].0 > 0 && known.strongest[0].1 == number {
                    known.strongest[0] = known.strongest[0].max(vote);
                } else if weight > known.strongest[0].0 {
                    known.strongest = [vote, known.strongest[0]];
                } else if weight > known.strongest[1].0 {
                    known.strongest[1] = vote;
                }
            }
        }
        votes
    }

    /// Offsets that the other rides of its clock agree on, at most three, strongest first: nobody confirms himself.
    fn of_others(&self, number: usize, ride: &Ride) -> Vec<i64> {
        let Some(seconds) = self.seconds.get(&clock_of(ride)) else { return Vec::new() };
        let own = |second: i64| self.own[number].iter().filter(|vote| vote.0 == second).map(|vote| vote.1).sum::<u32>();
        let mut ranked: Vec<(u32, i64)> = seconds
            .iter()
            .filter(|(_, known)| known.is_shown())
            .filter_map(|(&second, known)| {
                let strongest = known.strongest.iter().find(|vote| vote.0 > 0 && vote.1 != number)?;
                Some((known.sum - own(second), strongest.2))
            })
            .collect();
        ranked.sort_unstable_by_key(|&(weight, offset_ms)| (std::cmp::Reverse(weight), offset_ms));
        let strongest = ranked.first().map_or(0, |top| top.0);
        let is_strong = |&(weight, _): &(u32, i64)| weight >= 15 && weight * 100 >= strongest * 15;
        ranked.into_iter().filter(is_strong).take(3).map(|(_, offset_ms)| offset_ms).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agreement::tests::at;
    use crate::worlds;

    #[test]
    fn parts_of_a_ride_that_lie_along_one_strangers_agree_like_one() {
        let photos = worlds::ride(3, 12);
        let local = worlds::local_of(&photos.chunks(3).map(<[_]>::to_vec).collect::<Vec<_>>());
        let rides: Vec<Ride> = (0..local.n_tracks()).flat_map(|track| Ride::of_track(&local, track)).collect();
        let agreed = |sequence_of: &dyn Fn(u32) -> u32, evidence: f64| {
            let found = |number: u32| {
                let mut found = at(901_500.0);
                let block = &mut found.blocks[0];
                (block.sequence, block.evidence_alone, block.evidence) = (sequence_of(number), 12.0, evidence);
                (block.identity, block.companion, block.mate) = (5.0, 9.0, 5.0);
                found
            };
            let explored: Vec<Explored> = (0..4).map(found).collect();
            ClockVotes::new(&rides, &explored).of_others(0, &rides[0])
        };
        assert_eq!(agreed(&|_| 7, -1.0), Vec::<i64>::new(), "one sequence, none of them sure");
        assert_eq!(agreed(&|number| number, -1.0), [901_500], "sequences of their own");
        assert_eq!(agreed(&|_| 7, 9.0), [901_500], "sure without the others");
    }
}
