//! Weights of TensorFlow.js: `model.json` and the files that it names.
//!
//! Only `weightsManifest` is read from the JSON: groups of weights, each stored contiguously over the concatenation of
//! its files (tensorflowjs, `io/weights_loader.ts`). A weight may be quantised: `uint8` and `uint16` mean `value *
//! scale + min`, `float16` itself. The graph of the model is passed over.

use super::{Dtype, Index, MAX_DIMENSIONS, MAX_TENSORS, Reader, Siblings, TensorInfo, shown};
use bytes::Bytes;
use half::f16;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Size of the JSON with the graph; the largest published ones have some megabytes.
const MAX_JSON: usize = 64 << 20;
/// Number of files; the converter writes files of 4 MB.
const MAX_FILES: usize = 10_000;

/// `model.json`, the fields that are needed.
#[derive(Deserialize)]
struct Model {
    #[serde(rename = "weightsManifest")]
    manifest: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    paths: Vec<String>,
    weights: Vec<Weight>,
}

#[derive(Deserialize)]
struct Weight {
    name: String,
    shape: Vec<usize>,
    dtype: String,
    quantization: Option<Quantization>,
}

#[derive(Deserialize)]
struct Quantization {
    dtype: String,
    #[serde(default = "one")]
    scale: f64,
    #[serde(default)]
    min: f64,
}

fn one() -> f64 {
    1.0
}

/// The encoding of a value in the files.
#[derive(Clone, Copy)]
enum Stored {
    /// In its own type.
    Plain,
    /// A 32-bit integer.
    Int,
    /// A 16-bit float.
    Half,
    /// Integers of that many bytes, times scale plus min.
    Steps { width: usize, scale: f32, min: f32 },
}

struct Place {
    group: usize,
    start: usize,
    bytes: usize,
    stored: Stored,
}

struct TensorFlowJsModel {
    /// The files of each group, in order.
    groups: Vec<Vec<Bytes>>,
    places: BTreeMap<String, Place>,
}

/// Starts with a JSON object. (So does a safetensors file whose header has exactly 123 bytes.)
pub(super) fn recognise(file: &[u8]) -> bool {
    let start = file.get(..200).unwrap_or(file);
    start.trim_ascii_start().starts_with(b"{") && !start.iter().any(|byte| *byte < b' ' && !byte.is_ascii_whitespace())
}

/// Opens a model: its index and the reader.
pub(super) fn open(file: &Bytes, beside: &Siblings<'_>) -> Result<(Index, Box<dyn Reader>), String> {
    if file.len() > MAX_JSON {
        return Err("it is JSON, but larger than any model.json of TensorFlow.js".into());
    }
    let model: Model = serde_json::from_slice(file)
        .map_err(|error| format!("it is JSON, but not a model.json of TensorFlow.js ({error})"))?;
    let mut index = Index::new();
    let mut opened = TensorFlowJsModel { groups: Vec::new(), places: BTreeMap::new() };
    let mut known = BTreeSet::new();
    for (group, Group { paths, weights }) in model.manifest.into_iter().enumerate() {
        let mut files = Vec::new();
        for path in paths {
            if known.len() >= MAX_FILES {
                return Err(format!("it names more than {MAX_FILES} files, which no model has"));
            }
            files.push(part(&path, beside)?);
            if !known.insert(path.clone()) {
                return Err(format!("it names the file `{}` twice", shown(&path)));
            }
        }
        let length = files.iter().map(Bytes::len).sum();
        opened.groups.push(files);
        let mut start = 0_usize;
        for weight in weights {
            if index.len() >= MAX_TENSORS {
                return Err(format!("it has more than {MAX_TENSORS} tensors, which no network needs"));
            }
            let (info, stored) = described(&weight)?;
            let bytes = match stored {
                Stored::Plain => info.bytes(),
                Stored::Int => info.count().and_then(|count| count.checked_mul(4)),
                Stored::Half => info.count().and_then(|count| count.checked_mul(2)),
                Stored::Steps { width, .. } => info.count().and_then(|count| count.checked_mul(width)),
            };
            let end = bytes.and_then(|bytes| start.checked_add(bytes)).filter(|end| *end <= length);
            let end = end.ok_or_else(|| {
                format!(
                    "its tensor `{}` claims more numbers than its files hold; one may be cut off",
                    shown(&weight.name)
                )
            })?;
            opened.places.insert(weight.name.clone(), Place { group, start, bytes: end - start, stored });
            start = end;
            if index.insert(weight.name.clone(), info).is_some() {
                return Err(format!("it has two tensors called `{}`", shown(&weight.name)));
            }
        }
        if start != length {
            return Err(format!(
                "its files hold {length} bytes where its tensors are {start}; they are of another model"
            ));
        }
    }
    if index.is_empty() {
        return Err("it is a model.json of TensorFlow.js without weights".into());
    }
    Ok((index, Box::new(opened)))
}

