//! The distribution of lengths: median, p90, p99 and the largest.

/// How a set of lengths is spread. Quantiles are interpolated linearly between neighbours (Hyndman and Fan, 1996, type 7),
/// as most tools do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// How many lengths.
    pub n: usize,
    /// Half are at most this, metres.
    pub median_m: f64,
    /// Nine in ten are at most this, metres.
    pub p90_m: f64,
    /// 99 in 100 are at most this, metres.
    pub p99_m: f64,
    /// The largest, metres.
    pub max_m: f64,
}

impl Spread {
    /// Of some lengths in any order, which must be numbers; `None` without any. The list is left sorted.
    pub fn of(lengths_m: &mut [f64]) -> Option<Self> {
        lengths_m.sort_unstable_by(f64::total_cmp);
        let max_m = *lengths_m.last()?;
        let quantile = |share: f64| {
            let rank = share * (lengths_m.len() - 1) as f64;
            let below = lengths_m[rank.floor() as usize];
            let above = lengths_m[rank.ceil() as usize];
            below + (above - below) * rank.fract()
        };
        Some(Self { n: lengths_m.len(), median_m: quantile(0.5), p90_m: quantile(0.9), p99_m: quantile(0.99), max_m })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let mut hundred: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        let spread = Spread::of(&mut hundred).unwrap();
        assert_eq!([spread.median_m, spread.p90_m, spread.p99_m, spread.max_m], [50.0, 90.0, 99.0, 100.0]);
        let two = Spread::of(&mut [3.0, 1.0]).unwrap();
        assert_eq!((two.n, two.median_m), (2, 2.0));
        assert!((two.p90_m - 2.8).abs() < 1e-12);
        assert_eq!(Spread::of(&mut []), None);
    }
}
