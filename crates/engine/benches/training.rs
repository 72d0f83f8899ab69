//! Training against the tools a user would pick instead, in one run on the same numbers:
//!
//! ```text
//! cargo bench --bench training -- dense    [FEATURES [ROUNDS [bf16]]]  peer: a plain PyTorch loop over a tensor in memory
//! cargo bench --bench training -- logistic [FEATURES [ALPHA]]          peer: scikit-learn's LogisticRegression(lbfgs)
//! cargo bench --bench training -- sweep    [FEATURES [EPOCHS [bf16]]]  peer: the same 24 heads in a plain PyTorch loop
//! cargo bench --bench training -- twins    [FEATURES [EPOCHS [bf16]]]  the same 24 heads, not for time: PyTorch's begin
//!                                                                      with the same weights and drop the same units
//! cargo bench --bench training -- verify   [FEATURES [ROUNDS]]         what it costs to hold a store against its
//!                                                                      checksums, beside opening it and reading it
//! ```
//!
//! The peer is `benches/training_peer.py`, run by the Python named in `PEER_PYTHON` (default `python3`) with the same
//! number of threads (`BENCH_THREADS`, default 2). Own and peer work take turns; medians and their ratio are printed.

use faceprobe_core::dataset::ContentHash;
use faceprobe_core::features::FeatureSpec;
use faceprobe_core::monitor::{Monitor, Silent, Update};
use faceprobe_core::run::{Axis, SweepSettings, SweepSpec};
use faceprobe_engine::backbone::Arithmetic;
use faceprobe_engine::features::{Dtype, PartWriter, Rows, Store, StoreIdentity};
use faceprobe_engine::model::{
    DenseSettings, EpochDraws, LabelledRows, LogisticSettings, first_weights, train_dense, train_logistic,
};
use ndarray::{Array1, Array2, ArrayViewMut2};
use ndarray_npy::WriteNpyExt;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const SAMPLES: usize = 6000;
const VAL: usize = 2000;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let number = |at: usize, default: usize| words.get(at).map_or(Ok(default), |word| word.parse());
    let threads: usize = std::env::var("BENCH_THREADS").map_or(Ok(2), |text| text.parse())?;
    faceprobe_engine::backbone::tune_allocator();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    tch::set_num_threads(i32::try_from(threads)?);
    let features = number(1, 25_088)?;
    let arithmetic = if words.iter().any(|word| word == "bf16") { Arithmetic::Bf16 } else { Arithmetic::F32 };
    match words.first().map(String::as_str) {
        Some("dense") => dense(features, number(2, 3)?, arithmetic, threads),
        Some("logistic") => logistic(features, number(2, 100)? as f64, threads),
        Some("verify") => verify(features, number(2, 5)?),
        Some(what @ ("sweep" | "twins")) => {
            let heads = Heads::new(number(1, 1280)?, number(2, 10)?, arithmetic, what == "twins")?;
            heads.compare(threads)
        }
        _ => {
            println!("skipped: say dense, logistic, sweep, twins or verify; see the head of benches/training.rs");
            Ok(())
        }
    }
}

/// Correlated features with a falling spectrum and noise, as a network's are, and labels that follow them loosely.
fn split(samples: usize, features: usize, seed: u64) -> Outcome<LabelledRows> {
    const RANK: usize = 200;
    let mut directions = ChaCha8Rng::seed_from_u64(1);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Sums of three uniforms are normal enough.
    let normal = |rng: &mut ChaCha8Rng| (0..3).map(|_| rng.random_range(-1.0f32..1.0)).sum::<f32>();
    let loadings = Array2::from_shape_simple_fn((RANK, features), || normal(&mut directions));
    let rule = Array1::from_shape_simple_fn(RANK, || normal(&mut directions));
    let hidden = Array2::from_shape_fn((samples, RANK), |(_, k)| normal(&mut rng) / (1.0 + k as f32).sqrt());
    let logits = hidden.dot(&rule);
    let mut x = hidden.dot(&loadings);
    // The variance of the hidden part is the sum of 1 / (1 + k), that of the noise 1.7² / 3.
    let deviation = ((0..RANK).map(|k| 1.0 / (1.0 + k as f32)).sum::<f32>() + 1.7f32.powi(2) / 3.0).sqrt();
    x.mapv_inplace(|value| (value + rng.random_range(-1.7f32..1.7)) / deviation);
    let y = logits.iter().map(|logit| rng.random::<f32>() < 1.0 / (1.0 + (-logit).exp())).collect();
    Ok(LabelledRows::new(x, y)?)
}

fn write(folder: &Path, name: &str, array: &impl WriteNpyExt) -> Outcome<()> {
    Ok(array.write_npy(BufWriter::new(File::create(folder.join(format!("{name}.npy")))?))?)
}

