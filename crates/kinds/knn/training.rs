//! k-nearest neighbours on frozen features: the training images with the largest cosine similarity vote; k is chosen on
//! validation.
//!
//! Cosines come from matrix products of blocks of rows. The few largest are recomputed in f64, so that an image has the
//! same neighbours in every batch; of equal ones the earlier counts.

use crate::features::{FeatureRows, StoreIdentity};
use crate::model::data::{Examples, check_pair, copy_rows, for_each_block};
use crate::model::kind::ModelKind;
use crate::model::network::{Weights, shape_of, take};
use crate::model::rows::{Prepared, TrainingRows};
use crate::model::scorer::Scorer;
use crate::model::trained::Trained;
use crate::model::{Checkpoints, Kind, KnnSettings, ModelSpec, Votes};
use faceprobe_core::error::{Error, Result};
use faceprobe_core::evaluation::{Calibration, accuracy, best_threshold, log_loss};
use faceprobe_core::monitor::{Monitor, Update};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, arr1};
use rayon::prelude::*;
use tch::{TchError, Tensor};

/// Rows whose cosines with all training rows are computed at once.
const AT_ONCE: usize = 256;

/// Extra candidates: f32 cosines do not determine the order close to the k-th neighbour.
const CLOSE: usize = 16;

/// Limit of a saved model; files above 4 GB are refused.
const MOST_VALUES: usize = 900_000_000;

/// The training rows, normalised for the search.
pub(in crate::model) struct Neighbours {
    /// Each of length 1, or 0 for a row of zeros.
    rows: Array2<f32>,
    positive: Vec<bool>,
    k: usize,
    votes: Votes,
}

/// A training row and its cosine similarity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::model) struct Neighbour {
    pub(in crate::model) row: usize,
    pub(in crate::model) cosine: f64,
}

impl Neighbours {
    /// Reads what [`Neighbours::weights`] writes.
    pub(in crate::model) fn from_weights(weights: &Weights, width: usize) -> Result<Self> {
        let [count, found] = shape_of(weights, "neighbours.rows")?;
        let rows = take(weights, "neighbours.rows", &[count, width])?;
        let rows =
            rows.clone().into_shape_with_order((count, found)).map_err(|error| Error::failed(error.to_string()))?;
        let positive = take(weights, "neighbours.class", &[count])?.iter().map(|&class| class > 0.5).collect();
        let number = |name| -> Result<f32> { Ok(take(weights, name, &[1])?.iter().copied().sum()) };
        let (k, weighted) = (number("neighbours.k")?, number("neighbours.weighted")?);
        if !(1.0..=count as f32).contains(&k) {
            return Err(Error::failed(format!("the tensor 'neighbours.k' asks for {k} of {count} rows")));
        }
        Ok(Self { rows, positive, k: k as usize, votes: if weighted > 0.5 { Votes::Similarity } else { Votes::Equal } })
    }

    fn weights(&self) -> Weights {
        let class = self.positive.iter().map(|&positive| f32::from(u8::from(positive))).collect::<Array1<f32>>();
        let weighted = f32::from(u8::from(self.votes == Votes::Similarity));
        Weights::from([
            ("neighbours.rows".to_owned(), self.rows.clone().into_dyn()),
            ("neighbours.class".to_owned(), class.into_dyn()),
            ("neighbours.k".to_owned(), arr1(&[self.k as f32]).into_dyn()),
            ("neighbours.weighted".to_owned(), arr1(&[weighted]).into_dyn()),
        ])
    }

    /// Values per row.
    pub(in crate::model) fn width(&self) -> usize {
        self.rows.ncols()
    }

    /// Whether each of the training rows is of class 1.
    pub(in crate::model) fn positive(&self) -> &[bool] {
        &self.positive
    }

    /// The training rows that vote on one row, the most similar first.
    ///
    /// # Errors
    /// As [`Neighbours::scores`].
    pub(in crate::model) fn voters(&self, row: &dyn FeatureRows) -> Result<Vec<Neighbour>> {
        let silent = faceprobe_core::monitor::Silent;
        Ok(self.nearest(row, self.k, &silent)?.pop().unwrap_or_default())
    }

    /// The share of class 1 among the votes, for each row.
    ///
    /// # Errors
    /// Rows that cannot be read or hold NaN; a stop.
    pub(in crate::model) fn scores(&self, rows: &dyn FeatureRows, monitor: &dyn Monitor) -> Result<Vec<f64>> {
        Ok(self.nearest(rows, self.k, monitor)?.iter().map(|nearest| self.share(nearest, self.k)).collect())
    }

