//! How sure each pair is, weighed over *every* way to pair a ride with a published sequence.
//!
//! In: pairs of (local rank, remote rank, weight); the weight is the log-likelihood ratio of "one
//! photo" over "two photos that look alike" (Fellegi & Sunter, 1969).
//! Out: for each pair its posterior, that is the share of all valid pairings that contain it.
//!
//! # Method
//! Both sides are in order of time, so a valid pairing is a chain that rises in both ranks. Forward
//! and backward sums over all chains, as in a pair HMM with gaps (Durbin et al., 1998, ch. 4); a
//! Fenwick tree of sums over remote ranks makes it O(P log N) for P pairs and N images. Sums are floats with an exponent of
//! their own ([`Huge`]): no chain is too long for them, and an addition costs no logarithm. Where all pairs before a point
//! lie below all behind it in both ranks, any chain of the one goes with any of the other: such stretches are summed each
//! by itself, and a pair without an alternative is a stretch of one.
//!
//! # Why not nearest first
//! A ride that is shifted by one spacing pairs every photo with its neighbour's image, cheaply and
//! wrongly.
//!
//! # Invariants
//! The posteriors of a photo, and of an image, sum to at most 1. Sums run in one canonical order, so
//! neither the order of the input nor the number of threads can change a bit of the result.

use crate::huge::Huge;
use std::borrow::Cow;

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

/// Sums over prefixes of remote ranks.
struct Prefixes {
    sums: Vec<Huge>,
}

impl Prefixes {
    fn new() -> Self {
        Self { sums: Vec::new() }
    }

    /// Forgets all sums; there are so many ranks now.
    fn begin(&mut self, n: usize) {
        self.sums.clear();
        self.sums.resize(n + 1, Huge::ZERO);
    }

    /// The sum over ranks below `rank`.
    fn below(&self, rank: usize) -> Huge {
        let (mut at, mut sum) = (rank, Huge::ZERO);
        while at > 0 {
            sum = sum.plus(self.sums[at]);
            at &= at - 1;
        }
        sum
    }

    fn add(&mut self, rank: usize, value: Huge) {
        let mut at = rank + 1;
        while at < self.sums.len() {
            self.sums[at] = self.sums[at].plus(value);
            at += at & at.wrapping_neg();
        }
    }
}

/// Links in a canonical order: by photo, then by image.
struct InOrder<'a> {
    links: Cow<'a, [Link]>,
    /// The number of each in the list that was given; `None` where that was in order.
    numbers: Option<Vec<usize>>,
}

impl<'a> InOrder<'a> {
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

/// Links of one stretch in order, the place of the first of them among all, the least remote rank, and how many ranks it spans.
struct Stretch<'a> {
    links: &'a [Link],
    first: usize,
    base: u32,
    span: usize,
}

impl Stretch<'_> {
    fn rank(&self, place: usize) -> usize {
        (self.links[place].remote - self.base) as usize
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
            work(Stretch { links: &links[first..=at], first, base, span: (most - base) as usize + 1 });
            (first, most) = (at + 1, 0);
        }
    }
}

/// Sum of all chains that end in each of some links, given by photo and rank in the order in which chains pass them; those of
/// one photo stand together.
fn sweep(likelihood: &[Huge], of: impl Fn(usize) -> (u32, usize), prefixes: &mut Prefixes, ended: &mut [Huge]) {
    let mut at = 0;
    while at < ended.len() {
        let local = of(at).0;
        let mut end = at;
        while end < ended.len() && of(end).0 == local {
            ended[end] = likelihood[end].times(Huge::ONE.plus(prefixes.below(of(end).1)));
            end += 1;
        }
        for (place, ended) in (at..end).zip(&ended[at..end]) {
            prefixes.add(of(place).1, *ended);
        }
        at = end;
    }
}

/// Posterior of each link.
pub(crate) fn posteriors(links: &[Link]) -> Vec<f64> {
    let in_order = InOrder::of(links);
    let mut shares = vec![0.0; links.len()];
    let mut prefixes = Prefixes::new();
    let [mut likelihood, mut forward, mut backward] = [const { Vec::new() }; 3];
    in_stretches(&in_order.links, |stretch| {
        if let [alone] = stretch.links {
            shares[in_order.number(stretch.first)] = 1.0 / (1.0 + (-alone.weight).exp());
            return;
        }
        let n = stretch.links.len();
        likelihood.clear();
        likelihood.extend(stretch.links.iter().map(|link| Huge::exp(link.weight)));
        for sums in [&mut forward, &mut backward] {
            sums.clear();
            sums.resize(n, Huge::ZERO);
        }
        let of = |place: usize| (stretch.links[place].local, stretch.rank(place));
        prefixes.begin(stretch.span);
        sweep(&likelihood, of, &mut prefixes, &mut forward);
        let all = forward.iter().fold(Huge::ONE, |sum, &ended| sum.plus(ended));
        let totals: Vec<Huge> = likelihood.iter().map(|likelihood| likelihood.times(all)).collect();
        likelihood.reverse();
        prefixes.begin(stretch.span);
        let from_behind = |place: usize| {
            let (local, rank) = of(n - 1 - place);
            (local, stretch.span - 1 - rank)
        };
        sweep(&likelihood, from_behind, &mut prefixes, &mut backward);
        for place in 0..n {
            let share = forward[place].times(backward[n - 1 - place]).over(totals[place]);
            shares[in_order.number(stretch.first + place)] = share.min(1.0);
        }
    });
    shares
}

