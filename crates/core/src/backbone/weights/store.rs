//! The folder of stored weights: records, and reading weights back.

use crate::backbone::{self, Architecture, BackboneInfo, MTCNN, registry};
use crate::claim::Claim;
use crate::error::{AtPath, Error, Result};
use crate::workspace::write_whole;
use safetensors::tensor::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The record of stored weights; the content of `NAME.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsInfo {
    pub backbone: String,
    /// SHA-256 of the stored file, in hex.
    pub sha256: String,
    /// Size of the stored file.
    pub bytes: u64,
    /// Their source, with the hash of the downloaded or imported file.
    pub source: String,
    pub licence: String,
}

/// Whether a network's weights are stored, and their path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WeightsStatus {
    pub name: String,
    pub present: bool,
    pub path: PathBuf,
    /// In hex; none while not present.
    pub sha256: Option<String>,
    /// Size of the file; none while not present.
    pub bytes: Option<u64>,
    /// Their source; none while not present.
    pub source: Option<String>,
}

/// The folder of all weights: `$FACEPROBE_WEIGHTS`, or `faceprobe/weights` in the user's data folder
/// (`$XDG_DATA_HOME`, or `~/.local/share`).
pub fn weights_dir() -> Result<PathBuf> {
    folder_from(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
}

/// The path of a network's weights: in [`weights_dir`], unless only an installed program's `share/faceprobe/weights`
/// next to its `bin` has them.
pub(super) fn folder_of(info: &BackboneInfo) -> Result<PathBuf> {
    let own = weights_dir()?;
    let brought = || {
        let program = std::env::current_exe().ok()?.canonicalize().ok()?;
        let folder = program.parent()?.parent()?.join("share/faceprobe/weights");
        stored(&folder, info).map(|_| folder)
    };
    Ok(if stored(&own, info).is_some() { own } else { brought().unwrap_or(own) })
}

fn folder_from(variable: impl Fn(&str) -> Option<PathBuf>) -> Result<PathBuf> {
    if let Some(folder) = variable("FACEPROBE_WEIGHTS") {
        return Ok(folder);
    }
    // The XDG specification says to ignore relative paths.
    let data = variable("XDG_DATA_HOME").filter(|folder| folder.is_absolute());
    data.or_else(|| variable("HOME").map(|home| home.join(".local/share")))
        .map(|data| data.join("faceprobe/weights"))
        .ok_or_else(|| {
            Error::failed(
                "There is no folder for weights, because HOME is not set: set it, or set FACEPROBE_WEIGHTS to a folder.",
            )
        })
}

/// Whether the weights of a network are stored. Checks names and sizes; [`StoredWeights::read`] checks the hash.
pub fn status(name: &str) -> Result<WeightsStatus> {
    let info = find(name)?;
    let folder = folder_of(info)?;
    let path = weights_path(&folder, info);
    let record = stored(&folder, info);
    Ok(WeightsStatus {
        name: info.name.into(),
        present: record.is_some(),
        path,
        sha256: record.as_ref().map(|record| record.sha256.clone()),
        bytes: record.as_ref().map(|record| record.bytes),
        source: record.map(|record| record.source),
    })
}

/// Every network whose weights are stored: the backbones and the face detector.
pub fn all() -> Vec<&'static BackboneInfo> {
    registry().into_iter().chain([&MTCNN]).collect()
}

/// The network of that name, the face detector included.
pub(super) fn find(name: &str) -> Result<&'static BackboneInfo> {
    if name == MTCNN.name { Ok(&MTCNN) } else { backbone::find(name) }
}

/// The status of every network of [`all`].
pub fn list() -> Result<Vec<WeightsStatus>> {
    all().iter().map(|info| status(info.name)).collect()
}

/// Keeps other programs from the weights in this folder until it is dropped, so that a file and its record belong to one
/// import.
pub(in crate::backbone) fn claim(folder: &Path) -> Result<Claim> {
    Claim::wait(&folder.join(".import.claim"), || true)
}

/// Writes the record of stored weights. It is written last: without it they count as absent.
pub fn record(path: &Path, info: &WeightsInfo) -> Result<()> {
    let json = crate::text::json_value(info).at(path)?;
    write_whole(&path.with_extension("json"), json.as_bytes())
}

/// The bytes of a network's stored weights, a safetensors file with every parameter in its shape as f32, and their
/// SHA-256.
pub struct StoredWeights {
    bytes: Vec<u8>,
    pub sha256: String,
}

impl StoredWeights {
    /// Reads the file and checks its hash, and that every parameter exists with its shape.
    ///
    /// # Errors
    /// Weights that were not fetched, or whose checksum differs from the one recorded.
    pub fn read(info: &BackboneInfo) -> Result<Self> {
        let folder = folder_of(info)?;
        let path = weights_path(&folder, info);
        let again = remedy(info);
        let Some(record) = stored(&folder, info) else {
            return Err(absent(&folder, info));
        };
        let bytes = fs::read(&path).at(&path)?;
        let damaged = |what: &str| Error::file(&path, format!("the weights {what}; remove the file and {again}"));
        if hex::encode(Sha256::digest(&bytes)) != record.sha256 {
            return Err(damaged("are not those that were stored (their sha256 differs)"));
        }
        let tensors = SafeTensors::deserialize(&bytes).map_err(|_| damaged("are not a safetensors file"))?;
        for (name, shape) in info.parameters() {
            let view = tensors.tensor(&name).map_err(|_| damaged(&format!("lack `{name}`")))?;
            if view.shape() != shape || view.dtype() != Dtype::F32 {
                return Err(damaged(&format!("have another `{name}`")));
            }
        }
        Ok(Self { bytes, sha256: record.sha256 })
    }

    /// The tensors by name.
    ///
    /// # Errors
    /// None after a successful [`StoredWeights::read`].
    pub fn tensors(&self) -> Result<SafeTensors<'_>> {
        SafeTensors::deserialize(&self.bytes).map_err(|error| Error::failed(format!("Stored weights: {error}.")))
    }
}

/// SHA-256 of a network's stored weights, in hex, without reading them.
///
/// # Errors
/// Weights that were not fetched.
pub fn sha256_of(info: &BackboneInfo) -> Result<String> {
    let folder = folder_of(info)?;
    stored(&folder, info).map(|record| record.sha256).ok_or_else(|| absent(&folder, info))
}

fn absent(folder: &Path, info: &BackboneInfo) -> Error {
    let what = format!("the weights of {} are not there; {}", info.title, remedy(info));
    Error::file(&weights_path(folder, info), what)
}

/// How to get the weights of a network.
fn remedy(info: &BackboneInfo) -> String {
    let name = info.name;
    if info.is_module() {
        format!("import it again: faceprobe weights import {name} DESCRIPTION.toml")
    } else {
        format!("run: faceprobe weights fetch {name}")
    }
}

/// The stored TorchScript or ONNX file of a network and its SHA-256, which is verified.
pub fn checked(info: &BackboneInfo) -> Result<(PathBuf, String)> {
    let folder = folder_of(info)?;
    let path = weights_path(&folder, info);
    let record = stored(&folder, info).ok_or_else(|| absent(&folder, info))?;
    if hash(&File::open(&path).at(&path)?).at(&path)? != record.sha256 {
        let what = "the file is not the one that was stored (its sha256 differs); ";
        return Err(Error::file(&path, format!("{what}{}", remedy(info))));
    }
    Ok((path, record.sha256))
}

/// SHA-256, in hex, of the rest of a file.
pub fn hash(mut file: &File) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

pub(super) fn weights_path(folder: &Path, info: &BackboneInfo) -> PathBuf {
    let ending = match info.architecture {
        Architecture::Module(_) => "pt",
        Architecture::Onnx(_) => "onnx",
        Architecture::Plan(_) | Architecture::Parts(_) => "safetensors",
    };
    folder.join(format!("{}.{ending}", info.name))
}

/// The record of stored weights, if it exists with a file of the recorded size.
pub(super) fn stored(folder: &Path, info: &BackboneInfo) -> Option<WeightsInfo> {
    let path = weights_path(folder, info);
    let record: WeightsInfo = serde_json::from_slice(&fs::read(path.with_extension("json")).ok()?).ok()?;
    let size = fs::metadata(&path).ok()?.len();
    (record.bytes == size && record.backbone == info.name).then_some(record)
}

#[cfg(test)]
mod tests {
    use super::folder_from;
    use std::path::PathBuf;

    #[test]
    fn the_folder_follows_the_environment() {
        let with = |pairs: &[(&str, &str)]| {
            folder_from(|name| pairs.iter().find(|pair| pair.0 == name).map(|pair| PathBuf::from(pair.1)))
        };
        assert_eq!(with(&[("FACEPROBE_WEIGHTS", "/w"), ("HOME", "/h")]), Ok("/w".into()));
        assert_eq!(with(&[("XDG_DATA_HOME", "/d"), ("HOME", "/h")]), Ok("/d/faceprobe/weights".into()));
        assert_eq!(with(&[("XDG_DATA_HOME", "d"), ("HOME", "/h")]), Ok("/h/.local/share/faceprobe/weights".into()));
        assert!(with(&[]).is_err_and(|error| error.to_string().contains("FACEPROBE_WEIGHTS")));
    }
}
