//! Merging two candidates that share an ancestor: each predictor's text from the one that improved it.
//!
//! Source: Agrawal et al., GEPA (2025), appendix "Merge: system-aware crossover"; the limits are those of `gepa` 0.1.4.

use std::collections::BTreeSet;

use predict::python::random::PythonRandom;

/// Pairs tried for one merge.
const ATTEMPTS: usize = 10;
/// Instances on which a merged candidate is tested before it gets a full evaluation.
const TEST_INSTANCES: usize = 5;

/// What merging needs to know about a candidate.
#[derive(Debug, Clone)]
pub(super) struct Lineage {
    /// One text for each predictor, in the program's order.
    pub(super) texts: Vec<String>,
    /// The candidates it was made from; none for the first.
    pub(super) parents: Vec<usize>,
    /// Its mean score.
    pub(super) mean: f64,
}

/// A merged candidate that is still to be tested.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Merged {
    pub(super) texts: Vec<String>,
    /// The two it was made from, the older first.
    pub(super) parents: (usize, usize),
    pub(super) ancestor: usize,
}

/// Finds pairs worth merging and remembers which were tried.
#[derive(Debug, Clone, Default)]
pub(super) struct Merger {
    triplets: BTreeSet<(usize, usize, usize)>,
    /// Pairs with the source of each predictor's text: another ancestor may lead to the very same merge.
    outcomes: BTreeSet<(usize, usize, Vec<usize>)>,
}

impl Merger {
    /// A merge of two of the `eligible` candidates, or `None` when there is no new and promising one.
    pub(super) fn propose(
        &mut self,
        pool: &[Lineage],
        eligible: &[usize],
        random: &mut PythonRandom,
    ) -> Option<Merged> {
        if eligible.len() < 2 || pool.len() < 3 {
            return None;
        }
        for _ in 0..ATTEMPTS {
            let Some((first, second, ancestor)) = self.pair(pool, eligible, random) else { continue };
            let (texts, sources) = combine(pool, first, second, ancestor, random);
            if self.outcomes.insert((first, second, sources)) {
                self.triplets.insert((first, second, ancestor));
                return Some(Merged { texts, parents: (first, second), ancestor });
            }
        }
        None
    }

    /// Two eligible candidates, neither an ancestor of the other, and a common ancestor that both have outgrown.
    fn pair(&self, pool: &[Lineage], eligible: &[usize], random: &mut PythonRandom) -> Option<(usize, usize, usize)> {
        for _ in 0..ATTEMPTS {
            let drawn = random.sample(eligible.len(), 2);
            let (left, right) = (eligible[drawn[0]], eligible[drawn[1]]);
            let (first, second) = (left.min(right), left.max(right));
            let (of_first, of_second) = (ancestors(pool, first), ancestors(pool, second));
            if first == second || of_first.contains(&second) || of_second.contains(&first) {
                continue;
            }
            let common: Vec<usize> = of_first
                .intersection(&of_second)
                .copied()
                .filter(|&ancestor| self.promising(pool, first, second, ancestor))
                .collect();
            let weights: Vec<f64> = common.iter().map(|&ancestor| pool[ancestor].mean.max(0.0)).collect();
            // All-zero scores weigh nothing; the oldest common ancestor is as good as any.
            let chosen = random.choices(&weights, 1).first().copied().unwrap_or(0);
            if let Some(&ancestor) = common.get(chosen) {
                return Some((first, second, ancestor));
            }
        }
        None
    }

    fn promising(&self, pool: &[Lineage], first: usize, second: usize, ancestor: usize) -> bool {
        let (one, two, root) = (&pool[first], &pool[second], &pool[ancestor]);
        let complementary = |predictor: usize| {
            let (a, b, origin) = (&one.texts[predictor], &two.texts[predictor], &root.texts[predictor]);
            a != b && (a == origin || b == origin)
        };
        !self.triplets.contains(&(first, second, ancestor))
            && root.mean <= one.mean
            && root.mean <= two.mean
            && (0..root.texts.len()).any(complementary)
    }
}

/// Every candidate that `candidate` descends from.
fn ancestors(pool: &[Lineage], candidate: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = pool[candidate].parents.clone();
    while let Some(parent) = open.pop() {
        if found.insert(parent) {
            open.extend(&pool[parent].parents);
        }
    }
    found
}

