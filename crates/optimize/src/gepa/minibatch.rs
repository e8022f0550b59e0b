//! Which training examples GEPA reflects on next: every example once in each pass, in a fresh random order.

use predict::python::random::PythonRandom;

/// Hands out minibatches of positions; a pass that does not divide evenly is filled up with the least used positions.
#[derive(Debug, Clone)]
pub(super) struct Minibatches {
    examples: usize,
    size: usize,
    order: Vec<usize>,
    next: usize,
}

impl Minibatches {
    /// Minibatches of `size` (at least 1) from `examples` examples.
    pub(super) fn new(examples: usize, size: usize) -> Self {
        Self { examples, size: size.max(1), order: Vec::new(), next: 0 }
    }

    /// The positions of the next minibatch; empty when there are no examples.
    pub(super) fn draw(&mut self, random: &mut PythonRandom) -> Vec<usize> {
        if self.examples == 0 {
            return Vec::new();
        }
        if self.next >= self.order.len() {
            self.reshuffle(random);
        }
        let batch = self.order[self.next..self.next + self.size].to_vec();
        self.next += self.size;
        batch
    }

    fn reshuffle(&mut self, random: &mut PythonRandom) {
        self.order = (0..self.examples).collect();
        random.shuffle(&mut self.order);
        // Those from the front are farthest from the minibatch that they fill up, so that it holds no example twice
        // unless there are fewer examples than it has places.
        let missing = self.order.len().next_multiple_of(self.size) - self.order.len();
        let fill: Vec<usize> = self.order.iter().cycle().take(missing).copied().collect();
        self.order.extend(fill);
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_uses_every_example_before_one_comes_again() {
        let (mut batches, mut random) = (Minibatches::new(6, 3), PythonRandom::new(0));
        for _ in 0..3 {
            let mut pass: Vec<usize> = (0..2).flat_map(|_| batches.draw(&mut random)).collect();
            pass.sort_unstable();
            assert_eq!(pass, [0, 1, 2, 3, 4, 5]);
        }
    }

    #[test]
    fn a_minibatch_that_is_filled_up_holds_nothing_twice() {
        let (mut batches, mut random) = (Minibatches::new(7, 3), PythonRandom::new(4));
        for _ in 0..6 {
            let batch = batches.draw(&mut random);
            assert!(batch[0] != batch[1] && batch[1] != batch[2] && batch[0] != batch[2], "{batch:?}");
        }
    }

    #[test]
    fn a_minibatch_larger_than_the_data_repeats_examples() {
        let (mut batches, mut random) = (Minibatches::new(2, 3), PythonRandom::new(0));
        for _ in 0..4 {
            let batch = batches.draw(&mut random);
            assert_eq!(batch.len(), 3);
            assert!(batch.contains(&0) && batch.contains(&1));
        }
    }
}
