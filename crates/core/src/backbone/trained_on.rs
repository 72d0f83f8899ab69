//! What a network has seen before a study begins, which is half of what its features can tell.

use serde::{Deserialize, Serialize};

/// What the weights of a network were trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainedOn {
    /// ImageNet's photographs of a thousand kinds of things.
    ImageNet,
    /// Photographs of faces.
    Faces,
    /// Photographs with the texts that stood beside them.
    #[serde(rename = "images-with-text")]
    Texts,
    /// Photographs without any label.
    #[serde(rename = "self-supervised")]
    SelfSupervised,
    /// A file of the user's, of which only they know.
    Own,
}

impl TrainedOn {
    /// As tables and JSON have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageNet => "imagenet",
            Self::Faces => "faces",
            Self::Texts => "images-with-text",
            Self::SelfSupervised => "self-supervised",
            Self::Own => "own",
        }
    }

    /// As people write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::ImageNet => "ImageNet",
            Self::Faces => "faces",
            Self::Texts => "images with text",
            Self::SelfSupervised => "self-supervised",
            Self::Own => "your own choice",
        }
    }

    /// How a figure of such a network is named, where it must not be taken for one of a network trained on ImageNet.
    pub fn remark(self) -> Option<&'static str> {
        match self {
            Self::Faces => Some("face-pretrained"),
            Self::Texts => Some("trained on images with text"),
            Self::SelfSupervised => Some("self-supervised"),
            Self::ImageNet | Self::Own => None,
        }
    }

    /// The sentence that goes with [`TrainedOn::remark`].
    pub fn explained(self) -> Option<&'static str> {
        match self {
            Self::Faces => Some(
                "face-pretrained: the network was trained on millions of photographs of faces, with gender labels among its \
                 tasks, so its figures do not say how well features of ImageNet transfer",
            ),
            Self::Texts => Some(
                "trained on images with text: the network saw hundreds of millions of pictures from the web with their \
                 captions, which name people's gender, so its figures do not say how well features of ImageNet transfer",
            ),
            Self::SelfSupervised => Some(
                "self-supervised: the network saw many more pictures than ImageNet's and none of their labels, so its figures \
                 do not say how well features of ImageNet transfer",
            ),
            Self::ImageNet | Self::Own => None,
        }
    }
}
