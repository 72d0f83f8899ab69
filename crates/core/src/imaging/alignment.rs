//! What a face is aligned to: which crop, and how large. Names only; `face` does it.

use faceprobe_settings::choices;
use serde::{Deserialize, Serialize};
use std::fmt;

choices! {
    /// How much around a face belongs to the crop.
    pub enum Template {
        /// The whole head and some of what is around it, as Adience's `aligned` pictures.
        Loose = "loose",
        /// The face to the hairline, as FairFace's crops with padding 0.25.
        Tight = "tight",
    }
}

/// The crop that a data set was made of and a model was trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Alignment {
    pub template: Template,
    /// Rows and columns of the crop.
    pub side: usize,
}

impl Alignment {
    /// The side when none is asked for: the input of most of the networks.
    pub const SIDE: usize = 224;
    /// What makes sense: below, there is no face; above, no network of the program looks at it.
    pub const SIDES: std::ops::RangeInclusive<usize> = 32..=1024;

    /// The crop at its usual size.
    pub const fn new(template: Template) -> Self {
        Self { template, side: Self::SIDE }
    }
}

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.template, self.side)
    }
}
