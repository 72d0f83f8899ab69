//! Parameters of face alignment: template and size of the crop. The engine's `face` computes it.

use faceprobe_settings::choices;
use serde::{Deserialize, Serialize};
use std::fmt;

choices! {
    /// How much of the surroundings a crop contains.
    pub enum Template {
        /// The whole head with some margin, as Adience's `aligned` images.
        Loose = "loose",
        /// The face up to the hairline, as FairFace's crops with padding 0.25.
        Tight = "tight",
    }
}

/// The alignment of a data set's or model's images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Alignment {
    pub template: Template,
    /// Rows and columns of the crop.
    pub side: usize,
}

impl Alignment {
    /// The default side: the input of most of the networks.
    pub const SIDE: usize = 224;
    /// Valid sides: smaller crops show no face, and no network uses larger ones.
    pub const SIDES: std::ops::RangeInclusive<usize> = 32..=1024;

    /// The crop with the default side.
    pub const fn new(template: Template) -> Self {
        Self { template, side: Self::SIDE }
    }
}

impl fmt::Display for Alignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.template, self.side)
    }
}
