//! Positive numbers of any size: a mantissa and an exponent, so that products of thousands of likelihood ratios neither
//! overflow nor vanish, and sums need no logarithms.

use std::f64::consts::LN_2;

/// mantissa · 2^exponent; the mantissa is within 1…2, or 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Huge {
    mantissa: f64,
    exponent: i64,
}

impl Huge {
    pub(crate) const ZERO: Self = Self { mantissa: 0.0, exponent: i64::MIN / 4 };
    pub(crate) const ONE: Self = Self { mantissa: 1.0, exponent: 0 };

    /// e^x for a finite x.
    pub(crate) fn exp(x: f64) -> Self {
        let cut = (x / LN_2) as i64; // towards zero: `floor` is a call where the processor may be old
        let exponent = cut - i64::from(x < 0.0);
        Self { mantissa: (x - exponent as f64 * LN_2).exp(), exponent }.normal()
    }

    /// A mantissa within 0.5…4 put into its range.
    fn normal(self) -> Self {
        if self.mantissa >= 2.0 {
            Self { mantissa: self.mantissa * 0.5, exponent: self.exponent + 1 }
        } else if self.mantissa < 1.0 && self.mantissa > 0.0 {
            Self { mantissa: self.mantissa * 2.0, exponent: self.exponent - 1 }
        } else {
            self
        }
    }

    /// A mantissa within 1…4, or 0, put into its range. Sums are long and no branch in them could be foreseen: there is none.
    fn halved_if_two(self) -> Self {
        let is_two = self.mantissa >= 2.0;
        let mantissa = f64::from_bits(self.mantissa.to_bits() - (u64::from(is_two) << 52));
        Self { mantissa, exponent: self.exponent + i64::from(is_two) }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        let is_larger = self.exponent >= other.exponent;
        let (own, its) = (self.mantissa.to_bits(), other.mantissa.to_bits());
        let large = f64::from_bits(if is_larger { own } else { its });
        let small = f64::from_bits(if is_larger { its } else { own });
        let exponent = self.exponent.max(other.exponent);
        let apart = exponent - self.exponent.min(other.exponent);
        // further apart, the smaller one is beyond the last digit
        let share = f64::from_bits(if apart > 60 { 0 } else { ((1023 - apart) as u64) << 52 });
        Self { mantissa: large + small * share, exponent }.halved_if_two()
    }

    pub(crate) fn times(self, other: Self) -> Self {
        Self { mantissa: self.mantissa * other.mantissa, exponent: self.exponent + other.exponent }.halved_if_two()
    }

    /// The quotient as an ordinary float; 0 where it is too small for one.
    pub(crate) fn over(self, other: Self) -> f64 {
        let exponent = self.exponent - other.exponent;
        if exponent < -1000 { 0.0 } else { self.mantissa / other.mantissa * power_of_two(exponent.min(1000)) }
    }
}

/// 2^exponent for an exponent of a normal float.
fn power_of_two(exponent: i64) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_and_products_are_those_of_logarithms(a in -2e4..2e4_f64, b in -2e4..2e4_f64, near in -30.0..30.0_f64) {
            let ratio = |x: Huge, log: f64| (x.over(Huge::exp(log)) - 1.0).abs();
            prop_assert!(ratio(Huge::exp(a).times(Huge::exp(b)), a + b) < 1e-10);
            let sum = a.max(a + near) + (-near.abs()).exp().ln_1p();
            prop_assert!(ratio(Huge::exp(a).plus(Huge::exp(a + near)), sum) < 1e-10);
            prop_assert_eq!(Huge::exp(a).plus(Huge::ZERO), Huge::exp(a));
            prop_assert_eq!(Huge::ZERO.over(Huge::exp(a)), 0.0);
            let (small, large) = (a.min(b), a.max(b));
            prop_assert!(Huge::exp(small).over(Huge::exp(large)) <= 1.0 + 1e-12);
        }
    }
}
