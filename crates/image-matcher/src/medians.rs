//! Middle values: of a list, of vectors by component, and of windows that run along a ride.

/// Middle value; of an even number the lower middle, so that it is a value that occurs.
pub(crate) fn median(values: &[f64]) -> f64 {
    middle(&mut values.to_vec())
}

/// The same, putting the values into another order.
fn middle(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let at = (values.len() - 1) / 2;
    *values.select_nth_unstable_by(at, f64::total_cmp).1
}

/// Componentwise running median over `half` neighbours on each side.
pub(crate) fn running_median(vectors: &[[f64; 2]], half: usize) -> Vec<[f64; 2]> {
    match half {
        _ if vectors.len() <= half => vec![median_vector(vectors); vectors.len()],
        6 if vectors.len() >= SHORT => in_short_windows(vectors),
        _ => in_long_windows(vectors, half),
    }
}

/// Values of a short window.
const SHORT: usize = 13;

/// The same for windows of 13: by a fixed order of comparisons, so that several windows are looked at side by side and nothing
/// branches. Where there are no neighbours, values below and above all others keep the middle where it is.
fn in_short_windows(vectors: &[[f64; 2]]) -> Vec<[f64; 2]> {
    const LOW: f64 = f64::NEG_INFINITY;
    const HIGH: f64 = f64::INFINITY;
    let mut values = Vec::with_capacity(vectors.len() + SHORT - 1);
    let mut of_axis = |axis: usize| -> Vec<f64> {
        values.clear();
        values.extend([HIGH, LOW, HIGH, LOW, HIGH, LOW]);
        values.extend(vectors.iter().map(|vector| vector[axis]));
        values.extend([LOW, HIGH, LOW, HIGH, LOW, HIGH]);
        let mut middles = vec![0.0; vectors.len()];
        for (middle, window) in middles.iter_mut().zip(values.array_windows()) {
            *middle = middle_of_short(window);
        }
        middles
    };
    let (east, north) = (of_axis(0), of_axis(1));
    east.into_iter().zip(north).map(|(east, north)| [east, north]).collect()
}

/// The middle one of 13 values: of 8 neither the least nor the greatest can be it, so the next one takes their place, and so on.
#[inline] // several at once
fn middle_of_short(values: &[f64; SHORT]) -> f64 {
    let mut left: [f64; 8] = std::array::from_fn(|at| values[at]);
    drop_ends::<8>(&mut left, values[8]);
    drop_ends::<7>(&mut left, values[9]);
    drop_ends::<6>(&mut left, values[10]);
    drop_ends::<5>(&mut left, values[11]);
    drop_ends::<4>(&mut left, values[12]);
    let [a, b, c, ..] = left;
    larger(smaller(a, b), smaller(larger(a, b), c))
}

/// Drops the least and the greatest of the first so many values, and takes another one in: one less is left.
#[inline]
fn drop_ends<const N: usize>(values: &mut [f64; 8], next: f64) {
    let mut sort = |low: usize, high: usize| {
        let (a, b) = (values[low], values[high]);
        (values[low], values[high]) = (smaller(a, b), larger(a, b));
    };
    for at in 0..N / 2 {
        sort(at, N - 1 - at);
    }
    for at in 1..N.div_ceil(2) {
        sort(0, at);
    }
    for at in N / 2..N - 1 {
        sort(at, N - 1);
    }
    values[0] = next;
}

/// The same for windows of any length: values are told by their ranks among all, those in the window are marked, and the middle
/// one moves to a neighbour as values enter and leave.
fn in_long_windows(vectors: &[[f64; 2]], half: usize) -> Vec<[f64; 2]> {
    let n = vectors.len();
    let mut medians = vec![[0.0; 2]; n];
    let mut by_value: Vec<(i64, u32)> = Vec::with_capacity(n);
    let mut ranks = vec![0; n];
    for axis in [0, 1] {
        by_value.clear();
        by_value.extend(vectors.iter().zip(0..).map(|(vector, at)| (in_order(vector[axis]), at)));
        by_value.sort_unstable_by_key(|value| value.0); // equal values are one
        by_value.iter().zip(0..).for_each(|(&(_, at), rank)| ranks[at as usize] = rank);
        let mut window = Marked::new(n);
        ranks[..half].iter().for_each(|&rank| window.add(rank));
        for (at, median) in medians.iter_mut().enumerate() {
            if let Some(&entering) = ranks.get(at + half) {
                window.add(entering);
            }
            if let Some(leaving) = at.checked_sub(half + 1) {
                window.remove(ranks[leaving]);
            }
            median[axis] = of_order(by_value[window.middle()].0);
        }
    }
    medians
}

