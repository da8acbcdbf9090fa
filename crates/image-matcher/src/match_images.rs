//! The order of the match: rides, votes, blocks, rivals, verdicts.

use crate::explore::{Explored, explore};
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::rivals::standings;
use crate::runs::Index;
use crate::settle::settle;
use crate::{ClockOffset, Lookup, MatchOutcome, MatchSettings};
use capture_model::{Device, LocalImages, PublishedImages, TimeKind};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Blocks as strong as this need no second look once the camera's other folders are known.
const DECIDED: f64 = 25.0;

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
    let side = PublishedSide::new(published);
    let index = Index::new(&side);
    let rides: Vec<Ride> =
        (0..local.n_tracks()).into_par_iter().flat_map_iter(|track| Ride::of_track(local, track)).collect();
    let mut explored: Vec<Explored> =
        rides.par_iter().map(|ride| explore(ride, &side, &index, settings, &[])).collect();
    if settings.clock_offset == ClockOffset::Auto {
        let agreed = agreed_offsets(&rides, &explored);
        explored = rides
            .par_iter()
            .zip(explored)
            .map(|(ride, first)| match agreed.get(&clock_of(ride)) {
                Some(offsets) if !is_decided(&first) => explore(ride, &side, &index, settings, offsets),
                _ => first,
            })
            .collect();
    }
    let standings = standings(&rides, &explored, &side);
    settle(local, published, &side, &rides, &standings, lookups, settings)
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

/// Offsets that strong rides of a clock agree on, at most three, strongest first.
fn agreed_offsets(rides: &[Ride], explored: &[Explored]) -> BTreeMap<Clock, Vec<i64>>
where
    Clock: Ord,
{
    let mut votes: BTreeMap<Clock, BTreeMap<i64, (u32, u32, i64)>> = BTreeMap::new();
    for (ride, found) in rides.iter().zip(explored).filter(|(ride, _)| ride.is_timed()) {
        for block in found.blocks.iter().filter(|block| block.evidence_alone > 1.0) {
            let second = (block.offset_ms / 1000.0).round() as i64;
            let weight = block.evidence_alone.min(40.0) as u32;
            let (sum, strongest, offset_ms) = votes.entry(clock_of(ride)).or_default().entry(second).or_default();
            *sum += weight;
            if weight > *strongest {
                (*strongest, *offset_ms) = (weight, block.offset_ms.round() as i64);
            }
        }
    }
    votes
        .into_iter()
        .map(|(clock, seconds)| {
            let mut ranked: Vec<(u32, i64)> =
                seconds.into_values().map(|(sum, _, offset_ms)| (sum, offset_ms)).collect();
            ranked.sort_unstable_by_key(|&(weight, offset_ms)| (std::cmp::Reverse(weight), offset_ms));
            let strongest = ranked.first().map_or(0, |top| top.0);
            let strong = |&&(weight, _): &&(u32, i64)| weight >= 15 && weight * 100 >= strongest * 15;
            (clock, ranked.iter().filter(strong).take(3).map(|&(_, offset_ms)| offset_ms).collect::<Vec<_>>())
        })
        .filter(|(_, offsets)| !offsets.is_empty())
        .collect()
}
