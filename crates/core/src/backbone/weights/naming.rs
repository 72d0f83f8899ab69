//! Which tensor of a foreign file is which parameter of a network.
//!
//! The canonical names are those of one reference implementation for each network, and the list of parameters is in the
//! order in which that implementation (and Keras, and timm) makes its layers. So a convention is a list of the foreign
//! names of the same layers in the same order, and a rule for the names of a layer's weights.

use super::super::format::{Checkpoint, Dtype, Format, shown};
use super::super::tokens::POSITIONS;
use super::keras_names;
use super::renamed::Family;
use std::collections::{BTreeMap, BTreeSet};

/// A convention by which files name the weights of a network; the registry lists those of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// The canonical names themselves, called so in sentences.
    Canonical(&'static str),
    /// timm's for networks of inverted bottlenecks, with the number of blocks in each of their stages.
    TimmBlocks(&'static [usize]),
    /// `block1_conv1`, ... of `keras.applications.VGG16`.
    KerasVgg16,
    /// `Conv1`, `expanded_conv_depthwise`, `block_1_expand`, ... of `keras.applications.MobileNetV2`.
    KerasMobileNetV2,
    /// `conv2d_N`, `batch_normalization_N`, `block35_1_conv`, ... of `keras.applications.InceptionResNetV2`. N goes on
    /// from whatever the session had made before, so layers go by their order.
    KerasInceptionResNetV2,
    /// `block2_sepconv1`, ... of `keras.applications.Xception`; a separable convolution's two kernels are one layer's.
    /// The convolutions beside blocks have made-up names, `conv2d_N` and `batch_normalization_N`.
    KerasXception,
    /// Layers without names, counted by class in the order of the model: `.weights.h5` of Keras 3 before 3.6.
    KerasCounted,
    /// `keras.applications.VGG16` as tf2onnx writes it: `MODEL/block1_conv1_1/convolution/ReadVariableOp:0`.
    Tf2OnnxVgg16,
    /// Keras layers in a graph that TensorFlow froze and simplified, as TensorFlow.js has them: what a normalisation
    /// multiplies by is in the kernel before it (`conv_pw_1/convolution/merged_input`), but for depthwise kernels
    /// (`conv_dw_1/depthwise_kernel`, `conv_dw_1_bn/batchnorm_1/mul`); what it adds is `conv_pw_1_bn/batchnorm_1/sub`.
    FrozenKeras,
    /// `Dinov2Model` of Hugging Face, and torch's export of it to ONNX.
    HuggingFaceDinov2,
    /// `CLIPVisionModel` of Hugging Face, alone or within a `CLIPModel`.
    HuggingFaceClip,
    /// timm's of ConvNeXt: `stem.0`, `stages.0.blocks.0.conv_dw`, `stages.1.downsample.1`.
    TimmConvNext,
}

/// A convolution or a batch normalisation of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// Its canonical name: that of its parameters without the last part.
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Conv,
    /// One kernel for each channel.
    Depthwise,
    Dense,
    Norm,
}

/// How values lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    AsIs,
    /// Rows, columns, in, out; wanted are out, in, rows, columns.
    Hwio,
    /// Rows, columns, channels, 1; wanted are channels, 1, rows, columns.
    Hwc1,
    /// In, out; wanted are out, in.
    Io,
    /// In order, whatever axes of length 1 there are besides.
    Flat,
}

/// Where a parameter comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Tensor {
        name: String,
        layout: Layout,
    },
    /// A kernel, and a tensor with what each output is multiplied by.
    Scaled {
        name: String,
        layout: Layout,
        factor: String,
    },
    /// Several, one behind the other along the first axis.
    Stacked(Vec<(String, Layout)>),
    /// Position embeddings for some square number of patches, which are resized to that of the network; antialiased or
    /// not, as the framework does that the file is of. Several are one behind the other.
    Positions {
        names: Vec<String>,
        antialiased: bool,
    },
    /// The convention has no such tensor, because it is 1 (gamma of a normalisation made without scale).
    Ones,
}

/// Names and shapes, in the order of the network.
pub(super) type Parameters = [(String, Vec<usize>)];

