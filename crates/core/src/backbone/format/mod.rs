//! Readers of foreign weight files: list a file's tensors, and read them one at a time.
//!
//! [`Checkpoint::open`] recognises a format by its content and reads only its index; the values stay in the
//! memory-mapped file until [`Checkpoint::read`] asks for a tensor. So a file with a classifier of half a gigabyte
//! costs only the tensors that are read.
//!
//! Files are untrusted. Nothing in them is executed, and memory stays within a small multiple of the file's length,
//! whatever it claims. This module depends on neither networks nor libtorch, so `fuzz/` can build it alone.

mod keras_hdf5;
mod keras_zip;
mod onnx;
pub mod onnx_graph;
mod pickle;
mod pickle_machine;
mod safe_tensors;
mod tensor;
mod tensorflow_js;
mod torch;
mod torch_legacy;
mod torch_zip;

pub use tensor::{Dtype, RawTensor, TensorInfo, TensorValues};

use bytes::Bytes;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The format of a foreign weight file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// safetensors.
    SafeTensors,
    /// `torch.save` since version 1.6: a zip archive with a pickle in it.
    TorchZip,
    /// `torch.save` before version 1.6: consecutive pickles, then the values.
    TorchLegacy,
    /// HDF5 as Keras writes it: whole models and weights of Keras 1 and 2 (`.h5`), or of Keras 3 (`.weights.h5`).
    KerasHdf5,
    /// A `.keras` file: a zip archive that contains such a `.weights.h5`.
    KerasZip,
    /// ONNX, of which only the initializers are read.
    Onnx,
    /// `model.json` of TensorFlow.js and the files next to it.
    TensorFlowJs,
}

impl Format {
    /// The name of the format in sentences.
    pub fn title(self) -> &'static str {
        match self {
            Self::SafeTensors => "safetensors",
            Self::TorchZip => "torch zip",
            Self::TorchLegacy => "torch legacy pickle",
            Self::KerasHdf5 => "Keras HDF5",
            Self::KerasZip => "Keras zip",
            Self::Onnx => "ONNX",
            Self::TensorFlowJs => "TensorFlow.js",
        }
    }
}

/// Larger numbers of tensors are refused; the largest networks have some thousand.
const MAX_TENSORS: usize = 100_000;
/// Axes of a tensor.
const MAX_DIMENSIONS: usize = 8;
/// Limit on the ratio of a tensor's size (or of what must be unpacked for it) to the file's: formats compress, and a
/// tensor of one repeated value compresses well.
const MAX_EXPANSION: usize = 16;
/// Size that a tensor may have in a file of any size, in bytes.
const ALWAYS_ALLOWED: usize = 1 << 16;

/// Maximum length of a reason, in characters.
const MAX_REASON: usize = 400;

/// The interface of a format's reader.
trait Reader: Send + Sync {
    /// The values of a tensor of the index, row-major and little-endian, exactly as many as its shape says.
    fn read(&self, name: &str, info: &TensorInfo) -> Result<Cow<'_, [u8]>, String>;

    /// Size of other files that contain values, in bytes.
    fn outside(&self) -> usize {
        0
    }

    /// Names of functions and classes that the file requires apart from its tensors.
    fn foreign(&self) -> &[String] {
        &[]
    }
}

/// Finds a file by the name under which another refers to it.
pub type Siblings<'a> = dyn Fn(&str) -> Result<Bytes, String> + 'a;

type Index = BTreeMap<String, TensorInfo>;

/// An opened weights file.
///
/// Names: as the file has them for torch, safetensors and ONNX; `LAYER/PLACE` for Keras, where `PLACE` counts a layer's
/// weights from 0 in the order that Keras keeps them in (kernel, bias; gamma, beta, moving mean, moving variance).
pub struct Checkpoint {
    format: Format,
    tensors: Index,
    reader: Box<dyn Reader>,
    /// Largest tensor that will be read, in bytes.
    limit: usize,
}

impl Checkpoint {
    /// Recognises the format and reads the index of a self-contained file. The error is a reason without the file's
    /// name.
    pub fn open(file: &Bytes) -> Result<Self, String> {
        Self::open_beside(file, &|name| Err(format!("has its numbers in another file, `{}`", shown(name))))
    }

