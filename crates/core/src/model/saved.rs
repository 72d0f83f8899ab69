//! Saved models: one self-contained safetensors file.
//!
//! `model.safetensors` holds the weights, standardisation included, as f32 tensors, and under the metadata key
//! `faceprobe` a JSON object that begins with `sha256`, the checksum of all text after it: `tensors` (the SHA-256 of
//! the tensors, with their names and shapes) and `info` (a [`ModelInfo`]). So any change of the file is detected, and
//! its metadata can be verified without reading the weights.
//!
//! In files of format 1 the object has `info` and the SHA-256 of the tensors' names and bytes; they remain readable.

use super::Kind;
use crate::error::{AtPath, Error, Result};
use crate::evaluation::Calibration;
use crate::features::StoreIdentity;
use crate::imaging::Alignment;
use crate::own_files;
use crate::text::printable;
use crate::workspace::write_whole;
use ndarray::ArrayD;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

/// The weights of a model by name, standardisation included: everything that is saved.
pub type Weights = BTreeMap<String, ArrayD<f32>>;

/// The format version that this program writes; it reads earlier ones too.
pub const FORMAT: u32 = 2;

/// Maximum size of a model file in bytes.
const LARGEST: u64 = 4 << 30;

const METADATA_KEY: &str = "faceprobe";

/// Maximum size of names, shapes and metadata in bytes.
const LONGEST_HEADER: u64 = 16 << 20;

/// The origin of a model.
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
    /// Whether it was trained on the program's own drawings, not on photographs.
    pub synthetic: bool,
}

/// The metadata of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The format of the file it was read from; [`FORMAT`] in every file that is written.
    pub format: u32,
    pub kind: Kind,
    /// The identity of its input rows: backbone and its weights' hash, preprocessing, tap, pooling, width.
    pub input: StoreIdentity,
    /// The alignment of its training images; none for whole images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
    /// Class names; scores are probabilities of the second.
    pub classes: [String; 2],
    /// Scores of at least this mean the second class; chosen on validation.
    pub threshold: f64,
    /// The calibration fitted on validation. Files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// The settings of its training.
    pub settings: serde_json::Value,
    pub provenance: Provenance,
}

/// A saved model in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct SavedModel {
    pub info: ModelInfo,
    pub weights: Weights,
}

/// The first format, without a checksum of `info`.
#[derive(Deserialize)]
struct FirstHeader {
    info: ModelInfo,
    /// The checksum of the tensors' names and bytes.
    sha256: String,
}

/// The part of a header after its checksum.
#[derive(Serialize, Deserialize)]
struct Described<I> {
    /// [`digest`].
    tensors: String,
    info: I,
}

/// The JSON around a header's checksum, which covers all that follows.
const BEFORE: &str = "{\"sha256\":\"";
const AFTER: &str = "\",";

/// The checksum of the tensors that a file states.
enum Stated {
    /// Of names and bytes.
    First(String),
    /// Of names, shapes and bytes.
    Whole(String),
}

impl ModelInfo {
    /// Reads the metadata of a model file without its weights, which can be large: everything but the weights is
    /// checked.
    ///
    /// # Errors
    /// As [`SavedModel::load`], except for the weights.
    pub fn read(path: &Path) -> Result<Self> {
        let torn = || at(path, &damaged("its beginning is missing"));
        let mut file = own_files::open(path).at(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| torn())?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER {
            return Err(torn());
        }
        let mut text = Vec::new();
        file.take(length).read_to_end(&mut text).at(path)?;
        let layout: serde_json::Value = serde_json::from_slice(&text).map_err(|_| torn())?;
        let header = layout["__metadata__"][METADATA_KEY].as_str().ok_or_else(torn)?;
        read_header(header).map(|(info, _)| info).map_err(|error| at(path, &error))
    }