/// A complete assignment: every parameter has its origin in the right shape, and nothing within the network's own modules
/// is left over.
#[derive(Debug)]
pub(super) struct Assignment {
    /// One for each parameter, in their order.
    pub(super) origins: Vec<Origin>,
    /// What the file has besides: the classifier, counters of training, other modules.
    pub(super) passed_over: Vec<String>,
    /// What stands before all names of the network in the file.
    prefix: String,
}

impl Assignment {
    /// What is taken and what is not, for a sentence that begins with the format.
    pub(super) fn words(&self) -> String {
        let (taken, passed) = (self.origins.len(), self.passed_over.len());
        let besides = match passed {
            0 => String::new(),
            _ => format!("; passed over, since they are none of the network's: {passed}: {}", some(&self.passed_over)),
        };
        format!("{taken} tensors taken{}{besides}", under(&self.prefix))
    }
}

/// Finds the convention that fits best, and checks that nothing is missing, left over or of another shape.
///
/// # Errors
/// A reason that says exactly what.
pub(super) fn assign(
    title: &str,
    conventions: &[Names],
    parameters: &Parameters,
    file: &Checkpoint,
) -> Result<Assignment, String> {
    // Of equals, the first.
    let there = |reading: &Reading| reading.origins.iter().filter(|origin| is_there(origin, file)).count();
    let readings = conventions.iter().rev().map(|names| (names, names.read(parameters, file)));
    let best = readings.max_by_key(|(_, reading)| there(reading)).filter(|(_, reading)| there(reading) > 0);
    let Some((names, reading)) = best else {
        let names: Vec<String> = file.tensors().keys().cloned().collect();
        return Err(format!("none of its {} tensors is named as those of {title}: {}", names.len(), some(&names)));
    };
    let Reading { origins, prefixes, .. } = &reading;
    let used: BTreeSet<&str> = origins.iter().flat_map(tensors_of).collect();
    let (passed_over, left): (Vec<String>, Vec<String>) = file
        .tensors()
        .keys()
        .filter(|name| !used.contains(name.as_str()))
        .cloned()
        .partition(|name| names.is_company(name, &reading, file));
    let absent = |name: &&str| !file.tensors().contains_key(*name);
    let missing: Vec<String> = origins.iter().flat_map(tensors_of).filter(absent).map(str::to_owned).collect();
    if missing.is_empty() && !prefixes.others.is_empty() {
        let at =
            |prefix: &String| if prefix.is_empty() { "the top".to_owned() } else { format!("`{}`", shown(prefix)) };
        let all: Vec<String> = std::iter::once(&prefixes.best).chain(&prefixes.others).map(at).collect();
        return Err(format!(
            "it holds {title} {} times, under {}: save the state_dict() of the one that you mean alone",
            all.len(),
            some(&all)
        ));
    }
    let mut faults = Vec::new();
    for (what, names) in [("missing", missing), ("left over", left)] {
        if !names.is_empty() {
            let tensors = if names.len() == 1 { "tensor" } else { "tensors" };
            faults.push(format!("{} {tensors} {what}: {}", names.len(), some(&names)));
        }
    }
    let shapes = parameters.iter().zip(origins).filter_map(|((_, wanted), origin)| another_shape(wanted, origin, file));
    let shapes: Vec<String> = shapes.collect();
    if !shapes.is_empty() {
        faults.push(some(&shapes));
    }
    if faults.is_empty() {
        Ok(Assignment { origins: reading.origins, passed_over, prefix: reading.prefixes.best })
    } else {
        Err(format!("by the names of {}{} it has {}", names.title(), under(&prefixes.best), faults.join("; ")))
    }
}

fn tensors_of(origin: &Origin) -> Vec<&str> {
    match origin {
        Origin::Tensor { name, .. } => vec![name],
        Origin::Scaled { name, factor, .. } => vec![name, factor],
        Origin::Stacked(parts) => parts.iter().map(|(name, _)| name.as_str()).collect(),
        Origin::Positions { names, .. } => names.iter().map(String::as_str).collect(),
        Origin::Ones => Vec::new(),
    }
}

fn is_there(origin: &Origin, file: &Checkpoint) -> bool {
    let tensors = tensors_of(origin);
    !tensors.is_empty() && tensors.iter().all(|name| file.tensors().contains_key(*name))
}

