//! The heaviest of all chains.

use super::{InOrder, Link, Stretch, in_stretches, is_a_chain};
use crate::at_most::collect_at_most;
use crate::medians::larger;

/// The heaviest chain, as numbers of links in rising order; empty when no link weighs more than nothing.
pub(crate) fn best_chain(links: &[Link]) -> Vec<usize> {
    if is_a_chain(links) {
        return collect_at_most(links.len(), (0..links.len()).filter(|&link| links[link].weight > 0.0));
    }
    let in_order = InOrder::of_heavy(links);
    let mut chain = Vec::with_capacity(links.len());
    let mut best = BestOfStretch::default();
    in_stretches(&in_order.links, |stretch| match stretch.links {
        [_] => chain.push(stretch.first),
        _ => best.extend(&stretch, &mut chain),
    });
    if in_order.numbers.is_some() {
        chain.iter_mut().for_each(|place| *place = in_order.number(*place));
    }
    chain
}

/// A chain: what it weighs, and the link that it ends in.
type Ended = (f64, u32);

const NO_LINK: u32 = u32::MAX;

/// What is worked on to find the heaviest chain of a stretch.
#[derive(Default)]
struct BestOfStretch {
    /// The heaviest chains over prefixes of remote ranks, or at each of them.
    heaviest: Vec<Ended>,
    /// Of each link, the weight of the heaviest chain that ends in it, and the link before it there.
    ended: Vec<Ended>,
}

/// The heavier one of two chains, the first one of equals; nobody could foresee which, so nothing branches.
fn heavier(a: Ended, b: Ended) -> Ended {
    let is_b = b.0 > a.0;
    (larger(b.0, a.0), if is_b { b.1 } else { a.1 })
}

impl BestOfStretch {
    /// Adds the places of the heaviest chain.
    fn extend(&mut self, stretch: &Stretch<'_>, chain: &mut Vec<usize>) {
        if !(stretch.is_narrow() && self.sweep_narrowly(stretch)) {
            self.sweep(stretch);
        }
        let first_heaviest =
            |best: usize, place: usize| if self.ended[best].0 >= self.ended[place].0 { best } else { place };
        let Some(last) = (0..self.ended.len()).reduce(first_heaviest) else { return };
        let begin = chain.len();
        let mut place = last as u32;
        while place != NO_LINK {
            chain.push(stretch.first + place as usize);
            place = self.ended[place as usize].1;
        }
        chain[begin..].reverse();
    }

    fn begin(&mut self, n_ranks: usize) {
        self.heaviest.clear();
        self.heaviest.resize(n_ranks, (0.0, NO_LINK));
        self.ended.clear();
    }

    /// By a tree of maxima over prefixes of ranks.
    fn sweep(&mut self, stretch: &Stretch<'_>) {
        let (links, span) = (stretch.links, stretch.span);
        self.begin(span + 1);
        let tree = &mut self.heaviest[..];
        let mut at = 0;
        while at < links.len() {
            let local = links[at].local;
            let mut end = at;
            while end < links.len() && links[end].local == local {
                let (mut node, mut best) = (stretch.rank(end), (0.0, NO_LINK));
                while node > 0 {
                    best = heavier(best, tree[node]);
                    node &= node - 1;
                }
                self.ended.push((links[end].weight + best.0, best.1));
                end += 1;
            }
            for place in at..end {
                let sum = self.ended[place].0;
                let mut node = stretch.rank(place) + 1;
                while node <= span {
                    tree[node] = heavier(tree[node], (sum, place as u32));
                    node += node & node.wrapping_neg();
                }
            }
            at = end;
        }
    }

    /// The same of a narrow stretch by a walk over its ranks; false where two chains weigh the same, between which only the tree
    /// chooses.
    fn sweep_narrowly(&mut self, stretch: &Stretch<'_>) -> bool {
        let links = stretch.links;
        self.begin(stretch.span);
        let at_rank = &mut self.heaviest[..];
        let mut is_tied = false;
        let mut heavier = |best: Ended, other: Ended| {
            is_tied |= other.1 != NO_LINK && other.0 == best.0;
            heavier(best, other)
        };
        let (mut below, mut low, mut at) = ((0.0, NO_LINK), 0, 0);
        while at < links.len() {
            let local = links[at].local;
            let floor = stretch.floor(at).max(low);
            below = at_rank[low..floor].iter().copied().fold(below, &mut heavier);
            low = floor;
            let (mut best, mut rank, mut end) = (below, low, at);
            while end < links.len() && links[end].local == local {
                let own = stretch.rank(end);
                best = at_rank[rank..own].iter().copied().fold(best, &mut heavier);
                rank = own;
                self.ended.push((links[end].weight + best.0, best.1));
                end += 1;
            }
            for place in at..end {
                let known = &mut at_rank[stretch.rank(place)];
                *known = heavier(*known, (self.ended[place].0, place as u32));
            }
            at = end;
        }
        !is_tied
    }
}