    /// Refuses metadata that no training can have written; files are untrusted.
    fn check(&self) -> Result<()> {
        let Self { input, alignment, classes, threshold, calibration, settings, provenance, .. } = self;
        let refused = |what: String| Err(Error::failed(what + ADVICE));
        // The next float above 1 is the threshold of a model that never predicts the second class.
        if !(0.0..=1f64.next_up()).contains(threshold) {
            return refused(format!("states the threshold {threshold:e}, which is not between 0 and 1"));
        }
        if classes.iter().any(|class| class.trim().is_empty()) || classes[0] == classes[1] {
            let [first, second] = classes.each_ref().map(|class| printable(class));
            return refused(format!("states the classes '{first}' and '{second}', which are not two different names"));
        }
        if calibration.is_some_and(|calibration| !calibration.is_sound()) {
            return refused("states a calibration with a slope or an offset that no fit gives".to_owned());
        }
        if input.width == 0
            || [&input.backbone, &input.preprocessing, &input.tap, &input.pool].iter().any(|s| s.is_empty())
        {
            return refused("does not say what features it takes".to_owned());
        }
        if let Some(Alignment { side, .. }) = alignment
            && !Alignment::SIDES.contains(side)
        {
            let (least, most) = (Alignment::SIDES.start(), Alignment::SIDES.end());
            return refused(format!("states crops of {side} pixels, which are not between {least} and {most}"));
        }
        if !settings.is_object() {
            return refused("does not say what settings it was trained with".to_owned());
        }
        let Provenance { epochs_run, best_epoch, .. } = provenance;
        if best_epoch > epochs_run {
            return refused(format!("states the weights of epoch {best_epoch} of {epochs_run}"));
        }
        Ok(())
    }
}

impl SavedModel {
    /// Writes the file atomically. The same model gives the same bytes.
    ///
    /// # Errors
    /// A model that [`SavedModel::load`] would refuse; a folder that cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        self.check().at(path)?;
        let tensors: Vec<(&String, Vec<usize>, Vec<u8>)> = self
            .weights
            .iter()
            .map(|(name, array)| {
                (name, array.shape().to_vec(), array.iter().flat_map(|value| value.to_le_bytes()).collect())
            })
            .collect();
        let views = tensors
            .iter()
            .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes).at(path)?)))
            .collect::<Result<Vec<_>>>()?;
        let digest = digest(views.iter().map(|(name, view)| (name.as_str(), view)), true);
        let info = ModelInfo { format: FORMAT, ..self.info.clone() };
        let described = serde_json::to_string(&Described { tensors: digest, info }).at(path)?;
        let rest = described.strip_prefix('{').unwrap_or(&described);
        let header = format!("{BEFORE}{}{AFTER}{rest}", hex::encode(Sha256::digest(rest)));
        let metadata = HashMap::from([(METADATA_KEY.to_owned(), header)]);
        write_whole(path, &safetensors::serialize(views, Some(metadata)).at(path)?)
    }

    /// Reads and checks the file: format, checksums, ranges, and every tensor's name, type, shape and values.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn load(path: &Path) -> Result<Self> {
        let mut file = own_files::open(path).at(path)?;
        let found = file.metadata().at(path)?;
        if !found.is_file() || found.len() > LARGEST {
            return Err(Error::file(path, "is not a model file; name the model.safetensors of a run"));
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).at(path)?;
        Self::from_bytes(&bytes).map_err(|error| at(path, &error))
    }

    /// The same for bytes in memory.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(damaged_by)?;
        let Some(header) = metadata.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY)) else {
            return Err(Error::failed("is a safetensors file, but not a model saved by faceprobe"));
        };
        let (info, stated) = read_header(header)?;
        let file = SafeTensors::deserialize(bytes).map_err(damaged_by)?;
        let mut tensors = file.tensors();
        tensors.sort_by(|a, b| a.0.cmp(&b.0));
        let digest = |shapes| digest(tensors.iter().map(|(name, view)| (name.as_str(), view)), shapes);
        let fits = match stated {
            Stated::First(stated) => digest(false) == stated,
            Stated::Whole(stated) => digest(true) == stated,
        };
        if !fits {
            return Err(damaged("its tensors do not fit their checksum"));
        }
        let weights =
            tensors.iter().map(|(name, view)| Ok((name.clone(), array_of(name, view)?))).collect::<Result<_>>()?;
        let model = Self { info, weights };
        model.check()?;
        Ok(model)
    }

    fn check(&self) -> Result<()> {
        self.info.check()?;
        match self.weights.iter().find(|(_, array)| array.iter().any(|value| !value.is_finite())) {
            Some((name, _)) => {
                Err(Error::failed(format!("the tensor '{name}' holds a value that is not finite{ADVICE}")))
            }
            None => Ok(()),
        }
    }
}

