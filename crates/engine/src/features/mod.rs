//! What fills the feature stores: sources of rows, and the streams that extract them.
//!
//! A [`RowSource`] computes rows, and [`extract()`] puts them into a store.

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