    /// The share of class 1 in the votes of the first `k`.
    fn share(&self, nearest: &[Neighbour], k: usize) -> f64 {
        let nearest = &nearest[..k.min(nearest.len())];
        let votes = |of: &dyn Fn(&Neighbour) -> f64| {
            let all: f64 = nearest.iter().map(of).sum();
            let positive: f64 = nearest.iter().filter(|neighbour| self.positive[neighbour.row]).map(of).sum();
            (all > 0.0).then(|| positive / all)
        };
        let weighted = match self.votes {
            Votes::Equal => None,
            Votes::Similarity => votes(&|neighbour| neighbour.cosine.max(0.0)),
        };
        // Without any similarity, each vote counts one.
        weighted.or_else(|| votes(&|_| 1.0)).unwrap_or(0.5)
    }

    /// The `k` most similar training rows of each row, the most similar first.
    fn nearest(&self, rows: &dyn FeatureRows, k: usize, monitor: &dyn Monitor) -> Result<Vec<Vec<Neighbour>>> {
        let width = self.width();
        let all: Vec<usize> = (0..rows.len()).collect();
        let mut nearest = Vec::with_capacity(rows.len());
        for block in all.chunks(AT_ONCE) {
            if monitor.stopped() {
                return Err(Error::stopped());
            }
            let mut values = vec![0f32; block.len() * width];
            copy_rows(rows, block, &mut values)?;
            if let Some(row) = values.chunks_exact(width).position(|row| row.iter().any(|value| !value.is_finite())) {
                return Err(Error::failed(format!(
                    "the score of image {} is not a number: its features were changed while they were read; run this \
                     again: rows that do not fit their checksums are computed again",
                    block[row] + 1
                )));
            }
            values.par_chunks_exact_mut(width).for_each(shorten);
            let wanted = ArrayView2::from_shape((block.len(), width), &values);
            let wanted = wanted.map_err(|error| Error::failed(error.to_string()))?;
            let cosines = wanted.dot(&self.rows.t());
            let found: Vec<Vec<Neighbour>> = (0..block.len())
                .into_par_iter()
                .map(|row| self.largest(wanted.row(row), cosines.row(row), k))
                .collect();
            nearest.extend(found);
        }
        Ok(nearest)
    }

    /// The rows with the largest cosines, in order.
    fn largest(&self, wanted: ArrayView1<f32>, cosines: ArrayView1<f32>, k: usize) -> Vec<Neighbour> {
        let mut candidates: Vec<usize> = (0..cosines.len()).collect();
        let count = (k + CLOSE).min(candidates.len());
        if count < candidates.len() {
            candidates.select_nth_unstable_by(count - 1, |&a, &b| cosines[b].total_cmp(&cosines[a]).then(a.cmp(&b)));
            candidates.truncate(count);
        }
        let exact = |row: usize| {
            let products = wanted.iter().zip(self.rows.row(row)).map(|(&a, &b)| f64::from(a) * f64::from(b));
            Neighbour { row, cosine: products.sum() }
        };
        let mut nearest: Vec<Neighbour> = candidates.into_iter().map(exact).collect();
        nearest.sort_unstable_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.row.cmp(&b.row)));
        nearest.truncate(k);
        nearest
    }

    /// For explanations: mean similarity of feature rows (batch, width) to their neighbours of class 1 minus that of
    /// class 0. Differentiable.
    pub(in crate::model) fn leaning(&self, rows: &Tensor) -> Result<Tensor, TchError> {
        let shape = |error: &dyn std::fmt::Display| TchError::Shape(error.to_string());
        let values = crate::model::network::to_array(&rows.f_detach()?)?;
        let values = values.into_dimensionality::<ndarray::Ix2>().map_err(|error| shape(&error))?;
        let silent = faceprobe_core::monitor::Silent;
        let nearest = self.nearest(&values.view(), self.k, &silent).map_err(|error| shape(&error))?;
        let mut leanings = Vec::with_capacity(nearest.len());
        for (at, nearest) in nearest.iter().enumerate() {
            let mut towards = vec![0f32; self.width()];
            for neighbour in nearest {
                let sign = if self.positive[neighbour.row] { 1.0 } else { -1.0 } / nearest.len() as f32;
                towards.iter_mut().zip(self.rows.row(neighbour.row)).for_each(|(sum, &value)| *sum += sign * value);
            }
            let row = rows.f_select(0, at as i64)?;
            let cosine =
                row.f_dot(&Tensor::f_from_slice(&towards)?)?.f_div(&row.f_norm()?.f_clamp_min(f64::MIN_POSITIVE)?)?;
            leanings.push(cosine);
        }
        Tensor::f_stack(&leanings, 0)
    }
}

