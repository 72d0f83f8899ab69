//! ONNX files of the user's, run by ONNX Runtime, which is loaded when the first is.
//!
//! Their descriptions and how they are installed: [`faceprobe_core::backbone::torchscript`]. Networks of the program's own
//! never come here.

use bytes::Bytes;
use faceprobe_core::backbone::StageInfo;
use faceprobe_core::backbone::format::onnx_graph;
use faceprobe_core::backbone::torchscript::{OnnxTrial, OnnxTried, OnnxValue};
use faceprobe_core::backbone::weights::{self, onnx_runtime};
use faceprobe_core::error::{AtPath, Error, Result};
use ort::session::Session;
use ort::value::TensorRef;
use rustix::process::{Resource, Rlimit, setrlimit};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use tch::{Device, Kind, Tensor};

/// What a trial may take beside what the worker holds already. ResNet-152 with two pictures takes half a gigabyte.
const TRIAL_BYTES: u64 = 6 << 30;
/// Processor time of a trial; the largest networks take some seconds.
const TRIAL_SECONDS: u64 = 120;

/// An installed file.
pub struct Model {
    file: Bytes,
    stages: Vec<StageInfo>,
    /// Sessions that give certain stages and compute nothing else.
    sessions: Mutex<BTreeMap<Vec<usize>, Session>>,
}

impl Model {
    /// # Errors
    /// A file that cannot be read.
    pub fn load(path: &Path, stages: &[StageInfo]) -> Result<Self> {
        Ok(Self { file: read(path)?, stages: stages.to_vec(), sessions: Mutex::default() })
    }

    /// The same for another thread: the file is shared, sessions are not.
    pub fn share(&self) -> Self {
        Self { file: self.file.clone(), stages: self.stages.clone(), sessions: Mutex::default() }
    }

    pub fn stages(&self) -> &[StageInfo] {
        &self.stages
    }

    /// The outputs of the stages `taps` for a normalised input `[N, 3, S, S]`: `[N, C, H, W]`, or tokens with the class
    /// token first.
    ///
    /// # Errors
    /// ONNX Runtime that is not here or refuses; a value of another shape than at the trial.
    pub fn outputs(&self, input: &Tensor, taps: &[usize]) -> Result<Vec<Tensor>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if !sessions.contains_key(taps) {
            let values: Vec<String> = taps.iter().map(|&tap| self.stages[tap].name.clone()).collect();
            let alone = |_: &str| Err("is not the one that was imported: import it again".to_owned());
            let cut = onnx_graph::cut(&self.file, &values, &alone).map_err(refused)?;
            sessions.insert(taps.to_vec(), session(&cut.model)?);
        }
        let Some(session) = sessions.get_mut(taps) else { return Ok(Vec::new()) };
        let images = input.size().first().copied().unwrap_or(0);
        let mut values = run(session, input).map_err(refused)?;
        taps.iter()
            .map(|&tap| {
                let stage = &self.stages[tap];
                let value = values.remove(&stage.name).ok_or_else(|| refused("gives no such value".into()))?;
                let found = value.size();
                shaped(value, stage, images).ok_or_else(|| {
                    refused(format!("gave `{}` as {found:?}, which is not its shape at the trial", stage.name))
                })
            })
            .collect()
    }
}

fn refused(reason: String) -> Error {
    Error::failed(format!("The ONNX file {reason}."))
}

/// A value of as many pictures as it is of, as a stage's output.
fn shaped(value: Tensor, stage: &StageInfo, images: i64) -> Option<Tensor> {
    let (channels, side) = (stage.channels as i64, stage.side as i64);
    let places = side * side;
    match *value.size() {
        [n, c] if (n, c, side) == (images, channels, 1) => Some(value.view([n, c, 1, 1])),
        [n, c, h, w] if (n, c, h, w) == (images, channels, side, side) => Some(value),
        [n, t, c] if stage.class_token && (n, t, c) == (images, 1 + places, channels) => Some(value),
        [n, t, c] if (n, t, c) == (images, places, channels) => {
            Some(value.view([n, side, side, c]).permute([0, 3, 1, 2]))
        }
        _ => None,
    }
}

/// What kind of stage a value of this shape is; none for one that is none.
fn stage(name: &str, shape: &[i64], images: i64) -> Option<OnnxValue> {
    let of = |channels: i64, side: i64, class_token: bool| {
        (channels > 0 && side > 0).then(|| OnnxValue {
            name: name.to_owned(),
            channels: channels as usize,
            side: side as usize,
            class_token,
        })
    };
    match *shape {
        [n, c] if n == images => of(c, 1, false),
        [n, c, h, w] if n == images && h == w => of(c, h, false),
        [n, t, c] if n == images && t > 0 => {
            let (places, patches) = (t.isqrt(), (t - 1).isqrt());
            if places * places == t {
                of(c, places, false)
            } else {
                of(c, patches, true).filter(|_| patches * patches == t - 1)
            }
        }
        _ => None,
    }
}

