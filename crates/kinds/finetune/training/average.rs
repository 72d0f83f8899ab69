//! Moving average of the parameters, which often generalises better than the last step's (Polyak and Juditsky 1992).

use rayon::prelude::*;

/// An exponential moving average of all parameters.
///
/// A step keeps `min(decay, (1 + t) / (10 + t))` of the average, t counted from 1, so that the first steps are soon
/// forgotten: the rule of TensorFlow's `ExponentialMovingAverage`.
pub(super) struct Average {
    decay: f64,
    values: Vec<Vec<f32>>,
}

impl Average {
    /// Starts with `values`.
    pub(super) fn new(decay: f64, values: &[Vec<f32>]) -> Self {
        Self { decay, values: values.to_vec() }
    }

    /// Updates the average with `values` after a step, counted from 1.
    pub(super) fn take(&mut self, values: &[Vec<f32>], step: u64) {
        let step = step as f64;
        let share = (1.0 - self.decay.min((1.0 + step) / (10.0 + step))) as f32;
        self.values.par_iter_mut().zip(values).for_each(|(means, values)| {
            means.iter_mut().zip(values).for_each(|(mean, value)| *mean += share * (value - *mean));
        });
    }

    pub(super) fn values(&self) -> &[Vec<f32>] {
        &self.values
    }

    pub(super) fn values_mut(&mut self) -> &mut [Vec<f32>] {
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_follows_the_numbers_and_forgets_its_beginning() {
        let mut average = Average::new(0.9, &[vec![0.0]]);
        // The decays of the first steps: 2/11, 3/12, then up to 0.9.
        average.take(&[vec![1.0]], 1);
        assert!((average.values()[0][0] - 9.0 / 11.0).abs() < 1e-6);
        average.take(&[vec![2.0]], 2);
        assert!((average.values()[0][0] - (0.25 * 9.0 / 11.0 + 0.75 * 2.0)).abs() < 1e-6);
        let before = average.values()[0][0];
        average.take(&[vec![3.0]], 1000);
        assert!((average.values()[0][0] - (0.9 * before + 0.1 * 3.0)).abs() < 1e-6);
    }
}
