//! How far a probability is a frequency: ten bins, their calibration error (Guo et al., 2017), and a diagram.

use std::fmt::Write;

/// Rows whose best candidate had about the same probability.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// How many.
    pub rows: usize,
    /// How many were true.
    pub true_rows: usize,
    /// Sum of their probabilities.
    pub probabilities: f64,
}

/// Ten bins of equal width.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reliability {
    /// From 0.0–0.1 to 0.9–1.0.
    pub bins: [Bin; 10],
}

impl Reliability {
    /// Counts one row.
    pub fn add(&mut self, probability: f64, is_true: bool) {
        let bin = &mut self.bins[((probability * 10.0) as usize).min(9)];
        bin.rows += 1;
        bin.true_rows += usize::from(is_true);
        bin.probabilities += probability;
    }

    /// Counts the rows of another.
    pub fn absorb(&mut self, other: &Self) {
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.rows += more.rows;
            bin.true_rows += more.true_rows;
            bin.probabilities += more.probabilities;
        }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.bins.iter().map(|bin| bin.rows).sum()
    }

    /// Mean distance between what was said and what was true, over all rows; 0 without rows.
    pub fn calibration_error(&self) -> f64 {
        let apart = self.bins.iter().map(|bin| (bin.probabilities - bin.true_rows as f64).abs()).sum::<f64>();
        apart / self.rows().max(1) as f64
    }
}

const SIDE: f64 = 360.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 44.0;
const BARS: f64 = 84.0;

/// The reliability diagram: said against true, with the interval of Wilson (1927) for 95 %, and below it how many rows.
pub fn reliability_svg(reliability: &Reliability) -> String {
    let (x, y) = (|share: f64| LEFT + SIDE * share, |share: f64| TOP + SIDE * (1.0 - share));
    let mut svg = String::new();
    let (width, height) = (LEFT + SIDE + 24.0, TOP + SIDE + BARS + 92.0);
    let _ = writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="#222">
<title>Reliability of the matcher's probabilities</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="{LEFT}" y="24" font-size="14">{} rows with a probability, expected calibration error {:.4}</text>"##,
        reliability.rows(),
        reliability.calibration_error()
    );
    for tenth in 0..=10 {
        let share = f64::from(tenth) / 10.0;
        let _ = writeln!(
            svg,
            r##"<path d="M{0:.1} {TOP}V{1:.1}M{LEFT} {2:.1}H{3:.1}" stroke="#e4e4e4"/><text x="{0:.1}" y="{4:.1}" text-anchor="middle">{share:.1}</text><text x="{5:.1}" y="{6:.1}" text-anchor="end">{share:.1}</text>"##,
            x(share),
            TOP + SIDE,
            y(share),
            LEFT + SIDE,
            TOP + SIDE + 18.0,
            LEFT - 8.0,
            y(share) + 4.0,
        );
    }
    let _ = writeln!(
        svg,
        r##"<path d="M{LEFT} {0:.1}L{1:.1} {TOP}" stroke="#888" stroke-dasharray="5 4"/>
<text x="{2:.1}" y="{3:.1}" text-anchor="middle">probability that was given</text>
<text transform="translate(18 {4:.1}) rotate(-90)" text-anchor="middle">share that was true</text>"##,
        TOP + SIDE,
        LEFT + SIDE,
        LEFT + SIDE / 2.0,
        TOP + SIDE + 36.0,
        TOP + SIDE / 2.0,
    );
    let floor = TOP + SIDE + 52.0 + BARS;
    let most = reliability.bins.iter().map(|bin| bin.rows).max().unwrap_or(0).max(1) as f64;
    for (place, bin) in reliability.bins.iter().enumerate().filter(|(_, bin)| bin.rows > 0) {
        let (said, (low, true_share, high)) = (bin.probabilities / bin.rows as f64, wilson(bin.true_rows, bin.rows));
        let tall = (BARS - 14.0) * (1.0 + bin.rows as f64).ln() / (1.0 + most).ln();
        let _ = writeln!(
            svg,
            r##"<path d="M{0:.1} {1:.1}V{2:.1}" stroke="#1f6fb2" stroke-width="2"/><circle cx="{0:.1}" cy="{3:.1}" r="4" fill="#1f6fb2"><title>{4} rows, said {said:.4}, true {true_share:.4}</title></circle>
<rect x="{5:.1}" y="{6:.1}" width="{7:.1}" height="{tall:.1}" fill="#9cc3e4"/><text x="{8:.1}" y="{9:.1}" text-anchor="middle" font-size="10">{4}</text>"##,
            x(said),
            y(low),
            y(high),
            y(true_share),
            bin.rows,
            x(place as f64 / 10.0) + 3.0,
            floor - tall,
            SIDE / 10.0 - 6.0,
            x(place as f64 / 10.0 + 0.05),
            floor - tall - 3.0,
        );
    }
    let _ = writeln!(
        svg,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">rows in each bin (height: logarithm)</text>
</svg>"#,
        LEFT + SIDE / 2.0,
        floor + 22.0
    );
    svg
}

/// (low, share, high) of a share that was counted.
fn wilson(part: usize, whole: usize) -> (f64, f64, f64) {
    const Z: f64 = 1.96;
    let (n, share) = (whole as f64, part as f64 / whole as f64);
    let middle = (share + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let reach = Z / (1.0 + Z * Z / n) * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    ((middle - reach).max(0.0), share, (middle + reach).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_that_is_a_frequency_has_no_error() {
        let mut reliability = Reliability::default();
        (0..4).for_each(|k| reliability.add(0.75, k < 3));
        assert!(reliability.calibration_error() < 1e-12);
        (0..4).for_each(|_| reliability.add(1.0, false));
        assert!((reliability.calibration_error() - 0.5).abs() < 1e-12, "half of the rows are wrong by 1");
    }

    #[test]
    fn an_interval_holds_its_share_and_narrows() {
        let ((low, share, high), (lower, _, higher)) = (wilson(90, 100), wilson(9, 10));
        assert!(lower < low && low < share && share < high && high < higher);
        assert_eq!(wilson(10, 10).2, 1.0);
    }

    #[test]
    fn the_diagram_names_its_figures() {
        let mut reliability = Reliability::default();
        (0..10).for_each(|k| reliability.add(0.95, k > 0));
        let svg = reliability_svg(&reliability);
        assert!(svg.contains("10 rows with a probability, expected calibration error 0.0500"), "{svg}");
        assert!(svg.contains("said 0.9500, true 0.9000") && svg.trim_end().ends_with("</svg>"), "{svg}");
    }
}
