//! Random numbers of training: independent, named streams derived from one seed.
//!
//! Torch's global generator is not used: a model trained in parallel with others, or resumed at epoch k, draws the same
//! numbers as one trained alone from the start. A stream is ChaCha8 keyed by the seed, with the purpose and the epoch
//! as its stream number.

use ndarray::ArrayD;
use rand::seq::SliceRandom;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{TchError, Tensor};

/// The purpose of the numbers; each has streams of its own.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    Weights = 0,
    Order = 1,
    Dropout = 2,
    Mirror = 3,
    Shift = 4,
    Mix = 5,
    Variation = 6,
}

fn stream(seed: u64, purpose: Purpose, epoch: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(((purpose as u64) << 32) | epoch as u64);
    rng
}

/// The order in which an epoch (counted from 1) visits `len` samples.
pub(super) fn epoch_order(seed: u64, epoch: usize, len: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut stream(seed, Purpose::Order, epoch));
    order
}

/// For each of `len` samples, whether an epoch (counted from 1) uses its mirror image.
pub(super) fn epoch_sides(seed: u64, epoch: usize, len: usize) -> Vec<bool> {
    let mut rng = stream(seed, Purpose::Mirror, epoch);
    (0..len).map(|_| rng.random()).collect()
}

/// For each of `len` samples, how far an epoch (counted from 1) shifts it down and to the right: up to `most` positions
/// each way.
pub(super) fn epoch_shifts(seed: u64, epoch: usize, len: usize, most: u8) -> Vec<[i8; 2]> {
    let mut rng = stream(seed, Purpose::Shift, epoch);
    let most = i8::try_from(most).unwrap_or(i8::MAX);
    (0..len).map(|_| [rng.random_range(-most..=most), rng.random_range(-most..=most)]).collect()
}

/// For each of `len` samples, with which other sample an epoch (counted from 1) mixes it, and the other's share: up to
/// `most`.
pub(super) fn epoch_mixes(seed: u64, epoch: usize, len: usize, most: f64) -> Vec<(usize, f32)> {
    let mut rng = stream(seed, Purpose::Mix, epoch);
    (0..len).map(|_| (rng.random_range(0..len), (most * rng.random::<f64>()) as f32)).collect()
}

/// For each of `len` samples, which of `count` variations an epoch (counted from 1) uses.
pub(super) fn epoch_variations(seed: u64, epoch: usize, len: usize, count: usize) -> Vec<usize> {
    let mut rng = stream(seed, Purpose::Variation, epoch);
    (0..len).map(|_| rng.random_range(0..count)).collect()
}

/// Draws initial weights.
pub(super) struct Initialiser(ChaCha8Rng);

impl Initialiser {
    pub(super) fn new(seed: u64) -> Self {
        Self(stream(seed, Purpose::Weights, 0))
    }

    /// Glorot's uniform distribution, as Keras initialises dense and convolution kernels: within
    /// `sqrt(6 / (fan_in + fan_out))` of zero.
    pub(super) fn glorot(&mut self, shape: &[usize], fan_in: usize, fan_out: usize) -> ArrayD<f32> {
        let limit = (6.0 / (fan_in + fan_out) as f64).sqrt() as f32;
        ArrayD::from_shape_simple_fn(shape, || self.0.random_range(-limit..=limit))
    }
}

/// Inverted dropout: in training each value is dropped with probability `rate` and the others are scaled by 1 / (1 -
/// rate), so that inference needs no scaling.
pub(super) struct Dropout {
    rate: f64,
    rng: Option<ChaCha8Rng>,
    bytes: Vec<u8>,
    kept: Vec<bool>,
}

impl Dropout {
    /// No dropout: inference.
    pub(super) fn off() -> Self {
        Self { rate: 0.0, rng: None, bytes: Vec::new(), kept: Vec::new() }
    }

    /// The masks of one epoch of training, counted from 1.
    pub(super) fn for_epoch(rate: f64, seed: u64, epoch: usize) -> Self {
        Self { rate, rng: Some(stream(seed, Purpose::Dropout, epoch)), bytes: Vec::new(), kept: Vec::new() }
    }

    /// Whether values are dropped: false for inference.
    pub(super) fn training(&self) -> bool {
        self.rng.is_some()
    }

    /// Applies the next mask.
    pub(super) fn apply(&mut self, values: Tensor) -> Result<Tensor, TchError> {
        let size = values.size();
        match self.mask(values.numel()) {
            None => Ok(values),
            Some(mask) => values.f_mul(&Tensor::f_from_slice(&mask)?.f_view(size.as_slice())?),
        }
    }

    /// The factor of kept values in training.
    pub(super) fn scale(&self) -> f32 {
        if self.rng.is_some() { (1.0 / (1.0 - self.rate)) as f32 } else { 1.0 }
    }

    /// The factors of the next `count` values: 0 or [`Dropout::scale`]. None without dropout.
    pub(super) fn mask(&mut self, count: usize) -> Option<Vec<f32>> {
        let scale = self.scale();
        self.kept(count).map(|kept| kept.iter().map(|&kept| if kept { scale } else { 0.0 }).collect())
    }

    /// The next mask: which of `count` values are kept. None without dropout.
    pub(super) fn kept(&mut self, count: usize) -> Option<&[bool]> {
        let rng = self.rng.as_mut().filter(|_| self.rate > 0.0)?;
        // Sixteen random bits per value give the rate to 0.001 %.
        let dropped_below = (self.rate * 65_536.0).round() as u32;
        self.bytes.resize(count * 2, 0);
        rng.fill_bytes(&mut self.bytes);
        self.kept.clear();
        let drawn = self.bytes.as_chunks::<2>().0.iter().map(|&pair| u32::from(u16::from_le_bytes(pair)));
        self.kept.extend(drawn.map(|drawn| drawn >= dropped_below));
        Some(&self.kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_keeps_the_mean_and_drops_the_share_asked_for() {
        let ones = Tensor::ones([400, 500], tch::kind::FLOAT_CPU);
        let dropped = Dropout::for_epoch(0.8, 7, 1).apply(ones.shallow_clone()).unwrap();
        let zeros = dropped.eq(0.0).to_kind(tch::Kind::Double).mean(tch::Kind::Double).double_value(&[]);
        assert!((zeros - 0.8).abs() < 0.005, "share dropped: {zeros}");
        let mean = dropped.mean(tch::Kind::Double).double_value(&[]);
        assert!((mean - 1.0).abs() < 0.02, "mean after dropout: {mean}");
        let again = Dropout::for_epoch(0.8, 7, 1).apply(ones.shallow_clone()).unwrap();
        assert_eq!(dropped, again);
        assert_ne!(dropped, Dropout::for_epoch(0.8, 7, 2).apply(ones.shallow_clone()).unwrap());
        assert_eq!(ones, Dropout::off().apply(ones.shallow_clone()).unwrap());
    }
}
