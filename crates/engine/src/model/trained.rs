//! A trained model in memory, with the figures of its training.

use super::Kind;
use super::network::Weights;
use faceprobe_core::evaluation;
use faceprobe_core::monitor::EpochFigures;

/// The result of training: the weights of the best epoch (or penalty) and the figures.
#[derive(Debug, Clone)]
pub struct Trained {
    pub kind: Kind,
    /// The settings as used; for the logistic regression with the `alpha` chosen on validation.
    pub settings: serde_json::Value,
    pub weights: Weights,
    /// The weights of the last epoch, where they differ from those of the best and the training was not stopped.
    pub last_weights: Option<Weights>,
    /// One entry per epoch run; empty for the logistic regression.
    pub history: Vec<EpochFigures>,
    /// The epoch whose weights these are, counted from 1; 0 for the logistic regression.
    pub best_epoch: usize,
    /// False if a session ended at its epoch limit and more epochs are to follow.
    pub finished: bool,
    /// Whether the user stopped it before it was finished.
    pub stopped: bool,
    /// Epochs run until the end or until patience ran out; 0 for the logistic regression.
    pub epochs_run: usize,
    /// Chosen on the validation scores by [`evaluation::best_threshold`].
    pub threshold: f64,
    /// Probability of class 1 per training sample, dropout off, in the order of the rows.
    pub train_scores: Vec<f64>,
    /// The same for the validation samples.
    pub val_scores: Vec<f64>,
    /// The number of trained parameters, without the standardisation.
    pub params: usize,
}

impl Trained {
    /// Accuracy at the chosen threshold, of scores such as `val_scores`.
    pub fn accuracy(&self, scores: &[f64], positive: &[bool]) -> f64 {
        evaluation::accuracy(scores, positive, self.threshold)
    }
}
