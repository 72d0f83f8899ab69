//! The benchmark model: a small CNN, trained from scratch on pixels. Average pooling, convolution with ReLU, global
//! average pooling, dense with ReLU, dropout, dense(1).
//!
//! The average pooling has no parameters, so it is applied once, when the pixels are cached: a row holds the sums of
//! `pool * pool` 8-bit pixels, height x width x RGB, and is converted to 0..=1 when a batch is made.

use crate::features::{PooledPixels, RowSource, StoreIdentity};
use crate::model::checkpoint::Checkpoints;
use crate::model::data::{PixelRows, check_splits};
use crate::model::gated_means::{Geometry, gated_means, relu_means};
use crate::model::kind::ModelKind;
use crate::model::network::{Input, Network, Weights, shape_of, take, to_array, to_tensor, torch_error};
use crate::model::random::{Dropout, Initialiser};
use crate::model::rows::{Prepared, TrainingRows, pixel_rows};
use crate::model::scorer::{PIXEL_BATCH, Scorer};
use crate::model::torch_learner::{Split, TorchLearner};
use crate::model::trained::Trained;
use crate::model::training::{Learner, Plan, fit};
use crate::model::{BenchmarkSettings, Kind};
use crate::model::{ModelInfo, ModelSpec};
use faceprobe_core::dataset::Split as DataSplit;
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::best_threshold;
use faceprobe_core::monitor::Monitor;
use ndarray::{ArrayView2, arr1};
use tch::{Device, TchError, Tensor, nn};

const CHANNELS: usize = 3;

/// Convolution without padding (Keras' default), global average pooling, two dense layers.
pub(in crate::model) struct Cnn {
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
    /// Fresh parameters in `store`, initialised as in Keras: Glorot-uniform kernels and zero biases.
    fn new(store: &nn::VarStore, settings: &BenchmarkSettings) -> Result<Self, TchError> {
        let mut init = Initialiser::new(settings.seed);
        let (filters, dense, kernel) = (settings.filters, settings.dense, settings.kernel);
        let area = kernel * kernel;
        let path = |part: &str| store.root() / part;
        let conv = init.glorot(&[filters, CHANNELS, kernel, kernel], CHANNELS * area, filters * area);
        let dense_kernel = init.glorot(&[dense, filters], filters, dense);
        let out = init.glorot(&[1, dense], dense, 1);
        Ok(Self {
            conv_weight: path("conv").f_var_copy("weight", &to_tensor(&conv)?)?,
            conv_bias: path("conv").f_zeros("bias", &[filters as i64])?,
            dense_weight: path("dense").f_var_copy("weight", &to_tensor(&dense_kernel)?)?,
            dense_bias: path("dense").f_zeros("bias", &[dense as i64])?,
            out_weight: path("out").f_var_copy("weight", &to_tensor(&out)?)?,
            out_bias: path("out").f_zeros("bias", &[1])?,
            scale: pixel_scale(settings.pool),
        })
    }

