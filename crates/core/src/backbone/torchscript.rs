//! User-supplied networks: TorchScript and ONNX files as backbones, with a description in TOML.
//!
//! The description states what the file does not:
//!
//! ```toml
//! name = "my-resnet"
//! file = "resnet.pt"              # or .onnx; beside this description, or from the root
//! input = 224                     # side of the square picture
//! mean = [0.485, 0.456, 0.406]    # of pixel values from 0 to 1, as torchvision writes them
//! std = [0.229, 0.224, 0.225]
//! # Where they differ from this:
//! channels = "rgb"                # or "bgr"; mean and std are in this order
//! mode = "default"                # how pictures are resized, or "keras"
//! title = "my-resnet"
//! licence = "unknown"
//! reference = "a TorchScript file"
//! # Of an ONNX file only:
//! features = "/pool/output"       # the value that the features are, if not the only output
//! taps = ["/layer2/output"]       # values before it that features can be taken from too, in their order
//! ```
//!
//! An ONNX value is what a node gives, by its name in the graph; it may also be tokens `[N, T, C]`, T a square or one more.
//! An ONNX file is data: the worker program checks it, cuts it down to the values that are wanted and runs it by ONNX
//! Runtime, with limits on memory and time. Numbers that it keeps in files beside it (in its folder or below, nowhere else)
//! are taken in: what is installed is one piece.
//!
//! The module takes `[N, 3, S, S]` and gives `[N, F]` or `[N, C, H, H]`, for any N; which one, a trial run finds out.
//! [`install`] puts the file, the description with what was found, and a record with the file's SHA-256 beside the
//! weights of the other networks, as `NAME.pt` (or `NAME.onnx`), `NAME.toml` and `NAME.json`.
//!
//! A TorchScript file is a program that libtorch runs, and libtorch's reader was not made for hostile files: install
//! only what you would run.

use super::format::shown;
use super::weights::{self, WeightsInfo, weights_dir};
use super::{Architecture, BackboneInfo, REGISTRY, StageInfo, TrainedOn};
use crate::error::{AtPath, Error, Result};
use crate::imaging::{ChannelOrder, Mode, Preprocessing};
use crate::outputs::same_file;
use crate::scratch;
use crate::worker;
use crate::workspace::{persist, write_whole};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Seek};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Maximum input side; it bounds the memory of the trial run.
const LARGEST_INPUT: usize = 2048;
/// Maximum size of a description.
const LONGEST_DESCRIPTION: u64 = 64 << 10;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    name: String,
    file: PathBuf,
    input: usize,
    mean: [f64; 3],
    std: [f64; 3],
    #[serde(default)]
    channels: Channels,
    #[serde(default)]
    mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    licence: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// The result of the trial run; only in installed descriptions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<ModuleOutput>,
    /// For an ONNX file: the value that holds the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    features: Option<String>,
    /// For an ONNX file: further values, as taps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    taps: Vec<String>,
    /// The result of the trial run for each tap and the features; only in installed descriptions of ONNX files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<OnnxValue>,
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Channels {
    #[default]
    Rgb,
    Bgr,
}

/// Output per image: `channels` values at `side` x `side` positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleOutput {
    pub channels: usize,
    pub side: usize,
}

/// A value of an ONNX graph that features are taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnnxValue {
    pub name: String,
    pub channels: usize,
    pub side: usize,
    #[serde(default)]
    pub class_token: bool,
}

/// The request for a trial run of an ONNX file.
#[derive(Debug, Serialize, Deserialize)]
pub struct OnnxTrial {
    pub file: PathBuf,
    /// Path for the reduced graph.
    pub cut: PathBuf,
    /// Side of the square input.
    pub side: usize,
    /// The value that holds the features; none for the only output.
    pub features: Option<String>,
    pub taps: Vec<String>,
}

/// What a trial run of an ONNX file found.
#[derive(Debug, Serialize, Deserialize)]
pub struct OnnxTried {
    /// The taps and the features.
    pub values: Vec<OnnxValue>,
    /// SHA-256, in hex, of what was read: the file, then those beside it in the order of their names.
    pub sha256: String,
    /// The names of those.
    pub beside: Vec<String>,
}

/// Whether a description is of an ONNX file. A description that cannot be read is of none.
pub(super) fn describes_onnx(description: &Path) -> bool {
    read(description).is_ok_and(|described| described.is_onnx())
}

