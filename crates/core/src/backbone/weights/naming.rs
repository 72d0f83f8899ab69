//! Naming conventions: the names under which foreign files store the parameters of a network.
//!
//! The canonical names are those of one reference implementation per network, and its parameters are listed in the
//! order in which that implementation (and Keras, and timm) creates its layers. So a convention is a list of the
//! foreign names of the same layers in the same order, and a rule for the names of a layer's weights.

use super::super::format::{Checkpoint, Dtype, Format};
use super::super::tokens::POSITIONS;
use super::keras_names;
use super::renamed::Family;
use std::collections::{BTreeMap, BTreeSet};

/// A naming convention of weight files; the registry lists those of each network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// The canonical names themselves, with their title in sentences.
    Canonical(&'static str),
    /// timm's for networks of inverted bottlenecks, with the number of blocks of each stage.
    TimmBlocks(&'static [usize]),
    /// `block1_conv1`, ... of `keras.applications.VGG16`.
    KerasVgg16,
    /// `Conv1`, `expanded_conv_depthwise`, `block_1_expand`, ... of `keras.applications.MobileNetV2`.
    KerasMobileNetV2,
    /// `conv2d_N`, `batch_normalization_N`, `block35_1_conv`, ... of `keras.applications.InceptionResNetV2`. N
    /// continues the numbering of the session, so layers are matched by their order.
    KerasInceptionResNetV2,
    /// `block2_sepconv1`, ... of `keras.applications.Xception`; a separable convolution's two kernels are in one layer.
    /// Shortcut convolutions have generated names, `conv2d_N` and `batch_normalization_N`.
    KerasXception,
    /// Unnamed layers, numbered by class in the order of the model: `.weights.h5` of Keras 3 before 3.6.
    KerasCounted,
    /// `keras.applications.VGG16` as tf2onnx writes it: `MODEL/block1_conv1_1/convolution/ReadVariableOp:0`.
    Tf2OnnxVgg16,
    /// Keras layers in a graph that TensorFlow froze and simplified, as in TensorFlow.js: the scale of a normalisation
    /// is folded into the kernel before it (`conv_pw_1/convolution/merged_input`), except for depthwise kernels
    /// (`conv_dw_1/depthwise_kernel`, `conv_dw_1_bn/batchnorm_1/mul`); its offset is `conv_pw_1_bn/batchnorm_1/sub`.
    FrozenKeras,
    /// `Dinov2Model` of Hugging Face, and torch's export of it to ONNX.
    HuggingFaceDinov2,
    /// `CLIPVisionModel` of Hugging Face, alone or in a `CLIPModel`.
    HuggingFaceClip,
    /// timm's for ConvNeXt: `stem.0`, `stages.0.blocks.0.conv_dw`, `stages.1.downsample.1`.
    TimmConvNext,
}

/// A convolution or a batch normalisation of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layer {
    /// Its canonical name: the parameters' names without the last part.
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Conv,
    /// A depthwise kernel: one filter per channel.
    Depthwise,
    Dense,
    Norm,
}

/// The layout of a tensor in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    AsIs,
    /// Rows, columns, in, out; the canonical order is out, in, rows, columns.
    Hwio,
    /// Rows, columns, channels, 1; the canonical order is channels, 1, rows, columns.
    Hwc1,
    /// In, out; the canonical order is out, in.
    Io,
    /// In canonical order, apart from axes of length 1.
    Flat,
}

/// The tensors that a parameter is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    Tensor {
        name: String,
        layout: Layout,
    },
    /// A kernel, and a tensor with a factor for each output.
    Scaled {
        name: String,
        layout: Layout,
        factor: String,
    },
    /// Several tensors, concatenated along the first axis.
    Stacked(Vec<(String, Layout)>),
    /// Position embeddings for a square number of patches, which are resized to the network's; with or without
    /// antialiasing, as the file's framework does. Several tensors are concatenated.
    Positions {
        names: Vec<String>,
        antialiased: bool,
    },
    /// A tensor of ones, which the convention leaves out (gamma of a normalisation made without scale).
    Ones,
}

