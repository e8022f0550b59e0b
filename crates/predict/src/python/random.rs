//! Python's `random.Random`: the Mersenne Twister and what CPython builds on it, bit for bit.
//!
//! Optimizers choose demonstrations by seed, and a choice made by DSPy can only be repeated with the very generator it
//! was made with. Sources: Matsumoto and Nishimura, "Mersenne Twister" (1998), reference code `mt19937ar.c` for the
//! generator and `init_by_array`; the documentation and observed values of CPython 3.11's `random` module for the rest.

/// Words of generator state (`N` of the reference code).
const WORDS: usize = 624;
/// Distance of the recurrence (`M` of the reference code).
const MIDDLE: usize = 397;

/// A generator that yields what `random.Random(seed)` yields in Python.
///
/// ```
/// use predict::python::random::PythonRandom;
///
/// let mut random = PythonRandom::new(0);
/// assert_eq!(random.random(), 0.8444218515250481);
/// assert_eq!(random.sample(12, 3), [6, 0, 4]);
/// ```
#[derive(Clone)]
pub struct PythonRandom {
    words: [u32; WORDS],
    next: usize,
}

impl std::fmt::Debug for PythonRandom {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("PythonRandom").field("next", &self.next).finish_non_exhaustive()
    }
}

impl PythonRandom {
    /// Seeds as `random.Random(seed)` does for an integer; like Python it ignores the sign.
    #[must_use]
    pub fn new(seed: i64) -> Self {
        let magnitude = seed.unsigned_abs();
        let low = magnitude as u32;
        let high = (magnitude >> 32) as u32;
        // CPython hands over the integer's 32-bit digits, least significant first, at least one of them.
        if high == 0 { Self::from_key(&[low]) } else { Self::from_key(&[low, high]) }
    }

    /// `init_genrand` of the reference code.
    fn from_word(seed: u32) -> Self {
        let mut words = [0u32; WORDS];
        words[0] = seed;
        for index in 1..WORDS {
            let previous = words[index - 1];
            words[index] = 1_812_433_253u32.wrapping_mul(previous ^ (previous >> 30)).wrapping_add(index as u32);
        }
        Self { words, next: WORDS }
    }

