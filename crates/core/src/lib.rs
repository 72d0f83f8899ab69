//! The core of faceprobe: settings, data sets, the feature store, runs, evaluation and reports. Depends on neither a
//! terminal nor libtorch.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used))]

pub mod audit;
pub mod backbone;
pub mod claim;
pub mod config;
pub mod dataset;
pub mod error;
pub mod evaluation;
pub mod features;
pub mod imaging;
pub mod map;
pub mod model;
pub mod monitor;
pub mod net;
pub mod onnx;
pub mod outputs;
pub mod own_files;
mod owner;
pub mod path_text;
pub mod predict;
pub mod report;
pub mod run;
pub mod scratch;
pub mod seal;
pub mod slurm;
pub mod study;
pub mod text;
pub mod toml_text;
pub mod worker;
pub mod workspace;
