//! How many retries the whole run may spend.
//!
//! Each question puts a share into the budget, each retry takes one out. A service that fails here and there is asked
//! again; one that fails always is left alone after the reserve is gone, however many questions wait.

/// Retries allowed for each question: requests are amplified by at most 1.2.
const SHARE: f64 = 0.2;
/// What a run starts with, so that a small run can try again at all.
const RESERVE: f64 = 32.0;
/// The budget does not grow beyond this, lest a good hour pay for a storm.
const CEILING: f64 = 1_000.0;

/// The budget; plain state, shared under a lock by the client.
#[derive(Debug, Clone, PartialEq)]
pub struct RetryBudget(f64);

impl Default for RetryBudget {
    fn default() -> Self {
        Self(RESERVE)
    }
}

impl RetryBudget {
    /// A question is asked for the first time.
    pub fn deposit(&mut self) {
        self.0 = (self.0 + SHARE).min(CEILING);
    }

    /// A retry is wanted; false when there is nothing left.
    pub fn withdraw(&mut self) -> bool {
        let enough = self.0 >= 1.0;
        if enough {
            self.0 -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_always_fails_is_asked_at_most_a_fifth_more() {
        let (mut budget, mut retries) = (RetryBudget::default(), 0);
        for _ in 0..10_000 {
            budget.deposit();
            for _ in 0..7 {
                retries += u32::from(budget.withdraw());
            }
        }
        assert!(retries <= 2_000 + 32, "{retries}");
        assert!(retries >= 2_000, "{retries}");
    }
}
