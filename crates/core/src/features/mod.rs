//! The content-addressed feature store, in `.npy` files.
//!
//! Computing the features of an image takes milliseconds, reading them back microseconds, so all features are cached. A
//! *store* is a folder in `cache/features` for one way of computing features (network, weights, preprocessing, layer,
//! pooling, number format: the [`StoreIdentity`]), and its rows are keyed by the SHA-256 of the image file's bytes. So
//! a new split, a larger sample, a renamed folder or a second data set never computes a row twice, and a changed image
//! never gets an old row.
//!
//! ```text
//! cache/features/efficientnet-lite0-last-avg-1f2e3d4c5b6a/
//!   identity.json         what the rows are
//!   part-WRITER-00000.npy        <f4, <f2 or <u2, rows x width, C order: numpy.load opens it
//!   part-WRITER-00000.sha256     the checksums of rows and keys: sha256sum -c takes it
//!   part-WRITER-00000.keys.npy   u1, rows x 32: the SHA-256 of each row's image
//!   part-WRITER-00001.npy ...
//!   .writing.claim               held by one of those who write, as a sign for the others
//!   .lock                        keeps versions before 0.2 away, which took turns
//! ```
//!
//! Any number of processes on any number of machines may write to a store. Their file names never collide: WRITER
//! consists of machine, boot time, process, start time of the process, and a counter. Each file is written under a
//! temporary name, flushed, and linked to its final name; the keys come last and complete the part. So a part exists
//! completely or not at all, is never modified, and a killed program loses at most the part that it was collecting. A
//! row that two processes have written exists twice, which does no harm. Files of a writer known to be dead are removed
//! by the next one. Before version 0.2 parts were called `part-00000` and so on, and the file of rows came last; they
//! remain readable.
//!
//! A part that cannot be read or does not match its checksums (a damaged disk, a truncated copy) is renamed to
//! `….damaged` by the next writer, and its rows are computed again. [`compact`] joins small parts. The whole folder may
//! be deleted at any time: everything in it can be computed again.
//!
//! Keys are verified against their checksum when a store is opened, rows before a run uses them ([`Store::verify`]).
//! Parts of earlier versions have no checksums; they get them then.
//!
//! [`Store`] reads and [`PartWriter`] writes. Rows are computed by the engine.

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
