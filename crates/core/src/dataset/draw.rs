//! Draws a balanced subset of the training split; for one seed, smaller subsets are contained in larger ones.

use super::manifest::Manifest;
use super::sample::{Sample, Split};
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

impl Manifest {
    /// The largest balanced subset of the training split.
    pub fn most_drawn(&self) -> usize {
        let of = |class| self.split(Split::Train).filter(|sample| sample.class == class).count();
        2 * of(0).min(of(1))
    }

    /// Refuses to draw more images than there are.
    ///
    /// # Errors
    /// As wrong usage, with the maximum.
    pub fn check_draw(&self, count: usize) -> Result<()> {
        let most = self.most_drawn();
        if count <= most {
            return Ok(());
        }
        Err(Error::usage(format!(
            "{count} training images cannot be drawn with as many of each class: {} has {most} for that.",
            self.name
        )))
    }

    /// The same set with `count` of its training images, half of each class (if odd, one more of the first), in
    /// manifest order. The choice depends on the seed and the images only: for one seed, larger draws contain the
    /// smaller ones. Validation and test are unchanged.
    ///
    /// # Errors
    /// As [`Manifest::check_draw`].
    pub fn drawn(self, count: usize, seed: u64) -> Result<Self> {
        self.check_draw(count)?;
        let mut kept: HashSet<(String, String)> = HashSet::with_capacity(count);
        for (class, wanted) in [count - count / 2, count / 2].into_iter().enumerate() {
            let mut samples: Vec<(&Sample, [u8; 32])> = self
                .split(Split::Train)
                .filter(|sample| sample.class == class)
                .map(|sample| (sample, place(sample, seed)))
                .collect();
            samples.sort_by_key(|(_, place)| *place);
            kept.extend(samples[..wanted].iter().map(|(sample, _)| (sample.source.clone(), sample.path.clone())));
        }
        let mut drawn = self;
        drawn.samples.retain(|sample| {
            sample.split != Split::Train || kept.contains(&(sample.source.clone(), sample.path.clone()))
        });
        Ok(drawn)
    }
}

/// The rank of an image in the order of a seed.
pub(crate) fn place(sample: &Sample, seed: u64) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(sample.hash.0);
    hash.update(sample.source.as_bytes());
    hash.update([0]);
    hash.update(sample.path.as_bytes());
    hash.finalize().into()
}
