//! Verdicts: one to one over everything, doubt stated, and a reason for every photo without partner.

use crate::block::Places;
use crate::claims::{Claim, Kept, Part, assign, claims};
use crate::outcome::PackedVerdict;
use crate::published_side::PublishedSide;
use crate::reasons::{Neighbours, absent_reason, ambiguous_reason, matched_reason};
use crate::ride::Ride;
use crate::rivals::Standing;
use crate::shared::Shared;
use crate::tracks::track_outcomes;
use crate::{Candidate, Lists, Lookup, MatchOutcome, MatchSettings, Verdict, Verdicts};
use capture_model::{LocalImages, PublishedImages, Reason, Status, TimeKind};
use rayon::prelude::*;

const MOST_CANDIDATES: usize = 5;
/// Parts that are worked on at once: no second copy of all that they give.
const PARTS_AT_ONCE: usize = 64;

/// Decides every photo.
///
/// Work goes by parts of whole tracks, side by side; a part's claims are freed as soon as they are told.
pub(crate) fn settle(
    local: &LocalImages,
    published: &PublishedImages,
    side: &PublishedSide,
    rides: &[Ride],
    mut standings: Vec<Standing>,
    lookups: &[Lookup],
    settings: &MatchSettings,
) -> MatchOutcome {
    let twins = twins(published, side, rides, &standings);
    standings.iter_mut().for_each(|standing| standing.block.chain = Shared::default());
    let parts = claims(local, published, side, rides, &mut standings);
    let standings = standings.as_slice();
    let mut taken = assign(&parts, local, published, side);
    let mut verdicts: Vec<PackedVerdict> = Vec::with_capacity(local.len());
    let decided = |part: &Part| {
        let verdict_of = |(at, row): (usize, usize)| {
            let own = verdict(local, side, rides, standings, part.of(at), taken[row], row, settings);
            let reason = if part.is_twin(at) && own.image.is_none() { Reason::TwinSet } else { own.reason };
            PackedVerdict::from(Verdict { reason, ..own })
        };
        part.rows.clone().enumerate().map(verdict_of).collect::<Vec<_>>()
    };
    for some in parts.chunks(PARTS_AT_ONCE) {
        some.par_iter().map(decided).collect::<Vec<_>>().into_iter().for_each(|part| verdicts.extend(part));
    }
    let given = given_of_lost(&parts, settings.review, &verdicts, &taken);
    let is_altered = |claim: &Claim| !published.id_exact[side.row(claim.image as usize) as usize];
    let explained = |(part, (verdicts, taken)): (Part, (&mut [PackedVerdict], &mut [Kept]))| {
        explain(local, side, standings, lookups, settings, &given, &part, verdicts, taken);
        let mut told = Lists::default();
        for (at, (verdict, taken)) in verdicts.iter_mut().zip(taken).enumerate() {
            if part.of(at).iter().any(is_altered) {
                let mut own = part.of(at).to_vec();
                withhold_altered(&is_altered, &mut own, taken, verdict, settings.review);
                told.push(candidates(side, &own, *taken, verdict, settings.review));
            } else {
                told.push(candidates(side, part.of(at), *taken, verdict, settings.review));
            }
        }
        told
    };
    let mut outcome = MatchOutcome::default();
    let mut rest = (verdicts.as_mut_slice(), taken.as_mut_slice());
    let mut with_verdicts = Vec::with_capacity(PARTS_AT_ONCE);
    let mut parts = parts.into_iter().peekable();
    while let Some(part) = parts.next() {
        let (own, behind) = (rest.0.split_at_mut(part.rows.len()), rest.1.split_at_mut(part.rows.len()));
        rest = (own.1, behind.1);
        with_verdicts.push((part, (own.0, behind.0)));
        if with_verdicts.len() == PARTS_AT_ONCE || parts.peek().is_none() {
            let told: Vec<Lists<Candidate>> =
                std::mem::take(&mut with_verdicts).into_par_iter().map(explained).collect();
            told.into_iter().for_each(|part| outcome.candidates.append(part));
        }
    }
    outcome.also_published = also_published(&twins, &verdicts);
    outcome.verdicts = Verdicts::of_packed(verdicts);
    outcome.tracks = track_outcomes(local, published, rides, standings, &outcome.verdicts);
    outcome
}

/// The best claim of a row that is worth telling by itself.
fn best_told(claims: &[Claim], review: f64) -> Option<Claim> {
    claims.first().copied().filter(|best| best.probability >= review)
}