/// What is wrong with the shape of a tensor that is there.
fn another_shape(wanted: &[usize], origin: &Origin, file: &Checkpoint) -> Option<String> {
    let (name, layout) = match origin {
        Origin::Ones => return None,
        Origin::Stacked(parts) => {
            let [outputs, rest @ ..] = wanted else { return None };
            let part: Vec<usize> = [&[outputs / parts.len().max(1)], rest].concat();
            let tensors = parts.iter().map(|(name, layout)| Origin::Tensor { name: name.clone(), layout: *layout });
            return tensors.into_iter().find_map(|tensor| another_shape(&part, &tensor, file));
        }
        Origin::Positions { names, .. } => return other_positions(wanted, names, file),
        Origin::Tensor { name, layout } => (name, layout),
        Origin::Scaled { name, layout, factor } => {
            let outputs = wanted.first().copied().unwrap_or_default();
            let factor = Origin::Tensor { name: factor.clone(), layout: Layout::AsIs };
            if let Some(fault) = another_shape(&[outputs], &factor, file) {
                return Some(fault);
            }
            (name, layout)
        }
    };
    let info = file.tensors().get(name)?;
    let expected: Vec<usize> = match (layout, wanted) {
        (Layout::Hwio, &[out, input, rows, columns]) => vec![rows, columns, input, out],
        (Layout::Hwc1, &[channels, one, rows, columns]) => vec![rows, columns, channels, one],
        (Layout::Io, &[out, input]) => vec![input, out],
        _ => wanted.to_vec(),
    };
    let long = |shape: &[usize]| shape.iter().copied().filter(|&side| side != 1).collect::<Vec<_>>();
    let same = info.shape == expected || (*layout == Layout::Flat && long(&info.shape) == long(&expected));
    let fits = same && !matches!(info.dtype, Dtype::I64 | Dtype::Other(_));
    (!fits).then(|| {
        if same {
            format!("`{}` holds other numbers than floats", shown(name))
        } else {
            format!("`{}` has the shape {:?} instead of {expected:?}", shown(name), info.shape)
        }
    })
}

/// What is wrong with position embeddings that are there: they are one for the class token and one for each place of a
/// square, as wide as wanted.
fn other_positions(wanted: &[usize], names: &[String], file: &Checkpoint) -> Option<String> {
    let width = wanted.last().copied().unwrap_or_default();
    let mut count = 0_usize;
    for name in names {
        let info = file.tensors().get(name)?;
        let (last, before) = info.shape.split_last()?;
        if *last != width || matches!(info.dtype, Dtype::I64 | Dtype::Other(_)) {
            return Some(format!("`{}` has the shape {:?} instead of [1, places, {width}]", shown(name), info.shape));
        }
        count = before.iter().try_fold(1_usize, |product, side| product.checked_mul(*side))?.checked_add(count)?;
    }
    let places = count.saturating_sub(1);
    let square = places > 0 && places.isqrt().pow(2) == places;
    (!square).then(|| format!("{} has {count} places, which are not a class token and a square", some(names)))
}

/// The first of many.
pub(super) fn some(items: &[String]) -> String {
    let shown = items.iter().take(5).map(|item| item.chars().filter(|c| !c.is_control()).take(120).collect());
    let shown = shown.collect::<Vec<String>>().join(", ");
    if items.len() > 5 { format!("{shown} and {} more", items.len() - 5) } else { shown }
}

/// The layers that parameters belong to.
fn layers(parameters: &Parameters) -> Vec<Layer> {
    let mut layers: Vec<Layer> = Vec::new();
    for (parameter, shape) in parameters {
        let (name, _) = split(parameter);
        if layers.last().is_some_and(|layer| layer.name == name) {
            continue;
        }
        let kind = match shape.as_slice() {
            [channels, 1, _, _] if *channels > 1 => Kind::Depthwise,
            [_, _, _, _] => Kind::Conv,
            [_, _] => Kind::Dense,
            _ => Kind::Norm,
        };
        layers.push(Layer { name: name.to_owned(), kind });
    }
    layers
}

/// A parameter's layer, and its name within.
fn split(parameter: &str) -> (&str, &str) {
    parameter.rsplit_once('.').unwrap_or(("", parameter))
}