/// Some ranks, and the middle one of them.
struct Marked {
    marks: Vec<u64>,
    n: usize,
    /// A rank that is marked, or was, and how many below it are.
    at: usize,
    below: usize,
}

impl Marked {
    fn new(n_ranks: usize) -> Self {
        Self { marks: vec![0; n_ranks.div_ceil(64)], n: 0, at: 0, below: 0 }
    }

    fn add(&mut self, rank: usize) {
        self.marks[rank / 64] |= 1 << (rank % 64);
        self.n += 1;
        self.below += usize::from(rank < self.at);
    }

    fn remove(&mut self, rank: usize) {
        self.marks[rank / 64] &= !(1 << (rank % 64));
        self.n -= 1;
        self.below -= usize::from(rank < self.at);
    }

    /// The lower middle of the marked ranks, of which there is one at least.
    fn middle(&mut self) -> usize {
        let wanted = (self.n - 1) / 2;
        while self.below > wanted {
            self.at = self.last_below(self.at);
            self.below -= 1;
        }
        self.at = self.first_from(self.at);
        while self.below < wanted {
            self.at = self.first_from(self.at + 1);
            self.below += 1;
        }
        self.at
    }

    fn first_from(&self, rank: usize) -> usize {
        let mut word = rank / 64;
        let mut marks = self.marks[word] & (u64::MAX << (rank % 64));
        while marks == 0 {
            word += 1;
            marks = self.marks[word];
        }
        64 * word + marks.trailing_zeros() as usize
    }

    fn last_below(&self, rank: usize) -> usize {
        let mut word = rank / 64;
        let mut marks = self.marks[word] & !(u64::MAX << (rank % 64));
        while marks == 0 {
            word -= 1;
            marks = self.marks[word];
        }
        64 * word + 63 - marks.leading_zeros() as usize
    }
}

/// A whole number that is ordered as `total_cmp` orders floats.
fn in_order(value: f64) -> i64 {
    let bits = value.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// The float of such a number.
fn of_order(number: i64) -> f64 {
    f64::from_bits((number ^ (((number >> 63) as u64) >> 1) as i64) as u64)
}

/// Componentwise median.
pub(crate) fn median_vector(vectors: &[[f64; 2]]) -> [f64; 2] {
    median_vector_by(vectors, &mut Vec::with_capacity(vectors.len()))
}

/// The same, with values to work on.
pub(crate) fn median_vector_by(vectors: &[[f64; 2]], values: &mut Vec<f64>) -> [f64; 2] {
    [0, 1].map(|axis: usize| {
        values.clear();
        values.extend(vectors.iter().map(|v| v[axis]));
        middle(values)
    })
}

/// The larger one of two numbers, neither of which is none: one instruction, as `f64::max` is not.
pub(crate) fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_even_number_the_lower_middle_is_meant() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[3.0, 1.0, 2.0, 9.0]), 2.0);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn a_running_median_is_the_median_of_each_window() {
        let vectors: Vec<[f64; 2]> = (0..60)
            .map(|k| [f64::from(k * 37 % 23), f64::from(k * k % 17) - 8.0])
            .map(|v| [v[0], -v[1] * 0.5])
            .collect();
        for half in [1, 2, 6, 8, 30, 59, 60, 100] {
            let windows = running_median(&vectors, half);
            for (k, found) in windows.iter().enumerate() {
                let window = if vectors.len() <= half {
                    &vectors[..]
                } else {
                    &vectors[k.saturating_sub(half)..(k + half + 1).min(60)]
                };
                assert_eq!(*found, median_vector(window), "{k} of {half}");
            }
        }
    }
}
