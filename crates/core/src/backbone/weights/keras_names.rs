//! The layer names of Keras applications, in the order of the network.

use super::super::format::Checkpoint;
use super::naming::{Kind, Layer};

/// Convolutions in each block of VGG16.
const VGG16: [usize; 5] = [2, 2, 3, 3, 3];

/// `keras.applications.VGG16`: `block1_conv1` ... `block5_conv3`.
pub(super) fn vgg16() -> Vec<String> {
    let blocks = (1..).zip(VGG16);
    blocks.flat_map(|(block, convs)| (1..=convs).map(move |conv| format!("block{block}_conv{conv}"))).collect()
}

/// `keras.applications.MobileNetV2`: `Conv1`, `bn_Conv1`, `expanded_conv_depthwise`, ..., `block_1_expand`, ...,
/// `Conv_1`, `Conv_1_bn`. Normalisations in blocks are called after their convolution.
pub(super) fn mobilenet_v2(layers: &[Layer]) -> Vec<String> {
    let mut names: Vec<String> = vec!["Conv1".into(), "bn_Conv1".into()];
    let middle = layers.len().saturating_sub(4);
    let mut block = 0;
    while names.len() < middle + 2 {
        let (start, parts): (String, &[&str]) = match block {
            0 => ("expanded_conv".into(), &["depthwise", "project"]),
            _ => (format!("block_{block}"), &["expand", "depthwise", "project"]),
        };
        names.extend(parts.iter().flat_map(|part| [format!("{start}_{part}"), format!("{start}_{part}_BN")]));
        block += 1;
    }
    names.extend(["Conv_1".into(), "Conv_1_bn".into()]);
    names
}

/// `keras.applications.InceptionResNetV2`: most layers have the names that Keras generates, `conv2d_N` and
/// `batch_normalization_N`, numbered in order of creation.
pub(super) fn inception_resnet_v2(layers: &[Layer], file: &Checkpoint) -> Vec<String> {
    let (mut convs, mut norms) = (Counted::new("conv2d", file), Counted::new("batch_normalization", file));
    layers.iter().map(|layer| inception_resnet_v2_layer(layer, &mut convs, &mut norms)).collect()
}

fn inception_resnet_v2_layer(layer: &Layer, convs: &mut Counted, norms: &mut Counted) -> String {
    let parts: Vec<&str> = layer.name.split('.').collect();
    match parts.as_slice() {
        ["conv2d_7b", "conv"] => "conv_7b".into(),
        ["conv2d_7b", "bn"] => "conv_7b_bn".into(),
        // The last of the 8 x 8 blocks has no ReLU and is a separate module in timm.
        ["block8", "conv2d"] => "block8_10_conv".into(),
        [row @ ("repeat" | "repeat_1" | "repeat_2"), place, "conv2d"] => {
            let kind = match *row {
                "repeat" => "block35",
                "repeat_1" => "block17",
                _ => "block8",
            };
            let place = place.parse::<usize>().map_or(0, |place| place + 1);
            format!("{kind}_{place}_conv")
        }
        _ if layer.kind == Kind::Norm => norms.next(),
        _ => convs.next(),
    }
}

/// `keras.applications.Xception`: the shortcut convolutions and their normalisations have the names that Keras
/// generates, numbered in order of creation.
pub(super) fn xception(layers: &[Layer], file: &Checkpoint) -> Vec<String> {
    let (mut convs, mut norms) = (Counted::new("conv2d", file), Counted::new("batch_normalization", file));
    let name = |layer: &Layer| match layer.kind {
        _ if !layer.name.contains("_shortcut") => layer.name.clone(),
        Kind::Norm => norms.next(),
        _ => convs.next(),
    };
    layers.iter().map(name).collect()
}

/// Layers numbered by class in the order of `model.layers`.
///
/// That order is by distance from the output, and then by creation. In a chain of layers it is the order of the
/// network; within a block of branches, the first layers of longer branches come before those of shorter ones.
pub(super) fn counted(layers: &[Layer], file: &Checkpoint) -> Vec<String> {
    let mut classes =
        [("conv2d", Kind::Conv), ("depthwise_conv2d", Kind::Depthwise), ("batch_normalization", Kind::Norm)]
            .map(|(class, kind)| (kind, Counted::new(class, file)));
    let mut separable = Counted::new("separable_conv2d", file);
    let mut last = String::new();
    let mut names = vec![String::new(); layers.len()];
    for place in model_order(layers) {
        // One layer of Keras is two here.
        if layers[place].name.ends_with(".depthwise") {
            last = separable.next();
            names[place] = format!("{last}.depthwise");
            continue;
        }
        if layers[place].name.ends_with(".pointwise") {
            names[place] = format!("{last}.pointwise");
            continue;
        }
        if let Some((_, counted)) = classes.iter_mut().find(|(kind, _)| *kind == layers[place].kind) {
            names[place] = counted.next();
        }
    }
    names
}

/// The index of each layer in the order of `model.layers`.
fn model_order(layers: &[Layer]) -> Vec<usize> {
    // Block and branch, for a layer that is in one: `mixed_5b.branch1.0.conv` is in branch1 of mixed_5b.
    let branch = |place: usize| {
        let parts: Vec<&str> = layers[place].name.split('.').collect();
        let at = parts.iter().position(|part| part.starts_with("branch"))?;
        Some((parts[..at].join("."), parts[at].to_owned()))
    };
    let mut order = Vec::with_capacity(layers.len());
    let mut place = 0;
    while place < layers.len() {
        let Some((block, _)) = branch(place) else {
            order.push(place);
            place += 1;
            continue;
        };
        let inside = |place: &usize| branch(*place).is_some_and(|(own, _)| own == block);
        let mut members: Vec<usize> = (place..layers.len()).take_while(inside).collect();
        place += members.len();
        // Layers after this one in its branch.
        let behind = |&place: &usize| members_behind(place, layers.len(), &branch);
        members.sort_by_key(|place| std::cmp::Reverse(behind(place)));
        order.extend(members);
    }
    order
}

/// The number of following layers in the same branch.
fn members_behind(place: usize, end: usize, branch: &impl Fn(usize) -> Option<(String, String)>) -> usize {
    let own = branch(place);
    (place + 1..end).take_while(|&other| branch(other) == own).count()
}

/// Layers of a file whose names are a word and a number: `conv2d`, `conv2d_1`, ...; numbering may begin anywhere.
struct Counted {
    word: &'static str,
    /// In ascending order.
    numbers: std::vec::IntoIter<u64>,
    last: Option<u64>,
}

impl Counted {
    fn new(word: &'static str, file: &Checkpoint) -> Self {
        let number = |name: &String| {
            let rest = name.strip_suffix("/0")?.strip_prefix(word)?;
            if rest.is_empty() {
                return Some(0);
            }
            rest.strip_prefix('_').filter(|digits| digits.bytes().all(|c| c.is_ascii_digit()))?.parse().ok()
        };
        let mut numbers: Vec<u64> = file.tensors().keys().filter_map(number).collect();
        numbers.sort_unstable();
        Self { word, numbers: numbers.into_iter(), last: None }
    }

    /// The name of the next one. After the last one of the file the numbering continues, so that a missing layer has a
    /// name.
    fn next(&mut self) -> String {
        let number = self.numbers.next().unwrap_or_else(|| self.last.map_or(0, |last| last.saturating_add(1)));
        self.last = Some(number);
        if number == 0 { self.word.into() } else { format!("{}_{number}", self.word) }
    }
}
