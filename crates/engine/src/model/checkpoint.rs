//! Checkpoints: the state of a training from which it resumes as if it had not been interrupted.
//!
//! A checkpoint is one safetensors file: the parameters, the optimizer state, the parameters of the best epoch, and the
//! figures of the epochs so far. All random numbers of an epoch are derived from the seed and the epoch's number, so
//! nothing else is needed to reproduce the same curve.
//!
//! Its metadata is JSON with a checksum ([`seal`]) and holds the checksum of the tensors, so that a training never
//! resumes from numbers that were changed: it begins again instead, and its next checkpoint replaces the damaged one.

use super::ModelSpec;
use super::training::Learner;
use crate::features::StoreIdentity;
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::monitor::EpochFigures;
use faceprobe_core::own_files;
use faceprobe_core::scratch;
use faceprobe_core::seal;
use faceprobe_core::workspace::persist;
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors, tensor::View};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The state of a training after its last epoch.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) history: Vec<EpochFigures>,
    /// Counted from 1; 0 before the first epoch.
    pub(super) best_epoch: usize,
    /// The last epoch with a validation accuracy higher than all before.
    pub(super) last_gain: usize,
    /// The parameters of the best epoch.
    pub(super) best: Vec<Vec<f32>>,
}

impl Progress {
    /// Adds the figures of the next epoch; true if it is the best so far.
    pub(super) fn takes(&mut self, new: EpochFigures) -> bool {
        let best = self.best_epoch.checked_sub(1).and_then(|at| self.history.get(at)).and_then(|best| best.validated);
        // Without a validation split the last epoch is the best.
        let (higher, better) = match best.zip(new.validated) {
            None => (true, true),
            Some((best, new)) => {
                let higher = new.accuracy > best.accuracy;
                (higher, higher || new.accuracy == best.accuracy && new.loss < best.loss)
            }
        };
        if higher {
            self.last_gain = new.epoch;
        }
        if better {
            self.best_epoch = new.epoch;
        }
        self.history.push(new);
        better
    }
}

/// Whether a checkpoint's key is that of this training. Keys of earlier versions are written differently.
fn same_training(stored: &str, key: &str) -> bool {
    let present = || {
        let parsed: (ModelSpec, StoreIdentity, String) = serde_json::from_str(stored).ok()?;
        serde_json::to_string(&parsed).ok()
    };
    stored == key || present().as_deref() == Some(key)
}

/// Where and when one training writes checkpoints.
pub struct Checkpoints {
    path: PathBuf,
    key: String,
    limit: Option<usize>,
    kept: Option<usize>,
    pace: Mutex<Pace>,
}

/// A checkpoint is due when the time since the last one is this many times the time it took to write, so that a large
/// head on a slow disk is not held up.
const SHARE: u32 = 20;

#[derive(Default)]
struct Pace {
    last: Option<Instant>,
    cost: Duration,
}

/// The metadata of the file.
#[derive(Serialize, Deserialize)]
struct Header {
    key: String,
    history: Vec<EpochFigures>,
    best_epoch: usize,
    last_gain: usize,
    /// [`TensorSum`] of the tensors. Files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tensors: Option<String>,
}

const METADATA_KEY: &str = "faceprobe-checkpoint-2";

/// The key of earlier versions, whose files have no checksums.
const FIRST_METADATA_KEY: &str = "faceprobe-checkpoint";

/// What a checkpoint gives to the training that asks for it.
#[derive(Debug)]
pub(super) enum Restored {
    /// There is none.
    Nothing,
    /// The state to resume from.
    Progress(Progress),
    /// There is one that cannot be used; the learner is unchanged. Why, as a sentence.
    Unusable(String),
}

impl Checkpoints {
    /// Checkpoints at `path`. `key` identifies model, data and settings; a file with another key is not resumed from.
    pub fn new(path: PathBuf, key: String) -> Self {
        Self { path, key, limit: None, kept: None, pace: Mutex::new(Pace::default()) }
    }