/// Cuts a file down to what is wanted of it, runs that on one picture and on two, and says what its values are. The process
/// has limits from then on: it is one of its own.
///
/// # Errors
/// A reason without a subject.
pub fn trial(asked: &OnnxTrial) -> Result<OnnxTried, String> {
    let library = onnx_runtime::library().map_err(|error| error.to_string())?;
    load(&library)?;
    limit()?;
    let file = read(&asked.file).map_err(|error| error.to_string())?;
    let features = match &asked.features {
        Some(value) => value.clone(),
        None => match &onnx_graph::outputs(&file)?[..] {
            [only] => only.clone(),
            outputs => {
                return Err(format!(
                    "has {} outputs; say in its description which value the features are: features = \"NAME\"",
                    outputs.len()
                ));
            }
        },
    };
    let mut values = asked.taps.clone();
    values.push(features);
    let twice = |(place, value): (usize, &String)| values[..place].contains(value).then(|| value.clone());
    if let Some(value) = values.iter().enumerate().find_map(twice) {
        return Err(format!("is asked for its value `{value}` twice; the features are the last tap already"));
    }
    let cut = onnx_graph::cut(&file, &values, &|name| weights::beside(&asked.file, name))?;
    let mut session = session(&cut.model).map_err(|error| error.to_string())?;
    let mut of = |images: i64| -> Result<Vec<OnnxValue>, String> {
        let side = asked.side as i64;
        let found = run(&mut session, &Tensor::zeros([images, 3, side, side], (Kind::Float, Device::Cpu)))
            .map_err(|reason| format!("fails on {images} x 3 x {side} x {side} ({reason})"))?;
        let value = |name: &String| {
            let shape = found.get(name).map(Tensor::size).unwrap_or_default();
            stage(name, &shape, images).ok_or_else(|| {
                format!(
                    "gives `{name}` as {shape:?} for {images} pictures, none of [N, F], [N, C, H, H] and [N, T, C] with N = \
                     {images}; export it for any number of pictures (dynamic_axes of torch.onnx.export)"
                )
            })
        };
        values.iter().map(value).collect()
    };
    let (one, two) = (of(1)?, of(2)?);
    if one != two {
        return Err("gives something else for one picture than for two".into());
    }
    fs::write(&asked.cut, &cut.model).map_err(|error| format!("cannot be kept ({error})"))?;
    let mut hasher = Sha256::new_with_prefix(&file);
    cut.others.values().for_each(|other| hasher.update(other));
    let beside = cut.others.into_keys().collect();
    Ok(OnnxTried { values: one, sha256: hex::encode(hasher.finalize()), beside })
}

/// Bounds what this process may take from here on.
fn limit() -> Result<(), String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let held = status.lines().find_map(|line| line.strip_prefix("VmSize:")?.trim().strip_suffix(" kB")?.parse().ok());
    let bytes = held.unwrap_or(0_u64) * 1024 + TRIAL_BYTES;
    for (resource, most) in [(Resource::As, bytes), (Resource::Cpu, TRIAL_SECONDS), (Resource::Core, 0)] {
        let rule = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, rule).map_err(|error| format!("cannot be tried: no limit could be set ({error})"))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Bytes> {
    let length = fs::metadata(path).at(path)?.len();
    if length > onnx_graph::LARGEST as u64 {
        return Err(Error::file(path, "is larger than 2 GB, which no ONNX file can be"));
    }
    Ok(Bytes::from(fs::read(path).at(path)?))
}

/// Loads ONNX Runtime, once.
fn load(library: &Path) -> Result<(), String> {
    static LOADED: OnceLock<Result<(), String>> = OnceLock::new();
    let load = || {
        let environment = ort::init_from(library)
            .map_err(|error| format!("cannot be run: {} is no ONNX Runtime ({error})", library.display()))?;
        environment.with_name("faceprobe").with_telemetry(false).commit();
        Ok(())
    };
    LOADED.get_or_init(load).clone()
}

/// A session over a model in memory, on as many threads as libtorch would take.
fn session(model: &[u8]) -> Result<Session> {
    load(&onnx_runtime::library()?).map_err(refused)?;
    let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1).max(1);
    let build = || -> Result<Session, String> {
        let builder = Session::builder().map_err(|error| reason(&error))?;
        let builder = builder.with_intra_threads(threads).map_err(|error| reason(&error))?;
        let mut builder = builder.with_intra_op_spinning(false).map_err(|error| reason(&error))?;
        builder.commit_from_memory(model).map_err(|error| reason(&error))
    };
    build().map_err(|reason| refused(format!("cannot be run by ONNX Runtime ({reason})")))
}

/// Every output for `[N, 3, S, S]`, by name.
fn run(session: &mut Session, input: &Tensor) -> Result<BTreeMap<String, Tensor>, String> {
    let broken = |error: tch::TchError| error.to_string();
    let shape = input.size();
    let input = input.f_to_kind(Kind::Float).and_then(|input| input.f_to_device(Device::Cpu)).map_err(broken)?;
    let input = input.f_contiguous().map_err(broken)?;
    let view =
        TensorRef::from_array_view((shape, super::tensor_slices::values(&input))).map_err(|error| reason(&error))?;
    let outputs = session.run(ort::inputs![view]).map_err(|error| reason(&error))?;
    outputs
        .iter()
        .map(|(name, value)| {
            let (shape, values) = value
                .try_extract_tensor::<f32>()
                .map_err(|_| format!("its value `{name}` holds other numbers than 32-bit floats"))?;
            let sides: Vec<i64> = shape.iter().copied().collect();
            let tensor =
                Tensor::f_from_slice(values).and_then(|tensor| tensor.f_view(sides.as_slice())).map_err(broken)?;
            Ok((name.to_owned(), tensor))
        })
        .collect()
}

/// What went wrong, in a line.
fn reason(error: &impl std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}
