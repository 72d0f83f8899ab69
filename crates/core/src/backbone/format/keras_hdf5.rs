//! Weights in HDF5 as Keras writes them.
//!
//! Two layouts. Keras 1 and 2 (`legacy_h5_format`): the attribute `layer_names` lists groups, each of which lists its
//! datasets in `weight_names`, at the top of a weights file or in the group `model_weights` of a whole model. Keras 3
//! (`.weights.h5`): groups `vars` with datasets `0`, `1`, ... at any depth, one for each layer; since Keras 3.6 their
//! attribute `name` is the layer's name, before that only the group's own name is known (`conv2d_3`: the class, counted).
//!
//! In both layouts a tensor is called `LAYER/PLACE` here. The order of a layer's weights is the same in both, while
//! their names changed with every version (`block1_conv1_W_1:0`, `block1_conv1/kernel:0`, `vgg16/block1_conv1/kernel`).

use super::{Dtype, Index, MAX_DIMENSIONS, MAX_TENSORS, Reader, TensorInfo, limit, shown};
use bytes::Bytes;
use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions};
use std::borrow::Cow;
use std::collections::BTreeMap;

const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";
/// Maximum nesting of groups; a model within a model within a model has some ten.
const MAX_DEPTH: usize = 16;
/// Maximum number of groups visited. A file may link a group into itself.
const MAX_GROUPS: usize = 20_000;
/// An object header, with its attributes: Keras writes none above 64 KiB each.
const MAX_HEADER: usize = 16 << 20;

/// The signature is at offset 0, or after a user block of 512 bytes times a power of two.
pub(super) fn recognise(file: &[u8]) -> bool {
    let starts = std::iter::once(0).chain((9..24).map(|power| 1_usize << power));
    starts.take_while(|&start| start < file.len()).any(|start| file[start..].starts_with(SIGNATURE))
}

struct KerasFile {
    tensors: BTreeMap<String, Dataset>,
}

pub(super) fn open(file: &Bytes) -> Result<(Index, Box<dyn Reader>), String> {
    let options = OpenOptions::default()
        .with_chunk_cache_bytes(0)
        .with_max_read_bytes(limit(file))
        .with_max_chunk_bytes(limit(file))
        .with_max_object_header_bytes(MAX_HEADER.min(limit(file)));
    // External files and external links are not followed: the reader's default.
    let root = Hdf5File::from_owner(file.clone(), options).and_then(|file| file.root_group()).map_err(broken)?;
    let mut found = Found::default();
    if let Some(layers) = strings(&root, "layer_names")? {
        found.legacy(&root, &layers)?;
    } else if let Some((weights, layers)) = whole_model(&root)? {
        found.legacy(&weights, &layers)?;
    } else {
        found.variables(&root, "", 0)?;
    }
    if found.tensors.is_empty() {
        return Err("it is an HDF5 file, but has no layers with weights as Keras writes them".into());
    }
    let index = found.tensors.iter().map(|(name, dataset)| (name.clone(), info(dataset))).collect();
    Ok((index, Box::new(KerasFile { tensors: found.tensors })))
}

/// The group of weights in a whole model, and its layers.
fn whole_model(root: &Group) -> Result<Option<(Group, Vec<String>)>, String> {
    let (groups, _) = root.member_names().map_err(broken)?;
    if !groups.iter().any(|group| group == "model_weights") {
        return Ok(None);
    }
    let weights = root.group("model_weights").map_err(broken)?;
    Ok(strings(&weights, "layer_names")?.map(|layers| (weights, layers)))
}

#[derive(Default)]
struct Found {
    tensors: BTreeMap<String, Dataset>,
    groups: usize,
}

impl Found {
    fn legacy(&mut self, weights: &Group, layers: &[String]) -> Result<(), String> {
        for layer in layers {
            let group = weights
                .group(layer)
                .map_err(|error| format!("its layer `{}` cannot be read ({error})", shown(layer)))?;
            let names = strings(&group, "weight_names")?.unwrap_or_default();
            // A model used as a layer stores the weights of all its layers together, distinguished by their names.
            let owner = |name: &str| name.rsplit('/').nth(1).map(str::to_owned);
            let several = names.windows(2).any(|pair| owner(&pair[0]) != owner(&pair[1]));
            let mut place = 0;
            let mut before = None;
            for name in &names {
                let own = if several { owner(name) } else { None };
                if own != before {
                    place = 0;
                    before.clone_from(&own);
                }
                let dataset = descend(&group, name)
                    .map_err(|error| format!("its weights `{}` cannot be read ({error})", shown(name)))?;
                self.add(own.as_deref().unwrap_or(layer), place, dataset)?;
                place += 1;
            }
        }
        Ok(())
    }

