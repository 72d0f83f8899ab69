//! User-supplied ONNX files, run by ONNX Runtime, which is loaded on first use.
//!
//! Their descriptions and how they are installed: [`faceprobe_core::backbone::torchscript`]. Networks of the program's own
//! never come here.

use super::onnx_limits as limits;
use bytes::Bytes;
use faceprobe_core::backbone::StageInfo;
use faceprobe_core::backbone::format::onnx_graph;
use faceprobe_core::backbone::torchscript::{OnnxTrial, OnnxTried, OnnxValue};
use faceprobe_core::backbone::weights::{self, onnx_runtime};
use faceprobe_core::error::{AtPath, Error, Result};
use ort::session::{RunOptions, Session};
use ort::value::TensorRef;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use tch::{Device, Kind, Tensor};

/// An installed file.
pub struct Model {
    file: Bytes,
    stages: Vec<StageInfo>,
    /// Sessions that give certain stages and compute nothing else.
    sessions: Mutex<BTreeMap<Vec<usize>, Session>>,
    /// That a run may take for each picture.
    seconds: u32,
}

impl Model {
    /// # Errors
    /// A file that cannot be read.
    pub fn load(path: &Path, stages: &[StageInfo]) -> Result<Self> {
        let seconds = limits::SECONDS_FOR_A_PICTURE;
        Ok(Self { file: read(path)?, stages: stages.to_vec(), sessions: Mutex::default(), seconds })
    }

    /// The same with another limit on time, in seconds for each picture.
    pub fn within(self, seconds: u32) -> Self {
        Self { seconds, ..self }
    }

    /// The same for another thread: the file is shared, sessions are not.
    pub fn share(&self) -> Self {
        let (file, stages) = (self.file.clone(), self.stages.clone());
        Self { file, stages, sessions: Mutex::default(), seconds: self.seconds }
    }

    pub fn stages(&self) -> &[StageInfo] {
        &self.stages
    }

    /// The outputs of the stages `taps` for a normalised input `[N, 3, S, S]`: `[N, C, H, W]`, or tokens with the class
    /// token first.
    ///
    /// # Errors
    /// ONNX Runtime that is not here or refuses; a value of another shape than at the trial; more memory or time than a
    /// network takes.
    pub fn outputs(&self, input: &Tensor, taps: &[usize]) -> Result<Vec<Tensor>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if !sessions.contains_key(taps) {
            let values: Vec<String> = taps.iter().map(|&tap| self.stages[tap].name.clone()).collect();
            let alone = |_: &str| Err("is not the one that was imported: import it again".to_owned());
            let cut = onnx_graph::cut(&self.file, &values, &alone).map_err(refused)?;
            sessions.insert(taps.to_vec(), session(&cut.model, Memory::Limited)?);
        }
        let Some(session) = sessions.get_mut(taps) else { return Ok(Vec::new()) };
        let images = input.size().first().copied().unwrap_or(0);
        let seconds = self.seconds.saturating_mul(u32::try_from(images).unwrap_or(u32::MAX));
        let options = Arc::new(RunOptions::new().map_err(|error| refused(reason(&error)))?);
        let (values, stopped) = limits::within(seconds, &options, || run(session, input, &options));
        if stopped {
            return Err(refused(format!(
                "was stopped after {seconds} s with {images} pictures, which no network needs"
            )));
        }
        let mut values = values.map_err(|reason| refused(beyond(reason, images)))?;
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

/// What ONNX Runtime says of a run, or that it wanted more memory than it may have.
fn beyond(reason: String, images: i64) -> String {
    let of_memory = ["Available memory of", "Failed to allocate memory", "bad_alloc", "bad allocation"];
    if of_memory.iter().any(|words| reason.contains(words)) {
        let most = limits::BYTES >> 30;
        return format!(
            "takes more than {most} GiB of memory for {images} pictures, which no network needs ({reason})"
        );
    }
    reason
}

fn refused(reason: String) -> Error {
    Error::failed(format!("The ONNX file {reason}."))
}

/// A stage's output reshaped for the number of images; none where the shape does not fit.
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

/// The kind of stage that a value of this shape can be; none for one that cannot.
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
    limits::of_process()?;
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
    let mut session = session(&cut.model, Memory::OfProcess).map_err(|error| error.to_string())?;
    let options = RunOptions::new().map_err(|error| reason(&error))?;
    let mut of = |images: i64| -> Result<Vec<OnnxValue>, String> {
        let side = asked.side as i64;
        let found = run(&mut session, &Tensor::zeros([images, 3, side, side], (Kind::Float, Device::Cpu)), &options)
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

/// Where a session has its memory from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    /// What the process may have.
    OfProcess,
    /// What all sessions together may have.
    Limited,
}

/// A session over a model in memory, on as many threads as libtorch would take.
fn session(model: &[u8], memory: Memory) -> Result<Session> {
    static LIMITED: OnceLock<Result<(), String>> = OnceLock::new();
    load(&onnx_runtime::library()?).map_err(refused)?;
    if memory == Memory::Limited {
        let limit = || limits::of_sessions().map_err(|error| format!("cannot be limited ({})", reason(&error)));
        LIMITED.get_or_init(limit).clone().map_err(refused)?;
    }
    let threads = usize::try_from(tch::get_num_threads()).unwrap_or(1).max(1);
    let build = || -> Result<Session, String> {
        let builder = Session::builder().map_err(|error| reason(&error))?;
        let builder = builder.with_intra_threads(threads).map_err(|error| reason(&error))?;
        let mut builder = builder.with_intra_op_spinning(false).map_err(|error| reason(&error))?;
        if memory == Memory::Limited {
            builder = builder.with_env_allocators().map_err(|error| reason(&error))?;
        }
        builder.commit_from_memory(model).map_err(|error| reason(&error))
    };
    build().map_err(|reason| refused(format!("cannot be run by ONNX Runtime ({reason})")))
}

/// Every output for `[N, 3, S, S]`, by name.
fn run(session: &mut Session, input: &Tensor, options: &RunOptions) -> Result<BTreeMap<String, Tensor>, String> {
    let broken = |error: tch::TchError| error.to_string();
    let shape = input.size();
    let input = input.f_to_kind(Kind::Float).and_then(|input| input.f_to_device(Device::Cpu)).map_err(broken)?;
    let input = input.f_contiguous().map_err(broken)?;
    let view =
        TensorRef::from_array_view((shape, super::tensor_slices::values(&input))).map_err(|error| reason(&error))?;
    let outputs = session.run_with_options(ort::inputs![view], options).map_err(|error| reason(&error))?;
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

/// The first line of an error.
fn reason(error: &impl std::fmt::Display) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}