/// Whether a photo stands in a crowd: none of its many images is worth telling by itself, and all of them together are one doubt.
/// Without a time that takes more: whatever lies near may be its image.
fn is_in_crowd(claims: &[Claim], is_timed: bool, review: f64) -> bool {
    const CROWD: usize = 4;
    const UNTIMED: f64 = 0.3;
    let least = if is_timed { review } else { UNTIMED.max(review) };
    let all = || claims.iter().map(|claim| claim.probability).sum::<f64>();
    claims.len() >= CROWD && best_told(claims, review).is_none() && all() >= least
}

/// Whether a row has no match, and may be asked who has its image.
fn is_without(verdict: &PackedVerdict) -> bool {
    verdict.image().is_none() && verdict.reason.status() != Status::Ambiguous
}

/// Images that photos lost though they claim them most, and that were given to others: places in the published order, in
/// order. An image that is but a candidate of another photo is not taken.
fn given_of_lost(parts: &[Part], review: f64, verdicts: &[PackedVerdict], taken: &[Kept]) -> Vec<u32> {
    let lost_of = |part: &Part| {
        let lost = |(at, row): (usize, usize)| best_told(part.of(at), review).filter(|_| is_without(&verdicts[row]));
        part.rows.clone().enumerate().filter_map(lost).map(|claim| claim.image).collect::<Vec<u32>>()
    };
    let mut lost: Vec<u32> = parts.par_iter().flat_map_iter(lost_of).collect();
    if lost.is_empty() {
        return lost;
    }
    lost.sort_unstable();
    lost.dedup();
    let given_of = |part: &Part| {
        let kept = |(at, row): (usize, usize)| {
            let kept = verdicts[row].image().and(taken[row].number())?;
            Some(part.of(at)[kept].image).filter(|image| lost.binary_search(image).is_ok())
        };
        part.rows.clone().enumerate().filter_map(kept).collect::<Vec<u32>>()
    };
    let mut given: Vec<u32> = parts.par_iter().flat_map_iter(given_of).collect();
    given.sort_unstable();
    given
}

/// Says of each photo of a part without a match why it has none.
#[expect(clippy::too_many_arguments, reason = "a part's whole context, read only")]
fn explain(
    local: &LocalImages,
    side: &PublishedSide,
    standings: &[Standing],
    lookups: &[Lookup],
    settings: &MatchSettings,
    given: &[u32],
    part: &Part,
    verdicts: &mut [PackedVerdict],
    taken: &[Kept],
) {
    for rows in part.rows_of_tracks(local) {
        let kept_by = |at: usize| verdicts[at].image().and(taken[at].number()).map(|kept| part.of(at)[kept].image);
        let neighbours = Neighbours::new(rows.clone().map(kept_by));
        for at in rows.clone() {
            if !is_without(&verdicts[at]) {
                continue;
            }
            let row = part.rows.start + at;
            let claims = part.of(at);
            verdicts[at].reason = match best_told(claims, settings.review) {
                Some(best) if given.binary_search(&best.image).is_ok() => Reason::IdTaken,
                Some(best) => ambiguous_reason(side, &standings[best.standing()], best, claims),
                None if is_in_crowd(claims, verdicts[at].told().used_time_ms.is_some(), settings.review) => {
                    let mut told = verdicts[at].told();
                    told.probability = Some(claims[0].probability);
                    verdicts[at] = told.into();
                    ambiguous_reason(side, &standings[claims[0].standing()], claims[0], claims)
                }
                None => {
                    let lookup = lookups.get(row).copied().unwrap_or_default();
                    let neighbours = neighbours.of(at - rows.start);
                    absent_reason(local, side, neighbours, lookup, row, !claims.is_empty())
                }
            };
        }
    }
}

/// Rows of further images that are the same photo, of each row.
fn also_published(twins: &[(u32, u32)], verdicts: &[PackedVerdict]) -> Lists<u32> {
    let mut twins = twins.chunk_by(|a, b| a.0 == b.0).peekable();
    let mut lists = Lists::default();
    for (row, verdict) in verdicts.iter().enumerate() {
        let own = twins.next_if(|twins| twins[0].0 as usize == row).unwrap_or_default();
        let told = if verdict.image().is_some() { own } else { &[] };
        let is_other = |image: &u32| verdict.image() != Some(*image);
        lists.push(told.iter().map(|twin| twin.1).filter(is_other));
    }
    lists
}

