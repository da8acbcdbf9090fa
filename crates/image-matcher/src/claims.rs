//! What photos claim: which images each may have become, best first, and which of them each may keep.

use crate::block::Pair;
use crate::published_side::PublishedSide;
use crate::ride::Ride;
use crate::rivals::Standing;
use crate::shared::Shared;
use crate::twins::share_among_twins;
use capture_model::{LocalImages, PublishedImages};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

/// A claim of a photo on an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) probability: f64,
    /// Place in the published order.
    pub(crate) image: u32,
    /// Number of the standing, and in the lowest bit whether the pair is unsure within it.
    of: u32,
}

impl Claim {
    /// A pair below this is unsure within its standing.
    const SURE: f64 = 0.9;

    /// Number of the standing.
    pub(crate) fn standing(&self) -> usize {
        (self.of >> 1) as usize
    }

    /// Whether the pair is unsure, however sure its standing is.
    pub(crate) fn is_unsure(&self) -> bool {
        self.of & 1 == 1
    }
}

/// A claim with all that it is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WholeClaim {
    pub(crate) probability: f64,
    /// Place in the published order.
    pub(crate) image: u32,
    /// Number of the standing.
    pub(crate) standing: u32,
    pub(crate) posterior: f64,
}

impl From<WholeClaim> for Claim {
    fn from(claim: WholeClaim) -> Self {
        let of = claim.standing << 1 | u32::from(claim.posterior < Self::SURE);
        Self { probability: claim.probability, image: claim.image, of }
    }
}

/// Less probable pairs are no claims.
const LEAST_CLAIM: f64 = 0.003;
/// A photo with a claim above this is not looked for in a second upload.
const LEAST_HELD: f64 = 0.05;
/// A second upload is asked only for pairs that are surer than this within it.
const CERTAIN: f64 = 0.5;

/// Rows of whole tracks with their claims: best first, no image twice in a row.
#[derive(Debug, Default)]
pub(crate) struct Part {
    /// Rows of `LocalImages`.
    pub(crate) rows: Range<usize>,
    tracks: Range<usize>,
    items: Vec<Claim>,
    /// Of each row, where its claims end.
    ends: Vec<u32>,
    /// Of each row, whether its best claim is one of a set of twins.
    is_twin: Vec<bool>,
}

impl Part {
    /// The claims of one of its rows, counted from its first.
    pub(crate) fn of(&self, row: usize) -> &[Claim] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.items[start as usize..self.ends[row] as usize]
    }

    /// Whether the best claim of one of its rows is one of a set of twins.
    pub(crate) fn is_twin(&self, row: usize) -> bool {
        self.is_twin[row]
    }

    /// Rows of each of its tracks, counted from its first row.
    pub(crate) fn rows_of_tracks<'a>(&'a self, local: &'a LocalImages) -> impl Iterator<Item = Range<usize>> + 'a {
        let first = self.rows.start;
        self.tracks.clone().map(|track| local.rows_of(track)).map(move |rows| rows.start - first..rows.end - first)
    }

    /// Gathers the pairs of the standings of its tracks.
    fn of_tracks(
        local: &LocalImages,
        published: &PublishedImages,
        side: &PublishedSide,
        rides: &[Ride],
        standings: &[Standing],
        tracks: Range<usize>,
        own: Vec<OfStanding>,
    ) -> Self {
        let rows = local.tracks[tracks.start] as usize..local.tracks[tracks.end] as usize;
        let (gathered, ends) = gather(rides, standings, &rows, &own);
        drop(own); // memory for the next part
        let id_of = |image: u32| published.id[side.row(image as usize) as usize];
        let mut part = Self { rows, tracks, items: Vec::with_capacity(gathered.len()), ..Self::default() };
        part.ends.reserve(ends.len());
        part.is_twin.reserve(ends.len());
        let mut of_row: Vec<WholeClaim> = Vec::new();
        let mut start = 0;
        for end in ends {
            of_row.clear();
            of_row.extend_from_slice(&gathered[start as usize..end as usize]);
            start = end;
            part.is_twin.push(share_among_twins(side, &mut of_row));
            of_row.sort_by(|a, b| {
                b.probability.total_cmp(&a.probability).then_with(|| id_of(a.image).cmp(&id_of(b.image)))
            });
            let first = part.items.len();
            for claim in &of_row {
                if part.items[first..].iter().all(|known| known.image != claim.image) {
                    part.items.push(Claim::from(*claim));
                }
            }
            part.ends.push(part.items.len() as u32);
        }
        part
    }
}