    /// `init_by_array` of the reference code.
    fn from_key(key: &[u32]) -> Self {
        let mut generator = Self::from_word(19_650_218);
        let words = &mut generator.words;
        let (mut index, mut digit) = (1, 0);
        for _ in 0..WORDS.max(key.len()) {
            let previous = words[index - 1];
            words[index] = (words[index] ^ (previous ^ (previous >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key[digit])
                .wrapping_add(digit as u32);
            index += 1;
            if index == WORDS {
                words[0] = words[WORDS - 1];
                index = 1;
            }
            digit = (digit + 1) % key.len();
        }
        for _ in 0..WORDS - 1 {
            let previous = words[index - 1];
            words[index] =
                (words[index] ^ (previous ^ (previous >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(index as u32);
            index += 1;
            if index == WORDS {
                words[0] = words[WORDS - 1];
                index = 1;
            }
        }
        words[0] = 0x8000_0000;
        generator
    }

    /// The next 32 random bits (`genrand_int32`).
    fn word(&mut self) -> u32 {
        if self.next == WORDS {
            self.refill();
        }
        let mut word = self.words[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn refill(&mut self) {
        for index in 0..WORDS {
            let joined = (self.words[index] & 0x8000_0000) | (self.words[(index + 1) % WORDS] & 0x7fff_ffff);
            let twist = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.words[index] = self.words[(index + MIDDLE) % WORDS] ^ (joined >> 1) ^ twist;
        }
        self.next = 0;
    }

    /// `random()`: a float in `[0, 1)` with 53 random bits.
    pub fn random(&mut self) -> f64 {
        let high = f64::from(self.word() >> 5);
        let low = f64::from(self.word() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// `getrandbits(bits)` for at most 64 bits; 0 bits give 0.
    pub fn getrandbits(&mut self, bits: u32) -> u64 {
        match bits {
            0 => 0,
            1..=32 => u64::from(self.word() >> (32 - bits)),
            // Little-endian words; the last one is cut to the bits that are left.
            _ => {
                let low = u64::from(self.word());
                low | u64::from(self.word() >> (64 - bits.min(64))) << 32
            }
        }
    }

    /// `randrange(bound)`: an integer in `[0, bound)` by rejection (`_randbelow`); 0 when `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 {
            return 0;
        }
        let bits = u64::BITS - bound.leading_zeros();
        loop {
            let drawn = self.getrandbits(bits);
            if drawn < bound {
                return drawn;
            }
        }
    }

    /// `randint(low, high)`: an integer with both ends included; `low` when the range is empty.
    pub fn randint(&mut self, low: i64, high: i64) -> i64 {
        if high < low {
            return low;
        }
        low.wrapping_add(self.below(high.wrapping_sub(low) as u64 + 1) as i64)
    }

    /// `uniform(low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.random()
    }

    /// `shuffle(items)`, in place.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.index(last + 1);
            items.swap(last, other);
        }
    }

    /// `sample(range(population), count)`: distinct positions in random order; `count` is cut to `population`.
    pub fn sample(&mut self, population: usize, count: usize) -> Vec<usize> {
        let count = count.min(population);
        // CPython picks from a shrinking pool while that is smaller than a set of the chosen.
        let mut pool_limit = 21;
        if count > 5 {
            let mut set_size = 4usize;
            while set_size < count * 3 {
                set_size *= 4;
            }
            pool_limit += set_size;
        }
        if population <= pool_limit {
            let mut pool: Vec<usize> = (0..population).collect();
            return (0..count)
                .map(|taken| {
                    let left = population - taken;
                    let drawn = self.index(left);
                    let chosen = pool[drawn];
                    pool[drawn] = pool[left - 1];
                    chosen
                })
                .collect();
        }
        let mut chosen = std::collections::HashSet::with_capacity(count);
        let mut order = Vec::with_capacity(count);
        while order.len() < count {
            let drawn = self.index(population);
            if chosen.insert(drawn) {
                order.push(drawn);
            }
        }
        order
    }

    /// `choice(range(length))`: a position in `[0, length)`, or `None` of an empty sequence.
    pub fn choice(&mut self, length: usize) -> Option<usize> {
        (length > 0).then(|| self.index(length))
    }

    /// `choices(range(n), weights=weights, k=count)`: positions drawn with replacement.
    ///
    /// Empty when the weights are, or when their total is not a positive finite number (Python raises there).
    pub fn choices(&mut self, weights: &[f64], count: usize) -> Vec<usize> {
        let cumulative: Vec<f64> = weights
            .iter()
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        let Some(&total) = cumulative.last() else { return Vec::new() };
        if !total.is_finite() || total <= 0.0 {
            return Vec::new();
        }
        let last = cumulative.len() - 1;
        (0..count)
            .map(|_| {
                let drawn = self.random() * total;
                cumulative[..last].partition_point(|&bound| bound <= drawn)
            })
            .collect()
    }

    fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::PythonRandom;

    #[test]
    fn the_first_words_are_those_of_cpython() {
        let mut random = PythonRandom::new(0);
        assert_eq!(random.getrandbits(32), 3_626_764_237);
        assert_eq!(random.random(), 0.385_245_306_476_610_8);
        assert_eq!(random.randint(1, 4), 4);
    }

    #[test]
    fn a_seed_of_more_than_32_bits_uses_both_digits() {
        assert_eq!(PythonRandom::new(1_099_511_627_776).getrandbits(32), 445_128_065);
    }

    #[test]
    fn a_seed_and_its_negative_are_the_same_generator() {
        assert_eq!(PythonRandom::new(-3).random(), PythonRandom::new(3).random());
    }

    #[test]
    fn sampling_switches_from_pool_to_set_where_cpython_does() {
        // Values of CPython 3.11: random.Random(7).sample(range(n), k).
        assert_eq!(PythonRandom::new(7).sample(21, 5), [10, 4, 12, 1, 2]);
        assert_eq!(PythonRandom::new(7).sample(22, 5), [10, 4, 12, 20, 1]);
        assert_eq!(PythonRandom::new(7).sample(85, 6), [41, 19, 50, 6, 9, 68]);
        assert_eq!(PythonRandom::new(7).sample(86, 6), [41, 19, 50, 83, 6, 9]);
    }

    #[test]
    fn wide_draws_take_the_low_word_first() {
        let mut random = PythonRandom::new(5);
        assert_eq!(random.getrandbits(64), 4_712_128_852_136_459_333);
        assert_eq!(random.getrandbits(40), 394_027_974_809);
    }

    #[test]
    fn weights_that_sum_to_nothing_choose_nothing() {
        assert!(PythonRandom::new(1).choices(&[0.0, 0.0], 3).is_empty());
        assert!(PythonRandom::new(1).choices(&[], 3).is_empty());
    }
}
