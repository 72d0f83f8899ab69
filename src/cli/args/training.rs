//! Arguments of `extract`, `train` and `sweep`. Options for settings are generated from their declarations.

use super::PlaceArgs;
use crate::cli::options::{self, Options, Pairs};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, Subcommand};
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::map::MapSettings;
use faceprobe_core::model::{DenseSettings, Kind, TrainingDraw};
use faceprobe_core::run::SweepSettings;
use faceprobe_core::run::learning_curve::CurveSettings;
use faceprobe_settings::{Info, axes, infos};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct DatasetArg {
    /// The prepared set to use: NAME for its current version, NAME@2 for that one [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DetachArg {
    /// Return at once; the run continues and 'faceprobe runs attach' follows it
    #[arg(long)]
    pub detach: bool,
    /// Return at once; a training or sweep waits for those that are running or queued
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
    #[command(flatten)]
    pub place: PlaceArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeaturesCommand {
    /// Write the features of a prepared set as features.npy and labels.csv, row by row in one order, with split, class and
    /// attributes: for numpy, pandas and scikit-learn. Missing features are computed first
    Export(FeaturesExportArgs),
    /// Draw the images of a prepared set as points in two dimensions, by PCA or t-SNE of their features. The points are kept:
    /// colouring them by something else computes nothing
    Map(FeaturesMapArgs),
    /// Merge the small part files of every feature store: many writers leave many files, which slow shared file systems down.
    /// Others may read and write meanwhile
    Compact,
}

#[derive(Debug, Args)]
pub(crate) struct FeaturesExportArgs {
    #[command(flatten)]
    pub features: Options<FeatureSpec>,
    #[command(flatten)]
    pub dataset: DatasetArg,
    /// The folder for features.npy, labels.csv and features.json, which says what the numbers are
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Overwrite files that faceprobe did not create
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FeaturesMapArgs {
    #[command(flatten)]
    pub features: Options<FeatureSpec>,
    #[command(flatten)]
    pub map: Options<MapSettings>,
    #[command(flatten)]
    pub dataset: DatasetArg,
    /// Colour by class, split, correct (the predictions of --model on validation, and on test if it was opened) or age
    #[arg(long, value_name = "WHAT", default_value = "class")]
    pub colour: String,
    /// The run whose predictions --colour correct shows [default: the chosen one, else the best on validation]
    #[arg(long, value_name = "RUN")]
    pub model: Option<String>,
    /// The picture: an .svg or .png file
    #[arg(long, value_name = "FILE", required_unless_present_any = ["select", "only"])]
    pub to: Option<PathBuf>,
    /// Select the images in a rectangle of the map, by two of its corners; --json has every point
    #[arg(long, value_name = "X,Y,X,Y", allow_hyphen_values = true)]
    pub select: Option<String>,
    /// Select images of one group of the colours only, such as male, val or wrong
    #[arg(long, value_name = "GROUP")]
    pub only: Option<String>,
    /// Write the selected images: .txt, a list for 'predict --list'; .csv, decisions for 'data decide --from'
    #[arg(long, value_name = "FILE")]
    pub selected: Option<PathBuf>,
    /// What the .csv decides about each: drop, keep, relabel (the other label), or 'relabel LABEL' (those without it)
    #[arg(long, value_name = "DECISION", default_value = "drop")]
    pub decision: String,
    /// Overwrite files that faceprobe did not create
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    #[command(subcommand)]
    pub model: TrainCommand,
}

/// What to train.
#[derive(Debug)]
pub(crate) enum TrainCommand {
    /// A kind of model with its settings as options.
    Model {
        kind: Kind,
        given: Pairs,
        dataset: DatasetArg,
        /// For several models; none for the seed of the settings.
        seeds: Vec<u64>,
        detach: DetachArg,
        place: PlaceArgs,
    },
    Other(Other),
}

/// Models made from other runs.
#[derive(Debug, Subcommand)]
pub(crate) enum Other {
    /// Combine fine-tuned runs, of several seeds for example, into one model: the mean of their logits
    Ensemble {
        /// The runs, two or more, of the same cut on the same data
        #[arg(required = true, num_args = 2.., value_name = "RUN")]
        runs: Vec<String>,
        #[command(flatten)]
        detach: DetachArg,
    },
    /// Train a run's model again on training and validation images together, with the epochs or the penalty and the
    /// threshold that validation chose for it
    Refit {
        /// The run, as results list it
        run: String,
        #[command(flatten)]
        detach: DetachArg,
    },
}

#[derive(Debug, Args)]
struct SeedsArg {
    /// Train a model with each of these seeds, each as a run of its own
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', conflicts_with = "seed")]
    seeds: Vec<u64>,
}

fn has_seed(kind: Kind) -> bool {
    kind.infos().iter().any(|info| info.name == "seed")
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
            let train = if has_seed(kind) { SeedsArg::augment_args(train) } else { train };
            command.subcommand(PlaceArgs::augment_args(DetachArg::augment_args(DatasetArg::augment_args(train))))
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
                seeds: if has_seed(kind) { SeedsArg::from_arg_matches(own)?.seeds } else { Vec::new() },
                detach: DetachArg::from_arg_matches(own)?,
                place: PlaceArgs::from_arg_matches(own)?,
            }),
            None => Other::from_arg_matches(matches).map(Self::Other),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[derive(Debug, Args)]
pub(crate) struct CurveCommand {
    #[command(subcommand)]
    pub curve: CurveArgs,
}

/// A model with its training subset sizes.
#[derive(Debug)]
pub(crate) struct CurveArgs {
    pub kind: Kind,
    pub model: Pairs,
    pub curve: Pairs,
    pub dataset: DatasetArg,
    pub detach: bool,
    pub figure: CurveFigure,
    pub place: PlaceArgs,
}

/// The picture of a learning curve.
#[derive(Debug, Args)]
pub(crate) struct CurveFigure {
    /// Draw the finished curve, with its intervals and the fitted power law, as an SVG file
    #[arg(long, value_name = "FILE", conflicts_with = "detach")]
    pub svg: Option<PathBuf>,
    /// Draw the finished learning curves of these runs into the same picture
    #[arg(long, value_name = "RUN", value_delimiter = ',', requires = "svg")]
    pub with: Vec<String>,
    /// Overwrite a file that faceprobe did not create
    #[arg(long, requires = "svg")]
    pub force: bool,
}

/// The settings of a curve's models: without the number of images and the seed, which the curve varies.
fn curve_infos(kind: Kind) -> impl Iterator<Item = &'static Info> {
    let draw = infos::<TrainingDraw>();
    options::without_seeds(kind.infos()).filter(move |info| draw.iter().all(|other| other.name != info.name))
}

