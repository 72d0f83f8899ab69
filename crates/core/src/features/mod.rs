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
//!   part-00000.npy        <f4, <f2 or <u2, rows x width, C order: numpy.load opens it
//!   part-00000.keys.npy   u1, rows x 32: the SHA-256 of each row's image
//!   part-00000.sha256     the checksums of both: sha256sum -c takes it
//!   part-00001.npy ...
//!   .lock                 held by the process that writes
//! ```
//!
//! Parts are written under a temporary name, flushed and renamed, keys and checksums first: a part is there whole or not
//! at all, is never changed afterwards, and a killed program loses at most the part it was filling. Keys without a part
//! are the remains of a kill, and the next part overwrites them. A part that cannot be read or does not fit its checksums
//! (a damaged disk, a copy cut short) is renamed to `….damaged` by the next writer, and its rows are computed again. The
//! whole folder may be deleted at any time: it holds nothing that cannot be computed again.
//!
//! Keys are held against their checksum when a store is opened, rows when a run is about to use them
//! ([`Store::verify`]). A part of an earlier version has no checksums; it gets them then.
//!
//! [`Store`] reads and [`PartWriter`] writes. What computes rows is the engine's affair.

mod checksum;
pub mod export;
mod half;
pub mod identity;
mod part;
mod rows;
mod spec;
mod store;
mod writer;

pub use half::rounded;
pub use identity::{Dtype, StoreIdentity};
pub use rows::{FeatureRows, Rows, StoreRows};
pub use spec::{ClassifierSettings, CutSettings, FeatureSpec, Taps};
pub use store::{DamagedPart, Store, StoreInfo, inventory};
pub use writer::PartWriter;
