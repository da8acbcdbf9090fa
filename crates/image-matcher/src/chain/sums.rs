//! Sums over all chains, forward and backward.

use super::{InOrder, Link, Stretch, in_stretches, is_a_chain};
use crate::huge::Huge;

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

/// The links of a stretch as a sweep passes them: by photo and rank, rising, and how many ranks nobody behind has.
struct Pass<'a> {
    stretch: &'a Stretch<'a>,
    /// From the other end, and of each link the greatest rank up to it.
    most_before: Option<&'a [u32]>,
}

impl Pass<'_> {
    fn link(&self, place: usize) -> (u32, usize) {
        let n = self.stretch.links.len();
        if self.most_before.is_none() {
            return (self.stretch.links[place].local, self.stretch.rank(place));
        }
        let place = n - 1 - place;
        (self.stretch.links[place].local, self.stretch.span - 1 - self.stretch.rank(place))
    }

    fn floor(&self, place: usize) -> usize {
        match self.most_before {
            None => self.stretch.floor(place),
            Some(most) => {
                let most = most[most.len() - 1 - place] - self.stretch.base;
                self.stretch.span - 1 - most as usize
            }
        }
    }
}

/// Sum of all chains that end in each link of a pass; links of one photo stand together.
fn sweep(pass: &Pass<'_>, likelihood: &[Huge], prefixes: &mut Prefixes, ended: &mut [Huge]) {
    let mut at = 0;
    while at < ended.len() {
        let local = pass.link(at).0;
        let mut end = at;
        while end < ended.len() && pass.link(end).0 == local {
            ended[end] = likelihood[end].times(Huge::ONE.plus(prefixes.below(pass.link(end).1)));
            end += 1;
        }
        for (place, ended) in (at..end).zip(&ended[at..end]) {
            prefixes.add(pass.link(place).1, *ended);
        }
        at = end;
    }
}

/// The same of a narrow stretch, with the sums that end at each rank.
fn sweep_narrowly(pass: &Pass<'_>, likelihood: &[Huge], at_rank: &mut Vec<Huge>, ended: &mut [Huge]) {
    at_rank.clear();
    at_rank.resize(pass.stretch.span, Huge::ZERO);
    let (mut below, mut low, mut at) = (Huge::ONE, 0, 0);
    while at < ended.len() {
        let local = pass.link(at).0;
        for rank in &at_rank[low..pass.floor(at).max(low)] {
            below = below.plus(*rank);
        }
        low = pass.floor(at).max(low);
        let (mut sum, mut rank, mut end) = (below, low, at);
        while end < ended.len() {
            let (other, own) = pass.link(end);
            if other != local {
                break;
            }
            at_rank[rank..own].iter().for_each(|ended| sum = sum.plus(*ended));
            rank = own;
            ended[end] = likelihood[end].times(sum);
            end += 1;
        }
        for (place, ended) in (at..end).zip(&ended[at..end]) {
            let rank = &mut at_rank[pass.link(place).1];
            *rank = rank.plus(*ended);
        }
        at = end;
    }
}

/// Posterior of a link that has no alternative.
fn alone(weight: f64) -> f64 {
    1.0 / (1.0 + (-weight).exp())
}

/// Posterior of each link.
pub(crate) fn posteriors(links: &[Link]) -> Vec<f64> {
    if is_a_chain(links) {
        return links.iter().map(|link| alone(link.weight)).collect();
    }
    let in_order = InOrder::of(links);
    let mut shares = vec![0.0; links.len()];
    let mut prefixes = Prefixes::new();
    let [mut likelihood, mut forward, mut backward, mut at_rank] = [const { Vec::new() }; 4];
    let mut most_before: Vec<u32> = Vec::new();
    in_stretches(&in_order.links, |stretch| {
        if let [only] = stretch.links {
            shares[in_order.number(stretch.first)] = alone(only.weight);
            return;
        }
        let n = stretch.links.len();
        likelihood.clear();
        likelihood.extend(stretch.links.iter().map(|link| Huge::exp(link.weight)));
        most_before.clear();
        let mut most = 0;
        most_before.extend(stretch.links.iter().map(|link| {
            most = most.max(link.remote);
            most
        }));
        let is_narrow = stretch.is_narrow();
        let mut pass = |most_before: Option<&[u32]>, likelihood: &[Huge], ended: &mut Vec<Huge>| {
            let pass = Pass { stretch: &stretch, most_before };
            ended.clear();
            ended.resize(n, Huge::ZERO);
            if is_narrow {
                sweep_narrowly(&pass, likelihood, &mut at_rank, ended);
            } else {
                prefixes.begin(stretch.span);
                sweep(&pass, likelihood, &mut prefixes, ended);
            }
        };
        pass(None, &likelihood, &mut forward);
        let all = forward.iter().fold(Huge::ONE, |sum, &ended| sum.plus(ended));
        likelihood.reverse();
        pass(Some(&most_before), &likelihood, &mut backward);
        for (place, &forward) in forward.iter().enumerate() {
            let behind = n - 1 - place;
            let share = forward.times(backward[behind]).over(likelihood[behind].times(all));
            shares[in_order.number(stretch.first + place)] = share.min(1.0);
        }
    });
    shares
}