/// Names and shapes, in the order of the network.
pub(super) type Parameters = [(String, Vec<usize>)];

/// The layers of the parameters.
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

/// A parameter's layer, and its name within it.
fn split(parameter: &str) -> (&str, &str) {
    parameter.rsplit_once('.').unwrap_or(("", parameter))
}

impl Names {
    /// The convention's name in sentences.
    pub(super) fn title(self) -> &'static str {
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

    /// The origin of each parameter in this file.
    pub(super) fn read(self, parameters: &Parameters, file: &Checkpoint) -> Reading {
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
                    // A parameter for which the convention has no name is missing.
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

    /// True for tensors besides the network's parameters: other modules, classifiers of any size among them, and
    /// counters that only training uses. A tensor within the network's own modules that is none of its parameters
    /// belongs to another network.
    pub(super) fn is_company(self, name: &str, reading: &Reading, file: &Checkpoint) -> bool {
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
                    // DINOv2 training replaces masked patches by this token.
                    || (self == Self::HuggingFaceDinov2 && own == "embeddings.mask_token")
            }
            Self::Tf2OnnxVgg16 => {
                integers
                    || name.split('/').any(|part| starts(part, &["dense", "fc", "predictions", "batch_normalization"]))
            }
            // Bounds of activations, axes, and heads that are not used.
            Self::FrozenKeras => {
                integers
                    || file.tensors()[name].shape.is_empty()
                    || starts(name, &["age_pred", "dense", "fc", "predictions"])
            }
            _ => starts(name, &["dense", "fc", "predictions", "logits", "optimizer"]),
        }
    }
}

/// A parameter's name from that of its layer, which is empty for parameters without one.
fn joined(layer: &str, part: &str) -> String {
    if layer.is_empty() || layer.ends_with('.') { format!("{layer}{part}") } else { format!("{layer}.{part}") }
}

/// The top-level module of a tensor or layer.
fn first_part(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

/// The names of one convention, applied to a file.
pub(super) struct Reading {
    /// One for each parameter, in their order.
    pub(super) origins: Vec<Origin>,
    pub(super) prefixes: Prefixes,
    /// The first part of the names of the network's own tensors, after the prefix.
    modules: BTreeSet<String>,
}

/// Prefixes of a network's parameter names in a file, as added by data parallel training, `torch.compile`, Lightning or
/// a user's own module.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// The prefix of most parameters; ties go to the shortest.
    pub(super) best: String,
    /// Other prefixes of as many parameters.
    pub(super) others: Vec<String>,
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

/// timm's names of the layers: `conv_stem`, `bn1`, `blocks.STAGE.BLOCK.conv_pw`, ..., `conv_head`, `bn2`.
fn timm_blocks(layers: &[Layer], stages: &[usize]) -> Vec<String> {
    let mut names: Vec<String> = vec!["conv_stem".into(), "bn1".into()];
    for (stage, &blocks) in stages.iter().enumerate() {
        for block in 0..blocks {
            // The first stage does not expand.
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

/// The origin of a weight by its index within a Keras layer.
fn keras_origin(kind: Kind, layer: &str, part: &str, file: &Checkpoint) -> Origin {
    // Both kernels of a separable convolution are weights of one layer, the depthwise one first.
    if let Some(layer) = layer.strip_suffix(".pointwise") {
        return Origin::Tensor { name: format!("{layer}/1"), layout: Layout::Hwio };
    }
    let layer = layer.strip_suffix(".depthwise").unwrap_or(layer);
    let at = |place: usize| format!("{layer}/{place}");
    let has = |place: usize| file.tensors().contains_key(&at(place));
    // `scale=False` leaves out gamma; then there are three weights instead of four.
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

/// The initializer of a Keras layer's kernel or bias in a file of tf2onnx, named after the operation that uses it:
/// `MODEL/LAYER_1/convolution/ReadVariableOp:0`, `MODEL/LAYER_1/Squeeze:0`; in older versions `Conv2D` and `BiasAdd`.
/// Kernels are already in the order out, in, rows, columns.
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
