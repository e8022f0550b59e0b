//! The Pareto front over instances: which candidates are best somewhere, and which of them are worth keeping.
//!
//! Source: Agrawal et al., "GEPA: Reflective Prompt Evolution Can Outperform Reinforcement Learning" (2025), algorithm
//! 2.

use std::collections::BTreeSet;

use predict::python::random::PythonRandom;

/// For each instance the candidates that reach its best score so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParetoFront {
    best: Vec<f64>,
    winners: Vec<BTreeSet<usize>>,
}

impl ParetoFront {
    /// A front over `instances` instances that nobody has won yet.
    #[must_use]
    pub fn new(instances: usize) -> Self {
        Self { best: vec![f64::NEG_INFINITY; instances], winners: vec![BTreeSet::new(); instances] }
    }

    /// Enters a candidate's scores, one for each instance in order.
    pub fn enter(&mut self, candidate: usize, scores: &[f64]) {
        for ((best, winners), &score) in self.best.iter_mut().zip(&mut self.winners).zip(scores) {
            if score > *best {
                *best = score;
                winners.clear();
            }
            if score == *best {
                winners.insert(candidate);
            }
        }
    }

    /// The candidates that reach the best score, for each instance.
    #[must_use]
    pub fn winners(&self) -> &[BTreeSet<usize>] {
        &self.winners
    }

    /// The candidates that remain when every dominated one is taken out, in ascending order.
    ///
    /// A candidate is dominated when each instance that it wins is also won by another that remains. Of two that
    /// dominate each other the one with the lower mean goes (`means[candidate]`).
    #[must_use]
    pub fn undominated(&self, means: &[f64]) -> BTreeSet<usize> {
        let mut remaining: BTreeSet<usize> = self.winners.iter().flatten().copied().collect();
        let mut weakest_first: Vec<usize> = remaining.iter().copied().collect();
        weakest_first.sort_by(|&left, &right| means[left].total_cmp(&means[right]));
        // Taking one out can only make others indispensable, so a single pass in this order is enough.
        for candidate in weakest_first {
            let others_win =
                |winners: &BTreeSet<usize>| winners.iter().any(|w| *w != candidate && remaining.contains(w));
            if self.winners.iter().filter(|winners| winners.contains(&candidate)).all(others_win) {
                remaining.remove(&candidate);
            }
        }
        remaining
    }

    /// Draws a candidate from the undominated ones, each as likely as the number of instances it wins.
    pub fn draw(&self, means: &[f64], random: &mut PythonRandom) -> Option<usize> {
        let undominated = self.undominated(means);
        let tickets: Vec<usize> = undominated
            .iter()
            .flat_map(|candidate| {
                let wins = self.winners.iter().filter(|winners| winners.contains(candidate)).count();
                std::iter::repeat_n(*candidate, wins)
            })
            .collect();
        random.choice(tickets.len()).map(|ticket| tickets[ticket])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(scores: &[&[f64]]) -> (ParetoFront, Vec<f64>) {
        let mut front = ParetoFront::new(scores[0].len());
        for (candidate, scores) in scores.iter().enumerate() {
            front.enter(candidate, scores);
        }
        let mean = |scores: &&[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        (front, scores.iter().map(mean).collect())
    }

    #[test]
    fn a_specialist_survives_beside_a_better_generalist() {
        let (front, means) = front(&[&[0.5, 0.5, 0.5], &[1.0, 1.0, 0.0], &[0.0, 0.0, 1.0]]);
        assert_eq!(front.undominated(&means), BTreeSet::from([1, 2]));
    }

    #[test]
    fn of_two_that_win_the_same_instances_the_weaker_goes() {
        let (front, means) = front(&[&[1.0, 0.2], &[1.0, 0.4], &[0.0, 1.0]]);
        assert_eq!(front.undominated(&means), BTreeSet::from([1, 2]));
    }

    #[test]
    fn equal_candidates_leave_one_of_them() {
        let (front, means) = front(&[&[1.0, 1.0], &[1.0, 1.0]]);
        assert_eq!(front.undominated(&means).len(), 1);
    }

    #[test]
    fn a_candidate_is_drawn_as_often_as_it_wins() {
        let (front, means) = front(&[&[1.0, 1.0, 1.0, 0.0], &[0.0, 0.0, 0.0, 1.0]]);
        let mut random = PythonRandom::new(3);
        let first = (0..4000).filter(|_| front.draw(&means, &mut random) == Some(0)).count();
        assert!((2850..3150).contains(&first), "{first}");
    }
}
