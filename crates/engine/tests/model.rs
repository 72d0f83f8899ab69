//! Training, scoring and saving of models; numbers against NumPy and scikit-learn, see `fixtures/model_reference.py`.

use faceprobe_core::error::ErrorKind;
use faceprobe_core::monitor::{EpochFigures, Monitor, Silent, Update};
use faceprobe_engine::features::{Dtype, StoreIdentity};
use faceprobe_engine::model::{
    BenchmarkSettings, Checkpoints, DenseSettings, FORMAT, Kind, LabelledRows, LogisticSettings, ModelInfo, Optimizer,
    PixelRows, Provenance, SavedModel, Scorer, Trained, Weights, train_benchmark, train_dense, train_logistic,
};
use ndarray::{Array2, ArrayD};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Deserialize)]
struct Reference {
    dense: Forward<f32>,
    benchmark: Forward<u16>,
    logistic: Regression,
}

#[derive(Deserialize)]
struct Values<T> {
    shape: Vec<usize>,
    values: Vec<T>,
}

#[derive(Deserialize)]
struct Forward<T> {
    weights: BTreeMap<String, Values<f32>>,
    rows: Values<T>,
    scores: Vec<f64>,
}

#[derive(Deserialize)]
struct Regression {
    rows: Values<f32>,
    positive: Vec<bool>,
    fits: Vec<Fit>,
}

#[derive(Deserialize)]
struct Fit {
    flipped: bool,
    alpha: f64,
    weight: Vec<f64>,
    bias: f64,
    scores: Vec<f64>,
}

impl<T> Values<T> {
    fn rows(self) -> Array2<T> {
        Array2::from_shape_vec((self.shape[0], self.shape[1]), self.values).unwrap()
    }
}

impl<T> Forward<T> {
    fn split(self, kind: Kind) -> (SavedModel, Array2<T>, Vec<f64>) {
        let weights: Weights = self
            .weights
            .into_iter()
            .map(|(name, array)| (name, ArrayD::from_shape_vec(array.shape, array.values).unwrap()))
            .collect();
        let rows = self.rows.rows();
        (SavedModel { info: info(kind, rows.ncols()), weights }, rows, self.scores)
    }
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("fixtures/model_reference.json")).unwrap()
}

fn info(kind: Kind, width: usize) -> ModelInfo {
    ModelInfo {
        format: FORMAT,
        kind,
        input: StoreIdentity {
            backbone: "efficientnet-lite0".into(),
            weights: "none".into(),
            preprocessing: "test".into(),
            tap: "last".into(),
            pool: "avg".into(),
            dtype: if kind == Kind::BENCHMARK { Dtype::U16 } else { Dtype::F32 },
            width,
        },
        alignment: None,
        classes: ["female".into(), "male".into()],
        threshold: 0.5,
        calibration: None,
        settings: serde_json::json!({}),
        provenance: Provenance { run: "test".into(), ..Default::default() },
    }
}

fn assert_close(ours: &[f64], theirs: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), theirs.len());
    let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(worst <= tolerance, "largest difference {worst}");
}

/// Points whose label is the sign of `rule`.
fn points(count: usize, seed: u64, rule: impl Fn(&[f32]) -> f32) -> LabelledRows {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let x = Array2::from_shape_simple_fn((count, 8), || rng.random_range(-1.0f32..1.0));
    let y = x.outer_iter().map(|row| rule(row.as_slice().unwrap()) > 0.0).collect();
    LabelledRows::new(x, y).unwrap()
}

fn line(row: &[f32]) -> f32 {
    row[0] - 2.0 * row[1] + row[2]
}

fn xor(row: &[f32]) -> f32 {
    row[0] * row[1]
}

fn small() -> DenseSettings {
    DenseSettings { width: 32, dropout: 0.2, epochs: 12, batch: 32, learning_rate: 5e-3, ..Default::default() }
}

fn same_but_time(history: &[EpochFigures]) -> Vec<EpochFigures> {
    history.iter().map(|figures| EpochFigures { seconds: 0.0, ..*figures }).collect()
}

/// Images whose classes differ in a stripe pattern, not in brightness.
fn stripes(count: usize, seed: u64) -> PixelRows {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let y: Vec<bool> = (0..count).map(|_| rng.random()).collect();
    let x = Array2::from_shape_fn((count, 16 * 16 * 3), |(image, value)| {
        let (row, column) = (value / 48, value / 3 % 16);
        let bright = if y[image] { row % 2 } else { column % 2 } == 0;
        rng.random_range(0..400) + if bright { 500 } else { 100 }
    });
    PixelRows::new(x, y).unwrap()
}