impl Names {
    /// As a sentence names the convention.
    fn title(self) -> &'static str {
        match self {
            Self::Canonical(title) => title,
            Self::TimmBlocks(_) | Self::TimmConvNext => "timm",
            Self::KerasVgg16 | Self::KerasMobileNetV2 | Self::KerasInceptionResNetV2 | Self::KerasXception => "Keras",
            Self::KerasCounted => "Keras layers counted by class",
            Self::Tf2OnnxVgg16 => "tf2onnx",
            Self::FrozenKeras => "a frozen graph of Keras layers",
            Self::HuggingFaceDinov2 | Self::HuggingFaceClip => "Hugging Face",
        }
    }

    /// The table of its names, where it has one.
    fn family(self) -> Option<Family> {
        match self {
            Self::HuggingFaceDinov2 => Some(Family::Dinov2),
            Self::HuggingFaceClip => Some(Family::Clip),
            Self::TimmConvNext => Some(Family::ConvNext),
            _ => None,
        }
    }

    /// Where each parameter would come from in this file.
    fn read(self, parameters: &Parameters, file: &Checkpoint) -> Reading {
        if let Some(family) = self.family() {
            let own: BTreeSet<String> = parameters.iter().flat_map(|(name, _)| family.names(name)).collect();
            let prefixes = Prefixes::of(&own, file);
            let origin = |(name, _): &(String, Vec<usize>)| family.origin(name, &prefixes.best, file);
            let origins = parameters.iter().map(origin).collect();
            let modules = own.iter().map(|name| first_part(name).to_owned()).collect();
            return Reading { origins, prefixes, modules };
        }
        let layers = layers(parameters);
        let mut foreign = match self {
            Self::Canonical(_) => layers.iter().map(|layer| layer.name.clone()).collect(),
            Self::TimmBlocks(stages) => timm_blocks(&layers, stages),
            Self::KerasVgg16 | Self::Tf2OnnxVgg16 => keras_names::vgg16(),
            Self::KerasMobileNetV2 => keras_names::mobilenet_v2(&layers),
            Self::FrozenKeras => layers.iter().map(|layer| layer.name.clone()).collect(),
            Self::KerasInceptionResNetV2 => keras_names::inception_resnet_v2(&layers, file),
            Self::KerasXception => keras_names::xception(&layers, file),
            Self::KerasCounted => keras_names::counted(&layers, file),
            Self::HuggingFaceDinov2 | Self::HuggingFaceClip | Self::TimmConvNext => Vec::new(),
        };
        let mut prefixes = Prefixes::default();
        let modules = foreign.iter().map(|name: &String| first_part(name).to_owned()).collect();
        if matches!(self, Self::Canonical(_) | Self::TimmBlocks(_)) {
            let names: BTreeMap<&str, &String> = layers.iter().map(|layer| layer.name.as_str()).zip(&foreign).collect();
            let own = parameters.iter().filter_map(|(parameter, _)| {
                let (layer, part) = split(parameter);
                Some(joined(names.get(layer)?, part))
            });
            prefixes = Prefixes::of(&own.collect(), file);
            foreign.iter_mut().for_each(|name| name.insert_str(0, &prefixes.best));
        }
        let foreign: BTreeMap<&str, (&Layer, &String)> =
            layers.iter().zip(&foreign).map(|(layer, foreign)| (layer.name.as_str(), (layer, foreign))).collect();
        let origins = parameters
            .iter()
            .map(|(parameter, _)| {
                let (name, part) = split(parameter);
                match foreign.get(name) {
                    Some((layer, foreign)) => self.origin(layer.kind, foreign, part, file),
                    // A convention that is too short for the network lacks the rest.
                    None => Origin::Tensor { name: format!("(no name for {parameter})"), layout: Layout::AsIs },
                }
            })
            .collect();
        Reading { origins, prefixes, modules }
    }

    fn origin(self, kind: Kind, foreign: &str, part: &str, file: &Checkpoint) -> Origin {
        let tensor = |name: String| Origin::Tensor { name, layout: Layout::AsIs };
        match self {
            Self::Canonical(_) if part == POSITIONS => {
                Origin::Positions { names: vec![joined(foreign, part)], antialiased: true }
            }
            Self::Canonical(_) | Self::TimmBlocks(_) => tensor(joined(foreign, part)),
            Self::Tf2OnnxVgg16 => tensor(tf2onnx(foreign, part, file)),
            Self::FrozenKeras => frozen(kind, foreign, part),
            _ => keras_origin(kind, foreign, part, file),
        }
    }

    /// True for what files have besides the network's parameters: other modules beside the network, classifiers of
    /// whatever size among them, and counters that only training reads. What is within the network's own modules and none
    /// of its parameters is of another network.
    fn is_company(self, name: &str, reading: &Reading, file: &Checkpoint) -> bool {
        let starts = |part: &str, heads: &[&str]| heads.iter().any(|head| part.to_lowercase().starts_with(head));
        // Integers in ONNX are shapes and axes.
        let integers =
            matches!(file.tensors().get(name), Some(info) if matches!(info.dtype, Dtype::I64 | Dtype::Other(_)));
        match self {
            Self::Canonical(_)
            | Self::TimmBlocks(_)
            | Self::HuggingFaceDinov2
            | Self::HuggingFaceClip
            | Self::TimmConvNext => {
                let Some(own) = name.strip_prefix(reading.prefixes.best.as_str()) else { return true };
                own.ends_with(".num_batches_tracked")
                    || !reading.modules.contains(first_part(own))
                    || (integers && (file.format() == Format::Onnx || self.family().is_some()))
                    // What training puts in the place of hidden patches.
                    || (self == Self::HuggingFaceDinov2 && own == "embeddings.mask_token")
            }
            Self::Tf2OnnxVgg16 => {
                integers
                    || name.split('/').any(|part| starts(part, &["dense", "fc", "predictions", "batch_normalization"]))
            }
            // The bounds of activations, axes, and heads that the network has no use for.
            Self::FrozenKeras => {
                integers
                    || file.tensors()[name].shape.is_empty()
                    || starts(name, &["age_pred", "dense", "fc", "predictions"])
            }
            _ => starts(name, &["dense", "fc", "predictions", "logits", "optimizer"]),
        }
    }
}

