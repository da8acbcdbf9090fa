//! Verdicts: one to one over everything, doubt stated, and a reason for every photo without partner.

use crate::block::Places;
use crate::claims::{Claim, Claims};
use crate::published_side::PublishedSide;
use crate::reasons::{Neighbours, absent_reason, ambiguous_reason, matched_reason};
use crate::ride::Ride;
use crate::rivals::Standing;
use crate::tracks::track_outcomes;
use crate::{Candidate, Lookup, MatchOutcome, MatchSettings, Verdict};
use capture_model::{LocalImages, PublishedImages, Reason, Status, TimeKind};
use rayon::prelude::*;

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
    let claims = Claims::new(local, published, side, rides, standings);
    let mut taken = claims.assign(local, published, side);
    let rows = || (0..local.len()).into_par_iter().with_min_len(1_024);
    let mut verdicts: Vec<Verdict> = rows()
        .map(|row| {
            let own = verdict(local, side, rides, standings, claims.of(row), taken[row], row, settings);
            let reason = if claims.is_twin[row] && own.image.is_none() { Reason::TwinSet } else { own.reason };
            Verdict { reason, ..own }
        })
        .collect();
    let kept_by = |row: usize, verdict: &Verdict| {
        verdict.image.and(taken[row]).map(|kept: u32| claims.of(row)[kept as usize].image)
    };
    let is_given = given(side, &claims, settings.review, &verdicts, kept_by);
    let neighbours = Neighbours::new(local, |row| kept_by(row, &verdicts[row]));
    verdicts.par_iter_mut().with_min_len(1_024).enumerate().for_each(|(row, verdict)| {
        if verdict.image.is_none() && verdict.reason.status() != Status::Ambiguous {
            verdict.reason = match is_lost(&claims, settings.review, row) {
                Some(best) if is_given[best.image as usize] => Reason::IdTaken,
                Some(best) => ambiguous_reason(side, &standings[best.standing as usize], best, claims.of(row)),
                None => {
                    let lookup = lookups.get(row).copied().unwrap_or_default();
                    absent_reason(local, side, &neighbours, lookup, row, !claims.of(row).is_empty())
                }
            };
        }
    });
    let mut outcome = MatchOutcome::default();
    let is_altered = |claim: &Claim| !published.id_exact[side.row(claim.image as usize) as usize];
    let twins = twins(published, side, rides, standings);
    let mut twins = twins.chunk_by(|a, b| a.0 == b.0).peekable();
    for (row, verdict) in verdicts.iter_mut().enumerate() {
        if claims.of(row).iter().any(is_altered) {
            let mut own = claims.of(row).to_vec();
            withhold_altered(&is_altered, &mut own, &mut taken[row], verdict, settings.review);
            outcome.candidates.push(candidates(side, &own, taken[row], settings.review));
        } else {
            outcome.candidates.push(candidates(side, claims.of(row), taken[row], settings.review));
        }
        let own = twins.next_if(|twins| twins[0].0 as usize == row).unwrap_or_default();
        let told = if verdict.image.is_some() { own } else { &[] };
        let is_other = |image: &u32| verdict.image != Some(*image);
        outcome.also_published.push(told.iter().map(|twin| twin.1).filter(is_other));
    }
    outcome.verdicts = verdicts;
    outcome.tracks = track_outcomes(local, published, rides, standings, &outcome.verdicts);
    outcome
}

/// The best claim of a row, if it is worth telling.
fn is_lost(claims: &Claims, review: f64, row: usize) -> Option<Claim> {
    claims.of(row).first().copied().filter(|claim| claim.probability >= review)
}

/// Which images were given to somebody, by place in the published order; empty where nobody asks. An image that is but a
/// candidate of another photo is not taken.
fn given(
    side: &PublishedSide,
    claims: &Claims,
    review: f64,
    verdicts: &[Verdict],
    kept_by: impl Fn(usize, &Verdict) -> Option<u32>,
) -> Vec<bool> {
    let asks = |(row, verdict): (usize, &Verdict)| verdict.image.is_none() && is_lost(claims, review, row).is_some();
    if !verdicts.iter().enumerate().any(asks) {
        return Vec::new();
    }
    let mut is_given = vec![false; side.len()];
    for image in verdicts.iter().enumerate().filter_map(|(row, verdict)| kept_by(row, verdict)) {
        is_given[image as usize] = true;
    }
    is_given
}

/// Images of uploads that are only listed: (row of the photo, row of the image), by row and id.
fn twins(
    published: &PublishedImages,
    side: &PublishedSide,
    rides: &[Ride],
    standings: &[Standing<'_>],
) -> Vec<(u32, u32)> {
    let listed = standings.iter().filter(|standing| standing.twin_of.is_some());
    let sure = |standing: &Standing<'_>| {
        let rows = &rides[standing.ride].rows;
        let pairs = standing.block.pairs.iter().filter(|pair| pair.posterior > 0.5);
        pairs.map(|pair| (rows[pair.photo as usize], side.row(pair.image as usize))).collect::<Vec<_>>()
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
    standings: &[Standing<'_>],
    claims: &[Claim],
    taken: Option<u32>,
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
    let Some(claim) = taken.map(|k| claims[k as usize]) else { return verdict };
    if claim.probability < settings.review {
        return verdict;
    }
    let standing = &standings[claim.standing as usize];
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
    is_altered: &dyn Fn(&Claim) -> bool,
    claims: &mut Vec<Claim>,
    taken: &mut Option<u32>,
    verdict: &mut Verdict,
    review: f64,
) {
    let kept = taken.map(|k| claims[k as usize]);
    claims.retain(|claim| !is_altered(claim));
    if kept.is_some_and(|claim| claim.probability >= review && is_altered(&claim)) {
        claims.clear();
        *verdict = Verdict { reason: Reason::LookupFailed, image: None, by_computed: false, ..*verdict };
    }
    *taken = kept.and_then(|kept| claims.iter().zip(0..).find(|(claim, _)| claim.image == kept.image)).map(|(_, k)| k);
    if verdict.image.is_none() {
        verdict.probability = claims.first().map(|claim| claim.probability).filter(|&p| p >= review);
    }
}

/// The claims that are shown, at most five; a match leads its list.
fn candidates<'c>(
    side: &'c PublishedSide<'_>,
    claims: &'c [Claim],
    taken: Option<u32>,
    review: f64,
) -> impl Iterator<Item = Candidate> + 'c {
    let shown = move |claim: &&Claim| claim.probability >= review;
    let lead = taken.map(|k| &claims[k as usize]).filter(|claim| claim.probability >= 0.5).filter(shown);
    let rest = claims.iter().filter(shown).filter(move |claim| lead.is_none_or(|lead| lead.image != claim.image));
    lead.into_iter()
        .chain(rest)
        .take(MOST_CANDIDATES)
        .map(|claim| Candidate { image: side.row(claim.image as usize), probability: claim.probability })
}
