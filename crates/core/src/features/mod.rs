//! The content-addressed `.npy` feature store.
//!
//! Running an image through a network costs milliseconds; reading the answer back costs microseconds. So every answer
//! is kept. A *store* is a folder in `cache/features` for one way of computing features (network, weights,
//! preprocessing, layer, pooling, number format: the [`StoreIdentity`]), and its rows go by the SHA-256 of the image
//! file's bytes. A new split, a bigger sample, a renamed folder or a second data set therefore never computes a row
//! twice, and a changed image never gets an old row.
//!
//! ```text
//! cache/features/efficientnet-lite0-last-avg-1f2e3d4c5b6a/
//!   identity.json         what the rows are
//!   part-WRITER-00000.npy        <f4, <f2 or <u2, rows x width, C order: numpy.load opens it
//!   part-WRITER-00000.sha256     the checksums of rows and keys: sha256sum -c takes it
//!   part-WRITER-00000.keys.npy   u1, rows x 32: the SHA-256 of each row's image
//!   part-WRITER-00001.npy ...
//!   .lock                        held by one of those who write, as a sign for the others
//! ```
//!
//! Any number of processes on any number of machines may write to a store. No two share a name: WRITER is machine, start of
//! the machine, process, start of the process, and a count. Each file is written under a temporary name, flushed and
//! linked to its own; the keys come last and make it a part. So a part is there whole or not at all, is never changed
//! afterwards, and a killed program loses at most the part it was filling. A row that two have written is there twice,
//! which does no harm. What a writer left that is known to be dead is removed by the next one. Before version 0.2 parts
//! were called `part-00000` and so on, and the file of rows came last; they are read as they are.
//!
//! A part that cannot be read or does not fit its checksums (a damaged disk, a copy cut short) is renamed to `….damaged` by
//! the next writer, and its rows are computed again. [`compact`] joins small parts. The whole folder may be deleted at any
//! time: it holds nothing that cannot be computed again.
//!
//! Keys are held against their checksum when a store is opened, rows when a run is about to use them
//! ([`Store::verify`]). A part of an earlier version has no checksums; it gets them then.
//!
//! [`Store`] reads and [`PartWriter`] writes. What computes rows is the engine's affair.

mod checksum;
mod compact;
pub mod export;
mod half;
pub mod identity;
mod index;
mod part;
mod rows;
mod spec;
mod store;
mod writer;

pub use compact::{Compaction, compact};
pub use half::rounded;
pub use identity::{Dtype, StoreIdentity};
pub use rows::{FeatureRows, Rows, StoreRows};
pub use spec::{ClassifierSettings, CutSettings, FeatureSpec, Taps};
pub use store::{DamagedPart, Store, StoreInfo, inventory};
pub use writer::PartWriter;