    /// Reads the tensors that [`Cnn::weights`] writes; `inputs` is the number of values per image.
    pub(in crate::model) fn from_weights(weights: &Weights, inputs: usize) -> Result<Self> {
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

    /// Global averages of the convolution after ReLU, shape (batch, filters); see [`crate::model::gated_means`].
    fn pooled(&self, input: &Tensor, training: bool) -> Result<Tensor, TchError> {
        let (filters, _, kernel, _) = self.conv_weight.size4()?;
        let (batch, side, _, _) = input.size4()?;
        let geometry = Geometry { side: side as usize, channels: CHANNELS, kernel: kernel as usize };
        let by_patch = self.conv_weight.f_permute([0, 2, 3, 1])?.f_reshape([filters, -1])?;
        let extended = Tensor::f_cat(&[by_patch, self.conv_bias.f_unsqueeze(1)?], 1)?;
        let values = to_array(&extended)?;
        let shape = (filters as usize, geometry.patch());
        let values = values.view().into_shape_with_order(shape).map_err(|error| TchError::Shape(error.to_string()))?;
        let mut images = vec![0f32; input.numel()];
        input.f_contiguous()?.f_copy_data(&mut images, input.numel())?;
        if !training {
            return Tensor::f_from_slice(&relu_means(&images, values, geometry))?.f_view([batch, filters]);
        }
        let gated = Tensor::f_from_slice(&gated_means(&images, values, geometry))?.f_view([batch, filters, -1])?;
        gated.f_mul(&extended)?.f_sum_dim_intlist([2i64].as_slice(), false, tch::Kind::Float)
    }

    /// The feature maps of the convolution after ReLU, shape (batch, filters, side, side), for input as [`Pixels`]
    /// makes it; [`Cnn::pooled`] computes their averages without storing them.
    pub(in crate::model) fn convolved(&self, input: &Tensor) -> Result<Tensor, TchError> {
        let images = input.f_permute([0, 3, 1, 2])?;
        images.f_conv2d(&self.conv_weight, Some(&self.conv_bias), [1; 2], [0; 2], [1; 2], 1)?.f_relu()
    }

    /// Logits of the averages of the convolution, shape (batch, filters).
    pub(in crate::model) fn logits_of(&self, pooled: &Tensor, dropout: &mut Dropout) -> Result<Tensor, TchError> {
        let hidden = pooled.f_linear(&self.dense_weight, Some(&self.dense_bias))?.f_relu()?;
        dropout.apply(hidden)?.f_linear(&self.out_weight, Some(&self.out_bias))?.f_squeeze_dim(1)
    }

    /// The factor from a stored sum to the mean pixel in 0..=1.
    pub(in crate::model) fn scale(&self) -> f32 {
        self.scale
    }
}

impl Network for Cnn {
    fn logits(&self, input: &Tensor, dropout: &mut Dropout) -> Result<Tensor, TchError> {
        self.logits_of(&self.pooled(input, dropout.training())?, dropout)
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
pub(in crate::model) struct Pixels<'a> {
    rows: ArrayView2<'a, u16>,
    side: usize,
    scale: f32,
}

impl<'a> Pixels<'a> {
    pub(in crate::model) fn new(rows: ArrayView2<'a, u16>, scale: f32) -> Result<Self> {
        Ok(Self { rows, side: side_of(rows.ncols())?, scale })
    }
}

impl Input for Pixels<'_> {
    fn len(&self) -> usize {
        self.rows.nrows()
    }

    /// Shape (batch, side, side, 3), as the rows are.
    fn batch(&self, rows: &[usize]) -> Result<Tensor> {
        let mut values = Vec::with_capacity(rows.len() * self.rows.ncols());
        for &row in rows {
            values.extend(self.rows.row(row).iter().map(|&sum| f32::from(sum) * self.scale));
        }
        let side = self.side as i64;
        Tensor::f_from_slice(&values)
            .and_then(|values| values.f_view([rows.len() as i64, side, side, CHANNELS as i64]))
            .map_err(torch_error)
    }
}

/// Implements the benchmark.
pub(in crate::model) struct Benchmark;

/// Its registry entry.
pub(in crate::model) const TRAINING: &dyn ModelKind = &Benchmark;

impl ModelKind for Benchmark {
    fn source(&self, spec: &ModelSpec, _: Device) -> Result<Box<dyn RowSource>> {
        let settings: &BenchmarkSettings = spec.settings()?;
        Ok(Box::new(PooledPixels::new(settings.input, settings.pool)?))
    }

    fn source_of_saved(&self, info: &ModelInfo, _: Device) -> Result<Box<dyn RowSource>> {
        let refused = |why| Error::failed(format!("The model's settings cannot be used ({why}); train it again."));
        let settings: BenchmarkSettings =
            serde_json::from_value(info.settings.clone()).map_err(|error| refused(error.to_string()))?;
        faceprobe_settings::check(&settings).map_err(|refusal| refused(refusal.for_key()))?;
        Ok(Box::new(PooledPixels::new(settings.input, settings.pool)?))
    }

    fn train<'a>(
        &self,
        spec: &ModelSpec,
        rows: &'a Prepared<'_>,
        checkpoints: &Checkpoints,
        monitor: &dyn Monitor,
    ) -> Result<(Trained, TrainingRows<'a>)> {
        let train = pixel_rows(rows.stores, rows.manifest, rows.learnt, monitor)?;
        let val = pixel_rows(rows.stores, rows.manifest, &[DataSplit::Val], monitor)?;
        let trained = train_benchmark(&train.rows, &val.rows, spec.settings()?, Some(checkpoints), monitor)?;
        let (train_positive, val_positive) = (train.rows.y().to_vec(), val.rows.y().to_vec());
        Ok((trained, TrainingRows { train_positive, val_samples: val.samples, val_positive }))
    }

