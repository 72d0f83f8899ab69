//! The grammar of the command line. Names are part of the public interface: add, do not rename.

mod data;
mod models;
mod place;
mod shell;
mod study;
mod training;
mod values;

pub(crate) use data::*;
pub(crate) use models::*;
pub(crate) use place::*;
pub(crate) use shell::*;
pub(crate) use study::*;
pub(crate) use training::*;
use values::thread_count;

use crate::tui::graphics::ImageProtocol;
use crate::tui::theme::Palette;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The help heading of global options.
const GENERAL: &str = "General options";

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
    #[arg(long, global = true, value_name = "DIR", help_heading = GENERAL)]
    pub workspace: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true, help_heading = GENERAL)]
    pub json: bool,
    /// Print results and errors only, no progress
    #[arg(long, short, global = true, help_heading = GENERAL)]
    pub quiet: bool,
    /// Threads for decoding and arithmetic [default: all processors]
    #[arg(long, global = true, value_name = "N", value_parser = thread_count, help_heading = GENERAL)]
    pub threads: Option<usize>,
    /// Where networks run: cpu, cuda, cuda:N or mps
    #[arg(long, global = true, default_value = "cpu", help_heading = GENERAL)]
    pub device: String,
    /// Colours of the workbench [default: as configured, else dark; NO_COLOR means mono]
    #[arg(long, global = true, value_enum, help_heading = "Workbench")]
    pub theme: Option<ThemeArg>,
    /// Draw the workbench with ASCII characters only
    #[arg(long, global = true, help_heading = "Workbench")]
    pub ascii: bool,
    /// How pictures are shown [default: as configured, else what the terminal says it can]
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

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the whole study on the synthetic sample
    Demo(DemoArgs),
    /// Show what this machine has: libtorch, threads, processor features, weights, terminal
    Doctor,
    /// Fetch, prepare, audit and show data sets
    #[command(subcommand)]
    Data(DataCommand),
    /// Pretrained weights: list, fetch, import
    #[command(subcommand)]
    Weights(WeightsCommand),
    /// Compute and cache the features of a prepared data set
    Extract(ExtractArgs),
    /// Export cached features, map them in two dimensions, compact them
    #[command(subcommand)]
    Features(FeaturesCommand),
    /// Train a model; prints the run's name
    #[command(subcommand_required = true, arg_required_else_help = true)]
    Train(TrainArgs),
    /// Train many heads over the same features and rank them on validation
    Sweep(SweepArgs),
    /// Accuracy against the number of training images: one model on growing parts of the training split
    #[command(subcommand_required = true, arg_required_else_help = true)]
    LearningCurve(CurveCommand),
    /// The table of all trained models
    Results(ResultsArgs),
    /// Metrics of one model; opens the test set only with --open-test
    Evaluate(EvaluateArgs),
    /// Two models on the same images: McNemar's exact test, on the test split only where both have opened it
    Compare(CompareArgs),
    /// The whole study as one HTML file and one of Markdown, with a model card; opens no test set
    Report(ReportArgs),
    /// Choose the model that predict uses
    Choose(ChooseArgs),
    /// Write a model with its network as one ONNX file, from picture to label, and a Python program that uses it
    Export(ExportArgs),
    /// Predict labels for images
    Predict(PredictArgs),
    /// List, follow and control runs
    #[command(subcommand)]
    Runs(RunsCommand),
    /// A study as a file: run it, show its progress, write the file of this workspace
    #[command(subcommand)]
    Study(StudyCommand),
    /// Run one task of a cluster plan here, or all of them; Slurm calls this on its nodes
    Work(WorkArgs),
    /// The configuration: keys, colours, notices. Show it, start a file, list the keys
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a script that completes commands, options and names with Tab: for bash, put
    /// 'source <(faceprobe completions bash)' into ~/.bashrc
    Completions(CompletionsArgs),
    /// Manual pages, one for each command
    #[command(hide = true)]
    Man(ManArgs),
    /// Pictures of the screens, for the README
    #[command(hide = true)]
    Screens(ScreensArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ScreensArgs {
    /// The folder for the pictures
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Overwrite files that faceprobe did not create
    #[arg(long)]
    pub force: bool,
    #[arg(long, default_value_t = 120)]
    pub columns: u16,
    #[arg(long, default_value_t = 40)]
    pub rows: u16,
    /// The argument of predict.
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
pub(crate) enum WeightsCommand {
    /// List the backbones and whether their weights are installed
    List,
    /// Download the pretrained weights of a backbone from the first source that can be reached; `onnxruntime` is what runs
    /// your ONNX files
    Fetch {
        /// The backbone, as 'weights list' names it
        name: String,
        /// Only from this address, replacing installed weights
        #[arg(long, value_name = "URL")]
        from: Option<String>,
        /// What the SHA-256 of the file at that address must be
        #[arg(long, value_name = "HEX", requires = "from")]
        sha256: Option<String>,
    },
    /// Import the weights of a backbone from a file: safetensors, torch .pth or .pt, Keras .h5 or .keras, ONNX, TensorFlow.js
    /// model.json or the .tgz of npm; or make any ONNX or TorchScript file a backbone, from a .toml that describes it (beside
    /// an ONNX file, under the same name). A TorchScript file is a program: it runs with your rights when it is imported
    /// and whenever the backbone is used
    Import {
        /// The backbone, as 'weights list' names it, or a new name for a network of your own
        name: String,
        /// The file with its weights
        file: PathBuf,
        /// Import a TorchScript file, a program, because you trust who made it
        #[arg(long)]
        trust: bool,
    },
}
