//! Shares: a division of work among tasks that need no communication.

use crate::dataset::ContentHash;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Share `index` of `of`, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub index: usize,
    pub of: usize,
}

impl Share {
    /// Whether an image belongs to this share. Its key is a hash, so shares have about the same size, and are the same
    /// on every machine, whatever the order of the images.
    pub fn has(&self, key: &ContentHash) -> bool {
        let first = key.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        first % (self.of.max(1) as u64) == self.index as u64
    }

    /// Whether the item with this index belongs to this share.
    pub fn takes(&self, place: usize) -> bool {
        place % self.of.max(1) == self.index
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Share {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((index, of)) if index < of => Ok(Self { index, of }),
            _ => Err(Error::usage(format!("'{text}' is no share; write INDEX/OF, such as 0/4."))),
        }
    }
}