    fn scorer(&self, weights: &Weights, input: &StoreIdentity) -> Result<Scorer> {
        Ok(Scorer::of_pixels(Cnn::from_weights(weights, input.width)?, input.width))
    }
}

/// Trains the benchmark on pooled pixels and keeps its best epoch by validation accuracy.
///
/// # Errors
/// Settings out of range; rows that are not images of `input / pool` pixels a side; splits of one class; a loss that
/// is no longer a number; [`faceprobe_core::error::ErrorKind::Stopped`].
pub fn train_benchmark(
    train: &PixelRows,
    val: &PixelRows,
    settings: &BenchmarkSettings,
    checkpoints: Option<&Checkpoints>,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    faceprobe_settings::check(settings)?;
    check_splits((train.width(), val.width()), train.y())?;
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
        learning_rate: settings.learning_rate,
        schedule: settings.rates(),
        dropout: settings.dropout,
        patience: settings.patience,
        seed: settings.seed,
    };
    let (train_input, val_input) = (Pixels::new(train.x(), network.scale)?, Pixels::new(val.x(), network.scale)?);
    let mut learner = TorchLearner::new(
        &network,
        store.trainable_variables(),
        (settings.optimizer, settings.weight_decay),
        Split { input: &train_input, positive: train.y() },
        Split { input: &val_input, positive: val.y() },
        PIXEL_BATCH,
    )?;
    let course = fit(&mut learner, &plan, checkpoints, monitor)?;
    let whole = || -> Result<Weights> {
        let mut weights = network.weights().map_err(torch_error)?;
        weights.insert("input.scale".into(), arr1(&[network.scale]).into_dyn());
        Ok(weights)
    };
    let last_weights = if course.stopped || course.best_epoch == course.history.len() { None } else { Some(whole()?) };
    learner.set_parameters(&course.best)?;
    let weights = whole()?;
    let params = course.best.iter().map(Vec::len).sum();
    let scorer = Scorer::of_pixels(Cnn::from_weights(&weights, train.width())?, train.width());
    let val_scores = scorer.scores_u16(val.x())?;
    Ok(Trained {
        kind: Kind::BENCHMARK,
        settings: serde_json::to_value(settings).map_err(|error| Error::failed(error.to_string()))?,
        epochs_run: course.history.len(),
        best_epoch: course.best_epoch,
        finished: course.finished,
        stopped: course.stopped,
        history: course.history,
        threshold: best_threshold(&val_scores, val.y()),
        train_scores: scorer.scores_u16(train.x())?,
        val_scores,
        params,
        weights,
        last_weights,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one-pass convolution against libtorch's, forward and backward.
    #[test]
    fn pooled_maps_and_gradients_are_those_of_libtorch() {
        let settings = BenchmarkSettings { input: 42, pool: 2, filters: 5, kernel: 4, ..Default::default() };
        let store = nn::VarStore::new(Device::Cpu);
        let network = Cnn::new(&store, &settings).unwrap();
        let images: Vec<f32> = (0..3 * 21 * 21 * CHANNELS).map(|i| ((i * 7919) % 1009) as f32 / 1009.0).collect();
        let input = Tensor::from_slice(&images).view([3, 21, 21, 3]);
        let maps = input.permute([0, 3, 1, 2]).conv2d(&network.conv_weight, Some(&network.conv_bias), 1, 0, 1, 1);
        let expected = maps.relu().mean_dim([2i64, 3].as_slice(), false, tch::Kind::Float);
        let upstream = Tensor::from_slice(&(0..15).map(|i| (i as f32).sin()).collect::<Vec<_>>()).view([3, 5]);
        let variables = [&network.conv_weight, &network.conv_bias];
        let gradients =
            |pooled: &Tensor| Tensor::run_backward(&[(pooled * &upstream).sum(None)], &variables, false, false);
        let reference = gradients(&expected);

        let pooled = network.pooled(&input, true).unwrap();
        let close =
            |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]) < 1e-5 * b.abs().max().double_value(&[]);
        assert!(close(&pooled, &expected));
        assert!(gradients(&pooled).iter().zip(&reference).all(|(ours, torch)| close(ours, torch)));
        assert!(close(&tch::no_grad(|| network.pooled(&input, false).unwrap()), &expected));
    }
}
