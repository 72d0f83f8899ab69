//! The grammar of the command line. Names here are a contract: add, do not rename.

use crate::backbone::Pool;
use crate::dataset::SplitMethod;
use crate::dataset::source::SourceSpec;
use crate::evaluation::Criterion;
use crate::features::{Dtype, FeatureSpec, Taps};
use crate::imaging::Template;
use crate::imaging::preprocessing::Mode;
use crate::model::{Optimizer, RateCourse};
use crate::predict::Detect;
use crate::run::Halving;
use crate::run::export::Format;
use crate::run::results::Column;
use crate::tui::graphics::ImageProtocol;
use crate::tui::theme::Palette;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A terminal workbench for transfer-learning studies on face photographs.
///
/// Without a subcommand it opens the workbench on the workspace in the current folder.
#[derive(Debug, Parser)]
#[command(name = "faceprobe", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The study's folder, with data/, cache/ and runs/ [default: the current folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub workspace: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results and errors only, no progress
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Threads for decoding and arithmetic [default: all processors]
    #[arg(long, global = true, value_name = "N", value_parser = thread_count)]
    pub threads: Option<usize>,
    /// Where networks run: cpu, cuda, cuda:N or mps
    #[arg(long, global = true, default_value = "cpu")]
    pub device: String,
    /// Colours of the workbench [default: dark; NO_COLOR means mono]
    #[arg(long, global = true, value_enum, help_heading = "Workbench")]
    pub theme: Option<ThemeArg>,
    /// Draw the workbench with ASCII characters only
    #[arg(long, global = true, help_heading = "Workbench")]
    pub ascii: bool,
    /// How pictures are shown [default: what the terminal says it can]
    #[arg(long, global = true, value_enum, value_name = "PROTOCOL", help_heading = "Workbench")]
    pub image_protocol: Option<ImageProtocolArg>,
    /// Leave the mouse to the terminal
    #[arg(long, global = true, help_heading = "Workbench")]
    pub no_mouse: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ThemeArg {
    Dark,
    Light,
    Contrast,
    Mono,
}

