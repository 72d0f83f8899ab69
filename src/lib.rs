//! The program: `cli`, a file for each subcommand, and `tui`, the workbench. What a study is, `faceprobe-core` knows; what
//! computes is `faceprobe-worker`, a process of its own, so that this program links no libtorch and starts at once.

#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used))]

pub mod cli;
pub mod tui;
