//! A trained run as a reference model: its predictions for the images of a set, used with regressions on frozen
//! features.
//!
//! A fine-tuned network knows far more about faces than a frozen one. But it has fitted the labels of its training
//! images, wrong ones included, so it is not used on those.

use super::SeenByRun;
use ndarray::Array2;

/// The run and its predictions. Positions are those of the manifest's samples.
#[derive(Debug, Clone)]
pub struct ReferenceModel {
    /// `finetune-1 (mobilenet-v2, after stage 6)`.
    pub title: String,
    /// The images that the run has seen.
    pub seen: SeenByRun,
    /// Samples of its own training split. It is not used on them or on near-duplicates of them.
    pub trained_on: Vec<usize>,
    /// Samples on which it is used, ascending.
    pub asked: Vec<usize>,
    /// Log-odds of class 1 of the audited set, one for each of `asked`.
    pub logits: Vec<f64>,
    /// The averaged last stage of a fine-tuned network, one row for each of `asked`; none of a head on frozen features.
    pub features: Option<Array2<f32>>,
}

impl ReferenceModel {
    /// Notes for the reader of an audit of `all` samples, on `kept` of which it was not used.
    pub(super) fn notes(&self, kept: usize, all: usize, alone: bool) -> Vec<String> {
        let run = &self.seen.run;
        let mut notes = Vec::new();
        if kept == all {
            notes.push(format!(
                "{run} was not asked: of {all} images too few are neither among those it was trained on nor nearly the \
                 same (50 of each class are needed)."
            ));
        } else if kept > 0 {
            let instead = if alone { "were not judged" } else { "were judged by frozen features alone" };
            notes.push(format!(
                "{kept} images {instead}: {run} was trained on them, on nearly the same picture or on the same person, \
                 with a label that it would repeat."
            ));
        }
        if self.seen.test > 0 && kept < all {
            notes.push(format!(
                "{} images are of the test split of {run} itself: whoever corrects their labels by its word makes its \
                 test accuracy too good; correct, prepare again and train anew.",
                self.seen.test
            ));
        }
        notes
    }
}
