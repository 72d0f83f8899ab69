//! Restricts training to a subset of the training images.

use faceprobe_settings::{Rules, settings};

settings! {
    /// Restricts training to a subset of the training images; by default all, fewer for learning curves.
    pub struct TrainingDraw {
        /// Train on this many of the training images only, equally many of each class, drawn by the seed.
        train_images: Option<usize> = None, whole(2..=10_000_000).or("all").unit("images").advanced();
    }
}

impl Rules for TrainingDraw {}
