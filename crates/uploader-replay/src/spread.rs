//! Equal times are spread: five photos of one second become .0 .2 .4 .6 .8.
//!
//! A camera that writes whole seconds gives several photos one time. The uploader spreads each run of n equal times t
//! evenly over [t, end), where `end` is the next photo's time or the end of t's second, whichever comes first: photo k
//! is sent with t + k · (end − t) / n, cut to milliseconds.

/// Spreads times that are sorted; all of one clock, in ms.
pub(crate) fn spread(times_ms: &mut [i64]) {
    let mut start = 0;
    while start < times_ms.len() {
        let time = times_ms[start];
        let run = times_ms[start..].iter().take_while(|&&other| other == time).count();
        if run > 1 {
            let second_ends = time.div_euclid(1000).saturating_add(1).saturating_mul(1000);
            let end = times_ms.get(start + run).map_or(second_ends, |&next| next.min(second_ends));
            let span = i128::from(end) - i128::from(time);
            for k in 0..run {
                // at most 1000 ms are shared out, so the sum stays below `end`
                times_ms[start + k] = time + (span * k as i128 / run as i128) as i64;
            }
        }
        start += run;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(case: &str, mut times: Vec<i64>, expected: &[i64]) {
        spread(&mut times);
        assert_eq!(times, expected, "{case}");
    }

    #[test]
    fn runs_of_equal_times_are_spread() {
        check("nothing", vec![], &[]);
        check("one photo keeps its time", vec![1_250], &[1_250]);
        check("different times are left alone", vec![1_000, 1_001, 5_000], &[1_000, 1_001, 5_000]);
        check(
            "the documented example: five at 1 s, one at 2 s",
            vec![1_000, 1_000, 1_000, 1_000, 1_000, 2_000],
            &[1_000, 1_200, 1_400, 1_600, 1_800, 2_000],
        );
        check("thirds are cut, not rounded", vec![1_000; 3], &[1_000, 1_333, 1_666]);
        check("the next photo ends the run early", vec![1_000, 1_000, 1_400], &[1_000, 1_200, 1_400]);
        check("a far next photo does not stretch it", vec![1_000, 1_000, 60_000], &[1_000, 1_500, 60_000]);
        check("from inside a second to its end", vec![1_600, 1_600], &[1_600, 1_800]);
        check("before 1970 seconds end later, too", vec![-500, -500], &[-500, -250]);
        check("more photos than milliseconds stay equal in places", vec![999; 2], &[999, 999]);
    }

    proptest! {
        #[test]
        fn order_and_second_survive(mut times in proptest::collection::vec(-5_000_i64..5_000, 0..60)) {
            times.sort_unstable();
            let before = times.clone();
            spread(&mut times);
            prop_assert!(times.is_sorted());
            for (old, new) in before.iter().zip(&times) {
                prop_assert_eq!(old.div_euclid(1000), new.div_euclid(1000));
                prop_assert!(new >= old);
            }
        }
    }
}
