//! Sums and the heaviest chain against trying everything.

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

    /// Ranks far apart are summed by a tree, near ones by a walk.
    #[test]
    fn a_tree_and_a_walk_find_the_same(links in any_links()) {
        let apart: Vec<Link> = links.iter().map(|link| Link { remote: link.remote * 1_000, ..*link }).collect();
        prop_assert_eq!(difference(&links, &posteriors(&apart), &best_chain(&apart)), None);
        for (walked, by_tree) in posteriors(&links).into_iter().zip(posteriors(&apart)) {
            prop_assert!((walked - by_tree).abs() < 1e-12);
        }
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
