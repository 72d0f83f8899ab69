//! The program: `cli`, one file per subcommand, and `tui`, the workbench. Studies are the subject of `faceprobe-core`;
//! computation is in the separate process `faceprobe-worker`, so this program does not link libtorch and starts at
//! once.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used))]

pub mod cli;
pub mod tui;
