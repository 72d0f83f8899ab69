//! Data augmentation: the version of each training image that an epoch uses.

use super::Views;
use super::tuned::Geometry;
use crate::model::FinetuneSettings;
use crate::model::random::{epoch_mixes, epoch_shifts, epoch_sides, epoch_variations};
use faceprobe_core::error::Result;

/// The training split with each image varied, mirrored, shifted and mixed, as settings and epoch determine.
pub(super) struct Augmented<'a> {
    split: Views<'a>,
    geometry: Geometry,
    settings: &'a FinetuneSettings,
    /// Per image, whether its mirror image is used.
    mirrored: Vec<bool>,
    /// Per image, which variation is used, 0 being the image itself; empty without variations.
    variations: Vec<usize>,
    /// Per image, by how much it is shifted; empty without shifts.
    shifts: Vec<[i8; 2]>,
    /// Per image, with which other image it is mixed, and that one's share; empty without mixing.
    mixes: Vec<(usize, f32)>,
}

impl<'a> Augmented<'a> {
    /// The images without augmentation, until an epoch begins.
    pub(super) fn new(split: Views<'a>, geometry: Geometry, settings: &'a FinetuneSettings) -> Self {
        let mirrored = vec![false; split.positive.len()];
        Self { split, geometry, settings, mirrored, variations: Vec::new(), shifts: Vec::new(), mixes: Vec::new() }
    }

    /// Draws the augmentation of an epoch, counted from 1.
    pub(super) fn begin(&mut self, epoch: usize) {
        let FinetuneSettings { seed, shift, mixup, .. } = *self.settings;
        self.mirrored = epoch_sides(seed, epoch, self.len());
        if self.split.pairs.len() > 1 {
            self.variations = epoch_variations(seed, epoch, self.len(), self.split.pairs.len());
        }
        if shift > 0 {
            self.shifts = epoch_shifts(seed, epoch, self.len(), shift);
        }
        if mixup > 0.0 {
            self.mixes = epoch_mixes(seed, epoch, self.len(), mixup);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.split.positive.len()
    }

    /// Whether an image is of class 1.
    pub(super) fn is_positive(&self, row: usize) -> bool {
        self.split.positive[row]
    }

    /// The augmented activations of an image.
    pub(super) fn read(&self, row: usize, values: &mut [f32]) -> Result<()> {
        self.read_alone(row, values)?;
        if let Some(&(other, share)) = self.mixes.get(row) {
            let mut others = vec![0f32; values.len()];
            self.read_alone(other, &mut others)?;
            values.iter_mut().zip(&others).for_each(|(value, other)| *value += share * (other - *value));
        }
        Ok(())
    }

    /// The same before mixing.
    fn read_alone(&self, row: usize, values: &mut [f32]) -> Result<()> {
        let pair = self.split.pairs[self.variations.get(row).copied().unwrap_or(0)];
        let view = pair[usize::from(self.mirrored[row])];
        view.copy_rows(&[row], values)?;
        if let Some(&shift) = self.shifts.get(row) {
            self.geometry.shift(values, shift);
        }
        Ok(())
    }

    /// The target probability of class 1.
    pub(super) fn target(&self, row: usize) -> f32 {
        let label = |row| f32::from(u8::from(self.is_positive(row)));
        let mut target = label(row);
        if let Some(&(other, share)) = self.mixes.get(row) {
            target += share * (label(other) - target);
        }
        let smoothing = self.settings.smoothing as f32;
        target * (1.0 - smoothing) + smoothing / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Examples;
    use crate::model::Pair;
    use ndarray::{Array2, Axis, array, concatenate};

    #[test]
    fn an_epoch_sees_every_variation_and_side() {
        let rows = |first: f32| Array2::from_shape_fn((60, 1), |(row, _)| first + row as f32);
        let all = [rows(0.0), rows(100.0), rows(200.0), rows(300.0)];
        let views: Vec<_> = all.iter().map(|rows| rows.view()).collect();
        let pairs: [Pair<'_>; 2] = [[&views[0], &views[1]], [&views[2], &views[3]]];
        let both = concatenate![Axis(1), all[0], all[1]];
        let (both, positive) = (both.view(), [true; 60]);
        let split = Views::new(&pairs, Examples::new(&both, &positive).unwrap()).unwrap();
        let settings = FinetuneSettings { shift: 0, ..FinetuneSettings::default() };
        let mut augmented = Augmented::new(split, Geometry { side: 1, channels: 1, class_token: false }, &settings);
        let mut sees = |epoch| -> Vec<f32> {
            augmented.begin(epoch);
            let mut value = [0f32];
            let read = |row| augmented.read(row, &mut value).map(|()| value[0]);
            (0..60).map(read).collect::<Result<_>>().unwrap()
        };
        let first = sees(1);
        for (row, value) in first.iter().enumerate() {
            assert!((value % 100.0 - row as f32).abs() < 1e-6, "row {row} is of image {value}");
        }
        for kind in 0..4 {
            let count = first.iter().filter(|value| (*value / 100.0) as usize == kind).count();
            assert!((5..30).contains(&count), "{count} of 60 are of kind {kind}");
        }
        assert!(sees(2) != first && sees(1) == first);
    }

    #[test]
    fn activations_and_targets_are_mixed_by_the_same_share() {
        let picture = array![[0f32], [1.0], [2.0], [4.0]];
        let both = concatenate![Axis(1), picture, picture];
        let positive = [false, true, false, true];
        let (picture, both) = (picture.view(), both.view());
        let pairs: [Pair<'_>; 1] = [[&picture, &picture]];
        let views = Views::new(&pairs, Examples::new(&both, &positive).unwrap()).unwrap();
        let settings = FinetuneSettings { mixup: 0.5, ..FinetuneSettings::default() };
        let mut augmented = Augmented::new(views, Geometry { side: 1, channels: 1, class_token: false }, &settings);
        augmented.begin(1);
        let first = augmented.mixes.clone();
        for (row, &(other, share)) in first.iter().enumerate() {
            assert!((0.0..0.5).contains(&share));
            let mix = |of: &dyn Fn(usize) -> f32| of(row) + share * (of(other) - of(row));
            let mut seen = [0f32];
            augmented.read(row, &mut seen).unwrap();
            assert!((seen[0] - mix(&|row| picture[[row, 0]])).abs() < 1e-6);
            assert!((augmented.target(row) - mix(&|row| f32::from(u8::from(positive[row])))).abs() < 1e-6);
        }
        augmented.begin(2);
        assert_ne!(augmented.mixes, first, "each epoch draws anew");
        augmented.begin(1);
        assert_eq!(augmented.mixes, first, "and the same for the same epoch");
    }
}