/// A parameter's name from that of its layer, of which those that have none are left.
fn joined(layer: &str, part: &str) -> String {
    if layer.is_empty() || layer.ends_with('.') { format!("{layer}{part}") } else { format!("{layer}.{part}") }
}

/// The module at the top that a tensor or layer belongs to.
fn first_part(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// A file by the names of one convention.
struct Reading {
    /// One for each parameter, in their order.
    origins: Vec<Origin>,
    prefixes: Prefixes,
    /// What the names of the network's own tensors begin with, behind the prefix.
    modules: BTreeSet<String>,
}

/// What stands before the names of a network's parameters in a file: data parallel training, `torch.compile`, Lightning
/// and a study's own module put their names there.
#[derive(Debug, Default)]
struct Prefixes {
    /// Under which most of the parameters are; of equals, the shortest.
    best: String,
    /// Others under which as many are.
    others: Vec<String>,
}

impl Prefixes {
    /// `own` are the names of the parameters without a prefix.
    fn of(own: &BTreeSet<String>, file: &Checkpoint) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for name in file.tensors().keys() {
            let starts = std::iter::once(0).chain(name.match_indices('.').map(|(at, _)| at + 1));
            for start in starts.filter(|&start| own.contains(&name[start..])) {
                *counts.entry(&name[..start]).or_default() += 1;
            }
        }
        let most = counts.values().copied().max().unwrap_or(0);
        let mut best: Vec<&str> =
            counts.iter().filter(|(_, count)| **count == most).map(|(prefix, _)| *prefix).collect();
        best.sort_by_key(|prefix| prefix.len());
        let mut best = best.into_iter().map(str::to_owned);
        Self { best: best.next().unwrap_or_default(), others: best.collect() }
    }
}

/// As a sentence names a prefix.
fn under(prefix: &str) -> String {
    if prefix.is_empty() { String::new() } else { format!(" under `{}`", shown(prefix)) }
}