fn small_benchmark() -> BenchmarkSettings {
    BenchmarkSettings {
        input: 32,
        pool: 2,
        filters: 8,
        dense: 16,
        dropout: 0.1,
        epochs: 10,
        learning_rate: 1e-2,
        ..Default::default()
    }
}

fn saved(trained: &Trained, width: usize) -> SavedModel {
    let info =
        ModelInfo { threshold: trained.threshold, settings: trained.settings.clone(), ..info(trained.kind, width) };
    SavedModel { info, weights: trained.weights.clone() }
}

fn scorer(model: &SavedModel) -> Scorer {
    Scorer::of(model).unwrap()
}

#[test]
fn forward_passes_equal_numpy() {
    let Reference { dense, benchmark, .. } = reference();
    let (model, rows, scores) = dense.split(Kind::DENSE);
    assert_close(&scorer(&model).scores_f32(rows.view()).unwrap(), &scores, 1e-6);
    let (model, rows, scores) = benchmark.split(Kind::BENCHMARK);
    assert_close(&scorer(&model).scores_u16(rows.view()).unwrap(), &scores, 1e-6);
}

#[test]
fn regression_equals_scikit_learn_under_imbalance_in_either_label_order() {
    let Regression { rows, positive, fits } = reference().logistic;
    let x = rows.rows();
    for fit in fits {
        let y = positive.iter().map(|positive| positive ^ fit.flipped).collect();
        let rows = LabelledRows::new(x.clone(), y).unwrap();
        let settings = LogisticSettings { alphas: vec![fit.alpha], ..Default::default() };
        let trained = train_logistic(&rows, &rows, &settings, &Silent).unwrap();
        assert_close(&trained.val_scores, &fit.scores, 1e-3);
        let weight: Vec<f64> = trained.weights["weight"].iter().map(|&value| value.into()).collect();
        assert_close(&weight, &fit.weight, 1e-3);
        assert_close(&[trained.weights["bias"][[0]].into()], &[fit.bias], 1e-3);
        assert_eq!(trained.params, 7);
        assert_eq!(trained.settings["alpha"], fit.alpha);
    }
}

#[test]
fn the_penalty_is_chosen_on_validation_and_each_is_reported() {
    #[derive(Default)]
    struct Trials(Mutex<Vec<(usize, f64, f64)>>);
    impl Monitor for Trials {
        fn update(&self, update: Update) {
            if let Update::Trial { index, of: 3, val_accuracy, val_loss, .. } = update {
                self.0.lock().unwrap().push((index, val_accuracy, val_loss));
            }
        }
        fn stopped(&self) -> bool {
            false
        }
    }
    let (train, val) = (points(300, 1, line), points(200, 2, line));
    let settings = LogisticSettings { alphas: vec![1e6, 1.0, 1e-2], ..Default::default() };
    let trials = Trials::default();
    let trained = train_logistic(&train, &val, &settings, &trials).unwrap();
    let trials = trials.0.into_inner().unwrap();
    assert_eq!(trials.iter().map(|trial| trial.0).collect::<Vec<_>>(), [0, 1, 2]);
    let best = trials.iter().max_by(|a, b| a.1.total_cmp(&b.1).then(b.2.total_cmp(&a.2))).unwrap();
    assert_eq!(trained.settings["alpha"], settings.alphas[best.0]);
    assert!(trained.accuracy(&trained.val_scores, val.y()) > 0.97);
}

#[test]
fn every_optimizer_learns_a_separable_problem() {
    let (train, val) = (points(400, 1, line), points(200, 2, line));
    for (optimizer, learning_rate) in
        [(Optimizer::Adam, 5e-3), (Optimizer::AdamW, 5e-3), (Optimizer::Sgd, 5e-2), (Optimizer::RmsProp, 5e-3)]
    {
        let trained =
            train_dense(&train, &val, &DenseSettings { optimizer, learning_rate, ..small() }, None, &Silent).unwrap();
        let accuracy = trained.accuracy(&trained.val_scores, val.y());
        assert!(accuracy > 0.96, "{optimizer:?} reached {accuracy}");
        assert!(trained.accuracy(&trained.train_scores, train.y()) > 0.96);
        assert_eq!(trained.params, 8 * 32 + 32 + 32 + 1);
    }
}

#[test]
fn the_dense_head_learns_xor_and_the_regression_cannot() {
    let (train, val) = (points(600, 1, xor), points(300, 2, xor));
    let dense = train_dense(&train, &val, &DenseSettings { epochs: 40, ..small() }, None, &Silent).unwrap();
    assert!(dense.accuracy(&dense.val_scores, val.y()) > 0.93);
    let logistic = train_logistic(&train, &val, &LogisticSettings::default(), &Silent).unwrap();
    assert!(logistic.accuracy(&logistic.val_scores, val.y()) < 0.65);
}

