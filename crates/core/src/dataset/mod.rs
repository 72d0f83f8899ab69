//! From raw label files to a prepared, balanced, split data set.
//!
//! [`source`] says where labels come from and [`adapter`] reads them, one layout a file; [`prepare`](prepare()) checks
//! every row and image, samples the splits ([`split`]) and writes the [`Manifest`] with its [`PrepareReport`].

pub mod adapter;
mod attributes;
pub mod crops;
pub mod decisions;
pub mod division;
pub(crate) mod draw;
pub mod duplicates;
mod encoding;
pub mod fetch;
pub mod followed;
mod group_split;
pub mod groups;
pub mod inspect;
pub mod inspect_cache;
mod label;
pub mod lacking;
pub mod locate;
mod located;
pub mod manifest;
mod number;
mod preparation;
pub mod prepare;
mod publication;
mod reasons;
pub mod report;
mod report_text;
pub mod sample;
pub mod source;
pub mod split;
pub mod synthetic;
mod table;
pub mod versions;
pub mod walk;
mod warnings;

pub use division::{Fold, SplitMethod};
pub use located::located;
pub use manifest::{Manifest, list_prepared};
pub use prepare::{PrepareSettings, Prepared, prepare};
pub use publication::Published;
pub use report::PrepareReport;
pub use report_text::thousands;
pub use sample::{ContentHash, Sample, Split};
pub use source::{Adapter, SourceSpec};
pub use versions::Version;
