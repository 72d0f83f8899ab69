//! Random numbers that depend on nothing but what they are for.

use sha2::{Digest, Sha256};

/// A stream of pseudo-random numbers for one purpose (`"person"` 17, `"scene"` 203, ...).
///
/// It starts from SHA-256 of (seed, purpose, index) and goes on with SplitMix64 (Steele, Lea and Flood, 2014), so that
/// every picture has its own stream: no order of work and no number of threads can change it, nor can a new version of
/// a random-number crate.
pub(super) struct Draws(u64);

impl Draws {
    pub fn of(seed: u64, purpose: &str, index: u64) -> Self {
        let digest: [u8; 32] = Sha256::digest(format!("{seed}/{purpose}/{index}")).into();
        Self(digest.iter().take(8).fold(0, |bits, &byte| bits << 8 | u64::from(byte)))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u32 << 24) as f32
    }

    /// Uniform in `low..high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Nearly normal, mean 0 and deviation 1, never beyond 6: the sum of twelve uniform numbers. It needs no
    /// logarithm or cosine, whose last bits differ from machine to machine.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }

    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Uniform in `0..count`; `count` must not be 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.bits() % count as u64) as usize
    }

    /// One of several; `choices` must not be empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// The numbers `0..count` in random order.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut keyed: Vec<(u64, usize)> = (0..count).map(|item| (self.bits(), item)).collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, item)| item).collect()
    }
}
