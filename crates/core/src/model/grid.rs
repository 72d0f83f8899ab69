//! The settings a sweep tries: every combination of some values, or some of them drawn at random.

use super::settings::{DenseSettings, Optimizer};
use crate::error::{Error, Result};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Values to combine. An empty list means the base's value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Grid {
    pub widths: Vec<usize>,
    pub depths: Vec<usize>,
    pub dropouts: Vec<f64>,
    pub learning_rates: Vec<f64>,
    pub optimizers: Vec<Optimizer>,
    pub weight_decays: Vec<f64>,
    pub batches: Vec<usize>,
    pub standardise: Vec<bool>,
}

/// More combinations than anyone waits for; a slip of the keyboard.
const MOST: usize = 100_000;

impl Grid {
    /// All combinations with what `base` says besides, the last list varying fastest; or, with `draw`, that many
    /// of them, drawn from the base's seed without repetition and in the order of the draw.
    ///
    /// # Errors
    /// Values that cannot be trained with; far too many combinations.
    pub fn settings(&self, base: &DenseSettings, draw: Option<usize>) -> Result<Vec<DenseSettings>> {
        let sizes = [
            self.widths.len(),
            self.depths.len(),
            self.dropouts.len(),
            self.learning_rates.len(),
            self.optimizers.len(),
            self.weight_decays.len(),
            self.batches.len(),
            self.standardise.len(),
        ];
        let count = sizes.iter().try_fold(1usize, |count, &size| count.checked_mul(size.max(1)));
        if count.is_none_or(|count| count > MOST) {
            return Err(Error::usage(format!("the sweep has more than {MOST} combinations; take fewer values")));
        }
        let mut all = vec![base.clone()];
        vary(&mut all, &self.widths, |settings, value| settings.width = value);
        vary(&mut all, &self.depths, |settings, value| settings.depth = value);
        vary(&mut all, &self.dropouts, |settings, value| settings.dropout = value);
        vary(&mut all, &self.learning_rates, |settings, value| settings.learning_rate = value);
        vary(&mut all, &self.optimizers, |settings, value| settings.optimizer = value);
        vary(&mut all, &self.weight_decays, |settings, value| settings.weight_decay = value);
        vary(&mut all, &self.batches, |settings, value| settings.batch = value);
        vary(&mut all, &self.standardise, |settings, value| settings.standardise = value);
        if let Some(draw) = draw {
            all.shuffle(&mut ChaCha8Rng::seed_from_u64(base.seed));
            all.truncate(draw);
        }
        all.iter().try_for_each(DenseSettings::check)?;
        Ok(all)
    }

    /// Adds the values of another grid that are not there yet. Where only the other has values for something, the
    /// base's own value is kept beside them.
    pub fn extend(&mut self, base: &DenseSettings, more: &Self) {
        add(&mut self.widths, &more.widths, base.width);
        add(&mut self.depths, &more.depths, base.depth);
        add(&mut self.dropouts, &more.dropouts, base.dropout);
        add(&mut self.learning_rates, &more.learning_rates, base.learning_rate);
        add(&mut self.optimizers, &more.optimizers, base.optimizer);
        add(&mut self.weight_decays, &more.weight_decays, base.weight_decay);
        add(&mut self.batches, &more.batches, base.batch);
        add(&mut self.standardise, &more.standardise, base.standardise);
    }
}

fn vary<T: Copy>(all: &mut Vec<DenseSettings>, values: &[T], set: impl Fn(&mut DenseSettings, T)) {
    if values.is_empty() {
        return;
    }
    let varied = all.iter().flat_map(|settings| {
        values.iter().map(|&value| {
            let mut settings = settings.clone();
            set(&mut settings, value);
            settings
        })
    });
    *all = varied.collect();
}

fn add<T: Copy + PartialEq>(values: &mut Vec<T>, more: &[T], base: T) {
    if values.is_empty() && !more.is_empty() {
        values.push(base);
    }
    for &value in more {
        if !values.contains(&value) {
            values.push(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_combines_draws_and_grows() {
        let base = DenseSettings::default();
        let mut grid = Grid { widths: vec![64, 128], dropouts: vec![0.0, 0.5, 0.8], ..Default::default() };
        let all = grid.settings(&base, None).unwrap();
        let pairs: Vec<_> = all.iter().map(|settings| (settings.width, settings.dropout)).collect();
        assert_eq!(pairs, [(64, 0.0), (64, 0.5), (64, 0.8), (128, 0.0), (128, 0.5), (128, 0.8)]);
        let drawn = grid.settings(&base, Some(4)).unwrap();
        assert_eq!(drawn, grid.settings(&base, Some(4)).unwrap());
        assert!(drawn.len() == 4 && drawn.iter().all(|settings| all.contains(settings)));
        assert_ne!(drawn, grid.settings(&DenseSettings { seed: 2, ..base.clone() }, Some(4)).unwrap());
        grid.extend(&base, &Grid { widths: vec![128, 256], batches: vec![32], ..Default::default() });
        assert_eq!(
            (grid.widths.as_slice(), grid.batches.as_slice()),
            ([64, 128, 256].as_slice(), [128, 32].as_slice())
        );
        assert!(Grid { dropouts: vec![1.0], ..Default::default() }.settings(&base, None).is_err());
        assert!(
            Grid { widths: vec![1; 1000], batches: vec![1; 1000], ..Default::default() }.settings(&base, None).is_err()
        );
    }
}
