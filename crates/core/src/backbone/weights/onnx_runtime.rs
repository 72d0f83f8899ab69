//! ONNX Runtime, which runs user-supplied ONNX files: one library from a pinned wheel, loaded on demand.

use super::fetch::Source;
use super::pip;
use super::store::weights_dir;
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Update};
use std::fs;
use std::path::PathBuf;

/// Its name for `weights fetch`.
pub const NAME: &str = "onnxruntime";
/// Overrides the library: the path of a `libonnxruntime.so` of version 1.17 or later.
pub const VARIABLE: &str = "FACEPROBE_ONNXRUNTIME";

const REQUIREMENT: &str = "onnxruntime==1.32.0";
const SHA256: &str = "5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d";
const MEMBER: &str = "onnxruntime/capi/libonnxruntime.so.1.32.0";
/// One of many wheels for Python versions and machines; the library in it does not use Python.
const PLATFORM: [&str; 4] = ["--python-version", "3.11", "--platform", "manylinux_2_28_x86_64"];

/// The path of the library.
///
/// # Errors
/// The library is missing; the sentence says how to get it.
pub fn library() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from) {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(Error::file(&path, format!("is not there; {VARIABLE} names it as the library of ONNX Runtime")))
        };
    }
    let path = place()?;
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::failed(format!(
        "ONNX Runtime, which runs ONNX files, is not here; run: faceprobe weights fetch {NAME} (or name a libonnxruntime.so of \
         version 1.17 or later in {VARIABLE})."
    )))
}

fn place() -> Result<PathBuf> {
    Ok(weights_dir()?.join(NAME).join(format!("lib{NAME}.so")))
}

/// Fetches the library, if it is missing.
///
/// # Errors
/// A machine for which there is no wheel; pip's error.
pub fn fetch(monitor: &dyn Monitor) -> Result<PathBuf> {
    let path = place()?;
    if path.is_file() {
        return Ok(path);
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Error::failed(format!(
            "The pinned wheel of ONNX Runtime is for Linux on x86-64; install ONNX Runtime yourself and name its library in \
             {VARIABLE}."
        )));
    }
    let source = Source::PipWheel { requirement: REQUIREMENT, sha256: SHA256, member: MEMBER };
    monitor.update(Update::Note { text: format!("fetching {}", source.title()) });
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    fs::create_dir_all(&folder).at(&folder)?;
    let files = pip::files_from_wheel(REQUIREMENT, SHA256, &[MEMBER], &folder, &PLATFORM, monitor)?;
    // Moved within one folder, so that the library is complete or absent.
    fs::rename(files.path(0), &path).at(&path)?;
    Ok(path)
}
