//! What a trained run says about the images of a set: a reference for the regressions on frozen features.
//!
//! A fine-tuned network knows far more about faces than a frozen one. But it has seen the images it was trained on with
//! their labels, and repeats a wrong one as surely as a right one: of those it is not asked.

use super::SeenByRun;
use ndarray::Array2;

/// The run and what it says. Positions are those of the manifest's samples.
#[derive(Debug, Clone)]
pub struct ReferenceModel {
    /// `finetune-1 (mobilenet-v2, behind stage 6)`.
    pub title: String,
    /// Images that the run knows, and which.
    pub seen: SeenByRun,
    /// Samples of its own training split; it is not asked about them, nor about pictures that are nearly theirs.
    pub trained_on: Vec<usize>,
    /// Samples that it is asked about, ascending.
    pub asked: Vec<usize>,
    /// Log-odds of class 1 of the audited set, one for each of `asked`.
    pub logits: Vec<f64>,
    /// The averaged last stage of a fine-tuned network, one row for each of `asked`; none of a head on frozen features.
    pub features: Option<Array2<f32>>,
}

impl ReferenceModel {
    /// What a reader must know of its part in an audit of `all` samples, of which it was not asked about `kept`.
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