/// Installs the described TorchScript or ONNX file as the backbone `name`, replacing an earlier one. The trial runs in
/// the worker, so a file that crashes libtorch affects nothing else.
///
/// # Errors
/// A description that is incomplete, has another name or that of a built-in network, or values that make no sense; a
/// file that is not TorchScript or does not output features. Nothing is changed then.
pub fn install(name: &str, description: &Path) -> Result<WeightsInfo> {
    let mut described = read(description)?;
    let wrong = |what: String| Error::file(description, what);
    described.check(name).map_err(wrong)?;
    let folder = weights_dir()?;
    fs::create_dir_all(&folder).at(&folder)?;
    let original = description.parent().unwrap_or(Path::new("")).join(&described.file);
    let mut source = File::open(&original).at(&original)?;
    if !source.metadata().at(&original)?.is_file() {
        return Err(Error::file(&original, "is not a file; name the file of the network itself"));
    }
    // What is tried is what is kept.
    let (ending, format) = if described.is_onnx() { ("onnx", "ONNX") } else { ("pt", "TorchScript") };
    let mut copy = scratch::file(&folder, &format!(".{ending}"))?;
    let refused = |reason: String| Error::file(&original, reason);
    let (given, with) = if described.is_onnx() {
        let tried = described.try_onnx(&original, copy.path()).map_err(refused)?;
        described.values = tried.values;
        (tried.sha256, said_beside(&tried.beside))
    } else {
        let given = weights::hash(&source).at(&original)?;
        source.rewind().at(&original)?;
        std::io::copy(&mut source, &mut copy).at(&original)?;
        described.output = Some(trial(copy.path(), described.input).map_err(refused)?);
        (given, String::new())
    };
    let written = copy.reopen().at(&original)?;
    let bytes = written.metadata().at(&original)?.len();
    let sha256 = weights::hash(&written).at(&original)?;

    let (module, record) = (folder.join(format!("{name}.{ending}")), folder.join(format!("{name}.json")));
    let info = WeightsInfo {
        backbone: name.to_owned(),
        source: format!("file {}{with} (sha256 {given}), {format}", original.canonicalize().at(&original)?.display()),
        sha256,
        bytes,
        licence: described.licence.clone().unwrap_or_else(|| "unknown".into()),
    };
    described.file = PathBuf::from(format!("{name}.{ending}"));
    let text = toml::to_string(&described).at(description)?;
    let _claim = weights::claim(&folder)?;
    let installed = module.with_extension("toml");
    if same_file(description, &installed) && fs::read(description).at(description)? != text.as_bytes() {
        let what =
            "is where descriptions are kept, and would be overwritten; move it elsewhere and import it from there";
        return Err(Error::usage(format!("{}: {what}.", description.display())));
    }
    // Without its record a network counts as absent, so no reader sees a mixture of old and new files.
    match fs::remove_file(&record) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(&record, error)),
        _ => {}
    }
    persist(copy, &module)?;
    write_whole(&installed, text.as_bytes())?;
    weights::record(&module, &info)?;
    Ok(info)
}

impl Description {
    fn is_onnx(&self) -> bool {
        self.file.extension().is_some_and(|ending| ending == "onnx")
    }

    /// Has the worker program cut an ONNX file down to `cut` and run it; what its values are, or a reason without a
    /// subject.
    fn try_onnx(&self, file: &Path, cut: &Path) -> Result<OnnxTried, String> {
        weights::onnx_runtime::library().map_err(|error| format!("cannot be tried: {error}"))?;
        let trial = OnnxTrial {
            file: std::path::absolute(file).map_err(|error| error.to_string())?,
            cut: cut.to_owned(),
            side: self.input,
            features: self.features.clone(),
            taps: self.taps.clone(),
        };
        let asked = serde_json::to_string(&trial).map_err(|_| "lies in a folder whose name is not UTF-8")?;
        let said = worker::answer(&["onnx-trial", &asked]).map_err(|error| {
            let said = error.to_string();
            // Exceeding a limit ends the worker by a signal.
            if said.contains("ended without an answer") {
                format!("cannot be tried: it takes more memory or time than a network does ({said})")
            } else {
                said
            }
        })?;
        serde_json::from_slice(&said)
            .map_err(|error| format!("cannot be tried: the worker said something else ({error})"))
    }
}

/// The files that a model has its numbers in, as a source says them.
fn said_beside(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => format!(" with {}", shown(one)),
        [first, ..] => format!(" with {} and {} more files beside it", shown(first), names.len() - 1),
    }
}

/// What a trial run of the worker program finds that a file gives for pictures of a side; or a reason without a subject.
fn trial(file: &Path, side: usize) -> Result<ModuleOutput, String> {
    let file = file.to_str().ok_or("lies in a folder whose name is not UTF-8")?;
    let said = worker::answer(&["trial", file, &side.to_string()]).map_err(|error| error.to_string())?;
    serde_json::from_slice(&said).map_err(|error| format!("cannot be tried: the worker said something else ({error})"))
}

fn read(path: &Path) -> Result<Description> {
    let facts = fs::metadata(path).at(path)?;
    if !facts.is_file() || facts.len() > LONGEST_DESCRIPTION {
        return Err(Error::file(path, "is not the description of a TorchScript or ONNX file, a short text file"));
    }
    parse(&fs::read_to_string(path).at(path)?).map_err(|reason| Error::file(path, reason))
}