#[test]
fn the_benchmark_learns_a_pattern_and_scores_the_same_from_its_file() {
    let (train, val) = (stripes(200, 1), stripes(100, 2));
    let trained = train_benchmark(&train, &val, &small_benchmark(), None, &Silent).unwrap();
    assert!(trained.accuracy(&trained.val_scores, val.y()) > 0.95);
    assert_eq!(trained.params, 8 * 3 * 9 + 8 + 16 * 8 + 16 + 16 + 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    saved(&trained, train.width()).save(&path).unwrap();
    assert_eq!(scorer(&SavedModel::load(&path).unwrap()).scores_u16(val.x()).unwrap(), trained.val_scores);
}

#[test]
fn only_the_seed_decides() {
    let (train, val) = (points(200, 1, line), points(100, 2, line));
    let run = |seed| train_dense(&train, &val, &DenseSettings { seed, epochs: 5, ..small() }, None, &Silent).unwrap();
    let (first, again, other) = (run(1), run(1), run(2));
    assert_eq!(same_but_time(&first.history), same_but_time(&again.history));
    assert_eq!(first.weights, again.weights);
    assert_ne!(same_but_time(&first.history), same_but_time(&other.history));
}

#[test]
fn the_weights_are_those_of_the_best_epoch_and_patience_ends_the_training() {
    let (train, val) = (points(200, 1, xor), points(100, 2, xor));
    let settings = DenseSettings { epochs: 200, patience: Some(6), learning_rate: 2e-2, ..small() };
    let trained = train_dense(&train, &val, &settings, None, &Silent).unwrap();
    let validated = |figures: &EpochFigures| figures.validated.unwrap();
    let best = trained.history.iter().map(|figures| validated(figures).accuracy).fold(0.0, f64::max);
    let first_best = trained.history.iter().find(|figures| validated(figures).accuracy == best).unwrap();
    assert_eq!(trained.epochs_run, first_best.epoch + 6);
    let chosen = trained.history[trained.best_epoch - 1];
    assert_eq!(validated(&chosen).accuracy, best);
    // The scores of the returned weights give that epoch's figures.
    let at_half = faceprobe_core::evaluation::accuracy(&trained.val_scores, val.y(), 0.5);
    assert_eq!(at_half, validated(&chosen).accuracy);
    assert_close(
        &[faceprobe_core::evaluation::log_loss(&trained.val_scores, val.y())],
        &[validated(&chosen).loss],
        1e-5,
    );
}

#[test]
fn a_named_epoch_is_kept_whatever_validation_says() {
    let (train, val) = (points(200, 1, xor), points(100, 2, xor));
    let folder = tempfile::tempdir().unwrap();
    let checkpoints = |name: &str| Checkpoints::new(folder.path().join(name), String::new());
    let settings = DenseSettings { epochs: 30, learning_rate: 2e-2, ..small() };
    for epoch in [4, 9] {
        // The same training, halted there.
        let halted = train_dense(&train, &val, &settings, Some(&checkpoints("a").up_to(Some(epoch))), &Silent).unwrap();
        let kept = train_dense(&train, &val, &settings, Some(&checkpoints("b").keeping(Some(epoch))), &Silent).unwrap();
        assert_eq!((kept.best_epoch, kept.epochs_run, kept.finished), (epoch, epoch, true));
        assert_eq!(kept.weights, halted.last_weights.unwrap_or(halted.weights));
        assert!(kept.last_weights.is_none() && kept.history.iter().all(|figures| figures.validated.is_none()));
        checkpoints("b").remove().unwrap();
    }
}

#[test]
fn a_stop_ends_every_kind_of_training() {
    /// Says stop from the n-th question on.
    struct After(usize, AtomicUsize);
    impl Monitor for After {
        fn update(&self, _: Update) {}
        fn stopped(&self) -> bool {
            self.1.fetch_add(1, Ordering::Relaxed) >= self.0
        }
    }
    let after = |questions| After(questions, AtomicUsize::new(0));
    let rows = points(200, 1, line);
    let images = stripes(64, 1);
    for questions in [0, 3] {
        let error = train_dense(&rows, &rows, &small(), None, &after(questions)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stopped);
        let error = train_benchmark(&images, &images, &small_benchmark(), None, &after(questions)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stopped);
    }
    for questions in [0, 1] {
        let error = train_logistic(&rows, &rows, &LogisticSettings::default(), &after(questions)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stopped);
    }
}

#[test]
fn bad_input_is_refused_with_a_sentence() {
    let good = points(60, 1, line);
    let mut x = good.x().to_owned();
    x[[41, 3]] = f32::NAN;
    let broken = LabelledRows::new(x, good.y().to_vec()).unwrap();
    let one_class = LabelledRows::new(good.x().to_owned(), vec![true; 60]).unwrap();
    let narrow = LabelledRows::new(good.x().slice(ndarray::s![.., ..5]).to_owned(), good.y().to_vec()).unwrap();
    let both = |train: &LabelledRows, val: &LabelledRows| {
        let dense = train_dense(train, val, &small(), None, &Silent).unwrap_err().to_string();
        let logistic = train_logistic(train, val, &LogisticSettings::default(), &Silent).unwrap_err().to_string();
        assert_eq!(dense, logistic);
        dense
    };
    assert!(both(&broken, &good).contains("training sample 42"));
    assert!(both(&good, &broken).contains("validation sample 42"));
    assert!(both(&one_class, &good).contains("one class"));
    assert!(both(&narrow, &good).contains("5 values"));
    assert!(LabelledRows::new(Array2::<f32>::zeros((0, 4)), vec![]).is_err());
    assert!(LabelledRows::new(Array2::<f32>::zeros((2, 4)), vec![true]).is_err());

    let wild = DenseSettings { learning_rate: 1e30, standardise: false, optimizer: Optimizer::Sgd, ..small() };
    let error = train_dense(&good, &good, &wild, None, &Silent).unwrap_err().to_string();
    assert!(error.contains("loss is not a number") && error.contains("--learning-rate"), "{error}");
    for settings in [
        DenseSettings { width: 0, ..small() },
        DenseSettings { dropout: 1.0, ..small() },
        DenseSettings { learning_rate: f64::NAN, ..small() },
        DenseSettings { batch: 0, ..small() },
        DenseSettings { epochs: 0, ..small() },
    ] {
        assert_eq!(train_dense(&good, &good, &settings, None, &Silent).unwrap_err().kind(), ErrorKind::Usage);
    }
    let wrong_size = BenchmarkSettings { input: 64, ..small_benchmark() };
    let images = stripes(20, 1);
    assert!(train_benchmark(&images, &images, &wrong_size, None, &Silent).unwrap_err().to_string().contains("64"));
}

#[test]
fn a_saved_head_scores_as_it_did_in_training() {
    let (train, val) = (points(300, 1, line), points(150, 2, line));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs/a/model.safetensors");
    for trained in [
        train_dense(&train, &val, &DenseSettings { epochs: 3, ..small() }, None, &Silent).unwrap(),
        train_logistic(&train, &val, &LogisticSettings::default(), &Silent).unwrap(),
    ] {
        let model = saved(&trained, 8);
        model.save(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let loaded = SavedModel::load(&path).unwrap();
        assert_eq!(loaded, model);
        assert_eq!(scorer(&loaded).scores_f32(val.x()).unwrap(), trained.val_scores);
        loaded.save(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "the same model gives the same bytes");
        assert!(scorer(&loaded).scores_f32(Array2::zeros((1, 9)).view()).unwrap_err().to_string().contains("8 values"));
        assert!(scorer(&loaded).scores_u16(Array2::zeros((1, 8)).view()).is_err());
        let broken = Array2::from_elem((1, 8), f32::NAN);
        assert!(scorer(&loaded).scores_f32(broken.view()).unwrap_err().to_string().contains("not a number"));
    }
}

#[test]
fn a_damaged_model_file_is_refused_and_never_panics() {
    let (model, ..) = reference().dense.split(Kind::DENSE);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    model.save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    for len in 0..bytes.len() {
        let error = SavedModel::from_bytes(&bytes[..len]).unwrap_err().to_string();
        assert!(!error.contains('\n') && error.contains("not a whole model file"), "{len}: {error}");
    }
    for place in 0..bytes.len() {
        for flip in [0x01, 0x20, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[place] ^= flip;
            assert!(SavedModel::from_bytes(&damaged).is_err(), "byte {place} ^ {flip:#x}");
        }
    }
    std::fs::write(&path, b"not a model").unwrap();
    let error = SavedModel::load(&path).unwrap_err().to_string();
    assert!(error.starts_with(&path.display().to_string()), "{error}");

    let without = |name: &str| {
        let mut model = model.clone();
        model.weights.remove(name);
        Scorer::of(&model).err().unwrap().to_string()
    };
    assert!(without("out.bias").contains("'out.bias' is missing"));
    let mut wrong = model.clone();
    wrong.weights.get_mut("input.deviation").unwrap()[[2]] = 0.0;
    assert!(Scorer::of(&wrong).err().unwrap().to_string().contains("input.deviation"));
    let mut wrong = model.clone();
    wrong.info.input.width = 8;
    assert!(Scorer::of(&wrong).err().unwrap().to_string().contains("shape"));
}
