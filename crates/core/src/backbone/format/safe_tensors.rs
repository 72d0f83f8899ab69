//! Weights in safetensors: a length, a JSON header, the values.
//!
//! The `safetensors` crate checks that the header fits, and that tensors neither overlap nor leave gaps.

use super::{Dtype, Index, Reader, TensorInfo, shown};
use bytes::Bytes;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype as Stored;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

struct SafeTensorsFile {
    file: Bytes,
    places: HashMap<String, Range<usize>>,
}

pub(super) fn open(file: &Bytes) -> Result<(Index, Box<dyn Reader>), String> {
    let broken = |error| {
        let key = no_text(file).map(|key| {
            format!(
                "its `__metadata__` holds something that is no text, under `{}`, and safetensors has texts only there: save \
                 it again with str(...) around it",
                shown(&key)
            )
        });
        key.unwrap_or_else(|| format!("its safetensors header is damaged ({error})"))
    };
    let (header, metadata) = SafeTensors::read_metadata(file).map_err(broken)?;
    // The header is preceded by its length in 8 bytes.
    let data = header + 8;
    let mut index = Index::new();
    let mut places = HashMap::new();
    for (name, tensor) in metadata.tensors() {
        let dtype = match tensor.dtype {
            Stored::F16 => Dtype::F16,
            Stored::BF16 => Dtype::Bf16,
            Stored::F32 => Dtype::F32,
            Stored::F64 => Dtype::F64,
            Stored::I64 => Dtype::I64,
            other => Dtype::Other((other.bitsize() / 8) as u8),
        };
        let (start, end) = tensor.data_offsets;
        places.insert(name.clone(), data + start..data + end);
        index.insert(name, TensorInfo { shape: tensor.shape.clone(), dtype });
    }
    Ok((index, Box::new(SafeTensorsFile { file: file.clone(), places })))
}

/// The first key of the metadata whose value is not a string.
fn no_text(file: &[u8]) -> Option<String> {
    let (length, rest) = file.split_first_chunk::<8>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let header: serde_json::Value = serde_json::from_slice(header).ok()?;
    match header.get("__metadata__")? {
        serde_json::Value::Object(map) => map.iter().find(|(_, value)| !value.is_string()).map(|(key, _)| key.clone()),
        _ => Some("__metadata__".into()),
    }
}

impl Reader for SafeTensorsFile {
    fn read(&self, name: &str, _: &TensorInfo) -> Result<Cow<'_, [u8]>, String> {
        let place = self.places.get(name).and_then(|place| self.file.get(place.clone()));
        place.map(Cow::Borrowed).ok_or_else(|| "reaches outside the file".into())
    }
}
