//! What photos claim: which images each may have become, best first, and which of them each may keep.

use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::rivals::Standing;
use crate::twins::share_among_twins;
use capture_model::{LocalImages, PublishedImages};
use rayon::prelude::*;

/// A claim of a photo on an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) probability: f64,
    /// Place in the published order.
    pub(crate) image: u32,
    /// Number of the standing.
    pub(crate) standing: u32,
    /// The photo's number in its ride.
    pub(crate) photo: u32,
    pub(crate) posterior: f64,
}

/// Less probable pairs are no claims.
const LEAST_CLAIM: f64 = 0.003;
/// A photo with a claim above this is not looked for in a second upload.
const LEAST_HELD: f64 = 0.05;
/// A second upload is asked only for pairs that are surer than this within it.
const CERTAIN: f64 = 0.5;

/// The claims of all photos in one vector, by row and best first, no image twice in a row.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    items: Vec<Claim>,
    /// Of each row, where its claims end.
    ends: Vec<u32>,
    /// Of each row, whether its best claim is one of a set of twins.
    pub(crate) is_twin: Vec<bool>,
}

impl Claims {
    /// Gathers the pairs of all standings.
    pub(crate) fn new(
        local: &LocalImages,
        published: &PublishedImages,
        side: &PublishedSide,
        rides: &[Ride],
        standings: &[Standing<'_>],
    ) -> Self {
        const ROWS_AT_ONCE: usize = 4_096;
        const PARTS_AT_ONCE: usize = 64;
        let (gathered, ends) = gather(local, rides, standings);
        let id_of = |image: u32| published.id[side.row(image as usize) as usize];
        let of_rows = |(part, part_ends): (usize, &[u32])| {
            let mut claims = Self::default();
            let mut own: Vec<Claim> = Vec::new();
            let mut start = if part == 0 { 0 } else { ends[part * ROWS_AT_ONCE - 1] };
            for &end in part_ends {
                own.clear();
                own.extend_from_slice(&gathered[start as usize..end as usize]);
                start = end;
                claims.is_twin.push(share_among_twins(side, &mut own));
                own.sort_by(|a, b| {
                    b.probability.total_cmp(&a.probability).then_with(|| id_of(a.image).cmp(&id_of(b.image)))
                });
                let first = claims.items.len();
                for claim in &own {
                    if claims.items[first..].iter().all(|known| known.image != claim.image) {
                        claims.items.push(*claim);
                    }
                }
                claims.ends.push(claims.items.len() as u32);
            }
            claims
        };
        let mut all = Self {
            items: Vec::with_capacity(gathered.len()),
            ends: Vec::with_capacity(local.len()),
            is_twin: Vec::with_capacity(local.len()),
        };
        // some parts at a time: no third copy of all claims
        let parts: Vec<(usize, &[u32])> = ends.chunks(ROWS_AT_ONCE).enumerate().collect();
        for some in parts.chunks(PARTS_AT_ONCE) {
            for part in some.par_iter().copied().map(of_rows).collect::<Vec<Self>>() {
                let before = all.items.len() as u32;
                all.items.extend(part.items);
                all.ends.extend(part.ends.iter().map(|end| before + end));
                all.is_twin.extend(part.is_twin);
            }
        }
        all
    }

    /// The claims of one row.
    pub(crate) fn of(&self, row: usize) -> &[Claim] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.items[start as usize..self.ends[row] as usize]
    }

    /// The number of the claim that each row may keep: the best claims first, no image twice; ties go by path, then by id.
    pub(crate) fn assign(
        &self,
        local: &LocalImages,
        published: &PublishedImages,
        side: &PublishedSide,
    ) -> Vec<Option<u32>> {
        let mut n_claims = vec![0_u8; side.len()];
        for claim in &self.items {
            let n = &mut n_claims[claim.image as usize];
            *n = n.saturating_add(1);
        }
        // whoever is alone in claiming what he claims most has it, in whatever order the others are asked
        let is_contested = |row: usize| self.of(row).first().is_some_and(|best| n_claims[best.image as usize] > 1);
        let mut kept: Vec<Option<u32>> =
            self.ends.iter().zip(0..).map(|(_, row)| (!self.of(row).is_empty()).then_some(0)).collect();
        let mut order: Vec<(u32, u32)> = Vec::new();
        for row in (0..self.ends.len()).filter(|&row| is_contested(row)) {
            kept[row] = None;
            order.extend((0..self.of(row).len() as u32).map(|k| (row as u32, k)));
        }
        let claim = |&(row, k): &(u32, u32)| self.of(row as usize)[k as usize];
        let id = |of: &(u32, u32)| published.id[side.row(claim(of).image as usize) as usize];
        order.sort_by(|a, b| {
            let path = |of: &(u32, u32)| local.path_rank[of.0 as usize];
            claim(b)
                .probability
                .total_cmp(&claim(a).probability)
                .then_with(|| path(a).cmp(&path(b)))
                .then_with(|| id(a).cmp(&id(b)))
        });
        let mut is_used = vec![false; if order.is_empty() { 0 } else { side.len() }];
        for of in &order {
            let image = claim(of).image as usize;
            if kept[of.0 as usize].is_none() && !is_used[image] {
                kept[of.0 as usize] = Some(of.1);
                is_used[image] = true;
            }
        }
        kept
    }
}

/// Of each row, whether an upload that is not only listed holds its photo; empty where no upload is only listed. A photo
/// that only the second upload holds has its image there.
fn held_by_first(local: &LocalImages, rides: &[Ride], standings: &[Standing<'_>]) -> Vec<bool> {
    if standings.iter().all(|standing| standing.twin_of.is_none()) {
        return Vec::new();
    }
    let mut is_held = vec![false; local.len()];
    for standing in standings.iter().filter(|standing| standing.twin_of.is_none()) {
        for pair in standing.block.pairs.iter().filter(|pair| pair.posterior * standing.probability > LEAST_HELD) {
            is_held[rides[standing.ride].rows[pair.photo as usize] as usize] = true;
        }
    }
    is_held
}

/// The claims of all standings by row, in the order of the standings, and where each row's end.
fn gather(local: &LocalImages, rides: &[Ride], standings: &[Standing<'_>]) -> (Vec<Claim>, Vec<u32>) {
    let is_held = held_by_first(local, rides, standings);
    let is_held = &is_held;
    let claims = || {
        standings.iter().enumerate().flat_map(move |(number, standing)| {
            let rows = &rides[standing.ride].rows;
            standing.block.pairs.iter().filter_map(move |pair| {
                let probability = pair.posterior * standing.probability;
                let claim = Claim {
                    probability,
                    image: pair.image,
                    standing: number as u32,
                    photo: pair.photo,
                    posterior: pair.posterior,
                };
                let row = rows[pair.photo as usize] as usize;
                let is_claimed = match standing.twin_of {
                    None => probability > LEAST_CLAIM,
                    Some(_) => pair.posterior > CERTAIN && !is_held[row],
                };
                is_claimed.then_some((row, claim))
            })
        })
    };
    let mut ends = vec![0_u32; local.len()];
    claims().for_each(|(row, _)| ends[row] += 1);
    let mut end = 0;
    for count in &mut ends {
        let start = end;
        end += *count;
        *count = start; // rises to the end as the row fills
    }
    let nothing = Claim { probability: 0.0, image: 0, standing: 0, photo: 0, posterior: 0.0 };
    let mut all = vec![nothing; end as usize];
    for (row, claim) in claims() {
        all[ends[row] as usize] = claim;
        ends[row] += 1;
    }
    (all, ends)
}
