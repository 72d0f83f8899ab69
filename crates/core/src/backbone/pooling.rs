//! Pooling of a stage's output to a feature row.

use crate::error::{Error, Result};
use faceprobe_settings::text_value;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the output of a stage, channels x height x width, becomes a feature row. The positions of a transformer's output
/// are its patches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pool {
    /// Global average pooling.
    Avg,
    /// Global max pooling.
    Max,
    /// Averages over a grid of N x N cells (the cells of PyTorch's `adaptive_avg_pool2d`), in the order row, column,
    /// channel. A stage smaller than the grid keeps its own size.
    Grid(u8),
    /// Every value in the order row, column, channel: what Keras' `Flatten` gives.
    Flatten,
    /// The class token of a transformer.
    ClassToken,
    /// The class token and the average of the patch tokens, concatenated: the input of DINOv2's linear classifiers.
    ClassAndAverage,
}

impl Pool {
    /// Whether it needs a class token.
    pub fn needs_class_token(self) -> bool {
        matches!(self, Self::ClassToken | Self::ClassAndAverage)
    }

    /// Length of the feature row for a stage of `channels` and `side` x `side`.
    pub fn width(self, channels: usize, side: usize) -> usize {
        let cells = match self {
            Self::Avg | Self::Max | Self::ClassToken => 1,
            Self::ClassAndAverage => return 2 * channels,
            Self::Grid(cells) => usize::from(cells).min(side),
            Self::Flatten => side,
        };
        channels * cells * cells
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Avg => f.write_str("avg"),
            Self::Max => f.write_str("max"),
            Self::Grid(cells) => write!(f, "grid{cells}"),
            Self::Flatten => f.write_str("flatten"),
            Self::ClassToken => f.write_str("cls"),
            Self::ClassAndAverage => f.write_str("cls+avg"),
        }
    }
}

impl FromStr for Pool {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::usage(format!(
                "'{text}' is not a pooling; take avg, max, grid2 to grid16, or flatten, or of a transformer cls or cls+avg."
            ))
        };
        match text {
            "avg" => Ok(Self::Avg),
            "max" => Ok(Self::Max),
            "flatten" => Ok(Self::Flatten),
            "cls" => Ok(Self::ClassToken),
            "cls+avg" => Ok(Self::ClassAndAverage),
            _ => {
                let cells = text.strip_prefix("grid").and_then(|cells| cells.parse().ok());
                cells.filter(|cells| (2..=16).contains(cells)).map(Self::Grid).ok_or_else(wrong)
            }
        }
    }
}

impl TryFrom<String> for Pool {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Pool> for String {
    fn from(pool: Pool) -> Self {
        pool.to_string()
    }
}

text_value!(
    Pool,
    "avg|max|gridN|flatten|cls|cls+avg",
    "avg, max, grid2 to grid16, or flatten, or of a transformer cls or cls+avg",
    ["avg", "max", "grid4", "grid7", "flatten", "cls", "cls+avg"]
);
