//! The content-addressed `.npy` feature store and the pipeline that fills it.

pub mod identity;

pub use identity::{Dtype, StoreIdentity};