/// A standing by its number, and the pairs that are taken from it.
struct OfStanding {
    number: u32,
    pairs: Shared<Pair>,
}

/// The claims of all photos, in parts of whole tracks that are worked on side by side. The pairs of the standings are used up:
/// those of a part are freed as soon as its claims are there.
pub(crate) fn claims(
    local: &LocalImages,
    published: &PublishedImages,
    side: &PublishedSide,
    rides: &[Ride],
    standings: &mut [Standing],
) -> Vec<Part> {
    const ROWS_AT_ONCE: usize = 4_096;
    let mut by_track: Vec<(usize, OfStanding)> = standings
        .iter_mut()
        .zip(0..)
        .map(|(standing, number)| {
            let pairs = std::mem::take(&mut standing.block.pairs);
            (rides[standing.ride].track, OfStanding { number, pairs })
        })
        .collect();
    by_track.sort_by_key(|&(track, _)| track);
    let standings = &*standings;
    let mut cuts = vec![0];
    for track in 0..local.n_tracks() {
        let rows = local.tracks[cuts[cuts.len() - 1]]..local.tracks[track + 1];
        if rows.len() >= ROWS_AT_ONCE || track + 1 == local.n_tracks() {
            cuts.push(track + 1);
        }
    }
    let mut by_track = by_track.into_iter().peekable();
    let mut parts: Vec<(Range<usize>, Vec<OfStanding>)> = Vec::with_capacity(cuts.len());
    for cut in cuts.windows(2) {
        let own = std::iter::from_fn(|| by_track.next_if(|&(track, _)| track < cut[1])).map(|(_, own)| own).collect();
        parts.push((cut[0]..cut[1], own));
    }
    let part = |(tracks, own)| Part::of_tracks(local, published, side, rides, standings, tracks, own);
    parts.into_par_iter().map(part).collect()
}

/// A claim on an image that others claim too.
struct Contested {
    probability: f64,
    path_rank: u32,
    id: u64,
    /// Row, and number of the claim there.
    row: u32,
    number: u32,
    image: u32,
}

/// The number of a claim of a row that nobody else keeps; none where it is beyond any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept(u32);

impl Kept {
    pub(crate) const NONE: Self = Self(u32::MAX);

    pub(crate) fn number(self) -> Option<usize> {
        (self.0 != Self::NONE.0).then_some(self.0 as usize)
    }
}

impl From<Option<u32>> for Kept {
    fn from(number: Option<u32>) -> Self {
        number.map_or(Self::NONE, Self)
    }
}

/// The number of the claim that each row may keep: the best claims first, no image twice; ties go by path, then by id.
pub(crate) fn assign(
    parts: &[Part],
    local: &LocalImages,
    published: &PublishedImages,
    side: &PublishedSide,
) -> Vec<Kept> {
    let n_claims = n_claims(parts, side.len());
    // whoever is alone in claiming what he claims most has it, in whatever order the others are asked
    let is_contested =
        |claims: &[Claim]| claims.first().is_some_and(|best| n_claims[best.image as usize].load(Relaxed) > 1);
    let of_part = |part: &Part| {
        let (mut kept, mut contested) = (Vec::with_capacity(part.rows.len()), Vec::new());
        for (at, row) in part.rows.clone().enumerate() {
            let claims = part.of(at);
            if !is_contested(claims) {
                kept.push(if claims.is_empty() { Kept::NONE } else { Kept(0) });
                continue;
            }
            kept.push(Kept::NONE);
            contested.extend(claims.iter().zip(0..).map(|(claim, number)| Contested {
                probability: claim.probability,
                path_rank: local.path_rank[row],
                id: published.id[side.row(claim.image as usize) as usize],
                row: row as u32,
                number,
                image: claim.image,
            }));
        }
        (kept, contested)
    };
    let (kept, contested): (Vec<Vec<Kept>>, Vec<Vec<Contested>>) = parts.par_iter().map(of_part).unzip();
    let mut kept = kept.concat();
    let mut contested: Vec<Contested> = contested.into_iter().flatten().collect();
    contested.sort_by(|a, b| {
        let places = |of: &Contested| (of.path_rank, of.id);
        b.probability.total_cmp(&a.probability).then_with(|| places(a).cmp(&places(b)))
    });
    let mut is_used = vec![false; if contested.is_empty() { 0 } else { side.len() }];
    for claim in &contested {
        let (kept, is_used) = (&mut kept[claim.row as usize], &mut is_used[claim.image as usize]);
        if kept.number().is_none() && !*is_used {
            (*kept, *is_used) = (Kept(claim.number), true);
        }
    }
    kept
}