fn save(folder: &Path, name: &str, rows: &LabelledRows) -> Outcome<()> {
    write(folder, name, &rows.x())?;
    let y: Array1<u8> = rows.y().iter().map(|&positive| u8::from(positive)).collect();
    write(folder, &format!("{name}-labels"), &y)
}

fn peer(folder: &Path, threads: usize, words: &[&str]) -> Outcome<serde_json::Value> {
    let python = std::env::var("PEER_PYTHON").unwrap_or_else(|_| "python3".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches/training_peer.py");
    let output = Command::new(&python).arg(script).arg(folder).arg(threads.to_string()).args(words).output()?;
    if !output.status.success() {
        return Err(format!("{python}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Collects the seconds of epochs, and says what is worth saying.
#[derive(Default)]
struct Watch(Mutex<Vec<f64>>);

impl Monitor for Watch {
    fn update(&self, update: Update) {
        match update {
            Update::Epoch(figures) => self.0.lock().unwrap_or_else(|e| e.into_inner()).push(figures.seconds),
            Update::Note { text } => println!("  note: {text}"),
            Update::Progress { done, unit, .. } if std::env::var_os("BENCH_PROGRESS").is_some() => {
                println!("  {done} {unit}");
            }
            _ => {}
        }
    }

    fn stopped(&self) -> bool {
        false
    }
}

fn dense(features: usize, rounds: usize, arithmetic: Arithmetic, threads: usize) -> Outcome<()> {
    let (train, val) = (split(SAMPLES, features, 2)?, split(VAL, features, 3)?);
    let folder = tempfile::tempdir()?;
    save(folder.path(), "train", &train)?;
    save(folder.path(), "val", &val)?;
    let epochs = 3;
    let (mut own, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let seed = round as u64 + 1;
        let settings = DenseSettings { epochs, standardise: false, products: arithmetic, seed, ..Default::default() };
        let answer = peer(folder.path(), threads, &["dense", &epochs.to_string(), &seed.to_string()])?;
        let seconds = answer["epoch_seconds"].as_array().ok_or("no seconds")?;
        theirs.extend(seconds.iter().filter_map(serde_json::Value::as_f64));
        let watch = Watch::default();
        let trained = train_dense(&train, &val, &settings, None, &watch)?;
        own.extend(watch.0.into_inner().unwrap_or_else(|e| e.into_inner()));
        println!(
            "round {}: validation loss after {epochs} epochs {:.4}, PyTorch's {:.4}",
            round + 1,
            trained.history[epochs - 1].validated.map_or(f64::NAN, |val| val.loss),
            answer["val_loss"].as_f64().unwrap_or(f64::NAN)
        );
    }
    let (own, theirs) = (median(&mut own), median(&mut theirs));
    println!(
        "{SAMPLES} x {features}, dense 1024, dropout 0.8, Adam, batch 128, validation of {VAL} included, {threads} threads: \
         {own:.2} s per epoch, PyTorch {theirs:.2} s, ratio {:.2}",
        theirs / own
    );
    println!("peak memory of this process (with the data and the allocator's rest): {}", peak());
    Ok(())
}

/// 24 settings, side by side as a sweep trains them, and one after the other in PyTorch with all threads.
struct Heads {
    train: LabelledRows,
    val: LabelledRows,
    settings: Vec<DenseSettings>,
    epochs: usize,
    twins: bool,
}

impl Heads {
    fn new(features: usize, epochs: usize, arithmetic: Arithmetic, twins: bool) -> Outcome<Self> {
        let base = DenseSettings { epochs, standardise: false, products: arithmetic, ..Default::default() };
        let axis = |setting: &str, values: &[&str]| Axis {
            setting: setting.to_owned(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
        };
        let axes = vec![
            axis("width", &["256", "512", "1024"]),
            axis("dropout", &["0.2", "0.4", "0.6", "0.8"]),
            axis("learning_rate", &["0.0001", "0.0003"]),
        ];
        let sweep = SweepSpec { features: FeatureSpec::default(), base, axes, own: SweepSettings::default() };
        let settings = sweep.settings()?;
        Ok(Self { train: split(SAMPLES, features, 2)?, val: split(VAL, features, 3)?, settings, epochs, twins })
    }

    /// What the peer needs for the same batches, and for the same heads.
    fn save(&self, folder: &Path) -> Outcome<()> {
        save(folder, "train", &self.train)?;
        save(folder, "val", &self.val)?;
        let orders = self.draws(&self.settings[0]).flat_map(|draws| draws.order).map(|row| row as u32).collect();
        write(folder, "orders", &Array2::from_shape_vec((self.epochs, SAMPLES), orders)?)?;
        if !self.twins {
            return Ok(());
        }
        for settings in &self.settings {
            let (width, dropout) = (settings.width, settings.dropout);
            let name = format!("kept-{width}-{dropout}");
            if folder.join(format!("{name}.npy")).exists() {
                // Heads that differ in their rates alone drop the same units.
                continue;
            }
            let weights = first_weights(settings, self.train.x().ncols())?;
            for name in ["hidden", "out"] {
                let weight = weights[&format!("{name}.weight")].clone();
                write(folder, &format!("{name}-{width}"), &weight.into_dimensionality::<ndarray::Ix2>()?)?;
            }
            let kept: Vec<bool> = self.draws(settings).flat_map(|draws| draws.kept.concat()).collect();
            let bits = kept.chunks(8).map(|bits| bits.iter().rev().fold(0u8, |byte, &bit| byte << 1 | u8::from(bit)));
            let bits = Array2::from_shape_vec((self.epochs * SAMPLES, width / 8), bits.collect())?;
            write(folder, &name, &bits)?;
        }
        Ok(())
    }

    fn draws<'a>(&self, settings: &'a DenseSettings) -> impl Iterator<Item = EpochDraws> + use<'a> {
        (1..=self.epochs).map(|epoch| EpochDraws::new(settings, epoch, SAMPLES))
    }

    fn compare(&self, threads: usize) -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        self.save(folder.path())?;
        let words: Vec<String> =
            self.settings.iter().map(|s| format!("{},{},{}", s.width, s.dropout, s.learning_rate)).collect();
        let what = if self.twins { "twins" } else { "sweep" };
        let answer = peer(folder.path(), threads, &[what, &self.epochs.to_string(), &words.join(";")])?;
        let theirs = answer["seconds"].as_f64().ok_or("no seconds")?;
        let begun = Instant::now();
        let accuracies = self.train(threads)?;
        let own = begun.elapsed().as_secs_f64();
        let (epochs, features) = (self.epochs, self.train.x().ncols());
        println!(
            "24 heads, {epochs} epochs, {SAMPLES} x {features}, validation of {VAL} after each, {threads} threads:"
        );
        let curves = |name: &str| -> Outcome<Vec<Vec<f64>>> { Ok(serde_json::from_value(answer[name].clone())?) };
        let pytorch = curves("val_accuracies")?;
        if self.twins {
            let turned = curves("turned")?;
            for (((words, own), pytorch), turned) in words.iter().zip(&accuracies).zip(&pytorch).zip(&turned) {
                let [own, pytorch, turned] = [own, pytorch, turned].map(|curve| best(curve));
                println!(
                    "  width, dropout, rate {words}: {own:.4}, {:+.4} to PyTorch's, which is {:+.4} to its own",
                    own - pytorch,
                    pytorch - turned
                );
            }
            tell_apart("PyTorch's to itself with its features in the opposite order", &pytorch, &turned);
        } else {
            println!("  {own:.1} s, PyTorch {theirs:.1} s, ratio {:.2}", theirs / own);
        }
        tell_apart("ours to PyTorch's", &accuracies, &pytorch);
        Ok(())
    }

    /// Validation accuracies by setting and epoch.
    fn train(&self, threads: usize) -> Outcome<Vec<Vec<f64>>> {
        let next = AtomicUsize::new(0);
        let accuracies = Mutex::new(vec![Vec::new(); self.settings.len()]);
        std::thread::scope(|scope| {
            let lanes: Vec<_> = (0..threads)
                .map(|_| {
                    scope.spawn(|| {
                        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|e| e.to_string())?;
                        pool.install(|| {
                            tch::set_num_threads(1);
                            loop {
                                let at = next.fetch_add(1, Ordering::Relaxed);
                                let Some(settings) = self.settings.get(at) else { return Ok::<(), String>(()) };
                                let trained = train_dense(&self.train, &self.val, settings, None, &Watch::default())
                                    .map_err(|error| error.to_string())?;
                                let history = trained.history.iter();
                                let curve = history.filter_map(|epoch| Some(epoch.validated?.accuracy)).collect();
                                accuracies.lock().unwrap_or_else(|e| e.into_inner())[at] = curve;
                            }
                        })
                    })
                })
                .collect();
            lanes.into_iter().try_for_each(|lane| lane.join().map_err(|_| "a lane panicked".to_owned())?)
        })?;
        Ok(accuracies.into_inner().unwrap_or_else(|e| e.into_inner()))
    }
}

/// The best validation accuracy of a training, which is what the program reports of it.
fn best(curve: &[f64]) -> f64 {
    curve.iter().copied().fold(f64::NAN, f64::max)
}

/// How far the validation accuracies of two sets of trainings lie apart: of the best epoch, and of the last.
fn tell_apart(whose: &str, ones: &[Vec<f64>], others: &[Vec<f64>]) {
    let apart = |of: fn(&[f64]) -> f64| {
        let apart: Vec<f64> = ones.iter().zip(others).map(|(one, other)| of(one) - of(other)).collect();
        let mean = apart.iter().sum::<f64>() / apart.len() as f64;
        let most = apart.iter().fold(0.0f64, |most, apart| most.max(apart.abs()));
        format!("{mean:+.4} on average, {most:.4} at most")
    };
    let last = |curve: &[f64]| curve.last().copied().unwrap_or(f64::NAN);
    println!("  {whose}: best epochs apart by {}; last epochs by {}", apart(best), apart(last));
}

fn logistic(features: usize, alpha: f64, threads: usize) -> Outcome<()> {
    let (train, val) = (split(SAMPLES, features, 2)?, split(VAL, features, 3)?);
    let folder = tempfile::tempdir()?;
    save(folder.path(), "train", &train)?;
    let answer = peer(folder.path(), threads, &["logistic", &alpha.to_string()])?;
    let settings = LogisticSettings { alphas: vec![alpha], ..Default::default() };
    let begun = Instant::now();
    let trained = train_logistic(&train, &val, &settings, &Watch::default())?;
    let own = begun.elapsed().as_secs_f64();
    let numbers = |name: &str| -> Vec<f64> {
        answer[name]
            .as_array()
            .map(|all| all.iter().filter_map(serde_json::Value::as_f64).collect())
            .unwrap_or_default()
    };
    let worst = |a: &[f64], b: Vec<f64>| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let weight: Vec<f64> = trained.weights["weight"].iter().map(|&value| value.into()).collect();
    println!(
        "{SAMPLES} x {features}, alpha {alpha}, {threads} threads, standardisation and scores (ours: of {VAL} others too) included: {own:.2} s; \
         scikit-learn {:.2} s with its default tolerance (ratio {:.2}), {:.2} s with 1e-6 (ratio {:.2})",
        answer["seconds"].as_f64().unwrap_or(f64::NAN),
        answer["seconds"].as_f64().unwrap_or(f64::NAN) / own,
        answer["tight_seconds"].as_f64().unwrap_or(f64::NAN),
        answer["tight_seconds"].as_f64().unwrap_or(f64::NAN) / own,
    );
    println!(
        "largest difference to scikit-learn's optimum in double precision: coefficients {:.1e}, probabilities {:.1e}",
        worst(&weight, numbers("coefficients")),
        worst(&trained.train_scores, numbers("probabilities"))
    );
    println!("peak memory of this process, with the data: {}", peak());
    Ok(())
}

/// A store of the training samples, in the page cache.
fn verify(features: usize, rounds: usize) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let identity = StoreIdentity {
        backbone: "bench".into(),
        weights: "none".into(),
        preprocessing: "none".into(),
        tap: "last".into(),
        pool: "flatten".into(),
        dtype: Dtype::F32,
        width: features,
    };
    let keys: Vec<ContentHash> = (0..SAMPLES).map(|sample| ContentHash::of(&sample.to_le_bytes())).collect();
    let mut store = Store::open(folder.path(), &identity)?;
    let mut writer = PartWriter::open(&mut store, 512, &Silent)?;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for keys in keys.chunks(64) {
        writer.push(keys, &Rows::F32(Array2::from_shape_simple_fn((keys.len(), features), || rng.random::<f32>())))?;
    }
    writer.flush()?;
    drop(writer);
    let mut block = vec![0f32; 64 * features];
    let mut seconds = [Vec::new(), Vec::new()];
    let mut verifying = Vec::new();
    for round in 0..2 * rounds {
        let begun = Instant::now();
        let mut store = Store::open(folder.path(), &identity)?;
        let checked = round % 2;
        if checked == 1 {
            let begun = Instant::now();
            store.verify(&keys, &Silent)?;
            verifying.push(begun.elapsed().as_secs_f64());
        }
        for keys in keys.chunks(64) {
            let out = &mut block[..keys.len() * features];
            store.gather_into(keys, &mut ArrayViewMut2::from_shape((keys.len(), features), out)?)?;
        }
        seconds[checked].push(begun.elapsed().as_secs_f64());
    }
    let [without, with] = seconds.each_mut().map(|seconds| median(seconds));
    println!(
        "{SAMPLES} x {features}, {:.0} MB, medians of {rounds}: opened and read by one thread in {without:.3} s, held against \
         checksums first in {with:.3} s, {:.3} s of them for the checksums",
        (SAMPLES * features * 4) as f64 / 1e6,
        median(&mut verifying)
    );
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned()
}