/// The merged texts, and for each predictor the candidate its text comes from.
fn combine(
    pool: &[Lineage],
    first: usize,
    second: usize,
    ancestor: usize,
    random: &mut PythonRandom,
) -> (Vec<String>, Vec<usize>) {
    let mut sources = Vec::new();
    for (predictor, origin) in pool[ancestor].texts.iter().enumerate() {
        let (one, two) = (&pool[first].texts[predictor], &pool[second].texts[predictor]);
        sources.push(if one == two || two == origin {
            first
        } else if one == origin || pool[second].mean > pool[first].mean {
            second
        } else if pool[first].mean > pool[second].mean {
            first
        } else {
            [first, second][random.choice(2).unwrap_or(0)]
        });
    }
    let texts = sources.iter().enumerate().map(|(predictor, &source)| pool[source].texts[predictor].clone()).collect();
    (texts, sources)
}

/// Instances on which to test a merge: some that one parent wins, some that the other wins, some that neither does.
pub(super) fn test_instances(first: &[f64], second: &[f64], random: &mut PythonRandom) -> Vec<usize> {
    let all = first.len().min(second.len());
    let group = |wanted: std::cmp::Ordering| -> Vec<usize> {
        (0..all).filter(|&instance| first[instance].total_cmp(&second[instance]) == wanted).collect()
    };
    let mut chosen: Vec<usize> = Vec::new();
    use std::cmp::Ordering::{Equal, Greater, Less};
    for group in [group(Greater), group(Less), group(Equal)] {
        let take = TEST_INSTANCES.div_ceil(3).min(TEST_INSTANCES - chosen.len());
        chosen.extend(random.sample(group.len(), take).into_iter().map(|index| group[index]));
    }
    let unused: Vec<usize> = (0..all).filter(|instance| !chosen.contains(instance)).collect();
    let missing = TEST_INSTANCES - chosen.len();
    chosen.extend(random.sample(unused.len(), missing).into_iter().map(|index| unused[index]));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lineage(texts: [&str; 2], parents: &[usize], mean: f64) -> Lineage {
        Lineage { texts: texts.map(str::to_owned).to_vec(), parents: parents.to_vec(), mean }
    }

    fn siblings() -> Vec<Lineage> {
        vec![lineage(["a", "b"], &[], 0.2), lineage(["A", "b"], &[0], 0.5), lineage(["a", "B"], &[0], 0.6)]
    }

    #[test]
    fn siblings_that_improved_different_predictors_give_both_improvements() {
        let merged = Merger::default().propose(&siblings(), &[1, 2], &mut PythonRandom::new(0)).unwrap();
        assert_eq!(merged, Merged { texts: vec!["A".into(), "B".into()], parents: (1, 2), ancestor: 0 });
    }

    #[test]
    fn the_same_merge_is_not_proposed_twice() {
        let (mut merger, mut random) = (Merger::default(), PythonRandom::new(0));
        assert!(merger.propose(&siblings(), &[1, 2], &mut random).is_some());
        assert_eq!(merger.propose(&siblings(), &[1, 2], &mut random), None);
    }

    #[test]
    fn a_parent_and_its_child_are_not_merged() {
        let mut pool = siblings();
        pool[2].parents = vec![1];
        assert_eq!(Merger::default().propose(&pool, &[1, 2], &mut PythonRandom::new(0)), None);
    }

    #[test]
    fn an_ancestor_that_is_better_than_a_descendant_rules_the_merge_out() {
        let mut pool = siblings();
        pool[0].mean = 0.55;
        assert_eq!(Merger::default().propose(&pool, &[1, 2], &mut PythonRandom::new(0)), None);
    }

    #[test]
    fn where_both_changed_a_text_the_better_one_is_taken() {
        let mut pool = siblings();
        pool[1].texts[1] = "one".into();
        let merged = Merger::default().propose(&pool, &[1, 2], &mut PythonRandom::new(0)).unwrap();
        assert_eq!(merged.texts, ["A", "B"]);
    }

    #[test]
    fn a_merge_is_tested_on_instances_of_every_kind() {
        let (first, second) = ([1.0, 1.0, 1.0, 0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.0, 1.0, 1.0, 0.5, 0.5]);
        let chosen = test_instances(&first, &second, &mut PythonRandom::new(1));
        assert_eq!(chosen.len(), 5);
        assert_eq!(chosen.iter().filter(|i| **i < 3).count(), 2);
        assert_eq!(chosen.iter().filter(|i| (3..5).contains(*i)).count(), 2);
    }

    #[test]
    fn few_instances_are_all_used() {
        let mut chosen = test_instances(&[1.0, 0.0], &[0.0, 1.0], &mut PythonRandom::new(1));
        chosen.sort_unstable();
        assert_eq!(chosen, [0, 1]);
    }
}
