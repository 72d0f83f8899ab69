//! The weights of the face detector: three small networks, stored and fetched together like those of a backbone. The
//! detector itself is in the engine's `face`.

use super::{Architecture, BackboneInfo, TrainedOn};
use crate::backbone::weights::{Names, Source};
use crate::imaging::Preprocessing;

/// `mtcnn`: not in the registry of backbones, since it gives no features.
pub static MTCNN: BackboneInfo = BackboneInfo {
    name: "mtcnn",
    title: "MTCNN (face detector)",
    input: 0,
    preprocessing: Preprocessing::default_mode(0, [127.5; 3], [128.0; 3]),
    features: 0,
    trained_on: TrainedOn::Faces,
    head: None,
    licence: "MIT",
    reference: "Zhang et al., IEEE Signal Processing Letters, 2016; facenet-pytorch 2.6.0 (Tim Esler), whose weights are \
                those of David Sandberg's facenet",
    sources: &[Source::PipParts {
        requirement: "facenet-pytorch==2.6.0",
        sha256: "ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca",
        parts: &[
            ("pnet", "facenet_pytorch/data/pnet.pt"),
            ("rnet", "facenet_pytorch/data/rnet.pt"),
            ("onet", "facenet_pytorch/data/onet.pt"),
        ],
    }],
    names: &[Names::Canonical("facenet-pytorch")],
    architecture: Architecture::Parts(parameters),
};

/// Names and shapes as in the state dictionary of facenet-pytorch's `MTCNN`.
fn parameters() -> Vec<(String, Vec<usize>)> {
    const CONVOLUTIONS: [(&str, usize, usize, &[usize]); 10] = [
        ("pnet", 1, 10, &[3, 3, 3]),
        ("pnet", 2, 16, &[10, 3, 3]),
        ("pnet", 3, 32, &[16, 3, 3]),
        ("rnet", 1, 28, &[3, 3, 3]),
        ("rnet", 2, 48, &[28, 3, 3]),
        ("rnet", 3, 64, &[48, 2, 2]),
        ("onet", 1, 32, &[3, 3, 3]),
        ("onet", 2, 64, &[32, 3, 3]),
        ("onet", 3, 64, &[64, 3, 3]),
        ("onet", 4, 128, &[64, 2, 2]),
    ];
    /// Sequences of layers, except convolution and PReLU.
    const ENDS: [(&str, &str, usize, &[usize]); 9] = [
        ("pnet", "conv4_1", 2, &[32, 1, 1]),
        ("pnet", "conv4_2", 4, &[32, 1, 1]),
        ("rnet", "dense4", 128, &[576]),
        ("rnet", "dense5_1", 2, &[128]),
        ("rnet", "dense5_2", 4, &[128]),
        ("onet", "dense5", 256, &[1152]),
        ("onet", "dense6_1", 2, &[256]),
        ("onet", "dense6_2", 4, &[256]),
        ("onet", "dense6_3", 10, &[256]),
    ];
    let mut list = Vec::new();
    let mut layer = |net: &str, name: String, output: usize, rest: &[usize]| {
        list.push((format!("{net}.{name}.weight"), [&[output], rest].concat()));
        list.push((format!("{net}.{name}.bias"), vec![output]));
    };
    CONVOLUTIONS.iter().for_each(|(net, number, output, rest)| layer(net, format!("conv{number}"), *output, rest));
    ENDS.iter().for_each(|(net, name, output, rest)| layer(net, (*name).to_owned(), *output, rest));
    let slopes = CONVOLUTIONS.iter().map(|(net, number, output, _)| (*net, *number, *output));
    for (net, number, output) in slopes.chain([("rnet", 4, 128), ("onet", 5, 256)]) {
        list.push((format!("{net}.prelu{number}.weight"), vec![output]));
    }
    list.sort();
    list
}
