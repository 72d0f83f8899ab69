//! Arguments of `extract`, `train` and `sweep`: which features, which model, how it is trained.

use super::values::*;
use clap::{Args, Subcommand, ValueEnum};
use faceprobe_core::backbone::{Arithmetic, Pool};
use faceprobe_core::features::{Dtype, FeatureSpec, Taps};
use faceprobe_core::imaging::preprocessing::Mode;
use faceprobe_core::model::{Optimizer, RateCourse, Schedule};
use faceprobe_core::run::Halving;

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
    #[arg(long, default_value = faceprobe_core::backbone::DEFAULT)]
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

impl DtypeArg {
    pub(crate) fn arithmetic(self) -> Arithmetic {
        match self {
            Self::F32 => Arithmetic::F32,
            Self::Bf16 => Arithmetic::Bf16,
        }
    }
}

impl FeatureArgs {
    /// The request, checked against the network and what the device computes in.
    pub(crate) fn spec(&self, device: &str) -> faceprobe_core::error::Result<FeatureSpec> {
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
        spec.arithmetic().check(device.parse()?)?;
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

/// How long a model is trained, and how its learning rate changes meanwhile.
#[derive(Debug, Args)]
pub(crate) struct CourseArgs {
    /// How the learning rate changes: constant, cosine, or step:EPOCHS:FACTOR [default: constant, for fine-tuning cosine]
    #[arg(long, value_parser = rate_course)]
    pub schedule: Option<RateCourse>,
    /// Epochs in which the learning rate rises to its full value [default: 0, for fine-tuning an eighth of them]
    #[arg(long, value_name = "EPOCHS")]
    pub warmup: Option<usize>,
    #[arg(long, value_parser = count)]
    pub epochs: Option<usize>,
    /// Stop after this many epochs without a better validation accuracy
    #[arg(long, value_parser = count)]
    pub patience: Option<usize>,
}

impl CourseArgs {
    /// The course of the learning rate where the study's is wanted unless something else is said: constant at once.
    pub(crate) fn schedule(&self) -> Schedule {
        Schedule { course: self.schedule.unwrap_or_default(), warmup: self.warmup.unwrap_or(0) }
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
    #[command(flatten)]
    pub course: CourseArgs,
    #[arg(long, value_parser = count)]
    pub batch: Option<usize>,
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
        /// Scale features to mean 0 and variance 1 [default: yes]
        #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
        standardise: Option<bool>,
        /// What forward products are computed in; steps and the scores that are kept are in f32
        #[arg(long, value_enum, default_value = "f32")]
        products: DtypeArg,
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
        #[arg(long, default_value = faceprobe_core::backbone::DEFAULT)]
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
        /// Train on images varied in so many ways too: turned, enlarged, moved, lit otherwise (computed once and cached)
        #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=8))]
        variations: u8,
        /// Move training images by up to so many places of the cut's output, anew in each epoch
        #[arg(long, value_name = "PLACES", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=16))]
        shift: u8,
        /// Label smoothing: targets are this, divided by two, away from 0 and 1
        #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
        smoothing: f64,
        /// Mix each training image with up to this share of another, drawn anew in each epoch (0.4, say)
        #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
        mixup: f64,
        /// Measure and keep the running mean of the weights, of which a step leaves this share (0.998, say); 0 keeps the weights
        #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
        averaging: f64,
        /// What gradients are computed in; everything measured is in f32
        #[arg(long, value_enum, default_value = "f32")]
        dtype: DtypeArg,
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
    /// Fine-tuned runs that differ in their seeds, say, as one model: the mean of their logits
    Ensemble {
        /// The runs, two or more, of the same cut on the same data
        #[arg(required = true, num_args = 2.., value_name = "RUN")]
        runs: Vec<String>,
        #[command(flatten)]
        detach: DetachArg,
    },
    /// A run's model anew on training and validation images together, with the epochs or the penalty and the threshold
    /// that validation chose for it
    Refit {
        /// The run, as results list it
        run: String,
        #[command(flatten)]
        detach: DetachArg,
    },
}

/// Values given to several options are combined; options left out have one value, the study's.
#[derive(Debug, Args)]
// A sweep trains heads and never fine-tunes, so its help says no more than it needs.
#[command(
    mut_arg("schedule", |arg| arg.help("How the learning rate changes: constant, cosine, or step:EPOCHS:FACTOR")),
    mut_arg("warmup", |arg| arg.help("Epochs in which the learning rate rises to its full value").default_value("0")),
    mut_arg("patience", |arg| arg.help("Stop a head after this many epochs without a better validation accuracy"))
)]
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
    /// What forward products are computed in; steps and the scores that are kept are in f32
    #[arg(long, value_enum, default_value = "f32")]
    pub products: DtypeArg,
    #[command(flatten)]
    pub course: CourseArgs,
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
