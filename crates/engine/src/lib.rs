//! The compute side of faceprobe: backbones, face detection, extraction, training and prediction, on libtorch. The
//! program runs it as a separate process, `faceprobe-worker`.

// Output goes through `commands::say_on_stderr`, which escapes control characters.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used))]

pub mod audit;
pub mod backbone;
pub mod commands;
pub mod face;
pub mod features;
pub mod map;
pub mod model;
pub mod predict;
pub mod work;