    /// Looks for groups `vars` below `group`, which is called `own`.
    fn variables(&mut self, group: &Group, own: &str, depth: usize) -> Result<(), String> {
        self.groups += 1;
        if depth > MAX_DEPTH || self.groups > MAX_GROUPS {
            return Err("its groups are nested without end".into());
        }
        for inner in group.groups().map_err(broken)? {
            if inner.name() != "vars" {
                self.variables(&inner, inner.name(), depth + 1)?;
                continue;
            }
            let named = inner.attribute("name").ok().and_then(|name| name.read_string().ok());
            for dataset in inner.datasets().map_err(broken)? {
                if let Ok(place) = dataset.name().rsplit('/').next().unwrap_or_default().parse() {
                    self.add(named.as_deref().unwrap_or(own), place, dataset)?;
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, layer: &str, place: usize, dataset: Dataset) -> Result<(), String> {
        if self.tensors.len() >= MAX_TENSORS {
            return Err(format!("it has more than {MAX_TENSORS} tensors, which no network needs"));
        }
        match self.tensors.insert(format!("{layer}/{place}"), dataset) {
            Some(_) => Err(format!("it has two layers called `{}`", shown(layer))),
            None => Ok(()),
        }
    }
}

/// The dataset at a path below a group.
fn descend(group: &Group, path: &str) -> Result<Dataset, String> {
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let last = parts.pop().ok_or("it has no name")?;
    if parts.len() > MAX_DEPTH {
        return Err("its path is too long".into());
    }
    let folder = parts.iter().try_fold(None::<Group>, |at, part| {
        at.as_ref().unwrap_or(group).group(part).map(Some).map_err(|error| error.to_string())
    })?;
    folder.as_ref().unwrap_or(group).dataset(last).map_err(|error| error.to_string())
}

/// A list of strings among the attributes. Keras splits a list beyond 64 KiB into `NAME0`, `NAME1`, ...
fn strings(group: &Group, name: &str) -> Result<Option<Vec<String>>, String> {
    let attributes = group.attributes().map_err(broken)?;
    let one = |name: &str| {
        let attribute = attributes.iter().find(|attribute| attribute.name == name)?;
        // An empty list has the type of an empty numeric array.
        Some(match attribute.num_elements() {
            Ok(0) => Ok(Vec::new()),
            _ => attribute.read_strings(),
        })
    };
    let broken = |error| format!("its list `{name}` cannot be read ({error})");
    if let Some(list) = one(name) {
        return list.map(Some).map_err(broken);
    }
    let mut all = None;
    for part in (0..).map_while(|number| one(&format!("{name}{number}"))) {
        all.get_or_insert_with(Vec::new).extend(part.map_err(broken)?);
    }
    Ok(all)
}

fn info(dataset: &Dataset) -> TensorInfo {
    let width = dataset.raw_element_size().unwrap_or(0);
    let dtype = match dataset.dtype() {
        Datatype::FloatingPoint { size: 2, .. } => Dtype::F16,
        Datatype::FloatingPoint { size: 4, .. } => Dtype::F32,
        Datatype::FloatingPoint { size: 8, .. } => Dtype::F64,
        Datatype::FixedPoint { size: 8, signed: true, .. } => Dtype::I64,
        // Keras 3 writes bfloat16 as opaque values and records the type in an attribute.
        _ if width == 2 && says_bfloat16(dataset) => Dtype::Bf16,
        _ => Dtype::Other(u8::try_from(width).unwrap_or(u8::MAX)),
    };
    let shape: Vec<usize> = dataset.shape().iter().map(|&side| usize::try_from(side).unwrap_or(usize::MAX)).collect();
    // No network has a shape with too many axes; such a tensor is listed as unreadable.
    let dtype = if shape.len() > MAX_DIMENSIONS { Dtype::Other(u8::MAX) } else { dtype };
    TensorInfo { shape, dtype }
}

fn says_bfloat16(dataset: &Dataset) -> bool {
    dataset.attribute("dtype").and_then(|dtype| dtype.read_string()).is_ok_and(|dtype| dtype == "bfloat16")
}

fn broken(error: hdf5_reader::error::Error) -> String {
    format!("its HDF5 structure is damaged or truncated ({error})")
}

impl Reader for KerasFile {
    fn read(&self, name: &str, info: &TensorInfo) -> Result<Cow<'_, [u8]>, String> {
        let dataset = self.tensors.get(name).ok_or("is not there")?;
        // Values are in the machine's byte order, which is little-endian wherever this program runs.
        let bytes = if info.dtype == Dtype::Bf16 { dataset.read_raw_bytes() } else { dataset.read_native_bytes() };
        bytes.map(Cow::Owned).map_err(|error| format!("cannot be read ({error})"))
    }
}
