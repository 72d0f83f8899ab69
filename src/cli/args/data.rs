//! Arguments of `faceprobe data`.

use clap::{Args, Subcommand, ValueEnum};
use faceprobe_core::dataset::SplitMethod;
use faceprobe_core::dataset::source::SourceSpec;
use faceprobe_core::imaging::Template;

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Get a data set over the network; a call that was interrupted is gone on with by the next
    #[command(subcommand)]
    Fetch(crate::cli::fetch::FetchCommand),
    /// From raw label files to balanced train, validation and test splits
    Prepare(PrepareArgs),
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

#[derive(Debug, Args)]
pub(crate) struct PrepareArgs {
    /// adience:DIR, fairface:DIR, utkface:DIR, folder:DIR or csv:FILE; may be given several times
    #[arg(long = "source", required = true, value_name = "ADAPTER:PATH")]
    pub sources: Vec<SourceSpec>,
    /// Name of the prepared set [default: the adapter's name]
    #[arg(long)]
    pub name: Option<String>,
    /// Training images, both classes together
    #[arg(long, requires = "val", requires = "test")]
    pub train: Option<usize>,
    /// Validation images, both classes together
    #[arg(long, requires = "train")]
    pub val: Option<usize>,
    /// Test images, both classes together
    #[arg(long, requires = "train")]
    pub test: Option<usize>,
    /// Decides which images are drawn
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How images are divided [default: the official splits if there are any and no sizes are given, else random]
    #[arg(long, value_enum)]
    pub split: Option<SplitArg>,
    /// Find the face in every image and take that: tight (the face, as FairFace) or loose (the head, as Adience)
    /// [default: the whole picture]
    #[arg(long, value_name = "tight|loose")]
    pub align: Option<Template>,
    /// Rows and columns of the aligned crops [default: 224]
    #[arg(long, value_name = "PIXELS", requires = "align")]
    pub align_side: Option<usize>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SplitArg {
    /// By image, as in the study: photographs of one person can be on both sides
    Random,
    /// Nobody, and no group of near duplicates, is in two splits
    Subject,
    /// Cross-validation over the data set's own folds (Adience: five): one prepared set for each, NAME-fold-0 and so on
    #[value(alias = "adience-folds")]
    Folds,
    /// As the data set says
    Official,
}

impl From<SplitArg> for SplitMethod {
    fn from(arg: SplitArg) -> Self {
        match arg {
            SplitArg::Random => Self::Random,
            SplitArg::Subject => Self::Subject,
            SplitArg::Folds => Self::Folds,
            SplitArg::Official => Self::Official,
        }
    }
}
