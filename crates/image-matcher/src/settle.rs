//! Verdicts: one to one over everything, doubt stated, and a reason for every photo without partner.

use crate::block::Places;
use crate::published_side::PublishedSide;
use crate::reasons::{Neighbours, absent_reason, ambiguous_reason, matched_reason};
use crate::ride::Ride;
use crate::rivals::Standing;
use crate::tracks::track_outcomes;
use crate::twins::share_among_twins;
use crate::{Candidate, Lookup, MatchOutcome, MatchSettings, Verdict};
use capture_model::{LocalImages, PublishedImages, Reason, Status, TimeKind};

/// A claim of a photo on an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) probability: f64,
    /// Place in the published order.
    pub(crate) image: u32,
    pub(crate) standing: usize,
    /// The photo's number in its ride.
    pub(crate) photo: u32,
    pub(crate) posterior: f64,
}

const LEAST_CLAIM: f64 = 0.003;
const MOST_CANDIDATES: usize = 5;

/// Decides every photo.
pub(crate) fn settle(
    local: &LocalImages,
    published: &PublishedImages,
    side: &PublishedSide,
    rides: &[Ride],
    standings: &[Standing<'_>],
    lookups: &[Lookup],
    settings: &MatchSettings,
) -> MatchOutcome {
    let mut claims: Vec<Vec<Claim>> = vec![Vec::new(); local.len()];
    let mut twins: Vec<Vec<u32>> = vec![Vec::new(); local.len()];
    for (number, standing) in standings.iter().enumerate() {
        let ride = &rides[standing.ride];
        for pair in &standing.block.pairs {
            let row = ride.rows[pair.photo as usize] as usize;
            let probability = pair.posterior * standing.probability;
            if standing.twin_of.is_some() {
                if pair.posterior > 0.5 {
                    twins[row].push(side.row(pair.image as usize));
                }
            } else if probability > LEAST_CLAIM {
                claims[row].push(Claim {
                    probability,
                    image: pair.image,
                    standing: number,
                    photo: pair.photo,
                    posterior: pair.posterior,
                });
            }
        }
    }
    let is_twin: Vec<bool> = claims.iter_mut().map(|claims| share_among_twins(side, claims)).collect();
    let id_of = |image: u32| published.id[side.row(image as usize) as usize];
    for claims in &mut claims {
        claims.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(id_of(a.image).cmp(&id_of(b.image))));
        let mut seen = Vec::new();
        claims.retain(|claim| {
            !seen.contains(&claim.image) && {
                seen.push(claim.image);
                true
            }
        });
    }
    let mut taken = assign(local, published, side, &claims);
    let mut verdicts: Vec<Verdict> = (0..local.len())
        .map(|row| verdict(local, side, rides, standings, &claims[row], taken[row], row, settings))
        .collect();
    for (verdict, _) in
        verdicts.iter_mut().zip(&is_twin).filter(|(verdict, is_twin)| **is_twin && verdict.image.is_none())
    {
        verdict.reason = Reason::TwinSet;
    }
    let neighbours = Neighbours::new(local, side, &verdicts);
    for row in 0..local.len() {
        if verdicts[row].image.is_none() && verdicts[row].reason.status() != Status::Ambiguous {
            let lost = claims[row].first().is_some_and(|claim| claim.probability >= settings.review);
            verdicts[row].reason = if lost {
                Reason::IdTaken
            } else {
                let lookup = lookups.get(row).copied().unwrap_or_default();
                absent_reason(local, side, &neighbours, lookup, row, !claims[row].is_empty())
            };
        }
    }
    let is_altered = |image: u32| !published.id_exact[side.row(image as usize) as usize];
    for (row, verdict) in verdicts.iter_mut().enumerate() {
        withhold_altered(&is_altered, &mut claims[row], &mut taken[row], verdict, settings.review);
    }
    let mut outcome = MatchOutcome { verdicts, ..MatchOutcome::default() };
    for row in 0..local.len() {
        outcome.candidates.push(candidates(side, &claims[row], taken[row], settings.review));
        let is_matched = outcome.verdicts[row].image.is_some();
        let mut also = if is_matched { std::mem::take(&mut twins[row]) } else { Vec::new() };
        also.retain(|&image| published.id_exact[image as usize]);
        also.sort_unstable_by_key(|&image| published.id[image as usize]);
        also.dedup();
        outcome.also_published.push(also);
    }
    outcome.tracks = track_outcomes(local, published, rides, standings, &outcome.verdicts);
    outcome
}

