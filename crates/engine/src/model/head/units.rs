//! Activations and gradients of a layer's units, unit by unit.

use crate::model::tiled::ROWS_AT_ONCE;
use faceprobe_kernel::vectorised;
use rayon::prelude::*;

/// The activations of a layer's units for each sample of a batch: units x samples, row-major.
pub(super) struct Activations {
    pub(super) samples: usize,
    pub(super) values: Vec<f32>,
}

impl Activations {
    /// The activations of each unit in turn, one per sample.
    pub(super) fn units(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.samples)
    }
}

/// A sample, and the gradient of the loss at the unit for it.
pub(super) type SampleGradient = (u32, f32);

/// Per unit, the samples with a non-zero gradient: those for which dropout keeps the unit and it is active.
pub(super) struct UnitGradients {
    samples: usize,
    counts: Vec<usize>,
    /// Units x samples; only the first entries of each unit are used.
    entries: Vec<SampleGradient>,
}

impl UnitGradients {
    /// Collects samples with positive activations; `gradient` returns a unit's gradient for a sample. Reuses the memory
    /// of `spare`.
    pub(super) fn through<G: Fn(usize) -> f32>(
        activations: &Activations,
        gradient: impl Fn(usize) -> G + Sync,
        spare: Option<Self>,
    ) -> Self {
        let Activations { samples, values } = activations;
        let (mut counts, mut entries) = spare.map(|spare| (spare.counts, spare.entries)).unwrap_or_default();
        counts.resize(values.len() / samples, 0);
        entries.resize(values.len(), (0, 0.0));
        let at_once = ROWS_AT_ONCE * samples;
        let groups = counts.par_chunks_mut(ROWS_AT_ONCE).zip(entries.par_chunks_mut(at_once));
        groups.zip(values.par_chunks(at_once)).enumerate().for_each(|(group, ((counts, entries), values))| {
            let units = counts.iter_mut().zip(entries.chunks_exact_mut(*samples)).zip(values.chunks_exact(*samples));
            vectorised(
                #[inline(always)]
                || {
                    for (at, ((count, entries), values)) in units.enumerate() {
                        *count = take(entries, values, gradient(group * ROWS_AT_ONCE + at));
                    }
                },
            );
        });
        Self { samples: *samples, counts, entries }
    }

    /// The gradients of each unit in turn.
    pub(super) fn units(&self) -> impl Iterator<Item = &[SampleGradient]> {
        self.entries.chunks_exact(self.samples).zip(&self.counts).map(|(entries, &count)| &entries[..count])
    }
}

/// Writes the gradients of the samples with positive activations and returns their number.
#[inline(always)]
fn take(entries: &mut [SampleGradient], values: &[f32], gradient: impl Fn(usize) -> f32) -> usize {
    let mut taken = 0;
    // Written unconditionally, since the branch would be unpredictable.
    for (sample, &value) in values.iter().enumerate() {
        entries[taken] = (sample as u32, gradient(sample));
        taken += usize::from(value > 0.0);
    }
    taken
}