/// What is wrong with the file at `path`; for a run, the advice names the command that trains it again.
fn at(path: &Path, error: &Error) -> Error {
    let text = error.to_string();
    match (text.strip_suffix(ADVICE), crate::run::made_again(path)) {
        (Some(what), Some(again)) => Error::file(path, format!("{what}; {again}")),
        _ => Error::file(path, text),
    }
}

const ADVICE: &str = "; train the model again or fetch the file again";

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::failed(format!("is not a whole model file ({what}){ADVICE}"))
}

fn damaged_by(error: impl std::error::Error) -> Error {
    damaged(error)
}

/// The metadata of a header, verified against its checksum and checked for ranges, and the checksum of the tensors.
fn read_header(header: &str) -> Result<(ModelInfo, Stated)> {
    // The version comes first: a later format may lack what the rest needs.
    let any: serde_json::Value = serde_json::from_str(header).map_err(damaged_by)?;
    let format = &any["info"]["format"];
    if !format.as_u64().is_some_and(|format| (1..=u64::from(FORMAT)).contains(&format)) {
        return Err(Error::failed(format!(
            "has format {format}, and this version of faceprobe reads formats up to {FORMAT}; use the version that saved it"
        )));
    }
    let (info, stated) = match header.strip_prefix(BEFORE) {
        Some(rest) => {
            let rest = rest.split_at_checked(64).and_then(|(sum, rest)| Some((sum, rest.strip_prefix(AFTER)?)));
            if rest.is_none_or(|(sum, rest)| hex::encode(Sha256::digest(rest)) != sum) {
                return Err(damaged("what it says of itself does not fit its checksum"));
            }
            let Described { tensors, info } = serde_json::from_value(any).map_err(damaged_by)?;
            (info, Stated::Whole(tensors))
        }
        None => {
            let FirstHeader { info, sha256 } = serde_json::from_value(any).map_err(damaged_by)?;
            (info, Stated::First(sha256))
        }
    };
    ModelInfo::check(&info)?;
    Ok((info, stated))
}

fn array_of(name: &str, view: &TensorView) -> Result<ArrayD<f32>> {
    if view.dtype() != Dtype::F32 {
        return Err(Error::failed(format!("the tensor '{name}' is of type {:?} instead of F32", view.dtype())));
    }
    let values = view.data().chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
    ArrayD::from_shape_vec(view.shape(), values.collect())
        .map_err(|error| Error::failed(format!("the tensor '{name}' has an impossible shape ({error})")))
}

/// The SHA-256 of tensors: names and bytes, and for files from format 2 on their shapes.
fn digest<'a>(tensors: impl Iterator<Item = (&'a str, &'a TensorView<'a>)>, shapes: bool) -> String {
    let mut hash = Sha256::new();
    for (name, view) in tensors {
        hash.update(name.as_bytes());
        hash.update([0]);
        if shapes {
            hash.update(format!("{:?} {:?}", view.dtype(), view.shape()));
            hash.update([0]);
        }
        hash.update(view.data());
    }
    hex::encode(hash.finalize())
}
