//! The study's small CNN, trained from scratch on pixels: average pooling, convolution with ReLU, global average
//! pooling, dense with ReLU, dropout, dense(1).
//!
//! The average pooling has no parameters, so it is done once, when the pixels are cached: a row holds the sums of
//! `pool * pool` 8-bit pixels, height x width x RGB, and becomes numbers in 0..=1 when a batch is made.

use super::data::{PixelRows, check_pair};
use super::network::{Input, Network, Weights, shape_of, take, to_array, to_tensor, torch_error};
use super::random::{Dropout, Initialiser};
use super::scorer::{PIXEL_BATCH, Scorer};
use super::settings::{BenchmarkSettings, Kind};
use super::trained::Trained;
use super::training::{Examples, Plan, fit};
use crate::error::{Error, Result};
use crate::evaluation::best_threshold;
use crate::monitor::Monitor;
use ndarray::{ArrayView2, arr1};
use tch::{Device, TchError, Tensor, nn};

const CHANNELS: usize = 3;

/// Convolution without padding (as in Keras by default), global average, two dense layers.
pub(super) struct Cnn {
    /// Shape (filters, 3, kernel, kernel).
    conv_weight: Tensor,
    conv_bias: Tensor,
    /// Shape (dense, filters).
    dense_weight: Tensor,
    dense_bias: Tensor,
    /// Shape (1, dense).
    out_weight: Tensor,
    out_bias: Tensor,
    scale: f32,
}

impl Cnn {
    /// Fresh variables in `store`, as Keras makes them: Glorot-uniform kernels and zero biases.
    fn new(store: &nn::VarStore, settings: &BenchmarkSettings) -> Result<Self, TchError> {
        let mut init = Initialiser::new(settings.seed);
        let (filters, dense, kernel) = (settings.filters, settings.dense, settings.kernel);
        let area = kernel * kernel;
        let path = store.root();
        let conv = init.glorot(&[filters, CHANNELS, kernel, kernel], CHANNELS * area, filters * area);
        let dense_kernel = init.glorot(&[dense, filters], filters, dense);
        let out = init.glorot(&[1, dense], dense, 1);
        Ok(Self {
            conv_weight: path.f_var_copy("conv.weight", &to_tensor(&conv)?)?,
            conv_bias: path.f_zeros("conv.bias", &[filters as i64])?,
            dense_weight: path.f_var_copy("dense.weight", &to_tensor(&dense_kernel)?)?,
            dense_bias: path.f_zeros("dense.bias", &[dense as i64])?,
            out_weight: path.f_var_copy("out.weight", &to_tensor(&out)?)?,
            out_bias: path.f_zeros("out.bias", &[1])?,
            scale: pixel_scale(settings.pool),
        })
    }

    /// Reads the tensors that [`Cnn::weights`] writes; `inputs` is the number of values per image.
    pub(super) fn from_weights(weights: &Weights, inputs: usize) -> Result<Self> {
        let [filters, _, kernel, _] = shape_of(weights, "conv.weight")?;
        let [dense, _] = shape_of(weights, "dense.weight")?;
        if side_of(inputs)? < kernel {
            return Err(Error::failed(format!("a kernel of {kernel} pixels is larger than the image")));
        }
        let read = |name, shape: &[usize]| to_tensor(take(weights, name, shape)?).map_err(torch_error);
        Ok(Self {
            conv_weight: read("conv.weight", &[filters, CHANNELS, kernel, kernel])?,
            conv_bias: read("conv.bias", &[filters])?,
            dense_weight: read("dense.weight", &[dense, filters])?,
            dense_bias: read("dense.bias", &[dense])?,
            out_weight: read("out.weight", &[1, dense])?,
            out_bias: read("out.bias", &[1])?,
            scale: take(weights, "input.scale", &[1])?[[0]],
        })
    }

    fn weights(&self) -> Result<Weights, TchError> {
        Ok(Weights::from([
            ("conv.weight".to_owned(), to_array(&self.conv_weight)?),
            ("conv.bias".to_owned(), to_array(&self.conv_bias)?),
            ("dense.weight".to_owned(), to_array(&self.dense_weight)?),
            ("dense.bias".to_owned(), to_array(&self.dense_bias)?),
            ("out.weight".to_owned(), to_array(&self.out_weight)?),
            ("out.bias".to_owned(), to_array(&self.out_bias)?),
        ]))
    }

    /// What a stored sum is multiplied with to become the mean pixel in 0..=1.
    pub(super) fn scale(&self) -> f32 {
        self.scale
    }
}

