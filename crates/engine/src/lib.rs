//! What computes: backbones and their weights, faces, extraction, training and prediction, on libtorch. The program asks
//! for it through `faceprobe-worker`, a process of its own.

// What is said goes through `commands::say_on_stderr`, which filters.
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
