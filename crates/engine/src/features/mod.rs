//! Extraction: row sources, and the streams that fill feature stores with their rows.
//!
//! A [`RowSource`] computes rows, and [`extract()`] writes them to a store.

mod chunk_queue;
mod cut;
mod extract;
mod network_source;
mod progress;
mod source;

pub use cut::CutSource;
pub use extract::{ExtractOptions, ExtractReport, extract, extract_all};
pub use faceprobe_core::features::*;
pub use network_source::NetworkSource;
pub use source::{PooledPixels, RowExtractor, RowSource, Tapped};
