//! Every stage of every network, with generated weights.

use crate::{fixture, formula, largest_relative_difference, patterns};
use faceprobe_engine::backbone::{self, Arithmetic, Network, StageInfo};
use serde::Deserialize;
use std::collections::BTreeMap;
use tch::{Device, Kind, Tensor};

#[derive(Deserialize)]
struct Reference {
    pixel_sums: Vec<u64>,
    stages: BTreeMap<String, Stage>,
}

#[derive(Deserialize)]
struct Stage {
    /// `[N, H, W, C]`; of tokens `[N, T, 1, C]`.
    shape: Vec<i64>,
    mean: f64,
    std: f64,
    values: Vec<f64>,
}

/// `places` of the fixture script.
fn places(shape: &[i64]) -> Vec<i64> {
    let &[count, height, width, channels] = shape else { panic!("{shape:?}") };
    let mut places = Vec::new();
    for y in [0, height - 1] {
        for x in [0, width - 1] {
            places.extend([0, channels - 1].map(|c| (y * width + x) * channels + c));
        }
    }
    let total = count * height * width * channels;
    places.extend((0..16).map(|k| (2 * k + 1) * total / 32 + 7 * k));
    places
}

/// Compares all stages of a network with a fixture; the first that parts from it is named. Both are shown the same
/// bytes, so the network's normalisation of pixels is compared as well.
fn agrees(name: &str, framework: &str, gammas: bool) {
    let info = backbone::find(name).unwrap();
    let parameters = formula::parameters(info, gammas);
    let network = Network::from_parameters(info, parameters, Device::Cpu, Arithmetic::F32).unwrap();
    stages_agree(&network, framework);
}

/// [`agrees`] for a network on whatever weights.
pub fn stages_agree(network: &Network, framework: &str) {
    let info = network.info();
    let name = info.name;
    let reference = format!("parity_{}-{framework}.json", name.trim_end_matches(&format!("-{framework}")));
    let text = std::fs::read_to_string(fixture(&reference)).unwrap();
    let reference: Reference = serde_json::from_str(&text).unwrap();
    let pictures = [0, 1].map(|number| patterns::picture(number, info.input as u32, info.input as u32));
    let sums = pictures.each_ref().map(|picture| picture.rgb().iter().map(|&value| u64::from(value)).sum::<u64>());
    assert_eq!(sums.as_slice(), reference.pixel_sums, "the pictures of this test are not those of the script");

    let mut seen = Vec::new();
    let mut worst = (0.0, String::new());
    network
        .forward_watched(&network.input(&pictures).unwrap(), &mut |stage, output| {
            let expected = &reference.stages[stage];
            // Tokens are one row for each.
            let class_token = output.dim() == 3;
            let output = if class_token { output.unsqueeze(2) } else { output.permute([0, 2, 3, 1]) };
            let output = output.to_kind(Kind::Double).contiguous();
            assert_eq!(output.size(), expected.shape, "{name} {stage}");
            let [_, rows, _, channels] = output.size()[..] else { panic!("{name} {stage}") };
            let side = if class_token { (rows - 1).isqrt() } else { rows };
            seen.push(StageInfo { name: stage.into(), channels: channels as usize, side: side as usize, class_token });
            let flat = output.view([-1]);
            let values = flat.index_select(0, &Tensor::from_slice(&places(&expected.shape)));
            let mut values = Vec::<f64>::try_from(values).unwrap();
            let mut known = expected.values.clone();
            values.push(flat.mean(None).double_value(&[]));
            known.push(expected.mean);
            values.push(flat.std(false).double_value(&[]));
            known.push(expected.std);
            let difference = largest_relative_difference(&values, &known, expected.std);
            assert!(difference < 1e-4, "{name} parts from {framework} in {stage}: {difference:.2e}");
            if difference > worst.0 {
                worst = (difference, stage.to_owned());
            }
        })
        .unwrap();
    // What the registry says without weights is what the network does, and nothing of the reference was left out.
    assert_eq!(seen, info.stages(), "{name}");
    assert_eq!(seen.len(), reference.stages.len(), "{name}");
    assert_eq!(info.features, seen.last().unwrap().channels, "{name}");
    assert_eq!(info.input, info.preprocessing.size, "{name}");
    println!("{name} against {framework}: largest relative difference {:.1e}, in {}", worst.0, worst.1);
}

#[test]
fn mobilenet_v1_is_that_of_keras() {
    agrees("mobilenet-v1-vggface2", "keras", true);
}

#[test]
fn xception_is_that_of_keras() {
    agrees("xception", "keras", true);
}

#[test]
fn resnet_50_is_that_of_torchvision() {
    agrees("resnet-50", "torchvision", true);
}

#[test]
fn vit_small_14_is_that_of_timm() {
    agrees("vit-small-14", "timm", true);
}

#[test]
fn convnext_tiny_is_that_of_torchvision() {
    agrees("convnext-tiny", "torchvision", true);
}

#[test]
fn vit_b_32_is_that_of_timm() {
    agrees("vit-b-32", "timm", true);
}

#[test]
fn vgg16_is_that_of_keras() {
    agrees("vgg16", "keras", true);
}

#[test]
fn vgg16_is_that_of_torchvision() {
    agrees("vgg16-torchvision", "torchvision", true);
}

#[test]
fn mobilenet_v2_is_that_of_torchvision() {
    agrees("mobilenet-v2", "torchvision", true);
}

#[test]
fn mobilenet_v2_is_that_of_keras() {
    agrees("mobilenet-v2-keras", "keras", true);
}

#[test]
fn inception_resnet_v2_is_that_of_keras() {
    agrees("inception-resnet-v2", "keras", false);
}

#[test]
fn inception_resnet_v2_is_that_of_timm() {
    agrees("inception-resnet-v2", "timm", true);
}

#[test]
fn efficientnet_lite0_is_that_of_timm() {
    agrees("efficientnet-lite0", "timm", true);
}

#[test]
fn efficientnet_lite2_is_that_of_timm() {
    agrees("efficientnet-lite2", "timm", true);
}

#[test]
fn parameters_that_do_not_fit_are_named() {
    let info = backbone::find("mobilenet-v2").unwrap();
    let refusal = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
        let mut parameters = formula::parameters(info, true);
        change(&mut parameters);
        Network::from_parameters(info, parameters, Device::Cpu, Arithmetic::F32)
            .err()
            .expect("it was taken")
            .to_string()
    };
    let name = "features.18.0.weight";
    assert_eq!(refusal(&|all| drop(all.remove(name))), format!("MobileNetV2 lacks its `{name}`."));
    let left_over =
        refusal(&|all| drop(all.insert("classifier.1.bias".into(), Tensor::zeros([1000], (Kind::Float, Device::Cpu)))));
    assert_eq!(left_over, "MobileNetV2 has no `classifier.1.bias`.");
    let reshaped =
        refusal(&|all| drop(all.insert(name.into(), Tensor::zeros([320, 1280, 1, 1], (Kind::Float, Device::Cpu)))));
    assert_eq!(reshaped, format!("`{name}` of MobileNetV2 is [320, 1280, 1, 1] instead of [1280, 320, 1, 1]."));
    let double =
        refusal(&|all| drop(all.insert(name.into(), Tensor::zeros([1280, 320, 1, 1], (Kind::Double, Device::Cpu)))));
    assert!(double.contains(name) && double.contains("32-bit"), "{double}");
}