    /// Limits this session to that many epochs; the next one resumes from there.
    pub fn up_to(self, limit: Option<usize>) -> Self {
        Self { limit, ..self }
    }

    pub(super) fn limit(&self) -> Option<usize> {
        self.limit
    }

    /// The training ends with this epoch and keeps it, whatever the validation accuracy.
    pub fn keeping(self, epoch: Option<usize>) -> Self {
        Self { kept: epoch, ..self }
    }

    /// Whether epochs are evaluated on the validation split: not if the epoch to keep is fixed already.
    pub(super) fn validates(&self) -> bool {
        self.kept.is_none()
    }

    /// The total number of epochs of a training of `epochs`.
    pub(super) fn planned(&self, epochs: usize) -> usize {
        self.kept.map_or(epochs, |kept| kept.min(epochs))
    }

    /// Removes the checkpoint, once the training is done.
    pub fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::file(&self.path, error)),
            _ => Ok(()),
        }
    }

    /// Restores the learner from the checkpoint.
    ///
    /// # Errors
    /// A checkpoint that cannot be opened, such as a link; a learner that refuses its state.
    pub(super) fn restore(&self, learner: &mut dyn Learner) -> Result<Restored> {
        let file = match own_files::open(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Restored::Nothing),
            opened => opened.at(&self.path)?,
        };
        if !file.metadata().at(&self.path)?.is_file() {
            return Err(Error::file(&self.path, "is not a file; remove it to train from the beginning"));
        }
        // SAFETY: a checkpoint gets its name by a rename after its last byte was flushed, and is never written to
        // afterwards; a later checkpoint is another file.
        let map = match unsafe { Mmap::map(&file) } {
            Ok(map) => map,
            // A file without a byte cannot be mapped.
            Err(_) => return Ok(self.unusable("it is empty")),
        };
        let (header, read) = match read(&map) {
            Ok(read) => read,
            Err(what) => return Ok(self.unusable(&what)),
        };
        if !same_training(&header.key, &self.key) {
            let text = "The checkpoint is of other settings, data or weights, so the training begins again.".to_owned();
            return Ok(Restored::Unusable(text));
        }
        let lengths = |all: Vec<&[f32]>| -> Vec<usize> { all.iter().map(|values| values.len()).collect() };
        let (sizes, state_sizes) = (lengths(learner.parameters()), lengths(learner.optimizer_state()));
        let fits = |name: &str, like: &[usize]| {
            like.iter().enumerate().all(|(at, len)| {
                read.tensor(&format!("{name}.{at}")).is_ok_and(|tensor| tensor.data().len() == 4 * len)
            })
        };
        let epochs = header.history.len();
        let counted = header.history.iter().zip(1..).all(|(figures, epoch)| figures.epoch == epoch);
        if !counted || !(1..=epochs).contains(&header.best_epoch) || header.last_gain > epochs {
            return Ok(self.unusable("its epochs are not in order"));
        }
        if !(fits("best", &sizes) && fits("numbers", &sizes) && fits("memory", &state_sizes)) {
            return Ok(self.unusable("its tensors are not those of this model"));
        }
        let group = |name: &str, count: usize| -> Result<Vec<Vec<f32>>> {
            let tensor = |at| Ok(floats(read.tensor(&format!("{name}.{at}")).at(&self.path)?.data()));
            (0..count).map(tensor).collect()
        };
        // One group at a time: all at once would hold the head in memory three times.
        learner.set_parameters(&group("numbers", sizes.len())?)?;
        learner.set_optimizer_state(&group("memory", state_sizes.len())?)?;
        let best = group("best", sizes.len())?;
        let Header { history, best_epoch, last_gain, .. } = header;
        Ok(Restored::Progress(Progress { history, best_epoch, last_gain, best }))
    }

    fn unusable(&self, what: &str) -> Restored {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy();
        Restored::Unusable(format!(
            "{name} is damaged ({what}), so the training begins again; the next one replaces it."
        ))
    }

    /// Writes a checkpoint if one is due.
    pub(super) fn epoch_ended(&self, learner: &dyn Learner, progress: &Progress) -> Result<()> {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if pace.last.is_some_and(|last| last.elapsed() < pace.cost * SHARE) {
            return Ok(());
        }
        let begun = Instant::now();
        self.write(learner, progress)?;
        *pace = Pace { last: Some(Instant::now()), cost: begun.elapsed() };
        Ok(())
    }

    /// Writes a checkpoint.
    pub(super) fn write(&self, learner: &dyn Learner, progress: &Progress) -> Result<()> {
        let best = progress.best.iter().map(Vec::as_slice).collect();
        let tensors: Vec<(String, &[f32])> =
            [("numbers", learner.parameters()), ("memory", learner.optimizer_state()), ("best", best)]
                .into_iter()
                .flat_map(|(name, all)| {
                    all.into_iter().enumerate().map(move |(at, values)| (format!("{name}.{at}"), values))
                })
                .collect();
        let mut sum = TensorSum::default();
        for (name, values) in by_name(&tensors, |(name, _)| name) {
            sum.begin(name, values.len());
            let mut bytes = Vec::with_capacity(4 * CHUNK);
            for values in values.chunks(CHUNK) {
                bytes.clear();
                bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                sum.0.update(&bytes);
            }
        }
        let header = Header {
            key: self.key.clone(),
            history: progress.history.clone(),
            best_epoch: progress.best_epoch,
            last_gain: progress.last_gain,
            tensors: Some(sum.end()),
        };
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), seal::text(&header).at(&self.path)?)]);
        let views = tensors.into_iter().map(|(name, values)| (name, TensorView { shape: [values.len()], values }));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let file = scratch::file(folder, "")?;
        safetensors::serialize_to_file(views, Some(metadata), file.path()).at(&self.path)?;
        persist(file, &self.path)
    }
}

