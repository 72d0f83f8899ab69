//! Out-of-fold probabilities: k-fold cross-validation of logistic regressions.

use super::log_odds;
use crate::features::FeatureRows;
use crate::model::{Examples, LogisticSettings, train_logistic};
use faceprobe_core::dataset::ContentHash;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::sigmoid;
use faceprobe_core::monitor::{Monitor, Update};

/// The number of folds and repetitions, and the penalties.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldSettings {
    pub folds: usize,
    /// Cross-validations with different folds; their log-odds are averaged, since those of a small set depend on the
    /// folds.
    pub repeats: usize,
    pub seed: u64,
    /// Penalties tried on the first fold; the one with the smallest log loss there is used everywhere.
    pub alphas: Vec<f64>,
}

impl FoldSettings {
    /// Ten folds, repeated five times, for a small set; five folds, once, for a large one, where repetition changes
    /// little and costs much.
    pub fn for_samples(count: usize, seed: u64) -> Self {
        let (folds, repeats) = match count {
            0..=1500 => (10, 5),
            1501..=4000 => (10, 2),
            _ => (5, 1),
        };
        Self { folds, repeats, seed, alphas: vec![1000.0, 3000.0, 10_000.0] }
    }
}

/// Assigns each sample to a fold: groups stay together, and folds have as equal class counts as groups allow. The order
/// in which groups are dealt depends on the seed only.
pub fn deal(groups: &[usize], positive: &[bool], folds: usize, seed: u64) -> Vec<usize> {
    let mut counts: std::collections::BTreeMap<usize, [usize; 2]> = std::collections::BTreeMap::new();
    for (group, positive) in groups.iter().zip(positive) {
        counts.entry(*group).or_default()[usize::from(*positive)] += 1;
    }
    let draw = |group: usize| ContentHash::of(format!("fold {seed} {group}").as_bytes());
    let mut order: Vec<(usize, [usize; 2])> = counts.into_iter().collect();
    // The largest first: they are the hardest to balance.
    order.sort_by_key(|(group, counts)| (std::cmp::Reverse(counts[0] + counts[1]), draw(*group)));
    let mut full = vec![[0usize; 2]; folds];
    let mut fold_of = std::collections::HashMap::new();
    for (group, counts) in order {
        let main = usize::from(counts[1] > counts[0]);
        let fold = (0..folds).min_by_key(|&fold| (full[fold][main], full[fold][1 - main], fold)).unwrap_or_default();
        for (full, count) in full[fold].iter_mut().zip(counts) {
            *full += count;
        }
        fold_of.insert(group, fold);
    }
    groups.iter().map(|group| fold_of.get(group).copied().unwrap_or_default()).collect()
}

/// A subset of the rows.
pub(super) struct Picked<'a> {
    pub(super) rows: &'a dyn FeatureRows,
    pub(super) which: Vec<usize>,
}

impl FeatureRows for Picked<'_> {
    fn len(&self) -> usize {
        self.which.len()
    }

    fn width(&self) -> usize {
        self.rows.width()
    }

    fn copy_rows(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        let mut numbers = Vec::with_capacity(rows.len());
        for &row in rows {
            numbers
                .push(*self.which.get(row).ok_or_else(|| Error::failed(format!("there is no row {row} in a fold")))?);
        }
        self.rows.copy_rows(&numbers, out)
    }
}

/// Forwards stop requests and drops the progress of single regressions.
struct Quiet<'a>(&'a dyn Monitor);

impl Monitor for Quiet<'_> {
    fn update(&self, _: Update) {}

    fn stopped(&self) -> bool {
        self.0.stopped()
    }
}

/// For each row the probability of class 1 by regressions trained on neither it nor its group; none where groups are so
/// large that nothing of a class would be left to train on.
///
/// # Errors
/// A regression that fails; a stop.
pub fn out_of_fold(
    rows: &dyn FeatureRows,
    positive: &[bool],
    groups: &[usize],
    settings: &FoldSettings,
    monitor: &dyn Monitor,
) -> Result<Option<Vec<f64>>> {
    let mut logits = vec![0f64; rows.len()];
    let mut alpha = None;
    let total = (settings.folds * settings.repeats) as u64;
    let mut done = 0;
    let began = std::time::Instant::now();
    for repeat in 0..settings.repeats {
        let fold_of = deal(groups, positive, settings.folds, settings.seed.wrapping_add(repeat as u64));
        for fold in 0..settings.folds {
            let (outside, inside): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&row| fold_of[row] != fold);
            done += 1;
            if inside.is_empty() {
                continue;
            }
            let labels = |which: &[usize]| which.iter().map(|&row| positive[row]).collect::<Vec<bool>>();
            let (train_labels, held_labels) = (labels(&outside), labels(&inside));
            if !(train_labels.contains(&true) && train_labels.contains(&false)) {
                return Ok(None);
            }
            let train = Picked { rows, which: outside };
            let held = Picked { rows, which: inside };
            let fit = |alphas: Vec<f64>| -> Result<(f64, Vec<f64>)> {
                let settings = LogisticSettings { alphas, ..LogisticSettings::default() };
                let trained = train_logistic(
                    Examples::new(&train, &train_labels)?,
                    Examples::new(&held, &held_labels)?,
                    &settings,
                    &Quiet(monitor),
                )?;
                Ok((faceprobe_core::evaluation::log_loss(&trained.val_scores, &held_labels), trained.val_scores))
            };
            let scores = match alpha {
                Some(alpha) => fit(vec![alpha])?.1,
                None => {
                    let mut best: Option<(f64, f64, Vec<f64>)> = None;
                    for &tried in &settings.alphas {
                        let (loss, scores) = fit(vec![tried])?;
                        if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
                            best = Some((loss, tried, scores));
                        }
                    }
                    let (_, chosen, scores) = best.ok_or_else(|| Error::failed("no penalty was given"))?;
                    monitor.update(Update::Note { text: format!("penalty {chosen}, by the first fold's log loss") });
                    alpha = Some(chosen);
                    scores
                }
            };
            for (&row, score) in held.which.iter().zip(scores) {
                logits[row] += log_odds(score) / settings.repeats as f64;
            }
            let rate = done as f64 / began.elapsed().as_secs_f64().max(1e-6);
            let remaining = Some((total - done) as f64 / rate);
            monitor.update(Update::Progress { done, total, unit: "folds".into(), rate, remaining });
        }
    }
    Ok(Some(logits.into_iter().map(sigmoid).collect()))
}
