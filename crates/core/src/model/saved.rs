//! The saved model: one safetensors file that says all there is to know about the model.
//!
//! `model.safetensors` holds the weights, standardisation included, as f32 tensors, and under the metadata key
//! `faceprobe` a JSON object with `info` (a [`ModelInfo`]) and `sha256` (of the tensors' bytes in order of name), so
//! that a damaged file is told from a good one.

use super::Kind;
use crate::error::{AtPath, Error, Result};
use crate::evaluation::Calibration;
use crate::features::StoreIdentity;
use crate::imaging::Alignment;
use crate::workspace::write_whole;
use ndarray::ArrayD;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

/// The numbers of a model by name, standardisation included: all that is saved.
pub type Weights = BTreeMap<String, ArrayD<f32>>;

/// The version of the file's layout that this program writes and reads.
pub const FORMAT: u32 = 1;

/// No model is larger than this many bytes; a file that is would only fill the memory.
const LARGEST: u64 = 4 << 30;

const METADATA_KEY: &str = "faceprobe";

/// Names, shapes and description of any model fit into this many bytes.
const LONGEST_HEADER: u64 = 16 << 20;

/// Where a model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// The run's id.
    pub run: String,
    /// The name of the prepared data set.
    pub dataset: String,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    pub seed: u64,
    /// The version of faceprobe that trained it.
    pub faceprobe: String,
    pub train_samples: usize,
    pub val_samples: usize,
    pub epochs_run: usize,
    /// The epoch whose weights these are, counted from 1; 0 where there are no epochs.
    pub best_epoch: usize,
    /// True when it was trained on the program's own drawings, not on photographs.
    pub synthetic: bool,
}

/// Everything about a model but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// [`FORMAT`].
    pub format: u32,
    pub kind: Kind,
    /// The rows it takes: backbone and its weights' hash, preprocessing, tap, pooling, width.
    pub input: StoreIdentity,
    /// What the pictures it was trained on were cropped to; none where they were taken whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
    /// Class names; scores are probabilities of the second.
    pub classes: [String; 2],
    /// Scores of at least this mean the second class; chosen on validation.
    pub threshold: f64,
    /// How scores become calibrated probabilities; fitted on validation. Files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The settings it was trained with.
    pub settings: serde_json::Value,
    pub provenance: Provenance,
}

/// A model as it is on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedModel {
    pub info: ModelInfo,
    pub weights: Weights,
}

#[derive(Serialize, Deserialize)]
struct Header {
    info: ModelInfo,
    sha256: String,
}

impl ModelInfo {
    /// Reads what a model file says about itself and leaves its weights, which can be large, where they are. Weights
    /// are not checked.
    pub fn read(path: &Path) -> Result<Self> {
        let damaged = || Error::file(path, "is not a whole model file; train the model again or fetch the file again");
        let mut file = std::fs::File::open(path).at(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| damaged())?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER {
            return Err(damaged());
        }
        let mut text = Vec::new();
        file.take(length).read_to_end(&mut text).at(path)?;
        let layout: serde_json::Value = serde_json::from_slice(&text).map_err(|_| damaged())?;
        let header = layout["__metadata__"][METADATA_KEY].as_str().ok_or_else(damaged)?;
        serde_json::from_str::<Header>(header).map(|header| header.info).map_err(|_| damaged())
    }
}

impl SavedModel {
    /// Writes the file whole or not at all. The same model gives the same bytes.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.check().at(path)?;
        let tensors: Vec<(&String, Vec<usize>, Vec<u8>)> = self
            .weights
            .iter()
            .map(|(name, array)| {
                (name, array.shape().to_vec(), array.iter().flat_map(|value| value.to_le_bytes()).collect())
            })
            .collect();
        let sha256 = digest(tensors.iter().map(|(name, _, bytes)| (name.as_str(), bytes.as_slice())));
        let header = serde_json::to_string(&Header { info: self.info.clone(), sha256 }).at(path)?;
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes).at(path)?)))
            .collect::<Result<Vec<_>>>()?;
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), header)]);
        write_whole(path, &safetensors::serialize(views, Some(metadata)).at(path)?)
    }

    /// Reads the file and checks it: layout, digest, every tensor's name, type, shape and values.
    pub fn load(path: &Path) -> Result<Self> {
        let found = std::fs::metadata(path).at(path)?;
        if !found.is_file() || found.len() > LARGEST {
            return Err(Error::file(path, "is not a model file; name the model.safetensors of a run"));
        }
        let bytes = std::fs::read(path).at(path)?;
        Self::from_bytes(&bytes).map_err(|error| Error::file(path, error))
    }

    /// The same from bytes in memory.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let damaged = |error: &dyn std::fmt::Display| {
            Error::failed(format!("is not a whole model file ({error}); train the model again or fetch the file again"))
        };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| damaged(&error))?;
        let Some(header) = metadata.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY)) else {
            return Err(Error::failed("is a safetensors file, but not a model saved by faceprobe"));
        };
        // The version comes first: a later layout may lack what the rest needs.
        let header: serde_json::Value = serde_json::from_str(header).map_err(|error| damaged(&error))?;
        if header["info"]["format"] != FORMAT {
            return Err(Error::failed(format!(
                "has format {}, and this version of faceprobe reads format {FORMAT}; use the version that saved it",
                header["info"]["format"]
            )));
        }
        let header: Header = serde_json::from_value(header).map_err(|error| damaged(&error))?;
        let file = SafeTensors::deserialize(bytes).map_err(|error| damaged(&error))?;
        let mut tensors = file.tensors();
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        if digest(tensors.iter().map(|(name, view)| (name.as_str(), view.data()))) != header.sha256 {
            return Err(damaged(&"its tensors do not match their checksum"));
        }
        let weights =
            tensors.iter().map(|(name, view)| Ok((name.clone(), array_of(name, view)?))).collect::<Result<_>>()?;
        let model = Self { info: header.info, weights };
        model.check()?;
        Ok(model)
    }

    fn check(&self) -> Result<()> {
        if !self.info.threshold.is_finite() {
            return Err(Error::failed("the threshold is not a finite number"));
        }
        if self.info.calibration.is_some_and(|calibration| !calibration.is_sound()) {
            return Err(Error::failed(
                "the calibration has a slope that is not above 0 or a number that is not finite",
            ));
        }
        match self.weights.iter().find(|(_, array)| array.iter().any(|value| !value.is_finite())) {
            Some((name, _)) => Err(Error::failed(format!("the tensor '{name}' holds a value that is not finite"))),
            None => Ok(()),
        }
    }
}

fn array_of(name: &str, view: &TensorView) -> Result<ArrayD<f32>> {
    if view.dtype() != Dtype::F32 {
        return Err(Error::failed(format!("the tensor '{name}' is of type {:?} instead of F32", view.dtype())));
    }
    let values = view.data().chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    ArrayD::from_shape_vec(view.shape(), values.collect())
        .map_err(|error| Error::failed(format!("the tensor '{name}' has an impossible shape ({error})")))
}

fn digest<'a>(tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in tensors {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(bytes);
    }
    hex::encode(hash.finalize())
}