/// Numbers that are converted to bytes at once.
const CHUNK: usize = 16 << 10;

/// Header and tensors of a checkpoint that fits its checksums, or what is wrong with it.
fn read(bytes: &[u8]) -> std::result::Result<(Header, SafeTensors<'_>), String> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let text = |key| metadata.metadata().as_ref().and_then(|metadata| metadata.get(key));
    let read = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let Some(sealed) = text(METADATA_KEY) else {
        let first = text(FIRST_METADATA_KEY).ok_or("it says nothing of its training")?;
        return Ok((serde_json::from_str(first).map_err(|error| error.to_string())?, read));
    };
    let header: Header = seal::sealed(sealed.as_bytes())?;
    let tensors = read.tensors();
    let mut sum = TensorSum::default();
    for (name, tensor) in by_name(&tensors, |(name, _)| name) {
        sum.begin(name, tensor.data().len() / 4);
        sum.0.update(tensor.data());
    }
    if header.tensors != Some(sum.end()) {
        return Err("its numbers do not fit their checksum".to_owned());
    }
    Ok((header, read))
}

/// The items in the order of their names.
fn by_name<T>(items: &[T], name: impl Fn(&T) -> &String) -> Vec<&T> {
    let mut sorted: Vec<&T> = items.iter().collect();
    sorted.sort_by(|a, b| name(a).cmp(name(b)));
    sorted
}

/// The SHA-256 of tensors in the order of their names: of each the name, the length and the bytes.
#[derive(Default)]
struct TensorSum(Sha256);

impl TensorSum {
    fn begin(&mut self, name: &str, length: usize) {
        self.0.update(format!("{name} {length}\0"));
    }

    fn end(self) -> String {
        hex::encode(self.0.finalize())
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

/// Values being written, converted to bytes one tensor at a time.
struct TensorView<'a> {
    shape: [usize; 1],
    values: &'a [f32],
}

impl View for TensorView<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}
