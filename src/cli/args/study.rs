//! Arguments of `faceprobe study`.

use super::PlaceArgs;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum StudyCommand {
    /// Run the steps of a study file that are not done yet, and print the table
    Run {
        #[command(flatten)]
        study: StudyFile,
        /// So many runs at a time
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
        jobs: u16,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Show every step of a study with its state, run and time
    Status {
        #[command(flatten)]
        study: StudyFile,
    },
    /// Write the study file of what this workspace holds
    Export {
        /// Write it into this file [default: standard output]
        file: Option<PathBuf>,
        /// Overwrite a file that was not made here
        #[arg(long, requires = "file")]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct StudyFile {
    /// The study: docs/study.md says how it is written
    pub file: PathBuf,
    /// Take the images of the data set NAME from here instead; may be given several times
    #[arg(long, value_name = "NAME=LAYOUT:PATH")]
    pub source: Vec<String>,
}