/// timm's names of the layers: `conv_stem`, `bn1`, `blocks.STAGE.BLOCK.conv_pw`, ..., `conv_head`, `bn2`.
fn timm_blocks(layers: &[Layer], stages: &[usize]) -> Vec<String> {
    let mut names: Vec<String> = vec!["conv_stem".into(), "bn1".into()];
    for (stage, &blocks) in stages.iter().enumerate() {
        for block in 0..blocks {
            // The first stage does not widen.
            let parts: &[&str] = if stage == 0 {
                &["conv_dw", "bn1", "conv_pw", "bn2"]
            } else {
                &["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"]
            };
            names.extend(parts.iter().map(|part| format!("blocks.{stage}.{block}.{part}")));
        }
    }
    names.extend(["conv_head".into(), "bn2".into()]);
    names.truncate(layers.len());
    names
}

/// The place of a weight among those of a Keras layer.
fn keras_origin(kind: Kind, layer: &str, part: &str, file: &Checkpoint) -> Origin {
    // Both kernels of a separable convolution are weights of one layer, the depthwise one first.
    if let Some(layer) = layer.strip_suffix(".pointwise") {
        return Origin::Tensor { name: format!("{layer}/1"), layout: Layout::Hwio };
    }
    let layer = layer.strip_suffix(".depthwise").unwrap_or(layer);
    let at = |place: usize| format!("{layer}/{place}");
    let has = |place: usize| file.tensors().contains_key(&at(place));
    // Gamma is left out by `scale=False`; then three weights are there instead of four.
    let without_gamma = kind == Kind::Norm && has(2) && !has(3);
    let place = match (kind, part) {
        (Kind::Norm, "weight") if without_gamma => return Origin::Ones,
        (_, "weight") => 0,
        (_, "bias") => 1,
        (_, "running_mean") => 2,
        _ => 3,
    };
    let layout = match (kind, part) {
        (Kind::Conv, "weight") => Layout::Hwio,
        (Kind::Depthwise, "weight") => Layout::Hwc1,
        _ => Layout::AsIs,
    };
    Origin::Tensor { name: at(place - usize::from(without_gamma)), layout }
}

/// A weight of a frozen Keras layer.
fn frozen(kind: Kind, layer: &str, part: &str) -> Origin {
    let norm = |what: &str| format!("{layer}_bn/batchnorm_1/{what}");
    let tensor = |name: String, layout: Layout| Origin::Tensor { name, layout };
    match (kind, part) {
        (Kind::Depthwise, "weight") => {
            Origin::Scaled { name: format!("{layer}/depthwise_kernel"), layout: Layout::Hwc1, factor: norm("mul") }
        }
        (Kind::Dense, "weight") => tensor(format!("{layer}/kernel"), Layout::Io),
        (Kind::Dense, _) => tensor(format!("{layer}/bias"), Layout::AsIs),
        (_, "weight") => tensor(format!("{layer}/convolution/merged_input"), Layout::Hwio),
        _ => tensor(norm("sub"), Layout::AsIs),
    }
}

/// The initializer of a Keras layer's kernel or bias in a file of tf2onnx, where it is called after the operation that
/// took it: `MODEL/LAYER_1/convolution/ReadVariableOp:0`, `MODEL/LAYER_1/Squeeze:0`; with older versions `Conv2D` and
/// `BiasAdd`. Kernels are already out, in, rows, columns there.
fn tf2onnx(layer: &str, part: &str, file: &Checkpoint) -> String {
    let operations: &[&str] = if part == "weight" { &["convolution", "Conv2D"] } else { &["Squeeze", "BiasAdd"] };
    let is_layer = |part: &str| {
        let copy = part.strip_prefix(layer);
        copy.is_some_and(|rest| {
            rest.is_empty()
                || rest.strip_prefix('_').is_some_and(|n| !n.is_empty() && n.bytes().all(|c| c.is_ascii_digit()))
        })
    };
    let fits = |name: &&String| {
        let parts: Vec<&str> = name.split('/').collect();
        parts
            .windows(2)
            .any(|pair| is_layer(pair[0]) && operations.contains(&pair[1].split(':').next().unwrap_or_default()))
    };
    file.tensors().keys().find(fits).cloned().unwrap_or_else(|| format!("{layer}/{}", operations[0]))
}
