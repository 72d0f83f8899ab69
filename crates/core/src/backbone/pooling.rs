//! From a stage's output to a row of numbers.

use crate::error::{Error, Result};
use faceprobe_settings::text_value;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the output of a stage, channels x height x width, becomes a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Pool {
    /// The average of each channel.
    Avg,
    /// The largest value of each channel.
    Max,
    /// Averages over a grid of N x N cells (the cells of PyTorch's `adaptive_avg_pool2d`), in the order row, column,
    /// channel. A stage smaller than the grid keeps its own size.
    Grid(u8),
    /// Every value in the order row, column, channel: what Keras' `Flatten` gives.
    Flatten,
}

impl Pool {
    /// Length of the row of a stage of `channels` and `side` x `side`.
    pub fn width(self, channels: usize, side: usize) -> usize {
        let cells = match self {
            Self::Avg | Self::Max => 1,
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
        }
    }
}

impl FromStr for Pool {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::usage(format!("'{text}' is not a pooling; take avg, max, grid2 to grid16, or flatten."));
        match text {
            "avg" => Ok(Self::Avg),
            "max" => Ok(Self::Max),
            "flatten" => Ok(Self::Flatten),
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
    "avg|max|gridN|flatten",
    "avg, max, grid2 to grid16, or flatten",
    ["avg", "max", "grid4", "grid7", "flatten"]
);
