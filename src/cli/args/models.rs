//! Arguments of what looks at trained models: results, evaluation, report, choice, prediction, runs.

use super::super::options::Options;
use super::values::*;
use clap::{Args, Subcommand};
use faceprobe_core::imaging::Template;
use faceprobe_core::predict::Detect;
use faceprobe_core::run::choosing::ChooseSettings;
use faceprobe_core::run::export::Format;
use faceprobe_core::run::results::Column;
use std::path::PathBuf;

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
    /// Only models of this prepared set: NAME for all its versions, NAME@2 for that one
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
    /// Only models of the current version of each prepared set
    #[arg(long)]
    pub current: bool,
    /// Only models that match these conditions, such as 'kind=dense val>0.8 backbone=vgg'
    #[arg(long, value_name = "CONDITIONS")]
    pub filter: Option<String>,
    /// Write the table for another program: csv, markdown or latex. In names, control characters and those that turn the
    /// direction of text are written as \u{1b}, and a backslash before u{ as \u{5c}
    #[arg(long, value_name = "FORMAT", conflicts_with = "compare")]
    pub format: Option<Format>,
    /// Write it into this file; without --format, its ending decides: .csv, .md, .tex
    #[arg(long, value_name = "FILE", conflicts_with = "compare")]
    pub output: Option<PathBuf>,
    /// Overwrite a file that was not made here
    #[arg(long, requires = "output")]
    pub force: bool,
    /// Compare these models side by side: settings, confusion matrices, images they disagree on
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
    /// Overwrite files that were not made here
    #[arg(long)]
    pub force: bool,
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
    #[command(flatten)]
    pub settings: Options<ChooseSettings>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The run [default: the chosen one, with the threshold and calibration it was chosen with, else the best on validation]
    pub run: Option<String>,
    /// The ONNX file; beside it comes a Python program of the same name
    #[arg(long, value_name = "MODEL.onnx")]
    pub to: PathBuf,
    /// Overwrite files that were not made here
    #[arg(long)]
    pub force: bool,
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
    /// Save the picture with a map of where the answer comes from as this PNG; for several pictures name a folder. There a
    /// map is called as its picture is; where a file that was not made here has that name, it stays, and the map is NAME-2.png
    #[arg(long, value_name = "OUT")]
    pub explain: Option<PathBuf>,
    /// Overwrite the file OUT even if it was not made here; what is read is never overwritten, nor anything in a folder OUT
    #[arg(long, requires = "explain")]
    pub force: bool,
    /// Print CSV instead of text. Control characters and those that turn the direction of text are written as \u{1b}, and a
    /// backslash before u{ as \u{5c}, so that every field can be read back
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// Every run of this workspace
    List,
    /// One run: settings, state, last figures
    Show { run: String },
    /// Follow a run until it ends
    Attach { run: String },
    /// Pause a run where it is
    Pause { run: String },
    /// Resume a paused run, or one that was stopped, killed or crashed, from its last checkpoint
    Resume { run: String },
    /// Stop a run and keep what it has; of a training, the best model so far
    Stop { run: String },
    /// Show or write a note on a run; an empty text deletes it
    Note { run: String, text: Option<String> },
    /// Give a run a title, shown beside its name; an empty one deletes it
    Rename { run: String, title: String },
    /// Pin a run to the top of the list
    Pin {
        run: String,
        /// Unpin it
        #[arg(long)]
        off: bool,
    },
    /// Write runs for TensorBoard or MLflow: curves, settings, figures. Only files are written, nothing is sent anywhere
    Export {
        /// The runs [default: all models that are trained]
        runs: Vec<String>,
        /// A folder for event files, for 'tensorboard --logdir DIR'
        #[arg(long, value_name = "DIR", required_unless_present = "mlflow")]
        tensorboard: Option<PathBuf>,
        /// A folder for a file store, for 'mlflow ui --backend-store-uri DIR'
        #[arg(long, value_name = "DIR")]
        mlflow: Option<PathBuf>,
        /// Overwrite files that were not made here
        #[arg(long)]
        force: bool,
    },
    /// Move a run to the trash (runs/.trash; delete that folder to free the space)
    Remove {
        run: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Restore a run from the trash; without a name, list what is there
    Restore { run: Option<String> },
}
