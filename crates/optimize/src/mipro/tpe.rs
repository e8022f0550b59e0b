//! A Bayesian search over combinations of categorical choices: a tree-structured Parzen estimator over whole
//! combinations.
//!
//! The trials so far are split into the best tenth and the rest. Each part becomes a density over combinations, a
//! mixture with one component for each trial (which prefers exactly that trial's choices) and a uniform one as prior.
//! The next combination is the one, of some drawn from the density of the good, for which `good / rest` is greatest.
//!
//! Sources: Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (2011); Falkner et al., "BOHB" (2018) for
//! the joint density; Watanabe, "Tree-Structured Parzen Estimator" (2023) for split, weights and categorical kernel. It
//! is what Optuna calls `TPESampler(multivariate=True)`, which MIPROv2 uses. The published Rust library for TPE (`tpe`)
//! estimates every parameter alone, and so cannot learn that an instruction works only with certain demonstrations;
//! hence this module.

use predict::python::random::PythonRandom;

/// Trials before the estimator is trusted; until then combinations are drawn uniformly.
const STARTUP_TRIALS: usize = 10;
/// Combinations drawn from the density of the good for each suggestion.
const DRAWS: usize = 24;
/// The part of the trials that counts as good, and the most trials that do.
const GOOD_PART: f64 = 0.1;
const MOST_GOOD: usize = 25;
/// Weight of the uniform component, and what all unobserved choices of a component share.
const PRIOR_WEIGHT: f64 = 1.0;
/// Trials beyond this many lose weight with age.
const FULL_WEIGHT_TRIALS: usize = 25;

/// A search for the combination with the highest score; the same seed and observations give the same suggestions.
#[derive(Debug, Clone)]
pub struct ChoiceSearch {
    /// How many choices each parameter has.
    sizes: Vec<usize>,
    trials: Vec<(Vec<usize>, f64)>,
    random: PythonRandom,
}

impl ChoiceSearch {
    /// A search over one choice for each of `sizes`; a parameter of size 0 is treated as having one choice.
    #[must_use]
    pub fn new(sizes: Vec<usize>, seed: i64) -> Self {
        let sizes = sizes.into_iter().map(|size| size.max(1)).collect();
        Self { sizes, trials: Vec::new(), random: PythonRandom::new(seed) }
    }

    /// Records that a combination scored so; a score that is not a number counts as the worst.
    pub fn observe(&mut self, choices: Vec<usize>, score: f64) {
        self.trials.push((choices, if score.is_nan() { f64::NEG_INFINITY } else { score }));
    }

    /// The combination to try next.
    pub fn suggest(&mut self) -> Vec<usize> {
        if self.trials.len() < STARTUP_TRIALS {
            let random = &mut self.random;
            return self.sizes.iter().map(|&size| random.choice(size).unwrap_or(0)).collect();
        }
        let (good, rest) = self.split();
        let good = Mixture::new(&good, &self.sizes);
        let rest = Mixture::new(&rest, &self.sizes);
        let (mut random, mut best) = (self.random.clone(), None::<(f64, Vec<usize>)>);
        for _ in 0..DRAWS {
            let drawn = good.draw(&mut random);
            let gain = good.log_density(&drawn) - rest.log_density(&drawn);
            if best.as_ref().is_none_or(|(highest, _)| gain > *highest) {
                best = Some((gain, drawn));
            }
        }
        self.random = random;
        best.map_or_else(Vec::new, |(_, choices)| choices)
    }

    /// The good trials and the others, each in the order they were observed.
    fn split(&self) -> (Vec<&[usize]>, Vec<&[usize]>) {
        let count = ((self.trials.len() as f64 * GOOD_PART).ceil() as usize).min(MOST_GOOD);
        let mut order: Vec<usize> = (0..self.trials.len()).collect();
        order.sort_by(|&left, &right| self.trials[right].1.total_cmp(&self.trials[left].1));
        let good = &order[..count];
        let pick = |wanted: bool| {
            let trials = self.trials.iter().enumerate();
            trials.filter(|(index, _)| good.contains(index) == wanted).map(|(_, trial)| trial.0.as_slice()).collect()
        };
        (pick(true), pick(false))
    }
}

/// A density over combinations: one component for each observation and a uniform one.
struct Mixture<'a> {
    observations: &'a [&'a [usize]],
    sizes: &'a [usize],
    /// One weight for each observation, then the prior's.
    weights: Vec<f64>,
}

