//! Random draws by weight and by the Poisson distribution, and percentiles.

use predict::python::random::PythonRandom;

/// A position drawn with probability proportional to `exp(score / temperature)`; 0 of nothing.
pub(super) fn softmax_choice(scores: &[f64], temperature: f64, random: &mut PythonRandom) -> usize {
    // Taking the greatest away changes no probability and keeps the exponentials finite.
    let greatest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = scores.iter().map(|score| ((score - greatest) / temperature).exp()).collect();
    random.choices(&weights, 1).first().copied().or_else(|| random.choice(scores.len())).unwrap_or(0)
}

/// A count from a Poisson distribution (Knuth, The Art of Computer Programming, volume 2, 3.4.1, algorithm Q).
pub(super) fn poisson(mean: f64, random: &mut PythonRandom) -> usize {
    let limit = (-mean).exp();
    let (mut count, mut product) = (0, random.random());
    while product > limit {
        count += 1;
        product *= random.random();
    }
    count
}

/// The value below which `percent` of the values lie, interpolated between neighbours; 0 of nothing.
pub(super) fn percentile(values: &[f64], percent: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let position = last as f64 * percent / 100.0;
    let (low, part) = (position.floor() as usize, position.fract());
    sorted[low] + (sorted[(low + 1).min(last)] - sorted[low]) * part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate() {
        assert_eq!(percentile(&[4.0, 1.0, 3.0, 2.0], 10.0), 1.3);
        assert_eq!(percentile(&[1.0], 90.0), 1.0);
    }

    #[test]
    fn a_poisson_draw_has_its_mean() {
        let mut random = PythonRandom::new(1);
        let sum: usize = (0..20_000).map(|_| poisson(0.75, &mut random)).sum();
        assert!((14_600..15_400).contains(&sum), "{sum}");
        assert_eq!(poisson(0.0, &mut random), 0);
    }

    #[test]
    fn better_scores_are_drawn_more_often() {
        let mut random = PythonRandom::new(1);
        let draws = (0..1000).filter(|_| softmax_choice(&[0.2, 0.8], 0.2, &mut random) == 1).count();
        // exp(0.6 / 0.2) = 20 times as often.
        assert!((930..975).contains(&draws), "{draws}");
        assert_eq!(softmax_choice(&[1e9, 0.0], 0.2, &mut random), 0);
    }
}
