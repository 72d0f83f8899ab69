//! Weights in ONNX files. Only the initializers are read.
//!
//! A `ModelProto` has its graph in field 7, a `GraphProto` its initializers in field 5 (onnx.proto, IR version 3 and
//! later). These two levels are walked by hand, because decoding them whole would cost many times the file for one that
//! repeats an empty message; a single `TensorProto` is decoded by prost. `raw_data` stays in the file.

use super::{Dtype, Index, MAX_DIMENSIONS, MAX_TENSORS, Reader, Siblings, TensorInfo, shown};
use bytes::{Buf, Bytes};
use prost::Message;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// `NodeProto`, the fields that are needed.
#[derive(Clone, PartialEq, Message)]
struct NodeProto {
    #[prost(string, repeated, tag = "1")]
    input: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
}

/// `TensorProto`, the fields that are needed.
#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    /// Also 16-bit floats, as bit patterns.
    #[prost(int32, repeated, tag = "5")]
    int32_data: Vec<i32>,
    #[prost(int64, repeated, tag = "7")]
    int64_data: Vec<i64>,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "bytes", optional, tag = "9")]
    raw_data: Option<Bytes>,
    #[prost(double, repeated, tag = "10")]
    double_data: Vec<f64>,
    /// Location of the values in another file.
    #[prost(message, repeated, tag = "13")]
    external_data: Vec<Entry>,
    /// 1: the values are in another file.
    #[prost(int32, tag = "14")]
    data_location: i32,
}

/// `StringStringEntryProto`.
#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

const GRAPH: u64 = 7;
const INITIALIZER: u64 = 5;
const NODE: u64 = 1;
/// Nodes exported by torch have few inputs, and short names.
const LONGEST_NODE: usize = 16 << 10;

struct OnnxFile {
    /// Every initializer, still encoded.
    messages: BTreeMap<String, Bytes>,
    /// Other files by the names that initializers use, or the reasons why they cannot be read.
    others: BTreeMap<String, Result<Bytes, String>>,
}

/// Networks are kept in a file beside the model, or one for each tensor.
pub(super) const MAX_OTHERS: usize = 10_000;

/// A model begins with its IR version, a small number in field 1.
pub(super) fn recognise(file: &[u8]) -> bool {
    matches!(file, [0x08, version, ..] if *version < 0x80)
}

pub(super) fn open(file: &Bytes, beside: &Siblings<'_>) -> Result<(Index, Box<dyn Reader>), String> {
    let mut messages = BTreeMap::new();
    let mut index = Index::new();
    let mut others = BTreeMap::new();
    for field in fields(file.clone(), GRAPH) {
        let graph = field?;
        let takers = takers(&graph)?;
        for message in fields(graph, INITIALIZER) {
            let message = message?;
            let mut tensor = decode(&message)?;
            if let Some(taker) = takers.get(&tensor.name) {
                tensor.name.clone_from(taker);
            }
            if index.len() >= MAX_TENSORS {
                return Err(format!("it has more than {MAX_TENSORS} tensors, which no network needs"));
            }
            let name = tensor.name.clone();
            let info =
                info(&tensor).ok_or_else(|| format!("its tensor `{}` has a shape that is none", shown(&name)))?;
            if index.insert(name.clone(), info).is_some() {
                return Err(format!("it has two tensors called `{}`", shown(&name)));
            }
            // What is wrong with it is told where it is read.
            if let Ok(Some(ExternalData { location, .. })) = ExternalData::of(&tensor)
                && !others.contains_key(&location)
            {
                if others.len() >= MAX_OTHERS {
                    return Err(format!("it has its numbers in more than {MAX_OTHERS} other files"));
                }
                let other = beside(&location);
                others.insert(location, other);
            }
            messages.insert(name, message);
        }
    }
    if index.is_empty() {
        return Err("it is not an ONNX model with weights in it".into());
    }
    Ok((index, Box::new(OnnxFile { messages, others })))
}

