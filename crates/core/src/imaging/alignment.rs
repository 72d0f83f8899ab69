//! What a face is aligned to: which crop, and how large. Names only; `face` does it.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How much around a face belongs to the crop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Template {
    /// The whole head and some of what is around it, as Adience's `aligned` pictures.
    Loose,
    /// The face to the hairline, as FairFace's crops with padding 0.25.
    Tight,
}

impl Template {
    /// Both, in the order help texts list them.
    pub const ALL: [Self; 2] = [Self::Loose, Self::Tight];

    /// `loose` or `tight`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loose => "loose",
            Self::Tight => "tight",
        }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Template {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|template| template.name() == text).ok_or_else(|| {
            Error::usage(format!(
                "'{text}' is not a crop; take tight (the face, as FairFace) or loose (the head, as Adience)."
            ))
        })
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
