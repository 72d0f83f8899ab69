//! What computes: backbones and their weights, faces, extraction, training and prediction, on libtorch. The program asks
//! for it through `faceprobe-worker`, a process of its own.

pub mod audit;
pub mod backbone;
pub mod commands;
pub mod face;
pub mod features;
pub mod model;
pub mod predict;
pub mod work;