/// torch's exporter calls a tensor that it precomputes, such as a transposed kernel, `onnx::OPERATOR_NUMBER`, which
/// does not identify it. Such tensors get the name of the (first) node that uses them, which does:
/// `/encoder/layer.0/mlp/fc1/MatMul`, in module notation `encoder.layer.0.mlp.fc1.MatMul`.
fn takers(graph: &Bytes) -> Result<HashMap<String, String>, String> {
    let mut takers = HashMap::new();
    for message in fields(graph.clone(), NODE) {
        let message = message?;
        if message.len() > LONGEST_NODE {
            continue;
        }
        let node = NodeProto::decode(message).map_err(|error| format!("one of its nodes is damaged ({error})"))?;
        let Some(name) = node.name.strip_prefix('/') else { continue };
        let mut made_up = node.input.iter().filter(|input| input.starts_with("onnx::"));
        // A node with two such tensors would give both the same name.
        if let (Some(tensor), None) = (made_up.next(), made_up.next()) {
            takers.entry(tensor.clone()).or_insert_with(|| name.replace('/', "."));
        }
    }
    Ok(takers)
}

fn decode(message: &Bytes) -> Result<TensorProto, String> {
    TensorProto::decode(message.clone()).map_err(|error| format!("one of its tensors is damaged ({error})"))
}

fn info(tensor: &TensorProto) -> Option<TensorInfo> {
    let dtype = match tensor.data_type {
        1 => Dtype::F32,
        7 => Dtype::I64,
        10 => Dtype::F16,
        11 => Dtype::F64,
        16 => Dtype::Bf16,
        _ => Dtype::Other(0),
    };
    if tensor.dims.len() > MAX_DIMENSIONS {
        return None;
    }
    let shape = tensor.dims.iter().map(|&side| usize::try_from(side).ok()).collect::<Option<Vec<usize>>>()?;
    Some(TensorInfo { shape, dtype })
}

/// The contents of every length-delimited field of that number in a message.
pub(super) fn fields(mut message: Bytes, wanted: u64) -> impl Iterator<Item = Result<Bytes, String>> {
    let mut broken = false;
    std::iter::from_fn(move || {
        while message.has_remaining() && !broken {
            match next_field(&mut message) {
                Some((number, Some(content))) if number == wanted => return Some(Ok(content)),
                Some(_) => {}
                None => {
                    broken = true;
                    return Some(Err("its protobuf structure is damaged or truncated".to_owned()));
                }
            }
        }
        None
    })
}

/// The values of an integer field, packed or not.
pub(super) fn integers(mut message: Bytes, wanted: u64) -> Result<Vec<u64>, String> {
    let mut found = Vec::new();
    let damaged = || "its protobuf structure is damaged or truncated".to_owned();
    while message.has_remaining() {
        let mut ahead = message.clone();
        let key = varint(&mut ahead).ok_or_else(damaged)?;
        if key == wanted << 3 {
            found.push(varint(&mut ahead).ok_or_else(damaged)?);
            message = ahead;
            continue;
        }
        if let (number, Some(mut packed)) = next_field(&mut message).ok_or_else(damaged)?
            && number == wanted
        {
            while packed.has_remaining() {
                found.push(varint(&mut packed).ok_or_else(damaged)?);
            }
        }
    }
    Ok(found)
}

/// A message without the fields of these numbers.
pub(super) fn without(mut message: Bytes, numbers: &[u64]) -> Result<Vec<u8>, String> {
    let mut kept = Vec::with_capacity(message.len());
    while message.has_remaining() {
        let before = message.clone();
        let (number, _) = next_field(&mut message).ok_or("its protobuf structure is damaged or truncated")?;
        if !numbers.contains(&number) {
            kept.extend_from_slice(&before[..before.len() - message.len()]);
        }
    }
    Ok(kept)
}