impl<'a> Mixture<'a> {
    fn new(observations: &'a [&'a [usize]], sizes: &'a [usize]) -> Self {
        let count = observations.len();
        let old = count.saturating_sub(FULL_WEIGHT_TRIALS);
        let ramp = |index: usize| {
            let lowest = 1.0 / count as f64;
            if index >= old || old < 2 { 1.0 } else { lowest + (1.0 - lowest) * index as f64 / (old - 1) as f64 }
        };
        let mut weights: Vec<f64> = (0..count).map(ramp).collect();
        weights.push(PRIOR_WEIGHT);
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        Self { observations, sizes, weights }
    }

    /// The probability that a component gives to one choice of one parameter.
    fn kernel(&self, component: usize, parameter: usize, choice: usize) -> f64 {
        let size = self.sizes[parameter] as f64;
        let Some(observed) = self.observations.get(component) else { return 1.0 / size };
        let spread = PRIOR_WEIGHT / self.weights.len() as f64;
        let peak = if observed[parameter] == choice { 1.0 } else { 0.0 };
        (spread + peak) / (spread * size + 1.0)
    }

    fn draw(&self, random: &mut PythonRandom) -> Vec<usize> {
        let component = random.choices(&self.weights, 1).first().copied().unwrap_or(0);
        let draw_one = |parameter: usize| {
            let odds: Vec<f64> =
                (0..self.sizes[parameter]).map(|choice| self.kernel(component, parameter, choice)).collect();
            random.choices(&odds, 1).first().copied().unwrap_or(0)
        };
        (0..self.sizes.len()).map(draw_one).collect()
    }

    fn log_density(&self, choices: &[usize]) -> f64 {
        let component_density = |component: usize| -> f64 {
            choices.iter().enumerate().map(|(parameter, &choice)| self.kernel(component, parameter, choice)).product()
        };
        let density: f64 =
            self.weights.iter().enumerate().map(|(component, weight)| weight * component_density(component)).sum();
        density.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A score that only pays when two choices fit together: what estimators of single parameters cannot see.
    fn pays_together(choices: &[usize]) -> f64 {
        let wanted = [3, 1, 4];
        let fitting = choices.iter().zip(wanted).filter(|(choice, wanted)| *choice == wanted).count();
        [0.0, 5.0, 20.0, 100.0][fitting]
    }

    fn best_of_search(seed: i64, trials: usize) -> f64 {
        let mut search = ChoiceSearch::new(vec![6, 6, 6], seed);
        let mut best: f64 = 0.0;
        for _ in 0..trials {
            let choices = search.suggest();
            let score = pays_together(&choices);
            best = best.max(score);
            search.observe(choices, score);
        }
        best
    }

    fn best_of_chance(seed: i64, trials: usize) -> f64 {
        let mut random = PythonRandom::new(seed);
        (0..trials).map(|_| pays_together(&[0; 3].map(|_: i32| random.choice(6).unwrap()))).fold(0.0, f64::max)
    }

    #[test]
    fn the_search_beats_chance_with_the_same_number_of_trials() {
        let search: f64 = (0..40).map(|seed| best_of_search(seed, 60)).sum();
        let chance: f64 = (0..40).map(|seed| best_of_chance(seed, 60)).sum();
        assert!(search > 1.3 * chance, "search {search}, chance {chance}");
    }

    #[test]
    fn the_same_seed_and_observations_give_the_same_suggestions() {
        let run = || {
            let mut search = ChoiceSearch::new(vec![4, 5], 9);
            let suggest = |search: &mut ChoiceSearch, trial: usize| {
                let choices = search.suggest();
                search.observe(choices.clone(), (trial * 7 % 11) as f64);
                choices
            };
            (0..30).map(|trial| suggest(&mut search, trial)).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn suggestions_stay_within_their_sizes_and_scores_may_be_anything() {
        let mut search = ChoiceSearch::new(vec![1, 0, 3], 1);
        for trial in 0..40 {
            let choices = search.suggest();
            assert!(choices[0] == 0 && choices[1] == 0 && choices[2] < 3);
            search.observe(choices, if trial % 3 == 0 { f64::NAN } else { f64::INFINITY });
        }
    }
}
