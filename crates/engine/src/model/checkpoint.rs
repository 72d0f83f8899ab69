//! Checkpoints: the state of a training from which it resumes as if it had not been interrupted.
//!
//! A checkpoint is one safetensors file: the parameters, the optimizer state, the parameters of the best epoch, and the
//! figures of the epochs so far. All random numbers of an epoch are derived from the seed and the epoch's number, so
//! nothing else is needed to reproduce the same curve.

use super::ModelSpec;
use super::training::Learner;
use crate::features::StoreIdentity;
use faceprobe_core::error::{AtPath, Error, Result};
use faceprobe_core::monitor::EpochFigures;
use faceprobe_core::own_files;
use faceprobe_core::scratch;
use faceprobe_core::workspace::persist;
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors, tensor::View};
use serde::{Deserialize, Serialize};
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
}

const METADATA_KEY: &str = "faceprobe-checkpoint";

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

    /// Restores the learner from the checkpoint. A file that is missing, damaged or of another training leaves the
    /// learner unchanged.
    pub(super) fn restore(&self, learner: &mut dyn Learner) -> Result<Option<Progress>> {
        let Ok(file) = own_files::open(&self.path) else {
            return Ok(None);
        };
        // SAFETY: a checkpoint gets its name by a rename after its last byte was flushed, and is never written to
        // afterwards; a later checkpoint is another file.
        let map = unsafe { Mmap::map(&file) }.at(&self.path)?;
        let Some((header, read)) = read(&map).filter(|(header, _)| same_training(&header.key, &self.key)) else {
            return Ok(None);
        };
        let group = |name: &str, like: &[usize]| -> Option<Vec<Vec<f32>>> {
            let found = like.iter().enumerate().map(|(at, &len)| {
                let bytes = read.tensor(&format!("{name}.{at}")).ok()?.data();
                let (values, _) = bytes.as_chunks::<4>();
                (values.len() == len).then(|| values.iter().map(|value| f32::from_le_bytes(*value)).collect())
            });
            found.collect()
        };
        let lengths = |all: Vec<&[f32]>| -> Vec<usize> { all.iter().map(|values| values.len()).collect() };
        let (sizes, state_sizes) = (lengths(learner.parameters()), lengths(learner.optimizer_state()));
        let Some(best) = group("best", &sizes) else {
            return Ok(None);
        };
        // One tensor at a time: all at once would hold the head in memory three times.
        let Some(parameters) = group("numbers", &sizes) else {
            return Ok(None);
        };
        learner.set_parameters(&parameters)?;
        drop(parameters);
        let Some(state) = group("memory", &state_sizes) else {
            return Err(Error::file(&self.path, "is damaged; remove it to train from the beginning"));
        };
        learner.set_optimizer_state(&state)?;
        let Header { history, best_epoch, last_gain, .. } = header;
        Ok(Some(Progress { history, best_epoch, last_gain, best }))
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
        let header = Header {
            key: self.key.clone(),
            history: progress.history.clone(),
            best_epoch: progress.best_epoch,
            last_gain: progress.last_gain,
        };
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), serde_json::to_string(&header).at(&self.path)?)]);
        let best = progress.best.iter().map(Vec::as_slice).collect();
        let tensors = [("numbers", learner.parameters()), ("memory", learner.optimizer_state()), ("best", best)]
            .into_iter()
            .flat_map(|(name, all)| all.into_iter().enumerate().map(move |(at, all)| (format!("{name}.{at}"), all)))
            .map(|(name, values)| (name, TensorView { shape: [values.len()], values }));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let file = scratch::file(folder, "")?;
        safetensors::serialize_to_file(tensors, Some(metadata), file.path()).at(&self.path)?;
        persist(file, &self.path)
    }
}

fn read(bytes: &[u8]) -> Option<(Header, SafeTensors<'_>)> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).ok()?;
    let header = serde_json::from_str(metadata.metadata().as_ref()?.get(METADATA_KEY)?).ok()?;
    Some((header, SafeTensors::deserialize(bytes).ok()?))
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
