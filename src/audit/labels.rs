//! Likely label errors: out-of-fold probabilities of every set of cached features, joined, and confident learning on them.

use super::confident::{Confidence, confidence};
use super::folds::{FoldSettings, out_of_fold};
use super::rows_of;
use super::stores::Cached;
use crate::dataset::{ContentHash, Manifest};
use crate::error::Result;
use crate::monitor::{Monitor, Update};

/// What the models say of the labels of a manifest's samples.
pub struct Judged {
    pub confidence: Confidence,
    /// The features they used.
    pub features: Vec<String>,
    /// Share of the samples whose label is the more probable one.
    pub agreement: f64,
}

/// Networks that are asked; each adds a cross-validation and, from the third on, little else.
const NETWORKS: usize = 2;

/// Judges the labels. Several networks err differently, so the log-odds of the best are averaged.
///
/// # Errors
/// As [`out_of_fold`].
pub fn judge(
    manifest: &Manifest,
    keys: &[ContentHash],
    sets: &[Cached],
    groups: &[usize],
    seed: u64,
    monitor: &dyn Monitor,
) -> Result<Judged> {
    let positive: Vec<bool> = manifest.samples.iter().map(|sample| sample.class == 1).collect();
    let settings = FoldSettings::for_samples(keys.len(), seed);
    let mut logits = vec![0f64; keys.len()];
    let mut features: Vec<String> = Vec::new();
    let mut networks: Vec<&str> = Vec::new();
    for set in sets {
        let Some(network) = set.stores.first().map(|store| store.identity().backbone.as_str()) else { continue };
        if networks.contains(&network) || networks.len() == NETWORKS {
            continue;
        }
        networks.push(network);
        monitor.update(Update::Note { text: format!("with {}", set.title) });
        let scores = out_of_fold(&rows_of(&set.stores, keys)?, &positive, groups, &settings, monitor)?;
        for (logit, score) in logits.iter_mut().zip(scores) {
            let score = score.clamp(1e-9, 1.0 - 1e-9);
            *logit += (score / (1.0 - score)).ln();
        }
        features.push(set.title.clone());
    }
    let count = features.len().max(1) as f64;
    let scores: Vec<f64> = logits.into_iter().map(|logit| 1.0 / (1.0 + (-logit / count).exp())).collect();
    let right = scores.iter().zip(&positive).filter(|(score, positive)| (**score > 0.5) == **positive).count();
    Ok(Judged {
        confidence: confidence(&scores, &positive),
        features,
        agreement: right as f64 / scores.len().max(1) as f64,
    })
}
