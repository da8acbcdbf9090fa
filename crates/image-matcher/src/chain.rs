//! How sure each pair is, weighed over *every* way to pair a ride with a published sequence.
//!
//! In: pairs of (local rank, remote rank, weight); the weight is the log-likelihood ratio of "one
//! photo" over "two photos that look alike" (Fellegi & Sunter, 1969).
//! Out: for each pair its posterior, that is the share of all valid pairings that contain it.
//!
//! # Method
//! Both sides are in order of time, so a valid pairing is a chain that rises in both ranks. Forward
//! and backward sums over all chains, as in a pair HMM with gaps (Durbin et al., 1998, ch. 4). The images of a photo mostly lie
//! near each other, and those of later photos not far below: what lies below all of them is one sum, and the rest is walked.
//! Where they lie far apart, a Fenwick tree of sums over remote ranks makes it O(P log N) for P pairs and N images. Sums are
//! floats with an exponent of their own ([`crate::huge`]): no chain is too long for them, and an addition costs no logarithm.
//! Where all pairs before a point lie below all behind it in both ranks, any chain of the one goes with any of the other: such
//! stretches are summed each by itself, and a pair without an alternative is a stretch of one.
//!
//! # Why not nearest first
//! A ride that is shifted by one spacing pairs every photo with its neighbour's image, cheaply and
//! wrongly.
//!
//! # Invariants
//! The posteriors of a photo, and of an image, sum to at most 1. Sums run in one canonical order, so
//! neither the order of the input nor the number of threads can change a bit of the result.

mod heaviest;
mod sums;
#[cfg(test)]
mod tests;

pub(crate) use heaviest::best_chain;
use std::borrow::Cow;
pub(crate) use sums::posteriors;

/// A possible pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Link {
    /// Rank of the photo in capture order.
    pub(crate) local: u32,
    /// Rank of the image in its sequence.
    pub(crate) remote: u32,
    /// Log-likelihood ratio.
    pub(crate) weight: f64,
}

const NEVER: f64 = -1e30;

/// log(e^a + e^b).
pub(crate) fn log_add(a: f64, b: f64) -> f64 {
    let (large, small) = if a > b { (a, b) } else { (b, a) };
    if small <= NEVER / 2.0 { large } else { large + (small - large).exp().ln_1p() }
}

/// Links in a canonical order: by photo, then by image.
struct InOrder<'a> {
    links: Cow<'a, [Link]>,
    /// The number of each in the list that was given; `None` where that was in order.
    numbers: Option<Vec<usize>>,
}

impl<'a> InOrder<'a> {
    /// Those that weigh more than nothing: no other makes a chain heavier.
    fn of_heavy(links: &'a [Link]) -> Self {
        if links.iter().all(|link| link.weight > 0.0) {
            return Self::of(links);
        }
        let mut numbers: Vec<usize> = (0..links.len()).filter(|&link| links[link].weight > 0.0).collect();
        if !links.is_sorted_by_key(|link| (link.local, link.remote)) {
            numbers.sort_unstable_by_key(|&link| (links[link].local, links[link].remote, link));
        }
        Self { links: numbers.iter().map(|&link| links[link]).collect(), numbers: Some(numbers) }
    }

    fn of(links: &'a [Link]) -> Self {
        if links.is_sorted_by_key(|link| (link.local, link.remote)) {
            return Self { links: Cow::Borrowed(links), numbers: None };
        }
        let mut numbers: Vec<usize> = (0..links.len()).collect();
        numbers.sort_unstable_by_key(|&link| (links[link].local, links[link].remote, link));
        Self { links: numbers.iter().map(|&link| links[link]).collect(), numbers: Some(numbers) }
    }

    fn number(&self, place: usize) -> usize {
        self.numbers.as_ref().map_or(place, |numbers| numbers[place])
    }
}

/// Whether all links rise in both ranks: none is an alternative to another, each is a stretch by itself.
fn is_a_chain(links: &[Link]) -> bool {
    links.windows(2).all(|two| two[0].local < two[1].local && two[0].remote < two[1].remote)
}

/// Links of one stretch in order, the place of the first of them among all, the least remote rank, and how many ranks it spans.
struct Stretch<'a> {
    links: &'a [Link],
    first: usize,
    base: u32,
    span: usize,
    /// Of each link, the least remote rank from it on.
    least_behind: &'a [u32],
}

impl Stretch<'_> {
    fn rank(&self, place: usize) -> usize {
        (self.links[place].remote - self.base) as usize
    }

    /// The least rank from a link on.
    fn floor(&self, place: usize) -> usize {
        (self.least_behind[place] - self.base) as usize
    }

    /// Whether the ranks of each photo, down to the least that a later one has, are few: then what lies below is one sum, and
    /// a walk over the rest is shorter than any tree.
    fn is_narrow(&self) -> bool {
        const SHORT: usize = 8;
        let wide = |(place, link): (usize, &Link)| {
            let is_last = self.links.get(place + 1).is_none_or(|next| next.local != link.local);
            if is_last { self.rank(place) - self.floor(place) } else { 0 }
        };
        let walked = self.links.iter().enumerate().map(wide).sum::<usize>();
        walked <= SHORT * self.links.len()
    }
}

/// Links in order, cut wherever no link before the cut is an alternative to one behind it.
fn in_stretches(links: &[Link], mut work: impl FnMut(Stretch<'_>)) {
    let mut least_behind = vec![u32::MAX; links.len() + 1];
    let mut least = u32::MAX;
    for (behind, link) in least_behind.iter_mut().zip(links).rev() {
        least = least.min(link.remote);
        *behind = least;
    }
    let (mut first, mut most) = (0, 0);
    for (at, link) in links.iter().enumerate() {
        most = most.max(link.remote);
        let is_last = links.get(at + 1).is_none_or(|next| next.local > link.local && least_behind[at + 1] > most);
        if is_last {
            let base = least_behind[first]; // what is behind lies above
            let (links, least_behind) = (&links[first..=at], &least_behind[first..=at]);
            work(Stretch { links, first, base, span: (most - base) as usize + 1, least_behind });
            (first, most) = (at + 1, 0);
        }
    }
}
