//! Arguments of `faceprobe data`.

use crate::cli::options::Options;
use clap::Subcommand;
use faceprobe_core::dataset::prepare::PrepareSettings;

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Get a data set over the network; a call that was interrupted is gone on with by the next
    #[command(subcommand)]
    Fetch(crate::cli::fetch::FetchCommand),
    /// From raw label files to balanced train, validation and test splits
    Prepare(Options<PrepareSettings>),
    /// What is wrong with a data set: duplicates, people in two splits, likely wrong labels, bad pictures
    Audit(crate::cli::audit::AuditArgs),
    /// Decide about an image: keep, drop or relabel; the next prepare follows it, the raw data stays as it is
    Decide(crate::cli::audit::DecideArgs),
    /// The account of a prepared data set: labels, what was dropped and why, splits
    Show {
        /// The prepared set [default: the only one, or the list of them]
        name: Option<String>,
    },
}