/// Images of uploads that are only listed: (row of the photo, row of the image), by row and id.
fn twins(published: &PublishedImages, side: &PublishedSide, rides: &[Ride], standings: &[Standing]) -> Vec<(u32, u32)> {
    let listed = standings.iter().filter(|standing| standing.twin_of.is_some());
    let sure = |standing: &Standing| {
        let ride = &rides[standing.ride];
        let pairs = standing.block.pairs.iter().filter(|pair| pair.posterior > 0.5);
        pairs.map(|pair| (ride.row(pair.photo as usize) as u32, side.row(pair.image as usize))).collect::<Vec<_>>()
    };
    let mut twins: Vec<(u32, u32)> =
        listed.flat_map(sure).filter(|&(_, image)| published.id_exact[image as usize]).collect();
    twins.sort_unstable_by_key(|&(row, image)| (row, published.id[image as usize], image));
    twins.dedup();
    twins
}

#[expect(clippy::too_many_arguments, reason = "one row's whole context, read only")]
fn verdict(
    local: &LocalImages,
    side: &PublishedSide,
    rides: &[Ride],
    standings: &[Standing],
    claims: &[Claim],
    taken: Kept,
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
    let Some(claim) = taken.number().map(|k| claims[k]) else { return verdict };
    if claim.probability < settings.review {
        return verdict;
    }
    let standing = &standings[claim.standing()];
    let ride = &rides[standing.ride];
    if standing.block.is_raw {
        verdict.used_time_ms = verdict.used_time_ms.map(|_| local.time_ms[row]);
    }
    if ride.is_timed() && standing.block.is_timed {
        verdict.clock_offset_ms = Some(standing.block.offset_at(ride.time_ms[ride.photo_of(row)]));
    }
    // Two that fit alike are ambiguous however the greedy order fell.
    verdict.probability = Some(claim.probability);
    if claim.probability >= settings.accept {
        verdict.image = Some(side.row(claim.image as usize));
        verdict.by_computed = standing.block.places == Places::Computed;
        verdict.reason = matched_reason(local, side, ride, standing, claim, row);
    } else {
        verdict.reason = ambiguous_reason(side, standing, claim, claims);
        verdict.probability = claims.first().map(|claim| claim.probability);
    }
    verdict
}

/// An id that a tile gave as a float above 2^53 names another image or none. It is never told; whoever would have it waits for
/// the answer that confirms it.
fn withhold_altered(
    is_altered: &dyn Fn(&Claim) -> bool,
    claims: &mut Vec<Claim>,
    taken: &mut Kept,
    packed: &mut PackedVerdict,
    review: f64,
) {
    let mut verdict = packed.told();
    let kept = taken.number().map(|k| claims[k]);
    claims.retain(|claim| !is_altered(claim));
    if kept.is_some_and(|claim| claim.probability >= review && is_altered(&claim)) {
        claims.clear();
        verdict = Verdict { reason: Reason::LookupFailed, image: None, by_computed: false, ..verdict };
    }
    let kept = kept.and_then(|kept| claims.iter().zip(0..).find(|(claim, _)| claim.image == kept.image));
    *taken = kept.map(|(_, number)| number).into();
    if verdict.image.is_none() {
        let is_told = |&p: &f64| p >= review || is_in_crowd(claims, verdict.used_time_ms.is_some(), review);
        verdict.probability = claims.first().map(|claim| claim.probability).filter(is_told);
    }
    *packed = verdict.into();
}

/// The claims that are shown, at most five; a match leads its list, and is not listed where it is alone.
fn candidates<'c>(
    side: &'c PublishedSide<'_>,
    claims: &'c [Claim],
    taken: Kept,
    verdict: &PackedVerdict,
    review: f64,
) -> impl Iterator<Item = Candidate> + 'c {
    let is_crowd = verdict.reason.status() == Status::Ambiguous
        && is_in_crowd(claims, verdict.told().used_time_ms.is_some(), review);
    let shown = move |claim: &&Claim| is_crowd || claim.probability >= review;
    let lead = taken.number().map(|k| &claims[k]).filter(|claim| claim.probability >= 0.5).filter(shown);
    let rest = claims.iter().filter(shown).filter(move |claim| lead.is_none_or(|lead| lead.image != claim.image));
    let mut all = claims.iter().filter(shown);
    let is_told = match (all.next(), all.next()) {
        (Some(only), None) => verdict.image() == Some(side.row(only.image as usize)),
        _ => false,
    };
    let n_listed = if is_told { 0 } else { MOST_CANDIDATES };
    lead.into_iter()
        .chain(rest)
        .take(n_listed)
        .map(|claim| Candidate { image: side.row(claim.image as usize), probability: claim.probability })
}
