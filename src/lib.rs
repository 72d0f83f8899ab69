//! faceprobe: transfer-learning studies on face photographs, from raw label files to a tested model, in a terminal.
//!
//! Dependencies run one way: `tui` and `cli` -> `predict` -> `run` -> `model` -> (`features`, `evaluation`, `face`) ->
//! (`backbone`, `dataset`) -> (`imaging`, `kernel`). Nothing below `tui` and `cli` knows the terminal; nothing in `tui` knows tch.
//! `tests/architecture.rs` reads the sources and holds this.

pub mod audit;
pub mod backbone;
pub mod cli;
pub mod dataset;
pub mod error;
pub mod evaluation;
pub mod face;
pub mod features;
pub mod imaging;
mod kernel;
pub mod model;
pub mod monitor;
pub mod net;
pub mod predict;
pub mod report;
pub mod run;
pub mod tui;
pub mod workspace;