impl Subcommand for CurveArgs {
    fn augment_subcommands(command: Command) -> Command {
        kinds().fold(command, |command, kind| {
            let all = infos::<CurveSettings>().into_iter().chain(curve_infos(kind));
            let curve = all
                .fold(Command::new(kind.name()).about(kind.info().about), |curve, info| curve.arg(options::arg(info)));
            let detach = "Return at once; the run continues and 'faceprobe runs attach' follows it";
            let detach = Arg::new("detach").long("detach").help(detach).action(ArgAction::SetTrue);
            let curve = CurveFigure::augment_args(DatasetArg::augment_args(curve).arg(detach));
            command.subcommand(PlaceArgs::augment_args(curve))
        })
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        kinds().any(|kind| kind.name() == name)
    }
}

impl FromArgMatches for CurveArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let named = matches.subcommand().and_then(|(name, own)| Some((kinds().find(|kind| kind.name() == name)?, own)));
        let Some((kind, own)) = named else {
            return Err(Error::raw(ErrorKind::MissingSubcommand, "name a kind of model\n"));
        };
        Ok(Self {
            kind,
            model: options::given(own, curve_infos(kind)),
            curve: options::given(own, infos::<CurveSettings>()),
            dataset: DatasetArg::from_arg_matches(own)?,
            detach: own.get_flag("detach"),
            figure: CurveFigure::from_arg_matches(own)?,
            place: PlaceArgs::from_arg_matches(own)?,
        })
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
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// The settings of dense heads, each with one or several values.
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