/// The claim that each photo may keep: the best claims first, no image twice; ties go by path, then by id.
fn assign(
    local: &LocalImages,
    published: &PublishedImages,
    side: &PublishedSide,
    claims: &[Vec<Claim>],
) -> Vec<Option<usize>> {
    let mut order: Vec<(usize, usize)> =
        claims.iter().enumerate().flat_map(|(row, claims)| (0..claims.len()).map(move |k| (row, k))).collect();
    let id = |&(row, k): &(usize, usize)| published.id[side.row(claims[row][k].image as usize) as usize];
    order.sort_by(|a, b| {
        let probability = |&(row, k): &(usize, usize)| claims[row][k].probability;
        probability(b)
            .total_cmp(&probability(a))
            .then(local.path_rank[a.0].cmp(&local.path_rank[b.0]))
            .then(id(a).cmp(&id(b)))
    });
    let mut kept = vec![None; claims.len()];
    let mut is_used = vec![false; side.len()];
    for (row, k) in order {
        let image = claims[row][k].image as usize;
        if kept[row].is_none() && !is_used[image] {
            kept[row] = Some(k);
            is_used[image] = true;
        }
    }
    kept
}

#[expect(clippy::too_many_arguments, reason = "one row's whole context, read only")]
fn verdict(
    local: &LocalImages,
    side: &PublishedSide,
    rides: &[Ride],
    standings: &[Standing<'_>],
    claims: &[Claim],
    taken: Option<usize>,
    row: usize,
    settings: &MatchSettings,
) -> Verdict {
    let mut verdict = Verdict {
        reason: Reason::NotPublishedYet,
        image: None,
        probability: claims.first().map(|claim| claim.probability).filter(|&p| p >= settings.review),
        by_computed: false,
        used_time_ms: (local.time_kind[row] != TimeKind::None).then_some(local.sent_time_ms[row]),
        clock_offset_ms: None,
    };
    let Some(claim) = taken.map(|k| claims[k]) else { return verdict };
    if claim.probability < settings.review {
        return verdict;
    }
    let standing = &standings[claim.standing];
    let ride = &rides[standing.ride];
    if standing.block.is_raw {
        verdict.used_time_ms = verdict.used_time_ms.map(|_| local.time_ms[row]);
    }
    if ride.is_timed() {
        verdict.clock_offset_ms = Some(standing.block.offset_at(ride.time_ms[claim.photo as usize]));
    }
    // Two that fit alike are ambiguous however the greedy order fell.
    verdict.probability = Some(claim.probability);
    if claim.probability >= settings.accept {
        verdict.image = Some(side.row(claim.image as usize));
        verdict.by_computed = standing.block.places == Places::Computed;
        verdict.reason = matched_reason(side, ride, standing, claim);
    } else {
        verdict.reason = ambiguous_reason(side, standing, claim, claims);
        verdict.probability = claims.first().map(|claim| claim.probability);
    }
    verdict
}

/// An id that a tile gave as a float above 2^53 names another image or none. It is never told; whoever would have it waits for
/// the answer that confirms it.
fn withhold_altered(
    is_altered: &dyn Fn(u32) -> bool,
    claims: &mut Vec<Claim>,
    taken: &mut Option<usize>,
    verdict: &mut Verdict,
    review: f64,
) {
    if !claims.iter().any(|claim| is_altered(claim.image)) {
        return;
    }
    let kept = taken.map(|k| claims[k]);
    claims.retain(|claim| !is_altered(claim.image));
    if kept.is_some_and(|claim| claim.probability >= review && is_altered(claim.image)) {
        claims.clear();
        *verdict = Verdict { reason: Reason::LookupFailed, image: None, by_computed: false, ..*verdict };
    }
    *taken = kept.and_then(|kept| claims.iter().position(|claim| claim.image == kept.image));
    if verdict.image.is_none() {
        verdict.probability = claims.first().map(|claim| claim.probability).filter(|&p| p >= review);
    }
}

fn candidates(side: &PublishedSide, claims: &[Claim], taken: Option<usize>, review: f64) -> Vec<Candidate> {
    let mut list: Vec<&Claim> = claims.iter().filter(|claim| claim.probability >= review).collect();
    if let Some(kept) = taken.map(|k| claims[k].image) {
        list.sort_by_key(|claim| claim.image != kept || claim.probability < 0.5); // a match leads its list
    }
    list.truncate(MOST_CANDIDATES);
    list.iter()
        .map(|claim| Candidate { image: side.row(claim.image as usize), probability: claim.probability })
        .collect()
}