fn parse(text: &str) -> Result<Description, String> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1));
        format!("cannot be understood (line {line}: {})", error.message().replace('\n', " "))
    })
}

impl Description {
    /// Checks that the description is valid for the backbone `name`; the error is a reason without a subject.
    fn check(&self, name: &str) -> Result<(), String> {
        if self.name != name {
            return Err(format!("describes `{}`, not `{name}`; give both the same name", self.name));
        }
        if !is_name(name) {
            return Err("needs a name of up to 64 small letters, digits, hyphens, points and underscores".into());
        }
        if REGISTRY.iter().any(|info| info.name == name) {
            return Err(format!("has the name of another network, `{name}`; give it one of its own"));
        }
        if !(1..=LARGEST_INPUT).contains(&self.input) {
            return Err(format!("has an input of {} pixels; 1 to {LARGEST_INPUT} are possible", self.input));
        }
        if !self.is_onnx() && (self.features.is_some() || !self.taps.is_empty()) {
            return Err("names values, which are of ONNX files only; leave out features and taps".into());
        }
        let (mean, std) =
            (self.mean.iter().all(|x| (-1.0..=1.0).contains(x)), self.std.iter().all(|x| *x > 0.0 && *x <= 1.0));
        if !(mean && std) {
            return Err("needs a mean and a std (above 0) for pixel values from 0 to 1, as torchvision writes them; \
                        divide by 255 what is in grey levels"
                .into());
        }
        Ok(())
    }

    /// The registry entry. It is leaked: it must live as long as the process, which needs one per network.
    fn info(self) -> Option<&'static BackboneInfo> {
        let onnx = self.is_onnx();
        let stage = |value: OnnxValue| {
            let OnnxValue { name, channels, side, class_token } = value;
            StageInfo { name, channels, side, class_token }
        };
        let of_module = |ModuleOutput { channels, side }| {
            stage(OnnxValue { name: "output".into(), channels, side, class_token: false })
        };
        let (architecture, features) = if onnx {
            let stages: Vec<StageInfo> = self.values.into_iter().map(stage).collect();
            let features = stages.last()?.channels;
            (Architecture::Onnx(stages), features)
        } else {
            let output = self.output?;
            (Architecture::Module(of_module(output)), output.channels)
        };
        let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let grey = |values: [f64; 3]| values.map(|value| (value * 255.0) as f32);
        let order = match self.channels {
            Channels::Rgb => ChannelOrder::Rgb,
            Channels::Bgr => ChannelOrder::Bgr,
        };
        let (mean, std) = (grey(self.mean), grey(self.std));
        Some(Box::leak(Box::new(BackboneInfo {
            title: leak(self.title.unwrap_or_else(|| self.name.clone())),
            name: leak(self.name),
            input: self.input,
            preprocessing: Preprocessing { size: self.input, mode: self.mode, order, mean, std },
            features,
            trained_on: TrainedOn::Own,
            head: None,
            licence: leak(self.licence.unwrap_or_else(|| "unknown".into())),
            reference: leak(
                self.reference.unwrap_or_else(|| if onnx { "an ONNX file" } else { "a TorchScript file" }.into()),
            ),
            sources: &[],
            names: &[],
            architecture,
        })))
    }
}

/// Whether files may have this name.
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._".contains(c);
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(fits)
}

/// The installed networks, by name. Damaged descriptions are left out; [`find`] reports them.
pub(super) fn installed() -> Vec<&'static BackboneInfo> {
    let Ok(entries) = weights_dir().map(fs::read_dir) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.file_name().to_str()?.strip_suffix(".toml")?.to_owned()))
        .collect();
    names.sort();
    names.iter().filter_map(|name| find(name).ok().flatten()).collect()
}

/// The installed network of that name, if there is one.
///
/// # Errors
/// A description that was damaged since its installation.
pub(super) fn find(name: &str) -> Result<Option<&'static BackboneInfo>> {
    static KNOWN: Mutex<BTreeMap<String, &'static BackboneInfo>> = Mutex::new(BTreeMap::new());
    if !is_name(name) {
        return Ok(None);
    }
    let path = weights_dir()?.join(format!("{name}.toml"));
    if !path.exists() {
        return Ok(None);
    }
    let described = read(&path)?;
    let again = |what: String| Error::file(&path, format!("{what}; import it again"));
    described.check(name).map_err(again)?;
    // Each content is leaked once, however often it is requested.
    let content = format!("{described:?}");
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(info) = known.get(&content) {
        return Ok(Some(info));
    }
    let info = described.info().ok_or_else(|| again("lacks what the trial run found".into()))?;
    known.insert(content, info);
    Ok(Some(info))
}
