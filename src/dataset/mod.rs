//! From raw label files to a prepared, balanced, split data set.

pub mod manifest;
pub mod report;
pub mod sample;

pub use manifest::Manifest;
pub use report::PrepareReport;
pub use sample::{ContentHash, Sample, Split};
