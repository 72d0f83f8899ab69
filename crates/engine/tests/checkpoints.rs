//! Checkpoints that were damaged, exchanged or are links: a training resumed from them equals the uninterrupted one, or
//! begins again and equals it too.

use faceprobe_core::monitor::{EpochFigures, Monitor, Silent, Update};
use faceprobe_engine::model::{
    BenchmarkSettings, Checkpoints, DenseSettings, LabelledRows, PixelRows, Trained, train_benchmark, train_dense,
};
use ndarray::Array2;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

/// Keeps the notes of a training.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Monitor for Notes {
    fn update(&self, update: Update) {
        if let Update::Note { text } = update {
            self.0.lock().unwrap().push(text);
        }
    }

    fn stopped(&self) -> bool {
        false
    }
}

type Train = fn(Option<&Checkpoints>, &dyn Monitor) -> faceprobe_core::error::Result<Trained>;

const EPOCHS: usize = 6;

fn dense(checkpoints: Option<&Checkpoints>, monitor: &dyn Monitor) -> faceprobe_core::error::Result<Trained> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let x = Array2::from_shape_simple_fn((120, 8), || rng.random_range(-1.0f32..1.0));
    let y = x.outer_iter().map(|row| row[0] * row[1] > 0.0).collect();
    let rows = LabelledRows::new(x, y).unwrap();
    let settings = DenseSettings { width: 16, epochs: EPOCHS, batch: 32, learning_rate: 2e-2, ..Default::default() };
    train_dense(&rows, &rows, &settings, checkpoints, monitor)
}

fn benchmark(checkpoints: Option<&Checkpoints>, monitor: &dyn Monitor) -> faceprobe_core::error::Result<Trained> {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let y: Vec<bool> = (0..40).map(|_| rng.random()).collect();
    let x = Array2::from_shape_fn((40, 16 * 16 * 3), |(image, _)| rng.random_range(0..400) + u16::from(y[image]) * 200);
    let rows = PixelRows::new(x, y).unwrap();
    let settings =
        BenchmarkSettings { input: 32, pool: 2, filters: 4, dense: 4, epochs: EPOCHS, ..BenchmarkSettings::default() };
    train_benchmark(&rows, &rows, &settings, checkpoints, monitor)
}

/// What a training came to, without how long it took.
fn outcome(trained: &Trained) -> (Vec<EpochFigures>, usize, &faceprobe_engine::model::Weights, &[f64]) {
    let history = trained.history.iter().map(|figures| EpochFigures { seconds: 0.0, ..*figures }).collect();
    (history, trained.best_epoch, &trained.weights, &trained.val_scores)
}

/// A checkpoint of the first half of a training.
fn halfway(train: Train, path: &Path, key: &str) -> Vec<u8> {
    let half = Checkpoints::new(path.to_owned(), key.to_owned()).up_to(Some(EPOCHS / 2));
    train(Some(&half), &Silent).unwrap();
    fs::read(path).unwrap()
}

/// One thing about the file that is wrong.
fn changed(bytes: &[u8], draw: &mut ChaCha8Rng) -> Vec<u8> {
    let mut new = bytes.to_vec();
    let at = draw.random_range(0..bytes.len());
    let length = [1, 4, 64, 512][draw.random_range(0..4)].min(bytes.len() - at);
    match draw.random_range(0..6) {
        0 => new[at] ^= 1 << draw.random_range(0..8),
        1 => new.truncate(at),
        2 => new[at..at + length].fill(0),
        3 => draw.fill_bytes(&mut new[at..at + length]),
        4 => drop(new.drain(at..at + length)),
        // A digit of the figures, or a byte that looks like one.
        _ => {
            let digit = (at..bytes.len()).chain(0..at).find(|at| bytes[*at].is_ascii_digit()).unwrap();
            new[digit] = if bytes[digit] == b'7' { b'3' } else { b'7' };
        }
    }
    new
}

#[test]
fn whatever_is_changed_in_a_checkpoint_changes_no_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    for (train, rounds) in [(dense as Train, 250), (benchmark, 40)] {
        let whole = train(None, &Silent).unwrap();
        let good = halfway(train, &path, "this");
        let resumed = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let notes = Notes::default();
            let trained = train(Some(&Checkpoints::new(path.clone(), "this".into())), &notes).unwrap();
            (trained, notes.0.into_inner().unwrap())
        };
        let (again, notes) = resumed(&good);
        assert!(
            outcome(&again) == outcome(&whole) && notes[0].contains("after epoch 3 from a checkpoint"),
            "{notes:?}"
        );
        let mut draw = ChaCha8Rng::seed_from_u64(3);
        let mut damaged = 0;
        for round in 0..rounds {
            let bytes = changed(&good, &mut draw);
            let (again, notes) = resumed(&bytes);
            assert!(outcome(&again) == outcome(&whole), "round {round}: {notes:?}");
            if notes.iter().any(|note| note.contains("is damaged") && note.contains("begins again")) {
                damaged += 1;
            } else {
                let unchanged = bytes == good;
                assert!(notes[0].contains("from a checkpoint"), "round {round}, {unchanged}: {notes:?}");
            }
        }
        assert!(damaged * 10 > rounds * 9, "{damaged} of {rounds} were noticed");
    }
}

#[test]
fn a_checkpoint_of_something_else_is_said_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    halfway(dense, &path, "another");
    let notes = Notes::default();
    let half = Checkpoints::new(path.clone(), "this".into()).up_to(Some(4));
    dense(Some(&half), &notes).unwrap();
    assert!(notes.0.into_inner().unwrap()[0].contains("other settings"), "it is said");
    let notes = Notes::default();
    let trained = dense(Some(&Checkpoints::new(path.clone(), "this".into())), &notes).unwrap();
    assert!(notes.0.into_inner().unwrap()[0].contains("after epoch 4"), "the new one has replaced it");
    assert!(outcome(&trained) == outcome(&dense(None, &Silent).unwrap()));
}

#[test]
fn a_checkpoint_that_is_a_link_is_neither_read_nor_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("checkpoint.safetensors"), folder.path().join("precious"));
    let good = halfway(dense, &path, "this");
    fs::rename(&path, &target).unwrap();
    std::os::unix::fs::symlink(&target, &path).unwrap();
    let checkpoints = Checkpoints::new(path.clone(), "this".into());
    let error = dense(Some(&checkpoints), &Silent).unwrap_err().to_string();
    assert!(error.contains("checkpoint.safetensors") && error.contains("is a link"), "{error}");
    assert!(fs::read(&target).unwrap() == good && path.is_symlink());
    // A folder in its place is named too.
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = dense(Some(&checkpoints), &Silent).unwrap_err().to_string();
    assert!(error.contains("is not a file") && error.contains("remove it"), "{error}");
}