/// How many claims each image has; above one, at least two.
fn n_claims(parts: &[Part], n_images: usize) -> Vec<AtomicU8> {
    let mut n_claims = Vec::new();
    n_claims.resize_with(n_images, AtomicU8::default);
    parts.par_iter().for_each(|part| {
        for claim in &part.items {
            let n = &n_claims[claim.image as usize];
            // whoever else counts at this moment, two stay two or more
            if n.load(Relaxed) < 2 {
                n.fetch_add(1, Relaxed);
            }
        }
    });
    n_claims
}

/// Of each of some rows, whether an upload that is not only listed holds its photo; empty where no upload is only listed. A
/// photo that only the second upload holds has its image there.
fn held_by_first(rides: &[Ride], standings: &[Standing], rows: &Range<usize>, own: &[OfStanding]) -> Vec<bool> {
    let own = || own.iter().map(|own| (&standings[own.number as usize], &own.pairs));
    if own().all(|(standing, _)| standing.twin_of.is_none()) {
        return Vec::new();
    }
    let mut is_held = vec![false; rows.len()];
    for (standing, pairs) in own().filter(|(standing, _)| standing.twin_of.is_none()) {
        for pair in pairs.iter().filter(|pair| pair.posterior * standing.probability > LEAST_HELD) {
            is_held[rides[standing.ride].row(pair.photo as usize) - rows.start] = true;
        }
    }
    is_held
}

/// The claims of the standings of some rows by row, in the order of the standings, and where each row's end.
fn gather(
    rides: &[Ride],
    standings: &[Standing],
    rows: &Range<usize>,
    own: &[OfStanding],
) -> (Vec<WholeClaim>, Vec<u32>) {
    let is_held = held_by_first(rides, standings, rows, own);
    let is_held = &is_held;
    let claims = || {
        own.iter().flat_map(move |own| {
            let (number, standing) = (own.number, &standings[own.number as usize]);
            let ride = &rides[standing.ride];
            own.pairs.iter().filter_map(move |pair| {
                let probability = pair.posterior * standing.probability;
                let claim = WholeClaim { probability, image: pair.image, standing: number, posterior: pair.posterior };
                let row = ride.row(pair.photo as usize) - rows.start;
                let is_claimed = match standing.twin_of {
                    None => probability > LEAST_CLAIM,
                    Some(_) => pair.posterior > CERTAIN && !is_held[row],
                };
                is_claimed.then_some((row, claim))
            })
        })
    };
    let mut ends = vec![0_u32; rows.len()];
    claims().for_each(|(row, _)| ends[row] += 1);
    let mut end = 0;
    for count in &mut ends {
        let start = end;
        end += *count;
        *count = start; // rises to the end as the row fills
    }
    let nothing = WholeClaim { probability: 0.0, image: 0, standing: 0, posterior: 0.0 };
    let mut all = vec![nothing; end as usize];
    for (row, claim) in claims() {
        all[ends[row] as usize] = claim;
        ends[row] += 1;
    }
    (all, ends)
}
