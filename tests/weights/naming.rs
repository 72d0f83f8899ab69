//! Naming conventions against the layers of the reference implementations, in order of creation.

use super::files::{bytes, hollow};
use faceprobe_core::backbone::{self, weights};
use std::collections::BTreeMap;

/// Canonical layer and the foreign layer for it, for each network and convention.
type Listed = BTreeMap<String, BTreeMap<String, Vec<(String, String)>>>;

fn listed() -> Listed {
    serde_json::from_slice(&bytes("names.json")).unwrap()
}

/// The foreign tensors of a network by a convention: parameter, its tensor and the tensor's shape. Keras leaves gamma
/// out in InceptionResNetV2.
fn foreign(network: &str, convention: &str, layers: &[(String, String)]) -> Vec<(String, Option<String>, Vec<usize>)> {
    let layers: BTreeMap<&str, &str> = layers.iter().map(|(own, foreign)| (own.as_str(), foreign.as_str())).collect();
    let without_gamma = network == "inception-resnet-v2";
    let place = |part: &str, norm: bool| match part {
        "weight" => (!(norm && without_gamma)).then_some(0),
        "bias" => Some(usize::from(!(norm && without_gamma))),
        "running_mean" => Some(2 - usize::from(without_gamma)),
        _ => Some(3 - usize::from(without_gamma)),
    };
    let parameters = backbone::find(network).unwrap().parameters();
    let names: Vec<String> = parameters.iter().map(|(name, _)| name.clone()).collect();
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let (layer, part) = name.rsplit_once('.').unwrap();
        let foreign = layers[layer];
        if convention == "timm" {
            return (name.clone(), Some(format!("{foreign}.{part}")), shape);
        }
        let norm = names.contains(&format!("{layer}.running_mean"));
        let shape = match *shape.as_slice() {
            [out, 1, rows, columns] if out > 1 => vec![rows, columns, out, 1],
            [out, input, rows, columns] => vec![rows, columns, input, out],
            _ => shape,
        };
        (name.clone(), place(part, norm).map(|place| format!("{foreign}/{place}")), shape)
    };
    parameters.into_iter().map(tensor).collect()
}

#[test]
fn every_parameter_comes_from_the_layer_that_the_reference_implementation_made_for_it() {
    let mut seen = 0;
    for (network, conventions) in &listed() {
        for (convention, layers) in conventions {
            let wanted = foreign(network, convention, layers);
            let tensors: Vec<_> =
                wanted.iter().filter_map(|(_, tensor, shape)| Some((tensor.clone()?, shape.clone()))).collect();
            let found = weights::origins(network, &hollow(&tensors));
            let wanted: Vec<_> = wanted.into_iter().map(|(name, tensor, _)| (name, tensor)).collect();
            assert_eq!(found.unwrap(), wanted, "{network} {convention}");
            seen += 1;
        }
    }
    assert_eq!(seen, 7);
}

#[test]
fn canonical_names_are_taken_with_wrappers_classifiers_and_counters_around_them() {
    for info in backbone::registry() {
        let parameters = info.parameters();
        for wrapper in ["", "module.", "model.module."] {
            let mut tensors: Vec<_> =
                parameters.iter().map(|(name, shape)| (format!("{wrapper}{name}"), shape.clone())).collect();
            for extra in ["classifier.1.weight", "fc.bias", "anything.num_batches_tracked"] {
                tensors.push((format!("{wrapper}{extra}"), vec![3]));
            }
            let origins = weights::origins(info.name, &hollow(&tensors)).unwrap();
            let expected = parameters.iter().map(|(name, _)| (name.clone(), Some(format!("{wrapper}{name}"))));
            assert_eq!(origins, expected.collect::<Vec<_>>(), "{}", info.name);
        }
    }
}

#[test]
fn missing_left_over_and_misshapen_tensors_are_reported_exactly() {
    let whole: Vec<_> = backbone::find("vgg16").unwrap().parameters();
    let refused = |tensors: &[(String, Vec<usize>)]| weights::origins("vgg16", &hollow(tensors)).unwrap_err();

    let mut tensors = whole.clone();
    let gone = tensors.remove(3);
    assert_eq!(gone.0, "features.2.bias");
    assert_eq!(refused(&tensors), "by the names of torchvision it has 1 tensor missing: features.2.bias");
    tensors.push(("features.30.weight".into(), vec![1]));
    assert!(refused(&tensors).ends_with("; 1 tensor left over: features.30.weight"));

    let mut tensors = whole.clone();
    tensors[0].1 = vec![3, 3, 3, 64];
    assert_eq!(
        refused(&tensors),
        "by the names of torchvision it has `features.0.weight` has the shape [3, 3, 3, 64] instead of [64, 3, 3, 3]"
    );

    // A session's count that ends too soon, in Keras' own words.
    let layers = &listed()["inception-resnet-v2"]["keras"];
    let tensors = foreign("inception-resnet-v2", "keras", layers);
    let mut tensors: Vec<_> = tensors.into_iter().filter_map(|(_, tensor, shape)| Some((tensor?, shape))).collect();
    let last = layers.iter().rev().find(|(_, layer)| layer.starts_with("conv2d_")).unwrap().1.clone();
    tensors.retain(|(name, _)| *name != format!("{last}/0"));
    let reason = weights::origins("inception-resnet-v2", &hollow(&tensors)).unwrap_err();
    assert_eq!(reason, format!("by the names of Keras it has 1 tensor missing: {last}/0"));

    let foreign = [("roi_heads.box.weight".to_owned(), vec![2])];
    assert!(refused(&foreign).contains("none of its 1 tensors is named as those of VGG16: roi_heads.box.weight"));
}
