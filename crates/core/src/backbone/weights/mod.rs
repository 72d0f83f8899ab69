//! Where weights live, how they get there, and how they are read back.
//!
//! A network's weights are one canonical safetensors file, `NAME.safetensors`, whatever format and names they came in,
//! and beside it `NAME.json` says where they came from and what the file's SHA-256 is. That hash is part of the identity
//! of every feature store and saved model, and equal weights have equal hashes: tensors have canonical names, 32-bit
//! floats, and nothing else is in the file. A TorchScript file of the user's is kept as it is, as `NAME.pt`, and of an
//! ONNX file the part that is run, as `NAME.onnx`.

mod fetch;
mod import;
mod keras_names;
mod naming;
mod npm;
pub mod onnx_runtime;
mod package;
mod pip;
mod positions;
mod renamed;
mod store;

pub use fetch::{Checksum, Source, fetch, fetch_url};
pub use import::{beside, import, is_program, origins};
pub use naming::Names;
pub(super) use store::lock;
pub use store::{
    StoredWeights, WeightsInfo, WeightsStatus, all, checked, hash, list, record, sha256_of, status, weights_dir,
};
