//! The pretraining data of a network, which decides much of what its features can tell.

use serde::{Deserialize, Serialize};

/// What the weights of a network were trained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TrainedOn {
    /// ImageNet: photographs of a thousand kinds of objects.
    ImageNet,
    /// Photographs of faces.
    Faces,
    /// Photographs with texts from the web.
    #[serde(rename = "images-with-text")]
    Texts,
    /// Photographs without any label.
    #[serde(rename = "self-supervised")]
    SelfSupervised,
    /// A user-supplied file: unknown.
    Own,
}

impl TrainedOn {
    /// The name in tables and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageNet => "imagenet",
            Self::Faces => "faces",
            Self::Texts => "images-with-text",
            Self::SelfSupervised => "self-supervised",
            Self::Own => "own",
        }
    }

    /// The name in text.
    pub fn title(self) -> &'static str {
        match self {
            Self::ImageNet => "ImageNet",
            Self::Faces => "faces",
            Self::Texts => "images with text",
            Self::SelfSupervised => "self-supervised",
            Self::Own => "your own choice",
        }
    }

    /// The remark on results of such a network, where they must not be compared with those of ImageNet networks.
    pub fn remark(self) -> Option<&'static str> {
        match self {
            Self::Faces => Some("face-pretrained"),
            Self::Texts => Some("trained on images with text"),
            Self::SelfSupervised => Some("self-supervised"),
            Self::ImageNet | Self::Own => None,
        }
    }

    /// The full sentence for [`TrainedOn::remark`].
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