/// Where in which other file the numbers of a tensor are.
pub(super) struct ExternalData {
    /// The name of the file as the tensor has it.
    pub location: String,
    /// Where they begin.
    start: usize,
    /// How many bytes they have, if that is said.
    length: Option<usize>,
}

impl ExternalData {
    /// Of a `TensorProto`; none for one that has its numbers itself. The error is a reason about the tensor.
    fn of(tensor: &TensorProto) -> Result<Option<Self>, String> {
        if tensor.data_location == 0 && tensor.external_data.is_empty() {
            return Ok(None);
        }
        let entry = |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let number = |key: &str| match entry(key) {
            Some(text) => match text.parse::<usize>() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(format!("has a {key} in another file that is no number: `{}`", shown(text))),
            },
            None => Ok(None),
        };
        Ok(Some(Self {
            location: entry("location").cloned().unwrap_or_default(),
            start: number("offset")?.unwrap_or(0),
            length: number("length")?,
        }))
    }

    /// The same of an encoded one.
    pub(super) fn of_message(message: &Bytes) -> Result<Option<Self>, String> {
        Self::of(&decode(message)?)
    }

    /// The numbers out of the other file, where `bytes` are expected.
    pub(super) fn numbers<'a>(&self, other: &'a [u8], bytes: usize) -> Result<&'a [u8], String> {
        if let Some(length) = self.length
            && length != bytes
        {
            return Err(format!("has {length} bytes in another file, where its shape needs {bytes}"));
        }
        let numbers = self.start.checked_add(bytes).and_then(|end| other.get(self.start..end));
        numbers.ok_or_else(|| {
            format!(
                "reaches outside the file with its numbers, `{}`, which has {} bytes",
                shown(&self.location),
                other.len()
            )
        })
    }
}

/// Takes one field off the front: its number, and its content if it is length-delimited. None if it is no field.
fn next_field(message: &mut Bytes) -> Option<(u64, Option<Bytes>)> {
    let key = varint(message)?;
    let skipped = match key & 7 {
        0 => {
            varint(message)?;
            0
        }
        1 => 8,
        2 => {
            let length = usize::try_from(varint(message)?).ok().filter(|&length| length <= message.len())?;
            return Some((key >> 3, Some(message.split_to(length))));
        }
        5 => 4,
        // Groups, which ONNX never had.
        _ => return None,
    };
    if message.len() < skipped {
        return None;
    }
    message.advance(skipped);
    Some((key >> 3, None))
}

fn varint(message: &mut Bytes) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = message.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

impl Reader for OnnxFile {
    fn outside(&self) -> usize {
        self.others.values().flatten().map(Bytes::len).sum()
    }

    fn read(&self, name: &str, info: &TensorInfo) -> Result<Cow<'_, [u8]>, String> {
        let tensor = decode(self.messages.get(name).ok_or("is not there")?)?;
        if let Some(elsewhere) = ExternalData::of(&tensor)? {
            let other = self.others.get(&elsewhere.location).ok_or("has its numbers nowhere")?;
            let other = other.as_ref().map_err(Clone::clone)?;
            return elsewhere.numbers(other, info.bytes().unwrap_or(0)).map(Cow::Borrowed);
        }
        if let Some(raw) = tensor.raw_data {
            return Ok(Cow::Owned(raw.to_vec()));
        }
        Ok(Cow::Owned(match info.dtype {
            Dtype::F32 => tensor.float_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Dtype::F64 => tensor.double_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Dtype::I64 => tensor.int64_data.iter().flat_map(|value| value.to_le_bytes()).collect(),
            Dtype::F16 | Dtype::Bf16 => {
                tensor.int32_data.iter().flat_map(|value| (*value as u16).to_le_bytes()).collect()
            }
            Dtype::Other(_) => return Err("holds neither floats nor 64-bit integers".into()),
        }))
    }
}