impl From<ThemeArg> for Palette {
    fn from(arg: ThemeArg) -> Self {
        match arg {
            ThemeArg::Dark => Self::Dark,
            ThemeArg::Light => Self::Light,
            ThemeArg::Contrast => Self::HighContrast,
            ThemeArg::Mono => Self::Monochrome,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ImageProtocolArg {
    Auto,
    Kitty,
    Sixel,
    Iterm2,
    Halfblocks,
    None,
}

impl From<ImageProtocolArg> for ImageProtocol {
    fn from(arg: ImageProtocolArg) -> Self {
        match arg {
            ImageProtocolArg::Auto => Self::Auto,
            ImageProtocolArg::Kitty => Self::Kitty,
            ImageProtocolArg::Sixel => Self::Sixel,
            ImageProtocolArg::Iterm2 => Self::Iterm2,
            ImageProtocolArg::Halfblocks => Self::Halfblocks,
            ImageProtocolArg::None => Self::None,
        }
    }
}

fn thread_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1024) => Ok(count),
        _ => Err("a number from 1 to 1024".into()),
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole study on the synthetic sample
    Demo(DemoArgs),
    /// Say what this machine has: libtorch, threads, processor features, weights, terminal
    Doctor,
    /// Prepare data sets and look at them
    #[command(subcommand)]
    Data(DataCommand),
    /// Pretrained weights: what is there, and getting them
    #[command(subcommand)]
    Weights(WeightsCommand),
    /// Compute the features of a prepared data set, once
    Extract(ExtractArgs),
    /// Train a model; prints the run's name
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Train(TrainArgs),
    /// Train many heads over the same features and rank them on validation
    Sweep(SweepArgs),
    /// The table: every model side by side
    Results(ResultsArgs),
    /// Figures of one model; opens the test set only when told to
    Evaluate(EvaluateArgs),
    /// Two models on the same images: McNemar's exact test, on the test split only where both have opened it
    Compare(CompareArgs),
    /// The whole study as one HTML file and one of Markdown, with a model card; opens no test set
    Report(ReportArgs),
    /// Make a run the model that predict uses
    Choose(ChooseArgs),
    /// Tell the label of any image
    Predict(PredictArgs),
    /// Runs: list, follow and control them
    #[command(subcommand)]
    Runs(RunsCommand),
    /// The process that does a run's work; started by the other commands
    #[command(hide = true)]
    Worker { run: String },
    /// Pictures of the screens, for the README
    #[command(hide = true)]
    Screens(ScreensArgs),
    /// A process that answers predictions line by line; started by the workbench
    #[command(hide = true)]
    Predictor {
        #[arg(long)]
        model: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ScreensArgs {
    /// The folder for the pictures
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    #[arg(long, default_value_t = 120)]
    pub columns: u16,
    #[arg(long, default_value_t = 40)]
    pub rows: u16,
    /// What Predict predicts
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many labelled pictures to draw
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(200..=20_000))]
    pub images: u64,
    /// Seed of the drawings, the splits and the training
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Plain text even on a terminal
    #[arg(long)]
    pub plain: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// Get a data set over the network; a call that was interrupted is gone on with by the next
    #[command(subcommand)]
    Fetch(super::fetch::FetchCommand),
    /// From raw label files to balanced train, validation and test splits
    Prepare(PrepareArgs),
    /// What is wrong with a data set: duplicates, people in two splits, likely wrong labels, bad pictures
    Audit(super::audit::AuditArgs),
    /// Decide about an image: keep, drop or relabel; the next prepare follows it, the raw data stays as it is
    Decide(super::audit::DecideArgs),
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

#[derive(Debug, Subcommand)]
pub(crate) enum WeightsCommand {
    /// What is there and what is not
    List,
    /// Get the pretrained weights of a backbone from the first of its sources that can be reached
    Fetch {
        name: String,
        /// Only from this address, in place of weights that are there
        #[arg(long, value_name = "URL")]
        from: Option<String>,
        /// What the SHA-256 of the file at that address must be
        #[arg(long, value_name = "HEX", requires = "from")]
        sha256: Option<String>,
    },
    /// Take the weights of a backbone from a file: safetensors, torch .pth or .pt, Keras .h5, ONNX; or make any TorchScript
    /// file a backbone, from a .toml that describes it
    Import { name: String, file: PathBuf },
}

#[derive(Debug, Args)]
pub(crate) struct DatasetArg {
    /// The prepared set to use [default: the only one]
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

/// Which features: what sets the depth, the shape and the arithmetic of a row.
#[derive(Debug, Args)]
pub(crate) struct FeatureArgs {
    /// The pretrained network; 'faceprobe weights list' shows them
    #[arg(long, default_value = crate::backbone::DEFAULT)]
    pub backbone: String,
    /// Where features are taken: last, or numbers of stages, whose features are put behind each other
    #[arg(long, default_value = "last", value_name = "last|N,N,…")]
    pub tap: Taps,
    /// How a stage becomes numbers: avg, max, gridN (averages over N x N cells) or flatten
    #[arg(long, default_value = "avg", value_name = "avg|max|gridN|flatten")]
    pub pool: Pool,
    /// How pictures are resized: default (antialiased, EXIF upright) or keras (as load_img does, nearest pixel)
    #[arg(long, default_value = "default", value_name = "default|keras")]
    pub mode: Mode,
    /// What the network is computed in
    #[arg(long, value_enum, default_value = "f32")]
    pub dtype: DtypeArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DtypeArg {
    F32,
    /// Where the processor has it
    Bf16,
}

impl FeatureArgs {
    /// The request, checked against the network.
    pub(crate) fn spec(&self) -> crate::error::Result<FeatureSpec> {
        let spec = FeatureSpec {
            backbone: self.backbone.clone(),
            tap: self.tap.clone(),
            pool: self.pool,
            mode: self.mode,
            dtype: match self.dtype {
                DtypeArg::F32 => Dtype::F32,
                DtypeArg::Bf16 => Dtype::Bf16,
            },
        };
        spec.check()?;
        Ok(spec)
    }
}

#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    pub features: FeatureArgs,
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

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OptimizerArg {
    Adam,
    Adamw,
    Sgd,
    Rmsprop,
}

impl From<OptimizerArg> for Optimizer {
    fn from(arg: OptimizerArg) -> Self {
        match arg {
            OptimizerArg::Adam => Self::Adam,
            OptimizerArg::Adamw => Self::AdamW,
            OptimizerArg::Sgd => Self::Sgd,
            OptimizerArg::Rmsprop => Self::RmsProp,
        }
    }
}

/// What all trained models share. Settings left out have the study's values.
#[derive(Debug, Args)]
pub(crate) struct TrainingArgs {
    #[arg(long, value_parser = share)]
    pub dropout: Option<f64>,
    #[arg(long, value_name = "RATE", value_parser = positive)]
    pub learning_rate: Option<f64>,
    #[arg(long, value_enum)]
    pub optimizer: Option<OptimizerArg>,
    #[arg(long, value_parser = not_negative)]
    pub weight_decay: Option<f64>,
    /// How the learning rate changes: constant, cosine, or step:EPOCHS:FACTOR [default: constant, for fine-tuning cosine]
    #[arg(long, value_parser = rate_course)]
    pub schedule: Option<RateCourse>,
    /// Epochs in which the learning rate rises to its full value [default: 0, for fine-tuning a quarter of them]
    #[arg(long, value_name = "EPOCHS")]
    pub warmup: Option<usize>,
    #[arg(long, value_parser = count)]
    pub epochs: Option<usize>,
    #[arg(long, value_parser = count)]
    pub batch: Option<usize>,
    /// Stop after this many epochs without a better validation accuracy
    #[arg(long, value_parser = count)]
    pub patience: Option<usize>,
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrainCommand {
    /// The small CNN trained from scratch: average pooling, convolution, global average pooling, dense, dropout
    Benchmark {
        /// Filters of the convolution
        #[arg(long, value_parser = count)]
        filters: Option<usize>,
        /// Units of the dense layer
        #[arg(long, value_parser = count)]
        dense: Option<usize>,
        /// Side and stride of the average pooling that comes first
        #[arg(long, value_parser = count)]
        pool: Option<usize>,
        #[command(flatten)]
        training: TrainingArgs,
        #[command(flatten)]
        dataset: DatasetArg,
        #[command(flatten)]
        detach: DetachArg,
    },
    /// A dense layer with dropout on frozen features
    Dense {
        /// Units of the dense layer
        #[arg(long, value_parser = count)]
        width: Option<usize>,
        /// Dense layers of that width, 1 or 2
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
        depth: u8,
        #[command(flatten)]
        features: FeatureArgs,
        #[command(flatten)]
        training: TrainingArgs,
        #[command(flatten)]
        dataset: DatasetArg,
        #[command(flatten)]
        detach: DetachArg,
    },
    /// The backbone's stages behind a cut, trained together with a linear head on their average
    Finetune {
        /// The pretrained network; 'faceprobe weights list' shows them
        #[arg(long, default_value = crate::backbone::DEFAULT)]
        backbone: String,
        /// The stage behind which it is cut; what comes after is trained [default: the last at an eighth of the picture's side]
        #[arg(long, value_name = "N")]
        cut: Option<usize>,
        /// How pictures are resized: default (antialiased, EXIF upright) or keras (as load_img does, nearest pixel)
        #[arg(long, default_value = "default", value_name = "default|keras")]
        mode: Mode,
        /// Highest learning rate of the new head; --learning-rate is that of the backbone
        #[arg(long, value_name = "RATE", value_parser = positive)]
        learning_rate_head: Option<f64>,
        /// Move training images by up to so many places of the cut's output, anew in each epoch
        #[arg(long, value_name = "PLACES", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=16))]
        shift: u8,
        /// Label smoothing: targets are this, divided by two, away from 0 and 1
        #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
        smoothing: f64,
        #[command(flatten)]
        training: TrainingArgs,
        #[command(flatten)]
        dataset: DatasetArg,
        #[command(flatten)]
        detach: DetachArg,
    },
    /// Logistic regression (linfa) on frozen features
    Logistic {
        /// Penalties to try, on the summed loss (scikit-learn's C is 1/alpha); the best on validation is kept
        #[arg(long, value_delimiter = ',', value_name = "A,B,…", value_parser = not_negative)]
        alphas: Option<Vec<f64>>,
        #[command(flatten)]
        features: FeatureArgs,
        #[command(flatten)]
        dataset: DatasetArg,
        #[command(flatten)]
        detach: DetachArg,
    },
}

/// Values given to several options are combined; options left out have one value, the study's.
#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    #[arg(long, value_delimiter = ',', value_name = "N,N,…", value_parser = count)]
    pub width: Vec<usize>,
    /// Dense layers of that width, 1 or 2
    #[arg(long, value_delimiter = ',', value_name = "N,N", value_parser = count)]
    pub depth: Vec<usize>,
    #[arg(long, value_delimiter = ',', value_name = "P,P,…", value_parser = share)]
    pub dropout: Vec<f64>,
    #[arg(long, value_delimiter = ',', value_name = "R,R,…", value_parser = positive)]
    pub learning_rate: Vec<f64>,
    #[arg(long, value_delimiter = ',', value_enum)]
    pub optimizer: Vec<OptimizerArg>,
    #[arg(long, value_delimiter = ',', value_name = "D,D,…", value_parser = not_negative)]
    pub weight_decay: Vec<f64>,
    #[arg(long, value_delimiter = ',', value_name = "N,N,…", value_parser = count)]
    pub batch: Vec<usize>,
    /// yes, no or both: scale features to mean 0 and variance 1
    #[arg(long, value_delimiter = ',', value_name = "yes,no", value_parser = yes_or_no)]
    pub standardise: Vec<bool>,
    /// Train every setting with each of these seeds
    #[arg(long, value_delimiter = ',', value_name = "S,S,…", default_value = "1")]
    pub seeds: Vec<u64>,
    /// Draw so many of the combinations instead of training all
    #[arg(long, value_name = "N", value_parser = count)]
    pub random: Option<usize>,
    /// Successive halving: train all for FIRST epochs, the best one in FACTOR for FACTOR times as many, and so on
    #[arg(long, value_name = "FIRST[:FACTOR]", value_parser = halving)]
    pub halving: Option<Halving>,
    /// How the learning rate changes: constant, cosine, or step:EPOCHS:FACTOR
    #[arg(long, value_parser = rate_course)]
    pub schedule: Option<RateCourse>,
    /// Epochs in which the learning rate rises to its full value
    #[arg(long, value_name = "EPOCHS", default_value_t = 0)]
    pub warmup: usize,
    #[arg(long, value_parser = count)]
    pub epochs: Option<usize>,
    /// Stop a head after this many epochs without a better validation accuracy
    #[arg(long, value_parser = count)]
    pub patience: Option<usize>,
    /// Add these values and seeds to a sweep that has ended, and train what is new
    #[arg(long, value_name = "RUN")]
    pub extend: Option<String>,
    #[command(flatten)]
    pub features: FeatureArgs,
    #[command(flatten)]
    pub dataset: DatasetArg,
    #[command(flatten)]
    pub detach: DetachArg,
}

#[derive(Debug, Args)]
pub(crate) struct ResultsArgs {
    /// Column to order by: run, kind, backbone, params, epochs, train, val, test, threshold, seconds, status
    #[arg(long, value_name = "COLUMN")]
    pub sort: Option<Column>,
    /// Smallest first for accuracies, largest first for the others
    #[arg(long)]
    pub reverse: bool,
    /// One line per setting: mean and standard deviation over its seeds
    #[arg(long)]
    pub by_setting: bool,
    /// Only models of this prepared set
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
    /// Only models that fulfil these conditions, such as 'kind=dense val>0.8 backbone=vgg'
    #[arg(long, value_name = "CONDITIONS")]
    pub filter: Option<String>,
    /// Write the table for another program: csv, markdown or latex
    #[arg(long, value_name = "FORMAT", conflicts_with = "compare")]
    pub format: Option<Format>,
    /// Write it into this file; without --format, its ending decides: .csv, .md, .tex
    #[arg(long, value_name = "FILE", conflicts_with = "compare")]
    pub output: Option<PathBuf>,
    /// Put these models side by side: settings, confusion matrices, images they disagree on
    #[arg(long, num_args = 2.., value_name = "RUN")]
    pub compare: Vec<String>,
    /// Compare on the test split, which must have been opened for each of them
    #[arg(long, requires = "compare")]
    pub on_test: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    pub run: String,
    /// Score the test split too; this is recorded
    #[arg(long)]
    pub open_test: bool,
    /// Score another prepared data set instead, by its name, folder or manifest.csv; images that are in the run's own
    /// data set too are left out
    #[arg(long, value_name = "DATA", conflicts_with = "open_test")]
    pub on: Option<String>,
    /// Accuracy by the values of these columns too: age, race or whatever else the data set tells
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…")]
    pub by: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// A folder for report.html and report.md, or the name of the HTML file [default: report/ in the workspace]
    #[arg(long, short, value_name = "DIR|FILE")]
    pub output: Option<PathBuf>,
    /// The run that the model card is of [default: the chosen one, else the best on validation]
    #[arg(long, value_name = "RUN")]
    pub model: Option<String>,
    /// Put small pictures of the worst mistakes in: photographs of people
    #[arg(long)]
    pub thumbnails: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    #[arg(value_name = "RUN")]
    pub first: String,
    #[arg(value_name = "RUN")]
    pub second: String,
}

#[derive(Debug, Args)]
pub(crate) struct ChooseArgs {
    pub run: String,
    /// What the threshold is chosen for on validation: auto (accuracy), youden, eer (equal error rates), precision=P,
    /// recall=R; or a number between 0 and 1
    #[arg(long, default_value = "auto", value_parser = threshold)]
    pub threshold: Threshold,
}

/// The threshold of `choose`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Threshold {
    For(Criterion),
    Fixed(f64),
}

#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// JPEG, PNG, WebP, BMP, TIFF or GIF files; folders for the images in them; - for standard input
    #[arg(value_name = "PATH", required_unless_present_any = ["stdin", "list"])]
    pub paths: Vec<PathBuf>,
    /// The run whose model to use [default: the chosen one, else the best on validation]
    #[arg(long, value_name = "RUN")]
    pub model: Option<String>,
    /// Read standard input too: paths, one a line, or the bytes of one image
    #[arg(long)]
    pub stdin: bool,
    /// A file with paths, one a line; may be given several times
    #[arg(long, value_name = "FILE")]
    pub list: Vec<PathBuf>,
    /// Paths in lists end with NUL instead of a line end, as 'find -print0' writes them
    #[arg(long, short = '0')]
    pub null: bool,
    /// Take the images of the folders in folders too
    #[arg(long, short)]
    pub recursive: bool,
    /// none: the whole picture; detect: the square around the face; align: the face turned and scaled as in the training
    /// data [default: as the model's training data was made]
    #[arg(long, value_name = "none|detect|align")]
    pub detect: Option<Detect>,
    /// How much around a face to take: tight (the face, as FairFace) or loose (the head, as Adience) [default: as in the
    /// training data]
    #[arg(long, value_name = "tight|loose")]
    pub template: Option<Template>,
    /// An answer for each face of a picture, the largest first, not only for the one it is of (large and near the middle)
    #[arg(long)]
    pub every_face: bool,
    /// Answer 'uncertain' where the probability is below this
    #[arg(long, value_name = "P", value_parser = probability)]
    pub uncertain_below: Option<f64>,
    /// Save the picture with a map of where the answer comes from as this PNG; for several pictures name a folder
    #[arg(long, value_name = "OUT")]
    pub explain: Option<PathBuf>,
    /// Print CSV instead of text
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Everything that was ever started here
    List,
    /// One run: settings, state, last figures
    Show { run: String },
    /// Follow a run until it ends
    Attach { run: String },
    /// Halt a run where it is
    Pause { run: String },
    /// Let a paused run go on, or one whose worker has ended (killed, stopped, power lost) from its last checkpoint
    Resume { run: String },
    /// End a run; what was finished is kept
    Stop { run: String },
    /// Show or write a note on a run; an empty text takes it away
    Note { run: String, text: Option<String> },
    /// Give a run a title, shown beside its name; an empty one takes it away
    Rename { run: String, title: String },
    /// List a run first
    Pin {
        run: String,
        /// Take the pin away again
        #[arg(long)]
        off: bool,
    },
    /// Delete a run's folder
    Remove {
        run: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

fn number(text: &str, good: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    text.parse().ok().filter(|value: &f64| value.is_finite() && good(*value)).ok_or_else(|| wanted.to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..1.0).contains(&value), "a number from 0 to less than 1")
}

fn positive(text: &str) -> Result<f64, String> {
    number(text, |value| value > 0.0, "a number above 0")
}

fn probability(text: &str) -> Result<f64, String> {
    number(text, |value| (0.0..=1.0).contains(&value), "a number from 0 to 1")
}

fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |value| value >= 0.0, "a number not below 0")
}

fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("a whole number from 1 to 1000000".into()),
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("yes or no".into()),
    }
}

fn halving(text: &str) -> Result<Halving, String> {
    let (first, factor) = text.split_once(':').unwrap_or((text, "2"));
    match (count(first)?, count(factor)?) {
        (first, factor @ 2..) => Ok(Halving { first, factor }),
        _ => Err("the factor is 2 or more".into()),
    }
}

fn rate_course(text: &str) -> Result<RateCourse, String> {
    let wanted = "constant, cosine, or step:EPOCHS:FACTOR such as step:20:0.5";
    match text.split(':').collect::<Vec<_>>().as_slice() {
        ["constant"] => Ok(RateCourse::Constant),
        ["cosine"] => Ok(RateCourse::Cosine),
        ["step", every, factor] => Ok(RateCourse::Step {
            every: count(every)?,
            factor: number(factor, |value| value > 0.0 && value <= 1.0, wanted)?,
        }),
        _ => Err(wanted.into()),
    }
}

fn threshold(text: &str) -> Result<Threshold, String> {
    if let Ok(value) = text.parse::<f64>() {
        return if (0.0..=1.0).contains(&value) {
            Ok(Threshold::Fixed(value))
        } else {
            Err("a number from 0 to 1".into())
        };
    }
    text.parse().map(Threshold::For)
}
