//! faceprobe: transfer-learning studies on face photographs, from raw label files to a tested model, in a terminal.
//!
//! Dependencies run one way: `tui` and `cli` -> (`run`, `predict`, `evaluation`) -> `model` -> `features` ->
//! (`backbone`, `imaging`) -> `dataset`. Nothing below `tui` knows ratatui or crossterm; nothing in `tui` knows tch.

pub mod backbone;
pub mod cli;
pub mod dataset;
pub mod error;
pub mod evaluation;
pub mod features;
pub mod imaging;
pub mod model;
pub mod monitor;
pub mod predict;
pub mod run;
pub mod tui;
pub mod workspace;