/// Normalises a row to length 1; a row of zeros is unchanged.
fn shorten(row: &mut [f32]) {
    let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
}

/// Implements k-nearest neighbours.
pub(in crate::model) struct Knn;

/// Its registry entry.
pub(in crate::model) const TRAINING: &dyn ModelKind = &Knn;

impl ModelKind for Knn {
    fn train<'a>(
        &self,
        spec: &ModelSpec,
        rows: &'a Prepared<'_>,
        _: &Checkpoints,
        monitor: &dyn Monitor,
    ) -> Result<(Trained, TrainingRows<'a>)> {
        let (train, val) = rows.features(monitor)?;
        let trained = train_knn(train.examples()?, val.examples()?, spec.settings()?, monitor)?;
        Ok((trained, TrainingRows::of(train, val)))
    }

    fn scorer(&self, weights: &Weights, input: &StoreIdentity) -> Result<Scorer> {
        Ok(Scorer::of_neighbours(Neighbours::from_weights(weights, input.width)?))
    }

    /// The share of a few votes is often exactly 0 or 1, which no calibration can turn into a probability.
    fn calibrate(&self, _: &[f64], _: &[bool]) -> Option<Calibration> {
        None
    }
}

/// Keeps the training rows, and chooses the number of neighbours with the highest validation accuracy at 0.5 (ties:
/// lower validation log loss, then the order of the settings).
///
/// # Errors
/// Settings out of range, or more neighbours than training rows; splits that do not fit together, have one class or
/// non-finite values; more rows than a model file can hold; [`faceprobe_core::error::ErrorKind::Stopped`].
pub fn train_knn<'a>(
    train: impl Into<Examples<'a>>,
    val: impl Into<Examples<'a>>,
    settings: &KnnSettings,
    monitor: &dyn Monitor,
) -> Result<Trained> {
    faceprobe_settings::check(settings)?;
    let (train, val) = (train.into(), val.into());
    check_pair(&train, &val)?;
    let (count, width) = (train.rows.len(), train.rows.width());
    let most = settings.k.iter().copied().max().unwrap_or(1);
    if most > count {
        return Err(Error::usage(format!("--k must be at most {count}, the number of training images, not {most}.")));
    }
    if count * width > MOST_VALUES {
        return Err(Error::failed(format!(
            "{count} training rows of {width} values are more than a model file can hold; take features of fewer values, \
             such as --pool grid4."
        )));
    }
    for_each_block(val.rows, "validation", monitor, |_, _| Ok(()))?;
    let mut rows = Vec::with_capacity(count * width);
    for_each_block(train.rows, "training", monitor, |_, values| {
        rows.extend_from_slice(values);
        Ok(())
    })?;
    rows.par_chunks_exact_mut(width).for_each(shorten);
    let rows = Array2::from_shape_vec((count, width), rows).map_err(|error| Error::failed(error.to_string()))?;
    let mut known = Neighbours { rows, positive: train.positive.to_vec(), k: most, votes: settings.votes };

    let nearest = known.nearest(val.rows, most, monitor)?;
    let mut best: Option<(f64, f64, usize)> = None;
    for (index, &k) in settings.k.iter().enumerate() {
        let scores: Vec<f64> = nearest.iter().map(|nearest| known.share(nearest, k)).collect();
        let (val_accuracy, val_loss) = (accuracy(&scores, val.positive, 0.5), log_loss(&scores, val.positive));
        let of = settings.k.len();
        monitor.update(Update::Trial { index, of, setting: format!("{k} neighbours"), val_accuracy, val_loss });
        let better = best
            .is_none_or(|(accuracy, loss, _)| val_accuracy > accuracy || val_accuracy == accuracy && val_loss < loss);
        if better {
            best = Some((val_accuracy, val_loss, k));
        }
    }
    let (.., k) = best.ok_or_else(|| Error::usage("--k needs a number of neighbours."))?;
    known.k = k;
    let val_scores: Vec<f64> = nearest.iter().map(|nearest| known.share(nearest, k)).collect();
    let mut chosen = serde_json::to_value(settings).map_err(|error| Error::failed(error.to_string()))?;
    chosen["neighbours"] = k.into();
    Ok(Trained {
        kind: Kind::KNN,
        settings: chosen,
        history: Vec::new(),
        best_epoch: 0,
        finished: true,
        stopped: false,
        epochs_run: 0,
        threshold: best_threshold(&val_scores, val.positive),
        train_scores: known.scores(train.rows, monitor)?,
        val_scores,
        // Nothing is fitted; the model consists of the training rows.
        params: 0,
        weights: known.weights(),
        last_weights: None,
    })
}
