//! Arguments of `faceprobe data`.

use crate::cli::options::Options;
use clap::{Args, Subcommand};
use faceprobe_core::dataset::prepare::PrepareSettings;

#[derive(Debug, Args)]
pub(crate) struct PrepareArgs {
    #[command(flatten)]
    pub settings: Options<PrepareSettings>,
    /// Leave the current version of that name the current one. Without this, what is prepared, or found to be there with
    /// the same content, becomes it
    #[arg(long)]
    pub keep_current: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Get a data set over the network; a call that was interrupted is gone on with by the next
    #[command(subcommand)]
    Fetch(crate::cli::fetch::FetchCommand),
    /// From raw label files to balanced train, validation and test splits. A name that exists gets its next version (NAME@2),
    /// unless the content is the same
    Prepare(PrepareArgs),
    /// Let the plain name of a data set mean this version from now on, for every command that does not name one
    Use {
        /// The version, as 'faceprobe data list' names it
        #[arg(value_name = "NAME@VERSION")]
        version: String,
    },
    /// The versions of all prepared sets: which is current, what they hold, how many models were trained on each
    List,
    /// What is wrong with a data set: duplicates, people in two splits, likely wrong labels, bad pictures
    Audit(crate::cli::audit::AuditArgs),
    /// Decide about an image: keep, drop or relabel; the next prepare follows it, the raw data stays as it is
    Decide(crate::cli::audit::DecideArgs),
    /// The account of a prepared data set: labels, what was dropped and why, splits
    Show {
        /// The prepared set, NAME or NAME@VERSION [default: the only one, or the list of them]
        name: Option<String>,
    },
}