    /// The same for files that refer to others, as ONNX and TensorFlow.js do. `beside` finds such a file, or gives the
    /// reason why not, without a subject.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn open_beside(file: &Bytes, beside: &Siblings<'_>) -> Result<Self, String> {
        Self::open_as(recognise(file)?, file, beside)
    }

    /// Reads the index of tensors of a file in a known format. The error is a reason without the file's name.
    pub fn open_as(format: Format, file: &Bytes, beside: &Siblings<'_>) -> Result<Self, String> {
        let opened = match format {
            Format::SafeTensors => safe_tensors::open(file),
            Format::TorchZip => torch_zip::open(file),
            Format::TorchLegacy => torch_legacy::open(file),
            Format::KerasHdf5 => keras_hdf5::open(file),
            Format::KerasZip => keras_zip::open(file),
            Format::Onnx => onnx::open(file, beside),
            Format::TensorFlowJs => tensorflow_js::open(file, beside),
        };
        let (tensors, reader) = opened.map_err(|reason| one_line(&reason))?;
        if tensors.len() > MAX_TENSORS {
            return Err(format!("it has more than {MAX_TENSORS} tensors, which no network needs"));
        }
        let limit = limit_of(file.len().saturating_add(reader.outside()));
        Ok(Self { format, tensors, reader, limit })
    }

    pub fn format(&self) -> Format {
        self.format
    }

    /// Every tensor of the file, whether or not its type can be read.
    pub fn tensors(&self) -> &BTreeMap<String, TensorInfo> {
        &self.tensors
    }

    /// Functions and classes that a pickle requires apart from its tensors. None is called; their results are passed
    /// over.
    pub fn foreign(&self) -> &[String] {
        self.reader.foreign()
    }

    /// The values of one tensor. Floats of any width are converted to f32.
    ///
    /// # Errors
    /// An unknown name, values of another type, damage; the reason names the tensor.
    pub fn read(&self, name: &str) -> Result<RawTensor, String> {
        let reason = |reason: &str| format!("its tensor `{}` {reason}", shown(name));
        let info = self.tensors.get(name).ok_or_else(|| reason("is not there"))?;
        let bytes = info.bytes().filter(|&bytes| bytes <= self.limit);
        let bytes = bytes.ok_or_else(|| reason("claims more numbers than the file can hold"))?;
        let values = self.reader.read(name, info).map_err(|error| reason(&one_line(&error)))?;
        if values.len() != bytes {
            return Err(reason("has another number of values than its shape"));
        }
        let numbers = TensorValues::parse(info.dtype, &values)
            .ok_or_else(|| reason("holds neither floats nor 64-bit integers"))?;
        Ok(RawTensor { shape: info.shape.clone(), numbers })
    }
}

/// Bytes that may be allocated for one tensor of this file.
fn limit(file: &[u8]) -> usize {
    limit_of(file.len())
}

fn limit_of(bytes: usize) -> usize {
    bytes.saturating_mul(MAX_EXPANSION).max(ALWAYS_ALLOWED)
}

/// The format, by content.
fn recognise(file: &Bytes) -> Result<Format, String> {
    let text = file.get(..200).unwrap_or(&file[..]).trim_ascii_start();
    let starts = |with: &[u8]| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    if file.is_empty() {
        return Err("it is empty".into());
    }
    if starts(b"<!doctype") || starts(b"<html") || starts(b"<?xml") {
        return Err("it is a web page, not weights: the download went wrong; fetch the file again".into());
    }
    if starts(b"version https://git-lfs") {
        return Err(
            "it is a pointer of Git LFS, not the weights themselves; run 'git lfs pull' where it is from".into()
        );
    }
    if file.starts_with(b"PK\x03\x04") {
        return Ok(if keras_zip::recognise(file) { Format::KerasZip } else { Format::TorchZip });
    }
    if keras_hdf5::recognise(file) {
        return Ok(Format::KerasHdf5);
    }
    if matches!(file[..], [0x80, 2..=5, ..]) {
        return Ok(Format::TorchLegacy);
    }
    if tensorflow_js::recognise(file) {
        return Ok(Format::TensorFlowJs);
    }
    if file.get(8) == Some(&b'{') {
        return Ok(Format::SafeTensors);
    }
    if onnx::recognise(file) {
        return Ok(Format::Onnx);
    }
    Err("it is none of the formats known here: safetensors, torch (.pth, .pt), Keras (.h5, .keras), \
         ONNX, TensorFlow.js (model.json)"
        .into())
}

/// A reason that fits into a sentence. Error messages of libraries may quote names from the file, line breaks included.
fn one_line(reason: &str) -> String {
    let whole: String = reason.chars().filter(|c| !c.is_control()).take(MAX_REASON).collect();
    if reason.len() > whole.len() { format!("{whole}...") } else { whole }
}

/// A foreign name that is safe to show in an error: of bounded length, without control characters.
pub fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}
