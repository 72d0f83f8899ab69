//! Storage of weights: fetching, importing and reading back.
//!
//! A network's weights are stored as one canonical safetensors file, `NAME.safetensors`, whatever their source format;
//! `NAME.json` next to it records the source and the file's SHA-256. That hash is part of the identity of every feature
//! store and saved model. Equal weights have equal hashes: tensors have canonical names and are f32, and the file
//! contains nothing else. A user-supplied TorchScript file is stored unchanged as `NAME.pt`, and of an ONNX file the
//! part that is run, as `NAME.onnx`.

mod assignment;
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
pub(super) use store::claim;
pub use store::{
    StoredWeights, WeightsInfo, WeightsStatus, all, checked, hash, list, record, sha256_of, status, weights_dir,
};
