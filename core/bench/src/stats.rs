//! Medians, and how far to trust them.

use serde::Serialize;

/// The middle value, or the mean of the two.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

/// The sum over the number.
#[must_use]
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The value below which this share lies.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let sorted = sorted(values);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

/// # Panics
/// If there are none.
#[must_use]
pub fn least(values: &[f64]) -> f64 {
    sorted(values)[0]
}

fn sorted(values: &[f64]) -> Vec<f64> {
    assert!(!values.is_empty(), "nothing was measured");
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// A median and the 95% interval of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    pub median: f64,
    /// Between two of the values; absent below 6 of them, where no two are far enough apart.
    pub interval: Option<(f64, f64)>,
}

impl Estimate {
    /// Assumes nothing about how the values are spread: each lies above the true median with
    /// probability 1/2, so how many do is binomial.
    ///
    /// # Panics
    /// If there are none.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let sorted = sorted(values);
        let interval = rank(values.len()).map(|low| (sorted[low], sorted[sorted.len() - 1 - low]));
        Self {
            median: median(values),
            interval,
        }
    }
}

/// The greatest number of values that may be cut off at each end with 2.5% risk at most.
fn rank(count: usize) -> Option<usize> {
    // P(exactly k of them below the median), in logarithms: 0.5^count is 0 from 1,075 on.
    let mut log = -(count as f64) * std::f64::consts::LN_2;
    let mut below = 0.0;
    let mut cut = None;
    for k in 0..count / 2 {
        below += log.exp();
        if below > 0.025 {
            break;
        }
        cut = Some(k);
        log += ((count - k) as f64 / (k + 1) as f64).ln();
    }
    cut
}

/// What we took of what another took, round by round.
///
/// # Panics
/// If they had not as many rounds.
#[must_use]
pub fn paired(ours: &[f64], others: &[f64]) -> Estimate {
    assert_eq!(ours.len(), others.len(), "rounds are compared in pairs");
    let ratios: Vec<f64> = ours
        .iter()
        .zip(others)
        .map(|(our, other)| our / other)
        .collect();
    Estimate::of(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up_to(n: usize) -> Vec<f64> {
        // Not in order.
        (1..=n).rev().map(|n| n as f64).collect()
    }

    #[test]
    fn a_median_is_in_the_middle_whatever_the_order() {
        assert_eq!(median(&[7.0]), 7.0);
        assert_eq!(median(&[9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[9.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&up_to(21)), 11.0);
        assert_eq!(least(&[9.0, 1.0, 2.0]), 1.0);
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        assert_eq!(quantile(&up_to(101), 0.99), 100.0);
        assert_eq!(quantile(&up_to(101), 0.5), 51.0);
        assert_eq!(quantile(&[4.0], 0.99), 4.0);
    }

    /// The ranks of the tables for the sign test, counted from 0 here.
    #[test]
    fn the_interval_is_that_of_the_tables() {
        for (count, low) in [
            (6, 0),
            (8, 0),
            (9, 1),
            (12, 2),
            (15, 3),
            (20, 5),
            (21, 5),
            (25, 7),
            (30, 9),
            (50, 17),
            (100, 39),
        ] {
            assert_eq!(rank(count), Some(low), "{count} values");
        }
        assert_eq!(rank(5), None, "1/32 is too much");
        assert_eq!(rank(0), None);
        assert!(rank(5000).is_some_and(|low| (2400..2450).contains(&low)));
        assert_eq!(Estimate::of(&up_to(21)).interval, Some((6.0, 16.0)));
    }

    /// It covers the true median as often as it promises, and not much more.
    #[test]
    fn the_interval_covers_the_true_median_of_a_lopsided_spread() {
        let mut state = 1_u64;
        let mut draw = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let uniform = (state >> 11) as f64 / (1_u64 << 53) as f64;
            -(1.0 - uniform).ln()
        };
        let covered = (0..4000)
            .filter(|_| {
                let values: Vec<f64> = (0..21).map(|_| draw()).collect();
                let (low, high) = Estimate::of(&values).interval.unwrap();
                (low..=high).contains(&std::f64::consts::LN_2)
            })
            .count();
        // 97.3% for 21 values.
        assert!((3840..=3940).contains(&covered), "{covered} of 4000");
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        // Twice as fast in each round, though the rounds differ a hundredfold.
        let others = [1.0, 100.0, 10.0, 2.0, 30.0, 50.0];
        let ours = others.map(|it| it / 2.0);
        let ratio = paired(&ours, &others);
        assert_eq!((ratio.median, ratio.interval), (0.5, Some((0.5, 0.5))));
        assert_eq!(paired(&[3.0, 1.0, 2.0], &[1.0, 1.0, 1.0]).median, 2.0);
        assert_eq!(paired(&[1.0], &[2.0]).interval, None);
    }
}