/// The heaviest chain, as numbers of links in rising order; empty when no link weighs more than nothing.
pub(crate) fn best_chain(links: &[Link]) -> Vec<usize> {
    let in_order = InOrder::of(links);
    let mut chain = Vec::new();
    let mut best = BestOfStretch::default();
    in_stretches(&in_order.links, |stretch| match stretch.links {
        [alone] => chain.extend((alone.weight > 0.0).then_some(stretch.first)),
        _ => best.extend(&stretch, &mut chain),
    });
    if in_order.numbers.is_some() {
        chain.iter_mut().for_each(|place| *place = in_order.number(*place));
    }
    chain
}

/// What is worked on to find the heaviest chain of a stretch.
#[derive(Default)]
struct BestOfStretch {
    /// Over prefixes of remote ranks, the heaviest chain and the link that it ends in.
    tree: Vec<(f64, u32)>,
    /// Of each link, the weight of the heaviest chain that ends in it, and the link before it there.
    ended: Vec<(f64, u32)>,
}

impl BestOfStretch {
    /// Adds the places of the heaviest chain.
    fn extend(&mut self, stretch: &Stretch<'_>, chain: &mut Vec<usize>) {
        const NONE: u32 = u32::MAX;
        let (links, span) = (stretch.links, stretch.span);
        self.tree.clear();
        self.tree.resize(span + 1, (0.0, NONE));
        self.ended.clear();
        let tree = &mut self.tree[..];
        let mut at = 0;
        while at < links.len() {
            let local = links[at].local;
            let mut end = at;
            while end < links.len() && links[end].local == local {
                let (mut node, mut best) = (stretch.rank(end), (0.0, NONE));
                while node > 0 {
                    if tree[node].0 > best.0 {
                        best = tree[node];
                    }
                    node &= node - 1;
                }
                self.ended.push((links[end].weight + best.0, best.1));
                end += 1;
            }
            for place in at..end {
                let sum = self.ended[place].0;
                let mut node = stretch.rank(place) + 1;
                while node <= span {
                    if sum > tree[node].0 {
                        tree[node] = (sum, place as u32);
                    }
                    node += node & node.wrapping_neg();
                }
            }
            at = end;
        }
        let heavier = |best: usize, place: usize| if self.ended[best].0 >= self.ended[place].0 { best } else { place };
        let Some(last) = (0..links.len()).reduce(heavier).filter(|&last| self.ended[last].0 > 0.0) else { return };
        let begin = chain.len();
        let mut place = last as u32;
        while place != NONE {
            chain.push(stretch.first + place as usize);
            place = self.ended[place as usize].1;
        }
        chain[begin..].reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every chain, one by one: the sum of all, of those with each link, and the weight of the heaviest.
    fn enumerate(links: &[Link]) -> (f64, Vec<f64>, f64) {
        let (mut all, mut with, mut heaviest) = (0.0, vec![0.0; links.len()], 0.0_f64);
        for set in 0_u32..1 << links.len() {
            let mut chosen: Vec<usize> = (0..links.len()).filter(|link| set >> link & 1 == 1).collect();
            chosen.sort_unstable_by_key(|&link| links[link].local);
            let rises = chosen
                .windows(2)
                .all(|two| links[two[0]].local < links[two[1]].local && links[two[0]].remote < links[two[1]].remote);
            if rises {
                let weight: f64 = chosen.iter().map(|&link| links[link].weight).sum();
                heaviest = heaviest.max(weight);
                all += weight.exp();
                chosen.iter().for_each(|&link| with[link] += weight.exp());
            }
        }
        (all, with, heaviest)
    }

    fn any_links() -> impl Strategy<Value = Vec<Link>> {
        let link = (0_u32..6, 0_u32..6, -6.0..6.0).prop_map(|(local, remote, weight)| Link { local, remote, weight });
        proptest::collection::vec(link, 0..11).prop_map(|mut links| {
            links.sort_unstable_by_key(|link| (link.local, link.remote));
            links.dedup_by_key(|link| (link.local, link.remote));
            links
        })
    }

    /// How posteriors and a chain differ from what trying everything gives; `None` where they do not.
    fn difference(links: &[Link], posteriors: &[f64], chain: &[usize]) -> Option<String> {
        let (all, with, heaviest) = enumerate(links);
        let far = posteriors.iter().zip(&with).find(|(fast, slow)| (*fast - *slow / all).abs() >= 1e-9);
        let weight: f64 = chain.iter().map(|&link| links[link].weight).sum();
        match far {
            Some((fast, slow)) => Some(format!("a posterior of {fast} that is {}", slow / all)),
            None if (weight - heaviest).abs() >= 1e-9 => Some(format!("a chain of {weight} where one has {heaviest}")),
            None => None,
        }
    }

    proptest! {
        #[test]
        fn posteriors_equal_exhaustive_enumeration(links in any_links()) {
            prop_assert_eq!(difference(&links, &posteriors(&links), &best_chain(&links)), None);
        }

        #[test]
        fn the_order_of_the_input_does_not_leak(links in any_links(), seed in any::<u64>()) {
            let mut shuffled: Vec<usize> = (0..links.len()).collect();
            shuffled.sort_unstable_by_key(|&at| (at as u64 + 1).wrapping_mul(seed | 1));
            let other: Vec<Link> = shuffled.iter().map(|&at| links[at]).collect();
            let (a, b) = (posteriors(&links), posteriors(&other));
            for (place, &at) in shuffled.iter().enumerate() {
                prop_assert_eq!(a[at].to_bits(), b[place].to_bits());
            }
        }
    }

    /// What a mistake is, and the posteriors and the chain that it gives.
    type Broken<'a> = (&'a str, &'a dyn Fn(&[Link]) -> (Vec<f64>, Vec<usize>));

    /// Mistakes that a faster sum may make, each of them noticed.
    #[test]
    fn trying_everything_notices_a_broken_sum() {
        let mut numbers = crate::worlds::Numbers(5);
        let mut some_links = || {
            let mut rank = || (numbers.next() * 6.0) as u32;
            let places: std::collections::BTreeSet<(u32, u32)> = (0..10).map(|_| (rank(), rank())).collect();
            let link = |(local, remote)| Link { local, remote, weight: numbers.next() * 8.0 - 4.0 };
            places.into_iter().map(link).collect::<Vec<Link>>()
        };
        let worlds: Vec<Vec<Link>> = (0..50).map(|_| some_links()).collect();
        let changed = |links: &[Link], change: fn(&Link) -> Link| links.iter().map(change).collect::<Vec<Link>>();
        let broken: [Broken<'_>; 5] = [
            ("one image for two photos", &|links| {
                let apart = changed(links, |link| Link { remote: link.remote * 8 + link.local, ..*link });
                (posteriors(&apart), best_chain(links))
            }),
            ("no order", &|links| {
                let alone = links.iter().map(|link| 1.0 / (1.0 + (-link.weight).exp())).collect();
                (alone, best_chain(links))
            }),
            ("falling instead of rising", &|links| {
                let fallen = changed(links, |link| Link { remote: 9 - link.remote, ..*link });
                (posteriors(&fallen), best_chain(links))
            }),
            ("a weight in a thousand too much", &|links| {
                let heavier = changed(links, |link| Link { weight: link.weight + 0.001, ..*link });
                (posteriors(&heavier), best_chain(links))
            }),
            ("the chain that is longest, not heaviest", &|links| {
                (posteriors(links), best_chain(&changed(links, |link| Link { weight: 1.0, ..*link })))
            }),
        ];
        for (mistake, sum) in broken {
            let noticed = worlds.iter().filter(|links| {
                let (posteriors, chain) = sum(links);
                difference(links, &posteriors, &chain).is_some()
            });
            assert!(noticed.count() >= 40, "{mistake} passes");
        }
        assert!(worlds.iter().all(|links| difference(links, &posteriors(links), &best_chain(links)).is_none()));
    }

    #[test]
    fn a_ride_shifted_by_one_spacing_is_not_taken_pair_by_pair() {
        // Each photo lies a little nearer to its neighbour's image; one photo at the end knows better.
        let mut links = Vec::new();
        for k in 0..10 {
            links.push(Link { local: k, remote: k, weight: 2.0 });
            links.push(Link { local: k, remote: k + 1, weight: if k < 9 { 2.2 } else { -8.0 } });
        }
        links.push(Link { local: 0, remote: 0, weight: 6.0 });
        let sure = posteriors(&links);
        assert!(sure[20] > 0.9);
    }

    #[test]
    fn very_long_chains_neither_overflow_nor_vanish() {
        let links: Vec<Link> = (0..2_000).map(|k| Link { local: k, remote: k, weight: 30.0 }).collect();
        assert!(posteriors(&links).iter().all(|p| *p > 0.999_999));
        assert_eq!(best_chain(&links).len(), 2_000);
    }
}
