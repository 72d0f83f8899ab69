//! Arguments of `faceprobe data`.

use crate::cli::options::Options;
use clap::{Args, Subcommand};
use faceprobe_core::dataset::prepare::PrepareSettings;

#[derive(Debug, Args)]
pub(crate) struct PrepareArgs {
    #[command(flatten)]
    pub settings: Options<PrepareSettings>,
    /// Keep the current version of that name; without this, what is prepared becomes current, or what is there with the
    /// same content
    #[arg(long)]
    pub keep_current: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Download a data set; calling it again resumes an interrupted download
    #[command(subcommand)]
    Fetch(crate::cli::fetch::FetchCommand),
    /// Prepare balanced train, validation and test splits from raw label files. A name that exists gets its next version (NAME@2),
    /// unless the content is the same
    Prepare(PrepareArgs),
    /// Make a version of a data set the current one, which its plain name means
    Use {
        /// The version, as 'faceprobe data list' names it
        #[arg(value_name = "NAME@VERSION")]
        version: String,
    },
    /// The versions of all prepared sets: which is current, what they hold, how many models were trained on each
    List,
    /// Look for problems in a data set: duplicates, people in two splits, likely label errors, bad images
    Audit(crate::cli::audit::AuditArgs),
    /// Record a decision about an image: keep, drop or relabel; the next prepare applies it, the raw data is not changed
    Decide(crate::cli::audit::DecideArgs),
    /// Report on a prepared data set: labels, what was dropped and why, splits
    Show {
        /// The prepared set, NAME or NAME@VERSION [default: the only one, or the list of them]
        name: Option<String>,
    },
}
