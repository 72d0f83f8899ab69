//! Arguments of `extract`, `train` and `sweep`. Their settings' options come from the statements.

use crate::cli::options::{self, Options, Pairs};
use clap::{ArgMatches, Args, Command, Error, FromArgMatches, Subcommand};
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::model::{DenseSettings, Kind};
use faceprobe_core::run::SweepSettings;
use faceprobe_settings::{axes, infos};

#[derive(Debug, Args)]
pub(crate) struct DatasetArg {
    /// The prepared set to use: NAME for its current version, NAME@2 for that one [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DetachArg {
    /// Return at once; the run goes on and 'faceprobe runs attach' follows it
    #[arg(long)]
    pub detach: bool,
    /// Return at once; a training or sweep waits for those that are at work or wait already
    #[arg(long)]
    pub queue: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    pub features: Options<FeatureSpec>,
    /// Take features after every stage in one pass and fit a logistic regression on each: accuracy against depth
    #[arg(long, conflicts_with = "tap")]
    pub probe: bool,
    #[command(flatten)]
    pub dataset: DatasetArg,
    #[command(flatten)]
    pub detach: DetachArg,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(subcommand)]
    pub model: TrainCommand,
}

/// What to train.
#[derive(Debug)]
pub(crate) enum TrainCommand {
    /// A model of a kind whose settings are options.
    Model {
        kind: Kind,
        given: Pairs,
        dataset: DatasetArg,
        detach: DetachArg,
    },
    Other(Other),
}

/// What is trained from other runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Other {
    /// Fine-tuned runs that differ in their seeds, say, as one model: the mean of their logits
    Ensemble {
        /// The runs, two or more, of the same cut on the same data
        #[arg(required = true, num_args = 2.., value_name = "RUN")]
        runs: Vec<String>,
        #[command(flatten)]
        detach: DetachArg,
    },
    /// A run's model trained anew on training and validation images together, with the epochs or the penalty and the
    /// threshold that validation chose for it
    Refit {
        /// The run, as results list it
        run: String,
        #[command(flatten)]
        detach: DetachArg,
    },
}

/// The kinds of model that `train` has a subcommand for.
fn kinds() -> impl Iterator<Item = Kind> {
    Kind::all().filter(|kind| kind.info().has_options)
}

impl Subcommand for TrainCommand {
    fn augment_subcommands(command: Command) -> Command {
        let own = kinds().fold(command, |command, kind| {
            let train = Command::new(kind.name()).about(kind.info().about);
            let train = kind.infos().into_iter().fold(train, |train, info| train.arg(options::arg(info)));
            command.subcommand(DetachArg::augment_args(DatasetArg::augment_args(train)))
        });
        Other::augment_subcommands(own)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        kinds().any(|kind| kind.name() == name) || Other::has_subcommand(name)
    }
}

impl FromArgMatches for TrainCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let named = matches.subcommand().and_then(|(name, own)| Some((kinds().find(|kind| kind.name() == name)?, own)));
        match named {
            Some((kind, own)) => Ok(Self::Model {
                kind,
                given: options::given(own, kind.infos()),
                dataset: DatasetArg::from_arg_matches(own)?,
                detach: DetachArg::from_arg_matches(own)?,
            }),
            None => Other::from_arg_matches(matches).map(Self::Other),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Values given to several options are combined; options left out have one value, the default.
#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub heads: HeadOptions,
    #[command(flatten)]
    pub own: Options<SweepSettings>,
    /// Add these values and seeds to a sweep that has ended, and train what is new
    #[arg(long, value_name = "RUN")]
    pub extend: Option<String>,
    #[command(flatten)]
    pub features: Options<FeatureSpec>,
    #[command(flatten)]
    pub dataset: DatasetArg,
    #[command(flatten)]
    pub detach: DetachArg,
}

/// The settings of dense heads, of which several values can be given.
#[derive(Debug)]
pub(crate) struct HeadOptions(pub Pairs);

impl Args for HeadOptions {
    fn augment_args(command: Command) -> Command {
        axes::<DenseSettings>().into_iter().fold(command, |command, info| command.arg(options::axis(info)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for HeadOptions {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Ok(Self(options::given(matches, options::without_seeds(infos::<DenseSettings>()))))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
