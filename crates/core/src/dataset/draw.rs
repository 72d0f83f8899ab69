//! A part of the training split: as many images of each class, and of one seed the smaller parts within the larger.

use super::manifest::Manifest;
use super::sample::{Sample, Split};
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

impl Manifest {
    /// The most training images that can be drawn with as many of each class.
    pub fn most_drawn(&self) -> usize {
        let of = |class| self.split(Split::Train).filter(|sample| sample.class == class).count();
        2 * of(0).min(of(1))
    }

    /// Refuses to draw more than there are.
    ///
    /// # Errors
    /// As wrong usage, with the most that there are.
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

    /// The same set with `count` of its training images, half of each class (of an odd number, one more of the first), in
    /// the order of the manifest. Which ones, the seed and the images say and nothing else: of one seed, every draw holds
    /// the smaller ones. Validation and test stay whole.
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

/// Where an image stands in the order of a seed.
pub(crate) fn place(sample: &Sample, seed: u64) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(sample.hash.0);
    hash.update(sample.source.as_bytes());
    hash.update([0]);
    hash.update(sample.path.as_bytes());
    hash.finalize().into()
}
