//! What a study is: settings, data sets, the feature store, runs, evaluation, reports. Knows no terminal and no libtorch.

pub mod audit;
pub mod backbone;
pub mod config;
pub mod dataset;
pub mod error;
pub mod evaluation;
pub mod features;
pub mod imaging;
pub mod model;
pub mod monitor;
pub mod net;
pub mod onnx;
pub mod outputs;
pub mod own_files;
pub mod path_text;
pub mod predict;
pub mod report;
pub mod run;
pub mod slurm;
pub mod study;
pub mod text;
pub mod toml_text;
pub mod worker;
pub mod workspace;