/// A file that the model names. Only files in the same folder are opened: a path could point anywhere.
fn part(path: &str, beside: &Siblings<'_>) -> Result<Bytes, String> {
    let plain = !path.is_empty() && !path.contains(['/', '\\', '\0']) && path != "." && path != "..";
    if !plain {
        return Err(format!("it names the file `{}`, and only files beside it are read", shown(path)));
    }
    beside(path).map_err(|reason| format!("it {reason}"))
}

fn described(weight: &Weight) -> Result<(TensorInfo, Stored), String> {
    let unknown =
        |dtype: &str| format!("its tensor `{}` is of a kind unknown here: `{}`", shown(&weight.name), shown(dtype));
    if weight.shape.len() > MAX_DIMENSIONS {
        return Err(format!("its tensor `{}` has a shape that is none", shown(&weight.name)));
    }
    let mut dtype = match weight.dtype.as_str() {
        "float32" => Dtype::F32,
        "float16" => Dtype::F16,
        "int32" => Dtype::I64,
        "bool" => Dtype::Other(1),
        "complex64" => Dtype::Other(8),
        // Strings have any length; image networks have none.
        other => return Err(unknown(other)),
    };
    let mut stored = if dtype == Dtype::I64 { Stored::Int } else { Stored::Plain };
    if let Some(quantization) = &weight.quantization {
        let (scale, min) = (quantization.scale as f32, quantization.min as f32);
        stored = match quantization.dtype.as_str() {
            "uint8" => Stored::Steps { width: 1, scale, min },
            "uint16" => Stored::Steps { width: 2, scale, min },
            "float16" => Stored::Half,
            other => return Err(unknown(other)),
        };
        // Only floats are dequantised.
        if weight.dtype != "float32" {
            dtype = Dtype::Other(4);
        }
    }
    Ok((TensorInfo { shape: weight.shape.clone(), dtype }, stored))
}

impl TensorFlowJsModel {
    /// A range of a group's bytes.
    fn range(&self, group: usize, mut start: usize, mut count: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(count);
        for file in self.groups.get(group)? {
            let here = file.get(start..).unwrap_or_default();
            start = start.saturating_sub(file.len());
            let taken = here.get(..count).unwrap_or(here);
            bytes.extend_from_slice(taken);
            count -= taken.len();
        }
        (count == 0).then_some(bytes)
    }
}

impl Reader for TensorFlowJsModel {
    fn outside(&self) -> usize {
        self.groups.iter().flatten().map(Bytes::len).sum()
    }

    fn read(&self, name: &str, info: &TensorInfo) -> Result<Cow<'_, [u8]>, String> {
        let place = self.places.get(name).ok_or("is not there")?;
        let bytes = self.range(place.group, place.start, place.bytes).ok_or("reaches outside its files")?;
        if matches!(info.dtype, Dtype::Other(_)) {
            return Err("holds neither floats nor 64-bit integers".into());
        }
        let floats = |values: &mut dyn Iterator<Item = f32>| values.flat_map(f32::to_le_bytes).collect();
        Ok(Cow::Owned(match place.stored {
            Stored::Plain => bytes,
            Stored::Int => {
                let values = bytes.as_chunks::<4>().0.iter().map(|&value| i64::from(i32::from_le_bytes(value)));
                values.flat_map(i64::to_le_bytes).collect()
            }
            Stored::Half => {
                floats(&mut bytes.as_chunks::<2>().0.iter().map(|&value| f16::from_le_bytes(value).to_f32()))
            }
            Stored::Steps { width: 1, scale, min } => {
                floats(&mut bytes.iter().map(|&step| f32::from(step) * scale + min))
            }
            Stored::Steps { scale, min, .. } => {
                let steps = bytes.as_chunks::<2>().0.iter().map(|&step| u16::from_le_bytes(step));
                floats(&mut steps.map(|step| f32::from(step) * scale + min))
            }
        }))
    }
}