impl Network for Cnn {
    fn logits(&self, input: &Tensor, dropout: &mut Dropout) -> Result<Tensor, TchError> {
        let maps = input.f_conv2d(&self.conv_weight, Some(&self.conv_bias), 1, 0, 1, 1)?.f_relu_()?;
        let pooled = maps.f_mean_dim([2i64, 3].as_slice(), false, tch::Kind::Float)?;
        let hidden = pooled.f_linear(&self.dense_weight, Some(&self.dense_bias))?.f_relu()?;
        dropout.apply(hidden)?.f_linear(&self.out_weight, Some(&self.out_bias))?.f_squeeze_dim(1)
    }
}

fn pixel_scale(pool: usize) -> f32 {
    (1.0 / ((pool * pool) as f64 * 255.0)) as f32
}

/// The side of a square RGB image with this many values.
fn side_of(values: usize) -> Result<usize> {
    let side = (values / CHANNELS).isqrt();
    if side == 0 || side * side * CHANNELS != values {
        return Err(Error::failed(format!("rows of {values} values are not square RGB images")));
    }
    Ok(side)
}

/// Pooled pixels, converted batch by batch: all images as f32 would not fit in memory.
pub(super) struct Pixels<'a> {
    rows: ArrayView2<'a, u16>,
    side: usize,
    scale: f32,
}

impl<'a> Pixels<'a> {
    pub(super) fn new(rows: ArrayView2<'a, u16>, scale: f32) -> Result<Self> {
        Ok(Self { rows, side: side_of(rows.ncols())?, scale })
    }
}

impl Input for Pixels<'_> {
    fn len(&self) -> usize {
        self.rows.nrows()
    }

    /// Shape (batch, 3, side, side), channels last in memory, as the rows are.
    fn batch(&self, rows: &[usize]) -> Result<Tensor, TchError> {
        let mut values = Vec::with_capacity(rows.len() * self.rows.ncols());
        for &row in rows {
            values.extend(self.rows.row(row).iter().map(|&sum| f32::from(sum) * self.scale));
        }
        let side = self.side as i64;
        Tensor::f_from_slice(&values)?.f_view([rows.len() as i64, side, side, CHANNELS as i64])?.f_permute([0, 3, 1, 2])
    }
}

/// Trains the benchmark on pooled pixels and keeps its best epoch by validation accuracy.
///
/// # Errors
/// Settings out of range; rows that are not images of `input / pool` pixels a side; splits of one class; a loss that
/// is no longer a number; [`crate::error::ErrorKind::Stopped`].
pub fn train_benchmark(
    train: &PixelRows,
    val: &PixelRows,
    settings: &BenchmarkSettings,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    settings.check()?;
    check_pair(train, val)?;
    let side = settings.input / settings.pool;
    if train.width() != side * side * CHANNELS {
        return Err(Error::failed(format!(
            "the cached pixels have {} values per image, and an input of {} pixels pooled by {} needs {}",
            train.width(),
            settings.input,
            settings.pool,
            side * side * CHANNELS
        )));
    }
    let store = nn::VarStore::new(Device::Cpu);
    let network = Cnn::new(&store, settings).map_err(torch_error)?;
    let plan = Plan {
        epochs: settings.epochs,
        batch: settings.batch,
        optimizer: settings.optimizer,
        learning_rate: settings.learning_rate,
        weight_decay: settings.weight_decay,
        dropout: settings.dropout,
        patience: settings.patience,
        seed: settings.seed,
        scoring_batch: PIXEL_BATCH,
    };
    let course = fit(
        &store,
        &network,
        &Examples { input: &Pixels::new(train.x(), network.scale)?, positive: train.y() },
        &Examples { input: &Pixels::new(val.x(), network.scale)?, positive: val.y() },
        &plan,
        monitor,
    )?;
    let mut weights = network.weights().map_err(torch_error)?;
    let params = weights.values().map(|array| array.len()).sum();
    weights.insert("input.scale".into(), arr1(&[network.scale]).into_dyn());
    let scorer = Scorer::new(Kind::Benchmark, &weights, train.width())?;
    let val_scores = scorer.scores_u16(val.x())?;
    Ok(Trained {
        kind: Kind::Benchmark,
        settings: serde_json::to_value(settings).map_err(|error| Error::failed(error.to_string()))?,
        epochs_run: course.history.len(),
        best_epoch: course.best_epoch,
        history: course.history,
        threshold: best_threshold(&val_scores, val.y()),
        train_scores: scorer.scores_u16(train.x())?,
        val_scores,
        params,
        weights,
    })
}
