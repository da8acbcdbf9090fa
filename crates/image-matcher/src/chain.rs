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
    fn new(n: usize) -> Self {
        Self { sums: vec![Huge::ZERO; n + 1] }
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

/// Links of one stretch: their numbers in a canonical order, the least remote rank, and how many ranks it spans.
struct Stretch<'a> {
    order: &'a mut [usize],
    base: u32,
    span: usize,
}

/// All links by (local, remote), cut wherever no link before the cut is an alternative to one behind it.
fn in_stretches(links: &[Link], mut work: impl FnMut(Stretch<'_>)) {
    let mut order: Vec<usize> = (0..links.len()).collect();
    order.sort_unstable_by_key(|&link| (links[link].local, links[link].remote, link));
    let mut least_behind = vec![u32::MAX; links.len() + 1];
    for (at, &link) in order.iter().enumerate().rev() {
        least_behind[at] = least_behind[at + 1].min(links[link].remote);
    }
    let (mut start, mut most) = (0, 0);
    for at in 0..order.len() {
        let link = links[order[at]];
        most = most.max(link.remote);
        let is_last = at + 1 == order.len() || (links[order[at + 1]].local > link.local && least_behind[at + 1] > most);
        if is_last {
            let base = least_behind[start]; // what is behind lies above
            work(Stretch { order: &mut order[start..=at], base, span: (most - base) as usize + 1 });
            (start, most) = (at + 1, 0);
        }
    }
}

/// Sum of all chains that end in each link, by place in the order; links of equal local ranks stand together.
fn sweep(
    links: &[Link],
    likelihood: &[Huge],
    order: &[usize],
    rank: impl Fn(&Link) -> usize,
    span: usize,
) -> Vec<Huge> {
    let mut prefixes = Prefixes::new(span);
    let mut ended = vec![Huge::ZERO; order.len()];
    let mut at = 0;
    while at < order.len() {
        let local = links[order[at]].local;
        let end = at + order[at..].iter().take_while(|&&link| links[link].local == local).count();
        for place in at..end {
            ended[place] = likelihood[place].times(Huge::ONE.plus(prefixes.below(rank(&links[order[place]]))));
        }
        for place in at..end {
            prefixes.add(rank(&links[order[place]]), ended[place]);
        }
        at = end;
    }
    ended
}

/// Posterior of each link.
pub(crate) fn posteriors(links: &[Link]) -> Vec<f64> {
    let mut shares = vec![0.0; links.len()];
    in_stretches(links, |Stretch { order, base, span }| {
        if let [alone] = order {
            shares[*alone] = 1.0 / (1.0 + (-links[*alone].weight).exp());
            return;
        }
        let rank = |link: &Link| (link.remote - base) as usize;
        let likelihood: Vec<Huge> = order.iter().map(|&link| Huge::exp(links[link].weight)).collect();
        let forward = sweep(links, &likelihood, order, rank, span);
        let all = forward.iter().fold(Huge::ONE, |sum, &ended| sum.plus(ended));
        let share_of = |at: usize, backward: Huge| forward[at].times(backward).over(likelihood[at].times(all)).min(1.0);
        let reversed: Vec<Huge> = likelihood.iter().rev().copied().collect();
        order.reverse();
        let backward = sweep(links, &reversed, order, |link| span - 1 - rank(link), span);
        let n = order.len();
        for (place, (&link, &backward)) in order.iter().zip(&backward).enumerate() {
            shares[link] = share_of(n - 1 - place, backward);
        }
    });
    shares
}

/// The heaviest chain, as numbers of links in rising order; empty when no link weighs more than nothing.
pub(crate) fn best_chain(links: &[Link]) -> Vec<usize> {
    let mut chain = Vec::new();
    in_stretches(links, |Stretch { order, base, span }| match order {
        [alone] => chain.extend((links[*alone].weight > 0.0).then_some(*alone)),
        _ => chain.extend(best_of_stretch(links, order, base, span)),
    });
    chain
}

fn best_of_stretch(links: &[Link], order: &[usize], base: u32, span: usize) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut tree: Vec<(f64, usize)> = vec![(0.0, NONE); span + 1];
    let mut value = vec![0.0; order.len()];
    let mut before = vec![NONE; order.len()];
    let rank = |place: usize| (links[order[place]].remote - base) as usize;
    let mut at = 0;
    while at < order.len() {
        let local = links[order[at]].local;
        let end = at + order[at..].iter().take_while(|&&link| links[link].local == local).count();
        for place in at..end {
            let (mut node, mut best) = (rank(place), (0.0, NONE));
            while node > 0 {
                if tree[node].0 > best.0 {
                    best = tree[node];
                }
                node &= node - 1;
            }
            value[place] = links[order[place]].weight + best.0;
            before[place] = best.1;
        }
        for (place, &sum) in value.iter().enumerate().take(end).skip(at) {
            let mut node = rank(place) + 1;
            while node <= span {
                if sum > tree[node].0 {
                    tree[node] = (sum, place);
                }
                node += node & node.wrapping_neg();
            }
        }
        at = end;
    }
    let best = (0..order.len()).reduce(|best, place| if value[best] >= value[place] { best } else { place });
    let mut place = best.filter(|&place| value[place] > 0.0).unwrap_or(NONE);
    let mut chain = Vec::new();
    while place != NONE {
        chain.push(order[place]);
        place = before[place];
    }
    chain.reverse();
    chain
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
