//! Which of the training images a model learns from.

use faceprobe_settings::{Rules, settings};

settings! {
    /// Which of the training images a model learns from: all, unless a learning curve asks what fewer are worth.
    pub struct TrainingDraw {
        /// Train on this many of the training images only, equally many of each class, drawn by the seed.
        train_images: Option<usize> = None, whole(2..=10_000_000).or("all").unit("images").advanced();
    }
}

impl Rules for TrainingDraw {}
